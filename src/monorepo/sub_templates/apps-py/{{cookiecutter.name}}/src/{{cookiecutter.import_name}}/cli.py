"""The command: arguments in, lines and an exit code out.{% if cookiecutter.example %}


It counts words, as an example: replace that with what the program is for.
{% endif %}"""

import argparse
{% if cookiecutter.example %}
import sys
{% endif %}
from collections.abc import Sequence
from importlib.metadata import version
{% if cookiecutter.example %}
from pathlib import Path
{% endif %}

PROGRAM = "{{ cookiecutter.namespace }}-{{ cookiecutter.name }}"


def main(arguments: Sequence[str] | None = None) -> int:
{% if cookiecutter.example %}
    """Print how many words each file has.
{% else %}
    """Run the program.
{% endif %}

    Args:
        arguments: Those of the command line; by default, of this process.

    Returns:
{% if cookiecutter.example %}
        The exit code: 0 if all is well, 1 if a file cannot be read.
{% else %}
        The exit code: 0 if all is well.
{% endif %}

    Raises:
        SystemExit: The arguments are wrong (2), or ask for help or the version (0).
    """
{% if cookiecutter.example %}
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
{% else %}
    _parser().parse_args(arguments)
    return 0
{% endif %}


def _parser() -> argparse.ArgumentParser:
{% if cookiecutter.example %}
    parser = argparse.ArgumentParser(prog=PROGRAM, description="Count the words of files.")
{% else %}
    parser = argparse.ArgumentParser(prog=PROGRAM)
{% endif %}
    current = version("{{ cookiecutter.distribution }}")
    parser.add_argument("--version", action="version", version=current)
{% if cookiecutter.example %}
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a text file")
{% endif %}
    return parser
