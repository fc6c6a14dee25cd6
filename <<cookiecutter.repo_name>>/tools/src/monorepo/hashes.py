"""tools/hashes.txt: the sha256 of every file of every version that constraints.txt pins.

uv and pip take it for constraints, and refuse a file of a pin that is not recorded there. Its pins
are those of constraints.txt, line by line, which itself has none: pip would want them of local
packages too. Standard library only.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from monorepo import texts
from monorepo.errors import UsageError
from monorepo.names import fold
from monorepo.requirements import COMMENT

PINS = "constraints.txt"
HASHES = "tools/hashes.txt"
HEADER = """\
# The sha256 of every file of every version in constraints.txt: an installation takes no other file.
# `make lock` writes it, and keeps what is recorded.
"""

_PIN = re.compile(r"[A-Za-z0-9][\w.-]*==[\w.!+-]+(?: ; [^\\]*[^\s\\])?")
_HASH = re.compile(r"--hash=sha(256:[0-9a-f]{64}|384:[0-9a-f]{96}|512:[0-9a-f]{128})")


def parse(text: str) -> dict[str, list[str]]:
    """Return the hashes of each pin, by its line, such as `six==1.17.0 ; os_name == 'nt'`.

    Raises:
        UsageError: a line is neither a pin, nor a hash of one, nor a comment.
    """
    found: dict[str, list[str]] = {}
    mistakes = []
    current: list[str] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        word = line.removesuffix("\\").strip()
        if not word or word.startswith("#"):
            continue
        if _HASH.fullmatch(word) and current is not None:
            current.append(word)
        elif _PIN.fullmatch(word) and word not in found:
            current = found[word] = []
        else:
            current = None
            advice = "restore the file from git, then run make lock"
            mistakes.append(f"{HASHES}:{number}: is neither a pin nor its hash; {advice}")
    if mistakes:
        raise UsageError(*mistakes)
    return found


def named(recorded: Iterable[str]) -> dict[str, list[str]]:
    """Return the lines of pins by folded name; one name has several with markers."""
    found: dict[str, list[str]] = {}
    for pin in recorded:
        found.setdefault(fold(pin.partition("==")[0]), []).append(pin)
    return found


def lines(pin: str, recorded: Iterable[str]) -> str:
    """Return a pin with its hashes, as a requirements file has it."""
    return " \\\n    ".join([pin, *recorded]) + "\n"


def render(recorded: Mapping[str, Iterable[str]]) -> str:
    """Return the text of tools/hashes.txt."""
    return HEADER + "".join(lines(pin, found) for pin, found in recorded.items())


def pin_lines(text: str) -> list[str]:
    """Return the lines of constraints.txt that are no comment, without what follows ` #`."""
    stripped = (COMMENT.sub("", line).strip() for line in text.splitlines())
    return [line for line in stripped if line]


def problems(root: Path) -> list[str]:
    """Say why constraints.txt and tools/hashes.txt do not belong together: one line each."""
    try:
        return mismatches(texts.read(root, PINS), texts.read(root, HASHES))
    except UsageError as error:
        return list(error.mistakes)


def mismatches(pins_text: str, hashes_text: str) -> list[str]:
    """Return the same of their texts."""
    pins = pin_lines(pins_text)
    wrong = [f"{PINS}: {pin} is no pin; run make lock" for pin in pins if not _PIN.fullmatch(pin)]
    if wrong:
        return wrong
    try:
        recorded = parse(hashes_text)
    except UsageError as error:
        return list(error.mistakes)
    wrong = [
        f"{HASHES}: has no hash of {pin}; run make lock" for pin in pins if not recorded.get(pin)
    ]
    stale = recorded.keys() - set(pins)
    return wrong + [f"{HASHES}: {pin} is not in {PINS}; run make lock" for pin in sorted(stale)]
