"""Collect all that installs a package without an index: `<package>/build/bundle`.

It has three folders, which are the layers of an image: `third-party` changes seldom, `internal` has
the packages of this repository that the package needs, `app` the package itself. Of a Python
package, each holds wheels, and a requirements.txt with their hashes; of a JavaScript package, the
three put together are a folder that Node can run.
"""

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from monorepo.core.naming import fold
from monorepo.core.workspace import GPU, NODE_GROUPS, Package, Workspace
from monorepo.delivery import closed, distributions, wheelhouse
from monorepo.delivery.targets import Target
from monorepo.environments import node
from monorepo.environments.virtualenv import Environment
from monorepo.programs import indexes
from monorepo.programs.vendored import WHEELS
from monorepo.system import text_files
from monorepo.system.errors import TaskError, UsageError
from monorepo.system.subprocesses import make, run, say, without_make
from monorepo.tasks import js_sandbox

BUNDLE = "build/bundle"
THIRD_PARTY, INTERNAL, APP = "third-party", "internal", "app"
LAYERS = (THIRD_PARTY, INTERNAL, APP)


class Request(NamedTuple):
    """What bundles are asked for: the packages, and for Python their extras and the target."""

    packages: Sequence[Package]
    extras: Sequence[str] = ()
    target: Target = Target()


def bundle(space: Workspace, request: Request) -> list[str]:
    """Make the bundles of packages, each in place of an earlier one.

    Args:
        space: the repository, with its tools.
        request: the packages, and what they are bundled for.

    Returns:
        A line for each bundle.

    Raises:
        TaskError: a build or a download failed, or a bundle is not closed.
        UsageError: there is no package, an extra is not there, or a link is in the place of a
            bundle; or as `wheelhouse.collect` does.
    """
    if not request.packages:
        raise UsageError("PKG: there is no service here; name the packages to bundle")
    python = [package for package in request.packages if package.is_python]
    others = [package for package in request.packages if package.is_javascript]
    if pages := [package.path for package in others if package.is_page]:
        what = "is for browsers: make build writes all of it to dist; leave it out"
        raise UsageError(*(f"{path}: {what}" for path in pages))
    if others and (request.extras or request.target != Target()):
        what = "is JavaScript: EXTRAS, PLATFORM and PYTHON_VERSION are about wheels; leave them out"
        raise UsageError(*(f"{package.path}: {what}" for package in others))
    wanted = {package.path: _extras(package, request.extras) for package in python}
    for package in request.packages:
        text_files.unlinked(space.root, f"{package.path}/{BUNDLE}")
    done = []
    with tempfile.TemporaryDirectory(prefix="wheels-", ignore_cleanup_errors=True) as place:
        wheels = _wheels(space, space.closure(wanted), Path(place))
        for package in [*python, *others]:
            with distributions.replacing(package, BUNDLE) as folder:
                for layer in LAYERS:
                    (folder / layer).mkdir()
                if package.is_python:
                    _python(space, package, wanted[package.path], wheels, request, folder)
                else:
                    _javascript(space, package, folder)
            done.append(f"bundled {package.path}/{BUNDLE}")
    return done


def _extras(package: Package, names: Iterable[str]) -> list[str]:
    """Return the extras of a package.

    Raises:
        UsageError: it has no such extra.
    """
    known = ", ".join(package.extras) or "it has none"
    if wrong := [name for name in names if name not in package.extras]:
        what = f"is not an extra of {package.path}; choose from: {known}"
        raise UsageError(*(f"EXTRAS={name}: {what}" for name in wrong))
    return list(names)


def _wheels(space: Workspace, closure: Iterable[str], folder: Path) -> dict[str, Path]:
    """Build the wheel of each package; return them by path."""
    found = {}
    for path in sorted(closure):
        say(f"build: {path}")
        out = folder / path
        out.mkdir(parents=True)
        package = space.packages[path]
        distributions.build(space, package, space.root / ".venv/bin/python", out, sdist=False)
        (found[path],) = out.glob("*.whl")
    return found


