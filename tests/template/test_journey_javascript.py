"""What CONTRIBUTING.md says of JavaScript works, and what it says does not work does not."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.template.baking import bake, changed, commit, edit, run

pytestmark = pytest.mark.slow

PAIRS, CORE = "shared/js/pairs", "shared/js/core"
INDEX = """\
import { chunks } from "@acme/core";
import { two } from "#two";

/** Cut a text into pairs. */
export const pairs = (text: string): string[][] => [...chunks(text, two)];
"""
NODE_TEST = """\
import assert from "node:assert/strict";
import test from "node:test";
import { pairs } from "@acme/pairs";

test("pairs keep the rest", () => {
  assert.deepEqual(pairs("abc"), [["a", "b"], ["c"]]);
});
"""
VITEST = """\
import { expect, test } from "vitest";
import { pairs } from "../src/index.ts";

test("pairs keep the rest", () => {
  expect(pairs("abc")).toEqual([["a", "b"], ["c"]]);
});

test("nothing has no pairs", () => {
  expect(pairs("")).toEqual([]);
});
"""
CONFIGURATION = """\
import { defineConfig } from "vitest/config";

export default defineConfig({
  ssr: { resolve: { conditions: ["source"] } },
  test: { coverage: { include: ["src/**"], thresholds: { lines: 80 } } },
});
"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a monorepo with a package that has a subpath import and needs another package."""
    root = bake(tmp_path_factory.mktemp("javascript"), packages=CORE)
    commit(root)
    run(root, "make", "new", f"AT={PAIRS}", f"DEPS={CORE}")
    manifest = read(root)
    manifest["imports"] = {"#two": {"source": "./src/two.ts", "default": "./dist/two.js"}}
    write(root, manifest)
    (root / PAIRS / "src/two.ts").write_text("export const two = 2;\n", encoding="utf-8")
    (root / PAIRS / "src/index.ts").write_text(INDEX, encoding="utf-8")
    (root / PAIRS / "tests/index.test.ts").write_text(NODE_TEST, encoding="utf-8")
    commit(root)
    return root


@pytest.fixture
def root(kept: Path) -> Iterator[Path]:
    """Return that monorepo; afterwards, all is as it was committed."""
    yield kept
    run(kept, "git", "checkout", "--quiet", ".")
    run(kept, "git", "clean", "-fdxq", "shared")
    run(kept, "make", "install")


def read(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / PAIRS / "package.json").read_text(encoding="utf-8"))
    return found


def write(root: Path, manifest: dict[str, Any]) -> None:
    text = json.dumps(manifest, indent=2) + "\n"
    (root / PAIRS / "package.json").write_text(text, encoding="utf-8")


def declare(root: Path, **versions: str) -> None:
    """Have the package need what npm has, from the catalog."""
    manifest = read(root)
    needed = {**manifest["devDependencies"], **dict.fromkeys(versions, "catalog:")}
    write(root, {**manifest, "devDependencies": dict(sorted(needed.items()))})
    lines = "".join(f'  "{name}": {version}\n' for name, version in versions.items())
    edit(root / "pnpm-workspace.yaml", "catalog:\n", f"catalog:\n{lines}")


def test_subpath_imports_work_and_paths_do_not(root: Path) -> None:
    run(root, "make", "check", "build")
    said = run(root, root / ".venv/bin/nox", "-s", f"test({PAIRS})", f"build({PAIRS})")
    assert said.count(": success") == 2
    assert changed(root) == ""
    alias = '"noEmit": true,\n    "paths": {\n      "@/*": [\n        "./src/*"\n      ]\n    }'
    edit(root / PAIRS / "tsconfig.json", '"noEmit": true', alias)
    edit(root / PAIRS / "src/index.ts", '"#two"', '"@/two.ts"')
    assert "error TS2877" in run(root / PAIRS, "make", "type-check", code=2)
    assert "Cannot find package '@/two.ts'" in run(root / PAIRS, "make", "test", code=2)


