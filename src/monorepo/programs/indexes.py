"""Other indexes than the usual one, each for the names that it alone is asked for.

They are tables of [tool.monorepo.indexes] in the root's pyproject.toml. uv chooses an index by name
only for direct requirements. So a server in this process stands in front of all indexes: it
redirects a question about a name to the index that may answer it, and says that it knows no others
(PEP 503: an index has a page for each name). A private name never reaches a public index, nor a
public name a private one, whatever a resolution meets. Standard library only.
"""

import hashlib
import json
import os
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from monorepo.core.naming import fold, show
from monorepo.core.workspace import ROOT_MANIFEST, toml
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.system.text_files import MalformedError

_SETTING = f"{ROOT_MANIFEST}: [tool.monorepo.indexes"
_PYPI = "https://pypi.org/simple"
# What uv puts into the names of variables with credentials, and what it allows as a name.
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_PATTERN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(-\*)?")
# Below the ports that systems give to clients.
_PORTS = range(20_000, 32_000)
_LOCK = threading.Lock()
# An address, patterns of names, and whether it is asked for those names or for all others.
_Route = tuple[str, tuple[str, ...], bool]
# Those that routers of this process serve, and what their addresses look like.
_ROUTES: list[tuple[_Route, ...]] = []
_FRONT = re.compile(r"http://127\.0\.0\.1:\d+/([0-9a-f]{16})/(\d{1,4})/simple")


@dataclass(frozen=True)
class Index:
    """An index of the settings.

    Attributes:
        name: its name, by which uv finds credentials in the environment.
        url: its address, as PEP 503 means it.
        patterns: the normalized names that it is asked for; `corp-*` is each that starts with
            `corp-`.
        public: whether everybody may know these names, which mean the same on PyPI.
    """

    name: str
    url: str
    patterns: tuple[str, ...]
    public: bool = False

    def has(self, name: str) -> bool:
        """Return whether this index alone is asked for a normalized name."""
        return any(_covers(pattern, name) for pattern in self.patterns)


def _covers(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def read(root: Path) -> list[Index]:
    """Return the indexes in the settings of the repository at `root`.

    Raises:
        UsageError: the settings are malformed: all mistakes.
    """
    try:
        facts = toml(text_files.read(root, ROOT_MANIFEST)).get("tool", {}).get("monorepo", {})
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
        )
        wrong += [
            f"{_SETTING}.{name}]: {mine} is also for {other.name}; name it for one of them"
            for other in found
            for mine in index.patterns
            for theirs in other.patterns
            if _covers(mine, theirs) or _covers(theirs, mine)
        ]
        found.append(index)
    if wrong:
        raise UsageError(*wrong)
    return found


def _mistakes(name: str, table: object) -> list[str]:
    """Return what is wrong with the table of an index."""
    found = []
    if not _NAME.fullmatch(name):
        found.append("is not a name; use lower-case letters, digits and single dashes")
    if not isinstance(table, dict):
        return [*found, 'is not a table; write url = "https://…" and names = ["corp-*"]']
    if unknown := sorted(table.keys() - {"url", "names", "public"}):
        keys = ", ".join(map(show, unknown))
        found.append(f"{keys}: is not known; write url, names and public only")
    if mistake := _url_mistake(table.get("url")):
        found.append(f"url: {mistake}")
    names = table.get("names")
    texts = names if isinstance(names, list) and names else [None]
    if not all(isinstance(text, str) and _PATTERN.fullmatch(text) for text in texts):
        found.append('names: write a list of names, or of starts of names such as "corp-*"')
    if not isinstance(table.get("public", False), bool):
        found.append("public: write true or false")
    return found


def _url_mistake(url: object) -> str:
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
        index = next((index for index in indexes if index.has(name)), None)
        found.setdefault(index, []).append(line)
    return found


def recorded(text: str) -> str:
    """Return the text of a lock that was made through the router, with the addresses of indexes."""

    def url(found: re.Match[str]) -> str:
        routes = next((known for known in _ROUTES if _start(known) == found[1]), ())
        position = int(found[2])
        return routes[position][0] if position < len(routes) else found[0]

    return _FRONT.sub(url, text)


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
    routes = [(index.url, index.patterns, True) for index in indexes]
    others = tuple(pattern for index in indexes for pattern in index.patterns)
    routes += [(_bare(str(entry["url"])), others, False) for entry in asked]
    server = _serve(tuple(routes))
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


class _Router(ThreadingTCPServer):
    """Redirects a question about a name to an index that may answer it."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, start: str, routes: Sequence[_Route]) -> None:
        super().__init__(("127.0.0.1", port), _Redirection)
        self.start = start
        self.routes = routes


class _Redirection(BaseHTTPRequestHandler):
    server: _Router

    def do_GET(self) -> None:
        """Redirect, or answer that the name is not known."""
        found = re.fullmatch(r"/([0-9a-f]+)/([0-9]{1,4})/simple/([a-z0-9-]+)/?", self.path)
        to = ""
        if found and found[1] == self.server.start and int(found[2]) < len(self.server.routes):
            url, patterns, inside = self.server.routes[int(found[2])]
            if any(_covers(pattern, found[3]) for pattern in patterns) == inside:
                to = f"{url}/{found[3]}/"
        self.send_response(HTTPStatus.TEMPORARY_REDIRECT if to else HTTPStatus.NOT_FOUND)
        if to:
            self.send_header("Location", to)
        self.send_header("Content-Length", "0")
        self.end_headers()

    # The name that http.server calls.
    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _serve(routes: tuple[_Route, ...]) -> str:
    """Return the address of the router for `routes`, which runs as long as this process."""
    with _LOCK:
        return _started(routes)


@cache
def _started(routes: tuple[_Route, ...]) -> str:
    # uv's cache is by address: it is always the same for the same routes, if its port is free.
    start = _start(routes)
    port = _PORTS[int(start, 16) % len(_PORTS)]
    try:
        server = _Router(port, start, routes)
    except OSError:
        server = _Router(0, start, routes)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _ROUTES.append(routes)
    return f"http://127.0.0.1:{server.server_address[1]}/{start}"


def _start(routes: tuple[_Route, ...]) -> str:
    """Return the first part of the paths of a router."""
    return hashlib.sha256(json.dumps(routes).encode()).hexdigest()[:16]
