"""Packages get manifests, move to the flat layout, some first, then all of them, and back."""

from pathlib import Path

import pytest

from monorepo.core import workspace
from tests.template.baking import bake, changed, commit, run

pytestmark = pytest.mark.slow

PYTHON, JAVASCRIPT, AUDIO = "packages/acme-core", "packages/acme-core-js", "packages/acme-audio"
CELLS = (f"test-3.11({PYTHON})", "test(packages/acme-svc-web)")


def test_packages_move_to_one_folder_and_back(tmp_path: Path) -> None:
    root = bake(tmp_path)
    run(root, "make", "install")
    commit(root)
    run(root, "make", "derive", f"PKG={' '.join(workspace.load_whole(root).packages)}")
    # Also of what has followed the template just now.
    assert run(root, "make", "sync").endswith("all is as the manifests say\n")
    commit(root)
    tree = run(root, "git", "rev-parse", "HEAD^{tree}")

    # Both layouts together: what needs a package that has moved finds it.
    assert "shared/js/core -> packages/acme-core-js" in run(root, "make", "flatten", "DRY_RUN=1")
    assert changed(root) == ""
    said = run(root, "make", "flatten", "PKG=shared/py/core shared/js/core")
    assert f"moved shared/py/core to {PYTHON}" in said
    assert "look at" not in said
    run(root, "make", "lint", "type-check", "guard", "lock-check")
    run(root, "make", "test", f"PKG={PYTHON} {JAVASCRIPT}")
    commit(root)
    run(root, "make", "new", f"AT={AUDIO}", "TEMPLATE=shared-py", f"DEPS={PYTHON}")
    commit(root)

    run(root, "make", "flatten")
    assert {Path(path).parts[0] for path in workspace.load_whole(root).packages} == {"packages"}
    assert not {"shared", "services"} & {one.name for one in root.iterdir()}
    commit(root)
    manifest = f"{PYTHON}/pyproject.toml"
    assert run(root, "git", "log", "--follow", "--oneline", manifest).count("\n") > 1
    run(root, "make", "check", "lock-check", "smoke")
    assert "as the manifests say" in run(root, "make", "sync", "CHECK=1")
    run(root, ".venv/bin/nox", "-s", *CELLS)
    assert "── packages/acme-service-js\n" in run(root, "make", "graph")
    run(root, "make", "build", f"PKG={AUDIO} {JAVASCRIPT}")
    # It is a fixed point of the formatters.
    run(root, "make", "format")
    assert changed(root) == ""

    run(root, "make", "remove", f"AT={AUDIO}")
    commit(root)
    run(root, "make", "flatten", "UNDO=1")
    commit(root)
    assert run(root, "git", "rev-parse", "HEAD^{tree}") == tree
    run(root, "make", "guard", "lock-check")
    assert "as the manifests say" in run(root, "make", "sync", "CHECK=1")
