"""What a commit goes through once `make install-hooks` was run: real commits, in real checkouts."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.template.baking import bake, changed, commit, edit, own_template, run

pytestmark = pytest.mark.slow

PYTHON = "shared/py/core/src/acme_core/retries.py"
TYPESCRIPT = "shared/js/core/src/index.ts"
# A test that works with a repository of its own.
COMMITTING = """\
import subprocess
from pathlib import Path


def test_git(tmp_path: Path) -> None:
    for words in ("init --quiet", "commit --quiet --allow-empty --message other"):
        subprocess.run(["git", *words.split()], cwd=tmp_path, check=True)
"""


@pytest.fixture(scope="module")
def hooked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a monorepo with hooks; its first commit went through them."""
    root = bake(tmp_path_factory.mktemp("hooked with späces"))
    run(root, "make", "install", "install-hooks")
    commit(root)
    return root


@pytest.fixture
def root(hooked: Path) -> Iterator[Path]:
    """Return the monorepo, and take back what is done to it."""
    start = run(hooked, "git", "rev-parse", "HEAD").strip()
    yield hooked
    run(hooked, "git", "reset", "--quiet", "--hard", start)
    run(hooked, "git", "clean", "--quiet", "-fd")


def attempt(root: Path, code: int = 0) -> str:
    """Commit what is staged; return what was said."""
    return run(root, "git", "commit", "--message", "x", code=code)


def results(output: str) -> dict[str, str]:
    """Return what became of each hook, by its name."""
    lines = [line for line in output.splitlines() if "....." in line]
    return {line.partition("..")[0]: line.rpartition(".")[2] for line in lines}


def staged(root: Path, path: str) -> str:
    return run(root, "git", "show", f":{path}")


def test_a_new_monorepo_is_a_fixed_point_of_its_hooks(hooked: Path, tmp_path: Path) -> None:
    # There is no Node on the PATH, and the locale does not know the letters in it.
    for name in ("git", "make", "sh"):
        (tmp_path / name).symlink_to(shutil.which(name) or "")
    env = {"PATH": str(tmp_path), "LC_ALL": "C"}
    output = run(hooked, ".venv/bin/prek", "run", "--all-files", env=env)
    assert set(results(output).values()) == {"Passed"}
    assert len(results(output)) == 6
    assert changed(hooked) == ""


def test_the_hooks_are_installed_again_without_a_change(hooked: Path) -> None:
    hook = hooked / ".git/hooks/pre-commit"
    text = hook.read_text(encoding="utf-8")
    run(hooked, "make", "install-hooks")
    assert hook.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("path", "text", "mended", "hook"),
    [
        (
            "shared/py/core/src/acme_core/bad.py",
            '"""Bad."""\nX = ( 1 )\n',
            '"""Bad."""\n\nX = 1\n',
            None,
        ),
        ("shared/js/core/src/bad.ts", "export const x=1", "export const x = 1;\n", "biome check"),
        ("shared/js/core/bad.json", "[ ]", "[]\n", "biome check"),
    ],
)
def test_bad_style_is_mended_and_refused(
    root: Path, path: str, text: str, mended: str, hook: str | None
) -> None:
    (root / path).write_text(text, "utf-8")
    run(root, "git", "add", path)
    assert results(attempt(root, code=1))[hook or "ruff format"] == "Failed"
    assert (root / path).read_text(encoding="utf-8") == mended
    assert staged(root, path) == text
    run(root, "git", "add", path)
    attempt(root)
    assert changed(root) == ""


@pytest.mark.parametrize(
    ("path", "line", "said"),
    [(PYTHON, "\nprint(1)\n", "T201"), (TYPESCRIPT, "\nconsole.log(1);\n", "noConsole")],
)
def test_what_cannot_be_mended_is_refused(root: Path, path: str, line: str, said: str) -> None:
    with (root / path).open("a", encoding="utf-8") as file:
        file.write(line)
    run(root, "git", "add", path)
    assert said in attempt(root, code=1)


def test_a_dependency_that_is_not_pinned_is_refused(root: Path) -> None:
    manifest = "shared/py/core/pyproject.toml"
    edit(root / manifest, "dependencies = []", 'dependencies = ["nobody-has-this>=1"]')
    run(root, "git", "add", manifest)
    output = attempt(root, code=1)
    assert f"{manifest}: nobody-has-this>=1 is not pinned; run make lock" in output
    manifest = "shared/js/core/package.json"
    run(root, "git", "reset", "--quiet", "--hard")
    edit(root / manifest, '"type": "module"', '"type": "module",\n  "dependencies": { "x": "1" }')
    run(root, "git", "add", manifest)
    assert results(attempt(root, code=1))["lock-check"] == "Failed"


def test_a_package_that_goes_takes_its_pins_along(root: Path) -> None:
    run(root, "git", "rm", "--quiet", "-r", "shared/js/core")
    assert "pnpm-lock.yaml: has shared/js/core, which is not here" in attempt(root, code=1)
    run(root, "git", "reset", "--quiet", "--hard")
    run(root, "make", "remove", "AT=shared/js/core")
    run(root, "git", "add", "--all")
    attempt(root)


