"""Rules run, exceptions end, the baseline shrinks, and what needs no judgement is mended."""

import datetime
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from monorepo import cli
from monorepo.core import workspace
from monorepo.guard import catalog, findings, runner
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources
from monorepo.system.errors import UsageError

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
TODAY = datetime.date(2026, 11, 21)


class Shouting:
    """A rule against lines in capitals, in Markdown."""

    def subjects(self, sources: Sources) -> Sequence[str]:
        return [path for path in sources.files if path.endswith(".md")]

    def check(self, sources: Sources, subject: str) -> Iterator[Finding]:
        for number, line in enumerate((sources.text(subject) or "").splitlines(), start=1):
            if line.isupper():
                lines = (line.lower(),)
                yield Finding(subject, number, "names", f"shouts {line}", "whisper", lines=lines)


@pytest.fixture(autouse=True)
def rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "RULES", ("names",))
    monkeypatch.setattr(catalog, "load", lambda _, rule: Shouting())
    monkeypatch.setattr(catalog, "RULES", ("names",))


@pytest.fixture
def loud(root: Path, package: MakePackage, write: Write) -> Path:
    package("shared/py/a")
    write({"README.md": "quiet\r\nLOUD\r\n", "shared/py/a/README.md": "ALSO\nALSO\n"})
    return root


def found(root: Path, **more: object) -> list[str]:
    space = workspace.load(root)
    return [str(one) for one in runner.guard(space, ["names"], today=TODAY, **more)]  # type: ignore[arg-type]


def test_findings_are_told_in_order(loud: Path) -> None:
    assert found(loud) == [
        "README.md:2: names: shouts LOUD; whisper",
        "shared/py/a/README.md:1: names: shouts ALSO; whisper",
        "shared/py/a/README.md:2: names: shouts ALSO; whisper",
    ]


def test_a_package_alone(loud: Path) -> None:
    assert all(line.startswith("shared/py/a/") for line in found(loud, packages=["shared/py/a"]))


def test_a_rule_that_looks_at_nothing_says_so(root: Path) -> None:
    assert found(root) == [".: names: warn: nothing to check; see monorepo explain names"]
    assert cli.main(["--root", str(root), "guard", "names"]) == 0


def allow(root: Path, *entries: str) -> None:
    with (root / "pyproject.toml").open("a", encoding="utf-8") as file:
        for entry in entries:
            file.write(f"[[tool.monorepo.allow]]\n{entry}\n")


ENTRY = 'rule = "{}"\npath = "{}"\nreason = "why"\nuntil = {}'


def test_an_exception_has_an_end(loud: Path) -> None:
    allow(loud, ENTRY.format("names", "shared/py/a", "2026-11-21"))
    allow(loud, ENTRY.format("names", "README.md", "2026-11-20"))
    assert found(loud) == [
        "README.md:2: names: shouts LOUD; whisper",
        "pyproject.toml:17: allow: the exception from names for README.md has expired on"
        " 2026-11-20; fix what it hides",
    ]


def test_an_exception_that_is_not_used_is_found(loud: Path) -> None:
    allow(loud, ENTRY.format("names", "shared/py/a/README.md", "2027-01-01"))
    allow(loud, ENTRY.format("names", "shared/py/b", "2027-01-01"))
    assert found(loud)[-1] == (
        "pyproject.toml:17: allow: the exception from names for shared/py/b is not used; remove it"
    )
    assert len(found(loud)) == 2


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('rule = "names"', "has not rule, path and reason, each a string; add them"),
        ('rule = "names"\npath = "x"\nreason = " "\nuntil = 2027-01-01', "has not rule, path and"),
        (ENTRY.format("names", "x", '"soon"'), "has no date as its end; write until = 2027-11-22"),
        (ENTRY.format("names", "x", "2027-01-01T00:00:00"), "has no date as its end; write"),
        (
            ENTRY.format("names", "README.md", "2027-11-23"),
            "ends on 2027-11-23, in more than a year; write until = 2027-11-22",
        ),
        (ENTRY.format("nope", "x", "2027-01-01"), "is from nope, which is not a rule; there are"),
        (ENTRY.format("names", "shared", "2027-01-01"), "is for shared, a folder; name a file or"),
        (ENTRY.format("names", "shared/py/", "2027-01-01"), "is for shared/py, a folder; name a"),
        (ENTRY.format("names", "shared/py/a/src", "2027-01-01"), "is for shared/py/a/src, a fol"),
        (ENTRY.format("names", "/", "2027-01-01"), "is for , a folder; name a file or a package"),
    ],
)
def test_an_exception_that_is_no_blank_cheque(loud: Path, entry: str, said: str) -> None:
    (loud / "shared/py/a/src").mkdir(exist_ok=True)
    allow(loud, entry)
    lines = found(loud)
    assert lines[1].startswith(f"pyproject.toml:12: allow: the exception {said}")
    assert len(lines) == 4


