"""The rules on imports, services, folders, Pythons and git: quiet at first, and each one fires."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.guard import runner
from tests.template.baking import SHAPES, bake
from tests.template.changes import append

RULES = ["layers", "thin", "structure", "ignored", "python"]
API = "services/py/api/src/acme_svc_api"


def found(root: Path) -> list[str]:
    """Return what the rules find that fails a run."""
    told = runner.guard(workspace.load(root), RULES)
    return [str(one) for one in told if one.status == "error"]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_fresh_monorepo_has_no_findings(shape: str, tmp_path: Path) -> None:
    assert found(bake(tmp_path, packages=SHAPES[shape])) == []


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bake(tmp_path_factory.mktemp("fresh"))


Change = Callable[[Path], object]


def write(path: str, text: str = "x = 1\n") -> Change:
    def change(root: Path) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")

    return change


def replace(path: str, old: str, new: str) -> Change:
    def change(root: Path) -> None:
        text = (root / path).read_text(encoding="utf-8")
        assert re.search(old, text)
        (root / path).write_text(re.sub(old, new, text), encoding="utf-8")

    return change


def remove(path: str) -> Change:
    return lambda root: (root / path).unlink()


def move(old: str, new: str) -> Change:
    return lambda root: shutil.move(root / old, root / new)


def circle(root: Path) -> None:
    """Let two packages need each other."""
    replace("shared/py/core/pyproject.toml", r"dependencies = \[", '\\g<0>"acme-service"')(root)
    replace("shared/py/service/pyproject.toml", r"dependencies = \[", '\\g<0>"acme-core",')(root)


# What goes wrong in practice: the rule that has to say so, at which path, and how to do it.
MUTATORS = [
    ("layers", "shared/py/core/src/acme_core/retries.py", "\nimport acme_svc_api.main\n"),
    ("layers", "shared/py/core/tests/unit/test_retries.py", "\nfrom acme_service._x import y\n"),
    ("layers", f"{API}/main.py", "\nfrom shared.py.core.src.acme_core import delays\n"),
    ("layers", "shared/py/core/tests/unit/test_retries.py", '\nX = "acme_svc_api.main:app"\n'),
    ("layers", "shared/js/core/src/index.ts", '\nexport * from "@acme/svc-web";\n'),
    ("layers", "services/js/web/src/main.ts", '\nimport "../../../../shared/js/core/src/a.ts";\n'),
    ("layers", "services/js/web/src/main.ts", '\nimport "@acme/service/src/app.ts";\n'),
    ("layers", "shared/py/service/pyproject.toml", circle),
    (
        "thin",
        f"{API}/main.py",
        "\n\ndef f(x: int) -> int:\n" + "    x += 1\n" * 30 + "    return x\n",
    ),
    ("thin", f"{API}/prices.py", write(f"{API}/prices.py")),
    ("thin", "services/js/web/src/main.ts", "\nlet x = 1;" * 30),
    ("thin", "services/js/web/src/lib/p.ts", write("services/js/web/src/lib/p.ts", "let x = 1;\n")),
    ("structure", "misc", write("misc/helpers.py")),
    ("structure", "json.py", write("json.py")),
    ("structure", "sitecustomize.py", write("sitecustomize.py")),
    ("structure", "GNUmakefile", write("GNUmakefile", "all:\n")),
    ("structure", "packaging", write("packaging/__init__.py")),
    ("structure", "shared/java", write("shared/java/x/pom.xml")),
    ("structure", "shared/py/Audio_IO", write("shared/py/Audio_IO/notes.md")),
    ("structure", "shared/py/util.py", write("shared/py/util.py")),
    ("structure", "shared/py/core", remove("shared/py/core/README.md")),
    ("structure", "shared/py/core", lambda root: shutil.rmtree(root / "shared/py/core/tests")),
    ("structure", "services/py/api", remove("services/py/api/scripts/smoke.sh")),
    ("structure", "services/js/web", remove("services/js/web/tests/main.test.ts")),
    (
        "structure",
        "shared/py/core/tests/test_retries.py",
        move(
            *(
                f"shared/py/core/tests/{path}"
                for path in ("unit/test_retries.py", "test_retries.py")
            )
        ),
    ),
    (
        "structure",
        "shared/py/core/src/acme_core/test_it.py",
        write("shared/py/core/src/acme_core/test_it.py"),
    ),
    (
        "structure",
        "shared/py/core/src/acme_core/sub-part/one.py",
        write("shared/py/core/src/acme_core/sub-part/one.py"),
    ),
    (
        "structure",
        "shared/js/core/src/a.test.ts",
        write("shared/js/core/src/a.test.ts", "let x = 1;\n"),
    ),
    ("structure", "shared/py/core/package.json", write("shared/py/core/package.json", "{}")),
    (
        "ignored",
        "shared/py/core/src/acme_core/build/x.py",
        write("shared/py/core/src/acme_core/build/x.py"),
    ),
    ("ignored", "shared/py/core/venv/lib/x.py", write("shared/py/core/venv/lib/x.py")),
    ("ignored", ".gitignore", "cache/  # not ours\n"),
    ("python", "pyproject.toml", replace("pyproject.toml", r'"py311"', '"py312"')),
    (
        "python",
        "pyproject.toml",
        replace("pyproject.toml", r'(?<=python_version = )"3.11"', '"3.9"'),
    ),
    ("python", "README.md", replace("README.md", r"Python 3.11 or", "Python 3.9 or")),
    (
        "python",
        ".github/workflows/ci.yml",
        replace(".github/workflows/ci.yml", r'-version: "3.11"', '-version: "3.10"'),
    ),
    (
        "python",
        "shared/py/service/pyproject.toml",
        replace("shared/py/service/pyproject.toml", r">=3\.11", ">=3.12"),
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("rule", "path", "change"), MUTATORS)
def test_what_goes_wrong_is_found_by_its_rule(
    fresh: Path, tmp_path: Path, rule: str, path: str, change: Change | str
) -> None:
    root = tmp_path / "root"
    shutil.copytree(fresh, root)
    if path.endswith("build/x.py"):
        append(".gitignore", "build/\n")(root)
    (append(path, change) if isinstance(change, str) else change)(root)
    lines = found(root)
    assert {line.split(": ")[1].partition(".")[0] for line in lines} == {rule}, lines
    assert re.split(r":\d+: |: ", lines[0])[0] == path or any(
        line.startswith(f"{path}:") or line.startswith(f"{path}/") for line in lines
    ), lines
