"""The kind of a package in its manifest: in the flat layout, its folder does not say it."""

import json
import re
from typing import Any

from monorepo.core.languages import Kind, Language
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.system.text_files import MalformedError

_KINDS = "|".join(Kind)
_HEADER = re.compile(r"^\[tool\.monorepo\][ \t]*(?:#.*)?\n", re.MULTILINE)
# The first of the tables below it, with the comments above that.
_BELOW = re.compile(r"^(?:#.*\n)*\[\[?tool\.monorepo\.", re.MULTILINE)
_LINE = re.compile(rf'^kind = "({_KINDS})"[ \t]*\n', re.MULTILINE)
_EMPTY = re.compile(r"^\[tool\.monorepo\]\n(?:\n|\Z)", re.MULTILINE)
_OBJECT = re.compile(r'"monorepo"\s*:\s*\{')
_KEY = re.compile(rf'\s*"kind"\s*:\s*"({_KINDS})"(,?)')
_END = re.compile(r"\s*\}\s*\Z")


def write(text: str, language: Language, kind: Kind, place: str) -> str:
    """Return the text of a manifest that says what kind of package it is of.

    Raises:
        UsageError: its settings are written in a form that has no place for it.
    """
    add = _into_toml if language is Language.PYTHON else _into_json
    return _checked(text, add(text, kind), language, str(kind), place)


def remove(text: str, language: Language, place: str) -> str:
    """Return the text of a manifest without the kind; it is then as it was before `write`.

    Raises:
        UsageError: it is written in another form.
    """
    take = _out_of_toml if language is Language.PYTHON else _out_of_json
    return _checked(text, take(text), language, None, place)


def _into_toml(text: str, kind: Kind) -> str:
    line = f'kind = "{kind}"\n'
    if header := _HEADER.search(text):
        return text[: header.end()] + line + text[header.end() :]
    table = f"[tool.monorepo]\n{line}"
    if below := _BELOW.search(text):
        return f"{text[: below.start()]}{table}\n{text[below.start() :]}"
    return f"{text}\n{table}"


def _out_of_toml(text: str) -> str:
    header = _HEADER.search(text)
    found = _LINE.search(text, header.end()) if header else None
    if found is None:
        return text
    text = text[: found.start()] + text[found.end() :]
    empty = _EMPTY.search(text)
    if empty is None:
        return text
    before, after = text[: empty.start()], text[empty.end() :]
    return before + after if after else before.removesuffix("\n")


def _into_json(text: str, kind: Kind) -> str:
    entry = f'"kind": "{kind}"'
    for start, end in _objects(text):
        inner = text[start:end]
        blank = inner[: len(inner) - len(inner.lstrip())]
        if not inner.strip():
            return f"{text[:start]} {entry} {text[end:]}"
        return f"{text[:start]}{blank}{entry},{blank or ' '}{inner.lstrip()}{text[end:]}"
    before = _END.sub("", text)
    return f'{before},\n  "monorepo": {{\n    {entry}\n  }}\n}}\n'


def _out_of_json(text: str) -> str:
    for start, end in _objects(text):
        inner = text[start:end]
        found = _KEY.match(inner)
        if found is None:
            return text
        if found[2]:
            return text[:start] + inner[found.end() :] + text[end:]
        # Nothing else is in it: `write` made it, at the end of the file.
        key = text.rindex('"monorepo"', 0, start)
        before, after = text[:key].rstrip().removesuffix(","), text[end + 1 :]
        return before + after
    return text


def _objects(text: str) -> list[tuple[int, int]]:
    """Return where the settings of this tooling begin and end, without the braces."""
    for found in _OBJECT.finditer(text):
        value, end = json.JSONDecoder().raw_decode(text, found.end() - 1)
        whole = json.loads(text)
        if whole.get("monorepo") == value:
            return [(found.end(), end - 1)]
    return []


def _checked(text: str, new: str, language: Language, kind: str | None, place: str) -> str:
    """Return the new text of a manifest if it differs by its kind alone.

    Raises:
        UsageError: it does not.
    """
    try:
        wanted = {**_settings(text, language), "kind": kind}
        if {"kind": None, **_settings(new, language)} == wanted:
            return new
    except (MalformedError, ValueError):
        pass
    form = "[tool.monorepo] a table" if language is Language.PYTHON else '"monorepo" an object'
    raise UsageError(f"{place}: has its settings in another form; make {form}, its kind first")


def _settings(text: str, language: Language) -> dict[str, Any]:
    whole = text_files.toml(text) if language is Language.PYTHON else text_files.json_object(text)
    table = whole.get("tool", {}) if language is Language.PYTHON else whole
    return dict(table.get("monorepo", {}))
