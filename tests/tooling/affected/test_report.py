"""What a change affects, for people, for programs, and one package explained."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo import cli
from monorepo.affected import report
from monorepo.programs.git import Git

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
Save = Callable[[], str]
CORE, AUDIO, API = "shared/py/core", "shared/py/audio", "services/py/api"
WEB = "shared/js/web"


@pytest.fixture
def repo(root: Path, package: MakePackage, write: Write, git: Git, save: Save) -> Path:
    package(CORE)
    package(AUDIO, "tiny-core", lite=[], ml=["torch"])
    package(API, "tiny-audio[lite]")
    write({f"{WEB}/package.json": '{"name": "@tiny/web", "version": "1.0.0"}', "README.md": ""})
    git.run("symbolic-ref", "HEAD", "refs/heads/main")
    save()
    return root


@pytest.fixture
def told(repo: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return what the verb prints."""

    def told(*words: str, code: int = 0) -> str:
        assert cli.main(["--root", str(repo), "affected", *words]) == code
        output = capsys.readouterr()
        assert bool(output.err) == bool(code), output.err
        return output.out + output.err

    return told


def test_text(repo: Path, git: Git, write: Write, told: Callable[..., str]) -> None:
    commit = git.head[:12]
    assert told().splitlines() == [
        "0 of 4 packages are affected",
        f"base: {commit} (main, the default branch); 0 files differ in the working tree",
    ]
    write({f"{CORE}/src/ids.py": "", f"{AUDIO}/src/x.py": ""})
    assert told().splitlines() == [
        "3 of 4 packages are affected",
        f"base: {commit} (main, the default branch); 2 files differ in the working tree",
        "",
        "shared/py/audio ← src/x.py",
        "shared/py/core ← src/ids.py",
        "services/py/api ← shared/py/audio ← src/x.py",
        "",
        "WHY=<package> shows all reasons of one, or why another is not affected.",
    ]
    write({"unknown": ""})
    assert told("--head=HEAD", "--base=HEAD").splitlines()[1] == (
        f"base: {commit} (HEAD); 0 files differ in HEAD"
    )
    reason = "unknown: belongs to no package; [tool.monorepo.affects] can say what it concerns"
    assert f"everything: {reason}" in told().splitlines()


def test_json(repo: Path, git: Git, write: Write, told: Callable[..., str]) -> None:
    write({f"{CORE}/src/ids.py": ""})
    found = json.loads(told("--format=json"))
    chain = [CORE, f"{CORE}/src/ids.py"]
    assert found == {
        "schema_version": 1,
        "base": {"ref": "main", "commit": git.head, "how": "main, the default branch"},
        "head": None,
        "everything": None,
        "packages": [
            {"path": AUDIO, "kind": "shared", "language": "py", "reasons": [[AUDIO, *chain]]},
            {"path": CORE, "kind": "shared", "language": "py", "reasons": [chain]},
            {"path": API, "kind": "services", "language": "py", "reasons": [[API, AUDIO, *chain]]},
        ],
        "problems": [],
    }
    given = json.loads(told("--format=json", "--head=main"))
    assert given["head"] == {"ref": "main", "commit": git.head}
    assert given["packages"] == []


def test_paths_and_github(repo: Path, write: Write, told: Callable[..., str]) -> None:
    assert told("--format=paths") == ""
    assert told("--format=github").splitlines() == [
        "packages=[]",
        "any=false",
        "python=false",
        "javascript=false",
    ]
    write({f"{AUDIO}/src/x.py": ""})
    assert told("--format=paths") == f"{AUDIO}\n{API}\n"
    assert told("--format=github").splitlines() == [
        f'packages=["{AUDIO}", "{API}"]',
        "any=true",
        "python=true",
        "javascript=false",
    ]
    write({f"{WEB}/src/x.ts": ""})
    assert told("--format=github").splitlines()[1:] == [
        "any=true",
        "python=true",
        "javascript=true",
    ]


