"""A team adds what is its own, takes out what it does without, and takes the engine over."""

import json
import re
import shutil
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples import UNTIL
from tests.template.baking import changed, commit, edit, run

pytestmark = pytest.mark.slow

ADD = "add it to [dependency-groups] dev in pyproject.toml, and run make lock"
CORE = "shared/py/core/src/acme_core/__init__.py"
TODO = f"{CORE}:6: todo: says TODO; write an issue"
# The version of a kind of the team's own is the id of its tree in git.
TREE = 'version = "[0-9a-f]{40}"\\n'
EXCEPTION = f"""\
[[tool.monorepo.allow]]
rule = "todo"
path = "shared/py/core"
reason = "until the issue is written"
until = {UNTIL}

[tool.monorepo]
"""
SESSION = '''

@nox.session(python=False)
def docs(session: nox.Session) -> None:
    """Build the documentation."""
    session.run("echo", "documentation", "is built", external=True)
'''
# Nobody listens there. What uv has in its cache is of the index that it came from, which stays.
NOWHERE = "http://127.0.0.1:9/"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
OFFLINE = {
    **dict.fromkeys(PROXIES, NOWHERE),
    **dict.fromkeys(("npm_config_registry", "pnpm_config_registry"), NOWHERE),
    **{"NO_PROXY": "", "no_proxy": "", "UV_OFFLINE": "1"},
}


@pytest.fixture
def root(ready: Path) -> Iterator[Path]:
    """Return the monorepo, and take back what is done to it."""
    start = run(ready, "git", "rev-parse", "HEAD").strip()
    yield ready
    run(ready, "git", "reset", "--quiet", "--hard", start)
    # What git ignores would keep the folder of a package that is gone.
    run(ready, "git", "clean", "--quiet", "-fdx", "shared", "services", "tools")
    run(ready, "git", "clean", "--quiet", "-fd")
    (ready / ".git/hooks/pre-commit").unlink(missing_ok=True)


def add(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as opened:
        opened.write(text)


def guard(root: Path, *words: str, code: int = 2) -> list[str]:
    """Run the rules; return the lines of the report."""
    told = run(root, "make", "guard", *words, code=code).splitlines()
    return [line for line in told if not line.startswith("make: ")]


@pytest.fixture
def todo(root: Path) -> Path:
    """Give the monorepo the rule that tools/README.md shows, and what it finds."""
    text = (root / "tools/README.md").read_text(encoding="utf-8")
    code = text.partition('```python\n"""')[2].partition("```")[0]
    add(root / "tools/rules/todo.py", f'"""{code}')
    add(root / CORE, "# TODO: later\n")
    return root


def listed(root: Path, *rules: str) -> None:
    """Tell of rules where AGENTS.md tells of all."""
    told = "".join(f"- `{rule}`: a rule of the team's own.\n" for rule in rules)
    edit(root / "AGENTS.md", "- `docs`: ", f"{told}- `docs`: ")


def test_a_rule_of_the_teams_is_like_ours(todo: Path) -> None:
    missing = (
        "AGENTS.md: docs.rule: does not tell of todo; say below the heading Rules what it holds"
    )
    first, second = guard(todo)
    assert (first.partition(": - ")[0], second) == (missing, TODO)
    listed(todo, "todo")
    assert guard(todo) == guard(todo, "RULE=todo") == guard(todo, "CHANGED=1") == [TODO]
    assert run(todo, "make", "explain", "RULE=todo").startswith("No source file says TODO.\n\nWhy:")
    words = ("sh", "tools/make/monorepo.sh", "guard", "--format", "sarif")
    (sarif,) = json.loads(run(todo, *words, code=1))["runs"]
    assert {"id": "todo", "shortDescription": {"text": "No source file says TODO."}} in (
        sarif["tool"]["driver"]["rules"]
    )
    assert [one["ruleId"] for one in sarif["results"]] == ["todo"]
    # Its own code is held to what ours is held to.
    run(todo, "make", "lint")
    add(todo / "tools/rules/todo.py", "import os\n")
    assert "todo.py" in run(todo, "make", "lint", code=2)


def test_a_finding_of_it_is_put_up_with(todo: Path) -> None:
    listed(todo, "todo")
    edit(todo / "pyproject.toml", "[tool.monorepo]\n", EXCEPTION)
    assert guard(todo, code=0) == ["nothing found"]
    run(todo, "git", "checkout", "--quiet", "pyproject.toml")
    run(todo, "sh", "tools/make/monorepo.sh", "guard", "--baseline")
    assert guard(todo, code=0) == ["nothing found"]
    add(todo / CORE, "# TODO: and more\n")
    assert guard(todo) == [f"{CORE}:7: todo: says TODO; write an issue"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("def check(:\n", "tools/rules/broken.py:1: unreadable: is not Python (SyntaxError)"),
        ("import nosuch\n", "tools/rules/broken.py:1: unreadable: cannot be imported (ModuleNot"),
        ('"""Nothing."""\n', "tools/rules/broken.py: unreadable: has no subjects, check; see tool"),
    ],
)
def test_a_broken_rule_is_one_finding_and_stops_no_other(todo: Path, text: str, what: str) -> None:
    listed(todo, "todo", "broken")
    add(todo / "tools/rules/broken.py", text)
    first, second = guard(todo)
    assert first == TODO
    assert second.startswith(what)


