"""What deptry finds in small packages, the rule declared finds; or there is a reason.

deptry is asked about src, tests and all else of a package, with the defaults of its rules.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from monorepo.core import workspace
from monorepo.guard import runner

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
MakeGroups = Callable[..., None]
Found = set[tuple[str, str]]
A = "shared/py/a"
CODES = {
    "DEP001": "missing",
    "DEP002": "unused",
    "DEP003": "missing",
    "DEP004": "misplaced",
}
CODE, TEST, STUB = "src/tiny_a/x.py", "tests/test_x.py", "src/tiny_a/x.pyi"
NOTEBOOK, SCRIPT = "docs/x.ipynb", "scripts/x.py"
MISSING, MISPLACED, UNUSED = (
    ("missing", "left"),
    ("misplaced", "left"),
    ("unused", "left"),
)
CHECKED = "if TYPE_CHECKING:\n    import left"
TRIED = "try:\n    import left\nexcept ImportError:\n    left = None"


class Case(NamedTuple):
    """A package: its code, what it declares, and what is to be found.

    Attributes:
        code: the text of `file`.
        ours: what the rule has to find.
        file: the file of the code.
        base: the dependencies.
        extra: the dependencies of an extra.
        group: those of a group for developers.
        more: other files.
        project: more of the manifest.
        reasons: why we do not find what deptry finds.
    """

    code: str
    ours: Found
    file: str = CODE
    base: Sequence[str] = ()
    extra: Sequence[str] = ()
    group: Sequence[str] = ()
    more: Mapping[str, str] = {}
    project: str = ""
    reasons: Mapping[tuple[str, str], str] = {}


MAY_DO_WITHOUT = "the code may do without it, so that a group is enough"
NO_TESTS = "deptry does not know tests; by default it leaves them out"
BY_NAME = "deptry does not read __import__"
PLUGINS = '[project.entry-points."x.y"]\na = "left.plugin"\n'
CASES = {
    "plain": Case("import left", {MISSING}),
    "with a name of its own": Case("import left.deep as l", {MISSING}),
    "a name of it": Case("from left.deep import x as y", {MISSING}),
    "all of it": Case("from left import *", {MISSING}),
    "several": Case("import left, right", {MISSING, ("missing", "right")}),
    "in a function": Case("def f():\n    import left", {MISSING}),
    "in a method": Case("class A:\n    def f(self):\n        from left import x", {MISSING}),
    "under a condition": Case("if x:\n    import left", {MISSING}),
    "in a match": Case("match x:\n    case 1:\n        import left", {MISSING}),
    "in a loop": Case("for x in y:\n    import left", {MISSING}),
    "tried": Case(TRIED, {MISSING}),
    "tried, for any exception": Case(
        "try:\n    import left\nexcept Exception:\n    pass", {MISSING}
    ),
    "tried, and raised again": Case(
        "try:\n    import left\nexcept ImportError:\n    raise", {MISSING}
    ),
    "tried, with another": Case(
        "try:\n    import left\nexcept ImportError:\n    import right",
        {MISSING, ("missing", "right")},
    ),
    "suppressed": Case("with suppress(ImportError):\n    import left", {MISSING}),
    "for type checkers": Case(CHECKED, {MISSING}),
    "for type checkers, qualified": Case(
        "import typing as t\nif t.TYPE_CHECKING:\n    import left", {MISSING}
    ),
    "import_module": Case("import importlib\nimportlib.import_module('left')", {MISSING}),
    "import_module by its name": Case(
        "from importlib import import_module\nimport_module('left.x')", {MISSING}
    ),
    "import_module with an alias": Case(
        "import importlib as i\ni.import_module('left')", {MISSING}
    ),
    "import_module with a keyword": Case(
        "from importlib import import_module\nimport_module(name='left')", {MISSING}
    ),
    "import_module with a constant": Case(
        "from importlib import import_module\nA = 'left'\nimport_module(A)", {MISSING}
    ),
    "__import__": Case("__import__('left')", {MISSING}),
    "find_spec": Case("import importlib.util\nimportlib.util.find_spec('left')", {MISSING}),
    "importorskip": Case(
        "import pytest\npytest.importorskip('left')",
        {MISSING},
        TEST,
        group=["pytest"],
        reasons={("misplaced", "pytest"): NO_TESTS},
    ),
    "a test": Case("import left", {MISSING}, TEST),
    "pytest_plugins": Case("pytest_plugins = ['left.x']", {MISSING}, "tests/conftest.py"),
    "a script": Case("import left", {MISSING}, SCRIPT),
    "a template": Case("import left", {MISSING}, "src/tiny_a/templates/x.py"),
    "a test in src": Case("import left", {MISSING}, "src/tiny_a/tests/test_x.py"),
    "a stub": Case("import left", {MISSING}, STUB),
    "a notebook": Case(
        json.dumps({"cells": [{"cell_type": "code", "source": ["import left"]}], "metadata": {}}),
        {MISSING},
        NOTEBOOK,
    ),
    "a notebook with magics": Case(
        json.dumps(
            {
                "cells": [{"cell_type": "code", "source": ["%pip install x\n", "import left"]}],
                "metadata": {},
            }
        ),
        {MISSING},
        NOTEBOOK,
    ),
    "an entry point": Case("", {MISSING}, project=PLUGINS),
    "a module of the package": Case(
        "# left\nleft = 'left'\nfrom .left import x", set(), more={"src/tiny_a/left.py": ""}
    ),
    "relative, beyond the package": Case("from ...left import x", {MISSING}),
    "what a mistake names": Case("raise ImportError('pip install left')\nimport left", {MISSING}),
    "what the standard library has": Case("import json, tomllib", set()),
    "declared": Case("import left", set(), base=["left>=1"]),
    "declared by another case": Case("import yaml", set(), base=["PyYAML"]),
    "declared with an extra": Case("import left", set(), base=["left[more]; python_version > '3'"]),
    "declared in an extra": Case("import left", set(), extra=["left"]),
    "in a group": Case("import left", {MISPLACED}, group=["left"]),
    "in a group, in a function": Case("def f():\n    import left", {MISPLACED}, group=["left"]),
    "in a group, tried": Case(TRIED, set(), group=["left"], reasons={MISPLACED: MAY_DO_WITHOUT}),
    "in a group, for type checkers": Case(CHECKED, set(), group=["left"]),
    "in a group, for a test": Case(
        "import left",
        set(),
        TEST,
        group=["left"],
        reasons={MISPLACED: NO_TESTS},
    ),
    "unused": Case("import json", {UNUSED}, base=["left"]),
    "unused in an extra": Case("", {UNUSED}, extra=["left"]),
    "unused in a group": Case("", set(), group=["left"]),
    "unused, and in a text": Case("'''left'''\nLEFT = ['left.apps']", {UNUSED}, base=["left"]),
    "unused, and in a script": Case(
        "", {UNUSED}, base=["left"], more={"scripts/run.sh": "left --fast\n"}
    ),
    "unused, and called by Make": Case(
        "", {UNUSED}, base=["left"], more={"Makefile": "x:\n\tleft"}
    ),
    "used by a test": Case("import left", set(), TEST, base=["left"]),
    "used by a notebook": Case(
        json.dumps({"cells": [{"cell_type": "code", "source": ["import left"]}], "metadata": {}}),
        set(),
        NOTEBOOK,
        base=["left"],
    ),
    "used by name alone": Case(
        "__import__('left')", set(), base=["left"], reasons={UNUSED: BY_NAME}
    ),
    "used by an entry point": Case(
        "",
        set(),
        base=["left"],
        project=PLUGINS,
        reasons={UNUSED: "an entry point imports it, which deptry does not read"},
    ),
    "used in a stub": Case(
        "import left",
        set(),
        STUB,
        base=["left"],
        reasons={UNUSED: "deptry does not read stubs"},
    ),
    "a bound of what another requires": Case("import right", {UNUSED}, base=["left<2", "right"]),
    "a test tool for users": Case(
        "import pytest", {("misplaced", "pytest")}, TEST, base=["pytest"]
    ),
}


def asked(folder: Path, out: Path) -> Found:
    """Return what deptry finds in a package."""
    words = ["-m", "deptry", ".", "--exclude", r"\.venv", "--no-ansi", "--json-output", str(out)]
    done = subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True)
    assert out.exists(), done.stderr
    rows = json.loads(out.read_text("utf-8"))
    return {(CODES[row["error"]["code"]], row["module"]) for row in rows}


def found(root: Path) -> Found:
    """Return what the rule finds: the problem, and the module or distribution."""
    told = runner.guard(workspace.load(root), ["declared"])
    pairs = set()
    for one in told:
        words = one.message.replace("has an entry point a in ", "imports ").split()
        pairs.add((one.id.partition(".")[2], words[1].rstrip(",").partition(".")[0]))
    return pairs


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_what_deptry_finds(
    root: Path,
    package: MakePackage,
    groups: MakeGroups,
    write: Write,
    tmp_path: Path,
    name: str,
) -> None:
    case = CASES[name]
    package(A, *case.base, **({"more": list(case.extra)} if case.extra else {}))
    if case.group:
        groups(A, test=list(case.group))
    manifest = root / A / "pyproject.toml"
    write({f"{A}/pyproject.toml": f"{manifest.read_text('utf-8')}\n{case.project}"})
    files = {"src/tiny_a/x.py": "", **case.more, case.file: f"{case.code}\n"}
    write({f"{A}/{path}": text for path, text in files.items()})
    ours, theirs = found(root), asked(root / A, tmp_path / "deptry.json")
    assert ours == case.ours
    assert theirs - ours == case.reasons.keys()


def test_there_are_enough_packages() -> None:
    assert len(CASES) >= 30
