"""Other indexes than the usual one, each for the names that it alone is asked for.

They are tables of [tool.monorepo.indexes] in the root's pyproject.toml. uv chooses an index by name
only for direct requirements. So a server in this process, of `index_router`, stands in front of all
indexes. A private name never reaches a public index, nor a public name a private one, whatever a
resolution meets. Standard library only.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from monorepo.core.naming import fold, show
from monorepo.core.workspace import OPT_IN, ROOT_MANIFEST, toml
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.system.text_files import MalformedError

_SETTING = f"{ROOT_MANIFEST}: [tool.monorepo.indexes"
_PYPI = "https://pypi.org/simple"
# What uv puts into the names of variables with credentials, and what it allows as a name.
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_PATTERN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(-\*)?")
# An address, the patterns of names that it is asked for, and those that others are asked for.
Route = tuple[str, tuple[str, ...], tuple[str, ...]]
# The extra of an environment that is resolved or filled.
_EXTRA = ContextVar("extra", default="")
# The settings that are about to be written.
_TEXT = ContextVar("text", default="")


@dataclass(frozen=True)
class Index:
    """An index of the settings.

    Attributes:
        name: its name, by which uv finds credentials in the environment.
        url: its address, as PEP 503 means it.
        patterns: the normalized names that it is asked for; `corp-*` is each that starts with
            `corp-`.
        public: whether everybody may know these names, which mean the same on PyPI.
        extra: the extra whose environments have the builds of this index; "" for all environments.
    """

    name: str
    url: str
    patterns: tuple[str, ...]
    public: bool = False
    extra: str = ""

    def has(self, name: str) -> bool:
        """Return whether this index alone is asked for a normalized name."""
        return any(covers(pattern, name) for pattern in self.patterns)


def covers(pattern: str, name: str) -> bool:
    """Return whether a pattern of names is for a normalized name."""
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def owner(name: str, indexes: Sequence[Index]) -> Index | None:
    """Return the index that alone is asked for a normalized name, or None for the usual ones."""
    return next((index for index in indexes if index.has(name)), None)


def private(root: Path) -> list[Index]:
    """Return the indexes in the settings whose names nobody else may know.

    Raises:
        UsageError: the settings are malformed: all mistakes.
    """
    return [index for index in read(root) if not index.public]


@contextmanager
def preferring(extra: str) -> Iterator[None]:
    """Have names that several indexes have asked of the one with `extra`."""
    token = _EXTRA.set(extra)
    try:
        yield
    finally:
        _EXTRA.reset(token)


@contextmanager
def written(text: str) -> Iterator[None]:
    """Have the indexes in a text of the root's pyproject.toml count, before that is written.

    Raises:
        UsageError: the settings are malformed: all mistakes.
    """
    token = _TEXT.set(text)
    try:
        yield
    finally:
        _TEXT.reset(token)


def read(root: Path) -> list[Index]:
    """Return the indexes in the settings of the repository at `root`, in order of precedence.

    Raises:
        UsageError: the settings are malformed: all mistakes.
    """
    try:
        text = _TEXT.get() or text_files.read(root, ROOT_MANIFEST)
        facts = toml(text).get("tool", {}).get("monorepo", {})
    except MalformedError as error:
        raise error.of(ROOT_MANIFEST) from error
    tables = facts.get("indexes", {})
    if not isinstance(tables, dict):
        raise UsageError(f"{_SETTING}]: is not a table; write a table [tool.monorepo.indexes.name]")
    wrong, found = [], list[Index]()
    for name, table in tables.items():
        if mistakes := _mistakes(name, table):
            wrong += [f"{_SETTING}.{show(name)}]: {mistake}" for mistake in mistakes]
            continue
        index = Index(
            name,
            table["url"].rstrip("/"),
            tuple(map(fold, table["names"])),
            table.get("public", False),
            table.get("extra", ""),
        )
        wrong += [
            f"{_SETTING}.{name}]: {mine} is also for {other.name}; name it for one of them"
            for other in found
            if other.extra == index.extra
            for mine in index.patterns
            for theirs in other.patterns
            if covers(mine, theirs) or covers(theirs, mine)
        ]
        found.append(index)
    if wrong:
        raise UsageError(*wrong)
    return sorted(found, key=lambda index: index.extra != _EXTRA.get())


def _mistakes(name: str, table: object) -> list[str]:
    """Return what is wrong with the table of an index."""
    found = []
    if not _NAME.fullmatch(name):
        found.append("is not a name; use lower-case letters, digits and single dashes")
    if not isinstance(table, dict):
        return [*found, 'is not a table; write url = "https://…" and names = ["corp-*"]']
    if unknown := sorted(table.keys() - {"url", "names", "public", "extra"}):
        keys = ", ".join(map(show, unknown))
        found.append(f"{keys}: is not known; write url, names, public and extra only")
    if mistake := url_mistake(table.get("url")):
        found.append(f"url: {mistake}")
    names = table.get("names")
    texts = names if isinstance(names, list) and names else [None]
    if not all(isinstance(text, str) and _PATTERN.fullmatch(text) for text in texts):
        found.append('names: write a list of names, or of starts of names such as "corp-*"')
    if not isinstance(table.get("public", False), bool):
        found.append("public: write true or false")
    if table.get("extra", "") not in ("", *OPT_IN):
        found.append(f"extra: only {', '.join(OPT_IN)} can have builds of its own")
    return found


def url_mistake(url: object) -> str:
    """Return what is wrong with the address of an index; "" for nothing. It is not repeated."""
    example = 'write url = "https://packages.example.com/simple"'
    if not isinstance(url, str) or not re.fullmatch(r"https?://[!-~]+", url):
        return f"is not the address of an index; {example}"
    try:
        parts = urlsplit(url)
    except ValueError:
        return f"is not the address of an index; {example}"
    if "@" in parts.netloc:
        return (
            "has credentials in it; remove them, and set UV_INDEX_<NAME>_USERNAME and"
            " UV_INDEX_<NAME>_PASSWORD, or use a keyring"
        )
    if parts.query or parts.fragment or not parts.hostname:
        return f"is not the address of an index; {example}"
    return ""


def group(names: Mapping[str, str], indexes: Sequence[Index]) -> dict[Index | None, list[str]]:
    """Return the lines of pins by the index that is asked for them, None for the usual one.

    Args:
        names: the normalized name of each line.
        indexes: the indexes of the settings.
    """
    found: dict[Index | None, list[str]] = {}
    for line, name in names.items():
        found.setdefault(owner(name, indexes), []).append(line)
    return found


def with_credentials(index: Index) -> str:
    """Return the address of an index with the credentials for it in the environment, if any."""
    start = f"UV_INDEX_{index.name.upper().replace('-', '_')}_"
    user, password = (os.environ.get(start + key, "") for key in ("USERNAME", "PASSWORD"))
    if not user and not password:
        return index.url
    parts = urlsplit(index.url)
    # A user without a password is one whose password a keyring has.
    secret = f":{quote(password, safe='')}" if password else ""
    return urlunsplit(parts._replace(netloc=f"{quote(user, safe='')}{secret}@{parts.netloc}"))


def route(
    settings: dict[str, Any], env: dict[str, str], indexes: Sequence[Index]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return settings and variables of uv by which a name reaches only its own index.

    Args:
        settings: the user's settings of uv.
        env: variables for uv.
        indexes: the indexes of the settings of the repository.
    """
    usual, env = _usual(settings, env)
    named = [{"name": index.name, "url": index.url} for index in indexes]
    # An index on this machine's disk, or a page of files, is not asked for names.
    asked = [entry for entry in usual if _is_asked(entry)]
    routes, others = list[Route](), tuple[str, ...]()
    for index in indexes:
        routes.append((index.url, index.patterns, others))
        others += index.patterns
    routes += [(_bare(str(entry["url"])), ("*",), others) for entry in asked]
    # Imported here: few repositories have indexes of their own, and servers take long to import.
    from monorepo.programs import index_router

    server = index_router.serve(tuple(routes))
    fronts: list[dict[str, Any]] = [
        {"url": f"{server}/{position}/simple"} for position in range(len(routes))
    ]
    for entry, front in zip(asked, fronts[len(named) :], strict=True):
        front |= {key: entry[key] for key in ("default", "ignore-error-codes") if key in entry}
    # Those with credentials stay known to uv, which adds them when it follows a redirection.
    known = {str(entry.get("name", f"usual-{at}")): entry for at, entry in enumerate(asked)}
    known |= {str(entry["name"]): entry for entry in named}
    kept = [
        {**entry, "name": name, "default": False, "explicit": True} for name, entry in known.items()
    ]
    flat = [entry for entry in usual if not _is_asked(entry)]
    sources = ("index", "index-url", "extra-index-url")
    pip = {key: value for key, value in settings.get("pip", {}).items() if key not in sources}
    rest = {key: value for key, value in settings.items() if key not in (*sources, "pip")}
    proxied = _beside_proxy(rest, env)
    return {**rest, **proxied, "index": [*fronts, *flat, *kept], "pip": pip}, env


