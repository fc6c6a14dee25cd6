"""The notes in real databases, and the migrations that make their tables."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import make_url, text
from sqlalchemy.exc import SQLAlchemyError

from {{ cookiecutter.import_name }} import Notes, NotMigratedError, store, upgrade
from {{ cookiecutter.import_name }}.__main__ import main

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
    upgrade(url)
    assert Notes(url).add("one").id == 1

    notes = Notes(url)
    assert [(note.id, note.text) for note in notes.every()] == [(1, "one")]
    found = notes.get(1)
    assert found is not None
    assert found.text == "one"
    assert notes.get(2) is None


def test_it_is_ready_once_all_migrations_are_applied(url: str) -> None:
    notes = Notes(url)
    with pytest.raises(NotMigratedError, match="is at nothing, not at 0001; run python -m"):
        asyncio.run(notes.check())

    assert upgrade(url) == "0001"
    assert upgrade(url) == "0001"
    asyncio.run(notes.check())


def test_a_database_that_does_not_answer_is_not_ready(tmp_path: Path) -> None:
    with pytest.raises(SQLAlchemyError):
        asyncio.run(Notes(f"sqlite:///{tmp_path}/missing/notes.db").check())


def test_tables_and_migrations_are_equal(url: str, alembic: Config) -> None:
    upgrade(url)
    # Raises if one of them has what the other lacks.
    command.check(alembic)


def test_migrations_can_be_undone(url: str, alembic: Config) -> None:
    upgrade(url)
    command.downgrade(alembic, "base")
    with pytest.raises(NotMigratedError):
        asyncio.run(Notes(url).check())
    assert upgrade(url) == "0001"


def test_the_command_applies_them(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "{{ cookiecutter.import_name }}", "upgrade"]
    # An empty variable counts as one that is not set.
    env = os.environ | {"DATABASE_URL": ""}
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "{{ cookiecutter.import_name }}: the database is at 0001\n"
    assert Notes(f"sqlite:///{tmp_path}/notes.db").every() == []


@pytest.mark.parametrize(
    "url", ["secret", "postgresql://u:secret@127.0.0.1:9/x", "sqlite:////no/such/folder/x.db"]
)
def test_the_command_says_what_is_wrong_in_one_line(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)

    assert main(["upgrade"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("{{ cookiecutter.import_name }}: DATABASE_URL: ")
    assert len(said.err.splitlines()) == 1
    assert "secret" not in said.err