def test_variables_of_make(
    repo: Path, git: Git, write: Write, told: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write({f"{API}/src/x.py": ""})
    for name, value in {"BASE": "HEAD", "FORMAT": "paths", "HEAD": "", "WHY": ""}.items():
        monkeypatch.setenv(name, value)
    assert told() == f"{API}\n"
    monkeypatch.setenv("HEAD", "main")
    assert told() == ""
    monkeypatch.setenv("WHY", API)
    assert told("--format=text").startswith(f"{API} is not affected")


def test_wrong_use(repo: Path, told: Callable[..., str]) -> None:
    advice = "is not a commit here; correct it, or fetch it: git fetch origin"
    assert told("--base=-x", code=2) == f"monorepo: BASE=-x: {advice}\n"
    assert told("--head=a\nb", code=2) == f"monorepo: HEAD=a b: {advice}\n"
    assert told("--format=xml", code=2) == (
        "monorepo: FORMAT=xml: is none of text, json, github, paths; choose one\n"
    )
    assert told("--why=nobody", code=2) == (
        "monorepo: nobody: is not a package here; `make list` shows them\n"
    )


def test_why_a_package_is_affected(repo: Path, write: Write, told: Callable[..., str]) -> None:
    write({f"{CORE}/src/ids.py": "", f"{AUDIO}/src/x.py": "", f"{API}/tests/x.py": ""})
    assert told(f"--why={API}").splitlines()[3:] == [
        "services/py/api ← tests/x.py",
        "services/py/api ← shared/py/audio ← src/x.py",
    ]
    found = json.loads(told("--why=tiny-svc-api", "--format=json"))["package"]
    assert found["path"] == API and found["affected"] is True
    assert found["reasons"] == [[API, f"{API}/tests/x.py"], [API, AUDIO, f"{AUDIO}/src/x.py"]]


def test_why_a_package_is_not_affected(
    repo: Path, git: Git, write: Write, told: Callable[..., str]
) -> None:
    write({f"{CORE}/tests/x.py": "", "README.md": "1", f"{WEB}/src/x.ts": ""})
    path = f"{AUDIO}/pyproject.toml"
    text = (repo / path).read_text("utf-8").replace('["torch"]', '["torch>=2"]')
    write({path: text})
    assert told(f"--why={API}").splitlines() == [
        "services/py/api is not affected: it needs nothing of what differs",
        f"base: {git.head[:12]} (main, the default branch); 4 files differ in the working tree",
        "  README.md: nothing",
        "  shared/js/web/src/x.ts: shared/js/web (runtime)",
        "  shared/py/audio/pyproject.toml: shared/py/audio (checks), shared/py/audio[ml]",
        "  shared/py/core/tests/x.py: shared/py/core (checks)",
        "shared/py/audio[ml] is affected, which it does not ask for: "
        "shared/py/audio[ml] ← shared/py/audio/pyproject.toml",
    ]
    found = json.loads(told(f"--why={API}", "--format=json"))["package"]
    assert found["affected"] is False and found["reasons"] == []
    assert {"path": "README.md", "inputs_of": []} in found["files"]
    assert len(found["not_needed"]) == 1


def test_many_files_are_counted(repo: Path, write: Write, told: Callable[..., str]) -> None:
    write({f"{WEB}/src/{number:02}.ts": "" for number in range(30)})
    lines = told(f"--why={API}").splitlines()
    assert lines[-1] == "  … and 10 more"
    assert len(lines) == 23


def test_a_broken_manifest_is_told_and_the_others_are_listed(
    repo: Path, write: Write, told: Callable[..., str]
) -> None:
    write({f"{AUDIO}/pyproject.toml": "[project", f"{WEB}/package.json": "{}"})
    lines = told(code=2).splitlines()
    assert lines[0] == "3 of 4 packages are affected"
    assert lines[3:6] == [
        "services/py/api ← pypi:tiny-audio ← shared/py/audio/pyproject.toml",
        "shared/js/web ← package.json",
        "shared/py/audio ← pyproject.toml",
    ]
    assert lines[-2].startswith("monorepo: shared/py/audio/pyproject.toml:1: ")
    assert lines[-1].startswith("monorepo: shared/js/web/package.json:")
    rows = told("--format=github", code=2).splitlines()
    assert rows[1:4] == ["any=true", "python=true", "javascript=true"]
    assert rows[0] == f'packages=["{API}", "{WEB}", "{AUDIO}"]'
    assert told(f"--why={AUDIO}", code=2).startswith("shared/py/audio is affected\n")


def test_a_broken_package_in_the_flat_layout(
    repo: Path, write: Write, told: Callable[..., str]
) -> None:
    write({"packages/tiny-x/package.json": "{", "packages/a b\n/pyproject.toml": ""})
    out = told("--format=json", code=2)
    rows = json.loads(out[: out.index("\nmonorepo: ")])["packages"]
    assert [(row["path"], row["kind"], row["language"]) for row in rows] == [
        ("packages/a b\n", "", ""),
        ("packages/tiny-x", "", "js"),
    ]
    assert told("--format=paths", code=2).splitlines()[:2] == ["packages/a b\\n", "packages/tiny-x"]
    github = told("--format=github", code=2).splitlines()
    assert github[:4] == [
        'packages=["packages/a b\\n", "packages/tiny-x"]',
        *("any=true", "python=true", "javascript=true"),
    ]


def test_odd_names_stay_on_their_line(repo: Path, write: Write, told: Callable[..., str]) -> None:
    name = os.fsdecode(b"\xff") + "\n\x1b[31m.py"
    (repo / API / name).write_text("", "utf-8")
    assert told().splitlines()[3] == "services/py/api ← \\xff\\n\\x1b[31m.py"
    (row,) = json.loads(told("--format=json"))["packages"]
    assert row["reasons"] == [[API, f"{API}/\\xff\n\x1b[31m.py"]]


def test_where_git_cannot_be_asked(repo: Path, told: Callable[..., str]) -> None:
    (repo / ".git").rename(repo / "away")
    lines = told().splitlines()
    assert lines[0] == "4 of 4 packages are affected"
    assert lines[1].startswith("everything: git cannot be asked here (not a git repository")
    found = json.loads(told("--format=json"))
    assert found["base"]["ref"] == found["base"]["commit"] == ""
    assert found["everything"] == found["base"]["how"]


def test_names_of_nodes() -> None:
    assert report.arrows(("a", "a/b c")) == "a ← b c"
    assert report.arrows(("a", "Makefile")) == "a ← Makefile"
