"""What loosens the checks of a whole package or file is found, and what tightens them is not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.guard import runner

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
Found = Callable[[dict[str, str]], list[str]]
A, J = "shared/py/a", "shared/js/j"
CODE = f"{A}/src/tiny_a/x.py"
BASE = '{ "compilerOptions": { /* all */ "strict": true } }'
TSCONFIG = '{\n  // "strict": false\n  "extends": "../../../tsconfig.base.json",\n%s}\n'


@pytest.fixture
def found(root: Path, package: MakePackage, javascript: Path, write: Write) -> Found:
    package(A)
    with (root / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('[tool.mypy]\nstrict = true\n[tool.ruff.lint]\nselect = ["E"]\n')
    fresh = {
        "tools/make/py.mk": "",
        "tsconfig.base.json": BASE,
        f"{J}/package.json": '{"name": "@tiny/j"}',
    }
    write({**fresh, f"{A}/src/tiny_a/py.typed": "", f"{J}/tsconfig.json": TSCONFIG % ""})

    def found(files: dict[str, str]) -> list[str]:
        write(files)
        wrong = runner.guard(workspace.load(root), ["typed"])
        return [str(one).replace(": typed.", ": ") for one in wrong]

    return found


def add(root: Path, path: str, text: str) -> dict[str, str]:
    return {path: (root / path).read_text(encoding="utf-8") + text}


def test_strict_packages(root: Path, found: Found) -> None:
    ruff = '[tool.ruff]\nextend = "../../../pyproject.toml"\nline-length = 80\n'
    ruff += '[tool.setuptools.exclude-package-data]\n"*" = ["c*", "tests/*"]\n'
    files = {
        **add(root, f"{A}/pyproject.toml", ruff),
        f"{A}/setup.cfg": "[tool:pytest]\n# [mypy]\n",
        f"{J}/biome.json": '{ "root": false, "extends": "//", "linter": { "enabled": true } }',
        f"{J}/tests/tsconfig.json": '{ "extends": ["x", "../tsconfig"] }',
        f"{J}/tsconfig.all.json": '{ "files": [], "references": [{ "path": "." }] }',
        "docs/ruff.toml": "",
        "pyrightconfig.json": "",
    }
    assert found(files) == []


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        (f"{A}/mypy.ini", "", 0),
        (f"{A}/src/.ruff.toml", "[lint]\n", 0),
        (f"{A}/ruff.toml", 'extend = "../../../pyproject.toml"\n[lint]\nignore = ["D"]\n', 3),
        (f"{A}/setup.cfg", "[metadata]\n\n[mypy-x.*]\n", 3),
        ("ruff.toml", "", 0),
        ("shared/py/mypy.ini", "", 0),
        (f"{A}/tests/unit/.mypy.ini", "", 0),
        (f"{A}/scripts/setup.cfg", "[mypy]\n", 1),
        (f"{A}/pyrightconfig.json", "{}", 0),
        (f"{A}/src/pyproject.toml", "[tool.mypy]\n", 1),
        (f"{J}/src/biome.json", '{"extends": "//",\n"linter": {"enabled": false}}', 2),
        (f"{J}/biome.json", '{"extends": "//", "linter": {\n"rules": {"a": {"b": "off"}}}}', 2),
        (f"{J}/src/deep/tsconfig.json", "{}", 0),
        (f"{J}/tsconfig.x.json", '{"extends": "@tsconfig/node20"}', 0),
        (
            f"{J}/tsconfig.x.json",
            '{"extends": "./tsconfig", "compilerOptions": {"noCheck": true}}',
            1,
        ),
        (f"{J}/biome.jsonc", "{ // nothing\n}", 0),
        (f"{J}/tsconfig.json", TSCONFIG % '"compilerOptions": {\n"noImplicitAny" : false}', 5),
        (f"{J}/tsconfig.json", "{}", 0),
        ("tsconfig.base.json", '{ "strict": false }', 0),
        (
            "tsconfig.browser.json",
            '{ "extends": "./tsconfig.base.json", "compilerOptions": {\n"strict": false } }',
            2,
        ),
        (f"{J}/tests/tsconfig.json", "{}", 0),
    ],
)
def test_files_that_configure(found: Found, path: str, text: str, line: int) -> None:
    (told,) = found({path: text})
    assert told.startswith(f"{path}:{line}: config: " if line else f"{path}: config: ")


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("[tool.mypy]\nstrict = true\n", 11, "config"),
        ("[[tool.mypy.overrides]]\n", 11, "config"),
        ("[tool.pyright]\ntypeCheckingMode = 'strict'\n", 11, "config"),
        ("[tool.ruff.lint]\nselect = []\n", 11, "config"),
        ("[tool.ruff]\nextend = '../pyproject.toml'\n", 11, "config"),
        (
            "[tool.ruff]\nextend = '../../../pyproject.toml'\nlint.ignore = ['D', 'E']\n",
            13,
            "config",
        ),
        ('[tool.setuptools]\nexclude-package-data = {"*" = ["py.*"], "b" = 3}\n', 12, "mark"),
        ('[tool.hatch.build]\nexclude = ["/x", "src/**/py.typed"]\n', 12, "mark"),
        ('[tool.uv.build-backend]\nwheel-exclude = ["*.typed"]\n', 12, "mark"),
    ],
)
def test_tables_that_loosen(root: Path, found: Found, text: str, line: int, problem: str) -> None:
    (told,) = found(add(root, f"{A}/pyproject.toml", text))
    assert told.startswith(f"{A}/pyproject.toml:{line}: {problem}: ")


@pytest.mark.parametrize(
    ("option", "problems"),
    [("ignore_errors = true", 1), ("disallow_any_generics = false", 1), ("warn_x = true", 0)],
)
def test_mypy_is_strict_in_all(root: Path, found: Found, option: str, problems: int) -> None:
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    lines = found({"pyproject.toml": text.replace("strict = true", f"strict = true\n{option}")})
    assert [line.partition(": lets")[0] for line in lines] == [
        "pyproject.toml:14: config"
    ] * problems


def test_the_root_is_strict(root: Path, found: Found) -> None:
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    (told,) = found({"pyproject.toml": text.replace("strict = true", "strict = false")})
    assert told.startswith("pyproject.toml:12: config: mypy is not strict")
    (told,) = found({"pyproject.toml": text.replace('select = ["E"]', "select = []")})
    assert told.startswith("pyproject.toml: config: selects no rules of Ruff; restore it")


@pytest.mark.parametrize(
    "code",
    [
        '"""Doc.\n\n# ruff: noqa\n"""\nTEXT = "# mypy: ignore-errors"\n',
        "x = 1  # type: ignore[assignment]\n",
        "import x  # noqa: F401\n# type: ignore\n",
        "# mypy: disallow-any-expr\n",
        "# ruff: isort: skip_file\n# mypy is great\n",
        "# ruff: noqa: D417\n# flake8: noqa: E501\n",
        "# pyright: strict, reportX=true\n# mypy: strict-equality, no-implicit-reexport\n",
    ],
)
def test_comments_that_are_fine(found: Found, code: str) -> None:
    assert found({CODE: code}) == []


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ('"""Doc."""\n\n# mypy: ignore-errors\n', 3),
        ("# mypy: warn-unreachable, ignore_errors\n", 1),
        ("x = 1\n# RUFF:NOQA\n", 2),
        ("# mypy: disable-error-code=attr-defined\n", 1),
        ('# mypy: disable-error-code="a, b"\n', 1),
        ("# mypy: allow-untyped-defs\n", 1),
        ("# mypy: disallow-untyped-defs=False\n", 1),
        ("# mypy: no-warn-return-any\n", 1),
        ("# mypy: implicit_reexport = True\n", 1),
        ("# mypy: check_untyped_defs = 0\n", 1),
        ("# mypy: follow-imports=skip\n", 1),
        ("x = 1\n# pyright: basic\n", 2),
        ("# pyright: strict, reportUnknownMemberType=false\n", 1),
        ("# basedpyright: reportAny=none\n", 1),
        ("x = 1  # flake8: noqa\n", 1),
        ("#!/usr/bin/env python\n\n# type: ignore\n'doc'\n", 3),
    ],
)
def test_comments_about_a_file(found: Found, code: str, line: int) -> None:
    for _ in range(2):
        (told,) = found({CODE: code})
        assert told.startswith(f"{CODE}:{line}: comment: # ")


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("// @ts-nocheck\n", 1),
        ("#!/usr/bin/env node\n/* one\n*/\n\n//@ts-nocheck because\nlet x;\n", 5),
        ("/* biome-ignore-all lint: made */\n", 1),
        ("'x'\n// biome-ignore-all lint: x\n", 0),
        ("// biome-ignore-all lint/suspicious: x\n", 1),
        ("// biome-ignore-all lint/suspicious/noX: x\n", 0),
        ("// x\n/* eslint-disable */\n", 2),
        ("/* eslint-disable -- made */\n", 1),
        ("/* eslint-disable no-console */\n", 0),
        ("// biome-ignore-all format: made\nlet x;\n", 0),
        ("let x;\n// @ts-nocheck\n", 0),
        ('/* @ts-nocheck */ let x = "// biome-ignore-all lint: x"', 0),
    ],
)
def test_comments_in_javascript(found: Found, code: str, line: int) -> None:
    path = f"{J}/src/x.ts"
    told = found({path: code})
    assert [one.startswith(f"{path}:{line}: comment: /") for one in told] == [True] * bool(line)


