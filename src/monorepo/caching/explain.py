"""What a result depends on, and what has changed since the last one: for people and programs."""

import json
from collections.abc import Iterator, Mapping

from monorepo.caching.contents import Key
from monorepo.caching.store import Result
from monorepo.system import terminal

# More changes than these are counted.
_SHOWN = 5


def as_text(key: Key) -> str:
    """Return the hash of all, that of each component, and mode and content of single files."""
    rows = [f"{digest}  {name}" for name, digest in key.detail.components.items()]
    rows += [f"{content}  {terminal.line(path)}" for path, content in key.detail.files.items()]
    refused = [f"no result is kept: {terminal.line(key.refused)}"] if key.refused else []
    return "\n".join([key.digest, *refused, *rows])


def as_json(path: str, task: str, key: Key) -> str:
    """Return the same as JSON."""
    whole = {"schema_version": 1, "package": path, "task": task, "hash": key.digest}
    found = {
        "not_kept": key.refused or None,
        "components": key.detail.components,
        "files": key.detail.files,
    }
    return json.dumps(whole | found, indent=2)


def why(key: Key, last: Result | None) -> str:
    """Return on one line what has changed since the last result, or why there is none."""
    if key.refused:
        return f"no result is kept: {terminal.line(key.refused)}"
    if last is None:
        return "no success of it is known here"
    rows = [*_changes(key.detail.files, last.files)]
    # A file says more than the scope that it is in.
    left_out = key.detail.detailed if rows else frozenset()
    rows += _changes(_without(key.detail.components, left_out), _without(last.components, left_out))
    more = [f"and {len(rows) - _SHOWN} more"] if len(rows) > _SHOWN else []
    return "; ".join([*rows[:_SHOWN], *more]) or "what it had written is not there"


def _without(components: Mapping[str, str], names: frozenset[str]) -> dict[str, str]:
    return {name: digest for name, digest in components.items() if name not in names}


def _changes(now: Mapping[str, str], then: Mapping[str, str]) -> Iterator[str]:
    """Yield what is new, is gone or differs."""
    for name in sorted(now.keys() | then.keys()):
        if now.get(name) != then.get(name):
            word = "is new" if name not in then else "is gone" if name not in now else "differs"
            yield f"{terminal.line(name)} {word}"
