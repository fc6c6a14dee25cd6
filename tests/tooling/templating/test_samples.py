"""Each sub-template makes a sample package, of which only the manifest is rendered."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.system.errors import UsageError
from monorepo.templating import samples

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
SHARED = "tools/templates/shared-py"
MANIFEST = f"{SHARED}/{{{{cookiecutter.name}}}}/pyproject.toml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "samples"
    folder.mkdir()
    return folder


def test_a_sample_of_each_sub_template(javascript: Path, templates: Path, folder: Path) -> None:
    found = samples.render(workspace.load(templates), folder)
    assert {one.path: one.name for one in found} == {
        "shared/py/py-runtime": "tiny-py-runtime",
        "shared/py/services-py": "tiny-services-py",
        "shared/js/shared-js": "@tiny/shared-js",
        "shared/py/shared-py": "tiny-shared-py",
    }
    assert {one.root for one in found} == {folder}
    # What asks for a free port gets one that no service has.
    assert next(one for one in found if one.path.endswith("services-py")).settings["port"] == 1
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert files == sorted(one.folder / one.language.manifest for one in found)


def test_a_broken_sub_template_is_told_and_the_others_are_there(
    templates: Path, write: Write, folder: Path
) -> None:
    write({MANIFEST: "[project]\nname = 1\n", f"{SHARED}-x/cookiecutter.json": "{"})
    space = workspace.load(templates)
    found, wrong = samples.usable(space, folder)
    assert {one.folder.name for one in found} == {"py-runtime", "services-py"}
    broken, malformed = wrong
    assert broken.startswith(f"{MANIFEST}: makes a broken package: shared/py/shared-py/pyproject")
    assert malformed.startswith(f"{SHARED}-x/cookiecutter.json:1: is not JSON")
    again = folder / "again"
    again.mkdir()
    with pytest.raises(UsageError) as caught:
        samples.render(space, again)
    assert list(caught.value.mistakes) == wrong


def test_names_that_no_index_is_asked_for(
    templates: Path, package: MakePackage, write: Write
) -> None:
    package("shared/py/core")
    package("shared/py/broken")
    broken = '[project]\nname = "Tiny.Broken"\ndependencies = 1\n'
    js = json.dumps({"name": "@tiny/web"})
    write({"shared/py/broken/pyproject.toml": broken, "shared/js/web/package.json": js})
    names = {"tiny-core", "@tiny/web", "tiny-broken"}
    # The runtime that a service requires is one of them before there is any service.
    assert samples.internal_names(workspace.load(templates)) == {
        *names,
        "tiny-service",
        "@tiny/service",
    }
    write({"tools/templates/services-py/cookiecutter.json": "{"})
    assert samples.internal_names(workspace.load(templates)) == names