@pytest.mark.parametrize("path", ["README.md", "shared/py/a", "shared/py/a/README.md"])
def test_an_exception_is_for_a_file_or_a_package_for_a_year(loud: Path, path: str) -> None:
    before = found(loud)
    allow(loud, ENTRY.format("names", path, "2027-11-22"))
    left = [line for line in before if not line.startswith(path)]
    assert found(loud) == left and left != before


def test_the_baseline_only_shrinks(loud: Path, write: Write) -> None:
    guard = ["--root", str(loud), "guard"]
    assert cli.main([*guard, "--baseline"]) == 0
    assert found(loud) == []
    write({"shared/py/a/README.md": "ALSO\nMORE\n"})
    assert found(loud) == [
        "guard-baseline.json: names: shared/py/a/README.md no longer has: shouts ALSO;"
        " run sh tools/make/monorepo.sh guard --baseline, which makes it shorter",
        "shared/py/a/README.md:2: names: shouts MORE; whisper",
    ]
    assert cli.main([*guard, "--baseline"]) == 0
    assert found(loud) == ["shared/py/a/README.md:2: names: shouts MORE; whisper"]
    write({findings.BASELINE: "[\n{"})
    assert cli.main(guard) == 1
    said = "guard-baseline.json:2: unreadable: is not a list of findings; correct the file, or "
    assert found(loud)[1].startswith(said)
    assert len(found(loud)) == 4
    assert cli.main([*guard, "--baseline"]) == 2
    assert cli.main([*guard, "names", "--baseline"]) == 2


def git(root: Path, words: str) -> None:
    subprocess.run(["git", *words.split()], cwd=root, check=True)


def test_the_baseline_has_nothing_that_an_exception_covers(loud: Path) -> None:
    end = datetime.datetime.now(tz=datetime.UTC).date() + datetime.timedelta(days=300)
    allow(loud, ENTRY.format("names", "shared/py/a", end))
    assert cli.main(["--root", str(loud), "guard", "--baseline"]) == 0
    kept = json.loads((loud / "guard-baseline.json").read_text("utf-8"))
    assert kept == [["names", "README.md", "shouts LOUD"]]


def test_nobody_adds_to_the_baseline(loud: Path, write: Write) -> None:
    git(loud, "init -q -b main")
    assert cli.main(["--root", str(loud), "guard", "--baseline"]) == 0
    # Adopting one is no growth.
    assert found(loud) == []
    for words in ("add -A", "commit -qm a", "switch -qc more"):
        git(loud, words)
    assert found(loud) == []
    entries = json.loads((loud / findings.BASELINE).read_text(encoding="utf-8"))
    write({"shared/py/a/README.md": "ALSO\nALSO\nALSO\nNEW\n"})
    entries = sorted([*entries, entries[-1], ["names", "shared/py/a/README.md", "shouts NEW"]])
    write({findings.BASELINE: "[\n" + ",\n".join(map(json.dumps, entries)) + "\n]\n"})
    more = "baseline: has a new entry: names, shared/py/a/README.md: shouts"
    advice = "remove the line and fix what it hides; the baseline may only shrink"
    told = [
        f"guard-baseline.json:{at}: {more} {what}; {advice}"
        for at, what in ((5, "ALSO"), (6, "NEW"))
    ]
    assert found(loud) == told
    # CI sees the commit, and the branch that it goes to as the first parent of the merge.
    for words in ("commit -qam b", "switch -q main", "merge -q --no-ff -m c more"):
        git(loud, words)
    assert found(loud) == told
    write({"other.md": ""})
    for words in ("add -A", "commit -qm d"):
        git(loud, words)
    write({"README.md": "quiet"})
    assert cli.main(["--root", str(loud), "guard", "--baseline"]) == 0
    assert found(loud) == []


