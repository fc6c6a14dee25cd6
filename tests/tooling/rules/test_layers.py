"""Imports point to shared packages, whatever the way they are written in."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.guard import runner

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
A = "shared/py/a/src/tiny_a/one.py"
API = "services/py/api/src/tiny_svc_api/main.py"
WEB = "services/js/web/src/main.ts"
TO_A = "a shared package imports the service services/py/api; move what both need to shared/py"
PATH = "puts a folder outside its package on the path of modules"


@pytest.fixture(autouse=True)
def packages(root: Path, package: MakePackage, write: Write) -> None:
    for path in ("shared/py/a", "shared/py/b-c", "services/py/api", "services/py/other"):
        package(path)
    package("apps/py/cli")
    write({"services/js/web/package.json": '{"name": "@tiny/svc-web"}'})
    write({"shared/js/old/package.json": '{"name": "@tiny/old"}'})
    exports: dict[str, str | None] = {".": "./src/index.ts", "./more": "./src/more.ts"}
    exports |= {"./x/*": "./src/*.ts", "./x/in/*": None}
    write({"shared/js/c/package.json": json.dumps({"name": "@tiny/c", "exports": exports})})


@pytest.fixture
def found(root: Path, write: Write) -> Callable[[dict[str, str]], list[str]]:
    def found(files: dict[str, str]) -> list[str]:
        write(files)
        return [
            f"{one.path}:{one.line}: {one.message}; {one.fix}"
            for one in runner.guard(workspace.load(root), ["layers"])
        ]

    return found


Found = Callable[[dict[str, str]], list[str]]


@pytest.mark.parametrize(
    "code",
    [
        "import tiny_b_c.deep.er",
        "from tiny_b_c import __version__, x",
        "from ._private import x",
        "from tiny_a._private import x",
        "import tiny_svc_apiary",
        "'''import tiny_svc_api'''",
        "import _thread",
        "import sys\nsys.path.insert(0, 'x')\nsys.modules['a.b'] = None",
        "import sys, os\nsys.path.append(os.path.dirname(os.path.dirname(__file__)))",
        "import sys\nfrom pathlib import Path\nsys.path.append(str(Path(__file__).parents[2]))",
    ],
)
def test_what_is_right(found: Found, code: str) -> None:
    assert found({A: code}) == []


@pytest.mark.parametrize(
    "code",
    [
        "import tiny_svc_api",
        "import os, tiny_svc_api.main as m",
        "from tiny_svc_api import main",
        "def f():\n    from tiny_svc_api.main import app",
        "import importlib\nimportlib.import_module('tiny_svc_api.main')",
        "try:\n    import tiny_svc_api\nexcept ImportError:\n    pass",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import tiny_svc_api",
    ],
)
def test_shared_packages_import_no_service(found: Found, code: str) -> None:
    line = next(at for at, row in enumerate(code.split("\n"), 1) if "tiny_svc" in row)
    assert found({A: code}) == [f"{A}:{line}: {TO_A}"]


def test_services_import_no_other_service(found: Found) -> None:
    assert found({API: "import tiny_svc_api.x\nfrom tiny_svc_other import x"}) == [
        f"{API}:2: a service imports the service services/py/other;"
        " move what both need to shared/py"
    ]


CLI = "apps/py/cli/src/tiny_app_cli/cli.py"


@pytest.mark.parametrize(
    ("file", "module", "who"),
    [
        (CLI, "tiny_svc_api", "an app imports the service services/py/api"),
        (API, "tiny_app_cli", "a service imports the app apps/py/cli"),
        (A, "tiny_app_cli.cli", "a shared package imports the app apps/py/cli"),
    ],
)
def test_nobody_imports_an_app_and_an_app_no_service(
    found: Found, file: str, module: str, who: str
) -> None:
    fix = "move what both need to shared/py"
    assert found({file: f"import {module}"}) == [f"{file}:1: {who}; {fix}"]


def test_an_app_imports_shared_packages_and_itself(found: Found) -> None:
    assert found({CLI: "import tiny_a, tiny_b_c.more, tiny_app_cli._private"}) == []


@pytest.mark.parametrize(
    ("code", "module"),
    [
        ("from tiny_b_c._inner import x", "tiny_b_c._inner"),
        ("import tiny_b_c.more._inner", "tiny_b_c.more._inner"),
        ("from tiny_b_c import _inner", "tiny_b_c._inner"),
    ],
)
def test_private_modules_stay_private(found: Found, code: str, module: str) -> None:
    fix = "export it from tiny-b-c, or do without"
    expected = f"{A}:1: imports {module}, which is private to shared/py/b-c; {fix}"
    assert found({A: code}) == [expected]


def test_folders_are_no_modules(found: Found) -> None:
    assert found({A: "from shared.py.b.src import x\nfrom services.py.api.src import y"}) == [
        f"{A}:2: reaches into services/py/api by a path;"
        " depend on tiny-svc-api and import it by its name"
    ]


@pytest.mark.parametrize(
    "code",
    [
        "import sys\nsys.path.insert(0, '../../../b-c/src/../../..')",
        "import sys\nsys.path += ['shared/py/b-c/src']",
        "import sys, os\nsys.path.append(os.path.join(HERE, 'services', 'py', 'api', 'src'))",
        "from pathlib import Path\nimport sys\nsys.path[:0] = [str(Path(__file__).parents[3])]",
        "import sys, pathlib\nROOT = pathlib.Path(__file__).parent.parent.parent.parent\n"
        "B = ROOT / 'b-c'\nsys.path.insert(0, str(B))",
        "import runpy\nrunpy.run_path('shared/py/b-c/src/x.py')",
        "from importlib.util import spec_from_file_location\n"
        "spec_from_file_location('x', '../../../../b-c/x.py')",
    ],
)
def test_the_path_of_modules_stays_inside(found: Found, code: str) -> None:
    (only,) = found({A: code})
    assert only == f"{A}:{code.count(chr(10)) + 1}: {PATH}; depend on the package by its name"


def test_the_sessions_reach_for_the_tooling(found: Found) -> None:
    code = "import runpy\nrunpy.run_path('../../../tools/make/engine.py')['register'](__file__)"
    assert found({"shared/py/a/noxfile.py": code}) == []


@pytest.mark.parametrize(
    ("name", "message"),
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
        ("../../../../shared/js/c/src/index.ts", "reaches"),
        ("file:///{root}/shared/js/c/src/index.ts", "reaches"),
        ("/{root}/shared/js/c/src/index.ts", "reaches"),
    ],
)
def test_javascript(root: Path, found: Found, name: str, message: str | None) -> None:
    name = name.replace("/{root}", str(root))
    lines = found({WEB: f'import "x";\nexport * from "{name}";'})
    assert bool(lines) == (message is not None)
    assert all(line.startswith(f"{WEB}:2: ") and str(message) in line for line in lines)


def test_shared_javascript_imports_no_service(found: Found) -> None:
    file = "shared/js/c/tests/c.test.ts"
    assert found({file: "const x = await import('@tiny/svc-web');"}) == [
        f"{file}:1: a shared package imports the service services/js/web;"
        " move what both need to shared/js"
    ]


def test_packages_in_a_circle(package: MakePackage, found: Found) -> None:
    package("shared/py/a", "tiny-b-c", test=["tiny-a[x]"])
    package("shared/py/b-c", "left", "tiny-a[x]>=1")
    (line,) = found({})
    assert "depend on each other in a cycle: shared/py/" in line
    assert line.startswith(("shared/py/a/pyproject.toml:9:", "shared/py/b-c/pyproject.toml:9:"))


def contract(root: Path, text: str) -> None:
    with (root / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(f"[[tool.monorepo.layers]]\n{text}\n")


def test_contracts_of_a_team(root: Path, found: Found) -> None:
    contract(root, 'from = ["shared/py/*"]\nnever = ["torch", "shared/py/b-*"]\nwhy = "small"')
    contract(root, 'from = ["*/js/*"]\nnever = ["@tiny/c", "node:child_process"]\nwhy = "safe"')
    code = "import torch.nn\nfrom tiny_b_c import x\nimport torchy\nfrom torch import nn"
    assert found({A: code, API: "import torch", WEB: 'import "@tiny/c/more";'}) == [
        f"{WEB}:1: imports @tiny/c/more, against a contract: safe; do without it",
        f"{A}:1: imports torch.nn, against a contract: small; do without it",
        f"{A}:2: imports tiny_b_c, against a contract: small; do without it",
        f"{A}:4: imports torch, against a contract: small; do without it",
    ]


@pytest.mark.parametrize("text", ["from = []", 'from = ["a"]\nnever = "b"\nwhy = "c"', ""])
def test_malformed_contracts_are_found(root: Path, found: Found, text: str) -> None:
    contract(root, text)
    (line,) = found({})
    assert line.startswith("pyproject.toml:0: an entry of [[tool.monorepo.layers]] has no")


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
        f"{path}:1: imports torch, against a contract: small; do without it"
    ]
    assert found({path: 'import sys\nsys.path.append("packages/tiny-y/src")\n'}) == [
        f"{path}:2: {PATH}; depend on the package by its name"
    ]


def test_each_circle_is_named_whole(package: MakePackage, found: Found) -> None:
    package("shared/py/a", "left", lite=["tiny-b-c"])
    package("shared/py/b-c", "tiny-a")
    package("shared/py/d", "tiny-e")
    package("shared/py/e", "tiny-d")
    lines = sorted(found({}))
    assert len(lines) == 2
    assert "shared/py/a needs shared/py/b-c (extra lite)" in lines[0]
    assert {"shared/py/d", "shared/py/e"} < {*lines[1].split()}


def test_tests_may_need_a_package_that_needs_theirs(
    root: Path, package: MakePackage, found: Found
) -> None:
    package("shared/py/b-c", "tiny-a")
    manifest = root / "shared/py/a/pyproject.toml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(f'{text}[dependency-groups]\ntest = ["tiny-b-c"]\n', encoding="utf-8")
    assert found({}) == []


def test_what_is_served_is_another_package_here(root: Path, found: Found) -> None:
    file = "services/py/api/pyproject.toml"
    text = (root / file).read_text(encoding="utf-8")
    text += "[tool.monorepo]\nserves = [\n"
    lines = ["services/js/web", "apps/js/gone", "services/py/api"]
    text += "".join(f'    "{path}",\n' for path in lines)
    at = text.splitlines().index("serves = [") + 1
    assert found({file: text + "]\n"}) == [
        f"{file}:{at}: serves {path}, which is not another package here; correct serves, or remove "
        "it"
        for path in lines[1:]
    ]
