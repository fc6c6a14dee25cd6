"""Every recipe of docs/recipes.md works as it stands there: the test reads it, as people do.

A block of code is the file that the last code span of the paragraph before it names, if that ends
with a colon; a block diff is a change to that file. A block sh is commands, and a block text what
they print, where … is anything.
"""

import re
import subprocess
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pytest
from markdown_it import MarkdownIt

from monorepo.core import workspace
from tests.template.baking import SHAPES, bake, changed, commit, environment, run
from tests.template.changes import patched
from tests.template.test_journey_monorepo import free_port

RECIPES = "docs/recipes.md"
# The one thing that people have to complete.
DIGEST = f"sha256:{'0' * 64}"
CURL = 'fail\nsilent\nretry = 30\nretry-delay = 1\nretry-all-errors\nwrite-out = "\\n"\n'


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


def prints(output: str, expected: str) -> bool:
    """Return whether an output has the expected lines, in this order."""
    lines = [re.escape(line).replace("…", ".*") + "\n" for line in expected.splitlines()]
    return re.search("(?m)^" + "(?:.*\n)*?".join(lines), output) is not None


class Reader:
    """Somebody who does what a recipe says, in a repository."""

    def __init__(self, root: Path) -> None:
        """Begin at the root of a repository."""
        self.root = root
        self.servers: subprocess.Popen[bytes] | None = None
        self.output = ""
        self.ports: dict[int, int] = {}
        # Somebody who looks at the other terminal asks once it says that it listens.
        self.curl = str(root / ".git")
        (root / ".git/.curlrc").write_text(CURL, encoding="utf-8")

    def follow(self, block: Block) -> None:
        """Do what a block says."""
        if block.language == "sh":
            self.run(block.text.replace("sha256:…", DIGEST))
        elif block.language == "text":
            assert prints(self.output, block.text), f"{block.text}\nis not in\n{self.output}"
        else:
            assert block.file, f"no file is named before\n{block.text}"
            file, text = self.root / block.file, block.text
            file.parent.mkdir(parents=True, exist_ok=True)
            if block.language == "diff":
                text = patched(file.read_text(encoding="utf-8"), text)
            file.write_text(text, encoding="utf-8")

    def run(self, script: str) -> None:
        """Run commands; the last one may be services, which run until they are stopped."""
        commands, _, packages = script.partition("make dev PKG=")
        for port in self.ports:
            commands = commands.replace(f":{port}/", f":{self.ports[port]}/")
        if commands:
            self.output = run(self.root, "sh", "-e", "-c", commands, env={"CURL_HOME": self.curl})
        if packages:
            self.serve(packages.strip('"\n').split())
        elif self.servers and "make stop" in script:
            assert self.servers.wait(timeout=30) == 0
            self.servers = None

    def serve(self, packages: list[str]) -> None:
        """Run services and apps on ports that nobody else has."""
        for path in packages:
            port = workspace.load(self.root).packages[path].settings["port"]
            self.ports[port] = free_port()
            (self.root / path / ".env").write_text(f"PORT={self.ports[port]}\n", encoding="utf-8")
        command = ["make", "dev", f"PKG={' '.join(packages)}"]
        self.servers = subprocess.Popen(command, cwd=self.root, env=environment())


SERVICES = ["A route in a shared package", "Environment variables and `.env`"]
COMMANDS = ["A command line", "A scheduled job"]
PYTHON = ["A notebook", "A C extension"]
EVERYBODY = [
    "Another test runner",
    "An editor",
    "Hooks in CI",
    "A docs site",
    "A folder of your own",
]
INDEXES = ["A private index", "A GPU"]
DATABASE, FRONTEND = "A database in a service", "A frontend with its API"
BOTH = [*SERVICES, DATABASE, FRONTEND]
IMAGE, RELEASE = "A container image", "A release"
TITLES = {
    "default": [*BOTH, *COMMANDS, *PYTHON, *EVERYBODY, IMAGE, *INDEXES, RELEASE],
    "python": [*SERVICES, DATABASE, *COMMANDS, *PYTHON, *EVERYBODY, IMAGE, *INDEXES, RELEASE],
    "python-app": [*COMMANDS, *PYTHON, *EVERYBODY, *INDEXES, RELEASE],
    "javascript": [*SERVICES, DATABASE, *COMMANDS, *EVERYBODY, IMAGE, RELEASE],
    "javascript-shared": [*COMMANDS, *EVERYBODY, RELEASE],
}


@pytest.mark.parametrize("shape", TITLES)
def test_a_repository_has_the_recipes_that_are_true_for_it(shape: str, tmp_path: Path) -> None:
    root = bake(tmp_path, packages=SHAPES[shape])
    text = (root / RECIPES).read_text(encoding="utf-8")
    assert re.findall("(?m)^## (.+)$", text) == TITLES[shape]
    found = list(blocks(text))
    assert {block.recipe for block in found} <= {*TITLES[shape]}
    # Each is followed to the end in the default one, which has all that another shape has.
    everything = map(shape_of, blocks((bake(tmp_path / "x") / RECIPES).read_text("utf-8")))
    assert {*map(shape_of, found)} - {*everything} == set()


def shape_of(block: Block) -> str:
    """Return the text of a block without which package, port and image it is about."""
    text = re.sub(r"(shared|services|apps)/(py|js)/[a-z-]+", "<package>", block.text)
    text = re.sub(r":\d+/|BASE=\S+", "<value>", text)
    return re.sub(r"\./run (--package <package> \S+|<package>/src/cli.ts)", "<command>", text)


def test_the_actions_are_those_of_the_other_workflows(tmp_path: Path) -> None:
    root = bake(tmp_path)
    told = re.findall(r"uses: (.+)", (root / RECIPES).read_text(encoding="utf-8"))
    workflow = (root / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    assert told and {*told} <= {*re.findall(r"uses: (.+)", workflow)}


def test_a_change_is_about_lines_that_are_there_once() -> None:
    assert patched("a\nb\nc\n", " a\n-b\n+x\n@@\n c\n+d\n") == "a\nx\nc\nd\n"
    assert patched("a = 1\n\nb\n", " a = 1\n\n-b\n") == "a = 1\n\n"
    for text in ("", "a b\n", "b\nb\n"):
        with pytest.raises(AssertionError, match="is not there once"):
            patched(text, "-b\n")


def test_what_is_printed_is_compared_line_by_line() -> None:
    assert prints("one\ntwo\n3 s\nfour\n", "one\n… s\n")
    for expected in ("two\none\n", "on\n", "…5…\n", "one\ntwo\none\n"):
        assert not prints("one\ntwo\n3 s\nfour\n", expected)


@pytest.mark.slow
def test_every_recipe_works(tmp_path: Path, subtests: pytest.Subtests) -> None:
    root = bake(tmp_path)
    commit(root)
    run(root, "make", "install")
    reader = Reader(root)
    text = (root / RECIPES).read_text(encoding="utf-8")
    for title, recipe in groupby(blocks(text), key=lambda block: block.recipe):
        with subtests.test(title):
            for block in recipe:
                reader.follow(block)
        commit(root)
    run(root, "make", "format")
    assert changed(root) == ""
    run(root, "make", "lint", "type-check", "guard", "lock-check")
