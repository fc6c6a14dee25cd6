"""What old manifests declare is read as data, each requirement with its place."""

from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.importing import declared
from monorepo.importing.declared import Declared, Offer, ranged
from monorepo.importing.origin import File, Origin, Where


def read(root: Path, **files: str) -> Declared:
    """Return what manifests declare, whose names have a dash or a dot as `__` or `_`."""
    named = {name.replace("__", "-").replace("_", "."): text for name, text in files.items()}
    folder = root / "old"
    folder.mkdir()
    for name, text in named.items():
        (folder / name).write_text(text, encoding="utf-8")
    found = {name: File(text.encode()) for name, text in named.items()}
    origin = Origin("old", Where.HERE, folder, "old", "", found)
    return declared.read(origin, [*named], declared.Place(workspace.load(root)))


def test_a_project_table_is_read(root: Path) -> None:
    found = read(
        root,
        pyproject_toml='[project]\nname="a"\ndependencies=["left>=1", "@bad", "x @ git+https://u:p@h/x"]\n'
        'scripts={play="lib:play"}\ndynamic=["dependencies"]\n'
        '[project.optional-dependencies]\nml=["torch"]\ndev=["black"]\n[dependency-groups]\nlint=["ruff"]\n',
    )
    assert [(one.text, one.group) for one in found.offers] == [
        ("left>=1", ""),
        ("torch", "ml"),
        ("black", "test"),
        ("ruff", "test"),
    ]
    assert found.scripts == {"play": "lib:play"}
    assert "u:p" not in str(found.told)


@pytest.mark.parametrize(
    ("spec", "range_"),
    [
        ("^1.2", ">=1.2,<2"),
        ("^0.3.1", ">=0.3.1,<0.4"),
        ("~1.2.3", ">=1.2.3,<1.3"),
        ("*", ""),
        ("1.5", "==1.5"),
        (">=2,<4", ">=2,<4"),
        ("^0.0.3", ">=0.0.3,<0.0.4"),
        ("~1", ">=1,<2"),
    ],
)
def test_ranges_of_poetry_are_read(spec: str, range_: str, root: Path) -> None:
    found = read(
        root, pyproject_toml=f'[tool.poetry.dependencies]\npython = "^3.9"\nleft = "{spec}"\n'
    )
    assert [one.text for one in found.offers] == [f"left{range_}"]


def test_setup_py_is_read_and_not_run(root: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    found = read(
        root,
        setup_py=f"open({str(ran)!r}, 'w')\nNEEDS = ['left']\nsetup(install_requires=NEEDS,\n"
        "  tests_require=open('x').read(), extras_require={'fast': ['right']},\n"
        "  entry_points={'console_scripts': ['a = b:c'], 'pytest11': ['x = y']},\n"
        "  ext_modules=[E()])\n",
    )
    assert not ran.exists()
    assert found.offers == [
        Offer("left", "old/setup.py:2"),
        Offer("right", "old/setup.py:4", "fast"),
    ]
    assert found.scripts == {"a": "b:c"}
    assert "old/setup.py:4" in found.told
    assert (
        "pytest11" in found.told["old/setup.py:5"] or "ext_modules" in found.told["old/setup.py:5"]
    )


def test_setup_cfg_and_requirements_are_read(root: Path) -> None:
    found = read(
        root,
        setup_cfg="[options]\ninstall_requires =\n  left>=1\n  # why\n  middle\n"
        "[options.extras_require]\ntest = pytest\n"
        "[options.entry_points]\nconsole_scripts =\n  a=b:c\n",
        requirements_txt="left==1.5 # why\nhttps://u:hunter2@h/x.whl\n",
        requirements__dev_txt="black\n",
    )
    assert [(one.text, one.where, one.group) for one in found.offers] == [
        ("left>=1", "old/setup.cfg", ""),
        ("middle", "old/setup.cfg", ""),
        ("pytest", "old/setup.cfg", "test"),
        ("left==1.5", "old/requirements.txt:1", ""),
        ("black", "old/requirements-dev.txt:1", "test"),
    ]
    assert "hunter2" not in str(found.told["old/requirements.txt:2"])


def test_a_compiled_file_is_known_by_its_source_or_its_comments(root: Path) -> None:
    found = read(
        root,
        requirements_in="left\n",
        requirements_txt="left==1.5\nmiddle==1\n",
        requirements_a_txt="left==1.5\n    # via -r x\n",
        requirements_b_txt="left==1.5 # why\n",
    )
    told = {one.file.rpartition("/")[2]: one.is_compiled for one in found.offers}
    assert told == {
        "requirements.in": False,
        "requirements.txt": True,
        "requirements.a.txt": True,
        "requirements.b.txt": False,
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject_toml", "["),
        ("setup_cfg", "x"),
        ("setup_py", "print 1"),
        ("Pipfile", ""),
        ("setup_py", "setup(install_requires=3)"),
        ("pyproject_toml", "[project]\ndependencies = 3"),
        ("pyproject_toml", "[tool.poetry.dependencies]\nx = {git = 'y'}"),
    ],
)
def test_what_is_broken_is_told_with_its_place(name: str, text: str, root: Path) -> None:
    assert next(iter(read(root, **{name: text}).told)).startswith("old/")


@pytest.mark.parametrize(
    ("text", "range_", "version"),
    [
        ("left==1.5", "left>=1.5", "1.5"),
        (
            "left[b,a]==1.5+cpu; python_version<'3.12'",
            'left[a,b]>=1.5 ; python_version < "3.12"',
            "1.5+cpu",
        ),
        ("left>=1", "left>=1", ""),
        ("left==1.*", "left==1.*", ""),
    ],
)
def test_a_pin_becomes_a_lower_bound(text: str, range_: str, version: str) -> None:
    assert ranged(text) == (range_, version)
