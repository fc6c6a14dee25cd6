"""Workflows are valid and safe, and run what anybody can run: those made, and the template's."""

import json
import os
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from monorepo.core.languages import Language
from monorepo.delivery import release_workflow
from tests.template.actions import filled, holds
from tests.template.baking import SHAPES, TEMPLATE, TREE, attempt, bake, commit, environment, run

SCRIPTS = Path(sysconfig.get_path("scripts"))
PERSONAS = ("regular", "pedantic", "auditor")
LOCK, UPGRADE = "lock.yml", "upgrade.yml"
PINNED = r"uses: (\S+@[0-9a-f]{40} # v[0-9.]+)\n"
SCHEMAS = {"dependabot.yml": "vendor.dependabot"}
# What jobs may write.
PROPOSES = {"contents", "pull-requests", "actions"}
WRITTEN = {
    "lock.yml propose": PROPOSES,
    "upgrade.yml propose": {*PROPOSES, "issues"},
    "watch.yml report": {"issues"},
    "watch.yml submit": {"contents"},
    "all-green": {"statuses"},
    "publish": {"id-token", "attestations"},
    "pypi": {"id-token", "attestations"},
    "npm": {"id-token"},
    "announce": {"contents"},
}
# What moves things about on a runner, and proves nothing.
PLUMBING = {
    *("cat", "cd", "echo", "find", "for", "gh", "git", "ls", "mkdir", "npm", "printf", "tail"),
    *("test", "[", "if", "else", "fi", "done", "exit", "{", "}"),
}


@pytest.fixture(params=["template", "released", *SHAPES])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return each repository that has workflows: a copy, so that tests may spoil it."""
    if request.param in SHAPES:
        return bake(tmp_path, packages=SHAPES[request.param])
    if request.param == "released":
        made = bake(tmp_path)
        (made / release_workflow.PATH).write_text(
            release_workflow.text("3.11", [*Language]), encoding="utf-8"
        )
        return made
    shutil.copytree(TEMPLATE / ".github", tmp_path / ".github")
    shutil.copy(TEMPLATE / "Makefile", tmp_path)
    return tmp_path


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Return a monorepo as it is made by default."""
    return bake(tmp_path)


def configurations(root: Path) -> list[Path]:
    """Return the files that GitHub reads."""
    return sorted((root / ".github").rglob("*.yml"))


def checked(program: str, *words: object) -> subprocess.CompletedProcess[str]:
    """Run a program of this environment, which finds something or not."""
    command = [str(word) for word in (SCRIPTS / program, *words)]
    return subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)


def audited(root: Path, persona: str) -> list[str]:
    """Return the names of what zizmor finds."""
    words = ["--offline", "--no-config", "--no-exit-codes", "--quiet", "--format=json"]
    done = checked("zizmor", *words, f"--persona={persona}", *configurations(root))
    assert done.returncode == 0, done.stderr
    return [finding["ident"] for finding in json.loads(done.stdout)]


def are_valid(*files: Path) -> bool:
    """Return whether files are as GitHub's schemas for them say."""
    by_schema: dict[str, list[Path]] = {}
    for file in files:
        by_schema.setdefault(SCHEMAS.get(file.name, "vendor.github-workflows"), []).append(file)
    codes = set()
    for schema, same in by_schema.items():
        done = checked("check-jsonschema", "--builtin-schema", schema, *same)
        assert done.returncode in {0, 1}, done.stderr
        codes.add(done.returncode)
    return codes == {0}


