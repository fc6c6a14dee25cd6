"""The engine that a repository runs on, which tools/requirements.txt names with its sha256.

Standard library only.
"""

import re
import zipfile
from dataclasses import dataclass
from email.parser import HeaderParser
from functools import cached_property
from pathlib import Path

from monorepo.system import text_files
from monorepo.system.errors import UsageError

DISTRIBUTION = "cookiecutter-monorepo"
REQUIREMENT = "tools/requirements.txt"

# As pip and uv verify it, from the root: a wheel by its path, and the hash of the file.
_LINE = re.compile(
    r"\./(?P<path>tools/[\w.+-]+-py3-none-any\.whl)\s*\\?\s+--hash=sha256:(?P<sha256>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class Engine:
    """A wheel in `tools`, by its path from the root, and the hash that it must have."""

    root: Path
    path: str
    sha256: str

    @property
    def line(self) -> str:
        """The line of a requirements file by which pip and uv install it, and no other file."""
        return f"./{self.path} --hash=sha256:{self.sha256}"

    @property
    def version(self) -> str:
        """The version that its name tells (PEP 427)."""
        return self.path.split("-")[1]

    @cached_property
    def requirements(self) -> list[str]:
        """What it requires itself, as PEP 508 texts.

        Raises:
            UsageError: it cannot be read.
        """
        name = f"{DISTRIBUTION.replace('-', '_')}-{self.version}.dist-info/METADATA"
        try:
            with zipfile.ZipFile(self.root / self.path) as wheel:
                metadata = HeaderParser().parsestr(wheel.read(name).decode())
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise UsageError(f"{self.path}: cannot be read; restore it from git") from error
        return [text for text in metadata.get_all("Requires-Dist", []) if "extra ==" not in text]


def read(root: Path) -> Engine:
    """Return the engine of the repository at `root`.

    Raises:
        UsageError: tools/requirements.txt is missing, or names no wheel and its hash.
    """
    text = text_files.read(root, REQUIREMENT)
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    if found := _LINE.fullmatch(lines.strip()):
        return Engine(root, found["path"], found["sha256"])
    raise UsageError(f"{REQUIREMENT}: does not name one wheel and its sha256; restore it from git")


def requirement(path: str, sha256: str) -> str:
    """Return the text of tools/requirements.txt for a wheel at `path`."""
    return (
        "# The engine of this repository, see README.md. From the root, pip and uv verify it:\n"
        f"# pip install --require-hashes --no-deps -r {REQUIREMENT}\n"
        f"./{path} \\\n    --hash=sha256:{sha256}\n"
    )
