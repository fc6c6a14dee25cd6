"""In place of an extra for a migration, a package gets what its own code needs, and no more."""

from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.guard.repository import Sources
from monorepo.ratchet import needs, requests
from monorepo.ratchet.needs import Plan
from monorepo.ratchet.requests import DEPENDENCIES

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
MakeGroups = Callable[..., None]
CORE, API = "shared/py/core", "services/py/api"
SRC = f"{API}/src/tiny_svc_api"
LEGACY = ["left==1.0", "numpy==2.0", "soundfile==1", "flask==3", "pyyaml==6", "tools==1"]
TEST = ("dependency-groups", "test")


@pytest.fixture
def core(root: Path, package: MakePackage, write: Write) -> Path:
    """Make a package whose marked extra has what the modules need, and other extras for them."""
    extras = {"audio": ["numpy==2.0", "soundfile==1"], "web": ["flask==3"]}
    folder = package(CORE, **extras, every=["tiny-core[audio,web]"], **{"legacy-cpu": LEGACY})
    mark(folder)
    write(
        {
            f"{CORE}/src/tiny_core/audio/__init__.py": "",
            f"{CORE}/src/tiny_core/audio/cut.py": "import numpy\nfrom tiny_core.audio import io",
            f"{CORE}/src/tiny_core/audio/io.py": "def read():\n    import soundfile\n",
            f"{CORE}/src/tiny_core/web.py": "import flask\nimport tiny_core.plain\n",
            f"{CORE}/src/tiny_core/plain.py": "import json\n",
        }
    )
    return folder


def mark(folder: Path) -> None:
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('[tool.monorepo]\nlegacy = ["legacy-cpu"]\n')


def plan(root: Path, path: str = API) -> Plan:
    space = workspace.load(root)
    asked = [one for one in requests.find(Sources(space)) if one.path == path]
    assert asked
    return needs.plan(space, space.packages[path], asked)


def needed(found: Plan) -> dict[str, list[str]]:
    """Return what is needed by the last word of its place."""
    rows: dict[str, list[str]] = {}
    for need in found.needs:
        rows.setdefault(need.place[-1], []).append(need.text)
    return rows


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        # Nothing of it is used, and so it goes.
        ("import json\n", []),
        # What is imported is declared, as the extra has it.
        ("import left\n", ["left==1.0"]),
        ("def f():\n    import numpy\n", ["numpy==2.0"]),
        ("try:\n    import left\nexcept ImportError:\n    left = None\n", ["left==1.0"]),
        ("import yaml\n", ["pyyaml==6"]),
        # A module of the package needs extras, also through others and in functions.
        ("import tiny_core.plain\n", ["tiny-core"]),
        ("from tiny_core import web\n", ["tiny-core[web]"]),
        ("import tiny_core.audio.cut\n", ["tiny-core[audio]"]),
        ("from tiny_core.audio.io import read\n", ["tiny-core[audio]"]),
        (
            "import tiny_core.audio.cut, tiny_core.web, flask\n",
            ["tiny-core[audio,web]", "flask==3"],
        ),
        # A string in one word names a module; a sentence names what it begins with.
        ('run("tiny_core.web:app")\n', ["tiny-core[web]"]),
        ('run("left")\n', ["left==1.0"]),
        ('run("left --now")\n', ["left==1.0"]),
        ('say("It is left here")\n', []),
        ('"""left"""\n', []),
    ],
)
def test_what_code_uses(
    root: Path, core: Path, package: MakePackage, write: Write, code: str, wanted: list[str]
) -> None:
    package(API, "tiny-core[legacy-cpu]")
    write({f"{SRC}/main.py": code})
    found = plan(root)
    assert needed(found) == ({"dependencies": wanted} if wanted else {})
    assert not found.blocked
    for need in found.needs:
        assert [(one.path, one.line) for one in need.reasons] == [
            (f"{SRC}/main.py", 2 if "\n    " in code else 1)
        ]


def test_the_reason_says_what_needs_it(
    root: Path, core: Path, package: MakePackage, write: Write
) -> None:
    package(API, "tiny-core[legacy-cpu]")
    write({f"{SRC}/main.py": "\nimport tiny_core.web\n"})
    (need,) = plan(root).needs
    place = f"{CORE}/src/tiny_core/web.py:1"
    what = f"imports tiny_core.web, which needs flask ({place})"
    assert [str(one) for one in need.reasons] == [f"{SRC}/main.py:2 {what}"]
    assert str(need.reasons[0]._replace(line=0)) == f"{SRC}/main.py {what}"


