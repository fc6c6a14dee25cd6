"""An extra for a migration is used only by those that use it already.

The package with such an extra marks it, `legacy = ["legacy-cpu"]` in its [tool.monorepo]; without
marks, there is nothing to check. Every request for it is a finding: in dependencies, extras,
dependency groups, and through an extra of the package itself. Existing requests are accepted by
`sh tools/make/monorepo.sh guard --baseline`, or by an exception with an end date. An entry that is
added to guard-baseline.json by hand is a finding as well, so the baseline can only shrink.
JavaScript has no extras: its packages are not checked.

Why: a temporary solution that gets new users is never removed.

Fix: request the extras that replace it; remove it once it is unused.

Passes::

    legacy = ["legacy-cpu"]    and every package asks for acme-core[io]

Fails::

    legacy = ["legacy-cpu"]    dependencies = ["acme-core[legacy-cpu]"]
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from monorepo.core import manifests, workspace
from monorepo.core.naming import fold
from monorepo.core.workspace import Package
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources
from monorepo.system.errors import UsageError

# Most repositories are on no way from anywhere: only who asks for this rule hears that.
OPTIONAL = True
_ROOT = "pyproject.toml"


def subjects(sources: Sources) -> Sequence[str]:
    """Return the root and all Python packages, if any of these marks an extra."""
    packages = [one for one in sources.space.packages.values() if one.is_python]
    if not any("legacy" in one.settings for one in packages):
        return []
    return [_ROOT, *(one.path for one in packages)]


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Look for requirements that ask for a marked extra, and for marks of what there is not."""
    if subject == _ROOT:
        file = _ROOT
        manifest: Mapping[str, Any] = workspace.toml(sources.text(_ROOT) or "")
    else:
        package = sources.space.packages[subject]
        file, manifest = f"{subject}/pyproject.toml", package.manifest
        yield from _marks(sources, package)
    rows = (sources.text(file) or "").splitlines()
    met = Counter[str]()
    for _, text in manifests.requirements(manifest):
        try:
            name, extras = workspace.requirement(text)
        except UsageError:
            continue
        # The same text may stand in several groups: the second time, on the second such line.
        places = [at for at, row in enumerate(rows, 1) if _has(row, text)]
        line = places[min(met[text], len(places) - 1)] if places else 0
        met[text] += 1
        other = sources.space.by_name.get(name)
        marked = {fold(one) for one in other.legacy} if other else set[str]()
        for extra in sorted(marked & {*extras}):
            message = f"requests {name}[{extra}], which is for a migration only"
            advice = "ask for the extras that take its place"
            yield Finding(file, line, "legacy", message, advice)


def _marks(sources: Sources, package: Package) -> Iterator[Finding]:
    """Yield what is wrong with the marks of a package."""
    manifest = f"{package.path}/pyproject.toml"
    line = sources.line_of(manifest, "[tool.monorepo", "legacy")
    told = package.settings.get("legacy", [])
    if not isinstance(told, list) or len(package.legacy) < len(told):
        advice = 'write legacy = ["legacy-cpu"]'
        yield Finding(manifest, line, "legacy", "legacy is not a list of extras", advice)
    for extra in package.legacy:
        if fold(extra) not in package.extras:
            message = f"legacy names {extra}, an extra that there is not"
            yield Finding(manifest, line, "legacy", message, "remove it, or fix its name")


def _has(row: str, text: str) -> bool:
    """Return whether a line of TOML, its comment apart, has a text as a value."""
    at = max(row.find(f'"{text}"'), row.find(f"'{text}'"))
    return at >= 0 and not row.lstrip().startswith("#") and " #" not in row[:at]
