"""Choose the entry point of a service: what its manifest names, or else a module by its name."""

import re
from collections.abc import Collection, Iterator

from monorepo.core.workspace import Package
from monorepo.guard import manifest_lines
from monorepo.parsing import data_formats

# Fields of package.json that name entry points.
_FIELDS_JS = ("main", "bin", "exports")
# Names of entry points, in order of precedence.
_NAMES = ("__main__", "main", "index", "app", "server", "cli")
# The parts of a path that differ between source and build.
_FOLDER = re.compile(r"^(\./)?((build|dist|lib|out)/)?(src/)?")
_SUFFIX = re.compile(r"(/__init__)?(\.d)?(\.py|\.[mc]?[jt]sx?)?$")


def entry(package: Package, paths: Collection[str]) -> str:
    """Return the entry point among modules of a package, by path; "" if none is one.

    Args:
        package: a service or an app.
        paths: its modules in its own language; a single one is the entry point.
    """
    start = f"{package.path}/src/" + f"{package.import_name}/" * package.is_python

    def rank(path: str) -> tuple[bool, bool, int, int, str]:
        name = path.rpartition("/")[2].partition(".")[0]
        place = _NAMES.index(name) if name in _NAMES else len(_NAMES)
        outside = not path.startswith(start)
        return (outside, name not in _NAMES, path.count("/"), place, path)

    named = {*_named(package)}
    inside = [path for path in paths if module(path.removeprefix(f"{package.path}/")) in named]
    usual = [path for path in paths if not rank(path)[1]]
    single = [path for path in paths if "/__init__." not in path] or paths
    return min(inside or usual or (single if len(single) == 1 else ()), key=rank, default="")


def _named(package: Package) -> Iterator[str]:
    """Yield the entry points in a manifest, in the format of `module`."""
    if package.is_javascript:
        yield from map(
            module, data_formats.strings([package.manifest.get(key) for key in _FIELDS_JS])
        )
    else:
        for _, _, text in manifest_lines.entry_points(package):
            yield module(text.partition(":")[0].strip().replace(".", "/"))


def module(path: str) -> str:
    """Return the path of a module without the parts that differ between source and build."""
    return _SUFFIX.sub("", _FOLDER.sub("", path))
