"""The engine of a repository, as tools/requirements.txt names it.

It is a wheel with its sha256, or tools/src after `make eject`.

Standard library only.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from monorepo.system import text_files
from monorepo.system.errors import UsageError

DISTRIBUTION = "cookiecutter-monorepo"
REQUIREMENT = "tools/requirements.txt"
SOURCE = "tools/src"

_HEAD = f"""\
# The engine of this repository, see README.md. From the root, pip and uv verify it:
# pip install --require-hashes --no-deps -r {REQUIREMENT}
"""
# The wheel by its path from the root, with the hash that pip and uv verify.
_WHEEL = re.compile(
    r"\./(?P<path>tools/[\w.+-]+-py3-none-any\.whl) \\\n *--hash=sha256:(?P<sha256>[0-9a-f]{64})"
)
_EJECTED = f"""\
# The source of the engine, to be changed; `make eject UNDO=1` goes back to the wheel:
# {{line}}
-e ./{SOURCE}
"""
_ORIGIN = re.compile(
    r"^# \./(?P<path>tools/\S+\.whl) --hash=sha256:(?P<sha256>[0-9a-f]{64})$", re.MULTILINE
)


@dataclass(frozen=True)
class Engine:
    """A wheel in `tools`, by its path from the root, and its expected hash.

    After `make eject`, it is the wheel that tools/src was extracted from.
    """

    root: Path
    path: str
    sha256: str
    ejected: bool = False

    @property
    def line(self) -> str:
        """The requirements line that installs it; pip and uv accept no other file."""
        return f"-e ./{SOURCE}" if self.ejected else self._wheel

    @property
    def _wheel(self) -> str:
        return f"./{self.path} --hash=sha256:{self.sha256}"

    @property
    def version(self) -> str:
        """The version in the file name of the wheel (PEP 427)."""
        return self.path.split("-")[1]

    @property
    def text(self) -> str:
        """The text of tools/requirements.txt."""
        if self.ejected:
            return _EJECTED.format(line=self._wheel)
        return f"{_HEAD}./{self.path} \\\n    --hash=sha256:{self.sha256}\n"

    def content(self) -> bytes:
        """Return the verified bytes of the wheel, which is read once.

        Raises:
            UsageError: it is missing, or its hash differs.
        """
        return self._content

    @cached_property
    def _content(self) -> bytes:
        try:
            data = (self.root / self.path).read_bytes()
        except OSError as error:
            raise UsageError(f"{self.path}: is missing; restore it from git") from error
        # Imported here, as below: they take longer than the rest of most commands.
        import hashlib

        if hashlib.sha256(data).hexdigest() != self.sha256:
            message = f"is not the file that {REQUIREMENT} names; restore both from git"
            raise UsageError(f"{self.path}: {message}")
        return data

    @cached_property
    def requirements(self) -> list[str]:
        """The requirements of the engine itself (PEP 508).

        Raises:
            UsageError: as `content` does, or it is not a wheel.
        """
        if self.ejected:
            return list(_project(self.root).get("dependencies", []))
        import io
        import zipfile
        from email.parser import HeaderParser

        name = f"{DISTRIBUTION.replace('-', '_')}-{self.version}.dist-info/METADATA"
        try:
            with zipfile.ZipFile(io.BytesIO(self.content())) as wheel:
                metadata = HeaderParser().parsestr(wheel.read(name).decode())
        except (KeyError, ValueError, zipfile.BadZipFile) as error:
            raise UsageError(f"{self.path}: cannot be read; restore it from git") from error
        return [text for text in metadata.get_all("Requires-Dist", []) if "extra ==" not in text]


def _project(root: Path) -> dict[str, list[str]]:
    """Return the [project] table of the ejected engine."""
    path = f"{SOURCE}/pyproject.toml"
    try:
        return dict(text_files.toml(text_files.read(root, path))["project"])
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: has no [project]; restore it from git") from error


def read(root: Path) -> Engine:
    """Return the engine of the repository at `root`.

    Raises:
        UsageError: tools/requirements.txt is missing, or names no engine.
    """
    text = text_files.read(root, REQUIREMENT)
    lines = [line for line in text.splitlines() if line.strip() and line[0] != "#"]
    ejected = lines == [f"-e ./{SOURCE}"]
    if found := _ORIGIN.search(text) if ejected else _WHEEL.fullmatch("\n".join(lines)):
        return Engine(root, found["path"], found["sha256"], ejected)
    raise UsageError(f"{REQUIREMENT}: does not name a wheel and its sha256; restore it from git")
