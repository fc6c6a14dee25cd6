"""What base_manifest.yaml lists, and what is refused in it (wishes C1 to C6)."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import yaml

from monorepo.core import base_manifest, workspace
from monorepo.core.base_manifest import FILE
from monorepo.system.errors import UsageError
from monorepo.templating import template

Write = Callable[[dict[str, str]], None]
SCHEMA = json.loads((template.tree() / ".schemas/base_manifest.json").read_text(encoding="utf-8"))

WHOLE = """\
schema_version: 1
project: Acme
python:
  requires_python: ">=3.11"
  venv: default
  requirements:
    - requirements.txt
    - tools/more.txt
  packages:
    - httpx>=0.28
    - "rich[jupyter] ; python_version >= '3.11'"
artifacts:
  - type: python-package
    name: pytest
    version: 8.4.1
  - {type: python-package, name: black, version: latest}
"""


@pytest.fixture
def manifest(write: Write) -> Callable[[str], None]:
    """Write a manifest, with the requirements files that it may name."""
    write({"requirements.txt": "# Ours.\nsix>=1.17  # old\n\n", "tools/more.txt": "polars\n"})
    return lambda text: write({FILE: text})


def texts(root: Path) -> list[str]:
    return [entry.text for entry in base_manifest.load(root).listed()]


def test_a_repository_without_one_lists_nothing(root: Path) -> None:
    assert base_manifest.load(root) == base_manifest.BaseManifest()


def test_everything_is_listed_with_its_place(root: Path, manifest: Callable[[str], None]) -> None:
    """C1, C2, C4 and C5: requirements, packages, and rows of the older format."""
    manifest(WHOLE)
    found = base_manifest.load(root)
    assert found.listed() == (
        (f"{FILE}: python.requirements[1]: requirements.txt:2", "six>=1.17"),
        (f"{FILE}: python.requirements[2]: tools/more.txt:1", "polars"),
        (f"{FILE}: python.packages[1]", "httpx>=0.28"),
        (f"{FILE}: python.packages[2]", "rich[jupyter] ; python_version >= '3.11'"),
        (f"{FILE}: artifacts[1]", "pytest==8.4.1"),
        (f"{FILE}: artifacts[2]", "black"),
    )
    assert found.requires_python == ">=3.11"
    assert found.files == ("requirements.txt", "tools/more.txt")
    jsonschema.validate(yaml.safe_load(WHOLE), SCHEMA)


def test_exact_duplicates_are_dropped_and_ranges_are_kept(
    root: Path, manifest: Callable[[str], None]
) -> None:
    """C6: the first of two equal texts stays; overlapping ranges are the installer's to join."""
    packages = "[polars, 'httpx>=0.28', 'httpx<1', 'httpx>=0.28', 'six>=1.17']"
    manifest(
        "schema_version: 1\npython:\n  requirements: [requirements.txt]\n"
        f"  packages: {packages}\nartifacts: [{{type: python-package, name: polars}}]\n"
    )
    assert texts(root) == ["six>=1.17", "polars", "httpx>=0.28", "httpx<1"]


REFUSED = [
    ("project: x", "schema_version: is missing; write schema_version: 1"),
    ("schema_version: 2", "schema_version: is not 1; write schema_version: 1"),
    ("schema_version: '1'", "schema_version: is not 1"),
    ("projects: x", "projects: is unknown; there are schema_version, project, python, artifacts"),
    ("project: 1", "project: is not a text"),
    ("project: ''", "project: is not valid"),
    ("python: x", "python: is not a mapping"),
    ("python: {pip: x}", "python.pip: is unknown; there are requires_python, venv, "),
    ("python: {venv: other}", "python.venv: is not default"),
    ("python: {requires_python: 3}", "python.requires_python: is not a text"),
    ("python: {requires_python: new}", "python.requires_python: is not valid"),
    ("python: {packages: httpx}", "python.packages: is not a list"),
    ("python: {packages: [x, 1]}", "python.packages[2]: is not a text"),
    ("python: {packages: [x, 'a b']}", "python.packages[2]: is not a requirement"),
    ("python: {packages: ['']}", "python.packages[1]: is not a requirement"),
    ("python: {packages: ['x @ https://h/x.whl']}", "python.packages[1]: is a direct URL"),
    ("python: {packages: [./shared/py/core]}", "python.packages[1]: is not a requirement"),
    ("python: {packages: [-r x.txt]}", "python.packages[1]: is an option or another file"),
    ("python: {packages: ['x --hash=a']}", "python.packages[1]: has options"),
    ("python: {requirements: x}", "python.requirements: is not a list"),
    ("python: {requirements: [1]}", "python.requirements[1]: is not a path"),
    ("python: {requirements: ['']}", "python.requirements[1]: is not a path"),
    ("artifacts: {}", "artifacts: is not a list"),
    ("artifacts: [x]", "artifacts[1]: is not a mapping"),
    ("artifacts: [{type: npm, name: x}]", "artifacts[1].type: is not python-package"),
    ("artifacts: [{type: python-package}]", "artifacts[1].name: is not the name"),
    ("artifacts: [{type: python-package, name: 'x>1'}]", "artifacts[1].name: is not the name"),
    ("artifacts: [{type: python-package, name: x, of: z}]", "artifacts[1].of: is unknown"),
    (
        "artifacts: [{type: python-package, name: x, version: '>=8'}]",
        "artifacts[1].version: is neither latest nor a version",
    ),
]


