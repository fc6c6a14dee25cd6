"""What operators and other services rely on."""

from fastapi.testclient import TestClient

from {{ cookiecutter.import_name }}.main import ServiceSettings, create

SETTINGS = ServiceSettings(name="{{ cookiecutter.distribution }}")


def test_health_names_the_service() -> None:
    answer = TestClient(create(SETTINGS)).get("/health")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "name": "{{ cookiecutter.distribution }}",
        "version": SETTINGS.version,
    }
