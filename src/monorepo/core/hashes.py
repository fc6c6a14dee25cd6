"""tools/hashes.txt: the sha256 of every file of every version that constraints.txt pins.

uv and pip take it for constraints, and refuse a file of a pin that is not recorded there. Its pins
are those of constraints.txt, line by line, which itself has none: pip would want them of local
packages too. Standard library only.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from monorepo.core.naming import fold
from monorepo.system import text_files
from monorepo.system.errors import UsageError

PINS = "constraints.txt"
# Nobody writes a longer line, and some patterns would take quadratic time on it.
LONGEST = 10_000
# A comment, as pip has it.
COMMENT = re.compile(r"(?<!\S)#.*$")
HASHES = "tools/hashes.txt"
HEADER = """\
# The sha256 of every file of every version in constraints.txt: an installation takes no other file.
# `make lock` writes it, and keeps what is recorded. What a pin requires is pinned, too.
"""
# The word of the comment that says so.
REQUIRES = "requires"

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
        found.setdefault(fold(pin.partition("==")[0].strip()), []).append(pin)
    return found


def notes(text: str, word: str) -> dict[str, set[str]]:
    """Return the names in a comment such as `# requires idna, sniffio` below a pin, by its line."""
    found: dict[str, set[str]] = {}
    pin = ""
    for line in text.splitlines():
        bare = line.removesuffix("\\").strip()
        if _PIN.fullmatch(bare):
            pin = bare
        elif pin and bare.startswith(f"# {word} "):
            found[pin] = set(bare.removeprefix(f"# {word} ").split(", "))
    return found


def lines(pin: str, recorded: Iterable[str]) -> str:
    """Return a pin with its hashes, as a requirements file has it."""
    return " \\\n    ".join([pin, *recorded]) + "\n"


def render(recorded: Mapping[str, Iterable[str]], required: Mapping[str, Iterable[str]]) -> str:
    """Return the text of tools/hashes.txt, given what each pin requires that may be pinned."""
    pinned = named(recorded)
    text = HEADER
    for pin, found in recorded.items():
        names = ", ".join(sorted(pinned.keys() & required.get(pin, ())))
        text += lines(pin, found) + (f"    # {REQUIRES} {names}\n" if names else "")
    return text


def pins(root: Path) -> dict[str, list[str]]:
    """Return the lines of constraints.txt by folded name; one name has several with markers.

    Raises:
        UsageError: it is missing, or no UTF-8.
    """
    return read_pins(text_files.read(root, PINS))


def read_pins(text: str) -> dict[str, list[str]]:
    """Return the same of its text."""
    return named(line for line in pin_lines(text) if "==" in line)


def pin_lines(text: str) -> list[str]:
    """Return the lines of constraints.txt that are no comment, without what follows ` #`."""
    stripped = (COMMENT.sub("", line).strip() for line in text.splitlines())
    return [line for line in stripped if line]


def problems(root: Path) -> list[str]:
    """Say why constraints.txt and tools/hashes.txt do not belong together: one line each."""
    try:
        return mismatches(text_files.read(root, PINS), text_files.read(root, HASHES))
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
    wrong += [f"{HASHES}: {pin} is not in {PINS}; run make lock" for pin in sorted(stale)]
    return wrong + [f"{one}; run make lock" for one in unmet(hashes_text, named(recorded))]


def unmet(hashes_text: str, wanted: Iterable[str]) -> list[str]:
    """Say what is not pinned and required by the pins of `wanted`, and so on: one line each."""
    pinned = named(parse(hashes_text))
    required = notes(hashes_text, REQUIRES)
    wrong, seen, rest = [], set(wanted), list(wanted)
    while rest:
        for pin in pinned.get(rest.pop(), ()):
            names = required.get(pin, set())
            rest += names - seen
            seen |= names
            what = f"{HASHES}: {pin.partition(' ')[0]} requires"
            wrong += [f"{what} {name}, which is not pinned" for name in names - pinned.keys()]
    return sorted(set(wrong))
