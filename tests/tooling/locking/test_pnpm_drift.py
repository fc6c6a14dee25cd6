"""A lock says what the manifests and the settings say, or each difference is told."""

from typing import Any

import pytest

from monorepo.locking import pnpm_drift
from monorepo.parsing import pnpm_lockfile

A, B = "shared/js/a", "shared/js/b"
LOCK = """\
lockfileVersion: '9.0'

settings:
  autoInstallPeers: true
  excludeLinksFromLockfile: false

catalogs:
  default:
    right:
      specifier: 2.0.0
      version: 2.0.0
  old:
    left:
      specifier: ^1
      version: 1.0.0

overrides:
  deep: 1.0.0

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
    devDependencies:
      right:
        specifier: 'catalog:'
        version: 2.0.0

  shared/js/b: {}
"""
# Overrides replace the specifiers of manifests.
PLAIN = LOCK.replace("overrides:\n  deep: 1.0.0\n\n", "")
ASKED = {
    "dependencies": {"@tiny/b": "workspace:*", "left": "^1"},
    "devDependencies": {"right": "catalog:"},
}
SETTINGS = {
    "catalog": {"right": "2.0.0"},
    "catalogs": {"old": {"left": "^1"}},
    "overrides": {"deep": "1.0.0"},
}


def said(manifest: dict[str, Any], lock: str = PLAIN, **lost: str) -> list[tuple[str, str, str]]:
    """Return what differs, given the manifest of a; that of b has nothing but its name."""
    manifests = {".": {}, A: manifest, B: {"name": "@tiny/b"}}
    return list(pnpm_drift.in_manifests("lock", pnpm_lockfile.parse(lock), manifests, lost))


def settled(settings: dict[str, Any]) -> list[tuple[str, str, str]]:
    return list(pnpm_drift.in_settings("lock", pnpm_lockfile.parse(LOCK), settings))


def test_the_group_that_pnpm_takes_is_the_one() -> None:
    groups = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
    manifest = {group: {group: "1", "left": group, "x": 2} for group in groups}
    assert pnpm_drift.asked(manifest) == {
        **{group: (group, "1") for group in groups[:3]},
        "left": ("optionalDependencies", "optionalDependencies"),
        "x": ("optionalDependencies", "2"),
    }
    assert pnpm_drift.asked({"dependencies": ["left"]}) == {}


def test_manifests_that_are_locked() -> None:
    assert said(ASKED) == []
    assert said(ASKED, LOCK) == []


@pytest.mark.parametrize(
    ("group", "name", "wanted", "message"),
    [
        ("dependencies", "new", "^1", "lock lacks new"),
        ("dependencies", "left", "^2", "lock has left ^1, not ^2"),
        ("dependencies", "left", None, "lock has left, which is not declared"),
        ("dependencies", "right", "catalog:", "lock has right in devDependencies"),
        ("dependencies", "@tiny/b", "^1", "lock has @tiny/b workspace:*, not ^1"),
    ],
)
def test_a_manifest_that_is_not(group: str, name: str, wanted: str | None, message: str) -> None:
    asked: dict[str, Any] = {**ASKED, group: {**ASKED[group], name: wanted}}
    if wanted is None:
        del asked[group][name]
    assert said(asked) == [(f"{A}/package.json", f'"{name}"', message)]


def test_with_overrides_another_range_is_no_difference() -> None:
    asked = {**ASKED, "dependencies": {**ASKED["dependencies"], "left": "^2"}}
    assert said(asked, LOCK) == []
    # A package of the repository is not what a range asks of the registry.
    asked = {**ASKED, "dependencies": {**ASKED["dependencies"], "@tiny/b": "^1"}}
    assert [one[2] for one in said(asked, LOCK)] == ["lock has link:../b for @tiny/b, not ^1"]


def test_a_package_of_the_repository_is_where_it_is() -> None:
    elsewhere = PLAIN.replace("link:../b", "link:../c")
    assert [one[2] for one in said(ASKED, elsewhere)] == ["lock has link:../c for @tiny/b"]
    gone = {A: ASKED}
    lock = pnpm_lockfile.parse(PLAIN)
    message = "lock cannot have @tiny/b, which is not a package here"
    assert [one.message for one in pnpm_drift.in_manifests("lock", lock, gone)] == [message]
    lost = {"@tiny/b": B}
    assert list(pnpm_drift.in_manifests("lock", lock, gone, lost)) == []


def test_a_package_that_is_not_locked_is_told_once() -> None:
    lock = pnpm_lockfile.parse(PLAIN)
    manifests = {"shared/js/new": {"name": "@tiny/new", "dependencies": {"left": "^1"}}, ".": {}}
    assert list(pnpm_drift.in_manifests("lock", lock, manifests)) == [
        ("shared/js/new/package.json", '"name"', "lock lacks shared/js/new")
    ]
    manifests = {".": {"dependencies": {"left": "^1"}}}
    assert list(pnpm_drift.in_manifests("lock", lock, manifests)) == [
        ("package.json", '"left"', "lock lacks left")
    ]


@pytest.mark.parametrize(
    "settings",
    [
        SETTINGS,
        {**SETTINGS, "catalog": {"right": "2.0.0", "unused": "1"}},
        {
            **SETTINGS,
            "catalog": {},
            "catalogs": {"old": {"left": "^1"}, "default": {"right": "2.0.0"}},
        },
        {**SETTINGS, "overrides": {"deep": "catalog:"}},
        {**SETTINGS, "autoInstallPeers": True, "packages": ["x"]},
    ],
)
def test_settings_that_are_locked(settings: dict[str, Any]) -> None:
    assert settled(settings) == []


@pytest.mark.parametrize(
    ("change", "needle", "message"),
    [
        ({"catalog": {"right": "3.0.0"}}, "right", "lock has right 2.0.0, not 3.0.0"),
        ({"catalog": {}}, "", "lock has right 2.0.0, not unused"),
        ({"catalogs": {"old": {"left": "^2"}}}, "left", "lock has left ^1, not ^2"),
        ({"catalogs": {}}, "", "lock has left ^1, not unused"),
        ({"overrides": {}}, "overrides:", "the overrides in lock differ"),
        ({"overrides": {"deep": "2.0.0"}}, "overrides:", "the overrides in lock differ"),
        (
            {"autoInstallPeers": False},
            "autoInstallPeers:",
            "lock was made with autoInstallPeers: true",
        ),
        (
            {"excludeLinksFromLockfile": True},
            "excludeLinksFromLockfile:",
            "lock was made with excludeLinksFromLockfile: false",
        ),
    ],
)
def test_settings_that_are_not(change: dict[str, Any], needle: str, message: str) -> None:
    assert settled({**SETTINGS, **change}) == [("pnpm-workspace.yaml", needle, message)]
