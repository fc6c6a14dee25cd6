"""Versions of the engine: where a wheel is found, and how it is made ready to run."""

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from packaging.version import InvalidVersion, Version

from monorepo.core import engine
from monorepo.core.engine import DISTRIBUTION
from monorepo.locking import resolution
from monorepo.programs import uv
from monorepo.programs.git import Git
from monorepo.scaffold import wheel as wheels
from monorepo.system.errors import TaskError, UsageError
from monorepo.system.subprocesses import say, show

_NAME = DISTRIBUTION.replace("-", "_")
_WHEEL = re.compile(rf"{_NAME}-(?P<version>[0-9][\w.!+]*)-py3-none-any\.whl")
_HASHES = re.compile(rf"^{DISTRIBUTION}==(?P<version>\S+)(?P<hashes>(?: \\\n +--hash=\S+)*)", re.M)


@dataclass(frozen=True)
class Release:
    """A wheel of the engine.

    Attributes:
        wheel: the file.
        sha256: its hash.
    """

    wheel: Path
    sha256: str

    @property
    def version(self) -> Version:
        """The version in its file name."""
        return version_of(self.wheel)


def version_of(wheel: Path) -> Version:
    """Return the version in the file name of a wheel (PEP 427).

    Raises:
        UsageError: it is not the name of a wheel of the engine.
    """
    return number(_version_text(wheel), str(wheel))


def _version_text(wheel: Path) -> str:
    found = _WHEEL.fullmatch(wheel.name)
    if found is None:
        raise UsageError(f"{wheel}: is no wheel of {DISTRIBUTION}; name one, or a version")
    return found["version"]


def number(text: str, place: str) -> Version:
    """Return the version that a text is (PEP 440).

    Raises:
        UsageError: it is none.
    """
    try:
        return Version(text)
    except InvalidVersion as error:
        raise UsageError(f"{place}: {text!a} is no version; correct it") from error


def read(wheel: Path) -> Release:
    """Return the release that a file is.

    Raises:
        UsageError: it is missing, or no wheel of the engine.
    """
    version_of(wheel)
    try:
        content = wheel.read_bytes()
    except OSError as error:
        raise UsageError(f"{wheel}: cannot be read ({error.strerror}); correct the path") from error
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            # Its version stands in the name of a folder, too (PEP 427).
            known = {*archive.namelist()}
    except zipfile.BadZipFile as error:
        raise UsageError(f"{wheel}: is no wheel; download it again") from error
    metadata = f"{_NAME}-{_version_text(wheel)}.dist-info/METADATA"
    if not known >= {"monorepo/__main__.py", metadata}:
        message = f"has not what its name says, an engine with {metadata}"
        raise UsageError(f"{wheel}: {message}; download it again")
    return Release(wheel, hashlib.sha256(content).hexdigest())


def current(root: Path) -> Release:
    """Return the release that the repository at `root` has.

    Raises:
        UsageError: it is missing, or not the one that tools/requirements.txt names.
    """
    named = engine.read(root)
    named.content()
    return Release(root / named.path, named.sha256)


def wanted(root: Path, word: str, work: Path) -> Release:
    """Return the requested release.

    Args:
        root: the repository.
        word: the path of a wheel, a version, or nothing for the newest one on the index.
        work: a folder to put it in.

    Raises:
        UsageError: there is no such release.
        TaskError: the index does not answer.
    """
    if word.endswith(".whl") or "/" in word:
        return read(Path(word).absolute())
    version = number(word, "TO") if word else None
    there = current(root)
    return there if there.version == version else downloaded(root, version, work)


def downloaded(root: Path, version: Version | None, work: Path) -> Release:
    """Return a release on the index, put into `work`; the newest, if `version` is None.

    As for pins, one that came within the last day is not the newest yet.

    Raises:
        UsageError: the index does not have it.
        TaskError: the index does not answer.
    """
    text = f"{DISTRIBUTION}=={version}" if version else DISTRIBUTION
    found = _HASHES.search(_resolved(root, text, work, aged=version is None))
    if found is None:
        shown = f"TO={version}" if version else "TO"
        raise UsageError(f"{shown}: the index has no wheel of {text}; give the path of one")
    there = current(root)
    if Version(found["version"]) <= there.version and version is None:
        return there
    if not found["hashes"]:
        raise UsageError(f"{found[0]}: the index has no hash of it; give TO=path/to/….whl")
    environment = work / f"index-{found['version']}"
    uv.make(uv.program(root), root, environment, sys.executable)
    pip = [uv.program(root), "pip", "install", "--python", environment / "bin/python", "--no-deps"]
    held = ["--only-binary", ":all:", "--require-hashes", "--requirements", "-"]
    uv.call([*pip, *held], root, "upgrade", found[0] + "\n")
    installed = next(environment.glob("lib/python*/site-packages"))
    folder = work / f"wheel-{found['version']}"
    folder.mkdir()
    release = read(Path(ask(installed, {"wheel": True, "out": str(folder)})["wheel"]))
    # An installation has all of its wheel, and writes the same bytes again.
    if f"--hash=sha256:{release.sha256}" not in found["hashes"]:
        message = "does not give the wheel that the index has; get that, and give TO=path/to/….whl"
        raise TaskError(f"{text}: {message}")
    return release


