"""Resolve requirements with uv, for the lockfiles."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monorepo.core import hashes
from monorepo.core.naming import fold
from monorepo.core.workspace import Workspace
from monorepo.programs import indexes, uv
from monorepo.system.errors import TaskError
from monorepo.system.subprocesses import say

# Younger releases are not taken: malicious ones are mostly detected within a day. The setting
# minimumReleaseAge of pnpm does the same.
AGE = timedelta(days=1)
# What uv says of an index without upload dates.
NO_DATE = "is missing an upload date"


@dataclass
class Resolver:
    """uv, with what it may take from an index.

    Attributes:
        space: the repository.
        limit: the newest upload time of a release; None if the index reports no upload times.
        young: the names without such a limit: younger releases of them are pinned already.
    """

    space: Workspace
    limit: datetime | None = field(default_factory=lambda: datetime.now(UTC) - AGE)
    young: set[str] = field(default_factory=set)

    def compile(
        self,
        requirements: Iterable[str],
        preferred: Iterable[str],
        output: Path,
        *flags: str,
        python: str,
        doing: str = "lock",
    ) -> str:
        """Return uv's resolution for all platforms: pins with hashes and `via` comments.

        Args:
            requirements: external requirements (PEP 508).
            preferred: lines of pins with their hashes, which are kept where possible.
            output: the file to write.
            flags: more flags for uv.
            python: the oldest Python.
            doing: what is being done, for messages.

        Raises:
            TaskError: uv found no solution; the message has its output.
        """
        wanted = sorted(set(requirements))
        # uv prefers the versions in an existing output file.
        output.write_text("".join(preferred), encoding="utf-8")
        pip = [uv.program(self.space.root), "pip", "compile", "--universal", "--generate-hashes"]
        shape = ["--no-header", "--annotation-style=line", "--python-version", python, *flags]
        limit = self.limit
        age = [f"--exclude-newer={limit:%Y-%m-%dT%H:%M:%SZ}"] if limit else []
        if limit:
            age += [f"--exclude-newer-package={name}=false" for name in sorted(self.young)]
        command = [*pip, *shape, *uv.formats(self.space), *age, "--output-file", output, "-"]
        try:
            messages = uv.call(command, self.space.root, doing, "\n".join(wanted))
        except TaskError as error:
            messages = str(error)
            if NO_DATE not in messages:
                raise
        if limit and (undated := undated_of_other_indexes(self.space, messages) - self.young):
            self.young |= undated
            return self.compile(wanted, preferred, output, *flags, python=python, doing=doing)
        if limit and NO_DATE in messages:
            if self.limit:
                say("lock: the index reports no upload times, so no release is too young")
            self.limit = None
            return self.compile(wanted, preferred, output, *flags, python=python, doing=doing)
        return output.read_text(encoding="utf-8")


def undated_of_other_indexes(space: Workspace, messages: str) -> set[str]:
    """Return the names without upload times, in messages of uv, that have an index of their own.

    The index for all other names may have upload times: the limit stays for those.
    """
    # The name of a wheel has no dash, that of an sdist may have some before the version.
    files = re.findall(rf"`([^`]+?)(?:-[^`-]+(?:-[^`]+)?\.whl|-[^`-]+)` {NO_DATE}", messages)
    others = indexes.read(space.root)
    return {name for name in map(fold, files) if indexes.owner(name, others)}


def required(compiled: str, lines: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """Return the names that each pin requires, by its line, from the `via` comments of uv.

    Args:
        compiled: the output of uv.
        lines: the lines of its pins, by name.
    """
    found: dict[str, set[str]] = {}
    for pin, parents in hashes.notes(compiled, "via").items():
        for line in (line for parent in parents for line in lines.get(parent, ())):
            found.setdefault(line, set()).add(hashes.name_of(pin))
    return found
