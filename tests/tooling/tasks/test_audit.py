"""What does not concern a repository, in its settings."""

from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.system.errors import UsageError
from monorepo.tasks import audit

WHERE = "pyproject.toml: tool.monorepo.audit"


@pytest.mark.parametrize(
    ("table", "mistakes"),
    [
        ("audit = 1", [": is not a table; write [[tool.monorepo.audit.ignore]]"]),
        ("audit.ignored = []", [".'ignored': is not known; remove it"]),
        ("audit.ignore = 1", [".ignore: is not a list; write [[tool.monorepo.audit.ignore]]"]),
        (
            'audit.ignore = [{id = "A", reason = "b", until = 2999-01-01}, {id = 1, until = "x"}]',
            [
                '.ignore[2].id: is not there; write id = "CVE-2026-1234"',
                '.ignore[2].reason: is not there; write reason = "we never call it"',
                ".ignore[2].until: is not a date; write until = 2027-01-31",
            ],
        ),
        (
            'audit.ignore = [{id = "A", reason = " ", until = 2999-01-01T00:00:00, when = 1}]',
            [
                ".ignore[1].'when': is not known; write id, reason and until only",
                '.ignore[1].reason: is not there; write reason = "we never call it"',
                ".ignore[1].until: is not a date; write until = 2027-01-31",
            ],
        ),
        ("audit.ignore = [1]", [".ignore[1].id: is not there"]),
    ],
)
def test_all_mistakes_are_told_before_anything_is_asked(
    root: Path, table: str, mistakes: list[str]
) -> None:
    manifest = root / "pyproject.toml"
    text = manifest.read_text(encoding="utf-8")
    assert "[tool.monorepo]\n" in text
    text = text.replace("[tool.monorepo]\n", f"[tool.monorepo]\n{table}\n", 1)
    manifest.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as raised:
        audit.audit(workspace.load(root))
    for mistake in mistakes:
        assert any(said.startswith(f"{WHERE}{mistake}") for said in raised.value.mistakes), mistake
