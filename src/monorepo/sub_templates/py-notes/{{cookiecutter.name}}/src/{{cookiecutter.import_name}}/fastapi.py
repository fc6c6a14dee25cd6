"""The routes `/notes`. This submodule needs the extra `fastapi`."""

from typing import Annotated, Protocol

try:
    from fastapi import APIRouter, HTTPException
    from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
except ImportError as error:
    raise ImportError(
        '{{ cookiecutter.import_name }}.fastapi needs the extra "fastapi"; '
        'add "{{ cookiecutter.distribution }}[fastapi]" '
        "to the dependencies in your pyproject.toml and run make install"
    ) from error

from . import store
from .store import DEFAULT_URL, LONGEST, Note, Notes, connect

__all__ = ["DEFAULT_DATABASE", "DatabaseUrl", "migrate", "routes"]


def _checked(value: SecretStr) -> SecretStr:
    connect(value.get_secret_value())
    return value


DEFAULT_DATABASE = SecretStr(DEFAULT_URL)
DatabaseUrl = Annotated[
    SecretStr,
    AfterValidator(_checked),
    Field(description=f"the database; for development `{DEFAULT_URL}` in this folder"),
]
"""A setting: the address of the database, which may have a password in it."""


class HasDatabase(Protocol):
    """Settings with a `DatabaseUrl`."""

    @property
    def database_url(self) -> SecretStr: ...


def migrate(settings: HasDatabase) -> str:
    """Apply all migrations that the database lacks: a command of a service; see `store.migrate`."""
    return store.migrate(settings.database_url.get_secret_value())


class NewNote(BaseModel):
    """A note to be kept."""

    # PostgreSQL takes no NUL.
    text: str = Field(min_length=1, max_length=LONGEST, pattern=r"^[^\x00]*$")


class KeptNote(BaseModel):
    """A note that is kept."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    text: str


def routes(notes: Notes) -> APIRouter:
    """Return the routes of these notes, for `app.include_router`."""
    router = APIRouter(prefix="/notes", tags=["notes"])

    @router.get("", response_model=list[KeptNote])
    def read_all() -> list[Note]:
        """Return all notes, the oldest first."""
        return notes.every()

    @router.post("", response_model=KeptNote, status_code=201)
    def add(note: NewNote) -> Note:
        """Keep a note."""
        return notes.add(note.text)

    @router.get("/{number}", response_model=KeptNote)
    def read(number: int) -> Note:
        """Return one note."""
        found = notes.get(number)
        if found is None:
            raise HTTPException(404, "There is no such note.")
        return found

    return router
