"""Following the template in the flat layout: what it changes goes where the packages are."""

import json
import sys
import tomllib
from pathlib import Path

import pytest

from monorepo.core import workspace
from tests.template.baking import attempt, commit, edit, run
from tests.template.releases import Releases, tree, upgrade

# It makes a repository and upgrades it, with all that git does on the way.
pytestmark = pytest.mark.slow

SUB = "src/monorepo/sub_templates"
FIRST = "shared/py/core shared/js/core services/js/web"


def newer(checkout: Path) -> None:
    """Change files of packages and of the root that name packages by their paths."""
    for kind in ("shared-py", "shared-js"):
        package = checkout / SUB / kind / "{{cookiecutter.name}}"
        edit(package / "Makefile", "include ../../../", "# New.\ninclude ../../../")
        (package / "NEW.md").write_text("[all](../../../README.md), of {{cookiecutter.path}}\n")
    edit(tree(checkout) / "CONTRIBUTING.md", "## The flat layout", "## The flat layout, newer")
    with (tree(checkout) / ".env.example").open("a", encoding="utf-8") as file:
        file.write("# shared/py/core\n")


def engine(root: Path, *words: object) -> str:
    """Return what the engine of a repository says, from its wheel."""
    done = attempt(root, "sh", "tools/make/monorepo.sh", *words, env={"PYTHON": sys.executable})
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_an_upgrade_finds_packages_where_they_have_moved(
    releases: Releases, tmp_path: Path
) -> None:
    old, new = releases.wheel("0.4.0"), releases.wheel("0.5.0", newer)
    root = releases.repository(tmp_path, old, packages=FIRST)
    said = engine(root, "flatten", "shared/py/core", "services/js/web", "shared/js/core")
    assert "moved services/js/web to packages/acme-svc-web" in said
    # Documents have this path as an example, and had it before there was such a package.
    text = '[project]\nname = "acme-audio"\nversion = "1"\n[tool.monorepo]\nkind = "shared"\n'
    (root / "packages/acme-audio").mkdir()
    (root / "packages/acme-audio/pyproject.toml").write_text(text, encoding="utf-8")
    example = (root / "tools/README.md").read_text(encoding="utf-8")
    assert "shared/py/audio" in example
    commit(root)
    done = upgrade(root, "--to", new)
    assert done.code == 0, done.output
    for name, title in (("acme-core", "shared/py/core"), ("acme-core-js", "shared/js/core")):
        package = root / "packages" / name
        assert (
            (package / "Makefile").read_text(encoding="utf-8").startswith("# New.\ninclude ../../t")
        )
        text = (package / "NEW.md").read_text(encoding="utf-8")
        assert text == f"[all](../../README.md), of packages/{name}\n", title
    assert "# packages/acme-core\n" in (root / ".env.example").read_text(encoding="utf-8")
    assert "newer" in (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert (root / "tools/README.md").read_text(encoding="utf-8") == example
    assert not (root / "shared/py").exists()
    assert not (root / "services").exists()
    # Records are about the grouped layout, and say the new version.
    manifest = tomllib.loads((root / "packages/acme-core/pyproject.toml").read_text("utf-8"))
    assert manifest["tool"]["monorepo"]["kind"] == "shared"
    assert manifest["tool"]["monorepo"]["template"]["version"] == "0.5.0"
    settings = json.loads((root / "packages/acme-svc-web/package.json").read_text("utf-8"))[
        "monorepo"
    ]
    assert (settings["kind"], settings["template"]["version"]) == ("services", "0.5.0")
    facts = workspace.load_whole(root).facts
    assert facts["template"]["packages"] == FIRST
    # The next version finds them as well, and the way back is open.
    commit(root)
    assert "moved packages/acme-core-js to shared/js/core" in engine(root, "flatten", "--undo")
    commit(root)
    history = run(root, "git", "log", "--follow", "--format=%s", "shared/py/core/pyproject.toml")
    assert history.count("all") == 4
