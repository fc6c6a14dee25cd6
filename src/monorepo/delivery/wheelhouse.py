"""Folders of wheels: what third parties a package needs, and a wheel of each, verified."""

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextvars import copy_context
from pathlib import Path

from packaging.markers import Marker
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

from monorepo.core import hashes, python_versions
from monorepo.core.hashes import HASHES
from monorepo.core.workspace import GPU, Workspace, requirement
from monorepo.delivery.targets import Target
from monorepo.environments.virtualenv import Environment
from monorepo.locking import gpu, lowest, projects
from monorepo.programs import indexes, pip, uv
from monorepo.programs.vendored import WHEELS, is_offline
from monorepo.system.errors import UsageError
from monorepo.system.subprocesses import explained, say

# The prefix of folders in which downloads arrive.
ASIDE = ".download-"
# So many pips at once, each for so many wheels: what one has begun is lost if it is interrupted.
_AT_ONCE = 4
_BATCH = 4
# The hashes of pins, by their lines, as in tools/hashes.txt.
Pins = Mapping[str, list[str]]
_Release = tuple[str, Version]


def pins_of(
    environment: Environment,
    target: Target,
    more: Iterable[str] = (),
    *,
    for_gpu: bool = False,
) -> Pins:
    """Return the pins of all third parties that the packages of an environment need on a target.

    Only an index that has what is pinned is asked, and none if the cache of uv has it.

    Args:
        environment: says which packages, extras, groups and tools; it need not exist.
        target: the Python and the platform.
        more: further requirements.
        for_gpu: whether to take the builds of tools/gpu.txt, where there are any.

    Raises:
        TaskError: uv failed; the message has its output.
        UsageError: a requirement is not pinned, or a package does not support the Python; or as
            `gpu.instead` does.
    """
    space, doing = environment.space, f"resolve: {environment.path}"
    closure = environment.closure()
    programs = [*space.programs()] if environment.with_tools else []
    wrong = environment.mistakes()
    for path in closure:
        requires = space.packages[path].requires_python
        minor = int(target.python.partition(".")[2])
        if minor not in python_versions.minors(requires, minor):
            fault = f"{path} requires Python {requires}"
            wrong.append(f"PYTHON_VERSION={target.python}: {fault}; give one that it allows")
    if wrong:
        raise UsageError(*wrong)
    local = [space.packages[path] for path in closure]
    lines = [*(f"-e {line}" for line in environment.requirements()), *environment.grouped()]
    lines += [*(program.text for program in programs), *more]
    pins = space.root / HASHES
    with tempfile.TemporaryDirectory() as draft:
        output = Path(draft, "resolved.txt")
        if environment.project:
            pins = Path(draft, "pins.txt")
            projects.write_pins(space, environment.project, pins)
        recorded = hashes.parse(pins.read_text(encoding="utf-8"))
        if for_gpu:
            recorded = dict(gpu.instead(space).over(lowest.Pins(recorded, {})).hashes)
            pins = Path(draft, "gpu.txt")
            pins.write_text(text(recorded), encoding="utf-8")
        command = [uv.program(space.root), "pip", "compile", "--no-header", "--no-annotate"]
        command += ["--python", space.root / ".venv/bin/python", *target.of_uv()]
        command += ["--constraints", pins, *uv.building()]
        command += uv.formats(space, [package for package in local if package.is_python])
        command += [word for package in local for word in ("--no-emit-package", package.name)]
        command += ["--output-file", output, "-"]
        # A uv project names the indexes that others prefer: what is above has to see these.
        with indexes.preferring(GPU if for_gpu else ""):
            uv.install(command, space.root, doing, "\n".join(lines))
        resolved = output.read_text(encoding="utf-8")
    names = {requirement(line).name for line in hashes.pin_lines(resolved)}
    pinned = hashes.named(recorded)
    if unknown := sorted(names - pinned.keys()):
        raise UsageError(f"{HASHES}: {', '.join(unknown)}: needed and not pinned; run make lock")
    return {pin: recorded[pin] for name in sorted(names) for pin in pinned[name]}


def applicable(pins: Pins, target: Target) -> Pins:
    """Return the pins whose markers apply to a target."""
    found = {}
    for pin, recorded in pins.items():
        _, _, marker = pin.partition(" ; ")
        if not marker or Marker(marker).evaluate(target.markers):
            found[pin] = recorded
    return found


def text(pins: Pins) -> str:
    """Return pins with their hashes as a requirements file."""
    return "".join(hashes.lines(pin, recorded) for pin, recorded in pins.items())


