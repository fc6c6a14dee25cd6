"""No index is asked for a name of this repository."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.guard import runner
from monorepo.guard.findings import Finding

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
MakeGroups = Callable[..., None]


def found(root: Path) -> list[Finding]:
    return runner.guard(workspace.load(root), ["confusion"])


@pytest.fixture(autouse=True)
def packages(package: MakePackage) -> None:
    package("shared/py/core", x=["tiny-more"])
    package("shared/py/more")
    package("services/py/api", "tiny-core")


@pytest.mark.parametrize(
    ("command", "asked"),
    [
        ("pip install httpx", ""),
        ("pip install tiny-core", "tiny-core"),
        ("pip install -U 'Tiny_Core[x]>=1'", "tiny-core"),
        ("python3 -m pip --quiet install tiny-core", "tiny-core"),
        ("uv pip install tiny-core", "tiny-core"),
        ("uv add tiny-core", "tiny-core"),
        ("cd x && pip3.11 wheel tiny-core", "tiny-core"),
        ("pip install --no-index tiny-core", ""),
        ("pip install --no-deps ./services/py/api", ""),
        ("pip install ./shared/py/core", ""),
        ("pip install -e './shared/py/core[x]'", "tiny-more"),
        ("pip install -e ./shared/py/core[x] ./shared/py/more", ""),
        ("pip install -c constraints.txt services/py/api", "tiny-core"),
        ("pip install shared/py/core services/py/api", ""),
        ("pip install shared/py/core; pip install services/py/api", "tiny-core"),
        ("pip install services/py/api tiny-core", "tiny-core"),
        ("# pip install tiny-core", ""),
        ("pip show tiny-core", ""),
        ("echo 'pip install tiny-core'", ""),
    ],
)
@pytest.mark.parametrize("name", ["x.sh", "Dockerfile", "Makefile", ".github/workflows/x.yml"])
def test_commands(root: Path, write: Write, name: str, command: str, asked: str) -> None:
    before = {"Dockerfile": "RUN ", "Makefile": "\t@", ".github/workflows/x.yml": "- run: "}
    write({name: f"\n{before.get(name, '')}{command}\n"})
    wrong = found(root)
    assert [(one.path, one.line) for one in wrong] == ([(name, 2)] if asked else [])
    assert all(one.message == f"asks an index for {asked}" for one in wrong)


def test_continued_commands_are_one(root: Path, write: Write) -> None:
    write({"x.sh": "pip install \\\n  shared/py/core \\\n  # both\n  services/py/api\n"})
    write({"x.sh": "pip install \\\n  shared/py/core \\\n  services/py/api\n"})
    assert found(root) == []


def test_names_in_requirements_and_pins(root: Path, write: Write) -> None:
    write({"services/py/api/requirements.txt": "httpx\ntiny.core==1\n-e .\n"})
    write({"constraints.txt": "uv==9.9\nTiny-Core==1.0\n", "notes.txt": "tiny-core\n"})
    told = [(one.path, one.line, one.lines) for one in found(root)]
    requirements = "services/py/api/requirements.txt"
    assert told == [("constraints.txt", 2, ()), (requirements, 2, None)]


def test_a_stranger_in_a_group(root: Path, package: MakePackage, groups: MakeGroups) -> None:
    package("shared/py/new")
    groups("shared/py/new", test=["tinyest", "tiny-cor"])
    (one,) = found(root)
    assert (one.path, one.line) == ("shared/py/new/pyproject.toml", 13)
    assert one.message == "tiny-cor is named like a package of this repository and is none"


def test_a_stranger_that_is_named_like_ours(root: Path, package: MakePackage, write: Write) -> None:
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": f'{facts}external = ["Tiny_SDK", "@tiny/sdk"]\n'})
    package("shared/py/new", "tiny-cor", "tinyest", "tiny_more", "tiny-sdk")
    (one,) = found(root)
    assert (one.path, one.line) == ("shared/py/new/pyproject.toml", 9)
    assert one.message == "tiny-cor is named like a package of this repository and is none"


def test_a_name_without_the_namespace(root: Path, write: Write) -> None:
    write({"shared/py/new/pyproject.toml": '[project]\nname = "audio"\n'})
    (one,) = found(root)
    assert (one.line, one.message[:5]) == (2, "audio")


@pytest.mark.parametrize("group", ["dependencies", "devDependencies", "peerDependencies"])
@pytest.mark.parametrize("wanted", ["^1.0.0", "*", "catalog:", "npm:@tiny/a@1", "link:../a"])
def test_npm_names(root: Path, write: Write, group: str, wanted: str) -> None:
    write({"shared/js/a/package.json": '{"name": "@tiny/a"}', "package.json": "{}"})
    manifest = {"name": "@tiny/b", group: {"@tiny/a": wanted, "left": "1"}}
    write({"shared/js/b/package.json": json.dumps(manifest, indent=2)})
    (one,) = found(root)
    assert (one.path, one.line) == ("shared/js/b/package.json", 4)
    runner.apply_fixes(workspace.load(root), [one])
    assert found(root) == []
    text = (root / one.path).read_text(encoding="utf-8")
    assert json.loads(text)[group] == {"@tiny/a": "workspace:*", "left": "1"}


def test_npm_strangers_commands_and_locks(root: Path, write: Write) -> None:
    write({"shared/js/a/package.json": '{"name": "@tiny/a", "dependencies": {"@tiny/z": "1"}}'})
    write({"x.sh": "pnpm add @tiny/a@1\nnpm install left\npnpm add --workspace @tiny/a\n"})
    head = "lockfileVersion: '9.0'\n\npackages:\n\n"
    write({"pnpm-lock.yaml": f"{head}  '@tiny/a@1.0.0':\n    resolution: {{integrity: x}}\n"})
    told = [(one.path, one.line) for one in found(root)]
    assert told == [("pnpm-lock.yaml", 5), ("shared/js/a/package.json", 1), ("x.sh", 1)]
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": f'{facts}external = ["@tiny/z"]\n'})
    write({"pnpm-lock.yaml": f"{head}  '@tiny/z@1.0.0':\n    resolution: {{integrity: x}}\n"})
    assert [one.path for one in found(root)] == ["x.sh"]


def test_what_is_malformed_is_no_crash(root: Path, write: Write) -> None:
    write({"package.json": "[1", "pnpm-lock.yaml": "x: [", "x/package.json": "[]"})
    assert [one.rule for one in found(root)] == ["unreadable", "unreadable"]
