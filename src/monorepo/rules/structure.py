"""The tree matches `.schemas/structure.yaml`: what each kind of package has, and where.

The schema is a JSON Schema for a listing: a folder is an object of its entries, a file is the
string `file`. Files that git ignores are not in it.

Why: people and tools that know one package know all of them; a stray folder is an exception to
learn.

Fix: move or add the named file or folder. A team can change the schema; the `description` of the
part that does not match is the advice of a finding.

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

from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources
from monorepo.parsing import data_formats
from monorepo.system.text_files import MalformedError

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

SCHEMA = ".schemas/structure.yaml"


def subjects(sources: Sources) -> Sequence[str]:
    """Return the repository."""
    return ["."]


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Hold the listing against the schema."""
    listed = hashlib.blake2b("\0".join(sources.files).encode(errors="surrogateescape")).hexdigest()
    yield from sources.findings(SCHEMA, "structure", lambda: _against(sources), listed)
    yield from _shadows(sources)


def _shadows(sources: Sources) -> Iterator[Finding]:
    """Yield what lies at the root and has the name of a module that comes with Python."""
    for name in sorted({path.split("/")[0] for path in sources.files}):
        if name.removesuffix(".py") in sys.stdlib_module_names:
            message = (
                "has the name of a module that comes with Python, and is imported in its place"
            )
            yield Finding(name, 0, "structure", message, "give it another name")


def _against(sources: Sources) -> Iterator[Finding]:
    """Yield what of the listing does not meet the schema."""
    # Loading these takes longer than all else, and mostly the listing is the one of last time.
    from jsonschema import Draft202012Validator, SchemaError
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    text = sources.text(SCHEMA)
    if text is None:
        yield Finding(SCHEMA, 0, "structure", "is missing", "restore it from git")
        return
    try:
        # YAML has keys and values that JSON has not. Its faster parser, in C, crashes where lists
        # are nested too deep.
        schema = json.loads(json.dumps(data_formats.yaml(text)))
        Draft202012Validator.check_schema(schema)
        # An empty registry: no reference is looked up in the network.
        validator = Draft202012Validator(schema, registry=Registry())
        found = {one for error in validator.iter_errors(listing(sources)) for one in _told(error)}
    except MalformedError as error:
        yield Finding(SCHEMA, error.line, "structure", error.message, error.fix)
    except SchemaError as error:
        place = "/".join(map(str, error.absolute_path))
        yield Finding(SCHEMA, 0, "structure", f"is not JSON Schema at {place}", "fix it")
    except (Unresolvable, re.error, TypeError, ValueError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        yield Finding(SCHEMA, 0, "structure", f"cannot be used ({reason})", "fix it")
    else:
        yield from sorted(found)


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


def _told(error: "ValidationError") -> Iterator[Finding]:
    """Yield what people need to know of an error, at the paths that it is about."""
    folder = "/".join(map(str, error.absolute_path))
    schema = error.schema if isinstance(error.schema, dict) else {}
    advice = " ".join(str(schema.get("description", f"see {SCHEMA}")).split())
    told = [(folder, f"does not meet {error.validator} of {SCHEMA}")]
    if error.validator == "required":
        absent = (one for one in error.validator_value if one not in error.instance)
        told = [(folder, f"has no {one}") for one in absent]
    elif "propertyNames" in error.absolute_schema_path:
        told = [(f"{folder}/{error.instance}", "has no place here under this name")]
    elif error.validator == "additionalProperties":
        told = [(f"{folder}/{one}", "has no place here") for one in _additional(error, schema)]
    elif error.validator is None or (error.validator == "not" and error.validator_value == {}):
        told = [(folder, "has no place here")]
    elif error.validator in ("type", "const"):
        what = "file and not a folder" if error.instance == "file" else "folder without a place"
        told = [(folder, f"is a {what}")]
    if "place" in told[0][1] and SCHEMA not in advice:
        advice += f", or allow it in {SCHEMA}"
    for path, message in told:
        yield Finding(path.lstrip("/") or ".", 0, "structure", message, advice)


def _additional(error: "ValidationError", schema: dict[str, Any]) -> Iterator[str]:
    """Yield the names in a folder that its schema does not know."""
    patterns = schema.get("patternProperties", ())
    for name in error.instance:
        known = name in schema.get("properties", ())
        if not known and not any(re.search(one, name) for one in patterns):
            yield name
