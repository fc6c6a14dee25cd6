"""What a package was made from, as its manifest records it."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monorepo.core.languages import Language
from monorepo.scaffold import kinds
from monorepo.system import text_files
from monorepo.system.text_files import MalformedError
from monorepo.templating import sub_templates, template
from monorepo.templating.jinja_filters import quote

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_TABLE = "\n# What this package was made from.\n[tool.monorepo.template]\n"


def of(
    root: Path, source: Path, told: Mapping[str, Any], answers: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what is recorded: the kind, its version, and what was given.

    The version is that of the engine, or the id of git's tree of a kind of the team's own.

    Args:
        root: the repository.
        source: the sub-template.
        told: what it knows about the package.
        answers: to its questions.
    """
    ours = source.parent == sub_templates.OURS
    number = template.version() if ours else kinds.tree(root, source.name)
    version = {"version": number} if number else {}
    wanted = [one["requirement"] for one in told["dependencies"]]
    given = {"dependencies": wanted} if wanted else {}
    return {"kind": source.name, **version, **given, **answers}


def write(folder: Path, recorded: Mapping[str, Any]) -> None:
    """Add it to the manifest of the package in `folder`, unless that is missing or broken."""
    python, javascript = (folder / language.manifest for language in Language)
    if python.is_file():
        rows = "".join(
            f"{toml_key(key)} = {toml_value(value)}\n" for key, value in recorded.items()
        )
        with python.open("a", encoding="utf-8") as file:
            file.write(_TABLE + rows)
    elif javascript.is_file():
        try:
            manifest = dict(text_files.json_object(javascript.read_text(encoding="utf-8")))
        except (MalformedError, ValueError):
            return
        settings = manifest.get("monorepo", {})
        manifest["monorepo"] = {**settings, "template": dict(recorded)}
        text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
        javascript.write_text(text, encoding="utf-8")


def toml_key(name: str) -> str:
    """Return a key of TOML."""
    return name if _BARE.fullmatch(name) else quote(name)


def toml_value(value: object) -> str:
    """Return an answer as TOML: a text, yes or no, or a list of texts."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(quote, value))}]"
    return quote(value)
