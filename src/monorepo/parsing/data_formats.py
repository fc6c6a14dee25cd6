"""Parse TOML, YAML and JSON, with the comments that some tools allow in JSON; edit JSON as text."""

import contextlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import reduce
from operator import getitem
from typing import TYPE_CHECKING, Any

from monorepo.system import text_files
from monorepo.system.text_files import MalformedError

if TYPE_CHECKING:
    from yaml import SafeLoader
    from yaml.nodes import Node

# Keys and indexes that lead to a value.
Keys = tuple[str | int, ...]

# npm and cookiecutter allow no comments.
_STRICT = {"package.json", "cookiecutter.json"}
# Strings are matched first, so that only comments and trailing commas outside are removed.
_COMMENT = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?(?:\*/|\Z)', re.DOTALL)
_COMMA = re.compile(r'"(?:[^"\\\n]|\\.)*"|,(?=\s*[}\]])')

# No more than this many levels are certain: brackets, and what may begin a level on a line.
_MOST_BRACKETS = 2000
_DEEP = re.compile(r"^[ ?:-]{1000}", re.MULTILINE)


def parse(path: str, text: str) -> Mapping[str, Any]:
    """Parse the text of a file, in the format of its suffix.

    Raises:
        MalformedError: it is malformed, or not a table.
    """
    suffix = path.rpartition(".")[2]
    if suffix in ("toml", "Pipfile"):
        return text_files.toml(text)
    if suffix in ("yaml", "yml", "condarc"):
        return yaml(text)
    if path.rpartition("/")[2] in _STRICT:
        return text_files.json_object(text)
    return with_comments(text)


def yaml(text: str, tags: Collection[str] = ()) -> Mapping[str, Any]:
    """Parse a YAML mapping.

    Args:
        text: the text.
        tags: tags of the format at hand, such as `!reset`; their values count without them.

    Raises:
        MalformedError: it is not a mapping, or a key occurs twice.
    """
    # Imported here, because few runs read YAML.
    from yaml import MarkedYAMLError, YAMLError

    try:
        loader = _loader(tags, in_c(text))(text)
        node = loader.get_single_node()
        again = _duplicate(node, set())
        found = loader.construct_document(node) if node else None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise text_files.malformed(text, line, f"is not YAML ({error.problem})") from error
    # An invalid date or number, or a wrong tag, may raise any of these.
    except (YAMLError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise text_files.malformed(text, 0, f"is not YAML ({type(error).__name__})") from error
    if again:
        line, key = again
        raise MalformedError(line, f"has the key {key!a} twice", "remove one of them")
    if not isinstance(found, dict):
        raise text_files.malformed(text, 1, "is not a YAML mapping")
    return found


def in_c(text: str) -> type["SafeLoader"]:
    """Return what parses a YAML text: in C, ten times as fast, unless it may be nested too deeply.

    There the stack would overflow, and end the process.
    """
    import yaml

    is_deep = text.count("[") + text.count("{") > _MOST_BRACKETS or _DEEP.search(text)
    return yaml.SafeLoader if is_deep else getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _loader(tags: Collection[str], base: type["SafeLoader"]) -> type["SafeLoader"]:
    """Return a loader for which values with certain tags are those without."""
    from yaml.nodes import MappingNode, SequenceNode

    # mypy knows no class whose base is a value.
    class Loader(base):  # type: ignore[misc,valid-type]
        """The tags are those of one call."""

    def untagged(loader: "SafeLoader", node: "Node") -> object:
        if isinstance(node, MappingNode):
            return loader.construct_mapping(node, deep=True)
        if isinstance(node, SequenceNode):
            return loader.construct_sequence(node, deep=True)
        return node.value

    for tag in tags:
        Loader.add_constructor(tag, untagged)
    return Loader


def _duplicate(node: "Node | None", seen: set[int]) -> tuple[int, str] | None:
    """Return line and name of the first duplicate key."""
    from yaml.nodes import MappingNode, SequenceNode

    if node is None or id(node) in seen:
        return None
    seen.add(id(node))
    inner = list(node.value) if isinstance(node, SequenceNode) else []
    if isinstance(node, MappingNode):
        known = set()
        for key, value in node.value:
            if (key.tag, str(key.value)) in known and key.value != "<<":
                return key.start_mark.line + 1, str(key.value)
            known.add((key.tag, str(key.value)))
            inner.append(value)
    return next(filter(None, (_duplicate(child, seen) for child in inner)), None)


def fragment(text: str) -> Mapping[str, Any]:
    """Parse a part of a lockfile; an empty mapping if it is malformed."""
    try:
        return yaml(text)
    except MalformedError:
        return {}


def with_comments(text: str) -> Mapping[str, Any]:
    """Parse JSON with the comments and trailing commas that TypeScript and Biome allow."""
    with contextlib.suppress(MalformedError):
        return text_files.json_object(text)

    def blank(found: re.Match[str]) -> str:
        return found[0] if found[0][0] == '"' else re.sub(r"[^\n]", " ", found[0])

    plain = _COMMA.sub(blank, _COMMENT.sub(blank, text))
    return text_files.json_object(plain)


def with_string(text: str, keys: Sequence[str], value: str) -> str:
    """Return the text of a JSON file with another string at `keys`, otherwise to the letter.

    Raises:
        MalformedError: it writes that string in a way that cannot be replaced.
    """
    wanted: dict[str, Any] = json.loads(text)
    reduce(getitem, keys[:-1], wanted)[keys[-1]] = value
    # Other tables may have the same key.
    line = re.compile(rf'{re.escape(json.dumps(keys[-1]))}\s*:\s*("(?:[^"\\\n]|\\.)*")')
    for found in line.finditer(text):
        written = text[: found.start(1)] + json.dumps(value) + text[found.end(1) :]
        if json.loads(written) == wanted:
            return written
    what = f"writes {'.'.join(keys)} in an unusual notation"
    raise MalformedError(0, what, "write it as plain strings without escapes")


def table(data: object, *keys: str) -> dict[str, Any]:
    """Return the table at `keys`, empty if there is none."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def entries(data: object, *keys: str) -> list[Any]:
    """Return the list at `keys`, empty if there is none."""
    found = table(data, *keys[:-1]).get(keys[-1])
    return found if isinstance(found, list) else []


def leaves(data: object, keys: Keys = (), *, tables: bool = False) -> Iterator[tuple[Keys, Any]]:
    """Yield what a table or a list holds, however deep, with the keys that lead there.

    With `tables`, also each table itself.
    """
    if tables and isinstance(data, dict):
        yield keys, data
    if isinstance(data, (dict, list)):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from leaves(value, (*keys, key), tables=tables)
    else:
        yield keys, data


def strings(data: object) -> list[str]:
    """Return the texts in a table or a list, however deep."""
    return [value for _, value in leaves(data) if isinstance(value, str)]
