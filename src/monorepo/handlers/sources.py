"""What the checks of handlers share: what a handler is for, its source, and what is wrong."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from monorepo.core.workspace import Workspace


class Use(NamedTuple):
    """What a handler is for: its kind, a route's path or a name, and the path's parameters."""

    kind: Literal["route", "websocket", "job", "lifespan", "check"]
    name: str
    parameters: tuple[str, ...] = ()


class HandlerError(Exception):
    """What is wrong with a handler, and what to do."""

    def __init__(self, what: str, fix: str) -> None:
        """Keep both."""
        super().__init__(what)
        self.what = what
        self.fix = fix


@dataclass
class Sources:
    """The sources of a repository, and which paths were looked at."""

    space: Workspace
    seen: set[str] = field(default_factory=set)

    def read(self, path: str) -> str | None:
        """Return the text of a file, or None if there is no such file.

        Raises:
            HandlerError: it cannot be read.
        """
        self.seen.add(path)
        try:
            return (self.space.root / path).read_text(encoding="utf-8-sig")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise HandlerError(f"{path} cannot be read ({error})", "mend the file") from None
