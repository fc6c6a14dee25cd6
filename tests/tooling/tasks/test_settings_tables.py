"""The table of a service's variables: what the service prints, where its README has a place."""

from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.core.workspace import Package, Workspace
from monorepo.system.errors import TaskError, UsageError
from monorepo.tasks import settings_tables

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]

README = "# Api\n\n<!-- settings -->\n\nold\n\n<!-- /settings -->\n\nMine.\n"
ROW = "| `A` | \\\\1 | $HOME |"
PRINTS = "settings-table:\n\t@printf '%s\\n' '| variable | default | what |' '{}'\n"


@pytest.fixture
def space(root: Path, package: MakePackage, write: Write) -> Workspace:
    """Make two services that print a table."""
    for name in ("api", "web"):
        package(f"services/py/{name}")
        makefile = PRINTS.format(ROW.replace("$", "$$"))
        write(
            {
                f"services/py/{name}/README.md": README,
                f"services/py/{name}/Makefile": makefile,
            }
        )
    package("shared/py/core")
    return workspace.load(root)


def services(space: Workspace) -> list[Package]:
    return [package for package in space.packages.values() if package.is_service]


def test_the_table_is_written_and_all_else_stays(space: Workspace) -> None:
    path = "services/py/api/README.md"
    (api,) = space.select(["services/py/api"])

    assert settings_tables.write(space, [api]) == [f"wrote {path}"]
    text = (space.root / path).read_text("utf-8")
    table = f"| variable | default | what |\n{ROW}"
    assert text == README.replace("old", table)
    assert settings_tables.write(space, [api]) == ["every table is up to date"]
    assert settings_tables.write(space, [api], dry_run=True) == ["every table is up to date"]
    assert settings_tables.write(space, services(space)) == ["wrote services/py/web/README.md"]


def test_a_dry_run_shows_the_change(space: Workspace) -> None:
    lines = settings_tables.write(space, services(space), dry_run=True)

    assert "-old" in lines
    assert f"+{ROW}" in lines
    assert (space.root / "services/py/api/README.md").read_text("utf-8") == README


@pytest.mark.parametrize(
    "makefile",
    [
        "settings-table:\n\t@echo broken; exit 3\n",
        "settings-table:\n\t@echo no table\n",
        "settings-table: ;\n",
        "test: ;\n",
    ],
)
def test_a_service_that_prints_no_table_changes_nothing(
    space: Workspace, write: Write, makefile: str
) -> None:
    write({"services/py/web/Makefile": makefile})

    with pytest.raises(TaskError, match="services/py/web: does not print the table"):
        settings_tables.write(space, services(space))
    assert (space.root / "services/py/api/README.md").read_text("utf-8") == README


def test_every_mistake_is_told_at_once(space: Workspace, write: Write) -> None:
    write({f"services/py/{name}/README.md": "# Without\n" for name in ("api", "web")})

    with pytest.raises(UsageError) as caught:
        settings_tables.write(space, services(space))
    assert [mistake.partition(":")[0] for mistake in caught.value.mistakes] == [
        "services/py/api/README.md",
        "services/py/web/README.md",
    ]
    with pytest.raises(UsageError, match="shared/py/core: is not a service"):
        settings_tables.write(space, space.select(["shared/py/core"]))
    with pytest.raises(UsageError, match="there is no service here"):
        settings_tables.write(space, [])
