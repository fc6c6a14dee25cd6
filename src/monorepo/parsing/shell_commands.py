"""Find install commands in shell scripts, Makefiles, Dockerfiles and workflows."""

import json
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import PurePosixPath
from typing import NamedTuple

from monorepo.parsing.requirements_txt import logical, words

_COMMENT = re.compile(r"(^\s*[@-]*|(?<=\s))#.*$")
_KINDS = {
    "docker": re.compile(
        r"(^|/)((Docker|Container)file[^/]*|[^/]+\.(docker|container)file)$", re.I
    ),
    "shell": re.compile(
        r"\.(sh|bash|mk)$|(^|/)(GNUm|[Mm])akefile$|(^|/)\.github/.*\.ya?ml$|(^|/)\.gitlab-ci\.yml$"
    ),
}
_TOOL = re.compile(r"\b(pip|uv|npm|pnpm|yarn)")
_PIP = re.compile(r"pip(\d(\.\d+)?)?")
_VERBS = {"install", "download", "wheel", "sync"}


class Tool(StrEnum):
    """The syntax of an install command."""

    PIP = "pip"
    NPM = "npm"


class Command(NamedTuple):
    """An install command.

    Attributes:
        line: where it starts, from 1.
        tool: its syntax: of pip (also of uv), or of npm (also of pnpm and yarn).
        words: its arguments.
    """

    line: int
    tool: Tool
    words: list[str]


def kind(path: str) -> str:
    """Return `docker` or `shell` for a file with commands; "" for any other."""
    return next((kind for kind, names in _KINDS.items() if names.search(path)), "")


def installs(text: str) -> Iterator[Command]:
    """Yield the install commands of a Dockerfile, a script, a Makefile or a workflow."""
    for number, line in logical(text, _COMMENT):
        for command in _commands(line) if _TOOL.search(line) else ():
            yield from _install(number, command)


def copies(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and path of everything that a Dockerfile copies from the build context."""
    for number, line in logical(text, _COMMENT):
        verb, _, rest = line.partition(" ")
        if verb.upper() in ("COPY", "ADD"):
            # COPY --chown=app ["../x", "/x"]
            flags = re.match(r"(\s*--\S+\s)*", rest)
            before = flags[0] if flags else ""
            arguments = [*words(before), *(_exec_form(rest[len(before) :]) or words(rest))]
            if not any(word.startswith("--from") for word in arguments):
                yield from ((number, word) for word in arguments[:-1] if not word.startswith("--"))
        for source in re.findall(r"--mount=\S*\b(?:source|src)=([^\s,]+)", line):
            if "from=" not in line:
                yield number, source


def _exec_form(text: str) -> list[str]:
    """Return the words of the exec form, `["pip", "install"]`; none for another form."""
    try:
        form = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return [str(word) for word in form] if isinstance(form, list) else []


def _commands(line: str) -> Iterator[list[str]]:
    """Yield the words of each command of a line."""
    if form := _exec_form(line.removeprefix("RUN ")):
        yield form
        return
    for part in re.split(r"&&|\|\||[;|]", line):
        yield words(part)


def _install(number: int, line: list[str]) -> Iterator[Command]:
    """Yield the command, if it is an install command."""
    names = [PurePosixPath(word.lstrip("@-")).name for word in line]
    for index, name in enumerate(names):
        rest = line[index + 1 :]
        verb = next((at for at, word in enumerate(rest) if not word.startswith("-")), len(rest))
        if verb < len(rest):
            if _PIP.fullmatch(name) and rest[verb] in _VERBS:
                yield Command(number, Tool.PIP, rest[verb + 1 :])
                return
            if name in ("npm", "pnpm", "yarn") and rest[verb] in ("add", "install", "i"):
                yield Command(number, Tool.NPM, rest[verb + 1 :])
                return
            if name in ("uv", "pipx", "uvx") and rest[verb] in ("add", "install"):
                yield Command(number, Tool.PIP, rest[verb + 1 :])
                return
