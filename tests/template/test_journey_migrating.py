"""An old repository, whose services share a requirements file, comes in step by step, to phase 5.

After each step the repository is whole: `make check` and `make guard` pass, and it is committed.
"""

from pathlib import Path

import pytest

from monorepo.core import hashes
from tests.template.baking import bake, commit, run

pytestmark = pytest.mark.slow

GOD = ("fastapi", "jinja2", "markdown-it-py", "python-slugify", "pyyaml", "uvicorn")
PYTHON = "shared/py/core services/py/api"
WORDS = '''\
"""Reads lists of words."""

from typing import Any

import yaml


def load(text: str) -> list[str]:
    """Return the words of a YAML list."""
    found: Any = yaml.safe_load(text)
    return [str(word) for word in found or []]
'''
PAGES = '''\
"""Makes pages."""

from jinja2 import Template
from slugify import slugify


def render(title: str, words: list[str]) -> str:
    """Return a page with a title and words."""
    text = "<h1 id={{ slug }}>{{ title }}</h1> {{ words | join(', ') }}"
    return Template(text).render(slug=slugify(title), title=title, words=words)
'''
TEST = '''\
"""Tests of pages."""

from common import pages


def test_a_page_has_its_words() -> None:
    """The words stand behind the title."""
    assert pages.render("A b", ["x", "y"]) == "<h1 id=a-b>A b</h1> x, y"
'''
HANDLERS = '''\
"""What the service answers."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "shared"))

from common import pages, words


def page(title: str) -> dict[str, str]:
    """Return a page."""
    return {"page": pages.render(title, words.load("[a, b]"))}
'''
MAIN = '''\
"""A service."""

import handlers
import uvicorn
from fastapi import FastAPI

app = FastAPI()
app.get("/pages/{title}")(handlers.page)

if __name__ == "__main__":
    uvicorn.run(app)
'''


def old_repository(root: Path, pins: dict[str, list[str]]) -> Path:
    """Write a repository in which services share a requirements file, and return its root."""
    god = "".join(f"{pin}\n" for name in GOD for pin in pins[name])
    texts = {
        "shared/requirements.txt": f"# All that any service needs.\n{god}",
        "shared/common/__init__.py": '"""What services share."""\n',
        "shared/common/words.py": WORDS,
        "shared/common/pages.py": PAGES,
        "shared/common/tests/test_pages.py": TEST,
    }
    for name in ("news", "report"):
        texts[f"services/{name}/requirements.txt"] = "-r ../../shared/requirements.txt\n"
        texts |= {f"services/{name}/main.py": MAIN, f"services/{name}/handlers.py": HANDLERS}
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    run(root, "git", "init", "--quiet")
    commit(root)
    return root


def whole(root: Path) -> None:
    """Check that all of a repository works, and commit it."""
    run(root, "make", "check", "lock-check")
    commit(root)


def test_from_one_requirements_file_to_the_flat_layout(tmp_path: Path) -> None:
    root = bake(tmp_path, packages=PYTHON)
    commit(root)
    pins = (root / hashes.PINS).read_text(encoding="utf-8")
    old = old_repository(tmp_path / "old", hashes.named(hashes.pin_lines(pins)))

    # 0 and 1: the old pins are the repository's, and an extra has every line as it was.
    files = [str(old / "services" / name / "requirements.txt") for name in ("news", "report")]
    said = run(root, "sh", "tools/make/monorepo.sh", "migrate", "requirements", *files)
    assert "legacy-cpu: 6 requirements" in said and "0 not-understood" in said
    run(root, "make", "lock")
    whole(root)

    # 4: manifests say what packages need.
    run(root, "make", "derive", "PKG=shared/py/core services/py/api")
    assert "all is as the manifests say" in run(root, "make", "sync")
    whole(root)

    # 5: one folder for all packages.
    run(root, "make", "flatten")
    whole(root)
