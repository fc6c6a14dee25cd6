"""No path leads out of a package, however it is spelled; what stays in it may stay."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.core import workspace
from monorepo.guard import runner
from monorepo.guard.repository import Sources
from monorepo.rules import includes

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
HOME = "services/py/a"


@pytest.fixture(autouse=True)
def packages(root: Path, package: MakePackage, write: Write) -> None:
    package(HOME)
    package("shared/py/core")
    write({"shared/py/core/more.txt": "httpx\n", f"{HOME}/own.txt": "httpx\n"})


def found(root: Path) -> list[tuple[str, int]]:
    wrong = runner.guard(workspace.load(root), ["includes"])
    assert {one.rule for one in wrong} <= {"includes"}
    return [(one.path, one.line) for one in wrong]


@pytest.mark.parametrize(
    "line",
    [
        "-r ../../../shared/py/core/more.txt",
        "-r./../x.txt",
        "--requirement=../x.txt",
        "-r shared/py/core/more.txt",
        "-r /etc/more.txt",
        "-r file:../x.txt",
        "-r file:%2e%2e/x.txt",
        "-r file:///etc/x.txt",
        "-r https://example.com/x.txt",
        "-r ${WHERE}/x.txt",
        "-r own.txt/../../x.txt",
        "-c ../../../other/constraints.txt",
        "-e ../../../shared/py/core",
        "-e git+file:../core",
        "-e ~/core",
        "tiny-core @ file:../../../shared/py/core",
        "tiny-core[x] @ file:///core#egg=x",
        "./../core",
        "../core[x]",
        "..\\core",
        "-e C:\\core",
    ],
)
@pytest.mark.parametrize("name", ["requirements.txt", "needs"])
def test_what_leads_out(root: Path, write: Write, name: str, line: str) -> None:
    more = "" if name == "requirements.txt" else "-r own.txt\n"
    write({f"{HOME}/{name}": f"# -r ../no\n{more}httpx\n{line}\n"})
    assert found(root) == [(f"{HOME}/{name}", 3 + bool(more))]


@pytest.mark.parametrize(
    "line",
    [
        "-r own.txt",
        "-r ./deep/../own.txt",
        "-c ../../../constraints.txt",
        "-c constraints.txt",
        "-e .",
        "-e .[test]",
        "file:.",
        "tiny-core",
        "x @ https://example.com/x.whl",
        "--index-url https://${TOKEN}@example.com",
        "httpx  # -r ../x",
    ],
)
def test_what_stays_inside(root: Path, write: Write, line: str) -> None:
    write({f"{HOME}/requirements.txt": f"{line}\n"})
    assert found(root) == []


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        (
            "pyproject.toml",
            '{}[tool.setuptools.dynamic]\ndependencies = {{ file = "../x.txt" }}',
            2,
        ),
        ("pyproject.toml", '{}[tool.setuptools.dynamic]\nx = {{ file = ["own", "../x"] }}', 2),
        ("pyproject.toml", '{}[tool.uv.sources]\ntiny-core = {{ path = "../../../shared/x" }}', 2),
        (
            "pyproject.toml",
            '{}[tool.x]\nroot = "../../.."\n[tool.uv.sources]\ny = {{ path = "../../.." }}',
            4,
        ),
        ("pyproject.toml", "{}[tool.uv.sources]\n# x\ntiny-core = {{ workspace = true }}", 3),
        ("pyproject.toml", '{}[tool.poetry.group.x.dependencies]\ncore = {{ path = "../c" }}', 2),
        (
            "pyproject.toml",
            '{}[dependency-groups]\ndev = ["core @ file:///${{PROJECT_ROOT}}/../c"]',
            2,
        ),
        ("setup.cfg", "[options]\ninstall_requires = file: own.txt, ../x.txt", 2),
        ("setup.cfg", "[options.extras_require]\na =\n  httpx\n  core @ file:../x", 4),
        ("tox.ini", "[testenv]\ndeps =\n  -r{{toxinidir}}/../x.txt", 3),
        ("tox.ini", "[testenv]\ncommands = pip install -r ../x.txt", 2),
        ("Dockerfile", "FROM x\nRUN pip install --no-cache-dir \\\n  -r ../x.txt", 2),
        ("Dockerfile", 'RUN ["pip", "install", "-r", "../x.txt"]', 1),
        ("api.Dockerfile", "RUN cd x && python -m pip install -qr shared/py/core/more.txt", 1),
        ("Dockerfile", "FROM x\nCOPY ../core /core", 2),
        ("Dockerfile", "COPY shared/py/core/requirements.txt .", 1),
        ("pyproject.toml", '{}[tool.pytest.ini_options]\npythonpath = ["src", "../CORE/src"]', 2),
        ("pyproject.toml", '{}[tool.setuptools]\npackage-dir = {{ x = "../CORE/src/x" }}', 2),
        ("pyproject.toml", '{}[tool.hatch.build.targets.wheel]\npackages = ["../CORE/src"]', 2),
        (
            "pyproject.toml",
            '{}[tool.poetry]\npackages = [{{ include = "x", from = "../CORE" }}]',
            2,
        ),
        ("pyproject.toml", '{}[tool.uv.workspace]\nmembers = ["../../../shared/py/*"]', 2),
        ("pyproject.toml", '{}[tool.mypy]\nmypy_path = "../CORE/src"', 2),
        ("pixi.toml", '[pypi-dependencies]\ncore = {{ path = "../CORE", editable = true }}', 2),
        ("Pipfile", '[packages]\ncore = {{ editable = true, path = "../CORE" }}', 2),
        ("setup.cfg", "[options.packages.find]\nwhere = ../CORE/src", 2),
        ("setup.cfg", "[options]\npackage_dir =\n  = ../CORE/src", 3),
        ("tox.ini", "[testenv]\ndeps =\n  py311: ../CORE[x]", 3),
        ("Dockerfile", "FROM x\nADD ../CORE /x\nRUN pip install /x", 2),
        ("Dockerfile", "RUN --mount=type=bind,source=../CORE,target=/x pip install /x", 1),
        ("Dockerfile", 'COPY --chown=x ["../CORE", "/x"]', 1),
        ("scripts/set-up.sh", "set -e\nuv pip install -e ../../CORE", 2),
        ("scripts/set-up.sh", "set -e\npip install -q -r ../core/requirements.txt", 2),
        ("Makefile", "x:\n\t@pip install ../CORE", 2),
        ("environment.yml", "dependencies:\n  - pip:\n    - httpx\n    - -e ../CORE", 4),
        ("package.json", '{{"dependencies": {{\n"x": "file:../x"}}}}', 2),
        ("package.json", '{{"devDependencies": {{\n"x": "link:../../CORE"}}}}', 2),
        ("package.json", '{{"resolutions": {{\n"x": "portal:../x"}}}}', 2),
        ("package.json", '{{"pnpm": {{"overrides": {{\n"x": "link:../CORE"}}}}}}', 2),
        ("package.json", '{{"imports": {{\n"#x": {{"default": "../CORE/x.js"}}}}}}', 2),
        ("package.json", '{{"bin": "../CORE/x.js"}}', 1),
        ("tsconfig.json", '{{ // x\n"extends": "../CORE/tsconfig.json"}}', 2),
        ("tsconfig.json", '{{"extends": ["./x.json",\n"./../CORE/tsconfig.json"]}}', 2),
        ("tests/tsconfig.json", '{{"include": ["src",\n"../../CORE/src"]}}', 2),
        ("tsconfig.json", '{{"compilerOptions": {{"paths": {{"x": [\n"../CORE/src/x.ts"]}}}}}}', 2),
        ("tsconfig.build.json", '{{"references": [{{\n"path": "../CORE/tsconfig.json"}}]}}', 2),
        ("biome.jsonc", '{{"extends": ["../CORE/biome.json"]}}', 1),
    ],
)
def test_other_files(root: Path, write: Write, name: str, text: str, line: int) -> None:
    path = root / HOME / name
    kept = path.read_text(encoding="utf-8") if path.exists() else ""
    text = text.format(kept).replace("../CORE", "../../../shared/py/core") + "\n"
    write({"shared/py/core/requirements.txt": "", f"{HOME}/{name}": text})
    assert found(root) == [(f"{HOME}/{name}", kept.count("\n") + line)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("README.md", "Never write `-r ../x.txt`:\n\n    -r ../x.txt\n"),
        ("src/tiny_svc_a/x.py", '"""\n-r ../x.txt\n"""\n# -r ../x.txt\n'),
        (
            "Dockerfile",
            "# COPY ../x .\nCOPY --from=b /x /x\nRUN npm install\nRUN pip install -r /x.txt\n",
        ),
        ("Dockerfile", "COPY requirements.txt .\nRUN pip install -r requirements.txt\n"),
        ("setup.cfg", "[options]\ninstall_requires = httpx\n[x]\npath = see ../x\n"),
        ("x.toml", '[tool.coverage.paths]\nsource = ["/home/x", "../x"]\n'),
        ("ruff.toml", 'extend = "../../../pyproject.toml"\n'),
        ("x.toml", '[project]\nlicense = { file = "../../../LICENSE" }\n'),
        (
            "x.toml",
            '[project]\nname = "a"\n[tool.uv.sources]\na = { workspace = true }\n',
        ),
        ("picture.bin", "\0-r ../x"),
        ("data.json", "[1]\n"),
        ("package.json", '{"workspace": true}\n'),
        ("environment.yml", "1: true\n2: x\n"),
        # The rule pins tells of a second lock.
        ("pdm.lock", '[[package]]\nname = "x"\n[package.source]\npath = "../x"\n'),
        ("uv.lock", '[[package]]\nname = "x"\nsource = { editable = "../x" }\n'),
        ("pylock.dev.toml", '[[packages]]\nname = "x"\ndirectory = { path = "../x" }\n'),
        ("tsconfig.json", '{"extends": "../../../tsconfig.base.json", "include": ["../a/src"]}'),
        ("scripts/x.sh", "pip install -r ../own.txt -r $HOME/x.txt\ncp ../../../../x .\n"),
        ("package.json", '{"monorepo": {"generate": {"x": ["../../../shared/py/core/x"]}}}'),
    ],
)
def test_what_is_no_include(root: Path, write: Write, name: str, text: str) -> None:
    write({f"{HOME}/{name}": text})
    assert found(root) == []


@pytest.mark.parametrize("name", ["requirements.txt", "src/tiny_core", "src/x.py"])
def test_a_link_leads_out(root: Path, name: str) -> None:
    # git lists a link to a folder as a file.
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    up = "../" * f"{HOME}/{name}".count("/")
    (root / HOME / name).symlink_to(f"{up}shared/py/core/src")
    (root / HOME / "LICENSE").symlink_to("../../../LICENSE")
    (root / HOME / "in").symlink_to("src")
    assert found(root) == [(f"{HOME}/{name}", 0)]


def test_references_lead_to_declared_packages(root: Path, write: Write) -> None:
    web: dict[str, object] = {"name": "@tiny/svc-web", "dependencies": {"@tiny/ui": "workspace:*"}}
    text = '{"references": [{"path": "../../../shared/js/ui/tsconfig.build.json"}]}'
    write({"services/js/web/package.json": json.dumps(web)})
    write({"shared/js/ui/package.json": '{"name": "@tiny/ui"}'})
    write({"services/js/web/tsconfig.json": text})
    assert found(root) == []
    write({"services/js/web/package.json": '{"name": "@tiny/svc-web"}'})
    assert found(root) == [("services/js/web/tsconfig.json", 1)]


def test_the_root_may_name_what_is_below_it(root: Path, write: Write) -> None:
    write({"requirements.txt": "-e shared/py/core\n-r shared/py/core/more.txt\n-e ../x\n"})
    assert found(root) == [("requirements.txt", 3)]


def test_what_is_malformed_is_noted(root: Path, write: Write) -> None:
    write(
        {
            f"{HOME}/x.toml": "[",
            f"{HOME}/setup.cfg": "x",
            f"{HOME}/.vale.ini": "x=1",
            "tools/templates/a/b/x.toml": "{{ x }}",
        }
    )
    wrong = runner.guard(workspace.load(root), ["includes"])
    assert [(one.path, one.line, one.id, one.message[:11]) for one in wrong] == [
        (f"{HOME}/setup.cfg", 0, "unreadable", "is malforme"),
        (f"{HOME}/x.toml", 1, "unreadable", "is not TOML"),
    ]


@given(st.text(max_size=30), st.sampled_from(["include", "path", "docker", "command", "other"]))
def test_any_value_is_followed_without_a_crash(value: str, kind: str) -> None:
    sources = Sources(workspace.Workspace(Path(os.getcwd()), {}, {}))
    sources.space.__dict__["every"] = {}
    includes.leads_out(sources, "a/b.txt", kind, value)


def test_a_uv_project_has_the_packages_of_its_closure_by_path(
    root: Path, package: MakePackage, write: Write
) -> None:
    package("services/py/b", "tiny-core")
    package("shared/py/other")
    manifest = (root / "services/py/b/pyproject.toml").read_text(encoding="utf-8")
    manifest += "[tool.uv.sources]\n"
    for name in ("core", "other"):
        manifest += f'tiny-{name} = {{ path = "../../../shared/py/{name}" }}\n'
    entry = '[[package]]\nname = "x"\nsource = { editable = "../../../shared/py/%s" }\n'
    lock = entry % "core" + entry % "other"
    write({"services/py/b/pyproject.toml": manifest, "services/py/b/uv.lock": lock})
    lines = manifest.splitlines()
    sources = [
        ("services/py/b/pyproject.toml", lines.index(line) + 1)
        for line in lines
        if "shared" in line
    ]
    both = [*sources, ("services/py/b/uv.lock", 3), ("services/py/b/uv.lock", 6)]
    assert found(root) == sources
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": facts.replace('"shared"', '"uv"')})
    # Not what it does not need.
    assert found(root) == [both[1], both[3]]
