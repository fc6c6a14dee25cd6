"""Sub-templates: their questions, their settings, and what is wrong with broken ones."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from monorepo import cli
from monorepo.core import workspace
from monorepo.locking import locks
from monorepo.scaffold import addition
from monorepo.system.errors import UsageError
from monorepo.templating import sub_templates

Tree = Callable[[], dict[str, tuple[int, bytes]]]
Write = Callable[[dict[str, str]], None]
pytestmark = pytest.mark.usefixtures("templates")

FOLDER = "tools/templates/shared-py"
PACKAGE = f"{FOLDER}/{{{{cookiecutter.name}}}}"
CALLS: list[str] = []
WATCHED: list[str] = []
CHANGES = {"os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.chmod", "os.link", "os.symlink"}


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Note the calls that change something below the folder that is watched."""
    if WATCHED and (event in CHANGES or event == "open"):
        writes = event != "open" or bool(arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        if writes and str(arguments[0]).startswith(WATCHED[0]):
            CALLS.append(f"{event} {arguments[0]}")


sys.addaudithook(watch)


def refused(root: Path, tree: Tree, path: str, **words: Any) -> str:  # noqa: ANN401
    then = tree()
    with pytest.raises(UsageError) as caught:
        addition.add(root, [path], **words)
    assert tree() == then
    return "\n".join(caught.value.mistakes)


@pytest.mark.parametrize(
    "name",
    [r"{{ '..\x2f..\x2fx' }}", r"{{ '\x2fx' }}", "a/{{ '..' }}", "{{ '' }}", r"{{ '\x00' }}"],
)
def test_no_file_lands_outside(root: Path, tree: Tree, name: str) -> None:
    (root / PACKAGE / name).mkdir(parents=True)
    assert "would leave the package" in refused(root, tree, "shared/py/a")


def test_a_name_is_checked_as_it_is_used(root: Path, tree: Tree, tmp_path: Path) -> None:
    (root / PACKAGE / "{{ ['a', '..']|random }}").mkdir(parents=True)
    outside = sorted(tmp_path.iterdir())
    for _ in range(5):
        try:
            addition.add(root, ["shared/py/a"])
        except UsageError as error:
            assert "would leave the package" in str(error)
        else:
            shutil.rmtree(root / "shared")
    assert sorted(tmp_path.iterdir()) == outside


# What is known to lead from an expression to Python: attributes of functions, classes and frames,
# of what Jinja hands in, and through filters and formats.
ESCAPES = (
    "{{ lipsum.__globals__['os'].popen(CANARY).read() }}",
    "{{ cycler.__init__.__globals__.os.system(CANARY) }}",
    "{{ self.__init__.__globals__['__builtins__']['__import__']('os').system(CANARY) }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ cookiecutter|attr('__class__') }}",
    "{{ ([cookiecutter]|map(attribute='__class__')|first).__mro__ }}",
    "{{ '{0.__class__}'.format(cookiecutter) }}",
    "{{ namespace.__init__['__globals__'] }}",
    "{% set f = lipsum %}{% for x in [f] %}{{ x['__globals__'].os.system(CANARY) }}{% endfor %}",
)


@pytest.mark.parametrize("text", ESCAPES)
@pytest.mark.parametrize("place", ["default", "name", "manifest", "fragment"])
def test_an_expression_stays_in_the_sandbox(
    root: Path, write: Write, tree: Tree, tmp_path: Path, text: str, place: str
) -> None:
    canary = tmp_path / "canary"
    text = text.replace("CANARY", f"'touch \\'{canary}\\''".replace("/", r"\x2f"))
    questions = {"title": text if place == "default" else "x", "_touches": ["x.md"]}
    files = {"cookiecutter.json": json.dumps(questions), "touches/x.md": "shared/py/a\n"}
    if place == "name":
        files[f"{{{{cookiecutter.name}}}}/{text}"] = ""
    elif place == "manifest":
        files["{{cookiecutter.name}}/pyproject.toml"] = f"\n{text}\n"
    elif place == "fragment":
        files["touches/x.md"] = f"\n{text}\n"
    write({f"{FOLDER}/{path}": text for path, text in files.items()})
    said = refused(root, tree, "shared/py/a")
    assert said.startswith(FOLDER)
    assert "correct the sub-template" in said
    if place != "name":
        mistakes = locks.check(workspace.load(root))
        assert place == "fragment" or [one for one in mistakes if one.startswith(FOLDER)]
    assert not canary.exists()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("_extensions", ["evil.Extension"]),
        ("_jinja2_env_vars", {"extensions": ["evil.Extension"]}),
    ],
)
def test_no_module_is_imported_for_a_sub_template(
    root: Path,
    write: Write,
    tree: Tree,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    value: object,
) -> None:
    monkeypatch.syspath_prepend(root)
    write({"evil.py": "1 / 0\n", f"{FOLDER}/cookiecutter.json": json.dumps({key: value})})
    file = f"{FOLDER}/cookiecutter.json"
    assert f"{file}: {key} cannot be set here; remove" in refused(root, tree, "shared/py/a")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n{{ 1 / 0 }}", ":2: division by zero"),
        ("a\nb\n{{ cookiecutter.nope }}", ":3: 'dict object' has no attribute 'nope'"),
        ("a\n{% if %}", ":2: Expected an expression, got 'end of statement block'"),
        ("a\n{% include 'nope' %}", ":2: "),
        ("{{ range(999999999) }}\n", ":1: Range too big. The sandbox blocks ranges larger than"),
        (r"{{ '\ud800' }}", ": 'utf-8' codec can't encode character"),
        ("{{ 1 + [] }}", ": unsupported operand type(s) for +"),
    ],
)
def test_what_is_broken_is_told_with_its_line(
    root: Path, write: Write, tree: Tree, text: str, message: str
) -> None:
    write({f"{PACKAGE}/said.md": text})
    assert refused(root, tree, "shared/py/a").startswith(f"{PACKAGE}/said.md{message}")


