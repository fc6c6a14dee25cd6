"""What is made from something else is found when it is no longer as it would be made."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo import cli
from monorepo.core import workspace
from monorepo.graph import documents
from monorepo.guard import runner
from monorepo.locking import projects
from monorepo.syncing import sync

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
LOCK = """\
lockfileVersion: '9.0'

catalogs:
  default:
    right:
      specifier: 2.0.0
      version: 2.0.0

importers:

  .: {}

  shared/js/a:
    dependencies:
      '@tiny/b':
        specifier: workspace:*
        version: link:../b
      left:
        specifier: ^1
        version: 1.0.0
      right:
        specifier: 'catalog:'
        version: 2.0.0

  shared/js/b: {}

packages:

  left@1.0.0:
    resolution: {integrity: sha512-l}

  right@2.0.0:
    resolution: {integrity: sha512-r}

snapshots:

  left@1.0.0: {}

  right@2.0.0: {}
"""
SETTINGS = """\
packages:
  - shared/js/*

catalog:
  right: 2.0.0
"""
DOORS = {".": {"source": "./src/index.ts", "default": "./dist/index.js"}}
SHIPPED = {".": {"default": "./dist/index.js"}}
A = {
    "name": "@tiny/a",
    "exports": DOORS,
    "publishConfig": {"exports": SHIPPED},
    "dependencies": {"@tiny/b": "workspace:*", "left": "^1", "right": "catalog:"},
}
BUILD = """\
{
  // What is compiled, "after" /* these: */
  "include": ["src", "https://x"],
  "references": [
    {
      "path": "../b/tsconfig.build.json", // a comma, at the end
    },
  ]
}
"""
WHOLE = '{ "include": ["shared/js/*/src", "./shared/js/*/tests/**/*.ts",] }\n'


@pytest.fixture
def tiny(javascript: Path, write: Write) -> Path:
    """Make two packages, of which one needs the other."""
    write(
        {
            "pnpm-lock.yaml": LOCK,
            "pnpm-workspace.yaml": SETTINGS,
            "tsconfig.json": WHOLE,
            "shared/js/a/package.json": json.dumps(A, indent=2),
            "shared/js/a/tsconfig.build.json": BUILD,
            "shared/js/b/package.json": '{"name": "@tiny/b"}',
            "shared/js/b/tsconfig.build.json": '{\n  "references": []\n}\n',
        }
    )
    return javascript


def found(root: Path) -> list[str]:
    return [str(one) for one in runner.guard(workspace.load(root), ["drift"])]


def test_what_is_as_it_would_be_made(tiny: Path) -> None:
    assert found(tiny) == []


@pytest.mark.parametrize(
    ("path", "old", "new", "said"),
    [
        (
            "pnpm-workspace.yaml",
            "js/*",
            "py/*",
            "1: drift.workspace: pnpm does not find shared/js/a; write ",
        ),
        (
            "pnpm-workspace.yaml",
            "/*",
            '/*\n  - "!**/a"',
            "1: drift.workspace: pnpm does not find shared/js/a",
        ),
        ("pnpm-workspace.yaml", "packages:", "packages: [", "2: unreadable: is not YAML"),
        (
            "tsconfig.json",
            '"shared/js/*/src"',
            '"shared/js/b"',
            "1: drift.types: the types",
        ),
        ("tsconfig.json", '"shared/js/*/src"', '"shared"', ""),
        ("tsconfig.json", "[", "[[", "1: unreadable: is not JSON"),
        (
            "shared/js/a/tsconfig.build.json",
            "../b/",
            "../c/",
            "4: drift.references: TypeScript does not comp",
        ),
        (
            "shared/js/a/tsconfig.build.json",
            "references",
            "x",
            ": drift.references: TypeScript does not comp",
        ),
        ("shared/js/a/tsconfig.build.json", "{", "", "3: unreadable: is not JSON"),
        (
            "shared/js/b/tsconfig.build.json",
            "[]",
            '[{"path": "../a/tsconfig.build.json"}]',
            "2: drift.ref",
        ),
        ("shared/js/b/tsconfig.build.json", "[]", "[7, null]", "2: drift.references: refers to "),
        ("shared/js/a/package.json", '"dependencies"', '"devDependencies"', ""),
        (
            "shared/js/a/package.json",
            '"./dist/index.js"',
            '"./dist/main.js"',
            "9: drift.exports: the exp",
        ),
        ("shared/js/a/package.json", '"source"', '"sauce"', ""),
        ("shared/js/a/package.json", '"publishConfig"', '"private"', ""),
        (
            "pnpm-workspace.yaml",
            "\n  - shared/js/*",
            " 3",
            "1: drift.workspace: pnpm does not find shared/js/",
        ),
        ("shared/js/b/tsconfig.build.json", "[]", "3", ""),
    ],
)
def test_what_has_drifted(tiny: Path, path: str, old: str, new: str, said: str) -> None:
    text = (tiny / path).read_text(encoding="utf-8")
    assert old in text
    (tiny / path).write_text(text.replace(old, new, 1), encoding="utf-8")
    lines = found(tiny)
    assert bool(lines) == bool(said), lines
    place = f"{path}{said}" if said[:1] == ":" else f"{path}:{said}"
    assert not said or any(line.startswith(place) for line in lines), lines


SITE, TESTS = "apps/js/site/tsconfig.json", "apps/js/site/tests/tsconfig.json"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({SITE: '{ "include": ["src"] }', TESTS: '{ "include": ["."] }'}, []),
        ({SITE: '{ "include": ["src", "./tests"] }'}, []),
        ({SITE: "{}"}, []),
        (
            {SITE: '{ "include": ["src"] }'},
            [f"{SITE}:1: drift.types: the types in apps/js/site/tests are not checked; "],
        ),
        (
            {TESTS: '{ "include": ["."] }'},
            [f"{SITE}: drift.types: the types in apps/js/site/src are not checked; write "],
        ),
    ],
)
def test_a_browser_app_has_programs_of_its_own(
    tiny: Path, write: Write, files: dict[str, str], said: list[str]
) -> None:
    lock, settings = (tiny / "pnpm-lock.yaml").read_text("utf-8"), SETTINGS
    write({"pnpm-lock.yaml": lock.replace("\npackages:", "\n  apps/js/site: {}\n\npackages:", 1)})
    write({"pnpm-workspace.yaml": settings.replace("shared/js/*", "shared/js/*\n  - apps/js/*")})
    write({"apps/js/site/package.json": '{"name": "@tiny/app-site"}', **files})
    lines = found(tiny)
    assert len(lines) == len(said), lines
    assert all(line.startswith(one) for line, one in zip(lines, said, strict=True)), lines


@pytest.mark.parametrize("name", ["browser.ts", "browser/dom.ts"])
def test_code_for_browsers_has_a_program_of_its_own(tiny: Path, write: Write, name: str) -> None:
    whole = WHOLE.rstrip("} \n") + ', "exclude": ["shared/js/*/src/browser*"] }\n'
    write({"tsconfig.json": whole, f"shared/js/b/src/{name}": "", "shared/js/b/src/index.ts": ""})
    (line,) = found(tiny)
    said = (
        "drift.types: its types are not checked: tsconfig.json excludes it; write shared/js/b/tscon"
    )
    assert line.startswith(f"shared/js/b/src/{name}: {said}")
    reference = '{ "references": [{ "path": "./tsconfig.browser.json" }] }'
    write({"shared/js/b/tsconfig.browser.json": "{}", "shared/js/b/tsconfig.build.json": reference})
    assert found(tiny) == []


@pytest.mark.parametrize(
    "references",
    ["[]", '[\n    {\n      "path": "../c/tsconfig.build.json"\n    }\n  ]', "[\n  ]"],
)
def test_references_are_mended(tiny: Path, write: Write, references: str) -> None:
    manifest = {**A, "dependencies": {**A["dependencies"], "@tiny/c": "workspace:*"}}  # type: ignore[dict-item]
    write(
        {
            "shared/js/a/package.json": json.dumps(manifest),
            "shared/js/a/tsconfig.build.json": f'{{\n  "references": {references}\n}}\n',
            "shared/js/c/package.json": '{"name": "@tiny/c"}',
            "shared/js/c/tsconfig.build.json": "{}",
        }
    )
    (line,) = found(tiny)
    assert line.startswith(
        "shared/js/a/tsconfig.build.json:2: drift.references: TypeScript does not compile "
    )
    assert cli.main(["--root", str(tiny), "guard", "drift", "--fix"]) == 0


def test_graphs_are_drawn_anew(root: Path, package: MakePackage, write: Write) -> None:
    package("shared/py/a")
    package("shared/py/b", "tiny-a")
    drawn = documents.drawn(workspace.load(root))
    mine = 'flowchart LR\n    api["shared/py/a"] --> web'
    text = f"# It\n\n```mermaid\n{drawn}\n```\n\n```mermaid\n{mine}\n```\n\n```\n{drawn}x\n```\n"
    listed = f"- x\n\n```mermaid\n{drawn}\n```\n".replace("\n", "\n  ")
    write({"README.md": text, "AGENTS.md": f"```mermaid\n```\n\n{listed}"})
    assert found(root) == []
    package("shared/py/c", "tiny-a", "tiny-b")
    assert [line.partition(": ")[0] for line in found(root)] == ["AGENTS.md:7", "README.md:4"]
    assert found(root)[1:] == [
        "README.md:4: drift.graph: the graph is not that of the packages; run make sync-docs"
    ]
    assert cli.main(["--root", str(root), "guard", "drift", "--fix"]) == 0
    new = (root / "README.md").read_bytes().decode()
    assert new == text.replace(drawn, documents.drawn(workspace.load(root)), 1)
    assert '\n      p2["shared/py/c"]\n' in (root / "AGENTS.md").read_text(encoding="utf-8")


def test_what_a_uv_project_has_from_make_lock(
    root: Path, package: MakePackage, write: Write
) -> None:
    def found() -> list[tuple[str, int, str]]:
        wrong = runner.guard(workspace.load(root), ["drift"])
        return [(one.path, one.line, one.message) for one in wrong]

    path = "services/py/api/pyproject.toml"
    package("services/py/api", "left")
    assert found() == []
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": facts.replace('"shared"', '"uv"')})
    message = "[tool.uv] is not that of the closure and its pins"
    assert found() == [(path, 0, message)]
    manifest = (root / path).read_text(encoding="utf-8")
    ((_, written),) = projects.drift(workspace.load(root))
    write({path: written})
    assert found() == []
    write({"constraints.txt": "left==2.0\n"})
    assert found() == [(path, written.splitlines().index("[tool.uv]") + 1, message)]
    write({path: f"{manifest}\n[tool.uv.constraint-dependencies]\n"})
    ((where, _, clash),) = found()
    assert where == path
    assert "clashes with what make lock writes into it" in clash


def test_what_is_generated_is_as_it_was_written(tiny: Path, write: Write) -> None:
    command = ["cp", "in", "{out}/out"]
    entry = {"command": command, "inputs": ["in"], "outputs": ["out"]}
    manifest = A | {"monorepo": {"generate": {"copy": entry}}}
    write({"shared/js/a/package.json": json.dumps(manifest, indent=2), "shared/js/a/in": "1"})
    never = (
        "shared/js/a/package.json:23: drift.generated: copy was never generated; run make generate"
    )
    assert found(tiny) == [never]
    write({"run": '#!/bin/sh\nshift 3\nexec "$@"\n'})
    assert cli.main(["--root", str(tiny), "generate"]) == 0
    assert found(tiny) == []
    write({"shared/js/a/in": "2"})
    older = "shared/js/a/out: drift.generated: is older than shared/js/a/in; run make generate"
    assert found(tiny) == [older]
    write({"shared/js/a/in": "1", "shared/js/a/out": "edited"})
    assert [line.partition(";")[0] for line in found(tiny)] == [
        "shared/js/a/out: drift.generated: was changed since it was generated"
    ]


def test_what_a_manifest_decides(root: Path, package: MakePackage, write: Write) -> None:
    package("shared/py/core")
    path = "shared/py/core/package.edn"
    manifest = '{:package/name "tiny-core" :package/version "1.0" :lang :python}\n'
    facts = (root / "pyproject.toml").read_text("utf-8")
    answered = f'{facts}\n[tool.monorepo.template]\nmanifests = "edn"\n'
    write({path: manifest, "pyproject.toml": answered})
    output = "shared/py/core/pyproject.toml"
    assert found(root) == [
        f"{output}:1: drift.manifest: is not what package.edn says; run make sync"
    ]
    sync.sync(root)
    assert found(root) == []
    write({path: manifest.replace("1.0", "2.0").replace(":lang", ":lnag")})
    assert found(root) == [
        f"{path}:1: drift.manifest: has no :lang that is :python or :node; write :lang :python",
    ]
    (root / path).unlink()
    fix = "restore that from git, or remove what says so"
    message = "says that a manifest decides a part of it, and there is none"
    assert found(root) == [f"{output}:1: drift.manifest: {message}; {fix}"]
    # A comment of the team's.
    file = root / output
    file.write_text(file.read_text("utf-8").replace("# `make sync` writes", "# Make writes"))
    assert found(root) == []


def test_what_a_manifest_decides_in_javascript(tiny: Path, write: Write) -> None:
    facts = (tiny / "pyproject.toml").read_text("utf-8")
    answered = f'{facts}\n[tool.monorepo.template]\nmanifests = "edn"\n'
    manifest = '{:package/name "@tiny/b" :lang :node}\n'
    write({"shared/js/b/package.edn": manifest, "pyproject.toml": answered})
    sync.sync(tiny)
    assert found(tiny) == []
    (tiny / "shared/js/b/package.edn").unlink()
    (line,) = found(tiny)
    assert line.startswith(
        "shared/js/b/package.json:1: drift.manifest: says that a manifest decides"
    )