def test_a_session_of_the_teams(root: Path) -> None:
    for folder in (root, root / "shared/py/core"):
        add(folder / "noxfile.py", SESSION)
        assert "docs -> Build the documentation." in run(folder, root / ".venv/bin/nox", "-l")
        told = run(folder, root / ".venv/bin/nox", "-s", "docs", "lint")
        assert "documentation is built" in told
        assert "Session docs was successful" in told
    run(root, "make", "lint", "type-check", "guard")


def test_a_kind_of_ours_is_changed(root: Path) -> None:
    assert "copied tools/templates/shared-py" in run(root, "make", "template", "KIND=shared-py")
    made = root / "tools/templates/shared-py/{{cookiecutter.name}}"
    add(made / "OWNER.md", "# {{ cookiecutter.title|markdown }}\n")
    commit(root)
    run(root, "make", "new", "AT=shared/py/audio", "SET=title='Audio & more'")
    said = (root / "shared/py/audio/OWNER.md").read_text(encoding="utf-8")
    assert said == "# Audio \\& more\n"
    manifest = (root / "shared/py/audio/pyproject.toml").read_text(encoding="utf-8")
    assert re.search(f'kind = "shared-py"\\n{TREE}title = "Audio & more"\\n$', manifest)
    run(root, "make", "lint", "type-check", "guard", "lock-check")
    told = run(root, "make", "template", "KIND=shared-py", code=2)
    assert "KIND='shared-py': tools/templates/shared-py is there already; change it there" in told


def test_a_kind_of_the_teams(root: Path) -> None:
    run(root, "make", "template", "KIND=shared-py")
    (root / "tools/templates/shared-py").rename(root / "tools/templates/worker")
    questions = {"title": "{{ cookiecutter.name }}", "queue": ["sqs", "kafka"]}
    (root / "tools/templates/worker/cookiecutter.json").write_text(json.dumps(questions), "utf-8")
    edit(
        root / "tools/templates/worker/{{cookiecutter.name}}/README.md",
        "\n",
        "\n\nReads {{ cookiecutter.queue }}.\n",
    )
    told = run(
        root, "make", "new", "AT=shared/py/jobs", "TEMPLATE=worker", "SET=queue=nats", code=2
    )
    assert "SET=queue: 'nats' is not one of sqs, kafka; choose one" in told
    run(root, "make", "new", "AT=shared/py/jobs", "TEMPLATE=worker", "SET=queue=kafka")
    assert "\nReads kafka.\n" in (root / "shared/py/jobs/README.md").read_text(encoding="utf-8")
    manifest = (root / "shared/py/jobs/pyproject.toml").read_text(encoding="utf-8")
    assert re.search(f'kind = "worker"\\n{TREE}title = "jobs"\\nqueue = "kafka"\\n$', manifest)
    # A folder tells of ours as before.
    run(root, "make", "new", "AT=shared/py/video")
    assert 'kind = "shared-py"\nversion = ' in (root / "shared/py/video/pyproject.toml").read_text(
        encoding="utf-8"
    )
    run(root, "make", "check", "lock-check", "PKG=shared/py/jobs shared/py/video")
    run(root, "make", "remove", "AT=shared/py/jobs")
    assert not (root / "shared/py/jobs").exists()


def test_the_engine_is_taken_over_and_given_back(root: Path) -> None:
    nox = root / ".venv/bin/nox"
    assert "ejected the engine to tools/src" in run(root, "make", "eject")
    run(root, "make", "install-hooks")
    # With the hooks, as everybody commits.
    commit(root)
    run(root, "make", "lint", "type-check", "guard", "lock-check", "list")
    run(root, "make", "check", "PKG=shared/py/core shared/js/core")
    run(root, "make", "new", "AT=shared/py/audio")
    run(root, nox, "-s", "lint(shared/py/audio)", "lint(shared/js/core)")
    run(root / "shared/py/core", nox, "-s", "lint")
    # All of it is in git: another checkout has the same.
    run(root, "git", "clone", "--quiet", ".", root / ".venv/clone")
    run(root / ".venv/clone", "make", "list")
    shutil.rmtree(root / ".venv/clone")
    edit(
        root / "tools/src/monorepo/cli.py",
        "def _list(options: argparse.Namespace) -> int:\n",
        'def _list(options: argparse.Namespace) -> int:\n    print("ours")\n',
    )
    assert run(root, "make", "list").startswith("ours\n")
    assert "tools/src/monorepo/cli.py: is not committed" in run(
        root, "make", "eject", "UNDO=1", code=2
    )
    run(root, "git", "checkout", "--quiet", "tools/src", "tools/lowest.txt")
    run(root, "git", "clean", "-fdxq", "shared/py/audio")
    assert "the engine is tools/cookiecutter_monorepo-" in run(root, "make", "eject", "UNDO=1")
    run(root, "git", "reset", "--quiet", "HEAD~1")
    assert changed(root) == ""
    assert run(root, "make", "list").startswith("path ")
    run(root, nox, "-s", "lint(shared/py/core)")


