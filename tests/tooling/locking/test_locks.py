"""Pins are in step with what is declared, and only what is external is pinned."""

import hashlib
import json
import re
import subprocess
import threading
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from monorepo.core import hashes, workspace
from monorepo.environments.virtualenv import Environment
from monorepo.locking import locks
from monorepo.system.errors import TaskError, UsageError
from monorepo.templating import samples

Tree = Callable[[], dict[str, tuple[int, bytes]]]
Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
MakeGroups = Callable[..., None]
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def template(write: Write) -> str:
    """Have a sub-template that declares nothing, and requires a package of another one."""
    folder = "tools/templates/sample"
    manifest = f"{folder}/{{{{cookiecutter.name}}}}/pyproject.toml"
    asked = '{"title": "x", "_requires": {"shared/py/service": "sample"}}'
    write({f"{folder}/cookiecutter.json": asked, manifest: '[project]\nname = "tiny-sample"\n'})
    return manifest


@pytest.fixture
def index(wheels: Path, uv: Path) -> Path:
    """Have two versions of `left`, which wants `right`, to choose from."""
    assert uv.exists()
    for name, version, needs in (
        ("left", "1.0", "right"),
        ("left", "2.0", "right>=1.5"),
        ("right", "1.0", ""),
        ("right", "2.0", ""),
    ):
        wants = f"Requires-Dist: {needs}\n" if needs else ""
        told = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{wants}"
        files = {"METADATA": told, "RECORD": "", "WHEEL": "Wheel-Version: 1.0\n"}
        file = wheels / f"{name}-{version}-py3-none-any.whl"
        with zipfile.ZipFile(file, "w") as archive:
            for part, text in files.items():
                archive.writestr(f"{name}-{version}.dist-info/{part}", text)
    return wheels


