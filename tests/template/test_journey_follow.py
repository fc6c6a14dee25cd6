"""A repository that a team works in follows the template over several versions, and stays green."""

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.template.baking import DEFAULTS, SHAPES, TEMPLATE, changed, commit, edit, run
from tests.template.releases import Releases, tree
from tests.template.test_journey_monorepo import HOSTILE

pytestmark = pytest.mark.slow

ALL = os.environ.get("FAULTS") == "all"
# The last commit without `make upgrade`.
BEFORE = "b15d570"
# Each has packages that the team removes and renames.
GONE = {"py": "shared/py/gone", "js": "shared/js/gone"}
SHAPE: dict[str, dict[str, str]] = {
    "default": {"packages": f"{DEFAULTS} {' '.join(GONE.values())}"},
    "python": {"packages": f"{SHAPES['python-shared']} {GONE['py']}", "license": "Apache-2.0"},
    "javascript": {"packages": f"{SHAPES['javascript']} {GONE['js']}", "license": "Proprietary"},
    "per-package": {"packages": f"{SHAPES['python']} {GONE['py']}", "python_env": "per-package"},
    "hostile": {
        **HOSTILE,
        "packages": f"{SHAPES['shared']} {' '.join(GONE.values())}",
        "repo_name": "acme-platform",
        "namespace": "a-b",
    },
}
VERSIONS = ("0.2.0", "0.4.0", "0.5.0")
EVERY = [(shape, version) for shape in SHAPE for version in VERSIONS]
SAMPLE = [("default", "0.4.0"), ("python", "0.2.0")]

STEPS = """

def _rename_setting(root: Path) -> None:
    file = root / ".editorconfig"
    if file.is_file():
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("max_line_length", "line_length"), encoding="utf-8")


def _say_so(root: Path) -> None:
    file = root / ".editorconfig"
    if file.is_file() and not (text := file.read_text(encoding="utf-8")).endswith("# Seen\\n"):
        file.write_text(text + "# Seen\\n", encoding="utf-8")


STEPS = (*STEPS, Step("0.6.0", "line_length is its name", before=_rename_setting, after=_say_so))
"""


def first(checkout: Path) -> None:
    """Have the template as it was before there was `make upgrade`."""
    known = ("git", "cat-file", "-e", f"{BEFORE}^{{commit}}")
    if subprocess.run(known, cwd=TEMPLATE, capture_output=True, check=False).returncode:
        pytest.skip(f"{BEFORE}: is not in this clone, which is shallow; git fetch --unshallow")
    shutil.rmtree(checkout)
    checkout.mkdir()
    archive = checkout.parent / "template.tar"
    run(TEMPLATE, "git", "archive", f"--output={archive}", BEFORE)
    run(checkout, "tar", "-xf", archive)


def third(checkout: Path) -> None:
    """Ask more, rename files of packages, and say more in each."""
    kinds = checkout / "src/monorepo/sub_templates"
    edit(checkout / "cookiecutter.json", '  "license"', '  "team": "platform",\n  "license"')
    with (tree(checkout) / "CONTRIBUTING.md").open("a", encoding="utf-8") as file:
        file.write("\nThe team << cookiecutter.team >> keeps this repository.\n")
    for kind, old, new in (
        ("shared-py", "tests/unit/test_retries.py", "tests/unit/test_attempts.py"),
        ("shared-js", "tests/index.test.ts", "tests/module.test.ts"),
    ):
        (folder,) = (kinds / kind).glob("{{*")
        edit(kinds / kind / "cookiecutter.json", "{\n", '{\n  "owner": "nobody",\n')
        said = "## Use it in another package\n"
        edit(folder / "README.md", said, f"Ask {{{{ cookiecutter.owner }}}} about it.\n\n{said}")
        (folder / old).rename(folder / new)


def newest(checkout: Path) -> None:
    """Rename a file of the root, and a setting by a step."""
    third(checkout)
    github = tree(checkout) / ".github"
    (github / "dependabot.yml").rename(github / "dependabot.yaml")
    edit(tree(checkout) / ".editorconfig", "max_line_length", "line_length")
    with (tree(checkout) / ".editorconfig").open("a", encoding="utf-8") as file:
        file.write("# Seen\n")
    with (checkout / "src/monorepo/upgrading/steps.py").open("a", encoding="utf-8") as file:
        file.write(STEPS)


