"""One table of what each file configures."""

from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.core.languages import Language
from monorepo.graph.scopes import CHECKS, EVERYTHING, Node, scopes_of, tools
from monorepo.inputs import files
from monorepo.inputs.files import Files

CORE = "shared/py/core"


@pytest.mark.parametrize(
    ("pattern", "fitting", "others"),
    [
        ("*.md", ["a.md", ".md"], ["a/b.md", "a.mdx"]),
        ("docs/**", ["docs/a", "docs/a/b\nc"], ["docs", "a/docs/b"]),
        ("**/a", ["a", "x/a", "x/y/a"], ["xa", "a/b"]),
        ("a?c", ["abc"], ["ac", "a/c"]),
        ("a.{b,c}", ["a.{b,c}"], ["a.b"]),
        ("[a]", ["[a]"], ["a"]),
    ],
)
def test_patterns(pattern: str, fitting: list[str], others: list[str]) -> None:
    fits = files.pattern(pattern)
    assert [*filter(fits, [*fitting, *others])] == fitting


def test_alternatives_in_the_table() -> None:
    fits = files.pattern("{a,b/*}.md", alternatives=True)
    assert [*filter(fits, ["a.md", "b/c.md", "b.md", "a,b.md"])] == ["a.md", "b/c.md"]


def test_what_a_file_is_an_input_of(root: Path, package: Callable[..., Path]) -> None:
    package(CORE, lite=[])
    space = workspace.load(root)
    known = Files(space)
    assert known.nodes(f"{CORE}/src/x.py") == (Node(CORE),)
    assert known.nodes(f"{CORE}/tests/x.py") == (Node(CORE, CHECKS),)
    # By itself, a manifest or a submodule in a package's place is about all of it.
    for path in (CORE, f"{CORE}/pyproject.toml"):
        assert known.nodes(path) == tuple(scopes_of(space.packages[CORE]))
    assert known.nodes("constraints.txt") == (EVERYTHING,)
    assert known.nodes("tools/make/py.mk") == (tools(Language.PYTHON),)
    assert known.nodes("README.md") == ()
    assert known.nodes("shared/py/stray/x") == (EVERYTHING,)
    assert known.is_known("README.md")
    assert not known.is_known("shared/py/stray/x")


def test_files_of_a_broken_package(root: Path, package: Callable[..., Path]) -> None:
    package(CORE)
    (root / CORE / "pyproject.toml").write_text("[", "utf-8")
    known = Files(workspace.load(root))
    assert known.nodes(f"{CORE}/tests/x.py") == (Node(CORE),)
    assert known.is_known(f"{CORE}/x")


def test_settings_name_packages_by_either_path(
    root: Path, write: Callable[[dict[str, str]], None]
) -> None:
    manifest = '[project]\nname = "tiny-core"\nversion = "1"\n[tool.monorepo]\nkind = "shared"\n'
    text = (root / "pyproject.toml").read_text("utf-8")
    told = f'[tool.monorepo.affects]\n"a" = ["{CORE}"]\n"b" = ["packages/tiny-core"]\n'
    write({"packages/tiny-core/pyproject.toml": manifest, "pyproject.toml": f"{text}\n{told}"})
    known = Files(workspace.load(root))
    assert known.nodes("a") == known.nodes("b") == (Node("packages/tiny-core"),)
    assert known.is_known("a")
    assert known.nodes("a/c") == (EVERYTHING,)
