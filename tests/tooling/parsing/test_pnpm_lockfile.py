"""pnpm-lock.yaml is taken apart and put together as pnpm would write it."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.parsing.pnpm_lockfile import (
    Lock,
    graft,
    merge,
    parse,
    prune,
    with_specifier,
    within_catalog,
)
from monorepo.system.errors import UsageError

TEMPLATES = Path(__file__).parents[3] / "tools/pnpm-lock.yaml"

# As pnpm 12 wrote it, with shorter hashes: peers, an alias, a scope, an override, two catalogs, and
# a package (`needed`) that one importer must have and another may have.
TEXT = """\
lockfileVersion: '9.0'

settings:
  autoInstallPeers: false
  excludeLinksFromLockfile: false

catalogs:
  default:
    lodash:
      specifier: ^4
      version: 4.18.1
  old:
    lodash:
      specifier: ^3
      version: 3.10.1

overrides:
  ansi-regex: 5.0.0

importers:

  .: {}

  shared/js/a:
    dependencies:
      lodash:
        specifier: catalog:old
        version: 3.10.1
      react-dom:
        specifier: ^19
        version: 19.3.1(react@19.3.1)
    devDependencies:
      width:
        specifier: npm:string-width@4.2.3
        version: string-width@4.2.3

  shared/js/b:
    dependencies:
      '@acme/a':
        specifier: workspace:*
        version: link:../a
      '@s/needed':
        specifier: 1.0.0
        version: 1.0.0
      lodash:
        specifier: 'catalog:'
        version: 4.18.1

  shared/js/c:
    optionalDependencies:
      maybe:
        specifier: 1.0.0
        version: 1.0.0

packages:

  '@s/needed@1.0.0':
    resolution: {integrity: sha512-n}

  ansi-regex@5.0.0:
    resolution: {integrity: sha512-r}

  lodash@3.10.1:
    resolution: {integrity: sha512-l3}

  lodash@4.18.1:
    resolution: {integrity: sha512-l4}

  maybe@1.0.0:
    resolution: {integrity: sha512-m}
    cpu: [x64]

  react-dom@19.3.1:
    resolution: {integrity: sha512-d}
    peerDependencies:
      react: ^19.3.1

  react@19.3.1:
    resolution: {integrity: sha512-a}

  string-width@4.2.3:
    resolution: {integrity: sha512-w}

snapshots:

  '@s/needed@1.0.0': {}

  ansi-regex@5.0.0: {}

  lodash@3.10.1: {}

  lodash@4.18.1: {}

  maybe@1.0.0:
    dependencies:
      '@s/needed': 1.0.0
    optional: true

  react-dom@19.3.1(react@19.3.1):
    dependencies:
      react: 19.3.1

  react@19.3.1: {}

  string-width@4.2.3:
    dependencies:
      ansi-regex: 5.0.0
