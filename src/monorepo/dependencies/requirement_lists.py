"""The requirements in manifests and settings of Python: what tools hand to an index."""

import configparser
import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from monorepo.guard.repository import Sources, line_of
from monorepo.parsing import data_formats, shell_commands
from monorepo.system import text_files
from monorepo.system.text_files import MalformedError

# A key of a list of requirements, and one of a table whose keys are names (Poetry, pixi, Pipenv).
_LISTS = re.compile(r"(^|[-_])(dependencies|requires?|deps)$|^dependency-groups$|^pip$")
_TABLES = re.compile(r"(^|[.-])dependencies$|^(dev-)?packages$|^tool\.uv\.sources$")
_YAML = re.compile(r"(^|/)(\.pre-commit-(config|hooks)|environment[^/]*|conda[^/]*)\.ya?ml$")
_TOML = re.compile(r"\.toml$|(^|/)Pipfile$")
_INI = re.compile(r"(^|/)(setup\.cfg|tox\.ini)$")
_SETUP = re.compile(r"\b(\w+_requires?|\"[\w-]+\"|'[\w-]+')\s*[=:]\s*\[\s*$")
# PEP 723: the manifest of a script.
_SCRIPT = re.compile(r"^# /// script$((?:\n#.*$)+?)\n# ///$", re.MULTILINE)
# What no index is asked for.
_ELSEWHERE = {"path", "file", "workspace", "index"}
_EXACT = re.compile(r"=*\s*(v?\d[\w.+!-]*)")

Requirement = tuple[int, str, str]


def holds(path: str) -> bool:
    """Return whether a file may have such lists, by its name."""
    return any(names.search(path) for names in (_TOML, _YAML, _INI)) or path.endswith(".py")


def read(path: str, text: str) -> list[Requirement]:
    """Return the line, the keys and the text of each requirement in a file.

    The text is a requirement of PEP 508 or of conda. Where the name is a key, it has the URL or the
    exact version, if there is one. What is malformed has none.
    """
    try:
        return list(_found(path, text))
    except (MalformedError, configparser.Error, RecursionError):
        return []


def of(sources: Sources, path: str) -> list[Requirement]:
    """Return the requirements of a file as `read` does, cached; none of an unreadable one."""
    if not holds(path):
        return []
    found = sources.in_text(path, "requirements", partial(read, path), quiet=True) or ()
    return [(line, where, text) for line, where, text in found]


def _found(path: str, text: str) -> Iterator[Requirement]:
    if _INI.search(path):
        yield from _ini(text)
    elif path.endswith(".py"):
        for block in _SCRIPT.finditer(text):
            inner = re.sub(r"^# ?", "", block[1], flags=re.MULTILINE)
            start = text.count("\n", 0, block.start(1))
            for line, keys, value in _table(inner, text_files.toml(inner)):
                yield start + line, f"script {keys}", value
        if path.endswith("setup.py"):
            for start, strings in shell_commands.strings(text):
                if found := _SETUP.search(text[:start][-200:]):
                    line = text.count("\n", 0, start) + 1
                    yield from ((line, found[1].strip("\"'"), one) for one in strings)
    elif _TOML.search(path):
        yield from _table(text, text_files.toml(text))
    elif _YAML.search(path):
        yield from _table(text, data_formats.yaml(text))


def _table(text: str, document: Mapping[str, Any]) -> Iterator[Requirement]:
    """Yield the requirements in a document, with the lines where they stand in its text."""
    for keys, value in data_formats.leaves(document, tables=True):
        named = [key for key in keys if isinstance(key, str)]
        where = ".".join(named)
        # What make new was asked, and names of ours: no tool installs that.
        if not named or where.startswith("tool.monorepo."):
            continue
        is_item = isinstance(keys[-1], int) and not isinstance(value, Mapping)
        if isinstance(value, str) and is_item and any(map(_LISTS.search, named)):
            if not value.startswith(("-", "#")):
                yield _line(text, value), where, value
        elif not is_item and _TABLES.search(table := ".".join(named[:-1])):
            last = named[-1]
            asked = value if isinstance(value, Mapping) else {"version": value}
            remote, exact = (
                asked.get("git") or asked.get("url"),
                _EXACT.fullmatch(str(asked.get("version"))),
            )
            if remote:
                yield line_of(text, last), table, f"{last} @ {remote}"
            elif not _ELSEWHERE & asked.keys():
                yield line_of(text, last), table, f"{last}=={exact[1]}" if exact else last


def _line(text: str, value: str) -> int:
    """Return the line of a string, or else of a word, except in comments; 0 if there is none."""
    string = re.escape(value)
    for form in (rf"[\"']{string}[\"']", rf"(?<![\w.-]){string}(?![\w.-])"):
        if found := re.search(rf"^(?![ \t]*[#;]).*?{form}", text, re.MULTILINE):
            return text.count("\n", 0, found.start()) + 1
    return 0


def _ini(text: str) -> Iterator[Requirement]:
    """Yield the requirements in setup.cfg or tox.ini."""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    parser.read_string(text)
    for section in parser.sections():
        for key, value in parser.items(section):
            if _LISTS.search(key) or section.endswith("extras_require"):
                # tox takes lines for some of its environments only: py311: pytest
                lines = [re.sub(r"^[\w{},-]+:\s+", "", line) for line in (value or "").splitlines()]
                for line in filter(None, map(str.strip, lines)):
                    if not line.startswith(("-", "#")):
                        yield line_of(text, line), f"{section}.{key}", line
