"""`explain` of any rule is one screen: what, why, how to fix it, and examples."""

import re
from pathlib import Path

import pytest

from monorepo.guard import catalog

SOURCES = Path(catalog.__file__).parents[1]


@pytest.mark.parametrize("rule", catalog.RULES)
def test_an_explanation_is_one_screen(root: Path, rule: str) -> None:
    lines = catalog.explained(root, rule).splitlines()
    assert len(lines) <= 40 and max(map(len, lines)) <= 100
    assert lines[0].endswith(".") and lines[1] == ""
    heads = [line for line in lines if re.match(r"(Why|Fix): |(Passes|Fails)::$", line)]
    assert [head.partition(":")[0] for head in heads] == ["Why", "Fix", "Passes", "Fails"]


@pytest.mark.parametrize("rule", catalog.RULES)
def test_an_explanation_has_all_ids(root: Path, rule: str) -> None:
    rooms = ("rules", "dependencies", "guard")
    files = [file for room in rooms for file in sorted((SOURCES / room).glob("*.py"))]
    ids = re.findall(rf'"({rule}\.[a-z]+)"', "".join(file.read_text("utf-8") for file in files))
    known = (".py", ".json", ".yaml", ".toml", ".edn", ".txt")
    wrong = [one for one in ids if not one.endswith(known) and not catalog.is_known(root, one)]
    assert wrong == []
