"""What this version gives for a repository that exists, as another version asks for it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from monorepo.core import workspace
from monorepo.scaffold import creation
from monorepo.system.errors import UsageError
from monorepo.templating import sub_templates, template
from monorepo.upgrading import driver, records, rendering

ANSWERS = {"repo_name": "acme-platform", "project_name": 'Acme "A" {{ x }}', "gone": "x"}
A, B = "shared/py/a", "shared/py/b"


def package(path: str, *dependencies: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    asked: dict[str, Any] = {"path": path, "kind": "shared-py", "answers": {}}
    asked |= {"port": None, "folder": None}
    return {**asked, "dependencies": [*dependencies], **more}


def rendered(out: Path, *packages: Mapping[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401
    wanted = {"answers": ANSWERS, "packages": packages, "manifests": {}, **more}
    # As it comes from another process.
    return rendering.render(json.loads(json.dumps(wanted)), out)


def test_the_root_and_its_packages(tmp_path: Path) -> None:
    # The one that the other depends on comes later.
    made = rendered(tmp_path, package(B, "acme-a"), package(A, answers={"title": "Ours", "x": "y"}))
    root = Path(made["root"])
    assert root == tmp_path / "acme-platform"
    assert not (root / ".git").exists()
    assert made["failed"] == {}
    assert made["answers"]["project_name"] == ANSWERS["project_name"]
    assert "gone" not in made["answers"]
    assert made["packages"][A]["title"] == "Ours"
    assert "x" not in made["packages"][A]
    record = records.of_root(root)
    assert record
    assert (record.version, record.answers["project_name"]) == (
        template.version(),
        ANSWERS["project_name"],
    )
    space = workspace.load(root)
    assert set(space.packages) == {A, B}
    followed = records.of_package(space.packages[B])
    assert followed
    assert (followed.kind, followed.dependencies) == ("shared-py", ("acme-a",))
    json.dumps(made)


def test_an_extra_of_a_hand_was_rendered_by_no_version(tmp_path: Path) -> None:
    made = rendered(tmp_path, package(A), package(B, "acme-a[legacy-cpu]"))
    assert made["failed"] == {}
    followed = workspace.load(Path(made["root"])).packages[B]
    assert [*followed.requirements()] == ["acme-a"]


@pytest.mark.parametrize(
    "packages", ["shared/py/core services/py/api services/js/web apps/js/site", "services/js/web"]
)
def test_the_documents_are_those_of_a_new_repository(packages: str, tmp_path: Path) -> None:
    answers = {**ANSWERS, "packages": packages}
    words = [f"{key}={value}" for key, value in answers.items() if key != "gone"]
    context = creation.collect(["--no-input", "--default-config", *words], tmp_path)
    (tmp_path / "new").mkdir()
    new = creation.make(tmp_path / "new", context)
    root = Path(rendered(tmp_path, answers=answers)["root"])
    for path in ("README.md", "AGENTS.md", "CONTRIBUTING.md", "docs/recipes.md"):
        assert (root / path).read_text("utf-8") == (new / path).read_text("utf-8")


def test_an_example_that_was_left_out_stays_out(tmp_path: Path) -> None:
    made = rendered(tmp_path, package(A, answers={"title": "A", "example": False}), package(B))
    assert made["packages"] == {A: {"title": "A", "example": False}, B: {"title": "B"}}
    root = Path(made["root"])
    assert not (root / A / "src/acme_a/retries.py").exists()
    assert (root / B / "src/acme_b/retries.py").exists()
    record = records.of_package(workspace.load(root).packages[A])
    assert record
    assert record.answers == made["packages"][A]


def test_code_that_came_from_elsewhere_gets_none_beside_it(tmp_path: Path) -> None:
    path, answers = "services/py/api", {"title": "Api", "example": False, "_code": False}
    one = package(path, kind="services-py", port=8000, answers=answers)
    made = rendered(tmp_path, one, answers={**ANSWERS, "packages": path})
    assert made["packages"] == {path: answers}
    root = Path(made["root"])
    assert not (root / path / "src/acme_svc_api/main.py").exists()
    assert not [*(root / path / "tests").rglob("*.py")]
    found = workspace.load(root).packages[path]
    assert [*found.requirements()] == []
    record = records.of_package(found)
    assert record
    assert record.answers == answers


def test_an_example_comes_only_where_what_it_requires_is(tmp_path: Path) -> None:
    api = package("services/py/api", kind="services-py", port=8000)
    notes = package("shared/py/notes", kind="py-notes")
    answers = {**ANSWERS, "packages": "services/py/api"}
    for name, packages, example in (("old", [api], {"example": False}), ("new", [notes, api], {})):
        (tmp_path / name).mkdir()
        made = rendered(tmp_path / name, *packages, answers=answers)
        assert made["packages"]["services/py/api"] == {"title": "Api", **example}
        main = Path(made["root"], "services/py/api/src/acme_svc_api/main.py").read_text("utf-8")
        assert ("acme_notes" in main) is not bool(example)


def test_what_has_gone_since_is_not_depended_on(tmp_path: Path) -> None:
    made = rendered(tmp_path, package(A, "acme-gone", "attrs>=24"))
    assert made["failed"] == {}
    record = records.of_package(workspace.load(Path(made["root"])).packages[A])
    assert record
    assert record.dependencies == ()


def test_a_package_that_cannot_be_rendered_stops_no_other(tmp_path: Path) -> None:
    made = rendered(tmp_path, package(A, kind="nosuch"), package(B))
    assert list(made["failed"]) == [A]
    assert list(made["packages"]) == [B]
    assert not (Path(made["root"]) / A).exists()


def test_an_answer_that_is_not_good(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="namespace"):
        rendered(tmp_path, answers={**ANSWERS, "namespace": "class"})


def test_a_kind_of_the_teams(tmp_path: Path) -> None:
    folder = tmp_path / "kind"
    made = folder / "{{cookiecutter.name}}"
    made.mkdir(parents=True)
    (folder / "cookiecutter.json").write_text('{"title": "It", "loud": false}', encoding="utf-8")
    (made / "pyproject.toml").write_text('[project]\nname = "acme-a"\n', encoding="utf-8")
    (made / "title").write_text(
        "{{ cookiecutter.title }} {{ cookiecutter.loud }}", encoding="utf-8"
    )
    out = tmp_path / "out"
    out.mkdir()
    asked = package(A, kind="worker", folder=str(folder), answers={"title": "Q", "loud": True})
    found = rendered(out, asked)
    root = Path(found["root"])
    assert found["failed"] == {}
    assert (root / A / "title").read_text("utf-8") == "Q True"
    # It is the team's, and no rendering of the root.
    assert not (root / sub_templates.TEAMS / "worker").exists()
    assert (folder / "cookiecutter.json").exists()


@pytest.mark.parametrize(
    ("dependencies", "order"),
    [
        ({A: [], B: []}, [A, B]),
        ({A: ["acme-b[x]"], B: []}, [B, A]),
        ({A: ["Acme_B"], B: ["acme-other"]}, [B, A]),
        ({A: ["acme-b"], B: ["acme-a"]}, [A, B]),
    ],
)
def test_each_comes_after_what_it_depends_on(
    tmp_path: Path, dependencies: dict[str, list[str]], order: list[str]
) -> None:
    space = workspace.load(Path(rendered(tmp_path)["root"]))
    asked = [package(path, *names) for path, names in dependencies.items()]
    assert [one["path"] for one in rendering._ordered(space, asked)] == order


def test_the_driver_writes_the_wheel_of_its_engine(tmp_path: Path) -> None:
    made = driver._make({"wheel": True}, tmp_path)
    assert (
        Path(made["wheel"]).name == f"cookiecutter_monorepo-{template.version()}-py3-none-any.whl"
    )
