"""No package installs, constrains or includes by a path outside itself.

Why: files of another package change independently of this one. A package declares its own
dependencies, and requires shared packages by name and extra; only the root's constraints.txt is
shared. A uv project has the internal packages of its closure by path, as `make lock` writes them.

Fix: declare the dependencies of this package here, and other packages as `acme-core[extra]`.

Passes::

    -c ../../../constraints.txt

Fails::

    -r ../../../shared/py/core/requirements.txt
"""

import configparser
import json
import os
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import unquote

from monorepo.core.hashes import PINS
from monorepo.core.workspace import NODE_GROUPS, ROOT_MANIFEST, toml
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources, line_of
from monorepo.locking import projects
from monorepo.parsing import data_formats, requirements_txt, shell_commands
from monorepo.templating.sub_templates import TEAMS

# Code, and what is no text.
_SKIPPED = re.compile(
    r"\.(py|pyi|[cm]?[jt]sx?|css|html|svg|png|jpe?g|gif|ico|pdf|woff2?|gz|zip|whl|ipynb|csv|jsonl)$"
)
_TOML = re.compile(r"\.toml$|(^|/)(Pipfile|(uv|poetry|pdm|pixi)\.lock)$")
_LISTS = re.compile(r"(^|-)(dependencies|packages)$|^(requires|dependency-groups|deps)$")
_TABLES = re.compile(rf"{_LISTS.pattern}|^sources?$")
_PLACES = {"path", "file", "editable", "directory", "url", "virtual"}
_CFG_LISTS = re.compile(r"(^|_)(requires?|deps)$|^dependencies$")
# What stands for the folder of the file itself.
_HERE = re.compile(
    r"(file://)?/?(\$\{PROJECT_ROOT\}|\{root:uri\}|\{(tox|config)_?(ini)?_?(dir|root)\})/?"
)

Place = tuple[int, str, str]


def subjects(sources: Sources) -> Sequence[str]:
    """Return the files that are no code."""
    return [path for path in sources.looked_at if not _SKIPPED.search(path)]


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Follow each path that an installer would follow."""
    for line, kind, value in sources.kept.of(subject, "places", partial(_places, sources)) or ():
        if leads_out(sources, subject, kind, value) and not _is_source(sources, subject, value):
            message = f"{value} leads out of {_home(sources, subject) or 'the repository'}"
            advice = "declare what is needed here, other packages by name and extra"
            yield Finding(subject, line, "includes", message, advice)


def _is_source(sources: Sources, subject: str, value: str) -> bool:
    """Return whether a file of a uv project names an internal package of its closure by path."""
    folder, _, name = subject.rpartition("/")
    project = sources.space.projects.get(folder)
    if not project or name not in (ROOT_MANIFEST, projects.LOCK):
        return False
    return posixpath.normpath(posixpath.join(folder, value)) in projects.closure(
        sources.space, project
    )


def _places(sources: Sources, path: str) -> list[list[object]] | None:
    """Return the line, the kind and the value of each place that a file names."""
    reader = next((one for names, one in _READERS.items() if names.search(path)), _other)
    text = sources.peek(path) if reader is _other else sources.text(path)
    if text is None:
        return [] if path not in sources.notes else None
    try:
        places = [list(one) for one in reader(path, text)]
    except (ValueError, configparser.Error, RecursionError):
        # A sub-template becomes TOML or JSON when it is rendered.
        if not path.startswith(f"{TEAMS}/") and path not in sources.notes:
            sources.note(path, "is malformed")
        return None
    if places and reader is _other and (sources.root / path).is_symlink():
        places.append([0, "include", os.readlink(sources.root / path)])
    return places


def _home(sources: Sources, path: str) -> str:
    """Return the folder that a file must not lead out of; "" for the repository."""
    parts = path.split("/")
    if path.startswith(f"{TEAMS}/") and len(parts) > 4:
        return "/".join(parts[:4])
    package = sources.package_of(path)
    return package.path if package else ""


def leads_out(sources: Sources, subject: str, kind: str, value: str) -> bool:
    """Return whether a value in a file leads out of the file's package."""
    value = _HERE.sub("./", value.strip().strip("'\""))
    if kind == "workspace":
        return bool(_home(sources, subject))
    if requirements_txt.remote(value) and not re.match(r"[A-Za-z]:", value):
        return kind == "include"
    if match := re.fullmatch(r"(?:\w+\+)?file:(?://[^/]*(?=/))?([^#?]*).*", value, re.I | re.S):
        value = unquote(match[1])
    value = re.sub(r"(\[[^\]]*\])?\s*(;.*)?$", "", value.replace("\\", "/"))
    if re.search(r"\$\{?\w|^~|^[A-Za-z]:|\0", value):
        return kind != "docker"
    if kind == "docker" and value.startswith("/"):
        return False
    root = os.path.realpath(sources.root)
    target = os.path.realpath(os.path.join(root, os.path.dirname(subject), value))
    known = os.path.lexists(os.path.join(root, value)) or sources.package_of(value)
    if known and not os.path.lexists(target):
        target = os.path.realpath(os.path.join(root, value))
    if target == os.path.join(root, PINS):
        return False
    inside = os.path.realpath(os.path.join(root, _home(sources, subject)))
    return not f"{target}/".startswith(f"{inside}/")