@pytest.mark.parametrize(
    ("file", "text", "wanted"),
    [
        # A program, a module that it starts, a setting, and prose that says nothing.
        ("Procfile", "web: flask run\n", ["flask==3"]),
        ("scripts/run.sh", "exec uvicorn tiny_core.web:app\n", ["tiny-core[web]"]),
        ("README.md", "flask, and tiny_core.web\n", []),
        ("noxfile.py", "import left\n", []),
        # A script beside the code runs where the code does.
        ("migrations/env.py", "import left\nimport near\n", ["left==1.0"]),
    ],
)
def test_what_other_files_name(
    root: Path,
    core: Path,
    package: MakePackage,
    write: Write,
    file: str,
    text: str,
    wanted: list[str],
) -> None:
    package(API, "tiny-core[legacy-cpu]")
    write({f"{API}/{file}": text, f"{API}/migrations/near.py": ""})
    assert needed(plan(root)) == ({"dependencies": wanted} if wanted else {})


def test_tests_have_what_the_code_has_not(
    root: Path, core: Path, package: MakePackage, groups: MakeGroups, write: Write
) -> None:
    package(API, "tiny-core[legacy-cpu]>=1", "soundfile")
    groups(API, test=["pytest"])
    checks = "import left, numpy, flask\nimport tiny_core.web, soundfile\n"
    types = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import yaml\n"
    write({f"{SRC}/main.py": f"import left\n{types}", f"{API}/tests/unit/test_it.py": checks})
    found = plan(root)
    assert needed(found) == {
        "dependencies": ["left==1.0"],
        "test": ["tiny-core[web]", "flask==3", "numpy==2.0", "pyyaml==6"],
    }
    assert found.changes[DEPENDENCIES].replaced == {"tiny-core[legacy-cpu]>=1": None}
    assert set(found.changes) == {DEPENDENCIES, TEST}


def test_what_a_test_mocks_it_does_not_need(
    root: Path, core: Path, package: MakePackage, write: Write
) -> None:
    package(API, "tiny-core[legacy-cpu]", test=["pytest"])
    mock = 'import sys\nsys.modules["left"] = object()\nimport left\n'
    write({f"{API}/tests/test_it.py": mock, f"{API}/tests/test_b.py": "import flask\n"})
    # A package with an extra for tests, and no groups, goes on with it.
    assert needed(plan(root)) == {"test": ["flask==3"]}
    assert [place[1] for place in plan(root).changes] == ["dependencies", "optional-dependencies"]


def test_what_is_declared_already_is_not_declared_again(
    root: Path, core: Path, package: MakePackage, write: Write
) -> None:
    package(API, "tiny-core[legacy-cpu,web]", "left", ml=["numpy>=1"])
    write({f"{SRC}/main.py": "import left, numpy\nimport tiny_core.web, tiny_core.audio.cut\n"})
    found = plan(root)
    # An extra of the package is not what everybody has.
    assert needed(found) == {"dependencies": ["tiny-core[audio,web]", "numpy==2.0"]}


def test_extras_of_other_packages(
    root: Path, core: Path, package: MakePackage, write: Write
) -> None:
    package("shared/py/media", video=["tiny-core[audio]", "left"], heavy=["numpy", "left", "x"])
    package(API, "tiny-core[legacy-cpu]", "tiny-media")
    write(
        {
            "shared/py/media/src/tiny_media/show.py": "import left\n",
            "shared/py/media/src/tiny_media/sound.py": "import tiny_core.audio.cut\n",
            f"{SRC}/main.py": "import tiny_media.show\n",
        }
    )
    # The extra of fewer requirements.
    assert needed(plan(root)) == {"dependencies": ["tiny-media[video]"]}
    write({f"{SRC}/main.py": "import tiny_media.sound\n"})
    assert needed(plan(root)) == {"dependencies": ["tiny-media[video]"]}


def test_what_other_packages_did_without_they_still_do_without(
    root: Path, core: Path, package: MakePackage, write: Write
) -> None:
    package("shared/py/media", extra=["gone"])
    package(API, "tiny-core[legacy-cpu]", "tiny-media")
    late = "def f():\n    import tiny_media.inner\n"
    write(
        {
            "shared/py/media/src/tiny_media/show.py": late,
            "shared/py/media/src/tiny_media/inner.py": "import gone\n",
            f"{SRC}/main.py": "import tiny_media.show\n",
        }
    )
    assert needed(plan(root)) == {}
    write({"shared/py/media/src/tiny_media/show.py": "import tiny_media.inner\n"})
    assert needed(plan(root)) == {"dependencies": ["tiny-media[extra]"]}


def test_a_package_that_was_only_brought_along_is_requested(
    root: Path, core: Path, package: MakePackage, write: Write
) -> None:
    package("shared/py/media")
    package(API, "tiny-core[legacy-cpu]")
    write({f"{SRC}/main.py": "import tiny_media\n"})
    assert needed(plan(root)) == {"dependencies": ["tiny-media"]}


def test_a_distribution_that_was_only_brought_along_is_requested_from_its_pin_on(
    root: Path, core: Path, package: MakePackage, write: Write
) -> None:
    package(API, "tiny-core[legacy-cpu]")
    info = ".venv/lib/python3.11/site-packages/below-2.5.dist-info"
    write(
        {
            "constraints.txt": "below==2.5\n",
            f"{info}/METADATA": "Metadata-Version: 2.1\nName: below\nVersion: 2.5\n",
            f"{info}/RECORD": "under/__init__.py,,\n",
            f"{SRC}/main.py": "import under, nowhere\n",
        }
    )
    assert needed(plan(root)) == {"dependencies": ["below>=2.5"]}


