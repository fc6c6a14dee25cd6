"""Git ignores no file that the code needs, and tracks none that is generated or secret.

- `ignored.source`: git ignores a source file of a package (in `src`, `tests`, `scripts`), a text
  in its `src` that is data (.json, .sql, .txt, .yaml, …), a manifest or a lock.
- `ignored.made`: a file is tracked that a tool makes: environments, caches, `node_modules`,
  `.coverage`, `*.pyc`, `dist` and `coverage` of a package, and what .gitignore says besides.
- `ignored.secret`: a file is tracked that is secret, or of one machine: `.env`, `.env.prod`, keys
  of SSH, key stores, `.netrc`, `.pypirc`, `*.tfstate`. Samples are fine: a name with `example`,
  `sample`, `template`, `dist`, `defaults` or `schema` in it, such as `.env.e2e.example`.
- `ignored.comment`: a comment behind a pattern in .gitignore, which is part of the pattern.

Why: an ignored source file works on one machine only; a secret that was committed once stays
public.

Fix: write patterns that begin at the root (`/*/*/*/build/`), and comments on lines of their own.
`git rm --cached FILE` has git forget a file; a secret that was pushed has to be replaced.

Passes::

    # Build output
    /*/*/*/build/

Fails::

    build/
    dist/  # build output
"""

import re
from collections.abc import Iterator, Sequence

from monorepo.core.languages import BY_MANIFEST
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources
from monorepo.parsing import javascript

_MADE = re.compile(
    r"(.*/)?(node_modules|__pycache__|[^/]+\.egg-info|\.(venv|nox|tox|hypothesis|[a-z]+_cache|turbo"
    r"|next|nuxt|svelte-kit|parcel-cache|ipynb_checkpoints|terraform))(/.*)?"
    r"|(.*/)?(venv|htmlcov)/.*|.*\.(py[co]|tsbuildinfo|swp|rej)"
    r"|(.*/)?(\.coverage(\.[^/]*)?|\.DS_Store|Thumbs\.db|\.eslintcache|(npm|yarn|pnpm)-[^/]*\.log)"
)
_SECRET = re.compile(
    r"(.*/)?(\.env(\.[^/]*)?|id_(rsa|dsa|ecdsa|ed25519)|\.(netrc|pypirc|git-credentials|htpasswd)"
    r"|[^/]+\.(p12|pfx|jks|keystore|kdbx|ppk|tfstate))"
)
_SAMPLE = re.compile(r"[._-](example|sample|template|dist|defaults|schema)([._-]|$)")
# What the package managers, compilers and test runners of a package write into its folder.
_OUTPUT = ("dist/", "coverage/")
_COMMENT = re.compile(r"(\s*[^#\s].*?[^\\\s])\s+(#.*)")
_SOURCES = (".py", ".pyi", ".sh", ".sql", ".toml", ".yaml", ".vue", ".svelte", *javascript.SUFFIXES)
_DATA = {".json", ".yml", ".txt", ".csv", ".tsv", ".xml", ".html", ".css", ".md", ".ini", ".cfg"}
_DATA |= {".graphql", ".proto", ".jinja", ".j2", ".tmpl", ".mako", ".edn", ".typed", ".ipynb"}
_NEEDED = {*BY_MANIFEST, "Makefile", "noxfile.py", "constraints.txt", "pnpm-lock.yaml", "uv.lock"}
# Of more files, one pattern is the cause.
_MANY = 10
_LEVELS = ("src", "tests", "scripts")


def subjects(sources: Sources) -> Sequence[str]:
    """Return the repository, if it is one of git."""
    return ["."] if sources.ignored is not None else []


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Look at what git tracks, at what it ignores, and at the patterns for it."""
    ignored = {*(sources.ignored or ())}
    needed = {*_lost(sources, ignored)}
    for path in sources.files:
        name = path.rpartition("/")[2]
        kind = _kind(sources, path)
        # One of these keeps a folder whose files are not tracked.
        is_kept = name in (".gitignore", ".gitkeep")
        if path in ignored - needed and not (is_kept or _SAMPLE.search(name)):
            kind = kind or "made"
        if kind:
            what = "is made by a tool" if kind == "made" else "is secret, or of one machine"
            advice = "remove it from git with git rm --cached, and ignore it"
            yield Finding(path, 0, f"ignored.{kind}", what, advice)
        elif name == ".gitignore":
            yield from _comments(sources, path)
    lost: dict[str, list[str]] = {}
    for path in sorted(needed):
        owner = sources.package_of(path)
        lost.setdefault(owner.path if owner else path, []).append(path)
    advice = "make the pattern in .gitignore narrower; git check-ignore -v names it"
    for package, paths in lost.items():
        if len(paths) > _MANY:
            message = f"git ignores {len(paths)} source files of it, such as {paths[0]}"
            yield Finding(package, 0, "ignored.source", message, advice)
            continue
        for path in paths:
            yield Finding(path, 0, "ignored.source", "is a source file that git ignores", advice)


def _kind(sources: Sources, path: str) -> str:
    """Return why no repository may have a file: `made` or `secret`; "" if it may."""
    package = sources.package_of(path)
    if _MADE.fullmatch(path) or (
        package and path.removeprefix(f"{package.path}/").startswith(_OUTPUT)
    ):
        return "made"
    is_sample = _SAMPLE.search(path.rpartition("/")[2])
    return "secret" if _SECRET.fullmatch(path) and not is_sample else ""


def _comments(sources: Sources, path: str) -> Iterator[Finding]:
    """Yield a finding for each pattern that its comment is part of."""
    for number, line in enumerate((sources.text(path) or "").splitlines(), start=1):
        if found := _COMMENT.fullmatch(line):
            message = "the comment is part of the pattern, which matches nothing"
            advice = "give the comment a line of its own"
            lines = (found[2], found[1])
            yield Finding(path, number, "ignored.comment", message, advice, lines=lines)


def _lost(sources: Sources, ignored: set[str]) -> Iterator[str]:
    """Yield the files that git ignores and others need."""
    for top in ignored:
        if _MADE.fullmatch(top.rstrip("/")):
            continue
        folder = sources.root / top
        files = (one for one in folder.rglob("*") if one.is_file()) if top.endswith("/") else ()
        for path in [one.relative_to(sources.root).as_posix() for one in files] or [top]:
            package = sources.package_of(path)
            inner = path.removeprefix(f"{package.path}/") if package else ""
            level, _, rest = inner.partition("/")
            wanted = (*_SOURCES, *(_DATA if level == "src" else ()))
            needed = path in _NEEDED or inner in _NEEDED
            is_lost = needed or (level in _LEVELS and rest.endswith(wanted))
            if is_lost and not _kind(sources, path):
                yield path
