"""The graph as a page: its bytes; what it does, a browser says in a journey."""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.core import workspace
from monorepo.core.workspace import Package, Workspace
from monorepo.graph import page
from monorepo.graph.view import view

MakePackage = Callable[..., Path]
ROOM = Path(page.__file__).parent


class Parts(HTMLParser):
    """The elements of a page: what is in its scripts and its styles, and all attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts: list[tuple[str, str]] = []
        self.styles: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag == "script":
            self.scripts.append((dict(attrs).get("id") or "", ""))
        if tag == "style":
            self.styles.append("")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script":
            name, text = self.scripts[-1]
            self.scripts[-1] = (name, text + data)
        elif self.cdata_elem == "style":
            self.styles[-1] += data


def hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def space(**manifest: object) -> Workspace:
    """Return a repository in memory with a package of a manifest."""
    path = "shared/py/a"
    packages = {path: Package(Path("/nowhere"), path, {"project": manifest})}
    return Workspace(Path("/nowhere"), {"project-name": "</title><b>"}, packages)


def test_the_library_is_the_one_that_the_page_names_and_its_licence_is_kept() -> None:
    content = gzip.decompress((ROOM / "viz.js.gz").read_bytes())
    assert base64.b64encode(hashlib.sha256(content).digest()).decode() == page.VIZ_HASH
    assert content.startswith(f"/*!\nViz.js {page.VIZ}\n".encode())
    licence = (ROOM / "viz.LICENSE").read_text(encoding="utf-8")
    # As its own first lines have it.
    told = ("Michael Daines", "Graphviz", "https://libexpat.github.io", "Eclipse Public License")
    assert all(text in licence for text in (page.VIZ, *told))
    text = page.as_html(view(space(name="tiny-a")))
    assert "Permission is hereby granted" in text


def test_it_needs_nothing_and_runs_nothing_but_what_it_names() -> None:
    parts = Parts(page.as_html(view(space(name="tiny-a"))))
    names = [name for name, _ in parts.scripts]
    assert names == ["data", "library", ""]
    (policy,) = [value for tag, name, value in parts.attributes if value.startswith("default-src")]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules == {
        "default-src": "'none'",
        "script-src": f"{hashed(parts.scripts[2][1])} 'sha256-{page.VIZ_HASH}' 'wasm-unsafe-eval'",
        "style-src": hashed("".join(parts.styles)),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    addresses = {"src", "href", "action", "data", "style"}
    assert not [one for one in parts.attributes if one[1] in addresses or one[1][:2] == "on"]
    script = parts.scripts[2][1]
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|fetch\(", script
    )


NASTY = st.sampled_from(
    ["</script>", "<!--<script>", "]]>", "{{data}}", "&lt;", "\u2028", "'\"`\\"]
)


@given(st.lists(NASTY | st.text(max_size=5), max_size=4).map("".join))
def test_what_manifests_say_is_data(text: str) -> None:
    text = text.encode(errors="replace").decode()
    here = space(name=text, version=text, **{"optional-dependencies": {text: []}})
    parts = Parts(page.as_html(view(here, "", text, {"shared/py/a": ["shared/py/a", text]})))
    assert [name for name, _ in parts.scripts] == ["data", "library", ""]
    told = json.loads(parts.scripts[0][1])
    assert told["base"] == text
    assert told["project"] == "</title><b>"
    (one,) = told["packages"]
    assert (one["name"], one["version"], one["affected"]) == (text, text, ["shared/py/a", text])


def test_it_prints_as_it_is_in_any_encoding(root: Path, package: MakePackage) -> None:
    package("shared/py/a")
    text = page.as_html(view(workspace.load(root)))
    assert not [
        character for character in text if not (character.isprintable() or character == "\n")
    ]
    # The wheel and each commit of it have the library: compressed, it is this large.
    assert len(text) < 700_000


@pytest.mark.parametrize("name", ["page.js", "page.css"])
def test_its_parts_end_in_no_tag(name: str) -> None:
    assert "</" not in (ROOM / name).read_text(encoding="utf-8")
