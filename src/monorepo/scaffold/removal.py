"""Remove packages completely, or not at all."""

import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path

from monorepo.core import workspace
from monorepo.core.workspace import Package, Workspace
from monorepo.generation import code_owners
from monorepo.graph import packages as graph
from monorepo.layout import places, tree
from monorepo.locking import locks, lowest, pnpm_locks
from monorepo.locking.lowest import LOWEST
from monorepo.programs import compose
from monorepo.programs.compose import COMPOSE
from monorepo.scaffold import addition
from monorepo.system.errors import UsageError
from monorepo.system.transaction import Transaction, begin
from monorepo.templating import samples, sub_templates

# The TypeScript build configuration of a package.
BUILD = "tsconfig.build.json"


def remove(root: Path, path: str, *, dry_run: bool = False) -> list[str]:
    """Remove the package at `path`, and its entries in lockfiles and other files.

    It changes the package's folder, the lockfiles, and the files that its sub-template extends. It
    needs network only if pins are removed as well.

    Args:
        root: the repository.
        path: the package, by path or by name.
        dry_run: change nothing, and return what would change.

    Returns:
        A message; with `dry_run`, the changes.

    Raises:
        UsageError: there is no such package, another one needs it, or it is not committed.
        TaskError: the remaining pins could not be resolved; nothing has changed.
    """
    with begin(root, dry_run=dry_run) as change:
        space = workspace.load_whole(root)
        (package,) = space.select([path])
        if lost := locks.left_out(root):
            raise UsageError(f"{lost[0]}: {locks.ELSEWHERE}")
        if needed := graph.dependents(graph.graph(space), package.path):
            raise UsageError(
                f"{package.path}: is needed by {', '.join(needed)}; remove that dependency first"
            )
        _refuse_unsaved(root, package.path)
        change.remove(package.path)
        others = {key: other for key, other in space.packages.items() if other is not package}
        rest = replace(space, packages=others)
        texts = _without_fragments(space, package, change) | _locks(rest, package, change)
        texts |= _without_references(rest, package, change)
        if package.is_flat and (biome := change.read(tree.BIOME)):
            texts[tree.BIOME] = tree.linted(biome, tree.Moving.of(rest, {}), gone=package.path)
        if owned := change.read(code_owners.FILE):
            texts[code_owners.FILE] = code_owners.updated(rest, owned)
        if composed := texts.get(COMPOSE, change.read(COMPOSE)):
            texts[COMPOSE] = compose.remove(composed, package.path)
        for file, text in texts.items():
            if text:
                change.write(file, text)
            else:
                change.remove(file)
        if dry_run:
            return change.describe()
        change.commit()
        return [f"removed {package.path}"]


def _refuse_unsaved(root: Path, path: str) -> None:
    """Refuse to remove a tracked package with uncommitted changes."""
    git = ["git", "-C", str(root)]
    try:
        known = subprocess.run(
            [*git, "ls-files", "--", path], capture_output=True, text=True, check=True
        ).stdout
        if not known:
            return
        status = [*git, "status", "--porcelain", "--untracked-files=all", "--", path]
        changed = subprocess.run(status, capture_output=True, text=True, check=True).stdout
    except (FileNotFoundError, subprocess.CalledProcessError):
        return
    if changed:
        files = ", ".join(line[3:] for line in changed.splitlines())
        raise UsageError(f"{path}: has uncommitted changes ({files}); commit or discard them")


def _without_fragments(space: Workspace, package: Package, change: Transaction) -> dict[str, str]:
    """Return the texts of outside files without the fragments that the package appended."""
    texts: dict[str, str] = {}
    port = package.settings.get("port")
    moves = places.of_flat(space)
    rewriting = tree.Moving.of(places.view(space), moves).rewriting
    for name in sub_templates.every(space.root):
        template = sub_templates.load(space, name, package.grouped, port=port)
        for file, rendered in template.fragments().items():
            fragment = rewriting.text(file, rendered)
            text = texts[file] if file in texts else change.read(file)
            # Match from the start of a line: another name may have this one as its end.
            before, found, after = f"\n{text}".rpartition(f"\n{fragment}")
            if found:
                texts[file] = f"{before}\n{after}"[1:]
    return texts


def _without_references(rest: Workspace, package: Package, change: Transaction) -> dict[str, str]:
    """Return the TypeScript configurations without references to the package."""
    texts: dict[str, str] = {}
    for other in rest.packages.values() if package.is_javascript else ():
        file = f"{other.path}/{BUILD}"
        if not (rest.root / file).is_file():
            continue
        text = change.read(file)
        path = re.escape(os.path.relpath(f"{package.path}/{BUILD}", other.path))
        entry = rf'\{{\s*"path":\s*"{path}"\s*\}}'
        without = re.sub(rf",\s*{entry}|{entry}\s*,?\s*", "", text)
        without = re.sub(r'("references":\s*)\[\s*\]', r"\1[]", without)
        if without != text:
            texts[file] = without
    return texts


def _locks(rest: Workspace, package: Package, change: Transaction) -> dict[str, str | None]:
    """Return the texts of the locks without the package; None to remove one."""
    if package.is_javascript:
        return {pnpm_locks.LOCK: pnpm_locks.prune(rest, package.path)}
    # Usually all requirements are shared with other packages; then no sub-template is rendered.
    wanted = {workspace.requirement(text).name for text in addition.external(package)}
    gone = wanted - _names(rest, []) - {package.name}
    if gone:
        draft = change.stage()
        sampled = samples.render(rest, draft / "samples")
        if gone - _names(rest, sampled):
            declared = list(locks.declared(rest, sampled))
            return locks.python(rest, sampled, declared, (), draft)
    text = lowest.relabelled(rest)
    return {LOWEST: text} if text else {}


def _names(space: Workspace, sampled: list[Package]) -> set[str]:
    """Return the names of all external requirements, and of the packages."""
    declared = locks.declared(space, sampled)
    return {workspace.requirement(requirement.text).name for requirement in declared} | set(
        space.by_name
    )
