"""Write the table of a service's environment variables into its README.md, for `make settings`.

The service itself prints the table: it knows its settings, in whatever language.
"""

import re
import shlex
import subprocess
from collections.abc import Sequence

from monorepo.core.workspace import Package, Workspace
from monorepo.system.errors import TaskError, UsageError
from monorepo.system.subprocesses import show, without_make
from monorepo.system.transaction import begin
from monorepo.tasks import fan_out

# What people write outside of these two stays.
_MARKERS = "<!-- settings -->", "<!-- /settings -->"
_BETWEEN = re.compile(rf"(?<=^{_MARKERS[0]}\n).*?(?=^{_MARKERS[1]}$)", re.DOTALL | re.MULTILINE)


def write(space: Workspace, packages: Sequence[Package], *, dry_run: bool = False) -> list[str]:
    """Update the tables of services; all of them, or none if one fails.

    Args:
        space: the repository.
        packages: the services, whose environments are installed.
        dry_run: whether to only show the changes.

    Returns:
        A line for each README.md that has changed; or the changes.

    Raises:
        UsageError: a package is no service, or its README.md has no place for the table.
        TaskError: a service does not print its table.
    """
    mistakes = [
        f"{package.path}: is not a service; `make list` shows the packages"
        for package in packages
        if not package.is_service
    ]
    if not packages:
        mistakes.append("PKG: there is no service here; add one with make new")
    changed = []
    with begin(space.root, dry_run=dry_run) as change:
        texts: dict[str, str] = {}
        for package in packages if not mistakes else ():
            path = f"{package.path}/README.md"
            texts[path] = change.read(path)
            if not _BETWEEN.search(texts[path]):
                place = " and ".join(f"`{marker}`" for marker in _MARKERS)
                mistakes.append(f"{path}: has no place for the table; add the lines {place}")
        if mistakes:
            raise UsageError(*mistakes)
        for package in packages:
            path, table = f"{package.path}/README.md", _printed(space, package)
            table = table.replace("\\", r"\\")
            text = _BETWEEN.sub(f"\n{table}\n\n", texts[path], count=1)
            changed += [path] if change.write(path, text) else []
        if not dry_run:
            change.commit()
        lines = change.describe() if dry_run else [f"wrote {path}" for path in changed]
    return lines or ["every table is up to date"]


def _printed(space: Workspace, package: Package) -> str:
    """Return the table that a service prints.

    Raises:
        TaskError: it fails, or prints something else.
    """
    command = fan_out.make_command(space, package, "settings-table")
    show(command, space.root)
    # V would have Make print commands as well.
    done = subprocess.run(
        command, env=without_make(), capture_output=True, text=True, errors="replace", check=False
    )
    table = done.stdout.strip()
    if done.returncode or not table or any(not row.startswith("|") for row in table.splitlines()):
        shown = f"{shlex.join(command)}\n{done.stdout}{done.stderr}".rstrip()
        raise TaskError(f"{package.path}: does not print the table of its settings\n{shown}")
    return table
