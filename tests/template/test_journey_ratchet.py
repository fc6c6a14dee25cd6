"""A team gets rid of an extra that has a whole requirements file: package by package, proven."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.template.baking import bake, changed, commit, edit, run

pytestmark = pytest.mark.slow

CORE, BILLS, API, JOB = "shared/py/core", "shared/py/bills", "services/py/api", "services/py/job"
# Small ones, of which one is needed by nobody.
GOD = "attrs==25.3.0\nhumanize==4.12.3\nmore-itertools==10.5.0\ncertifi==2025.1.31\nsix==1.17.0\n"
TEXTS = '''\
"""Texts for people."""


def size(number: int) -> str:
    """Return a size as people write it."""
    import humanize

    return str(humanize.naturalsize(number))
'''
LATER = '''\
"""Whom to trust."""

try:
    from certifi import where
except ImportError as error:
    message = "install acme-core[later]"
    raise ImportError(message) from error

__all__ = ["where"]
'''
BILL = '''\
"""Bills."""

import attrs

from acme_core.texts import size


@attrs.frozen
class Bill:
    """A bill for some bytes."""

    number: int

    def text(self) -> str:
        """Return what it says."""
        return size(self.number)
'''
TEST = '''\
"""Bills."""

import more_itertools

from acme_bills.bill import Bill


def test_bill() -> None:
    assert Bill(1000).text() == "1.0 kB"
    assert more_itertools.first([1]) == 1
'''
# No import tells what it needs.
HIDDEN = '''\
"""A report."""

from importlib import import_module


def test_report() -> None:
    assert import_module("_".join(["more", "itertools"])).first([1]) == 1
'''


def phase(root: Path) -> dict[str, object]:
    told = monorepo(root, "phase", "--format", "json")
    found: dict[str, object] = json.loads(told[told.index("{") :])
    return found


def monorepo(root: Path, *words: str) -> str:
    return run(root, "sh", "tools/make/monorepo.sh", *words)


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("manifest", ["pyproject.toml", "package.edn"])
def test_an_extra_for_a_migration_goes(tmp_path: Path, manifest: str) -> None:
    root = bake(tmp_path, packages=f"{CORE} {API}")
    commit(root)
    assert phase(root)["current"] == 3
    write(root, "old/requirements.txt", GOD)
    assert phase(root)["current"] == -1
    assert phase(root)["next"] == "make migrate-requirements FILES=old/requirements.txt"

    # Everything is frozen, and beside the extra with all of it is one for a module.
    write(root, f"{CORE}/src/acme_core/texts.py", TEXTS)
    monorepo(root, "migrate", "requirements", "old/requirements.txt")
    assert phase(root)["next"] == "git rm -f old/requirements.txt"
    (root / "old/requirements.txt").unlink()
    run(root, "make", "lock")
    run(root, "make", "new", f"AT={BILLS}", f"DEPS={CORE}[legacy-cpu]", "EXAMPLE=0")
    write(root, f"{BILLS}/src/acme_bills/bill.py", BILL)
    write(root, f"{BILLS}/tests/unit/test_bill.py", TEST)
    run(root, "make", "new", f"AT={JOB}", f"DEPS={CORE}[legacy-cpu]", "EXAMPLE=0")
    write(root, f"{JOB}/tests/unit/test_report.py", HIDDEN)
    if manifest == "package.edn":
        commit(root)
        run(root, "make", "derive", f"PKG={CORE} {BILLS} {JOB}")
    run(root, "make", "install", "lock")
    monorepo(root, "guard", "--baseline")
    commit(root)
    run(root, "make", "guard", "lock-check")
    assert phase(root)["current"] == 1

    told = run(root, "make", "ratchet", "SVG=burn-down.svg")
    assert changed(root) == "?? burn-down.svg\n"
    ElementTree.fromstring((root / "burn-down.svg").read_text(encoding="utf-8"))
    (root / "burn-down.svg").unlink()
    place = f"{BILLS}/src/acme_bills/bill.py"
    needed = f"which needs humanize ({CORE}/src/acme_core/texts.py:6)"
    for line in (
        f"{BILLS}: dependencies: acme-core[texts]",
        f"    {place}:5 imports acme_core.texts, {needed}",
        f"{BILLS}: dependencies: attrs==25.3.0",
        f"{BILLS}: group test: more-itertools==10.5.0",
        f"{JOB}: needs nothing in place of acme-core[legacy-cpu]",
        "0 of 2 packages are done",
    ):
        assert line in told.splitlines()
    assert phase(root)["next"] == f"make ratchet PKG={BILLS} FIX=1"
    # A module that came later has nothing but that extra.
    write(root, f"{CORE}/src/acme_core/later.py", LATER)
    assert phase(root)["current"] == 0

    told = run(root, "make", "ratchet", "FIX=1", code=2)
    assert "No module named 'more_itertools'" in told
    assert f"{JOB}: stays as it was: {JOB}: its tests fail; see above" in told
    assert "1 of 2 packages are done" in told
    assert JOB not in changed(root)
    assert f"{BILLS}/{manifest}" in changed(root)
    (entry,) = json.loads((root / "guard-baseline.json").read_text(encoding="utf-8"))
    assert entry[1] == f"{JOB}/pyproject.toml"
    run(root, "make", "lock")
    run(root, "make", "guard", "lock-check")
    commit(root)
    assert phase(root)["current"] == 1

    # What no import tells is declared by hand. Then there is nothing left.
    edit(
        root / JOB / "tests/unit/test_report.py",
        '"_".join(["more", "itertools"])',
        '"more_itertools"',
    )
    monorepo(root, "ratchet", JOB, "--fix")
    assert f"{CORE}: nobody requests legacy-cpu" in run(root, "make", "ratchet")
    run(root, "make", "ratchet", "FIX=1")
    # What a package was made from stays.
    told = run(root, "git", "grep", "-h", "legacy-cpu", "--", "*.toml", "*.edn")
    assert told == 'dependencies = ["acme-core[legacy-cpu]"]\n' * 2
    run(root, "make", "lock")
    # What all packages run, one of the two says.
    checked = "check" if manifest == "pyproject.toml" else "guard"
    run(root, "make", checked, "lock-check")
    commit(root)
    run(root, "make", "ratchet", "FIX=1")
    run(root, "make", "format")
    assert changed(root) == ""
    assert phase(root)["current"] == 3