def test_what_is_taken_out_is_missed_in_a_sentence(root: Path) -> None:
    manifest = root / "pyproject.toml"
    gone = "kingfisher-secret-scanner mypy nox prek ruff zizmor".split()
    lines = manifest.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(tuple(f'    "{one}>' for one in gone))]
    assert len(lines) - len(kept) == len(gone)
    manifest.write_text("".join(kept), encoding="utf-8")
    run(root, "make", "lock")
    run(root, "make", "install")
    for target, program in {
        "lint": "ruff",
        "format": "ruff",
        "type-check": "mypy",
        "matrix": "nox",
        "install-hooks": "prek",
    }.items():
        places = [root, root / "shared/py/core"] if program in ("ruff", "mypy") else [root]
        for place in places:
            told = run(place, "make", target, code=2)
            assert f"monorepo: {program}: not installed; {ADD}\n" in told
            assert "Traceback" not in told
    told = run(root, "make", "guard", "RULE=secrets workflows")
    for rule, program in (("secrets", "kingfisher-secret-scanner"), ("workflows", "zizmor")):
        warning = f".: {rule}: warn: {program} is not installed: nothing was checked; {ADD}\n"
        assert warning in told
    # What needs none of them works.
    run(root, "make", "lock-check", "list")
    run(root, "make", "test", "PKG=shared/py/core shared/js/core")


def test_no_network_is_needed_once_all_is_installed(root: Path) -> None:
    for path in ("shared/py/audio", "shared/js/audio", "services/py/jobs", "services/js/shop"):
        run(root, "make", "new", f"AT={path}", env=OFFLINE)
    run(root, "make", "lint", "type-check", "guard", "lock-check", env=OFFLINE)
    run(root, "make", "check", "PKG=shared/py/audio shared/js/audio", env=OFFLINE)
    words = ("-s", "lint(shared/py/audio)", "lint(shared/js/audio)")
    run(root, root / ".venv/bin/nox", *words, env=OFFLINE)


def test_nox_may_be_installed_elsewhere(baked: Path, tmp_path: Path) -> None:
    root, venv = tmp_path / "a checkout with späces", tmp_path / "elsewhere"
    run(tmp_path, "git", "clone", "--quiet", baked, root)
    uv = Path(sysconfig.get_path("scripts"), "uv")
    run(tmp_path, uv, "venv", "--quiet", venv)
    words = ("--quiet", "--python", venv / "bin/python", "--constraints", root / "constraints.txt")
    run(tmp_path, uv, "pip", "install", *words, "nox")
    places = {root: "lint(shared/py/core)", root / "shared/py/core": "lint"}
    for place, name in places.items():
        assert f"* {name}" in run(place, venv / "bin/nox", "-l")
    for place, name in places.items():
        told = run(place, venv / "bin/nox", "-s", name, env={"CACHE": "0"})
        assert f"Session {name} was successful" in told
    assert (root / ".venv/bin/ruff").exists()
    run(root, "make", "install")
    for place, name in places.items():
        told = run(place, venv / "bin/nox", "-s", name, env={"CACHE": "0"})
        assert f"Session {name} was successful" in told
    assert changed(root) == ""


def test_a_program_that_is_not_pinned_yet_is_locked(root: Path) -> None:
    edit(root / "pyproject.toml", "dev = [\n", 'dev = [\n    "cowsay>=5",\n')
    assert "cowsay: not pinned; run make lock" in run(root, "make", "setup", code=2)
    run(root, "make", "lock")
    assert "cowsay==" in (root / "constraints.txt").read_text("utf-8")
    run(root, "make", "setup")
    run(root, ".venv/bin/python", "-c", "import cowsay")


def test_so_is_what_an_ejected_engine_requires(root: Path) -> None:
    run(root, "make", "eject")
    edit(
        root / "tools/src/pyproject.toml", "dependencies = [\n", 'dependencies = [\n    "cowsay",\n'
    )
    assert "cowsay: not pinned; run make lock" in run(root, "make", "setup", code=2)
    run(root, "make", "lock")
    run(root, "make", "setup")
    run(root, ".venv/bin/python", "-c", "import cowsay")
