"""No file holds a private key or a token.

Kingfisher, a scanner that knows the credential formats of some 480 services, checks every file of
the repository, also binary ones. It does not validate credentials, and nothing leaves the machine.
Uncertain matches are ignored: random-looking text, placeholders, examples of documentation, JSON
Web Tokens, and passwords in URLs of local hosts and containers.

Why: a committed secret is known to everybody who ever cloned, and stays in the history.

Fix: revoke it where it was issued: removing it is not enough. Read the new one from the
environment. For a value that is not secret, such as the key of a test, add an exception to
[[tool.monorepo.allow]].

Passes::

    token = os.environ["GITHUB_TOKEN"]

Fails::

    token = "ghp_…"
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from monorepo.guard.findings import Finding, absent
from monorepo.guard.repository import Sources
from monorepo.system import terminal

if TYPE_CHECKING:
    from kingfisher_sdk import Finding as Match
    from kingfisher_sdk import Scanner

# Compiled once, for some seconds; read in a quarter of one.
CACHE = ".venv/monorepo-secrets"
# No forge takes a larger file.
LARGEST = 100_000_000
_CREDENTIAL_URI = "betterleaks.generic-credential-uri"
# In repositories these are samples and recordings; a real one is over within the hour.
_LEFT_OUT = {"betterleaks.jwt", "betterleaks.jwt-base64"}
# The key of Azure's emulator, which is the same for everybody.
_EMULATOR = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1"
_SURE = {"medium": 1, "high": 2}


def subjects(sources: Sources) -> Sequence[str]:
    """Return the files; without the scanner, the repository."""
    return sources.looked_at if find_spec("kingfisher_sdk") else ["."]


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Look for credentials in a file."""
    if subject == ".":
        yield absent("secrets", "kingfisher-secret-scanner")
        return
    data = _read(sources, subject)
    if not data:
        return
    from kingfisher_sdk import ScanInput

    cache = sources.root / CACHE
    scanner = _scanner(str(cache) if cache.parent.is_dir() else None)
    # One of a line is enough: several rules may know the same credential.
    found: dict[int, Match] = {}
    # A name need not be UTF-8, and the scanner only looks at its end.
    name = terminal.printable(subject)
    for match in scanner.scan_input(ScanInput(path=name, data=data)):
        if match.visible and _is_sure(match):
            line = match.location["line"]
            if line not in found or _SURE[match.confidence] > _SURE[found[line].confidence]:
                found[line] = match
    for line, match in sorted(found.items()):
        # What it is, and never the credential itself.
        kind = match.rule_id.rpartition(".")[2].rpartition("/")[2]
        advice = "revoke it, and read its successor from the environment"
        yield Finding(subject, line, "secrets", f"holds a secret ({kind})", advice)


@lru_cache(maxsize=1)
def _scanner(cache: str | None) -> "Scanner":
    """Return the scanner.

    Args:
        cache: the folder that keeps what it has compiled; without one, nothing is kept.
    """
    from kingfisher_sdk import Rules, Scanner

    return Scanner(Rules(cache=cache is not None, cache_dir=cache))


def _read(sources: Sources, path: str) -> bytes:
    """Return what stands in a file; nothing, with a note, if that cannot be told."""
    file: Path = sources.root / path
    try:
        if file.is_symlink() or not file.is_file():
            return b""
        if file.stat().st_size > LARGEST:
            sources.note(path, "is larger than 100 MB", "keep it elsewhere")
            return b""
        return file.read_bytes()
    except OSError as error:
        sources.note(path, f"cannot be read ({error.strerror})", "restore it from git")
        return b""


def _is_sure(match: "Match") -> bool:
    """Return whether what the scanner has found is worth a finding."""
    if match.rule_id in _LEFT_OUT or match.confidence not in _SURE or _EMULATOR in match.secret:
        return False
    host = match.captures.get("host", "")
    return match.rule_id != _CREDENTIAL_URI or ("." in host and not host.startswith("127."))
