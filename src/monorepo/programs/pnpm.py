"""Download and run the pnpm that package.json pins.

`packageManager` has the version and, as Corepack writes it, the hash of the package `pnpm`. The
executable of each platform is a package of its own, whose hash is under `monorepo.pnpm`. npm
downloads both with the user's configuration; nothing is executed before the hashes are verified.
Standard library only.
"""

import base64
import binascii
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from monorepo.core.workspace import NODE as NODE
from monorepo.programs.vendored import PNPM, STORE, is_offline, place
from monorepo.system import text_files
from monorepo.system.errors import TaskError, UsageError
from monorepo.system.subprocesses import CommandError, attend, explained, explanation_of, held, say
from monorepo.system.text_files import MalformedError

MANIFEST = "package.json"
# The required format of packageManager, as Corepack writes it.
EXACT = re.compile(r"pnpm@(\d+\.\d+\.\d+(?:-[\w.]+)?)\+sha512\.([0-9a-f]{128})")
_LOOSE = re.compile(r"pnpm@(\d+\.\d+\.\d+(?:-[\w.]+)?)(\+sha\d+\.[\w+/=]+)?")
_INTEGRITY = re.compile(r"sha512-[A-Za-z0-9+/]{86}==")
_PROGRAM = re.compile(r"@pnpm/exe\.[a-z0-9-]+")
# The stamp of the last installation: the pin, and the state of the executable.
_STAMP = "monorepo.json"
_MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "ppc64le": "ppc64"}
# A branch must not decide which pnpm runs, nor which code it loads: by default, pnpm downloads and
# runs the version in package.json.
_CLOSED = {"pnpm_config_pm_on_fail": "ignore", "pnpm_config_ignore_pnpmfile": "true"}

# Give up on a silent registry within a minute, although pnpm makes six requests for an archive. The
# timeout is between two chunks of a response, so that slow connections work.
_PATIENCE = {"fetch_timeout": "8000", "fetch_retries": "1", "fetch_retry_mintimeout": "5000"}
# Lines of progress. Error lines start with such words, are indented, or name a package alone; they
# are shown at the end.
_PROGRESS = r"(?!Error: |\[ERR_|hint: |[\w@./-]+$)\S"
_EXPLANATIONS = {
    "a package does not match its hash in pnpm-lock.yaml; do not use it before you know why": (
        "ERR_PNPM_TARBALL_INTEGRITY",
    ),
    "the registry does not answer as it should; try again when it does": (
        *("ERR_PNPM_TARBALL_FETCH", "ERR_PNPM_TARBALL_HTTP_STATUS", "ERR_PNPM_FETCH_"),
        *("RESOLVER_NETWORK_ERROR", "RESOLVER_BODY_READ_ERROR", "OUTDATED_REGISTRY_ERROR"),
    ),
}
_explain = partial(explanation_of, explanations=_EXPLANATIONS)


class Pin(NamedTuple):
    """The pinned pnpm: its version, and the integrity of each of its npm packages."""

    version: str
    integrity: Mapping[str, str]


def pin(root: Path) -> Pin:
    """Return the pnpm that package.json pins.

    Raises:
        UsageError: there is no pin, or it has no hashes.
    """
    return read(text_files.read(root, MANIFEST))


def read(text: str) -> Pin:
    """Return the pnpm that the text of package.json pins.

    Raises:
        UsageError: there is no pin, or it has no hashes.
    """
    manifest = _manifest(text)
    line = _line(text, '"packageManager"')
    manager = manifest.get("packageManager")
    if manager is None:
        raise UsageError(f"{MANIFEST}: has no packageManager; restore it from git")
    found = EXACT.fullmatch(str(manager))
    if found is None:
        if _LOOSE.fullmatch(str(manager)):
            what, fix = "has no hash, pnpm@X.Y.Z+sha512.…", "run make lock, which adds it"
        else:
            what, fix = "is not an exact pnpm with its hash", "restore it from git"
        raise UsageError(f"{MANIFEST}:{line}: packageManager {what}; {fix}")
    own = base64.b64encode(bytes.fromhex(found[2])).decode()
    return Pin(found[1], {"pnpm": f"sha512-{own}", **_programs(text, manifest)})


def _manifest(text: str) -> Mapping[str, object]:
    try:
        return text_files.json_object(text)
    except MalformedError as error:
        raise error.of(MANIFEST) from error


