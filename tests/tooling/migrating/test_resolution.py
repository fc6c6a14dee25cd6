"""What the indexes have of requirements files, asked with real resolutions."""

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import quote, unquote

import pytest

from monorepo.core import hashes, workspace
from monorepo.locking import locks
from monorepo.migrating import report, requirements
from monorepo.migrating.report import Report
from monorepo.system import text_files
from monorepo.system.errors import TaskError

Wheel = Callable[..., None]
Package = Callable[..., Path]
Write = Callable[[dict[str, str]], None]


def migrate(root: Path, text: str, *, dry_run: bool = True) -> Report:
    """Migrate a file with a text to the shared package."""
    file = root.parent / "requirements.txt"
    file.write_text(text, encoding="utf-8")
    space = workspace.load(root)
    return requirements.migrate(space, [str(file)], "shared/py/core", dry_run=dry_run)


def reasons(done: Report) -> dict[str, str]:
    """Return what is suspicious, by the text of the line."""
    lines = [line for file in done.files for line in file.lines]
    return {line.text: line.why for line in lines if line.status.value == "suspicious"}


@pytest.fixture
def index(
    wheel: Wheel,
    wheels: Path,
    uv: Path,
    package: Package,
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Have some wheels, and an sdist alone."""
    assert uv.exists()
    monkeypatch.delenv("UV_OFFLINE")
    write({"constraints.txt": "# Pins.\nright==1.0\n"})
    package("shared/py/core")
    for version in ("1.0", "2.0"):
        wheel("left", version, f"right=={version}")
        wheel("right", version)
    wheel("wide", "1.0", "right>=1")
    (wheels / "source-1.0.zip").write_bytes(b"PK\5\6" + bytes(18))
    return wheels


def test_what_the_indexes_do_not_have_is_told_of_each_line(root: Path, index: Path) -> None:
    assert index.exists()
    done = migrate(
        root,
        "left==1.0 ; os_name != 'nt'\nleft==9.0 ; os_name == 'nt'\nsource==1.0\nnone==1\nwide\n",
    )
    assert reasons(done) == {
        "left==9.0 ; os_name == 'nt'": "no index has left==9.0; pin a version that there is",
        "source==1.0": (
            "is sdist-only, or has no wheel for the Pythons of this repository; pin another"
            " version, or list it in build-from-source of [tool.monorepo]"
        ),
        "none==1": "no index has none==1; pin a version that there is",
        "wide": "is not pinned; constraints.txt has 1.0",
    }
    assert done.remarks == []
    # What is not pinned gets the version of today, and so does what that requires.
    assert "wide==1.0" in done.pins
    assert done.is_complete


def test_pins_that_what_is_required_cannot_have_are_replaced(root: Path, index: Path) -> None:
    assert index.exists()
    done = migrate(root, "left==2.0\n", dry_run=False)
    assert done.replaced == {"right==1.0": "right==2.0"}
    assert hashes.pin_lines(text_files.read(root, "constraints.txt")) == ["left==2.0", "right==2.0"]
    locks.lock(workspace.load(root), [])
    assert locks.check(workspace.load(root)) == []
    # Nothing that can stay is moved.
    assert migrate(root, "left==2.0\nwide\n").replaced == {}


def test_what_conflicts_is_told_with_the_reason(root: Path, index: Path, package: Package) -> None:
    assert index.exists()
    done = migrate(root, "left==2.0\nright==1.0\n")
    assert done.remarks[0].startswith("the files have no solution: Because left>=2.0 depends on")
    assert "conflicts with other lines" in reasons(done)["left==2.0"]
    # What is declared for the same name is told without an index, of all lines at once.
    package("shared/py/other", "right>=2", more=["wide>2"])
    done = migrate(root, "right==1.0\nwide==1.0\n")
    advice = "pin another version, lower that range, or leave the line out"
    assert reasons(done) == {
        "right==1.0": f"shared/py/other/pyproject.toml declares right>=2; {advice}",
        "wide==1.0": f"shared/py/other/pyproject.toml declares wide>2; {advice}",
    }
    assert done.blocking == ["requirements.txt:1: right==1.0", "requirements.txt:2: wide==1.0"]
    package("shared/py/other", "right>=2")
    done = migrate(root, "left==1.0\nwide==1.0\n")
    assert list(reasons(done)) == ["left==1.0"]
    assert "conflicts with what the repository requires" in reasons(done)["left==1.0"]


def test_no_index_is_asked_for_what_it_must_not_hear(
    root: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert index.exists()
    done = migrate(root, "tiny-core==1.0\ntiny-gone==1.0\nleft==2.0\n")
    first, second, third = done.files[0].lines
    assert "is shared/py/core, which no index has" in first.why
    assert "is named like a package of this repository" in second.why
    assert [first.status, second.status, third.status] == [*["not-understood"] * 2, "kept"]
    assert done.extras["legacy-cpu"] == ["left==2.0"]
    assert not [pin for pin in done.pins if pin.startswith("tiny")]

    hidden = "--extra-index-url https://packages.example.com/simple\n"
    done = migrate(root, f"{hidden}none==1\n")
    assert done.remarks[0].startswith("not asked: requirements.txt:1 has an index with names")
    monkeypatch.setenv("OFFLINE", "1")
    done = migrate(root, "none==1\n")
    assert (done.remarks, reasons(done)) == (["not asked: OFFLINE is set"], {})
    assert "indexes: not asked: OFFLINE is set" in report.as_text(done)


def test_an_index_that_does_not_answer_fails_nothing(
    root: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert index.exists()
    for name in ("UV_NO_INDEX", "UV_FIND_LINKS"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://me:s3cret@127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    done = migrate(root, "left==1.0\n", dry_run=False)
    assert done.remarks == [
        "not asked: the index does not answer as it should; try again when it does"
    ]
    assert done.is_complete
    assert "left==1.0" in text_files.read(root, "constraints.txt")


class _Indexes(BaseHTTPRequestHandler):
    """Serves wheels of folders: `/folder/name/` is the page of a name."""

    folder: Path

    def do_GET(self) -> None:
        *above, name = unquote(self.path).strip("/").split("/")
        place = self.folder.joinpath(*above)
        body = b""
        if name.endswith(".whl"):
            body = (place / name).read_bytes()
        else:
            found = sorted(place.glob(f"{name.replace('-', '_')}-*"))
            body = "".join(
                f'<a href="/{"/".join(above)}/{quote(one.name)}">{one.name}</a>' for one in found
            ).encode()
        self.send_response(200 if body else 404)
        kind = "application/octet-stream" if name.endswith(".whl") else "text/html"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if self.command == "GET" else b"")

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve the folders below a folder as indexes, and yield the address."""
    handler = type("Served", (_Indexes,), {"folder": folder})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def put(folder: Path, name: str, version: str, *requires: str) -> None:
    """Write a wheel with metadata alone into the folder of an index."""
    folder.mkdir(parents=True, exist_ok=True)
    told = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {one}" for one in requires)]
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as file:
        file.writestr(f"{info}/METADATA", "\n".join(["Metadata-Version: 2.1", *told, ""]))
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")


@pytest.fixture
def torch(
    root: Path, uv: Path, package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Serve an index whose torch is for GPUs, and one at /whl/cpu whose torch is not."""
    assert uv.exists()
    package("shared/py/core")
    text_files.read(root, "constraints.txt")
    (root / "constraints.txt").write_text("", encoding="utf-8")
    (root / "tools/hashes.txt").write_text("", encoding="utf-8")
    usual = tmp_path / "indexes/simple"
    gpus = [f"nvidia_{number}" for number in range(15)]
    put(usual, "torch", "2.7.1", *gpus)
    put(usual, "sound", "1.0", "torch")
    for name in gpus:
        put(usual, name, "1.0")
    put(tmp_path / "indexes/whl/cpu", "torch", "2.7.1+cpu")
    for name in ("UV_NO_INDEX", "UV_OFFLINE", "UV_FIND_LINKS"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    with serving(tmp_path / "indexes") as url:
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"{url}/simple")
        yield f"{url}/whl/cpu"


def test_a_name_that_no_index_has_is_told(root: Path, torch: str) -> None:
    assert torch
    why = reasons(migrate(root, "sound==1.0\nnone==1\n"))["none==1"]
    assert why == "no index has none; correct its name, or name its index"


def test_a_local_version_is_a_pin_and_an_index_and_never_another_build(
    root: Path, torch: str
) -> None:
    text = f"--extra-index-url {torch}\ntorch==2.7.1+cpu\nsound==1.0\n"
    done = migrate(root, text, dry_run=False)
    assert (reasons(done), done.remarks) == ({}, [])
    assert done.pins == ["torch==2.7.1+cpu", "sound==1.0"]
    (index,) = done.indexes
    assert (index.url, index.patterns) == (torch, ("torch",))
    locks.lock(workspace.load(root), [])
    pinned = hashes.pin_lines(text_files.read(root, "constraints.txt"))
    assert pinned == ["sound==1.0", "torch==2.7.1+cpu"]

    # Without the index there is no solution, rather than another build.
    manifest = root / "pyproject.toml"
    kept = manifest.read_text(encoding="utf-8").partition("[tool.monorepo.indexes")[0]
    manifest.write_text(kept, encoding="utf-8")
    with pytest.raises(TaskError, match=r"there is no version of torch==2\.7\.1"):
        locks.lock(workspace.load(root), [])
    assert hashes.pin_lines(text_files.read(root, "constraints.txt")) == pinned
    # The same without an index from the start.
    done = migrate(root, "torch==2.7.1+cpu\n")
    assert (
        "no index of the files has builds of this local version"
        in reasons(done)["torch==2.7.1+cpu"]
    )
