"""The public names of this package; other packages import from here only."""

from .retries import delays

__all__ = ["delays"]
