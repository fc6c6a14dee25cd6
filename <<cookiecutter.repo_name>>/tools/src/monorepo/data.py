"""TOML, YAML and JSON as the rules read them: what is malformed is noted and skipped."""

import contextlib
import json
from collections.abc import Callable
from typing import Any

from monorepo import javascript, pnpmlock
from monorepo.errors import UsageError
from monorepo.sources import Sources
from monorepo.workspace import toml


def read(sources: Sources, path: str) -> dict[str, Any] | None:
    """Return the table in a file, as `parse` does; None, with a note, if it is malformed."""
    text = sources.text(path)
    if text is None:
        return None
    kind = path.rpartition(".")[2]
    found = parse(kind, text)
    if found is None:
        sources.notes[path] = f"is no {kind.upper()}"
    return found


def parse(kind: str, text: str) -> dict[str, Any] | None:
    """Return the table in a text of a kind, empty if it holds none; None if it is malformed."""
    parsers: dict[str, Callable[[str], Any]] = {"toml": toml, "yaml": _yaml}
    try:
        found = parsers.get(kind, _json)(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else {}


def _yaml(text: str) -> Any:  # noqa: ANN401
    # Few runs read any.
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError from error


def _json(text: str) -> Any:  # noqa: ANN401
    """Return what JSON holds, with the comments and last commas that TypeScript and Biome allow."""
    with contextlib.suppress(ValueError):
        return json.loads(text)
    tokens = [token.text for token in javascript.tokens(text)]
    ends = zip(tokens, [*tokens[1:], ""], strict=True)
    return json.loads("".join(one for one, after in ends if one != "," or after not in ("}", "]")))


def table(data: object, *keys: str) -> dict[str, Any]:
    """Return the table below others, empty if there is none."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def entries(data: object, *keys: str) -> list[Any]:
    """Return the list below tables, empty if there is none."""
    found = table(data, *keys[:-1]).get(keys[-1])
    return found if isinstance(found, list) else []


def lock(sources: Sources, path: str) -> pnpmlock.Lock | None:
    """Return a pnpm-lock.yaml; None, which the rule pins tells, if it is malformed."""
    try:
        return pnpmlock.parse(sources.text(path) or "")
    except UsageError:
        return None
