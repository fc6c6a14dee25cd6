"""The tree is held against the team's schema, and each finding names the path."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monorepo.core import workspace
from monorepo.guard import runner
from monorepo.rules import structure

Write = Callable[[dict[str, str]], None]
SAYS = """\
type: object
required: [README.md]
description: write one
properties:
  shared:
    description: only py
    additionalProperties: false
    patternProperties:
      ^p: {$ref: '#/$defs/area'}
  tools: {}
patternProperties:
  ^[.]: true
additionalProperties:
  const: file
  description: put it into docs
$defs:
  area:
    additionalProperties: {type: object, required: [README.md, tests], description: has both}
    propertyNames: {pattern: '^[a-z-]+$', description: kebab-case}
"""
OR = ", or change .schemas/structure.yaml"


@pytest.fixture
def found(root: Path, write: Write) -> Callable[[dict[str, str]], list[str]]:
    def found(files: dict[str, str]) -> list[str]:
        write(files)
        return [str(one) for one in runner.guard(workspace.load(root), ["structure"])]

    return found


Found = Callable[[dict[str, str]], list[str]]


def test_a_tree_that_is_right(found: Found) -> None:
    files = {"README.md": "", ".x/y": "", "Makefile": "", "shared/py/a-b/README.md": ""}
    assert found({structure.SCHEMA: SAYS, **files, "shared/py/a-b/tests/t": ""}) == []


def test_each_finding_names_the_path_and_what_the_schema_advises(found: Found) -> None:
    files = {"misc/x.py": "", "shared/py/a/x": "", "shared/py/A_b/README.md": "", "shared/m/x": ""}
    assert found({structure.SCHEMA: SAYS, "shared/py/c": "", **files}) == [
        ".: structure.missing: has no README.md; write one",
        f"misc: structure.misplaced: is a folder here; put it into docs{OR}",
        f"shared/m: structure.misplaced: has no place here; only py{OR}",
        f"shared/py/A_b: structure.misplaced: has no place here; kebab-case{OR}",
        "shared/py/A_b: structure.missing: has no tests; has both",
        "shared/py/a: structure.missing: has no README.md; has both",
        "shared/py/a: structure.missing: has no tests; has both",
        f"shared/py/c: structure.misplaced: is a file, not a folder; has both{OR}",
    ]


def test_modules_of_python_are_not_at_the_root(found: Found) -> None:
    files = {"json.py": "", "tomllib/__init__.py": "", "seed.py": "", "docs/json.py": ""}
    message = "would be imported in place of the module that comes with Python"
    assert found({structure.SCHEMA: "type: object", **files}) == [
        f"{name}: structure.shadow: {message}; give it another name"
        for name in ("json.py", "tomllib")
    ]
    # One finding is enough.
    schema = "patternProperties: {'[.]py$': {not: {}}}"
    lines = [line for line in found({structure.SCHEMA: schema}) if "tomllib" not in line]
    assert [line.partition(";")[0] for line in lines] == [
        f"{name}: structure.misplaced: has no place here" for name in ("json.py", "seed.py")
    ]


def test_other_keywords_are_named(found: Found) -> None:
    assert found({structure.SCHEMA: "maxProperties: 1\n$ref: '#/$defs/a'\n$defs: {a: false}"}) == [
        ".: structure.misplaced: does not meet maxProperties of .schemas/structure.yaml;"
        " see .schemas/structure.yaml",
        ".: structure.misplaced: has no place here; see .schemas/structure.yaml",
    ]


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("a: [", ":2: unreadable: is not YAML (did not find expected node content"),
        ("a: 1\nb: 2\na: 3", ":3: unreadable: has the key 'a' twice; remove one of them"),
        ("type: nope", ": structure.schema: is not JSON Schema at type; fix it"),
        ("type: {a: 1}\n", ": structure.schema: is not JSON Schema at type; fix it"),
        ("", ":1: unreadable: is not a YAML mapping; correct the file"),
        (
            "patternProperties: {'(': false}",
            ": structure.schema: is not JSON Schema at patternProperties",
        ),
        ("$ref: https://example.com/schema.json", ": structure.schema: cannot be used ("),
        ("$ref: '#/$defs/gone'", ": structure.schema: cannot be used ("),
        ("$ref: '#'", ": structure.schema: cannot be used (RecursionError"),
        ("a: 2026-01-01", ": structure.schema: cannot be used (TypeError"),
        ("!!python/name:os.system a", ":1: unreadable: is not YAML"),
    ],
)
def test_a_schema_that_is_malformed_is_a_finding(found: Found, schema: str, message: str) -> None:
    (line,) = found({structure.SCHEMA: schema})
    assert line.startswith(structure.SCHEMA + message)


def test_a_file_that_became_a_folder(root: Path, found: Found) -> None:
    found({structure.SCHEMA: "type: object", "docs": ""})
    for words in ("init -q", "add -A"):
        subprocess.run(["git", *words.split()], cwd=root, check=True)
    (root / "docs").unlink()
    assert found({"docs/README.md": ""}) == []


def test_without_a_schema(found: Found) -> None:
    assert found({}) == [
        ".schemas/structure.yaml: structure.schema: is missing; restore it from git"
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="{}[]:,-#&*!|>'\" \nab$%@`", max_size=30))
def test_any_schema_is_read_without_a_crash(found: Found, text: str) -> None:
    found({structure.SCHEMA: text})
