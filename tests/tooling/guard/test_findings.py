"""Findings are reported for people, programs, GitHub and code scanning."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.guard import findings
from monorepo.guard.findings import Finding

ONE = Finding("a/b.py", 3, "thin", "has 30 lines", "move code")
WARNING = Finding(".", 0, "pins", "nothing to check", "see it", "warn")
texts = st.text(st.characters(codec="utf-8"), max_size=12)
any_findings = st.lists(
    st.builds(Finding, texts, st.integers(0, 9), texts, texts, texts), max_size=3
)


def test_text() -> None:
    assert findings.render([ONE, WARNING], "text", {}, "").splitlines() == [
        "a/b.py:3: thin: has 30 lines; move code",
        ".: pins: warn: nothing to check; see it",
    ]


@pytest.mark.parametrize(
    ("found", "status"), [([], "ok"), ([WARNING], "warn"), ([WARNING, ONE], "error")]
)
def test_json_has_a_check_for_each_rule(found: list[Finding], status: str) -> None:
    report = json.loads(findings.as_json(found, ["thin", "pins"], "Acme"))
    assert (report["schema_version"], report["status"], report["project"]) == (1, status, "Acme")
    assert {check["id"] for check in report["checks"]} == {"thin", "pins"}


def test_the_shape_of_a_check() -> None:
    (check,) = json.loads(findings.as_json([ONE], ["thin"], ""))["checks"]
    assert check == {
        "id": "thin",
        "status": "error",
        "name": "thin",
        "message": "has 30 lines",
        "fix": "move code",
        "path": "a/b.py",
        "line": 3,
    }


def test_github_escapes_what_would_end_a_property() -> None:
    odd = Finding("a,b:c.py", 0, "thin", "is 5%\nwrong", "x", "warn")
    assert findings.as_github([ONE, odd]).splitlines() == [
        "::error file=a/b.py,line=3,title=thin::has 30 lines; move code",
        "::warning file=a%2Cb%3Ac.py,title=thin::is 5%25%0Awrong; x",
    ]


def test_sarif() -> None:
    report = json.loads(findings.as_sarif([ONE, WARNING], {"thin": "Services are thin."}))
    (run,) = report["runs"]
    assert run["tool"]["driver"]["rules"] == [
        {"id": "thin", "shortDescription": {"text": "Services are thin."}},
        {"id": "pins", "shortDescription": {"text": ""}},
    ]
    first, second = run["results"]
    place = first["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "a/b.py"}, "region": {"startLine": 3}}
    assert (first["level"], second["level"]) == ("error", "warning")
    assert "region" not in second["locations"][0]["physicalLocation"]


@given(any_findings)
def test_any_findings_are_one_command_each(found: list[Finding]) -> None:
    text = findings.as_github(found)
    assert text.count("\n") == max(len(found) - 1, 0)
    assert len(json.loads(findings.as_sarif(found, {}))["runs"][0]["results"]) == len(found)


@pytest.mark.parametrize("form", ["text", "github"])
def test_without_findings(form: str) -> None:
    assert findings.render([], form, {}, "") == "nothing found"