def test_what_is_no_text_is_copied_and_line_breaks_and_modes_stay(root: Path, write: Write) -> None:
    write({f"{PACKAGE}/run.sh": "#!/bin/sh\n{{ cookiecutter.name }}\n"})
    (root / PACKAGE / "run.sh").chmod(0o755)
    write({f"{PACKAGE}/static/deep/x.html": "{{ x", f"{PACKAGE}/a.vue": "{% x"})
    settings = {"title": "x", "_copy_without_render": ["static", "*.vue"]}
    write({f"{FOLDER}/cookiecutter.json": json.dumps(settings)})
    contents = {"dos.txt": b"{{ cookiecutter.name }}\r\nb\r\n", "logo.png": b"\x89{{ x }}\0"}
    for name, content in contents.items():
        (root / PACKAGE / name).write_bytes(content)
    addition.add(root, ["shared/py/a"])
    made = root / "shared/py/a"
    assert (made / "dos.txt").read_bytes() == b"a\r\nb\r\n"
    assert (made / "logo.png").read_bytes() == contents["logo.png"]
    assert (made / "static/deep/x.html").read_bytes() == b"{{ x"
    assert (made / "a.vue").read_bytes() == b"{% x"
    assert (made / "run.sh").read_text(encoding="utf-8") == "#!/bin/sh\na\n"
    assert (made / "run.sh").stat().st_mode & 0o777 == 0o755


def test_hooks_are_not_run(root: Path, write: Write, tmp_path: Path) -> None:
    for name in ("pre_prompt.py", "pre_gen_project.py", "post_gen_project.py"):
        write({f"{FOLDER}/hooks/{name}": f"open({str(tmp_path / 'canary')!r}, 'w')\n"})
    addition.add(root, ["shared/py/a"])
    assert not (tmp_path / "canary").exists()


def test_a_link_is_refused(root: Path, tree: Tree) -> None:
    (root / PACKAGE / "link").symlink_to("/")
    assert "would leave the package" in refused(root, tree, "shared/py/a")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("_port", "8000"),
        ("_requires", []),
        ("_requires", {"shared/py/b": 5}),
        ("_requires", {"../../x": "py-runtime"}),
        ("_touches", 5),
        ("_touches", [5]),
        ("_touches", ["../x"]),
        ("_touches", ["missing.md"]),
        ("_port", 65536),
        ("_copy_without_render", "x"),
        ("_example", []),
        ("_example", {"files": "src"}),
        ("_example", {"files": ["../x"]}),
        ("_example", {"files": ["missing.py"]}),
        ("_example", {"requires": ["shared/py/b"]}),
        ("_example", {"requires": {"shared/py/b": 5}}),
        ("_example", {"requires": {"../../x": "py-runtime"}}),
        ("_example", {"filse": []}),
        ("_manifests", "src"),
        ("_manifests", ["../x"]),
        ("_manifests", ["missing.py"]),
        ("title", {}),
        ("title", []),
    ],
)
def test_a_wrong_setting_is_told(
    root: Path, write: Write, tree: Tree, key: str, value: object
) -> None:
    write({f"{FOLDER}/cookiecutter.json": json.dumps({"title": "x", key: value})})
    assert refused(root, tree, "shared/py/a")


