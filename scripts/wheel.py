"""`make wheel`: write the wheel of this version, and its sha256, into dist."""

import hashlib
from pathlib import Path

from monorepo.scaffold import wheel
from monorepo.templating import template

DIST = "dist"
SUMS = "SHA256SUMS"


def main() -> None:
    """Write the wheel and its sums, and say so."""
    print(f"wrote {write(template.TEMPLATE / DIST)}")


def write(folder: Path) -> Path:
    """Write the wheel into `folder`, its sha256 beside it as sha256sum has it; return the wheel.

    Raises:
        OSError: a file cannot be read or written.
    """
    folder.mkdir(exist_ok=True)
    file = wheel.write(folder)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    (folder / SUMS).write_text(f"{digest}  {file.name}\n", encoding="utf-8")
    return file


if __name__ == "__main__":
    main()
