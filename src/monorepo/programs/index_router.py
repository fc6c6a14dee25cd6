"""The server that stands in front of indexes, where some have names of their own.

It redirects a question about a name to the index that may answer it, and says that it knows no
others (PEP 503: an index has a page for each name). Standard library only.
"""

import hashlib
import json
import re
import threading
from collections.abc import Sequence
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer

from monorepo.programs.indexes import Route, covers

# Below the ports that systems give to clients.
_PORTS = range(20_000, 32_000)
_LOCK = threading.Lock()
# The servers of this process, by the first part of the paths of their addresses.
_SERVERS: dict[str, "Router"] = {}
_FRONT = re.compile(r"http://127\.0\.0\.1:\d+/([0-9a-f]{16})/(\d{1,4})/simple")


class Router(ThreadingTCPServer):
    """Redirects a question about a name to an index that may answer it."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, start: str, routes: Sequence[Route]) -> None:
        """Listen at a port of this machine; addresses have `start` first."""
        super().__init__(("127.0.0.1", port), _Redirection)
        self.start = start
        self.routes = routes


class _Redirection(BaseHTTPRequestHandler):
    server: Router

    def do_GET(self) -> None:
        """Redirect, or answer that the name is not known."""
        found = re.fullmatch(r"/([0-9a-f]+)/([0-9]{1,4})/simple/([a-z0-9-]+)/?", self.path)
        to = ""
        if found and found[1] == self.server.start and int(found[2]) < len(self.server.routes):
            url, mine, others = self.server.routes[int(found[2])]
            here, elsewhere = (any(covers(one, found[3]) for one in p) for p in (mine, others))
            if here and not elsewhere:
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


def serve(routes: tuple[Route, ...]) -> str:
    """Return the address of the router for `routes`, which runs as long as this process."""
    with _LOCK:
        return _started(routes)


@cache
def _started(routes: tuple[Route, ...]) -> str:
    # uv's cache is by address: it is always the same for the same routes, if its port is free.
    start = hashlib.sha256(json.dumps(routes).encode()).hexdigest()[:16]
    port = _PORTS[int(start, 16) % len(_PORTS)]
    try:
        server = Router(port, start, routes)
    except OSError:
        server = Router(0, start, routes)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _SERVERS[start] = server
    return f"http://127.0.0.1:{server.server_address[1]}/{start}"


def recorded(text: str) -> str:
    """Return the text of a lock that was made through a router, with the addresses behind it."""

    def url(found: re.Match[str]) -> str:
        routes = _SERVERS[found[1]].routes if found[1] in _SERVERS else ()
        position = int(found[2])
        return routes[position][0] if position < len(routes) else found[0]

    return _FRONT.sub(url, text)