def _resolved(root: Path, text: str, work: Path, *, aged: bool) -> str:
    """Return the pin of a requirement, with the hashes of its files, as uv finds it now."""
    newest = datetime.now(UTC) - resolution.AGE
    limit = [f"--exclude-newer={newest:%Y-%m-%dT%H:%M:%SZ}"] if aged else []
    output = work / "resolved.txt"
    pip = [uv.program(root), "pip", "compile", "--no-deps", "--no-header", "--no-annotate"]
    shape = ["--generate-hashes", "--only-binary", ":all:", "--python", sys.executable]
    output.unlink(missing_ok=True)
    try:
        said = uv.call(
            [*pip, *shape, *limit, "--output-file", output, "-"], root, "upgrade", text + "\n"
        )
    except TaskError as error:
        said = str(error)
        if resolution.NO_DATE in said and aged:
            return _resolved(root, text, work, aged=False)
        if "No solution found" not in said:
            raise
    if resolution.NO_DATE in said and aged:
        say("upgrade: the index has no upload dates; a release may be younger than a day")
        return _resolved(root, text, work, aged=False)
    return output.read_text(encoding="utf-8") if output.exists() else ""


def earlier(root: Path, version: str, work: Path) -> Release:
    """Return a release that something in a repository was made from.

    It is the one that the repository has, or had at an earlier commit, or that of the index.

    Raises:
        UsageError: it is nowhere.
        TaskError: the index does not answer.
    """
    there = current(root)
    if str(there.version) == version:
        return there
    name = f"{_NAME}-{version}-py3-none-any.whl"
    git = Git(root)
    said = git.text("log", "-1", "--diff-filter=A", "--format=%H", "--", f"tools/{name}")
    if said:
        folder = work / f"history-{version}"
        folder.mkdir(exist_ok=True)
        # git may have a pointer to it (LFS).
        content = git.run("cat-file", "--filters", f"{said}:{git.prefix}tools/{name}")
        (folder / name).write_bytes(content)
        return read(folder / name)
    return downloaded(root, number(version, "the recorded version"), work)


def unpack(release: Release, folder: Path) -> Path:
    """Unpack a release into `folder`, which is not there, and return it: an engine that runs.

    Raises:
        UsageError: it is no wheel.
    """
    try:
        with zipfile.ZipFile(release.wheel) as archive:
            wheels.unpack(archive, folder)
    except (zipfile.BadZipFile, zlib.error, ValueError) as error:
        wrong = f"{release.wheel.name}: is no wheel ({error})"
        raise UsageError(f"{wrong}; download it again") from error
    return folder


def ask(engine_folder: Path, question: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an unpacked engine answers in a process of its own; see `driver`.

    Raises:
        UsageError: it says that what was asked is wrong.
        TaskError: it failed; it has said why.
    """
    driver = Path(__file__).with_name("driver.py")
    command = [sys.executable, "-I", "-S", "-X", "utf8", driver, engine_folder, site_packages()]
    words = [str(word) for word in command]
    show(words, Path.cwd())
    done = subprocess.run(
        words,
        input=json.dumps(question),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise TaskError(f"{' '.join(words)}: failed ({done.returncode})\n{done.stderr.rstrip()}")
    answer = dict(json.loads(done.stdout.splitlines()[-1]))
    if failure := answer.get("failure"):
        raise TaskError(f"the template cannot be rendered: {failure}")
    if mistakes := answer.get("mistakes"):
        raise UsageError(*mistakes)
    return answer


def site_packages() -> Path:
    """Return where what the engine requires is installed, beside this one or not."""
    import cookiecutter

    return Path(cookiecutter.__file__).parents[1]


def start(engine_folder: Path, words: Sequence[str]) -> NoReturn:
    """Go on as an unpacked engine, which takes the place of this process.

    Args:
        engine_folder: the folder.
        words: of its command line.
    """
    code = "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); "
    code += "sys.argv[0] = 'monorepo'; runpy.run_module('monorepo', run_name='__main__')"
    command = [sys.executable, "-I", "-S", "-X", "utf8", "-c", code, str(engine_folder)]
    sys.stdout.flush()
    os.execv(command[0], [*command, *words])
