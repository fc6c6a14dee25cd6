"""The rules: one module each, whose name is the rule's id and whose docstring explains it.

A module has, beside its docstring:

- `subjects(sources)`: what it looks at, by path: files, packages, or "." for the repository. A rule
  that has nothing to look at does not pass, it says so.
- `check(sources, subject)`: yields what is wrong there.
- `OPTIONAL`, if it is about what few repositories have: a run of several rules says nothing when
  there is nothing to look at.

A docstring is one line that says what the rule holds, then paragraphs that start with `Why:` and
`Fix:`, then two examples, `Passes::` and `Fails::`. `monorepo explain` prints it.
"""
