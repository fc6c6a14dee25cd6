"""Environments are filled by one call, with what is declared, and only when something changed."""

import hashlib
import json
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from monorepo.core import hashes, workspace
from monorepo.core.workspace import Workspace
from monorepo.environments import virtualenv
from monorepo.environments.virtualenv import Environment
from monorepo.locking import locks, projects
from monorepo.system.errors import TaskError, UsageError

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
MakeGroups = Callable[..., None]
MakeWheel = Callable[..., None]
Capture = pytest.CaptureFixture[str]


def installed(environment: Environment) -> set[str]:
    found = environment.folder.glob("lib/python*/site-packages/*.dist-info")
    return {path.name.partition("-")[0] for path in found}


def printed(environment: Environment, code: str) -> str:
    """Return what `code` prints in the environment."""
    return subprocess.check_output([environment.python, "-c", code], text=True)


def forwards(program: str) -> str:
    """Return a script that runs another program of this machine."""
    return f'#!/bin/sh\nexec {shlex.quote(str(shutil.which(program)))} "$@"\n'


def test_an_installation_compiles_only_what_it_needs(
    root: Path, package: MakePackage, write: Write
) -> None:
    # The modules of the engine, and servers, which take longest of the standard library.
    unneeded = {
        *("monorepo.environments.node", "monorepo.locking.projects", "monorepo.programs.pnpm"),
        *("monorepo.programs.pip", "monorepo.programs.index_router", "http.server", "difflib"),
    }
    code = (
        "import sys; from pathlib import Path; from monorepo import cli\n"
        "from monorepo.core import workspace; from monorepo.environments import virtualenv\n"
        "space = workspace.load(Path(sys.argv[1]))\n"
        "for one in virtualenv.environments(space, space.packages.values()):\n"
        "    one.is_filled(); one.mistakes(); one.lines(); one.shown(); one.pins()\n"
        "virtualenv.install_javascript(space, [*space.packages.values()])\n"
        "print(*sys.modules)"
    )
    package("shared/py/core")
    write({"constraints.txt": "uv==9.9\n"})

    def modules() -> set[str]:
        return set(subprocess.check_output([sys.executable, "-c", code, root], text=True).split())

    assert not unneeded & modules()
    # A uv project has a lock of its own.
    manifest = root / "pyproject.toml"
    text = manifest.read_text(encoding="utf-8")
    assert 'python-env = "shared"' in text
    text = text.replace('python-env = "shared"', 'python-env = "uv"')
    manifest.write_text(text, encoding="utf-8")
    package("services/py/api")
    write({"services/py/api/uv.lock": "version = 1\n"})
    assert unneeded & modules() == {"monorepo.locking.projects"}


def test_pins_are_read_by_name(root: Path, write: Write) -> None:
    lines = ["# a==0", "Left_Pad==1.0 ; python_version < '3.12'", "left-pad==2.0  # why", "b>=1"]
    write({"constraints.txt": "\n".join(lines)})
    pinned = hashes.pins(root)
    assert pinned == {"left-pad": ["Left_Pad==1.0 ; python_version < '3.12'", "left-pad==2.0"]}


