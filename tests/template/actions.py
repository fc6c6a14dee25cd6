"""Runs a workflow as GitHub does: its conditions, its own lines, caches and artifacts.

What stands in for GitHub: clones of a repository in place of checkouts, folders in place of caches
(each seen from its own ref and from the default branch's children, as GitHub has it) and artifacts,
and a `gh` that knows which commits are green.
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml

from tests.template.baking import attempt, run

Value = Any  # JSON's values: an expression may be any of them.
MAIN = "refs/heads/main"
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>\d+)|(?P<name>[A-Za-z_][\w-]*)"
    r"|(?P<sign>&&|\|\||==|!=|[!()\[\],.*]))"
)
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_SAYING_WHEN = ("always()", "cancelled()", "failure()", "success()")


class Expression:
    """An expression of GitHub's, as far as the workflows have use for them."""

    def __init__(self, text: str, contexts: Mapping[str, Value], results: Collection[str]) -> None:
        """Take the contexts by name, and how the jobs or steps before have ended."""
        self.contexts = contexts
        self.tokens = list(self._tokens(text.strip()))
        self.functions: dict[str, Callable[..., Value]] = {
            "always": lambda: True,
            "cancelled": lambda: "cancelled" in results,
            "contains": lambda where, what: what in (where or []),
            "failure": lambda: "failure" in results,
            "fromJSON": json.loads,
            "hashFiles": lambda *_: "0",
            "join": lambda values, between: between.join(map(shown, values)),
            "success": lambda: {*results} <= {"success"},
        }

    def value(self) -> Value:
        """Return what it amounts to."""
        found = self._or()
        assert not self.tokens, self.tokens
        return found

    @staticmethod
    def _tokens(text: str) -> Iterator[tuple[str, str]]:
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            assert match, text[at:]
            assert match.lastgroup
            yield match.lastgroup, match[match.lastgroup]
            at = match.end()

    def _take(self, *signs: str) -> str:
        if self.tokens and self.tokens[0][0] == "sign" and self.tokens[0][1] in signs:
            return self.tokens.pop(0)[1]
        return ""

    def _or(self) -> Value:
        found = self._and()
        while self._take("||"):
            other = self._and()
            found = found or other
        return found

    def _and(self) -> Value:
        found = self._comparison()
        while self._take("&&"):
            other = self._comparison()
            found = found and other
        return found

    def _comparison(self) -> Value:
        found = self._not()
        while sign := self._take("==", "!="):
            same = _number_or_text(found) == _number_or_text(self._not())
            found = same if sign == "==" else not same
        return found

    def _not(self) -> Value:
        return not self._not() if self._take("!") else self._operand()

    def _operand(self) -> Value:
        if self._take("("):
            found = self._or()
            assert self._take(")")
        else:
            kind, text = self.tokens.pop(0)
            if kind == "text":
                found = text[1:-1].replace("''", "'")
            elif kind == "number":
                found = int(text)
            elif self._take("("):
                given = []
                while not self._take(")"):
                    given.append(self._or())
                    self._take(",")
                found = self.functions[text](*given)
            else:
                found = {"true": True, "false": False}.get(text, self.contexts.get(text))
        while self._take("."):
            found = _member(found, self.tokens.pop(0)[1])
        return found


def _member(value: Value, name: str) -> Value:
    """Return a member of an object, or of each of a list."""
    if name == "*":
        return list(value.values() if isinstance(value, dict) else value or [])
    if isinstance(value, list):
        return [one[name] for one in value if name in one]
    return value.get(name) if isinstance(value, dict) else None


def _number_or_text(value: Value) -> Value:
    """Return what GitHub compares: nothing and an empty text are alike, and case is ignored."""
    return value.lower() if isinstance(value, str) and value else value or 0


def shown(value: Value) -> str:
    """Return a value as a text."""
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    return str(value)


def filled(value: Value, contexts: Mapping[str, Value]) -> Value:
    """Return a value of a workflow with all expressions in it evaluated."""
    if isinstance(value, dict):
        return {key: filled(one, contexts) for key, one in value.items()}
    if not isinstance(value, str):
        return value
    if (whole := _EXPRESSION.fullmatch(value.strip())) and "}}" not in whole[1]:
        return Expression(whole[1], contexts, ()).value()
    return _EXPRESSION.sub(lambda one: shown(Expression(one[1], contexts, ()).value()), value)


