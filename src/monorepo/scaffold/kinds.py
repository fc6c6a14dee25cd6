"""Copy one of our sub-templates into the repository, where the team can change it."""

import shutil

from monorepo.core import naming
from monorepo.core.workspace import Workspace
from monorepo.system.errors import UsageError
from monorepo.system.transaction import begin
from monorepo.templating import sub_templates


def copy(space: Workspace, kind: str) -> str:
    """Copy a sub-template to tools/templates, where it takes the place of ours; say so.

    Raises:
        UsageError: there is no such sub-template, or it is there already.
    """
    shown = f"KIND={naming.show(kind)}"
    every = sub_templates.every(space.root)
    ours = [name for name in every if (sub_templates.OURS / name).is_dir()]
    if kind not in ours:
        raise UsageError(f"{shown}: is not a sub-template of the engine; give {', '.join(ours)}")
    source, path = sub_templates.folder(space.root, kind), f"{sub_templates.TEAMS}/{kind}"
    if source.parent != sub_templates.OURS:
        raise UsageError(f"{shown}: {path} is there already; change it there")
    with begin(space.root) as change:
        staged = change.stage() / kind
        shutil.copytree(source, staged, ignore=shutil.ignore_patterns("__pycache__"))
        change.create(path, staged)
        change.commit()
    return f"copied {path}; packages of this kind are made from it from now on"
