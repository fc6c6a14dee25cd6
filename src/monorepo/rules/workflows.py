"""GitHub workflows are secure (zizmor), and each job has a timeout.

Checked are the workflows and Dependabot's configuration in .github, and each action.yml, with
zizmor in offline mode. Its audits include actions that are not pinned to a commit (unpinned-uses),
unnecessary permissions (excessive-permissions), and titles and branch names that become code
(template-injection). A job with steps has `timeout-minutes`. Comments that silence zizmor are
ignored here; its configuration of policies applies.

Why: a workflow runs with the repository's permissions, and a tag that it uses can be moved to any
code. A job that hangs occupies a runner for six hours.

Fix: follow the finding; the audit is a section of zizmor's documentation.

Passes::

    timeout-minutes: 10
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1

Fails::

    steps:
      - uses: actions/checkout@v7
"""

import json
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import yaml

from monorepo.guard.findings import Finding, absent
from monorepo.guard.repository import Sources
from monorepo.system import terminal

_FILES = re.compile(r"(\.github/(workflows/[^/]+|dependabot)|(.*/)?action)\.ya?ml")
# Policies count, exceptions stand in one place, and a failure is no finding.
_ZIZMOR = "--offline --format=json-v1 --persona=regular --no-ignores --no-exit-codes".split()
_ZIZMOR += "--strict-collection --no-progress --quiet --color=never --".split()


def subjects(sources: Sources) -> Sequence[str]:
    """Return what GitHub reads, and the repository if zizmor is not there to look at it."""
    found = [path for path in sources.files if _FILES.fullmatch(path)]
    return [*found, "."] if found and _zizmor() is None else found


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Look at a workflow, an action or Dependabot's configuration."""
    if subject == ".":
        yield absent("workflows", "zizmor")
        return
    node = _read(sources, subject)
    if isinstance(node, Finding):
        yield node
        return
    _, jobs = _entries(node).get("jobs", (0, None))
    for name, (line, job) in _entries(jobs).items():
        told = _entries(job)
        # One that calls another workflow cannot have it.
        if "steps" in told and "timeout-minutes" not in told:
            message = f"the job {name} may hang for hours"
            yield Finding(subject, line, "workflows", message, "give it timeout-minutes")
    yield from (one for one in _audited(sources) if one.path == subject)


def _zizmor() -> str | None:
    """Return the path of zizmor, beside Python."""
    return shutil.which("zizmor", path=sysconfig.get_path("scripts"))


def _read(sources: Sources, path: str) -> yaml.Node | Finding | None:
    """Return the syntax tree of a file, or what is wrong with it."""
    # zizmor would tell of it by another name.
    if terminal.line(path) != path:
        return Finding(path, 0, "workflows", "has a name that is no plain text", "rename it")
    text = sources.peek(path)
    if text is None:
        return Finding(path, 0, "workflows", "is no text that can be read", "fix it")
    try:
        return yaml.compose(text, yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        said = getattr(error, "problem", None) or type(error).__name__
        return Finding(path, line, "workflows", f"is not YAML ({said})", "fix it")


def _entries(node: yaml.Node | None) -> dict[str, tuple[int, yaml.Node]]:
    """Return the line and the value of each key of a mapping; nothing for what is none."""
    entries = node.value if isinstance(node, yaml.MappingNode) else ()
    return {str(key.value): (key.start_mark.line + 1, value) for key, value in entries}


@lru_cache(maxsize=1)
def _audited(sources: Sources) -> list[Finding]:
    """Return what zizmor finds in all files that are YAML, once for all of them."""
    files = [path for path in sources.files if _FILES.fullmatch(path)]
    return _audit(sources, [one for one in files if not isinstance(_read(sources, one), Finding)])


def _audit(sources: Sources, files: Sequence[str]) -> list[Finding]:
    """Return what zizmor finds in files, by one process unless one of them is malformed."""
    answer = _run(sources, files)
    if not isinstance(answer, str):
        return [_finding(one) for one in answer]
    if len(files) > 1:
        # It has given up at the first one: which, and what of the others?
        return [finding for path in files for finding in _audit(sources, [path])]
    advice = "fix what GitHub would refuse as well"
    return [Finding(files[0], 1, "workflows", f"is malformed: {answer}", advice)]


def _run(sources: Sources, files: Sequence[str]) -> list[dict[str, Any]] | str:
    """Return what zizmor finds in files, or why it does not."""
    zizmor = _zizmor()
    if zizmor is None or not files:
        return []
    command = [zizmor, *_ZIZMOR, *(f"./{path}" for path in files)]
    done = subprocess.run(
        command, cwd=sources.root, capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode:
        said = done.stderr.partition("Caused by:")[2].partition("Stack backtrace:")[0]
        causes = re.findall(r"^ {4}\d+: (.+)$", said, re.MULTILINE)
        return causes[-1] if causes else f"zizmor ended with {done.returncode}"
    told: list[dict[str, Any]] = json.loads(done.stdout)
    return told


def _finding(told: dict[str, Any]) -> Finding:
    """Return a finding of zizmor's as one of ours."""
    places = told["locations"]
    place = next((one for one in places if one["symbolic"]["kind"] == "Primary"), places[0])
    path = place["symbolic"]["key"]["Local"]["verbatim_path"].removeprefix("./")
    line = place["concrete"]["location"]["start_point"]["row"] + 1
    said = place["symbolic"]["annotation"] or told["desc"]
    titles = [fix["title"] for fix in told["fixes"]]
    advice = f"{titles[0]}, see {told['url']}" if titles else f"see {told['url']}"
    return Finding(path, line, "workflows", f"{told['ident']}: {said}", advice)
