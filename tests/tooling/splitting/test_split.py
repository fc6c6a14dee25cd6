"""A module becomes a package of its own: all that is about it, or nothing."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from monorepo import cli
from monorepo.core import workspace
from monorepo.layout import flatten
from monorepo.programs.git import Git
from monorepo.splitting import split
from monorepo.system.errors import UsageError

MakePackage = Callable[..., Path]
Write = Callable[[dict[str, str]], None]
Save = Callable[[], str]
Capture = pytest.CaptureFixture[str]
CORE, AUDIO = "shared/py/core", "shared/py/audio"
SOURCE = f"{CORE}/src/tiny_core"
TEMPLATE = "tools/templates/shared-py/{{cookiecutter.name}}"
FILES = {
    ".gitignore": "__pycache__/\n*.log\n",
    f"{SOURCE}/__init__.py": (
        "from .audio.player import Player\nfrom .retries import delays\n\n"
        '__all__ = ["Player", "delays"]\n'
    ),
    f"{SOURCE}/retries.py": "def delays(): ...\n",
    f"{SOURCE}/audio/__init__.py": '"""Sound."""\n',
    f"{SOURCE}/audio/player.py": (
        "import left\nfrom .codec import RATE\n\n\nclass Player: rate = RATE\n"
    ),
    f"{SOURCE}/audio/codec.py": "RATE = 1\n",
    f"{SOURCE}/audio/tone.bin": "\0",
    f"{CORE}/tests/unit/test_player.py": "from tiny_core.audio.player import Player\n",
    f"{CORE}/tests/unit/test_retries.py": "from tiny_core.retries import delays\n",
    f"{CORE}/docs/audio.md": "[code](../src/tiny_core/audio/player.py)\n",
    f"{CORE}/README.md": (
        "# Core\n\n## Audio\n\n[Codecs](src/tiny_core/audio/codec.py)\n\n## More\n\nX\n"
    ),
    "services/py/api/src/tiny_svc_api/main.py": "from tiny_core import Player, delays\n",
    "README.md": (
        "`shared/py/core/src/tiny_core/audio/player.py`, [it](shared/py/core/docs/audio.md)\n"
    ),
    f"{TEMPLATE}/src/{{{{cookiecutter.import_name}}}}/__init__.py": "__all__: list[str] = []\n",
    f"{TEMPLATE}/README.md": "# It\n",
}


@pytest.fixture
def tree(
    root: Path, templates: Path, package: MakePackage, write: Write, save: Save, git: Git
) -> Path:
    """Write a monorepo in which a service uses a module of a shared package."""
    (templates / TEMPLATE / "src/{{cookiecutter.import_name}}.py").unlink()
    package(CORE, audio=["left>=1"], io=["right"])
    package("services/py/api", "tiny-core[audio,io]", "outer")
    write(FILES)
    save()
    return root


def text(root: Path, path: str) -> str:
    return (root / path).read_text(encoding="utf-8")


def declared(root: Path, path: str) -> Mapping[str, Any]:
    return dict(workspace.load_whole(root).packages[path].manifest["project"])


def change(root: Path, write: Write, save: Save, files: dict[str, str]) -> None:
    write(files)
    save()


def test_a_module_becomes_a_package(tree: Path, git: Git) -> None:
    said = split.split(tree, "tiny-core", "audio").lines
    assert said[0].startswith(f"split audio off {CORE}: {AUDIO}, with changes to ")
    start = f"{AUDIO}/src/tiny_audio"
    assert text(tree, f"{start}/__init__.py") == (
        '"""Sound."""\n\nfrom .player import Player as Player\n'
    )
    assert text(tree, f"{start}/player.py") == FILES[f"{SOURCE}/audio/player.py"]
    assert (tree / f"{start}/tone.bin").is_file()
    assert not (tree / f"{SOURCE}/audio").exists()
    assert text(tree, f"{SOURCE}/__init__.py") == (
        'from .retries import delays\n\n__all__ = ["delays"]\n'
    )
    assert text(tree, "services/py/api/src/tiny_svc_api/main.py") == (
        "from tiny_audio import Player\nfrom tiny_core import delays\n"
    )
    assert declared(tree, AUDIO)["dependencies"] == ["left>=1"]
    assert declared(tree, CORE)["optional-dependencies"] == {"io": ["right"]}
    assert declared(tree, "services/py/api")["dependencies"] == [
        *("tiny-audio", "tiny-core[io]", "outer")
    ]
    assert text(tree, f"{AUDIO}/tests/unit/test_player.py") == (
        "from tiny_audio.player import Player\n"
    )
    assert (tree / f"{CORE}/tests/unit/test_retries.py").is_file()
    assert git.unstaged() == []
    renamed = git.text("diff", "--cached", "--name-status", "--find-renames", "--diff-filter=R")
    assert f"{SOURCE}/audio/codec.py\t{start}/codec.py" in renamed


def test_its_part_of_the_documents_goes_along(tree: Path) -> None:
    split.split(tree, CORE, "audio")
    assert text(tree, f"{AUDIO}/docs/audio.md") == "[code](../src/tiny_audio/player.py)\n"
    assert text(tree, f"{AUDIO}/README.md") == (
        "# It\n\n## Audio\n\n[Codecs](src/tiny_audio/codec.py)\n"
    )
    assert text(tree, f"{CORE}/README.md") == "# Core\n\n## More\n\nX\n"
    assert text(tree, "README.md") == (
        "`shared/py/audio/src/tiny_audio/player.py`, [it](shared/py/audio/docs/audio.md)\n"
    )


def test_a_dry_run_shows_the_changes(tree: Path, git: Git) -> None:
    (tree / f"{SOURCE}/audio/my.log").write_bytes(b"")
    said = split.split(tree, CORE, "audio", "shared/py/sound", dry_run=True).lines
    assert said[0] == f"{SOURCE}/audio -> shared/py/sound/src/tiny_sound"
    assert "+from tiny_sound import Player" in said
    assert git.changed() == []
    assert not (tree / "shared/py/sound").exists()
    split.split(tree, CORE, "audio", "shared/py/sound")
    # What git ignores goes along.
    assert (tree / "shared/py/sound/src/tiny_sound/my.log").is_file()


@pytest.mark.parametrize("is_flat", [False, True])
@pytest.mark.parametrize("module", ["retries", "tiny_core.retries", "retries.py"])
def test_a_file_becomes_a_package(tree: Path, save: Save, module: str, is_flat: bool) -> None:
    if is_flat:
        flatten.flatten(tree)
        save()
    split.split(tree, "tiny-core", module)
    at = "packages/tiny-retries" if is_flat else "shared/py/retries"
    assert text(tree, f"{at}/src/tiny_retries/__init__.py") == FILES[f"{SOURCE}/retries.py"]
    core = workspace.load_whole(tree).named("tiny-core")
    assert core
    assert text(tree, f"{core.path}/src/tiny_core/__init__.py") == (
        'from .audio.player import Player\n\n__all__ = ["Player"]\n'
    )


def test_a_nested_module_becomes_a_package(tree: Path) -> None:
    split.split(tree, CORE, "audio.codec", "shared/py/codecs")
    assert text(tree, "shared/py/codecs/src/tiny_codecs/__init__.py") == "RATE = 1\n"
    assert "from tiny_codecs import RATE\n" in text(tree, f"{SOURCE}/audio/player.py")
    # Who needs it declares it.
    assert declared(tree, CORE)["dependencies"] == ["tiny-codecs"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("", ""), "PKG: is missing; give the package, such as PKG=shared/py/core"),
        ((CORE, ""), "MODULE: is missing; give a module of it, such as MODULE=audio"),
        (
            (CORE, "video"),
            "MODULE='video': is not a module of shared/py/core; give one of audio, retries",
        ),
        ((CORE, "../x"), "MODULE='../x': is not a module; give a name such as audio"),
        ((CORE, "__init__"), "MODULE='__init__': is not a module; give a name such as audio"),
        (
            ("services/py/api", "main"),
            "services/py/api/src/tiny_svc_api/main.py: starts services/py/api, and stays; move "
            "code of it to a module of its own, and split that off",
        ),
        (
            (CORE, "audio", "services/py/audio"),
            "AT: services/py/audio: a module becomes a shared package; give a path in shared/py",
        ),
        (
            (CORE, "audio", "shared/js/audio"),
            "AT: shared/js/audio: a module becomes a shared package; give a path in shared/py",
        ),
        (
            (CORE, "audio", "elsewhere/audio"),
            "AT: elsewhere/audio is not a package's path; use a name in one of "
            "shared/py, shared/js, services/py, services/js, apps/py, apps/js",
        ),
        ((CORE, "audio", CORE), "'shared/py/core': exists already; choose another name"),
        (("shared/py/x", "audio"), "shared/py/x: is not a package here; `make list` shows them"),
    ],
)
def test_what_cannot_be_is_refused(
    tree: Path, git: Git, words: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UsageError) as error:
        split.split(tree, *words)
    assert error.value.mistakes[0] == message
    assert git.changed() == []


def test_a_tree_that_is_not_committed_is_refused(tree: Path) -> None:
    (tree / f"{SOURCE}/audio/new.py").write_bytes(b"")
    with pytest.raises(UsageError, match=r"audio/new\.py: is not committed"):
        split.split(tree, CORE, "audio")
    (tree / f"{SOURCE}/retries.py").write_bytes(b"")
    with pytest.raises(UsageError, match=r"retries\.py: is not committed"):
        split.split(tree, CORE, "audio")


def test_a_module_that_is_a_file_and_a_folder_is_refused(
    tree: Path, write: Write, save: Save
) -> None:
    change(tree, write, save, {f"{SOURCE}/audio.py": ""})
    with pytest.raises(UsageError, match=r"audio\.py: is beside a folder of that name"):
        split.split(tree, CORE, "audio")


def test_it_needs_the_rest_if_that_does_not_need_it(tree: Path, write: Write, save: Save) -> None:
    player = "from ..io import read\nfrom tiny_core import delays\n"
    change(
        tree,
        write,
        save,
        {f"{SOURCE}/audio/player.py": f"{player}Player = 1\n", f"{SOURCE}/io.py": "read = 1\n"},
    )
    split.split(tree, CORE, "audio")
    # With the extra that stands for what it uses.
    assert declared(tree, AUDIO)["dependencies"] == ["tiny-core[io]", "left>=1"]
    assert text(tree, f"{AUDIO}/src/tiny_audio/player.py").startswith(
        "from tiny_core.io import read\nfrom tiny_core import delays\n"
    )


def test_a_cycle_is_refused_with_each_import_of_it(
    tree: Path, git: Git, write: Write, save: Save
) -> None:
    files = {
        f"{SOURCE}/audio/codec.py": "from ..retries import delays\n\nRATE = 1\n",
        f"{SOURCE}/mix.py": "import os\nfrom .audio.codec import RATE\n",
    }
    change(tree, write, save, files)
    with pytest.raises(UsageError) as error:
        split.split(tree, CORE, "audio")
    assert error.value.mistakes == (
        f"{SOURCE}/audio/codec.py:1: imports tiny_core.retries.delays, which stays in {CORE}; move "
        "tiny_core.retries.delays into tiny_core.audio, or into a package of its own, first",
        f"{SOURCE}/mix.py:2: stays and imports tiny_core.audio.codec.RATE, so that each would need "
        "the other; or have it do without tiny_core.audio",
    )
    assert git.changed() == []
    assert not (tree / AUDIO).exists()


def test_the_rest_needs_it_if_it_imports_it(tree: Path, write: Write, save: Save) -> None:
    change(tree, write, save, {f"{SOURCE}/mix.py": "from .audio import codec\nimport left\n"})
    split.split(tree, CORE, "audio")
    assert text(tree, f"{SOURCE}/mix.py") == "from tiny_audio import codec\nimport left\n"
    assert declared(tree, CORE)["dependencies"] == ["tiny-audio"]
    # What both import, both declare.
    assert declared(tree, CORE)["optional-dependencies"] == {"audio": ["left>=1"], "io": ["right"]}
    assert declared(tree, AUDIO)["dependencies"] == ["left>=1"]


def test_an_optional_import_is_an_extra(tree: Path, write: Write, save: Save) -> None:
    mix = "try:\n    from .audio import codec\nexcept ImportError:\n    codec = None\n"
    change(tree, write, save, {f"{SOURCE}/mix.py": mix})
    split.split(tree, CORE, "audio")
    assert declared(tree, CORE)["dependencies"] == []
    assert declared(tree, CORE)["optional-dependencies"] == {
        "audio": ["tiny-audio"],
        "io": ["right"],
    }


def test_extras_of_others_go_along_where_they_are_optional(
    tree: Path, write: Write, save: Save
) -> None:
    codec = "try:\n    import right\nexcept ImportError:\n    right = None\nRATE = 1\n"
    change(tree, write, save, {f"{SOURCE}/audio/codec.py": codec})
    split.split(tree, CORE, "audio")
    assert declared(tree, AUDIO)["optional-dependencies"] == {"io": ["right"]}
    assert declared(tree, "services/py/api")["dependencies"] == [
        *("tiny-audio[io]", "tiny-core", "outer")
    ]
    assert "optional-dependencies" not in declared(tree, CORE)


TESTS = f"{CORE}/tests"
BOTH = "from tiny_core.audio import codec\nfrom tiny_core.retries import delays\n"


@pytest.mark.parametrize(
    ("files", "going"),
    [
        ({"unit/test_x.py": "from tiny_core.audio import codec\n"}, True),
        ({"unit/test_x.py": "from tiny_core import Player\n"}, True),
        ({"unit/test_x.py": 'run("-m", "tiny_core.audio")\n'}, True),
        ({"unit/test_x.py": '"""Not tiny_core."""\nfrom tiny_core.audio import codec\n'}, True),
        ({"unit/test_audio.py": "x = 1\n"}, True),
        ({"unit/audio/test_x.py": "x = 1\n"}, True),
        ({"unit/test_x.py": BOTH}, False),
        ({"unit/test_audio.py": BOTH}, False),
        ({"unit/test_x.py": "x = 1\n"}, False),
        ({"unit/test_x.py": "not python"}, False),
    ],
)
def test_the_tests_of_the_module_alone_go(
    tree: Path, write: Write, save: Save, files: dict[str, str], going: bool
) -> None:
    change(tree, write, save, {f"{TESTS}/{path}": text for path, text in files.items()})
    said = split.split(tree, CORE, "audio").lines
    (path,) = files
    assert (tree / f"{AUDIO}/tests/{path}").is_file() == going
    assert (tree / f"{TESTS}/{path}").is_file() != going
    told = f"look at {TESTS}/{path}: it stays, because it is about both packages"
    assert (told in said) == (BOTH in files.values())
    groups = workspace.load_whole(tree).packages[CORE].groups
    assert ("tiny-audio" in groups.get("test", [])) == (BOTH in files.values())


def test_a_test_of_both_goes_by_its_name_where_both_are_needed(
    tree: Path, write: Write, save: Save
) -> None:
    codec = "from ..retries import delays\n\nRATE = 1\n"
    files = {f"{SOURCE}/audio/codec.py": codec, f"{TESTS}/unit/test_audio.py": BOTH}
    change(tree, write, save, files)
    split.split(tree, CORE, "audio")
    assert (tree / f"{AUDIO}/tests/unit/test_audio.py").is_file()


def test_a_test_of_both_stays_and_only_the_tests_need_the_new_package_in_turn(
    tree: Path, write: Write, save: Save
) -> None:
    codec = "from ..retries import delays\n\nRATE = 1\n"
    change(tree, write, save, {f"{SOURCE}/audio/codec.py": codec, f"{TESTS}/test_x.py": BOTH})
    said = split.split(tree, CORE, "audio").lines
    assert f"look at {TESTS}/test_x.py: it stays, because it is about both packages" in said
    packages = workspace.load_whole(tree).packages
    assert "tiny-audio" in packages[CORE].groups["test"]
    assert not any("tiny-audio" in text for text in packages[CORE].requirements(["io", "audio"]))
    assert "tiny-core" in declared(tree, AUDIO)["dependencies"]


FIXTURE = "import pytest\n@pytest.fixture\ndef tone(): ...\n"
USER = "from tiny_core.audio import codec\ndef test_x(tone): ...\n"


def test_fixtures_go_with_the_tests_that_alone_have_them(
    tree: Path, write: Write, save: Save
) -> None:
    files = {"sound/conftest.py": FIXTURE, "sound/test_x.py": USER}
    change(tree, write, save, {f"{TESTS}/{path}": text for path, text in files.items()})
    split.split(tree, CORE, "audio")
    assert (tree / f"{AUDIO}/tests/sound/conftest.py").is_file()
    assert (tree / f"{AUDIO}/tests/sound/test_x.py").is_file()


def test_a_test_stays_with_a_fixture_that_others_have(tree: Path, write: Write, save: Save) -> None:
    files = {"conftest.py": FIXTURE, "unit/test_x.py": USER}
    change(tree, write, save, {f"{TESTS}/{path}": text for path, text in files.items()})
    said = split.split(tree, CORE, "audio").lines
    assert (
        f"look at {TESTS}/unit/test_x.py: it stays, because it has a fixture of {TESTS}/conftest.py"
        in said
    )


def test_data_goes_with_the_tests_that_alone_name_it(tree: Path, write: Write, save: Save) -> None:
    mine = 'from tiny_core.audio import codec\nx = "data/mine.txt", "data/both.txt"\n'
    files = {
        "test_x.py": mine,
        "test_y.py": 'x = "both.txt"\n',
        "data/mine.txt": "",
        "data/both.txt": "",
        "data/other.txt": "",
        "audio/tone.txt": "",
    }
    change(tree, write, save, {f"{TESTS}/{path}": text for path, text in files.items()})
    said = split.split(tree, CORE, "audio").lines
    there = {path for path in files if (tree / f"{AUDIO}/tests/{path}").exists()}
    assert there == {"test_x.py", "data/mine.txt", "audio/tone.txt"}
    assert f"look at {TESTS}/data/both.txt: tests of both packages name it, and it stays" in said


MANIFEST = """\
[project]
name = "tiny-core"
version = "1.0"
dependencies = ["tiny-other", "right>=2"]