def _python(
    space: Workspace,
    package: Package,
    extras: Sequence[str],
    wheels: Mapping[str, Path],
    request: Request,
    folder: Path,
) -> None:
    """Write the bundle of a Python package into empty layers.

    Raises:
        TaskError: it is not closed.
    """
    environment = Environment(space, f"{package.path}/{BUNDLE}", {package.path: extras})
    sources = [package.folder / BUNDLE / THIRD_PARTY, space.root / WHEELS]
    for_gpu = any(GPU in names for names in environment.closure().values())
    pins = wheelhouse.pins_of(environment, request.target, for_gpu=for_gpu)
    with indexes.preferring(GPU if for_gpu else ""):
        wheelhouse.collect(space, pins, request.target, folder / THIRD_PARTY, sources)
    _write(folder / THIRD_PARTY, wheelhouse.text(pins))
    lines = {INTERNAL: "", APP: ""}
    for path in sorted(environment.closure()):
        layer, needed = APP if path == package.path else INTERNAL, space.packages[path]
        shutil.copyfile(wheels[path], folder / layer / wheels[path].name)
        pin = f"{needed.name}=={wheels[path].name.split('-')[1]}"
        lines[layer] += wheelhouse.text({pin: [wheelhouse.digest(wheels[path])]})
    for layer, text in lines.items():
        _write(folder / layer, text)
    files = [*folder.glob("*/*.whl")]
    if wrong := [*closed.unmet(files, {package.name: extras}, request.target)]:
        raise TaskError("\n".join([f"{package.path}: the bundle is not closed", *wrong]))


def _write(folder: Path, text: str) -> None:
    (folder / "requirements.txt").write_text(text, encoding="utf-8")


def _javascript(space: Workspace, package: Package, folder: Path) -> None:
    """Write the bundle of a JavaScript package into empty layers.

    Raises:
        TaskError: a command failed.
    """
    say(f"build: {package.path}")
    node.install(space)
    with tempfile.TemporaryDirectory(prefix="bundle-") as place:
        root = Path(place).resolve() / "copy"
        copied = js_sandbox.make(space, package, root)
        words = make(copied, "build", *js_sandbox.variables(space))
        run(words, copied, env=without_make())
        app = folder / "deployed"
        # Without links: a layer has to stand alone, and pnpm's own have the path of the copy.
        hoisted = ("--config.node-linker=hoisted", "--config.package-import-method=copy")
        js_sandbox.deploy(space, package, root, app, *hoisted)
        _layers(space, package, app, folder)


def _layers(space: Workspace, package: Package, deployed: Path, folder: Path) -> None:
    """Divide a deployed package into its layers."""
    for own in ("pnpm-lock.yaml", "pnpm-workspace.yaml"):
        (deployed / own).unlink(missing_ok=True)
    modules = deployed / "node_modules"
    internal = [space.packages[path].name for path in space.closure({package.path: ()})]
    for name in internal:
        if (modules / name).exists():
            target = folder / INTERNAL / "node_modules" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            (modules / name).rename(target)
            with contextlib.suppress(OSError):
                # The folder of its scope, if nothing else is in it.
                (modules / name).parent.rmdir()
    # The records of pnpm about where it has put things.
    for record in [*modules.glob(".pnpm*"), *modules.glob(".modules.yaml")]:
        shutil.rmtree(record) if record.is_dir() else record.unlink()
    if modules.exists():
        modules.rename(folder / THIRD_PARTY / "node_modules")
    manifest = json.loads((deployed / "package.json").read_text(encoding="utf-8"))
    for group in NODE_GROUPS:
        for name in {*manifest.get(group, {})}.intersection(internal):
            manifest[group][name] = space.by_name[fold(name)].version
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    (deployed / "package.json").write_text(text, encoding="utf-8")
    (folder / APP).rmdir()
    deployed.rename(folder / APP)