def jobs(root: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each job, with the name of its workflow and its own."""
    for file in sorted((root / ".github/workflows").iterdir()):
        workflow = yaml.safe_load(file.read_text(encoding="utf-8"))
        assert workflow["permissions"] == {}
        assert workflow["concurrency"]
        for name, job in workflow["jobs"].items():
            yield file.name, name, job


def scripts(root: Path) -> list[str]:
    """Return all that workflows run."""
    steps = [step for *_, job in jobs(root) for step in job["steps"]]
    return [step["run"] for step in steps if "run" in step]


def spoil(root: Path, old: str, new: str) -> Path:
    """Replace `old` in the CI of a repository, where it is, once."""
    file = root / ".github/workflows/ci.yml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return file


def test_nothing_is_found(root: Path) -> None:
    assert len(configurations(root)) >= 3
    assert [found for persona in PERSONAS for found in audited(root, persona)] == []
    assert "zizmor" not in "".join(file.read_text("utf-8") for file in configurations(root))


@pytest.mark.parametrize(
    ("old", "new", "persona", "found"),
    [
        ("@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7", "regular", "unpinned-uses"),
        ('echo "$plan', 'echo "${{ github.head_ref }}$plan', "regular", "template-injection"),
        ("persist-credentials: false", "lfs: false", "regular", "artipacked"),
        (":\n      contents: read", ": write-all", "regular", "excessive-permissions"),
        ("name: CI\n", "", "pedantic", "anonymous-definition"),
        ("runs-on: ubuntu-latest", "runs-on: self-hosted", "auditor", "self-hosted-runner"),
    ],
)
def test_what_is_unsafe_is_found(made: Path, old: str, new: str, persona: str, found: str) -> None:
    spoil(made, old, new)
    assert found in audited(made, persona)


@pytest.mark.slow
def test_they_are_valid(root: Path) -> None:
    assert are_valid(*configurations(root))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("workflows/ci.yml", "runs-on:", "run-on:"),
        ("workflows/ci.yml", "pull_request:", "pull_requests:"),
        ("workflows/lock.yml", "timeout-minutes: 30", "timeout-minutes: [30]"),
        ("dependabot.yml", "interval: weekly", "interval: sometimes"),
        ("dependabot.yml", "cooldown:", "cool-down:"),
    ],
)
def test_what_is_not_valid_is_found(made: Path, name: str, old: str, new: str) -> None:
    file = made / ".github" / name
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    assert not are_valid(file)


def test_each_job_has_an_end_and_says_what_it_may(root: Path) -> None:
    for workflow, name, job in jobs(root):
        assert 0 < job["timeout-minutes"] <= 120, (workflow, name)
        written = {key for key, value in job["permissions"].items() if value == "write"}
        told = WRITTEN.get(f"{workflow} {name}", WRITTEN.get(name, set()))
        assert written <= told, (workflow, name)


def test_workflows_run_what_anybody_can_run(root: Path) -> None:
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    ran: set[str] = set()
    for script in scripts(root):
        # In `$(…)` there is a command as well.
        for line in re.sub(r'\\\n|"?\$\(|\)"$', "\n", script, flags=re.MULTILINE).splitlines():
            words = re.sub(r"^ *(?:el)?if (?:! )?", "", re.split(r" [|>] |;", line)[0]).split()
            if words and words[0] == "make":
                asked = {word for word in words[1:] if word[0] != "-" and "=" not in word}
                assert asked <= targets, line
                ran |= asked
            elif words and not words[0].startswith(("--", "#", ".venv/bin/nox")):
                assert words[0] in PLUMBING or re.match(r"[a-z]+=", words[0]), line
    assert ran >= ({"lint", "type-check", "lock"} if "ci" in targets else {"new", "test"})


def test_ci_is_what_make_ci_runs(made: Path) -> None:
    makefile = (made / "Makefile").read_text(encoding="utf-8")
    recipe = r"^ci: (.*) ## .*\n\t.*call ADD,nox\)\n((?:\t.*\n)+)"
    ((rule, lines),) = re.findall(recipe, makefile, re.MULTILINE)
    steps = scripts(made)
    assert f"make {rule}" in steps
    assert ".venv/bin/nox -j auto" in steps
    assert "nox -j auto -t proof" in lines and "nox -j auto -s $$sessions" in lines
    listing = "$(BIN)/nox --list --json -t proof | $(MONOREPO) matrix"
    assert f"$$({listing} --names)" in lines
    assert re.search(rf"^matrix: setup\n\t.*\n\t.*{re.escape(listing)}$", makefile, re.MULTILINE)


def test_the_last_job_waits_for_all_others(root: Path) -> None:
    """It may be skipped what the plan says is empty, and nothing else."""
    names = {name: job for workflow, name, job in jobs(root) if workflow == "ci.yml"}
    last = names.pop("all-green")
    # Those who have a GPU may be few, and slow; and what is kept proves nothing.
    for other in ("gpu", "keep"):
        names.pop(other, None)
    assert last["if"] == "always()"
    assert last["needs"] == [*names]
    first = last["steps"][0]
    assert "if" not in first and "continue-on-error" not in first


def test_the_last_job_is_green_if_all_others_are_or_had_nothing_to_do(made: Path) -> None:
    """It takes a matrix for nothing to do if the plan says so; and nothing else."""
    ends = ("success", "failure", "cancelled", "skipped")
    for root in (made, TEMPLATE):
        last = next(job for *names, job in jobs(root) if names == ["ci.yml", "all-green"])
        first, names = last["steps"][0], last["needs"]
        green = []
        for ended, any_ in product(product(ends, repeat=len(names)), ("true", "false", "")):
            outputs = {"plan": {"any": any_}}
            needs = {
                name: {"result": result, "outputs": outputs.get(name, {})}
                for name, result in zip(names, ended, strict=True)
            }
            env = filled(first["env"], {"needs": needs})
            if attempt(root, "bash", "-e", "-c", first["run"], env=env).returncode == 0:
                green.append((*ended, any_))
        fine = ["success"] * len(names)
        expected = [(*fine, any_) for any_ in ("true", "false", "")]
        if "prove" in names:
            expected = [(*fine, "true"), (*fine, ""), (*fine[:-1], "skipped", "false")]
        assert sorted(green) == sorted(expected)
        env = filled(first["env"], {"needs": {}})
        run(root, "bash", "-e", "-c", first["run"], env=env, code=1)


def test_only_main_saves_what_others_restore(made: Path) -> None:
    """GitHub lets a run restore what its own ref, its base or the default branch has saved.

    See "Restrictions for accessing a cache" in its documentation of dependency caching.
    """
    saving = set[str]()
    for workflow, name, job in jobs(made):
        for step in job["steps"]:
            uses = step.get("uses", "")
            if ".git/monorepo-results" not in str(step.get("with", {})):
                continue
            # What restores and saves in one would do so for any ref.
            assert not uses.startswith("actions/cache@")
            if uses.startswith("actions/cache/save@"):
                saving.add(f"{workflow} {name}")
                for ref in ("refs/pull/1/merge", "refs/heads/topic", "refs/tags/main", "main"):
                    contexts = {"github": {"ref": ref}}
                    assert not holds(job["if"], contexts, ["success"])
                assert holds(job["if"], {"github": {"ref": "refs/heads/main"}}, ["failure"])
                assert not holds(job["if"], {"github": {"ref": "refs/heads/main"}}, ["cancelled"])
    assert saving == {"ci.yml keep"}


def test_no_branch_of_a_stranger_is_run_on_the_runners_of_a_team(root: Path) -> None:
    own = {name: job for *_, name, job in jobs(root) if "vars." in job["runs-on"]}
    assert set(own) == ({"gpu"} if [*root.glob("*/py")] else set())
    for job in own.values():
        assert job["if"] == "vars.GPU_RUNNER != '' && github.event_name != 'pull_request'"


def test_actions_are_pinned_alike_everywhere() -> None:
    pins = [
        set(re.findall(PINNED, "".join(texts)))
        for texts in (
            [file.read_text("utf-8") for file in configurations(root)] for root in (TEMPLATE, TREE)
        )
    ]
    released = {*re.findall(PINNED, release_workflow.text("3.11", [*Language]))}
    # Nothing here publishes to npm.
    (node,) = released - pins[0]
    assert "actions/setup-node" in str(node)
    # An action may have parts, in folders of the same repository.
    pins[1] = {re.sub(r"^(\w+/[\w-]+)/\w+@", r"\1@", pin) for pin in pins[1]}
    assert pins[1] < pins[0]
    assert len(pins[1]) == 5 and len(released) == 7


def runner(made: Path, tmp_path: Path, *, make: str, gh: str) -> tuple[dict[str, str], Path]:
    """Return the variables of a runner, and where is noted what a stand-in of gh is told.

    Args:
        made: the repository, which is committed; its origin is the folder `remote`.
        tmp_path: where all this is.
        make: a script that stands in for make.
        gh: likewise, once what it is told is noted.
    """
    programs, noted = tmp_path / "programs", tmp_path / "noted"
    programs.mkdir()
    for name, script in {"gh": f'echo "$@" >> "{noted}"\n{gh}', "make": make}.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}", encoding="utf-8")
        (programs / name).chmod(0o755)
    remote = tmp_path / "remote"
    run(tmp_path, "git", "init", "--quiet", "--bare", remote)
    run(made, "git", "remote", "add", "origin", remote)
    commit(made)
    env = {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_REPOSITORY": "acme/platform",
        "GITHUB_REF_NAME": "main",
        "HOME": str(tmp_path),
        "RUNNER_TEMP": str(tmp_path),
    }
    return env, noted


def test_new_pins_become_a_pull_request(made: Path, tmp_path: Path) -> None:
    """With a git that pushes to a folder, a gh that notes what it is told, a lock that moves."""
    refresh = next(script for script in scripts(made) if "make lock" in script)
    propose = next(script for script in scripts(made) if "push --force origin pins" in script)
    moves = f'cat "{tmp_path}/new" | tee -a constraints.txt >> tools/gpu.txt'
    (made / "tools/gpu.txt").touch()
    env, noted = runner(
        made,
        tmp_path,
        make=f'echo "| $* |"\n{moves}\necho x >> Makefile\n',
        gh=f'[ "$1 $2" != "pr list" ] || cat "{tmp_path}/open"\n',
    )
    remote, output = tmp_path / "remote", Path(env["GITHUB_OUTPUT"])

    for number, said in (("", "pr create --head pins --base main"), ("7\n", "api --silent")):
        folder = tmp_path / f"runner{number.strip()}"
        folder.mkdir()
        (tmp_path / "open").write_text(number, encoding="utf-8")
        (tmp_path / "new").write_text(f"new{number.strip()}==1\n", encoding="utf-8")
        env["RUNNER_TEMP"] = str(folder)
        run(made, "bash", "-e", "-c", refresh, env=env)
        assert output.read_text(encoding="utf-8") == "moved=yes\n"
        output.unlink()
        run(made, "git", "checkout", "--quiet", ".")
        run(made, "bash", "-e", "-c", propose, env=env)
        told = noted.read_text(encoding="utf-8").splitlines()
        noted.unlink()
        assert [line.split()[0] for line in told] == ["auth", "pr", said.split()[0], "workflow"]
        assert told[2].startswith(said) and f"{folder}/pins/table.md" in told[2]
        assert (folder / "pins/table.md").read_text("utf-8") == "| lock UPGRADE=all |\n"
        assert told[3] == "workflow run ci.yml --ref pins"
        # Whatever else was changed on the way is left behind.
        pushed = run(remote, "git", "show", "--format=%an %s", "--name-only", "pins")
        paths = "constraints.txt\ntools/gpu.txt\n"
        assert pushed.split("\n\n") == ["github-actions[bot] Refresh the pins", paths]
        run(made, "git", "switch", "--quiet", "main")


def test_news_become_an_issue_that_is_closed_when_there_are_none(
    made: Path, tmp_path: Path
) -> None:
    steps = [step for name, _, job in jobs(made) if name == "watch.yml" for step in job["steps"]]
    audit, _, test, report, *_ = (step["run"] for step in steps if "run" in step)
    env, noted = runner(
        made,
        tmp_path,
        make=f'cat "{tmp_path}/table"\nexit "$(cat "{tmp_path}/code")"\n',
        gh=f'[ "$1 $2" != "issue list" ] || cat "{tmp_path}/open"\n',
    )
    output = Path(env["GITHUB_OUTPUT"])
    (made / ".venv/bin").mkdir(parents=True)
    nox = made / ".venv/bin/nox"
    nox.write_text('#!/bin/sh\necho "as $NOXSESSION"\nexit 1\n', encoding="utf-8")
    nox.chmod(0o755)

    def told(
        script: str, *, table: str = "", code: int = 0, number: str = "", ends: int = 0
    ) -> str:
        for name, text in {"table": table, "code": str(code), "open": number}.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        folder = tmp_path / "watch"
        if script in (audit, test):
            shutil.rmtree(folder, ignore_errors=True)
        known = env | {"NOXSESSION": "test-newest", "RESULTS": "success success", "RUN": "a-run"}
        run(made, "bash", "-e", "-c", script, env=known, code=ends)
        said = output.read_text("utf-8") if output.exists() else ""
        output.unlink(missing_ok=True)
        return said

    # No table and no success is no answer.
    assert told(audit, table="no known vulnerability\n") == "found=no\n"
    assert told(audit, code=2, ends=1) == ""
    assert told(audit, table="| six | bad |\n", code=2) == "found=yes\n"
    for number, verb in (("", "issue create --title News"), ("7\n", "issue edit 7 --body-file")):
        told(report, number=number)
        assert noted.read_text("utf-8").splitlines()[1].startswith(verb)
        assert (tmp_path / "body.md").read_text("utf-8") == "a-run\n\n| six | bad |\n"
        noted.unlink()
    assert told(test) == "found=yes\n"
    told(report)
    body = (tmp_path / "body.md").read_text("utf-8")
    assert body == "a-run\n\n\ntest-newest fails:\n\n```\nas test-newest\n```\n"
    nox.write_text("#!/bin/sh\n", encoding="utf-8")
    assert told(test) == "found=no\n"
    noted.unlink()
    told(report)
    told(report, number="7\n")
    assert [line.split()[1] for line in noted.read_text("utf-8").splitlines()] == [
        *("list", "list", "close")
    ]
    # A job that did not end well says nothing of what is left.
    run(made, "bash", "-e", "-c", report, env=env | {"RESULTS": "success failure"}, code=1)


@pytest.mark.parametrize(
    ("workflow", "target", "output", "job"),
    [(LOCK, "make lock", "moved", "lock"), (UPGRADE, "make upgrade", "behind", "upgrade")],
)
def test_without_anything_new_there_is_nothing_to_propose(
    made: Path, tmp_path: Path, workflow: str, target: str, output: str, job: str
) -> None:
    script = next(script for script in scripts(made) if target in script)
    commit(made)
    (tmp_path / "make").symlink_to("/bin/true")
    env = {"RUNNER_TEMP": str(tmp_path), "GITHUB_OUTPUT": str(tmp_path / "output")}
    env["PATH"] = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    run(made, "bash", "-e", "-c", script, env=env)
    assert (tmp_path / "output").read_text(encoding="utf-8") == f"{output}=no\n"
    told = [one for file, name, one in jobs(made) if (file, name) == (workflow, "propose")]
    assert [one["if"] for one in told] == [f"needs.{job}.outputs.{output} == 'yes'"]


NEWS = "the repository is behind version 9.0"
MERGED = {
    "README.md": b"More.\n",
    "tools/engine.whl": b"PK\x00\xff\x00",
    "shared/py/core/b c.py": b"BC = 1\n",
}
WORKFLOW = {".github/workflows/new.yml": b"name: New\n"}


class Weekly:
    """The steps of upgrade.yml, run with a make that merges `files`, or has a conflict in one."""

    def __init__(self, made: Path, tmp_path: Path) -> None:
        """Make a runner."""
        self.made, self.remote = made, tmp_path / "remote"
        self.merged, self.number = tmp_path / "merged", tmp_path / "number"
        self.merge, self.propose = (
            next(script for script in scripts(made) if word in script)
            for word in ("make upgrade", "gh issue")
        )
        make = '[ "$1" != install ] || exit 0\n'
        make += f'[ "$2" != CHECK=1 ] || {{ echo "{NEWS}"; exit 2; }}\n. "{self.merged}"\n'
        gh = f'case "$2" in list) cat "{self.number}" ;; esac\n'
        self.env, self.noted = runner(made, tmp_path, make=make, gh=gh)
        (tmp_path / "files").mkdir()
        self.files = tmp_path / "files"

    def run(self, files: Mapping[str, bytes], number: str = "", code: int = 0) -> list[str]:
        """Merge and propose; return what gh is told."""
        self.noted.unlink(missing_ok=True)
        shutil.rmtree(self.files)
        for path, content in files.items():
            (self.files / path).parent.mkdir(parents=True, exist_ok=True)
            (self.files / path).write_bytes(content)
        text = f'cp -R "{self.files}/." .\ngit add --all\ngit rm --quiet LICENSE\necho upgraded\n'
        self.merged.write_text(text, encoding="utf-8")
        self.number.write_text(number, encoding="utf-8")
        self._steps(code)
        return self.noted.read_text(encoding="utf-8").splitlines()

    def conflict(self, number: str = "") -> list[str]:
        """Have a conflict; return what gh is told."""
        self.noted.unlink(missing_ok=True)
        text = "for side in 1 2 3; do echo $side | git hash-object -w --stdin; done |\n"
        text += "  awk '{ printf \"100644 %s %d\\tREADME.md\\n\", $1, NR }' |\n"
        text += "  git update-index --index-info\n"
        text += "echo '  README.md: changed in the same place'\nexit 2\n"
        self.merged.write_text(text, encoding="utf-8")
        self.number.write_text(number, encoding="utf-8")
        self._steps(0)
        return self.noted.read_text(encoding="utf-8").splitlines()

    def _steps(self, code: int) -> None:
        place = Path(self.env["RUNNER_TEMP"]) / "upgrade"
        shutil.rmtree(place, ignore_errors=True)
        output = Path(self.env["GITHUB_OUTPUT"])
        output.unlink(missing_ok=True)
        run(self.made, "bash", "-e", "-c", self.merge, env=self.env)
        assert output.read_text(encoding="utf-8") == "behind=yes\n"
        # The next job has a checkout of its own.
        self.clean()
        run(self.made, "bash", "-e", "-c", self.propose, env=self.env, code=code)
        self.clean()

    def clean(self) -> None:
        """Have the tree as it is on the branch `main`."""
        run(self.made, "git", "switch", "--quiet", "--discard-changes", "main")
        run(self.made, "git", "reset", "--quiet", "--hard")

    @property
    def body(self) -> str:
        """What the pull request or the issue says."""
        return (Path(self.env["RUNNER_TEMP"]) / "body.md").read_text(encoding="utf-8")

    def pushed(self) -> dict[str, bytes]:
        """Return what the branch has of the files that are merged."""
        show = ["git", "-C", str(self.remote), "show"]
        return {
            path: subprocess.run([*show, f"upgrade:{path}"], capture_output=True, check=True).stdout
            for path in MERGED
        }


@pytest.fixture
def weekly(made: Path, tmp_path: Path) -> Weekly:
    """Return the weekly workflow, and a repository for it."""
    return Weekly(made, tmp_path)


def test_a_newer_version_becomes_a_pull_request(weekly: Weekly) -> None:
    for number, said in (("", "pr create --head upgrade --base main"), ("7\n", "api --silent")):
        told = weekly.run(MERGED, number)
        assert [line.split()[0] for line in told] == ["auth", "pr", said.split()[0], "workflow"]
        assert told[2].startswith(said)
        assert told[3] == "workflow run ci.yml --ref upgrade"
        assert weekly.body == f"\n```\nupgraded\n```\n\n{NEWS}\n"
        assert weekly.pushed() == MERGED
        form = ("--format=%an %s", "--name-status", "upgrade")
        header, _, rows = run(weekly.remote, "git", "show", *form).partition("\n\n")
        assert header == "github-actions[bot] Upgrade the template"
        assert "D\tLICENSE\n" in rows


def test_a_conflict_becomes_an_issue(weekly: Weekly) -> None:
    for number, said in (("", "issue create --title Upgrade"), ("7\n", "issue edit 7 --body-file")):
        told = weekly.conflict(number)
        assert len(told) == 2
        assert told[0].startswith("issue list")
        assert told[1].startswith(said)
        assert weekly.body.startswith("There is something to decide: run `make upgrade`")
        assert "\n  README.md: changed in the same place\n" in weekly.body
        assert weekly.body.endswith(f"{NEWS}\n")
    assert run(weekly.remote, "git", "branch", "--list") == ""


def test_changes_of_workflows_are_not_pushed(weekly: Weekly) -> None:
    told = weekly.run({**MERGED, **WORKFLOW})
    assert [line.split()[:2] for line in told] == [["issue", "list"], ["issue", "create"]]
    assert weekly.body.startswith("It changes workflows, which GitHub takes from people alone:")
    assert run(weekly.remote, "git", "branch", "--list") == ""


def test_commits_of_others_are_not_pushed_over(weekly: Weekly, tmp_path: Path) -> None:
    weekly.run(MERGED)
    clone = tmp_path / "clone"
    run(tmp_path, "git", "clone", "--quiet", "--branch", "upgrade", weekly.remote, clone)
    (clone / "README.md").write_text("Ours.\n", encoding="utf-8")
    commit(clone)
    run(clone, "git", "push", "--quiet", "origin", "upgrade")
    told = weekly.run(MERGED, "7\n", code=1)
    assert told == ["auth setup-git"]
    assert weekly.pushed()["README.md"] == b"Ours.\n"


def test_what_is_outside_of_the_repository_is_not_patched(weekly: Weekly, tmp_path: Path) -> None:
    place = tmp_path / "upgrade"
    for path in ("../outside", ".git/hooks/pre-commit"):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        patch = f"diff --git a/{path} b/{path}\nnew file mode 100755\n--- /dev/null\n"
        (place / "upgrade.patch").write_text(f"{patch}+++ b/{path}\n@@ -0,0 +1 @@\n+x\n", "utf-8")
        assert f"invalid path '{path}'" in run(
            weekly.made, "bash", "-e", "-c", weekly.propose, env=weekly.env, code=128
        )
    assert not (tmp_path / "outside").exists()
    assert not weekly.noted.exists()


def test_what_fails_without_a_conflict_is_red(weekly: Weekly) -> None:
    weekly.merged.write_text("echo 'monorepo: the index does not answer' >&2\nexit 2\n", "utf-8")
    run(weekly.made, "bash", "-e", "-c", weekly.merge, env=weekly.env, code=1)
    assert not Path(weekly.env["GITHUB_OUTPUT"]).exists()


@pytest.mark.slow
def test_the_matrix_has_every_session_and_nox_runs_a_row(ready: Path, tmp_path: Path) -> None:
    plan = next(script for script in scripts(ready) if "make --silent matrix" in script)
    output = tmp_path / "output"
    run(ready, "bash", "-e", "-c", plan, env={"GITHUB_OUTPUT": str(output), "BASE": ""})
    any_, matrix = output.read_text(encoding="utf-8").split("\nmatrix=")
    assert any_ == "any=true"
    rows = json.loads(matrix)["include"]
    names = [name for row in rows for name in row["sessions"].split(",")]
    assert len(names) == len(set(names))
    paths = set(re.findall(r"^\S+/\S+", run(ready, "make", "list"), re.MULTILINE))
    assert {re.sub(r".*\((.*)\)", r"\1", name) for name in names} == paths
    row = "test(shared/js/core),build(shared/js/core)"
    said = run(ready, ".venv/bin/nox", "-j", "auto", env={"NOXSESSION": row, "CI": "true"})
    assert "Ran 2 sessions" in said
    run(ready, ".venv/bin/nox", env={"NOXSESSION": "test(shared/js/gone)"}, code=3)
    # A listing that fails is no empty matrix.
    noxfile = ready / "noxfile.py"
    noxfile.rename(tmp_path / "noxfile.py")
    try:
        run(ready, "bash", "-e", "-c", plan, env={"GITHUB_OUTPUT": str(output), "BASE": ""}, code=2)
    finally:
        (tmp_path / "noxfile.py").rename(noxfile)


@pytest.mark.slow
def test_make_lock_prints_a_table_and_nothing_else(ready: Path) -> None:
    pins = ready / "constraints.txt"
    text = pins.read_text(encoding="utf-8")
    pins.write_text(re.sub(r"^rich==.*$", "rich==14.0.0", text, flags=re.MULTILINE), "utf-8")
    command = ["make", "lock", "UPGRADE=rich"]
    done = subprocess.run(command, cwd=ready, env=environment(), capture_output=True, check=True)
    run(ready, "git", "checkout", "--quiet", ".")
    lines = done.stdout.decode().splitlines()
    assert [line.split()[1] for line in lines] == ["pin", "----", "rich"]
    assert lines[2].startswith("| rich | 14.0.0 | 1")
