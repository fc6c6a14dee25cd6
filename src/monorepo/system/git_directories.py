"""Where git keeps what it knows of a worktree. No commit can put a file there.

Asking git would take a process for each command. Standard library only.
"""

import os
from pathlib import Path


def of_worktree(root: Path) -> Path | None:
    """Return git's directory for the worktree that `root` is in; None if there is none.

    In a linked worktree or a submodule `.git` is a file with the path (see
    gitrepository-layout(5)).
    """
    folder = top(root)
    if folder is None or os.path.isdir(folder / ".git"):
        return folder / ".git" if folder else None
    text = (folder / ".git").read_text(encoding="utf-8", errors="surrogateescape")
    place = folder / text.removeprefix("gitdir:").strip()
    return place if text.startswith("gitdir:") and os.path.isdir(place) else None


def top(root: Path) -> Path | None:
    """Return the top of the worktree that `root` is in; None if there is none."""
    return next((one for one in (root, *root.absolute().parents) if (one / ".git").exists()), None)


def file(root: Path, name: str) -> Path | None:
    """Return the place of a file about the worktree at `root`; None if `root` is not its top.

    A copy that is made in a worktree, to try something, would write over the worktree's own.
    """
    folder = of_worktree(root) if os.path.lexists(root / ".git") else None
    return folder / name if folder else None


def put(place: Path, content: bytes) -> None:
    """Put a file into git's directory as a whole, for this user alone.

    Raises:
        OSError: it cannot be written.
    """
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = place.with_name(f"{place.name}.{os.urandom(8).hex()}")
    try:
        aside.write_bytes(content)
        aside.chmod(0o600)
        aside.replace(place)
    finally:
        aside.unlink(missing_ok=True)


def common(root: Path) -> Path | None:
    """Return the directory that all worktrees of the repository share; None if there is none."""
    own = of_worktree(root)
    if own is None:
        return None
    try:
        text = (own / "commondir").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return own
    place = Path(os.path.normpath(own / text.strip()))
    return place if place.is_dir() else None
