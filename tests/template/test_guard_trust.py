"""Workflows, secrets, and what JavaScript declares: quiet at first, and each of them fires."""

import shutil
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.guard import catalog, runner
from tests.template.baking import SHAPES, bake
from tests.template.changes import Change, added, first, replaced

CI = ".github/workflows/ci.yml"
CORE = "shared/js/core"
SETTINGS = "pnpm-workspace.yaml"
WEB = "services/js/web"


@pytest.mark.parametrize("shape", SHAPES)
def test_a_fresh_monorepo_has_no_findings_and_no_warnings(shape: str, tmp_path: Path) -> None:
    root = bake(tmp_path, packages=SHAPES[shape])
    rules = ["declared", "workflows", "secrets", "sources"]
    assert runner.guard(workspace.load(root), rules) == []


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bake(tmp_path_factory.mktemp("fresh"))


KEY = f"-----BEGIN PRIVATE KEY-----\n{'aB3' * 99}\n-----END PRIVATE KEY-----\n"
TITLE = "      - run: echo ${{ github.event.pull_request.title }}\n"

# What goes wrong in practice: the rules that have to say so, at which path, and how to do it.
MUTATORS: list[tuple[set[str], str, Change]] = [
    ({"workflows"}, CI, replaced(r"checkout@\S+ # ", "checkout@")),
    ({"workflows"}, CI, replaced(r"^    permissions:\n.*$", "    permissions: write-all")),
    ({"workflows"}, CI, replaced(r"^ +timeout-minutes: .*\n", "")),
    ({"workflows"}, CI, replaced(r"^ +with:\n +persist-credentials: false\n", "")),
    ({"workflows"}, CI, replaced(r"^ +- uses: actions/checkout", TITLE + r"\g<0>")),
    ({"unreadable"}, CI, replaced(r"^jobs:$", "jobs: [")),
    ({"workflows"}, CI, replaced(r"^    steps:$", "    step:")),
    ({"workflows"}, ".github/actions/a/action.yml", first("name: a\n")),
    ({"secrets"}, ".env.example", added(f"TOKEN=glpat-{'Xk9mQ2vL7p'}R4tW8zB3nD\n")),
    ({"secrets"}, "shared/py/core/tests/unit/key.pem", first(KEY)),
    ({"secrets"}, f"{CORE}/src/index.ts", added(f"\nexport const key = `{KEY}`;\n")),
    (
        {"secrets"},
        "README.md",
        added(f"\n```sh\nexport S=xoxb-{'1' * 6}234567-{'890' * 4}1-{'aZ9' * 8}\n```\n"),
    ),
    ({"sources"}, ".npmrc", first("registry=https://example.com/\n")),
    ({"sources"}, "uv.toml", first('index-url = "https://example.com/simple"\n')),
    ({"sources"}, "pyproject.toml", added('\n[[tool.uv.index]]\nurl = "https://example.com"\n')),
    ({"sources"}, ".pnpmfile.cjs", first("module.exports = {};\n")),
    ({"sources"}, SETTINGS, added("dangerouslyAllowAllBuilds: true\n")),
    ({"sources"}, SETTINGS, added("registry: https://example.com/\n")),
    ({"sources"}, SETTINGS, replaced(r"allowBuilds: \{\}", "allowBuilds: { esbuild: true }")),
    ({"sources"}, SETTINGS, replaced(r"^minimumReleaseAge: .*\n", "")),
    ({"sources"}, SETTINGS, replaced(r"^trustLockfile: .*\n", "")),
    (
        {"sources"},
        "pnpm-lock.yaml",
        replaced(
            r"(  fastify@.*:\n    resolution: .*)\}", r"\1, tarball: https://example.com/x.tgz}"
        ),
    ),
    (
        {"sources"},
        "package.json",
        replaced(r'"type"', '"scripts": { "postinstall": "x" },\n  "type"'),
    ),
    ({"pins"}, "package.json", replaced(r"pnpm@[^\"]*", "pnpm@file:./evil")),
    ({"declared"}, f"{CORE}/src/index.ts", first('import { fastify } from "fastify";\n')),
    ({"declared"}, f"{CORE}/src/index.ts", first('import ts from "typescript";\n')),
    (
        {"declared"},
        f"{CORE}/src/index.ts",
        added('\nexport const late = () => import("publint");\n'),
    ),
    ({"declared"}, f"{WEB}/tests/main.test.ts", first('import { publint } from "publint";\n')),
    ({"declared"}, f"{WEB}/src/main.ts", first('import type { X } from "publint";\n')),
    (
        {"pins"},
        f"{CORE}/package.json",
        replaced(r'"devDependencies": \{', r'\g<0>\n    "fastify": "catalog:",'),
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("rules", "path", "change"), MUTATORS)
def test_exactly_the_rule_that_should_fires(
    fresh: Path, tmp_path: Path, rules: set[str], path: str, change: Change
) -> None:
    root = tmp_path / "root"
    shutil.copytree(fresh, root)
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(change(file.read_text("utf-8") if file.exists() else ""), "utf-8")
    found = runner.guard(workspace.load(root), catalog.RULES)
    lines = [str(one) for one in found if one.status == "error"]
    assert {one.rule for one in found if one.status == "error"} == rules, lines
    assert any(line.startswith(f"{path}:") for line in lines), lines
