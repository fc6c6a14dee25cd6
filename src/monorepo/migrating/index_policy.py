"""Which index is asked for which names: [tool.monorepo.indexes] in place of index options.

pip asks all its indexes for all names, and takes the highest version that any of them has. Here an
index is asked for the names alone that are written beside it. Which names come from an index, a
requirements file does not say; two things do: a local version (`torch==2.7.1+cpu`), and an address
of PyTorch, which has builds of known names.
"""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit, urlunsplit

from packaging.version import InvalidVersion, Version

from monorepo.migrating.pins import pinned
from monorepo.migrating.requirements_files import File, Line, Status, mask
from monorepo.programs.indexes import Index, owner, url_mistake

_PYPI = ("pypi.org", "pypi.python.org")
_PYTORCH = "download.pytorch.org"
_BUILDS = frozenset({"torch", "torchaudio", "torchdata", "torchtext", "torchvision", "triton"})
HASHED = "make lock records the hashes of every pin in tools/hashes.txt"
_POLICY = {
    "--hash": (Status.CHANGED, HASHED),
    "--require-hashes": (Status.KEPT, "it is always so here"),
    "--no-require-hashes": (Status.SUSPICIOUS, "not kept: hashes are always required here"),
    "--only-binary": (Status.KEPT, "it is always so here"),
    "--prefer-binary": (Status.KEPT, "it is always so here"),
    "--trusted-host": (Status.SUSPICIOUS, "not kept: certificates are checked"),
    "--no-binary": (
        Status.SUSPICIOUS,
        "not kept; list the names in build-from-source of [tool.monorepo]",
    ),
    "--find-links": (Status.SUSPICIOUS, "not kept; files come from an index here"),
    "--no-index": (Status.SUSPICIOUS, "not kept; make vendor gives installs without an index"),
    "--config-settings": (Status.SUSPICIOUS, "not kept; builds have no settings here"),
    "--use-feature": (Status.CHANGED, "not kept: it is about pip, and changes no version"),
    "--only-final": (Status.SUSPICIOUS, "not kept; a range says which versions it allows"),
    "--pre": (Status.SUSPICIOUS, "not kept: a pin allows its own version, a range must say it"),
    "--all-releases": (Status.SUSPICIOUS, "not kept: a range must say which versions it allows"),
    "--build-constraint": (Status.SUSPICIOUS, "not kept: make lock pins what builds require"),
}


def choose(files: Iterable[File], have: Sequence[Index]) -> list[Index]:
    """Return the indexes to write, and note on the lines of options what becomes of them.

    Args:
        files: the files.
        have: the indexes of the settings.
    """
    lines = [line for file in files for line in file.lines]
    for line in lines:
        for name in dict.fromkeys(name for name, _ in line.settings):
            if name in _POLICY and line.status is not Status.UNKNOWN:
                line.becomes(*_POLICY[name])
    asked = [line for line in lines if line.requirement]
    found = list[Index]()
    rest = [line for line in asked if _local(line) and not owner(line.name, have)]
    for line in lines:
        for name, value in line.settings:
            if name in ("--index-url", "--extra-index-url") and not line.requirement:
                if mistake := _mistake(_bare(value)):
                    line.becomes(Status.UNKNOWN, mistake)
                    continue
                index = _index(value, asked, [*have, *found])
                _note(line, value, index, is_usual=name == "--index-url")
                if index and index.patterns:
                    found.append(index)
                    rest = [one for one in rest if one.name not in index.patterns]
                    _note_builds(asked, index)
    for line in rest:
        advice = "name one in [tool.monorepo.indexes], or make lock finds no such version"
        why = f"no index of the files has builds of this local version; {advice}"
        line.becomes(Status.SUSPICIOUS, why)
    return _merged(found)


def _note_builds(asked: Iterable[Line], index: Index) -> None:
    """Note on the pins that would take any build that only the index keeps others away."""
    build = index.url.rpartition("/")[2]
    for line in asked:
        version = pinned(line.requirement) if line.requirement else ""
        if line.name in index.patterns and version and not _local(line):
            advice = f"write =={version}+{build}, which no other index has"
            line.becomes(Status.SUSPICIOUS, f"takes any build of this version; {advice}")


def is_left_out(line: Line) -> bool:
    """Return whether a line names an index, not PyPI, that is asked for no names."""
    options = {name for name, _ in line.settings} & {"--index-url", "--extra-index-url"}
    return bool(options) and line.status in (Status.SUSPICIOUS, Status.UNKNOWN) and not line.to


def _mistake(url: str) -> str:
    """Return why the address of an index, without credentials, cannot be written; "" if it can."""
    if "${" in url:
        return "depends on a variable of the environment; write what it stands for"
    if mask(url) != url:
        advice = "ask the index for an address that takes a password, and name that"
        return f"has a secret in its path, which a commit would publish; {advice}"
    return url_mistake(url)


def _note(line: Line, url: str, index: Index | None, *, is_usual: bool) -> None:
    """Note what becomes of the option of an index; None for PyPI."""
    if index is None:
        line.becomes(Status.KEPT, "PyPI is the usual index")
        return
    table = f"[tool.monorepo.indexes.{index.name}]"
    if index.patterns:
        line.becomes(Status.CHANGED, f"asked for {', '.join(index.patterns)} alone", table)
        if "@" in url:
            start = f"UV_INDEX_{index.name.upper().replace('-', '_')}_"
            line.becomes(Status.CHANGED, f"set {start}USERNAME and {start}PASSWORD for it")
    elif is_usual:
        why = "not kept: the usual index is a setting of each machine, UV_DEFAULT_INDEX"
        line.becomes(Status.SUSPICIOUS, why)
    else:
        why = f"not kept: no line says which names it has; write those in {table}"
        line.becomes(Status.SUSPICIOUS, why)


def _index(url: str, asked: Sequence[Line], taken: Sequence[Index]) -> Index | None:
    """Return an index without credentials and the names that it is asked for; None for PyPI."""
    parts = urlsplit(url.rstrip("/"))
    host = parts.hostname or ""
    if host in _PYPI:
        return None
    bare = _bare(url)
    others = [index for index in taken if index.url != bare]
    build = parts.path.rpartition("/")[2]
    names = {line.name for line in asked if build and _local(line) == build}
    if host == _PYTORCH:
        names |= {line.name for line in asked if _local(line) in ("", build)} & _BUILDS
        # The others require it, and another index has one for GPUs.
        names |= {"torch"} if names else set()
    names = {name for name in names if not owner(name, others)}
    words = [*re.findall(r"[a-z0-9]+", host)[-2:-1], *re.findall(r"[a-z0-9]+", build.lower())]
    name = "-".join(word for word in words if word != "simple").lstrip("0123456789-") or "other"
    while name in [index.name for index in others]:
        name += "-2"
    return Index(name, bare, tuple(sorted(names)), host == _PYTORCH)


def _bare(url: str) -> str:
    """Return the address of an index without credentials; as it is, if it is no address."""
    try:
        parts = urlsplit(url.rstrip("/"))
    except ValueError:
        return url
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _merged(indexes: Iterable[Index]) -> list[Index]:
    """Return each index once, whichever files name it."""
    found: dict[str, Index] = {}
    for index in indexes:
        found.setdefault(index.url, index)
    return list(found.values())


def _local(line: Line) -> str:
    """Return the local part of the version that a line pins, such as `cpu`; "" for none."""
    for clause in line.requirement.specifier if line.requirement else ():
        try:
            if clause.operator in ("==", "===") and (local := Version(clause.version).local):
                return local
        except InvalidVersion:
            continue
    return ""
