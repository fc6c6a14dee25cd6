from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from acme_links import Links
from acme_links.fastapi import routes


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    links = Links(tmp_path / "links.db")
    links.migrate()
    app = FastAPI()
    app.include_router(routes(links))
    return TestClient(app, follow_redirects=False)


def test_a_link_leads_where_it_should(client: TestClient) -> None:
    made = client.post("/links", json={"url": "https://example.org/a?b=c"})
    assert made.status_code == 201
    link = made.json()
    assert link == {"code": link["code"], "url": "https://example.org/a?b=c", "visits": 0}

    followed = client.get(f"/r/{link['code']}")
    assert (followed.status_code, followed.headers["location"]) == (307, link["url"])
    assert client.get("/links").json() == [{**link, "visits": 1}]


def test_there_is_no_such_link(client: TestClient) -> None:
    assert client.get("/r/no-such-code").status_code == 404


@pytest.mark.parametrize("url", ["", "example.org", "javascript:alert(1)"])
def test_what_is_no_address_is_refused(client: TestClient, url: str) -> None:
    assert client.post("/links", json={"url": url}).status_code == 422
    assert client.get("/links").json() == []
