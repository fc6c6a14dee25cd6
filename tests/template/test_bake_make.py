"""Make takes everything from outside as data: variables, names of folders, another's environment.

Nothing is installed here: what is looked at is which interpreter a command runs on, what that
imports, and which text ends up where a shell or Make would evaluate it.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.template.baking import environment, run

ALL = os.environ.get("FAULTS") == "all"
LISTED = ["services/js/web", "services/py/api", "shared/js/core", "shared/js/notes"]
LISTED += ["shared/js/service", "shared/py/core", "shared/py/notes", "shared/py/service"]
# Modules that verbs import, of the standard library and of others.
MODULES = (
    "json",
    "tomllib",
    "packaging",
    "yaml",
    "monorepo",
    "signal",
    "argparse",
    "sitecustomize",
)


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """Return the file that whatever must not run would make."""
    return tmp_path / "canary"


def listed(output: str) -> list[str]:
    """Return the paths of the packages in a table."""
    return sorted(line.split()[0] for line in output.splitlines() if "/" in line.split(" ")[0])


def plant(folder: Path, canary: Path) -> None:
    """Put modules into a folder that say when they are imported."""
    text = f"open({str(canary)!r}, 'a').write(__file__)\n"
    for name in MODULES:
        (folder / f"{name}.py").write_text(text, encoding="utf-8")


def spoil_environment(root: Path, canary: Path) -> Path:
    """Make a .venv whose interpreter, and all that it would read, says when it is started."""
    made = root / ".venv"
    run(root, sys.executable, "-I", "-m", "venv", "--without-pip", made)
    (site,) = made.glob("lib/python3.*/site-packages")
    (site / "x.pth").write_text(f"import os; os.close(os.open({str(canary)!r}, 64))\n", "utf-8")
    return made


HOSTILE = {
    "the interpreter's variables": {
        "PYTHONPATH": "{planted}",
        "PYTHONHOME": "/nonexistent",
        "PYTHONSTARTUP": "{planted}/yaml.py",
        "VIRTUAL_ENV": "{planted}",
    },
    "our own names": dict.fromkeys(
        (
            "PKG",
            "VENV",
            "PATHS",
            "ROOT",
            "PACKAGE",
            "BIN",
            "AT",
            "RULE",
            "ARGS",
            "MONOREPO",
            "DEPS",
        ),
        "$(shell touch {canary})/x",
    ),
    "switches": {"FIX": "1", "CHANGED": "1", "PRINT": "1", "NODE_BIN": "/x", "GIVEN_VENV": "/x"},
    "the locale": {"LC_ALL": "$(shell touch {canary})", "LANG": "$(shell touch {canary})"},
    "flags of Make": {"MAKEFLAGS": "-j8"},
    "a name with a command": {"MAKEFILE_LIST": "$(shell touch {canary})"},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("where", ["", "shared/py/core", "shared/js/core"])
def test_what_a_shell_has_set_changes_nothing(
    baked: Path, tmp_path: Path, canary: Path, name: str, where: str
) -> None:
    planted = tmp_path / "planted"
    planted.mkdir()
    plant(planted, canary)
    told = {key: text.format(planted=planted, canary=canary) for key, text in HOSTILE[name].items()}
    folder = baked / where
    targets = ["help"] if where else ["help", "list"]
    shown = ["lint", "test", "install"] if where else ["lint", "guard", "new", "install"]
    for words in [[one] for one in targets] + [["-n", one] for one in shown]:
        # A shell may complain of its locale first.
        assert run(folder, "make", *words, env=told).endswith(run(folder, "make", *words))
    assert not canary.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "flags", ["-k", "-n", "-t", "-B", "-O", "-s", "-r", "-R", "-e", "-i", "-w", "-j8", "-C."]
)
def test_flags_of_make_change_no_result(baked: Path, flags: str) -> None:
    output = run(baked, "make", flags, "list")
    if flags not in ("-n", "-t"):
        assert listed(output) == LISTED
    assert "jobserver" not in output and "warning" not in output


@pytest.mark.slow
@pytest.mark.parametrize("text", ["0", "", "no", "False"])
def test_switches_that_are_off_are_off(baked: Path, text: str) -> None:
    plain = run(baked, "make", "-n", "guard")
    assert run(baked, "make", "-n", "guard", f"FIX={text}", f"CHANGED={text}") == plain
    assert run(baked, "make", "list", f"V={text}") == run(baked, "make", "list")


def test_each_command_is_shown_if_asked(baked: Path) -> None:
    shown = run(baked, "make", "list", "V=1")
    assert shown.splitlines()[0] == "sh ./tools/make/monorepo.sh list"
    assert shown.partition("\n")[2] == run(baked, "make", "list", env={"V": "1"})


@pytest.mark.slow
@pytest.mark.parametrize("variable", ["PYTHON", "PKG", "AT", "ARGS", "VENV", "PATHS", "RULE"])
@pytest.mark.parametrize("where", ["", "shared/py/core", "shared/js/core"])
def test_make_evaluates_no_value(baked: Path, canary: Path, variable: str, where: str) -> None:
    for text in (f"$(shell touch {canary})", f"`touch {canary}`", f"'; touch {canary}; '"):
        for words in (["help"], ["install"]):
            # Installing is no part of this: without an interpreter, it ends where it begins.
            given = [f"{variable}={text}", *(["PYTHON=/bin/false"] if variable != "PYTHON" else [])]
            command = ["make", *words, *given]
            subprocess.run(command, cwd=baked / where, env=environment(), capture_output=True)
            assert not canary.exists(), command
        run(baked / where, "make", "help", env={variable: text})
        assert not canary.exists(), variable


@pytest.mark.parametrize(
    ("python", "said"),
    [
        ("/nonexistent/python3", "is not there"),
        ("python3.99", "is not there"),
        ("/bin/true", "is no Python that starts"),
        ("/bin/false", "is no Python that starts"),
        ("/bin/echo", "is no Python that starts"),
        ("{old}", "is older than 3.11"),
        ("{empty}", "is no Python that starts"),
        ("a b\x1b[31m", "is not there"),
    ],
)
def test_an_interpreter_that_does_not_do_is_told_of(
    baked: Path, tmp_path: Path, python: str, said: str
) -> None:
    old, empty = tmp_path / "old", tmp_path / "empty"
    old.write_text("#!/bin/sh\nprintf 3.8\n", encoding="utf-8")
    old.chmod(0o755)
    empty.touch(0o755)
    path = python.format(old=old, empty=empty)
    for words in (["list"], ["-C", "shared/py/core", "lint"]):
        output = run(baked, "make", "--silent", *words, f"PYTHON={path}", code=2)
        first, *rest = output.splitlines()
        assert first.startswith(f"monorepo: PYTHON: {path.replace(chr(27), '?')}: {said}; give ")
        assert [line for line in rest if not line.startswith("make")] == []
    assert not (baked / ".venv").exists()


def test_modules_come_from_this_repository_alone(root: Path, canary: Path) -> None:
    for folder in (root, root / "shared/py/core"):
        plant(folder, canary)
    assert listed(run(root, "make", "list")) == LISTED
    run(root, "make", "graph")
    run(root, "make", "PYTHON=/bin/false", "-C", "shared/py/core", "install", code=2)
    for folder in (root, root / "shared/py/core"):
        run(folder, sys.executable, "-P", "-m", "nox", "-l")
    assert not canary.exists()


def dangling(venv: Path, canary: Path) -> None:
    (venv / "bin/python").unlink()
    (venv / "bin/python").symlink_to("/nonexistent")


def foreign(venv: Path, canary: Path) -> None:
    """Leave an environment that works, and was made by nobody here."""


def noted_elsewhere(venv: Path, canary: Path) -> None:
    (venv / "monorepo.python").write_text("1 ../pyvenv.cfg 2 python\n", encoding="utf-8")


def a_script(venv: Path, canary: Path) -> None:
    (venv / "bin/python").unlink()
    (venv / "bin/python").write_text(f"#!/bin/sh\ntouch '{canary}'\n", encoding="utf-8")
    (venv / "bin/python").chmod(0o755)


def empty(venv: Path, canary: Path) -> None:
    (venv / "bin/python").unlink()
    (venv / "bin/python").touch(0o755)


def nothing(venv: Path, canary: Path) -> None:
    shutil.rmtree(venv)
    venv.mkdir()


def a_file(venv: Path, canary: Path) -> None:
    shutil.rmtree(venv)
    venv.touch()


@pytest.mark.slow
@pytest.mark.parametrize(
    "spoil", [dangling, foreign, noted_elsewhere, a_script, empty, nothing, a_file]
)
def test_an_environment_that_is_not_ours_is_never_started(
    root: Path, canary: Path, spoil: Callable[[Path, Path], None]
) -> None:
    spoil(spoil_environment(root, canary), canary)
    # Making it reads its own files.
    canary.unlink(missing_ok=True)
    assert listed(run(root, "make", "list")) == LISTED
    run(root, "make", "graph")
    run(root, "make", "help")
    assert not canary.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "target"),
    [
        *((".", target) for target in ("install", "lint", "guard", "test", "lock-check")),
        ("shared/py/core", "install"),
        ("shared/py/core", "test"),
        ("shared/js/core", "type-check"),
        ("services/js/web", "test"),
    ],
)
def test_what_is_no_environment_is_left_alone(root: Path, where: str, target: str) -> None:
    (root / ".venv").write_text("mine", encoding="utf-8")
    output = run(root / where, "make", "--silent", target, code=2)
    lines = [line for line in output.splitlines() if not line.startswith("make")]
    assert lines == ["monorepo: .venv: is not a folder; move it away, and run this again"]
    assert (root / ".venv").read_text(encoding="utf-8") == "mine"
    (root / ".venv").unlink()
    (root / ".venv").symlink_to("nowhere")
    assert lines[0] in run(root / where, "make", "--silent", target, code=2)
    assert (root / ".venv").is_symlink() and not (root / "nowhere").exists()


NAMES = [
    "$(touch {})",
    "$$(touch {})",
    "`touch {}`",
    "; touch {};",
    "x'; touch {}; '",
    'x"; touch {}; "',
    "| touch {}",
    "& touch {}",
    "$(shell touch {})",
    "${{IFS}}touch{}",
    "a\ntouch {}",
    "-rf",
    "--help",
    "a b",
    "a$b",
    "*",
    "[a]",
    "a:b",
    "a#b",
    "a%b",
    "ü",
    "~",
    "{{a,b}}",
]


@pytest.mark.slow
def test_the_name_of_a_folder_is_never_run(root: Path, canary: Path) -> None:
    # A slash would be the end of a name: the canary is made where the command runs.
    names = [name.format(canary.name) for name in NAMES]
    for name in names:
        shutil.copytree(root / "shared/py/core", root / "shared/py" / name)
        module = root / "shared/py" / name / "src" / name
        module.mkdir()
        (module / "__init__.py").touch()
    output = run(root, "make", "list", code=2)
    assert set(LISTED) <= set(listed(output))
    assert output.count("is not a valid folder name for a package") == len(names)
    run(root, "make", "-n", "lint", "test", "guard")
    # The others are cleaned, each by a Make of its own.
    assert "clean: 8 ok" in run(root, "make", "clean", code=2)
    for name in names:
        folder = root / "shared/py" / name
        run(folder, "make", "help", "clean")
        run(folder, "make", "-n", "lint", "test-coverage", "build")
    for name in names if ALL else names[::5]:
        refused = run(root / "shared/py" / name, "make", "--silent", "lint", code=2)
        assert refused.count("monorepo: ") == 1
        assert "is not a valid folder name for a package" in refused
    assert list(root.parent.rglob(canary.name)) == []


def test_coverage_takes_names_as_they_are(root: Path, tmp_path: Path, canary: Path) -> None:
    """A pytest that shows its arguments sees what a recipe makes from names of folders."""
    core = root / "shared/py/core"
    (core / "src" / f"$(touch {canary.name}) x").mkdir()
    (core / "src" / f"$(touch {canary.name}) x/__init__.py").touch()
    venv = tmp_path / "a $venv \"with' \\names"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin/python").write_text('#!/bin/sh\nprintf "<%s>" "$@"\n', encoding="utf-8")
    (venv / "bin/python").chmod(0o755)
    output = run(core, "make", "test-coverage", f"VENV={venv}")
    assert f"<--cov=$(touch {canary.name}) x><--cov=acme_core>" in output
    assert "<-P><-m><pytest>" in output
    assert not (core / canary.name).exists()


def test_a_make_that_tests_start_is_told_nothing_of_this_one(root: Path, tmp_path: Path) -> None:
    venv, note = tmp_path / "venv", tmp_path / "unmatched"
    (venv / "bin").mkdir(parents=True)
    program = '#!/bin/sh\nprintf "<%s>" "$MAKEFLAGS" "$MAKELEVEL" "$UNMATCHED"\nexit 5\n'
    (venv / "bin/python").write_text(program, encoding="utf-8")
    (venv / "bin/python").chmod(0o755)
    words = ("make", "test", f"VENV={venv}", f"UNMATCHED={note}")
    output = run(root / "shared/py/core", *words, code=2)
    assert output.startswith("<><><>")
    assert "no test was collected" in output
    assert note.exists()


def test_what_is_missing_from_an_environment_is_told_in_a_line(root: Path) -> None:
    command = ["sh", "tools/make/monorepo.sh", "guard"]
    bare = root.parent / "bare"
    run(root, sys.executable, "-I", "-m", "venv", "--without-pip", bare)
    output = run(root, *command, env={"PYTHON": str(bare / "bin/python")}, code=2)
    assert output.startswith("monorepo: .venv: has no module ")
    assert output.endswith("; run make install\n") and len(output.splitlines()) == 1
