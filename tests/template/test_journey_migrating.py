"""An old repository, whose services share a requirements file, comes in step by step, to phase 5.

The commands are those of docs/migrating.md. After each step `make check` passes, and git has it.
"""

from collections import defaultdict
from pathlib import Path

import pytest

from monorepo.core import hashes
from tests.template.baking import TEMPLATE, bake, commit, edit, run
from tests.template.changes import patched
from tests.template.test_journey_recipes import blocks

pytestmark = pytest.mark.slow

GOD = ("click", "humanize", "jinja2", "markdown-it-py", "python-slugify", "pyyaml")
NUMBERS = '''\
"""Numbers for people."""

import humanize


def spoken(number: int) -> str:
    """Return a number as people say it."""
    return humanize.apnumber(number)
'''
PAGES = '''\
"""Makes pages."""

from jinja2 import Template
from slugify import slugify


def render(title: str, body: str) -> str:
    """Return a page."""
    template = Template("<h1 id={{ slug }}>{{ title }}</h1> {{ body }}")
    return str(template.render(slug=slugify(title), title=title, body=body))
'''
TEST_NUMBERS = '''\
"""Tests of numbers."""

from common import numbers


def test_a_number_is_said() -> None:
    """A small number is a word."""
    assert numbers.spoken(4) == "four"
'''
TEST_PAGES = '''\
"""Tests of pages."""

from common import pages


def test_a_page_has_its_body() -> None:
    """The body stands behind the title."""
    assert pages.render("A b", "c") == "<h1 id=a-b>A b</h1> c"
'''
HANDLERS = '''\
"""What the service answers."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "shared"))

from common import numbers, pages


def page(title: str) -> dict[str, str]:
    """Return a page."""
    return {"page": pages.render(title, numbers.spoken(len(title)))}
'''
MAIN = '''\
"""Prints what the service answers."""

import json
import sys

import handlers

if __name__ == "__main__":
    sys.stdout.write(json.dumps(handlers.page(sys.argv[1])))
'''
TEST_HANDLERS = '''\
"""Tests of what the service answers."""

from {0} import handlers


def test_a_page_has_its_title() -> None:
    """The title is said, and how long it is."""
    assert handlers.page("News") == {{"page": "<h1 id=news>News</h1> four"}}
'''
TEST_MAIN = '''\
"""Tests of the entry point."""

import runpy
import sys

import pytest


def test_it_prints_a_page(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page is about the argument."""
    monkeypatch.setattr(sys, "argv", ["main", "News"])
    runpy.run_module("acme_svc_news.main", run_name="__main__")
    assert "<h1 id=news>" in capsys.readouterr().out
'''
SERVICE, NEWS = "services/py/news", "shared/py/news"
HANDLED = f"{SERVICE}/src/acme_svc_news/handlers.py"


def old_repository(root: Path, pins: dict[str, list[str]]) -> Path:
    """Write a repository in which services share a requirements file, and return its root."""
    god = "".join(f"{pin}\n" for name in GOD for pin in pins[name])
    texts = {
        "shared/requirements.txt": f"# All that any service needs.\n{god}",
        "shared/common/__init__.py": '"""What services share."""\n',
        "shared/common/numbers.py": NUMBERS,
        "shared/common/pages.py": PAGES,
        "shared/common/tests/test_numbers.py": TEST_NUMBERS,
        "shared/common/tests/test_pages.py": TEST_PAGES,
    }
    for name in ("news", "report"):
        texts[f"services/{name}/requirements.txt"] = "-r ../../shared/requirements.txt\n"
        texts |= {f"services/{name}/main.py": MAIN, f"services/{name}/handlers.py": HANDLERS}
    for path, text in texts.items():
        write(root / path, text)
    run(root, "git", "init", "--quiet")
    commit(root)
    return root


def write(file: Path, text: str) -> None:
    """Write a file, and the folders that it needs."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def guide() -> dict[tuple[str, str], list[str]]:
    """Return the blocks of docs/migrating.md, by the number of a phase and their language."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for block in blocks((TEMPLATE / "docs/migrating.md").read_text(encoding="utf-8")):
        found[block.recipe.partition(":")[0], block.language].append(block.text)
    return found


def whole(root: Path) -> str:
    """Check that all of a repository works, commit it, and return the phase that it is in."""
    run(root, "make", "lock")
    run(root, "make", "check", "lock-check")
    commit(root)
    return run(root, "make", "phase").partition("\n")[0]


