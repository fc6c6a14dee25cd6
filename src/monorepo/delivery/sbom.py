"""Write which software a package consists of (CycloneDX 1.6): `<package>/build/sbom.cdx.json`.

For Python, cyclonedx-py looks at a clean environment with what the package declares; for
JavaScript, pnpm reads its lock. A package of this repository, or of a private index, has no package
URL: a stranger may own that name elsewhere, and advisories about it would be about something else.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from monorepo.core.engine import DISTRIBUTION
from monorepo.core.naming import fold
from monorepo.core.workspace import Package, Workspace
from monorepo.environments import program
from monorepo.environments.virtualenv import Environment
from monorepo.programs import indexes, pnpm
from monorepo.system import text_files
from monorepo.system.errors import TaskError, UsageError
from monorepo.system.subprocesses import say, show
from monorepo.system.transaction import begin

GROUP = "sbom"
FILE = "build/sbom.cdx.json"
_VERSION = "1.6"
# What differs from one run to the next.
_FLEETING = ("serialNumber", "timestamp")
Bom = dict[str, Any]


def write(space: Workspace, packages: Sequence[Package]) -> list[str]:
    """Write the bill of materials of each package; return a line for each.

    Raises:
        TaskError: a program failed, or cannot be installed.
        UsageError: there is no package, or a link is in the place of the file.
    """
    for package in packages:
        text_files.unlinked(space.root, f"{package.path}/{FILE}")
    made = {f"{package.path}/{FILE}": bom for package, bom in _made(space, packages)}
    with begin(space.root) as change:
        for path, bom in made.items():
            change.write(path, json.dumps(bom, indent=2) + "\n")
        change.commit()
    return [f"{path}: {len(bom['components'])} components" for path, bom in made.items()]


def snapshot(space: Workspace, packages: Sequence[Package]) -> dict[str, Any]:
    """Return all of it for the dependency graph of GitHub.

    The format is that of "Create a snapshot of dependencies for a repository" in GitHub's REST API.

    Raises:
        TaskError: as `write` does.
        UsageError: likewise, or a variable of GitHub Actions is not set.
    """
    names = ("GITHUB_SHA", "GITHUB_REF", "GITHUB_RUN_ID", "GITHUB_WORKFLOW")
    if absent := [name for name in names if not os.environ.get(name)]:
        raise UsageError(f"{', '.join(absent)}: not set; run this in GitHub Actions")
    sha, ref, run, workflow = (os.environ[name] for name in names)
    manifests = {}
    for package, bom in _made(space, packages):
        path = package.manifest_path
        manifests[path] = {
            "name": path,
            "file": {"source_location": path},
            "resolved": dict(_resolved(bom)),
        }
    return {
        "version": 0,
        "sha": sha,
        "ref": ref,
        "job": {"id": run, "correlator": f"{workflow} {GROUP}"},
        "detector": {
            "name": DISTRIBUTION,
            "version": space.engine.version,
            "url": f"https://pypi.org/project/{DISTRIBUTION}/",
        },
        "scanned": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "manifests": manifests,
    }


def _resolved(bom: Bom) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the components that have a package URL, as GitHub's API describes them."""
    urls = {one["bom-ref"]: one["purl"] for one in bom["components"] if "purl" in one}
    needed = {one["ref"]: one.get("dependsOn", []) for one in bom["dependencies"]}
    # What a package of this repository needs is declared in it.
    internal = needed.keys() - urls.keys()
    direct = {ref for one in internal for ref in needed[one]}
    for ref, url in urls.items():
        yield (
            url,
            {
                "package_url": url,
                "relationship": "direct" if ref in direct else "indirect",
                "scope": "runtime",
                "dependencies": [urls[one] for one in needed.get(ref, []) if one in urls],
            },
        )


