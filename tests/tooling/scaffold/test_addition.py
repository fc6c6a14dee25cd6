"""Packages are added whole, with everything they require, or not at all."""

import json
import multiprocessing
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from monorepo.core import workspace
from monorepo.core.naming import clash
from monorepo.scaffold import addition
from monorepo.system.errors import UsageError
from monorepo.templating import sub_templates
from monorepo.templating.sub_templates import SubTemplate

Tree = Callable[[], dict[str, tuple[int, bytes]]]
Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
pytestmark = pytest.mark.usefixtures("templates")
PYTHON = '[project]\nname = "{{{{ cookiecutter.distribution }}}}"\ndependencies = [{}]\n'
EMPTY_LOCK = "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n"
FORK = multiprocessing.get_context("fork")


def read(root: Path, path: str) -> dict[str, Any]:
    return tomllib.loads((root / path / "pyproject.toml").read_text(encoding="utf-8"))


def test_a_package_comes_from_the_template_of_its_folder(root: Path, tree: Tree) -> None:
    then = tree()
    assert addition.add(root, ["shared/py/text-tools"]) == ["added shared/py/text-tools"]
    project = read(root, "shared/py/text-tools")["project"]
    assert project["name"] == "tiny-text-tools"
    assert project["description"] == "Text-Tools"
    assert project["authors"] == [{"name": 'Ann "A" Onymous'}]
    assert (root / "shared/py/text-tools/src/tiny_text_tools.py").exists()
    now = tree()
    assert {path: now[path] for path in then} == then
    assert all(path.startswith("shared") for path in set(now) - set(then))


def test_what_is_required_comes_along_once(root: Path) -> None:
    added = addition.add(root, ["services/py/api"])
    assert added == ["added shared/py/service", "added services/py/api"]
    assert addition.add(root, ["services/py/web"]) == ["added services/py/web"]
    assert read(root, "services/py/api")["tool"]["monorepo"]["port"] == 8000
    assert read(root, "services/py/web")["tool"]["monorepo"]["port"] == 8001
    assert read(root, "services/py/api")["project"]["name"] == "tiny-svc-api"


def test_without_code_there_is_what_is_around_it(root: Path, write: Write) -> None:
    made = "tools/templates/services-py/{{cookiecutter.name}}"
    package = f"{made}/src/{{{{cookiecutter.import_name}}}}"
    manifest = PYTHON.format('"tiny-service"').replace("{{{{", "{{").replace("}}}}", "}}")
    readme = "# {{ cookiecutter.title }}\n\n`main.py` starts it.\n\n{% raw %}## Run it\n\n"
    write(
        {
            f"{made}/pyproject.toml": f'{manifest}[dependency-groups]\ntest = ["left"]\n',
            f"{made}/README.md": readme + "With settings.\n\n## Work on it\n\nSo.\n{% endraw %}",
            f"{made}/scripts/smoke.sh": "#!/bin/sh\n",
            f"{made}/tests/unit/test_app.py": "",
            f"{package}/__init__.py": '"""It has main."""\n',
            f"{package}/main.py": "import tiny_service\n",
            f"{package}/py.typed": "",
        }
    )
    assert addition.add(root, ["services/py/api"], code=False) == ["added services/py/api"]
    place = root / "services/py/api"
    files = {str(one.relative_to(place)) for one in place.rglob("*") if one.is_file()}
    source = "src/tiny_svc_api"
    assert files == {
        "README.md",
        "pyproject.toml",
        "scripts/smoke.sh",
        f"{source}/__init__.py",
        f"{source}/py.typed",
    }
    assert (place / source / "__init__.py").read_text("utf-8") == '"""The service api."""\n'
    assert (place / "README.md").read_text("utf-8") == (
        "# Api\n\n`services/py/api` is a service: the distribution `tiny-svc-api`, "
        "imported as `tiny_svc_api`.\n"
        "Its code came from elsewhere, and starts as it did there, with settings of its own.\n\n"
        "## Work on it\n\nSo.\n"
    )
    found = read(root, "services/py/api")
    assert found["project"]["dependencies"] == []
    assert found["dependency-groups"] == {"test": ["left"]}