def pinned(root: Path) -> list[str]:
    lines = (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_lock_adds_what_is_missing_and_keeps_the_rest(
    root: Path, index: Path, package: MakePackage, write: Write, tree: Tree
) -> None:
    assert index.exists()
    source = hashes.source("old/requirements.txt", "0" * 64)
    write({"constraints.txt": f"# gone\n{source}\nleft==1.0\nunused==1.0\n"})
    package("shared/py/core", "left", lite=["right>=1 ; sys_platform == 'win32'"])
    package("services/py/api", "tiny-core[lite]")
    space = workspace.load(root)
    wrong = "shared/py/core/pyproject.toml: right>=1 ; sys_platform == 'win32' is not pinned"
    assert locks.check(space) == [f"{wrong}; run make lock"]
    assert locks.lock(space, []) == [
        "| pin    | before | after | packages                        |",
        "| ------ | ------ | ----- | ------------------------------- |",
        "| right  | none   | 2.0   | shared/py/core, services/py/api |",
        "| unused | 1.0    | none  | none                            |",
    ]
    assert pinned(root) == ["left==1.0", "right==2.0"]
    assert (
        (root / "constraints.txt")
        .read_text(encoding="utf-8")
        .startswith(f"{locks.HEADER}{source}\nleft")
    )
    assert locks.check(space) == []
    assert locks.outdated(space)[2:] == [
        "| left | 1.0    | 2.0   | shared/py/core, services/py/api |"
    ]
    then = tree()
    assert locks.lock(space, []) == []
    assert tree() == then
    locks.lock(space, ["left"])
    assert pinned(root) == ["left==2.0", "right==2.0"]
    write({"constraints.txt": "left==1.0\nright==1.0\n"})
    locks.lock(space, ["all"])
    assert pinned(root) == ["left==2.0", "right==2.0"]
    assert locks.outdated(space) == []


def test_lock_changes_nothing_when_there_is_no_solution(
    root: Path, index: Path, package: MakePackage, tree: Tree
) -> None:
    assert index.exists()
    package("shared/py/core", "right>=2")
    package("shared/py/other", "Right[x]<2", "left")
    then = tree()
    with pytest.raises(TaskError) as raised:
        locks.lock(workspace.load(root), [])
    assert tree() == then
    head, core, other, command, *said = str(raised.value).splitlines()
    assert head.startswith("lock: no versions satisfy all declared dependencies; ")
    assert core == "  shared/py/core/pyproject.toml: right>=2"
    assert other == "  shared/py/other/pyproject.toml: Right[x]<2"
    assert "/uv' pip compile" in command
    assert any("No solution found" in line for line in said)


def test_lock_says_what_is_new_and_when_there_is_nothing_to_do(
    root: Path, index: Path, package: MakePackage, write: Write, capsys: Capture
) -> None:
    assert index.exists()
    write({"constraints.txt": "left==1.0\n"})
    package("shared/py/core", "left")
    locks.lock(workspace.load(root), [])
    assert "lock: new to this repository: right\n" in capsys.readouterr().err
    locks.lock(workspace.load(root), [])
    assert capsys.readouterr().err == "lock: every pin is up to date; nothing changed\n"
    with pytest.raises(UsageError, match=r"^UPGRADE: nosuch: is not pinned; give names"):
        locks.lock(workspace.load(root), ["left", "nosuch"])


def test_every_file_of_every_pin_is_recorded_and_stays_so(
    root: Path, index: Path, package: MakePackage, write: Write
) -> None:
    write({"constraints.txt": "", "tools/hashes.txt": "<<<<<<< HEAD\n"})
    package("shared/py/core", "left==1.0")
    locks.lock(workspace.load(root), [])
    recorded = hashes.parse((root / hashes.HASHES).read_text(encoding="utf-8"))
    wheel = index / "left-1.0-py3-none-any.whl"
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert recorded["left==1.0"] == [f"--hash=sha256:{digest}"]
    assert list(recorded) == pinned(root)
    # Another file of the same version is no news.
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("left.py", "")
    locks.lock(workspace.load(root), [])
    assert hashes.parse((root / hashes.HASHES).read_text(encoding="utf-8")) == recorded
    assert locks.check(workspace.load(root)) == []


def test_what_a_pin_requires_is_recorded_and_has_to_be_pinned(
    root: Path,
    index: Path,
    package: MakePackage,
    wheel: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert index.exists()
    wheel("far", "1.0", "left[x]<2 ; sys_platform == 'win32'")
    package("shared/py/core", "far")
    locks.lock(workspace.load(root), [])
    pins, recorded = root / "constraints.txt", root / hashes.HASHES
    assert [line.partition(" ;")[0] for line in pinned(root)] == [
        "far==1.0",
        "left==1.0",
        "right==2.0",
    ]
    then = pins.read_text(encoding="utf-8"), recorded.read_text(encoding="utf-8")
    comments = [line for line in then[1].splitlines() if line.startswith("    # ")]
    assert comments == ["    # requires left", "    # requires right"]
    # A pin that is taken out of both, by hand.
    pins.write_text(re.sub("(?m)^right==.*\n", "", then[0]), encoding="utf-8")
    recorded.write_text(re.sub(r"(?m)^right==.*\n.*\n", "", then[1]), encoding="utf-8")
    said = "tools/hashes.txt: left==1.0 requires right, which is not pinned; run make lock"
    assert locks.check(workspace.load(root)) == [said]
    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "Popen", None)
        with pytest.raises(UsageError, match=f"^{re.escape(said)}$"):
            Environment(workspace.load(root), "e", {"shared/py/core": ()}).install()
    locks.lock(workspace.load(root), [])
    assert (pins.read_text(encoding="utf-8"), recorded.read_text(encoding="utf-8")) == then
    recorded.unlink()
    locks.lock(workspace.load(root), [])
    assert (pins.read_text(encoding="utf-8"), recorded.read_text(encoding="utf-8")) == then


def test_what_is_recorded_as_required_stays_while_it_is_pinned(
    root: Path, index: Path, package: MakePackage, write: Write
) -> None:
    assert index.exists()
    package("shared/py/core", "left", "right")
    locks.lock(workspace.load(root), [])
    text = (root / hashes.HASHES).read_text(encoding="utf-8")
    write({hashes.HASHES: text.replace("# requires right", "# requires gone, left")})
    locks.lock(workspace.load(root), [])
    assert "    # requires left, right\n" in (root / hashes.HASHES).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("asked", "wrong"),
    [
        ("tiny-cor", "tiny-cor: is in the namespace, but is not a package here; correct it, or"),
        ("Tiny.Svc_x>=1", "tiny-svc-x: is in the namespace, but is not a package here"),
        # What comes with sub-templates, and is not here.
        ("tiny-service", "tiny-service: is in the namespace, but is not a package here"),
        ("left @ https://example.com/left.whl", "left @ https://example.com/left.whl: is a direct"),
        ("left@file:///left.whl", "left@file:///left.whl: is a direct URL, which cannot be pinned"),
        ("left[x] @ https://u:p@example.com/l.whl ; os_name == 'nt'", "left[x] @ https://u:p@"),
    ],
)
def test_what_is_refused_before_anything_is_asked(
    root: Path, package: MakePackage, tree: Tree, asked: str, wrong: str
) -> None:
    package("shared/py/core", "left", x=[asked])
    then = tree()
    # There is no uv to ask with.
    with pytest.raises(UsageError) as raised:
        locks.lock(workspace.load(root), [])
    assert raised.value.mistakes[0].startswith(f"shared/py/core/pyproject.toml: {wrong}")
    assert tree() == then
    said = locks.check(workspace.load(root))
    assert any(line.startswith(f"shared/py/core/pyproject.toml: {wrong}") for line in said)


