"""The tooling has rooms, lower and higher ones: a module knows none above its own."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import monorepo

SOURCE = Path(monorepo.__file__).parent
# From the lowest to the highest. `guard` loads `rules` by their names.
ROOMS = (
    *("system", "core", "edn", "parsing", "programs", "graph", "inputs", "affected"),
    *("caching", "templating", "locking", "guard"),
    *("generation", "handlers", "syncing", "environments", "layout", "renaming", "scaffold"),
    *("upgrading", "tasks", "delivery", "sessions", "exporting", "doctor"),
    *("dependencies", "migrating", "splitting", "rules", "importing", "ratchet", "cli"),
)
# What is rendered to packages, and, in a wheel, to repositories: no modules of the engine.
DATA = ("sub_templates", "template")


def modules() -> Iterator[tuple[str, str]]:
    """Yield the room and the text of each module."""
    for file in SOURCE.rglob("*.py"):
        place = file.relative_to(SOURCE)
        if place.parts[0] not in DATA and place.name not in ("__init__.py", "__main__.py"):
            yield place.parts[0].removesuffix(".py"), file.read_text(encoding="utf-8")


def above(room: str, text: str) -> list[str]:
    """Return what a module of a room imports from rooms above it."""
    found = []
    for node in ast.walk(ast.parse(text)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        ours = [name.split(".")[1] for name in names if name.startswith("monorepo.")]
        found += [one for one in ours if ROOMS.index(one) > ROOMS.index(room)]
    return found


def test_each_module_knows_lower_rooms_alone() -> None:
    assert [(room, above(room, text)) for room, text in modules() if above(room, text)] == []


@pytest.mark.parametrize(
    ("text", "room"),
    [
        ("from monorepo.rules import thin", "rules"),
        ("from monorepo import cli", "cli"),
        ("def late():\n    import monorepo.rules.thin", "rules"),
    ],
)
def test_what_knows_a_higher_one_is_found(text: str, room: str) -> None:
    assert above("core", text) == [room]
    assert above("cli", text) == []


def test_a_room_has_a_line_that_describes_it_and_is_no_attic() -> None:
    for room in ROOMS[:-1]:
        folder = SOURCE / room
        described = ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8")))
        assert described, room
        # Rules are one to a file, however many there are.
        files = [file for file in folder.glob("*.py") if file.name != "__init__.py"]
        assert len(files) <= 10 or room == "rules", room
