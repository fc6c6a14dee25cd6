"""What names another package is right or wrong, whatever the way it is written in."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.guard import runner

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
Found = Callable[[dict[str, str]], list[str]]
A, TEST = "shared/py/a/src/tiny_a/one.py", "shared/py/a/tests/test_a.py"
B = "shared/py/b-c/src/tiny_b_c"
API, CLI = "services/py/api/src/tiny_svc_api/main.py", "apps/py/cli/src/tiny_app_cli/cli.py"
WEB = "services/js/web/src/main.ts"
MOVE = "move what both need to shared/py"
SERVICE = f"imports the service services/py/api; {MOVE}"


@pytest.fixture(autouse=True)
def packages(root: Path, package: MakePackage, write: Write) -> None:
    for path in ("shared/py/a", "shared/py/b-c", "services/py/api", "services/py/other"):
        package(path)
    package("apps/py/cli")
    exports: dict[str, str | None] = {".": "./src/index.ts", "./more": "./src/more.ts"}
    exports |= {"./x/*": "./src/*.ts", "./x/in/*": None}
    files = {"services/js/web/package.json": '{"name": "@tiny/svc-web"}', API: "app = 1"}
    files |= {"shared/js/old/package.json": '{"name": "@tiny/old"}', f"{B}/__init__.py": "x = 1"}
    write({"shared/js/c/package.json": json.dumps({"name": "@tiny/c", "exports": exports})})
    write({**files, f"{B}/more.py": "", f"{B}/_inner.py": ""})


@pytest.fixture
def found(root: Path, write: Write) -> Found:
    def found(files: dict[str, str]) -> list[str]:
        write(files)
        wrong = runner.guard(workspace.load(root), ["layers"])
        return [str(one).replace(": layers.", ": ") for one in wrong]

    return found


@pytest.mark.parametrize(
    "code",
    [
        "import tiny_b_c.deep.er",
        "from tiny_b_c import __version__, x",
        "from ._private import x",
        "from tiny_a._private import x",
        "import tiny_svc_apiary",
        "import _thread",
        "'''tiny_svc_api.main'''\ndef f():\n    'tiny_svc_api.main:app'",
        "x = ['tiny_svc_api', 'tiny_svc_api.log', 'tiny_svc_api:latest', 'tiny_svc_api/main.py']",
        "x = 'see tiny_svc_api.main:app'\ny = f'tiny_svc_api.{x}'\nz = Counter('tiny_svc_api')",
        "run('tiny_a.one:x', 'tiny_b_c.more', 'tiny_a._x')",
        "import sys\nsys.modules['tiny_svc_api'] = None",
    ],
)
def test_what_is_right(found: Found, code: str) -> None:
    assert found({A: code}) == []


@pytest.mark.parametrize(
    "code",
    [
        "import tiny_svc_api",
        "import os, tiny_svc_api.main as m",
        "from tiny_svc_api import main, app",
        "def f():\n    from tiny_svc_api.main import app",
        "import importlib\nimportlib.import_module('tiny_svc_api.main')",
        "try:\n    import tiny_svc_api\nexcept ImportError:\n    pass",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import tiny_svc_api",
    ],
)
def test_nobody_imports_a_service(found: Found, code: str) -> None:
    line = next(at for at, row in enumerate(code.split("\n"), 1) if "tiny_svc" in row)
    assert found({A: f"{code}\nimport tiny_svc_api.more"}) == [f"{A}:{line}: service: {SERVICE}"]
    assert found({A: "", f"{A}i": code}) == [f"{A}i:{line}: service: {SERVICE}"]


def test_notebooks(found: Found) -> None:
    source = ["%pip install x\n", 'uvicorn.run("tiny_svc_api.main:app")']
    cell = {"cell_type": "code", "source": source}
    path = "shared/py/a/notebooks/x.ipynb"
    (line,) = found({path: json.dumps({"cells": [cell], "metadata": {}}, indent=1)})
    assert line.startswith(f"{path}:7: service: names the service services/py/api; ")


@pytest.mark.parametrize(
    "code",
    [
        "uvicorn.run('tiny_svc_api.main:app', reload=True)",
        "patch(\n  'tiny_svc_api.main.app')",
        "x = {'handler': 'tiny_svc_api.main'}",
        "pytest_plugins = ['tiny_svc_api.main']",
        "files('tiny_svc_api') / 'x.json'",
        "importlib.resources.read_text(package='tiny_svc_api', resource='x')",
        "import importlib.util\nimportlib.util.find_spec('tiny_svc_api')",
        "run([sys.executable, '-m', 'tiny_svc_api'])",
        "execvp('python', '-m', 'tiny_svc_api.main')",
        "class A:\n  x: 'tiny_svc_api.main.App'",
        'f(f"{x}", "tiny_svc_api" ".main:app")',
    ],
)
def test_strings_that_name_a_service(found: Found, code: str) -> None:
    line = next(at for at, row in enumerate(code.split("\n"), 1) if "tiny_svc" in row)
    (only,) = found({TEST: code, API: code})
    assert only.startswith(f"{TEST}:{line}: service: ")
    assert only.endswith(f" the service services/py/api; {MOVE}")


@pytest.mark.parametrize(
    ("file", "module", "what"),
    [
        (API, "tiny_svc_other", "service services/py/other"),
        (CLI, "tiny_svc_api", "service services/py/api"),
        (API, "tiny_app_cli", "app apps/py/cli"),
        (A, "tiny_app_cli.cli", "app apps/py/cli"),
    ],
)
def test_services_and_apps_are_for_nobody(found: Found, file: str, module: str, what: str) -> None:
    assert found({file: f"import {module}"}) == [f"{file}:1: service: imports the {what}; {MOVE}"]


def test_each_imports_itself_and_shared_packages(found: Found) -> None:
    assert found({CLI: "import tiny_a, tiny_b_c.more, tiny_app_cli._private"}) == []
    assert found({"services/py/api/tests/test_x.py": "from tiny_svc_api._x import y"}) == []


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("from tiny_b_c._inner import x", "imports tiny_b_c._inner"),
        ("import tiny_b_c.more._inner", "imports tiny_b_c.more._inner"),
        ("from tiny_b_c import _inner", "imports tiny_b_c._inner"),
        ("from tiny_b_c.more import _x", "imports tiny_b_c.more._x"),
        ("patch('tiny_b_c._inner.x')", "names tiny_b_c._inner.x"),
    ],
)
def test_private_modules_stay_private(found: Found, code: str, what: str) -> None:
    fix = "export it from tiny-b-c, or do without"
    expected = f"{A}:1: private: {what}, which is private to shared/py/b-c; {fix}"
    assert found({A: code}) == [expected]


def test_folders_are_no_modules(found: Found) -> None:
    assert found({A: "from shared.py.b.src import x\nfrom services.py.api.src import y"}) == [
        f"{A}:2: path: reaches into services/py/api by a path;"
        " depend on tiny-svc-api and import it by its name"
    ]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("@tiny/c", None),
        ("@tiny/c/more", None),
        ("@tiny/c/x/y", None),
        ("./local.ts", None),
        ("../package.json", None),
        ("../../../../tsconfig.json", None),
        ("node:fs", None),
        ("@tiny/old/util.js", None),
        ("@tiny/c/src/more.ts", "private"),
        ("@tiny/c/x/in/y", "private"),
        ("@tiny/old/src/more.ts", "private"),
        ("@tiny/old/_more.ts", "private"),
        ("../../../../shared/js/c/src/index.ts", "path"),
        ("file:///{root}/shared/js/c/src/index.ts", "path"),
        ("/{root}/shared/js/c/src/index.ts", "path"),
    ],
)
def test_javascript(root: Path, found: Found, name: str, problem: str | None) -> None:
    name = name.replace("/{root}", str(root))
    lines = found({WEB: f'import "x";\nexport * from "{name}";'})
    assert [line.partition(" ")[2].partition(":")[0] for line in lines] == [problem] * bool(problem)
    assert all(line.startswith(f"{WEB}:2: ") for line in lines)


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("await import('@tiny/svc-web')", "service: imports"),
        ("require('@tiny/svc-web')", "service: imports"),
        ("import type { x } from '@tiny/svc-web/x'", "service: imports"),
        ("vi.mock('@tiny/svc-web', f)", "service: imports"),
        ("jest.mock('../../old/src/x.ts')", "path: reaches"),
        ("new URL('../../old/data.json', import.meta.url)", "path: reaches"),
        ("new URL(\n'../../old/x.wasm', import.meta.url)", "path: reaches"),
        ("path.join(__dirname, '..', '..', 'old/src')", "path: reaches"),
        ("resolve(import.meta.dirname, '../../old')", "path: reaches"),
        ("new URL('./data.json', import.meta.url)", None),
        ("new URL('../../old/x', base)", None),
        ("path.join(__dirname, '..', name, 'old')", None),
        ("new URL('https://x.org/../../../../old', import.meta.url)", None),
        ("// new URL('../../old/x', import.meta.url)\nimport.meta.x", None),
        ("x = '@tiny/svc-web'", None),
        ("vi.mock('@tiny/c/more')", None),
    ],
)
def test_what_javascript_names(found: Found, code: str, problem: str | None) -> None:
    lines = found({"shared/js/c/tests/c.test.ts": code})
    assert len(lines) == bool(problem)
    assert all(f": {problem}" in line for line in lines)


@pytest.mark.parametrize(
    "text",
    [
        "[dependency-groups]\ntest = ['x',\n 'tiny_svc.api[x]>=1; sys_platform == \"x\"']",
        "[dependency-groups]\n# tiny-svc-api\ntest = ['Tiny-Svc-API']",
        '[project.scripts]\nx = "tiny_svc_api.main:app"',
        '[project.gui-scripts]\nx = "tiny_svc_api:app"',
        "[project.entry-points.pytest11]\n'x' = \"tiny_svc_api.plugin\"",
        '[project.entry-points."tiny.x"]\nx = "tiny_svc_api.main:app [x]"',
    ],
)
def test_manifests_of_others(root: Path, found: Found, text: str) -> None:
    file = "shared/py/a/pyproject.toml"
    kept = (root / file).read_text(encoding="utf-8")
    (line,) = found({file: kept + text})
    at = kept.count("\n") + text.count("\n") + 1
    assert line.startswith(f"{file}:{at}: service: ")
    assert line.endswith(f" the service services/py/api; {MOVE}")


def test_lists_of_manifests(root: Path, package: MakePackage, found: Found) -> None:
    package("services/py/other", "left", "tiny-svc-other[x]", x=["tiny-svc-api"], y=["tiny-a"])
    package("shared/py/a", "left", "tiny-svc-api")
    file = "shared/py/b-c/pyproject.toml"
    text = (root / file).read_text(encoding="utf-8")
    web = {"peerDependencies": {"@tiny/svc-web": "*"}, "devDependencies": {"@tiny/c": "*"}}
    alias = {"name": "@tiny/old", "dependencies": {"y": "workspace:@tiny/svc-web@*"}}
    files = {"shared/js/c/package.json": json.dumps({"name": "@tiny/c", **web}, indent=1)}
    files |= {"shared/js/old/package.json": json.dumps(alias, indent=1)}
    files |= {file: text.replace("requires = []", "requires = ['tiny-app-cli']")}
    assert [line.partition(";")[0] for line in found(files)] == [
        "services/py/other/pyproject.toml:11: service: declares the service services/py/api",
        "shared/js/c/package.json:4: service: declares the service services/js/web",
        "shared/js/old/package.json:4: service: declares the service services/js/web",
        "shared/py/a/pyproject.toml:9: service: declares the service services/py/api",
        "shared/py/b-c/pyproject.toml:1: service: declares the app apps/py/cli",
    ]


def test_edges_that_close_a_cycle(root: Path, package: MakePackage, found: Found) -> None:
    package("shared/py/a", "left", test=["tiny-a[x]"], lite=["tiny-b-c"])
    package("shared/py/b-c", "tiny-a[lite]", x=["tiny-d"])
    package("shared/py/d", "tiny-e")
    package("shared/py/e", "tiny-d")
    ask = "which depends on it in the end; move what they share to a package of its own: "
    both = [
        f"shared/py/b-c/pyproject.toml:9: cycle: depends on shared/py/a, {ask}"
        "shared/py/b-c needs shared/py/a[lite] needs shared/py/b-c",
        f"shared/py/e/pyproject.toml:9: cycle: depends on shared/py/d, {ask}"
        "shared/py/e needs shared/py/d needs shared/py/e",
    ]
    assert found({}) == both
    # One edge less leaves the other findings as they were.
    package("shared/py/b-c", "left")
    assert found({}) == both[1:]
    # The extra may need what needs the package alone: no installation needs itself.
    package("shared/py/b-c", "tiny-a")
    assert found({}) == both[1:]


def test_tests_may_need_a_package_that_needs_theirs(
    root: Path, package: MakePackage, groups: Callable[..., None], found: Found
) -> None:
    package("shared/py/b-c", "tiny-a")
    groups("shared/py/a", test=["tiny-b-c"])
    assert found({}) == []


def contract(root: Path, text: str) -> None:
    with (root / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(f"[[tool.monorepo.layers]]\n{text}\n")


def test_contracts_of_a_team(root: Path, package: MakePackage, found: Found) -> None:
    contract(root, 'from = ["shared/py/*"]\nnever = ["torch", "shared/py/b-*"]\nwhy = "small"')
    contract(root, 'from = ["*/js/*"]\nnever = ["@tiny/c", "node:child_process"]\nwhy = "safe"')
    package("shared/py/a", "left", x=["Torch>=2"], y=["tiny-b-c"])
    code = "import torch.nn\nfrom tiny_b_c import x\nimport torchy\nfrom torch import nn"
    assert found({A: code, API: "import torch", WEB: 'import "@tiny/c/more";'}) == [
        f"{WEB}:1: contract: imports @tiny/c/more, against a contract: safe; do without it",
        "shared/py/a/pyproject.toml:11: contract: declares torch, against a contract: small; "
        "do without it",
        "shared/py/a/pyproject.toml:12: contract: declares tiny_b_c, against a contract: small; "
        "do without it",
        f"{A}:1: contract: imports torch.nn, against a contract: small; do without it",
        f"{A}:2: contract: imports tiny_b_c, against a contract: small; do without it",
        f"{A}:4: contract: imports torch, against a contract: small; do without it",
    ]


def test_contracts_hold_through_others(root: Path, write: Write, found: Found) -> None:
    contract(root, 'from = ["shared/py/a"]\nnever = ["torch", "shared/py/z"]\nwhy = "small"')
    contract(root, 'from = ["services/js/web"]\nnever = ["left"]\nwhy = "safe"')
    files = {f"{B}/__init__.py": "from tiny_b_c.more import x", f"{B}/more.py": "import torch.nn"}
    code = "import os\nfrom tiny_b_c import x\nfrom tiny_a.two import y"
    fix = "do without it: tiny_b_c imports tiny_b_c.more imports torch.nn"
    assert found({**files, A: code, "shared/py/a/src/tiny_a/two.py": "import tiny_a.one"}) == [
        f"{A}:2: contract: imports tiny_b_c, and so torch.nn, against a contract: small; {fix}"
    ]
    index = {"shared/js/c/src/index.ts": 'export * from "./more.js"; export {} from "./more/x"'}
    more = {"shared/js/c/src/more/x/index.ts": 'import "left"'}
    (line,) = found({**index, **more, A: "", WEB: 'import "x";\nimport { x } from "@tiny/c";'})
    assert line.startswith(f"{WEB}:2: contract: imports @tiny/c, and so left, ")
    # The modules that a module is in are loaded before it.
    assert len(found({**index, A: "from tiny_b_c.deep import x"})) == 2


@pytest.mark.parametrize("text", ["from = []", 'from = ["a"]\nnever = "b"\nwhy = "c"', ""])
def test_malformed_contracts_are_found(root: Path, found: Found, text: str) -> None:
    contract(root, text)
    (line,) = found({})
    assert line.startswith("pyproject.toml: settings: an entry of [[tool.monorepo.layers]] has no")


def test_contracts_about_nothing_are_found(root: Path, found: Found) -> None:
    contract(root, 'from = ["shared/py/gone"]\nnever = ["torch"]\nwhy = "small"')
    (line,) = found({})
    assert "from shared/py/gone is about no file" in line


def test_a_contract_about_an_area_holds_in_the_flat_layout(
    root: Path, write: Write, found: Found
) -> None:
    contract(root, 'from = ["shared/py/*"]\nnever = ["torch"]\nwhy = "small"')
    text = '[project]\nname = "tiny-z"\n[tool.monorepo]\nkind = "shared"\n'
    write({"packages/tiny-z/pyproject.toml": text})
    path = "packages/tiny-z/src/tiny_z/x.py"
    assert found({path: "import torch", A: "import tiny_z"}) == [
        f"{path}:1: contract: imports torch, against a contract: small; do without it"
    ]


def test_what_is_served_is_another_package_here(root: Path, found: Found) -> None:
    file = "services/py/api/pyproject.toml"
    text = (root / file).read_text(encoding="utf-8")
    text += "[tool.monorepo]\nserves = [\n"
    lines = ["services/js/web", "apps/js/gone", "services/py/api"]
    text += "".join(f'    "{path}",\n' for path in lines)
    at = text.splitlines().index("serves = [") + 1
    assert found({file: text + "]\n"}) == [
        f"{file}:{at}: settings: serves {path}, which is not another package here; "
        "correct serves, or remove it"
        for path in lines[1:]
    ]
