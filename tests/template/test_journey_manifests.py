"""A repository whose packages have manifests: what these say is what its tools read."""

from pathlib import Path

import pytest

from tests.template.baking import bake, changed, commit, edit, run

pytestmark = pytest.mark.slow

PYTHON, JAVASCRIPT = "shared/py/core", "shared/js/core"
REFUSED = f"{PYTHON}/pyproject.toml:8: {{}}is not what package.edn says; run make sync\n"


def test_what_manifests_say_is_followed_and_nothing_else_passes(tmp_path: Path) -> None:
    root = bake(tmp_path, manifests="edn", packages=f"{PYTHON} {JAVASCRIPT}")
    run(root, "make", "install", "install-hooks")
    # Through the hooks.
    commit(root)
    assert run(root, "make", "sync") == "all is as the manifests say\n"
    run(root, "make", "check", "lock-check", "format")
    assert changed(root) == ""

    # An edit of what is generated gets nowhere.
    edit(root / PYTHON / "pyproject.toml", 'name = "acme-core"', 'name = "acme-heart"')
    assert REFUSED.format("drift.manifest: ") in run(root, "make", "guard", "RULE=drift", code=2)
    assert f"monorepo: {REFUSED.format('')}" in run(root, "make", "lock-check", code=2)
    assert f"monorepo: {REFUSED.format('')}" in run(root, "make", "lock", code=2)
    assert f"monorepo: {REFUSED.format('')}" in run(root, "make", "sync", "CHECK=1", code=2)
    run(root, "git", "add", "--all")
    said = run(root, "git", "commit", "--message", "x", code=1)
    assert REFUSED.format("drift.manifest: ") in said
    assert run(root, "make", "sync", f"PKG={PYTHON}") == f"wrote {PYTHON}/pyproject.toml\n"
    run(root, "git", "add", "--all")
    assert changed(root) == ""

    # Nor does a manifest alone. What it asks for goes where each tool looks for it.
    edit(root / PYTHON / "package.edn", ':dev {:test ["pytest>=9.0"', ':dev {:test ["pytest>=9.1"')
    for old, new in (
        (':dev {"@types/node" "catalog:"', ':dev {"@types/node" "catalog:" "c8" "catalog:"'),
        ('"typescript" "catalog:"', '"typescript" {:catalog "^5.9.2"}'),
    ):
        edit(root / JAVASCRIPT / "package.edn", old, new)
    run(root, "git", "add", "--all")
    assert "make sync" in run(root, "git", "commit", "--message", "x", code=1)
    written = ("pnpm-workspace.yaml", f"{PYTHON}/pyproject.toml", f"{JAVASCRIPT}/package.json")
    assert run(root, "make", "sync") == "".join(f"wrote {path}\n" for path in written)
    said = run(root, "make", "lock-check", code=2)
    assert "pnpm-lock.yaml lacks c8; run make lock" in said
    run(root, "make", "lock")
    run(root, "make", "guard", "lock-check")
    commit(root)
    assert changed(root) == ""

    # What is broken stops nothing else.
    edit(root / PYTHON / "package.edn", ":package/version", ":package/versoin")
    edit(root / JAVASCRIPT / "package.edn", '"0.1.0"', '"0.2.0"')
    said = run(root, "make", "sync", code=2)
    assert f"wrote {JAVASCRIPT}/package.json\n" in said
    assert f"monorepo: {PYTHON}/package.edn:2:2: :package/versoin is not a key here" in said
    assert f"{PYTHON}/package.edn:2: drift.manifest: " in run(
        root, "make", "guard", "RULE=drift", code=2
    )
    run(root, "make", "test", f"PKG={PYTHON}")
