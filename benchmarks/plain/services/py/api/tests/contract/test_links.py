from pathlib import Path

from fastapi.testclient import TestClient

from acme_links import Links
from acme_svc_api.main import create


def test_links_are_made_once_the_database_has_its_tables(tmp_path: Path) -> None:
    database = tmp_path / "links.db"
    client = TestClient(create(database), raise_server_exceptions=False, follow_redirects=False)
    assert client.get("/ready").status_code == 500
    Links(database).migrate()
    assert client.get("/ready").status_code == 200

    link = client.post("/links", json={"url": "https://example.org"}).json()
    assert client.get(f"/r/{link['code']}").headers["location"] == "https://example.org/"
    assert client.get("/r/no-such-code").status_code == 404
