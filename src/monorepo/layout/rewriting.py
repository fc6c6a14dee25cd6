"""Rewrite the texts of files for packages that move: whatever names them by a path.

A path from the root is found wherever it stands. A relative one is read from the folder of its
file, or from that of the package, in which tests and Make run; it is left alone if neither leads to
anything. In code, what a test runs with is the first argument of a call, as in `resolve("../x")`:
what follows others is relative to them. Standard library only.
"""

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from monorepo.core import languages
from monorepo.core.languages import AREAS, TOPS

# A relative path that goes up. What stands before may be a variable: "$(dirname "$0")/../..".
_UP = r"(?<![\w.@*-])(?<![\w.@*-]/)(?:\./)?\.\.(?![\w.])(?:/[\w.@+*-]+)*"
# The same, given in parts to a function: "..", "..".
_UPS = r"""(?P<ups>(["'])\.\.\2(?:\s*,\s*\2\.\.\2)+)"""
# How far a Python file goes up from its own path.
_PARENTS = r"(?P<start>__file__[^\n]{0,40}?\.parents\[)(?P<index>\d+)(?=\])"
_PARENT = r"(?P<file>__file__\)?(?:\.(?:resolve|absolute)\(\))?)(?P<chain>(?:\.parent\b)+)"
# The parts of a path: root / "shared" / "py" / "core", or join("shared", "py", "core").
_TOPS = "|".join(TOPS)
_PARTS = (
    rf"""(?P<parts>(["'])(?:{_TOPS})\8(?P<comma>\s*[/,]\s*)\8[\w.-]+\8(?:\s*[/,]\s*\8[\w.-]+\8)?)"""
)
# The target of a link in Markdown that goes down.
_LINK = re.compile(r"(?<=\]\()(?![\w+-]+:|[/#.])[^)\s#]+")
_CODE = (".py", ".pyi", ".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")
_CLIMB = re.compile(r"\.\.(/\.\.)+")
# What names a folder of packages, and no package in it.
_AREAS = rf"(?<![\w.-])({'|'.join(AREAS)})"
_AREA = re.compile(rf"{_AREAS}(?=/?(?:\*|[\"'\s),;:]|$))", re.MULTILINE)
# The same in a document, also with the name of any package: `shared/py/<module>`.
_AREA_OF_ALL = re.compile(rf"{_AREAS}(?!/?[\w-])")


