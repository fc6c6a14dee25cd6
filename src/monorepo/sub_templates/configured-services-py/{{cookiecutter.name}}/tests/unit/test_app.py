from fastapi.testclient import TestClient

from {{ cookiecutter.import_name }}.main import service


def test_an_unknown_path_is_not_found() -> None:
    answer = TestClient(service.create(service.settings())).get("/no-such-path")

    assert answer.status_code == 404
    assert answer.json()["title"] == "Not Found"
