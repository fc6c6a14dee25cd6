"""Output: control characters in names and values are escaped, so that no terminal obeys them.

Standard library only.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TextIO, cast


def printable(text: str) -> str:
    r"""Return `text` with each character that prints nothing of its own as its escape: `\x1b`.

    These are control and format characters, among them those that turn the direction of writing
    (Unicode Technical Report 36, 2.5), separators other than a space, and surrogates, which stand
    for bytes that are no UTF-8. Line breaks and tabs stay.
    """
    if text.translate({0x09: None, 0x0A: None}).isprintable():
        return text
    return "".join(one if one in "\t\n" or one.isprintable() else _escape(one) for one in text)


def line(text: str) -> str:
    """Return `text` printable and on one line: a name may have line breaks."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


class _Printable:
    """A text stream that writes printable text, until nobody reads it any more."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write `text`; what the encoding lacks is escaped as well."""
        encoding = self._stream.encoding or "utf-8"
        shown = printable(text).encode(encoding, "backslashreplace").decode(encoding)
        with self._read_or_not():
            self._stream.write(shown)
        return len(text)

    def flush(self) -> None:
        """Write what is buffered."""
        with self._read_or_not():
            self._stream.flush()

    @contextlib.contextmanager
    def _read_or_not(self) -> Iterator[None]:
        """Let a reader leave early, such as `head`: the command goes on, and ends as it would."""
        try:
            yield
        except BrokenPipeError:
            # The stream still has the text, and would try again.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


@contextlib.contextmanager
def printing() -> Iterator[None]:
    """Have all that is printed to standard output and standard error be printable."""
    streams = [cast(TextIO, _Printable(stream)) for stream in (sys.stdout, sys.stderr)]
    with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
        yield


def prompting() -> contextlib.AbstractContextManager[object]:
    """Have standard output be the terminal's own again, for prompts, which have colours."""
    return contextlib.redirect_stdout(sys.__stdout__)
