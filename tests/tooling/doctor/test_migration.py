"""The rows of `artifacts` become `python.packages`, and all comments stay (wish C5)."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.core import base_manifest
from monorepo.core.base_manifest import FILE
from monorepo.doctor import migration
from monorepo.system.errors import UsageError
from tests.examples import times

Write = Callable[[dict[str, str]], None]

OLD = """\
# The head.
schema_version: 1  # the first

artifacts:  # from before
  # For tests.
  - type: python-package
    name: pytest  # the runner
    # Not the newest.
    version: 8.4.1
  - {type: python-package, name: "black", version: latest}  # style
  - type: python-package
    name: six
# About Python.
python:
  venv: default
  packages:  # ours
    - six    # old
    # The last.
    - httpx>=0.28
# The foot.
"""
NEW = """\
# The head.
schema_version: 1  # the first

# About Python.
python:
  venv: default
  packages:  # ours
    - six    # old
    # The last.
    - httpx>=0.28
    # from before
    # For tests.
    # the runner
    # Not the newest.
    - "pytest==8.4.1"
    # style
    - "black"
# The foot.
"""
ROWS = "artifacts: [{type: python-package, name: six, version: 1.17.0}]  # old\n"


def test_rows_move_and_comments_stay() -> None:
    assert migration.translated(OLD) == NEW
    assert migration.translated(NEW) == NEW


@pytest.mark.parametrize(
    ("text", "after"),
    [
        (ROWS, 'python:\n  packages:\n    - "six==1.17.0"\n    # old\n'),
        (
            f"{ROWS}python:\n  venv: default\n",
            'python:\n  venv: default\n  packages:\n    - "six==1.17.0"\n    # old\n',
        ),
        (
            f"python:\n    packages: [a, 'b[c]']  # two\n    venv: default\n{ROWS}",
            'python:\n    packages: # two\n      - "a"\n      - "b[c]"\n'
            '      - "six==1.17.0"\n      # old\n    venv: default\n',
        ),
        (
            f"python:\n  packages:\n  - a\n{ROWS}",
            'python:\n  packages:\n  - a\n  - "six==1.17.0"\n  # old\n',
        ),
        (
            "artifacts:\n- type: python-package\n  name: a\n\n\n",
            'python:\n  packages:\n    - "a"\n',
        ),
        ("python:\n  packages: [a]\n", None),
    ],
)
def test_lists_are_extended_where_they_are(text: str, after: str | None) -> None:
    head = "schema_version: 1\n"
    assert migration.translated(head + text) == head + (text if after is None else after)


def test_it_is_written_at_once_and_only_when_asked(root: Path, write: Write) -> None:
    write({FILE: OLD})
    (root / FILE).chmod(0o600)
    before = [entry.text for entry in base_manifest.load(root).listed()]
    assert (root / FILE).read_text(encoding="utf-8") == OLD
    assert migration.migrate(root) == f"{FILE}: artifacts are python.packages now"
    assert (root / FILE).read_text(encoding="utf-8") == NEW
    assert (root / FILE).stat().st_mode & 0o777 == 0o600
    assert {entry.text for entry in base_manifest.load(root).listed()} == set(before)
    assert migration.migrate(root) == f"{FILE}: has no artifacts; nothing changed"


def test_line_breaks_of_windows_stay(root: Path) -> None:
    (root / FILE).write_bytes(OLD.replace("\n", "\r\n").encode())
    migration.migrate(root)
    assert (root / FILE).read_bytes() == NEW.replace("\n", "\r\n").encode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is missing; there is nothing to migrate"),
        ("schema_version: 1\nartifacts: [x]\n", "artifacts[1]: is not a mapping"),
        (f"schema_version: 1\npython: {{venv: default}}\n{ROWS}", "python: is written in braces"),
    ],
)
def test_what_cannot_be_translated_is_left_as_it_is(
    root: Path, write: Write, text: str, said: str
) -> None:
    if text:
        write({FILE: text})
    with pytest.raises(UsageError) as raised:
        migration.migrate(root)
    assert f": {said}" in raised.value.mistakes[0]
    assert not text or (root / FILE).read_text(encoding="utf-8") == text
    assert [path.name for path in root.iterdir() if path.name.startswith(".monorepo")] == []


NAMES = st.sampled_from(["a", "b", "c", "d[e]"])
COMMENT = st.sampled_from(["", "  # one", "  # two"])
ROW = st.builds(
    lambda name, version, comment, above, flow: (
        f"{above.strip()}\n" * bool(above)
        + (
            f"- {{type: python-package, name: '{name}', version: {version}}}{comment}\n"
            if flow
            else f"- name: {name}{comment}\n  version: {version}\n  type: python-package{comment}\n"
        )
    ),
    NAMES,
    st.sampled_from(["latest", "1.2.3"]),
    COMMENT,
    COMMENT,
    st.booleans(),
)


@times(5)
@given(
    rows=st.lists(ROW, min_size=1).map("".join),
    packages=st.lists(st.builds(lambda *parts: "  - '{}'{}\n".format(*parts), NAMES, COMMENT)),
    first=st.booleans(),
)
def test_nothing_is_lost(rows: str, packages: list[str], first: bool) -> None:
    python = "python:\n  venv: default\n"
    python += f"  packages:\n{''.join(packages)}" if packages else ""
    parts = [f"artifacts:\n{rows}", python]
    text = "schema_version: 1\n" + "".join(parts if first else reversed(parts))
    # It compares what the text says, and the comments, before it returns.
    assert "artifacts" not in migration.translated(text)
