"""What documents say about a module goes with it, and links to what has gone follow."""

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from monorepo.layout import tree
from monorepo.splitting.splitting import Look, Plan, Split

MARKDOWN = (".md", ".markdown")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r"^ {0,3}(#{2,6})[ \t]+(.*?)[ \t#]*$")
_LINK = re.compile(r"(?<=\]\()(?![\w+-]+:|[/#<])([^)\s#]+)")


def paths(split: Split, plan: Plan, texts: Mapping[str, str]) -> None:
    """Have what names a file or folder that goes follow: paths from the root, and links."""
    places = _places(split, plan)
    words = "|".join(map(re.escape, sorted(places, key=len, reverse=True)))
    literal = re.compile(rf"(?<![\w./-])(?:{words})(?![\w-])(?!\.\w)")
    mine = f"{split.package.path}/"
    names = [one.removeprefix(mine) for one in split.paths]
    if split.package.is_javascript:
        # What is compiled has the name of its source.
        built = [re.sub(r"^src/", "dist/", one) for one in names]
        names += [re.sub(r"\.([cm]?)[jt]sx?$", r".\1js", one) for one in built]
    inner = "|".join(map(re.escape, names))
    below = re.compile(rf"(?<![\w./-])(?:{inner})(?![\w-])(?!\.\w)")
    for file in texts:
        text = plan.text(file, texts)
        after = literal.sub(lambda found: places[found[0]], text)
        if file.endswith(MARKDOWN):
            after = _followed(after, file, plan.moved.get(file, file), places)
        if after != text:
            plan.texts[file] = tree.in_order(file, after)
        if file.startswith(mine) and (named := below.search(after)):
            line = after.count("\n", 0, named.start()) + 1
            plan.told.append(Look(f"{file}:{line}", "it names a path of the module"))


def _places(split: Split, plan: Plan) -> dict[str, str]:
    """Return the new path of each file and folder that goes, by its old one."""
    folders = {split.paths[0]: split.source} if split.is_folder else {}
    return {**plan.moved, **folders}


def _followed(text: str, old: str, new: str, places: Mapping[str, str]) -> str:
    """Return a document in which links follow.

    Args:
        text: its text.
        old: its old path.
        new: its new one.
        places: the new path of each file and folder that goes, by its old one.
    """

    def link(found: re.Match[str]) -> str:
        target = found[1]
        here = posixpath.normpath(posixpath.join(posixpath.dirname(old), target))
        there = places.get(here, here)
        if old == new and here == there:
            return target
        way = posixpath.relpath(there, posixpath.dirname(new) or ".")
        return way + "/" * target.endswith("/")

    return _LINK.sub(link, text)


def sections(split: Split, plan: Plan, texts: Mapping[str, str]) -> None:
    """Have the documents about the module go, and its sections of the README.

    It comes before `paths`.
    """
    package, last = split.package, re.split(r"[./]", split.module)[-1]
    docs = f"{package.path}/docs/"
    for file in texts:
        inner = file.removeprefix(docs)
        if file.startswith(docs) and (
            inner.startswith(f"{last}/") or inner.rpartition(".")[0] == last
        ):
            plan.moved[file] = f"{split.at}/docs/{inner}"
    readme = f"{package.path}/README.md"
    if readme not in texts:
        return
    names = {last, split.module, split.import_name, f"{package.import_name}.{split.module}"}
    kept, gone = _divided(plan.text(readme, texts), names)
    if gone:
        plan.texts[readme] = f"{kept.rstrip()}\n"
        new = f"{split.at}/README.md"
        gone = _followed(gone, readme, new, _places(split, plan))
        plan.made[new] = _appended(gone)


def _appended(section: str) -> Callable[[str], str]:
    return lambda text: f"{text.rstrip()}\n\n{section.strip()}\n"


def _divided(text: str, names: Iterable[str]) -> tuple[str, str]:
    """Return a document without the sections whose headings are one of some names; and those."""
    kept: list[str] = []
    gone: list[str] = []
    depth = 0
    for level, title, row in _rows(text):
        if level and level <= depth:
            depth = 0
        if level and not depth and title.strip("`").casefold() in {one.casefold() for one in names}:
            depth = level
        (gone if depth else kept).append(row)
    return "".join(kept), "".join(gone)


def _rows(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield each line, with the level and the text of the heading that it is."""
    fence = ""
    for row in text.splitlines(keepends=True):
        mark = _FENCE.match(row)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        heading = None if fence else _HEADING.match(row)
        yield (len(heading[1]), heading[2], row) if heading else (0, "", row)
