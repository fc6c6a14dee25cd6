"""What it costs to rename a package that many files name: 16,000 edits, in code and in strings.

The texts are one part of it; git's worktree and index, and the journal, are the other. Beside it,
`git grep` and Perl replace the words wherever they stand, in whatever they are a part of.
"""

import sys
from collections.abc import Iterator

from benchmarks.measuring import TEMPLATE, Job, Lab, Row, main

FILES, EDITS = 1_000, 16_000
TEXTS = """
import pathlib
from monorepo.renaming import texts
from monorepo.renaming.names import Names
names = Names(("acme_core", "acme_base"), {}, {"acme-core": "acme-base"}, {})
for file in pathlib.Path("shared/py/user/src/acme_user").iterdir():
    texts.rename(file.name, file.read_text(encoding="utf-8"), names)
"""
MODULE = '''"""Uses `acme_core` and `acme-core`."""

import acme_core
from acme_core.retries import retrying

# acme_core has what this needs.
LOGGER = "acme_core.retries"
TARGETS = ["acme_core.a:b", "acme_core.c:d", "acme-core[io]"]


def work(number: int) -> str:
    """Return something of acme_core."""
    again = retrying(lambda: acme_core.value(number))
    return f"{acme_core.name(again)} acme_core {acme_core.END} {LOGGER} {acme_core.START}"


def more(number: int) -> int:
    """Return something else."""
    values = {one: acme_core.value(one) for one in range(number) if one % 2}
    return sum(values.values())
'''


def measure(lab: Lab) -> Iterator[Row]:
    """Yield all rows."""
    root = lab.bake("renamed", "packages=shared/py/core shared/py/user")
    folder = root / "shared/py/user/src/acme_user"
    for number in range(FILES):
        (folder / f"m{number}.py").write_text(MODULE, encoding="utf-8")
    for words in ("init --quiet", "add --all", "commit --quiet --message all"):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        lab.run(["git", *identity, *words.split()], root)
    engine = ["env", f"PYTHONPATH={TEMPLATE / 'src'}", sys.executable]
    whole = [*engine, "-m", "monorepo", "rename", "shared/py/core", "shared/py/base"]
    replaced = (
        "git grep -l core | xargs perl -pi -e 's/\\b(acme[-_]|shared\\/py\\/)core\\b/$1base/g'"
    )
    back = ["git", "reset", "--quiet", "--hard"]

    def restore() -> None:
        lab.run(back, root)

    texts, ours, theirs = lab.compare(
        Job([*engine, "-c", TEXTS], root, restore),
        Job(whole, root, restore),
        Job(["sh", "-c", replaced], root, restore),
    )
    what, peer = f"rename, {EDITS:,} edits in {FILES:,} files", "git grep and perl, any word"
    yield Row(f"{what}: the texts", texts, peer, theirs, goal=1, measure="CPU seconds")
    yield Row(f"{what}: all of it", ours, peer, theirs)


if __name__ == "__main__":
    main(__doc__, measure)
