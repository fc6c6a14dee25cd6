"""The names of a package follow from its path, and no other package has them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.guard import runner

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]


def found(root: Path) -> list[str]:
    told = runner.guard(workspace.load(root), ["names"])
    return [f"{one.path}:{one.line}: {one.message}" for one in told]


def named(path: str, name: str, more: str = "") -> dict[str, str]:
    """Return the files of a package with any name."""
    if "/js/" in path:
        return {f"{path}/package.json": json.dumps({"name": name})}
    manifest = f'[project]\nname = "{name}"\nversion = "1"\n{more}'
    module = name.replace("-", "_")
    return {f"{path}/pyproject.toml": manifest, f"{path}/src/{module}/__init__.py": ""}


def test_names_that_agree(root: Path, package: MakePackage, write: Write) -> None:
    for path in ("shared/py/core", "shared/py/text-to-speech", "services/py/core"):
        package(path)
    write(named("shared/js/core", "@tiny/core") | named("services/js/core", "@tiny/svc-core"))
    scripts = '[project.scripts]\na = "x:y"\n[project.entry-points."a.b"]\na = "x:y"\nb = "x:z"\n'
    write(named("shared/py/one", "tiny-one", scripts))
    write(named("shared/py/two", "tiny-two", scripts.replace("a = ", "c = ").replace("b =", "d =")))
    assert found(root) == []


@pytest.mark.parametrize(
    ("path", "name", "wanted"),
    [
        ("shared/py/audio", "tiny-sound", "tiny-audio"),
        ("shared/py/audio", "audio", "tiny-audio"),
        ("shared/py/audio", "Tiny-Audio", "tiny-audio"),
        ("services/py/audio", "tiny-audio", "tiny-svc-audio"),
        ("shared/js/audio", "@tiny/sound", "@tiny/audio"),
        ("shared/js/audio", "tiny-audio", "@tiny/audio"),
        ("services/js/audio", "@tiny/audio", "@tiny/svc-audio"),
    ],
)
def test_a_name_that_is_not_of_the_folder(
    root: Path, write: Write, path: str, name: str, wanted: str
) -> None:
    write(named(path, name))
    manifest = "package.json" if "/js/" in path else "pyproject.toml"
    assert found(root) == [f"{path}/{manifest}:0: the name is {name}, not {wanted}"]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (["audio/__init__.py", "tiny_audio_x/__init__.py"], ":0: has no src/tiny_audio"),
        (["tiny/audio/__init__.py"], ":0: has no src/tiny_audio"),
        (["Tiny_Audio/__init__.py"], ":0: has no src/tiny_audio"),
        (["tiny_audio/a.py", "x/__init__.py"], "/src/x:0: installs x besides tiny_audio"),
        (["tiny_audio/a.py", "x/y/z.py"], "/src/x:0: installs x besides tiny_audio"),
        (["tiny_audio/a.py", "x.py"], "/src/x.py:0: installs x besides tiny_audio"),
        (["tiny_audio.py"], ""),
        (["tiny_audio/a.py", "tiny_audio.egg-info/x.txt", "data/x.txt"], ""),
    ],
)
def test_what_src_installs(root: Path, write: Write, files: list[str], said: str) -> None:
    path = "shared/py/audio"
    manifest = named(path, "tiny-audio")[f"{path}/pyproject.toml"]
    write({f"{path}/pyproject.toml": manifest, **{f"{path}/src/{file}": "" for file in files}})
    assert found(root) == [f"{path}{said}"] * bool(said)


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ('[project.scripts]\nrun-it = "a:b"', '[project.scripts]\nRun_it = "a:b"', "6: {}script"),
        ('[project.scripts]\nx = "a:b"', '[project.gui-scripts]\nx = "a:b"', "6: {}script"),
        (
            '[project.entry-points.pytest11]\nx = "a:b"',
            '[project.entry-points."pytest11"]\nx = "c:d"',
            "6: {}entry point of pytest11",
        ),
        ("", '[project.scripts]\nmake = "a:b"', "6: the script make has the name of a tool"),
        ("", '[project.scripts]\nrufF = "a:b"', "6: the script rufF has the name of a tool"),
        ('[project.scripts]\nx = "a:b"', '[project.scripts]\nxy = "a:b"', ""),
        (
            "",
            '[project.scripts]\nx = "a:b"\n[project.gui-scripts]\nx = "a:b"',
            "8: shared/py/b has the script x",
        ),
    ],
)
def test_twins(root: Path, write: Write, first: str, second: str, said: str) -> None:
    write({"pyproject.toml": (root / "pyproject.toml").read_text().replace("[]", '["ruff"]', 1)})
    second = f"\n{second}\n"
    write(named("shared/py/a", "tiny-a", first) | named("shared/py/b", "tiny-b", second))
    lines = found(root)
    place = f"shared/py/b/pyproject.toml:{said.format('shared/py/a has the ')}"
    assert len(lines) == bool(said) and all(one.startswith(place) for one in lines), lines


def test_parts_of_a_namespace_are_no_twins(root: Path, write: Write) -> None:
    write(named("shared/py/a", "tiny-a") | named("shared/py/b", "tiny-b"))
    write({"shared/py/a/src/ns/a/__init__.py": "", "shared/py/b/src/ns/b/__init__.py": ""})
    assert found(root) == []
    write({"shared/py/b/src/ns/__init__.py": ""})
    assert found(root) == ["shared/py/b/src/ns:0: shared/py/a has the module ns as well"]


def test_twins_of_modules_and_programs_of_npm(root: Path, write: Write) -> None:
    write(named("shared/py/a", "tiny-a") | named("shared/py/b", "tiny-b"))
    write({"shared/py/a/src/utils.py": "", "shared/py/b/src/Utils/x.py": ""})
    write({"shared/py/a/src/tiny_b/x.py": ""})
    # A script of Python is in another folder than a bin of npm.
    script = '[project.scripts]\ngo = "tiny_c:x"\nd = "tiny_c:x"'
    write(named("shared/py/c", "tiny-c", script))
    write({"shared/js/d/package.json": '{"name": "@tiny/d",\n"bin": "./x.js"}'})
    bins = '{"name": "@tiny/e", "files": ["bin", "go", "git"],\n"bin": {'
    bins += '\n"go": "./x.js",\n"D": "./x.js",\n"git": "./x.js"}}'
    write({"shared/js/e/package.json": bins})
    assert found(root) == [
        "shared/js/e/package.json:4: shared/js/d has the bin D as well",
        "shared/js/e/package.json:5: the bin git has the name of a tool of this repository",
        "shared/py/a/src/tiny_b:0: shared/py/b has the module tiny_b as well",
        "shared/py/b/src/Utils:0: shared/py/a has the module Utils as well",
    ]


def test_a_set_of_dependencies_has_no_src(
    root: Path, dependency_set: MakePackage, write: Write
) -> None:
    dependency_set("shared/py/ml")
    assert found(root) == []
    write({"shared/py/ml/src/tiny_ml/__init__.py": ""})
    said = "is not in the distribution: the manifest has packages = []"
    assert found(root) == [f"shared/py/ml/src:0: {said}"]


@pytest.mark.parametrize(
    ("path", "name", "said"),
    [
        ("shared/py/tests", "tiny-tests", "tests is reserved by file systems or tools"),
        ("shared/js/A_b", "@tiny/A_b", "A_b is not a name"),
        ("shared/py/svc-a", "tiny-svc-a", "svc-a would be named like a service"),
    ],
)
def test_a_folder_with_no_good_name(
    root: Path, write: Write, path: str, name: str, said: str
) -> None:
    write(named(path, name))
    assert found(root) == [f"{path}:0: {said}"]


def test_two_packages_of_one_name(root: Path, package: MakePackage, write: Write) -> None:
    package("shared/py/audio")
    write(named("shared/py/sound", "Tiny_Audio"))
    assert found(root) == [
        "shared/py/sound/pyproject.toml:0: the name Tiny_Audio is that of shared/py/audio as well"
    ]
    # A name in another language is another name.
    (root / "shared/py/sound/pyproject.toml").unlink()
    write(named("shared/js/audio", "@tiny/audio"))
    assert found(root) == []


def test_names_in_the_flat_layout(root: Path, write: Write) -> None:
    def package(folder: str, name: str, kind: str = "shared") -> None:
        write(named(f"packages/{folder}", name, f'[tool.monorepo]\nkind = "{kind}"\n'))

    package("tiny-core", "tiny-core")
    package("tiny-svc-api", "tiny-svc-api", "services")
    ui = {"name": "@tiny/core", "monorepo": {"kind": "shared"}}
    write({"packages/tiny-core-js/package.json": json.dumps(ui)})
    assert found(root) == []
    package("tiny-audio", "tiny-sound")
    package("video", "tiny-video")
    package("tiny-web", "tiny-svc-web", "services")
    assert found(root) == [
        "packages/tiny-audio/pyproject.toml:0: the name is tiny-sound, not tiny-audio",
        "packages/tiny-web:0: is not called like a service",
        "packages/video:0: is not called like a shared package",
    ]