def test_without_code_a_package_in_javascript_needs_nothing(javascript: Path, write: Write) -> None:
    made = "tools/templates/shared-js/{{cookiecutter.name}}"
    build = '{\n  "references": [\n    { "path": "../service/tsconfig.build.json" }\n  ]\n}\n'
    write({f"{made}/tsconfig.build.json": build, f"{made}/src/index.ts": ""})
    addition.add(javascript, ["shared/js/a"], code=False)
    place = javascript / "shared/js/a"
    assert "dependencies" not in json.loads((place / "package.json").read_text("utf-8"))
    assert json.loads((place / "tsconfig.build.json").read_text("utf-8")) == {"references": []}
    assert not (place / "src/index.ts").exists()


def test_several_at_once_know_each_other(root: Path) -> None:
    paths = ["shared/py/a", "services/py/b", "services/py/c"]
    assert addition.add(root, paths)[-1] == "added services/py/c"
    ports = [read(root, path)["tool"]["monorepo"]["port"] for path in paths[1:]]
    assert ports == [8000, 8001]


def test_another_template(root: Path) -> None:
    addition.add(root, ["shared/py/runner"], template="py-runtime")
    assert read(root, "shared/py/runner")["project"]["description"] == "Runtime"


@pytest.mark.parametrize("title", ['"; import os #', "{{ 7 * 7 }}", "{% raw %}", "a\nb", "*ü*\\"])
def test_answers_are_data(root: Path, title: str) -> None:
    addition.add(root, ["shared/py/a"], answers={"title": title})
    assert read(root, "shared/py/a")["project"]["description"] == title.replace("\n", " ")


def test_answers_are_about_the_package_asked_for(root: Path) -> None:
    addition.add(root, ["services/py/api"], answers={"title": "Mine"})
    assert read(root, "services/py/api")["project"]["description"] == "Mine"
    assert read(root, "shared/py/service")["project"]["description"] == "Runtime"


def test_dependencies_are_written(root: Path, package: MakePackage) -> None:
    package("shared/py/core", lite=[], Full_Set=[])
    package("shared/py/text")
    wanted = ["shared/py/text/", "shared/py/core[lite,full-set]", "shared/py/text"]
    addition.add(root, ["services/py/api"], dependencies=wanted)
    needed = ["tiny-text", "tiny-core[lite,full-set]"]
    assert read(root, "services/py/api")["project"]["dependencies"] == needed
    assert read(root, "shared/py/service")["project"]["dependencies"] == []


def test_javascript_is_locked_as_well(javascript: Path, tree: Tree) -> None:
    assert not (javascript / "pnpm-lock.yaml").exists()
    addition.add(javascript, ["shared/js/a"])
    first = (javascript / "pnpm-lock.yaml").read_text(encoding="utf-8")
    assert "  shared/js/a:\n" in first
    assert "left@1.0.0" in first
    addition.add(javascript, ["shared/js/b"], dependencies=["shared/js/a"])
    second = (javascript / "pnpm-lock.yaml").read_text(encoding="utf-8")
    assert "link:../a\n" in second
    manifest = json.loads((javascript / "shared/js/b/package.json").read_text(encoding="utf-8"))
    assert manifest["name"] == "@tiny/b"
    assert manifest["dependencies"]["@tiny/a"] == "workspace:*"
    assert not any(path.startswith(".monorepo") for path in tree())


