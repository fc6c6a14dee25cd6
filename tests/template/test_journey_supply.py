"""What the software consists of, and what is known of it: silence is no good news."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from monorepo.core import hashes
from monorepo.locking import gpu
from tests.template.baking import changed, run
from tests.template.serving import Handler, Server, serving

pytestmark = pytest.mark.slow

OSV, NPM = "/v1/query", "/-/npm/v1/security/advisories/bulk"


class Advisories(Server):
    """Stands in for OSV and for what a registry tells npm; it knows nothing bad of anything."""

    def __init__(self) -> None:
        """Start without advisories."""
        super().__init__(_Served)
        self.vulnerable: dict[str, list[dict[str, Any]]] = {}
        self.npm: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[str] = []
        # How it answers: with a status, and a body instead of the right one.
        self.status = 200
        self.body: bytes | None = None


class _Served(Handler):
    server: Advisories

    def do_POST(self) -> None:  # noqa: N802
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == OSV:
            query = json.loads(asked)
            assert query["package"]["ecosystem"] == "PyPI"
            name = query["package"]["name"]
            self.server.asked.append(f"{name}=={query['version']}")
            found = self.server.vulnerable.get(name)
            told: object = {"vulns": found} if found else {}
        else:
            assert self.path == NPM
            told = self.server.npm
        body = json.dumps(told).encode() if self.server.body is None else self.server.body
        self.answer(body, status=self.server.status)


@pytest.fixture
def advisories() -> Iterator[Advisories]:
    """Start the stand-in."""
    server = Advisories()
    with serving(server):
        yield server


def audit(root: Path, advisories: Advisories, *words: str, code: int = 0) -> str:
    """Run the verb, whose exit code make would hide."""
    env = {
        "PIP_AUDIT_OSV_URL": advisories.url + OSV,
        # Of its other variables, none counts.
        "PIP_AUDIT_OUTPUT": "elsewhere",
        "PIP_AUDIT_VULNERABILITY_SERVICE": "pypi",
        "pnpm_config_registry": advisories.url,
    }
    return run(root, "sh", "tools/make/monorepo.sh", "audit", *words, env=env, code=code)


def test_what_is_known_of_the_pins(ready: Path, advisories: Advisories) -> None:
    assert "\nno known vulnerability\n" in f"\n{audit(ready, advisories)}"
    # Those for other platforms, too, and those that are for nobody but these programs.
    pins = hashes.pins(ready)
    names = {question.partition("==")[0] for question in advisories.asked}
    assert names == pins.keys() > {"colorama", "pip-audit"}
    assert len(list(ready.glob(".venv/lib/python*/site-packages/pip_audit"))) == 0

    version = pins["click"][0].partition("==")[2]
    know(advisories)
    output = audit(ready, advisories, code=1)
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in output.splitlines()]
    head = ["pin", "version", "advisory", "fixed in", "packages"]
    table = rows[rows.index(head) + 2 :]
    assert table[0] == [
        *("click", version, "CVE-2026-1, PYSEC-2026-7", "99.1"),
        "tools, shared/py/service, services/py/api",
    ]
    assert table[1][0] == "fastify" and table[1][2] == "GHSA-aaaa-bbbb-cccc"
    assert "services/js/web" in table[1][4]


def test_builds_for_a_gpu_are_asked_about(
    edited: Callable[..., None], ready: Path, advisories: Advisories
) -> None:
    edited(
        "services/py/api/pyproject.toml",
        "[tool.monorepo]\n",
        '[project.optional-dependencies]\ngpu = ["torch>=2.9"]\n\n[tool.monorepo]\n',
    )
    builds = ready / gpu.PINS
    builds.write_text(
        f"{hashes.lines('nvidia-cuda==12.6', [])}"
        f"{hashes.lines('torch==2.9.0+cu126', [])}    # {hashes.REQUIRES} nvidia-cuda\n",
        encoding="utf-8",
    )
    try:
        for name in ("torch", "nvidia-cuda"):
            know(advisories, name)
        output = audit(ready, advisories, code=1)
    finally:
        builds.unlink()
    # The build counts as the version that it is a build of.
    assert {"torch==2.9.0", "nvidia-cuda==12.6"} <= {*advisories.asked}
    assert "audit: 2 pins of tools/gpu.txt\n" in output
    for pin in ("torch | 2.9.0", "nvidia-cuda | 12.6"):
        assert f"| {pin} | CVE-2026-1, PYSEC-2026-7 | 99.1 | services/py/api |" in " ".join(
            output.split()
        )


def know(advisories: Advisories, name: str = "click") -> None:
    """Have an advisory about a Python package, and one about fastify."""
    events = [{"introduced": "0"}, {"fixed": "99.1"}]
    affected = {
        "package": {"name": name, "ecosystem": "PyPI"},
        "ranges": [{"type": "ECOSYSTEM", "events": events}],
    }
    bad = {"id": "PYSEC-2026-7", "aliases": ["CVE-2026-1"], "modified": "2026-01-01T00:00:00Z"}
    advisories.vulnerable[name] = [{**bad, "affected": [affected]}]
    vulnerable = {"severity": "high", "title": "bad", "vulnerable_versions": "<99", "cwe": []}
    page = "https://github.com/advisories/GHSA-aaaa-bbbb-cccc"
    advisories.npm["fastify"] = [{"id": 12, "url": page, **vulnerable}]


def ignoring(root: Path, *entries: tuple[str, str]) -> None:
    """Ignore advisories, each until a day."""
    manifest = root / "pyproject.toml"
    text = manifest.read_text(encoding="utf-8").partition("\n[[tool.monorepo.audit")[0]
    for name, until in entries:
        text += f'\n[[tool.monorepo.audit.ignore]]\nid = "{name}"\n'
        text += f'reason = "Never called."\nuntil = {until}\n'
    manifest.write_text(text, encoding="utf-8")


def test_what_does_not_concern_us_is_ignored_for_a_while(
    edited: object, ready: Path, advisories: Advisories
) -> None:
    know(advisories)
    # By any of its names.
    ignoring(ready, ("CVE-2026-1", "2999-01-01"), ("GHSA-aaaa-bbbb-cccc", "2999-01-01"))
    assert audit(ready, advisories).endswith("no known vulnerability\n")

    ignoring(ready, ("PYSEC-2026-7", "2026-01-01"), ("GHSA-zzzz-zzzz-zzzz", "2999-01-01"))
    output = audit(ready, advisories, code=1)
    start = "pyproject.toml: [[tool.monorepo.audit.ignore]]: "
    assert "| click " in output and "| fastify " in output
    said = "PYSEC-2026-7 was ignored until 2026-01-01; fix it, or give a reason for longer"
    assert f"\n{start}{said}\n" in output
    assert f"\n{start}no pin has GHSA-zzzz-zzzz-zzzz; remove it\n" in output

    output = audit(ready, advisories, "--format", "json", code=1)
    report = json.loads(output[output.index("{") :])
    assert (report["schema_version"], report["status"]) == (1, "error")
    checks = {(check["id"], check["path"]): check for check in report["checks"]}
    assert sorted(checks) == [
        ("audit.expired", "pyproject.toml"),
        ("audit.unused", "pyproject.toml"),
        ("audit.vulnerable", "constraints.txt"),
        ("audit.vulnerable", "pnpm-lock.yaml"),
    ]
    click = checks["audit.vulnerable", "constraints.txt"]
    assert click["fix"] == "run make lock UPGRADE=click, for 99.1"
    assert click["message"].endswith("is vulnerable: CVE-2026-1, PYSEC-2026-7")

    ignoring(ready)
    advisories.vulnerable.clear()
    advisories.npm.clear()
    output = audit(ready, advisories, "--format", "json")
    (check,) = json.loads(output[output.index("{") :])["checks"]
    assert (check["id"], check["status"]) == ("audit.vulnerable", "ok")


def test_names_of_a_private_index_are_told_to_nobody(
    edited: object, ready: Path, advisories: Advisories
) -> None:
    manifest = ready / "pyproject.toml"
    text = manifest.read_text(encoding="utf-8")
    table = '\n[tool.monorepo.indexes.corp]\nurl = "https://packages.example.com/simple"\n'
    table += 'names = ["click"]\n'
    manifest.write_text(text + table, encoding="utf-8")
    output = audit(ready, advisories)
    said = "audit: constraints.txt: not asked about click, which private indexes have\n"
    assert said in output
    names = {question.partition("==")[0] for question in advisories.asked}
    assert "click" not in names and "fastapi" in names

    # What everybody may know is the same as on PyPI.
    manifest.write_text(f"{text}{table}public = true\n", encoding="utf-8")
    assert "not asked" not in audit(ready, advisories)
    assert "click" in {question.partition("==")[0] for question in advisories.asked}


@pytest.mark.parametrize(
    ("status", "body"), [(500, b"{}"), (200, b"<html>"), (200, b""), (404, b"{}")]
)
def test_no_answer_is_no_good_news(
    ready: Path, advisories: Advisories, status: int, body: bytes
) -> None:
    advisories.status, advisories.body = status, body
    output = audit(ready, advisories, code=2)
    assert "monorepo: audit: pip-audit gets no answer (" in output
    assert "Traceback" not in output and "no known" not in output


def test_nor_is_a_registry_that_does_not_answer(ready: Path, advisories: Advisories) -> None:
    assert "no known" in audit(ready, advisories)
    env = {"PIP_AUDIT_OSV_URL": advisories.url + OSV, "pnpm_config_registry": "http://127.0.0.1:9"}
    output = run(ready, "sh", "tools/make/monorepo.sh", "audit", env=env, code=2)
    assert "monorepo: audit: pnpm audit gets no answer (" in output


def test_a_team_can_do_without(ready: Path, advisories: Advisories) -> None:
    manifest = ready / "pyproject.toml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace('audit = ["pip-audit', 'other = ["pip-audit'), "utf-8")
    output = audit(ready, advisories, code=2)
    said = "pyproject.toml: has no dependency group audit; write"
    assert f"monorepo: {said}" in output
    manifest.write_text(text, encoding="utf-8")


def test_what_services_consist_of(ready: Path) -> None:
    services = {"services/py/api": "fastapi", "services/js/web": "fastify"}
    files = {path: ready / path / "build/sbom.cdx.json" for path in services}
    output = run(ready, "make", "sbom")
    for path, name in services.items():
        assert f"{path}/build/sbom.cdx.json: " in output
        bom = json.loads(files[path].read_text(encoding="utf-8"))
        assert bom["bomFormat"] == "CycloneDX" and bom["specVersion"] == "1.6"
        urls = [one.get("purl", "") for one in bom["components"]]
        assert [url for url in urls if f"/{name}@" in url], urls
        # What only tests need is not there, and a name of ours leads to nobody.
        text = files[path].read_text(encoding="utf-8")
        assert "pytest" not in text and "publint" not in text
        assert not [url for url in urls if "acme" in url] and str(ready) not in text
        known = {one["bom-ref"] for one in [*bom["components"], bom["metadata"]["component"]]}
        assert {ref for one in bom["dependencies"] for ref in one["dependsOn"]} <= known
        assert any("acme" in ref and "service" in ref for ref in known)
    then = [file.read_bytes() for file in files.values()]
    run(ready, "make", "sbom")
    assert [file.read_bytes() for file in files.values()] == then
    assert changed(ready) == ""
    names = ("SHA", "REF", "RUN_ID", "WORKFLOW")
    made = run(ready, "make", "--silent", "snapshot", env={f"GITHUB_{name}": "x" for name in names})
    manifests = json.loads(made[made.index("{") :])["manifests"]
    assert {path.rpartition("/")[0] for path in manifests} == services.keys()
    assert all(one["resolved"] for one in manifests.values())
