"""Test a JavaScript package in a copy of its closure: nothing undeclared is reachable.

Standard library only.
"""

import json
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
from monorepo.system.errors import UsageError

_MADE = {"node_modules", "dist", "build", ".venv", ".nox"}


def make(space: Workspace, package: Package, root: Path) -> Path:
    """Copy a package and its closure to `root`, and install what they declare and nothing else.

    Args:
        space: the repository, with its tools installed.
        package: the package.
        root: a folder outside of the repository, where Node would find the root's own packages.

    Returns:
        The folder of the package in the copy.

    Raises:
        TaskError: pnpm failed; it has said why.
        UsageError: pnpm-lock.yaml names other sources than the registry.
    """
    for path in ["tools/make", *space.closure({package.path: ()})]:
        source = space.root / path
        made = partial(_made, source)
        shutil.copytree(source, root / path, ignore=made, symlinks=True, dirs_exist_ok=True)
    for file in space.root.iterdir():
        if file.suffix in {".json", ".yaml", ".toml"} or file.name == "LICENSE":
            shutil.copy2(file, root)
    if wrong := node.strangers(space):
        raise UsageError(*wrong)
    words = ["install", "--frozen-lockfile", "--filter", f"{package.name}..."]
    pnpm.run(space.root, words, root, f"install: {package.path}")
    # pnpm installs the root's own packages whatever it is asked for, and all others could use them.
    for entry in (root / "node_modules").glob("[!.]*"):
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    return root / package.path


def variables(space: Workspace) -> list[str]:
    """Return what Make is told in a copy: where Node is, and the tools, which it has not itself."""
    return [f"VENV={space.root / '.venv'}", f"NODE_BIN={space.root / 'node_modules/.bin'}"]


def deploy(space: Workspace, package: Package, root: Path, folder: Path) -> None:
    """Put the package, built in the copy at `root`, into `folder` with what it declares.

    Deployed, it has its own dependencies; linked to its siblings, it would have theirs as well.

    Raises:
        TaskError: pnpm failed; it has said why.
    """
    words = ["--filter", package.name, "--prod", "deploy", folder]
    pnpm.run(space.root, words, root, f"deploy: {package.path}")


def packed(space: Workspace, package: Package, root: Path) -> Iterator[str]:
    """Open what `make build` packed in the copy at `root`, and import it as a stranger would.

    Args:
        space: the repository.
        package: the package.
        root: the copy.

    Returns:
        A line for each thing that is wrong, with what to do about it.

    Raises:
        TaskError: pnpm failed; it has said why.
    """
    built = root / package.path
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
    for name in sorted(needed - names):
        yield f"{where} lacks {name}; fix `files` in package.json"
    # To import a service would start it: `smoke` does that.
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
        file: what was packed.
        folder: the package deployed; what was packed takes the place of all but its dependencies.
    """
    for entry in list(folder.iterdir()):
        if entry.name != "node_modules":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    with tarfile.open(file) as archive:
        for member in archive:
            # pnpm packs regular files only. Nothing is written anywhere but in the folder.
            there = (folder / member.name.removeprefix("package/")).resolve()
            content = archive.extractfile(member)
            if content and there.is_relative_to(folder.resolve()):
                there.parent.mkdir(parents=True, exist_ok=True)
                there.write_bytes(content.read())
    # Whoever uses the package brings its peers.
    built = file.parents[1]
    for peer in package.manifest.get("peerDependencies", {}):
        link, target = folder / "node_modules" / peer, built / "node_modules" / peer
        if target.exists() and not link.exists():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(target.resolve())
    manifest = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    for name in _doors(package.name, manifest):
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


def _doors(name: str, manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names by which code imports a package, as its `exports` tell them.

    Source: the Node.js documentation of packages, "Package entry points". What has a pattern or
    is no code has no name that could be tried.
    """
    exports = manifest.get("exports")
    if not isinstance(exports, dict) or not any(key.startswith(".") for key in exports):
        yield name
        return
    for key, target in exports.items():
        if "*" not in key and target is not None and not key.endswith((".json", ".css")):
            yield name + key.removeprefix(".")


def _made(top: Path, folder: str, _: list[str]) -> set[str]:
    """Return what the copy of `folder` goes without; sources below `top` may be named build."""
    return _MADE if Path(folder) == top else set()
