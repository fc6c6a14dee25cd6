"""A file in tools/rules is a rule like ours, and a broken one keeps no other from running."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo import cli
from monorepo.core import workspace
from monorepo.guard import catalog, runner
from monorepo.system.errors import UsageError
from tests.examples import UNTIL

Write = Callable[[dict[str, str]], None]
Capture = pytest.CaptureFixture[str]

TODO = '''\
"""No document says TODO.

Why: nobody comes back to them.
"""

from monorepo.guard.findings import Finding


def subjects(sources):
    return [path for path in sources.files if path.endswith(".md")]


def check(sources, subject):
    for number, line in enumerate(sources.text(subject).splitlines(), start=1):
        if "TODO" in line:
            yield Finding(subject, number, "todo", "says TODO", "write an issue", lines=())
'''
FOUND = "README.md:2: todo: says TODO; write an issue"


@pytest.fixture
def todo(root: Path, write: Write) -> Path:
    write({"tools/rules/todo.py": TODO, "README.md": "# Tiny\nTODO\n"})
    return root


def found(root: Path, *rules: str) -> list[str]:
    space = workspace.load(root)
    return [str(one) for one in runner.guard(space, catalog.chosen(root, rules))]


def guard(root: Path, *words: str) -> int:
    return cli.main(["--root", str(root), "guard", *words])


def test_there_may_be_none_of_the_teams(root: Path) -> None:
    assert catalog.own(root) == []
    assert catalog.ids(root) == list(catalog.RULES)


def test_a_rule_of_the_teams_is_one(todo: Path, write: Write) -> None:
    write({"tools/rules/_shared.py": "1/0", "tools/rules/README.md": "Ours."})
    assert catalog.own(todo) == ["todo"]
    assert catalog.ids(todo) == [*catalog.RULES, "todo"]
    assert catalog.chosen(todo, ["todo", "pins"]) == ["pins", "todo"]
    assert catalog.chosen(todo, []) == catalog.ids(todo)
    assert catalog.what(todo, "todo") == "No document says TODO."
    assert catalog.explained(todo, "todo").endswith("\n\nWhy: nobody comes back to them.")
    assert found(todo, "todo") == [FOUND]


def test_what_it_finds_depends_on_its_text(todo: Path) -> None:
    assert FOUND in found(todo)
    (todo / "tools/rules/todo.py").write_text(TODO.replace('"TODO" in', '"#" in'), encoding="utf-8")
    assert "README.md:1: todo: says TODO; write an issue" in found(todo)


def test_what_it_finds_is_mended(todo: Path) -> None:
    assert guard(todo, "todo", "--fix") == 0
    assert (todo / "README.md").read_text(encoding="utf-8") == "# Tiny\n"


def test_each_report_has_it(todo: Path, capsys: Capture) -> None:
    assert guard(todo, "todo", "--format", "sarif") == 1
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    (rule,) = run["tool"]["driver"]["rules"]
    assert rule == {"id": "todo", "shortDescription": {"text": "No document says TODO."}}
    (result,) = run["results"]
    assert result["ruleId"] == "todo"
    assert guard(todo, "todo", "--format", "json") == 1
    (check,) = json.loads(capsys.readouterr().out)["checks"]
    assert (check["id"], check["path"], check["line"]) == ("todo", "README.md", 2)


def test_an_exception_from_it(todo: Path, write: Write) -> None:
    manifest = (todo / "pyproject.toml").read_text(encoding="utf-8")
    entry = '[[tool.monorepo.allow]]\nrule = "todo"\npath = "README.md"\nreason = "a draft"\n'
    write({"pyproject.toml": f"{manifest}\n{entry}until = {UNTIL}\n"})
    assert found(todo, "todo") == []


def test_the_baseline_has_it(todo: Path) -> None:
    assert guard(todo, "--baseline") == 0
    assert found(todo, "todo") == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("pins", "tools/rules/pins.py: is the name of another rule; rename it"),
        ("Todo", "tools/rules/Todo.py: is not a valid rule id; use lower-case letters, a"),
        ("1st", "tools/rules/1st.py: is not a valid rule id; use lower-case letters, a"),
        ("to do", "tools/rules/to do.py: is not a valid rule id; use lower-case letters, a"),
    ],
)
def test_names_that_no_rule_can_have(
    todo: Path, write: Write, capsys: Capture, name: str, message: str
) -> None:
    write({f"tools/rules/{name}.py": TODO})
    with pytest.raises(UsageError) as caught:
        catalog.ids(todo)
    assert str(caught.value).startswith(message)
    assert guard(todo, "todo") == 2
    assert capsys.readouterr().err.startswith(f"monorepo: {message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\ndef check(:\n", ":2: cannot be imported (SyntaxError: invalid syntax"),
        ("1/0", ":1: cannot be imported (ZeroDivisionError: division by zero); correct it"),
        ("import nosuch", ":1: cannot be imported (ModuleNotFoundError: No module named 'nosuch')"),
        ("raise SystemExit(1)", ":1: cannot be imported (SystemExit: 1); correct it"),
        ("", ": has no subjects, check; see tools/README.md"),
        ("def subjects(sources): ...", ": has no check; see tools/README.md"),
    ],
)
def test_a_broken_one_is_a_finding_and_hides_no_other(
    todo: Path, write: Write, capsys: Capture, text: str, message: str
) -> None:
    write({"tools/rules/broken.py": text})
    told, other = sorted(found(todo, "broken", "todo"), reverse=True)
    path, _, message = f"tools/rules/broken.py{message}".partition(": ")
    assert told.startswith(f"{path}: unreadable: {message}")
    assert other == FOUND
    with pytest.raises(UsageError):
        catalog.explained(todo, "broken")
    assert cli.main(["--root", str(todo), "explain", "broken"]) == 2
    capsys.readouterr()
    assert guard(todo, "broken", "todo", "--format", "sarif") == 1
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert [one["ruleId"] for one in run["results"]] == ["todo", "unreadable"]


def test_one_without_a_text_says_so(root: Path, write: Write) -> None:
    write({"tools/rules/mute.py": "subjects = check = lambda *_: []"})
    assert catalog.explained(root, "mute") == "has no description"
    assert found(root, "mute") == [".: mute: warn: nothing to check; see monorepo explain mute"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("1/0", "ZeroDivisionError: division by zero"),
        # Of ours, it is the environment's fault.
        ("import nosuch", "ModuleNotFoundError: No module named 'nosuch'"),
    ],
)
def test_one_that_breaks_off_hides_no_other(
    todo: Path, write: Write, monkeypatch: pytest.MonkeyPatch, code: str, reason: str
) -> None:
    monkeypatch.delenv(runner.TRACEBACK)
    write({"tools/rules/lame.py": TODO.replace("    for number", f"    {code}\n    for number")})
    assert found(todo, "lame", "todo") == [
        f"README.md: lame: the rule failed here ({reason});"
        " report it, with the output of MONOREPO_TRACEBACK=1 make guard",
        FOUND,
    ]


def test_what_is_no_rule(todo: Path) -> None:
    with pytest.raises(UsageError, match=r"^nosuch: is not a rule; there are .*engine, todo$"):
        catalog.chosen(todo, ["nosuch"])


def test_each_of_ours_has_a_line() -> None:
    for rule in catalog.RULES:
        assert catalog.what(Path(), rule).endswith(".")