TEST = "\n\ndef test_ours() -> None:\n    assert True\n"
MODULE_TEST = '\ntest("ours", () => {\n  assert.ok(true);\n});\n'
MADE = {"0.2.0": first, "0.4.0": None, "0.5.0": third}
# What the team adds below the title of documents, and to the end of other files, if there are such.
ADDED = {
    "README.md": "\nWhat we have written.\n",
    "CONTRIBUTING.md": "\nHow we work.\n",
    "AGENTS.md": "\nOurs: be brief.\n",
    "Makefile": "\n.PHONY: ours\nours: ## Ours\n\t@echo ours\n",
    "noxfile.py": "\n# Ours.\n",
    "LICENSE": "\nOurs.\n",
    ".env.example": "# OURS=1\n",
    ".gitignore": "/scratch/\n",
    ".github/dependabot.yml": "# Ours.\n",
    ".github/workflows/ci.yml": "\n# Ours.\n",
    ".pre-commit-config.yaml": "\n# Ours.\n",
    ".schemas/structure.yaml": "\n# Ours.\n",
    "shared/py/core/README.md": "\n## Ours\n\nWhat it is for.\n",
    "shared/py/core/src/*_core/retries.py": '\n\nOURS = "ours"\n',
    "shared/py/core/tests/unit/test_retries.py": TEST,
    "shared/py/core/tests/unit/test_attempts.py": TEST,
    "shared/py/core/Makefile": "\n# Ours.\n",
    "shared/js/core/README.md": "\n## Ours\n\nWhat it is for.\n",
    "shared/js/core/src/index.ts": "\nexport type Ours = string;\n",
    "shared/js/core/tests/index.test.ts": MODULE_TEST,
    "shared/js/core/tests/module.test.ts": MODULE_TEST,
    "services/py/api/README.md": "\n## Ours\n\nWhat it serves.\n",
    "services/js/web/README.md": "\n## Ours\n\nWhat it serves.\n",
    # Files of its own.
    "shared/py/core/src/*_core/ours.py": '"""Ours."""\n\nOURS = 1\n',
    "shared/js/core/src/ours.ts": "export const OURS = 1;\n",
}
REPLACED = {
    "pyproject.toml": ("fail_under = 80", "fail_under = 85"),
    ".editorconfig": ("max_line_length = 100", "max_line_length = 110"),
    "shared/py/core/pyproject.toml": ('version = "0.1.0"', 'version = "0.7.0"'),
}


def places(root: Path, pattern: str) -> list[Path]:
    """Return where a file may be, by a pattern of its folder."""
    folder, _, name = pattern.rpartition("/")
    return [place / name for place in ([*root.glob(folder)] if folder else [root])]


def add(file: Path, text: str) -> None:
    """Add a text to a file, or make it."""
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    # No version has changed anything there.
    found = re.search("^## (?:Commits|Work on it)$", before, re.MULTILINE)
    place = (
        found.start() if found else before.index("\n") + 1 if file.suffix == ".md" else len(before)
    )
    file.write_text(before[:place] + text + before[place:], encoding="utf-8")


def work(root: Path) -> None:
    """Do what a team does: edit files, add, remove and rename packages; commit it."""
    for pattern, text in ADDED.items():
        for file in places(root, pattern):
            if file.name.startswith("ours.") or file.exists():
                add(file, text)
    for path, (old, new) in REPLACED.items():
        if (root / path).exists() and old in (root / path).read_text(encoding="utf-8"):
            edit(root / path, old, new)
    commit(root)
    for language, gone in GONE.items():
        if not (root / gone).exists():
            continue
        core = f"shared/{language}/core"
        run(root, "make", "new", f"AT=shared/{language}/audio", f"DEPS={core}")
        run(root, "make", "remove", f"AT={gone}")
    commit(root)
    rename(root)
    run(root, "make", "format", "lock")
    commit(root)


