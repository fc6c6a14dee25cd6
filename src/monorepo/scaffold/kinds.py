"""Kinds of packages of the team's own: copied from ours to be changed, and told apart by git."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from monorepo.core import naming
from monorepo.core.workspace import Workspace
from monorepo.system.errors import UsageError
from monorepo.system.transaction import begin
from monorepo.templating import sub_templates


def copy(space: Workspace, kind: str) -> str:
    """Copy a built-in sub-template to tools/templates, where it overrides it; return a message.

    Raises:
        UsageError: there is no such sub-template, or it was copied already.
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


def tree(root: Path, kind: str) -> str:
    """Return the id of the tree that git makes of the folder of a kind; "" if it makes none.

    It says from what a package was made: git keeps that tree with the commit that has it.
    """
    path = f"{sub_templates.TEAMS}/{kind}"
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "GIT_INDEX_FILE": f"{folder}/index"}

        def git(*words: str) -> str:
            command = ["git", "-C", str(root), *words]
            done = subprocess.run(command, capture_output=True, env=env, check=True)
            return os.fsdecode(done.stdout).removesuffix("\n")

        try:
            git("add", "--all", "--", path)
            return git("write-tree", f"--prefix={git('rev-parse', '--show-prefix')}{path}/")
        except (OSError, subprocess.CalledProcessError):
            return ""
