"""A package.edn is derived from what tools read, and following it changes nothing but the mark."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import tomlkit
from hypothesis import given

from monorepo.core import manifests, workspace
from monorepo.core.languages import Language
from monorepo.core.naming import fold
from monorepo.core.workspace import Package
from monorepo.edn.package_manifest import NodePackage, PackageManifest, PythonPackage, read_package
from monorepo.syncing import derive, node_package, python_project
from monorepo.syncing.making import Source, marked
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from tests.edn_manifests import INTERNAL, PYTHON_PACKAGES, node_packages, written
from tests.examples import times

NAMES = {fold(name) for name in INTERNAL}
PYPROJECT = """\
# Ours.
[build-system]
requires = ["setuptools>=80"]

[project]
name = "acme-audio" # the name
version = '0.1.0'
description = "Mixes “all”"
requires-python = " >=3.11"
license = "MIT"
dependencies = [
    # For arrays.
    "numpy>=2",
    "acme-core[io]", "acme-core [io]",
    "Acme-IO",
]
[project.optional-dependencies]
"lite.x" = []
Full = ["soundfile>=0.13 ; python_version < '3.13'"]

[project.scripts]
acme-audio = "acme_audio.cli:main"

[project.entry-points."acme.plugins"]
mix = "acme_audio.mix"

[dependency-groups]
test = ["pytest>=9", {include-group = "typing"}]
typing = ["mypy>=2"]

