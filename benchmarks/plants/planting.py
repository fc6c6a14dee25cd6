"""What a plant is, and how productions of a grammar are combined into plants."""

import json
import random
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

# The text or the bytes that a path has; None removes it.
Edits = Mapping[str, str | bytes | None]


@dataclass(frozen=True)
class Plant:
    """A change of the monorepo that violates a rule, or an innocent twin of one.

    Attributes:
        rule: the id of the rule that owns the cause.
        kind: the productions that it was made from.
        edits: what changes.
        paths: where an error counts: at one of these files, or below one of these folders;
            anywhere, if there are none.
        claim: the sentence that promises the finding; empty if none does.
        twin: right as it is, so that any error is a false alarm.
        staged: git tracks the files, even ignored ones.
        also: other rules that may own the cause.
    """

    rule: str
    kind: str
    edits: Edits
    paths: tuple[str, ...] = ()
    claim: str = ""
    twin: bool = False
    staged: bool = False
    also: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """A short name that is the same in each run."""
        text = json.dumps([self.rule, self.kind, self.twin, sorted(map(repr, self.edits.items()))])
        return f"{zlib.crc32(text.encode()):08x}"


@dataclass(frozen=True)
class Axis:
    """Alternatives of a production, by their names."""

    name: str
    values: Mapping[str, Any] = field(default_factory=dict)


class Tree:
    """The monorepo as it was committed, and edits of its texts."""

    def __init__(self, root: Path) -> None:
        """Read nothing yet."""
        self.root = root
        self.text: Callable[[str], str] = cache(self._text)

    def _text(self, path: str) -> str:
        return (self.root / path).read_text(encoding="utf-8")

    def has(self, path: str) -> bool:
        """Return whether there is such a file."""
        return (self.root / path).is_file()

    def append(self, path: str, text: str) -> dict[str, str]:
        """Return the edit that adds text to a file, or makes it."""
        before = self.text(path) if self.has(path) else ""
        return {path: f"{before}{text}"}

    def swap(self, path: str, old: str, new: str) -> dict[str, str]:
        """Return the edit that replaces the first `old`, which has to be there."""
        before = self.text(path)
        if old not in before:
            raise ValueError(f"{path}: there is no {old!r}")
        return {path: before.replace(old, new, 1)}

    def require(self, package: str, *wanted: str, where: str = "dependencies") -> dict[str, str]:
        """Return the edit by which a Python package requires something."""
        path = f"{package}/pyproject.toml"
        text = self.text(path)
        for one in wanted:
            text = required(text, one, where)
        return {path: text}

    def node(self, package: str, **changes: object) -> dict[str, str]:
        """Return the edit of tables of a package.json."""
        path = f"{package}/package.json"
        told = json.loads(self.text(path))
        for key, change in changes.items():
            told[key] = {**told.get(key, {}), **change} if isinstance(change, dict) else change
        return {path: f"{json.dumps(told, indent=2)}\n"}


def required(text: str, wanted: str, where: str) -> str:
    """Return the text of a pyproject.toml with a requirement.

    Args:
        text: the manifest.
        wanted: the requirement.
        where: `dependencies`, `build`, `extra:NAME` or `group:NAME`.
    """
    item = json.dumps(wanted)
    kind, _, name = where.partition(":")
    if kind == "dependencies":
        return re.sub(
            r"(?m)^dependencies = \[", lambda _: f"dependencies = [\n    {item},\n", text, count=1
        )
    if kind == "build":
        return re.sub(r"(?m)^requires = \[", lambda _: f"requires = [{item}, ", text, count=1)
    table = "[project.optional-dependencies]" if kind == "extra" else "[dependency-groups]"
    if table not in text:
        return f"{text.rstrip()}\n\n{table}\n{name} = [{item}]\n"
    head, _, tail = text.partition(f"{table}\n")
    body, bracket, rest = tail.partition("\n[")
    known = re.search(rf"(?m)^{re.escape(name)} = \[", body)
    if known:
        body = f"{body[: known.end()]}\n    {item},\n{body[known.end() :]}"
    else:
        body = f"{name} = [{item}]\n{body}"
    return f"{head}{table}\n{body}{bracket}{rest}"


def combined(
    rng: random.Random, count: int, *axes: Mapping[str, Any] | Sequence[str]
) -> Iterator[tuple[tuple[str, Any], ...]]:
    """Yield that many combinations of names and values, in which each value comes up equally often.

    Fewer, if there are not as many that differ.
    """
    named = [axis if isinstance(axis, Mapping) else {one: one for one in axis} for axis in axes]
    decks: list[list[str]] = [[] for _ in named]
    seen: set[tuple[str, ...]] = set()
    misses = 0
    while len(seen) < count and misses < 50:
        drawn = []
        for deck, axis in zip(decks, named, strict=True):
            if not deck:
                deck.extend(axis)
                rng.shuffle(deck)
            drawn.append(deck.pop())
        names = tuple(drawn)
        if names in seen:
            misses += 1
            continue
        misses = 0
        seen.add(names)
        yield tuple((name, axis[name]) for name, axis in zip(names, named, strict=True))


def merged(*edits: Edits) -> dict[str, str | bytes | None]:
    """Return edits of different files as one.

    Raises:
        ValueError: two of them change the same file.
    """
    whole: dict[str, str | bytes | None] = {}
    for one in edits:
        if both := whole.keys() & one.keys():
            raise ValueError(f"{', '.join(both)}: edited twice")
        whole |= one
    return whole


def distinct(plants: Iterable[Plant]) -> list[Plant]:
    """Return plants without those that are made twice."""
    return list({plant.key: plant for plant in plants}.values())


def innocent(plant: Plant, kind: str, *edits: Edits) -> Plant:
    """Return the twin of a plant that other edits make right."""
    whole: dict[str, str | bytes | None] = dict(plant.edits)
    for one in edits:
        whole |= one
    return replace(plant, kind=kind, edits=whole, paths=(), claim="", twin=True)
