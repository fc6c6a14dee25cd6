"""Imports follow modules that move, and bind what they have bound before."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.importing import path_changes, python_imports

MODULES = {"audio": "acme_audio", "audio.core": "acme_audio.core", "utils": "acme_audio.utils"}


def find(name: str) -> str | None:
    """Return the new name of a module of the table, or of something in one."""
    parts = name.split(".")
    for number in range(len(parts), 0, -1):
        if new := MODULES.get(".".join(parts[:number])):
            return ".".join([new, *parts[number:]])
    return None


def rewritten(text: str, *, keeps: bool = True) -> str:
    """Return a text with the imports of the table."""
    tree = ast.parse(text)
    return python_imports.rewrite(
        text,
        tree,
        find,
        lambda level, name: f"acme_audio.{name}".rstrip(".") if level == 1 else None,
        keeps=keeps,
    ).text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("import audio\n", "import acme_audio as audio\n"),
        ("import audio as sound\n", "import acme_audio as sound\n"),
        ("import audio.core\n", "import acme_audio.core\nimport acme_audio as audio\n"),
        ("import audio.core as core\n", "from acme_audio import core\n"),
        ("import utils\n", "from acme_audio import utils\n"),
        ("import utils as u\n", "from acme_audio import utils as u\n"),
        ("import os, utils, sys\n", "import os\nfrom acme_audio import utils\nimport sys\n"),
        ("from audio import core, x\n", "from acme_audio import core, x\n"),
        (
            "from  audio.core  import (  # why\n    x,\n)\n",
            "from acme_audio.core  import (  # why\n    x,\n)\n",
        ),
        ("if x: import audio\n", "if x: import acme_audio as audio\n"),
        ("if x: import audio.core\n", "if x: import acme_audio.core; import acme_audio as audio\n"),
        (
            "def f():\n\timport utils  # late\n",
            "def f():\n\tfrom acme_audio import utils  # late\n",
        ),
        ("é = 1; import audio\n", "é = 1; import acme_audio as audio\n"),
        ("import audio\r\nx = 1\r\n", "import acme_audio as audio\r\nx = 1\r\n"),
        ("from audio import \\\n    x\n", "from acme_audio import \\\n    x\n"),
        ("import_module('audio.core.x')\n", "import_module('acme_audio.core.x')\n"),
        (
            '@patch("audio.core.play")\ndef f(): ...\n',
            '@patch("acme_audio.core.play")\ndef f(): ...\n',
        ),
        ('log("audio.core")\n', 'log("audio.core")\n'),
        ('uvicorn.run("audio.core:app", port=1)\n', 'uvicorn.run("acme_audio.core:app", port=1)\n'),
        ('uvicorn.run("audio:audio")\n', 'uvicorn.run("acme_audio:audio")\n'),
        ("Config(r'audio.core:make()')\n", "Config(r'acme_audio.core:make()')\n"),
        ('run("other:app")\n', 'run("other:app")\n'),
        ('run("audio.core")\n', 'run("audio.core")\n'),
        ('log("audio:app")\n', 'log("audio:app")\n'),
        ("from .core import x\n", "from .core import x\n"),
        ("import audiobook, os.path\n", "import audiobook, os.path\n"),
    ],
)
def test_an_import_follows(old: str, new: str) -> None:
    assert rewritten(old) == new


def test_a_name_that_is_put_together_is_told() -> None:
    text = 'run("audio." "core:app")\n'
    done = python_imports.rewrite(text, ast.parse(text), find, lambda _, __: None, keeps=True)
    assert done.text == text
    assert done.told == {1: "names audio.core, which is acme_audio.core now: write that"}


def test_a_relative_import_of_a_test_becomes_absolute_or_is_told() -> None:
    assert rewritten("from .core import x\n", keeps=False) == "from acme_audio.core import x\n"
    assert rewritten("from . import x\n", keeps=False) == "from acme_audio import x\n"
    text = "x = 1\nfrom ..other import x\n"
    done = python_imports.rewrite(text, ast.parse(text), find, lambda _, __: None, keeps=True)
    assert done.told == {2: "imports by a relative path what has not moved along"}


_WORDS = st.sampled_from(["audio", "audio.core", "utils", "os", "json.tool", "a.b"])
_STATEMENTS = st.one_of(
    st.builds("import {}".format, _WORDS),
    st.builds("import {} as x".format, _WORDS),
    st.builds("import {}, {}".format, _WORDS, _WORDS),
    st.builds("from {} import x".format, _WORDS),
    st.builds("from {} import (x,\n  y)".format, _WORDS),
)


def bound(text: str) -> set[str]:
    """Return the names that the imports of a text bind."""
    return {
        alias.asname
        or (alias.name.partition(".")[0] if isinstance(node, ast.Import) else alias.name)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }


@given(st.lists(st.tuples(_STATEMENTS, st.sampled_from(["", "if True:\n    ", "x = 'ä'; "]))))
def test_what_was_bound_is_bound_and_nothing_of_old_is_imported(
    rows: list[tuple[str, str]],
) -> None:
    text = "".join(f"{before}{statement}\n" for statement, before in rows)
    after = rewritten(text)
    assert bound(text) <= bound(after)
    modules = {
        name
        for node in ast.walk(ast.parse(after))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
    }
    assert not {str(name).partition(".")[0] for name in modules} & {"audio", "utils"}
    assert rewritten(after) == after


def test_what_is_no_python_is_told() -> None:
    with pytest.raises(Exception, match=r"x.py:1: is not Python 3"):
        python_imports.parsed("x.py", b"print 'a'\n")
    with pytest.raises(Exception, match=r"x.py:1: is not UTF-8; save it as UTF-8"):
        python_imports.parsed("x.py", b"\xe4 = 1\n")


@pytest.mark.parametrize(
    ("expression", "folders"),
    [
        ("os.path.dirname(__file__)", {"a/b"}),
        ("os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')", {"a"}),
        ("str(Path(__file__).resolve().parents[1])", {"a"}),
        ("str(Path(__file__).parent.parent.parent.parent / 'lib')", {"../lib"}),
        ("'lib'", {"lib", "a/b/lib"}),
        ("HERE", {"a/b"}),
        ("os.environ['X']", set()),
        ("f'{x}'", set()),
        ("'/usr/lib'", set()),
        ("os.path.join(x, 'a')", set()),
    ],
)
def test_the_folder_that_is_added_is_told_without_running_it(
    expression: str, folders: set[str]
) -> None:
    text = f"HERE = Path(__file__).parent\nsys.path.insert(0, {expression})\n"
    tree = ast.parse(text)
    (node,) = path_changes.found(tree)
    assert path_changes.folders(node, tree, "a/b/c.py") == folders


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("import sys\nsys.path.append('..')\nimport x\n", "import x\n"),
        ("import sys\nsys.path.append('..')\nprint(sys.argv)\n", "import sys\nprint(sys.argv)\n"),
        ("import os, sys\nsys.path.append(os.getcwd())  # why\nos.x\n", "import os\nos.x\n"),
        ("import sys; sys.path.append('..'); x = 1\n", "x = 1\n"),
        ("import sys\nx = 1; sys.path.append('..')\n", "x = 1\n"),
        ("def f():\n    sys.path.append('..')\n", "def f():\n    pass\n"),
        ("import sys\nif '..' not in sys.path:\n    sys.path.insert(0, '..')\nx = 1\n", "x = 1\n"),
        ("import sys\nsys.path[:0] = ['..']\nx = 1\n", "x = 1\n"),
        ("import sys\nsys.path += ['..']\nimport x  # noqa: E402\n", "import x\n"),
        ("import site\nsite.addsitedir('..')\nx = 1\n", "x = 1\n"),
        ("x = 1\n", "x = 1\n"),
    ],
)
def test_changes_of_the_path_go_with_the_imports_for_them(old: str, new: str) -> None:
    assert path_changes.without(old, lambda _, __: True).text == new
    ast.parse(new)


def test_a_change_that_is_not_meant_stays() -> None:
    text = "import sys\nsys.path.append('..')\n"
    assert path_changes.without(text, lambda _, __: False).text == text
