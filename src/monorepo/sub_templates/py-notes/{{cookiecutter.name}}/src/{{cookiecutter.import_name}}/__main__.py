"""`python -m {{ cookiecutter.import_name }} upgrade` applies the migrations to DATABASE_URL."""

import argparse
import os
import sys
from collections.abc import Sequence

from sqlalchemy.exc import SQLAlchemyError

from .store import DEFAULT_URL, upgrade


def main(arguments: Sequence[str] | None = None) -> int:
    """Apply the migrations; return the exit code: 1 if that is not possible."""
    parser = argparse.ArgumentParser(
        prog="{{ cookiecutter.import_name }}",
        description=f"The database of DATABASE_URL (default: {DEFAULT_URL}, in this folder).",
    )
    verbs = parser.add_subparsers(required=True, metavar="command")
    verbs.add_parser("upgrade", help="apply the migrations that it lacks")
    parser.parse_args(arguments)
    try:
        newest = upgrade(os.environ.get("DATABASE_URL") or DEFAULT_URL)
    except (SQLAlchemyError, ValueError) as error:
        # That of the driver, without the statement, and in one line.
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        print(f"{parser.prog}: DATABASE_URL: {reason}", file=sys.stderr)  # noqa: T201
        return 1
    print(f"{parser.prog}: the database is at {newest}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