def test_an_old_baseline_may_be_malformed(loud: Path, write: Write) -> None:
    write({findings.BASELINE: "<<<"})
    for words in ("init -q", "add -A", "commit -qm a"):
        git(loud, words)
    write({findings.BASELINE: "[]"})
    assert len(found(loud)) == 3


def test_what_needs_no_judgement_is_mended(loud: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--root", str(loud), "guard", "names", "--fix"]) == 0
    assert (loud / "README.md").read_bytes() == b"quiet\r\nloud\r\n"
    assert (loud / "shared/py/a/README.md").read_text(encoding="utf-8") == "also\nalso\n"
    said = capsys.readouterr().out
    assert "-LOUD\n+loud\n" in said and said.endswith("nothing found\n")


def test_programs_read_all_of_it(loud: Path, capsys: pytest.CaptureFixture[str]) -> None:
    guard = ["--root", str(loud), "guard", "names", "--format"]
    assert cli.main([*guard, "json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["schema_version"], told["status"], told["project"]) == (1, "error", "Tiny")
    assert told["checks"][0] == {
        "id": "names",
        "status": "error",
        "name": "names",
        "message": "shouts LOUD",
        "fix": "whisper",
        "path": "README.md",
        "line": 2,
    }
    assert cli.main([*guard, "github"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "::error file=README.md,line=2,title=names::shouts LOUD; whisper"
    monkey = Finding("a:b", 0, "names", "50%\nof", "x", status="warn")
    assert findings.as_github([monkey]) == "::warning file=a%3Ab,title=names::50%25%0Aof; x"
    assert cli.main([*guard, "sarif"]) == 1
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert run["results"][0]["locations"][0]["physicalLocation"]["region"] == {"startLine": 2}
    assert [one["id"] for one in run["tool"]["driver"]["rules"]] == ["names"]


def test_make_names_rules(loud: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RULE", "names names")
    assert cli.main(["--root", str(loud), "guard"]) == 1
    monkeypatch.setenv("RULE", "nope")
    assert cli.main(["--root", str(loud), "guard"]) == 2
    assert cli.main(["--root", str(loud), "guard", "names"]) == 1


def test_unknown_rules_are_refused(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--root", str(root), "guard", "nope"]) == 2
    assert capsys.readouterr().err.startswith("monorepo: nope: is not a rule; there are ")


def test_a_rule_that_breaks_off_hides_no_other(loud: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Shouting):
        def check(self, sources: Sources, subject: str) -> Iterator[Finding]:
            yield from super().check(sources, subject)
            if subject == "README.md":
                raise KeyError("x")
            raise UsageError("a.toml:3: is odd; correct it", "b.toml: is odd, too; correct it")

    monkeypatch.setattr(catalog, "load", lambda _, rule: Broken())
    with pytest.raises(KeyError):
        found(loud)
    monkeypatch.delenv(runner.TRACEBACK)
    assert found(loud) == [
        "README.md: names: the rule failed here (KeyError: 'x'); report it, with the output of"
        " MONOREPO_TRACEBACK=1 make guard",
        "README.md:2: names: shouts LOUD; whisper",
        "a.toml:3: unreadable: is odd; correct it",
        "b.toml: unreadable: is odd, too; correct it",
        "shared/py/a/README.md:1: names: shouts ALSO; whisper",
        "shared/py/a/README.md:2: names: shouts ALSO; whisper",
    ]


def test_what_cannot_be_read_is_found_by_any_rule(loud: Path, write: Write) -> None:
    write({"shared/py/b/pyproject.toml": "[project]\nname =\n", "services/py/c/x.md": ""})
    (loud / "latin.md").write_bytes(b"\n\xff")
    assert found(loud)[1:3] == [
        "latin.md:2: unreadable: is not UTF-8; save it as UTF-8",
        "shared/py/a/README.md:1: names: shouts ALSO; whisper",
    ]
    said = "shared/py/b/pyproject.toml:2: unreadable: is not TOML (Invalid value); correct the file"
    assert found(loud)[-1].startswith(said)
    assert found(loud, packages=["shared/py/a"]) == found(loud)[2:4]
    assert len(found(loud, packages=["shared/py/b"])) == 1


def test_names_that_are_no_text(loud: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = b"\xff\x1b[31m\n\xe2\x80\xae.md"
    (loud / os.fsdecode(name)).write_text("LOUD\n", encoding="utf-8")
    shown = r"\udcff\x1b[31m\n\u202e.md"
    assert f"{shown}:1: names: shouts LOUD; whisper" in found(loud)
    guard = ["--root", str(loud), "guard", "names"]
    for form in ("text", "json", "github", "sarif"):
        assert cli.main([*guard, "--format", form]) == 1
        said = capsys.readouterr().out
        assert said.isascii() and "\x1b" not in said
        if form in ("json", "sarif"):
            assert shown in json.dumps(json.loads(said)).replace("\\\\", "\\")
    # What cannot be named is not mended, and the others are.
    assert cli.main([*guard, "--fix"]) == 1
    assert cli.main(["--root", str(loud), "guard", "--baseline"]) == 0
    assert found(loud) == []
    assert shown in json.loads((loud / findings.BASELINE).read_text(encoding="utf-8"))[0]


def test_a_move_to_the_flat_layout_adds_nothing_to_the_baseline(loud: Path, write: Write) -> None:
    assert cli.main(["--root", str(loud), "guard", "--baseline"]) == 0
    for words in ("init -q -b main", "add -A", "commit -qm a"):
        git(loud, words)
    assert cli.main(["--root", str(loud), "flatten"]) == 0
    entries = (loud / findings.BASELINE).read_text(encoding="utf-8")
    assert "packages/tiny-a/README.md" in entries
    assert found(loud) == []


def test_what_is_renamed_adds_nothing_to_the_baseline(loud: Path, write: Write) -> None:
    a = {"README.md": "TINY-A\n", "src/tiny_a/x.md": "ONE\nTWO\n", "y.md": "LONG\n" * 9}
    write({f"shared/py/a/{name}": text for name, text in a.items()})
    assert cli.main(["--root", str(loud), "guard", "--baseline"]) == 0
    for words in ("init -q -b main", "add -A", "commit -qm a", "switch -qc more"):
        git(loud, words)
    assert cli.main(["--root", str(loud), "rename", "shared/py/a", "shared/py/loud"]) == 0
    git(loud, "mv shared/py/loud/y.md docs.md")
    text = (loud / findings.BASELINE).read_text(encoding="utf-8")
    entries = json.loads(text.replace("shared/py/loud/y.md", "docs.md"))
    assert {(path, message) for _, path, message in entries} == {
        ("README.md", "shouts LOUD"),
        ("docs.md", "shouts LONG"),
        ("shared/py/loud/README.md", "shouts TINY-A"),
        ("shared/py/loud/src/tiny_loud/x.md", "shouts ONE"),
        ("shared/py/loud/src/tiny_loud/x.md", "shouts TWO"),
    }
    write({findings.BASELINE: json.dumps(entries)})
    assert found(loud) == []
    for words in ("commit -qam b", "switch -q main", "merge -q --no-ff -m c more"):
        git(loud, words)
    assert found(loud) == []
    # One that is new is found beside those that were moved.
    write({"docs.md": "LONG\n" * 10})
    entries = [*entries, ["names", "docs.md", "shouts LONG"]]
    write({findings.BASELINE: json.dumps(entries)})
    assert [line.partition("; ")[0] for line in found(loud)] == [
        "guard-baseline.json:1: baseline: has a new entry: names, docs.md: shouts LONG"
    ]


TWO = '''\
"""Markdown is quiet and short.

- `quiet.loud`: a line in capitals.
- `quiet.long`: a line of more than nine characters.

Why: readers.
"""

from monorepo.guard.findings import Finding


def subjects(sources):
    return [path for path in sources.files if path.endswith(".md")]


def check(sources, subject):
    for number, line in enumerate(sources.text(subject).splitlines(), start=1):
        if line.isupper():
            yield Finding(subject, number, "quiet.loud", "shouts", "whisper")
        if len(line) > 9:
            yield Finding(subject, number, "quiet.long", "is long", "shorten it")
'''


@pytest.fixture
def two(root: Path, write: Write, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a rule of the team's own that finds two kinds of problems."""
    monkeypatch.undo()
    monkeypatch.setattr(catalog, "RULES", ())
    write({"tools/rules/quiet.py": TWO, "README.md": "LOUD\nLONG LONG LONG\n"})
    return root


def ids(root: Path, *chosen: str) -> list[tuple[int, str]]:
    space = workspace.load(root)
    wrong = runner.guard(space, catalog.chosen(root, chosen), today=TODAY)
    return [(one.line, one.id) for one in wrong]


def test_a_rule_may_find_several_kinds_of_problems(two: Path) -> None:
    assert ids(two) == [(1, "quiet.loud"), (2, "quiet.long"), (2, "quiet.loud")]
    assert ids(two, "quiet.long") == [(2, "quiet.long")]
    assert ids(two, "quiet.long", "quiet") == ids(two)
    with pytest.raises(UsageError, match=r"^quiet\.lon: is not a rule; there are quiet$"):
        catalog.chosen(two, ["quiet.lon"])
    assert catalog.explained(two, "quiet.long") == catalog.explained(two, "quiet")


def test_an_exception_names_a_rule_or_an_id(two: Path) -> None:
    def excepts(name: str) -> str:
        return ENTRY.format(name, "README.md", "2027-01-01")

    allow(two, excepts("quiet.loud"))
    assert ids(two) == [(2, "quiet.long")]
    # Only what has been checked is known not to be used.
    assert ids(two, "quiet.long") == [(2, "quiet.long")]
    allow(two, excepts("quiet"))
    assert ids(two) == []
    (two / "README.md").write_text("LONG LONG long\n", encoding="utf-8")
    assert ids(two) == [(12, "allow")]
    allow(two, excepts("quiet.lo"))
    assert ids(two) == [(12, "allow"), (22, "allow")]


def test_the_baseline_holds_ids(two: Path, write: Write) -> None:
    assert cli.main(["--root", str(two), "guard", "--baseline"]) == 0
    entries = json.loads((two / findings.BASELINE).read_text("utf-8"))
    assert [entry[0] for entry in entries] == ["quiet.long", "quiet.loud", "quiet.loud"]
    assert ids(two) == []
    write({"README.md": "LOUD\nLOUD\n"})
    assert ids(two) == [(0, "quiet.long")]
    assert ids(two, "quiet.loud") == []


def test_reports_tell_ids(two: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def told(*words: str) -> str:
        cli.main(["--root", str(two), "guard", *words])
        return capsys.readouterr().out

    assert told("quiet.long") == "README.md:2: quiet.long: is long; shorten it\n"
    report = json.loads(told("quiet", "--format", "json"))
    assert [one["id"] for one in report["checks"]] == ["quiet.loud", "quiet.long", "quiet.loud"]
    assert "title=quiet.long::is long" in told("--format", "github")
    (run,) = json.loads(told("--format", "sarif"))["runs"]
    named = {one["id"]: one["shortDescription"]["text"] for one in run["tool"]["driver"]["rules"]}
    assert named == dict.fromkeys(
        ("quiet", "quiet.long", "quiet.loud"), "Markdown is quiet and short."
    )
    assert {one["ruleId"] for one in run["results"]} == {"quiet.long", "quiet.loud"}


def test_a_baseline_in_the_words_of_an_older_version_is_adopted_anew(
    two: Path, write: Write
) -> None:
    write({findings.BASELINE: json.dumps([["quiet", "README.md", "is LOUD"]])})
    for words in ("init -q -b main", "add -A", "commit -qm a"):
        git(two, words)
    assert ids(two) == [(1, "quiet.loud"), (2, "quiet.long"), (2, "quiet.loud"), (0, "quiet")]
    assert cli.main(["--root", str(two), "guard", "--baseline", "quiet"]) == 0
    assert ids(two) == []


def test_a_rule_is_adopted_anew(two: Path, write: Write) -> None:
    git(two, "init -q -b main")
    guard = ["--root", str(two), "guard", "--baseline"]
    assert cli.main(guard) == 0
    for words in ("add -A", "commit -qm a", "switch -qc sharper"):
        git(two, words)
    # A rule that is sharper than before, and a new one.
    files = {"README.md": "LOUD\nLONG LONG LONG\nlong long long\nLOUD\n", "new.md": "NEW\n"}
    write(files)
    assert len(ids(two)) == 3
    assert cli.main(guard) == 0
    assert len(ids(two)) == 3
    assert cli.main([*guard, "quiet.lon"]) == 2
    assert cli.main([*guard, "quiet.long"]) == 0
    entries = json.loads((two / findings.BASELINE).read_text("utf-8"))
    assert [entry[:2] for entry in entries].count(["quiet.long", "README.md"]) == 2
    ((_, scope, said),) = [entry for entry in entries if entry[0] == "baseline"]
    assert scope == "quiet.long" and said.endswith(": 2 findings")
    # The other id stays as it was.
    assert ids(two) == [(4, "quiet.loud"), (1, "quiet.loud")]
    for words in ("add -A", "commit -qm b", "switch -q main", "merge -q --no-ff -m c sharper"):
        git(two, words)
    assert [one for _, one in ids(two)] == ["quiet.loud", "quiet.loud"]
    # What is adopted then is all of the rule, and no more than once.
    assert cli.main([*guard, "quiet"]) == 0
    assert ids(two) == []
    assert cli.main([*guard, "quiet"]) == 0
    for words in ("add -A", "commit -qm d"):
        git(two, words)
    write({"README.md": "LOUD\n"})
    assert cli.main(guard) == 0
    assert ids(two) == []
    write({"README.md": "", "new.md": ""})
    assert cli.main(guard) == 0
    assert json.loads((two / findings.BASELINE).read_text("utf-8")) == []


def test_nobody_adds_to_an_adoption(two: Path, write: Write) -> None:
    git(two, "init -q -b main")
    write({findings.BASELINE: "[]\n"})
    for words in ("add -A", "commit -qm a", "switch -qc more"):
        git(two, words)
    assert cli.main(["--root", str(two), "guard", "--baseline", "quiet.loud"]) == 0
    assert ids(two) == [(2, "quiet.long")]
    entries = json.loads((two / findings.BASELINE).read_text("utf-8"))
    write({"new.md": "NEW\n"})
    for more in (["quiet.loud", "new.md", "shouts"], ["quiet.long", "README.md", "is long"]):
        write({findings.BASELINE: findings.baseline([*map(tuple, entries), tuple(more)])})
        assert "baseline" in [one for _, one in ids(two)]
    write({findings.BASELINE: findings.baseline(map(tuple, entries))})
    for words in ("add -A", "commit -qm b"):
        git(two, words)
    write({findings.BASELINE: findings.baseline([*map(tuple, entries), tuple(more)])})
    assert "baseline" in [one for _, one in ids(two)]


def test_without_a_baseline_one_rule_is_adopted(two: Path) -> None:
    assert cli.main(["--root", str(two), "guard", "--baseline", "quiet.loud"]) == 0
    assert ids(two) == [(2, "quiet.long")]