def test_what_another_one_has_as_optional_is_told(
    root: Path, core: Path, package: MakePackage, write: Write
) -> None:
    package(API, "tiny-core[legacy-cpu]")
    site = ".venv/lib/python3.11/site-packages"
    files: dict[str, str] = {}
    for name in ("left", "tools"):
        info = f"{site}/{name}-1.0.dist-info"
        more = "Requires-Dist: tools; extra == 'more'\n" if name == "left" else ""
        files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{more}"
        files[f"{info}/RECORD"] = f"{name}/__init__.py,,\n"
    write({**files, f"{SRC}/main.py": "import left\n"})
    found = plan(root)
    assert (needed(found), found.perhaps) == ({"dependencies": ["left==1.0"]}, ["tools"])


def test_what_only_the_marked_extra_has_is_for_a_hand(
    root: Path, core: Path, package: MakePackage, write: Write
) -> None:
    package(API, "tiny-core[legacy-cpu]")
    write(
        {
            f"{CORE}/src/tiny_core/data.py": "import yaml\n",
            f"{SRC}/main.py": "import tiny_core.data\n",
        }
    )
    (line,) = plan(root).blocked
    assert line == (
        f"{SRC}/main.py:1 imports tiny_core.data, which needs yaml ({CORE}/src/tiny_core/data.py:1)"
        f", which {CORE} has in legacy-cpu alone; make ratchet PKG={CORE} FIX=1 gives it an extra"
    )


def test_what_builds_a_package_is_for_a_hand(root: Path, core: Path, package: MakePackage) -> None:
    folder = package(API)
    text = (folder / "pyproject.toml").read_text(encoding="utf-8")
    told = text.replace("requires = []", 'requires = ["tiny-core[legacy-cpu]"]', 1)
    (folder / "pyproject.toml").write_text(told, encoding="utf-8")
    (line,) = plan(root).blocked
    assert line == (
        f"{API}/pyproject.toml:1: building it asks for tiny-core[legacy-cpu]; take it out"
    )


def test_an_extra_of_a_package_asks_for_it(
    root: Path, core: Path, package: MakePackage, write: Write
) -> None:
    package(API, "left", sound=["tiny-core[legacy-cpu]"])
    write({f"{SRC}/main.py": "import tiny_core.audio.cut, numpy\n"})
    assert needed(plan(root)) == {"sound": ["tiny-core[audio]", "numpy==2.0"]}
    # Code that two extras are for is for none of them.
    package(API, "left", sound=["tiny-core[legacy-cpu]"], more=["tiny-core[legacy-cpu,web]", "x"])
    write({f"{SRC}/main.py": "import tiny_core.audio.cut, numpy\n"})
    found = plan(root)
    assert needed(found) == {
        "more": ["tiny-core[web]"],
        "dependencies": ["tiny-core[audio]", "numpy==2.0"],
    }


def test_a_package_asks_for_its_own(
    root: Path, package: MakePackage, groups: MakeGroups, write: Write
) -> None:
    own = "tiny-core[legacy-cpu]"
    extras = {"audio": ["numpy"], "gpu": ["x"], "all": [own], "legacy-cpu": ["numpy", "left"]}
    mark(package(CORE, **extras, more=["tiny-core[all]"]))
    groups(CORE, test=["pytest", own])
    write(
        {
            f"{CORE}/src/tiny_core/audio.py": "import numpy\n",
            f"{CORE}/tests/test_it.py": "import left, tiny_core.audio\n",
        }
    )
    space = workspace.load(root)
    assert requests.tainted(space.packages[CORE]) == {"legacy-cpu", "all", "more"}
    assert needed(plan(root, CORE)) == {
        "all": ["tiny-core[audio]"],
        "test": ["tiny-core[audio]", "left"],
    }


def test_what_the_other_extras_lack(root: Path, core: Path, write: Write) -> None:
    space = workspace.load(root)
    assert needs.growth(space, space.packages[CORE]) == {}
    write(
        {
            f"{CORE}/src/tiny_core/__init__.py": "import left\n",
            f"{CORE}/src/tiny_core/data/_inner.py": "def f():\n    import yaml\n",
            f"{CORE}/src/tiny_core/audio/cut.py": "import numpy, flask, nowhere\n",
            f"{CORE}/src/tiny_core/test_it.py": "import tools\n",
        }
    )
    space = workspace.load(root)
    found = needs.growth(space, space.packages[CORE])
    assert {area: [*texts] for area, texts in found.items()} == {
        "": ["left==1.0"],
        "data": ["pyyaml==6"],
    }
    assert [str(one) for one in found["data"]["pyyaml==6"]] == [
        f"{CORE}/src/tiny_core/data/_inner.py:2 imports yaml"
    ]
