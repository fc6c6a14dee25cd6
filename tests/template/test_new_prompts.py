"""`make new` at a terminal: a bad answer is asked again, and neither evaluated nor lost."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from monorepo.scaffold import answers, creation
from tests.template import baking

# A terminal for the command, of which our standard input and output are the other end. A command
# that waits for what nobody types is ended.
TERMINAL = """
import os, pty, signal, sys
signal.alarm(120)
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))
"""
# They are broken into lines as wide as the terminal.
WIDTH = 40
QUESTIONS = [
    (prompt["__prompt__"] if isinstance(prompt, dict) else prompt)[:WIDTH]
    for prompt in answers.TEMPLATE["__prompts__"].values()
]


class Terminal:
    """`make new`, and somebody at the keyboard."""

    def __init__(self, out: Path, home: Path) -> None:
        """Start it."""
        command = ["make", "-C", str(baking.TEMPLATE), "-o", ".venv/new.stamp"]
        command += [f"BIN={Path(sys.executable).parent}", f"OUT={out}", "new"]
        self.seen = ""
        self._read = 0
        self.process = subprocess.Popen(
            [sys.executable, "-c", TERMINAL, *command],
            env=baking.environment(HOME=str(home), TERM="dumb"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def wait(self, text: str) -> None:
        """Read until `text` is there, after what was waited for last time."""
        assert self.process.stdout
        while text not in self.seen[self._read :]:
            got = os.read(self.process.stdout.fileno(), 4096).decode("utf-8", "replace")
            assert got, f"ended before {text!r}:\n{self.seen}"
            self.seen += got
        self._read = self.seen.index(text, self._read) + len(text)

    def type(self, keys: str) -> None:
        """Press keys."""
        assert self.process.stdin
        self.process.stdin.write(keys.encode())
        self.process.stdin.flush()

    def answer(self, question: str, text: str) -> None:
        """Wait for the question, and answer it."""
        self.wait(question)
        self.type(text + "\n")

    def leave(self, key: str) -> int:
        """Press a key that ends the command, and return the exit code.

        A Ctrl-C that comes between a prompt and the read of its answer does not end the read: who
        sees nothing happen presses it again.
        """
        for _ in range(3):
            self.type(key)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(30)
                break
        return self.end()

    def end(self) -> int:
        """Read to the end and return the exit code."""
        assert self.process.stdout
        self.seen += self.process.stdout.read().decode("utf-8", "replace")
        return self.process.wait()


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """Hand out a terminal in which `make new` asks for a monorepo in tmp_path/out."""
    for folder in ("out", "home"):
        (tmp_path / folder).mkdir()
    terminal = Terminal(tmp_path / "out", tmp_path / "home")
    yield terminal
    assert terminal.process.stdin
    terminal.process.stdin.close()
    terminal.end()


def test_a_bad_answer_is_asked_again(terminal: Terminal, tmp_path: Path) -> None:
    popen = f'cycler.__init__.__globals__.os.popen("touch {tmp_path / "P"}").read()'
    project, repo, description, namespace, author, address, *choices, packages = QUESTIONS
    terminal.answer(project, f"<< {popen} >>")
    terminal.answer(repo, f"<< {popen} >>")
    terminal.answer(repo, f"{{{{ {popen} }}}}")
    terminal.answer(repo, "../demo")
    (tmp_path / "out/taken").mkdir()
    terminal.answer(repo, "taken")
    terminal.answer(repo, "demo")
    terminal.answer(description, f"{{{{ {popen} }}}}")
    terminal.answer(namespace, "class")
    terminal.answer(namespace, "acme")
    terminal.answer(author, "")
    terminal.answer(address, "nobody")
    terminal.answer(address, "a@b.example")
    for choice, name in zip(choices, ("bsd", "3.12", "per-package", "edn"), strict=True):
        terminal.answer(choice, "9")
        terminal.answer(choice, name)
    terminal.answer(packages, "shared/py/test")
    terminal.answer(packages, "shared/py/core")
    assert terminal.end() == 0, terminal.seen
    assert sorted(path.name for path in tmp_path.rglob("*") if path.name == "P") == []
    facts = tomllib.loads((tmp_path / "out/demo/pyproject.toml").read_text(encoding="utf-8"))
    assert facts["tool"]["monorepo"]["project-name"] == f"<< {popen} >>"
    assert facts["tool"]["monorepo"]["namespace"] == "acme"
    assert facts["tool"]["monorepo"]["license"] == "BSD-3-Clause"
    assert facts["tool"]["monorepo"]["python"] == "3.12"
    assert facts["tool"]["monorepo"]["python-env"] == "per-package"
    assert facts["tool"]["monorepo"]["template"]["manifests"] == "edn"
    assert (tmp_path / "out/demo/shared/py/core/package.edn").exists()
    assert "namespace: 'class' is a Python keyword" in terminal.seen
    assert "Traceback" not in terminal.seen


@pytest.mark.parametrize("key", ["\x03", "\x04"], ids=["ctrl-c", "ctrl-d"])
def test_leaving_at_a_prompt(key: str, terminal: Terminal, tmp_path: Path) -> None:
    terminal.answer(QUESTIONS[0], "Demo")
    terminal.wait(QUESTIONS[1])
    assert terminal.leave(key) > 0
    assert "monorepo: stopped" in terminal.seen
    assert "Traceback" not in terminal.seen
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("word", "choice"),
    [("1", "MIT"), ("mit", "MIT"), ("Apache", "Apache-2.0"), ("9", "9"), ("x", "x"), ("b", "b")],
)
def test_a_choice_is_a_number_or_a_name(word: str, choice: str) -> None:
    assert creation.chosen(word, ["MIT", "Apache-2.0", "BSD-3-Clause", "BSD"]) == choice


def test_one_name_may_begin_like_another() -> None:
    assert creation.chosen("bsd", ["BSD-3-Clause", "BSD"]) == "BSD"
    assert creation.chosen("anything", []) == "anything"
