"""CI tests what a change affects: its own lines, run for each event in fresh clones."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.sessions import durations
from tests.template.actions import MAIN, Event, GitHub, Run
from tests.template.baking import SHAPES, bake, commit, edit, run

pytestmark = pytest.mark.slow

PLAN = ("plan", "all-green")
LEAF = "services/py/api"
PACKAGES = SHAPES["default"].split()
SHAPED = ["default", "python", "javascript", "shared", "apps"]
NEW = "\n# A line.\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> GitHub:
    """Return a monorepo on GitHub, whose runner keeps its `.venv`."""
    return start(tmp_path_factory.mktemp("ci"), "default")


def start(place: Path, shape: str) -> GitHub:
    """Return a monorepo of some shape on GitHub."""
    origin = bake(place, packages=SHAPES[shape])
    commit(origin)
    run(origin, "git", "tag", "start")
    return GitHub(origin, place / "github", Path.home())


@pytest.fixture
def github(made: GitHub) -> GitHub:
    """Return it as it was at the start."""
    run(made.origin, "git", "reset", "--quiet", "--hard", "start")
    run(made.origin, "git", "switch", "--quiet", "main")
    made.green, made.caches = [], []
    return made


def head(github: GitHub) -> str:
    """Return the last commit."""
    return run(github.origin, "git", "rev-parse", "HEAD").strip()


def append(github: GitHub, path: str, text: str = NEW) -> None:
    """Append to a file."""
    with (github.origin / path).open("a", encoding="utf-8") as file:
        file.write(text)


def propose(github: GitHub, change: Callable[[], object], *labels: str) -> Event:
    """Return the pull request that proposes a change, as GitHub has it: as a merge with main."""
    origin = github.origin
    run(origin, "git", "switch", "--quiet", "--force-create", "topic")
    change()
    commit(origin)
    run(origin, "git", "switch", "--quiet", "--detach", "main")
    run(origin, "git", "merge", "--quiet", "--no-ff", "--message", "merge", "topic")
    run(origin, "git", "update-ref", "refs/pull/1/merge", "HEAD")
    run(origin, "git", "switch", "--quiet", "main")
    about = {"pull_request": {"labels": [{"name": label} for label in labels]}}
    return Event("pull_request", "refs/pull/1/merge", about)


def packages(done: Run) -> set[str]:
    """Return the packages whose sessions are planned."""
    assert done.results["plan"] == "success", done.printed["plan"]
    return {re.sub(r".*\((.*)\)", r"\1", name) for name in done.sessions}


def planned(github: GitHub, event: Event) -> set[str]:
    """Return the packages that are tested for an event; CI has to be green."""
    done = github.run(event, jobs=PLAN)
    assert done.results["all-green"] == "success", done
    found = packages(done) if done.outputs["plan"]["any"] == "true" else set()
    assert done.results["prove"] == ("success" if found else "skipped")
    return found


def proposed(github: GitHub, path: str, *labels: str) -> set[str]:
    """Return the packages that are tested for a pull request that changes a file."""
    return planned(github, propose(github, lambda: append(github, path), *labels))


def test_a_pull_request_is_tested_as_far_as_it_goes(github: GitHub) -> None:
    assert proposed(github, f"{LEAF}/src/acme_svc_api/main.py") == {LEAF}
    assert proposed(github, "README.md") == set()
    assert proposed(github, "README.md", "bug", "wontfix") == set()
    assert proposed(github, "README.md", "bug", "full-ci") >= {*PACKAGES}
    assert proposed(github, "tools/make/common.mk") >= {*PACKAGES}
    javascript = proposed(github, "tools/make/js.mk")
    assert javascript == {path for path in listed(github) if "/js/" in path}
    # What main got in the meantime is not its change.
    event = propose(github, lambda: append(github, f"{LEAF}/README.md"))
    append(github, "shared/py/core/src/acme_core/__init__.py")
    commit(github.origin)
    assert planned(github, event) == {LEAF}
    run(github.origin, "git", "merge", "--quiet", "--message", "merge", "topic")
    run(github.origin, "git", "update-ref", "refs/pull/1/merge", "HEAD")
    assert planned(github, event) == {LEAF}


def listed(github: GitHub) -> set[str]:
    """Return the paths of all packages."""
    return {*re.findall(r"^\S+/\S+", run(github.origin, "make", "list"), re.MULTILINE)}


def test_main_is_tested_since_its_last_green_commit(github: GitHub) -> None:
    everything = listed(github)
    push = Event("push")
    assert planned(github, push) == everything
    first = head(github)
    github.green = [first]
    assert planned(github, push) == set()
    append(github, f"{LEAF}/src/acme_svc_api/main.py")
    commit(github.origin)
    red = head(github)
    append(github, "README.md")
    commit(github.origin)
    assert planned(github, push) == {LEAF}
    github.green = [red, first]
    assert planned(github, push) == set()
    # The older one runs again, when a newer one is green; and a branch that was rewritten.
    github.green = [head(github), first]
    run(github.origin, "git", "reset", "--quiet", "--hard", red)
    assert planned(github, push) == {LEAF}
    github.green = [red, "0" * 40]
    run(github.origin, "git", "reset", "--quiet", "--hard", first)
    assert planned(github, push) == everything


def test_a_queue_is_tested_since_its_base(github: GitHub) -> None:
    base = head(github)
    for name in ("one", "two"):
        append(github, f"{LEAF}/tests/{name}.py", "")
        commit(github.origin)
    event = Event("merge_group", MAIN, {"merge_group": {"base_sha": base}})
    assert planned(github, event) == {LEAF}


@pytest.mark.parametrize("name", ["schedule", "workflow_dispatch"])
def test_at_night_and_by_hand_everything_is_tested(github: GitHub, name: str) -> None:
    github.green = [head(github)]
    assert planned(github, Event(name)) == listed(github)


def no_jobs(github: GitHub) -> None:
    edit(
        github.origin / "pyproject.toml",
        "[tool.monorepo.template]",
        "ci.jobs = 0\n\n[tool.monorepo.template]",
    )


def no_sessions(github: GitHub) -> None:
    append(github, "noxfile.py", "raise SystemExit(1)\n")


def no_affects(github: GitHub) -> None:
    edit(
        github.origin / "pyproject.toml",
        "[tool.monorepo.template]",
        "affects = 1\n\n[tool.monorepo.template]",
    )


@pytest.mark.parametrize("spoil", [no_jobs, no_sessions, no_affects])
def test_a_plan_that_fails_is_red(github: GitHub, spoil: Callable[[GitHub], None]) -> None:
    done = github.run(propose(github, lambda: spoil(github)), jobs=PLAN)
    expected = {"plan": "failure", "prove": "skipped", "all-green": "failure"}
    assert {name: done.results[name] for name in expected} == expected
    assert not done.outputs["plan"]["any"]


def test_a_broken_package_is_red_and_the_others_are_planned(github: GitHub) -> None:
    event = propose(github, lambda: append(github, "shared/js/core/package.json", "}"))
    done = github.run(event, jobs=("plan", "prove", "all-green"), sessions="manifests")
    assert "manifests" in done.sessions
    assert (done.results["prove"], done.results["all-green"]) == ("failure", "failure")


@pytest.mark.parametrize("shape", SHAPED[1:])
def test_any_shape_is_planned(tmp_path: Path, shape: str) -> None:
    """Python alone, JavaScript alone, without services, with apps."""
    github = start(tmp_path, shape)
    everything = listed(github)
    assert planned(github, Event("push")) == everything
    assert proposed(github, "CONTRIBUTING.md") == set()
    leaf = SHAPES[shape].split()[-1]
    assert proposed(github, f"{leaf}/README.md") == {leaf}


def test_results_come_from_main_alone(github: GitHub) -> None:
    session = "test(shared/js/core)"
    jobs = ("plan", "prove", "keep", "all-green")

    def known(job: str) -> dict[str, float]:
        return durations.recorded(github.place / "runner" / job)

    done = github.run(Event("push"), jobs=jobs, sessions=session)
    assert set(done.results.values()) == {"success", "skipped"}, done
    ((owner, key, kept),) = github.caches
    assert (owner, key) == (MAIN, f"results-Linux-{github.runs}-1")
    assert {path.name for path in kept.iterdir()} <= {"entries", "durations"}
    (told,) = [json.loads(file.read_bytes()) for file in kept.glob("durations/*.json")]
    assert told["session"] == session

    # What a pull request saves, if it changes the workflow so, nobody else sees.
    strange = github.place / "strange"
    (strange / "durations").mkdir(parents=True)
    text = json.dumps({"session": session, "seconds": 9999})
    (strange / "durations/x.json").write_text(text, encoding="utf-8")
    github.caches.append(("refs/pull/2/merge", "results-Linux-999-9", strange))

    # A pull request has them, and keeps none.
    event = propose(github, lambda: append(github, "shared/js/core/src/index.ts"))
    done = github.run(event, jobs=jobs, sessions=session)
    assert done.results["keep"] == "skipped"
    assert known("plan") == {session: told["seconds"]}
    assert len(github.caches) == 2

    # Main adds to them.
    github.green = []
    github.run(Event("push"), jobs=jobs, sessions="build(shared/js/core)")
    assert [owner for owner, *_ in github.caches] == [MAIN, "refs/pull/2/merge", MAIN]
    newest = {file.name for file in github.caches[-1][2].glob("durations/*")}
    assert newest == {"test(shared+js+core).json", "build(shared+js+core).json"}

    # A full run has no results of others, but their durations for the plan, and starts anew.
    done = github.run(Event("schedule"), jobs=jobs, sessions="test-coverage(shared/js/core)")
    assert len(known("plan")) == 2
    assert [*known("prove")] == ["test-coverage(shared/js/core)"]
    newest = {file.name for file in github.caches[-1][2].glob("durations/*")}
    assert newest == {"test-coverage(shared+js+core).json"}


def test_make_ci_runs_here_what_ci_does_for_a_base(ready: Path) -> None:
    def ci(base: str, code: int = 0) -> str:
        return run(ready, "make", "ci", f"BASE={base}", code=code)

    said = ci("HEAD")
    assert "monorepo: 0 of" in said and "Running session" not in said
    assert "All checks passed" in said
    with (ready / "shared/js/core/README.md").open("a", encoding="utf-8") as file:
        file.write(NEW)
    said = ci("HEAD")
    assert "monorepo: 1 of" in said
    ran = {*re.findall(r"\* (\S+): success", said)}
    listing = json.loads(run(ready, ".venv/bin/nox", "--list", "--json", "-t", "proof"))
    names = {entry["session"] for entry in listing}
    assert ran == {name for name in names if name.endswith("(shared/js/core)")}
    run(ready, "git", "checkout", "--quiet", ".")
    assert "monorepo: BASE=nowhere: is not a commit here" in ci("nowhere", code=2)