def test_the_manifest_has_to_be_the_one_asked_for(root: Path, write: Write, tree: Tree) -> None:
    write({f"{PACKAGE}/pyproject.toml": '[project]\nname = "other"\n'})
    assert "has the name other, not tiny-a" in refused(root, tree, "shared/py/a")
    (root / PACKAGE / "pyproject.toml").unlink()
    assert "pyproject.toml: is missing" in refused(root, tree, "shared/py/a")


def test_requirements_in_a_chain_and_in_a_circle(root: Path, write: Write, tree: Tree) -> None:
    asked = {"title": "x", "_requires": {"shared/py/deep": "shared-py"}}
    write({"tools/templates/py-runtime/cookiecutter.json": json.dumps(asked)})
    added = addition.add(root, ["services/py/api"])
    paths = ["shared/py/deep", "shared/py/service", "services/py/api"]
    assert added == [f"added {path}" for path in paths]
    asked["_requires"] = {"shared/py/service2": "shared-py"}
    write({f"{FOLDER}/cookiecutter.json": json.dumps(asked)})
    assert "fix _requires" in refused(root, tree, "shared/py/a")


def test_the_template_that_others_require_is_chosen(root: Path) -> None:
    addition.add(root, ["shared/py/service"])
    text = (root / "shared/py/service/pyproject.toml").read_text(encoding="utf-8")
    assert 'description = "Runtime"' in text


EXAMPLE = {
    "title": "x",
    "_example": {
        "files": ["src/{{cookiecutter.import_name}}_data", "tests/unit/test_it.py"],
        "requires": {"shared/py/deep": "py-runtime"},
    },
}


def with_example(write: Write) -> None:
    """Give the kind an example: a module, a test, a package, and a line."""
    write({f"{FOLDER}/cookiecutter.json": json.dumps(EXAMPLE)})
    write({f"{PACKAGE}/src/{{{{cookiecutter.import_name}}}}_data/deep/x.py": "1\n"})
    write({f"{PACKAGE}/tests/unit/test_it.py": "2\n", f"{PACKAGE}/tests/test_all.py": "3\n"})
    write({f"{PACKAGE}/said": "{% if cookiecutter.example %}with{% else %}without{% endif %}"})


