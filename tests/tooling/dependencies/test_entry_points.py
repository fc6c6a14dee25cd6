"""The entry point of a service is found by what starts it, or else by its name."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.core import workspace
from monorepo.dependencies import entry_points
from monorepo.guard.repository import Sources

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
API = "services/py/api"
SRC = f"{API}/src/tiny_svc_api"
MODULES = ["tiny_svc_api/main", "tiny_svc_api/jobs", "dist/server", "server"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("uvicorn tiny_svc_api.main:app --port 80", ["tiny_svc_api/main"]),
        ("uv run tiny_svc_api.main:app", ["tiny_svc_api/main"]),
        ('CMD ["python", "-m", "tiny_svc_api.jobs"]', ["tiny_svc_api/jobs"]),
        ("python src/tiny_svc_api/jobs.py && node dist/server.js", ["tiny_svc_api/jobs", "server"]),
        ("gunicorn -c conf.py \\\n  tiny_svc_api.main:app", ["tiny_svc_api/main"]),
        ("celery -A tiny_svc_api.jobs worker", ["tiny_svc_api/jobs"]),
        ("command: [uvicorn,\n - tiny_svc_api.main:app]", ["tiny_svc_api/main"]),
        (
            "RUN python -m tiny_svc_api.jobs\nCMD uvicorn tiny_svc_api.main:app",
            ["tiny_svc_api/main"],
        ),
        ("pip install tiny_svc_api", []),
        ("python -m pip install ./tiny_svc_api/main.py", []),
        ("see tiny_svc_api/main.py", []),
    ],
)
def test_commands(text: str, expected: list[str]) -> None:
    assert list(entry_points.started(text, MODULES)) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("src/a/main.py", "a/main"),
        ("src/a/__init__.py", "a"),
        ("./dist/src/index.d.ts", "index"),
        ("build/server.mjs", "server"),
        ("a.json", "a.json"),
    ],
)
def test_modules(path: str, expected: str) -> None:
    assert entry_points.module(path) == expected


def test_files_in_a_configuration() -> None:
    text = '{"graphs": {"a": "./src/tiny_svc_api/jobs.py:graph"}, "name": "tiny_svc_api.main"}'
    assert list(entry_points.listed(text, MODULES)) == ["tiny_svc_api/jobs"]


@pytest.mark.parametrize(
    ("files", "entry"),
    [
        ({"main.py": "import tiny_svc_api.deep", "deep.py": ""}, "main.py"),
        ({"__main__.py": "", "main.py": ""}, "__main__.py"),
        ({"run.py": "from tiny_svc_api import deep", "deep.py": ""}, "run.py"),
        ({"api.py": "", "server_api.py": ""}, "api.py"),
    ],
)
def test_names(
    root: Path, package: MakePackage, write: Write, files: dict[str, str], entry: str
) -> None:
    (package(API) / "backend.py").unlink()
    write({f"{SRC}/{name}": text for name, text in files.items()})
    paths = {f"{SRC}/{name}" for name in files}
    sources = Sources(workspace.load(root))
    assert entry_points.entries(sources, API, paths).may == [f"{SRC}/{entry}"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Dockerfile", "CMD uvicorn tiny_svc_api.odd:app\n"),
        ("Procfile", "web: gunicorn tiny_svc_api.odd:app\n"),
        ("Makefile", "run:\n\tpython -m tiny_svc_api.odd\n"),
    ],
)
def test_what_starts_it_comes_before_names(
    root: Path, package: MakePackage, write: Write, path: str, text: str
) -> None:
    (package(API) / "backend.py").unlink()
    write({f"{API}/{path}": text, f"{SRC}/odd.py": "", f"{SRC}/helper.py": "import x"})
    sources = Sources(workspace.load(root))
    found = entry_points.entries(sources, API, {f"{SRC}/odd.py", f"{SRC}/helper.py"})
    assert found.may == [f"{SRC}/odd.py"]
    assert f"{SRC}/odd.py" in found.started


def test_a_single_module_is_it(root: Path, package: MakePackage) -> None:
    package(API)
    sources = Sources(workspace.load(root))
    assert entry_points.entries(sources, API, {f"{SRC}/odd.py"}).may == [f"{SRC}/odd.py"]


PIECES = [
    "python ",
    "-m ",
    "a.b",
    ":app ",
    "uvicorn ",
    "\\\n",
    "RUN ",
    "src/a/b.py ",
    "handler: ",
    "/",
    ".",
]


@given(st.lists(st.sampled_from(PIECES), max_size=15).map("".join) | st.text(max_size=60))
def test_any_text_starts_known_modules(text: str) -> None:
    modules = ["a/b", "a", "c/__main__"]
    assert {*entry_points.started(text, modules), *entry_points.listed(text, modules)} <= {*modules}
