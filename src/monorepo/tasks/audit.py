"""Find known vulnerabilities of what is pinned, with pip-audit and `pnpm audit`.

Advisories come from OSV and the npm registry. No answer is an error, never a good sign.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from monorepo.core import hashes
from monorepo.core.hashes import HASHES, PINS
from monorepo.core.naming import fold
from monorepo.core.workspace import Workspace
from monorepo.environments import program
from monorepo.locking import movement, pnpm_locks
from monorepo.programs import pnpm
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.system.subprocesses import reason, say, show

GROUP = "audit"
# The only variable of pip-audit that counts: where the advisories are.
_URL = "PIP_AUDIT_OSV_URL"


class Advisory(NamedTuple):
    """A known vulnerability of a pin: its names, and the versions that have it no longer."""

    name: str
    version: str
    id: str
    fixed: str


def audit(space: Workspace) -> list[str]:
    """Return a table of the known vulnerabilities of all pins, in any environment; or nothing.

    Raises:
        TaskError: a program cannot be installed.
        UsageError: a service gives no answer, or one that is not complete.
    """
    found = list(_python(space))
    paths = [HASHES]
    if space.has_javascript:
        found += _javascript(space)
        paths.append(pnpm_locks.LOCK)
    if not found:
        return []
    users = movement.users(space, {path: text_files.read(space.root, path) for path in paths})
    rows = [
        [*advisory, movement.shown(users.get(advisory.name, [movement.TEMPLATES]))]
        for advisory in sorted(set(found))
    ]
    return movement.markdown(["pin", "version", "advisory", "fixed in", "packages"], rows)


def _python(space: Workspace) -> Iterator[Advisory]:
    """Yield the advisories about the pins of constraints.txt."""
    environment = program.install(space, GROUP, "pip-audit")
    lines = [
        line.partition(" ;")[0] for line in hashes.pin_lines(text_files.read(space.root, PINS))
    ]
    say(f"audit: {len(lines)} pins of {PINS}")
    # pip-audit takes one version of a name at a time, and skips what a marker excludes here.
    rest = hashes.named(dict.fromkeys(lines))
    while rest:
        yield from _audited(space.root, environment.python, [same[0] for same in rest.values()])
        rest = {name: same[1:] for name, same in rest.items() if same[1:]}


def _audited(root: Path, python: Path, pins: Sequence[str]) -> Iterator[Advisory]:
    """Yield the advisories about pins, each of another name."""
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PIP_AUDIT_") or name == _URL
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, PINS)
        file.write_text("".join(f"{pin}\n" for pin in pins), encoding="utf-8")
        words = ["--strict", "--no-deps", "--disable-pip", "--progress-spinner=off"]
        words += ["--vulnerability-service=osv", "--format=json", f"--requirement={file}"]
        output = _run([python, "-I", "-m", "pip_audit", *words], root, env, "pip-audit")
    answered = {fold(one["name"]): one for one in output.get("dependencies", ())}
    for name in hashes.named(pins):
        if "vulns" not in answered.get(name, {}):
            raise UsageError(f"audit: pip-audit says nothing of {name}; run it again")
    for name, one in answered.items():
        for vulnerability in one["vulns"]:
            names = {vulnerability["id"], *vulnerability["aliases"]}
            yield _advisory(name, one["version"], names, vulnerability["fix_versions"])


def _javascript(space: Workspace) -> Iterator[Advisory]:
    """Yield the advisories about pnpm-lock.yaml, as `pnpm audit` reports them."""
    pnpm.ready(space.root)
    say(f"audit: {pnpm_locks.LOCK}")
    env = pnpm.environment(space.root, "pnpm", space.root)
    output = _run([space.root / ".venv/bin/pnpm", "audit", "--json"], space.root, env, "pnpm audit")
    if "advisories" not in output:
        raise UsageError("audit: pnpm audit gives no list of advisories; run it again")
    for one in output["advisories"].values():
        names = {one.get("github_advisory_id") or str(one["id"]), *one.get("cves", ())}
        for finding in one["findings"]:
            fixed = one.get("patched_versions") or ""
            yield _advisory(one["module_name"], finding["version"], names, [fixed] if fixed else [])


def _advisory(name: str, version: str, names: Iterable[str], fixed: Iterable[str]) -> Advisory:
    # In this order, CVE-… is the first, which people search for.
    return Advisory(name, version, ", ".join(sorted(names)), ", ".join(fixed) or "no release")


def _run(
    command: Sequence[object], root: Path, env: Mapping[str, str], what: str
) -> Mapping[str, Any]:
    """Return the JSON that a program prints; it ends with 1 if it has found something.

    Raises:
        UsageError: it prints none.
    """
    words = [str(word) for word in command]
    show(words, root)
    done = subprocess.run(
        words, cwd=root, env=dict(env), capture_output=True, text=True, check=False
    )
    try:
        output = json.loads(done.stdout)
    except ValueError:
        output = None
    if done.returncode not in (0, 1) or not isinstance(output, dict):
        advice = "nothing is known of the pins; try again when it does"
        raise UsageError(f"audit: {what} gets no answer ({reason(done.stderr)}); {advice}")
    return output
