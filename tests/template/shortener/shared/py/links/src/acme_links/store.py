"""The links in an SQLite database, and its schema."""

import asyncio
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

_MIGRATIONS = (
    "CREATE TABLE links (code TEXT PRIMARY KEY, url TEXT NOT NULL)",
    "ALTER TABLE links ADD visits INTEGER NOT NULL DEFAULT 0",
)


class NotMigratedError(Exception):
    """The schema of the database is not the newest."""


@dataclass(frozen=True)
class Link:
    """A short link: its code, where it leads, and how often somebody followed it."""

    code: str
    url: str
    visits: int = 0


class Links:
    """The links in one database. Nothing is opened before it is needed."""

    def __init__(self, path: Path) -> None:
        """Take the file of the database."""
        self._path = path

    def migrate(self) -> str:
        """Apply the migrations that the database lacks; return what was done, in a sentence."""
        with self._connect() as database:
            done = _version(database)
            for number, statement in enumerate(_MIGRATIONS[done:], done + 1):
                database.execute(statement)
                database.execute(f"PRAGMA user_version = {number}")
        return f"applied {len(_MIGRATIONS) - done} of {len(_MIGRATIONS)} migrations"

    async def check(self) -> None:
        """Raise an error unless the database answers and its schema is the newest."""
        await asyncio.to_thread(self._check)

    def all(self) -> list[Link]:
        """Return all links, the newest first."""
        with self._connect() as database:
            rows = database.execute("SELECT code, url, visits FROM links ORDER BY rowid DESC")
            return [Link(*row) for row in rows]

    def add(self, url: str) -> Link:
        """Return a new link to a URL."""
        link = Link(secrets.token_urlsafe(5), url)
        with self._connect() as database:
            database.execute("INSERT INTO links (code, url) VALUES (?, ?)", (link.code, link.url))
        return link

    def follow(self, code: str) -> str | None:
        """Count a visit, and return where the link leads; None if there is no such link."""
        command = "UPDATE links SET visits = visits + 1 WHERE code = ? RETURNING url"
        with self._connect() as database:
            row = database.execute(command, (code,)).fetchone()
        return None if row is None else str(row[0])

    def _check(self) -> None:
        with self._connect() as database:
            if _version(database) != len(_MIGRATIONS):
                raise NotMigratedError("the database lacks migrations")

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection, whose changes are kept unless an exception is raised."""
        with closing(sqlite3.connect(self._path)) as database, database:
            yield database


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])