def holds(condition: str | None, contexts: Mapping[str, Value], results: Collection[str]) -> bool:
    """Return whether a job or a step runs; by default, if all before it have succeeded."""
    text = condition or "success()"
    if not any(word in text for word in _SAYING_WHEN):
        text = f"success() && ({text})"
    return bool(Expression(text, contexts, results).value())


@dataclass(frozen=True)
class Event:
    """What starts a run: its name, the ref that is checked out, and what GitHub says of it."""

    name: str
    ref: str = MAIN
    about: Mapping[str, Value] = field(default_factory=dict)


@dataclass
class Run:
    """What a run of a workflow came to: the results and outputs of jobs, and what they printed."""

    results: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    printed: dict[str, str] = field(default_factory=dict)

    @property
    def sessions(self) -> list[str]:
        """The sessions in the matrix of the plan."""
        rows = json.loads(self.outputs["plan"]["matrix"])["include"]
        return [name for row in rows for name in row["sessions"].split(",")]


class GitHub:
    """A repository on GitHub, and what that keeps between runs of its workflow."""

    def __init__(self, origin: Path, place: Path, home: Path) -> None:
        """Take the repository, a folder for all else, and the home folder of runners."""
        self.origin, self.place, self.home = origin, place, home
        self.green: list[str] = []
        self.variables: dict[str, str] = {}
        self.caches: list[tuple[str, str, Path]] = []
        self.runs = 0
        programs = place / "programs"
        programs.mkdir(parents=True)
        (programs / "gh").write_text(f'#!/bin/sh\ncat "{place}/green"\n', encoding="utf-8")
        (programs / "gh").chmod(0o755)

    def run(self, event: Event, *, jobs: Collection[str], sessions: str = "") -> Run:
        """Run some jobs of ci.yml, all others being green.

        Args:
            event: what starts it.
            jobs: those that run; others succeed, if they run at all.
            sessions: what takes the place of a row's sessions, of which only the first runs.
        """
        self.runs += 1
        (self.place / "green").write_text("\n".join(self.green), encoding="utf-8")
        text = run(self.origin, "git", "show", f"{event.ref}:.github/workflows/ci.yml")
        workflow = yaml.safe_load(text)
        shutil.rmtree(self.place / "artifacts", ignore_errors=True)
        found = Run()
        for name, job in workflow["jobs"].items():
            contexts = self._contexts(event, job, found)
            env = filled(workflow["env"], contexts)
            contexts["env"] = {key: shown(value) for key, value in env.items()}
            before = [found.results[one] for one in _listed(job.get("needs"))]
            if not holds(job.get("if"), contexts, before):
                found.results[name] = "skipped"
            elif name not in jobs:
                found.results[name] = "success"
            else:
                self._job(event, name, job, contexts, found, sessions)
        return found

    def _contexts(self, event: Event, job: Mapping[str, Value], found: Run) -> dict[str, Value]:
        needs = {
            name: {"result": found.results[name], "outputs": found.outputs.get(name, {})}
            for name in _listed(job.get("needs"))
        }
        github = {
            **{"event_name": event.name, "ref": event.ref, "event": event.about, "token": "t"},
            **{"repository": "acme/platform", "run_id": self.runs, "run_attempt": 1},
        }
        runner = {"os": "Linux", "temp": str(self.place / "temp")}
        return {
            "github": github,
            "runner": runner,
            "needs": needs,
            "vars": self.variables,
            "steps": {},
        }

    def _job(
        self,
        event: Event,
        name: str,
        job: Mapping[str, Value],
        contexts: dict[str, Value],
        found: Run,
        sessions: str,
    ) -> None:
        """Run a job: of a matrix, its first row."""
        if "strategy" in job:
            row = filled(job["strategy"]["matrix"], contexts)["include"][0]
            contexts |= {"matrix": {**row, "sessions": sessions or row["sessions"]}}
            contexts |= {"strategy": {"job-index": 0}}
        folder, ended = self.place / "runner" / name, list[str]()
        temp = Path(contexts["runner"]["temp"])
        shutil.rmtree(temp, ignore_errors=True)
        temp.mkdir()
        # What takes long to make again; it is looked at before it is used.
        kept = self.place / "kept"
        if (folder / ".venv").exists():
            (folder / ".venv").rename(kept)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for step in job["steps"]:
            if not holds(step.get("if"), contexts, ended):
                continue
            given = filled(step.get("with", {}), contexts)
            if "run" in step:
                ended.append(self._script(event, name, folder, step, contexts, found))
            elif step["uses"].startswith("actions/checkout@"):
                self._checkout(event.ref, folder, int(given.get("fetch-depth", 1)))
                if kept.exists():
                    kept.rename(folder / ".venv")
            elif step["uses"].startswith("actions/cache/"):
                self._cache(event.ref, folder, given, saves="/save@" in step["uses"])
            elif "-artifact@" in step["uses"]:
                self._artifact(folder, given, uploads="/upload-" in step["uses"])
        found.results[name] = "failure" if "failure" in ended else "success"
        outputs = filled(job.get("outputs", {}), contexts)
        found.outputs[name] = {key: shown(value) for key, value in outputs.items()}

    def _script(
        self,
        event: Event,
        job: str,
        folder: Path,
        step: Mapping[str, Value],
        contexts: dict[str, Value],
        found: Run,
    ) -> str:
        """Run the lines of a step, and return how that ended."""
        assert "${{" not in step["run"]
        output = Path(contexts["runner"]["temp"]) / "output"
        output.unlink(missing_ok=True)
        env = {**contexts["env"], **filled(step.get("env", {}), contexts)}
        done = attempt(
            folder,
            *("bash", "-e", "-c", step["run"]),
            env={
                **{"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": event.name},
                **{"GITHUB_OUTPUT": str(output), "RUNNER_TEMP": contexts["runner"]["temp"]},
                **{"HOME": str(self.home), "GITHUB_REF_NAME": event.ref.split("/", 2)[2]},
                "PATH": f"{self.place / 'programs'}{os.pathsep}{os.environ['PATH']}",
                **{key: shown(value) for key, value in env.items()},
            },
        )
        assert "Traceback" not in done.stdout, done.stdout
        found.printed[job] = found.printed.get(job, "") + done.stdout
        if output.exists():
            rows = output.read_text(encoding="utf-8").splitlines()
            outputs = dict(row.split("=", 1) for row in rows)
            contexts["steps"][step.get("id", "")] = {"outputs": outputs}
        return "failure" if done.returncode else "success"

    def _checkout(self, ref: str, folder: Path, depth: int) -> None:
        """Clone what a ref names; with all of the history if `depth` is 0."""
        run(folder, "git", "init", "--quiet")
        run(folder, "git", "remote", "add", "origin", f"file://{self.origin}")
        words = [f"--depth={depth}", ref] if depth else [ref, "+refs/heads/*:refs/remotes/origin/*"]
        run(folder, "git", "fetch", "--quiet", "origin", *words)
        run(folder, "git", "checkout", "--quiet", "--detach", "FETCH_HEAD")

    def _cache(self, ref: str, folder: Path, given: Mapping[str, str], *, saves: bool) -> None:
        """Save a folder for a ref; or restore what that ref or the default branch has saved."""
        path = folder / given["path"]
        if saves:
            copy = self.place / "caches" / str(len(self.caches))
            shutil.copytree(path, copy)
            self.caches.append((ref, given["key"], copy))
            return
        for scope in (ref, MAIN):
            for owner, key, copy in reversed(self.caches):
                if owner == scope and key.startswith(given["restore-keys"]):
                    shutil.copytree(copy, path, dirs_exist_ok=True)
                    return

    def _artifact(self, folder: Path, given: Mapping[str, Value], *, uploads: bool) -> None:
        """Upload a folder; or download all artifacts whose name begins alike into one."""
        place = self.place / "artifacts"
        if uploads:
            shutil.copytree(given["path"], place / given["name"])
            return
        start = "".join(takewhile(lambda letter: letter != "*", given["pattern"]))
        for artifact in sorted(place.glob(f"{start}*")):
            shutil.copytree(artifact, folder / given["path"], dirs_exist_ok=True)


def _listed(needs: str | list[str] | None) -> list[str]:
    return [needs] if isinstance(needs, str) else needs or []
