"""Every module of a package is imported, and what went wrong is told, whatever a module does."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monorepo.sessions import import_check

Answer = dict[str, list[str] | None]
Ask = Callable[[dict[str, str]], Answer]


@pytest.fixture
def it(tmp_path: Path) -> Callable[[dict[str, str]], None]:
    """Write the modules of a package."""

    def it(modules: dict[str, str]) -> None:
        for name, text in {"__init__.py": "", **modules}.items():
            (tmp_path / "it" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "it" / name).write_text(text, encoding="utf-8")

    return it


@pytest.fixture
def ask(
    it: Callable[[dict[str, str]], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Ask]:
    """Write the modules of a package, and ask what goes wrong when it is imported."""

    def ask(modules: dict[str, str]) -> Answer:
        it(modules)
        monkeypatch.syspath_prepend(tmp_path)
        return dict(import_check.walk("it"))

    yield ask
    for name in [name for name in sys.modules if name.partition(".")[0] == "it"]:
        del sys.modules[name]


def test_all_that_is_inside_is_imported_but_not_run(ask: Ask) -> None:
    texts = {"a.py": "", "b/__init__.py": "", "b/c/__init__.py": "", "b/c/d.py": ""}
    started = {"__main__.py": "raise SystemExit(3)", "b/__main__.py": "raise SystemExit(3)"}
    names = ["it", "it.a", "it.b", "it.b.c", "it.b.c.d"]
    assert ask({**texts, **started}) == dict.fromkeys(names)


def test_each_failure_is_told(ask: Ask) -> None:
    texts = {
        "ends.py": "import sys; sys.exit('enough')",
        "good.py": "",
        "inner/__init__.py": "import nowhere",
        "inner/hidden.py": "",
        "typed.py": "raise ImportError('wants ü')",
        "wrong.py": "1 / 0",
    }
    assert ask(texts) == {
        "it": None,
        "it.ends": ["SystemExit", "enough"],
        "it.good": None,
        "it.inner": ["ModuleNotFoundError", "No module named 'nowhere'"],
        "it.typed": ["ImportError", "wants ü"],
        "it.wrong": ["ZeroDivisionError", "division by zero"],
    }


def test_nothing_is_looked_for_in_a_package_that_fails(ask: Ask) -> None:
    assert ask({"__init__.py": "1 / 0", "a.py": ""}) == {
        "it": ["ZeroDivisionError", "division by zero"]
    }


def test_what_modules_print_does_not_disturb(
    it: Callable[[dict[str, str]], None], tmp_path: Path
) -> None:
    texts = {
        "late.py": "import atexit; atexit.register(print, 'bye')",
        "loud.py": "print('{}', end='')",
        "low.py": "import os; os.write(1, b'[]'); os.system('echo child')",
        "silent.py": "import os, sys; sys.stdout = open(os.devnull, 'w')",
    }
    it(texts)
    # As the tooling runs it, but for the flag that keeps these folders from being looked at.
    words = [sys.executable, "-m", import_check.__name__, "it"]
    folders = [str(tmp_path), str(Path(import_check.__file__).parents[2])]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}
    output = subprocess.check_output(words, env=env, text=True)
    assert json.loads(output) == dict.fromkeys(["it", *(f"it.{name[:-3]}" for name in texts)])
