"""What stands in the files: it parses, it reads well, and it is what was answered."""

import ast
import json
import re
import subprocess
import tomllib
from itertools import combinations
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt

from monorepo.core import languages
from monorepo.scaffold import addition
from tests.template.baking import CHOICES, SHAPES, bake, files, texts

PNPM_LOCKS = ("pnpm-lock.yaml", "tools/pnpm-lock.yaml")
OPTIONS = {**CHOICES, "packages": list(SHAPES.values())}
SCARS = re.compile(
    r"<<|(?<![\w>])>>(?!>)|<%|%>|<#|#>|\{%|(?<!\$)\{\{|\n\n\n|[ \t]\n|\n\n\Z|[^\n]\Z"
    r"|cookiecutter\.[a-z]"
)
HOSTILE = [
    'Zoë "Q" O\'Connor \\ back\\slash & <b>',
    "two\nlines 😀 and a tab\there",
    "${{ x }} {{ x }} << x >> {% x %} <% x %> {# #} <# #>",
    "</script> %s %(x)s $(x) `x` ${X} #{x} | > - * _ [a](b) ![c] ~~d~~ 1. e: 'f' -- //",
    "- a: [1, {b: *c}] # d",
    "\\u0041 \\n \\",
]


def pairs() -> list[dict[str, str]]:
    """Return few sets of answers in which each pair of option values occurs."""
    wanted = {
        ((one, this), (other, that))
        for one, other in combinations(OPTIONS, 2)
        for this in OPTIONS[one]
        for that in OPTIONS[other]
    }
    rows: list[dict[str, str]] = []
    while wanted:
        row = dict(sorted(wanted)[0])
        for key in OPTIONS:
            if key not in row:
                row[key] = max(
                    OPTIONS[key], key=lambda value: _covered({**row, key: value}, wanted)
                )
        rows.append(row)
        wanted -= {tuple(pair) for pair in combinations(((key, row[key]) for key in OPTIONS), 2)}
    return rows


def _covered(row: dict[str, str], wanted: set[tuple[tuple[str, str], tuple[str, str]]]) -> int:
    """Return how many of the pairs that are still wanted are in `row`."""
    chosen = [(key, row[key]) for key in OPTIONS if key in row]
    return sum(pair in wanted for pair in combinations(chosen, 2))


def check_files(root: Path) -> None:
    """Fail unless each file parses as what it is."""
    for name in sorted(texts(root)):
        text = (root / name).read_text(encoding="utf-8")
        try:
            match Path(name).suffix or f".{name}":
                case ".py":
                    ast.parse(text)
                case ".toml":
                    tomllib.loads(text)
                case ".json":
                    # tsconfig*.json may have comments: TypeScript's own format is JSON with these.
                    comments = r"(?m)^\s*//.*$" if "tsconfig" in name else r"\Z"
                    json.loads(re.sub(comments, "", text))
                case ".yaml" | ".yml":
                    yaml.safe_load(text)
                case ".sh" | ".run":
                    subprocess.run(["sh", "-n", root / name], check=True)
        except (ValueError, SyntaxError, yaml.YAMLError) as error:
            raise AssertionError(f"{name} does not parse: {error}\n{text}") from error


def check_scars(root: Path) -> None:
    """Fail if a file still has what only a template has."""
    for name in texts(root):
        text = (root / name).read_text(encoding="utf-8")
        if not name.startswith("tools/") and text:
            # PEP 8 wants two blank lines, in an example as well; anywhere else they are a scar.
            python = r"\A.*\Z" if name.endswith((".py", ".mako")) else r"```python\n.*?```"
            whole = re.compile(python, re.DOTALL)
            text = whole.sub(lambda code: code[0].replace("\n\n\n", "\n\n"), text)
            scar = SCARS.search(text)
            assert not scar, f"{name}: {text[max(0, scar.start() - 60) : scar.end() + 20]!r}"


def shown(markdown: str) -> list[str]:
    """Return the text of each block of a Markdown file, as a reader sees it."""
    blocks = []
    for token in MarkdownIt().parse(markdown):
        if token.type == "inline":
            blocks.append("".join(child.content for child in token.children or []))
    return blocks


@pytest.mark.slow
@pytest.mark.parametrize("row", pairs(), ids=lambda row: "-".join(row.values()).replace(" ", "+"))
def test_every_pair_of_options(row: dict[str, str], tmp_path: Path) -> None:
    root = bake(tmp_path, **row)
    check_files(root)
    check_scars(root)