@pytest.mark.parametrize(("text", "said"), REFUSED)
def test_wrong_keys_and_values_are_refused(
    root: Path, manifest: Callable[[str], None], text: str, said: str
) -> None:
    """The schema for editors refuses the same."""
    if "schema_version" not in text and "project: x" != text:
        text = f"schema_version: 1\n{text}"
    manifest(f"{text}\n")
    (mistake,) = base_manifest.load(root).mistakes
    assert mistake.startswith(f"{FILE}: {said}")
    assert re.fullmatch(r"[^;]+; [^;]+", mistake)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), SCHEMA)


OUTSIDE = [
    ("../up.txt", "leads out of the repository by .."),
    ("tools/../../up.txt", "leads out of the repository by .."),
    ("tools/../requirements.txt", "leads out of the repository by .."),
    ("/etc/passwd", "is no path from the root"),
    ("~/up.txt", "begins with ~"),
    ("~", "begins with ~"),
    ("https://u:p@host/x.txt", "is no path from the root"),
    ("C:/x.txt", "is no path from the root"),
    ("..\\up.txt", "leads out of the repository by .."),
    ("outside.txt", "is a link that leads out of the repository"),
    ("outside/up.txt", "is a link that leads out of the repository"),
    ("loop", "is not a file here"),
    ("nowhere.txt", "is not a file here"),
    ("tools", "is not a file here"),
]


@pytest.mark.parametrize(("path", "said"), OUTSIDE)
def test_paths_that_leave_the_root_are_refused(
    root: Path, manifest: Callable[[str], None], path: str, said: str
) -> None:
    """C3: by a link, .., ~, an absolute path, or a URL."""
    (root.parent / "up.txt").write_text("six\n", encoding="utf-8")
    (root / "outside.txt").symlink_to("../up.txt")
    (root / "outside").symlink_to("..")
    (root / "loop").symlink_to("loop")
    manifest(
        f"schema_version: 1\npython:\n  requirements:\n    - requirements.txt\n    - '{path}'\n"
    )
    (mistake,) = base_manifest.load(root).mistakes
    assert mistake.startswith(f"{FILE}: python.requirements[2]: {said}")
    assert "u:p" not in mistake


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("-r other.txt", "is an option or another file"),
        ("-r../x.txt", "is an option or another file"),
        ("  --requirement ../x.txt", "is an option or another file"),
        ("-c constraints.txt", "is an option or another file"),
        ("--constraint=x.txt", "is an option or another file"),
        ("-e ./shared/py/core", "is an option or another file"),
        ("--index-url https://user:secret@host/simple", "is an option or another file"),
        ("./shared/py/core", "is not a requirement"),
        ("file:../x.whl", "is not a requirement"),
        ("x @ https://user:secret@host/x.whl", "is a direct URL"),
        ("x==1 --hash=sha256:0", "has options"),
        ("x==1 \\", "has options"),
        ("<<<<<<< ours", "is not a requirement"),
    ],
)
def test_a_requirements_file_includes_nothing(
    root: Path, write: Write, line: str, said: str
) -> None:
    """C3: nested -r, -c and -e are refused; what may be a password is not shown."""
    text = "schema_version: 1\npython:\n  requirements: [list.txt]\n"
    write({FILE: text, "list.txt": f"six\n{line}\n"})
    (mistake,) = base_manifest.load(root).mistakes
    assert mistake.startswith(f"{FILE}: python.requirements[1]: list.txt:2: {said}")
    assert "secret" not in mistake


def test_all_mistakes_are_told_at_once(root: Path, write: Write) -> None:
    write(
        {
            FILE: "schema_version: 3\nextra: x\npython:\n  venv: other\n"
            "  requirements: [nowhere.txt, list.txt]\n  packages: ['a b']\nartifacts: [x]\n",
            "list.txt": "-r x\n-c y\n",
        }
    )
    keys = [mistake.split(": ")[1] for mistake in base_manifest.load(root).mistakes]
    assert keys == [
        "extra",
        "schema_version",
        "python.venv",
        "python.requirements[1]",
        "python.requirements[2]",
        "python.requirements[2]",
        "python.packages[1]",
        "artifacts[1]",
    ]
    with pytest.raises(UsageError):
        base_manifest.load(root).listed()


def test_a_file_that_cannot_be_read_is_told_with_its_line(root: Path, write: Write) -> None:
    write({FILE: "schema_version: 1\nproject: [x\n"})
    assert base_manifest.load(root).mistakes[0].startswith(f"{FILE}:2: is not plain YAML; ")
    (root / FILE).write_bytes(b"\xff")
    assert base_manifest.load(root).mistakes == (f"{FILE}:1: is not UTF-8; save it as UTF-8",)
    (root / FILE).unlink()
    (root / FILE).symlink_to("/etc/hostname")
    assert base_manifest.load(root).mistakes[0].startswith(f"{FILE}: is a link that leads out")
    (root / FILE).unlink()
    (root / FILE).mkdir()
    assert base_manifest.load(root).mistakes[0].startswith(f"{FILE}: cannot be read")


def test_a_broken_manifest_stops_only_what_installs_it(root: Path, write: Write) -> None:
    write({FILE: "schema_version: 2\n"})
    space = workspace.load(root)
    assert not space.problems
    with pytest.raises(UsageError, match="schema_version: is not 1"):
        list(space.programs())


def test_a_link_inside_the_repository_is_fine(root: Path, manifest: Callable[[str], None]) -> None:
    (root / "link.txt").symlink_to("tools/more.txt")
    manifest("schema_version: 1\npython: {requirements: [link.txt]}\n")
    assert texts(root) == ["polars"]
