"""Environments are filled by one call, with what is declared, and only when something changed."""

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo import environments, uv, workspace
from monorepo.environments import Environment
from monorepo.errors import TaskError, UsageError

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
MakeWheel = Callable[..., None]


def installed(environment: Environment) -> set[str]:
    found = environment.folder.glob("lib/python*/site-packages/*.dist-info")
    return {path.name.partition("-")[0] for path in found}


def printed(environment: Environment, code: str) -> str:
    """Return what `code` prints in the environment."""
    return subprocess.check_output([environment.python, "-c", code], text=True)


def test_pins_are_read_by_name(root: Path, write: Write) -> None:
    lines = ["# a==0", "Left_Pad==1.0 ; python_version < '3.12'", "left-pad==2.0  # why", "b>=1"]
    write({"constraints.txt": "\n".join(lines)})
    pinned = uv.pins(root)
    assert pinned == {"left-pad": ["Left_Pad==1.0 ; python_version < '3.12'", "left-pad==2.0"]}


def test_an_environment_is_made_of_the_closure(
    root: Path, package: MakePackage, wheel: MakeWheel, uv: Path, write: Write
) -> None:
    # Sources of one size and one time of change would share their compiled file.
    for version, end in (("1.0", "\n"), ("2.0", "\n\n")):
        wheel("left", version, files={"left.py": f"VERSION = '{version}'{end}"})
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
    pins = (root / "constraints.txt").read_text(encoding="utf-8")
    write({"constraints.txt": pins.replace("uv==9.9", "uv==9.8")})
    assert not Environment(workspace.load(root), environment.path, wanted).install()
    uv.with_name("away").rename(uv)

    # A pin of the closure moved.
    write({"constraints.txt": pins.replace("left==1.0", "left==2.0")})
    assert environment.install()
    assert printed(environment, "import left; print(left.VERSION)") == "2.0\n"

    # A manifest changed, and a package is here no longer.
    package("services/py/api")
    for file in sorted((root / "shared/py/core").rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    again = Environment(workspace.load(root), environment.path, wanted)
    assert again.install()
    assert "tiny_core" not in installed(again)


def test_a_failed_installation_is_done_again(
    root: Path, package: MakePackage, uv: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert uv.exists()
    package("shared/py/core", "left")
    environment = Environment(workspace.load(root), "e", {"shared/py/core": ()})
    for _ in range(2):
        with pytest.raises(TaskError, match="uv pip: failed"):
            environment.install()
    assert "left" in capfd.readouterr().err
    package("shared/py/core")
    assert Environment(workspace.load(root), "e", {"shared/py/core": ()}).install()


def test_an_environment_that_moved_or_broke_is_not_trusted(
    root: Path, package: MakePackage
) -> None:
    package("shared/py/core")
    environment = Environment(workspace.load(root), "e", {"shared/py/core": ()})
    stamp = root / "e/monorepo.json"
    environment.python.parent.mkdir(parents=True)
    environment.python.write_bytes(b"")
    noted = {"root": str(root), "packages": {"names": [], "internal": [], "digest": "x"}}
    stamp.write_text(json.dumps(noted), encoding="utf-8")
    assert environment._noted() == noted
    for broken in (json.dumps({**noted, "root": "/elsewhere"}), "{", ""):
        stamp.write_text(broken, encoding="utf-8")
        assert environment._noted() == {}
    stamp.write_text(json.dumps(noted), encoding="utf-8")
    environment.python.unlink()
    assert environment._noted() == {}


def test_setup_makes_the_roots_environment(
    root: Path, wheel: MakeWheel, package: MakePackage
) -> None:
    script = f'#!/bin/sh\nexec {shlex.quote(str(shutil.which("uv")))} "$@"\n'
    wheel("uv", "9.9", files={"uv-9.9.data/scripts/uv": script})
    wheel("uv", "9.10")
    space = workspace.load(root)
    environments.setup(space)
    tools = environments.tools_environment(space)
    assert installed(tools) == {"uv", "monorepo_tools"}
    assert (root / ".venv/bin/uv").exists()
    assert not tools.install()
    # What is worked on comes beside the tools, and does not undo them.
    package("shared/py/core")
    space = workspace.load(root)
    environments.install(space, list(space.packages.values()))
    assert installed(tools) == {"uv", "monorepo_tools", "tiny_core"}
    assert not environments.tools_environment(space).install()


def test_an_old_interpreter_is_refused(root: Path, write: Write) -> None:
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": facts.replace('python = "3.11"', 'python = "3.99"')})
    with pytest.raises(UsageError, match=r"is older than 3.99; give PYTHON=python3.99 or newer"):
        environments.setup(workspace.load(root))
    assert not (root / ".venv").exists()


def test_without_uv_it_takes_pip(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(root))
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(UsageError, match=r"has no ensurepip; install it .* or put uv on the PATH"):
        environments.setup(workspace.load(root))
    assert not (root / ".venv").exists()


def test_which_environments_there_are(root: Path, package: MakePackage, write: Write) -> None:
    space = workspace.load(root)
    (one,) = environments.environments(space, [space.tools])
    assert (one.path, one.requirements()) == (".venv", ["./tools[test]"])
    package("shared/py/core", test=[], gpu=["cuda"])
    package("services/py/api")
    write({"shared/js/web/package.json": '{"name": "@tiny/web"}'})
    space = workspace.load(root)
    (one,) = environments.environments(space, [space.packages["shared/js/web"]])
    assert one.path == ".venv"
    assert one.requirements() == [
        *("./tools[test]", "./services/py/api", "./shared/py/core[test]"),
    ]
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": facts.replace('"shared"', '"per-package"')})
    space = workspace.load(root)
    every = [*space.packages.values(), space.tools]
    chosen = [one.path for one in environments.environments(space, every)]
    assert chosen == [".venv", "shared/py/core/.venv", "services/py/api/.venv"]


@pytest.mark.parametrize("python_env", ["shared", "per-package"])
def test_the_plain_commands_say_the_same(
    javascript: Path, package: MakePackage, write: Write, python_env: str
) -> None:
    facts = (javascript / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": facts.replace('"shared"', f'"{python_env}"')})
    package("shared/py/core", test=[])
    space = workspace.load(javascript)
    lines = environments.explain(space, list(space.packages.values()))
    words = [shlex.split(line) for line in lines]
    own = "shared/py/core/.venv" if python_env == "per-package" else ".venv"
    assert words[0] == ["python", "-m", "venv", ".venv"]
    assert ["-e", "./tools[javascript,test]"] == words[1][7:9]
    install = next(one for one in words if "./shared/py/core[test]" in one)
    assert install[:3] == ["PIP_CONSTRAINT=constraints.txt", f"{own}/bin/python", "-m"]
    assert any("pnpm@12.0.1" in line for line in lines)
