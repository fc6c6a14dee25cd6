"""What is reported of base_manifest.yaml, and of a pyproject.toml that is only read (wish C7)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.doctor import manifest
from monorepo.guard.findings import Finding

Write = Callable[[dict[str, str]], None]
LISTS = "schema_version: 1\npython: {{packages: [{}]}}\n"


def found(root: Path) -> list[tuple[str, str, str, str]]:
    """Return status, id, message and fix of what is said about the manifest."""
    findings = manifest.manifest(root, workspace.load(root))
    return [(one.status, one.id, one.message, one.fix) for one in findings]


def test_a_manifest_that_is_all_right(root: Path, write: Write) -> None:
    assert found(root) == [("ok", "manifest", "none", "")]
    write({"base_manifest.yaml": LISTS.format("left")})
    assert found(root) == [("ok", "manifest", "lists 1 requirements", "")]


def test_mistakes_are_findings_each(root: Path, write: Write) -> None:
    write({"base_manifest.yaml": "schema_version: 1\npython: {venv: x, packages: [1]}\n"})
    assert [(status, rule, message) for status, rule, message, _ in found(root)] == [
        ("error", "manifest.invalid", "python.venv: is not default"),
        ("error", "manifest.invalid", "python.packages[1]: is not a text"),
    ]
    # The rest of the repository may be broken.
    assert {one.path for one in manifest.manifest(root, None)} == {"base_manifest.yaml"}


def test_what_a_pyproject_lists_is_not_repeated(
    root: Path, write: Write, package: Callable[..., Path]
) -> None:
    package("shared/py/core", "left", io=["six"])
    write({"base_manifest.yaml": LISTS.format("deep, Left>=1, SIX")})
    assert found(root) == [
        ("error", "manifest.unpinned", "python.packages[1]: deep: is not pinned", "make lock"),
        *(
            (
                "error",
                "manifest.repeated",
                f"python.packages[{number}]: {name}: is a dependency in"
                " shared/py/core/pyproject.toml as well",
                "remove it here",
            )
            for number, name in ((2, "left"), (3, "six"))
        ),
    ]


def test_rows_of_the_older_form_are_a_warning(root: Path, write: Write) -> None:
    """C5: they stay valid, and are translated only when that is asked for."""
    rows = "schema_version: 1\nartifacts: [{type: python-package, name: left}]\n"
    write({"base_manifest.yaml": rows})
    ((status, rule, _, fix),) = found(root)
    assert (status, rule) == ("warn", "manifest.artifacts")
    assert fix == "sh tools/make/monorepo.sh manifest migrate"
    assert (root / "base_manifest.yaml").read_text(encoding="utf-8") == rows


def observed(root: Path, text: str) -> list[Finding]:
    (root / "pyproject.toml").write_text(text, encoding="utf-8")
    return list(manifest.pyproject(root))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "can be read; it has no [project]"),
        ("[project]\nname = 'a'\nversion = '1.0'", "can be read; [project] a 1.0"),
        (
            "[project]\nname = 'a'\nversion = '1.0'\nrequires-python = '>=3.11'",
            "can be read; [project] a 1.0 for Python >=3.11",
        ),
        ("project = 1", "can be read; it has no [project]"),
        ("[project]\nname = 1\nversion = 'https://u:secret@h'", "can be read; [project] without"),
    ],
)
def test_a_pyproject_is_summarized(root: Path, text: str, said: str) -> None:
    (one,) = observed(root, text)
    assert (one.status, one.id) == ("ok", "pyproject") and one.message.startswith(said)


@pytest.mark.parametrize(
    ("text", "rule", "status"),
    [
        ("[project]\nname = 'a'\ndependencies = []", "pyproject.dependencies", "warn"),
        ("[project.optional-dependencies]\nx = []", "pyproject.dependencies", "warn"),
        ("[project]\ndynamic = ['dependencies']", "pyproject.dependencies", "warn"),
        ("[tool.base]\nx = 1", "pyproject.base", "warn"),
    ],
)
def test_what_has_no_effect_is_a_warning(root: Path, text: str, rule: str, status: str) -> None:
    assert [(one.id, one.status) for one in observed(root, text)] == [
        ("pyproject", "ok"),
        (rule, status),
    ]


def test_a_pyproject_that_cannot_be_read_is_a_finding(root: Path) -> None:
    (one,) = observed(root, "[tool\n")
    assert (one.id, one.status, one.line) == ("pyproject.unreadable", "error", 1)
    (root / "pyproject.toml").unlink()
    (one,) = manifest.pyproject(root)
    assert one.message == "cannot be read (No such file or directory)"


def test_no_build_backend_is_started_and_no_secret_is_shown(root: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    (root / "evil.py").write_text(f"open({str(canary)!r}, 'w')\n", encoding="utf-8")
    (root / "setup.py").write_text(f"open({str(canary)!r}, 'w')\n", encoding="utf-8")
    text = (
        "[build-system]\nrequires = []\nbuild-backend = 'evil'\nbackend-path = ['.']\n"
        "[project]\nname = 'a'\nversion = 'https://user:secret@host'\nrequires-python = 'secret'\n"
        "dependencies = ['x @ https://user:secret@host/x.whl']\n[tool.base]\ntoken = 'secret'\n"
        "[[tool.uv.index]]\nurl = 'https://user:secret@host/simple'\n"
    )
    said = observed(root, text)
    assert len(said) == 3 and "secret" not in "".join(map(repr, said))
    assert not canary.exists()
