"""All packages of a repository get other names, and their old ones back, in each of its shapes."""

from pathlib import Path

import pytest

from monorepo import cli
from monorepo.core import workspace
from monorepo.renaming import rename
from monorepo.system.errors import UsageError
from tests.template.baking import SHAPES, bake, commit, run

pytestmark = pytest.mark.slow

ANSWERS = {
    **{shape: {"packages": packages} for shape, packages in SHAPES.items()},
    "uv": {"python_env": "uv"},
    "per-package": {"python_env": "per-package"},
    "edn": {"manifests": "edn"},
    "flat": {},
}
# What needs no installation.
RULES = ("confusion", "declared", "docs", "drift", "includes", "layers", "structure", "thin")


def judged(root: Path, shape: str) -> None:
    """Fail unless the rules find nothing, locks have what is declared, and manifests agree."""
    # The locks of uv projects are written when they are installed.
    locks = () if shape == "uv" else (("lock-check",),)
    for words in (("guard", *RULES), ("sync", "--check"), *locks):
        assert cli.main(["--root", str(root), *words]) == 0, words


@pytest.mark.parametrize("shape", ANSWERS)
def test_there_and_back(shape: str, tmp_path: Path) -> None:
    root = bake(tmp_path, **ANSWERS[shape])
    commit(root)
    if shape == "flat":
        assert cli.main(["--root", str(root), "flatten"]) == 0
        commit(root)
    tree = run(root, "git", "rev-parse", "HEAD^{tree}")
    renamed: dict[str, str] = {}
    for package in workspace.load_whole(root).packages.values():
        folder, _, name = package.path.rpartition("/")
        # What is sorted by names changes its place.
        start = name.removesuffix("-js").removesuffix(package.short_name)
        end = "-js" if name.endswith("-js") and not package.short_name.endswith("-js") else ""
        new = f"{folder}/{start}zeta-{package.short_name}{end}"
        if shape == "edn" and package.is_shared and package.short_name == "service":
            with pytest.raises(UsageError, match=r"is required by each service\.edn"):
                rename.rename(root, package.path, new)
            continue
        rename.rename(root, package.path, new)
        commit(root)
        renamed[new] = package.path
    space = workspace.load_whole(root)
    assert renamed.keys() <= space.packages.keys()
    judged(root, shape)
    for new, old in renamed.items():
        rename.rename(root, new, old)
        commit(root)
    assert run(root, "git", "diff", tree.strip(), "HEAD") == ""
