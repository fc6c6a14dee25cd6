"""Format JavaScript: Biome writes to copies, which replace the originals atomically.

Biome truncates a file before it writes, and ignores errors: a full disk or a signal would leave an
empty file and the exit code 0.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from monorepo.core.workspace import Workspace
from monorepo.programs import pnpm
from monorepo.system.errors import TaskError
from monorepo.system.transaction import begin

# The file types that Biome supports; its configuration selects among them.
SUFFIXES = {
    *(".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".json", ".jsonc"),
    *(".css", ".graphql", ".gql", ".html", ".vue", ".svelte", ".astro", ".grit"),
}
# Files that its configuration may refer to; they are copied, but not formatted unless selected.
SETTINGS = ("biome.json", "biome.jsonc", ".editorconfig", ".gitignore")


def javascript(space: Workspace, paths: Sequence[str], known: Iterable[str]) -> None:
    """Format the files in the folders `paths`, from the root; `.` is the root itself.

    It replaces only files whose style differs.

    Args:
        space: the repository.
        paths: the folders.
        known: the files of the repository that git does not ignore, by their paths from the root.

    Raises:
        TaskError: Biome failed, for instance on a file that cannot be parsed; the others are
            formatted. Or its output is incomplete; then nothing has changed.
    """
    if not _biome(space, space.root, paths, quiet=True):
        return
    inside = ("",) if "." in paths else tuple(f"{path}/" for path in paths)
    files = [
        path
        for path in known
        if (path.startswith(inside) or path in SETTINGS)
        and (os.path.splitext(path)[1] in SUFFIXES or path in SETTINGS)
        and (space.root / path).is_file()
        and not (space.root / path).is_symlink()
    ]
    with begin(space.root) as change:
        copy = change.stage()
        (copy / "node_modules").symlink_to(space.root / "node_modules")
        for path in files:
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(space.root / path, copy / path)
        code = _biome(space, copy, ["--write", *paths])
        formatted = [path for path in files if _differs(space.root / path, copy / path)]
        if formatted:
            emptied = any(os.path.getsize(copy / path) == 0 for path in formatted)
            if emptied or _biome(space, copy, formatted, quiet=True):
                raise TaskError("biome check: wrote incomplete files; nothing has changed")
        for path in formatted:
            (copy / path).replace(space.root / path)
    if code:
        raise TaskError(f"biome check: failed ({code}); see above")


def _biome(space: Workspace, cwd: Path, words: Sequence[str], *, quiet: bool = False) -> int:
    """Run Biome's formatter, without its linter, in `cwd`; return its exit code."""
    done = subprocess.run(
        [space.root / "node_modules/.bin/biome", "check", "--linter-enabled=false", *words],
        cwd=cwd,
        env={**os.environ, "PATH": pnpm.path_variable(space.root)},
        stdout=subprocess.DEVNULL if quiet else None,
        stderr=subprocess.DEVNULL if quiet else None,
        check=False,
    )
    return done.returncode


def _differs(file: Path, copy: Path) -> bool:
    return file.read_bytes() != copy.read_bytes()
