from fastapi.testclient import TestClient

from {{ cookiecutter.import_name }} import Settings
from {{ cookiecutter.import_name }}.fastapi import create_app


def test_health() -> None:
    with TestClient(create_app(Settings(name="api"))) as client:
        answer = client.get("/health")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "name": "api"}


def test_two_applications_share_nothing() -> None:
    first, second = (create_app(Settings(name=name)) for name in ("one", "two"))

    assert TestClient(first).get("/health").json()["name"] == "one"
    assert TestClient(second).get("/health").json()["name"] == "two"
