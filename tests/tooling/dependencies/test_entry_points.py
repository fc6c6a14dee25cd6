"""The entry point of a service is what its manifest names, or else has a usual name."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.dependencies import entry_points

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
API, WEB = "services/py/api", "services/js/web"
SRC = f"{API}/src/tiny_svc_api"


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ("main.py deep.py", "main.py"),
        ("app.py main.py __main__.py", "__main__.py"),
        ("server.py cli.py", "server.py"),
        ("deep/app.py app.py", "app.py"),
        ("odd.py", "odd.py"),
        ("odd.py __init__.py", "odd.py"),
        ("__init__.py", "__init__.py"),
        ("odd.py even.py", ""),
        ("../../demo/main.py index.py", "index.py"),
        ("", ""),
    ],
)
def test_names(root: Path, package: MakePackage, paths: str, expected: str) -> None:
    package(API)
    files = [f"{SRC}/{path}".replace("src/tiny_svc_api/../../", "") for path in paths.split()]
    found = entry_points.entry(workspace.load(root).packages[API], files)
    assert found == (f"{SRC}/{expected}" if expected else "")


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ('scripts]\nrun = "tiny_svc_api.register:run"', "register.py"),
        ('entry-points."any.group"]\nrun = "tiny_svc_api.deep.register"', "deep/register.py"),
        ('gui-scripts]\nrun = "tiny_svc_api:run"', "__init__.py"),
        ('scripts]\na = "tiny_svc_api.register:a"\nb = "tiny_svc_api.main:b"', "main.py"),
        # What it names is another package's, or nonsense.
        ('scripts]\nrun = "tiny_core.register:run"', "main.py"),
        ('scripts]\nrun = "3"', "main.py"),
    ],
)
def test_a_python_manifest(root: Path, package: MakePackage, table: str, expected: str) -> None:
    with (package(API) / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[project.{table}\n")
    files = [f"{SRC}/{one}" for one in ("main", "register", "deep/register", "__init__")]
    found = entry_points.entry(workspace.load(root).packages[API], [f"{one}.py" for one in files])
    assert found == f"{SRC}/{expected}"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"main": "./dist/start.js"}, "src/start.ts"),
        ({"bin": {"run": "bin/start.mjs"}}, "bin/start.mjs"),
        ({"exports": {".": [{"types": "./dist/deep/start.d.ts"}]}}, "src/deep/start.tsx"),
        ({"main": "dist/bundle.js", "bin": 3}, "src/main.ts"),
    ],
)
def test_a_javascript_manifest(
    root: Path, write: Write, fields: dict[str, object], expected: str
) -> None:
    write({f"{WEB}/package.json": json.dumps({"name": "@tiny/svc-web", **fields})})
    paths = "src/start.ts bin/start.mjs src/deep/start.tsx src/main.ts src/index.js"
    found = entry_points.entry(
        workspace.load(root).packages[WEB], [f"{WEB}/{path}" for path in paths.split()]
    )
    assert found == f"{WEB}/{expected}"
