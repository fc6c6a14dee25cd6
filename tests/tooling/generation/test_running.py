"""Commands run in order; what one writes is put into place as a whole, or not at all."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.generation import records, running
from monorepo.generation.records import LOCK
from monorepo.guard.repository import Sources
from monorepo.system.errors import TaskError, UsageError

Write = Callable[[dict[str, str]], None]
Tree = Callable[[], dict[str, tuple[int, bytes]]]
A, B = "shared/js/a", "shared/js/b"
# Stands for ./run, which chooses the environment: journeys have the real one.
RUN = '#!/bin/sh\n[ "$1 $3" = "--package --" ] || exit 9\nshift 3\nexec "$@"\n'
# Copies what it reads to its output, in capitals.
COPY = ["sh", "-c", 'tr a-z A-Z < "$1" > "$2"', "-"]


def entry(command: list[str], inputs: list[str], outputs: list[str]) -> dict[str, list[str]]:
    return {"command": command, "inputs": inputs, "outputs": outputs}


@pytest.fixture
def declare(root: Path, write: Write) -> Callable[..., None]:
    """Return what has a package generate files."""
    write({"run": RUN})

    def declare(path: str, **entries: dict[str, list[str]]) -> None:
        name = path.rpartition("/")[2]
        text = json.dumps({"name": f"@tiny/{name}", "monorepo": {"generate": entries}})
        write({f"{path}/package.json": text})

    return declare


def generate(root: Path, *paths: str) -> list[str]:
    space = workspace.load(root)
    return [*running.generate(space, space.select(paths or space.packages))]


def drift(root: Path) -> list[str]:
    space = workspace.load(root)
    packages = space.packages.values()
    return [each.message for one in packages for each in records.drift(Sources(space), one)]


def test_each_command_runs_after_those_whose_outputs_it_reads(
    root: Path, write: Write, declare: Callable[..., None]
) -> None:
    second = entry([*COPY, "one.txt", "{out}/two.txt"], ["*.txt"], ["two.txt"])
    first = entry([*COPY, f"../../../{B}/gen/0", "{out}/one.txt"], [f"{B}/gen/*"], ["one.txt"])
    script = 'mkdir "$1" && cat in.txt > "$1/0" && echo > "$1/1"'
    declare(A, second=second, first=first)
    declare(B, zero=entry(["sh", "-c", script, "-", "{out}/gen"], ["in.txt"], ["gen"]))
    write({f"{B}/in.txt": "ä x"})
    assert generate(root) == [
        f"wrote {B}/gen/0",
        f"wrote {B}/gen/1",
        f"wrote {A}/one.txt",
        f"wrote {A}/two.txt",
    ]
    assert (root / A / "two.txt").read_text("utf-8") == "ä X"
    assert drift(root) == []
    assert generate(root) == []

    # What a command does not write any more is removed, and what it wrote before is known.
    declare(B, zero=entry(["sh", "-c", script[:-16], "-", "{out}/gen"], ["in.txt"], ["gen"]))
    assert generate(root, B) == [f"removed {B}/gen/1"]
    write({f"{B}/in.txt": "y"})
    assert drift(root) == [
        f"is older than {B}/gen/1",
        f"is older than {B}/in.txt",
    ]
    assert generate(root) == [f"wrote {B}/gen/0", f"wrote {A}/one.txt", f"wrote {A}/two.txt"]

    declare(B)
    assert drift(root) == ["records zero, which is not generated any more"]
    declare(A, first=entry(first["command"], [f"{B}/gen/*"], ["one.txt"]))
    assert generate(root) == [f"wrote {A}/{LOCK}", f"removed {B}/{LOCK}"]
    assert drift(root) == []


def test_a_command_may_print_its_output(
    root: Path, write: Write, declare: Callable[..., None]
) -> None:
    declare(A, one=entry(["cat", "in; touch x"], ["in; touch x"], ["$(out)/a b"]))
    write({f"{A}/in; touch x": "text"})
    assert generate(root) == [f"wrote {A}/$(out)/a b"]
    assert (root / A / "$(out)/a b").read_text("utf-8") == "text"
    assert not (root / A / "x").exists()


def test_a_conflict_in_the_record_is_written_over(
    root: Path, write: Write, declare: Callable[..., None]
) -> None:
    declare(A, one=entry(["cat", "in"], ["in"], ["out"]))
    write({f"{A}/in": "text", f"{A}/{LOCK}": "<<<<<<< HEAD\n"})
    assert generate(root) == [f"wrote {A}/out"]
    assert drift(root) == []


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            ["sh", "-c", "echo out; echo why >&2; exit 3"],
            r"one: failed \(3\)\n.*exit 3.*\nout\nwhy",
        ),
        (["true"], r"shared/js/a: generate: one: printed nothing\n.*true"),
        (["true", "{out}"], r"one: did not write shared/js/a/out"),
        (["ln", "-s", "/etc/passwd", "{out}/out"], r"one: did not write shared/js/a/out"),
        (["mkdir", "{out}/out"], r"one: did not write shared/js/a/out"),
    ],
)
def test_a_failure_changes_nothing(
    root: Path,
    write: Write,
    declare: Callable[..., None],
    tree: Tree,
    command: list[str],
    said: str,
) -> None:
    declare(A, one=entry(command, ["in"], ["out"]))
    write({f"{A}/in": "", f"{A}/out": "old"})
    before = tree()
    with pytest.raises(TaskError, match=said):
        generate(root)
    assert tree() == before


def test_inputs_that_do_not_exist_and_circles_are_told(
    root: Path, write: Write, declare: Callable[..., None]
) -> None:
    declare(A, one=entry(["true"], ["no.txt", "../../../shared/py/no"], ["out"]))
    with pytest.raises(UsageError) as error:
        generate(root)
    assert error.value.mistakes == (
        f"{A}/package.json: generate: one: there is no input {A}/no.txt; correct it",
        f"{A}/package.json: generate: one: there is no input shared/py/no; correct it",
    )
    declare(A, one=entry(["true"], ["b"], ["a"]), two=entry(["true"], ["a"], ["b"]))
    with pytest.raises(UsageError, match=r"one needs .* two needs .* one; remove one|two needs"):
        generate(root)


def test_an_output_below_a_link_is_refused(
    root: Path, write: Write, declare: Callable[..., None], tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    declare(A, one=entry(["cat", "in"], ["in"], ["src/out"]))
    write({f"{A}/in": "text"})
    (root / A / "src").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match=r"src/out: is a link, or below one"):
        generate(root)
    assert not [*(tmp_path / "elsewhere").iterdir()]
