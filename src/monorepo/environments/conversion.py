"""Change which Python environments a repository has: `python-env`, and what follows from it."""

import re
from dataclasses import replace
from pathlib import Path

from monorepo.core import workspace
from monorepo.core.workspace import ENVIRONMENTS, ROOT_MANIFEST, Workspace
from monorepo.locking import locks, lowest, projects
from monorepo.system.errors import UsageError
from monorepo.system.transaction import begin

# In [tool.monorepo], and as an answer in [tool.monorepo.template].
_RECORDED = re.compile(r'^(python[-_]env[ \t]*=[ \t]*)(["\'])[a-z-]+\2', re.MULTILINE)


def convert(root: Path, to: str, *, dry_run: bool = False) -> list[str]:
    """Change the setting `python-env`, and the manifests and locks of uv projects; all or nothing.

    An index is asked only for the locks of uv projects, and for the pins of the repository if some
    package has `own-pins`.

    Args:
        root: the repository.
        to: one of ENVIRONMENTS.
        dry_run: change nothing, and return what would change.

    Returns:
        A line for each changed file; with `dry_run`, the changes.

    Raises:
        UsageError: there is no such value, or a manifest is broken.
        TaskError: no versions satisfy the packages together, or a uv project.
    """
    if to not in ENVIRONMENTS:
        raise UsageError(f"TO={to}: is not one of {', '.join(ENVIRONMENTS)}; choose one")
    with begin(root, dry_run=dry_run) as change:
        space = workspace.load_whole(root)
        text = _RECORDED.sub(rf'\1"{to}"', change.read(ROOT_MANIFEST))
        facts = {**space.facts, **workspace.toml(text)["tool"]["monorepo"]}
        if facts["python-env"] != to:
            where = f"{ROOT_MANIFEST}: [tool.monorepo] python-env"
            raise UsageError(f'{where}: is not on a line of its own; write python-env = "{to}"')
        after = replace(space, facts=facts)
        changed = locks.put(change, {ROOT_MANIFEST: text, **_locks(after, change.stage())})
        if dry_run:
            return change.describe()
        change.commit()
    return [f"changed {path}" for path in changed] or [f"python-env is {to} already"]


def _locks(space: Workspace, draft: Path) -> dict[str, str | None]:
    """Return the manifests and locks of the converted repository, by path; None to remove one."""
    if any("own-pins" in package.settings for package in space.packages.values()):
        return locks.resolve(space, (), draft)
    return projects.resolve(space, lowest.pinned(space.root), (), None, draft)
