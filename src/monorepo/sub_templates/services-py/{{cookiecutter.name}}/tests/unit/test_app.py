from fastapi.testclient import TestClient

{% if cookiecutter.example %}
from {{ cookiecutter.import_name }}.main import ServiceSettings, create
{% else %}
from {{ cookiecutter.namespace|replace("-", "_") }}_service import Settings
from {{ cookiecutter.import_name }}.main import create
{% endif %}


def test_an_unknown_path_is_not_found() -> None:
    answer = TestClient(create({{ "ServiceSettings" if cookiecutter.example else "Settings" }}(name="test"))).get("/no-such-path")

    assert answer.status_code == 404
    assert answer.json()["title"] == "Not Found"