@pytest.mark.parametrize("text", HOSTILE)
def test_free_text_is_data(text: str, tmp_path: Path) -> None:
    given = {"project_name": text, "description": text, "author_name": text}
    root = bake(tmp_path, repo_name="acme", namespace="acme", author_email="a@b.example", **given)
    check_files(root)
    facts = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["monorepo"]
    assert facts["project-name"] == facts["author-name"] == text
    assert json.loads((root / "package.json").read_text(encoding="utf-8"))["description"] == text
    assert shown((root / "README.md").read_text(encoding="utf-8"))[:2] == [text, text]
    assert f"Copyright (c) {text}\n" in (root / "LICENSE").read_text(encoding="utf-8")
    for path in ("shared/py/core", "shared/py/service", "services/py/api"):
        project = tomllib.loads((root / path / "pyproject.toml").read_text(encoding="utf-8"))
        # Core metadata, a later stage of this field, has no line breaks.
        assert project["project"]["authors"][0]["name"] == " ".join(text.splitlines())
    for path in ("shared/js/core", "shared/js/notes", "shared/js/service", "services/js/web"):
        manifest = json.loads((root / path / "package.json").read_text(encoding="utf-8"))
        assert manifest["author"]["name"] == text


LACKS = {
    "python": r"(?i)javascript|typescript|\bnode\b|pnpm|npm|\bjs\b|biome|\.ts\b",
    "python-shared": r"(?i)javascript|typescript|\bnode\b|pnpm|npm|\bjs\b|biome|service|\bport\b",
    "javascript-shared": r"(?i)service|\bport\b|shared/py|(?<!tools/)requirements|pytest|extra",
    "javascript": r"(?i)shared/py|services/py|(?<!tools/)requirements|pytest|fastapi|extra",
    "shared": r"(?i)service|\bport\b",
}


@pytest.mark.parametrize("manifests", CHOICES["manifests"])
@pytest.mark.parametrize("shape", LACKS)
def test_nothing_is_said_about_what_is_not_there(
    shape: str, manifests: str, tmp_path: Path
) -> None:
    root = bake(tmp_path, packages=SHAPES[shape], manifests=manifests)
    # The tooling is the same in every monorepo, and its configuration knows both languages.
    ours = {name for name in files(root) if not name.startswith(("tools/", "shared/", "services/"))}
    about_tooling = {"pyproject.toml", "constraints.txt", "LICENSE", ".gitignore"}
    about_tooling.add(".vscode/settings.json")
    for name in sorted(ours - about_tooling):
        # The rules are the tooling's, too, and so are their names.
        text = re.sub(r"(?m)^- `\w+`:", "", (root / name).read_text(encoding="utf-8"))
        said = re.search(LACKS[shape], text)
        assert not said, f"{name} speaks of {said[0]!r}"


@pytest.mark.parametrize(
    "packages",
    [
        "shared/js/core services/py/orders",
        "shared/py/core services/js/web",
        "services/py/a services/js/b apps/js/c",
    ],
)
def test_commands_name_packages_that_are_there(packages: str, tmp_path: Path) -> None:
    root = bake(tmp_path, packages=packages)
    text = (root / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:PKG=|SET=service=)[\"']?([\w/-]+)", text)) - {"…"}
    assert named
    for name in named:
        assert (root / name).is_dir() or (root / "services/py" / name).is_dir(), name
    assert ("openapi-client SET" in text) == ("services/py/" in packages)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if "/js/" in SHAPES[shape]])
def test_each_version_in_the_catalog_is_one_that_something_needs(
    shape: str, tmp_path: Path
) -> None:
    root = bake(tmp_path, packages=SHAPES[shape])
    catalog = yaml.safe_load((root / "pnpm-workspace.yaml").read_text(encoding="utf-8"))["catalog"]
    locks = [(root / name).read_text(encoding="utf-8") for name in PNPM_LOCKS]
    locked = {name for lock in locks for name in yaml.safe_load(lock)["catalogs"]["default"]}
    assert set(catalog) == locked


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape.startswith("javascript")])
def test_javascript_alone_has_no_tools_of_python(shape: str, tmp_path: Path) -> None:
    root = bake(tmp_path, packages=SHAPES[shape])
    for name in ("pyproject.toml", "constraints.txt", "tools/hashes.txt"):
        text = (root / name).read_text(encoding="utf-8")
        assert not re.search(r"\b(ruff|mypy|pytest|coverage)\b", text), name


def test_examples_can_be_left_out_and_no_readme_tells_of_them(tmp_path: Path) -> None:
    root = bake(tmp_path, packages=SHAPES["apps"])
    addition.add(root, [f"{area}/alpha" for area in languages.AREAS])
    addition.add(root, [f"{area}/omega" for area in languages.AREAS], example=False)
    check_files(root)
    check_scars(root)
    # The code says what variables and which port a service has.
    theirs = re.compile(r"(?s)<!-- settings -->.*<!-- /settings -->|\b[35]\d\d\d\b")
    for area in languages.AREAS:
        with_it, without = root / area / "alpha", root / area / "omega"
        said, same = (theirs.sub("", (one / "README.md").read_text()) for one in (with_it, without))
        assert said.replace("alpha", "omega").replace("Alpha", "Omega") == same
        assert "example" not in same
