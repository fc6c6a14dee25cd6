"""Bakes the template, and runs what came out as its owner would."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from monorepo.scaffold import answers, creation
from monorepo.templating import sub_templates

TEMPLATE = Path(__file__).resolve().parents[2]
TREE = next(TEMPLATE.glob("*cookiecutter.repo_name*"))
ENGINE = TEMPLATE / "src"

DEFAULTS = "shared/py/core shared/js/core services/py/api services/js/web"
# One set of packages for each shape that a monorepo can have.
SHAPES = {
    "default": DEFAULTS,
    "python": "shared/py/core services/py/api",
    "python-shared": "shared/py/core",
    "python-services": "services/py/api",
    "javascript": "shared/js/core services/js/web",
    "javascript-shared": "shared/js/core",
    "javascript-services": "services/js/web",
    "shared": "shared/py/core shared/js/core",
    "apps": f"{DEFAULTS} apps/py/report apps/js/site",
    "python-app": "apps/py/report",
    "javascript-app": "apps/js/site",
}
# Where all workers find what one of them has rendered; a fixture says where that is.
RENDERED: Path | None = None
CHOICES = {key: value for key, value in answers.QUESTIONS.items() if isinstance(value, list)}


def context(out: Path, **given: str) -> dict[str, object]:
    """Return what the template is rendered with when the other answers are the defaults."""
    words = [f"{key}={value}" for key, value in given.items()]
    return creation.collect(["--no-input", "--default-config", *words], out)


def render(out: Path, **given: str) -> Path:
    """Make a monorepo below `out`, a folder, and return its root."""
    return creation.make(out, context(out, **given))


def bake(out: Path, **given: str) -> Path:
    """Return the root of a monorepo below `out`: a copy of one that was rendered once for all."""
    root = rendered(**given)
    return Path(shutil.copytree(root, out / root.name, symlinks=True))


def rendered(**given: str) -> Path:
    """Return the root of a monorepo that was rendered once for all, to be left as it is."""
    assert RENDERED
    answers = json.dumps(given, sort_keys=True).encode()
    kept = RENDERED / hashlib.sha256(answers).hexdigest()
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            aside = kept.with_suffix(".aside")
            aside.mkdir()
            render(aside, **given)
            aside.rename(kept)
    (root,) = kept.iterdir()
    return root


def own_template(root: Path, kind: str, name: str = "") -> Path:
    """Give the team a sub-template that begins as one of the engine's, and return its folder."""
    folder = root / sub_templates.TEAMS / (name or kind)
    return Path(shutil.copytree(sub_templates.OURS / kind, folder))


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a person who has just opened a terminal."""
    ours = ("MAKE", "MFLAGS", "PYTEST", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return {**kept, **more}


def attempt(
    folder: Path, *command: object, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in `folder`; return its exit code and what it printed, in one text."""
    return subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=environment(**(env or {})),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def run(folder: Path, *command: object, env: Mapping[str, str] | None = None, code: int = 0) -> str:
    """Run a command in `folder`; return what it printed; fail unless it ends with `code`."""
    done = attempt(folder, *command, env=env)
    assert done.returncode == code, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def files(root: Path) -> set[str]:
    """Return the paths of all files below `root` but git's own."""
    return {
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(root).parts
    }


def texts(root: Path) -> set[str]:
    """Return the paths of all files below `root` but git's own and the wheel."""
    return {name for name in files(root) if not name.endswith(".whl")}


def commit(root: Path) -> None:
    """Commit everything, so that git tells what a command has changed."""
    run(root, "git", "add", "--all")
    run(root, "git", "commit", "--quiet", "--message", "all")


def changed(root: Path) -> str:
    """Return what differs from the last commit."""
    return run(root, "git", "status", "--porcelain")


def edit(file: Path, old: str, new: str) -> None:
    """Replace a text in a file, which has it once at least."""
    text = file.read_text(encoding="utf-8")
    assert old in text, (file, old)
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
