from fastapi.testclient import TestClient

from {{ cookiecutter.import_name }}.main import ServiceSettings, create


def test_an_unknown_path_is_not_found() -> None:
    answer = TestClient(create(ServiceSettings(name="test"))).get("/no-such-path")

    assert answer.status_code == 404
    assert answer.json()["title"] == "Not Found"
