"""What a repository and its packages were made from, as their manifests record it.

A record is the table `[tool.monorepo.template]` of a pyproject.toml, or `monorepo.template` of a
package.json. It is read as data and changed as text: the rest of the file is the team's, and may
have conflict markers in it.
"""

import contextlib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monorepo.core import naming
from monorepo.core.workspace import Package
from monorepo.scaffold.record import toml_key, toml_value
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.system.text_files import MalformedError
from monorepo.templating.record_region import TABLE as TABLE
from monorepo.templating.record_region import region as region
from monorepo.templating.record_region import with_region as with_region

ROOT = "pyproject.toml"
# What a record has beside answers.
KEEP = "keep"
_RESERVED = {"kind", "version", "dependencies", KEEP}

# The indentation of the first line within an object.
_INDENT = re.compile(r"\{\n([ \t]*)")


@dataclass(frozen=True)
class Record:
    """What a repository, or a package, was made from.

    Attributes:
        version: of the engine; of a kind of the team's own, the id of its folder's tree in git.
        answers: to the questions of the template, or of the sub-template.
        keep: paths that do not follow, as in .gitignore; of a package, why it does not follow.
        kind: of a package: its sub-template.
        dependencies: of a package: what it was made to depend on.
    """

    version: str
    answers: Mapping[str, Any]
    keep: tuple[str, ...] = ()
    kind: str = ""
    dependencies: tuple[str, ...] = ()


def of_root(root: Path) -> Record | None:
    """Return what a repository was made from; None if that is not recorded.

    Raises:
        UsageError: pyproject.toml cannot be read, or the record is malformed.
    """
    try:
        text = text_files.read(root, ROOT)
        manifest = text_files.toml(text)
    except MalformedError as error:
        raise error.of(ROOT) from error
    template = manifest.get("tool", {}).get("monorepo", {}).get("template")
    if template is None:
        return None
    if not isinstance(template, dict):
        raise UsageError(f"{ROOT}: {TABLE}: is no table; correct it")
    _refuse_other_form(text, template, ROOT)
    keep = template.get(KEEP, [])
    if not isinstance(keep, list) or not all(isinstance(pattern, str) for pattern in keep):
        raise UsageError(f"{ROOT}: {TABLE} keep: is no list of patterns; correct it")
    return _record(template, ROOT, tuple(keep))


def of_package(package: Package) -> Record | None:
    """Return what a package was made from; None if that is not recorded.

    Raises:
        UsageError: the record is malformed.
    """
    template = package.settings.get("template")
    if template is None:
        return None
    place = package.manifest_path
    if not isinstance(template, dict) or not isinstance(template.get("kind"), str):
        raise UsageError(f"{place}: the record of its template has no kind; correct it")
    if naming.problem(template["kind"]):
        shown = naming.show(template["kind"])
        raise UsageError(f"{place}: kind: {shown} is no name; correct it")
    _refuse_other_form(text_files.read(package.root, place), template, place)
    reason = template.get(KEEP, "")
    if not isinstance(reason, str) or (KEEP in template and not reason.strip()):
        raise UsageError(f"{place}: keep: is no reason; say why the package does not follow")
    return _record(template, place, (reason,) if reason else ())


def _refuse_other_form(text: str, template: Mapping[str, Any], place: str) -> None:
    """Refuse a record that cannot be changed as text, because of how it is written.

    Raises:
        UsageError: what `region` finds is not the whole of it.
    """
    record = region(text)
    try:
        found = (
            json.loads(f"{{{record}}}")["template"]
            if record.startswith('"')
            else text_files.toml(record)["tool"]["monorepo"]["template"]
        )
    except (ValueError, KeyError):
        found = None
    if found != template:
        form = f"a table {TABLE}, with a line for each key"
        raise UsageError(
            f"{place}: the record of its template is written otherwise; make it {form}"
        )


def _record(template: Mapping[str, Any], place: str, keep: tuple[str, ...]) -> Record:
    version, dependencies = template.get("version", ""), template.get("dependencies", [])
    if not isinstance(version, str):
        raise UsageError(f"{place}: the version of its template is no text; correct it")
    answers = {key: value for key, value in template.items() if key not in _RESERVED}
    return Record(version, answers, keep, str(template.get("kind", "")), tuple(dependencies))


def updated(text: str, version: str, answers: Mapping[str, Any], dropped: set[str]) -> str:
    """Return the manifest with a record of another version, and the rest of it as it is.

    Args:
        text: of the manifest, which may have conflict markers outside of the record.
        version: that the record has from now on; "" for none.
        answers: to questions that the record does not have yet.
        dropped: the keys of answers to questions that there are no longer.
    """
    record = region(text)
    if not record:
        return text
    change = _updated_json if record.startswith('"') else _updated_toml
    return with_region(text, change(record, version, answers, dropped))


def _updated_toml(record: str, version: str, answers: Mapping[str, Any], dropped: set[str]) -> str:
    header, *lines = record.split("\n")
    rows = {key: f"{toml_key(key)} = {toml_value(value)}" for key, value in answers.items()}
    if version:
        rows = {"version": f"version = {toml_value(version)}", **rows}
    changed = [header]
    for key, statement in _statements(lines):
        if key not in dropped:
            changed.append(rows.pop(key) + _comment(statement) if key in rows else statement)
    return "\n".join([*changed, *rows.values()])


def _statements(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each statement of a table, which may have several lines, with its key.

    A comment and a blank line have the key "".
    """
    statement = ""
    for line in lines:
        statement += line
        try:
            parsed = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            statement += "\n"
            continue
        yield next(iter(parsed), ""), statement
        statement = ""


def _comment(statement: str) -> str:
    """Return the comment at the end of a statement, with the blanks before it; "" without one."""
    for found in re.finditer(r"\s*#", statement):
        with contextlib.suppress(tomllib.TOMLDecodeError):
            if tomllib.loads(statement[: found.start()]):
                return statement[found.start() :]
    return ""


def _updated_json(record: str, version: str, answers: Mapping[str, Any], dropped: set[str]) -> str:
    start = record.index("{")
    known = json.loads(record[start:])
    changed = {key: value for key, value in known.items() if key not in dropped}
    changed |= {"version": version} if version else {}
    changed |= answers
    inner = _INDENT.match(record, start)
    if inner is None:
        return record[:start] + json.dumps(changed, ensure_ascii=False)
    last = record[record.rindex("\n") + 1 :]
    outer = last[: len(last) - len(last.lstrip())]
    step = inner[1].removeprefix(outer)
    text = json.dumps(changed, indent=step, ensure_ascii=False)
    return record[:start] + text.replace("\n", f"\n{outer}")
