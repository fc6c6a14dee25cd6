"""TOML, YAML and JSON, with the comments that tools allow in them."""

import contextlib
import re
from collections.abc import Mapping
from typing import Any

from monorepo.system import text_files
from monorepo.system.text_files import MalformedError

# These are read by npm and by cookiecutter, which know no comments.
_STRICT = {"package.json", "cookiecutter.json"}
# A string is left as it is; a comment goes, and so does a comma at an end.
_COMMENT = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?(?:\*/|\Z)', re.DOTALL)
_COMMA = re.compile(r'"(?:[^"\\\n]|\\.)*"|,(?=\s*[}\]])')


def parse(path: str, text: str) -> Mapping[str, Any]:
    """Return the table that the text of a file is.

    Raises:
        MalformedError: it is none.
    """
    suffix = path.rpartition(".")[2]
    if suffix == "toml":
        return text_files.toml(text)
    if suffix in ("yaml", "yml"):
        return yaml(text)
    if path.rpartition("/")[2] in _STRICT:
        return text_files.json_object(text)
    return with_comments(text)


def yaml(text: str) -> Mapping[str, Any]:
    """Return the mapping that YAML is.

    Raises:
        MalformedError: it is none, or a key stands in it twice.
    """
    # Few runs read any.
    from yaml import MarkedYAMLError, SafeLoader, YAMLError
    from yaml.nodes import MappingNode, Node, SequenceNode

    def twice(node: Node | None, seen: set[int]) -> tuple[int, str] | None:
        """Return where a key stands the second time."""
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
        return next(filter(None, (twice(child, seen) for child in inner)), None)

    try:
        loader = SafeLoader(text)
        node = loader.get_single_node()
        again = twice(node, set())
        found = loader.construct_document(node) if node else None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise text_files.malformed(text, line, f"is not YAML ({error.problem})") from error
    # A scalar that is no date or number, or a tag for what it is not, ends in any of these.
    except (YAMLError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise text_files.malformed(text, 0, f"is not YAML ({type(error).__name__})") from error
    if again:
        line, key = again
        raise MalformedError(line, f"has the key {key!a} twice", "remove one of them")
    if not isinstance(found, dict):
        raise text_files.malformed(text, 1, "is not a YAML mapping")
    return found


def fragment(text: str) -> Mapping[str, Any]:
    """Return the mapping that a part of a lock is, empty if it is none."""
    try:
        return yaml(text)
    except MalformedError:
        return {}


def with_comments(text: str) -> Mapping[str, Any]:
    """Return what JSON holds, with the comments and last commas that TypeScript and Biome allow."""
    with contextlib.suppress(MalformedError):
        return text_files.json_object(text)

    def blank(found: re.Match[str]) -> str:
        return found[0] if found[0][0] == '"' else re.sub(r"[^\n]", " ", found[0])

    plain = _COMMA.sub(blank, _COMMENT.sub(blank, text))
    return text_files.json_object(plain)


def table(data: object, *keys: str) -> dict[str, Any]:
    """Return the table below others, empty if there is none."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def entries(data: object, *keys: str) -> list[Any]:
    """Return the list below tables, empty if there is none."""
    found = table(data, *keys[:-1]).get(keys[-1])
    return found if isinstance(found, list) else []
