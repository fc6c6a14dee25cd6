"""Packages get other names in a repository that others import them in, and their old ones back."""

from pathlib import Path

import pytest

from tests.template.baking import bake, changed, commit, run

pytestmark = pytest.mark.slow

# In another order than before, so that what is sorted by names changes its place.
RENAMED = {"shared/py/notes": "shared/py/zeta-notes", "shared/js/notes": "shared/js/zeta-notes"}


def test_packages_get_other_names_and_the_old_ones_back(tmp_path: Path) -> None:
    root = bake(tmp_path)
    run(root, "make", "install")
    commit(root)
    tree = run(root, "git", "rev-parse", "HEAD^{tree}")
    at, to = next(iter(RENAMED.items()))
    assert "+from acme_zeta_notes" in run(
        root, "make", "rename", f"AT={at}", f"TO={to}", "DRY_RUN=1"
    )
    assert changed(root) == ""

    for old, new in RENAMED.items():
        assert f"renamed {old} to {new}" in run(root, "make", "rename", f"AT={old}", f"TO={new}")
        commit(root)
    run(root, "make", "check", "lock-check")
    # It is a fixed point of the formatters.
    run(root, "make", "format")
    assert changed(root) == ""

    for old, new in RENAMED.items():
        run(root, ".venv/bin/python", "-m", "monorepo", "rename", new, old)
        commit(root)
    assert run(root, "git", "rev-parse", "HEAD^{tree}") == tree