def digest(file: Path) -> str:
    """Return the hash of a file as an option of a requirements file."""
    with file.open("rb") as opened:
        return f"--hash=sha256:{hashlib.file_digest(opened, 'sha256').hexdigest()}"


def collect(
    space: Workspace,
    pins: Pins,
    target: Target,
    folder: Path,
    sources: Iterable[Path] = (),
) -> None:
    """Have a folder hold a wheel of each pin that applies to a target.

    What it holds already stays: an interrupted download goes on where it was.

    Args:
        space: the repository.
        pins: the pins.
        target: the Python and the platform.
        folder: the folder.
        sources: other folders of wheels, from which they are copied if they are there.

    Raises:
        TaskError: a download failed, or a hash differs.
        UsageError: a wheel is there whose hash is not recorded; a pin is built from source; or a
            wheel is missing, offline.
    """
    wanted = applicable(pins, target)
    if built := sorted(space.built_from_source.keys() & hashes.named(wanted).keys()):
        what = f"{', '.join(built)}: is built from source, and there is no wheel to take along"
        raise UsageError(f"{hashes.PINS}: {what}; pin a version that has one")
    known = _releases([folder, *sources])
    missing, mistakes = {}, []
    for pin, recorded in wanted.items():
        files = [file for file in known.get(_release(pin), []) if _fits(file, target)]
        wrong = [file for file in files if digest(file) not in recorded]
        advice = "do not use it before you know why, and remove it"
        mistakes += [f"{file}: does not match its hash in {HASHES}; {advice}" for file in wrong]
        if not files:
            missing[pin] = recorded
        elif files[0].parent != folder:
            shutil.copyfile(files[0], folder / files[0].name)
    if missing and is_offline():
        names = ", ".join(pin.partition(" ")[0] for pin in missing)
        advice = "run make vendor where there is a network"
        mistakes.append(f"OFFLINE: {names}: has no wheel in {WHEELS} for {target}; {advice}")
    if mistakes:
        raise UsageError(*mistakes)
    if missing:
        _download(space, missing, target, folder)


def _release(pin: str) -> _Release:
    """Return the name and the version of a pin."""
    return hashes.name_of(pin), Version(hashes.version_of(pin))


def _releases(folders: Iterable[Path]) -> dict[_Release, list[Path]]:
    """Return the wheels in folders, by what they are a wheel of."""
    found: dict[_Release, list[Path]] = {}
    for folder in folders:
        for file in sorted(folder.glob("*.whl")):
            with contextlib.suppress(InvalidWheelFilename):
                name, version, _, _ = parse_wheel_filename(file.name)
                found.setdefault((name, version), []).append(file)
    return found


def _fits(file: Path, target: Target) -> bool:
    """Return whether a wheel can be installed on a target."""
    return not parse_wheel_filename(file.name)[3].isdisjoint(target.tags)


def others(folder: Path, pins: Iterable[str]) -> list[Path]:
    """Return the wheels in a folder that are of no pin."""
    pinned = {_release(pin) for pin in pins}
    found = _releases([folder])
    return [file for release in found.keys() - pinned for file in found[release]]


def _download(space: Workspace, pins: Pins, target: Target, folder: Path) -> None:
    """Download a wheel of each pin; each appears in the folder when it is complete.

    Raises:
        TaskError: pip failed, or a hash differs.
    """
    say(f"download: {len(pins)} wheels for {target}")
    # What cannot be removed, the next run removes.
    aside = tempfile.TemporaryDirectory(prefix=ASIDE, dir=folder, ignore_cleanup_errors=True)
    with aside as place:

        def download(batch: Sequence[str]) -> None:
            # pip would judge markers by the Python that runs it.
            bare = {pin.partition(" ;")[0].strip(): pins[pin] for pin in batch}
            doing = f"download: {', '.join(bare)}"
            arrived = Path(tempfile.mkdtemp(dir=place))
            python, lines = space.root / ".venv/bin/python", text(bare)
            with explained(doing, uv.explain):
                pip.download(python, space.root, lines, arrived, doing, target.of_pip())
            for file in arrived.iterdir():
                file.replace(folder / file.name)
            say(doing)

        names = list(pins)
        batches = [names[at : at + _BATCH] for at in range(0, len(names), _BATCH)]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            try:
                # Each thread prefers the indexes that this one does.
                jobs = [pool.submit(copy_context().run, download, batch) for batch in batches]
                for done in as_completed(jobs):
                    done.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
