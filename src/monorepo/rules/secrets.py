"""No file holds a private key, a token or a password of a host that others can reach.

What counts, in any file, also a binary one: private keys; tokens in the format of one of some 480
services, as the scanner Kingfisher knows them; passwords in addresses, .netrc and commands of curl.
It asks nobody whether they are valid, and nothing leaves the machine.

What may be none is not told: text that only looks random, values in code without such a format,
placeholders, JSON Web Tokens, keys that pages show to visitors, and passwords for localhost,
127.0.0.1 and [::1], for names in .localhost and .docker.internal, and for a service of a compose
file, which has no dot in its name.

Why: a committed secret is known to everybody who ever cloned, and stays in the history.

Fix: revoke it where it was issued: removing it is not enough. Read the new one from the
environment. A value that is not secret, such as the key of a test, is allowed for its file, with
a reason, in `[[tool.monorepo.allow]]`.

Passes::

    token = os.environ["GITHUB_TOKEN"]
    curl -u admin:admin http://localhost:8080

Fails::

    token = "ghp_…"
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from importlib import metadata
from importlib.util import find_spec
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
# Tokens are samples and recordings in repositories: a real one is over within the hour. And what
# every page shows to its visitors is none.
_LEFT_OUT = {"betterleaks.jwt", "betterleaks.jwt-base64", "betterleaks.posthog-project-api-key"}
# What is secret in a key, and in credentials as JSON.
_PARTS = re.compile(
    r'PRIVATE KEY(?: BLOCK)?-----(.*?)-----END|"\w*(?:secret|token|password)"\s*:\s*"([^"]*)"',
    re.DOTALL,
)
_MATERIAL = re.compile(r"(?=.*\d).{16}", re.DOTALL)
# What is a secret only for the host that stands beside it.
_OF_A_HOST = re.compile(r"curl-auth|credential-uri|connection-string")
# A command of curl may go on on the next lines.
_ADDRESS = re.compile(rb"://(?:[^\s/'\"@]*@)?(\[[^\]\s]*\]|[^\s/:'\"?#,]+)")
_LOCAL = re.compile(
    r"\[?(::1|0\.0\.0\.0|127(\.\d+){1,3}|[^.:]+|.*\.(localhost|docker\.internal|example|test|invalid))"
    r"\.?\]?(:\d+)?",
    re.IGNORECASE,
)
# The key of Azure's emulator, which is the same for everybody.
_EMULATOR = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1"
_SURE = {"medium": 1, "high": 2}
# Formats of files that Kingfisher does not know.
_FORMATS = {
    "putty-private-key": re.compile(rb"^PuTTY-User-Key-File-\d+: ", re.MULTILINE),
    "netrc-password": re.compile(
        rb"^[ \t]*machine\s+\S+\.\S+\s+login\s+\S+\s+password\s+[^\s$<]", re.M
    ),
}


def subjects(sources: Sources) -> Sequence[str]:
    """Return the files; without the scanner, the repository."""
    return sources.files if find_spec("kingfisher_sdk") else ["."]


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Look for credentials in a file."""
    if subject == ".":
        yield absent("secrets", "kingfisher-secret-scanner")
    elif _is_readable(sources, subject):
        yield from sources.findings(
            subject, "secrets", partial(_found, sources, subject), _version()
        )


def _found(sources: Sources, subject: str) -> Iterator[Finding]:
    """Yield a finding for each line of a file with a credential, which several rules may know."""
    from kingfisher_sdk import ScanInput

    data = (sources.root / subject).read_bytes()
    cache = sources.root / CACHE
    scanner = _scanner(str(cache) if cache.parent.is_dir() else None)
    kinds = {
        data.count(b"\n", 0, one.start()) + 1: (0, kind)
        for kind, names in _FORMATS.items()
        for one in names.finditer(data)
    }
    # A name need not be UTF-8, and the scanner only looks at its end.
    name = terminal.printable(subject)
    for match in scanner.scan_input(ScanInput(path=name, data=data)) if data else ():
        line = match.location["line"]
        if match.visible and _is_sure(match, data):
            sure = _SURE[match.confidence]
            # What it is, and never the credential itself.
            kind = match.rule_id.rpartition(".")[2].rpartition("/")[2]
            if sure > kinds.get(line, (0, ""))[0]:
                kinds[line] = (sure, kind)
    for line, (_, kind) in sorted(kinds.items()):
        advice = "revoke it, and read its successor from the environment"
        yield Finding(subject, line, "secrets", f"holds a secret ({kind})", advice)


@lru_cache(maxsize=1)
def _version() -> str:
    return metadata.version("kingfisher-secret-scanner")


@lru_cache(maxsize=1)
def _scanner(cache: str | None) -> "Scanner":
    """Return the scanner.

    Args:
        cache: the folder that keeps what it has compiled; without one, nothing is kept.
    """
    from kingfisher_sdk import Rules, Scanner

    return Scanner(Rules(cache=cache is not None, cache_dir=cache))


def _is_readable(sources: Sources, path: str) -> bool:
    """Return whether a file can be read; it is noted if that cannot be told of its content."""
    file = sources.root / path
    try:
        if file.is_symlink() or not file.is_file():
            return False
        with file.open("rb"):
            size = file.stat().st_size
    except OSError as error:
        sources.note(path, f"cannot be read ({error.strerror})", "restore it from git")
        return False
    if size > LARGEST:
        sources.note(path, "is larger than 100 MB", "keep it elsewhere")
    return size <= LARGEST


def _is_sure(match: "Match", data: bytes) -> bool:
    """Return whether what the scanner has found is worth a finding."""
    if match.rule_id in _LEFT_OUT or match.confidence not in _SURE or _EMULATOR in match.secret:
        return False
    parts = [key or value for key, value in _PARTS.findall(match.secret)]
    if parts and not any(map(_MATERIAL.match, parts)):
        return False
    if not _OF_A_HOST.search(match.rule_id):
        return True
    host = match.captures.get("host", "")
    hosts = [host] if host else _hosts(data, match.location["line"])
    return not hosts or not all(map(_LOCAL.fullmatch, hosts))


def _hosts(data: bytes, line: int) -> list[str]:
    """Return the hosts in a command of one or more lines; if it has none, those in the file."""
    at = 0
    for command in re.findall(rb"(?:.*\\\r?\n)*.*\n?", data):
        at += command.count(b"\n")
        if at >= line or not command.endswith(b"\n"):
            break
    found = _ADDRESS.findall(command) or _ADDRESS.findall(data)
    return [one.decode(errors="replace") for one in found]
