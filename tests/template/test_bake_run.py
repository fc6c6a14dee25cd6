"""`./run` hands a script over to its environment (wishes D1 and D2) and is not noticed afterwards.

Nothing is installed: environments are empty ones, recorded as `make install` records its own.
"""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.environments import interpreter
from tests.examples import times
from tests.template.baking import bake, commit, environment, run

TELL = """\
import json, os, sys
print(json.dumps([sys.argv[1:], sys.prefix, os.getcwd(), os.getpid()]))
"""


def equip(root: Path, path: str = ".venv") -> None:
    """Make an environment that counts as complete."""
    run(root, sys.executable, "-I", "-m", "venv", "--without-pip", root / path)
    interpreter.note(root, path, None, complete=True)
    (root / path / "monorepo.json").touch()


@pytest.fixture(scope="module")
def equipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a monorepo with an environment and scripts, below a path with a space."""
    root = bake(tmp_path_factory.mktemp("a b"))
    (root / "services/py/api/tell.py").write_text(TELL, encoding="utf-8")
    (root / "tell.py").write_text(TELL, encoding="utf-8")
    commit(root)
    equip(root)
    return root


def told(root: Path, *words: str, folder: Path | None = None, **env: str) -> list[object]:
    """Run `./run` with words, and return what the script was told."""
    command = [str(root / "run"), *words]
    output = subprocess.check_output(command, cwd=folder or root, env=environment(**env))
    return list(json.loads(output))


TAKEN = [
    ["--flag", "-v", "-k", "x"],
    ["--package", "shared/py/core", "--", "-m", "--help"],
    ["", " ", "a b", "a\nb", "'", '"', "$(exit 3)", "`exit 3`", "\\", "*", "~", "ü"],
]


@pytest.mark.parametrize("words", TAKEN)
def test_everything_after_the_script_belongs_to_the_script(
    equipped: Path, words: list[str]
) -> None:
    """D2: also what looks like an option of `./run` itself."""
    script = "services/py/api/tell.py"
    for own in ([script], ["--", script], ["--package", "services/py/api", "--", script]):
        assert told(equipped, *own, *words)[0] == words
    assert told(equipped, "-m", "tell", *words)[0] == words
    assert told(equipped, "--package=services/py/api/", "python", script, *words)[0] == words


@times(0.2)
@given(words=st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"))))
def test_no_argument_is_changed(equipped: Path, words: list[str]) -> None:
    assert told(equipped, "tell.py", *words)[0] == words


def test_it_works_from_any_folder_and_through_links(equipped: Path, tmp_path: Path) -> None:
    venv = str(equipped / ".venv")
    inner = equipped / "services/py/api"
    assert told(equipped, "tell.py", folder=inner)[1:3] == [venv, str(inner)]
    (tmp_path / "absolute").symlink_to(equipped / "run")
    (tmp_path / "relative").symlink_to("absolute")
    (tmp_path / "repository").symlink_to(equipped)
    for place in ("absolute", "relative", "repository/run"):
        command = [str(tmp_path / place), str(inner / "tell.py")]
        done = subprocess.check_output(command, cwd=tmp_path, env=environment(CDPATH="/"))
        assert json.loads(done)[1:3] == [venv, str(tmp_path)]
    words = ["sh", "run", "tell.py"]
    done = subprocess.check_output(words, cwd=equipped, env=environment())
    assert json.loads(done)[1] == venv


def start(root: Path, text: str, stdin: int = subprocess.DEVNULL) -> "subprocess.Popen[str]":
    """Start `./run` with a program of Python."""
    command = [str(root / "run"), "-c", text]
    return subprocess.Popen(
        command, env=environment(), stdin=stdin, stdout=subprocess.PIPE, text=True
    )


def test_exit_codes_and_signals_are_those_of_the_script(equipped: Path) -> None:
    with start(equipped, "import os; print(os.getpid()); raise SystemExit(7)") as process:
        assert process.communicate()[0].strip() == str(process.pid)
    assert process.returncode == 7
    with start(equipped, "import time; print(flush=True); time.sleep(60)") as process:
        assert process.stdout
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == -signal.SIGTERM


def test_standard_input_is_that_of_the_script(equipped: Path) -> None:
    with start(equipped, "print(input() * 2)", subprocess.PIPE) as process:
        assert process.communicate("ab\n")[0] == "abab\n"
    reader, writer = pty.openpty()
    with start(equipped, "import sys; print(sys.stdin.isatty())", writer) as process:
        assert process.communicate()[0] == "True\n"
    os.close(reader)
    os.close(writer)


def test_the_module_path_of_the_shell_survives(equipped: Path) -> None:
    """D2: PYTHONPATH is not overwritten; PYTHONHOME would make the interpreter fail."""
    text = "import os; print(os.environ['PYTHONPATH'], 'PYTHONHOME' in os.environ)"
    env = {"PYTHONPATH": "/a b:/c", "PYTHONHOME": "/nonexistent"}
    assert run(equipped, "./run", "-c", text, env=env) == "/a b:/c False\n"


def test_programs_come_from_the_environment(equipped: Path) -> None:
    program = equipped / ".venv/bin/hello"
    program.write_text("#!/usr/bin/env python\nimport sys\nprint(sys.prefix)\n", encoding="utf-8")
    program.chmod(0o755)
    assert run(equipped, "./run", "hello") == f"{equipped / '.venv'}\n"
    shutil.copy(program, equipped / "services/py/api/hello")
    assert run(equipped, "./run", "services/py/api/hello") == f"{equipped / '.venv'}\n"
    output = run(equipped, "./run", "nope", "x", code=2)
    assert output == "monorepo: nope: is not installed in .venv; declare it, or correct the name\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "run: nothing to run; give a script"),
        (["--"], "run: nothing to run; give a script"),
        (["--package"], "run: --package: nothing is not a package here; make list shows them"),
        (["--package=", "x"], "run: --package: nothing is not a package here"),
        (["--package", "shared/py/nope", "x"], "run: --package: shared/py/nope is not a package"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(equipped: Path, words: list[str], said: str) -> None:
    output = run(equipped, "./run", *words, code=2)
    assert output.startswith(f"monorepo: {said}") and output.count("\n") == 1


def test_its_help_is_the_head_of_the_file(equipped: Path) -> None:
    output = run(equipped, "./run", "--help")
    assert output.startswith("Runs a script") and "--package" in output and "#" not in output


@pytest.mark.parametrize("python_env", ["shared", "per-package"])
def test_the_environment_is_that_of_the_package(tmp_path: Path, python_env: str) -> None:
    """D1 and D5: one environment, or that of the path; Make takes the same one."""
    root = bake(tmp_path, python_env=python_env, packages="shared/py/core services/py/api")
    for path in ("shared/py/core/tell.py", "services/py/api/src/acme_svc_api/tell.py", "tell.py"):
        (root / path).write_text(TELL, encoding="utf-8")
    commit(root)
    places = [".venv", "shared/py/core/.venv", "services/py/api/.venv"]
    for place in places:
        equip(root, place)
    top, core, api = places if python_env == "per-package" else [".venv"] * 3

    def prefix(*words: str, folder: str = ".") -> str:
        found = told(root, *words, folder=root / folder)[1]
        return os.path.relpath(str(found), root)

    assert prefix("tell.py") == prefix("./tell.py") == top
    assert prefix("shared/py/core/tell.py") == core
    assert prefix("services/py/api/src/acme_svc_api/tell.py") == api
    assert prefix("../../services/py/api/src/acme_svc_api/tell.py", folder="shared/py") == api
    assert prefix("-c", TELL) == top
    assert prefix("-c", TELL, folder="services/py/api/src") == api
    assert prefix("-m", "tell", folder="shared/py/core") == core
    # By its name, before the folder that it is started in.
    (root / "services/py/api/src/acme_svc_api/__init__.py").unlink()
    env = {"PYTHONPATH": str(root / "services/py/api/src")}
    found = told(root, "-m", "acme_svc_api.tell", folder=root / "shared/py/core", **env)[1]
    assert os.path.relpath(str(found), root) == api
    assert prefix("--package", "shared/py/core", "tell.py") == core
    where = 'where: ; @realpath "$(VENV)"'
    for path, place in (("shared/py/core", core), ("services/py/api", api)):
        taken = run(root, "make", "--no-print-directory", "-C", path, "--eval", where, "where")
        assert taken == f"{(root / place).resolve()}\n"


def moved(root: Path) -> Path:
    """Move the whole repository: what is installed in its environment leads to the old place."""
    return root.rename(root.with_name("elsewhere"))


def interrupted(root: Path) -> Path:
    """Leave an environment as an installation does that was interrupted."""
    (root / ".venv/monorepo.json").unlink()
    return root


def with_tools_only(root: Path) -> Path:
    """Leave an environment as `make setup` makes it."""
    interpreter.note(root, ".venv", None, complete=False)
    return root


def foreign(root: Path) -> Path:
    """Put an environment there that nobody here has made."""
    (root / ".venv/monorepo.python").write_text(f"1 python\n- -\n{root}\n", encoding="utf-8")
    return root


def missing(root: Path) -> Path:
    """Remove the environment."""
    shutil.rmtree(root / ".venv")
    return root


@pytest.mark.parametrize("spoil", [moved, interrupted, with_tools_only, foreign, missing])
def test_an_environment_that_does_not_do_is_installed_or_told_of(
    root: Path, tmp_path: Path, spoil: object
) -> None:
    (root / "tell.py").write_text(TELL, encoding="utf-8")
    equip(root)
    assert told(root, "tell.py")[1] == str(root / ".venv")
    assert callable(spoil)
    root = spoil(root)
    # An engine that cannot be started: a sentence, and no traceback.
    (root / "tools/make/engine.py").write_text("raise SystemExit('monorepo: no')", encoding="utf-8")
    assert run(root, "./run", "tell.py", code=1) == "monorepo: no\n"
    if spoil is missing:
        output = run(root, "./run", "tell.py", env={"PYTHON": "/nonexistent"}, code=2)
        assert output.startswith("monorepo: PYTHON: /nonexistent: is not there; give ")


@pytest.mark.parametrize(
    ("python_env", "outside"), [("shared", "install"), ("per-package", "setup"), ("uv", "setup")]
)
def test_no_more_is_installed_than_the_script_can_need(
    tmp_path: Path, python_env: str, outside: str
) -> None:
    """D1 and D2: outside of packages, that is the root's environment."""
    root = bake(tmp_path, python_env=python_env, packages="shared/py/core shared/js/core")
    text = "import sys\nraise SystemExit('monorepo: ' + ' '.join(sys.argv[3:]))"
    (root / "tools/make/engine.py").write_text(text, encoding="utf-8")

    def asked(*words: str) -> str:
        return run(root, "./run", *words, code=1)

    assert asked("-c", "") == asked("tools/x.py") == f"monorepo: {outside}\n"
    assert asked("shared/py/core/x.py") == "monorepo: install shared/py/core\n"
    assert asked("--package", "shared/py/core", "pytest") == "monorepo: install shared/py/core\n"
    # What it imports is in node_modules, and Node in the root's environment.
    assert asked("shared/js/core/x.ts") == "monorepo: install shared/js/core\n"
    assert asked("x.ts") == "monorepo: install\n"


def test_an_environment_from_a_commit_is_refused(root: Path) -> None:
    equip(root)
    run(root, "git", "add", "--force", ".venv/bin/python")
    output = run(root, "./run", "-c", "print('started')", code=2)
    assert output.startswith("monorepo: .venv/bin/python: is tracked by git")


def test_javascript_needs_a_repository_with_node(tmp_path: Path) -> None:
    root = bake(tmp_path, packages="shared/py/core")
    (root / "x.ts").touch()
    equip(root)
    # Installing would be in vain, and is no part of this.
    (root / "tools/make/engine.py").write_text("", encoding="utf-8")
    output = run(root, "./run", "x.ts", code=2)
    assert output == (
        "monorepo: x.ts: needs Node, which is for repositories with JavaScript packages\n"
    )
