"""The code of notebooks is found where it stands in the file."""

import ast
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.parsing import notebooks
from monorepo.system.text_files import MalformedError


def notebook(*cells: str, language: str = "python", indent: int | None = 1) -> str:
    """Return a notebook of code cells, as Jupyter writes it."""
    made = [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells]
    made.insert(0, {"cell_type": "markdown", "source": ["import nothing\n", "!pip install no"]})
    kernel = {"kernelspec": {"language": language}}
    return json.dumps({"metadata": kernel, "cells": made, "nbformat": 4}, indent=indent)


def stripped(text: str) -> list[str]:
    return [line for line in text.split("\n") if line]


def test_each_line_stands_where_it_is_in_the_file() -> None:
    text = notebook('import yaml\nprint("a\\"b")', "import httpx")
    code, lines = notebooks.python(text).split("\n"), text.split("\n")
    assert len(code) == len(lines)
    found = {at: line for at, line in enumerate(code) if line}
    assert list(found.values()) == ["import yaml", 'print("a\\"b")', "import httpx"]
    assert all(json.dumps(line)[1:-1] in lines[at] for at, line in found.items())


def test_a_notebook_in_one_line_has_its_lines_below_each_other() -> None:
    text = notebook("import yaml\nimport httpx", indent=None)
    assert stripped(notebooks.python(text)) == ["import yaml", "import httpx"]
    one = json.dumps({"cells": [{"cell_type": "code", "source": "import a\nimport b"}]}, indent=1)
    assert stripped(notebooks.python(one)) == ["import a", "import b"]


@pytest.mark.parametrize(
    ("cell", "python", "shell"),
    [
        ("!pip install yaml\nx = 1", ["None", "x = 1"], ["pip install yaml"]),
        ("%pip install a\n%matplotlib inline", ["None", "None"], ["pip install a"]),
        ("pip install a", ["None"], ["pip install a"]),
        ("!{sys.executable} -m pip install a", ["None"], ["python -m pip install a"]),
        ("!pip install a \\\n  b\nx = 1", ["None", "x = 1"], ["pip install a \\", "  b"]),
        ("%config a \\\n  b\nx = 1", ["None", "x = 1"], []),
        ("if x:\n    !ls\nfiles = !ls", ["if x:", "    None", "files = None"], ["ls", "ls"]),
        ("%%bash\npip install a", [], ["pip install a"]),
        ("\n%%time\nimport a", ["import a"], []),
        ("%%html\n<a>", [], []),
        ("%time import a\n%sx ls", ["import a", "None"], ["ls"]),
        ("df.head?\n??df\nx = a % b  # why?", ["None", "None", "x = a % b  # why?"], []),
        ("x = y == z", ["x = y == z"], []),
    ],
)
def test_magics(cell: str, python: list[str], shell: list[str]) -> None:
    text = notebook(cell)
    code = notebooks.python(text)
    assert stripped(code) == python
    assert stripped(notebooks.shell(text)) == shell
    ast.parse(code)


def test_parts_of_a_line_are_joined() -> None:
    text = json.dumps({"cells": [{"cell_type": "code", "source": ["import ", "a\n", "b\nc"]}]})
    assert stripped(notebooks.python(text)) == ["import a", "b", "c"]


def test_another_language_is_no_python() -> None:
    assert stripped(notebooks.python(notebook("library(a)", language="R"))) == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cells": 1}', '{"cells": [{]}'])
def test_what_is_no_notebook(text: str) -> None:
    for read in (notebooks.python, notebooks.shell):
        with pytest.raises(MalformedError):
            read(text)


_VALUES = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(cells=st.lists(_VALUES), metadata=_VALUES, indent=st.sampled_from([None, 1]))
def test_any_cells(cells: list[object], metadata: object, indent: int | None) -> None:
    document = {"metadata": metadata, "cells": cells}
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    notebooks.python(text)
    notebooks.shell(text)


@given(cells=st.lists(st.lists(st.from_regex(r"[a-z]{1,5} = '[^\\'\r\n]*'", fullmatch=True))))
def test_plain_code_is_kept(cells: list[list[str]]) -> None:
    texts = ["\n".join(cell) for cell in cells]
    expected = [line for cell in cells for line in cell]
    found = notebooks.python(notebook(*texts)).split("\n")
    assert [line for line in found if line] == expected
