"""An example: the routes of a shared package, with a database of their own for each test."""

from pathlib import Path

from fastapi.testclient import TestClient

from {{ cookiecutter.namespace|replace("-", "_") }}_notes import migrate
from {{ cookiecutter.import_name }}.main import service


def test_notes_are_kept_once_the_database_has_its_tables(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/notes.db"
    with TestClient(service.create(service.settings(database_url=url))) as client:
        assert client.get("/health").status_code == 200
        assert client.get("/ready").status_code == 503
        migrate(url)
        assert client.get("/ready").status_code == 200

        answer = client.post("/notes", json={"text": "first"})
        assert (answer.status_code, answer.json()) == (201, {"id": 1, "text": "first"})
        assert client.get("/notes").json() == [{"id": 1, "text": "first"}]
        assert client.get("/notes/2").json()["title"] == "Not Found"
        assert client.post("/notes", json={"text": ""}).json()["status"] == 422
