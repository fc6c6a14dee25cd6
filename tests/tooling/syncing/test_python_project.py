"""The part of a pyproject.toml that a manifest decides."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.edn.package_manifest import read_package
from monorepo.syncing import python_project
from monorepo.syncing.asked import Asked, Kind
from monorepo.system.text_files import MalformedError

TEXT = """\
[build-system]
requires = ["setuptools>=80"]

[project]
name = "acme-core"
version = "0.1.0" # the first
readme = "README.md"
dependencies = []

# One extra per purpose.
[project.optional-dependencies]

# For developers.
[dependency-groups]
test = [
    "pytest>=9.0",
]

[tool.monorepo]
port = 8000
"""
MANIFEST = """\
{:package/name "acme-core"
 :package/version "0.1.0"
 :lang :python
 :runtimes/targets ["python>=3.11"]
 :deps/base ["numpy>=2" {:pkg "acme-io" :extras ["lite"]}]
 :extras {:lite [] :io [{:pkg "acme-files"}]}
 :dev {:test ["pytest>=9.0"] :all [{:include-group "test"} {:pkg "acme-testing"}]}
 :entry {:scripts {"acme" "acme.cli:main"} :entry-points {"acme.plugins" {"a" "b:c"}}}}
"""


def wanted(text: str) -> dict[str, Any]:
    """Return what a manifest asks for."""
    manifest = read_package(text, "package.edn")
    assert manifest.lang == "python"
    return python_project.wanted(manifest)


def test_what_a_manifest_says_is_written_and_all_else_stays() -> None:
    written = python_project.write(TEXT, wanted(MANIFEST))
    assert (
        written
        == """\
[build-system]
requires = ["setuptools>=80"]

[project]
name = "acme-core"
version = "0.1.0" # the first
readme = "README.md"
requires-python = ">=3.11"
dependencies = [
    "numpy>=2",
    "acme-io[lite]",
]

# One extra per purpose.
[project.optional-dependencies]
lite = []
io = ["acme-files"]

[project.scripts]
acme = "acme.cli:main"

[project.entry-points."acme.plugins"]
a = "b:c"

# For developers.
[dependency-groups]
test = [
    "pytest>=9.0",
]
all = [
    { include-group = "test" },
    "acme-testing",
]

[tool.monorepo]
port = 8000
"""
    )
    assert python_project.write(written, wanted(MANIFEST)) == written


def test_what_a_manifest_says_no_more_is_taken_out() -> None:
    written = python_project.write(TEXT, wanted(MANIFEST))
    less = '{:package/name "acme-core" :package/version "0.1.0" :lang :python}'
    document = tomllib.loads(python_project.write(written, wanted(less)))
    assert python_project.owned(document) == {"project": {"name": "acme-core", "version": "0.1.0"}}
    # That there are none is said still.
    assert document["project"]["dependencies"] == []
    assert document["project"]["readme"] == "README.md"


def test_what_a_manifest_is_not_about_is_left_alone() -> None:
    only = {"project": {"dependencies": ["a"]}}
    written = python_project.write(TEXT, only)
    assert written == TEXT.replace("dependencies = []", 'dependencies = [\n    "a",\n]')
    assert python_project.write(TEXT, {"project": {"dependencies": []}}) == TEXT


def test_what_says_the_same_in_other_words_keeps_them() -> None:
    text = """\
[project]
name = 'acme-core'
version = "0.1.0"
dependencies = ["numpy>=2",
   "acme-io[lite]"] # why
requires-python = '>=3.11'
optional-dependencies = {lite = [], io = ["acme-files"]}
scripts.acme = "acme.cli:main"
[project.entry-points]
"acme.plugins".a = "b:c"
empty = {}
[dependency-groups]
all = [{include-group = "test"}, "acme-testing"]
test = ["pytest>=9.0"]
"""
    assert python_project.write(text, wanted(MANIFEST)) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('project = "x"\n', "has project, which is not a table"),
        ("dependency-groups = 1\n", "has dependency-groups, which is not a table"),
        ("[project\n", "is not TOML"),
        # A table of that name cannot become a text.
        ("[project.version]\n", "cannot be changed in part"),
    ],
)
def test_what_cannot_be_changed_is_refused(text: str, message: str) -> None:
    with pytest.raises(MalformedError, match=message):
        python_project.write(text, wanted(MANIFEST))


def test_packages_of_the_repository_are_asked_for_where_they_stand() -> None:
    manifest = read_package(MANIFEST, "package.edn")
    assert manifest.lang == "python"
    assert [*python_project.asked(manifest)] == [
        Asked(Kind.INTERNAL, "acme-io", place=("deps/base", 1, "pkg")),
        Asked(Kind.INTERNAL, "acme-files", place=("extras", "io", 0, "pkg")),
        Asked(Kind.INTERNAL, "acme-testing", place=("dev", "all", 1, "pkg")),
    ]


NAMES = st.sampled_from(["a", "b-c", "d.e", "F_1"])
REQUIREMENTS = st.lists(
    st.sampled_from(["a", "b>=1", "c[d]", 'e; sys_platform == "x"']), max_size=3
)
PROJECTS = st.fixed_dictionaries(
    {"name": NAMES},
    optional={
        "version": st.just("1.0"),
        "description": st.text(st.characters(codec="utf-8"), max_size=8),
        "requires-python": st.just(">=3.11"),
        "dependencies": REQUIREMENTS,
        "optional-dependencies": st.dictionaries(NAMES, REQUIREMENTS, max_size=2),
        "scripts": st.dictionaries(NAMES, NAMES, max_size=2),
        "gui-scripts": st.dictionaries(NAMES, NAMES, max_size=2),
        "entry-points": st.dictionaries(
            NAMES, st.dictionaries(NAMES, NAMES, max_size=2), max_size=2
        ),
    },
)
DOCUMENTS = st.fixed_dictionaries(
    {"project": PROJECTS}, optional={"dependency-groups": st.dictionaries(NAMES, REQUIREMENTS)}
)


@given(DOCUMENTS, DOCUMENTS)
def test_from_any_state_to_any_other_and_nothing_to_do_then(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    def whole(document: dict[str, Any]) -> dict[str, Any]:
        project = dict.fromkeys(python_project.KEYS) | document["project"]
        return {"project": project, "dependency-groups": document.get("dependency-groups", {})}

    text = TEXT
    for document in (first, second):
        text = python_project.write(text, whole(document))
        found = tomllib.loads(text)
        assert python_project.owned(found) == python_project.owned(document)
        assert python_project.write(text, whole(document)) == text
        # What is there is what is wanted: the identity.
        assert python_project.write(text, whole(python_project.owned(found) | {})) == text
    assert found["tool"] == {"monorepo": {"port": 8000}}
    assert found["project"]["readme"] == "README.md"
