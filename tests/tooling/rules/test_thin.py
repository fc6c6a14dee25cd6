"""A service has one short entry point, however it is written and wherever its code lies."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.core import workspace
from monorepo.guard import runner
from monorepo.rules import thin

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
API, WEB = "services/py/api", "services/js/web"
MAIN = f"{API}/src/tiny_svc_api/main.py"
BESIDE = "thin.beside: is a module beside the entry point src/"
FIX = "; move it to a shared package"


@pytest.fixture
def found(root: Path, package: MakePackage, write: Write) -> Callable[[dict[str, str]], list[str]]:
    """Write files beside a service in each language, and return what the rule finds."""
    (package(API) / "backend.py").unlink()
    write({MAIN: "run()\n", f"{WEB}/package.json": '{"name": "@tiny/svc-web"}'})
    write({f"{WEB}/src/main.ts": "start();\n"})

    def found(files: dict[str, str]) -> list[str]:
        write(files)
        return [str(one) for one in runner.guard(workspace.load(root), ["thin"])]

    return found


Found = Callable[[dict[str, str]], list[str]]


def allow(root: Path, settings: str) -> None:
    with (root / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(f"[tool.monorepo.thin]\n{settings}\n")


@pytest.mark.parametrize(
    ("code", "count"),
    [
        # What is no statement: documentation, comments, types and names.
        ('"""One.\n\nTwo.\n"""\n# no\n__version__ = "1"\n__all__ = ["a", "b"]\npass\n...\n', 0),
        ("from __future__ import annotations\nx: int | str\n", 1),
        ("def f(a: A | B) -> C | D:\n    '''Say.'''\n    return a\n", 2),
        # A long call is one statement.
        ("f(\n    1,\n    2,\n    a=[\n    3],\n)\n", 1),
        ("if x: y = 1\n", 2),
        ("x = 1; y = 2\n", 2),
        ("try:\n    f()\nexcept E:\n    g()\nelse:\n    h()\n", 4),
        ("match x:\n    case 1:\n        f()\n", 2),
        ("class A:\n    async def f(self):\n        async with x as y: g()\n", 4),
        # What hides statements: each lambda, comprehension, condition, operator and inner call.
        ("f = lambda a: g(a)\n", 3),
        ("x = [a for b in c for a in b]\n", 3),
        ("x = a if b else c if d else e\n", 3),
        ("x = a and f() or g()\n", 3),
        ("x = 1 + 2 * 3\n", 3),
        ("f(g(h()))\n", 3),
        ("a.b().c().d()\n", 3),
        ("x = (y := f(z(1)))\n", 2),
        ("@f(g())\ndef h(): ...\n", 2),
        ("__x__ = f(g())\n", 2),
    ],
)
def test_statements_of_python(code: str, count: int) -> None:
    assert len([*thin.statements(ast.parse(code))]) == count


@pytest.mark.parametrize(
    ("path", "code", "line", "count"),
    [
        (MAIN, "x = 1\n" * 31, 31, 31),
        (MAIN, "def f():\n" + "    x = 1\n" * 900, 31, 901),
        (MAIN, "x = 1; " * 40, 1, 40),
        (MAIN, "".join(f"f{n} = lambda a: {'g(' * 50}a{')' * 50}\n" for n in range(6)), 1, 312),
        (f"{WEB}/src/main.ts", "let a; let b; let c;\n" * 11, 11, 33),
        (f"{WEB}/src/main.ts", "a(b),c&&d(e)?f=1:g();" * 6, 1, 36),
    ],
)
def test_a_long_entry_point(found: Found, path: str, code: str, line: int, count: int) -> None:
    message = f"thin.long: has {count} statements, more than 30"
    assert found({path: code}) == [f"{path}:{line}: {message}{FIX}"]


@pytest.mark.parametrize(
    "path",
    [
        *("tool.py", "setup.py", "_version.py", "test_x.py", "scripts/seed.py", "evals/a.py"),
        *("alembic/env.py", "migrations/0001.py", "docs/conf.py", "bench/tests/it.py"),
        "src/tiny_svc_api/" + "_version.py",
        "src/tiny_svc_api/" + "migrations/0001_first.py",
        "src/tiny_svc_api/" + "alembic/versions/a.py",
        "src/tiny_svc_api/" + "tests/test_it.py",
        "src/tiny_svc_api/" + "scripts/__main__.py",
        "src/tiny_svc_api/" + "__init__.py",
        "src/tiny_svc_api/" + "conftest.py",
        "src/tiny_svc_api/" + "noxfile.py",
        "src/tiny_svc_api/" + ".hidden/a.py",
        "src/tiny_svc_api/" + "demo_pb2.py",
        "src/other/prices.py",
    ],
)
def test_a_module_beside_it(found: Found, path: str) -> None:
    text = "x = 1\n" * 40
    assert found({f"{API}/{path}": text}) == [f"{API}/{path}: {BESIDE}tiny_svc_api/main.py{FIX}"]


@pytest.mark.parametrize(
    "path",
    [
        *("tool.py", "x.config.ts", "src/vite.config.ts", "lib/a.mjs", "src/a.cjs", "src/a.jsx"),
        *("src/lib/prices.js", "src/a.test.ts", "src/__mocks__/a.ts", "src/setupTests.ts"),
        *("src/App.vue", "src/App.svelte", "test/a.ts", "src/tests/a.mts", "scripts/a.ts"),
        *("src/migrations/a.ts", "src/routes/+page.ts", "src/a.stories.tsx", "public/sw.js"),
    ],
)
def test_a_module_beside_it_in_javascript(found: Found, path: str) -> None:
    text = "x = 1\n" * 40
    if path.endswith(("vue", "svelte")):
        text = f"<template>a(b)</template>\n<script lang='ts'>\n{text}</script>\n"
    assert found({f"{WEB}/{path}": text}) == [f"{WEB}/{path}: {BESIDE}main.ts{FIX}"]


def test_what_does_not_ship_or_has_no_code(found: Found) -> None:
    python = "tests/unit/test_it.py tests/conftest.py noxfile.py conftest.py .ci/run.py"
    texts = "__init__.py deep/__init__.py page.js py.typed query.sql page.html"
    javascript = "tests/a.test.ts vite.config.ts vitest.config.mts .storybook/main.ts env.d.ts"
    javascript += " src/types.d.ts gulpfile.js .eslintrc.cjs"
    files = {f"{API}/{path}": "x = 1\n" * 40 for path in python.split()}
    files |= {f"{API}/src/tiny_svc_api/{path}": '"""Say."""\n' for path in texts.split()}
    files |= {f"{WEB}/{path}": "let x;\n" * 40 for path in javascript.split()}
    files[f"{API}/src/tiny_svc_api/__init__.py"] = '__version__ = "1"\n'
    files[f"{WEB}/src/types.ts"] = "export interface A { b: string }\n"
    files[f"{WEB}/src/Page.vue"] = "<template>{{ a }}</template>\n"
    files[f"{WEB}/README.md"] = files[f"{API}/src/tiny_svc_api/table.csv"] = "x = 1\n"
    assert found(files) == []


def test_what_generates_code_does_not_ship(root: Path, found: Found) -> None:
    path = f"{API}/scripts/units.py"
    assert len(found({path: "x = 1\n"})) == 1
    with (root / API / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('\n[tool.monorepo.generate.units]\ncommand = ["scripts/units.py"]\n')
        file.write('inputs = ["scripts/units.py"]\noutputs = ["units.json"]\n')
    assert found({}) == []


@pytest.mark.parametrize(
    "code",
    [
        'exec(open("logic.txt").read())',
        "eval(text)",
        "run = exec",
        "import builtins\nbuiltins.exec(text)",
        "from builtins import eval as run",
        'import builtins\ngetattr(builtins, "exec")(text)',
        'import runpy\nrunpy.run_path("logic.txt")',
        "from runpy import run_path as go",
        '__builtins__["exec"](text)',
        'import importlib.util as u\nu.spec_from_file_location("a", "a.txt")',
        "from importlib.machinery import SourceFileLoader",
    ],
)
def test_data_that_is_run(found: Found, code: str) -> None:
    line = code.count("\n") + 1
    advice = "runs code that is data; import it from a shared package"
    assert found({MAIN: code}) == [f"{MAIN}:{line}: thin.eval: {advice}"]


def test_a_service_without_an_entry_point(root: Path, found: Found) -> None:
    files = {MAIN: "", f"{API}/src/tiny_svc_api/a.py": "x = 1", f"{API}/b.py": "x = 1"}
    message = "thin.entry: has no entry point; call one main, or name it in"
    assert found(files) == [f"{API}: {message} {API}/pyproject.toml"]
    assert found(dict.fromkeys(files, "")) == found(files | {f"{API}/b.py": "x = 2"})
    with (root / API / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('\n[project.scripts]\nrun = "tiny_svc_api.a:run"\n')
    assert found(files) == [f"{API}/b.py: {BESIDE}tiny_svc_api/a.py{FIX}"]


def test_a_repository_on_its_way(root: Path, found: Found) -> None:
    adapter = f"{API}/src/tiny_svc_api/legacy.py"
    allow(root, f'statements = 200\nadapters = ["{adapter[:-4]}*", "{API}/gone.py"]')
    assert found({MAIN: "x = 1\n" * 200, adapter: "x = 1\n" * 201}) == [
        f"pyproject.toml: thin.adapter: lists the adapter {API}/gone.py, which does not exist;"
        " remove it from [tool.monorepo.thin]",
        f"{adapter}:201: thin.long: has 201 statements, more than 200{FIX}",
    ]


@pytest.mark.parametrize(
    ("settings", "limit"),
    [
        ('statements = "200"\nadapters = 3', 30),
        # A setting of earlier versions: what it allowed stays allowed.
        ("lines = 200", 400),
        ("lines = 200\nstatements = 50", 50),
    ],
)
def test_settings(root: Path, found: Found, settings: str, limit: int) -> None:
    allow(root, settings)
    assert found({MAIN: "x = 1\n" * limit}) == []
    assert len(found({MAIN: "x = 1\n" * (limit + 1)})) == 1


def test_settings_that_are_no_table() -> None:
    assert thin.settings({"thin": 1}) == (30, [])


@given(st.integers(0, 12), st.integers(0, 12))
def test_layout_does_not_matter(functions: int, calls: int) -> None:
    body = [f"f{number}()" for number in range(calls)] or ["..."]
    long = "".join(
        f"def g{n}():\n    {chr(10).join(body).replace(chr(10), chr(10) + '    ')}\n"
        for n in range(functions)
    )
    short = "".join(f"def g{n}(): {'; '.join(body)}\n" for n in range(functions))
    counts = {len([*thin.statements(ast.parse(text))]) for text in (long, short)}
    assert counts == {functions * (1 + calls)}