def _other(path: str, text: str) -> Iterator[Place]:
    """Yield the places that a requirements file or a Dockerfile names."""
    if shell_commands.is_docker(path):
        for command in shell_commands.commands(path, text):
            told = requirements_txt.options(command.words)
            yield from (
                (command.line, "docker", value) for kind, value in told if kind == "include"
            )
        for line, source in shell_commands.copies(text):
            if source.startswith("../") or requirements_txt.is_requirements(source, ""):
                yield line, "docker", source
    elif requirements_txt.is_requirements(path, text):
        for one in requirements_txt.read(text):
            if one.kind in ("include", "path"):
                yield one


def _toml(_: str, text: str) -> Iterator[Place]:
    """Yield the places that a TOML file names, where installers look for them."""
    document = toml(text)
    own = data_formats.table(document, "project").get("name")
    for keys, value in _leaves(document, ()):
        named = [key for key in keys if isinstance(key, str)]
        if value is True and named[-1] == "workspace" and "sources" in named:
            if (name := named[-2]) == own:
                continue
            line = line_of(text, name, "workspace") or line_of(text, name)
            yield line, "workspace", f"{name} = {{ workspace = true }}"
        elif isinstance(value, str):
            if ("dynamic" in named and "file" in named) or "requirements_txt" in named:
                yield line_of(text, value), "include", value
            elif any(map(_TABLES.search, named[:-1])) and named[-1] in _PLACES:
                yield line_of(text, value), "path", value
            elif any(map(_LISTS.search, named)) and isinstance(keys[-1], int):
                for kind, place in requirements_txt.asked(value):
                    if kind in ("include", "path"):
                        yield line_of(text, value), kind, place


def _leaves(value: Any, keys: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:  # noqa: ANN401
    """Yield what a table holds, however deep, with the keys and indexes that lead there."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, (*keys, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*keys, index))
    else:
        yield keys, value


def _cfg(_: str, text: str) -> Iterator[Place]:
    """Yield the places that setup.cfg or tox.ini names."""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    parser.read_string(text)
    for section in parser.sections():
        for key, value in parser.items(section):
            for line in (value or "").splitlines():
                start, _, files = line.strip().partition("file:")
                if not start and files:
                    told = [("include", one.strip()) for one in files.split(",")]
                elif _CFG_LISTS.search(key) or section.endswith("extras_require"):
                    # tox takes lines for some of its environments only: py311: pytest
                    told = list(requirements_txt.asked(re.sub(r"^[\w{},-]+:\s+", "", line.strip())))
                elif key.startswith("commands"):
                    found = shell_commands.commands("x.sh", line)
                    told = [
                        one for command in found for one in requirements_txt.options(command.words)
                    ]
                else:
                    continue
                for kind, place in told:
                    if kind in ("include", "path"):
                        yield line_of(text, place), kind, place


def _package_json(_: str, text: str) -> Iterator[Place]:
    """Yield the places that a package.json names."""
    manifest = json.loads(text)
    for group in NODE_GROUPS:
        asked = manifest.get(group) if isinstance(manifest, dict) else None
        for name, value in (asked if isinstance(asked, dict) else {}).items():
            match = re.match(r"(?:file|link|portal):(.*)", str(value))
            if match:
                yield line_of(text, json.dumps(name), match[1]), "path", match[1]


_READERS = {
    _TOML: _toml,
    re.compile(r"\.(cfg|ini)$"): _cfg,
    re.compile(r"(^|/)package\.json$"): _package_json,
}
