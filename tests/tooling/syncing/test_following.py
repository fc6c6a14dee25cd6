"""What changes in generated files is carried back into the manifest."""

from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.syncing import following, sync
from monorepo.system.errors import UsageError

Write = Callable[[dict[str, str]], None]
WEB = "shared/js/web"
MANIFEST = """\
{:package/name "@tiny/web"
 :package/version "1.0.0" ; "1.0.0" is the first
 :lang :node
 :deps/base {"@tiny/core" "workspace:^1.0.0" "@tiny/io" "workspace:^1.0.0"}
 :peers {"@tiny/core" {:version "workspace:^1.0.0" :optional true}}
 :dev {"@tiny/core" "workspace:*"}}
"""


@pytest.fixture
def text(root: Path, write: Write, javascript: Path) -> str:
    """Return the package.json of a package that is as its manifest says."""
    names = [("core", ""), ("io", ""), ("web", MANIFEST)]
    for name, manifest in names:
        other = f'{{:package/name "@tiny/{name}" :lang :node}}'
        write({f"shared/js/{name}/package.edn": manifest or other})
        write({f"shared/js/{name}/package.json": "{}"})
    assert sync.sync(root).mistakes == []
    return (root / WEB / "package.json").read_text("utf-8")


def test_what_has_moved_is_carried_back(root: Path, text: str, write: Write) -> None:
    lines = [
        line.replace("^1.0.0", "^2.0.0") if "@tiny/core" in line else line
        for line in text.splitlines(keepends=True)
    ]
    moved = "".join(lines).replace('"version": "1.0.0"', '"version": "1.1.0"')
    texts = {f"{WEB}/package.json": moved, "pnpm-lock.yaml": "", f"{WEB}/README.md": ""}
    found = following.follow(root, texts)
    assert found == {
        f"{WEB}/package.edn": MANIFEST.replace(
            '"@tiny/core" "workspace:^1.0.0"', '"@tiny/core" "workspace:^2.0.0"'
        )
        .replace('{:version "workspace:^1.0.0"', '{:version "workspace:^2.0.0"')
        .replace('version "1.0.0" ;', 'version "1.1.0" ;')
    }
    write({**found, f"{WEB}/package.json": moved})
    assert sync.plan(root) == sync.Plan([], [])


def test_what_a_manifest_does_not_say_cannot_be_carried_back(
    root: Path, text: str, write: Write
) -> None:
    write({f"{WEB}/package.edn": MANIFEST.replace('"1.0.0" ;', '"0.9" ;')})
    moved = text.replace('"version": "1.0.0"', '"version": "1.1.0"')
    with pytest.raises(UsageError, match=f"{WEB}/package.edn: has no '1.0.0'; run make sync"):
        following.follow(root, {f"{WEB}/package.json": moved})
    write({f"{WEB}/package.edn": "{"})
    with pytest.raises(UsageError, match=f"{WEB}/package.edn:1:1: "):
        following.follow(root, {f"{WEB}/package.json": moved})
