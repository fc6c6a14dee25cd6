"""What operators and other services rely on."""

from fastapi.testclient import TestClient

from {{ cookiecutter.import_name }}.main import service


def test_health_names_the_service() -> None:
    settings = service.settings()
    answer = TestClient(service.create(settings)).get("/health")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "name": "{{ cookiecutter.distribution }}",
        "version": settings.version,
    }
{% if not cookiecutter.example %}


def test_it_is_ready() -> None:
    with TestClient(service.create(service.settings())) as client:
        assert client.get("/ready").status_code == 200
{% endif %}
