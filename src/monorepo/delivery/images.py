"""Write what makes images of services: a Dockerfile for each, and compose.yaml for all of them.

An image installs from the bundle alone (see bundle.py). What is written is the team's: it is never
overwritten.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from monorepo.core.workspace import Package, Workspace
from monorepo.delivery.bundle import BUNDLE, LAYERS
from monorepo.programs import compose
from monorepo.programs.compose import COMPOSE
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.system.transaction import Transaction, begin

# An image with its digest (the image specification of OCI, "Descriptors").
_BASE = re.compile(r"[a-z0-9][A-Za-z0-9./:_-]*@sha256:[0-9a-f]{64}")
_FROM = re.compile(rf"^FROM (?P<base>{_BASE.pattern})$", re.MULTILINE)
_EXAMPLE = {"py": "python:3.{minor}-slim", "js": "node:24-slim"}

_DOCKERFILE = """\
# The image of {path}, from its bundle alone: no index is asked. From the root of the repository:
#   make bundle PKG={path} && docker build --tag {tag} {path}
FROM {base}

WORKDIR /app
# A layer each for what changes seldom, sometimes and often.
{layers}
ENV {variables}
EXPOSE {port}
USER 10001:10001
HEALTHCHECK --start-period=10s --timeout=5s CMD {health}
CMD {command}
"""
_PYTHON_ENVIRONMENT = "RUN python -m venv --without-pip .venv\n"
_PYTHON_LAYER = """\
RUN --mount=type=bind,source={bundle}/{layer},target=/bundle \\
    pip --python .venv install --no-cache-dir --no-index --no-deps --require-hashes \\
    --find-links /bundle --requirement /bundle/requirements.txt
"""
_PYTHON_CHECK = "RUN pip --python .venv check\n"
_NODE_LAYER = "COPY {bundle}/{layer} ./\n"
# Seconds for a load balancer to see that a service is not ready, before it stops listening.
_DELAY = 5
# Neither image has curl.
_PYTHON_HEALTH = (
    "import os, urllib.request as r; r.build_opener(r.ProxyHandler({})).open("
    "'http://127.0.0.1:' + os.environ['PORT'] + '/health', timeout=4)"
)
_NODE_HEALTH = (
    "fetch('http://127.0.0.1:' + process.env.PORT + '/health')"
    ".then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"
)
_IGNORED = f"""\
# The image is made from the bundle alone.
*
!{BUNDLE}
"""


def write(
    space: Workspace, packages: Sequence[Package], base: str, *, dry_run: bool = False
) -> list[str]:
    """Write the Dockerfiles of services, and add them to compose.yaml.

    Args:
        space: the repository.
        packages: the services.
        base: the base image, with its digest; empty for those of the Dockerfiles that exist.
        dry_run: whether to only show the changes, also of files that are never overwritten.

    Returns:
        A line for each file; or the changes.

    Raises:
        UsageError: a package is no service or has no port, an image has no digest, or a file exists
            that is another one.
    """
    mistakes = [*_unfit(packages, base)]
    bases = {package.path: base or _base(package) for package in packages}
    minor = str(space.facts["python"]).partition(".")[2]
    for package in packages:
        if not _BASE.fullmatch(bases[package.path]):
            mistakes.append(_without_digest(package, base, minor))
    if mistakes:
        raise UsageError(*dict.fromkeys(mistakes))
    texts = {}
    for package in packages:
        texts[f"{package.path}/Dockerfile"] = dockerfile(package, bases[package.path])
        texts[f"{package.path}/.dockerignore"] = _IGNORED
    with begin(space.root, dry_run=dry_run) as change:
        changed = [*_write(change, texts, dry_run=dry_run)]
        composed = packages
        if not (space.root / COMPOSE).exists():
            every = [*space.packages.values()]
            composed = [package for package in every if package in packages or _is_imaged(package)]
        text = compose.add(change.read(COMPOSE), composed)
        changed += [COMPOSE] if change.write(COMPOSE, text) else []
        if dry_run:
            return change.describe()
        change.commit()
    return [f"wrote {path}" for path in changed] or ["every file is as it would be written"]


def _unfit(packages: Iterable[Package], base: str) -> Iterator[str]:
    """Yield why packages cannot have an image, or not the same base: one line each."""
    languages = set()
    for package in packages:
        languages.add(package.language)
        manifest = package.manifest_path
        if not package.is_service:
            yield f"{package.path}: is not a service; `make list` shows the packages"
        elif not isinstance(package.settings.get("port"), int):
            yield f"{manifest}: has no port; write one, as a new service has it"
        elif package.is_python and not [*package.folder.glob("src/*/main.py")]:
            yield f"{package.path}: has no src/*/main.py to start it; add one"
    if not languages:
        yield "PKG: there is no service here; add one with make new"
    if base and len(languages) > 1:
        yield "BASE: is for one language; name its services with PKG"


def _without_digest(package: Package, base: str, minor: str) -> str:
    """Return what is wrong with the base image of a package."""
    image = base.partition("@")[0] or _EXAMPLE[package.language].format(minor=minor)
    what = f"{base}: has no digest" if base else "is not given"
    ask = f"docker buildx imagetools inspect {image}"
    return f"BASE: {what}; write BASE={image}@sha256:… with the Digest that `{ask}` prints"


def _is_imaged(package: Package) -> bool:
    return package.is_service and (package.folder / "Dockerfile").exists()


def _base(package: Package) -> str:
    """Return the base image of the Dockerfile that a service has; empty if there is none."""
    found = _FROM.search(text_files.peek(package.root, f"{package.path}/Dockerfile"))
    return found["base"] if found else ""


def dockerfile(package: Package, base: str) -> str:
    """Return the Dockerfile of a service.

    Args:
        package: the service.
        base: the base image, with its digest.
    """
    port = package.settings["port"]
    each = _PYTHON_LAYER if package.is_python else _NODE_LAYER
    layers = "".join(each.format(bundle=BUNDLE, layer=layer) for layer in LAYERS)
    if package.is_python:
        (main,) = [*package.folder.glob("src/*/main.py")][:1]
        layers = f"{_PYTHON_ENVIRONMENT}{layers}{_PYTHON_CHECK}"
        variables = "PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1"
        health = ["python", "-c", _PYTHON_HEALTH]
        command = ["python", "-m", f"{main.parent.name}.main"]
    else:
        variables = "NODE_ENV=production"
        health = ["node", "--eval", _NODE_HEALTH]
        command = ["node", "dist/main.js"]
    return _DOCKERFILE.format(
        path=package.path,
        tag=package.name.removeprefix("@").replace("/", "-"),
        base=base,
        layers=layers,
        variables=f"{variables} HOST=0.0.0.0 PORT={port} SHUTDOWN_DELAY={_DELAY}",
        port=port,
        health=json.dumps(health),
        command=json.dumps(command),
    )


def _write(change: Transaction, texts: Mapping[str, str], *, dry_run: bool) -> Iterator[str]:
    """Stage files; yield the paths of those that change.

    Raises:
        UsageError: a file exists that is another one, unless changes are only shown.
    """
    mistakes = []
    for path, text in texts.items():
        before = change.read(path)
        if before and before != text and not dry_run:
            advice = "DRY_RUN=1 shows the difference; remove it to have it written anew"
            mistakes.append(f"{path}: exists, and is yours; {advice}")
        elif change.write(path, text):
            yield path
    if mistakes:
        raise UsageError(*mistakes)
