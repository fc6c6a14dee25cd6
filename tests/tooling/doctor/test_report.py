"""The report of `make doctor`: its form, its exit code, and what it does to a broken checkout."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo import cli
from monorepo.doctor import report
from monorepo.guard.findings import Finding
from monorepo.system import transaction
from monorepo.system.errors import UsageError

Write = Callable[[dict[str, str]], None]
Capture = pytest.CaptureFixture[str]

FOUND = [
    Finding(".", 0, "git", "2.39.5", "", "ok"),
    Finding(".venv", 0, "environments.missing", "is missing", "make install"),
    Finding(".venv", 0, "uv.missing", "is not installed", "make setup"),
    Finding("constraints.txt", 3, "locks.drift", "x is not pinned", "make lock"),
    Finding(".", 0, "hooks.missing", "git checks no commit", "make install-hooks", "warn"),
]


def test_text_has_a_line_for_each_with_the_command_that_mends_it(root: Path) -> None:
    assert report.render(root, FOUND, "text").splitlines() == [
        "ok     git: 2.39.5",
        "error  environments.missing: .venv: is missing; make install",
        "error  uv.missing: .venv: is not installed; make setup",
        "error  locks.drift: constraints.txt:3: x is not pinned; make lock",
        "warn   hooks.missing: git checks no commit; make install-hooks",
        "",
        "make doctor FIX=1 runs make install and make install-hooks",
    ]


def test_json_has_the_shape_of_all_findings(root: Path) -> None:
    said = json.loads(report.render(root, FOUND, "json"))
    assert (said["schema_version"], said["status"], said["project"]) == (1, "error", "Tiny")
    assert said["checks"][0] == {
        "id": "git",
        "status": "ok",
        "name": "git",
        "message": "2.39.5",
        "fix": "",
        "path": ".",
    }
    assert said["checks"][3]["line"] == 3


def test_warnings_are_no_failure() -> None:
    assert not report.is_wrong([FOUND[0], FOUND[-1]])
    assert report.is_wrong(FOUND)


def without_environment(root: Path) -> None:
    """Leave it as a fresh clone."""


def with_a_broken_manifest(root: Path) -> None:
    (root / "pyproject.toml").write_text("[tool\n", encoding="utf-8")


def with_a_broken_base_manifest(root: Path) -> None:
    (root / "base_manifest.yaml").write_text("python: [\n", encoding="utf-8")


def with_a_broken_package(root: Path) -> None:
    (root / "shared/py/core/pyproject.toml").write_text("x\n", encoding="utf-8")


def without_locks(root: Path) -> None:
    (root / "constraints.txt").unlink()
    (root / "tools/hashes.txt").unlink()


def without_engine(root: Path) -> None:
    for wheel in root.glob("tools/*.whl"):
        wheel.unlink()


def with_bytes_for_text(root: Path) -> None:
    for file in root.rglob("*.toml"):
        file.write_bytes(b"\xff\xfe")
    (root / "constraints.txt").write_bytes(b"\xff")


def with_an_environment_of_nonsense(root: Path) -> None:
    (root / ".venv/bin").mkdir(parents=True)
    (root / ".venv/monorepo.json").write_text("[]", encoding="utf-8")
    for name in ("python", "uv", "node"):
        (root / ".venv/bin" / name).write_text("nonsense", encoding="utf-8")
        (root / ".venv/bin" / name).chmod(0o755)


@pytest.mark.parametrize(
    "spoil",
    [
        without_environment,
        with_a_broken_manifest,
        with_a_broken_base_manifest,
        with_a_broken_package,
        without_locks,
        without_engine,
        with_bytes_for_text,
        with_an_environment_of_nonsense,
    ],
)
def test_a_broken_checkout_is_reported_and_left_as_it_is(
    root: Path,
    package: Callable[..., Path],
    tree: Callable[[], object],
    capsys: Capture,
    spoil: Callable[[Path], None],
) -> None:
    """No .venv, no git, broken files: findings, no traceback, and nothing changes."""
    package("shared/py/core")
    spoil(root)
    then = tree()
    assert cli.main(["--root", str(root), "doctor", "--format", "json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["status"] == "error"
    wrong = [check for check in said["checks"] if check["status"] != "ok"]
    assert all(check["message"] and check["fix"] and "\n" not in check["fix"] for check in wrong)
    assert tree() == then


def test_it_rolls_nothing_back(root: Path, capsys: Capture) -> None:
    journal = transaction.record(root, "journal")
    journal.write_text("{}", encoding="utf-8")
    cli.main(["--root", str(root), "doctor"])
    assert "caches.interrupted" in capsys.readouterr().out
    assert journal.exists()


def test_elsewhere_it_is_wrong_use(tmp_path: Path, capsys: Capture) -> None:
    with pytest.raises(UsageError):
        report.examine(tmp_path)
    assert cli.main(["--root", str(tmp_path), "doctor"]) == 2
    assert "is not a generated monorepo" in capsys.readouterr().err


def test_mend_shows_and_runs_the_safe_commands_alone(
    root: Path, capfd: pytest.CaptureFixture[str], write: Write
) -> None:
    if shutil.which("make") is None:
        raise AssertionError("make is needed")
    write({"Makefile": "%:\n\t@echo ran $@ >> ran.txt; echo to stdout; echo to stderr >&2\n"})
    assert report.mend(root, FOUND)
    assert (root / "ran.txt").read_text(encoding="utf-8") == "ran install\nran install-hooks\n"
    out, error = capfd.readouterr()
    assert out == ""
    assert error.splitlines()[:3] == ["$ make install", "to stdout", "to stderr"]
    assert not report.mend(root, [FOUND[0], FOUND[3]])
    assert (root / "ran.txt").read_text(encoding="utf-8").count("ran") == 2


def test_manifest_check_and_migrate(root: Path, write: Write, capsys: Capture) -> None:
    """C5, C9: check reports and changes nothing; migrate is asked for."""
    rows = "schema_version: 1\nartifacts: [{type: python-package, name: left}]\n"
    write({"base_manifest.yaml": rows})
    assert cli.main(["--root", str(root), "manifest", "check"]) == 0
    assert "warn   manifest.artifacts: base_manifest.yaml: " in capsys.readouterr().out
    assert (root / "base_manifest.yaml").read_text(encoding="utf-8") == rows
    assert cli.main(["--root", str(root), "manifest", "migrate"]) == 0
    assert cli.main(["--root", str(root), "manifest", "check", "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out.partition("\n")[2])
    assert {check["id"]: check["status"] for check in said["checks"]} == {
        "manifest": "ok",
        "pyproject": "ok",
    }
    write({"base_manifest.yaml": "schema_version: 2\n"})
    assert cli.main(["--root", str(root), "manifest", "check"]) == 1
    assert cli.main(["--root", str(root), "manifest", "migrate"]) == 2