[tool.monorepo]
port = 8000
"""
PACKAGE_JSON = """\
{
  "name": "@acme/audio",
  "private": true,
  "description": "",
  "engines": { "node": ">=24", "vscode": "1.x" },
  "exports": {
    "./browser": { "types": "./b.d.ts", "default": ["./b.js", null] },
    ".": {"source": "./src/index.ts", "node-addons": "./a.js", "default": "./dist/index.js"}
  },
  "dependencies": {"zod": "^4", "@acme/core": "workspace:*"},
  "peerDependencies": {"fastify": "catalog:", "pg": "^8"},
  "peerDependenciesMeta": {
    "pg": {"optional": true}, "x": {"optional": true}, "fastify": {"optional": false}
  },
  "devDependencies": {"typescript": "catalog:"},
  "monorepo": {"port": 3000}
}
"""


def package(text: str, language: Language) -> Package:
    """Return a package with a manifest, which is valid."""
    parse = text_files.toml if language is Language.PYTHON else text_files.json_object
    manifest = parse(text)
    assert not list(manifests.mistakes(manifest, language))
    return Package(Path("/nowhere"), f"shared/{language}/audio", manifest)


def derived(text: str, language: Language) -> PackageManifest:
    """Return what is derived from a text, as it is read again."""
    return read_package(derive.text(package(text, language), NAMES), "package.edn")


def synced(text: str, manifest: PackageManifest) -> str:
    """Return a text in which all is as a manifest says, with the mark."""
    if isinstance(manifest, PythonPackage):
        source = Source("a", "package.edn", Language.PYTHON)
        return marked(source, python_project.write(text, python_project.wanted(manifest)))
    source = Source("a", "package.edn", Language.JAVASCRIPT)
    return marked(source, node_package.write(text, node_package.wanted(manifest)))


def test_what_a_pyproject_amounts_to() -> None:
    assert derive.text(package(PYPROJECT, Language.PYTHON), NAMES) == (
        '{:package/name "acme-audio"\n'
        ' :package/version "0.1.0"\n'
        ' :package/description "Mixes “all”"\n'
        " :lang :python\n"
        ' :runtimes/targets ["python >=3.11"]\n'
        ' :deps/base ["numpy>=2" {:pkg "acme-core" :extras ["io"]} "acme-core [io]"'
        ' {:pkg "Acme-IO"}]\n'
        " :extras {:lite.x [] :Full [\"soundfile>=0.13 ; python_version < '3.13'\"]}\n"
        ' :dev {:test ["pytest>=9" {:include-group "typing"}] :typing ["mypy>=2"]}\n'
        ' :entry {:scripts {"acme-audio" "acme_audio.cli:main"}\n'
        '         :entry-points {"acme.plugins" {"mix" "acme_audio.mix"}}}}\n'
    )


def test_what_a_package_json_amounts_to() -> None:
    assert derive.text(package(PACKAGE_JSON, Language.JAVASCRIPT), NAMES) == (
        '{:package/name "@acme/audio"\n'
        " :lang :node\n"
        ' :runtimes/targets ["node>=24" "vscode 1.x" "browser"]\n'
        ' :deps/base {"zod" "^4" "@acme/core" "workspace:*"}\n'
        ' :peers {"fastify" "catalog:" "pg" {:version "^8" :optional true} "x" {:optional true}}\n'
        ' :dev {"typescript" "catalog:"}\n'
        ' :entry {"./browser" {:types "./b.d.ts" :default ["./b.js" nil]}\n'
        '         "." {:source "./src/index.ts" :node-addons "./a.js"'
        ' :default "./dist/index.js"}}}\n'
    )


@pytest.mark.parametrize(
    ("text", "language"),
    [(PYPROJECT, Language.PYTHON), (PACKAGE_JSON, Language.JAVASCRIPT)],
)
def test_to_follow_what_was_derived_changes_nothing(text: str, language: Language) -> None:
    source = Source("a", "package.edn", language)
    assert synced(text, derived(text, language)) == marked(source, text)
    again = synced(marked(source, text), derived(marked(source, text), language))
    assert again == marked(source, text)


def document(manifest: PackageManifest) -> str:
    """Return a document that some other program has written, as a manifest wants it."""
    if isinstance(manifest, NodePackage):
        wanted = node_package.wanted(manifest).items()
        found = {"private": True, **{key: value for key, value in wanted if value is not None}}
        return json.dumps(found, ensure_ascii=False)
    python = python_project.wanted(manifest)
    project = {key: value for key, value in python["project"].items() if value is not None}
    return tomlkit.dumps({**python, "project": project, "tool": {"x": {"y": 1}}})


@given(PYTHON_PACKAGES | node_packages(catalog=False))
@times(2)
def test_to_derive_from_what_follows_a_manifest_gives_the_manifest(
    manifest: PackageManifest,
) -> None:
    python = isinstance(manifest, PythonPackage)
    language = Language.PYTHON if python else Language.JAVASCRIPT
    empty = '[project]\nname = "x"\nversion = "0"\n' if python else '{"name": "x"}\n'
    # What a manifest says is derived from what follows it, whoever has written that …
    for text in (synced(empty, manifest), document(manifest)):
        found = derived(text, language)
        assert found == manifest
        assert derive.text(package(text, language), NAMES) == written(found)
        # … and to follow it changes nothing but the mark.
        assert synced(text, found) == marked(Source("a", "package.edn", language), text)


def test_what_a_package_edn_cannot_say(tmp_path: Path) -> None:
    broken: Mapping[str, object] = {
        "name": "a",
        "description": 1,
        "engines": {"node": 24, "Node": ">=1", "npm": ""},
        "exports": {".": {"default": True}},
        "peerDependenciesMeta": {"a": {"optional": True, "why": "x"}},
    }
    with pytest.raises(UsageError) as caught:
        derive.text(package(json.dumps(broken), Language.JAVASCRIPT), ())
    assert [
        text.removeprefix("shared/js/audio/package.json: ") for text in caught.value.mistakes
    ] == [
        "exports: .: default: is no path; correct it",
        "description: is no text; correct it",
        "engines: 'node: 24' is no range of an engine; correct it",
        "engines: 'Node: >=1' is no range of an engine; correct it",
        "engines: 'npm: ' is no range of an engine; correct it",
        "peerDependenciesMeta: a has more than optional; take that out",
    ]
    twins = '[project]\nname = "a"\n[project.optional-dependencies]\na-b = []\nA_B = []\n'
    with pytest.raises(UsageError, match="the extras a-b and A_B are one name"):
        derive.text(package(twins, Language.PYTHON), ())
    lists = {"name": "a", "engines": [], "peerDependenciesMeta": 1}
    with pytest.raises(UsageError, match="engines: is no object"):
        derive.text(package(json.dumps(lists), Language.JAVASCRIPT), ())


def test_packages_get_theirs_together_or_not_at_all(
    javascript: Path, write: Callable[[dict[str, str]], None]
) -> None:
    root = javascript
    write(
        {
            "shared/py/core/pyproject.toml": '[project]\nname = "tiny-core"\nversion = "1"\n',
            "shared/js/core/package.json": '{"name": "@tiny/core"}\n',
        }
    )
    space = workspace.load(root)
    core, web = space.packages["shared/py/core"], space.packages["shared/js/core"]
    before = (root / core.manifest_path).read_text(encoding="utf-8")
    shown = derive.derive(space, [core, web], dry_run=True)
    assert "+ shared/py/core/package.edn" in "\n".join(shown)
    assert not (root / "shared/py/core/package.edn").exists()
    assert derive.derive(space, [core]) == [
        "wrote shared/py/core/package.edn",
        "wrote shared/py/core/pyproject.toml",
    ]
    text = (root / core.manifest_path).read_text(encoding="utf-8")
    assert text.endswith(before)
    assert text.startswith("# `make sync` writes here what package.edn says: ")
    with pytest.raises(UsageError, match=r"^shared/py/core/package.edn: is there already; "):
        derive.derive(space, [core, web])
    assert not (root / "shared/js/core/package.edn").exists()