def test_from_one_requirements_file_to_the_flat_layout(tmp_path: Path) -> None:
    texts = guide()

    def do(phase: str, number: int = 0) -> str:
        return run(root, "sh", "-e", "-c", texts[phase, "sh"][number])

    root = bake(tmp_path, packages="shared/py/core")
    run(root, "make", "install")
    commit(root)
    pins = (root / hashes.PINS).read_text(encoding="utf-8")
    old_repository(tmp_path / "old", hashes.named(hashes.pin_lines(pins)))

    # The old repository comes into a folder of its own, with its history.
    coming = "The old code comes along"
    do(coming)
    schema, manifest = root / ".schemas/structure.yaml", root / "pyproject.toml"
    (change,) = texts[coming, "diff"]
    schema.write_text(patched(schema.read_text(encoding="utf-8"), change), encoding="utf-8")
    edit(manifest, "extend-exclude = [", 'extend-exclude = ["legacy/*", ')
    assert "holds 3 findings" in do(coming, 1)
    commit(root)
    run(root, "make", "guard", "lint")
    assert run(root, "make", "phase").startswith("no phase is done yet\n")

    # 0, 1: its pins are those of the repository, and an extra has every line as it was.
    said = do("0")
    assert "legacy-cpu: 6 requirements" in said and "0 not-understood" in said
    assert whole(root) == "phase 0 of 5: frozen"

    # Shared code becomes a package, which the old services import from now on.
    do("1")
    for name in ("news", "report"):
        text = (root / f"legacy/services/{name}/handlers.py").read_text(encoding="utf-8")
        assert "from acme_common import numbers, pages" in text
    commit(root)

    # A service becomes one; what is not thin yet is an exception.
    service = ("FROM=legacy/services/news", f"AT={SERVICE}")
    run(root, "make", "migrate-import", *service, code=2)
    commit(root)
    run(root, "make", "migrate-import", *service, code=2)
    assert "sys.path" not in (root / HANDLED).read_text(encoding="utf-8")
    assert not (root / "shared/py/service").exists()
    write(root / SERVICE / "tests/unit/test_main.py", TEST_MAIN)
    write(root / SERVICE / "tests/unit/test_handlers.py", TEST_HANDLERS.format("acme_svc_news"))
    (block,) = texts["1", "toml"]
    written = manifest.read_text(encoding="utf-8")
    thin = written[written.index("\n[[tool.monorepo.allow]]") :]
    assert thin.strip().partition("until")[0] == block.partition("until")[0]
    assert whole(root) == "phase 0 of 5: frozen"

    # Somebody in a hurry moves the other one by hand, and asks for all that there was.
    run(root, "make", "new", "AT=shared/py/report", "EXAMPLE=0")
    report = root / "shared/py/report"
    moved = report / "src/acme_report/handlers.py"
    run(root, "git", "mv", "legacy/services/report/handlers.py", moved)
    trick = HANDLERS[HANDLERS.index("import os") : HANDLERS.index("from ")]
    edit(moved, trick, "")
    write(report / "tests/unit/test_handlers.py", TEST_HANDLERS.format("acme_report"))
    wanted = 'dependencies = ["acme-common", "acme-core[legacy-cpu]"]'
    edit(report / "pyproject.toml", "dependencies = []", wanted)
    run(root, "git", "rm", "--quiet", "legacy/services/report/main.py")
    do("1", 1)
    assert whole(root) == "phase 1 of 5: extras"

    # 2: a module that has dependencies of its own leaves, and nobody asks for all any more.
    do("2")
    assert whole(root) == "phase 1 of 5: extras"
    assert "shared/py/report" in do("2", 1)
    for package in (report, root / "shared/py/core"):
        assert "legacy-cpu" not in (package / "pyproject.toml").read_text(encoding="utf-8")
    assert whole(root) == "phase 2 of 5: ratcheted"

    # 3: the code of the service is a shared package.
    command = texts["3", "sh"][0].strip()
    assert command.startswith("make split ")
    said = run(root, "make", "phase")
    assert f"Next: {command.partition(' AT=')[0]}\n" in said
    do("3")
    assert (root / NEWS / "tests/unit/test_handlers.py").is_file()
    assert thin.strip() not in manifest.read_text(encoding="utf-8")
    assert whole(root) == "phase 3 of 5: thin services"

    # 4: manifests say what packages need, and what the service serves.
    do("4")
    (endpoints,) = texts["4", "clojure"]
    edit(root / SERVICE / "service.edn", ":endpoints []\n", endpoints)
    run(root, "make", "sync")
    assert whole(root) == "phase 4 of 5: configured services"

    # 5: one folder for all packages.
    do("5")
    assert not (root / "services").exists() and not (root / "shared").exists()
    assert whole(root) == "phase 5 of 5: flat"
    run(root, "make", "smoke")
