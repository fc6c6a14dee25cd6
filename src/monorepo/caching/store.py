"""The results of tasks that succeeded, by the hash of what they depend on.

They are in git's common directory: worktrees share them, and no commit can bring one. An entry is
JSON after its own sha256, written aside and renamed, so that any number of processes may write. One
that cannot be read is none, and where nothing can be written, nothing is kept. What a task printed
is apart, because it may have what should not leave this machine. Standard library only.
"""

import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from monorepo.system import git_directories

FOLDER = "monorepo-results"
# What is older or more than that is removed, the oldest first.
MOST_BYTES = 256 << 20
MOST_DAYS = 30
# Results of one task of one package: those of some branches.
MOST_RESULTS = 20
# A longer output is not kept.
LONGEST_OUTPUT = 4 << 20
_IS_SHA256 = re.compile(r"(?:[0-9a-f]{64})?").fullmatch
_BETWEEN = 3600  # seconds between two removals
_VERSION = 1


@dataclass(frozen=True)
class Result:
    """A task of a package that succeeded.

    Attributes:
        components: what it depends on: a hash of each, by name.
        files: the package's own files, with the hash of each.
        clean: whether it was proved in an environment of its own.
        seconds: its running time.
        output: the sha256 of what it printed; empty if that was not kept.
        report: the sha256 of the page that it wrote for people; empty for none.
    """

    components: Mapping[str, str]
    files: Mapping[str, str] = field(default_factory=dict)
    clean: bool = False
    seconds: float = 0.0
    output: str = ""
    report: str = ""


class Store:
    """The store of a repository; without git, it is always empty."""

    def __init__(self, root: Path) -> None:
        """Open the store that the worktree at `root` shares."""
        with contextlib.suppress(OSError):
            root = root.resolve()
        common = git_directories.common(root)
        self.folder = common / FOLDER if common else None

    def find(self, package: str, task: str, digest: str) -> Result | None:
        """Return the result of a task of a package for a hash, and note that it was used."""
        if not self.folder:
            return None
        file = self._place(package, task) / f"{digest}.json"
        result = _read(file)
        if result:
            for used in (file, self._output(result.output)):
                with contextlib.suppress(OSError):
                    os.utime(used)
        return result

    def last(self, package: str, task: str, like: Mapping[str, str]) -> Result | None:
        """Return the result of a task of a package that was used or written last.

        Args:
            package: the path of the package.
            task: the task.
            like: components that it has, if there is such a result.
        """
        if not self.folder:
            return None
        files = sorted(_files(self._place(package, task)), reverse=True)
        results = [result for _, file in files if (result := _read(file))]
        alike = (result for result in results if like.items() <= result.components.items())
        return next(alike, results[0] if results else None)

    def output(self, result: Result) -> bytes | None:
        """Return what a task printed; None if that is not here."""
        with contextlib.suppress(OSError):
            content = self._output(result.output).read_bytes() if result.output else b""
            if result.output and _sha256(content) == result.output:
                return content
        return None

    def record(
        self, package: str, task: str, digest: str, result: Result, output: bytes = b""
    ) -> None:
        """Keep the result of a task of a package for a hash, if that is possible."""
        if not self.folder:
            return
        with contextlib.suppress(OSError):
            if output and len(output) <= LONGEST_OUTPUT:
                name = _sha256(output)
                result = Result(**{**asdict(result), "output": name})
                git_directories.put(self._output(name), output)
            text = json.dumps(
                {"version": _VERSION, "package": package, "task": task, **asdict(result)}
            ).encode(errors="surrogateescape")
            place = self._place(package, task)
            git_directories.put(
                place / f"{digest}.json", b"%s\n%s" % (_sha256(text).encode(), text)
            )
            for _, file in sorted(_files(place), reverse=True)[MOST_RESULTS:]:
                file.unlink(missing_ok=True)

    def forget(self, package: str, task: str, digest: str) -> None:
        """Remove the result of a task of a package for a hash: it has failed since."""
        if self.folder:
            with contextlib.suppress(OSError):
                (self._place(package, task) / f"{digest}.json").unlink()

    def prune(self) -> None:
        """Remove what is too old or too much; not each time that it is called."""
        if not self.folder:
            return
        with contextlib.suppress(OSError):
            mark, now = self.folder / "pruned", time.time()
            if mark.exists() and now - mark.stat().st_mtime < _BETWEEN:
                return
            self.folder.mkdir(mode=0o700, exist_ok=True)
            mark.touch()
            found = [(file.stat(), file) for file in self.folder.rglob("*") if file.is_file()]
            kept = 0
            for status, file in sorted(found, key=lambda row: row[0].st_mtime, reverse=True):
                kept += status.st_size
                if kept > MOST_BYTES or now - status.st_mtime > MOST_DAYS * 86400:
                    file.unlink(missing_ok=True)

    def _place(self, package: str, task: str) -> Path:
        """Return the folder of the results of a task; a path of a package has no plus."""
        assert self.folder
        return self.folder / "entries" / task / package.replace("/", "+")

    def _output(self, name: str) -> Path:
        assert self.folder
        return self.folder / "outputs" / (name or "none")


def _read(file: Path) -> Result | None:
    """Return the result in a file; None if there is none, or it is not as it was written."""
    try:
        digest, _, text = file.read_bytes().partition(b"\n")
        if digest.decode() != _sha256(text):
            return None
        noted = json.loads(text.decode(errors="surrogateescape"))
        if noted.pop("version") != _VERSION:
            return None
        del noted["package"], noted["task"]
        result = Result(**noted)
        return result if _is_sound(result) else None
    # Deep brackets are a RecursionError.
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _is_sound(result: Result) -> bool:
    """Tell whether all of a result has its type: a cache of CI may have been written by others."""
    tables = [result.components, result.files]
    texts = [text for table in tables for row in table.items() for text in row]
    return (
        all(isinstance(text, str) for text in texts)
        and isinstance(result.clean, bool)
        and isinstance(result.seconds, int | float)
        and all(_IS_SHA256(name) for name in (result.output, result.report))
    )


def _files(place: Path) -> Iterator[tuple[int, Path]]:
    """Yield the results in a folder, with the time of each."""
    with contextlib.suppress(OSError):
        for file in place.glob("*.json"):
            with contextlib.suppress(OSError):
                yield file.stat().st_mtime_ns, file


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
