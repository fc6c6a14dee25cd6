"""What has been generated, and from what: the hashes in the `generated.lock` of a package.

Each input has a line of its own, with an empty one before the next, so that git merges changes of
different inputs. The outputs are recorded as well, so that an edit by hand is found.
"""

import hashlib
import stat
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from monorepo.core.workspace import Generated, Package, Workspace
from monorepo.guard.repository import Sources, line_of
from monorepo.inputs.files import pattern as compiled
from monorepo.system import text_files
from monorepo.system.text_files import MalformedError

LOCK = "generated.lock"
RUN = "run make generate"
_HEAD = "# `make generate` writes this file, and writes it anew after a conflict.\n"


class Record(NamedTuple):
    """What a command has written from what: the hash of each file, by its path from the root."""

    command: tuple[str, ...]
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


class Drift(NamedTuple):
    """How a file differs from what would be generated: path, line, what is wrong, and the fix."""

    path: str
    line: int
    message: str
    fix: str = RUN


def parse(text: str) -> dict[str, Record]:
    """Return the records in the text of a `generated.lock`, by the names of the entries.

    Raises:
        MalformedError: it is not as `render` writes it.
    """
    records = {}
    for name, table in text_files.toml(text).items():
        known = table if isinstance(table, Mapping) else {}
        command, *files = (known.get(key) for key in Record._fields)
        tables = [each for each in files if isinstance(each, Mapping)]
        hashes = [value for each in tables for value in each.values()]
        complete = len(tables) == len(files) and all(isinstance(value, str) for value in hashes)
        if not isinstance(command, list) or not complete:
            raise MalformedError(0, f"has no complete record of {name}", RUN)
        records[name] = Record(tuple(command), *tables)
    return records


def render(records: Mapping[str, Record]) -> str:
    """Return the text of a `generated.lock`."""
    # Imported here: loading Jinja takes longer than checking records.
    from monorepo.templating.jinja_filters import quote

    parts = [_HEAD]
    for name, record in sorted(records.items()):
        parts.append(f"[{name}]\ncommand = [{', '.join(map(quote, record.command))}]\n")
        for kind, files in (("inputs", record.inputs), ("outputs", record.outputs)):
            rows = [f"{quote(path)} = {quote(files[path])}\n" for path in sorted(files)]
            parts.append(f"[{name}.{kind}]\n" + "\n".join(rows))
    return "\n".join(parts)


def covered(space: Workspace, pattern: str) -> Callable[[str], bool]:
    """Return the test for files that an input covers.

    Of a package, these are the manifest and the sources, also of all packages that it needs.
    """
    if package := space.packages.get(pattern):
        closure = [space.packages[path] for path in space.closure({pattern: package.extras})]
        folders = tuple(f"{needed.path}/src/" for needed in closure)
        manifests = {needed.manifest_path for needed in closure}
        return lambda path: path.startswith(folders) or path in manifests
    fits = compiled(pattern)
    return lambda path: fits(path) is not None


def is_in(path: str, outputs: tuple[str, ...]) -> bool:
    """Return whether a file is one of `outputs`, or in one that is a folder."""
    return path in outputs or path.startswith(tuple(f"{output}/" for output in outputs))


def inputs(sources: Sources, entry: Generated) -> dict[str, dict[str, str]]:
    """Return the files that each input of an entry covers, with their hashes."""
    found = {}
    for pattern in entry.inputs:
        fits = covered(sources.space, pattern)
        files = (path for path in sources.files if fits(path) and not is_in(path, entry.outputs))
        found[pattern] = _hashes(sources, files)
    return found


def outputs(sources: Sources, entry: Generated) -> dict[str, str]:
    """Return the outputs of an entry that exist, with their hashes."""
    inside = (path for path in sources.files if is_in(path, entry.outputs))
    return _hashes(sources, dict.fromkeys((*entry.outputs, *inside)))


def hash_of(content: bytes) -> str:
    """Return the hash by which the content of a file is recorded."""
    return hashlib.sha256(content).hexdigest()


def _hashes(sources: Sources, paths: Iterator[str] | Mapping[str, None]) -> dict[str, str]:
    """Return the hash of each file; what is none is left out."""

    def hashed(path: str) -> str | None:
        state = sources.kept.state(path)
        if state is None or not stat.S_ISREG(state[2]):
            return None
        return hash_of(text_files.content(sources.root, path))

    found = ((path, sources.kept.of(path, "sha256", hashed)) for path in paths)
    return {path: each for path, each in found if each is not None}


def drift(sources: Sources, package: Package) -> Iterator[Drift]:
    """Yield where the outputs of a package are not those of its inputs, as far as is recorded."""
    lock, manifest = f"{package.path}/{LOCK}", package.manifest_path
    text = sources.text(lock) or ""
    try:
        records = parse(text)
    except MalformedError as error:
        yield Drift(lock, error.line, error.message)
        return
    for entry in package.generated:
        line = sources.line_of(manifest, "generate", entry.name)
        hashes = inputs(sources, entry)
        for pattern, files in hashes.items():
            if not files:
                message = f"{entry.name}: there is no input {pattern}"
                yield Drift(manifest, line, message, "correct it in the settings generate")
        if (record := records.pop(entry.name, None)) is None:
            yield Drift(manifest, line, f"{entry.name} was never generated")
            continue
        if record.command != entry.command:
            yield Drift(manifest, line, f"{entry.name} was generated by another command")
        now = {path: each for files in hashes.values() for path, each in files.items()}
        if changed := sorted(dict(now.items() ^ record.inputs.items())):
            more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
            yield Drift(entry.outputs[0], 0, f"is older than {changed[0]}{more}")
        yield from _edited(sources, entry, record)
    for name in records:
        line = line_of(text, f"[{name}]")
        fix = RUN if package.generated else "remove the file"
        yield Drift(lock, line, f"records {name}, which is not generated any more", fix)


def _edited(sources: Sources, entry: Generated, record: Record) -> Iterator[Drift]:
    """Yield the outputs that are not as they were written."""
    there = outputs(sources, entry)
    missing = {path for path in record.outputs if path not in there}
    missing |= {path for path in entry.outputs if not any(is_in(each, (path,)) for each in there)}
    for path in sorted(missing):
        yield Drift(path, 0, "is missing")
    for path, each in there.items():
        if path not in record.outputs:
            yield Drift(path, 0, f"was not generated, and is among what {entry.name} generates")
        elif each != record.outputs[path]:
            fix = f"change what it is generated from, and {RUN}"
            yield Drift(path, 0, "was changed since it was generated", fix)
