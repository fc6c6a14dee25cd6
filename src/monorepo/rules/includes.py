"""No package installs, constrains or includes by a path outside itself.

Looked at are requirements files, TOML, setup.cfg and tox.ini, Dockerfiles, scripts and Makefiles,
package.json, tsconfig.json and biome.json, conda's environment.yml, and links. Where an installer
follows a path, only the root's constraints.txt is outside; any other path must not lead into
another package, or out of the repository. A uv project has the internal packages of its closure by
path, as `make lock` writes them; tsconfig.json may have `references` to declared packages.

Why: files of another package change independently of this one. A package declares its own
dependencies, and requires shared packages by name and extra.

Fix: declare the dependencies of this package here, and other packages as `acme-core[extra]`.

Passes::

    -c ../../../constraints.txt

Fails::

    -r ../../../shared/py/core/requirements.txt
    acme-core = { path = "../core" }
    "extends": "../core/tsconfig.json"
"""

import configparser
import os
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import unquote

from monorepo.core.hashes import PINS
from monorepo.core.languages import STARTS
from monorepo.core.workspace import ROOT_MANIFEST, toml
from monorepo.guard import config_files
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources, line_of
from monorepo.locking import projects
from monorepo.parsing import data_formats, requirements_txt, shell_commands
from monorepo.system import text_files
from monorepo.system.text_files import MalformedError
from monorepo.templating.sub_templates import TEAMS

# Code, what is no text, and locks: rule pins tells of one that `make lock` does not write.
_SKIPPED = re.compile(
    r"\.(py|pyi|[cm]?[jt]sx?|css|html|svg|png|jpe?g|gif|ico|pdf|woff2?|gz|zip|whl|ipynb|csv|jsonl)$"
    r"|(^|/)((uv|poetry|pdm|pixi)\.lock|pylock(\..+)?\.toml)$"
)
_TOML = re.compile(r"\.toml$|(^|/)(Pipfile|uv\.lock)$")
_CONFIGURED = re.compile(
    r"(^|/)(setup\.cfg|tox\.ini|(package|biome|[tj]sconfig[^/]*)\.jsonc?|environment[^/]*\.ya?ml)$"
)
_LISTS = re.compile(
    r"(^|-)(dependencies|packages)$|(^|_)(requires?|deps)$|^dependency-groups$|extras_require$"
)
_TABLES = re.compile(rf"{_LISTS.pattern}|^sources?$")
_PLACES = {"path", "file", "editable", "directory", "url", "virtual"}
_LOCAL = re.compile(r"(?:file|link|portal):(.*)")
# What stands for the folder of the file itself.
_HERE = re.compile(
    r"(file://)?/?(\$\{PROJECT_ROOT\}|\{root:uri\}|\{(tox|config)_?(ini)?_?(dir|root)\})/?"
)

# A line, the kind and the value. What installers follow is a `path`, or the file of an `include`; a
# path in an image is `docker`, one in a script `command`; any other is `other`, or a `reference`.
Place = tuple[int, str, str]


