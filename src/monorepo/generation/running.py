"""Run the commands by which packages are generated, for `make generate`."""

import contextlib
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from monorepo.core.manifests import OUT
from monorepo.core.workspace import Generated, Package, Workspace
from monorepo.generation import records
from monorepo.generation.records import LOCK, Record
from monorepo.guard.repository import Sources
from monorepo.system import text_files
from monorepo.system.errors import TaskError, UsageError
from monorepo.system.subprocesses import show, without_make
from monorepo.system.text_files import MalformedError
from monorepo.system.transaction import begin


def generate(space: Workspace, packages: Sequence[Package]) -> Iterator[str]:
    """Run the commands of packages, each after those whose outputs it reads.

    The outputs of a command and their record are written together, or not at all.

    Args:
        space: the repository.
        packages: the packages, whose environments are installed.

    Yields:
        A line for each file that was written or removed.

    Raises:
        UsageError: an input does not exist, or commands need the outputs of each other.
        TaskError: a command failed, or did not write what it should.
    """
    sources = Sources(space)
    mistakes = [
        f"{package.manifest_path}: generate: {entry.name}: there is no input {pattern}; correct it"
        for package, entry in _entries(packages)
        for pattern, files in records.inputs(sources, entry).items()
        if not files and not any(_reads(space, pattern, one) for _, one in _entries(packages))
    ]
    if mistakes:
        raise UsageError(*mistakes)
    for package, entry in _ordered(space, packages):
        yield from _run(space, package, entry)
    for package in packages:
        if not package.generated and (package.folder / LOCK).exists():
            with begin(space.root) as change:
                change.remove(f"{package.path}/{LOCK}")
                change.commit()
            yield f"removed {package.path}/{LOCK}"


def _entries(packages: Sequence[Package]) -> Iterator[tuple[Package, Generated]]:
    return ((package, entry) for package in packages for entry in package.generated)


def _reads(space: Workspace, pattern: str, other: Generated) -> bool:
    """Return whether an input covers outputs of an entry, or is inside one."""
    fits = records.covered(space, pattern)
    return any(map(fits, other.outputs)) or records.is_in(pattern, other.outputs)


def _ordered(space: Workspace, packages: Sequence[Package]) -> list[tuple[Package, Generated]]:
    """Return the entries of packages, each after those whose outputs it reads.

    Raises:
        UsageError: there is no such order.
    """
    entries = list(_entries(packages))
    needed = {
        number: [
            at
            for at, (_, other) in enumerate(entries)
            if at != number and any(_reads(space, pattern, other) for pattern in entry.inputs)
        ]
        for number, (_, entry) in enumerate(entries)
    }
    try:
        return [entries[number] for number in TopologicalSorter(needed).static_order()]
    except CycleError as error:
        circle = [entries[number] for number in reversed(error.args[1])]
        names = " needs ".join(f"{package.path} {entry.name}" for package, entry in circle)
        raise UsageError(f"generate: {names}; remove one of these inputs") from error


def _run(space: Workspace, package: Package, entry: Generated) -> Iterator[str]:
    """Run one command, and put what it wrote into place."""
    sources = Sources(space)
    # Before it runs: what changes meanwhile was not read.
    inputs = {
        path: each
        for files in records.inputs(sources, entry).values()
        for path, each in files.items()
    }
    with tempfile.TemporaryDirectory(prefix="generate-") as name:
        out = Path(name).resolve()
        made = _made(space, package, entry, out)
        yield from _put(sources, package, entry, inputs, made)


def _made(space: Workspace, package: Package, entry: Generated, out: Path) -> dict[str, Path]:
    """Run a command with the folder `out`; return the files that it wrote, by their future paths.

    Raises:
        TaskError: it failed, or did not write what it should.
    """
    where = f"{package.path}: generate: {entry.name}"
    targets = {output: out / output.removeprefix(f"{package.path}/") for output in entry.outputs}
    for target in targets.values():
        target.parent.mkdir(parents=True, exist_ok=True)
    words = [word.replace(OUT, str(out)) for word in entry.command]
    command = ["sh", str(space.root / "run"), "--package", package.path, "--", *words]
    show(command, package.folder)
    done = subprocess.run(
        command,
        cwd=package.folder,
        env=without_make(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    printed, errors = done.stdout, done.stderr.decode(errors="replace")
    if done.returncode:
        shown = f"{shlex.join(command)}\n{printed.decode(errors='replace')}{errors}".rstrip()
        raise TaskError(f"{where}: failed ({done.returncode})\n{shown}")
    shown = f"{shlex.join(command)}\n{errors}".rstrip()
    if words == list(entry.command):
        if not printed:
            raise TaskError(f"{where}: printed nothing\n{shown}")
        (target,) = targets.values()
        target.write_bytes(printed)
    found = {}
    for output, target in targets.items():
        inside = [] if target.is_symlink() else target.rglob("*")
        files = [file for file in inside if file.is_symlink() or not file.is_dir()]
        for file in files or [target]:
            if file.is_symlink() or not file.is_file():
                path = package.path / file.relative_to(out)
                raise TaskError(f"{where}: did not write {path}\n{shown}")
            found[f"{output}{str(file).removeprefix(str(target))}"] = file
    return found


def _put(
    sources: Sources,
    package: Package,
    entry: Generated,
    inputs: dict[str, str],
    made: dict[str, Path],
) -> Iterator[str]:
    """Put generated files into place, with their record; yield what has changed."""
    root, lock = sources.root, f"{package.path}/{LOCK}"
    before = records.outputs(sources, entry)
    lines = []
    with begin(root) as change:
        for path, file in sorted(made.items()):
            place = text_files.unlinked(root, path)
            if not place.exists() or place.read_bytes() != file.read_bytes():
                staged = change.stage() / "file"
                shutil.copyfile(file, staged)
                change.put(path, staged)
                lines.append(f"wrote {path}")
        for path in sorted(before.keys() - made.keys()):
            change.remove(path)
            lines.append(f"removed {path}")
        known: dict[str, Record] = {}
        # What a conflict has spoiled is written anew, by this command and those that follow.
        with contextlib.suppress(MalformedError, UsageError):
            known = records.parse(change.read(lock))
        names = [one.name for one in package.generated]
        known = {name: record for name, record in known.items() if name in names}
        hashes = {path: records.hash_of(file.read_bytes()) for path, file in made.items()}
        known[entry.name] = Record(entry.command, inputs, hashes)
        if change.write(lock, records.render(known)) and not lines:
            lines.append(f"wrote {lock}")
        change.commit()
    yield from lines