def _programs(text: str, manifest: Mapping[str, object]) -> dict[str, str]:
    """Return the integrity of pnpm's executable for each platform, by npm package."""
    settings = manifest.get("monorepo", {})
    programs = settings.get("pnpm", {}) if isinstance(settings, dict) else {}
    if not isinstance(programs, dict):
        programs = {"": ""}
    for name, integrity in programs.items():
        if not _PROGRAM.fullmatch(name) or not _INTEGRITY.fullmatch(str(integrity)):
            line = _line(text, '"monorepo"', f'"{name}"')
            what = f"monorepo.pnpm: {name or 'it'} is not @pnpm/exe.… with a sha512 integrity"
            raise UsageError(f"{MANIFEST}:{line}: {what}; restore it from git")
    return programs


def _line(text: str, *needles: str) -> int:
    """Return the line of the last needle, searched in order; 1 if one is missing."""
    todo = list(needles)
    for number, line in enumerate(text.splitlines(), start=1):
        while todo and todo[0] in line:
            todo.pop(0)
        if not todo:
            return number
    return 1


def program_package() -> str:
    """Return the npm package with pnpm's executable for this machine."""
    machine = platform.machine().lower()
    system = f"{sys.platform}-{_MACHINES.get(machine, machine)}"
    musl = sys.platform == "linux" and platform.libc_ver()[0] != "glibc"
    return f"@pnpm/exe.{system}{'-musl' if musl else ''}"


def path_variable(root: Path) -> str:
    """Return a PATH that starts with the repository's own Node and pnpm."""
    return f"{root / '.venv/bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


def environment(root: Path, program: str, cwd: Path) -> dict[str, str]:
    """Return the environment that `pnpm` or `npm` runs in, below `cwd`.

    Raises:
        OSError: the program cannot be run.
    """
    env = {**os.environ, **_CLOSED, "PATH": path_variable(root)}
    words = [str(root / ".venv/bin" / program), "config", "list"]
    listing = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    # The listing has all settings of the user, as fetch-timeout or fetchTimeout.
    known = listing.stdout.replace("-", "").lower()
    ours = {name: value for name, value in _PATIENCE.items() if name.replace("_", "") not in known}
    if is_offline() and program == "pnpm":
        ours |= {"offline": "true", "store_dir": str(place(root, STORE))}
    return {**env, **{f"{program}_config_{name}": value for name, value in ours.items()}}


def run(root: Path, words: Sequence[object], cwd: Path, doing: str) -> None:
    """Run pnpm in `cwd`; its output goes to standard error.

    Args:
        root: the repository.
        words: the arguments.
        cwd: the folder to run it in.
        doing: what is being done, such as `install: node_modules`.

    Raises:
        TaskError: it failed: an explanation, the command and its output.
    """
    command = [root / ".venv/bin/pnpm", *words, "--reporter=append-only", "--use-stderr"]
    try:
        with explained(doing, _explain):
            attend(command, cwd, environment(root, "pnpm", cwd), doing, progress=_PROGRESS)
    except OSError as error:
        raise _unusable(root, error) from error


def output(root: Path, words: Sequence[str], doing: str) -> list[str]:
    """Return the lines that pnpm prints; exit code 1 is fine if there are any.

    Raises:
        TaskError: it failed: an explanation, the command and its output.
    """
    command = [str(root / ".venv/bin/pnpm"), *words]
    try:
        env = environment(root, "pnpm", root)
        done = subprocess.run(
            command, cwd=root, env=env, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise _unusable(root, error) from error
    with explained(doing, _explain):
        if done.returncode and not done.stdout.strip():
            raise CommandError(command, done.stderr)
    return done.stdout.splitlines()


def _unusable(root: Path, error: OSError) -> UsageError:
    (root / ".venv/lib/node_modules/pnpm" / _STAMP).unlink(missing_ok=True)
    what = f"cannot be run ({error.strerror})"
    return UsageError(f".venv/bin/pnpm: {what}; run make install, which installs it anew")


def has_node(root: Path) -> bool:
    """Return whether Node is installed in the root's environment."""
    return (root / ".venv/bin/npm").exists()


def ready(root: Path, pinned: Pin | None = None) -> None:
    """Install the pinned pnpm beside Node, unless it is installed and intact.

    Raises:
        TaskError: npm could not download it, or a hash differs.
        UsageError: there is no pin for this machine.
    """
    pinned = pinned or pin(root)
    folder = root / ".venv/lib/node_modules/pnpm"
    # Parallel sessions would remove each other's files. `make lock` holds the root's lock already.
    with held(root / ".venv"):
        if _is_whole(root, folder, pinned):
            return
        program = program_package()
        if program not in pinned.integrity:
            what = f"monorepo.pnpm has no hash of {program}, the pnpm for this machine"
            raise UsageError(f"{MANIFEST}: {what}; run make lock, which adds it")
        say(f"setup: pnpm {pinned.version}")
        (folder / _STAMP).unlink(missing_ok=True)
        with tempfile.TemporaryDirectory(prefix=".pnpm-", dir=root / ".venv") as place:
            made = Path(place) / "pnpm"
            fetched = fetch(root, dict.fromkeys(("pnpm", program), pinned), Path(place))
            _unpack(fetched["pnpm"], made)
            _unpack(fetched[program], Path(place) / "program")
            (Path(place) / "program/pnpm").replace(made / "pnpm")
            (made / "pnpm").chmod(0o755)
            shutil.rmtree(folder, ignore_errors=True)
            folder.parent.mkdir(parents=True, exist_ok=True)
            made.replace(folder)
        link = root / ".venv/bin/pnpm"
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(folder / "pnpm", link.parent))
        note(folder, pinned)