"""
LOCK = parse(TEXT)
SPECIFIERS = {"lodash": "catalog:old", "react-dom": "^19"}
A: dict[str, Any] = {
    "dependencies": SPECIFIERS,
    "devDependencies": {"width": "npm:string-width@4.2.3"},
}


def test_what_pnpm_wrote_stays_as_it_is() -> None:
    # A repository without JavaScript has none.
    written = [TEMPLATES.read_text(encoding="utf-8")] if TEMPLATES.exists() else []
    for text in (TEXT, *written):
        lock = parse(text)
        assert str(lock) == text
        assert prune(lock, lock.importers) == lock


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("\n", "\r\n"),
        re.sub(r"(?m)^        version: .*\n", "", TEXT, count=1),
        f"---\n{TEXT}",
        f"{TEXT}\n",
        TEXT.replace("  .: {}\n", "<<<<<<< ours\n  .: {}\n"),
        TEXT.replace("lodash@3.10.1: {}\n\n  lodash@4", "lodash@4"),
        TEXT.replace("snapshots:", "# by hand\nsnapshots:"),
    ],
)
def test_a_lock_that_pnpm_did_not_write_is_refused(text: str) -> None:
    said = "run `make lock`|is not as pnpm writes it|:22: has a conflict marker"
    with pytest.raises(UsageError, match=said):
        lock = parse(text)
        prune(lock, lock.importers)


def test_prune_keeps_what_is_reached() -> None:
    lock = prune(LOCK, [".", "shared/js/a"])
    assert list(lock.catalogs) == [("old", "lodash")]
    wanted = ["ansi-regex@5.0.0", "lodash@3.10.1", "react-dom@19.3.1", "react@19.3.1"]
    assert sorted(lock.packages) == [*wanted, "string-width@4.2.3"]
    assert "react-dom@19.3.1(react@19.3.1)" in lock.snapshots


def test_what_only_optional_dependencies_reach_is_marked() -> None:
    alone = prune(LOCK, [".", "shared/js/c"])
    assert alone.snapshots["@s/needed@1.0.0"] == "  '@s/needed@1.0.0':\n    optional: true\n"
    both = prune(merge(alone, LOCK), [".", "shared/js/b", "shared/js/c"])
    assert both.snapshots["@s/needed@1.0.0"] == "  '@s/needed@1.0.0': {}\n"


def test_graft_writes_what_the_manifest_says() -> None:
    manifest = {
        "dependencies": {**SPECIFIERS, "@acme/a": "workspace:*"},
        "devDependencies": {"@acme/z": "workspace:^"},
    }
    places = {"@acme/a": "shared/js/a", "@acme/z": "services/js/z"}
    lock = graft(LOCK, LOCK, "shared/js/a", "services/js/web", manifest, places)
    assert lock.importers["services/js/web"] == (
        "  services/js/web:\n"
        "    dependencies:\n"
        "      '@acme/a':\n"
        "        specifier: workspace:*\n"
        "        version: link:../../../shared/js/a\n"
        "      lodash:\n"
        "        specifier: catalog:old\n"
        "        version: 3.10.1\n"
        "      react-dom:\n"
        "        specifier: ^19\n"
        "        version: 19.3.1(react@19.3.1)\n"
        "    devDependencies:\n"
        "      '@acme/z':\n"
        "        specifier: workspace:^\n"
        "        version: link:../z\n"
    )


def test_a_specifier_moves_where_it_is_the_one_of_that_package() -> None:
    lock = parse(TEXT)
    moved = with_specifier(lock, "shared/js/b", "@acme/a", "workspace:*", "workspace:^2")
    assert str(moved) == TEXT.replace("specifier: workspace:*", "specifier: workspace:^2")
    for importer, name, old in (
        ("shared/js/b", "@acme/a", "workspace:^"),
        ("shared/js/b", "lodash", "workspace:*"),
        ("shared/js/c", "@acme/a", "workspace:*"),
    ):
        assert with_specifier(lock, importer, name, old, "new") == lock


def test_graft_of_a_package_without_dependencies() -> None:
    lock = graft(LOCK, LOCK, ".", "shared/js/d", {}, {})
    assert lock.importers["shared/js/d"] == "  shared/js/d: {}\n"


def test_graft_refuses_what_is_not_in_step() -> None:
    newer = {"dependencies": {"react-dom": "^20"}}
    other = parse(TEXT.replace("specifier: ^3\n", "specifier: ^3.1\n"))
    with pytest.raises(UsageError, match="lacks react-dom; run `make lock`"):
        graft(LOCK, LOCK, "shared/js/a", "shared/js/d", newer, {})
    with pytest.raises(UsageError, match="has another lodash; run `make lock`"):
        graft(LOCK, other, "shared/js/a", "shared/js/d", A, {})
    with pytest.raises(UsageError, match="requires @acme/gone, which is not a package here"):
        lost = {"dependencies": {"@acme/gone": "workspace:*"}}
        graft(LOCK, LOCK, "shared/js/a", "shared/js/d", lost, {})


names = st.from_regex(r"(@[a-z]{1,3}/)?[a-z][a-z-]{0,6}", fullmatch=True)


@st.composite
def locks(draw: st.DrawFn) -> Lock:
    """Make a lock whose packages depend on each other in any way, with pnpm's layout."""
    keys = [f"{name}@1.0.0" for name in draw(st.lists(names, unique=True, max_size=8))]
    snapshots, packages, importers = {}, {}, {".": "  .: {}\n"}
    for key in keys:
        shown = f"'{key}'" if key.startswith("@") else key
        packages[key] = f"  {shown}:\n    resolution: {{integrity: sha512-x}}\n"
        snapshots[key] = f"  {shown}: {{}}\n"
        if lines := draw(st.sets(st.sampled_from(keys), max_size=3)):
            body = "".join(f"      {_entry(one)}\n" for one in sorted(lines))
            snapshots[key] = f"  {shown}:\n    dependencies:\n{body}"
    for path in draw(st.sets(st.from_regex(r"shared/js/[a-z]{1,3}", fullmatch=True), max_size=4)):
        importers[path] = f"  {path}: {{}}\n"
        if keys and (chosen := draw(st.sets(st.sampled_from(keys), max_size=3))):
            entry = "      {}\n        specifier: 1.0.0\n        version: 1.0.0\n"
            body = "".join(entry.format(_entry(one)[:-6]) for one in sorted(chosen))
            section = draw(st.sampled_from(["dependencies", "optionalDependencies"]))
            importers[path] = f"  {path}:\n    {section}:\n{body}"
    full = Lock("lockfileVersion: '9.0'\n", {}, "", importers, packages, snapshots)
    return prune(full, full.importers)


def _entry(key: str) -> str:
    name, _, version = key.rpartition("@")
    return f"'{name}': {version}" if name.startswith("@") else f"{name}: {version}"


@given(locks())
def test_parse_is_the_inverse_of_str(lock: Lock) -> None:
    assert parse(str(lock)) == lock


@given(locks(), locks(), st.data())
def test_adding_and_removing_changes_nothing(lock: Lock, source: Lock, data: st.DataObject) -> None:
    importer = data.draw(st.sampled_from(sorted(source.importers)))
    block = source.importers[importer].splitlines()
    manifest: dict[str, Any] = {}
    if len(block) > 1:
        wanted = [line.strip(" :'") for line in block[2::3]]
        manifest = {block[1].strip(" :"): dict.fromkeys(wanted, "1.0.0")}
    grown = graft(lock, source, importer, "services/js/new", manifest, {})
    assert parse(str(grown)) == grown
    # What both know keeps its text, so nothing that stood there has moved.
    assert prune(grown, lock.importers) == lock


def test_what_a_catalog_has_not_is_left_out() -> None:
    block = "      {}:\n        specifier: 'catalog:'\n        version: 1.0.0\n"
    left, right = block.format("left"), block.format("right")
    head = "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    devDependencies:\n"
    lock = parse(f"{head}{left}{right}")
    kept = within_catalog(lock, {"left"})
    assert kept.importers == {".": f"  .:\n    devDependencies:\n{left}"}
    assert within_catalog(lock, {}).importers == {".": "  .: {}\n"}
    assert within_catalog(lock, {"left", "right"}) == lock
