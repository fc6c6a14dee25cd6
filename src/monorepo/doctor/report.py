"""Run all checks, report what they find, and run those commands that mend it safely.

Nothing is changed and no network is asked, except by `mend`.
"""

import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from monorepo.core import workspace
from monorepo.core.engine import REQUIREMENT
from monorepo.core.workspace import ROOT_MANIFEST, Workspace
from monorepo.doctor import checkout, environments, manifest, programs
from monorepo.guard import findings
from monorepo.guard.findings import Finding
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.system.subprocesses import make, say, without_make

# They install what is pinned, and take nothing away that cannot be made again; the first one
# includes the second.
SAFE = ("make install", "make setup", "make install-hooks")
Check = Callable[[], Iterable[Finding]]


def examine(root: Path) -> list[Finding]:
    """Return the findings about the checkout at `root`, also those that all is well.

    Raises:
        UsageError: there is no generated monorepo.
    """
    broken: list[Finding] = []
    space: Workspace | None = None
    try:
        space = workspace.load(root)
    except UsageError as error:
        if not (root / REQUIREMENT).exists():
            raise
        broken = list(_mistakes("repository.unreadable", error))
    with ThreadPoolExecutor() as pool:
        done = pool.map(lambda check: _safely(*check), _checks(root, space))
        return [*broken, *(finding for found in done for finding in found)]


def _checks(root: Path, space: Workspace | None) -> Iterator[tuple[str, Check]]:
    """Yield the checks by their ids; without a workspace, those that need none."""
    if space:
        yield "python", partial(programs.python, space)
    yield "git", partial(programs.on_path, "git")
    yield "make", partial(programs.on_path, "make")
    if space:
        yield "uv", partial(programs.uv, space)
        yield "node", partial(programs.javascript, space)
        yield "packages", partial(checkout.problems, space)
        yield "environments", partial(environments.findings, space)
        yield "engine", partial(checkout.engine, space)
        yield "locks", partial(checkout.locks, space)
    yield "hooks", partial(checkout.hook, root)
    yield "manifest", partial(manifest.findings, root, space)
    yield "disk", partial(checkout.disk, root)
    yield "caches", partial(checkout.left_behind, root)


def _safely(name: str, check: Check) -> list[Finding]:
    """Return the findings of a check; a file that it cannot read is one."""
    try:
        return list(check())
    except UsageError as error:
        return list(_mistakes(f"{name}.unreadable", error))
    except OSError as error:
        message = f"cannot be checked ({error.strerror or error})"
        return [Finding(str(error.filename or "."), 0, f"{name}.unreadable", message, "see there")]


def _mistakes(name: str, error: UsageError) -> Iterator[Finding]:
    for mistake in error.mistakes:
        path, line, message, fix = text_files.mistake(mistake)
        yield Finding(path, line, name, message, fix)


def is_wrong(found: Iterable[Finding]) -> bool:
    """Return whether any finding is an error."""
    return any(finding.status == "error" for finding in found)


def render(root: Path, found: Sequence[Finding], form: str) -> str:
    """Return the report as `text` or `json`."""
    if form == "json":
        return findings.as_json(found, (), _project(root))
    lines = []
    for finding in found:
        line = f":{finding.line}" if finding.line else ""
        place = f"{finding.path}{line}: " if finding.path != "." else ""
        fix = f"; {finding.fix}" if finding.fix else ""
        lines.append(f"{finding.status:5}  {finding.id}: {place}{finding.message}{fix}")
    if commands := _safe(found):
        lines += ["", f"make doctor FIX=1 runs {' and '.join(commands)}"]
    return "\n".join(lines)


def _project(root: Path) -> str:
    """Return the name of the repository, or that of its folder if pyproject.toml is broken."""
    try:
        table = workspace.toml(text_files.read(root, ROOT_MANIFEST))
        return str(table["tool"]["monorepo"]["project-name"])
    except (UsageError, ValueError, LookupError, TypeError):
        return root.name


def _safe(found: Iterable[Finding]) -> list[str]:
    """Return the commands that mend findings and are safe, each once."""
    asked = {finding.fix for finding in found if finding.status != "ok"}
    commands = [command for command in SAFE if command in asked]
    return [command for command in commands if command != SAFE[1] or SAFE[0] not in commands]


def mend(root: Path, found: Iterable[Finding]) -> bool:
    """Run the safe commands, and show each; return whether there were any."""
    commands = _safe(found)
    for command in commands:
        say(f"$ {command}")
        # Standard output is for the report.
        words, error = make(root, *command.split()[1:]), subprocess.STDOUT
        with subprocess.Popen(
            words,
            env=without_make(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=error,
        ) as process:
            assert process.stdout
            for line in process.stdout:
                say(line.decode(errors="replace").rstrip("\n"))
    return bool(commands)