def note(folder: Path, pinned: Pin) -> None:
    """Write the stamp of the pnpm installed in `folder`."""
    stamp = {"pin": _row(pinned), "program": _state(folder / "pnpm"), "names": _names(folder)}
    (folder / _STAMP).write_text(json.dumps(stamp), encoding="utf-8")


def _is_whole(root: Path, folder: Path, pinned: Pin) -> bool:
    """Return whether this pnpm is installed and unchanged since."""
    try:
        stamp = json.loads((folder / _STAMP).read_text(encoding="utf-8"))
        there = {"program": _state(root / ".venv/bin/pnpm"), "names": _names(folder)}
    except (OSError, ValueError):
        return False
    return bool(stamp == {"pin": _row(pinned), **there})


def _names(folder: Path) -> list[str]:
    return sorted(name for name in os.listdir(folder) if name != _STAMP)


def _row(pinned: Pin) -> list[object]:
    return [pinned.version, dict(pinned.integrity)]


def _state(program: Path) -> list[int]:
    found = program.stat()
    return [found.st_size, found.st_mtime_ns, found.st_mode]


def fetch(root: Path, wanted: Mapping[str, Pin], folder: Path) -> dict[str, Path]:
    """Download packages of pnpm with npm; return their archives, by package.

    Args:
        root: the repository.
        wanted: the pin for each package; without an integrity there, it is not verified.
        folder: the folder for the archives.

    Raises:
        TaskError: npm failed, or a hash differs.
    """
    if is_offline():
        for name, pinned in wanted.items():
            shutil.copy2(place(root, f"{PNPM}/{_archive(name, pinned)}"), folder)
    else:
        _pack(root, wanted, folder)
    found = {}
    for name, pinned in wanted.items():
        found[name] = folder / _archive(name, pinned)
        actual, expected = integrity(found[name]), pinned.integrity.get(name)
        if expected and actual != expected:
            what = f"the registry serves another {name} {pinned.version} than the one pinned"
            raise TaskError(f"{MANIFEST}: {what}; expected {expected}, got {actual}")
    return found


def _archive(name: str, pinned: Pin) -> str:
    """Return the name of the archive that npm makes of a package."""
    return f"{name.removeprefix('@').replace('/', '-')}-{pinned.version}.tgz"


def _pack(root: Path, wanted: Mapping[str, Pin], folder: Path) -> None:
    """Download packages of pnpm with npm."""
    npm = [root / ".venv/bin/npm", "pack", "--loglevel=error", "--ignore-scripts"]
    specs = [f"{name}@{pinned.version}" for name, pinned in wanted.items()]
    words = [*npm, "--prefer-offline", "--pack-destination", folder, *specs]
    try:
        attend(words, root, environment(root, "npm", root), "setup: pnpm")
    except CommandError as error:
        output = error.output.strip() or "npm gives no reason"
        what = f"npm could not fetch {' and '.join(specs)}"
        raise TaskError(f"setup: {what}; run it again\n{output}") from error


