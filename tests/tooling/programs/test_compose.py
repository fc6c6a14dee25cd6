"""compose.yaml gets and loses services; what a team has in it stays, to the letter."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from monorepo.core import workspace
from monorepo.programs import compose
from monorepo.system.errors import UsageError

API, JOBS = "services/py/api", "services/py/jobs"
OWN = """\
# All of us.
services:
  db:
    image: db # keep
  # The way in.
  api:
    build:
      context: ./services/py/api/
    # The last word of it.

  # What works at night.
  jobs:
    build: services/py/jobs
    command: >
      services: none

volumes: {}
"""


@pytest.fixture
def services(root: Path, package: Callable[..., Path]) -> list[workspace.Package]:
    for port, path in enumerate([API, JOBS], 8000):
        file = package(path) / "pyproject.toml"
        text = file.read_text(encoding="utf-8")
        file.write_text(f"{text}\n[tool.monorepo]\nport = {port}\n", encoding="utf-8")
    return workspace.load(root).select([API, JOBS])


def test_add_then_remove_is_the_identity(services: list[workspace.Package]) -> None:
    both = compose.add("", services)
    assert compose.add(both, services) == both
    assert compose.remove(both, API) == compose.add("", services[1:])
    assert compose.remove(compose.remove(both, API), JOBS) == ""
    own = "services:\n  db: {image: db}\n\n# The end.\nvolumes: {}\n"
    assert compose.remove(compose.add(own, services[:1]), API) == own


def test_only_the_lines_of_a_service_go() -> None:
    api = "  api:\n    build:\n      context: ./services/py/api/\n    # The last word of it.\n"
    assert compose.remove(OWN, API) == OWN.replace(api, "")
    jobs = OWN.partition("  jobs:\n")[2].partition("\nvolumes")[0]
    assert compose.remove(OWN, JOBS) == OWN.replace(f"  jobs:\n{jobs}", "")
    assert compose.remove(OWN, "services/py/ap") == OWN
    assert yaml.safe_load(compose.remove(OWN, JOBS))["volumes"] == {}


@pytest.mark.parametrize(
    "service",
    [
        "b:\n    build: x",
        "b: {build: x}",
        "b: {\n    build: x\n  }\n",
        "b:\n    build: x\n\n",
        "b:\n  - x",
    ],
)
def test_any_notation_of_a_service_can_be_read(service: str) -> None:
    rest = "services:\n  a: {image: a}\n"
    text = f"{rest}  {service}"
    assert compose.remove(text, "x").rstrip("\n") == (text if "-" in service else rest).rstrip("\n")


TAGS = """\
services:
  db:
    ports: !reset []
    environment: !override {A: &a 1}
    image: !reset null
  api: !override
    build: services/py/api
    command: *a
volumes: !reset
"""


def test_tags_that_take_back_what_another_file_says_stay(
    services: list[workspace.Package],
) -> None:
    jobs = compose.add("", services[1:]).partition("services:\n")[2]
    assert compose.add(TAGS, services[1:]) == TAGS.replace("services:\n", f"services:\n{jobs}", 1)
    assert compose.remove(compose.add(TAGS, services), JOBS) == compose.add(TAGS, services[:1])
    own = TAGS.replace("    command: *a\n", "")
    api = "  api: !override\n    build: services/py/api\n"
    assert compose.remove(own, API) == own.replace(api, "")


@pytest.mark.parametrize(
    "text", ["services: {a: !resett []}\n", "services: {a: !!python/name:os.x }\n"]
)
def test_other_tags_are_refused(services: list[workspace.Package], text: str) -> None:
    with pytest.raises(UsageError, match=r"^compose\.yaml:1: is not YAML"):
        compose.add(text, services)


@pytest.mark.parametrize("text", ["services:\n  db:\n    ports: !reset []\n", "services: [\n"])
def test_a_file_about_something_else_is_not_read(text: str) -> None:
    assert compose.remove(text, "services/py/api") == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("services: {api: {build: x}, db: {image: db}}\n", "api: cannot be taken out"),
        ("services:\n  api: &a\n    build: x\n  b:\n    environment: *a\n", "api: cannot be taken"),
        ("services:\n  api: {build: x}\n  b: {depends_on: [api]}\n", "b depends on api; remove"),
        ("services:\n  api: {build: x}\n  b:\n    depends_on: {api: {}}\n", "b depends on api"),
        ("services: [ # x\n", "is not YAML"),
    ],
)
def test_what_cannot_be_taken_out_is_told(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=rf"^compose\.yaml(:\d+)?: {told}"):
        compose.remove(text, "x")
