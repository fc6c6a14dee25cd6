"""A headless Chromium for tests: what npm has of it, pinned, and the protocol to drive it by."""

import base64
import fcntl
import hashlib
import json
import os
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from tests.template import baking
from tests.template.baking import run

# The binary in it is for Linux on x86-64.
PACKAGE = "@sparticuz/chromium@153.0.0"
HASH = "20e5656fcdcf4118ede85edfb9d6bb9cc1bbb7ffb8b75622fffbcf36a835c3c0"
UNPACK = """\
const { createReadStream, createWriteStream } = require("node:fs");
const { createBrotliDecompress } = require("node:zlib");
const [from, to] = process.argv.slice(1);
createReadStream(from).pipe(createBrotliDecompress()).pipe(createWriteStream(to, { mode: 0o755 }));
"""
KEYS = {"Enter": "\r", "Escape": "", "ArrowRight": "", "Tab": ""}
# Seconds after which a page has done nothing.
LONGEST = 90


def program(tools: Path) -> Path:
    """Return Chromium: that of CHROMIUM, or the pinned one, fetched once for all workers.

    Args:
        tools: a folder with `node` and `npm`.
    """
    if given := os.environ.get("CHROMIUM"):
        return Path(given)
    machine = os.uname()
    if (machine.sysname, machine.machine) != ("Linux", "x86_64"):
        pytest.skip("needs Chromium for this machine: CHROMIUM=path/to/it")
    assert baking.RENDERED
    kept = baking.RENDERED / "chromium"
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            _fetch(tools, kept)
    return kept


def _fetch(tools: Path, target: Path) -> None:
    folder = target.with_suffix(".aside")
    folder.mkdir()
    env = {"PATH": f"{tools}:{os.environ['PATH']}", "npm_config_cache": str(folder / "cache")}
    run(folder, tools / "npm", "pack", "--silent", PACKAGE, env=env)
    (archive,) = folder.glob("*.tgz")
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == HASH
    with tarfile.open(archive) as members:
        member = members.extractfile("package/bin/chromium.br")
        assert member
        (folder / "chromium.br").write_bytes(member.read())
    draft = folder / "chromium"
    run(folder, tools / "node", "--eval", UNPACK, folder / "chromium.br", draft)
    draft.rename(target)
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    folder.rmdir()


class Page:
    """A page in a headless Chromium, driven by the DevTools protocol over two pipes."""

    def __init__(self, executable: Path, profile: Path) -> None:
        """Start Chromium with an empty page; `profile` is a folder of its own."""
        pipes = [*os.pipe(), *os.pipe()]
        # Chromium reads from 3 and writes to 4; until then, nothing of ours is there.
        theirs, answers = (fcntl.fcntl(pipes[one], fcntl.F_DUPFD_CLOEXEC, 10) for one in (0, 3))
        command = [
            *(str(executable), "--headless", "--no-sandbox", "--disable-gpu", "--no-zygote"),
            *("--disable-dev-shm-usage", "--window-size=1400,900", "--remote-debugging-pipe"),
            *(f"--user-data-dir={profile}", "about:blank"),
        ]
        self._process = subprocess.Popen(
            command,
            close_fds=False,
            preexec_fn=lambda: (os.dup2(theirs, 3), os.dup2(answers, 4)),
            stderr=subprocess.DEVNULL,
            cwd=profile,
        )
        for one in (theirs, answers, pipes[0], pipes[3]):
            os.close(one)
        self._output = os.fdopen(pipes[1], "wb", 0)
        self._input = os.fdopen(pipes[2], "rb")
        self._number = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._output.close()
        self._input.close()

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """Call a method of the protocol and return its result; keep the events before it."""
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._output.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = json.loads(self._message())
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                return dict(answer["result"])
            self.events.append(answer)

    def _message(self) -> bytes:
        content = bytearray()
        while (byte := self._input.read(1)) != b"\0":
            assert byte, "Chromium has ended"
            content += byte
        return bytes(content)

    def open(self, file: Path) -> None:
        """Open a file, and wait until it is loaded."""
        self.call("Page.navigate", url=file.as_uri())
        self.until("document.readyState === 'complete'")

    def js(self, expression: str) -> Any:  # noqa: ANN401
        """Return the value of an expression in the page."""
        words = {"expression": expression, "awaitPromise": True, "returnByValue": True}
        done = self.call("Runtime.evaluate", **words)
        assert "exceptionDetails" not in done, (expression, done["exceptionDetails"])
        return done["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait until an expression is true."""
        deadline = time.monotonic() + LONGEST
        while not self.js(expression):
            assert time.monotonic() < deadline, expression
            time.sleep(0.05)

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Wait, at the end, until what is done has made the page draw its graph again."""
        count = self.js("Number(document.querySelector('#graph').dataset.drawn ?? 0)")
        yield
        self.until(f"Number(document.querySelector('#graph').dataset.drawn ?? 0) > {count}")

    def middle(self, selector: str) -> tuple[float, float]:
        """Return the middle of an element on the screen, and scroll to it in a list."""
        found = f"document.querySelector({json.dumps(selector)})"
        if not self.js(f"{found} instanceof SVGElement"):
            self.js(f"{found}.scrollIntoView({{ block: 'center' }})")
        x, y, width, height = self.js(
            f"(({{ x, y, width, height }}) => [x, y, width, height])"
            f"({found}.getBoundingClientRect())"
        )
        return x + width / 2, y + height / 2

    def click(self, selector: str) -> None:
        """Click on an element with the mouse."""
        self.drag(self.middle(selector), self.middle(selector))

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press the mouse at a place, and release it at another one."""
        steps = [("mousePressed", start), ("mouseMoved", end), ("mouseReleased", end)]
        for kind, (x, y) in steps if start != end else (steps[0], steps[2]):
            words = {"type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1}
            self.call("Input.dispatchMouseEvent", **words)

    def wheel(self, place: tuple[float, float], distance: float) -> None:
        """Turn the wheel at a place."""
        words = {"type": "mouseWheel", "x": place[0], "y": place[1], "deltaX": 0}
        self.call("Input.dispatchMouseEvent", **words, deltaY=distance)

    def press(self, key: str) -> None:
        """Press a key."""
        codes = {"Enter": 13, "Escape": 27, "ArrowRight": 39, "Tab": 9}
        words: dict[str, object] = {
            "key": key,
            "windowsVirtualKeyCode": codes.get(key, ord(key[0])),
        }
        text = KEYS.get(key, key)
        self.call(
            "Input.dispatchKeyEvent", type="keyDown", **words, **({"text": text} if text else {})
        )
        self.call("Input.dispatchKeyEvent", type="keyUp", **words)

    def write(self, text: str) -> None:
        """Write a text where the focus is."""
        self.call("Input.insertText", text=text)

    def buttons(self) -> set[str]:
        """Return the names of the buttons that a screen reader finds."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return {
            node.get("name", {}).get("value", "")
            for node in nodes
            if node.get("role", {}).get("value") == "button"
        }

    def picture(self, name: str, folder: Path) -> Path:
        """Write a screenshot, into SCREENSHOTS if that names a folder, and return its file."""
        folder = Path(os.environ.get("SCREENSHOTS") or folder)
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{name}.png"
        file.write_bytes(
            base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
        )
        return file
