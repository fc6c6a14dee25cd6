"""What a manifest asks of the repository."""

from enum import StrEnum
from typing import NamedTuple

# The way to a value in a manifest: keys and indexes.
Place = tuple[str | int, ...]


class Kind(StrEnum):
    """A package here; a name of the catalog; or an entry of the catalog or the overrides."""

    INTERNAL = "internal"
    LISTED = "listed"
    CATALOG = "catalog"
    OVERRIDES = "overrides"


class Asked(NamedTuple):
    """What is asked for: its kind, its name, the version if that is written, and the place."""

    kind: Kind
    name: str
    version: str = ""
    place: Place = ()
