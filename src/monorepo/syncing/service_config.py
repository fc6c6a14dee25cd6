"""What a service.edn becomes: service.json, which the service reads, and its dependencies."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from monorepo.core.naming import fold
from monorepo.core.workspace import Package, Workspace, requirement
from monorepo.edn import cron, package_manifest
from monorepo.edn.package_manifest import Internal
from monorepo.edn.service_manifest import Job, ServiceManifest, Variable
from monorepo.syncing.asked import Asked, Kind
from monorepo.syncing.making import RUNTIME

FILE = "service.json"
SCHEMA = 1
_DEFAULT_PORT = 8000
_OTEL = (
    *("api", "context-async-hooks", "core", "exporter-metrics-otlp-http"),
    *("exporter-trace-otlp-http", "resources", "sdk-metrics", "sdk-trace"),
)


def path(package: Package, manifest: ServiceManifest) -> str:
    """Return the path of a service's service.json.

    In Python it is in the package that is imported, so that each wheel has it.
    """
    if package.is_javascript:
        return f"{package.path}/{FILE}"
    folder = manifest.runtime.entry.rpartition(".")[0].replace(".", "/")
    return f"{package.path}/src/{folder}/{FILE}"


def text(package: Package, manifest: ServiceManifest) -> str:
    """Return the text of service.json.

    Args:
        package: the service, which has its name and its port in pyproject.toml or package.json.
        manifest: its service.edn.
    """
    document = {
        "schema": SCHEMA,
        "name": package.name,
        "port": package.settings.get("port", _DEFAULT_PORT),
        "workers": manifest.runtime.workers,
        "lifespan": manifest.lifespan,
        "checks": manifest.checks,
        "routes": [
            {"method": one.method.upper(), "path": one.path, "handler": one.handler}
            for one in manifest.endpoints
        ],
        "jobs": [*map(_job, manifest.jobs)],
        "resources": manifest.resources.model_dump(),
        "telemetry": manifest.telemetry.model_dump(),
        "settings": {name: _setting(variable) for name, variable in manifest.env.items()},
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _job(job: Job) -> dict[str, Any]:
    at = cron.read(job.cron) if job.cron else None
    return {"name": job.name, "handler": job.handler, "cron": job.cron, "at": at}


def _setting(variable: Variable) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": variable.type,
        "required": variable.is_required,
        "secret": variable.secret,
        "description": variable.doc,
    }
    if variable.default is not None:
        found["default"] = variable.default
    if variable.choices:
        found["choices"] = variable.choices
    return found


def dependencies(
    space: Workspace, package: Package, manifest: ServiceManifest
) -> list[str] | dict[str, str]:
    """Return what a service depends on: the runtime, with what its configuration needs, as well.

    Returns:
        Requirements in Python, the range of each package in JavaScript.
    """
    namespace = str(space.facts["namespace"])
    if package.is_javascript:
        return _node(f"@{namespace}", manifest)
    extras = {"fastapi"}
    extras |= {"websocket"} if _has_websocket(manifest) else set()
    extras |= {"otel"} if manifest.telemetry.otel else set()
    texts = [*map(package_manifest.requirement, manifest.deps.python)]
    return _with_extras(texts, f"{namespace}-{RUNTIME}", extras)


def _has_websocket(manifest: ServiceManifest) -> bool:
    return any(endpoint.method == "websocket" for endpoint in manifest.endpoints)


def _with_extras(texts: Sequence[str], name: str, extras: set[str]) -> list[str]:
    """Return requirements, one of which is of a name with all extras."""
    found = []
    for one in texts:
        read = requirement(one)
        if read.name == fold(name) and extras:
            rest = re.sub(r"^\s*[\w.-]+\s*(\[[^\]]*\])?", "", one)
            one = f"{name}[{','.join(sorted({*read.extras, *extras}))}]{rest}"
            extras = set()
        found.append(one)
    return [*found, f"{name}[{','.join(sorted(extras))}]"] if extras else found


def _node(scope: str, manifest: ServiceManifest) -> dict[str, str]:
    found = {f"{scope}/{RUNTIME}": "workspace:*", "fastify": "catalog:"}
    if _has_websocket(manifest):
        found["@fastify/websocket"] = "catalog:"
    if manifest.telemetry.otel:
        found |= {f"@opentelemetry/{name}": "catalog:" for name in _OTEL}
    for ranges in manifest.deps.ranges:
        found |= ranges
    return dict(sorted(found.items()))


def asked(manifest: ServiceManifest, needed: list[str] | dict[str, str]) -> Iterator[Asked]:
    """Yield what a service.edn asks of the repository, given its `dependencies`."""
    for at, one in enumerate(manifest.deps.python):
        if isinstance(one, Internal):
            yield Asked(Kind.INTERNAL, one.pkg, place=("deps", "python", at, "pkg"))
    places = {
        name: ("deps", "node", at)
        for at, ranges in enumerate(manifest.deps.ranges)
        for name in ranges
    }
    for name, version in needed.items() if isinstance(needed, dict) else ():
        kind = {"catalog:": Kind.LISTED, "workspace:*": Kind.INTERNAL}.get(version)
        if kind:
            yield Asked(kind, name, place=places.get(name, ("deps",)))