def test_groups_are_pinned(
    root: Path, index: Path, package: MakePackage, groups: MakeGroups, write: Write
) -> None:
    assert index.exists()
    write({"constraints.txt": "left==1.0\n"})
    package("shared/py/core", test=["left"])
    package("services/py/api")
    groups("services/py/api", test=["tiny-core[test]", "right>=1"], docs=["left"])
    space = workspace.load(root)
    where = "services/py/api/pyproject.toml"
    declared = [one for one in locks.declared(space, []) if one.where == where]
    assert declared == [(where, "right>=1"), (where, "left")]
    assert locks.check(space) == [f"{where}: right>=1 is not pinned; run make lock"]
    locks.lock(space, [])
    assert pinned(root) == ["left==1.0", "right==2.0"]
    groups("shared/py/core", test=["tiny-cor", "left @ https://example.com/left.whl"])
    core = "shared/py/core/pyproject.toml"
    with pytest.raises(UsageError) as raised:
        locks.lock(workspace.load(root), [])
    url, stray = raised.value.mistakes
    assert url.startswith(f"{core}: left @ https://example.com/left.whl: is a direct URL")
    assert stray.startswith(f"{core}: tiny-cor: is in the namespace")


def test_a_name_of_others_can_be_allowed(
    root: Path, wheel: Callable[..., None], uv: Path, package: MakePackage, write: Write
) -> None:
    assert uv.exists()
    wheel("tiny_sdk", "1.0")
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": f'{facts}external = ["tiny-sdk"]\n'})
    package("shared/py/core", "tiny-sdk")
    locks.lock(workspace.load(root), [])
    assert pinned(root) == ["tiny-sdk==1.0"]


def test_dynamic_dependencies_are_refused(root: Path, package: MakePackage, tree: Tree) -> None:
    file = package("shared/py/core") / "pyproject.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("dependencies = []", 'dynamic = ["dependencies"]'), "utf-8")
    then = tree()
    with pytest.raises(
        UsageError, match=r"core/pyproject\.toml: dependencies are dynamic and cannot"
    ):
        locks.lock(workspace.load(root), [])
    assert tree() == then


