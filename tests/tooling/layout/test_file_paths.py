"""The paths that code computes are told without running it."""

import ast

import pytest

from monorepo.layout.file_paths import Paths

FILE = "shared/py/core/src/acme_core/audio/it.py"
HERE = "shared/py/core/src/acme_core/audio"
SOURCE = "shared/py/core/src/acme_core"


def folder(name: str) -> str | None:
    return SOURCE if name == "acme_core" else None


@pytest.mark.parametrize(
    ("code", "paths"),
    [
        ("Path(__file__)", [FILE]),
        ("Path(__file__).resolve().parent", [HERE]),
        ("pathlib.Path(__file__).parents[1] / 'x'", [f"{SOURCE}/x"]),
        ("os.path.join(os.path.dirname(__file__), '..', 'x')", [f"{SOURCE}/x"]),
        ("Path(__file__).parent.joinpath('x', 'y').read_text()", [f"{HERE}/x/y"]),
        ("open(Path(__file__).parent / name)", [HERE]),
        # What it is joined to is told, where that is read.
        ("1\nHERE = Path(__file__).parent\ny = HERE / 'z'", [HERE, f"{HERE}/z"]),
        ("files('acme_core') / 'x'", [f"{SOURCE}/x"]),
        ("files('acme_core').joinpath('x')", [f"{SOURCE}/x"]),
        ("files(__package__) / 'x'", [f"{HERE}/x"]),
        ("files() / 'x'", [f"{HERE}/x"]),
        ("pkgutil.get_data('acme_core', 'x/y')", [f"{SOURCE}/x/y"]),
        ("get_data(__name__, 'x')", [f"{HERE}/x"]),
        # Nothing is known of these.
        ("files('acme_other') / 'x'", []),
        ("files(name) / 'x'", []),
        ("repository.files()", []),
        ("get_data()", []),
        ("Path('a') / 'b'", []),
        ("x = y\ny = x", []),
        ("Path(root).parent", []),
    ],
)
def test_a_path(code: str, paths: list[str]) -> None:
    tree = ast.parse(f"x = {code}\n")
    assert sorted(path for _, path in Paths(tree, FILE, folder).computed()) == sorted(paths)


def test_names_that_are_of_each_other_have_no_path() -> None:
    tree = ast.parse("a = b\nb = a\nc = Path(__file__).parent / a\n")
    assert [*Paths(tree, FILE).computed()] == [(3, HERE)]
