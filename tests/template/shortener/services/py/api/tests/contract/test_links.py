from pathlib import Path

from fastapi.testclient import TestClient

from acme_links import Links
from acme_svc_api.main import ServiceSettings, create


def test_links_are_made_once_the_database_has_its_tables(tmp_path: Path) -> None:
    settings = ServiceSettings(name="test", database=tmp_path / "links.db")
    with TestClient(create(settings), follow_redirects=False) as client:
        assert client.get("/ready").status_code == 503
        Links(settings.database).migrate()
        assert client.get("/ready").status_code == 200

        link = client.post("/links", json={"url": "https://example.org"}).json()
        assert client.get(f"/r/{link['code']}").headers["location"] == "https://example.org/"
        assert client.get("/r/no-such-code").json()["title"] == "Not Found"