def test_the_settings_of_a_user_change_no_pin(
    root: Path, index: Path, package: MakePackage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package("shared/py/core", "left[x]")
    locks.lock(workspace.load(root), [])
    then = pinned(root)
    assert then == ["left==1.0", "right==2.0"]
    for name in ("UV_NO_CONFIG", "UV_FIND_LINKS", "UV_NO_INDEX", "UV_OFFLINE"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "uv").mkdir()
    source = f"[pip]\nno-index = true\nfind-links = ['{index}']\n"
    shape = "generate-hashes emit-index-url emit-find-links no-strip-extras no-deps only-binary"
    for key in (*shape.split(), "emit-index-annotation", "no-annotate"):
        value = '[":none:"]' if key == "only-binary" else "true"
        (tmp_path / "uv/uv.toml").write_text(f"{source}{key} = {value}\n", "utf-8")
        locks.lock(workspace.load(root), [])
        assert pinned(root) == then
    for key in ('resolution = "lowest"', 'exclude-newer = "2001-01-01"', 'target = "/x"'):
        (tmp_path / "uv/uv.toml").write_text(f"{source}{key}\n", "utf-8")
        locks.lock(workspace.load(root), ["all"])
        assert pinned(root) == ["left==2.0", "right==2.0"]
    assert locks.check(workspace.load(root)) == []


class Index(ThreadingHTTPServer):
    """An index in this machine, which tells what it was asked for."""

    def __init__(self, wheels: Path) -> None:
        """Serve the wheels in a folder."""
        self.wheels = wheels
        self.asked: list[str] = []
        self.dates: dict[str, datetime] = {}
        super().__init__(("127.0.0.1", 0), Served)


class Served(BaseHTTPRequestHandler):
    """PEP 691, with the times of PEP 700 if there are any."""

    server: Index

    def do_GET(self) -> None:
        """Answer with the files of a name, or with one."""
        name = self.path.rstrip("/").rpartition("/")[2]
        self.server.asked.append(name)
        file = self.server.wheels / name
        body = file.read_bytes() if name.endswith(".whl") else self._files(name)
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "application/vnd.pypi.simple.v1+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        """Answer without the body."""
        self.do_GET()

    def _files(self, name: str) -> bytes:
        files: list[dict[str, object]] = []
        for file in sorted(self.server.wheels.glob(f"{name}-*.whl")):
            told: dict[str, object] = {"filename": file.name, "url": f"/files/{file.name}"}
            told["hashes"] = {"sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
            if date := self.server.dates.get(file.name.split("-")[1]):
                told["upload-time"] = f"{date:%Y-%m-%dT%H:%M:%SZ}"
            files.append(told)
        meta = {"api-version": "1.1"}
        answer = {"meta": meta, "name": name, "files": files, "versions": []}
        return json.dumps(answer).encode() if files else b""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def served(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """Have the wheels on an index that can be asked."""
    for name in ("UV_FIND_LINKS", "UV_NO_INDEX", "UV_OFFLINE"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    with Index(index) as server:
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{server.server_port}/simple")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_release_has_to_be_a_day_old(
    root: Path, served: Index, package: MakePackage, write: Write, capsys: Capture
) -> None:
    write({"constraints.txt": ""})
    package("shared/py/core", "left", "right")
    now = datetime.now(UTC)
    served.dates = {"1.0": now - timedelta(days=30), "2.0": now - timedelta(hours=2)}
    locks.lock(workspace.load(root), [])
    assert pinned(root) == ["left==1.0", "right==1.0"]
    # What is pinned stays, though it is too young to be taken now.
    write({"constraints.txt": "left==1.0\nright==2.0\n"})
    for upgrade in ([], ["right"], ["all"]):
        locks.lock(workspace.load(root), upgrade)
        assert pinned(root) == ["left==1.0", "right==2.0"]
    assert "does not tell" not in capsys.readouterr().err
    # No time is no reason to stop.
    served.dates = {}
    locks.lock(workspace.load(root), ["all"])
    assert pinned(root) == ["left==2.0", "right==2.0"]
    said = "lock: the index reports no upload times, so no release is too young\n"
    assert said in capsys.readouterr().err


def test_what_sub_templates_declare_is_pinned_too(root: Path, write: Write, template: str) -> None:
    name = '[project]\nname = "{{ cookiecutter.distribution }}"\ndependencies = ["right>=1"]\n'
    write({template: f'{name}[build-system]\nrequires = ["maker>=1", "left"]\n'})
    assert locks.check(workspace.load(root)) == [
        f"shared/py/sample/pyproject.toml: {asked}>=1 is not pinned; run make lock"
        for asked in ("maker", "right")
    ]


def test_local_names_are_never_asked_of_an_index(root: Path, package: MakePackage) -> None:
    package("shared/py/core", "Tiny.Service", "tiny-api", "tiny-other")
    space = workspace.load(root)
    names = samples.internal_names(space)
    assert names == {"tiny-core", "tiny-service", "@tiny/service"}
    assert list(locks.declared(space, [])) == []
    strays = [one.text for one in locks.strays(space, [])]
    assert strays == ["Tiny.Service", "tiny-api", "tiny-other"]


def test_the_programs_are_pinned_too(
    root: Path, write: Write, give_engine: Callable[..., None]
) -> None:
    assert list(locks.declared(workspace.load(root), [])) == []
    give_engine("right>=1")
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": facts.replace("dev = []", 'dev = ["left", "deep"]')})
    wheel = "tools/cookiecutter_monorepo-1.0-py3-none-any.whl"
    assert locks.check(workspace.load(root)) == [
        "pyproject.toml: dev: deep is not pinned; run make lock",
        f"{wheel}: right>=1 is not pinned; run make lock",
    ]


def test_the_base_manifest_is_pinned_too(root: Path, write: Write, index: Path) -> None:
    """C1: `make lock` covers it, and lock-check asks for that."""
    write({"base_manifest.yaml": "schema_version: 1\npython: {packages: ['left<2', tiny-cor]}\n"})
    where = "base_manifest.yaml: python.packages"
    assert locks.check(workspace.load(root)) == [
        f"{where}[2]: tiny-cor: is in the namespace, but is not a package here; correct it, or"
        ' allow it: external = ["tiny-cor"] in [tool.monorepo]',
    ]
    write({"base_manifest.yaml": "schema_version: 1\npython: {packages: [right]}\n"})
    said = [f"{where}[1]: right is not pinned; run make lock"]
    assert [line for line in locks.check(workspace.load(root)) if where in line] == said
    locks.lock(workspace.load(root), [])
    assert pinned(root) == ["right==2.0"]
    assert locks.check(workspace.load(root)) == []


def test_both_locks_move_or_none(
    javascript: Path,
    index: Path,
    write: Write,
    tree: Tree,
    package: MakePackage,
    pnpm: Callable[[str], None],
) -> None:
    assert index.exists()
    program = '#!/bin/sh\necho "$@" >> {}/said\n[ ! -e {}/broken ] || exit 1\n'
    beside = f"'{javascript.parent}'"
    pnpm(program.format(beside, beside))
    write({"pnpm-lock.yaml": "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n"})
    package("shared/py/core", "left")
    write({"constraints.txt": ""})
    then = tree()
    (javascript.parent / "broken").touch()
    with pytest.raises(TaskError, match=r"lock: pnpm-lock.yaml: failed"):
        locks.lock(workspace.load(javascript), [])
    assert tree() == then
    (javascript.parent / "broken").unlink()
    locks.lock(workspace.load(javascript), [])
    assert pinned(javascript) == ["left==2.0", "right==2.0"]
    said = (javascript.parent / "said").read_text(encoding="utf-8")
    assert "--workspace-packages=templates/shared-js" in said


@pytest.mark.parametrize("path", ["constraints.txt", "template"])
def test_check_reads_no_device(root: Path, path: str, template: str) -> None:
    place = path.replace("template", template)
    (root / place).unlink()
    (root / place).symlink_to("/dev/null")
    assert f"{place}: leads to a device; restore it from git" in checked(root)


def checked(root: Path) -> list[str]:
    """Return what is wrong with the locks, whether it ends the check or not."""
    try:
        return locks.check(workspace.load(root))
    except UsageError as error:
        return list(error.mistakes)
