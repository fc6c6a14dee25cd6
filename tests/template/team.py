"""A team that makes a URL shortener: its commands, and what it writes, which is in `shortener`."""

import shutil
from pathlib import Path

from tests.template.baking import TEMPLATE, commit, run
from tests.template.changes import patched

SOURCES = Path(__file__).with_name("shortener")
LINKS, API, CLIENT, PAGE = (
    "shared/py/links",
    "services/py/api",
    "shared/js/api-client",
    "apps/js/page",
)


def start(out: Path) -> Path:
    """Make the repository of the team below `out`, with all packages, and return its root."""
    answers = f'--no-input --default-config packages="{LINKS} {API} {PAGE}"'
    run(TEMPLATE, "make", "new", f"OUT={out}", f"ANSWERS={answers}", "EXAMPLE=0")
    root = out / "acme-platform"
    run(root, "make", "new", f"AT={CLIENT}", "TEMPLATE=openapi-client")
    commit(root)
    return root


def write(root: Path, sources: Path = SOURCES) -> None:
    """Write what the team writes: files, and changes to files as diffs."""
    for source in filter(Path.is_file, sources.rglob("*")):
        target = root / source.relative_to(sources)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".diff":
            target = target.with_suffix("")
            text = patched(target.read_text(encoding="utf-8"), source.read_text(encoding="utf-8"))
            target.write_text(text, encoding="utf-8")
        else:
            shutil.copyfile(source, target)


def bring_in_step(root: Path) -> None:
    """Have commands write what follows from it: locks, the client, and the table of settings."""
    run(root, "make", "lock", "generate", "settings")
