"""What sp-repo-review finds in a new monorepo is known, and its reason written down."""

import re
from pathlib import Path

from repo_review.processor import process

from tests.template.baking import TEMPLATE, bake


def test_each_finding_has_its_reason(tmp_path: Path) -> None:
    table = (TEMPLATE / "docs/repo-review.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([A-Z]+\d+(?:, [A-Z]+\d+)*) \| .+ \| .+ \|$", table, re.MULTILINE)
    explained = [name for row in rows for name in row.split(", ")]
    results = process(bake(tmp_path)).results
    # It has looked at everything that there is to look at.
    assert {"GH", "MY", "NOX", "PC", "PP", "PY", "RF"} <= {
        one.name.rstrip("0123456789") for one in results
    }
    assert sum(one.result is True for one in results) > 30
    assert explained == [one.name for one in results if one.result is False]
