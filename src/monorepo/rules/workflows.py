"""GitHub workflows are secure, as zizmor judges them offline, and each job has a timeout.

What counts: the workflows and Dependabot's configuration in .github, and each action.yml.
- workflows.timeout: a job with steps has no `timeout-minutes`, or the six hours it has without
- workflows.audit: what zizmor finds, such as an action, a reusable workflow or an image without the
  hash of a commit (unpinned-uses, unpinned-images), permissions that nothing needs, and titles and
  branch names that become code (template-injection)
- workflows.malformed: GitHub would refuse the file

Comments that silence zizmor are ignored here; its configuration of policies applies. Its audits
self-repository and dependabot-cooldown are left out.

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
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from monorepo.guard import config_files
from monorepo.guard.findings import Finding, absent
from monorepo.guard.repository import Sources
from monorepo.parsing import data_formats
from monorepo.system import terminal

_FILES = re.compile(r"(\.github/(workflows/[^/]+|dependabot)|(.*/)?action)\.ya?ml")
_POLICIES = ("zizmor.yml", "zizmor.yaml", ".github/zizmor.yml", ".github/zizmor.yaml")
# Policies count, exceptions stand in one place, and a failure is no finding.
_ZIZMOR = "--offline --format=json-v1 --persona=pedantic --no-ignores --no-exit-codes".split()
_ZIZMOR += "--strict-collection --no-progress --quiet --color=never --".split()
# What is a matter of taste; and of the pedantic audits the one that is none.
_LEFT_OUT = {"self-repository", "dependabot-cooldown"}
_PEDANTIC = "unpinned-images"
# Minutes after which GitHub ends any job.
_LONGEST = 360


def subjects(sources: Sources) -> Sequence[str]:
    """Return what GitHub reads, and the repository if zizmor is not there to look at it."""
    found = [path for path in sources.files if _FILES.fullmatch(path)]
    return [*found, "."] if found and _zizmor() is None else found


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Look at a workflow, an action or Dependabot's configuration."""
    if subject == ".":
        yield absent("workflows", "zizmor")
    elif terminal.line(subject) != subject:
        # zizmor would tell of it by another name.
        message = "has a name that is no plain text"
        yield Finding(subject, 0, "workflows.malformed", message, "rename it")
    else:
        for line, name in sources.kept.of(subject, "timeouts", partial(_timeouts, sources)) or ():
            message = f"the job {name} may hang for hours"
            yield Finding(subject, line, "workflows.timeout", message, "give it timeout-minutes")
        yield from (one for one in sources.once(_audited) if one.path == subject)


def _zizmor() -> str | None:
    """Return the path of zizmor, beside Python."""
    return shutil.which("zizmor", path=sysconfig.get_path("scripts"))


def _timeouts(sources: Sources, path: str) -> list[list[object]] | None:
    """Return line and name of each job of a workflow that may hang; None if it is no YAML."""
    if config_files.read(sources, path) is None:
        return None
    found: list[list[object]] = []
    text = sources.text(path) or ""
    _, jobs = _entries(yaml.compose(text, data_formats.in_c(text))).get("jobs", (0, None))
    for name, (line, job) in _entries(jobs).items():
        told = _entries(job)
        _, limit = told.get("timeout-minutes", (0, None))
        minutes = str(limit.value) if limit else str(_LONGEST)
        # A job that calls another workflow cannot have it.
        if "steps" in told and minutes.isdigit() and int(minutes) >= _LONGEST:
            found.append([line, name])
    return found


def _entries(node: yaml.Node | None) -> dict[str, tuple[int, yaml.Node]]:
    """Return the line and the value of each key of a mapping; nothing for what is none."""
    entries = node.value if isinstance(node, yaml.MappingNode) else ()
    return {str(key.value): (key.start_mark.line + 1, value) for key, value in entries}


def _audited(sources: Sources) -> list[Finding]:
    """Return what zizmor finds in all files, kept until one of them changes."""
    files, zizmor = [path for path in sources.files if _FILES.fullmatch(path)], _zizmor()
    if zizmor is None or not files:
        return []

    def find() -> list[Finding]:
        plain = [path for path in files if terminal.line(path) == path]
        readable = [path for path in plain if config_files.read(sources, path) is not None]
        return _audit(sources, zizmor, readable) if readable else []

    given = f"{sources.kept.digest([*files, *_POLICIES])} {Path(zizmor).stat().st_mtime_ns}"
    return sources.findings(files[0], "zizmor", find, given)


def _audit(sources: Sources, zizmor: str, files: Sequence[str]) -> list[Finding]:
    """Return what zizmor finds in files, by one process unless one of them is malformed."""
    command = [zizmor, *_ZIZMOR, *(f"./{path}" for path in files)]
    done = subprocess.run(
        command, cwd=sources.root, capture_output=True, encoding="utf-8", check=False
    )
    if not done.returncode:
        return [_finding(one) for one in json.loads(done.stdout) if _is_certain(one)]
    if len(files) > 1:
        # It has given up at the first one: which, and what of the others?
        return [finding for path in files for finding in _audit(sources, zizmor, [path])]
    said = done.stderr.partition("Caused by:")[2].partition("Stack backtrace:")[0]
    causes = re.findall(r"^ {4}\d+: (.+)$", said, re.MULTILINE)
    message = f"is malformed: {causes[-1] if causes else f'zizmor ended with {done.returncode}'}"
    advice = "fix what GitHub would refuse as well"
    return [Finding(files[0], 1, "workflows.malformed", message, advice)]


def _is_certain(told: dict[str, Any]) -> bool:
    """Return whether a finding of zizmor's is no matter of taste."""
    is_regular = told["determinations"]["persona"] == "Regular"
    return told["ident"] not in _LEFT_OUT and (is_regular or told["ident"] == _PEDANTIC)


def _finding(told: dict[str, Any]) -> Finding:
    """Return a finding of zizmor's as one of ours."""
    places = told["locations"]
    place = next((one for one in places if one["symbolic"]["kind"] == "Primary"), places[0])
    path = place["symbolic"]["key"]["Local"]["verbatim_path"].removeprefix("./")
    line = place["concrete"]["location"]["start_point"]["row"] + 1
    said = place["symbolic"]["annotation"] or told["desc"]
    titles = [fix["title"] for fix in told["fixes"]]
    advice = f"{titles[0]}, see {told['url']}" if titles else f"see {told['url']}"
    return Finding(path, line, "workflows.audit", f"{told['ident']}: {said}", advice)
