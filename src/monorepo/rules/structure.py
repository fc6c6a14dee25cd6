"""The tree matches `.schemas/structure.yaml`: what each kind of package has, and where.

The schema is a JSON Schema for a listing: a folder is an object of its entries, a file is the
string `file`. Files that git ignores are not in it. It is the team's: the `description` of the part
that does not match is what a finding advises.

- structure.missing: a file or folder that the schema requires
- structure.misplaced: a file or folder that has no place, under this name or in this folder
- structure.shadow: at the root, the name of a module that comes with Python, which it would replace
- structure.schema: the schema is missing, or is no JSON Schema

Why: people and tools that know one package know all of them; a stray folder is an exception to
learn.

Fix: move or add the named file or folder, or change the schema.

Passes::

    shared/py/audio/{README.md,pyproject.toml,src/acme_audio/,tests/unit/}

Fails::

    shared/py/Audio_Utils/
    misc/helpers.py
"""

import hashlib
import json
import re
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from monorepo.guard import config_files
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

SCHEMA = ".schemas/structure.yaml"


def subjects(sources: Sources) -> Sequence[str]:
    """Return the repository."""
    return ["."]


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Hold the listing against the schema."""
    listed = hashlib.blake2b("\0".join(sources.files).encode(errors="surrogateescape")).hexdigest()
    found = sources.findings(SCHEMA, "structure", lambda: _against(sources), listed)
    yield from found
    for name in {path.split("/")[0] for path in sources.files} - {one.path for one in found}:
        if name.removesuffix(".py") in sys.stdlib_module_names:
            message = "would be imported in place of the module that comes with Python"
            yield Finding(name, 0, "structure.shadow", message, "give it another name")


def _against(sources: Sources) -> list[Finding]:
    """Return what of the listing does not meet the schema."""
    # Loading these takes longer than all else, and mostly the listing is the one of last time.
    from jsonschema import Draft202012Validator, SchemaError
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    if sources.text(SCHEMA) is None:
        return [Finding(SCHEMA, 0, "structure.schema", "is missing", "restore it from git")]
    if (written := config_files.read(sources, SCHEMA)) is None:
        return []
    try:
        # YAML has keys and values that JSON has not.
        schema = json.loads(json.dumps(written))
        Draft202012Validator.check_schema(schema)
        # An empty registry: no reference is looked up in the network.
        validator = Draft202012Validator(schema, registry=Registry())
        return sorted(
            {one for error in validator.iter_errors(listing(sources)) for one in _found(error)}
        )
    except SchemaError as error:
        message = f"is not JSON Schema at {'/'.join(map(str, error.absolute_path))}"
    except (Unresolvable, re.error, TypeError, ValueError, RecursionError) as error:
        message = f"cannot be used ({f'{type(error).__name__}: {error}'.splitlines()[0]})"
    return [Finding(SCHEMA, 0, "structure.schema", message, "fix it")]


def listing(sources: Sources) -> dict[str, Any]:
    """Return the tree of the repository's files."""
    tree: dict[str, Any] = {}
    for path in sources.files:
        *folders, name = path.split("/")
        folder = tree
        for one in folders:
            # What git still tracks as a file may have become a folder.
            if not isinstance(folder.get(one), dict):
                folder[one] = {}
            folder = folder[one]
        folder[name] = "file"
    return tree


def _found(error: "ValidationError") -> Iterator[Finding]:
    """Yield what people need to know of an error, at the paths that it is about."""
    folder = "/".join(map(str, error.absolute_path))
    schema = error.schema if isinstance(error.schema, dict) else {}
    advice = " ".join(str(schema.get("description", f"see {SCHEMA}")).split())
    if error.validator == "required":
        for name in error.validator_value:
            if name not in error.instance:
                yield Finding(folder or ".", 0, "structure.missing", f"has no {name}", advice)
        return
    paths, message = [folder], "has no place here"
    if "propertyNames" in error.absolute_schema_path:
        paths = [f"{folder}/{error.instance}"]
    elif error.validator == "additionalProperties":
        patterns = schema.get("patternProperties", ())
        names = [name for name in error.instance if name not in schema.get("properties", ())]
        names = [name for name in names if not any(re.search(one, name) for one in patterns)]
        paths = [f"{folder}/{name}" for name in names]
    elif error.validator in ("type", "const"):
        message = f"is a {'file, not a folder' if error.instance == 'file' else 'folder here'}"
    elif error.validator not in ("not", None):
        message = f"does not meet {error.validator} of {SCHEMA}"
    if SCHEMA not in f"{advice} {message}":
        advice += f", or change {SCHEMA}"
    for path in paths:
        yield Finding(path.lstrip("/") or ".", 0, "structure.misplaced", message, advice)
