"""The rules: one module each, whose name is the rule's id and whose docstring explains it.

A module has, beside its docstring:

- `subjects(sources)`: the paths to check: files, packages, or "." for the repository. A rule
  without subjects does not pass, it reports that there is nothing to check.
- `check(sources, subject)`: yields the findings at one of them.
- `OPTIONAL`, if few repositories have subjects: a run of several rules then does not report that
  there is nothing to check.

A docstring is a summary line, then what counts, with a line for each id that it finds besides its
own name (`declared.unused`), then paragraphs that start with `Why:` and `Fix:`, then two examples,
`Passes::` and `Fails::`. `monorepo explain` prints it on one screen: 40 lines of 100 characters.
"""