def test_an_example_may_be_left_out(root: Path, write: Write) -> None:
    with_example(write)
    added = addition.add(root, ["shared/py/a"], example=False)
    assert added == ["added shared/py/a"]
    made = root / "shared/py/a"
    names = {str(path.relative_to(made)) for path in made.rglob("*")}
    assert names == {"pyproject.toml", "said", "src", "src/tiny_a.py", "tests", "tests/test_all.py"}
    assert (made / "said").read_text(encoding="utf-8") == "without"
    manifest = (made / "pyproject.toml").read_text(encoding="utf-8")
    assert manifest.endswith('title = "x"\nexample = false\n')

    assert addition.add(root, ["shared/py/b"]) == ["added shared/py/deep", "added shared/py/b"]
    made = root / "shared/py/b"
    assert (made / "src/tiny_b_data/deep/x.py").read_text(encoding="utf-8") == "1\n"
    assert (made / "tests/unit/test_it.py").read_text(encoding="utf-8") == "2\n"
    assert (made / "said").read_text(encoding="utf-8") == "with"
    assert "example" not in (made / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("manifests", ["none", "edn"])
def test_some_files_are_for_repositories_with_manifests_in_edn(
    root: Path, write: Write, manifests: str
) -> None:
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    table = f'[tool.monorepo.template]\nmanifests = "{manifests}"\n'
    write({"pyproject.toml": f"{text}\n{table}"})
    asked = {"title": "x", "_manifests": ["config", "src/{{cookiecutter.import_name}}.py"]}
    write({f"{FOLDER}/cookiecutter.json": json.dumps(asked), f"{PACKAGE}/config/a": "1\n"})
    write({f"{PACKAGE}/said": "{{ cookiecutter.manifests }}"})

    space = workspace.load(root)
    template = sub_templates.load(space, "shared-py", "shared/py/a")
    template.render(root / "made", template.answer({}))

    names = {str(path.relative_to(root / "made")) for path in (root / "made").rglob("*")}
    assert ({"config/a", "src/tiny_a.py"} <= names) == (manifests == "edn")
    assert ("config" in names) == (manifests == "edn")
    assert (root / "made/said").read_text(encoding="utf-8") == str(manifests == "edn")


def test_a_kind_without_an_example_is_the_same_in_any_case(root: Path, write: Write) -> None:
    write({f"{PACKAGE}/said": "{% if cookiecutter.example %}with{% else %}without{% endif %}"})
    addition.add(root, ["shared/py/a"], example=False)
    assert (root / "shared/py/a/said").read_text(encoding="utf-8") == "with"
    assert "example" not in (root / "shared/py/a/pyproject.toml").read_text(encoding="utf-8")


def test_what_an_example_requires_has_its_kind(root: Path, write: Write, tree: Tree) -> None:
    with_example(write)
    addition.add(root, ["shared/py/deep"], template="shared-py", example=False)
    said = refused(root, tree, "shared/py/a")
    assert said == (
        "shared/py/a: its example needs shared/py/deep of the kind py-runtime, "
        "and that is another; give EXAMPLE=0"
    )
    addition.add(root, ["shared/py/a"], example=False)


def test_a_package_at_the_path_that_an_example_requires(root: Path, write: Write) -> None:
    with_example(write)
    both = ["shared/py/deep", "shared/py/a"]
    assert addition.add(root, both) == [f"added {path}" for path in both]
    text = (root / "shared/py/deep/pyproject.toml").read_text(encoding="utf-8")
    assert 'kind = "py-runtime"' in text


def test_no_question_is_taken_for_the_example(root: Path, write: Write, tree: Tree) -> None:
    asked = {"title": "x", "example": True}
    write({f"{FOLDER}/cookiecutter.json": json.dumps(asked)})
    addition.add(root, ["shared/py/a"], answers={"example": "no"})
    write({f"{FOLDER}/cookiecutter.json": json.dumps({**asked, "_example": {}})})
    assert "example: is what _example is about; rename" in refused(root, tree, "shared/py/b")


def test_choices_and_yes_or_no(root: Path, write: Write, tree: Tree) -> None:
    write({f"{FOLDER}/cookiecutter.json": '{"title": "x", "kind": ["a", "b"], "on": true}'})
    write({f"{PACKAGE}/said": "{{ cookiecutter.kind }} {{ cookiecutter.on }}"})
    addition.add(root, ["shared/py/a"])
    addition.add(root, ["shared/py/b"], answers={"kind": "b", "on": "no"})
    said = [(root / f"shared/py/{one}/said").read_text(encoding="utf-8") for one in "ab"]
    assert said == ["a True", "b False"]
    told = refused(root, tree, "shared/py/c", answers={"kind": "z", "on": "maybe"})
    assert "'z' is not one of a, b" in told
    assert "'maybe' is neither yes nor no" in told


def test_a_dry_run_changes_nothing(
    root: Path, tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    then = tree()
    WATCHED[:] = [str(root)]
    try:
        assert cli.main(["--root", str(root), "new", "shared/py/a", "--dry-run"]) == 0
    finally:
        WATCHED.clear()
    assert CALLS == []
    assert tree() == then
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["+ shared/py/a/pyproject.toml", "+ shared/py/a/src/tiny_a.py"]


def test_a_circle_of_dependencies_is_refused(root: Path, write: Write, tree: Tree) -> None:
    name = '[project]\nname = "{}"\nversion = "1"\ndependencies = ["tiny-a"]\n'
    write({"shared/py/b/pyproject.toml": name.format("tiny-b")})
    assert "a cycle" in refused(root, tree, "shared/py/a", dependencies=["shared/py/b"])


def test_one_without_a_manifest_is_named(root: Path, write: Write) -> None:
    write(
        {
            "tools/templates/odd/cookiecutter.json": '{"title": "x"}',
            "tools/templates/odd/{{cookiecutter.name}}/README.md": "x\n",
        }
    )
    missing = "tools/templates/odd/{{cookiecutter.name}}/pyproject.toml: is missing"
    assert f"{missing}; restore it from git" in locks.check(workspace.load(root))
