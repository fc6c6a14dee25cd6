"""What Python code imports is read from its syntax, and what cannot be read is noted."""

import json
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.core import workspace
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources
from monorepo.parsing.python_imports import Import, ImportKind

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
FILE = "shared/py/a/src/tiny_a/deep/one.py"


def read(root: Path) -> Sources:
    return Sources(workspace.load(root))


def imports(root: Path, write: Write, code: str) -> set[tuple[str, str]]:
    """Return the modules that code imports, and how, without names of `from`."""
    write({FILE: code})
    return {(one.module, one.kind) for one in read(root).imports(FILE) if not one.name}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import os, torch.nn as nn", {("os", "must"), ("torch.nn", "must")}),
        ("from . import two", {("tiny_a.deep", "must")}),
        ("from ..three import x", {("tiny_a.three", "must")}),
        ("def f():\n    import late", {("late", "must")}),
        ("'''import no'''\n# import no\nx = 'import no'", set()),
        ("try:\n    import a\nexcept ImportError:\n    a = None", {("a", "may")}),
        (
            "try:\n    import a\nexcept (OSError, ModuleNotFoundError):\n    import b",
            {("a", "may"), ("b", "may")},
        ),
        (
            "try:\n    import a\nexcept ImportError as e:\n    raise ImportError('x') from e",
            {("a", "must")},
        ),
        ("try:\n    import a\nexcept OSError:\n    pass", {("a", "must")}),
        ("try:\n    import a\nexcept:\n    pass", {("a", "may")}),
        (
            "import typing as t\nif t.TYPE_CHECKING:\n    import a\nelse:\n    import b",
            {("typing", "must"), ("a", "type"), ("b", "must")},
        ),
        (
            "import importlib\nimportlib.import_module('x.y')",
            {("importlib", "must"), ("x.y", "must")},
        ),
        ("import_module(name)\n__import__('z')", {("z", "must")}),
        (
            "import sys\nsys.modules['a.b'] = x = Mock()\nsys.modules.setdefault('c', Mock())",
            {("sys", "must"), ("a.b", "mock"), ("c", "mock")},
        ),
        (
            "import sys\nmonkeypatch.setitem(sys.modules, 'a', Mock())\nsys.modules[name] = 1",
            {("sys", "must"), ("a", "mock")},
        ),
        (
            "@patch.dict('sys.modules', {'a': Mock(), **more})\ndef f():\n    import c",
            {("c", "must"), ("a", "mock")},
        ),
        ("import sys\nsys.modules.pop('a', 1)\nsetitem(sys.modules)", {("sys", "must")}),
    ],
)
def test_imports(
    root: Path, package: MakePackage, write: Write, code: str, expected: set[tuple[str, str]]
) -> None:
    package("shared/py/a")
    assert imports(root, write, code) == expected


def test_names_are_told_with_their_module(root: Path, package: MakePackage, write: Write) -> None:
    package("shared/py/a")
    write({FILE: "x = 1\nfrom a.b import c, d as e\nfrom z import *\n"})
    found = sorted(read(root).imports(FILE))
    assert found == [
        Import("a.b", 2, ImportKind.REQUIRED, name=False),
        Import("a.b.c", 2, ImportKind.REQUIRED, name=True),
        Import("a.b.d", 2, ImportKind.REQUIRED, name=True),
        Import("z", 3, ImportKind.REQUIRED, name=False),
    ]


def test_stubs_and_notebooks_have_imports(root: Path, package: MakePackage, write: Write) -> None:
    package("shared/py/a")
    stub, notebook = "shared/py/a/src/tiny_a/x.pyi", "shared/py/a/docs/x.ipynb"
    cell = {"cell_type": "code", "source": ["!pip install yaml\n", "import yaml"]}
    write({stub: "from .y import z\n", notebook: json.dumps({"cells": [cell]}, indent=1)})
    sources = read(root)
    assert [one.module for one in sources.imports(stub)] == ["tiny_a.y", "tiny_a.y.z"]
    assert [(one.module, one.line) for one in sources.imports(notebook)] == [("yaml", 7)]
    write({notebook: "{}  # import"})
    sources = read(root)
    assert sources.imports(notebook) == []
    assert sources.notes[notebook].message.startswith("is not JSON")