def subjects(sources: Sources) -> Sequence[str]:
    """Return all files."""
    return sources.files


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Follow each path that an installer or another tool would follow."""
    link, home = _link(sources, subject), _home(sources, subject)
    places = [(0, "other", link)] if link and home else []
    if not _SKIPPED.search(subject) or projects.is_lock(sources.space, subject):
        places += sources.kept.of(subject, "places", partial(_places, sources)) or []
    for line, kind, value in (*places, *_commands(sources, subject)):
        if leads_out(sources, subject, kind, value) and not _is_source(sources, subject, value):
            message = f"{value} leads out of {home or 'the repository'}"
            advice = "declare what is needed here, other packages by name and extra"
            yield Finding(subject, line, "includes", message, advice)
            if not line:
                return


def _link(sources: Sources, path: str) -> str:
    """Return where a file leads that is a link; "" for any other."""
    full = os.path.join(sources.root, path)
    return os.readlink(full) if os.path.islink(full) else ""


def _is_source(sources: Sources, subject: str, value: str) -> bool:
    """Return whether a file of a uv project names an internal package of its closure by path."""
    folder, _, name = subject.rpartition("/")
    project = sources.space.projects.get(folder)
    if not project or name not in (ROOT_MANIFEST, projects.LOCK):
        return False
    return posixpath.normpath(posixpath.join(folder, value)) in projects.closure(
        sources.space, project
    )


def _places(sources: Sources, path: str) -> list[Place] | None:
    """Return the places that a file names."""
    is_read = _TOML.search(path) or _CONFIGURED.search(path)
    if is_read and path.endswith((".toml", ".json")) and not path.startswith(f"{TEAMS}/"):
        document = config_files.read(sources, path)
        return None if document is None else [*_named(sources.text(path) or "", document)]
    reader = _configured if is_read else _other
    text = sources.peek(path) if reader is _other else sources.text(path)
    if text is None:
        return [] if path not in sources.notes else None
    try:
        places = [*reader(path, text)]
    except (ValueError, configparser.Error, RecursionError) as error:
        # A sub-template becomes TOML or JSON when it is rendered.
        if not path.startswith(f"{TEAMS}/"):
            wrong = text_files.malformed(text, 0, "is malformed")
            wrong = error if isinstance(error, MalformedError) else wrong
            sources.note(path, wrong.message, wrong.fix, wrong.line)
        return None
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
    value, home = _HERE.sub("./", value.strip().strip("'\"")), _home(sources, subject)
    if kind == "workspace":
        return bool(home)
    if requirements_txt.remote(value) and not re.match(r"[A-Za-z]:", value):
        return kind == "include"
    if match := re.fullmatch(r"(?:\w+\+)?file:(?://[^/]*(?=/))?([^#?]*).*", value, re.I | re.S):
        value = unquote(match[1])
    value = re.sub(r"(\[[^\]]*\])?\s*(;.*)?$", "", value.replace("\\", "/"))
    if re.search(r"\$[({]?\w|^~|^[A-Za-z]:|\0", value):
        return kind in ("include", "path")
    if kind == "docker" and value.startswith("/"):
        return False
    root, folder = os.path.realpath(sources.root), os.path.dirname(subject)
    # Commands run in the folder of the package, unless it is beside the file that they mean.
    if kind == "command" and home and not os.path.lexists(os.path.join(root, folder, value)):
        folder = home
    target = os.path.realpath(os.path.join(root, folder, value))
    known = os.path.lexists(os.path.join(root, value)) or sources.package_of(value)
    if known and not os.path.lexists(target):
        target = os.path.realpath(os.path.join(root, value))
    inner = os.path.relpath(target, root)
    if inner == PINS or f"{inner}/".startswith(f"{home or '.'}/"):
        return False
    if kind == "reference" and (other := sources.package_of(inner)) and home:
        return other.path not in sources.dependencies[home]
    if home and kind != "other":
        return True
    return inner.startswith((*STARTS, "..") if home else "..")


def _other(path: str, text: str) -> Iterator[Place]:
    """Yield the places that a requirements file names, and those that a Dockerfile copies."""
    if shell_commands.is_docker(path):
        for line, source in shell_commands.copies(text):
            if source.startswith("../") or requirements_txt.is_requirements(source, ""):
                yield line, "docker", source
    elif requirements_txt.is_requirements(path, text):
        yield from (one for one in requirements_txt.read(text) if one.kind in ("include", "path"))


def _commands(sources: Sources, path: str) -> Iterator[Place]:
    """Yield the places that the commands in a file name."""
    for command in config_files.commands(sources, path):
        names = requirements_txt.options(command.words) if command.is_python else ()
        for kind, value in {*names, *(("path", word) for word in command.packages)}:
            # In an image, a path leads to what was copied there.
            if not shell_commands.is_docker(path) and value.startswith(".."):
                yield command.line, "command", value
            elif shell_commands.is_docker(path) and kind == "include":
                yield command.line, "docker", value


def _configured(path: str, text: str) -> Iterator[Place]:
    """Yield the places that TOML, JSON, setup.cfg, tox.ini or conda's environment.yml names."""
    if path.endswith((".cfg", ".ini")):
        parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
        parser.read_string(text)
        document: Any = {
            one: {key: (value or "").splitlines() for key, value in parser.items(one)}
            for one in parser.sections()
        }
    else:
        document = toml(text) if _TOML.search(path) else data_formats.parse(path, text)
    yield from _named(text, document)


def _named(text: str, document: Mapping[str, Any]) -> Iterator[Place]:
    """Yield the places that a document names, with the lines where they stand in its text."""
    own = data_formats.table(document, "project").get("name")
    for keys, value in data_formats.leaves(document):
        named = [key for key in keys if isinstance(key, str)]
        is_flag = value is True and "sources" in named and named[-1] == "workspace"
        if is_flag and named[-2] != own:
            line = line_of(text, named[-2], "workspace") or line_of(text, named[-2])
            yield line, "workspace", f"{named[-2]} = {{ workspace = true }}"
        elif isinstance(value, str):
            # tox takes lines for some of its environments only: py311: pytest
            value = re.sub(r"^(?!file:)([\w{},-]+:)?[\s=]+", "", value)
            yield from (
                (line_of(text, *named[-1:], place) or line_of(text, place), kind, place)
                for kind, place in _in(keys, named, value)
            )


def _in(keys: data_formats.Keys, named: Sequence[str], value: str) -> Iterator[tuple[str, str]]:
    """Yield the kinds and the places in a value of a configuration."""
    if ("dynamic" in named and "file" in named) or "requirements_txt" in named:
        yield "include", value
    elif any(map(_TABLES.search, named[:-1])) and named[-1] in _PLACES:
        yield "path", value
    elif match := _LOCAL.match(value):
        yield from (("include", file.strip()) for file in match[1].split(","))
    elif value.startswith(("../", "./../")) and not {"monorepo", "coverage"} & {*named}:
        yield "reference" if keys[0] == "references" else "other", value
    elif any(map(_LISTS.search, named)) and isinstance(keys[-1], int):
        yield from (one for one in requirements_txt.asked(value) if one[0] in ("include", "path"))
