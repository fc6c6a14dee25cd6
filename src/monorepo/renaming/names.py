"""The names that a package has, and that it gets: `acme-audio`, `acme_audio`, `@acme/audio`.

Where they stand tells what they are. In code and data, a whole word is the name. In prose, one with
dashes may be English (`open-source`), and is the name in a code span alone. Standard library only.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

# No part of a longer name. An escape sequence, such as \n, may stand before it, or what the section
# of a file of settings begins with: [mypy-acme_audio.*], [logger_acme_audio].
_START = r"(?:(?<![\w@.-])|(?<=(?<!\\)\\[nrtb])|(?<=\[mypy-)|(?<=\[logger_))"
# A version may follow: acme_audio-1.0-py3-none-any.whl.
_END = r"(?!\w)(?!-(?!\d+\.))"
_URL = r"(?P<url>\b[a-z][a-z+]*://[^\s\"'`<>()\[\]{}]*)"
_SPAN = r"(?P<span>`[^`\n]*`)"
# How a requirement goes on after the name (PEP 508).
_REQUIRED = r"(?=\s*(?:\[[^\]\"']*\])?\s*(?:[<>=!~;@]|[\"']))"


@dataclass(frozen=True)
class Names:
    """What is renamed.

    Attributes:
        module: the import name of a Python package, old and new; None if it has none.
        words: other names that are one anywhere, such as `@acme/audio`: the new one by the old one.
        dashed: names that may be English in prose, such as `acme-audio`: the new one by the old.
        hosts: names of its service in compose.yaml, which addresses have: the new one by the old.
    """

    module: tuple[str, str] | None
    words: Mapping[str, str]
    dashed: Mapping[str, str]
    hosts: Mapping[str, str]

    @cached_property
    def every(self) -> dict[str, str]:
        """All names, the new one by the old one."""
        return {**dict([self.module] if self.module else []), **self.words, **self.dashed}

    @property
    def back(self) -> "Names":
        """The same, from the new names to the old ones."""

        def turned(names: Mapping[str, str]) -> dict[str, str]:
            return {new: old for old, new in names.items()}

        module = (self.module[1], self.module[0]) if self.module else None
        return Names(module, turned(self.words), turned(self.dashed), turned(self.hosts))

    def are_in(self, text: str) -> bool:
        """Tell whether any may be in a text."""
        return self._quick.search(text) is not None

    def data(self, text: str) -> str:
        """Return a text with the new names, in which each whole word is one."""
        return self._data.sub(self._renamed, text)

    def prose(self, text: str) -> str:
        """Return a text for people with the new names."""
        return self._prose.sub(self._renamed, text)

    def requirements(self, text: str) -> str:
        """Return a text with the new names, also where a string is one in another spelling."""
        return self._required.sub(lambda _: self.dashed[self._dist], self.data(text))

    def path(self, path: str) -> str:
        """Return the path of a file or folder that may be called by one of the names."""
        return self._parts.sub(lambda found: self.every[found[0]], path)

    def _renamed(self, found: re.Match[str]) -> str:
        text = found[0]
        groups = found.groupdict()
        if groups["url"]:
            return self._hosts.sub(lambda host: self.hosts[host[0]], text) if self.hosts else text
        if groups.get("span"):
            return self.data(text)
        if text in self.every:
            return self.every[text]
        # It stands in a regular expression or in an address: @acme\/audio, @acme%2Faudio.
        between = next(between for between in _SLASHES if between in text)
        return self.words[text.replace(between, "/")].replace("/", between)

    @cached_property
    def _quick(self) -> re.Pattern[str]:
        stems = [re.escape(name).replace("/", r"(?:/|\\/|%2[fF])") for name in self.every]
        stems += [re.sub(r"\\-|_", "[-_.]+", re.escape(name)) for name in self.dashed]
        stems += [f"//{re.escape(host)}" for host in self.hosts]
        return re.compile("|".join(stems) or "(?!)", re.IGNORECASE)

    @cached_property
    def _data(self) -> re.Pattern[str]:
        return re.compile("|".join([_URL, _alternatives(self.every)]))

    @cached_property
    def _prose(self) -> re.Pattern[str]:
        sure = {name: new for name, new in self.every.items() if name not in self.dashed}
        # With extras, it is a requirement.
        dashed = rf"{_alternatives(self.dashed)}(?=\[)"
        return re.compile("|".join([_URL, _SPAN, _alternatives(sure), dashed]))

    @property
    def _dist(self) -> str:
        """The name of the distribution, the first of those with dashes."""
        return next(iter(self.dashed), "")

    @cached_property
    def _required(self) -> re.Pattern[str]:
        if not self.dashed:
            return re.compile("(?!)")
        spelled = "[-_.]+".join(map(re.escape, self._dist.split("-")))
        return re.compile(rf"(?<=[\"'])(?:{spelled}){_REQUIRED}", re.IGNORECASE)

    @cached_property
    def _parts(self) -> re.Pattern[str]:
        names = "|".join(map(re.escape, self.every)) or "(?!)"
        return re.compile(rf"(?:(?<=/)|^)(?:{names})(?=/|\.|$)")

    @cached_property
    def _hosts(self) -> re.Pattern[str]:
        return re.compile(rf"(?<=//)(?:{'|'.join(map(re.escape, self.hosts))})(?=[:/]|$)")


_SLASHES = (r"\/", "%2F", "%2f")


def _alternatives(names: Mapping[str, str]) -> str:
    """Return a pattern for whole words, the longest first."""
    ordered = sorted(names, key=len, reverse=True)
    words = "|".join(re.escape(name).replace("/", r"(?:\\?/|%2[fF])") for name in ordered)
    return rf"{_START}(?:{words or '(?!)'}){_END}"
