"""Notes, kept in a database. An example: replace it with what the module is for.

The submodule `fastapi` has routes, and needs the extra of that name.
"""

from .store import Note, Notes, NotMigratedError, migrate

__all__ = ["NotMigratedError", "Note", "Notes", "migrate"]
