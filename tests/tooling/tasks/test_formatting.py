"""JavaScript is formatted as a whole file or not at all, and only where its style differs.

A machine may have no Biome. In its place, a program turns the word `wide` into `x`.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.system.errors import TaskError
from monorepo.tasks import formatting

Write = Callable[[dict[str, str]], None]
Tree = Callable[[], dict[str, tuple[int, bytes]]]
Format = Callable[..., None]
# As Biome, it tells by its exit code what it could not parse or would change; where there is a file
# `full`, as on a disk without space, it empties what it writes and says nothing of it.
PROGRAM = """\
#!/bin/sh
full=$(dirname "$0")/full
[ "$1 $2" = "check --linter-enabled=false" ] || exit 64
shift 2
write=
[ "$1" != --write ] || { write=1; shift; }
code=0
for file in $(find "$@" -path '*node_modules*' -o -name '*.ts' -print -o -name '*.json' -print); do
    if grep -q broken "$file"; then code=1
    elif grep -q wide "$file" && [ ! "$write" ]; then code=1
    elif [ "$write" ] && [ -e "$full" ]; then : > "$file"
    elif [ "$write" ]; then sed -i s/wide/x/ "$file"
    fi
done
exit $code
"""
A, B = "shared/js/a/src/one.ts", "shared/js/b/src/two.ts"


@pytest.fixture
def format_in(javascript: Path, write: Write) -> Format:
    """Put the program in Biome's place; format what is in some folders."""
    write({"node_modules/.bin/biome": PROGRAM, "biome.json": "{}\n"})
    (javascript / "node_modules/.bin/biome").chmod(0o755)

    def format_in(*paths: str, known: list[str]) -> None:
        formatting.javascript(workspace.load(javascript), paths, known)

    return format_in


def read(root: Path, *paths: str) -> list[str]:
    return [(root / path).read_text(encoding="utf-8") for path in paths]


def test_what_is_formatted_stays_the_same_file(
    javascript: Path, write: Write, format_in: Format, tree: Tree
) -> None:
    write({A: "x\n", B: "wide\n"})
    then, inode = tree(), os.stat(javascript / A).st_ino
    format_in("shared/js/a", known=[A, B])
    assert tree() == then
    format_in("shared/js/a", "shared/js/b", known=[A, B, "biome.json"])
    assert read(javascript, A, B) == ["x\n", "x\n"]
    assert os.stat(javascript / A).st_ino == inode


def test_only_what_was_asked_for_and_is_known_is_formatted(
    javascript: Path, write: Write, format_in: Format
) -> None:
    ignored, other, root = "shared/js/a/dist/made.ts", "shared/js/a/notes.txt", "tsconfig.json"
    write(dict.fromkeys([A, B, ignored, other, root], "wide\n"))
    (javascript / A).chmod(0o755)
    (javascript / "shared/js/a/link.ts").symlink_to("notes.txt")
    known = [A, B, other, root, "shared/js/a/link.ts", "shared/js/a/gone.ts"]
    format_in("shared/js/a", known=known)
    assert read(javascript, A, B, ignored, other, root) == ["x\n", *["wide\n"] * 4]
    assert os.stat(javascript / A).st_mode & 0o777 == 0o755
    assert (javascript / "shared/js/a/link.ts").is_symlink()
    # The root has all packages in it.
    format_in(".", known=known)
    assert read(javascript, B, ignored, other, root) == ["x\n", "wide\n", "wide\n", "x\n"]


def test_what_cannot_be_parsed_is_told_and_the_others_are_formatted(
    javascript: Path, write: Write, format_in: Format
) -> None:
    write({A: "wide broken\n", B: "wide\n"})
    with pytest.raises(TaskError, match=r"^biome check: failed \(1\); see above$"):
        format_in("shared/js/a", "shared/js/b", known=[A, B])
    assert read(javascript, A, B) == ["wide broken\n", "x\n"]


def test_a_disk_that_is_full_empties_nothing(
    javascript: Path, write: Write, format_in: Format, tree: Tree
) -> None:
    write({A: "wide\n", B: "x\n", "node_modules/.bin/full": ""})
    then = tree()
    with pytest.raises(TaskError, match=r"wrote incomplete files; nothing has changed$"):
        format_in("shared/js/a", "shared/js/b", known=[A, B])
    assert tree() == then
