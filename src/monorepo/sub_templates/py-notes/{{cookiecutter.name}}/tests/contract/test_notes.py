"""What services and their callers rely on."""

{% if cookiecutter.manifests %}
import asyncio
{% endif %}
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
{% if cookiecutter.manifests %}
from types import SimpleNamespace
{% endif %}

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr, TypeAdapter, ValidationError

import {{ cookiecutter.import_name }} as package
from {{ cookiecutter.import_name }} import Notes, migrate
from {{ cookiecutter.import_name }} import fastapi as web

WITHOUT = """
import sys
sys.modules["fastapi"] = None
import {{ cookiecutter.import_name }}
try:
    import {{ cookiecutter.import_name }}.fastapi
except ImportError as error:
    sys.exit(str(error))
"""


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    """Return a client of an application with an empty database."""
    url = f"sqlite:///{tmp_path}/notes.db"
    migrate(url)
    notes = Notes(url)
    app = FastAPI(lifespan=notes.lifespan)
    app.include_router(web.router)
    with TestClient(app) as client:
        yield client


def test_public_names() -> None:
    assert set(package.__all__) == {"Note", "NotMigratedError", "Notes", "migrate"}
    names = {"DEFAULT_DATABASE", "DatabaseUrl", "migrate", "router"}
{% if cookiecutter.manifests %}
    assert set(web.__all__) == {*names, "add", "check", "lifespan", "read", "read_all"}
{% else %}
    assert set(web.__all__) == names
{% endif %}


def test_without_the_extra_the_error_says_what_to_install() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True)

    assert done.returncode == 1
    assert '"{{ cookiecutter.distribution }}[fastapi]"' in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_notes_are_kept(client: TestClient) -> None:
    assert client.get("/notes").json() == []
    answer = client.post("/notes", json={"text": "😀" * 1000})
    assert answer.status_code == 201
    first = {"id": 1, "text": "😀" * 1000}
    assert answer.json() == first
    assert client.post("/notes", json={"text": "b"}).json() == {"id": 2, "text": "b"}

    assert client.get("/notes").json() == [first, {"id": 2, "text": "b"}]
    assert client.get("/notes/1").json() == first


@pytest.mark.parametrize("number", [0, 1, -1, 2**31, 2**64])
def test_there_is_no_such_note(client: TestClient, number: int) -> None:
    assert client.get(f"/notes/{number}").status_code == 404


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": "x" * 1001}, {"text": "a\0b"}])
def test_what_is_no_note_is_refused(client: TestClient, body: dict[str, str]) -> None:
    assert client.post("/notes", json=body).status_code == 422
    assert client.get("/notes").json() == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("secret", "should be the address of a database"),
        ("nosuch://u:secret@host/x", "should be the address of a database"),
        # It has a dialect of SQLAlchemy, and no driver here.
        ("oracle+oracledb://u:secret@host/x", "needs oracledb"),
    ],
)
def test_a_bad_address_is_told_without_it(url: str, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(web.DatabaseUrl).validate_python(SecretStr(url))

    (error,) = caught.value.errors()
    assert said in error["msg"]
    assert "secret" not in error["msg"]
{% if cookiecutter.manifests %}


def test_a_bad_address_is_told_by_the_name_of_the_setting() -> None:
    async def open_notes() -> None:
        settings = SimpleNamespace(database_url=SecretStr("secret"))
        async with web.lifespan(settings):
            pass

    with pytest.raises(ValueError, match=r"^DATABASE_URL: should be the address") as caught:
        asyncio.run(open_notes())
    assert "secret" not in str(caught.value)
{% endif %}


@pytest.mark.parametrize("url", ["sqlite:///notes.db", "postgres://u:p@host/x"])
def test_a_good_address_is_not_reached(url: str) -> None:
    assert TypeAdapter(web.DatabaseUrl).validate_python(SecretStr(url)).get_secret_value() == url
