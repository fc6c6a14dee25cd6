"""What operators and other services rely on."""

from fastapi.testclient import TestClient

{% if cookiecutter.example %}
from {{ cookiecutter.import_name }}.main import ServiceSettings, create
{% else %}
from {{ cookiecutter.namespace|replace("-", "_") }}_service import Settings
from {{ cookiecutter.import_name }}.main import create
{% endif %}

SETTINGS = {{ "ServiceSettings" if cookiecutter.example else "Settings" }}(name="{{ cookiecutter.distribution }}")


def test_health_names_the_service() -> None:
    answer = TestClient(create(SETTINGS)).get("/health")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "name": "{{ cookiecutter.distribution }}",
        "version": SETTINGS.version,
    }
{% if not cookiecutter.example %}


def test_it_is_ready() -> None:
    with TestClient(create(SETTINGS)) as client:
        assert client.get("/ready").status_code == 200
{% endif %}
