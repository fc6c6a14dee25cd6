r"""The engine is the file that tools/requirements.txt and [tool.monorepo.template] name.

The one wheel in tools/ has the sha256 of tools/requirements.txt, and the version of
`[tool.monorepo.template]` in pyproject.toml.

Why: every command runs code from this file, and nobody reviews a wheel. Its hash proves that it is
the published one, or the one that the repository was created with.

Fix: restore the wheel and tools/requirements.txt from git, both from the same commit.

Passes::

    ./tools/cookiecutter_monorepo-1.4.0-py3-none-any.whl \
        --hash=sha256:4a44dc15364204a80fe80e9039455cc1608281820fe2b24f1e5233ade6af1dd5

Fails::

    ./tools/cookiecutter_monorepo-1.4.0-py3-none-any.whl
"""

import hashlib
from collections.abc import Iterator, Sequence

from monorepo.core.engine import REQUIREMENT
from monorepo.core.workspace import ROOT_MANIFEST
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources


def subjects(sources: Sources) -> Sequence[str]:
    """Return the file that names the engine."""
    return [REQUIREMENT]


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Compare the wheel with its hash, and its version with that of the repository."""
    engine = sources.space.engine
    wheels = [path for path in sources.files if path.startswith("tools/") and path.endswith(".whl")]
    for other in sorted({*wheels} - {engine.path}):
        message = f"is not the wheel that {REQUIREMENT} names"
        yield Finding(other, 0, "engine", message, "remove it, or restore that file from git")
    try:
        content = (sources.root / engine.path).read_bytes()
    except OSError:
        yield Finding(engine.path, 0, "engine", "is missing", "restore it from git")
        return
    if hashlib.sha256(content).hexdigest() != engine.sha256:
        message = f"does not have the sha256 that {REQUIREMENT} names"
        yield Finding(engine.path, 0, "engine", message, "restore both from the same commit")
    template = sources.space.facts.get("template")
    version = template.get("version") if isinstance(template, dict) else None
    if version != engine.version:
        line = sources.line_of(ROOT_MANIFEST, "[tool.monorepo.template]", "version")
        message = f"[tool.monorepo.template] has version = {version!r}, the engine {engine.version}"
        yield Finding(ROOT_MANIFEST, line, "engine", message, f'write "{engine.version}"')
