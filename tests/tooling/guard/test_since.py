"""What `guard --changed BASE` shows is what a branch adds to what `guard` finds."""

import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monorepo import cli
from monorepo.core import workspace
from monorepo.guard import runner
from monorepo.guard.findings import Finding
from monorepo.system.errors import UsageError
from tests.examples import times

MakePackage = Callable[..., Path]
A, B, C = "shared/py/a", "shared/py/b", "services/py/c"
RULES = ("declared", "layers", "names", "docs", "ignored", "structure")


def git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout


def commit(root: Path) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", "x")


@pytest.fixture
def branch(root: Path, package: MakePackage) -> Path:
    """Make a branch of a repository in which some things are wrong already."""
    package(A)
    package(B, "tiny-a")
    package(C, "tiny-b")
    files = {
        f"{A}/src/tiny_a/one.py": "import old\n",
        f"{B}/src/tiny_b/two.py": "from tiny_a import one\n",
        f"{C}/src/tiny_svc_c/main.py": "import tiny_b.two\n",
        "README.md": "[gone](gone.md)\n",
        ".gitignore": ".venv/\n",
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    git(root, "init", "-q", "-b", "main")
    commit(root)
    git(root, "switch", "-qc", "work")
    return root


def new(root: Path, base: str = "main") -> list[Finding]:
    return runner.since(workspace.load(root), base, RULES)


def test_before_the_first_commit_everything_is_new(branch: Path) -> None:
    git(branch, "update-ref", "-d", "HEAD")
    wrong = new(branch, "HEAD")
    assert wrong == runner.guard(workspace.load(branch), RULES) != []


def errors(wrong: list[Finding]) -> "Counter[tuple[str, str, str]]":
    return Counter((one.id, one.path, one.message) for one in wrong if one.status == "error")


def test_what_was_wrong_before_is_not_shown(branch: Path) -> None:
    assert errors(runner.guard(workspace.load(branch), RULES))
    assert not errors(new(branch))
    (branch / A / "src/tiny_a/three.py").write_text("import other\nimport old\n", encoding="utf-8")
    found = errors(new(branch))
    assert found and all("old" not in message for _, _, message in found)
    assert {path for _, path, _ in found} == {f"{A}/src/tiny_a/three.py"}
    # What is committed on the branch is as new as what is not.
    commit(branch)
    assert errors(new(branch)) == found
    assert not errors(new(branch, "HEAD"))
    assert "worktree" not in git(branch, "worktree", "list", "--porcelain").split("\n", 2)[2]


def test_what_a_change_breaks_elsewhere_is_shown(branch: Path) -> None:
    manifest = branch / B / "pyproject.toml"
    manifest.write_text(manifest.read_text("utf-8").replace('"tiny-a"', ""), encoding="utf-8")
    commit(branch)
    assert {path for _, path, _ in errors(new(branch))} == {f"{B}/src/tiny_b/two.py"}


def test_the_branch_point_counts(branch: Path) -> None:
    git(branch, "switch", "-q", "main")
    (branch / "README.md").write_text("# Mended\n", encoding="utf-8")
    commit(branch)
    git(branch, "switch", "-q", "work")
    assert not errors(new(branch))


def test_a_base_that_there_is_not(branch: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="nosuch"):
        new(branch, "nosuch")
    assert cli.main(["--root", str(branch), "guard", "declared", "--changed", "nosuch"]) == 2
    advice = "is not a commit here; correct it, or fetch it: git fetch origin"
    assert capsys.readouterr().err == f"monorepo: CHANGED=nosuch: {advice}\n"
    for words in ([], ["--changed"], ["--changed", "main"]):
        assert cli.main(["--root", str(branch), "guard", "docs", *words]) == (0 if words else 1)


EDITS = {
    "an import": (f"{A}/src/tiny_a/one.py", "import old\nimport more\n"),
    "no import": (f"{A}/src/tiny_a/one.py", ""),
    "a syntax error": (f"{B}/src/tiny_b/two.py", "import (\n"),
    "a moved module": (f"{A}/src/tiny_a/one.py", None),
    "no dependency": (f"{B}/pyproject.toml", '[project]\nname = "tiny-b"\nversion = "1"\n'),
    "a broken manifest": (f"{A}/pyproject.toml", "[project\n"),
    "a deleted manifest": (f"{B}/pyproject.toml", None),
    "a mended document": ("README.md", "# Tiny\n"),
    "a worse document": ("README.md", "[gone](gone.md)\n[lost](lost.md)\n"),
    "an ignored source": (".gitignore", ".venv/\none.py\n"),
    "a baseline": ("guard-baseline.json", '[["docs", "README.md", "x"]]\n'),
    "a new package": (
        "shared/py/d/pyproject.toml",
        '[project]\nname = "tiny-a"\nversion = "1"\n',
    ),
}


@settings(times(0.3), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from([*EDITS]), max_size=4),
    st.lists(st.sampled_from([*EDITS]), max_size=3),
    st.booleans(),
)
def test_any_branch(branch: Path, before: list[str], after: list[str], committed: bool) -> None:
    git(branch, "switch", "-q", "-f", "-C", "base", "main")
    edit(branch, before)
    commit(branch)
    there = errors(runner.guard(workspace.load(branch), RULES))
    git(branch, "switch", "-q", "-C", "change")
    edit(branch, after)
    if committed:
        commit(branch)
    now = errors(runner.guard(workspace.load(branch), RULES))
    assert errors(new(branch, "base")) == now - there
    git(branch, "reset", "-q", "--hard")
    git(branch, "clean", "-qfd")


def edit(root: Path, names: list[str]) -> None:
    for name in names:
        path, text = EDITS[name]
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            (root / path).unlink(missing_ok=True)
        else:
            (root / path).write_text(text, encoding="utf-8")