@dataclass(frozen=True)
class Rewriting:
    """What names packages, for the packages that move.

    Attributes:
        places: the new path of each package that moves, by its old one.
        packages: the old paths of all packages.
        tops: the names of what there is at the root, besides folders of packages.
    """

    places: Mapping[str, str]
    packages: Collection[str]
    tops: Collection[str]

    def path(self, path: str) -> str:
        """Return the new path of a file or folder."""
        old = self._moved(path)
        return self.places[old] + path.removeprefix(old) if old else path

    def text(self, file: str, text: str, kept: Collection[str] = ()) -> str:
        """Return the new text of the file that was at the path `file`.

        Args:
            file: its path.
            text: its text.
            kept: paths from the root that remain as they are.
        """
        base = posixpath.dirname(file)
        if file.endswith(".md") and base.startswith(TOPS) and not self._owner(base):
            text = _LINK.sub(lambda found: self._below(found[0], base), text)
        return self._pattern.sub(
            lambda found: found[0] if found["literal"] in kept else self._rewritten(found, file),
            text,
        )

    def named(self, text: str) -> set[str]:
        """Return the old paths, from the root, of packages that a text names."""
        return {found["literal"] for found in self._pattern.finditer(text) if found["literal"]}

    def link(self, file: str, target: str) -> str:
        """Return the new target of the symbolic link that was at the path `file`."""
        base = posixpath.dirname(file)
        old = posixpath.normpath(posixpath.join(base, target))
        return target if posixpath.isabs(target) or self._stays(base, old) else self._way(base, old)

    def unclear(self, file: str, text: str) -> Iterator[int]:
        """Yield the lines that name a folder from which packages move, and no package in it.

        Args:
            file: the old path of the file.
            text: its old text.
        """
        areas = {posixpath.dirname(old) for old in self.places}
        is_document = file.endswith(".md")
        if is_document:
            # What it says of an area goes on to be true as long as a package is there.
            areas -= {posixpath.dirname(one) for one in {*self.packages} - {*self.places}}
        for found in (_AREA_OF_ALL if is_document else _AREA).finditer(text):
            if found[1] in areas:
                yield text.count("\n", 0, found.start()) + 1
        for found in self._pattern.finditer(text) if self._moved(file) and not is_document else ():
            above = _above(file, found)
            # To the folder that the package was in, or to the one above.
            lost = _CLIMB.fullmatch(found["up"] or "") and not any(self._targets(found, file))
            if lost or (above and not self._owner(above)):
                yield text.count("\n", 0, found.start()) + 1

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        # The longest one first, although none can be the beginning of another: - is no end.
        olds = sorted(self.places, key=len, reverse=True)
        # Without any, nothing is a path of a package: (?!) never matches.
        names = "|".join(map(re.escape, olds)) or "(?!)"
        literal = rf"(?<![\w.-])(?P<literal>{names})(?![\w-])(?!\.\w)"
        return re.compile("|".join([_UPS, _PARENTS, _PARENT, _PARTS, f"(?P<up>{_UP})", literal]))

    def _rewritten(self, found: re.Match[str], file: str) -> str:
        """Return what takes the place of something that the pattern finds in a file."""
        if found["literal"]:
            return self.places[found["literal"]]
        if found["up"]:
            return self._relative(found, file)
        if found["parts"]:
            return self._joined(found)
        # The others go up from the file: to the root, or to where nothing moves.
        if _above(file, found) != "" or not self._moved(file):
            return found[0]
        depth = self.path(file).count("/")
        if found["ups"]:
            first, comma, *_ = re.split(r"(\s*,\s*)", found["ups"])
            return comma.join([first] * depth)
        if found["index"]:
            return f"{found['start']}{depth}"
        return found["file"] + ".parent" * (depth + 1)

    def _joined(self, found: re.Match[str]) -> str:
        """Return the parts of a path, which may be followed by one that is not part of it."""
        quote, comma = found["parts"][0], found["comma"]
        words = re.findall(rf"{quote}([\w.-]+){quote}", found["parts"])
        old = "/".join(words)
        if (new := self.path(old)) == old:
            return found["parts"]
        return comma.join(f"{quote}{word}{quote}" for word in new.split("/"))

    def _relative(self, found: re.Match[str], file: str) -> str:
        """Return the new relative path in a file."""
        token = found["up"]
        for base, target in self._targets(found, file):
            if self._stays(base, target):
                return self._back_in(token, base, target)
            ups = len(posixpath.normpath(token).split("..")) - 1
            usual = posixpath.relpath(target, base or ".") == posixpath.normpath(token)
            if usual or ups != _depth(base):
                return self._way(base, target)
            # It goes up to the root, although there is a shorter way.
            return "../" * _depth(self.path(base)) + self.path(target)
        return token

    def _back_in(self, token: str, base: str, target: str) -> str:
        """Return the new relative path to what stays where it is, as seen from its file.

        One may leave the package, and come back into it by the name of its folder.
        """
        package = self._moved(base)
        ups = posixpath.normpath(token).split("/").count("..")
        if package is None or ups != _depth(base) - _depth(package) + 1:
            return token
        folder = posixpath.basename(self.places[package])
        return "../" * ups + folder + target.removeprefix(package)

    def _targets(self, found: re.Match[str], file: str) -> Iterator[tuple[str, str]]:
        """Yield the folders that a relative path in a file may be from, with what it leads to."""
        folder = posixpath.dirname(file)
        alone = not file.endswith(_CODE) or found.string[: found.start()].endswith(("('", '("'))
        for base in dict.fromkeys([folder, (alone and self._owner(folder)) or folder]):
            target = posixpath.normpath(posixpath.join(base, found["up"]))
            if not target.startswith("..") and self._is_something(target):
                yield base, target

    def _below(self, target: str, base: str) -> str:
        """Return the new target of a link that goes down from a folder."""
        old = posixpath.normpath(posixpath.join(base, target))
        return target if self._stays(base, old) else self._way(base, old)

    def _way(self, base: str, target: str) -> str:
        """Return the new relative path from a folder to a file or folder, given the old ones."""
        return posixpath.relpath(self.path(target), self.path(base) or ".")

    def _stays(self, base: str, target: str) -> bool:
        """Tell whether the way from a folder to a file or folder remains as it is."""
        here, there = self._moved(base), self._moved(target)
        inside = here is not None and here == there
        return inside or not (here or there)

    def _is_something(self, path: str) -> bool:
        """Tell whether there is something at a path: the root, what is there, or a package."""
        return path.split("/")[0] in (".", *self.tops) or self._owner(path) is not None

    def _owner(self, path: str) -> str | None:
        """Return the old path of the package that a file or folder is in."""
        return next((one for one in languages.owners(path) if one in self.packages), None)

    def _moved(self, path: str) -> str | None:
        """Return the old path of the package that a file or folder moves with."""
        return next((one for one in languages.owners(path) if one in self.places), None)


def _above(file: str, found: re.Match[str]) -> str | None:
    """Return the folder that something in a file goes up to from there; None if it does not."""
    if found["ups"]:
        ups = found["ups"].count("..")
    elif found["index"]:
        ups = int(found["index"])
    elif found["chain"]:
        ups = found["chain"].count(".parent") - 1
    else:
        return None
    parts = file.split("/")[:-1]
    return "/".join(parts[: len(parts) - ups]) if ups <= len(parts) else None


def _depth(folder: str) -> int:
    return folder.count("/") + 1 if folder else 0
