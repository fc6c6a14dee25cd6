"""Output: control characters in names and values are escaped, so that no terminal obeys them.

Standard library only.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TextIO, cast


def printable(text: str) -> str:
    r"""Return `text` with unprintable characters escaped, such as `\x1b`.

    These are control and format characters, among them those that change the direction of writing
    (Unicode Technical Report 36, 2.5), separators other than a space, and surrogates, which stand
    for bytes that are not UTF-8. Line breaks and tabs stay.
    """
    if text.translate({0x09: None, 0x0A: None}).isprintable():
        return text
    return "".join(
        character if character in "\t\n" or character.isprintable() else _escape(character)
        for character in text
    )


def line(text: str) -> str:
    """Return `text` printable and on one line: a name may have line breaks."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


class _Printable:
    """A text stream that escapes unprintable characters and ignores a closed pipe."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write `text`; characters that the encoding lacks are escaped as well."""
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
        """Ignore a reader that closes the pipe early, such as `head`; the command goes on."""
        try:
            yield
        except BrokenPipeError:
            # The stream still buffers the text and would write it again when closed.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


class _Copied:
    """A text stream that keeps a copy of what is written."""

    def __init__(self, stream: TextIO, copy: list[str]) -> None:
        self._stream, self._copy = stream, copy

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write `text`, and keep it."""
        self._copy.append(text)
        return self._stream.write(text)


@contextlib.contextmanager
def copied() -> Iterator[list[str]]:
    """Give what is printed on standard output, besides printing it."""
    copy: list[str] = []
    with contextlib.redirect_stdout(cast("TextIO", _Copied(sys.stdout, copy))):
        yield copy


@contextlib.contextmanager
def printing() -> Iterator[None]:
    """Escape unprintable characters in standard output and standard error."""
    streams = [cast(TextIO, _Printable(stream)) for stream in (sys.stdout, sys.stderr)]
    with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
        yield


def prompting() -> contextlib.AbstractContextManager[object]:
    """Restore the original standard output, for prompts in colour."""
    return contextlib.redirect_stdout(sys.__stdout__)
