"""A fresh monorepo of any shape passes includes, pins and confusion; what breaks it is found."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.guard import runner
from tests.template.baking import SHAPES, bake, own_template

RULES = ("includes", "pins", "confusion")


def found(root: Path) -> list[tuple[str, str]]:
    """Return rule and path of what is found; nothing is installed, of which pins warns."""
    wrong = runner.guard(workspace.load(root), RULES)
    return [(one.rule, one.path) for one in wrong if one.status == "error"]


@pytest.fixture(scope="module", params=SHAPES)
def shape(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a monorepo of each shape, once."""
    return bake(tmp_path_factory.mktemp("shape"), packages=SHAPES[request.param])


def test_a_fresh_monorepo_has_no_findings(shape: Path) -> None:
    assert found(shape) == []


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a monorepo to break, with a sub-template of the team's own."""
    root = bake(tmp_path_factory.mktemp("broken"), packages=SHAPES["default"])
    own_template(root, "services-py")
    assert found(root) == []
    return root


def append(path: str, text: str) -> tuple[str, Callable[[str], str]]:
    """Return a change that adds a text to a file, or makes it."""
    return path, lambda old: f"{old}{text}"


def swap(path: str, old: str, new: str) -> tuple[str, Callable[[str], str]]:
    """Return a change that replaces a text in a file."""

    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return path, change


def without(path: str, start: str) -> tuple[str, Callable[[str], str]]:
    """Return a change that takes away the lines that start with a text."""
    return path, lambda text: "".join(
        line for line in text.splitlines(keepends=True) if not line.startswith(start)
    )


def depend(path: str, name: str, wanted: str) -> tuple[str, Callable[[str], str]]:
    """Return a change that gives a package.json a dependency."""

    def change(text: str) -> str:
        manifest = json.loads(text)
        manifest.setdefault("dependencies", {})[name] = wanted
        return json.dumps(manifest, indent=2)

    return path, change


API = "services/py/api"
# The first of several that ask for something is told of.
CORE = "shared/py/core/pyproject.toml"
WEB = "services/js/web/package.json"
TEMPLATE = "tools/templates/services-py/{{cookiecutter.name}}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rules", "at", "change"),
    [
        ("includes", "", append(f"{API}/needs", "-r../../../shared/py/core/x.txt\n")),
        ("includes", "", append(f"{API}/lock", "httpx==1\n  --requirement=shared/py/core/x.in\n")),
        ("includes", "", append(f"{API}/pyproject.toml", "[tool.uv.sources]\nx.path='..'\n")),
        ("includes", "", append(f"{API}/Dockerfile", "FROM x\nCOPY ../../../shared/py /shared\n")),
        ("includes", "", append(f"{TEMPLATE}/requirements.txt", "-e ../../py-service-runtime\n")),
        ("includes", "", append(f"{API}/setup.cfg", "[options]\ninstall_requires = file: ../x\n")),
        ("pins", CORE, without("constraints.txt", "pytest-cov==")),
        ("pins", "", append("constraints.txt", "--index-url https://example.com/simple\n")),
        ("pins", "", append("constraints.txt", "pytest==1.0\n")),
        ("pins", "", swap("constraints.txt", "uv==", "uv>=")),
        ("pins", CORE, swap("constraints.txt", "\npytest==9", "\npytest==8")),
        ("pins", "", swap("package.json", "pnpm@12.21.0+", "pnpm@12+")),
        ("pins", "", swap("package.json", '"type"', '"overrides": {"left": "1"},\n  "type"')),
        ("pins", "", depend(WEB, "left", "^1.0.0")),
        ("unreadable", "", append("pnpm-lock.yaml", "\n  broken\n")),
        ("confusion", "", append("constraints.txt", "acme-core==1.0\n")),
        ("confusion pins", "", append(f"{API}/requirements.txt", "acme_core\n")),
        ("confusion", "", append("x.sh", "pip install -c constraints.txt ./services/py/api\n")),
        ("confusion", "", append(f"{API}/Dockerfile", "FROM x\nRUN pip install acme-core\n")),
        ("confusion", "", append(".github/workflows/x.yml", "- run: pip install acme-core[x]\n")),
    ],
)
def test_what_breaks_it_is_found_by_its_rule(
    fresh: Path, tmp_path: Path, rules: str, at: str, change: tuple[str, Callable[[str], str]]
) -> None:
    path, changed = change
    root = Path(shutil.copytree(fresh, tmp_path / "root"))
    file = root / path
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(changed(before), encoding="utf-8")
    wrong = found(root)
    assert {one for one, _ in wrong} == {*rules.split()}
    assert (at or path) in [where for _, where in wrong]
