"""The command `{{ cookiecutter.namespace }}-{{ cookiecutter.name }}`: arguments in, lines and an exit code out."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

PROGRAM = "{{ cookiecutter.namespace }}-{{ cookiecutter.name }}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print how many words each file has.

    Args:
        arguments: Those of the command line; by default, of this process.

    Returns:
        The exit code: 0 if all is well, 1 if a file cannot be read.

    Raises:
        SystemExit: The arguments are wrong (2), or ask for help or the version (0).
    """
    options = _parser().parse_args(arguments)
    code = 0
    for file in options.files:
        try:
            count = len(file.read_text(encoding="utf-8").split())
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "is not UTF-8"
            print(f"{PROGRAM}: {file}: {reason}", file=sys.stderr)
            code = 1
        else:
            print(f"{count}\t{file}")
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description="Count the words of files.")
    current = version("{{ cookiecutter.distribution }}")
    parser.add_argument("--version", action="version", version=current)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a text file")
    return parser
