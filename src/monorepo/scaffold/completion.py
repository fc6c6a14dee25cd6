"""What is left to do once the files are rendered."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from hooks import tooling
from monorepo.core import hashes
from monorepo.core.hashes import HASHES, PINS
from monorepo.locking import pnpm_locks
from monorepo.scaffold import addition
from monorepo.system import text_files, transaction
from monorepo.system.errors import UsageError
from monorepo.system.subprocesses import leave_callers_repository

__all__ = ["finish", "tooling"]

# What a monorepo does not carry when it lacks what the key says.
ONLY_WITH = {
    "__python": [
        "templates/shared-py",
        "templates/services-py",
        "templates/py-service-runtime",
        "tools/make/services-py.mk",
    ],
    "__javascript": [
        "templates/shared-js",
        "templates/services-js",
        "templates/js-service-runtime",
        "templates/pnpm-lock.yaml",
        "tools/make/js.mk",
        "tools/make/services-js.mk",
        "tools/make/sources.test.ts",
        "biome.json",
        "package.json",
        "pnpm-workspace.yaml",
        "tsconfig.base.json",
        "tsconfig.json",
    ],
    "__services": [
        "templates/services-py",
        "templates/services-js",
        "templates/py-service-runtime",
        "templates/js-service-runtime",
        "tools/make/services-js.mk",
        "tools/make/services-py.mk",
    ],
}


def finish(project: Path, answers: Mapping[str, str]) -> None:
    """Take out what `answers` do not ask for, start the history, add the first packages.

    Raises:
        UsageError: git is missing or refuses, or a package cannot be added.
        OSError: a file cannot be written.
    """
    unwanted = [path for key, paths in ONLY_WITH.items() if not answers[key] for path in paths]
    for path in dict.fromkeys(project / name for name in unwanted):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for cache in [path for path in project.rglob("*") if path.name in tooling.CACHES]:
        shutil.rmtree(cache)
    if answers["__javascript"]:
        lock = project / pnpm_locks.TEMPLATES_LOCK
        text = lock.read_text(encoding="utf-8")
        lock.write_text(pnpm_locks.only_templates(project, text), encoding="utf-8")
    known = text_files.read(project, HASHES)
    recorded, required = hashes.parse(known), hashes.notes(known, hashes.REQUIRES)
    pins = hashes.pin_lines(text_files.read(project, PINS))
    text = hashes.render({pin: recorded[pin] for pin in pins}, required)
    (project / HASHES).write_text(text, encoding="utf-8")
    git = shutil.which("git")
    if git is None:
        raise UsageError("git: is not on the PATH; install it")
    command = [git, "init", "--quiet", "--initial-branch=main"]
    leave_callers_repository()
    # In the folder, not by its name: a git that outlives a killed run must not make it again.
    if subprocess.run(command, cwd=project, check=False).returncode:
        raise UsageError("git: refused to start a repository; git 2.28 or newer is needed")
    addition.add(project, answers["packages"].split())
    # Should tidying up have failed, a later command would do it: here there is none to come.
    transaction.recover(project)
