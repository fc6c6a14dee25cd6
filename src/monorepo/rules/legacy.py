"""An extra for a migration is used only by those that use it already.

The package with such an extra marks it, `legacy = ["legacy-cpu"]` in its [tool.monorepo]; without
marks, there is nothing to check. Every request for it is a finding: in dependencies, extras,
groups and build requirements of any package, of its own too, and in those of the root.
`guard --baseline` accepts the existing ones.

Why: such an extra has all that the old requirements file had. Who asks for it gets all of that, and
it can only be removed when nobody asks for it any more.

Fix: ask for the extras that take its place.

Passes::

    legacy = ["legacy-cpu"]    and every package asks for acme-core[io]

Fails::

    legacy = ["legacy-cpu"]    dependencies = ["acme-core[legacy-cpu]"]
"""

from collections.abc import Iterator, Sequence

from monorepo.core import workspace
from monorepo.core.naming import fold
from monorepo.guard.findings import Finding
from monorepo.guard.manifest_lines import requested
from monorepo.guard.repository import Sources

# Most repositories are on no way from anywhere: only who asks for this rule hears that.
OPTIONAL = True
_ROOT = workspace.ROOT_MANIFEST


def subjects(sources: Sources) -> Sequence[str]:
    """Return the root and all Python packages, if any of these marks an extra."""
    packages = [one for one in sources.space.packages.values() if one.is_python]
    is_marked = any("legacy" in one.settings for one in packages)
    return [_ROOT, *(one.path for one in packages)] if is_marked else []


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Look for requirements that ask for a marked extra, and for marks of what there is not."""
    package = sources.space.packages.get(subject)
    file = package.manifest_path if package else _ROOT
    manifest = package.manifest if package else workspace.toml(sources.text(_ROOT) or "")
    told = package.settings.get("legacy", []) if package else []
    line = sources.line_of(file, "[tool.monorepo", "legacy")
    if not isinstance(told, list) or not all(isinstance(mark, str) for mark in told):
        advice = 'write legacy = ["legacy-cpu"]'
        yield Finding(file, line, "legacy", "legacy is not a list of extras", advice)
    for extra in package.legacy if package else ():
        if package and fold(extra) not in package.extras:
            message = f"legacy names {extra}, an extra that there is not"
            yield Finding(file, line, "legacy", message, "remove it, or fix its name")
    for one in requested(sources, file, manifest):
        other = sources.space.by_name.get(one.needs.name)
        for extra in sorted({*map(fold, other.legacy if other else ())} & {*one.needs.extras}):
            message = f"requests {one.needs.name}[{extra}], which is for a migration only"
            advice = "ask for the extras that take its place"
            yield Finding(file, one.line, "legacy", message, advice)