def _usual(
    settings: Mapping[str, Any], env: Mapping[str, str]
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the indexes that uv would use, in its order, and the variables without them."""
    env = dict(env)
    listed = [_entry(word) for word in env.pop("UV_INDEX", "").split()]
    listed += [{"url": word} for word in env.pop("UV_EXTRA_INDEX_URL", "").split()]
    defaults = [_entry(env.pop(key, "")) for key in ("UV_DEFAULT_INDEX", "UV_INDEX_URL")]
    for table in (settings.get("pip", {}), settings):
        found = table.get("index", [])
        listed += [entry for entry in found if not entry.get("default")]
        defaults += [entry for entry in found if entry.get("default")]
        listed += [{"url": url} for url in table.get("extra-index-url", [])]
        defaults.append({"url": table.get("index-url", "")})
    default = next((entry for entry in defaults if entry["url"]), {"url": _PYPI})
    return [*listed, {**default, "default": True}], env


def _entry(text: str) -> dict[str, Any]:
    """Return an index as a variable of uv names it: an address, or `name=address`."""
    name, _, url = text.partition("=")
    return {"name": name, "url": url} if re.fullmatch(r"[\w.-]+", name) and url else {"url": text}


def _is_asked(entry: Mapping[str, Any]) -> bool:
    flat = entry.get("explicit") or entry.get("format") == "flat"
    return not flat and str(entry["url"]).startswith(("https://", "http://"))


def _bare(url: str) -> str:
    """Return an address without credentials."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])).rstrip("/")


def _beside_proxy(settings: Mapping[str, Any], env: dict[str, str]) -> dict[str, Any]:
    """Have no proxy asked for this machine; return the setting for that, if there is one."""
    without = env.get("NO_PROXY") or env.get("no_proxy") or ""
    env["NO_PROXY"] = ",".join(filter(None, (without, "127.0.0.1")))
    if "no-proxy" not in settings:
        return {}
    return {"no-proxy": [*settings["no-proxy"], "127.0.0.1"]}
