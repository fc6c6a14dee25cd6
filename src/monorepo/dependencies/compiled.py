"""The modules that the build of a package makes, of Rust or C, as its manifests name them."""

import ast

from monorepo.core.workspace import Package
from monorepo.guard import config_files
from monorepo.guard.repository import Sources
from monorepo.parsing import data_formats


def modules(sources: Sources, package: Package) -> set[str]:
    """Return the dotted names of the compiled modules of a package.

    Maturin makes one: `module-name`, or the library of Cargo.toml. setuptools makes those in
    `ext-modules`, and of each `Extension` in setup.py.
    """
    tool, found = data_formats.table(package.manifest, "tool"), list[object]()
    for backend, key in (("setuptools", "name"), ("setuptools-rust", "target")):
        entries = data_formats.entries(tool, backend, "ext-modules")
        found += [data_formats.table(entry).get(key) for entry in entries]
    if data_formats.table(package.manifest, "build-system").get("build-backend") == "maturin":
        maturin = data_formats.table(tool, "maturin")
        path = f"{package.path}/{maturin.get('manifest-path', 'Cargo.toml')}"
        cargo = config_files.read(sources, path)
        names = [data_formats.table(cargo, one).get("name") for one in ("lib", "package")]
        found.append(next(filter(None, [maturin.get("module-name"), *names]), None))
    found += sources.in_tree(f"{package.path}/setup.py", "extensions", _extensions) or []
    return {one.replace("-", "_") for one in found if isinstance(one, str)}


def _extensions(tree: ast.Module) -> list[str]:
    """Return the names that setup.py gives to each `Extension`, `RustExtension` and the like."""
    given: list[ast.expr] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = str(getattr(node.func, "attr", getattr(node.func, "id", "")))
            if called.endswith("Extension"):
                given += node.args[:1]
                given += [word.value for word in node.keywords if word.arg in ("name", "target")]
    values = [node.value for node in given if isinstance(node, ast.Constant)]
    return [value for value in values if isinstance(value, str)]
