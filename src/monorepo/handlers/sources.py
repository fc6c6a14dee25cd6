"""What the checks of handlers share: what a handler is for, its source, and what is wrong."""

import os
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from monorepo.core.workspace import Workspace
from monorepo.system import text_files
from monorepo.system.errors import UsageError


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
        # A link may lead to a device, which never ends, or to a pipe, which nobody writes to.
        if not os.path.isfile(self.space.root / path):
            return None
        try:
            return text_files.read(self.space.root, path)
        except UsageError as error:
            place, line, what, fix = text_files.mistake(str(error))
            raise HandlerError(f"{place}:{line or 1}: {what}", fix) from None
