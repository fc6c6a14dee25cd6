"""Serve the build of a browser app, and look at its page.

Standard library only.
"""

import contextlib
import threading
import urllib.request
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urldefrag, urljoin

from monorepo.system.errors import TaskError

# The elements that load something, and the attribute that names it (HTML Standard).
_LOADS = {"script": "src", "link": "href", "img": "src", "source": "src", "iframe": "src"}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: what is missing is told of once."""


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the files in a folder on a free local port, and yield the address."""
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


class _Page(HTMLParser):
    """What a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element loads."""
        value = dict(attrs).get(_LOADS.get(tag, ""))
        if value:
            self.loads.append(value)


def look(url: str) -> None:
    """Request a page, and all that it loads from the same server.

    Raises:
        TaskError: the page is no HTML, loads nothing from there, or something is missing or empty.
    """
    kind, content = _get(url)
    if kind != "text/html":
        raise TaskError(f"smoke: GET /: is {kind}; expected text/html: see index.html")
    found = _Page()
    found.feed(content.decode("utf-8", "replace"))
    needed = {urldefrag(urljoin(url, name)).url for name in found.loads}
    own = sorted(one for one in needed if one.startswith(url))
    if not own:
        raise TaskError("smoke: GET /: loads no file of its own; expected a script: see index.html")
    for one in own:
        if not _get(one)[1]:
            raise TaskError(f"smoke: GET {one.removeprefix(url[:-1])}: is empty; see make build")


def _get(url: str) -> tuple[str, bytes]:
    """Return the media type of what is at an address, and its content.

    Raises:
        TaskError: the response is an error.
    """
    # No proxy: this never leaves the machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=10) as answer:
            return answer.headers.get_content_type(), answer.read()
    except OSError as error:
        path = "/" + url.split("/", 3)[3]
        raise TaskError(f"smoke: GET {path}: {error}; see make build") from error
