"""Check a Python package in a clean environment: each extra alone, and the built wheel.

Each check yields a line for each fault, with the fix. Standard library only.
"""

import json
import pkgutil
import re
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from email.parser import HeaderParser
from pathlib import Path

from monorepo.core.naming import fold
from monorepo.core.workspace import Package
from monorepo.environments.isolated import Clean
from monorepo.environments.virtualenv import Environment
from monorepo.system.errors import TaskError
from monorepo.system.subprocesses import say

Imported = dict[str, list[str] | None]
_ABSENT = ("ImportError", "ModuleNotFoundError")


def import_all(environment: Environment, package: Package) -> Imported:
    """Import every module of `package`; return their errors, as `import_check` prints them.

    Raises:
        TaskError: a module ended the interpreter.
    """
    if not package.has_code:
        return {}
    # Isolated and from a folder without sources, so that the installed package is imported. As
    # text, because the engine may run from its wheel.
    code = pkgutil.get_data("monorepo.sessions", "import_check.py") or b""
    command = [str(environment.python), "-I", "-c", code.decode(), package.import_name]
    done = subprocess.run(
        command, cwd=environment.folder, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode or not done.stdout:
        raise TaskError(f"{package.path}: importing it ended the interpreter; see above")
    errors: Imported = json.loads(done.stdout)
    return errors


def extras(environment: Clean, package: Package) -> Iterator[str]:
    """Install `package` without extras, then with each one alone, and import all modules.

    Without extras, the top-level module imports. Any other module imports, or raises an
    ImportError that names the extra: `distribution[extra]`; with that extra alone, it imports.
    Opt-in extras (workspace.OPT_IN) are left out.

    Raises:
        TaskError: an extra cannot be installed; the message has the output of uv.
    """
    base = _imported(environment, package, "")
    needs: dict[str, str] = {}
    for module, error in base.items():
        if error is None:
            continue
        if module == package.import_name:
            fault = f"does not import without extras: {_format(error)}"
            yield f"{module}: {fault}; declare what it needs"
        elif extra := _asked(package, error):
            needs[module] = extra
        else:
            advice = f"declare what it needs, or raise an ImportError naming {package.name}[extra]"
            yield f"{module}: does not import without extras: {_format(error)}; {advice}"
    for extra in sorted(package.default_extras):
        for module, error in _imported(environment, package, extra).items():
            if error is None:
                continue
            if module not in base:
                # It is in a subpackage that needs this extra, and may itself need another.
                wrong = _asked(package, error) in ("", extra)
            else:
                wrong = base[module] is None or needs.get(module) == extra
            if wrong:
                yield f"{module}: does not import with [{extra}]: {_format(error)}; add it there"


def _asked(package: Package, error: list[str]) -> str:
    """Return the extra that an ImportError names; "" if it names none of the package."""
    match = re.search(rf"{re.escape(package.name)}\[([\w.-]+)\]", error[1], re.IGNORECASE)
    extra = fold(match[1]) if match and error[0] in _ABSENT else ""
    return extra if extra in package.extras else ""


def _imported(environment: Clean, package: Package, extra: str) -> Imported:
    """Import all modules of `package` with one extra, or with none."""
    wanted = {package.path: {extra} - {""}}
    replace(environment, wanted=wanted).install()
    return import_all(environment, package)


def _format(error: list[str]) -> str:
    """Format an exception on one line."""
    return " ".join(f"{error[0]}: {error[1]}".split())


def wheel(environment: Clean, package: Package) -> Iterator[str]:
    """Check the wheel and the sdist in dist/, install the wheel alone and import all modules.

    Raises:
        TaskError: it cannot be installed; the message has the output of uv.
        UsageError: a requirement is not pinned.
    """
    wheels = list(package.folder.glob("dist/*.whl"))
    sdists = list(package.folder.glob("dist/*.tar.gz"))
    if len(wheels) != 1 or len(sdists) != 1:
        counts = f"{len(wheels)} wheels and {len(sdists)} sdists"
        yield f"{package.path}/dist: has {counts} instead of one each; run make build"
        return
    yield from _opened(package, wheels[0])
    with tarfile.open(sdists[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for name in ("pyproject.toml", "PKG-INFO", "LICENSE"):
        if name not in names:
            yield f"{package.path}: the sdist lacks {name}; see MANIFEST.in"
    say(f"install: {wheels[0].name}")
    closure = replace(environment, wanted={package.path: ()}).requirements()
    others = [f"-e {line}" for line in closure if line != f"./{package.path}"]
    file = wheels[0].relative_to(environment.space.root)
    environment.check()
    environment.put([f"./{file}", *others], "--exact", "--reinstall-package", package.name)
    for module, error in import_all(environment, package).items():
        # Modules that need an extra are checked by `test-extras`.
        if error is not None and f"{package.name}[" not in error[1]:
            yield f"{module}: does not import from the wheel: {_format(error)}; see {package.path}"


def _opened(package: Package, file: Path) -> Iterator[str]:
    """Compare a wheel with the sources and the manifest."""
    where = f"{package.path}: the wheel"
    with zipfile.ZipFile(file) as archive:
        names = set(archive.namelist())
        info = next(name for name in names if name.endswith(".dist-info/METADATA"))
        metadata = HeaderParser().parsestr(archive.read(info).decode())
    folder = info.removesuffix("METADATA")
    inside = {name for name in names if not name.startswith(folder)}
    source = package.folder / "src"
    made = ("__pycache__", ".egg-info")
    sources = {
        str(path.relative_to(source))
        for path in source.rglob("*")
        if path.is_file() and not any(mark in part for part in path.parts for mark in made)
    }
    for name in sorted(sources - inside):
        yield f"{where} lacks src/{name}; name it in [tool.setuptools.package-data]"
    for name in sorted(inside - sources):
        yield f"{where} has {name}, which is not in src/; fix [tool.setuptools]"
    if package.has_code and f"{package.import_name}/py.typed" not in inside:
        yield f"{where} lacks {package.import_name}/py.typed; add it to src/ and to package-data"
    project = package.manifest["project"]
    expected = {
        "name": package.name,
        "version": package.version,
        "license": project.get("license", ""),
        "requires-python": project.get("requires-python", ""),
    }
    for key, value in expected.items():
        header = "license-expression" if key == "license" else key
        actual = metadata.get(header, "")
        if key not in project.get("dynamic", []) and _norm(actual) != _norm(str(value)):
            yield f"{where} says {header} {actual!r}, not {value!r}; fix pyproject.toml"
    licences = [f"{folder}licenses/{name}" for name in metadata.get_all("license-file", [])]
    if not licences or not names.issuperset(licences):
        yield f"{where} has no text of its licence; add LICENSE"


def _norm(text: str) -> set[str]:
    """Normalize a value of a manifest, to compare it with the metadata of a wheel.

    In metadata, clauses of a range have any order and no spaces, versions no leading zeros (PEP
    440), and licences the case of SPDX.
    """
    return {
        re.sub(r"\b0+(?=\d)", "", clause) for clause in text.replace(" ", "").lower().split(",")
    }
