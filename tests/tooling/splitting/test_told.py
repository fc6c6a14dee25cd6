"""What cannot follow a module by itself is told, with its line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.splitting import split

MakePackage = Callable[..., Path]
Write = Callable[[dict[str, str]], None]
Save = Callable[[], str]
CORE, AUDIO = "shared/py/core", "shared/py/audio"
SOURCE = f"{CORE}/src/tiny_core"
TEMPLATE = "tools/templates/shared-py/{{cookiecutter.name}}"
FILES = {
    f"{SOURCE}/__init__.py": "from .audio import Player\n",
    f"{SOURCE}/one.py": "",
    f"{SOURCE}/audio/__init__.py": "class Player: ...\n",
    f"{SOURCE}/audio/tone.bin": "",
    f"{TEMPLATE}/src/{{{{cookiecutter.import_name}}}}/__init__.py": "",
}


@pytest.fixture
def tree(root: Path, templates: Path, package: MakePackage, write: Write, save: Save) -> Path:
    """Write a monorepo with a module, and one that is a file."""
    (templates / TEMPLATE / "src/{{cookiecutter.import_name}}.py").unlink()
    package(CORE)
    write(FILES)
    save()
    return root


def looks(tree: Path, write: Write, save: Save, module: str, files: dict[str, str]) -> list[str]:
    """Write files, split a module off, and return what is to be looked at."""
    write(files)
    save()
    done = split.split(tree, CORE, module)
    return [f"{one.place}: {one.message}" for one in done.look]


@pytest.mark.parametrize(
    ("file", "code", "told"),
    [
        # Within the module, all goes along.
        ("audio/a.py", 'Path(__file__).parent / "tone.bin"', ""),
        ("audio/a.py", "Path(__file__).with_name(x)", ""),
        # It is one folder nearer to the root.
        ("audio/a.py", "Path(__file__).parents[5]", "shared|."),
        ("one.py", "Path(__file__).parents[5]", ""),
        ("audio/a.py", 'Path(__file__).parents[1] / "x"', f"{SOURCE}/x|src/x"),
        ("audio/a.py", "dirname(dirname(__file__))", f"{SOURCE}|src"),
        ("audio/b/a.py", "Path(__file__).parents[1]", ""),
        ("one.py", "Path(__file__).parent", f"{SOURCE}|src/tiny_one"),
        # Of the rest, what leads to the module.
        ("a.py", 'Path(__file__).parent / "audio" / "tone.bin"', f"{SOURCE}/audio/tone.bin"),
        ("a.py", 'join(dirname(__file__), "audio")', f"{SOURCE}/audio"),
        ("a.py", "Path(__file__).parent", ""),
        # Data that is read by the name of its package.
        ("a.py", 'files("tiny_core") / "audio/tone.bin"', f"{SOURCE}/audio/tone.bin"),
        ("a.py", 'files(__package__).joinpath("audio", x)', ""),
        ("a.py", 'get_data(__name__, "audio/tone.bin")', f"{SOURCE}/audio/tone.bin"),
        ("a.py", 'files("tiny_core.audio") / "tone.bin"', ""),
        ("a.py", 'files("tiny_other") / "audio/tone.bin"', ""),
        ("audio/a.py", 'files("tiny_core.audio") / "tone.bin"', ""),
        ("audio/a.py", 'files().joinpath("tone.bin")', ""),
        ("audio/a.py", 'open_text("tiny_core", "x.txt")', f"{SOURCE}/x.txt|"),
        ("one.py", 'files(__package__) / "x.txt"', f"{SOURCE}/x.txt|src/tiny_one/x.txt"),
    ],
)
def test_paths_from_that_of_a_file(
    tree: Path, write: Write, save: Save, file: str, code: str, told: str
) -> None:
    module = "one" if file == "one.py" else "audio"
    found = looks(tree, write, save, module, {f"{SOURCE}/{file}": f"import x\nP = {code}\n"})
    old, other, new = told.partition("|")
    message = f"{SOURCE}/{file}:2: it computes the path {old}, which "
    if new:
        place = new if new == "." else f"shared/py/{module}/{new}"
        message += f"would be {place} now"
    elif other:
        message += f"stays in {CORE}"
    else:
        message += f"is {old.replace(SOURCE + '/audio', AUDIO + '/src/tiny_audio')} now"
    assert found == ([message] if told else [])


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ('HERE / "data.txt"', ""),
        ("HERE / name", ""),
        ('HERE.parent / "both.txt"', f"{CORE}/tests/both.txt"),
        ("HERE.parents[1]", CORE),
    ],
)
def test_paths_of_tests(tree: Path, write: Write, save: Save, code: str, told: str) -> None:
    test = f"{CORE}/tests/unit/test_audio.py"
    files = {
        test: f'HERE = Path(__file__).parent\nx = {code}\ny = "data.txt"\n',
        f"{CORE}/tests/unit/data.txt": "",
        f"{CORE}/tests/both.txt": "",
        f"{CORE}/tests/unit/test_other.py": 'x = "both.txt"\n',
    }
    found = [one for one in looks(tree, write, save, "audio", files) if "computes" in one]
    new = told.replace(CORE, AUDIO)
    message = f"{test}:2: it computes the path {told}, which would be {new} now"
    assert found == ([message] if told else [])


@pytest.mark.parametrize(
    ("file", "text", "line"),
    [
        ("docs/a.rst", "::\n\n    from tiny_core import one, audio\n", 3),
        ("a.ipynb", '"from tiny_core import Player\\n"', 1),
        ("shared/py/core/src/tiny_core/a.py", 'exec("from tiny_core import Player")\n', 1),
        ("docs/a.rst", "from tiny_core import one\nfrom tiny_core import my_audio, audio2\n", 0),
        ("docs/a.rst", "from tiny_core import one as audio\n", 0),
        ("docs/a.rst", "x\nfrom tiny_core import (\n    one,\n    audio,\n)\n", 2),
        ("docs/a.rst", "Read from tiny_core: import audio.\n", 0),
    ],
)
def test_imports_in_what_is_no_code(
    tree: Path, write: Write, save: Save, file: str, text: str, line: int
) -> None:
    found = looks(tree, write, save, "audio", {file: text})
    name = "audio" if "audio" in text else "Player"
    what = f"it imports {name} from tiny_core, which is in tiny-audio now"
    assert found == ([f"{file}:{line}: {what}"] if line else [])


def test_a_name_that_is_computed(tree: Path, write: Write, save: Save) -> None:
    code = 'from .audio import Player\n\nx = import_module(f".{name}", __package__)\n'
    files = {f"{SOURCE}/__init__.py": code, f"{SOURCE}/audio/a.py": "import_module(x)\n"}
    found = looks(tree, write, save, "audio", files)
    what = "it computes the name of a module that it imports"
    assert sorted(found) == [f"{SOURCE}/__init__.py:3: {what}", f"{SOURCE}/audio/a.py:1: {what}"]


def test_doctests_follow(tree: Path, write: Write, save: Save) -> None:
    session = ">>> from tiny_core import audio, one\n>>> audio.Player()\nPlayer()\n"
    after = (
        ">>> import tiny_audio as audio\n>>> from tiny_core import one\n"
        ">>> audio.Player()\nPlayer()\n"
    )
    files = {
        f"{SOURCE}/one.py": f'"""One.\n\n{session}"""\n',
        "docs/a.md": f"```python\n{session}```\n",
        "docs/b.rst": session,
    }
    assert looks(tree, write, save, "audio", files) == []
    for file, text in files.items():
        assert (tree / file).read_text(encoding="utf-8") == text.replace(session, after)


def test_what_a_call_imports_is_a_dependency(tree: Path, write: Write, save: Save) -> None:
    code = "from importlib import import_module\nx = import_module({})\n"
    files = {f"{SOURCE}/one.py": code.format('".audio", __package__')}
    assert looks(tree, write, save, "audio", files) == []
    assert (tree / f"{SOURCE}/one.py").read_text("utf-8") == code.format('"tiny_audio"')
    assert '"tiny-audio"' in (tree / f"{CORE}/pyproject.toml").read_text("utf-8")


GENERATE = """
[tool.monorepo.generate.types]
command = ["make-types", "{{out}}"]
# What it reads.
inputs = {inputs}
outputs = ["{output}"]
"""


@pytest.mark.parametrize(
    ("inputs", "after", "told"),
    [
        # Of the module alone: it is named where it is now.
        (["src/tiny_core/audio/tone.bin"], [f"{AUDIO}/src/tiny_audio/tone.bin"], ""),
        (["src/tiny_core/audio/*.bin"], [f"{AUDIO}/src/tiny_audio/*.bin"], ""),
        ([f"{SOURCE}/audio/**"], [f"{AUDIO}/src/tiny_audio/**"], ""),
        (["src/tiny_core/au*/tone.bin"], [f"{AUDIO}/src/tiny_audio/tone.bin"], ""),
        # Of both.
        (["src/**"], ["src/**", f"{AUDIO}/src/tiny_audio/**"], ""),
        # Of the rest.
        (["src/tiny_core/one.py"], ["src/tiny_core/one.py"], ""),
        (["README.md", "src/tiny_core/*.py"], ["README.md", "src/tiny_core/*.py"], ""),
        # The package, which does without the module.
        ([CORE], [CORE], f"types reads {CORE}, which has no audio any more"),
    ],
)
def test_inputs_of_what_is_generated_follow(
    tree: Path, write: Write, save: Save, inputs: list[str], after: list[str], told: str
) -> None:
    manifest = (tree / CORE / "pyproject.toml").read_text(encoding="utf-8")
    added = GENERATE.format(inputs=json.dumps(inputs), output="src/tiny_core/types.py")
    files = {
        f"{CORE}/pyproject.toml": manifest + added,
        f"{CORE}/README.md": "",
        f"{SOURCE}/__init__.py": "",
    }
    found = looks(tree, write, save, "audio", files)
    (entry,) = workspace.load_whole(tree).packages[CORE].settings["generate"].values()
    assert entry["inputs"] == after
    text = (tree / CORE / "pyproject.toml").read_text(encoding="utf-8")
    assert "# What it reads." in text
    line = text.splitlines().index("[tool.monorepo.generate.types]") + 1
    assert found == ([f"{CORE}/pyproject.toml:{line}: {told}"] if told else [])


def test_inputs_of_other_packages_follow(
    tree: Path, package: MakePackage, write: Write, save: Save
) -> None:
    folder = package("shared/py/user")
    inputs = [CORE, f"{SOURCE}/audio/tone.bin", f"{SOURCE}/*.py"]
    added = GENERATE.format(inputs=json.dumps(inputs), output="src/tiny_user/types.py")
    manifest = (folder / "pyproject.toml").read_text(encoding="utf-8")
    files = {
        "shared/py/user/pyproject.toml": manifest + added,
        f"{SOURCE}/one.py": "from .audio import Player\n",
    }
    assert looks(tree, write, save, "audio", files) == []
    (entry,) = workspace.load_whole(tree).packages["shared/py/user"].settings["generate"].values()
    assert entry["inputs"] == [CORE, f"{AUDIO}/src/tiny_audio/tone.bin", f"{SOURCE}/*.py"]


def test_what_is_generated_into_the_module_is_told(tree: Path, write: Write, save: Save) -> None:
    manifest = (tree / CORE / "pyproject.toml").read_text(encoding="utf-8")
    added = GENERATE.format(inputs='["README.md"]', output="src/tiny_core/audio/types.py")
    files = {
        f"{CORE}/pyproject.toml": manifest + added,
        f"{CORE}/README.md": "",
        f"{SOURCE}/audio/types.py": "",
    }
    line = (manifest + added).splitlines().index("[tool.monorepo.generate.types]") + 1
    assert looks(tree, write, save, "audio", files)[0] == (
        f"{CORE}/pyproject.toml:{line}: types writes {SOURCE}/audio/types.py, which is in {AUDIO} "
        "now; have that generate it"
    )


@pytest.mark.parametrize(
    ("module", "file", "line"),
    [
        ("one", "one.py", 3),
        # A package is run by its __main__, which goes along.
        ("audio", "audio/__main__.py", 0),
        ("audio", "audio/a.py", 0),
        ("audio", "audio/__init__.py", 0),
        ("audio", "one.py", 0),
    ],
)
def test_a_file_that_is_run_as_a_module(
    tree: Path, write: Write, save: Save, module: str, file: str, line: int
) -> None:
    code = 'x = 1\n\nif __name__ == "__main__":\n    x = 2\n'
    found = looks(tree, write, save, module, {f"{SOURCE}/{file}": code})
    what = "it can be run, which python -m tiny_one looks for in __main__.py"
    assert found == ([f"{SOURCE}/{file}:{line}: {what}"] if line else [])