def test_a_file_that_no_test_loads_counts_as_not_covered(root: Path) -> None:
    lines = "".join(f"  sum += {number};\n" for number in range(40))
    unused = f"export function unused(): number {{\n  let sum = 0;\n{lines}  return sum;\n}}\n"
    (root / PAIRS / "src/unused.ts").write_text(unused, encoding="utf-8")
    said = run(root, "make", "test-coverage", f"PKG={PAIRS}", code=2)
    assert "does not meet global threshold (80%)" in said
    assert (root / PAIRS / "coverage/unused.ts.html").exists()
    assert changed(root) == f"?? {PAIRS}/src/unused.ts\n"


def test_vitest_takes_the_place_of_the_runner_of_node(root: Path) -> None:
    declare(root, vitest="^4.0.0", **{"@vitest/coverage-v8": "^4.0.0"})
    manifest = read(root)
    manifest["scripts"]["test"] = "vitest run"
    write(root, manifest)
    (root / PAIRS / "tests/index.test.ts").write_text(VITEST, encoding="utf-8")
    (root / PAIRS / "vitest.config.ts").write_text(CONFIGURATION, encoding="utf-8")
    run(root, "make", "lock", "format", "build")
    said = run(root / PAIRS, "make", "test", "ARGS=-k nothing has")
    assert "1 skipped" in said
    said = run(root, root / ".venv/bin/nox", "-s", f"test({PAIRS})", f"test-coverage({PAIRS})")
    assert said.count(": success") == 2
    # What is wrong in another package is seen without a build.
    edit(root / CORE / "src/index.ts", "chunk.length === size", "chunk.length === size + 1")
    assert "pairs keep the rest" in run(root / PAIRS, "make", "test", code=2)
    run(root, "git", "checkout", "--quiet", CORE)
    # A configuration that does not know where the sources are reads what was built.
    edit(root / PAIRS / "vitest.config.ts", '["source"]', '["other"]')
    run(root, "make", "clean")
    run(root / PAIRS, "make", "test", code=2)
    edit(root / PAIRS / "vitest.config.ts", '["other"]', '["source"]')
    edit(root / PAIRS / "vitest.config.ts", "lines: 80", "lines: 101")
    assert "does not meet" in run(root / PAIRS, "make", "test-coverage", code=2)


def test_what_is_installed_runs_no_script_unless_it_is_allowed(root: Path) -> None:
    declare(root, esbuild="^0.28.0")
    said = run(root, "make", "lock", "install", code=2)
    assert "esbuild wants to run a script while it is installed; allow or refuse it under" in said
    # Its program is a package of its own, for each platform.
    run(root, root / PAIRS / "node_modules/.bin/esbuild", "--version")
    edit(root / "pnpm-workspace.yaml", "allowBuilds: {}", "allowBuilds:\n  esbuild: true")
    assert "esbuild postinstall" in run(root, "make", "lock", "install")
    said = run(root, "make", "guard", "RULE=sources", code=2)
    assert "allowBuilds lets esbuild run scripts while it is installed" in said


def test_a_command_prints(root: Path) -> None:
    (root / PAIRS / "src/cli.ts").write_text(
        '#!/usr/bin/env node\nimport { pairs } from "./index.ts";\n\n'
        'console.log(pairs(process.argv[2] ?? "").join(" "));\n',
        encoding="utf-8",
    )
    manifest = read(root)
    write(root, {**manifest, "bin": {"acme-pairs": "./dist/cli.js"}})
    run(root / PAIRS, "make", "lint", "test-coverage", "build")
    assert run(root / PAIRS, root / ".venv/bin/node", "dist/cli.js", "abc") == "a,b c\n"
    # Elsewhere, it is left over from a search for a mistake.
    (root / PAIRS / "src/cli.ts").rename(root / PAIRS / "src/main-page.ts")
    assert "lint/suspicious/noConsole" in run(root / PAIRS, "make", "lint", code=2)
