"""Read TOML, YAML, JSON and commands for rules; a malformed file becomes a finding."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from monorepo.core import manifests
from monorepo.core.languages import Language
from monorepo.guard.repository import Sources
from monorepo.parsing import data_formats, pnpm_lockfile, shell_commands
from monorepo.parsing.shell_commands import Command
from monorepo.system.errors import UsageError
from monorepo.system.text_files import MalformedError


def read(sources: Sources, path: str) -> Mapping[str, Any] | None:
    """Return the table in a file; None, with a finding, if it is malformed or unreadable."""
    package = sources.package_of(path)
    # Validated on loading.
    if package and path == package.manifest_path:
        return package.manifest
    text, known = sources.text(path), sources.once(_tables)
    if text is not None and path not in known:
        known[path] = _parsed(sources, path, text)
    return None if text is None else known[path]


def _tables(_: Sources) -> dict[str, Mapping[str, Any] | None]:
    """Return where tables are kept, for several rules."""
    return {}


def _parsed(sources: Sources, path: str, text: str) -> Mapping[str, Any] | None:
    try:
        found = data_formats.parse(path, text)
    except MalformedError as error:
        sources.note(path, error.message, error.fix, error.line)
        return None
    # That of the root needs no name.
    for mistake in manifests.mistakes(found, Language.JAVASCRIPT) if path == "package.json" else ():
        if mistake.keys:
            sources.note(
                path, mistake.message, mistake.fix, sources.line_of(path, f'"{mistake.keys[-1]}"')
            )
            return None
    return found


def lock(sources: Sources, path: str) -> pnpm_lockfile.Lock | None:
    """Return a pnpm-lock.yaml; None if it is malformed, which the rule unreadable reports."""
    try:
        return pnpm_lockfile.parse(sources.text(path) or "")
    except UsageError:
        return None


def commands(sources: Sources, path: str) -> list[Command]:
    """Return the commands in a file that install; none in one that can carry none."""
    if not shell_commands.may_carry(path):
        return []
    find = partial(shell_commands.commands, path)
    return [Command(*row) for row in sources.in_text(path, "commands", find, quiet=True) or ()]