def test_only_what_the_commit_touches_is_looked_at(root: Path) -> None:
    (root / "shared/py/core/src/acme_core/bad.py").write_text("import os\n", "utf-8")
    edit(root / "README.md", "## Set up", "## Set  up")
    template = own_template(root, "shared-py")
    test = template / "{{cookiecutter.name}}/tests/unit/test_retries.py"
    with test.open("a", encoding="utf-8") as file:
        file.write("\nx = {{ 1 }}\n")
    # lock-check finds out by itself whether it is asked for: here it would fail.
    edit(root / "shared/py/core/pyproject.toml", "dependencies = []", 'dependencies = ["x>=1"]')
    own = {"environment", "guard", "lock-check"}
    run(root, "git", "add", "README.md")
    assert {name for name, how in results(attempt(root)).items() if how == "Passed"} == own
    run(root, "git", "checkout", "--quiet", "shared")
    run(root, "git", "add", template)
    # A sub-template is no code yet: its pins alone are looked at.
    assert {name for name, how in results(attempt(root)).items() if how == "Passed"} == own


@pytest.mark.parametrize("where", ["elsewhere", "in the same lines"])
def test_what_is_staged_in_part_is_never_left_half_done(root: Path, where: str) -> None:
    file = root / PYTHON
    before = file.read_text(encoding="utf-8")
    index = f"{before}\n\nBADLY = {{ 'x':1 }}\n"
    unstaged = index.replace('"""', '"""Edited. ', 1)
    if where == "in the same lines":
        unstaged = index.replace("'x':1", "'x':2")
    file.write_text(index, "utf-8")
    run(root, "git", "add", PYTHON)
    file.write_text(unstaged, "utf-8")
    head = run(root, "git", "rev-parse", "HEAD")

    assert results(attempt(root, code=1))["ruff format"] == "Failed"
    assert run(root, "git", "rev-parse", "HEAD") == head
    assert staged(root, PYTHON) == index
    # Mended beside the unstaged part, or not at all where the two would meet.
    mended = unstaged.replace("{ 'x':1 }", '{"x": 1}')
    assert file.read_text(encoding="utf-8") == mended


def test_what_is_staged_in_part_and_good_is_committed_without_the_rest(root: Path) -> None:
    file = root / PYTHON
    index = file.read_text(encoding="utf-8") + "\n\nGOOD = 1\n"
    file.write_text(index, "utf-8")
    run(root, "git", "add", PYTHON)
    file.write_text(f"{index}BADLY = ( 1 )\n", "utf-8")
    attempt(root)
    assert run(root, "git", "show", f"HEAD:{PYTHON}") == index
    assert file.read_text(encoding="utf-8") == f"{index}BADLY = ( 1 )\n"


def test_a_worktree_says_what_it_lacks_and_then_has_hooks_of_its_own(
    root: Path, tmp_path: Path
) -> None:
    worktree = tmp_path / "worktree"
    run(root, "git", "worktree", "add", "--quiet", "--detach", worktree)
    try:
        edit(worktree / PYTHON, '"""', '"""Edited: ')
        run(worktree, "git", "add", PYTHON)
        said = "monorepo: .venv/bin/prek: is missing; run make install\n"
        assert attempt(worktree, code=1) == said
        run(worktree, "make", "setup")
        said = "monorepo: node_modules/.bin/biome: is missing; run make install"
        assert said in attempt(worktree, code=1)
        run(worktree, "make", "install", "install-hooks")
        # Git names the repository to what an alias or a hook of a worktree runs.
        (worktree / "shared/py/core/tests/unit/test_git.py").write_text(COMMITTING, "utf-8")
        head = run(worktree, "git", "rev-parse", "HEAD")
        alias = "alias.prove=!make test PKG=shared/py/core ARGS='-k test_git'"
        assert "test: 1 ok" in run(worktree, "git", "-c", alias, "prove")
        assert run(worktree, "git", "rev-parse", "HEAD") == head
        assert run(root, "git", "config", "core.bare") == "false\n"
        # The main checkout's environment plays no part.
        (root / ".venv").rename(root / ".gone")
        try:
            attempt(worktree)
        finally:
            (root / ".gone").rename(root / ".venv")
    finally:
        run(root, "git", "worktree", "remove", "--force", worktree)


def test_another_manager_is_left_in_charge(root: Path) -> None:
    run(root, "git", "config", "core.hooksPath", ".husky/_")
    try:
        said = run(root, "make", "install-hooks", code=2)
    finally:
        run(root, "git", "config", "--unset", "core.hooksPath")
    assert said.startswith("monorepo: core.hooksPath: is set to .husky/_")
    assert not (root / ".husky").exists()


def test_without_javascript(tmp_path: Path) -> None:
    root = bake(tmp_path, packages="shared/py/core")
    shutil.rmtree(root / ".git")
    said = run(root, "make", "install-hooks", code=2).splitlines()
    assert "is not a git repository" in said[-2]
    run(root, "git", "init", "--quiet")
    run(root, "make", "install", "install-hooks")
    run(root, "git", "add", "--all")
    passed = ["environment", "ruff check", "ruff format", "lock-check", "guard"]
    assert results(attempt(root)) == dict.fromkeys(passed, "Passed")
