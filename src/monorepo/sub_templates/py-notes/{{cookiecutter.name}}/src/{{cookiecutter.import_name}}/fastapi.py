"""The routes `/notes`. This submodule needs the extra `fastapi`."""

{% if cookiecutter.manifests %}
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
{% endif %}
from typing import Annotated, Protocol, cast

try:
    from fastapi import APIRouter, Depends, HTTPException, Request, Response
    from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
except ImportError as error:
    raise ImportError(
        '{{ cookiecutter.import_name }}.fastapi needs the extra "fastapi"; '
        'add "{{ cookiecutter.distribution }}[fastapi]" '
        "to the dependencies in your pyproject.toml and run make install"
    ) from error

from . import store
from .store import DEFAULT_URL, LONGEST, Notes, connect

{% if cookiecutter.manifests %}
__all__ = [
    "DEFAULT_DATABASE",
    "DatabaseUrl",
    "add",
    "check",
    "lifespan",
    "migrate",
    "read",
    "read_all",
    "router",
]
{% else %}
__all__ = ["DEFAULT_DATABASE", "DatabaseUrl", "migrate", "router"]
{% endif %}


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


def _held(request: Request) -> Notes:
    return cast(Notes, request.state.notes)


Held = Annotated[Notes, Depends(_held)]
"""The notes that the lifespan of the application yields."""

router = APIRouter(prefix="/notes", tags=["notes"])
"""The routes, for `app.include_router`; the lifespan of the application is `Notes.lifespan`."""


@router.get("")
def read_all(notes: Held) -> list[KeptNote]:
    """Return all notes, the oldest first."""
    return [KeptNote.model_validate(note) for note in notes.every()]


@router.post("", status_code=201)
def add(note: NewNote, notes: Held, response: Response) -> KeptNote:
    """Keep a note."""
    response.status_code = 201
    return KeptNote.model_validate(notes.add(note.text))


@router.get("/{number}")
def read(number: int, notes: Held) -> KeptNote:
    """Return one note."""
    found = notes.get(number)
    if found is None:
        raise HTTPException(404, "There is no such note.")
    return KeptNote.model_validate(found)
{% if cookiecutter.manifests %}


@asynccontextmanager
async def lifespan(settings: HasDatabase) -> AsyncIterator[dict[str, Notes]]:
    """Open the notes of a service that is configured; it has the routes one by one.

    Raises:
        ValueError: When there can't be such a database; the runtime tells it as a bad setting.
    """
    try:
        notes = Notes(settings.database_url.get_secret_value())
    except ValueError as error:
        raise ValueError(f"DATABASE_URL: {error}") from None
    async with notes.lifespan(None) as state:
        yield state


async def check(state: Mapping[str, Notes]) -> None:
    """Check the notes that `lifespan` has opened; see `Notes.check`."""
    await state["notes"].check()
{% endif %}
