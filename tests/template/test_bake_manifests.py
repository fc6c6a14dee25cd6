"""A monorepo whose packages have manifests in EDN: all is as these say, and else it is the same."""

import re
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.scaffold import addition
from monorepo.syncing import derive, sync
from tests.template.baking import CHOICES, SHAPES, bake, commit, edit, texts
from tests.template.releases import Releases, upgrade

EDN = ("package.edn", "service.edn")
CORE, NODE_CORE = "shared/py/core", "shared/js/core"


@pytest.mark.parametrize("shape", ["apps", "python-shared", "javascript-shared"])
def test_all_is_as_the_manifests_say(shape: str, tmp_path: Path) -> None:
    root = bake(tmp_path, packages=SHAPES[shape], manifests="edn")
    space = workspace.load_whole(root)
    for package in space.packages.values():
        assert [(package.folder / file).exists() for file in EDN].count(True) == 1, package.path
    assert sync.plan(root) == ([], [])
    assert "pydantic" in " ".join(one.text for one in space.group("dev"))


def test_whatever_is_added_is_as_its_manifest_says(tmp_path: Path) -> None:
    root = bake(tmp_path, packages=SHAPES["apps"], manifests="edn", python_env="uv")
    for path, template, answers in (
        ("shared/py/gpu", "deps", {}),
        ("shared/js/client", "openapi-client", {"service": "api"}),
        ("services/py/plain", "services-py", {}),
    ):
        addition.add(root, [path], template=template, answers=answers, example=False)
    addition.add(root, ["services/py/bare", "services/js/bare"], example=False)
    assert sync.plan(root) == ([], [])


def test_without_the_answer_there_are_none(tmp_path: Path) -> None:
    root = bake(tmp_path)
    assert not [name for name in texts(root) if name.endswith(".edn")]
    assert "pydantic>=2" not in (root / "pyproject.toml").read_text(encoding="utf-8")


def newer(checkout: Path) -> None:
    """Have packages with a script and with an engine."""
    kinds = checkout / "src/monorepo/sub_templates"
    (folder,) = (kinds / "shared-py").glob("{{*")
    script = '[project.scripts]\n{{ cookiecutter.distribution }} = "json.tool:main"\n\n'
    extras = "# One extra per purpose"
    edit(folder / "pyproject.toml", extras, script + extras)
    (folder,) = (kinds / "shared-js").glob("{{*")
    module = '  "type": "module",\n'
    edit(folder / "package.json", module, f'{module}  "engines": {{ "node": ">=24" }},\n')


@pytest.mark.parametrize("manifests", CHOICES["manifests"])
def test_each_readme_says_where_a_dependency_is_written(manifests: str, tmp_path: Path) -> None:
    root = bake(tmp_path, manifests=manifests)
    written = (
        r"(?is)\b(?:name|write) (?:it|both)\b[^.]*?`(pyproject.toml|package.json|package.edn)`"
    )
    readmes = ["README.md", *(f"shared/{name}/README.md" for name in ("py/core", "js/core"))]
    readmes += [f"shared/{name}/service/README.md" for name in ("py", "js")]
    for readme in readmes:
        found = {*re.findall(written, (root / readme).read_text(encoding="utf-8"))}
        assert (found == {"package.edn"}) is (manifests == "edn"), (readme, found)


@pytest.mark.slow
def test_a_manifest_follows_the_template_with_what_comes_from_it(
    releases: Releases, tmp_path: Path
) -> None:
    root = releases.repository(
        tmp_path,
        releases.wheel("0.4.0"),
        packages=f"{CORE} {NODE_CORE}",
        manifests="edn",
    )
    for path, said, says in (
        (f"{CORE}/package.edn", '"Core"', '"The core" ; ours'),
        (f"{CORE}/pyproject.toml", '"Core"', '"The core"'),
    ):
        edit(root / path, said, says)
    commit(root)
    done = upgrade(root, "--to", releases.wheel("0.5.0", newer))
    assert done.code == 0, done.output
    text = (root / CORE / "package.edn").read_text(encoding="utf-8")
    assert ':package/description "The core" ; ours\n' in text
    assert ':entry {:scripts {"acme-core" "json.tool:main"}}' in text
    text = (root / NODE_CORE / "package.edn").read_text(encoding="utf-8")
    assert ':runtimes/targets ["node>=24"]\n' in text
    space = workspace.load_whole(root)
    assert derive.text(space.packages[NODE_CORE], space.by_name) == text
    assert sync.plan(root) == ([], [])