@pytest.mark.parametrize(
    ("data", "note"),
    [
        (b"import \xff", "is not UTF-8"),
        (b"import a\0", "has a null byte"),
        (b"import (", "is not Python (SyntaxError)"),
        (b"# -*- coding: nosuch -*-\nimport a", "is not Python (SyntaxError)"),
        (b"import a\n" + b"(" * 3000 + b")" * 3000, "is not Python"),
        (b"#" * 10_000_001, "is larger than 10 MB"),
    ],
)
def test_what_cannot_be_read_is_noted(
    root: Path, package: MakePackage, write: Write, data: bytes, note: str
) -> None:
    package("shared/py/a")
    write({FILE: ""})
    (root / FILE).write_bytes(data)
    sources = read(root)
    assert sources.imports(FILE) == []
    assert sources.notes[FILE].message.startswith(note)


def test_links_in_a_circle_and_missing_files_are_no_text(root: Path, package: MakePackage) -> None:
    (package("shared/py/a") / "loop").symlink_to("loop")
    sources = read(root)
    assert sources.text("shared/py/a/loop") is None
    assert sources.text("gone") is None
    assert sources.imports("gone") == []


def test_what_was_found_is_kept(root: Path, package: MakePackage, write: Write) -> None:
    package("shared/py/a")
    (root / ".venv").mkdir()
    write({FILE: "from . import b"})
    first = read(root)
    assert [one.module for one in first.imports(FILE)] == ["tiny_a.deep", "tiny_a.deep.b"]
    first.kept.save()
    second = read(root)
    second._contents[FILE] = "import never_read"
    assert second.imports(FILE) == first.imports(FILE)


def test_findings_are_kept_with_what_mends_them(root: Path, package: MakePackage) -> None:
    package("shared/py/a")
    (root / ".venv").mkdir()
    wrong = [
        Finding("a", 1, "thin", "is wrong", "fix it", lines=("b",)),
        Finding("a", 2, "thin", "is wrong", "remove it", lines=()),
        Finding("a", 0, "thin", "is wrong", "think", "warn"),
    ]
    first = read(root)
    assert first.findings("pyproject.toml", "all", lambda: wrong, "x") == wrong
    first.kept.save()
    assert read(root).findings("pyproject.toml", "all", lambda: [], "x") == wrong
    assert read(root).findings("pyproject.toml", "all", lambda: [], "y") == []


def test_a_repository_below_another_one(tmp_path: Path) -> None:
    run = partial(subprocess.run, cwd=tmp_path, check=True, capture_output=True)
    run(["git", "init", "-q"])
    root = tmp_path / "ä b"
    root.mkdir()
    for name in ("kept.py", "gone.py", "new.py", "secret.log"):
        (root / name).write_text("", encoding="utf-8")
    (root / ".gitignore").write_text("*.log\n*.txt\n", encoding="utf-8")
    (tmp_path / "outside.py").write_text("", encoding="utf-8")
    run(["git", "add", f"{root}/kept.py", f"{root}/gone.py", f"{root}/.gitignore"])
    run(["git", "commit", "-qm", "x"])
    (root / "gone.py").unlink()
    sources = Sources(workspace.Workspace(root, {}, {}))
    assert sources.files == [".gitignore", "kept.py", "new.py"]
    assert sources.ignored == ["secret.log"]


@given(st.text(max_size=60))
def test_any_text_is_read_without_a_crash(code: str) -> None:
    sources = Sources(workspace.Workspace(Path("/nowhere"), {}, {}))
    sources._contents["a.py"] = code
    sources.tree("a.py")


def test_what_waits_for_a_call_is_late(root: Path, package: MakePackage, write: Write) -> None:
    package("shared/py/a")
    write({FILE: "import a\ndef f():\n    import b\nclass C:\n    import c\n"})
    found = read(root).imports(FILE)
    assert {(one.module, one.late) for one in found} == {("a", False), ("b", True), ("c", False)}
    assert read(root).line_of(FILE, "class", "import") == 5
    assert read(root).line_of(FILE, "class", "import a") == 0


def test_a_lock_may_be_large(root: Path, write: Write) -> None:
    write({"pnpm-lock.yaml": "#" * 1_000_001})
    sources = Sources(workspace.load(root))
    assert sources.text("pnpm-lock.yaml")
    assert sources.notes == {}


def test_a_whole_conflict_is_noted(root: Path, write: Write) -> None:
    conflict = "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> other\n"
    write({"a.ts": f"x();\n{conflict}", "README.md": conflict, "b.ts": conflict[8:]})
    sources = read(root)
    assert [sources.text(path) is None for path in ("a.ts", "README.md", "b.ts")] == [
        True,
        False,
        False,
    ]
    assert (sources.notes["a.ts"].line, sources.notes["a.ts"].fix) == (2, "resolve the conflict")
