"""Workflows are looked at by zizmor, in one process, and what is malformed is a finding."""

from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.core.workspace import ADD
from monorepo.guard import runner

Write = Callable[[dict[str, str]], None]
CI = ".github/workflows/ci.yml"
WRONG = ".github/workflows/a.yml"
SOUND = """\
name: CI
on: push
permissions: {}
concurrency:
  group: ci
  cancel-in-progress: true
jobs:
  test:
    name: Test
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
      - run: make test
"""
TIMEOUT = "    timeout-minutes: 5\n"


def found(root: Path) -> list[str]:
    return [str(one) for one in runner.guard(workspace.load(root), ["workflows"])]


def test_a_sound_workflow(root: Path, write: Write) -> None:
    calls = '  call:\n    name: "A"\n    uses: ./.github/workflows/ci.yml\n'
    write({CI: SOUND, ".github/workflows/two.yaml": SOUND + calls})
    assert found(root) == []


def test_each_job_ends(root: Path, write: Write) -> None:
    # What a script says, or another job has, is no limit of this one.
    text = SOUND.replace(TIMEOUT, "").replace("make test", "make a # timeout-minutes: 5")
    step = "      - run: make lint\n        timeout-minutes: 5\n"
    write({CI: text + step})
    told = "the job test may hang for hours; give it timeout-minutes"
    assert found(root) == [f"{CI}:8: workflows.timeout: {told}"]
    write({CI: SOUND.replace("minutes: 5", "minutes: 360")})
    assert found(root) == [f"{CI}:8: workflows.timeout: {told}"]


def test_what_zizmor_finds(root: Path, write: Write) -> None:
    tag = "      - uses: a/b@v1 # zizmor: ignore[unpinned-uses]\n"
    title = "      - run: echo ${{ github.event.issue.title }}\n"
    action = "name: a\ndescription: b\nruns:\n  using: composite\n  steps:\n"
    write(
        {
            CI: SOUND + tag + title,
            ".github/workflows/wide.yml": SOUND.replace("permissions: {}\n", ""),
            "tools/act ion/action.yml": f"{action}    - uses: a/b@v1\n",
            "x/action.yaml": "name: a\ndescription: b\nruns: {using: docker, image: docker://a:3}\n",
            ".github/workflows/x.yml": f"{SOUND}      - uses: docker://a:3\n"
            "  call:\n    name: A\n    uses: a/b/.github/workflows/x.yml@v1\n",
            ".github/dependabot.yml": "version: 2\nupdates:\n  - package-ecosystem: pip\n"
            "    directory: /\n    schedule: {interval: weekly}\n",
        }
    )
    lines = [" ".join(line.split(": ")[:3]) for line in found(root)]
    assert lines == [
        f"{CI}:14 workflows.audit unpinned-uses",
        f"{CI}:15 workflows.audit template-injection",
        ".github/workflows/wide.yml:7 workflows.audit excessive-permissions",
        ".github/workflows/x.yml:14 workflows.audit unpinned-images",
        ".github/workflows/x.yml:17 workflows.audit unpinned-uses",
        "tools/act ion/action.yml:6 workflows.audit unpinned-uses",
        "x/action.yaml:3 workflows.audit unpinned-images",
    ]
    assert all("; see https://" in line or ", see https://" in line for line in found(root))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"on: [push\njobs: {", ":2"),
        (b"on: push\njobs:\n  a: 3\n", ":1"),
        (b"jobs: []\n", ":1"),
        (b"", ":1"),
        (b"a: b: c", ":1"),
        (b"\t", ":1"),
        (b"on: push\0", ":1"),
        ("on: \u00e4".encode("latin-1"), ":1"),
        (b"[" * 1000, ":2"),
        (b"[" * 3000, ""),
        (b"on: &a [*a]\njobs: *a", ":1"),
        (b"{[1]: 2, ? {}: 3}", ":1"),
    ],
)
def test_what_is_malformed_hides_nothing(root: Path, write: Write, text: bytes, line: str) -> None:
    wide = SOUND.replace("permissions: {}\n", "")
    write({CI: SOUND.replace(TIMEOUT, ""), ".github/workflows/b.yml": wide, WRONG: ""})
    (root / WRONG).write_bytes(text)
    first, *others = [one for one in found(root) if ": sources: " not in one]
    assert first.startswith(
        (f"{WRONG}{line}: workflows.malformed: is ", f"{WRONG}{line}: unreadable: ")
    )
    assert "\n" not in first
    assert [one.split(":")[0] for one in others] == [".github/workflows/b.yml", CI]


def test_zizmor_runs_again_when_a_file_has_changed(root: Path, write: Write) -> None:
    (root / ".venv").mkdir(exist_ok=True)
    for text, told in ((SOUND, 0), (f"{SOUND}      - uses: a/b@v1\n", 1), (SOUND, 0)):
        write({CI: text, "x.py": text})
        assert [len(found(root)) for _ in range(2)] == [told, told]


def test_a_repository_of_another_forge_has_none(root: Path, write: Write) -> None:
    write({".gitlab-ci.yml": "test: {script: [make]}\n", "docs/workflows/ci.yml": "x"})
    assert found(root) == [".: workflows: warn: nothing to check; see monorepo explain workflows"]


def test_without_zizmor_it_says_so(
    root: Path, write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path))
    write({CI: SOUND.replace(TIMEOUT, "")})
    warning, finding = found(root)
    message = "zizmor is not installed: nothing was checked"
    assert warning == f".: workflows: warn: {message}; {ADD}"
    assert finding.startswith(f"{CI}:8: workflows.timeout: the job test")
