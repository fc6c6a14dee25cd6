"""A repository goes through all ways to hold its environments, and works the same in each."""

import shutil
from pathlib import Path

import pytest

from tests.template.baking import bake, changed, commit, run

pytestmark = pytest.mark.slow

API, WEB = "services/py/api", "services/py/web"
PROVEN = '''\
"""The version that this service needs."""

from importlib.metadata import version


def test_it_is_installed() -> None:
    assert version("attrs").split(".")[0] {}
'''


def tree(root: Path) -> str:
    """Return the id of the committed tree."""
    return run(root, "git", "rev-parse", "HEAD^{tree}")


def require(root: Path, service: str, requirement: str, major: str) -> None:
    """Have a service need a version of a distribution, and a test of that."""
    manifest = root / service / "pyproject.toml"
    text = manifest.read_text(encoding="utf-8")
    text = text.replace("\ndependencies = [\n", f'\ndependencies = [\n    "{requirement}",\n')
    text = text.replace("\n[tool.monorepo]\n", "\n[tool.monorepo]\nunimported.attrs = 'for it'\n")
    manifest.write_text(text, encoding="utf-8")
    (root / service / "tests/unit/test_version.py").write_text(PROVEN.format(major), "utf-8")


def test_there_and_back_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """B4, B5, E1 and E4: one environment, one for each package, or a uv project per service."""
    # Each package has its own: one for all would take the tests of one for those of another.
    monkeypatch.setenv("MYPY_CACHE_DIR", "")
    out = tmp_path / "a folder with späces"
    out.mkdir()
    root = bake(out, packages=f"shared/py/core {API} {WEB}")
    commit(root)
    run(root, "make", "install")
    start = tree(root)

    run(root, "make", "env", "TO=per-package")
    assert changed(root).split() == ["M", "pyproject.toml"]
    run(root, "make", "guard", "type-check", "test", f"PKG={API}")
    commit(root)

    shown = run(root, "make", "env", "TO=uv", "DRY_RUN=1")
    assert f"+ {WEB}/uv.lock" in shown
    assert changed(root) == ""
    run(root, "make", "env", "TO=uv")
    commit(root)
    run(root, "make", "lock-check", "lock")
    assert run(root, "make", "guard").endswith("nothing found\n")
    assert changed(root) == "", "a command has changed what git tracks"
    assert run(root, "make", "install") == ""
    # The commands that are shown make the same.
    shutil.rmtree(root / API / ".venv")
    lines = run(root, "make", "install", "PRINT=1", f"PKG={API}").split("# With pip alone")[0]
    run(root, "sh", "-ec", lines)
    # uv finds nothing to do, there and in a clone that has nothing.
    uv = root / ".venv/bin/uv"
    sync = (uv, "sync", "--all-extras", "--all-groups", "--project")
    run(root, *sync, API, "--frozen", "--check")
    clone = out / "clone"
    run(out, "git", "clone", "--quiet", root, clone)
    run(clone, *sync, API, "--locked")
    python = clone / API / ".venv/bin/python"
    code = "import acme_svc_api.main, acme_service; print(acme_service.__file__)"
    assert run(clone, python, "-c", code).startswith(f"{clone}/shared/py/service/src/")
    assert changed(clone) == ""

    # Two services that no environment could hold.
    require(root, API, "attrs<24", '== "23"')
    require(root, WEB, "attrs>=25", '!= "23"')
    before = changed(root)
    assert "have one service pin it alone: [tool.monorepo.own-pins]" in run(
        root, "make", "lock", code=2
    )
    assert changed(root) == before
    with (root / API / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('\n[tool.monorepo.own-pins]\nattrs = "it reads files of that version"\n')
    run(root, "make", "lock")
    assert "attrs==23" not in (root / "constraints.txt").read_text(encoding="utf-8")
    # `make new` goes on as ever, and the new service is locked at once.
    run(root, "make", "new", "AT=services/py/third")
    commit(root)
    run(root, "make", "check")
    run(root, "make", "smoke", "build", f"PKG={API}")
    assert "warning" not in run(root, "make", "lock-check")
    run(root, ".venv/bin/nox", "-s", f"test-3.11({API})", f"test-lowest({WEB})")
    assert changed(root) == ""
    # The template is followed, and what `make lock` wrote stays.
    wheel = next(root.glob("tools/*.whl"))
    run(root, "make", "upgrade", f"TO={wheel}", "SET=\"description='Another one.'\"")
    status = run(root, "git", "status", "--porcelain").splitlines()
    assert {line[3:] for line in status} == {"README.md", "pyproject.toml"}
    run(root, "git", "reset", "--quiet", "--hard")

    # Together, they are refused what they cannot have; without that, all is as it was.
    refused = run(root, "make", "env", "TO=shared", code=2)
    assert "no versions satisfy all declared dependencies" in refused
    assert changed(root) == ""
    run(root, "git", "reset", "--quiet", "--hard", "HEAD~1")
    run(root, "make", "env", "TO=shared")
    commit(root)
    assert tree(root) == start
    run(root, "make", "test")
    assert not (root / API / ".venv").exists()
