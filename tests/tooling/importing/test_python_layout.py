"""Each file of a folder has one place in the package, whatever the layout was."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.importing import python_layout
from monorepo.importing.origin import File, Origin, Where
from monorepo.importing.python_imports import Modules
from monorepo.importing.python_layout import Layout
from monorepo.system.errors import UsageError


def origin(*files: str, single: str = "", **contents: bytes) -> Origin:
    """Return a folder with files."""
    found = {file: File(contents.get(file, b"")) for file in files}
    return Origin("old/audio", Where.HERE, Path("/r/old/audio"), "old/audio", "", found, single)


def layout(*files: str) -> Layout:
    """Return the layout of a folder with files."""
    return python_layout.plan(origin(*files), "acme_audio", b"MIT")


FLAT = [
    "lib/__init__.py",
    "lib/a/b.py",
    "lib/a/x.json",
    "tests/test_a.py",
    "tests/data/y",
    "setup.py",
]
CASES = [
    (
        "flat",
        FLAT,
        {
            "lib/__init__.py": "src/acme_audio/__init__.py",
            "lib/a/b.py": "src/acme_audio/a/b.py",
            "lib/a/x.json": "src/acme_audio/a/x.json",
            "tests/test_a.py": "tests/unit/test_a.py",
            "tests/data/y": "tests/unit/data/y",
        },
    ),
    (
        "src",
        ["src/lib/__init__.py", "src/lib/tests/test_b.py", "README.rst", "docs/a.md", "COPYING"],
        {
            "src/lib/__init__.py": "src/acme_audio/__init__.py",
            "src/lib/tests/test_b.py": "tests/unit/test_b.py",
            "README.rst": "docs/README.rst",
            "docs/a.md": "docs/a.md",
            "COPYING": "COPYING",
        },
    ),
    (
        "the folder itself",
        [
            "__init__.py",
            "a.py",
            "sub/b.py",
            "tests/unit/test_a.py",
            "tests/conftest.py",
            "test_c.py",
        ],
        {
            "__init__.py": "src/acme_audio/__init__.py",
            "a.py": "src/acme_audio/a.py",
            "sub/b.py": "src/acme_audio/sub/b.py",
            "tests/unit/test_a.py": "tests/unit/test_a.py",
            "tests/conftest.py": "tests/conftest.py",
            "test_c.py": "tests/unit/test_c.py",
        },
    ),
    (
        "scripts",
        ["main.py", "my-tool.py", "model/user.py", "words.txt", "scripts/run.sh", ".env.example"],
        {
            "main.py": "src/acme_audio/main.py",
            "my-tool.py": "src/acme_audio/my_tool.py",
            "model/user.py": "src/acme_audio/model/user.py",
            "words.txt": "src/acme_audio/words.txt",
            "scripts/run.sh": "scripts/run.sh",
            ".env.example": ".env.example",
        },
    ),
    (
        "several packages",
        ["a/__init__.py", "b/__init__.py", "data/x.csv"],
        {
            "a/__init__.py": "src/acme_audio/a/__init__.py",
            "b/__init__.py": "src/acme_audio/b/__init__.py",
            "data/x.csv": "src/acme_audio/data/x.csv",
        },
    ),
]


@pytest.mark.parametrize(
    ("files", "places"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_each_layout_has_its_places(files: list[str], places: dict[str, str]) -> None:
    assert layout(*files).places == places


def test_what_the_repository_has_already_stays_out() -> None:
    files = ["lib/__init__.py", "setup.py", "requirements/dev.txt", "tox.ini", "LICENSE"]
    found = python_layout.plan(
        origin(*files, "tests/__init__.py", LICENSE=b"MIT"), "acme_audio", b"MIT"
    )
    assert found.manifests == ["setup.py", "requirements/dev.txt"]
    assert {*found.dropped} == {*files[1:], "tests/__init__.py"}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["README.md"], "old/audio: has no Python outside of tests; name a folder of code"),
        (["tests/test_a.py"], "old/audio: has no Python outside of tests"),
        (
            ["queue.py", "main.py"],
            "old/audio/queue.py: has the name of a module that comes with Python, and hides it",
        ),
        (["my-a.py", "my_a.py"], "would have the place of my-a.py in the package; rename one"),
        (["A.py", "a.py"], "old/audio/a.py: would have the place of A.py in the package"),
    ],
)
def test_what_has_no_place_is_refused(files: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message.replace(".", r"\.")):
        layout(*files)


@pytest.mark.parametrize(
    ("files", "file", "name", "new"),
    [
        (FLAT, "lib/__init__.py", "lib.a.b.x", "acme_audio.a.b.x"),
        (FLAT, "tests/test_a.py", "lib", "acme_audio"),
        (FLAT, "tests/test_a.py", "old.audio.lib.a", "acme_audio.a"),
        (FLAT, "tests/test_a.py", "other", None),
        (["__init__.py", "a.py"], "a.py", "audio.a", "acme_audio.a"),
        (["__init__.py", "a.py", "b.py"], "a.py", "b", "acme_audio.b"),
        (["__init__.py", "a.py"], "a.py", "old.audio", "acme_audio"),
        (["main.py", "model/user.py"], "main.py", "model.user", "acme_audio.model.user"),
        (["main.py", "sub/a.py", "sub/b.py"], "sub/a.py", "b", "acme_audio.sub.b"),
        (["main.py", "json/a.py"], "main.py", "json", None),
        # Started from a folder between it and the top of its repository.
        (["main.py", "models.py"], "main.py", "audio.models.User", "acme_audio.models.User"),
        (["main.py", "models.py"], "main.py", "audio.other", None),
    ],
)
def test_a_module_is_found_by_the_names_that_it_had(
    files: list[str], file: str, name: str, new: str | None
) -> None:
    source = origin(*files)
    assert Modules(source, python_layout.plan(source, "acme_audio", b"")).find(file, name) == new


_NAMES = st.sampled_from(["a", "b", "tests", "docs", "src", "my-x", "data"])
_FILES = st.sampled_from(["__init__.py", "m.py", "test_m.py", "conftest.py", "x.json", "README.md"])


@given(
    st.sets(
        st.builds(
            lambda *parts: "/".join([*parts[0], parts[1]]), st.lists(_NAMES, max_size=3), _FILES
        )
    )
)
def test_every_file_is_moved_once_or_left_out_with_a_reason(files: set[str]) -> None:
    try:
        found = layout(*sorted(files))
    except UsageError:
        return
    assert {*found.places} | {*found.dropped} == files
    assert not {*found.places} & {*found.dropped}
    assert len({*found.places.values()}) == len(found.places)
    assert all(found.dropped.values())


def test_the_entry_point_of_a_service_keeps_its_name() -> None:
    source = origin("main.py", "words.py", "tests/test_main.py")
    found = python_layout.plan(source, "acme_svc_audio", b"")
    assert found.places["main.py"] == "src/acme_svc_audio/main.py"
    assert found.places["words.py"] == "src/acme_svc_audio/words.py"
    assert Modules(source, found).find("tests/test_main.py", "main") == "acme_svc_audio.main"
