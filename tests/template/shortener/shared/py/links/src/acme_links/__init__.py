"""Short links, kept in a database. The submodule `fastapi` has routes, and needs that extra."""

from .store import Link, Links, NotMigratedError

__all__ = ["Link", "Links", "NotMigratedError"]