def integrity(file: Path) -> str:
    """Return the integrity of a file in npm's format."""
    digest = hashlib.sha512(file.read_bytes()).digest()
    return f"sha512-{base64.b64encode(digest).decode()}"


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack the regular files of an npm package, without its top folder."""
    with tarfile.open(archive) as opened:
        for member in opened:
            parts = Path(member.name).parts[1:]
            source = opened.extractfile(member) if member.isfile() else None
            if source and parts and ".." not in parts:
                file = folder.joinpath(*parts)
                file.parent.mkdir(parents=True, exist_ok=True)
                with file.open("wb") as target:
                    shutil.copyfileobj(source, target)
                file.chmod(0o755 if member.mode & 0o100 else 0o644)


def locked(root: Path, *, move: bool) -> str:
    """Return the text of package.json with pnpm pinned, with all its hashes.

    The registry is queried only for missing hashes, and for the newest version if pnpm may move.

    Args:
        root: the repository.
        move: whether to upgrade pnpm within its major version.

    Raises:
        TaskError: the registry cannot be queried.
        UsageError: package.json names no pnpm.
    """
    text = text_files.read(root, MANIFEST)
    manifest = _manifest(text)
    found = _LOOSE.fullmatch(str(manifest.get("packageManager")))
    if found is None:
        read(text)
        raise AssertionError
    version = _newest(root, found[1]) if move else found[1]
    known = {}
    if version == found[1] and EXACT.fullmatch(found[0]):
        known = {**read(text).integrity}
    if program_package() in known:
        return text
    with tempfile.TemporaryDirectory() as place:
        unpinned = Pin(version, known)
        archive = fetch(root, {"pnpm": unpinned}, Path(place))["pnpm"]
        known["pnpm"] = integrity(archive)
        _unpack(archive, Path(place) / "pnpm")
        inside = (Path(place) / "pnpm/package.json").read_text(encoding="utf-8")
    for name in sorted(json.loads(inside).get("optionalDependencies", {})):
        if name not in known and _PROGRAM.fullmatch(name):
            # A registry may not have the programs of all platforms.
            if answer := _view(root, f"{name}@{version}", "dist.integrity"):
                known[name] = str(answer)
    if program_package() not in known:
        what = f"the registry has no {program_package()} {version}, the pnpm for this machine"
        raise TaskError(f"lock: {what}; pin another version")
    return written(text, Pin(version, known))


def _newest(root: Path, version: str) -> str:
    """Return the newest version of pnpm with the same major version."""
    major = version.partition(".")[0]
    answer = _view(root, f"pnpm@{major}", "version")
    versions = [
        str(version) for version in (answer if isinstance(answer, list) else [answer]) if version
    ]
    stable = [candidate for candidate in versions if re.fullmatch(r"\d+\.\d+\.\d+", candidate)]
    return max(
        [version, *stable],
        key=lambda candidate: [int(part) for part in re.findall(r"\d+", candidate)],
    )


def _view(root: Path, spec: str, field: str) -> object:
    """Return a field of a package in the registry; None if there is no such package."""
    words = [str(root / ".venv/bin/npm"), "view", "--json", "--loglevel=error", spec, field]
    env = environment(root, "npm", root)
    done = subprocess.run(words, cwd=root, env=env, capture_output=True, text=True, check=False)
    if done.returncode and "E404" not in done.stdout + done.stderr:
        raise TaskError(f"lock: npm could not query {spec}; run it again\n{done.stderr.strip()}")
    try:
        return None if done.returncode else json.loads(done.stdout)
    except ValueError:
        return None


def written(text: str, pinned: Pin) -> str:
    """Return the text of package.json with another pin, otherwise unchanged."""
    own = binascii.a2b_base64(pinned.integrity["pnpm"].removeprefix("sha512-")).hex()
    manager = f'"packageManager": "pnpm@{pinned.version}+sha512.{own}"'
    text = re.sub(r'"packageManager":\s*"[^"]*"', manager, text, count=1)
    programs = {name: value for name, value in sorted(pinned.integrity.items()) if name != "pnpm"}
    lines = json.dumps(programs, indent=2).replace("\n", "\n    ")
    block = re.compile(r'("monorepo":\s*\{)(\s*"pnpm":\s*\{[^}]*\},?)?')
    if found := block.search(text):
        comma = "," if (found[2] or ",").endswith(",") else ""
        return f'{text[: found.end(1)]}\n    "pnpm": {lines}{comma}{text[found.end() :]}'
    return text.replace(manager, f'{manager},\n  "monorepo": {{\n    "pnpm": {lines}\n  }}', 1)
