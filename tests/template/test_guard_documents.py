"""The rules drift and docs: quiet at first and after make new, and each one fires alone."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.guard import catalog, runner
from monorepo.scaffold import addition
from tests.template.baking import SHAPES, bake, files, own_template
from tests.template.changes import append

WEB, CORE = "services/js/web", "shared/js/core"


def found(root: Path, *rules: str) -> list[str]:
    """Return what rules find that fails a run; all of them, if none is named."""
    told = runner.guard(workspace.load(root), rules or catalog.RULES)
    return [str(one) for one in told if one.status == "error"]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_fresh_monorepo_has_no_findings(shape: str, tmp_path: Path) -> None:
    root = bake(tmp_path, packages=SHAPES[shape])
    assert found(root, "drift", "docs") == []
    rules = re.findall(r"(?m)^- `(\w+)`:", (root / "AGENTS.md").read_text(encoding="utf-8"))
    assert rules == list(catalog.RULES)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bake(tmp_path_factory.mktemp("fresh"))


@pytest.fixture
def root(fresh: Path, tmp_path: Path) -> Path:
    """Return a copy of a fresh monorepo."""
    return Path(shutil.copytree(fresh, tmp_path / "root"))


def test_after_new_packages_nothing_is_found(root: Path) -> None:
    for path, needs in {
        "shared/py/audio": "shared/py/core",
        "services/py/sound": "shared/py/audio",
        "shared/js/audio": "shared/js/core",
        "services/js/sound": "shared/js/audio",
    }.items():
        addition.add(root, [path], dependencies=[needs])
    assert found(root, "drift", "docs") == []


Change = Callable[[Path], object]


def replace(path: str, old: str, new: str) -> Change:
    def change(root: Path) -> None:
        text = (root / path).read_text(encoding="utf-8")
        assert old in text
        (root / path).write_text(text.replace(old, new), encoding="utf-8")

    return change


def depend(root: Path) -> None:
    """Let a service need a package, as somebody does who knows npm and not TypeScript."""
    path = root / WEB / "package.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["dependencies"]["@acme/core"] = "workspace:*"
    path.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    append(f"{WEB}/src/main.ts", 'import { chunks } from "@acme/core";\nchunks("x", 1);\n')(root)
    link = "      '@acme/core':\n        specifier: workspace:*\n        version: link:../../../"
    link += "shared/js/core\n      '@acme/service':\n        specifier: workspace:*\n"
    old = "      '@acme/service':\n        specifier: workspace:*\n"
    replace("pnpm-lock.yaml", old, link)(root)


def leave(root: Path) -> None:
    """Leave a package in the lock, as somebody does who resolves a conflict by hand."""
    integrity = f"{{integrity: sha512-{'x' * 86}==}}"
    block = f"  left-pad@1.3.0:\n    resolution: {integrity}\n\n"
    text = (root / "pnpm-lock.yaml").read_text(encoding="utf-8")
    head, mark, tail = text.partition("  light-my-request@")
    assert mark
    head, mark2, middle = (head + block + mark + tail).rpartition("  light-my-request@")
    text = f"{head}  left-pad@1.3.0: {{}}\n\n{mark2}{middle}"
    (root / "pnpm-lock.yaml").write_text(text, encoding="utf-8")


def draw(root: Path) -> None:
    """Draw the packages, then change what one needs."""
    edge = 'flowchart LR\n    p0["shared/py/core"]\n    p1["shared/py/gone"]\n    p1 --> p0\n'
    append("README.md", f"\n```mermaid\n{edge}```\n")(root)


def own(root: Path) -> None:
    """Let a sub-template of the team's own ask for what its lock has not."""
    manifest = own_template(root, "shared-js") / "{{cookiecutter.name}}/package.json"
    old, new = '"typescript": "catalog:"', '"publint": "catalog:",\n    "typescript": "catalog:"'
    replace(str(manifest.relative_to(root)), old, new)(root)


# What goes wrong in practice: the rules that have to say so, and at which place.
MUTATORS: list[tuple[str, str, Change]] = [
    ("drift", "README.md:", draw),
    ("drift", f"{WEB}/tsconfig.build.json:", depend),
    ("pins", "pnpm-lock.yaml:", leave),
    (
        "pins",
        "pnpm-workspace.yaml:",
        replace("pnpm-workspace.yaml", "fastify: 5.12.8", "fastify: 5.12.9"),
    ),
    ("drift", "pnpm-workspace.yaml:", replace("pnpm-workspace.yaml", "  - services/js/*\n", "")),
    ("drift", "tsconfig.json:", replace("tsconfig.json", '    "services/js/*/tests",\n', "")),
    (
        "drift",
        f"{CORE}/package.json:",
        replace(
            f"{CORE}/package.json",
            '        "types": "./dist/index.d.ts",\n        "def',
            '        "def',
        ),
    ),
    ("pins", "tools/templates/shared-js:", own),
    ("docs", "README.md:", replace("Makefile", "outdated: setup", "newer: setup")),
    ("docs", f"{CORE}/README.md:", append(f"{CORE}/README.md", "\nRun `make tests`.\n")),
    ("docs", "CONTRIBUTING.md:", append("CONTRIBUTING.md", "\nSee [it](README.md#setup).\n")),
    ("docs", "AGENTS.md:", replace("AGENTS.md", "- `docs`", "- `documents`")),
    ("docs", "AGENTS.md:", append("AGENTS.md", "\n```sh\nmake test PKG=shared/py/cor\n```\n")),
    ("docs", "README.md:", append("README.md", "\nAt last, `nox -s unit`.\n")),
    ("docs", "tools/README.md:", append("tools/README.md", "\n`python -m acme_core.gone`\n")),
    ("docs", "README.md:", append("README.md", "\n`services/py/api/scripts/run.sh`\n")),
]


@pytest.mark.slow
@pytest.mark.parametrize(("rule", "place", "change"), MUTATORS)
def test_what_goes_wrong_is_found_by_its_rule(
    root: Path, rule: str, place: str, change: Change
) -> None:
    change(root)
    lines = found(root)
    assert {line.split(": ")[1].partition(".")[0] for line in lines} == {rule}, lines
    assert all(line.startswith(place) for line in lines), lines


def test_what_can_be_mended_is(root: Path) -> None:
    draw(root)
    depend(root)
    wrong = runner.guard(workspace.load(root), ["drift"])
    assert runner.apply_fixes(workspace.load(root), wrong)
    assert found(root, "drift") == []
    text = (root / WEB / "tsconfig.build.json").read_text(encoding="utf-8")
    assert '"../../../shared/js/core/tsconfig.build.json"' in text


def test_what_the_documents_show_is_looked_at(fresh: Path) -> None:
    """Count what is read: a reader that found no command would have nothing to complain of."""
    from monorepo.parsing import markdown

    counts = {
        name: len(markdown.read((fresh / name).read_text(encoding="utf-8")))
        for name in files(fresh)
        if name.endswith(("README.md", "AGENTS.md", "CONTRIBUTING.md")) and "{{" not in name
    }
    assert all(counts.values()) and counts["README.md"] > 40 and counts["AGENTS.md"] > 30, counts
