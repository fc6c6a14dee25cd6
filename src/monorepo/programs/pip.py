"""Run pip, which downloads wheels: uv installs them, and keeps none. Standard library only."""

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from monorepo.core import hashes
from monorepo.programs import indexes, uv_settings
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
    """Download exactly the wheels of pins into a folder.

    The user's settings choose the index, except of names that the repository has another one for.

    Args:
        python: an interpreter whose environment has pip.
        root: the repository, in which it runs.
        lines: the pins with their hashes, in the format of a requirements file.
        folder: the folder for the wheels.
        doing: what is being done, such as `setup: .venv`.
        flags: flags that choose the platform.

    Raises:
        CommandError: pip failed, or a hash differs.
        UsageError: the settings of indexes are malformed; or nothing is vendored, offline.
    """
    if is_offline():
        words = ["--no-index", "--find-links", place(root, WHEELS)]
        _download(python, root, lines, [*flags, "--dest", folder, *words], _alone(), doing)
        return
    pins = {hashes.lines(pin, found): pin for pin, found in hashes.parse(lines).items()}
    names = {text: hashes.name_of(pin) for text, pin in pins.items()}
    for index, texts in indexes.group(names, indexes.read(root)).items():
        env = _to_download()
        if index:
            # As an empty variable would not override the setting of a file, both have the address.
            url = indexes.with_credentials(index)
            env |= {"PIP_INDEX_URL": url, "PIP_EXTRA_INDEX_URL": url}
        _download(python, root, "".join(texts), [*flags, "--dest", folder], env, doing)


def _download(
    python: object,
    root: Path,
    lines: str,
    flags: Iterable[object],
    env: Mapping[str, str],
    doing: str,
) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as pins:
        pins.write(lines)
        pins.flush()
        waits = ["--timeout", uv_settings.PATIENCE["UV_HTTP_TIMEOUT"], "--retries", "1"]
        words: list[object] = ["download", *waits, "--require-hashes", "--no-deps"]
        words += ["--only-binary=:all:", *flags, "--requirement", pins.name]
        _run(python, root, words, env, doing)


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