[project.optional-dependencies]
# Sound.
audio = ["left>=1", "driver"]
all = ["tiny-core[audio,io]"]
io = ["right[fast]"]
legacy-cpu = ["left==1"]

[project.scripts]
play = "tiny_core.audio.player:Player"
wait = "tiny_core.retries:delays"

[project.entry-points.sounds]
it = "tiny_core:Player"

[dependency-groups]
test = ["pytest>=9", "checks", "plugin", "tiny-core[audio]", { include-group = "more" }]
more = ["x"]

[tool.monorepo]
legacy = ["legacy-cpu"]

[tool.monorepo.unimported]
driver = "left loads it"
other = "x"

[tool.setuptools.package-data]
"*" = ["py.typed", "*.bin"]
tiny_core = ["audio/*.txt", "*.csv"]
"tiny_core.audio" = ["*.wav"]
"""


def test_what_is_declared_is_divided(
    tree: Path, write: Write, package: MakePackage, save: Save
) -> None:
    package("shared/py/other")
    files = {
        f"{CORE}/pyproject.toml": MANIFEST,
        f"{SOURCE}/audio/player.py": "import left\nimport tiny_other\n\nPlayer = 1\n",
        f"{SOURCE}/retries.py": "import right\n\n\ndef delays(): ...\n",
        f"{TESTS}/unit/test_player.py": "import checks\nfrom tiny_core import Player\n",
    }
    change(tree, write, save, files)
    said = split.split(tree, CORE, "audio").lines
    space = workspace.load_whole(tree)
    old, new = space.packages[CORE].manifest, space.packages[AUDIO].manifest
    assert new["project"]["dependencies"] == ["tiny-other", "left>=1", "driver"]
    assert old["project"]["dependencies"] == ["right>=2"]
    assert old["project"]["optional-dependencies"] == {
        "all": ["tiny-core[io]"],
        "io": ["right[fast]"],
        "legacy-cpu": ["left==1"],
    }
    assert new["project"]["scripts"] == {"play": "tiny_audio.player:Player"}
    assert old["project"]["scripts"] == {"wait": "tiny_core.retries:delays"}
    assert new["project"]["entry-points"] == {"sounds": {"it": "tiny_audio:Player"}}
    assert "entry-points" not in old["project"]
    assert "[project.entry-points.sounds]" not in text(tree, f"{CORE}/pyproject.toml")
    assert new["dependency-groups"] == {"test": ["pytest>=9", "checks", "plugin"]}
    assert old["dependency-groups"]["test"] == ["pytest>=9", "plugin", {"include-group": "more"}]
    assert new["tool"]["monorepo"]["unimported"] == {"driver": "left loads it"}
    assert old["tool"]["monorepo"]["unimported"] == {"other": "x"}
    assert new["tool"]["setuptools"]["package-data"] == {
        "*": ["py.typed", "*.bin"],
        "tiny_audio": ["*.txt", "*.wav"],
    }
    assert old["tool"]["setuptools"]["package-data"] == {
        "*": ["py.typed", "*.bin"],
        "tiny_core": ["*.csv"],
    }
    assert f"{CORE} does not declare driver, tiny-other any more" in said


@pytest.mark.parametrize(
    ("source", "test", "wanted", "after"),
    [
        ("from tiny_core import Player", "", ["tiny-core[audio]"], ["tiny-audio"]),
        ("from tiny_core import Player, delays", "", ["tiny-core"], ["tiny-audio", "tiny-core"]),
        ("", "", ["tiny-core[audio]"], ["tiny-audio", "tiny-core"]),
        ("from tiny_core import delays", "", ["tiny-core"], ["tiny-core"]),
        ("from tiny_core import Player", "", [], ["tiny-audio"]),
        ("", "from tiny_core import Player", [], []),
        (
            "from tiny_core import Player",
            "from tiny_core import delays",
            ["tiny-core"],
            ["tiny-audio"],
        ),
    ],
)
def test_who_uses_it_declares_it(
    tree: Path,
    package: MakePackage,
    write: Write,
    save: Save,
    source: str,
    test: str,
    wanted: list[str],
    after: list[str],
) -> None:
    package("shared/py/user", *wanted)
    files = {"src/tiny_user/it.py": f"{source}\n", "tests/test_it.py": f"{test}\n"}
    change(tree, write, save, {f"shared/py/user/{path}": text for path, text in files.items()})
    split.split(tree, CORE, "audio")
    user = workspace.load_whole(tree).packages["shared/py/user"]
    assert user.manifest["project"]["dependencies"] == after
    tested = {
        "from tiny_core import Player": ["tiny-audio"],
        "from tiny_core import delays": ["tiny-core"],
    }
    assert user.groups.get("test", []) == tested.get(test, [])


def test_a_module_of_a_package_with_an_edn_manifest(tree: Path, write: Write, save: Save) -> None:
    files = {
        f"{CORE}/package.edn": (
            '{:package/name "tiny-core"\n :package/version "1.0"\n :lang :python\n'
            ' :runtimes/targets ["python>=3.11"]\n ; Sound.\n'
            ' :extras {:audio ["left>=1"] :io ["right"]}}\n'
        ),
        "services/py/api/service.edn": (
            '{:service/name "api"\n :runtime {:lang :python :entry "tiny_svc_api.main"}\n'
            ' :deps {:python [{:pkg "tiny-core" :extras ["audio" "io"]}\n'
            '                 "outer"]}}\n'
        ),
    }
    change(tree, write, save, files)
    split.split(tree, CORE, "audio")
    assert text(tree, f"{CORE}/package.edn") == (
        '{:package/name "tiny-core"\n :package/version "1.0"\n :lang :python\n'
        ' :runtimes/targets ["python>=3.11"]\n ; Sound.\n :extras {:io ["right"]}}\n'
    )
    assert text(tree, "services/py/api/service.edn") == (
        '{:service/name "api"\n :runtime {:lang :python :entry "tiny_svc_api.main"}\n'
        ' :deps {:python [{:pkg "tiny-audio"}\n'
        '                 {:pkg "tiny-core" :extras ["io"]}\n'
        '                 "outer"]}}\n'
    )


def test_settings_of_other_tools_follow(tree: Path, write: Write, save: Save) -> None:
    root = text(tree, "pyproject.toml")
    override = '\n[[tool.mypy.overrides]]\nmodule = "tiny_core.audio.*"\nignore_errors = true\n'
    files = {
        "pyproject.toml": root + override,
        f"{CORE}/setup.cfg": "[x]\nomit = src/tiny_core/audio/codec.py\n",
    }
    change(tree, write, save, files)
    said = split.split(tree, CORE, "audio").lines
    assert 'module = "tiny_audio.*"' in text(tree, "pyproject.toml")
    assert f"look at {CORE}/setup.cfg:2: it names a path of the module" in said


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            b"from tiny_core import Player, a\r\n",
            b"from tiny_audio import Player\r\nfrom tiny_core import a\r\n",
        ),
        (
            b"\xef\xbb\xbffrom tiny_core import Player\n",
            b"\xef\xbb\xbffrom tiny_audio import Player\n",
        ),
        (
            b"# coding: latin-1\nfrom tiny_core import Player\nx = '\xe9'\n",
            b"# coding: latin-1\nfrom tiny_audio import Player\nx = '\xe9'\n",
        ),
    ],
)
def test_a_file_keeps_its_encoding(tree: Path, save: Save, before: bytes, after: bytes) -> None:
    place = tree / "services/py/api/src/tiny_svc_api/main.py"
    place.write_bytes(before)
    save()
    split.split(tree, CORE, "audio")
    assert place.read_bytes() == after


def test_links_lead_to_what_has_gone(tree: Path, save: Save) -> None:
    (tree / "tone").symlink_to(f"{SOURCE}/audio/tone.bin")
    (tree / f"{SOURCE}/audio/rest.py").symlink_to("../retries.py")
    (tree / f"{SOURCE}/audio/again.py").symlink_to("codec.py")
    save()
    split.split(tree, CORE, "audio")
    start = f"{AUDIO}/src/tiny_audio"
    links = {"tone": f"{start}/tone.bin", f"{start}/again.py": "codec.py"}
    links[f"{start}/rest.py"] = "../../../core/src/tiny_core/retries.py"
    assert {path: (tree / path).readlink().as_posix() for path in links} == links


def test_examples_and_templates_follow(tree: Path, write: Write, save: Save) -> None:
    lines = "from tiny_core import audio, retries\n"
    files = {
        "docs/a.md": f"```python\n{lines}```\n\n`tiny_core.audio`\n",
        "tools/templates/own/{{cookiecutter.name}}/a.py": lines,
        "services/py/api/src/tiny_svc_api/all.py": "x = 1\nfrom tiny_core import *\n",
    }
    change(tree, write, save, files)
    said = split.split(tree, CORE, "audio").lines
    after = "import tiny_audio as audio\nfrom tiny_core import retries\n"
    assert text(tree, "docs/a.md") == f"```python\n{after}```\n\n`tiny_audio`\n"
    assert text(tree, "tools/templates/own/{{cookiecutter.name}}/a.py") == after
    assert (
        "look at services/py/api/src/tiny_svc_api/all.py:2: it imports all of tiny_core, which has "
        "no Player any more"
    ) in said


def test_what_is_no_python_stops_nothing(tree: Path, write: Write, save: Save) -> None:
    files = {
        f"{SOURCE}/audio/__init__.py": "not python: tiny_core.audio\n",
        f"{SOURCE}/broken.py": "not python: tiny_core.audio\n",
        f"{SOURCE}/__init__.py": "from .audio.player import *\n",
        f"{SOURCE}/audio/player.py": "not python\n",
        f"{CORE}/tests/test_broken.py": "not python: tiny_core.audio\n",
    }
    change(tree, write, save, files)
    split.split(tree, CORE, "audio")
    assert text(tree, f"{SOURCE}/broken.py") == "not python: tiny_audio\n"
    assert text(tree, f"{AUDIO}/src/tiny_audio/__init__.py") == "not python: tiny_audio\n"


def test_owners_stay(tree: Path, write: Write, save: Save) -> None:
    manifest = text(tree, f"{CORE}/pyproject.toml")
    owners = '\n[tool.monorepo]\nowners = ["@sound"]\n'
    change(
        tree, write, save, {f"{CORE}/pyproject.toml": manifest + owners, ".github/CODEOWNERS": ""}
    )
    split.split(tree, CORE, "audio")
    assert "/shared/py/audio/ @sound\n" in text(tree, ".github/CODEOWNERS")


def test_entry_points_in_edn_go_along(tree: Path, write: Write, save: Save) -> None:
    manifest = text(tree, f"{CORE}/pyproject.toml").replace("audio = ", "audio-x = ")
    edn = (
        '{:package/name "tiny-core"\n :package/version "1.0"\n :lang :python\n'
        ' :runtimes/targets ["python>=3.11"]\n'
        ' :extras {:audio-x ["left>=1"] :io ["right"]}\n'
        ' :entry {:scripts {"play" "tiny_core.audio:f"\n'
        '                   "wait" "tiny_core:g"}}}\n'
    )
    scripts = '\n[project.scripts]\nplay = "tiny_core.audio:f"\nwait = "tiny_core:g"\n'
    files = {f"{CORE}/pyproject.toml": manifest + scripts, f"{CORE}/package.edn": edn}
    change(tree, write, save, files)
    split.split(tree, CORE, "audio")
    assert declared(tree, AUDIO)["scripts"] == {"play": "tiny_audio:f"}
    assert declared(tree, CORE)["scripts"] == {"wait": "tiny_core:g"}
    assert ':entry {:scripts {"wait" "tiny_core:g"}}' in text(tree, f"{CORE}/package.edn")


def test_the_command_says_what_it_did(tree: Path, capsys: Capture) -> None:
    words = ["--root", str(tree), "split", CORE, "--module", "audio"]
    assert cli.main([*words, "--as", "shared/py/sound"]) == 0
    assert "Next: make lock, then make check" in capsys.readouterr().out
    assert (tree / "shared/py/sound").is_dir()
    assert cli.main(words) == 2
    assert json.dumps("is not committed")[1:-1] in capsys.readouterr().err


def test_programs_read_what_it_did(tree: Path, capsys: Capture) -> None:
    words = ["--root", str(tree), "split", CORE, "--module", "audio", "--format", "json"]
    assert cli.main([*words, "--dry-run"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert "+from tiny_audio import Player" in shown["changes"]
    assert cli.main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert found | {"changes": shown["changes"]} == shown
    moved, changed = found.pop("moved"), found.pop("changed")
    assert found == {
        "schema_version": 1,
        "source": CORE,
        "module": "audio",
        "package": AUDIO,
        "name": "tiny-audio",
        "import": "tiny_audio",
        "look": [],
        "notes": [f"{CORE} does not declare left any more"],
        "changes": None,
    }
    assert moved[f"{SOURCE}/audio/codec.py"] == f"{AUDIO}/src/tiny_audio/codec.py"
    assert f"{CORE}/pyproject.toml" in changed


def test_programs_read_what_to_look_at(
    tree: Path, write: Write, save: Save, capsys: Capture
) -> None:
    change(tree, write, save, {f"{CORE}/tests/test_x.py": BOTH})
    words = ["--root", str(tree), "split", CORE, "--module", "audio", "--format", "json"]
    assert cli.main(words) == 0
    message = "it stays, because it is about both packages"
    look = json.loads(capsys.readouterr().out)["look"]
    assert look == [{"place": f"{CORE}/tests/test_x.py", "message": message}]
