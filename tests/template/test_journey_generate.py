"""Generated code, from a model in Python to who reads its fields in TypeScript."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.template.baking import bake, changed, commit, run

pytestmark = pytest.mark.slow

SERVICE, CLIENT, USER = "services/py/api", "shared/js/api-client", "shared/js/shelf"
MAIN = """\
from fastapi import FastAPI
from pydantic import BaseModel

from acme_service import Settings
from acme_service.fastapi import create_app, serve


class Book(BaseModel):
    title: str
    pages: int = 0


def create(settings: Settings) -> FastAPI:
    app = create_app(settings)

    @app.get("/books")
    def books() -> list[Book]:
        return [Book(title="T")]

    return app


if __name__ == "__main__":
    serve(create, Settings.from_environment("acme-svc-api"))
"""
READS = """\
import { createClient } from "@acme/api-client";

export async function pages(address: string): Promise<number[]> {
  const { data } = await createClient(address).GET("/books");
  return (data ?? []).map((book) => book.pages ?? 0);
}
"""
READS_TEST = """\
import assert from "node:assert/strict";
import test from "node:test";
import { pages } from "@acme/shelf";

test("it reads fields", () => {
  assert.equal(typeof pages, "function");
});
"""
UNITS = """
[tool.monorepo.generate.units]
command = ["scripts/units.py"]
inputs = ["scripts/units.py", "data/*.csv"]
outputs = ["src/acme_core/generated/units.py"]
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a monorepo with a Python service and a client of it, installed and committed."""
    root = bake(
        tmp_path_factory.mktemp("client ü"), packages=f"shared/py/core shared/js/core {SERVICE}"
    )
    run(root, "make", "install")
    commit(root)
    said = run(root, "make", "new", f"AT={CLIENT}", "TEMPLATE=openapi-client")
    assert f"wrote {CLIENT}/src/generated/schema.ts" in said
    run(root, "make", "new", f"AT={USER}", f"DEPS={CLIENT}")
    commit(root)
    return root


@pytest.fixture
def root(client: Path) -> Iterator[Path]:
    """Return that monorepo; afterwards, all is as it was committed."""
    yield client
    run(client, "git", "reset", "--quiet", "--hard")
    run(client, "git", "clean", "-fdq", "shared", "services")


def put(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


def test_a_new_client_is_green_and_proven_alone(root: Path) -> None:
    run(root, "make", "format", "check", "lock-check", f"PKG={CLIENT} {USER}")
    assert run(root, "make", "generate") == "what packages generate is up to date\n"
    assert changed(root) == ""
    said = run(root, root / ".venv/bin/nox", "-s", f"test({CLIENT})", f"build({CLIENT})")
    # Its test found the service.
    assert "skipped 0" in said
    said = run(root, "make", "remove", f"AT={SERVICE}", code=2)
    assert f"monorepo: {SERVICE}: is needed by {CLIENT}; remove" in said
    words = (f"AT={CLIENT}-two", "TEMPLATE=openapi-client", "SET=service=services/py/nope")
    said = run(root, "make", "new", *words, code=2)
    assert "is generated from services/py/nope, which is not a package here" in said
    assert changed(root) == ""


def test_a_field_that_is_gone_is_found_where_it_is_read(root: Path) -> None:
    main = f"{SERVICE}/src/acme_svc_api/main.py"
    put(root, main, MAIN)
    put(root, f"{USER}/src/index.ts", READS)
    put(root, f"{USER}/tests/index.test.ts", READS_TEST)
    said = run(root, "make", "guard", "RULE=drift", code=2)
    assert (
        f"{CLIENT}/src/generated/openapi.json: drift.generated: is older than {main}; run make g"
        in said
    )
    said = run(root, "make", "test", f"PKG={CLIENT}", code=2)
    assert "run make generate" in said
    assert f"wrote {CLIENT}/src/generated/schema.ts\n" in run(root, "make", "generate")
    run(root, "make", "guard", "RULE=drift")
    run(root, "make", "type-check", "test", f"PKG={CLIENT} {USER}")
    put(root, main, MAIN.replace("    pages: int = 0\n", ""))
    run(root, "make", "generate", "guard", "RULE=drift")
    said = run(root, "make", "type-check", f"PKG={USER}", code=2)
    assert "Property 'pages' does not exist" in said
    # What is generated is no matter of taste, but of its generator.
    put(root, f"{CLIENT}/src/generated/schema.ts", "export  {};\n")
    run(root, "make", "lint", f"PKG={CLIENT}")
    said = run(root, "make", "guard", "RULE=drift", code=2)
    assert (
        f"{CLIENT}/src/generated/schema.ts: drift.generated: was changed since it was generated"
        in said
    )


def test_a_service_with_a_client_gets_another_name(root: Path) -> None:
    run(root, "make", "rename", f"AT={SERVICE}", "TO=services/py/books")
    assert run(root, "make", "generate") == "what packages generate is up to date\n"
    commit(root)
    shutil.rmtree(root / CLIENT / "src/generated")
    assert f"wrote {CLIENT}/src/generated/schema.ts\n" in run(root, "make", "generate")
    # It is what the names in it were changed to.
    assert changed(root) == ""
    run(root, "make", "check", f"PKG={CLIENT} services/py/books")
    run(root, "make", "rename", "AT=services/py/books", f"TO={SERVICE}")
    commit(root)
    assert run(root, "git", "diff", "HEAD~2") == ""


def test_a_script_of_a_python_package_prints_its_code(root: Path) -> None:
    core = "shared/py/core"
    manifest = (root / core / "pyproject.toml").read_text("utf-8")
    put(root, f"{core}/pyproject.toml", manifest + UNITS)
    script = "from pathlib import Path\n\nprint('UNITS  =', Path('data/a.csv').read_text().split())"
    put(root, f"{core}/scripts/units.py", f'"""Print the units."""\n\n{script}  # noqa: T201\n')
    put(root, f"{core}/data/a.csv", "m s")
    run(root, "make", "format", f"PKG={core}")
    assert f"wrote {core}/src/acme_core/generated/units.py\n" in run(root, "make", "generate")
    run(root, "make", "format", "check", f"PKG={core}")
    made = (root / core / "src/acme_core/generated/units.py").read_text("utf-8")
    assert made == "UNITS  = ['m', 's']\n"
    put(root, f"{core}/data/b.csv", "")
    said = run(root, "make", "guard", f"PKG={core}", code=2)
    assert (
        f"generated/units.py: drift.generated: is older than {core}/data/b.csv; run make generate"
        in said
    )
    put(root, f"{core}/scripts/units.py", "raise SystemExit('no units')\n")
    said = run(root, "make", "generate", f"PKG={core}", code=2)
    assert f"monorepo: {core}: generate: units: failed (1)\n" in said
    assert said.partition("make:")[0].endswith("scripts/units.py\nno units\n")


def test_a_typescript_without_an_api_is_told_of_in_a_line(root: Path) -> None:
    settings = (root / "pnpm-workspace.yaml").read_text("utf-8")
    put(root, "pnpm-workspace.yaml", settings.replace("typescript: ^5.9.3", "typescript: 7.0.2"))
    before = changed(root)
    said = run(root, "make", "lock", code=2)
    assert f"in {CLIENT}, openapi-typescript 7" in said
    assert "wants typescript ^5.x, but 7.0.2 is pinned; pin a typescript that fits" in said
    assert "strictPeerDependencies" not in said
    assert changed(root) == before
