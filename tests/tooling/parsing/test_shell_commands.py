"""Commands that install are found in scripts, Makefiles, Dockerfiles and workflows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.parsing import requirements_txt, shell_commands
from monorepo.parsing.shell_commands import Command, Tool


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pip install a", [Command(1, Tool.PIP, ["a"])]),
        ("x\nRUN a && \\\n  pip3 install -r b; c", [Command(2, Tool.PIP, ["-r", "b"])]),
        ('RUN ["uv", "pip", "sync", "a b"]', [Command(1, Tool.PIP, ["a b"])]),
        ("\t-@.venv/bin/pip wheel a", [Command(1, Tool.PIP, ["a"])]),
        ("npm install", [Command(1, Tool.NPM, [])]),
        ("pnpm --dir x add a", []),
        ("pipx install a", [Command(1, Tool.PIP, ["a"])]),
        ("brew install pip", []),
        ("echo 'pip install a'", []),
        ("# pip install a", []),
        ("pip list", []),
        ("pip", []),
    ],
)
def test_installs(text: str, expected: list[Command]) -> None:
    assert list(shell_commands.installs(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("COPY a b /c", [(1, "a"), (1, "b")]),
        ('ADD ["a b", "/c"]', [(1, "a b")]),
        ("COPY --chown=x a /c", [(1, "a")]),
        ("COPY --from=build a /c", []),
        ("RUN --mount=type=bind,source=../a,target=/a x", [(1, "../a")]),
        ("COPY", []),
    ],
)
def test_copies(text: str, expected: list[tuple[int, str]]) -> None:
    assert list(shell_commands.copies(text)) == expected


@given(st.text(alphabet="RUNCOPYpipnmuv install-r[]\"',\\\n#&;./=", max_size=60))
def test_any_text_is_read_without_a_crash(text: str) -> None:
    list(shell_commands.copies(text))
    for command in shell_commands.installs(text):
        list(requirements_txt.options(command.words))
