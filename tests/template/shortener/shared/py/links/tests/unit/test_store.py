import asyncio
import sqlite3
from pathlib import Path

import pytest

from acme_links import Link, Links, NotMigratedError


def test_links_are_kept_and_visits_counted(tmp_path: Path) -> None:
    file = tmp_path / "links.db"
    assert Links(file).migrate() == "applied 2 of 2 migrations"
    first, second = [Links(file).add(f"https://example.org/{number}") for number in (1, 2)]

    assert Links(file).follow(first.code) == "https://example.org/1"
    assert Links(file).follow("no-such-code") is None
    assert Links(file).all() == [second, Link(first.code, first.url, visits=1)]


def test_it_is_ready_once_all_migrations_are_applied(tmp_path: Path) -> None:
    links = Links(tmp_path / "links.db")
    with pytest.raises(NotMigratedError):
        asyncio.run(links.check())

    links.migrate()
    asyncio.run(links.check())
    assert links.migrate() == "applied 0 of 2 migrations"


def test_a_database_that_cannot_be_opened_is_not_ready(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        asyncio.run(Links(tmp_path / "missing/links.db").check())