def program(file: Path, text: str) -> None:
    """Put a shell script where the tooling looks for a program."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}", encoding="utf-8")
    file.chmod(0o755)


def test_what_is_not_pinned_is_refused(javascript: Path, tree: Tree, write: Write) -> None:
    asked = PYTHON.format('"right>=1", "left"')
    write({"tools/templates/shared-py/{{cookiecutter.name}}/pyproject.toml": asked})
    mistake = "sub-template shared-py: right>=1: not pinned; run make lock"
    assert refused(javascript, tree, "shared/py/a") == [mistake]
    asked = PYTHON.format('"left"') + "\n[dependency-groups]\ntest = ['left', 'right>=1']\n"
    write({"tools/templates/shared-py/{{cookiecutter.name}}/pyproject.toml": asked})
    assert refused(javascript, tree, "shared/py/a") == [mistake]


def test_mistakes_are_found_before_there_is_a_sub_template(root: Path, tree: Tree) -> None:
    then = tree()
    addition.validate(root, "apps/py/report", None, [])
    for path, dependency in (("apps/py/Report", ""), ("apps/py/report", "shared/py/nope")):
        with pytest.raises(UsageError, match=r"Report.*is not a name|nope.*is not a package"):
            addition.validate(root, path, None, [dependency] if dependency else [])
    assert tree() == then


def test_what_is_not_locked_is_refused(javascript: Path, tree: Tree) -> None:
    lock = javascript / "tools/pnpm-lock.yaml"
    lock.write_text(lock.read_text(encoding="utf-8").replace("^1", "^2"), encoding="utf-8")
    mistake = "tools/pnpm-lock.yaml: lacks left; run `make lock`"
    assert refused(javascript, tree, "shared/js/a") == [mistake]


def refused(root: Path, tree: Tree, *paths: str, **words: Any) -> list[str]:  # noqa: ANN401
    """Return the mistakes that it tells of; nothing may have changed."""
    then = tree()
    with pytest.raises(UsageError) as caught:
        addition.add(root, paths, **words)
    assert tree() == then
    return list(caught.value.mistakes)


def test_all_bad_paths_are_told_at_once(root: Path, package: MakePackage, tree: Tree) -> None:
    package("shared/py/Core")
    (root / "shared/py/plain").mkdir()
    (root / "shared/py/file").write_bytes(b"")
    (root / "shared/py/link").symlink_to(root.parent)
    paths = ["shared/py/test", "../x", "/abs", "shared/py/plain", "shared/py/file"]
    paths += ["shared/py/link", "shared/py/core", "shared/py/a", "shared/py/a", "misc/a\nb"]
    mistakes = refused(root, tree, *paths)
    words = [
        "reserved",
        "path",
        "path",
        "exists",
        "exists",
        "exists",
        "same name as shared/py/Core",
    ]
    words += ["same name as shared/py/a", "path"]
    assert len(mistakes) == len(words)
    assert all(word in mistake for word, mistake in zip(words, mistakes, strict=True))
    assert all(len(mistake.splitlines()) == 1 for mistake in mistakes)


def test_a_name_that_is_taken_is_refused(javascript: Path, tree: Tree, write: Write) -> None:
    root = javascript
    write({"shared/py/old/pyproject.toml": '[project]\nname = "Tiny.New"\nversion = "1"\n'})
    write({"shared/js/old/package.json": '{"name": "@tiny/new"}'})
    (said,) = refused(root, tree, "shared/py/new")
    assert said.startswith("'shared/py/new': would have the name of shared/py/old")
    (said,) = refused(root, tree, "shared/js/new")
    assert said.startswith("'shared/js/new': would have the name of shared/js/old")
    pins = (root / "constraints.txt").read_text(encoding="utf-8")
    write({"constraints.txt": f"{pins}tiny-cov==1\ntiny-svc-cov==1\n"})
    (said,) = refused(root, tree, "shared/py/cov")
    assert said.startswith("'shared/py/cov': would have the name of a package in constraints.txt")
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": facts.replace('namespace = "tiny"', 'namespace = "cookiecutter"')})
    (said,) = refused(root, tree, "shared/py/monorepo")
    assert said.startswith("'shared/py/monorepo': would have the name of the engine")


def test_all_bad_dependencies_are_told_at_once(
    root: Path, package: MakePackage, write: Write, tree: Tree
) -> None:
    package("shared/py/core", lite=[])
    write({"shared/js/web/package.json": '{"name": "@tiny/web"}'})
    good = ["shared/py/core[lite]"]
    bad = ["shared/py/gone", "tools", "", "shared/js/web", "shared/py/a", "shared/py/core[full]"]
    bad += ["shared/py/core[lite", "shared/py/core[lite]; x", "shared/py/core[]"]
    mistakes = refused(root, tree, "shared/py/a", dependencies=[*good, *bad])
    assert [mistake.rpartition(": ")[0] for mistake in mistakes] == [f"DEPS={one!r}" for one in bad]
    said = "shared/py/core has the extras lite; declare another in shared/py/core/pyproject.toml"
    assert mistakes[bad.index("shared/py/core[full]")].endswith(f"{said} first")


def test_bad_answers_are_told(root: Path, tree: Tree) -> None:
    answers = {"titel": "x", "_port": "1", "title": "\udcff"}
    mistakes = refused(root, tree, "services/py/api", answers=answers)
    assert [mistake.partition(":")[0] for mistake in mistakes] == [f"SET={key}" for key in answers]
    assert mistakes[0].endswith("is not a question of services-py; it asks for title")


@pytest.mark.parametrize("template", ["nope", "../shared-py", "shared-py/", "", "."])
def test_an_unknown_template_is_told(root: Path, tree: Tree, template: str) -> None:
    with pytest.raises(UsageError, match="there are py-runtime, services-py, shared-py"):
        sub_templates.read(root, template)
    if template:
        (said,) = refused(root, tree, "shared/py/a", template=template)
        assert said.startswith("shared/py/a: ")


@pytest.mark.parametrize(
    "files",
    [
        {"cookiecutter.json": "{"},
        {"cookiecutter.json": "[1]"},
        {"cookiecutter.json": '{"title": "{{ nope.nope }}"}'},
        {"{{cookiecutter.name}}/x": "{{ cookiecutter.nope }}"},
        {"{{cookiecutter.name}}/x": "{% if %}"},
        {"{{cookiecutter.name}}/x": "{% nope %}"},
        {"{{cookiecutter.name}}/pyproject.toml": "["},
    ],
)
def test_a_broken_template_changes_nothing(
    root: Path, write: Write, tree: Tree, files: dict[str, str]
) -> None:
    write({f"tools/templates/shared-py/{path}": text for path, text in files.items()})
    (said,) = refused(root, tree, "shared/py/a")
    assert "correct" in said or "restore" in said


def test_a_templates_hooks_are_not_run(root: Path, write: Write) -> None:
    write({"tools/templates/shared-py/hooks/post_gen_project.py": "raise SystemExit(1)"})
    assert addition.add(root, ["shared/py/a"])


def test_an_interruption_changes_nothing(
    root: Path, tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    then = tree()
    render = SubTemplate.render

    def stop(template: SubTemplate, target: Path, answers: Mapping[str, Any]) -> None:
        if template.folder.name == "services-py":
            raise KeyboardInterrupt
        render(template, target, answers)

    monkeypatch.setattr(SubTemplate, "render", stop)
    with pytest.raises(KeyboardInterrupt):
        addition.add(root, ["services/py/api"])
    assert tree() == then
    monkeypatch.undo()
    assert addition.add(root, ["services/py/api"])


def _add(root: Path, path: str) -> None:
    try:
        addition.add(root, [path])
    except UsageError:
        raise SystemExit(2) from None


def test_of_many_at_once_each_is_whole(root: Path) -> None:
    # As a command would find it, with everything imported.
    addition.add(root, ["shared/py/first"])
    paths = ["services/py/a", "services/py/b", "services/py/c", "services/py/same"]
    paths += ["services/py/same"]
    workers = [FORK.Process(target=_add, args=(root, path)) for path in paths]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    codes = [worker.exitcode for worker in workers]
    assert codes[:3] == [0, 0, 0]
    assert sorted(codes[3:], key=str) == [0, 2]
    space = workspace.load(root)
    assert len(space.packages) == 6
    ports = [one.settings["port"] for one in space.packages.values() if one.is_service]
    assert sorted(ports) == [8000, 8001, 8002, 8003]


def test_the_order_is_that_of_discovery(root: Path) -> None:
    addition.add(root, ["services/py/a", "shared/py/z", "shared/py/b"])
    paths = list(workspace.load(root).packages)
    assert paths == ["shared/py/b", "shared/py/service", "shared/py/z", "services/py/a"]
    assert clash("shared/py/Z", paths)


def test_in_the_flat_layout_a_package_is_made_as_elsewhere_and_moved(
    root: Path, write: Write
) -> None:
    makefile = "tools/templates/{}/{{{{cookiecutter.name}}}}/Makefile"
    text = "include ../../../tools/make/py.mk\n# ../../../shared/py/service\n"
    write({makefile.format(kind): text for kind in ("shared-py", "services-py")})
    added = addition.add(root, ["packages/tiny-audio"], template="shared-py")
    assert added == ["added packages/tiny-audio"]
    manifest = read(root, "packages/tiny-audio")
    assert manifest["project"]["name"] == "tiny-audio"
    assert manifest["tool"]["monorepo"]["kind"] == "shared"
    moved = (root / "packages/tiny-audio/Makefile").read_text(encoding="utf-8")
    assert moved.startswith("include ../../tools/make/py.mk\n")
    # What it requires goes there as well, if it is not here yet.
    added = addition.add(
        root,
        ["packages/tiny-svc-api"],
        template="services-py",
        dependencies=["packages/tiny-audio"],
    )
    assert added == ["added packages/tiny-service", "added packages/tiny-svc-api"]
    api = workspace.load_whole(root).by_grouped["services/py/api"]
    assert (api.path, api.settings["kind"], api.settings["port"]) == (
        "packages/tiny-svc-api",
        "services",
        8000,
    )
    assert api.manifest["project"]["dependencies"] == ["tiny-audio"]
    # One in the grouped layout finds what is in the other.
    assert addition.add(root, ["services/py/web"]) == ["added services/py/web"]
    makefile = (root / "services/py/web/Makefile").read_text(encoding="utf-8")
    assert makefile.endswith("# ../../../packages/tiny-service\n")


def test_a_twin_in_the_flat_layout_has_a_folder_of_its_own(javascript: Path) -> None:
    biome = '{\n  "includes": [\n    "shared/js/**",\n    "!x"\n  ]\n}\n'
    (javascript / "biome.json").write_text(biome, encoding="utf-8")
    addition.add(javascript, ["shared/py/a"])
    addition.add(javascript, ["packages/tiny-a-js"], template="shared-js")
    addition.add(javascript, ["packages/tiny-b-js"], template="shared-js")
    names = {one.path: one.name for one in workspace.load_whole(javascript).packages.values()}
    assert names == {
        "shared/py/a": "tiny-a",
        "packages/tiny-a-js": "@tiny/a",
        "packages/tiny-b-js": "@tiny/b-js",
    }
    lines = (javascript / "biome.json").read_text(encoding="utf-8").splitlines()[2:6]
    assert [line.strip() for line in lines] == [
        '"shared/js/**",',
        '"packages/tiny-a-js/**",',
        '"packages/tiny-b-js/**",',
        '"!x"',
    ]
    assert "  packages/tiny-a-js:\n" in (javascript / "pnpm-lock.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "template", "why"),
    [
        ("packages/audio", "shared-py", "call it packages/tiny-audio"),
        (
            "packages/tiny-a",
            "services-py",
            "is not named like a service; call it packages/tiny-svc-a",
        ),
        ("packages/tiny-svc-a", "shared-py", "a shared package; call it packages/tiny-a"),
        ("packages/tiny-core", "shared-py", "'shared/py/core': exists already"),
        ("packages/tiny-core", "shared-js", "call it packages/tiny-core-js"),
        ("packages/tiny-a", None, "give TEMPLATE=shared-py or TEMPLATE=shared-js"),
        ("packages/tiny-a", "gone", "TEMPLATE='gone': is not here"),
        ("packages/tiny-there", "shared-py", "exists already"),
        ("packages/tiny-A", "shared-py", "is not a name"),
    ],
)
def test_what_cannot_be_in_the_flat_layout_is_refused(
    javascript: Path, package: MakePackage, tree: Tree, path: str, template: str | None, why: str
) -> None:
    package("shared/py/core")
    (javascript / "tools/make").mkdir(exist_ok=True)
    (javascript / "tools/make/py.mk").touch()
    (javascript / "packages/tiny-there").mkdir(parents=True)
    (mistake,) = refused(javascript, tree, path, template=template)
    assert why in mistake
