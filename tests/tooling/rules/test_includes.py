"""No path leads out of a package, however it is spelled; what stays in it may stay."""

import os
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
        ("pyproject.toml", "{}[tool.uv.sources]\n# x\ntiny-core = {{ workspace = true }}", 3),
        ("pyproject.toml", '{}[tool.poetry.group.x.dependencies]\ncore = {{ path = "../c" }}', 2),
        (
            "pyproject.toml",
            '{}[dependency-groups]\ndev = ["core @ file:///${{PROJECT_ROOT}}/../c"]',
            2,
        ),
        ("pdm.lock", '[[package]]\nname = "x"\n[package.source]\npath = "../x"', 4),
        ("uv.lock", '[[package]]\nname = "x"\nsource = {{ editable = "../x" }}', 3),
        ("setup.cfg", "[options]\ninstall_requires = file: own.txt, ../x.txt", 2),
        ("setup.cfg", "[options.extras_require]\na =\n  httpx\n  core @ file:../x", 4),
        ("tox.ini", "[testenv]\ndeps =\n  -r{{toxinidir}}/../x.txt", 3),
        ("tox.ini", "[testenv]\ncommands = pip install -r ../x.txt", 2),
        ("Dockerfile", "FROM x\nRUN pip install --no-cache-dir \\\n  -r ../x.txt", 2),
        ("Dockerfile", 'RUN ["pip", "install", "-r", "../x.txt"]', 1),
        ("api.Dockerfile", "RUN cd x && python -m pip install -qr shared/py/core/more.txt", 1),
        ("Dockerfile", "FROM x\nCOPY ../core /core", 2),
        ("Dockerfile", "COPY shared/py/core/requirements.txt .", 1),
        ("package.json", '{{"dependencies": {{\n"x": "file:../x"}}}}', 2),
    ],
)
def test_other_files(root: Path, write: Write, name: str, text: str, line: int) -> None:
    path = root / HOME / name
    kept = path.read_text(encoding="utf-8") if path.exists() else ""
    write({"shared/py/core/requirements.txt": "", f"{HOME}/{name}": text.format(kept) + "\n"})
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
        ("setup.cfg", "[options]\ninstall_requires = httpx\n[x]\npath = ../x\n"),
        ("x.toml", '[tool.coverage.paths]\nsource = ["/home/x", "../x"]\n'),
        ("ruff.toml", 'extend = "../../../pyproject.toml"\n'),
        ("x.toml", '[project]\nlicense = { file = "../../../LICENSE" }\n'),
        (
            "x.toml",
            '[project]\nname = "a"\n[tool.uv.sources]\na = { workspace = true }\n',
        ),
        ("picture.bin", "\0-r ../x"),
    ],
)
def test_what_is_no_include(root: Path, write: Write, name: str, text: str) -> None:
    write({f"{HOME}/{name}": text})
    assert found(root) == []


def test_a_link_leads_out(root: Path) -> None:
    (root / HOME / "requirements.txt").symlink_to("../../../shared/py/core/more.txt")
    assert found(root) == []
    (root / "shared/py/core/more.txt").write_text("-c own.txt\n", encoding="utf-8")
    assert found(root) == [(f"{HOME}/requirements.txt", 0)]


def test_the_root_may_name_what_is_below_it(root: Path, write: Write) -> None:
    write({"requirements.txt": "-e shared/py/core\n-r shared/py/core/more.txt\n-e ../x\n"})
    assert found(root) == [("requirements.txt", 3)]


def test_what_is_malformed_is_noted(root: Path, write: Write) -> None:
    write({f"{HOME}/x.toml": "[", f"{HOME}/x.cfg": "x", "tools/templates/a/b/x.toml": "{{ x }}"})
    wrong = runner.guard(workspace.load(root), ["includes"])
    assert [(one.path, one.rule, one.status) for one in wrong] == [
        (f"{HOME}/x.cfg", "unreadable", "error"),
        (f"{HOME}/x.toml", "unreadable", "error"),
    ]


@given(st.text(max_size=30), st.sampled_from(["include", "path", "docker"]))
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
    assert found(root) == both
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": facts.replace('"shared"', '"uv"')})
    # Not what it does not need.
    assert found(root) == [both[1], both[3]]
