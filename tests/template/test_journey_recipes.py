"""Every recipe of docs/recipes.md works as it stands there: the test reads it, as people do.

A block of code is the file that the last code span of the paragraph before it names, if that ends
with a colon; a block diff is a change to that file. A block sh is commands, and a block text what
they print, where … is anything.
"""

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pytest
from markdown_it import MarkdownIt

from tests.template.baking import bake, changed, commit, run

RECIPES = "docs/recipes.md"
# The one thing that people have to complete.
DIGEST = f"sha256:{'0' * 64}"


class Block(NamedTuple):
    """A block of code: of which recipe, in which language, the file that it is, and its text."""

    recipe: str
    language: str
    file: str
    text: str


def blocks(markdown: str) -> Iterator[Block]:
    """Yield the blocks of code of a document, in order."""
    recipe, named, heading = "", "", False
    for token in MarkdownIt().parse(markdown):
        if token.type == "inline":
            recipe = token.content if heading else recipe
            spans = [one.content for one in token.children or () if one.type == "code_inline"]
            named = spans[-1] if spans and token.content.endswith(":") else ""
        elif token.type == "fence":
            yield Block(recipe, token.info, named, token.content)
        heading = token.type == "heading_open"


def change(text: str, diff: str) -> str:
    """Return a text after a change, whose old lines it has once."""
    lines = diff.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if not line.startswith("+"))
    new = "".join(line[1:] for line in lines if not line.startswith("-"))
    assert f"\n{text}".count(f"\n{old}") == 1, f"is not there once:\n{old}"
    return f"\n{text}".replace(f"\n{old}", f"\n{new}")[1:]


def prints(output: str, expected: str) -> bool:
    """Return whether an output has the expected lines, in this order."""
    lines = [re.escape(line).replace("…", ".*") + "\n" for line in expected.splitlines()]
    return re.search("(?m)^" + "(?:.*\n)*?".join(lines), output) is not None


def follow(root: Path, recipe: list[Block]) -> None:
    """Do what a recipe says."""
    output = ""
    for block in recipe:
        if block.language == "sh":
            output = run(root, "sh", "-e", "-c", block.text.replace("sha256:…", DIGEST))
        elif block.language == "text":
            assert prints(output, block.text), f"{block.text}\nis not what was printed:\n{output}"
        else:
            file = root / block.file
            assert block.file, f"no file is named before:\n{block.text}"
            file.parent.mkdir(parents=True, exist_ok=True)
            text = block.text
            if block.language == "diff":
                text = change(file.read_text(encoding="utf-8"), text)
            file.write_text(text, encoding="utf-8")


@pytest.mark.slow
def test_every_recipe_works(tmp_path: Path, subtests: pytest.Subtests) -> None:
    root = bake(tmp_path)
    commit(root)
    run(root, "make", "install")
    text = (root / RECIPES).read_text(encoding="utf-8")
    for title, recipe in groupby(blocks(text), key=lambda block: block.recipe):
        with subtests.test(title):
            follow(root, list(recipe))
        commit(root)
    run(root, "make", "format")
    assert changed(root) == ""
    run(root, "make", "lint", "type-check", "guard", "lock-check")
