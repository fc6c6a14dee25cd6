from fastapi.testclient import TestClient

from {{ cookiecutter.import_name }}.main import app


def test_an_unknown_path_is_not_found() -> None:
    assert TestClient(app).get("/no-such-path").status_code == 404
