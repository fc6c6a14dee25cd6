"""The names of a package follow from its path, and no other package has them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.guard import catalog, runner

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]


def found(root: Path) -> list[str]:
    return [
        str(one).replace(" names:", "") for one in runner.guard(workspace.load(root), ["names"])
    ]


def named(path: str, name: str) -> dict[str, str]:
    """Return the files of a package with another name than that of its folder."""
    if "/js/" in path:
        return {f"{path}/package.json": json.dumps({"name": name})}
    module = name.replace("-", "_")
    manifest = f'[project]\nname = "{name}"\nversion = "1"\n'
    return {f"{path}/pyproject.toml": manifest, f"{path}/src/{module}/__init__.py": ""}


def test_names_that_agree(root: Path, package: MakePackage, write: Write) -> None:
    assert "names" in catalog.RULES
    for path in ("shared/py/core", "shared/py/text-to-speech", "services/py/core"):
        package(path)
    write(named("shared/js/core", "@tiny/core") | named("services/js/core", "@tiny/svc-core"))
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
    assert found(root) == [f"{path}/{manifest}: the name is {name}, not {wanted}; call it {wanted}"]


def test_a_folder_in_src_that_is_called_otherwise(
    root: Path, package: MakePackage, write: Write
) -> None:
    folder = package("shared/py/audio")
    (folder / "src/tiny_audio").rename(folder / "src/audio")
    write({"shared/py/audio/src/tiny_audio_x/__init__.py": ""})
    assert found(root) == ["shared/py/audio: has no src/tiny_audio; call the folder in src so"]


def test_a_set_of_dependencies_has_no_src(
    root: Path, dependency_set: MakePackage, write: Write
) -> None:
    dependency_set("shared/py/ml")
    assert found(root) == []
    write({"shared/py/ml/src/tiny_ml/__init__.py": ""})
    assert found(root) == [
        "shared/py/ml/src: is not in the distribution: the manifest has"
        " packages = []; name its packages there, or remove src"
    ]


@pytest.mark.parametrize(
    ("path", "name", "said"),
    [
        ("shared/py/tests", "tiny-tests", "tests is reserved by file systems or tools; choose"),
        ("shared/js/A_b", "@tiny/A_b", "A_b is not a name; use lower-case letters, digits and"),
        ("shared/py/svc-a", "tiny-svc-a", "svc-a would be named like a service; choose a name"),
    ],
)
def test_a_folder_with_no_good_name(
    root: Path, write: Write, path: str, name: str, said: str
) -> None:
    write(named(path, name))
    (line,) = found(root)
    assert line.startswith(f"{path}: {said}")


def test_two_packages_of_one_name(root: Path, package: MakePackage, write: Write) -> None:
    package("shared/py/audio")
    write(named("shared/py/sound", "Tiny_Audio"))
    assert found(root) == [
        "shared/py/sound/pyproject.toml: unreadable: the name Tiny_Audio is that of"
        " shared/py/audio as well; choose another"
    ]
    # A name in another language is another name.
    (root / "shared/py/sound/pyproject.toml").unlink()
    write(named("shared/js/audio", "@tiny/audio"))
    assert found(root) == []


def test_names_in_the_flat_layout(root: Path, write: Write) -> None:
    def package(folder: str, name: str, kind: str = "shared") -> None:
        text = f'[project]\nname = "{name}"\nversion = "1"\n[tool.monorepo]\nkind = "{kind}"\n'
        module = f"packages/{folder}/src/{name.replace('-', '_')}/__init__.py"
        write({f"packages/{folder}/pyproject.toml": text, module: ""})

    package("tiny-core", "tiny-core")
    package("tiny-svc-api", "tiny-svc-api", "services")
    ui = {"name": "@tiny/core", "monorepo": {"kind": "shared"}}
    write({"packages/tiny-core-js/package.json": json.dumps(ui)})
    assert found(root) == []
    package("tiny-audio", "tiny-sound")
    package("video", "tiny-video")
    package("tiny-web", "tiny-svc-web", "services")
    manifest = "packages/tiny-audio/pyproject.toml"
    assert found(root) == [
        f"{manifest}: the name is tiny-sound, not tiny-audio; call it tiny-audio",
        "packages/tiny-web: is not called like a service; call it packages/tiny-svc-web",
        "packages/video: is not called like a shared package; call it packages/tiny-video",
    ]