def rename(root: Path) -> None:
    """Rename the packages `core` to `base`, by git and with all that names them."""
    for language in GONE:
        if (root / f"shared/{language}/core").exists():
            run(root, "git", "mv", f"shared/{language}/core", f"shared/{language}/base")
    for folder in [*(root / "shared/py/base/src").glob("*_core")]:
        run(root, "git", "mv", folder, folder.with_name(folder.name.replace("_core", "_base")))
    for path in run(root, "git", "ls-files").splitlines():
        file = root / path
        if path.startswith("tools/") or file.is_symlink() or file.suffix == ".whl":
            continue
        text = file.read_text(encoding="utf-8")
        named = re.sub(r"(shared/(?:py|js)/|\.\./|(?:acme|a[-_]b)[-_/])core\b", r"\1base", text)
        if named != text:
            file.write_text(named, encoding="utf-8")


def lines(root: Path) -> Iterator[tuple[str, str]]:
    """Yield each file that the team has added to, where it is after an upgrade, and what."""
    moved = {
        "shared/py/core/tests/unit/test_retries.py": "shared/py/base/tests/unit/test_attempts.py",
        "shared/js/core/tests/index.test.ts": "shared/js/base/tests/module.test.ts",
        ".github/dependabot.yml": ".github/dependabot.yaml",
    }
    for pattern, text in ADDED.items():
        place = moved.get(pattern, re.sub("(?<=[/_])core/", "base/", pattern))
        for file in places(root, place):
            yield str(file.relative_to(root)), text


def upgrade(root: Path, wheel: Path, version: str) -> str:
    """Upgrade a repository as its document says; return what is said."""
    if version == "0.2.0":
        words = (".venv/bin/uvx", "--from", wheel, "monorepo", "upgrade", "--to", wheel)
        return run(root, *words)
    return run(root, "make", "upgrade", f"TO={wheel}")


@pytest.mark.parametrize(("shape", "version"), EVERY if ALL else SAMPLE)
def test_a_team_follows(shape: str, version: str, releases: Releases, tmp_path: Path) -> None:
    out = tmp_path / "a b"
    out.mkdir()
    root = releases.repository(out, releases.wheel(version, MADE[version]), **SHAPE[shape])
    run(root, "make", "setup")
    work(root)
    wheel = releases.wheel("0.6.0", newest)
    said = upgrade(root, wheel, version)

    # All of it is staged.
    rows = changed(root).splitlines()
    assert rows and not [row for row in rows if row[1] != " "], rows
    assert "step: line_length is its name\n" in said
    again = run(root, "make", "upgrade", f"TO={wheel}")
    assert again.endswith("the repository is in step with version 0.6.0 of its template\n")
    for path, text in lines(root):
        assert text in (root / path).read_text(encoding="utf-8"), path
    assert "line_length = 110\n" in (root / ".editorconfig").read_text(encoding="utf-8")
    gone = [*GONE.values(), *(f"shared/{language}/core" for language in GONE)]
    assert not [path for path in gone if (root / path).exists()]
    manifest = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    record = manifest["tool"]["monorepo"]["template"]
    assert record["version"] == "0.6.0"
    contributing = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert ("question team: answered with 'platform'\n" in said) == (version != "0.5.0")
    assert record["team"] == "platform"
    assert "\nThe team platform keeps this repository.\n" in contributing
    for package in (path.parent for path in root.glob("shared/*/*/README.md")):
        if package.name in ("base", "audio"):
            assert "\nAsk nobody about it.\n" in (package / "README.md").read_text("utf-8")
    run(root, "make", "lint", "type-check", "guard", "lock-check")
    # Those of the team; the runtimes have most of the tests, and nobody has touched them.
    theirs = {str(path.parent.relative_to(root)) for path in root.glob("*/*/*/Makefile")}
    theirs -= {"shared/py/service", "shared/js/service"}
    run(root, "make", "test", f"PKG={' '.join(theirs)}")
    commit(root)
    run(root, "make", "format", "lock")
    assert changed(root) == ""
    assert "is in step" in run(root, "make", "upgrade", f"TO={wheel}", "CHECK=1")
