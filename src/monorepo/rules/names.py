"""The folder, distribution, import and npm names of a package agree, and are unique.

Why: each name has to follow from the others. Names that differ only by case, `-` or `_` are the
same to an index, to npm or to a file system. A package that says that it has no code, by
`packages = []`, has no src.

Fix: rename what differs; `make list` shows all names.

Passes::

    shared/py/audio      acme-audio  src/acme_audio
    packages/acme-audio  acme-audio  src/acme_audio

Fails::

    shared/py/audio  acme-sound  src/audio
"""

from collections.abc import Iterator, Sequence

from monorepo.core import naming
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources


def subjects(sources: Sources) -> Sequence[str]:
    """Return the packages."""
    return list(sources.space.packages)


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Compare the names of a package with its path; twins are found on loading."""
    space = sources.space
    package = space.packages[subject]
    manifest = package.manifest_path
    namespace = str(space.facts["namespace"])
    if problem := naming.path_problem(package.grouped, namespace):
        wrong, _, advice = problem.partition("; ")
        message = f"{package.short_name} {wrong}"
        yield Finding(subject, 0, "names", message, advice or "choose another")
    folders = [naming.flat(namespace, package.grouped, twin=twin) for twin in (False, True)]
    if package.is_flat and subject not in folders:
        advice = f"call it {folders[0]}"
        yield Finding(subject, 0, "names", f"is not called like a {package.kind.singular}", advice)
    source = f"{subject}/src"
    code = [path for path in sources.by_package[subject] if path.startswith(f"{source}/")]
    expected = naming.package_name(namespace, package.grouped)
    if package.name != expected:
        message = f"the name is {package.name}, not {expected}"
        yield Finding(manifest, 0, "names", message, f"call it {expected}")
    elif code and not package.has_code:
        message = "is not in the distribution: the manifest has packages = []"
        yield Finding(source, 0, "names", message, "name its packages there, or remove src")
    elif (
        package.is_python
        and package.has_code
        and not any(path.startswith(f"{source}/{package.import_name}/") for path in code)
    ):
        message = f"has no src/{package.import_name}"
        yield Finding(subject, 0, "names", message, "call the folder in src so")
