"""The notes in real databases, and the migrations that make their tables."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import make_url, text
from sqlalchemy.exc import SQLAlchemyError

from {{ cookiecutter.import_name }} import Notes, NotMigratedError, migrate, store

SERVER = os.environ.get("POSTGRES_URL", "")
POSTGRES = pytest.mark.skipif(not SERVER, reason="POSTGRES_URL names no server")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=POSTGRES)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the address of an empty database; in PostgreSQL it is a schema."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/notes.db"
        return
    schema = f"test_{uuid4().hex}"
    engine = store.connect(SERVER)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    given = make_url(SERVER).update_query_dict({"options": f"-csearch_path={schema}"})
    yield given.render_as_string(hide_password=False)
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


@pytest.fixture
def alembic(url: str, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Return the configuration that the command `alembic` finds in this package."""
    monkeypatch.setenv("DATABASE_URL", url)
    return Config(toml_file=Path(__file__).parents[2] / "pyproject.toml")


def test_notes_are_there_for_whoever_opens_the_database_next(url: str) -> None:
    migrate(url)
    assert Notes(url).add("one").id == 1

    notes = Notes(url)
    assert [(note.id, note.text) for note in notes.every()] == [(1, "one")]
    found = notes.get(1)
    assert found is not None
    assert found.text == "one"
    assert notes.get(2) is None


def test_it_is_ready_once_all_migrations_are_applied(url: str) -> None:
    notes = Notes(url)
    with pytest.raises(NotMigratedError, match="is at nothing, not at "):
        asyncio.run(notes.check())

    assert migrate(url).startswith("applied 0001")
    assert migrate(url) == "the schema is the newest"
    asyncio.run(notes.check())


def test_a_database_that_does_not_answer_is_not_ready(tmp_path: Path) -> None:
    with pytest.raises(SQLAlchemyError):
        asyncio.run(Notes(f"sqlite:///{tmp_path}/missing/notes.db").check())


def test_tables_and_migrations_are_equal(url: str, alembic: Config) -> None:
    migrate(url)
    # Raises if one of them has what the other lacks.
    command.check(alembic)


def test_migrations_can_be_undone(url: str, alembic: Config) -> None:
    migrate(url)
    command.downgrade(alembic, "base")
    with pytest.raises(NotMigratedError):
        asyncio.run(Notes(url).check())
    assert migrate(url).startswith("applied 0001")


@pytest.mark.parametrize(
    "url", ["postgresql://u:secret@127.0.0.1:9/x", "sqlite:////no/such/folder/x.db"]
)
def test_what_cannot_be_migrated_is_told_without_its_address(url: str) -> None:
    with pytest.raises(NotMigratedError) as caught:
        migrate(url)
    assert "secret" not in str(caught.value)
