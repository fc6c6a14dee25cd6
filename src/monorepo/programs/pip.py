"""Run pip, which downloads wheels: uv installs them, and keeps none. Standard library only."""

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from monorepo.programs import uv_settings
from monorepo.programs.vendored import WHEELS, is_offline, place
from monorepo.system.subprocesses import attend


def variables() -> dict[str, str]:
    """Return the environment without variables of Python and of pip."""
    ours = ("PYTHON", "PIP_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def _alone() -> dict[str, str]:
    """Return the environment in which no setting of the user applies."""
    return variables() | {"PIP_CONFIG_FILE": os.devnull}


def _to_download() -> dict[str, str]:
    """Return the environment with what may choose the index, and not what may choose the target."""
    index = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    for name in ("PIP_REQUIREMENT", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_DEST"):
        index.pop(name, None)
    # An empty variable would not override the setting of a file.
    index |= {"PIP_CONSTRAINT": os.devnull, "PIP_REQUIRE_VIRTUALENV": "0"}
    return variables() | index


def download(
    python: object, root: Path, lines: str, folder: Path, doing: str, flags: Iterable[str] = ()
) -> None:
    """Download exactly the wheels of pins into a folder; the user's settings choose the index.

    Args:
        python: an interpreter whose environment has pip.
        root: the repository, in which it runs.
        lines: the pins with their hashes, in the format of a requirements file.
        folder: the folder for the wheels.
        doing: what is being done, such as `setup: .venv`.
        flags: flags that choose the platform.

    Raises:
        CommandError: pip failed, or a hash differs.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as pins:
        pins.write(lines)
        pins.flush()
        waits = ["--timeout", uv_settings.PATIENCE["UV_HTTP_TIMEOUT"], "--retries", "1"]
        words: list[object] = ["download", *waits, "--require-hashes", "--no-deps"]
        words += ["--only-binary=:all:", *flags, "--dest", folder, "--requirement", pins.name]
        if is_offline():
            words += ["--no-index", "--find-links", place(root, WHEELS)]
        _run(python, root, words, _alone() if is_offline() else _to_download(), doing)


def install(python: object, root: Path, name: str, folder: Path, doing: str) -> None:
    """Install a distribution from the wheels in a folder, without what it requires.

    By name: for a path, pip would record the origin.

    Raises:
        CommandError: pip failed.
    """
    words = ["install", "--quiet", "--no-index", "--find-links", folder, "--no-deps", name]
    _run(python, root, words, _alone(), doing)


def _run(
    python: object, root: Path, words: Iterable[object], env: Mapping[str, str], doing: str
) -> None:
    pip = [python, "-I", "-m", "pip"]
    attend([*pip, "--disable-pip-version-check", "--no-input", *words], root, env, doing)
