"""No registry is asked for a package of this repository, or for one that carries its scope."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.locking import npm_registry

Write = Callable[[dict[str, str]], None]


@pytest.mark.parametrize(
    ("name", "wanted", "said"),
    [
        ("@tiny/b", "workspace:*", ""),
        ("@tiny/b", "workspace:^1", ""),
        ("left", "^1", ""),
        ("tiny", "^1", "tiny: ^1 is requested from the registry; write"),
        ("@tiny/b", "*", '@tiny/b: * is requested from the registry; write "workspace:*"'),
        ("@tiny/b", "^99.0.0", "is requested from the registry"),
        ("@tiny/b", "catalog:", "is requested from the registry"),
        ("@Tiny/B", "*", "is requested from the registry"),
        ("@tiny/cor", "*", "@tiny/cor: is in the scope of this repository, but is not a package"),
        ("left", "npm:@tiny/cor@^1", "@tiny/cor: is in the scope"),
        ("left", "npm:@tiny/b@1", "left: npm:@tiny/b@1 is requested from the registry"),
        ("left", "npm:right@1", ""),
        ("@tiny/gone", "workspace:*", "@tiny/gone: is not a package here"),
        ("@tiny/sdk", "^1", ""),
        ("@tinyer/x", "^1", ""),
    ],
)
@pytest.mark.parametrize("group", ["dependencies", "devDependencies", "optionalDependencies"])
@pytest.mark.parametrize("path", ["package.json", "shared/js/a/package.json"])
def test_what_manifests_ask_for(
    javascript: Path, write: Write, path: str, group: str, name: str, wanted: str, said: str
) -> None:
    facts = (javascript / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": f'{facts}external = ["@tiny/sdk"]\n'})
    write({"shared/js/b/package.json": '{"name": "@tiny/b"}'})
    manifest = json.loads((javascript / "package.json").read_text(encoding="utf-8"))
    own = {"name": "@tiny/a"} if path != "package.json" else manifest
    write({path: json.dumps({**own, group: {name: wanted}}, indent=1)})
    found = npm_registry.refused(workspace.load(javascript))
    assert len(found) == bool(said), found
    for line in found:
        assert said in line
        place, _, _ = line.partition(": ")
        assert place.startswith(f"{path}:")
        row = (javascript / path).read_text(encoding="utf-8").splitlines()
        assert f'"{name}"' in row[int(place.rpartition(":")[2]) - 1]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("catalog:\n  left: npm:@tiny/cor@1\n", 2),
        ("catalogs:\n  x:\n    '@tiny/cor': 1.0.0\n", 3),
        ("overrides:\n  left>@tiny/cor@1: 2.0.0\n", 0),
        ("overrides:\n  left: npm:@tiny/cor@2\n", 2),
        ("configDependencies:\n  '@tiny/cor': 1.0.0+sha512-x\n", 2),
    ],
)
def test_what_settings_ask_for(javascript: Path, write: Write, text: str, line: int) -> None:
    write({"pnpm-workspace.yaml": text})
    (found,) = npm_registry.refused(workspace.load(javascript))
    place = f"pnpm-workspace.yaml:{line}" if line else "pnpm-workspace.yaml"
    assert found.startswith(f"{place}: @tiny/cor: is in the scope of this repository")