def test_each_import_package_is_marked(root: Path, found: Found) -> None:
    files = [f"{A}/src/{path}" for path in ("space/one/x.py", "tiny_a/sub/x.py", "x-stubs/x.py")]
    assert [one.partition(";")[0] for one in found(dict.fromkeys(files, ""))] == [
        f"{A}/src/space/one: mark: has no py.typed: who imports it gets no types"
    ]
    (root / f"{A}/src/tiny_a/py.typed").unlink()
    assert len(found({})) == 2
    # Type checkers look for it in every folder above, too.
    assert len(found({f"{A}/src/space/py.typed": ""})) == 1
    # A package that only holds others together is no more than its parts.
    parts = {f"{A}/src/tiny_a/__init__.py": "", f"{A}/src/tiny_a/sub/py.typed": ""}
    assert found(parts) == []
    assert len(found({f"{A}/src/tiny_a/other/x.py": ""})) == 1
    assert len(found({f"{A}/src/tiny_a/x.py": ""})) == 1


def test_nothing_makes_it_fail(root: Path, found: Found) -> None:
    (root / f"{A}/src/loop").symlink_to(root / A)
    (root / f"{A}/src/tiny_a/bytes.py").write_bytes(b"# ruff: noqa\n\0\xff")
    files = {
        f"{A}/src/tiny_a/a.py": "# ruff: noqa\nx = (\n",
        f"{A}/src/tiny_a/b.py": "if x:\n  y # mypy: \n z",
        f"{A}/ruff.toml": "[[[",
        f"{J}/tsconfig.json": '{ "extends": [ "strict": ',
        f"{J}/src/x.ts": "/* @ts-nocheck",
    }
    lines = found(files)
    assert {line.split(": ")[1] for line in lines} == {"comment", "unreadable"}
