"""A package.json declares what its package imports, and the package uses what it declares."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.core import workspace
from monorepo.dependencies import npm
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources

Write = Callable[[dict[str, str]], None]
A = "shared/js/a"
MAIN = f"{A}/src/index.ts"


@pytest.fixture
def check(root: Path, javascript: Path, write: Write) -> Callable[..., list[Finding]]:
    """Write a package with its manifest and files; return what is wrong."""
    assert javascript == root

    def check(manifest: dict[str, Any], files: dict[str, str]) -> list[Finding]:
        write({f"{A}/package.json": json.dumps({"name": "@tiny/a", **manifest}), **files})
        lock = "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n\n  shared/js/a: {}\n"
        write({"pnpm-lock.yaml": lock})
        sources = Sources(workspace.load(root))
        return list(npm.check(sources, sources.space.packages[A]))

    return check


Check = Callable[..., list[Finding]]


@pytest.mark.parametrize(
    ("manifest", "code"),
    [
        ({"dependencies": {"left": "1"}}, 'import "left/deep.js";'),
        ({"peerDependencies": {"@s/x": "1"}}, 'import { y } from "@s/x/z";'),
        ({"devDependencies": {"left": "1"}}, 'import type { T } from "left";'),
        ({}, 'import fs from "fs";\nimport "node:test";\nimport "./x.ts";\nimport "#internal";'),
        ({}, 'import "@tiny/a";\nimport "https://x/y.js";'),
        ({"dependencies": {"next": "1"}}, 'import "server-only";\nimport "next";'),
        ({"dependencies": {"@tiny/b": "workspace:*"}}, ""),
    ],
)
def test_what_is_right(check: Check, manifest: dict[str, Any], code: str) -> None:
    assert check(manifest, {MAIN: code}) == []


@pytest.mark.parametrize(
    ("manifest", "code", "message"),
    [
        ({}, 'import "left";', "imports left, which is not declared"),
        ({}, 'require("@s/x/y");', "imports @s/x, which is not declared"),
        (
            {"devDependencies": {"left": "1"}},
            'import "left";',
            "imports left, which is only in devDependencies",
        ),
        (
            {"dependencies": {"left": "1"}},
            "",
            "declares left, which nothing here uses",
        ),
    ],
)
def test_what_is_wrong(check: Check, manifest: dict[str, Any], code: str, message: str) -> None:
    (finding,) = check(manifest, {MAIN: code})
    assert (finding.status, finding.message) == ("error", message)


def test_tests_and_tools_have_development_dependencies(check: Check) -> None:
    manifest = {"devDependencies": {"left": "1", "vite": "1"}, "scripts": {"build": "vite build"}}
    assert check(manifest, {MAIN: "", f"{A}/tests/a.test.ts": 'import "left";'}) == []


def test_aliases_are_no_packages(check: Check) -> None:
    config = '{"compilerOptions": {"paths": {"@/*": ["./src/*"], "lib": ["./src/lib.ts"]}}}'
    code = 'import "@/x";\nimport "lib";'
    assert check({}, {MAIN: code, f"{A}/tsconfig.json": config}) == []


def test_what_is_loaded_by_other_means_is_listed(check: Check) -> None:
    manifest = {"dependencies": {"pg": "1"}, "monorepo": {"unimported": {"pg": "Knex does"}}}
    assert check(manifest, {MAIN: ""}) == []


names = st.from_regex(r"(@[a-z]{1,3}/)?[a-z][a-z.-]{0,5}", fullmatch=True)


@given(names, st.sampled_from(["", "/x", "/x/y.js", "?raw"]))
def test_the_package_of_an_import(name: str, rest: str) -> None:
    assert npm._package(f"{name}{rest}") == name


@given(st.text(max_size=30))
def test_any_import_has_a_package_or_none(module: str) -> None:
    name = npm._package(module)
    assert name is None or module.startswith(name)