def test_an_environment_is_made_of_the_closure(
    root: Path, package: MakePackage, wheel: MakeWheel, uv: Path, write: Write
) -> None:
    """A2 and A3: with the extras that are asked for, and every version from constraints.txt."""
    # Sources of one size and one time of change would share their compiled file.
    for version, end in (("1.0", "\n"), ("2.0", "\n\n")):
        wheel("left", version, files={"left.py": f"VERSION = '{version}'{end}"})
    write({"constraints.txt": "left==1.0\nuv==9.9\n"})
    package("shared/py/core", "left", lite=[])
    package("shared/py/other")
    package("services/py/api", "tiny-core[lite]")
    space = workspace.load(root)
    wanted = {"services/py/api": ()}
    environment = Environment(space, "services/py/api/.venv", wanted)
    assert environment.requirements() == ["./services/py/api", "./shared/py/core[lite]"]
    assert environment.install()
    assert installed(environment) == {"left", "tiny_core", "tiny_svc_api"}
    # The version pinned, not the newest; and the sources, not a copy.
    code = "import left, tiny_core, tiny_svc_api; print(left.VERSION, tiny_core.__file__)"
    core = root / "shared/py/core/src/tiny_core/__init__.py"
    assert printed(environment, code) == f"1.0 {core}\n"

    # Nothing changed, or nothing that matters: nothing is done, not even uv is asked.
    uv.rename(uv.with_name("away"))
    assert not environment.install()
    write(
        {"shared/py/core/README.md": "x", "shared/py/other/pyproject.toml": "[project]\nname='o'"}
    )
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": f"{facts}\n[tool.ruff]\n"})
    write({"constraints.txt": "left==1.0\nuv==9.8\n"})
    assert not Environment(workspace.load(root), environment.path, wanted).install()
    uv.with_name("away").rename(uv)

    # A pin of the closure moved.
    write({"constraints.txt": "left==2.0\nuv==9.8\n"})
    assert environment.install()
    assert printed(environment, "import left; print(left.VERSION)") == "2.0\n"

    # A manifest changed, and a package is here no longer.
    package("services/py/api")
    for file in sorted((root / "shared/py/core").rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    again = Environment(workspace.load(root), environment.path, wanted)
    assert again.install()
    assert "tiny_core" not in installed(again)


@pytest.mark.slow
def test_no_python_of_an_environment_starts_a_module_of_a_package(
    root: Path, package: MakePackage, uv: Path, write: Write
) -> None:
    assert uv.exists()
    package("shared/py/core")
    environment = Environment(workspace.load(root), "shared/py/core/.venv", {"shared/py/core": ()})
    environment.install()
    for name in ("sitecustomize", "usercustomize"):
        write({f"shared/py/core/src/{name}.py": "print('started')"})
    assert printed(environment, "import tiny_core; print('imported')") == "imported\n"
    assert not environment.install()
    # nox lists sessions without them.
    write({"nox": "import importlib.util; print(importlib.util.find_spec('tiny_core'))"})
    assert subprocess.check_output([environment.python, root / "nox", "-l"]) == b"None\n"


def snapshot(folder: Path) -> dict[str, bytes]:
    """Return what is in an environment."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.slow
def test_a_failed_installation_leaves_the_environment_as_it_was(
    root: Path,
    package: MakePackage,
    uv: Path,
    wheel: MakeWheel,
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert uv.exists()
    package("shared/py/core")
    wanted = {"shared/py/core": ()}
    assert Environment(workspace.load(root), "e", wanted).install()
    then = snapshot(root / "e")
    # Its file is not there, or another one than what is recorded.
    package("shared/py/core", "left")
    for _ in range(2):
        with pytest.raises(TaskError, match=r"^install: e: .*\n.*uv'? pip install") as raised:
            Environment(workspace.load(root), "e", wanted).install()
        assert "left" in str(raised.value)
        assert snapshot(root / "e") == then
    # A user's settings are broken.
    monkeypatch.delenv("UV_NO_CONFIG")
    write({"uv.toml": "["})
    with pytest.raises(UsageError, match=r"uv.toml: cannot be read"):
        Environment(workspace.load(root), "e", wanted).install()
    assert snapshot(root / "e") == then
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    wheel("left", "1.0")
    good = (root / "tools/hashes.txt").read_text(encoding="utf-8")
    bad = re.sub(r"sha256:\w+", f"sha256:{'1' * 64}", good)
    write({"tools/hashes.txt": bad})
    with pytest.raises(TaskError, match=r"^install: e: a file does not match its hash"):
        Environment(workspace.load(root), "e", wanted).install()
    assert snapshot(root / "e") == then
    write({"tools/hashes.txt": good})
    assert Environment(workspace.load(root), "e", wanted).install()
    assert installed(Environment(workspace.load(root), "e", wanted)) == {"left", "tiny_core"}


def test_what_no_pin_covers_is_never_asked_for(
    root: Path, package: MakePackage, groups: MakeGroups, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "Popen", None)
    monkeypatch.setattr(subprocess, "run", None)
    package("shared/py/core", "left>=1", "right ; sys_platform == 'win32'", test=["Mid_Dle[x]>=2"])
    package("services/py/api", "tiny-core[test]", "tiny-cor", "left @ https://example.com/left.whl")
    groups("services/py/api", test=["left>=1", "deep>=1"], docs=["sphinx"])
    groups("shared/py/core", test=["nowhere"])
    space = workspace.load(root)
    wanted = {"services/py/api": ()}
    with pytest.raises(UsageError) as raised:
        Environment(space, "e", wanted, {"services/py/api": ["test"]}).install()
    api, core = ("services/py/api/pyproject.toml", "shared/py/core/pyproject.toml")
    url = "left @ https://example.com/left.whl"
    assert raised.value.mistakes == (
        f"{api}: {url}: is a direct URL, which cannot be pinned; write name>=version",
        f"{api}: tiny-cor: not pinned; run make lock",
        f"{api}: deep: not pinned; run make lock",
        f"{core}: right: not pinned; run make lock",
        f"{core}: mid-dle: not pinned; run make lock",
    )
    assert not (root / "e").exists()


@pytest.mark.parametrize(
    ("pins", "hashes", "wrong"),
    [
        (None, "", "constraints.txt: is missing"),
        ("left==1.0\n", None, "tools/hashes.txt: is missing"),
        ("left==1.0\n", "", "tools/hashes.txt: has no hash of left==1.0; run make lock"),
        ("left==1.0\n", "left==1.0\n", "tools/hashes.txt: has no hash of left==1.0; run make"),
        ("left==2.0\n", "left==1.0 \\\n --hash=sha256:" + "0" * 64, "tools/hashes.txt: has no"),
        ("", "left==1.0 \\\n --hash=sha256:" + "0" * 64, "left==1.0 is not in constraints.txt"),
        ("left==1.0\n", "left==1.0 \\\n --hash=md5:0", "tools/hashes.txt:2: is neither a pin"),
        ("left==1.0\n", "<<<<<<< HEAD\n", "tools/hashes.txt:1: is neither a pin nor its hash"),
        ("left==1.0\n", "--index-url x\n", "tools/hashes.txt:1: is neither a pin nor its hash"),
        ("left>=1.0\n", "", "constraints.txt: left>=1.0 is not a pin; run make lock"),
        ("left==1.*\n", "", "constraints.txt: left==1.* is not a pin; run make lock"),
        (b"\xff", "", "constraints.txt:1: is not UTF-8"),
    ],
)
def test_pins_that_are_not_recorded_are_not_installed(
    root: Path, package: MakePackage, pins: str | bytes | None, hashes: str | None, wrong: str
) -> None:
    for path, text in (("constraints.txt", pins), ("tools/hashes.txt", hashes)):
        if text is None:
            (root / path).unlink()
        else:
            (root / path).write_bytes(text if isinstance(text, bytes) else text.encode())
    package("shared/py/core")
    with pytest.raises(UsageError, match=re.escape(wrong)):
        Environment(workspace.load(root), "e", {"shared/py/core": ()}).check()


def test_ranges_and_dynamic_requirements(root: Path, package: MakePackage) -> None:
    package("shared/py/core", "left>=2")
    space = workspace.load(root)
    with pytest.raises(UsageError, match=r"^shared/py/core/pyproject.toml: left>=2 is pinned to 1"):
        Environment(space, "e", {"shared/py/core": ()}).check()
    file = package("shared/py/core") / "pyproject.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("dependencies = []", 'dynamic = ["dependencies"]'), "utf-8")
    with pytest.raises(UsageError, match=r"^shared/py/core/.*: dependencies are dynamic"):
        Environment(workspace.load(root), "e", {"shared/py/core": ()}).check()


def test_a_package_for_another_python(root: Path, package: MakePackage) -> None:
    file = package("shared/py/core") / "pyproject.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(">=3.11", ">=3.99"), encoding="utf-8")
    environment = Environment(workspace.load(root), "e", {"shared/py/core": ()})
    said = (
        r"core/pyproject.toml: requires-python: >=3.99 excludes Python 3\.\S+ of e; remove e, then"
    )
    with pytest.raises(UsageError, match=said):
        environment.check()
    (root / "e").mkdir()
    (root / "e/pyvenv.cfg").write_text("home = /x\nversion_info = 3.99.1\n", encoding="utf-8")
    environment.check()


@pytest.mark.slow
def test_what_nobody_asks_for_leaves_and_what_is_missing_comes_back(
    root: Path, package: MakePackage, uv: Path, wheel: MakeWheel, write: Write
) -> None:
    for name in ("left", "foreign"):
        wheel(name, "1.0", files={f"{name}.py": ""})
    write({"constraints.txt": "left==1.0\n"})
    package("shared/py/core", "left")
    environment = Environment(workspace.load(root), "e", {"shared/py/core": ()})
    assert environment.install()
    pip = [str(uv), "pip"]
    python = ["--quiet", "--python", str(environment.python)]
    subprocess.run([*pip, "install", *python, "foreign"], check=True)
    assert environment.install()
    assert installed(environment) == {"left", "tiny_core"}
    assert not environment.install()
    subprocess.run([*pip, "uninstall", *python, "left"], check=True)
    assert environment.install()
    (site,) = environment.folder.glob("lib/python*/site-packages")
    (site / "left.py").unlink()
    assert environment.install()
    assert (site / "left.py").exists()
    assert not environment.install()


@pytest.mark.slow
def test_what_needs_a_name_without_a_pin_is_taken_out(
    root: Path, package: MakePackage, uv: Path, wheel: MakeWheel, write: Write
) -> None:
    assert uv.exists()
    wheel("left", "1.0", "deep")
    wheel("deep", "1.0")
    write({"constraints.txt": "left==1.0\n"})
    package("shared/py/core", "left")
    environment = Environment(workspace.load(root), "e", {"shared/py/core": ()})
    with pytest.raises(TaskError, match="e: deep: needed by a pin and not pinned; run make lock"):
        environment.install()
    assert "deep" not in installed(environment)


def test_the_tools_need_what_their_own_pins_require(
    root: Path, package: MakePackage, wheel: MakeWheel, write: Write
) -> None:
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": facts.replace("dev = []", 'dev = ["left"]')})
    package("shared/py/core", "far")
    for name in ("far", "left", "right", "uv"):
        wheel(name, "1.0")
    write({"constraints.txt": "far==1.0\nleft==1.0\nright==1.0\nuv==1.0\n"})
    recorded = root / "tools/hashes.txt"
    good = recorded.read_text(encoding="utf-8")
    digest = good.splitlines()[1]
    space = workspace.load(root)
    alone = replace(virtualenv.tools_environment(space), path="e")
    both = replace(alone, wanted={"shared/py/core": ()})
    both.check()
    far = good.replace(digest, f"{digest}\n    # requires gone", 1)
    write({"tools/hashes.txt": far})
    alone.check()
    said = "tools/hashes.txt: far==1.0 requires gone, which is not pinned; run make lock"
    with pytest.raises(UsageError, match=f"^{said}$"):
        both.check()
    left = good.split("left==1.0", 1)[1].splitlines()[1]
    text = good.replace(left, f"{left}\n    # requires right", 1).replace("right==1.0", "r==1.0")
    write({"tools/hashes.txt": text})
    said = "tools/hashes.txt: left==1.0 requires right, which is not pinned; restore it from git"
    with pytest.raises(UsageError, match=f"^{said}$"):
        alone.check()


@pytest.mark.slow
def test_a_package_that_is_built_is_built_again(
    root: Path, package: MakePackage, uv: Path, write: Write
) -> None:
    assert uv.exists()
    file = package("shared/py/core") / "pyproject.toml"
    environment = Environment(workspace.load(root), "e", {"shared/py/core": ()})
    # The backend is no setuptools: it may read anything.
    for path in ("fast.c", "setup.py", "data/table.txt"):
        write({f"shared/py/core/{path}": "1"})
        assert environment.install()
        assert not environment.install()
    for path in ("tests/test_it.py", "src/tiny_core/more.py", ".cache/x", "dist/x"):
        write({f"shared/py/core/{path}": "1"})
        assert not environment.install()
    compiled = root / "shared/py/core/src/tiny_core/fast.abi3.so"
    compiled.touch()
    assert environment.install()
    compiled.write_bytes(b"compiled again")
    assert not environment.install()
    compiled.unlink()
    assert environment.install()
    text = file.read_text(encoding="utf-8")
    for more in ("[tool.hatch.build]\nx = 1\n", "[tool.ruff]\n"):
        text += more
        file.write_text(text, encoding="utf-8")
        again = Environment(workspace.load(root), "e", {"shared/py/core": ()})
        assert again.install() == ("hatch" in more)
    file.write_text(text.replace('version = "1.0"', 'dynamic = ["version"]'), "utf-8")
    again = Environment(workspace.load(root), "e", {"shared/py/core": ()})
    again.install()
    write({"shared/py/core/src/tiny_core/__init__.py": "__version__ = '2'"})
    assert again.install()


@pytest.mark.slow
def test_others_mistakes_do_not_stop_a_package(
    root: Path,
    package: MakePackage,
    groups: MakeGroups,
    wheel: MakeWheel,
    write: Write,
    capfd: Capture,
) -> None:
    wheel("uv", "9.9", files={"uv-9.9.data/scripts/uv": forwards("uv")})
    wheel("left", "1.0")
    write({"constraints.txt": "left==1.0\nuv==9.9\n"})
    package("shared/py/core")
    package("shared/py/broken")
    groups("shared/py/broken", test=["right"])
    package("services/py/api", "tiny-core")
    groups("services/py/api", test=["left"])
    space = workspace.load(root)
    virtualenv.install(space, [space.packages["services/py/api"]])
    said = "monorepo: shared/py/broken/pyproject.toml: right: not pinned; run make lock\n"
    assert said in capfd.readouterr().err
    (environment, *_) = virtualenv.environments(space, [])
    assert {"left", "tiny_core", "tiny_svc_api"} < installed(environment)
    for several in ([space.packages["shared/py/broken"]], list(space.packages.values())):
        with pytest.raises(UsageError, match="right: not pinned"):
            virtualenv.install(space, several)
    package("shared/py/broken")
    space = workspace.load(root)
    virtualenv.install(space, list(space.packages.values()))
    assert "tiny_broken" in installed(environment)


@pytest.mark.parametrize("stamp", ["[]", "{", "", "null", '{"folder": 1}', b"\xff\xfe"])
def test_a_malformed_stamp_is_none(root: Path, package: MakePackage, stamp: str | bytes) -> None:
    package("shared/py/core")
    environment = Environment(workspace.load(root), "e", {"shared/py/core": ()})
    (root / "e").mkdir()
    (root / "e/monorepo.json").write_bytes(stamp if isinstance(stamp, bytes) else stamp.encode())
    assert environment._read_stamp([]) == {}


@pytest.mark.slow
def test_an_environment_that_moved_or_broke_is_made_anew(
    root: Path, package: MakePackage, uv: Path, write: Write
) -> None:
    package("shared/py/core")
    environment = Environment(workspace.load(root), "e", {"shared/py/core": ()})
    assert environment.install()
    stamp = root / "e/monorepo.json"
    noted = json.loads(stamp.read_text(encoding="utf-8"))
    stamp.write_text(json.dumps({**noted, "folder": "/elsewhere"}), encoding="utf-8")
    assert environment.install()
    # Its package was moved, and took it along.
    (root / "f").mkdir()
    shutil.rmtree(root / "f")
    (root / "e").rename(root / "f")
    moved = replace(environment, path="f")
    assert moved.install()
    assert str(root / "f") in (root / "f/bin/activate").read_text(encoding="utf-8")
    assert environment.install()
    real = environment.python.resolve()
    # Gone, another one, or one that cannot start.
    for target in ("/nonexistent", uv, root / "pyproject.toml"):
        environment.python.unlink()
        environment.python.symlink_to(target)
        assert environment.install()
        assert environment.python.resolve() == real
    for path in (root / "e/lib", root / "e/pyvenv.cfg"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        assert environment.install()
        assert path.exists()
    assert not environment.install()


def test_what_is_no_folder_is_left_alone(root: Path, package: MakePackage, uv: Path) -> None:
    assert uv.exists()
    package("shared/py/core")
    environment = Environment(workspace.load(root), "e", {"shared/py/core": ()})
    environment.folder.write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match=r"^e: is not a folder; move it away"):
        environment.install()
    assert environment.folder.read_text(encoding="utf-8") == "mine"
    environment.folder.unlink()
    environment.folder.symlink_to(root / "nowhere")
    with pytest.raises(UsageError, match=r"^e: is not a folder; move it away"):
        environment.install()


def test_what_fewer_packages_do_not_mend_is_said_once(
    root: Path, package: MakePackage, uv: Path, capsys: Capture
) -> None:
    assert uv.exists()
    package("shared/py/core")
    package("services/py/api")
    space = workspace.load(root)
    shutil.rmtree(root / ".venv")
    (root / ".venv").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match=r"^\.venv: is not a folder; move it away"):
        virtualenv.install(space, [space.packages["shared/py/core"]])
    assert capsys.readouterr() == ("", "")
    assert (root / ".venv").read_text(encoding="utf-8") == "mine"


def test_setup_makes_the_roots_environment(
    root: Path, wheel: MakeWheel, package: MakePackage, write: Write
) -> None:
    wheel("uv", "9.9", files={"uv-9.9.data/scripts/uv": forwards("uv")})
    wheel("uv", "9.10")
    write({"constraints.txt": "uv==9.9\n"})
    space = workspace.load(root)
    virtualenv.setup(space)
    tools = virtualenv.tools_environment(space)
    assert installed(tools) == {"uv", "cookiecutter_monorepo"}
    assert (root / ".venv/bin/uv").exists()
    assert not tools.install()
    # What is worked on comes beside the tools, and does not undo them.
    package("shared/py/core")
    space = workspace.load(root)
    virtualenv.install(space, list(space.packages.values()))
    assert installed(tools) == {"uv", "cookiecutter_monorepo", "tiny_core"}
    assert not virtualenv.tools_environment(space).install()


def test_setup_installs_what_the_base_manifest_lists(
    root: Path, wheel: MakeWheel, package: MakePackage, write: Write
) -> None:
    """C1, C2, C8, C9, D3: by uv, in the same call as the tools, pinned and verified.

    Requirements files that were scattered are installed into the one environment of the root.
    """
    wheel("uv", "9.9", files={"uv-9.9.data/scripts/uv": forwards("uv")})
    for version in ("1.0", "2.0"):
        wheel("left", version)
        wheel("right", version)
    write({"constraints.txt": "left==1.0\nright==1.0\nuv==9.9\n"})
    listed = "schema_version: 1\npython:\n  requirements: [r.txt]\n  packages: ['right<2', right]\n"
    write({"base_manifest.yaml": listed, "r.txt": "left>=1\n"})
    package("shared/py/core")
    virtualenv.setup(workspace.load(root))
    tools = virtualenv.tools_environment(workspace.load(root))
    assert tools.lines()[1:] == ["left>=1", "right", "right<2"]
    assert installed(tools) == {"uv", "cookiecutter_monorepo", "left", "right"}
    assert not tools.install()
    # It is part of the root's environment alone.
    alone = Environment(workspace.load(root), "e", {"shared/py/core": ()})
    assert alone.lines() == ["-e ./shared/py/core"]
    # What it no longer lists leaves with the next installation.
    write({"base_manifest.yaml": "schema_version: 1\npython: {packages: [left]}\n"})
    space = workspace.load(root)
    virtualenv.install(space, list(space.packages.values()))
    assert installed(tools) == {"uv", "cookiecutter_monorepo", "left", "tiny_core"}


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        ("{packages: [deep]}", "python.packages[1]: deep: not pinned; run make lock"),
        ("{packages: ['left>1']}", "python.packages[1]: left>1 is pinned to 1.0; run make lock"),
        ("{packages: [x, tiny-core]}", "python.packages[2]: tiny-core: is a package here"),
        ("{packages: [1]}", "python.packages[1]: is not a text"),
        ("{requires_python: '<3.11'}", "python.requires_python: <3.11 excludes Python 3."),
    ],
)
def test_what_the_base_manifest_cannot_have_is_refused_before_any_request(
    root: Path,
    package: MakePackage,
    write: Write,
    tree: Callable[[], object],
    listed: str,
    said: str,
) -> None:
    package("shared/py/core")
    write({"base_manifest.yaml": f"schema_version: 1\npython: {listed}\n"})
    then = tree()
    # There is no uv to ask with.
    space = workspace.load(root)
    with pytest.raises(UsageError) as raised:
        virtualenv.install(space, list(space.packages.values()))
    assert raised.value.mistakes[0].startswith(f"base_manifest.yaml: {said}")
    assert tree() == then


def test_make_lock_needs_no_pin_of_the_base_manifest(
    root: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up = list[Workspace]()
    monkeypatch.setattr(virtualenv, "setup", lambda space, _: set_up.append(space))
    write({"base_manifest.yaml": "schema_version: 1\npython: {packages: [deep, left]}\n"})
    virtualenv.setup_to_lock(workspace.load(root))
    (space,) = set_up
    assert [entry.text for entry in space.base.listed()] == ["left"]


def test_an_old_interpreter_is_refused(root: Path, write: Write) -> None:
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": facts.replace('python = "3.11"', 'python = "3.99"')})
    with pytest.raises(UsageError, match=r"is older than 3.99; give PYTHON=python3.99 or newer"):
        virtualenv.setup(workspace.load(root))
    assert not (root / ".venv").exists()


def test_without_uv_it_takes_pip(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(root))
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(UsageError, match=r"has no ensurepip; install it .* or put uv on the PATH"):
        virtualenv.setup(workspace.load(root))
    assert not (root / ".venv").exists()


def test_which_environments_there_are(
    root: Path, package: MakePackage, groups: MakeGroups, write: Write
) -> None:
    """B4: one for all, or one for each package."""
    space = workspace.load(root)
    (one,) = virtualenv.environments(space, [])
    assert (one.path, one.lines()) == (".venv", [space.engine.line])
    package("shared/py/core", test=[], gpu=["cuda"])
    package("services/py/api")
    groups("services/py/api", test=["tiny-svc-api", "right >= 1"], docs=["left[x]", "right\n>= 1"])
    write({"shared/js/web/package.json": '{"name": "@tiny/web"}'})
    space = workspace.load(root)
    (one,) = virtualenv.environments(space, [space.packages["shared/js/web"]])
    assert one.path == ".venv"
    assert one.requirements() == ["./services/py/api", "./shared/py/core[test]"]
    assert one.grouped() == ["left[x]", "right >= 1"]
    editable = [f"-e {line}" for line in one.requirements()]
    assert one.lines() == [space.engine.line, *editable, *one.grouped()]
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": facts.replace('"shared"', '"per-package"')})
    space = workspace.load(root)
    chosen = virtualenv.environments(space, list(space.packages.values()))
    paths = [".venv", "shared/py/core/.venv", "services/py/api/.venv"]
    assert [one.path for one in chosen] == paths
    assert [one.grouped() for one in chosen] == [[], [], ["left[x]", "right >= 1"]]


@pytest.mark.parametrize("python_env", ["shared", "per-package"])
def test_the_plain_commands_say_the_same(
    javascript: Path, package: MakePackage, groups: MakeGroups, write: Write, python_env: str
) -> None:
    facts = (javascript / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": facts.replace('"shared"', f'"{python_env}"')})
    package("shared/py/core", test=[])
    groups("shared/py/core", test=["left>=1", "tiny-core"])
    space = workspace.load(javascript)
    lines = virtualenv.explain(space, list(space.packages.values()))
    at = next(at for at, line in enumerate(lines) if line.startswith("# With pip alone, which"))
    words = [shlex.split(line) for line in lines[at + 1 :]]
    own = "shared/py/core/.venv" if python_env == "per-package" else ".venv"
    assert words[0] == ["python", "-m", "venv", ".venv"]
    assert ["--only-binary", ":all:", f"./{space.engine.path}"] == words[1][7:10]
    # What make install runs, with the hashes.
    (shown,) = [line for line in lines[1:at] if f" --python {own}/bin/python " in line]
    assert shown.startswith("printf '%s\\n' ")
    assert " | .venv/bin/uv pip install --python " in shown
    assert " --constraints tools/hashes.txt " in shown
    assert "'-e ./shared/py/core[test]' 'left>=1'" in shown
    install = next(one for one in words if "./shared/py/core[test]" in one)
    assert install[-2:] == ["./shared/py/core[test]", "left>=1"]
    assert install[:3] == ["PIP_CONSTRAINT=constraints.txt", f"{own}/bin/python", "-m"]
    assert any("pnpm@12.0.1" in line for line in lines)
    assert lines[0].startswith("# With uv")
    apart = '\n[tool.monorepo.indexes.cpu]\nurl = "https://x"\nnames = ["left"]\n'
    write({"pyproject.toml": (javascript / "pyproject.toml").read_text(encoding="utf-8") + apart})
    said = "# Only make install asks cpu for the names of its own; these do not."
    assert virtualenv.explain(space, list(space.packages.values())) == [said, *lines]


@pytest.mark.parametrize(("name", "said"), [("a:b", "with a :;"), ("a\\b", "with a \\;")])
def test_a_place_where_nothing_works_is_told_at_once(
    root: Path, javascript: Path, tmp_path: Path, name: str, said: str
) -> None:
    place = root.rename(tmp_path / name)
    for do in (virtualenv.setup, lambda space: virtualenv.install(space, [])):
        with pytest.raises(UsageError) as caught:
            do(workspace.load(place))
        assert said in str(caught.value)
        assert not (place / ".venv").exists()


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and prints nothing."""

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def index(wheels: Path, wheel: MakeWheel, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Serve wheels on this machine, with their hashes (PEP 503): return the folder."""
    for version in ("1.0", "2.0"):
        wheel("left", version, files={"left.py": f"VERSION = '{version}'\n"})
    wheel("right", "1.0")
    wheel("uv", "9.9", files={"uv-9.9.data/scripts/uv": forwards("uv")})
    for file in wheels.glob("*.whl"):
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        page = wheels / "simple" / file.name.partition("-")[0] / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        with page.open("a", encoding="utf-8") as listing:
            listing.write(f'<a href="/{file.name}#sha256={digest}">{file.name}</a>\n')
    for name in ("UV_FIND_LINKS", "UV_NO_INDEX", "UV_OFFLINE"):
        monkeypatch.delenv(name)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=wheels)) as server:
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{server.server_port}/simple")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield wheels
        server.shutdown()
        thread.join()


@pytest.fixture
def project(
    root: Path,
    package: MakePackage,
    index: Path,
    uv: Path,
    write: Write,
    give_engine: Callable[..., None],
) -> Environment:
    """Make a uv project whose lock has another version than constraints.txt."""
    assert index.exists() and uv.exists()
    give_engine("uv")
    write({"constraints.txt": "left==2.0\nuv==9.9\n"})
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": facts.replace('"shared"', '"uv"')})
    package("shared/py/core", "left", "right", gpu=["left"])
    package("services/py/api", "tiny-core", "left<2")
    own = (root / "services/py/api/pyproject.toml").read_text(encoding="utf-8")
    own += '[tool.monorepo.own-pins]\nleft = "its files"\n'
    write({"services/py/api/pyproject.toml": own})
    locks.lock(workspace.load(root), [])
    space = workspace.load(root)
    (_, found) = virtualenv.environments(space, [space.packages["services/py/api"]])
    return found


VERSION = "import left; print(left.VERSION)"


def test_a_uv_project_has_the_versions_of_its_lock(
    root: Path, project: Environment, uv: Path, write: Write
) -> None:
    assert "left==2.0" in (root / "constraints.txt").read_text(encoding="utf-8")
    assert project.path == "services/py/api/.venv"
    assert project.install()
    assert printed(project, VERSION) == "1.0\n"
    core = workspace.load(root).packages["shared/py/core"]
    shared = virtualenv.environments(workspace.load(root), [core])[1]
    assert shared.install()
    assert printed(shared, VERSION) == "2.0\n"
    # uv itself takes it for what the lock says.
    sync = [str(uv), "sync", "--project", "services/py/api", "--frozen", "--check"]
    subprocess.run(sync, check=True, cwd=root)
    # Nothing changed: uv is not asked.
    uv.rename(uv.with_name("away"))
    assert not project.install()
    uv.with_name("away").rename(uv)
    # Something that the lock does not have is uninstalled, as soon as the lock changes.
    lock = root / "services/py/api/uv.lock"
    lock.write_text(f"{lock.read_text(encoding='utf-8')}\n", encoding="utf-8")
    assert project.install()


def test_a_uv_project_is_as_any_environment_made_anew_when_it_broke(
    root: Path, project: Environment
) -> None:
    assert project.install()
    for target in ("/nonexistent", root / "pyproject.toml"):
        project.python.unlink()
        project.python.symlink_to(target)
        assert project.install()
        assert printed(project, VERSION) == "1.0\n"
    shutil.rmtree(project.folder / "lib")
    assert project.install()


def test_a_new_uv_project_is_locked_unless_an_index_had_to_choose(
    root: Path, project: Environment, write: Write, capsys: Capture
) -> None:
    lock, manifest = root / "services/py/api/uv.lock", root / "services/py/api/pyproject.toml"
    lock.unlink()
    with pytest.raises(UsageError, match=r"left<2 is pinned to 2\.0; run make lock"):
        project.install()
    assert not lock.exists()
    text, _, _ = manifest.read_text(encoding="utf-8").partition("[tool.monorepo.own-pins]")
    write({"services/py/api/pyproject.toml": text.replace('"left<2"', '"left"')})
    ((path, written),) = projects.drift(workspace.load(root))
    write({path: written})
    assert replace(project, space=workspace.load(root)).install()
    assert "lock: services/py/api/uv.lock is new\n" in capsys.readouterr().err
    assert printed(project, VERSION) == "2.0\n"


def test_a_uv_project_that_is_not_in_step_is_refused(
    root: Path, project: Environment, write: Write
) -> None:
    manifest = "services/py/api/pyproject.toml"
    assert project.install()
    text = (root / manifest).read_text(encoding="utf-8")
    for old, new, wrong in (
        ('"left<2"', '"left>=3"', "left>=3 is pinned to 1.0; run make lock"),
        ('"left<2"', '"other"', "other: not pinned; run make lock"),
        ('"right==1.0",', "", r"\[tool.uv\] is not as make lock writes it; run make lock"),
    ):
        write({manifest: text.replace(old, new)})
        again = replace(project, space=workspace.load(root))
        with pytest.raises(UsageError, match=wrong):
            again.install()
        assert printed(project, VERSION) == "1.0\n"


def test_a_file_of_a_uv_project_has_the_hash_in_its_lock_or_the_recorded_one(
    root: Path, project: Environment, write: Write, wheel: MakeWheel
) -> None:
    path = "services/py/api/uv.lock"
    lock = (root / path).read_text(encoding="utf-8")
    # Of a pin that all have, the recorded hash counts.
    for name, fails in (("right", False), ("left", True)):
        entry = re.compile(rf'(name = "{name}"\nversion.*?sha256:)[0-9a-f]{{64}}', re.DOTALL)
        forged = entry.sub(rf"\g<1>{'0' * 64}", lock)
        assert forged != lock
        write({path: forged})
        shutil.rmtree(project.folder, ignore_errors=True)
        if fails:
            with pytest.raises(TaskError, match="does not match its hash"):
                project.install()
        else:
            assert project.install()


def test_a_version_without_a_hash_is_not_installed(root: Path, project: Environment) -> None:
    lock = root / "services/py/api/uv.lock"
    text = re.sub(r', hash = "sha256:[0-9a-f]*"', "", lock.read_text(encoding="utf-8"))
    lock.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as raised:
        project.install()
    (line,) = raised.value.mistakes
    assert line.startswith("services/py/api/uv.lock: left==1.0: has no hash; ")


def test_all_environments_follow_the_mode(root: Path, project: Environment) -> None:
    assert project.space.root == root
    # The root's environment of the others is none, and uv remembers the interpreter at its path.
    shutil.copytree(root, root := root.with_name("copy"), ignore=shutil.ignore_patterns(".venv"))
    space = workspace.load(root)
    everything = list(space.packages.values())
    virtualenv.install(space, everything)
    paths = ["services/py/api/.venv", "shared/py/core/.venv"]
    tools = virtualenv.tools_environment(space)
    assert all((root / path).is_dir() for path in paths)
    assert "tiny_core" not in installed(tools)
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    api = root / "services/py/api/pyproject.toml"
    api.write_text(api.read_text(encoding="utf-8").replace('"left<2"', '"left"'), encoding="utf-8")
    manifest = root / "pyproject.toml"
    manifest.write_text(facts.replace('"uv"', '"shared"'), encoding="utf-8")
    (root / "own/.venv").mkdir(parents=True)
    space = workspace.load(root)
    virtualenv.install(space, everything)
    assert not any((root / path).exists() for path in paths)
    assert (root / "own/.venv").exists()
    assert {"tiny_core", "left"} < installed(tools)
    # And back: what only packages need goes from the environment of the tools.
    manifest.write_text(facts.replace('"uv"', '"per-package"'), encoding="utf-8")
    virtualenv.install(workspace.load(root), everything)
    assert not {"tiny_core", "left"} & installed(tools)


def test_the_plain_commands_of_a_uv_project_work(root: Path, project: Environment) -> None:
    package = project.space.packages["services/py/api"]
    lines = virtualenv.explain(project.space, [package])
    at = next(at for at, line in enumerate(lines) if line.startswith("# With pip alone"))
    assert lines[-1] == "uv sync --frozen --all-groups --all-extras --project services/py/api"
    commands = [line for line in lines[1:at] if "services/py/api" in line]
    assert commands[0].startswith(".venv/bin/python -m venv --without-pip services/py/api/.venv")
    for line in commands:
        subprocess.run(line, shell=True, check=True, cwd=root)
    assert printed(project, VERSION) == "1.0\n"