def _made(space: Workspace, packages: Sequence[Package]) -> Iterator[tuple[Package, Bom]]:
    """Yield the bill of materials of each package."""
    if not packages:
        raise UsageError("PKG: there is no service here; name the packages")
    for package in packages:
        say(f"sbom: {package.path}")
        bom = _python(space, package) if package.is_python else _javascript(space, package)
        yield package, without_local(bom, space)


def _python(space: Workspace, package: Package) -> Bom:
    """Return what cyclonedx-py says of a new environment with a package and nothing else."""
    tool = program.install(space, GROUP, "cyclonedx-bom")
    with tempfile.TemporaryDirectory(prefix="sbom-") as folder:
        environment = Environment(space, f"{folder}/environment", {package.path: ()})
        environment.install()
        words = ["environment", "--short-PURLs", "--output-reproducible", f"--sv={_VERSION}"]
        words += ["--pyproject", f"{package.path}/pyproject.toml", str(environment.python)]
        return _run([tool.python, "-I", "-m", "cyclonedx_py", *words], space.root)


def _javascript(space: Workspace, package: Package) -> Bom:
    """Return what pnpm says of a package in its lock."""
    pnpm.ready(space.root)
    words = ["sbom", "--sbom-format=cyclonedx", f"--sbom-spec-version={_VERSION}", "--prod"]
    words += ["--lockfile-only", f"--filter=./{package.path}", "--sbom-type=application"]
    env = pnpm.environment(space.root, "pnpm", space.root)
    return _run([space.root / ".venv/bin/pnpm", *words], space.root, env)


def _run(command: Sequence[object], root: Path, env: Mapping[str, str] | None = None) -> Bom:
    """Return the bill of materials that a program prints.

    Raises:
        TaskError: it failed; the message has its output.
    """
    words = [str(word) for word in command]
    show(words, root)
    done = subprocess.run(words, cwd=root, env=env, capture_output=True, text=True, check=False)
    try:
        bom = json.loads(done.stdout)
    except ValueError:
        bom = None
    if done.returncode or not isinstance(bom, dict):
        raise TaskError(f"sbom: {Path(words[0]).name}: failed\n{' '.join(words)}\n{done.stderr}")
    return bom


def without_local(bom: Bom, space: Workspace) -> Bom:
    """Return a bill of materials in which private packages are named, and no more.

    Those of this repository, and of private indexes, have no package URL and no path of this
    machine. Each is listed once, and the main one is not a component of itself.
    """
    main = bom["metadata"]["component"]
    private = indexes.private(space.root)
    places: dict[str, str] = {}
    components: dict[str, Any] = {}
    for component in [main, *bom.get("components", [])]:
        ref = component["bom-ref"]
        name = _name(component)
        is_python = component.get("purl", "").startswith("pkg:pypi/")
        if name in space.by_name or (is_python and indexes.owner(name, private)):
            component.pop("purl", None)
            component.pop("externalReferences", None)
            ref = f"{name}@{component.get('version', '')}"
        places[component["bom-ref"]] = component["bom-ref"] = ref
        components.setdefault(ref, component)
    needed: dict[str, set[str]] = {ref: set() for ref in components}
    for one in bom.get("dependencies", []):
        needed[places[one["ref"]]] |= {places[ref] for ref in one.get("dependsOn", [])}
    first = components.pop(main["bom-ref"])
    metadata = {key: value for key, value in bom["metadata"].items() if key not in _FLEETING}
    rest = {key: value for key, value in bom.items() if key not in _FLEETING}
    return {
        **rest,
        "metadata": {**metadata, "component": first},
        "components": [components[ref] for ref in sorted(components)],
        "dependencies": [
            {"ref": ref, "dependsOn": sorted(needed[ref] - {ref})} for ref in sorted(needed)
        ],
    }


def _name(component: Mapping[str, Any]) -> str:
    """Return the normalized name of a component; that of npm has its scope apart."""
    group = component.get("group")
    return fold(f"{group}/{component['name']}" if group else component["name"])
