"""Complete a new repository after its files are rendered."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from monorepo.core import hashes
from monorepo.core.hashes import HASHES, PINS
from monorepo.core.languages import Kind, kind_of
from monorepo.locking import lowest, pnpm_locks
from monorepo.scaffold import addition, wheel
from monorepo.system import text_files, transaction
from monorepo.system.errors import UsageError
from monorepo.system.subprocesses import leave_callers_repository
from monorepo.templating import sub_templates
from monorepo.templating.template import CACHES

# Files that are removed unless the answer to the key is set.
ONLY_WITH = {
    "__python": [
        ".schemas/base_manifest.json",
        "tools/lowest.txt",
        "tools/make/py.mk",
        "tools/make/services-py.mk",
    ],
    "__javascript": [
        "tools/make/js.mk",
        "tools/make/services-js.mk",
        "tools/make/sources.test.ts",
        "tools/pnpm-lock.yaml",
        "biome.json",
        "package.json",
        "pnpm-workspace.yaml",
        "tsconfig.base.json",
        "tsconfig.browser.json",
        "tsconfig.json",
    ],
    "__services": [
        "tools/make/services-js.mk",
        "tools/make/services-py.mk",
    ],
    "__apps_py": ["tools/make/apps-py.mk"],
    "__apps_js": ["tools/make/apps-js.mk"],
}


def finish(project: Path, answers: Mapping[str, str], *, example: bool = True) -> None:
    """Remove files that `answers` exclude; add the engine, git and the first packages.

    Args:
        project: the folder of the repository.
        answers: to the questions of the template.
        example: whether the packages get their example.

    Raises:
        UsageError: git is missing or refuses, or a package cannot be added.
        OSError: a file cannot be written.
    """
    unwanted = [path for key, paths in ONLY_WITH.items() if not answers[key] for path in paths]
    for path in unwanted:
        (project / path).unlink(missing_ok=True)
    for cache in [path for path in project.rglob("*") if path.name in CACHES]:
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
    if answers["__python"]:
        lowest.keep(project, sub_templates.every(project))
    wheel.give(project)
    git = shutil.which("git")
    if git is None:
        raise UsageError("git: is not on the PATH; install it")
    command = [git, "init", "--quiet", "--initial-branch=main"]
    leave_callers_repository()
    # Run in the folder: a git that outlives a killed run must not create it again by its path.
    if subprocess.run(command, cwd=project, check=False).returncode:
        raise UsageError("git: refused to start a repository; git 2.28 or newer is needed")
    # An app calls services, whose names it gets.
    paths = sorted(answers["packages"].split(), key=lambda path: kind_of(path) is Kind.APP)
    addition.add(project, paths, example=example)
    # If cleaning up failed, no later command would do it here.
    transaction.recover(project)
