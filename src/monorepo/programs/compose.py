"""The services in compose.yaml, a file of the team (see the Compose specification).

It is edited as text: what is not about the service in question stays, to the letter.
"""

import contextlib
import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from monorepo.core.workspace import Package
from monorepo.parsing import data_formats
from monorepo.system.errors import UsageError
from monorepo.system.text_files import MalformedError

COMPOSE = "compose.yaml"
# How a file takes back what another one says (Compose specification, "Merge").
_TAGS = ("!reset", "!override")
_SERVICES = re.compile(r"^services:[ \t]*(#.*)?\n", re.MULTILINE)
_HEAD = """\
# The services in containers, for those who have Docker; `make dev` needs none. To start them all:
#   make bundle && docker compose up --build
services:
"""
# The grace period has room for SHUTDOWN_DELAY of the image, SHUTDOWN_TIMEOUT, and the end.
_SERVICE = """\
  {name}:
    build: {path}
    init: true
    stop_grace_period: 25s
    ports: ["127.0.0.1:{port}:{port}"]
"""
Services = Mapping[str, Any]


def add(text: str, packages: Collection[Package]) -> str:
    """Return the text of the file with services added to it; those in it stay.

    Args:
        text: the file, or nothing for a new one.
        packages: services with a port.

    Raises:
        UsageError: it cannot be read, or has no place for them.
    """
    text = text or _HEAD
    before = _services(text)
    # `py-api`: a service in another language may have the same name.
    names = {package.grouped.partition("/")[2].replace("/", "-"): package for package in packages}
    added = "".join(
        _SERVICE.format(name=name, path=package.path, port=package.settings["port"])
        for name, package in names.items()
        if name not in before
    )
    written = _SERVICES.sub(lambda line: line[0] + added, text, count=1)
    with contextlib.suppress(UsageError):
        if _services(written) == {**before, **_services(f"services:\n{added}")}:
            return written
    missing = ", ".join(names.keys() - before.keys())
    raise UsageError(f"{COMPOSE}: has no place for {missing}; write it there, or remove the file")


def remove(text: str, path: str) -> str:
    """Return the text of the file without the services that are built in a folder.

    Nothing is left of a file that has only what `add` has written.

    Args:
        text: the file.
        path: the folder, from the root.

    Raises:
        UsageError: it cannot be read or edited, or another service depends on one of them.
    """
    # A file that is about something else may have tags, which are not read here.
    before = _services(text) if path in text else {}
    gone = [name for name, service in before.items() if _is_built_in(service, path)]
    if not gone:
        return text
    rest = {name: service for name, service in before.items() if name not in gone}
    if needing := [f"{name} depends on {other}" for name, other in _needs(rest, gone)]:
        raise UsageError(*(f"{COMPOSE}: {line}; remove that dependency first" for line in needing))
    lines = text.splitlines(keepends=True)
    for start, end in reversed([*_blocks(text, gone)]):
        del lines[start:end]
    written = "".join(lines)
    with contextlib.suppress(UsageError):
        if _services(written) == rest:
            return "" if written == _HEAD else written
    raise UsageError(f"{COMPOSE}: {', '.join(gone)}: cannot be taken out; remove it there first")


def is_built(text: str, name: str, path: str) -> bool:
    """Tell whether a file has a service of that name which is built in a folder.

    Raises:
        UsageError: it cannot be read.
    """
    # A file that is about something else may have tags, which are not read here.
    return path in text and _is_built_in(_services(text).get(name), path)


def _is_built_in(service: object, path: str) -> bool:
    build = service.get("build") if isinstance(service, dict) else None
    context = build.get("context") if isinstance(build, dict) else build
    return isinstance(context, str) and posixpath.normpath(context) == path


def _needs(services: Services, names: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield which services need which of those with given names."""
    for name, service in services.items():
        needed = service.get("depends_on") if isinstance(service, dict) else None
        for other in names:
            if isinstance(needed, list | dict) and other in needed:
                yield name, other


def _blocks(text: str, names: Collection[str]) -> Iterator[tuple[int, int]]:
    """Yield the range of lines of each service; comments above the next one belong to that."""
    from yaml import MappingNode, SafeLoader, compose

    document = compose(text, SafeLoader)
    assert isinstance(document, MappingNode)
    (services,) = (value for key, value in document.value if key.value == "services")
    lines = text.splitlines()
    for key, value in services.value:
        if key.value in names:
            start, end = key.start_mark.line, value.end_mark.line
            # The mark is behind the value, or where the next one begins.
            if lines[end : end + 1] and lines[end][: value.end_mark.column].strip():
                end += 1
            indent = " " * (key.start_mark.column + 1)
            while _is_between(lines[end - 1]) and not lines[end - 1].startswith(indent):
                end -= 1
            yield start, end


def _is_between(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _services(text: str) -> Services:
    """Return the services in the text of the file.

    Raises:
        UsageError: it is malformed.
    """
    try:
        found = data_formats.yaml(text, tags=_TAGS).get("services") or {}
        if not isinstance(found, dict):
            raise MalformedError(0, "services is not a mapping", "correct it")
    except MalformedError as error:
        raise error.of(COMPOSE) from error
    return found
