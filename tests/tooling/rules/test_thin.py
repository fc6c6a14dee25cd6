"""A service has one short entry point, in whatever way it is written."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.guard import runner

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
MAIN = "services/py/api/src/tiny_svc_api/main.py"


@pytest.fixture
def found(root: Path, package: MakePackage, write: Write) -> Callable[[dict[str, str]], list[str]]:
    """Write files beside a service, and return what the rule finds."""
    (package("services/py/api") / "backend.py").unlink()

    def found(files: dict[str, str]) -> list[str]:
        write(files)
        return [str(one) for one in runner.guard(workspace.load(root), ["thin"])]

    return found


Found = Callable[[dict[str, str]], list[str]]


def allow(root: Path, settings: str) -> None:
    with (root / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(f"[tool.monorepo.thin]\n{settings}\n")


@pytest.mark.parametrize(
    "code",
    [
        '"""One.\n\nTwo.\n"""\n' + "# no\n\n" * 30 + "x = 1\n" * 20,
        "def f():\n" + '    """' + "Say.\n" * 30 + '    """\n' + "    x = 1\n" * 19,
        "f(\n" + "    # no\n\n    1,\n" * 18 + ")\n",
    ],
)
def test_what_is_no_code_is_not_counted(found: Found, code: str) -> None:
    assert found({MAIN: code}) == []


@pytest.mark.parametrize(
    ("code", "line", "count"),
    [
        ("x = 1\n" * 21, 21, 21),
        # One function is one unindented line.
        ("def f():\n" + "    x = 1\n" * 900, 21, 901),
        ("x = 1; " * 30 + "\n", 1, 30),
        ("if x: y = 1\n" * 11, 11, 22),
        ('x = """\n' + "# text\n\n" * 15 + '"""\n', 21, 32),
        ("@f(\n" + "    1,\n" * 30 + ")\ndef g(): ...\n", 21, 34),
        ("class A:\r" + "    x = 1\r" * 30, 21, 31),
    ],
)
def test_code_is_counted(found: Found, code: str, line: int, count: int) -> None:
    assert found({MAIN: code}) == [
        f"{MAIN}:{line}: thin: has {count} lines of code, more than 20;"
        " move code to a shared package"
    ]


def test_other_modules_are_found_and_tests_are_not(found: Found) -> None:
    assert found(
        {
            MAIN: "x = 1",
            "services/py/api/src/tiny_svc_api/logic/__init__.py": '"""Nothing."""',
            "services/py/api/src/tiny_svc_api/logic/prices.py": "x = 1",
            "services/py/api/static/page.js": "let x;",
            "services/py/api/tool.py": "x = 1",
            "services/py/api/tests/unit/test_it.py": "x = 1",
            "services/py/api/noxfile.py": "x = 1",
            "services/py/api/setup.py": "x = 1",
            "services/py/api/.storybook/main.ts": "let x;",
            "services/py/api/conftest.py": "x = 1",
        }
    ) == [
        f"services/py/api/{path}: thin: is a module beside the entry point"
        " src/tiny_svc_api/main.py; move it to a shared package"
        for path in ("src/tiny_svc_api/logic/prices.py", "tool.py")
    ]


@pytest.mark.parametrize(
    ("entry", "other"),
    [
        ("src/tiny_svc_api/price_server.py", "src/tiny_svc_api/demo_pb2.py"),
        ("src/tiny_svc_api/api.py", "src/tiny_svc_api/aa.py"),
        ("src/tiny_svc_api/index.py", "demo/main.py"),
    ],
)
def test_which_module_is_the_entry_point(found: Found, entry: str, other: str) -> None:
    (told,) = found({f"services/py/api/{path}": "x = 1" for path in (entry, other)})
    assert told.startswith(
        f"services/py/api/{other}: thin: is a module beside the entry point {entry}"
    )


@pytest.mark.parametrize(
    ("table", "entry"),
    [
        ('scripts]\nrun = "tiny_svc_api.register:run"', "register.py"),
        ('entry-points."any.group"]\nrun = "tiny_svc_api.deep.register"', "deep/register.py"),
        ('gui-scripts]\nrun = "tiny_svc_api:run"', "__init__.py"),
        # What it names is another package's, or nonsense.
        ('scripts]\nrun = "tiny_core.register:run"', "main.py"),
        ('scripts]\nrun = "3"', "main.py"),
    ],
)
def test_the_manifest_tells_the_entry_point(
    root: Path, found: Found, table: str, entry: str
) -> None:
    with (root / "services/py/api/pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[project.{table}\n")
    folder = "services/py/api/src/tiny_svc_api"
    files = {f"{folder}/{one}": "x = 1" for one in {entry, "main.py", "register.py"}}
    told = found(files)
    assert len(told) == len(files) - 1
    assert all(f"beside the entry point src/tiny_svc_api/{entry};" in one for one in told)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("Dockerfile", 'CMD ["python", "-u", "/app/register.py"]'),
        ("Dockerfile", 'CMD ["uvicorn", "--reload", "tiny_svc_api.register:app", "--port", "1"]'),
        ("Procfile", "web: gunicorn -w4 register:app"),
        ("Dockerfile", "RUN python main.py\nCMD python -m streamlit run --x y register.py"),
        ("Dockerfile", 'ENTRYPOINT ["python3"]\nCMD ["register.py"]'),
        ("Dockerfile", "CMD gunicorn -c gunicorn_conf.py -b :80 -w 4 tiny_svc_api.register:app"),
        ("Dockerfile", "CMD uvicorn --host 0.0.0.0 --port 80 tiny_svc_api.register:app"),
        ("Dockerfile", "ENV FLASK_APP=tiny_svc_api.register\nCMD flask run"),
        ("Procfile", "web: python -m flask --app tiny_svc_api.register run"),
        ("Procfile", "web: uv run --no-sync register.py"),
        ("template.yaml", "    Properties:\n      Handler: register.handler"),
        ("langgraph.json", '{"graphs": {"a": "./src/tiny_svc_api/register.py:graph"}}'),
        ("compose.yaml", "    command:\n      - uvicorn\n      - --reload\n      - register:app"),
        ("compose.yaml", "command: fastapi run src/tiny_svc_api/register.py"),
    ],
)
def test_what_starts_the_service_tells_the_entry_point(found: Found, file: str, text: str) -> None:
    folder = "services/py/api/src/tiny_svc_api"
    files = {f"{folder}/{one}.py": "x = 1" for one in ("main", "register", "at_register")}
    told = found({f"services/py/api/{file}": text, **files})
    assert len(told) == 2
    assert all("beside the entry point src/tiny_svc_api/register.py;" in one for one in told)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("README.md", "Run `python register.py --fast`."),
        ("Makefile", "run:\n\tA=1 $(PYTHON) -m tiny_svc_api.register\n"),
        ("tasks.toml", '[tool.poe.tasks]\nstart = "streamlit run register.py"'),
        ("start.sh", "celery -A tiny_svc_api.register worker"),
    ],
)
def test_what_tells_of_commands_tells_it_if_nothing_is_called_like_one(
    found: Found, file: str, text: str
) -> None:
    folder = "services/py/api/src/tiny_svc_api"
    register, prices = f"{folder}/register.py", f"{folder}/prices.py"
    told = found(
        {f"services/py/api/{file}": text, register: "import tiny_svc_api.prices", prices: "x = 1"}
    )
    assert told == [
        f"{prices}: thin: is a module beside the entry point src/tiny_svc_api/register.py;"
        " move it to a shared package"
    ]
    assert found({MAIN: "x = 1"}) == [
        "services/py/api: thin: has several modules that may be its entry point:"
        " src/tiny_svc_api/main.py, src/tiny_svc_api/register.py;"
        " name it in the manifest, and move the others to shared packages",
        f"{prices}: thin: is a module beside the entry point; move it to a shared package",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "python -m ruff check seed.py",
        "uv run ruff check seed.py",
        "python tools/seed.py",
        "pip install python && cp seed.py /",
        "node -r ./seed.js gone.js",
        "uvicorn --bind seed:8000 gone:app",
    ],
)
def test_what_starts_something_else_does_not_tell_the_entry_point(found: Found, text: str) -> None:
    seed = "services/py/api/tools/seed.py"
    files = {"services/py/api/README.md": f"```sh\n{text}\n```", MAIN: "x = 1", seed: "x = 1"}
    (told,) = found(files)
    assert "the entry point src/tiny_svc_api/main.py;" in told


def test_what_is_started_too_is_told_of(found: Found) -> None:
    worker = "services/py/api/src/tiny_svc_api/worker.py"
    text = "web: uvicorn tiny_svc_api.main:app\nworker: celery -A tiny_svc_api.worker worker\n"
    assert found({"services/py/api/Procfile": text, MAIN: "x = 1", worker: "x = 1"}) == [
        f"{worker}: thin: is started as well as the entry point src/tiny_svc_api/main.py;"
        " move it to a shared package"
    ]


@pytest.mark.parametrize(
    ("files", "entry"),
    [
        ({"main": "from tiny_svc_api import app", "app": "x = 1"}, "main"),
        ({"main": "x = 1", "app": "from . import main"}, "app"),
        ({"main": "x = 1", "app": "x = 1", "__main__": "x = 1"}, "__main__"),
        ({"prices": "x = 1", "start": "from .prices import x", "seed": "x = 1"}, "start"),
        ({"main": "x = 1", "app": "x = 1"}, ""),
        ({"prices": "x = 1", "start": "x = 1"}, ""),
    ],
)
def test_what_others_import_is_not_the_entry_point(
    found: Found, files: dict[str, str], entry: str
) -> None:
    folder = "services/py/api/src/tiny_svc_api"
    told = found({f"{folder}/{one}.py": code for one, code in files.items()})
    if entry:
        assert len(told) == len(files) - 1
        assert all(f"the entry point src/tiny_svc_api/{entry}.py;" in one for one in told)
    else:
        (one,) = told
        assert "services/py/api: thin: has several modules that may be its entry point" in one


def test_what_tools_and_frameworks_need_where_it_is_is_no_module(
    root: Path, found: Found, write: Write
) -> None:
    paths = (
        "manage.py shop/settings.py shop/urls.py shop/wsgi.py shop/migrations/0001.py _version.py"
    )
    assert found({f"services/py/api/src/{path}": "x = 1" for path in paths.split()}) == []
    files = dict.fromkeys(
        "karma.conf.js gulpfile.js .eslintrc.js src/main.ts src/test.ts src/setupTests.ts"
        " src/setupProxy.js src/a.stories.tsx src/__mocks__/a.ts src/polyfills.ts".split(),
        "let x;",
    )
    files["angular.json"] = '{"main": "src/main.ts", "polyfills": "src/polyfills.ts"}'
    files["package.json"] = '{"name": "@tiny/svc-web"}'
    write({f"services/js/web/{path}": text for path, text in files.items()})
    assert runner.guard(workspace.load(root), ["thin"]) == []


def test_pages_are_entry_points(root: Path, write: Write) -> None:
    folder = "services/js/web"
    write({f"{folder}/package.json": '{"name": "@tiny/svc-web"}', f"{folder}/next.config.mjs": ""})
    write({f"{folder}/src/app/a/layout.tsx": "let x;"})
    write({f"{folder}/src/app/page.tsx": 'import "@/lib/a";\n' * 21})
    write({f"{folder}/src/lib/a.ts": "let x;", f"{folder}/src/lib/index.ts": "let x;"})
    write({f"{folder}/src/app/a/page.tsx": 'import "../../lib";'})
    assert [str(one) for one in runner.guard(workspace.load(root), ["thin"])] == [
        f"{folder}/src/app/page.tsx:21: thin: has 21 lines of code, more than 20;"
        " move code to a shared package",
        f"{folder}/src/lib/a.ts: thin: is a module beside the entry points;"
        " move it to a shared package",
        f"{folder}/src/lib/index.ts: thin: is a module beside the entry points;"
        " move it to a shared package",
    ]


def test_routes_of_sveltekit_are_entry_points(root: Path, write: Write) -> None:
    folder = "services/js/web"
    files = "src/routes/+page.ts src/routes/a/+server.ts src/hooks.client.ts src/lib/a.ts"
    write({f"{folder}/{path}": "let x;" for path in [*files.split(), "svelte.config.js"]})
    write({f"{folder}/package.json": '{"name": "@tiny/svc-web"}'})
    assert [one.path for one in runner.guard(workspace.load(root), ["thin"])] == [
        f"{folder}/src/lib/a.ts"
    ]


def test_what_people_run_beside_a_service_is_no_module(found: Found) -> None:
    paths = "scripts/seed.py evals/cases.py src/main.py src/tiny_svc_api/__init__.py"
    files = dict.fromkeys(paths.split(), '__version__ = "1"')
    assert found({f"services/py/api/{path}": text for path, text in files.items()}) == []


@pytest.mark.parametrize(
    ("told", "entry"),
    [
        ('"scripts": {"start": "NODE_ENV=x node --trace ./dist/start.js"}', "start.ts"),
        ('"scripts": {"start": "node dist/gone.js", "dev": "tsx watch src/x/go.ts"}', "x/go.ts"),
        ('"main": "./dist/start.js"', "start.ts"),
        ('"bin": {"run": "bin/start.mjs"}', "../bin/start.mjs"),
        ('"exports": {".": {"types": "./dist/deep/start.d.ts"}}', "deep/start.tsx"),
        ('"main": "dist/bundle.js", "bin": 3', "main.ts"),
    ],
)
def test_package_json_tells_the_entry_point(
    root: Path, write: Write, told: str, entry: str
) -> None:
    folder = "services/js/web"
    write({f"{folder}/package.json": f'{{"name": "@tiny/svc-web", {told}}}'})
    files = {entry, "main.ts", "start.js" if "main" in entry else "index.ts"}
    write({os.path.normpath(f"{folder}/src/{one}"): "let x;" for one in files})
    found = [str(one) for one in runner.guard(workspace.load(root), ["thin"])]
    assert len(found) == len(files) - 1
    path = os.path.normpath(f"src/{entry}")
    assert all(f"beside the entry point {path};" in one for one in found), found


def test_a_service_without_code_has_no_entry_point(found: Found) -> None:
    assert found({"services/py/api/src/tiny_svc_api/__init__.py": ""}) == [
        "services/py/api: thin: has no entry point; write main.py or main.ts in src"
    ]


def test_code_in_init_is_code(found: Found) -> None:
    init = "services/py/api/src/tiny_svc_api/__init__.py"
    assert found({init: "x = 1\n"}) == []
    assert [line.partition(":")[0] for line in found({MAIN: "x = 1\n"})] == [init]


def test_a_repository_on_its_way(root: Path, found: Found) -> None:
    adapter = "services/py/api/src/tiny_svc_api/legacy.py"
    allow(root, f'lines = 200\nadapters = ["{adapter[:-4]}*", "services/py/api/gone.py"]')
    assert found({MAIN: "x = 1\n" * 200, adapter: "x = 1\n" * 201}) == [
        "pyproject.toml: thin: the adapter services/py/api/gone.py does not exist;"
        " remove it from [tool.monorepo.thin]",
        f"{adapter}:201: thin: has 201 lines of code, more than 200; move code to a shared package",
    ]


def test_settings_of_a_wrong_kind_allow_nothing_more(root: Path, found: Found) -> None:
    allow(root, 'lines = "200"\nadapters = 3')
    assert len(found({MAIN: "x = 1\n" * 21})) == 1


def test_javascript(root: Path, write: Write) -> None:
    main = "services/js/web/src/main.ts"
    write({"services/js/web/package.json": '{"name": "@tiny/svc-web"}'})
    beside = [
        "tests/main.test.ts",
        "src/main.test.ts",
        "vite.config.ts",
        "ui/next.config.mjs",
        "src/env.d.ts",
    ]
    write({f"services/js/web/{path}": "let x;\n" * 30 for path in beside})
    write({main: "// no\n/*\n no\n*/\n" * 20 + "const s = `\n// text`;\n" * 10})
    space = workspace.load(root)
    assert runner.guard(space, ["thin"]) == []
    write({main: "let a; let b; let c;\n" * 7, "services/js/web/src/prices.js": "let x;"})
    assert [str(one) for one in runner.guard(space, ["thin"])] == [
        f"{main}:7: thin: has 21 lines of code, more than 20; move code to a shared package",
        "services/js/web/src/prices.js: thin: is a module beside the entry point src/main.ts;"
        " move it to a shared package",
    ]
