"""The notes in a database, and whether its schema is the newest."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, String, create_engine, make_url, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

DEFAULT_URL = "sqlite:///notes.db"
"""A file in the folder in which the program runs, for development."""
LONGEST = 1000
_LARGEST_ID = 2**31 - 1


class NotMigratedError(Exception):
    """The schema of the database is not the newest."""


class Base(DeclarativeBase):
    """The tables, which the migrations make."""


class Note(Base):
    """A note: `id` counts from 1, `text` has at most LONGEST characters."""

    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(String(LONGEST))


class Notes:
    """The notes in one database. Nothing is opened before it is needed."""

    def __init__(self, url: str) -> None:
        """Take the address of the database, such as `sqlite:///notes.db`.

        Raises:
            ValueError: When it is no such address, or of a database whose driver is not installed.
        """
        self._engine = connect(url)

    def every(self) -> list[Note]:
        """Return all notes, the oldest first."""
        with Session(self._engine) as session:
            return list(session.scalars(select(Note).order_by(Note.id)))

    def get(self, number: int) -> Note | None:
        """Return the note with that id; None if there is none."""
        if not 0 < number <= _LARGEST_ID:
            return None
        with Session(self._engine) as session:
            return session.get(Note, number)

    def add(self, text: str) -> Note:
        """Keep a text of at most LONGEST characters, and return the note."""
        note = Note(text=text)
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            session.add(note)
        return note

    async def check(self) -> None:
        """Do nothing if the database answers and its schema is the newest: a check of `/ready`.

        Raises:
            NotMigratedError: When migrations have to be applied.
            sqlalchemy.exc.SQLAlchemyError: When the database does not answer.
        """
        await asyncio.to_thread(self._check)

    def _check(self) -> None:
        with self._engine.connect() as connection:
            heads = MigrationContext.configure(connection).get_current_heads()
        if set(heads) != self._newest:
            there = ", ".join(sorted(heads)) or "nothing"
            wanted = ", ".join(sorted(self._newest))
            raise NotMigratedError(f"the database is at {there}, not at {wanted}")

    @cached_property
    def _newest(self) -> set[str]:
        return set(ScriptDirectory.from_config(_config()).get_heads())

    @asynccontextmanager
    async def lifespan(self, _: object) -> AsyncIterator[dict[str, "Notes"]]:
        """Be the `notes` of each request's state; close the connections at the end."""
        try:
            yield {"notes": self}
        finally:
            await asyncio.to_thread(self._engine.dispose)


def connect(url: str) -> Engine:
    """Return where the database is; `postgres://` and `postgresql://` are psycopg's.

    Raises:
        ValueError: When it is no address, or of a database whose driver is not installed.
    """
    # No message has the address, which may have a password in it.
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgres", "postgresql"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        return create_engine(parsed, hide_parameters=True, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        extra = "{{ cookiecutter.distribution }}[postgres]"
        raise ValueError(f'needs {error.name}; for PostgreSQL, require "{extra}"') from None
    except Exception:
        raise ValueError(f"should be the address of a database, such as {DEFAULT_URL}") from None


def migrate(url: str) -> str:
    """Apply all migrations that the database lacks, or none; return what was done, in a sentence.

    Raises:
        ValueError: When there can't be such a database; see `connect`.
        NotMigratedError: When the database does not answer, or refuses.
    """
    engine, config = connect(url), _config()
    try:
        with engine.begin() as connection:
            before = MigrationContext.configure(connection).get_current_revision()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except SQLAlchemyError as error:
        # That of the driver, without the statement.
        raise NotMigratedError(str(getattr(error, "orig", None) or error)) from error
    finally:
        engine.dispose()
    script = ScriptDirectory.from_config(config)
    applied = [each.revision for each in script.iterate_revisions("head", before or "base")]
    return f"applied {', '.join(reversed(applied))}" if applied else "the schema is the newest"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", f"{__package__}:migrations")
    return config
