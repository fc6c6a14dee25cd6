"""tools/hashes.txt: the sha256 of every file of every version that constraints.txt pins.

uv and pip use it as a constraints file, and refuse a file whose hash is not in it. It has the same
pins as constraints.txt, which has no hashes itself: pip would then require them for local packages
too. Standard library only.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from monorepo.core.naming import fold
from monorepo.system import text_files
from monorepo.system.errors import UsageError

PINS = "constraints.txt"
# Longer lines are ignored: some patterns would take quadratic time on them.
LONGEST = 10_000
# A comment in a requirements file, as pip defines it.
COMMENT = re.compile(r"(?<!\S)#.*$")
HASHES = "tools/hashes.txt"
HEADER = """\
# The sha256 of every file of every version in constraints.txt: an installation takes no other file.
# `make lock` writes it, and keeps what is recorded. What a pin requires is pinned, too.
"""
# The keyword of the comment that lists what a pin requires.
REQUIRES = "requires"

_PIN = re.compile(r"[A-Za-z0-9][\w.-]*==[\w.!+-]+(?: ; [^\\]*[^\s\\])?")
# A line in the header of constraints.txt: a file whose pins were taken over.
_SOURCE = re.compile(r"# from \S.* sha256:[0-9a-f]{64}")
_HASH = re.compile(r"--hash=sha(256:[0-9a-f]{64}|384:[0-9a-f]{96}|512:[0-9a-f]{128})")


def parse(text: str, path: str = HASHES) -> dict[str, list[str]]:
    """Return the hashes of each pin, keyed by its line, such as `six==1.17.0 ; os_name == 'nt'`.

    Args:
        text: the text of tools/hashes.txt, or of a file in its format.
        path: the path of that file.

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
            mistakes.append(f"{path}:{number}: is neither a pin nor its hash; {advice}")
    if mistakes:
        raise UsageError(*mistakes)
    return found


def name_of(pin: str) -> str:
    """Return the normalized name in the line of a pin."""
    return fold(pin.partition("==")[0].strip())


def is_pin(line: str) -> bool:
    """Return whether a line is a pin, such as `six==1.17.0 ; os_name == 'nt'`."""
    return _PIN.fullmatch(line) is not None


def version_of(pin: str) -> str:
    """Return the version in the line of a pin, without the marker."""
    return pin.partition("==")[2].partition(" ")[0]


def named(recorded: Iterable[str]) -> dict[str, list[str]]:
    """Group the lines of pins by normalized name; a name can have several, with markers."""
    found: dict[str, list[str]] = {}
    for pin in recorded:
        found.setdefault(name_of(pin), []).append(pin)
    return found


def notes(text: str, word: str) -> dict[str, set[str]]:
    """Return the names in comments such as `# requires idna, sniffio`, keyed by the pin above."""
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
    """Return a pin with its hashes in the format of a requirements file."""
    return " \\\n    ".join([pin, *recorded]) + "\n"


def entry(pin: str, recorded: Iterable[str], required: Iterable[str]) -> str:
    """Return a pin with its hashes, and a comment on the names that it requires."""
    names = ", ".join(sorted(required))
    return lines(pin, recorded) + (f"    # {REQUIRES} {names}\n" if names else "")


def render(recorded: Mapping[str, Iterable[str]], required: Mapping[str, Iterable[str]]) -> str:
    """Return the text of tools/hashes.txt, given the hashes and the requirements of each pin."""
    pinned = named(recorded)
    text = HEADER
    for pin, found in recorded.items():
        text += entry(pin, found, pinned.keys() & required.get(pin, ()))
    return text


def pins(root: Path) -> dict[str, list[str]]:
    """Return the pins of constraints.txt by normalized name; a name can have several, with markers.

    Raises:
        UsageError: it is missing, or not UTF-8.
    """
    return read_pins(text_files.read(root, PINS))


def read_pins(text: str) -> dict[str, list[str]]:
    """Return the pins in the text of constraints.txt, as `pins` does."""
    return named(line for line in pin_lines(text) if "==" in line)


def source(path: str, sha256: str) -> str:
    """Return the line in the header of constraints.txt for a file whose pins were taken over."""
    return f"# from {path} sha256:{sha256}"


def sources(text: str) -> list[str]:
    """Return the lines of files whose pins were taken over, in the text of constraints.txt."""
    return [line for line in text.splitlines() if _SOURCE.fullmatch(line)]


def pin_lines(text: str) -> list[str]:
    """Return the lines of constraints.txt without comments."""
    stripped = (COMMENT.sub("", line).strip() for line in text.splitlines())
    return [line for line in stripped if line]


def problems(root: Path) -> list[str]:
    """Return how constraints.txt and tools/hashes.txt differ: one line each."""
    try:
        return mismatches(text_files.read(root, PINS), text_files.read(root, HASHES))
    except UsageError as error:
        return list(error.mistakes)


def mismatches(pins_text: str, hashes_text: str) -> list[str]:
    """Return how the texts of the two files differ, as `problems` does."""
    pins = pin_lines(pins_text)
    if wrong := [f"{PINS}: {pin} is not a pin" for pin in pins if not _PIN.fullmatch(pin)]:
        return [f"{mistake}; run make lock" for mistake in wrong]
    try:
        recorded = parse(hashes_text)
    except UsageError as error:
        return list(error.mistakes)
    wrong = [f"{HASHES}: has no hash of {pin}" for pin in pins if not recorded.get(pin)]
    wrong += [f"{HASHES}: {pin} is not in {PINS}" for pin in sorted(recorded.keys() - set(pins))]
    return [f"{mistake}; run make lock" for mistake in wrong + unmet(hashes_text, named(recorded))]


def unmet(hashes_text: str, wanted: Iterable[str]) -> list[str]:
    """Return the unpinned requirements of the pins of `wanted`, also indirect: one line each."""
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
