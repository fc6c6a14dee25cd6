"""The part of a package.json that a manifest decides."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.edn.package_manifest import read_package
from monorepo.syncing import node_package
from monorepo.syncing.asked import Asked, Kind
from monorepo.system.text_files import MalformedError

TEXT = """\
{
  "name": "@acme/core",
  "version": "0.1.0",
  "private": true,
  "type": "module",
  "exports": {
    ".": {"source": "./src/index.ts", "default": "./dist/index.js"}
  },
  "publishConfig": {
    "access": "public",
    "exports": {
      ".": {
        "default": "./dist/index.js"
      }
    }
  },
  "scripts": { "test": "make test" },
  "devDependencies": {
    "typescript": "catalog:"
  }
}
"""
MANIFEST = """\
{:package/name "@acme/core"
 :package/version "0.1.0"
 :package/description "Ä core"
 :lang :node
 :runtimes/targets ["node>=24" "browser"]
 :deps/base {"@acme/io" "workspace:*" "fastify" "catalog:" "ws" {:catalog "^8.18"}}
 :peers {"pg" {:version "catalog:" :optional true} "left" {:optional true}}
 :dev {"typescript" "catalog:"}
 :overrides {"ws" "^8.19"}
 :entry {"." {:source "./src/index.ts" :default "./dist/index.js"}
         "./browser" {:source "./src/browser.ts" :default "./dist/browser.js"}}}
"""


def wanted(text: str) -> dict[str, Any]:
    """Return what a manifest asks for."""
    manifest = read_package(text, "package.edn")
    assert manifest.lang == "node"
    return node_package.wanted(manifest)


def test_what_a_manifest_says_is_written_and_all_else_stays() -> None:
    written = node_package.write(TEXT, wanted(MANIFEST))
    assert (
        written
        == """\
{
  "name": "@acme/core",
  "version": "0.1.0",
  "private": true,
  "description": "Ä core",
  "type": "module",
  "engines": {
    "node": ">=24"
  },
  "exports": {
    ".": {
      "source": "./src/index.ts",
      "default": "./dist/index.js"
    },
    "./browser": {
      "source": "./src/browser.ts",
      "default": "./dist/browser.js"
    }
  },
  "publishConfig": {
    "access": "public",
    "exports": {
      ".": {
        "default": "./dist/index.js"
      },
      "./browser": {
        "default": "./dist/browser.js"
      }
    }
  },
  "scripts": { "test": "make test" },
  "dependencies": {
    "@acme/io": "workspace:*",
    "fastify": "catalog:",
    "ws": "catalog:"
  },
  "peerDependencies": {
    "pg": "catalog:"
  },
  "peerDependenciesMeta": {
    "left": {
      "optional": true
    },
    "pg": {
      "optional": true
    }
  },
  "devDependencies": {
    "typescript": "catalog:"
  }
}
"""
    )
    assert node_package.write(written, wanted(MANIFEST)) == written


def test_what_a_manifest_says_no_more_is_taken_out() -> None:
    written = node_package.write(TEXT, wanted(MANIFEST))
    less = '{:package/name "@acme/core" :package/version "0.1.0" :lang :node}'
    document = json.loads(node_package.write(written, wanted(less)))
    assert node_package.owned(document) == {"name": "@acme/core", "version": "0.1.0"}
    assert document["scripts"] == {"test": "make test"}


def test_the_order_of_exports_means_something_and_that_of_dependencies_nothing() -> None:
    text = (
        '{"exports": {"import": "./a.js", "default": "./b.js"}, "dependencies": {"b": "", "a": ""}}'
    )
    same = {
        "exports": {"import": "./a.js", "default": "./b.js"},
        "dependencies": {"a": "", "b": ""},
    }
    assert node_package.write(text, same) == text
    other = {"exports": {"default": "./b.js", "import": "./a.js"}}
    assert node_package.write(text, other) != text


@pytest.mark.parametrize(
    ("text", "filled", "emptied"),
    [
        ("{}", '{\n  "dependencies": {\n    "a": "1"\n  }\n}', "{}"),
        ("{\n}\n", '{\n  "dependencies": {\n    "a": "1"\n  }\n}\n', "{}\n"),
        ('{"monorepo":{}}', '{"dependencies": {"a": "1"}, "monorepo":{}}', '{"monorepo":{}}'),
        (
            '{\n\t"name": "x"\n}\n',
            '{\n\t"name": "x",\n\t"dependencies": {\n\t\t"a": "1"\n\t}\n}\n',
            '{\n\t"name": "x"\n}\n',
        ),
    ],
)
def test_indentation_and_the_last_line_break_are_kept(text: str, filled: str, emptied: str) -> None:
    written = node_package.write(text, {"dependencies": {"a": "1"}})
    assert written == filled
    assert node_package.write(written, {"dependencies": {}}) == emptied


@pytest.mark.parametrize("text", ["[]", "", "{", '{"a": 1, "a": 2}'])
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        node_package.write(text, {"name": "a"})


def test_what_is_asked_of_the_repository() -> None:
    manifest = read_package(MANIFEST, "package.edn")
    assert manifest.lang == "node"
    assert [*node_package.asked(manifest)] == [
        Asked(Kind.INTERNAL, "@acme/io", "", ("deps/base", "@acme/io")),
        Asked(Kind.LISTED, "fastify", "", ("deps/base", "fastify")),
        Asked(Kind.CATALOG, "ws", "^8.18", ("deps/base", "ws", "catalog")),
        Asked(Kind.LISTED, "pg", "", ("peers", "pg")),
        Asked(Kind.LISTED, "typescript", "", ("dev", "typescript")),
        Asked(Kind.OVERRIDES, "ws", "^8.19", ("overrides", "ws")),
    ]


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=4)
VALUES = st.recursive(
    TEXTS | st.booleans() | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=5,
)
OWN = st.dictionaries(TEXTS, VALUES, max_size=4)
WANTED = st.dictionaries(
    st.sampled_from(node_package.KEYS), st.dictionaries(TEXTS, TEXTS, max_size=3), max_size=4
)


@given(OWN, WANTED, WANTED, st.sampled_from([None, 1, 2, "\t"]), st.sampled_from(["", "\n"]))
def test_from_any_state_to_any_other_and_nothing_to_do_then(
    own: dict[str, Any],
    first: dict[str, Any],
    second: dict[str, Any],
    indent: int | str | None,
    end: str,
) -> None:
    own = {key: value for key, value in own.items() if key not in node_package.KEYS}
    text = json.dumps(own | first, indent=indent, ensure_ascii=False) + end
    whole = dict.fromkeys(node_package.KEYS) | second
    written = node_package.write(text, whole)
    found = json.loads(written)
    assert node_package.owned(found) == {key: value for key, value in second.items() if value}
    assert {key: found[key] for key in found if key not in node_package.KEYS} == own
    assert written.endswith("}" + end)
    assert node_package.write(written, whole) == written
    # The layout is that of the whole.
    if indent is not None and own | first:
        assert written == json.dumps(found, indent=indent, ensure_ascii=False) + end
