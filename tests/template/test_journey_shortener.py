"""A URL shortener in two languages, from `make new` to a page in a browser."""

import json
import urllib.request
from pathlib import Path

import pytest

from tests.template import team
from tests.template.baking import changed, commit, run
from tests.template.test_journey_apps import OPENER, browser, developing, get
from tests.template.test_journey_monorepo import free_port

pytestmark = pytest.mark.slow


def test_a_url_shortener(tmp_path: Path, subtests: pytest.Subtests) -> None:
    root = team.start(tmp_path)
    team.write(root)
    team.bring_in_step(root)
    commit(root)
    with subtests.test("in the repository"):
        run(root, "make", "check", "smoke", "build", "guard", "lock-check", "format")
        assert changed(root) == ""
    with subtests.test("each package alone"):
        # The runtime of services, which the team has not written, other journeys prove.
        words = ("-t", "proof", "-k", "links or api or page", "--no-error-on-missing-interpreters")
        said = run(root, root / ".venv/bin/nox", *words)
        for package in (team.LINKS, team.API):
            assert f"* test-lowest({package}): success" in said
        for package in (team.API, team.PAGE):
            assert f"* smoke({package}): success" in said
        # The contract test found the service.
        _, contract = said.split(f"Running session test({team.CLIENT})\n")
        assert "skipped 0" in contract.partition("Running session")[0]
    with subtests.test("in development"):
        ports = {path: free_port() for path in (team.API, team.PAGE)}
        for path, port in ports.items():
            (root / path / ".env").write_text(f"PORT={port}\n", encoding="utf-8")
        assert "applied 2 of 2 migrations" in run(root, "make", "-C", team.API, "migrate")
        with developing(root, *ports):
            page = f"http://127.0.0.1:{ports[team.PAGE]}"
            body = json.dumps({"url": f"{page}/src/App.tsx"}).encode()
            headers = {"Content-Type": "application/json"}
            assert json.loads(get(f"{page}/api/links")) == []
            with OPENER.open(urllib.request.Request(f"{page}/api/links", body, headers)) as answer:
                code = json.load(answer)["code"]
            assert "Shortens addresses" in get(f"{page}/api/r/{code}")
            assert json.loads(get(f"{page}/api/links"))[0]["visits"] == 1
            if browser() is None:
                pytest.skip("needs Chromium")
            said = run(root / team.PAGE, "make", "test", env={"PRODUCT_URL": page})
            assert "skipped 0" in said
