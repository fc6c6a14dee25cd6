"""Test a JavaScript package in a copy of its closure, without undeclared dependencies.

Standard library only.
"""

import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from monorepo.core.workspace import Package, Workspace
from monorepo.environments import node
from monorepo.programs import pnpm
from monorepo.system import folders
from monorepo.system.errors import UsageError

_GENERATED = {"node_modules", "dist", "build", "coverage", ".venv", ".nox"}


def make(space: Workspace, package: Package, root: Path) -> Path:
    """Copy a package and its closure to `root`, and install exactly their dependencies.

    Args:
        space: the repository, with its tools installed.
        package: the package.
        root: a folder outside of the repository, so that Node does not find the root's packages.

    Returns:
        The folder of the package in the copy.

    Raises:
        TaskError: pnpm failed; the message has its output.
        UsageError: pnpm-lock.yaml names other sources than the registry.
    """
    for path in ["tools/make", *space.closure({package.path: ()})]:
        source = space.root / path
        generated = partial(_generated, source)
        folders.copy(source, root / path, generated)
    for file in space.root.iterdir():
        if file.suffix in {".json", ".yaml", ".toml"} or file.name == "LICENSE":
            folders.copy_file(file, root / file.name)
    if wrong := node.strangers(space):
        raise UsageError(*wrong)
    words = ["install", "--frozen-lockfile", "--filter", f"{package.name}..."]
    pnpm.run(space.root, words, root, f"install: {package.path}")
    # pnpm always installs the root's own dependencies, which every package could import.
    for entry in (root / "node_modules").glob("[!.]*"):
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    return root / package.path


def variables(space: Workspace) -> list[str]:
    """Return the Make variables for a copy: the paths of Node and of the tools."""
    return [f"VENV={space.root / '.venv'}", f"NODE_BIN={space.root / 'node_modules/.bin'}"]


def deploy(space: Workspace, package: Package, root: Path, folder: Path, *settings: str) -> None:
    """Deploy the package, built in the copy at `root`, to `folder` with its dependencies.

    Linked to internal packages, it could import their dependencies as well. `settings` are flags of
    pnpm.

    Raises:
        TaskError: pnpm failed; it has said why.
    """
    words = ["--filter", package.name, "--prod", "deploy", *settings, folder]
    pnpm.run(space.root, words, root, f"deploy: {package.path}")


def packed(space: Workspace, package: Package, root: Path) -> Iterator[str]:
    """Check the tarball of `make build` in the copy at `root`, and import it as a user would.

    Args:
        space: the repository.
        package: the package.
        root: the copy.

    Returns:
        A line for each fault, with the fix.

    Raises:
        TaskError: pnpm failed; it has said why.
    """
    built = root / package.path
    if package.is_page:
        if not (built / "dist/index.html").exists():
            yield f"{package.path}: the build wrote no dist/index.html; see make build"
        return
    files = list(built.glob("build/*.tgz"))
    if len(files) != 1:
        yield f"{package.path}/build: holds {len(files)} packed files, not one; see make build"
        return
    with tarfile.open(files[0]) as archive:
        names = {name.removeprefix("package/") for name in archive.getnames()}
    where = f"{package.path}: the packed file"
    for name in sorted(name for name in names if name.startswith(("src/", "tests/"))):
        yield f"{where} has {name}; fix `files` in package.json"
    needed = {"package.json", "README.md", "LICENSE"}
    if package.is_service:
        needed.add("dist/main.js")
        # What a configured service reads when it starts.
        needed |= {"service.json"} & set(os.listdir(built))
    for name in sorted(needed - names):
        yield f"{where} lacks {name}; fix `files` in package.json"
    # Importing a service would start it: `smoke` does that.
    if not package.is_service:
        with tempfile.TemporaryDirectory(prefix="packed-") as place:
            folder = Path(place) / "package"
            deploy(space, package, root, folder)
            yield from _imported(space, package, files[0], folder)


def _imported(space: Workspace, package: Package, file: Path, folder: Path) -> Iterator[str]:
    """Import the packed package by each name that it exports.

    Args:
        space: the repository.
        package: the package.
        file: the tarball.
        folder: the deployed package, whose files are replaced by those of the tarball.
    """
    for entry in list(folder.iterdir()):
        if entry.name != "node_modules":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    with tarfile.open(file) as archive:
        for member in archive:
            # pnpm packs regular files only. Write nothing outside of the folder.
            there = (folder / member.name.removeprefix("package/")).resolve()
            content = archive.extractfile(member)
            if content and there.is_relative_to(folder.resolve()):
                there.parent.mkdir(parents=True, exist_ok=True)
                there.write_bytes(content.read())
    # The user of a package installs its peer dependencies.
    built = file.parents[1]
    for peer in package.manifest.get("peerDependencies", {}):
        link, target = folder / "node_modules" / peer, built / "node_modules" / peer
        if target.exists() and not link.exists():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(target.resolve())
    manifest = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    for name in _exported(package.name, manifest):
        code = f"await import({json.dumps(name)})"
        done = subprocess.run(
            [space.root / ".venv/bin/node", "--input-type=module", "--eval", code],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            reason = next((line for line in done.stderr.splitlines() if "Error" in line), "failed")
            yield f"{package.path}: import of {name}, packed: {reason}; declare it, or fix exports"


def _exported(name: str, manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names in the `exports` of a package, without patterns and data files.

    Source: the Node.js documentation of packages, "Package entry points".
    """
    exports = manifest.get("exports")
    if not isinstance(exports, dict) or not any(key.startswith(".") for key in exports):
        yield name
        return
    for key, target in exports.items():
        if "*" not in key and target is not None and not key.endswith((".json", ".css")):
            yield name + key.removeprefix(".")


def _generated(top: Path, folder: str, _: list[str]) -> set[str]:
    """Return the names that are not copied from `folder`: generated folders directly in `top`."""
    return _GENERATED if Path(folder) == top else set()
