"""pins, heavy, legacy, python: what manifests, locks and configurations say of dependencies."""

import json
import random
import re
from collections.abc import Iterator
from typing import Any

from benchmarks.plants.planting import Plant, Tree, combined, merged
from benchmarks.plants.python_code import SPELLED, notebook

CORE = "shared/py/core"
API = "services/py/api"
PINS = "constraints.txt"
ANYWHERE = "every declared requirement anywhere is pinned or constrained"


def plants(tree: Tree, rng: random.Random, share: float) -> Iterator[Plant]:
    """Yield the plants about dependencies in manifests and locks."""

    def some(count: int) -> int:
        return max(2, round(count * share))

    yield from _tables(tree, rng, some(30))
    yield from _commands(tree, rng, some(20))
    yield from _closed(tree)
    yield from _direct(tree, rng)
    yield from _second(tree)
    yield from _heavy(tree, rng, some(24))
    yield from _legacy(tree, rng, some(14))
    yield from _python(tree, rng)


def _tables(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    """Yield requirements in tables that no pin is there for."""
    manifest = f"{CORE}/pyproject.toml"
    text = tree.text(manifest)
    user = {f"{CORE}/src/acme_core/user.py": '"""Use it."""\n\nimport flask\n'}
    tables: dict[str, Any] = {
        "dependencies": None,
        "extra:web": None,
        "group:test": None,
        "group:docs": None,
        "build": None,
        "uv: dev": '[tool.uv]\ndev-dependencies = ["{r}"]\n',
        "hatch": '[tool.hatch.envs.docs]\ndependencies = ["{r}"]\n',
        "hatch: extra": '[tool.hatch.envs.docs]\nextra-dependencies = ["{r}"]\n',
        "poetry": '[tool.poetry.dependencies]\n{n} = "^3"\n',
        "poetry group": '[tool.poetry.group.docs.dependencies]\n{n} = {{ version = "^3" }}\n',
        "pdm": '[tool.pdm.dev-dependencies]\ndocs = ["{r}"]\n',
        "an included group": None,
    }
    for (where, table), (how, form) in combined(rng, count, tables, SPELLED):
        name = "flask"
        wanted = form.format(n=name, N="Flask", r=">=3")
        if table:
            edits: dict[str, Any] = {manifest: f"{text}\n{table.format(r=wanted, n=name)}"}
        elif where == "an included group":
            grown = tree.require(CORE, wanted, where="group:docs")[manifest]
            edits = {
                manifest: grown.replace("test = [", 'test = [\n    { include-group = "docs" },', 1)
            }
        else:
            edits = tree.require(CORE, wanted, where=where)
        yield Plant(
            "pins", f"not pinned: {how}, in {where}", merged(edits, user), (manifest,), ANYWHERE
        )
    root = tree.text("pyproject.toml")
    for name, line in {"dev": "dev = [", "a new group": "[dependency-groups]"}.items():
        wanted = f'{line}\n    "flask>=3",' if "= [" in line else f'{line}\nmore = ["flask>=3"]'
        edits = {"pyproject.toml": root.replace(line, wanted, 1)}
        yield Plant("pins", f"not pinned: the root's {name}", edits, ("pyproject.toml",), ANYWHERE)


def _commands(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    """Yield commands and hooks that install what no pin is there for."""
    carriers: dict[str, tuple[str, str]] = {
        "Dockerfile": (f"{API}/Dockerfile", "FROM python:3.11-slim\nRUN {c}\n"),
        "Dockerfile, exec form": (
            f"{API}/Dockerfile",
            "FROM python:3.11-slim\nRUN [{x}]\n",
        ),
        "a named Dockerfile": (
            f"{API}/api.Dockerfile",
            "FROM python:3.11-slim\nRUN set -eu; {c}\n",
        ),
        "a workflow": (
            ".github/workflows/more.yml",
            "name: More\non: push\npermissions: {{}}\njobs:\n  a:\n    runs-on: ubuntu-latest\n"
            "    timeout-minutes: 5\n    steps:\n      - run: |\n          set -eu\n          {c}\n",
        ),
        "a script": (f"{CORE}/scripts/more.sh", "#!/bin/sh\nset -eu\n{c}\n"),
        "a Makefile": (f"{CORE}/extra.mk", "more:\n\t{c}\n"),
        "a notebook": (f"{CORE}/notebooks/look.ipynb", "%{c}\n"),
        "a notebook's shell": (f"{CORE}/notebooks/look.ipynb", "!{c}\n"),
        "a notebook's bash cell": (f"{CORE}/notebooks/look.ipynb", "%%bash\n{c}\n"),
    }
    installs = {
        "pip": "pip install flask",
        "pip, two": "pip install --no-cache-dir 'flask>=3' gunicorn",
        "python -m pip": "python -m pip install -q flask",
        "uv pip": "uv pip install flask",
    }
    for (where, (path, frame)), (how, command) in combined(rng, count, carriers, installs):
        if "notebook" in where and "bash" not in where and not command.startswith(("pip", "uv")):
            continue
        exec_form = ", ".join(json.dumps(word.strip("'")) for word in command.split())
        filled = frame.format(c=command, x=exec_form)
        content = notebook(filled) if path.endswith("ipynb") else filled
        yield Plant("pins", f"not pinned: {how}, {where}", {path: content}, (path,), ANYWHERE)
        right = {
            "constrained": command.replace("install", "install -c constraints.txt")
            .replace("flask", "requests")
            .replace("'requests>=3' gunicorn", "requests"),
            "exact": "pip install flask==3.1.0",
        }
        for told, good in right.items():
            exec_form = ", ".join(json.dumps(word.strip("'")) for word in good.split())
            filled = frame.format(c=good, x=exec_form)
            content = notebook(filled) if path.endswith("ipynb") else filled
            if "Makefile" not in where and rng.random() < 0.4:
                yield Plant("pins", f"{told}: {how}, {where}", {path: content}, twin=True)
    hooks = tree.text(".pre-commit-config.yaml")
    hook = "  - repo: https://github.com/x/y\n    rev: v1.0.0\n    hooks:\n      - id: y\n        additional_dependencies: {d}\n"
    for name, listed in {
        "inline": '["flask>=3"]',
        "a list": "\n          - flask",
        "two": "[ruff==0.17.5, flask]",
    }.items():
        edits = {".pre-commit-config.yaml": hooks + hook.format(d=listed)}
        yield Plant(
            "pins", f"not pinned: a hook's, {name}", edits, (".pre-commit-config.yaml",), ANYWHERE
        )


def _closed(tree: Tree) -> Iterator[Plant]:
    """Yield pins that are gone, moved, doubled or no pins."""
    closed = "a deleted or moved transitive pin is found offline, from the metadata"
    pins = tree.text(PINS)
    for name in (
        "starlette",
        "anyio",
        "h11",
        "idna",
        "pydantic-core",
        "mako",
        "typing-extensions",
        "iniconfig",
    ):
        line = next(line for line in pins.splitlines(keepends=True) if line.startswith(f"{name}=="))
        yield Plant(
            "pins",
            f"deleted: {name}",
            {PINS: pins.replace(line, "")},
            (PINS, "shared", "services", "tools"),
            closed,
        )
    for name in ("starlette", "pydantic-core", "pluggy", "sqlalchemy", "fastapi"):
        line = next(line for line in pins.splitlines(keepends=True) if line.startswith(f"{name}=="))
        moved = re.sub(r"==[^ \n]+", "==0.10.0", line)
        yield Plant(
            "pins",
            f"moved: {name}",
            {PINS: pins.replace(line, moved)},
            (PINS, "shared", "services", "tools"),
            closed,
        )
    exact = "pinned exactly once, within all declared ranges, and nothing else is"
    line = next(line for line in pins.splitlines(keepends=True) if line.startswith("fastapi=="))
    changed = {
        "twice": pins + line,
        "twice, another spelling": pins + "FastAPI==0.165.0\n",
        "a range": pins.replace(line, "fastapi>=0.165\n"),
        "extras": pins.replace(line, line.replace("fastapi", "fastapi[all]")),
        "an index": f"--extra-index-url https://example.com/simple\n{pins}",
        "an include": f"-r other.txt\n{pins}",
        "an editable": f"-e ./shared/py/core\n{pins}",
        "a URL": pins.replace(line, "fastapi @ https://example.com/fastapi.whl\n"),
        "nobody needs it": f"{pins}zope-interface==7.0\n",
        "a wildcard": pins.replace(line, "fastapi==0.165.*\n"),
        "an internal one": f"{pins}acme-core==0.1.0\n",
    }
    for kind, after in changed.items():
        owner = "confusion" if "internal" in kind else "pins"
        yield Plant(
            owner, f"pins: {kind}", {PINS: after}, (PINS,), exact if owner == "pins" else ""
        )


def _direct(tree: Tree, rng: random.Random) -> Iterator[Plant]:
    """Yield requirements from a URL, from git or from no lock."""
    direct = "no URL or git source without an exception"
    manifest = f"{CORE}/pyproject.toml"
    urls = {
        "a wheel": "httpx2 @ https://example.com/httpx2-2.16.2-py3-none-any.whl",
        "git": "httpx2 @ git+https://github.com/x/httpx2@main",
        "git by ssh": "httpx2 @ git+ssh://git@github.com/x/httpx2.git",
        "a file": "httpx2 @ file:///opt/httpx2.whl",
    }
    use = {f"{CORE}/src/acme_core/user.py": '"""Use it."""\n\nimport httpx2\n'}
    for (how, wanted), (where, _) in combined(
        rng, 8, urls, ("dependencies", "extra:web", "group:test", "build")
    ):
        edits = merged(tree.require(CORE, wanted, where=where), use)
        yield Plant("pins", f"{how} in {where}", edits, (manifest,), direct, also=("includes",))
    for source in (
        '{ git = "https://github.com/x/httpx2" }',
        '{ url = "https://example.com/x.whl" }',
    ):
        for place in (CORE, "."):
            file = f"{place}/pyproject.toml".removeprefix("./")
            before = tree.require(CORE, "httpx2>=2.10")
            grown = f"{before.get(file, tree.text(file))}\n[tool.uv.sources]\nhttpx2 = {source}\n"
            edits = {**before, **use, file: grown}
            yield Plant("pins", f"uv source {source[2:5]} in {place}", edits, (file,), direct)
    node = "shared/js/core/package.json"
    bounds = {
        "GitHub": "github:lodash/lodash",
        "short": "lodash/lodash#main",
        "git": "git+https://github.com/lodash/lodash.git",
        "ssh": "git+ssh://git@github.com/lodash/lodash.git",
        "a tarball": "https://example.com/lodash.tgz",
        "a range": "^4.17.0",
        "latest": "latest",
        "a catalog without it": "catalog:",
    }
    js_user = {"shared/js/core/src/user.ts": 'import "lodash";\n'}
    for (how, bound), (table, _) in combined(rng, 12, bounds, ("dependencies", "devDependencies")):
        edits = merged(tree.node("shared/js/core", **{table: {"lodash": bound}}), js_user)
        paths = (node, "pnpm-lock.yaml", "pnpm-workspace.yaml")
        yield Plant(
            "pins",
            f"js: {how} in {table}",
            edits,
            paths,
            direct if how in list(bounds)[:5] else ANYWHERE,
        )


def _second(tree: Tree) -> Iterator[Plant]:
    """Yield a second lock, or a list of requirements."""
    second = "no second lock or requirements file"
    locks = {
        "uv.lock": "version = 1\nrequires-python = '>=3.11'\n",
        "poetry.lock": "[metadata]\nlock-version = '2.0'\n",
        "pdm.lock": "[metadata]\n",
        "Pipfile.lock": "{}\n",
        "Pipfile": "[packages]\nflask = '*'\n",
        "constraints.txt": "flask==3.0.0\n",
        "requirements.txt": "flask==3.0.0\n",
        "requirements-dev.txt": "flask\n",
        "dev-requirements.txt": "flask>=3\n",
        "requirements/base.txt": "flask>=3\n",
        "requirements.in": "flask\n",
        "pylock.toml": "lock-version = '1.0'\n",
    }
    for name, content in locks.items():
        for place in (API, CORE):
            path = f"{place}/{name}"
            yield Plant("pins", f"second: {path}", {path: content}, (path,), second)
    for name in (
        "package-lock.json",
        "yarn.lock",
        "pnpm-lock.yaml",
        "npm-shrinkwrap.json",
        "bun.lock",
    ):
        content = "lockfileVersion: '9.0'\n" if name.endswith("yaml") else "{}\n"
        for place in ("services/js/web", "."):
            path = f"{place}/{name}".removeprefix("./")
            if not tree.has(path):
                yield Plant("pins", f"second: {path}", {path: content}, (path,), second)
    yield Plant("pins", "a fixture", {f"{CORE}/tests/data/list.txt": "flask>=3\n"}, twin=True)


def _heavy(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    claim = "heavy dependencies are in extras or peerDependencies, and never required by default"
    names = {
        "torch": "torch",
        "tensorflow": "tensorflow",
        "jax": "jax",
        "transformers": "transformers",
        "opencv": "opencv-python",
    }
    owners = {
        "shared": CORE,
        "another": "shared/py/audio",
        "a service": API,
        "an app": "apps/py/report",
    }
    for (_, name), (how, form), (which, package) in combined(
        rng, count * 2 // 3, names, SPELLED, owners
    ):
        edits = tree.require(package, form.format(n=name, N=name.title(), r=">=2"))
        yield Plant("heavy", f"{name}, {how}, {which}", edits, (package,), claim)
    own = tree.text("pyproject.toml").replace(
        "[tool.monorepo]\n", '[tool.monorepo]\nheavy = ["sqlalchemy"]\n', 1
    )
    for how, form in SPELLED.items():
        edits = {
            **tree.require(CORE, form.format(n="sqlalchemy", N="SQLAlchemy", r=">=2.1")),
            "pyproject.toml": own,
        }
        yield Plant("heavy", f"a setting of the team, {how}", edits, (CORE,), claim)
    extra = tree.require("shared/py/audio", "torch>=2", where="extra:gpu")
    for how in ("acme-audio[gpu]", "acme-audio[ gpu ]", "Acme_Audio[gpu]"):
        through = merged(extra, tree.require(CORE, how))
        told = (
            "the base of a shared package does not request an extra with a heavy dependency either"
        )
        yield Plant("heavy", f"through an extra: {how}", through, (CORE,), told)
    for name in ("@tensorflow/tfjs", "puppeteer", "onnxruntime-node"):
        edits = tree.node("shared/js/core", dependencies={name: "^1"})
        yield Plant("heavy", f"js: {name}", edits, ("shared/js/core",), "")
    setting = {"pyproject.toml": own.replace('"sqlalchemy"', '"sqlalchemy", "fastify"')}
    for table, wrong in {"dependencies": True, "peerDependencies": False}.items():
        edits = {**setting, **tree.node("shared/js/core", **{table: {"fastify": "catalog:"}})}
        if wrong:
            edits["shared/js/core/src/user.ts"] = 'import "fastify";\n'
            yield Plant(
                "heavy",
                f"js: a setting of the team, {table}",
                edits,
                ("shared/js/core", "shared/py/notes"),
                claim,
            )


def _legacy(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    claim = "an extra for a migration is used only by those that use it already"
    audio = "shared/py/audio"
    marked = tree.require(audio, "httpx2>=2.10", where="extra:legacy-cpu")
    path = f"{audio}/pyproject.toml"
    told = marked[path].replace(
        "[tool.monorepo.template]",
        '[tool.monorepo]\nlegacy = ["legacy-cpu"]\n\n[tool.monorepo.template]',
        1,
    )
    spelled = {
        "plain": "acme-audio[legacy-cpu]",
        "two": "acme-audio[io,legacy-cpu]",
        "underscore": "acme-audio[legacy_cpu]",
        "capitals": "Acme_Audio[Legacy-CPU]",
        "spaces": "acme-audio [ legacy-cpu ]",
        "a marker": "acme-audio[legacy-cpu] ; python_version >= '3.11'",
    }
    wheres = ("dependencies", "extra:all", "group:test", "group:docs")
    for (how, wanted), (where, _), (which, package) in combined(
        rng, count, spelled, wheres, {"core": CORE, "api": API}
    ):
        base = told.replace("legacy-cpu = [", "io = []\nlegacy-cpu = [", 1)
        edits = {path: base, **tree.require(package, wanted, where=where)}
        yield Plant(
            "legacy", f"{how} in {where} of {which}", edits, (f"{package}/pyproject.toml",), claim
        )
    own = told.replace("test = [", 'test = [\n    "acme-audio[legacy-cpu]",', 1)
    yield Plant("legacy", "its own group", {path: own}, (path,), claim)
    within = told.replace("legacy-cpu = [", 'all = ["acme-audio[legacy-cpu]"]\nlegacy-cpu = [', 1)
    yield Plant(
        "legacy",
        "its own extra",
        {path: within},
        (path,),
        "requests through an extra of the package itself",
    )


def _python(tree: Tree, rng: random.Random) -> Iterator[Plant]:
    claim = "the minimum Python version is the same everywhere"
    also = "also .python-version, Dockerfiles, workflow matrices, upper bounds"
    manifest = f"{CORE}/pyproject.toml"
    old = 'requires-python = ">=3.11"'
    core = (CORE, "pyproject.toml", "shared", "services", "apps")
    for bound, why in {
        ">=3.10": claim,
        ">=3.9": claim,
        ">= 3.10": claim,
        ">3.9": claim,
        "~=3.10": claim,
        ">=3.11,<3.14": also,
        ">=3.11,<4": "",
        ">=3.11, <=3.13": also,
        ">=3.11,!=3.12.*": "",
        "==3.11.*": also,
        "~=3.11.0": also,
        ">=3.15": "a package that the shared environment's Python cannot install",
        ">=3.12": "a package that the shared environment's Python cannot install",
        ">=3.99": "a package that the shared environment's Python cannot install",
    }.items():
        edits = tree.swap(manifest, old, f'requires-python = "{bound}"')
        yield Plant("python", f"requires-python {bound}", edits, core, why, also=("unreadable",))
    edits = tree.swap(manifest, f"{old}\n", "")
    yield Plant("python", "no requires-python", edits, core, claim)
    for service in (API, "apps/py/report"):
        edits = tree.swap(f"{service}/pyproject.toml", old, 'requires-python = ">=3.10"')
        yield Plant(
            "python", f"requires-python of {service}", edits, (service, "pyproject.toml"), claim
        )
    for before, after in (
        ('target-version = "py311"', 'target-version = "py310"'),
        ('target-version = "py311"', 'target-version = "py312"'),
        ('python_version = "3.11"', 'python_version = "3.12"'),
        ('python_version = "3.11"', 'python_version = "3.10"'),
    ):
        root = tree.text("pyproject.toml")
        if before.startswith("python_version"):
            head, bracket, tail = root.partition("[tool.mypy]")
            edits = {"pyproject.toml": f"{head}{bracket}{tail.replace(before, after, 1)}"}
        else:
            edits = tree.swap("pyproject.toml", before, after)
        yield Plant("python", after, edits, ("pyproject.toml",), claim)
    for version in ("3.10", "3.9.18", "3.15", "2.7", "pypy3.9"):
        why = also if version not in ("pypy3.9", "3.15") else ""
        yield Plant(
            "python",
            f".python-version {version}",
            {".python-version": f"{version}\n"},
            (".python-version",),
            why,
        )
        path = f"{API}/.python-version"
        yield Plant("python", f"{path} {version}", {path: f"{version}\n"}, (path,), why)
    froms = (
        "python:3.10",
        "python:3.9-slim",
        "python:3.10.14-alpine AS build",
        "--platform=linux/amd64 python:3.10",
        "docker.io/library/python:3.10-slim-bookworm",
        "python:2.7",
    )
    for image in froms:
        for name in ("Dockerfile", "api.Dockerfile", "Dockerfile.dev"):
            path = f"{API}/{name}"
            yield Plant(
                "python",
                f"{name}: FROM {image}",
                {path: f"FROM {image}\nCOPY . .\n"},
                (path,),
                also,
            )
    path = f"{API}/Dockerfile"
    text = "ARG VERSION=3.10\nFROM python:${VERSION}-slim\n"
    yield Plant("python", "FROM with ARG", {path: text}, (path,), also)
    for image in ("python:3.11", "python:3.11-slim", "python:3.13-slim AS build", "debian:12"):
        yield Plant("python", f"FROM {image}", {path: f"FROM {image}\n"}, twin=True)
    workflow = "name: More\non: push\npermissions: {{}}\njobs:\n  a:\n    runs-on: ubuntu-latest\n    timeout-minutes: 5\n{s}    steps:\n      - uses: actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97 # v7.0.0\n        with:\n          python-version: {v}\n"
    file = ".github/workflows/more.yml"
    matrix = "    strategy:\n      matrix:\n        python-version: {m}\n"
    reads = "${{ matrix.python-version }}"
    for kind, strategy, version in (
        ("setup-python", "", '"3.10"'),
        ("setup-python, single quotes", "", "'3.9'"),
        ("setup-python, a number", "", "3.9"),
        ("setup-python, several", "", "|\n            3.10\n            3.11"),
        ("a matrix, inline", matrix.format(m='["3.10", "3.11"]'), reads),
        ("a matrix, listed", matrix.format(m='\n          - "3.10"\n          - "3.12"'), reads),
        (
            "a matrix, another name",
            matrix.format(m='["3.10"]').replace("python-version", "python"),
            "${{ matrix.python }}",
        ),
        (
            "a matrix, include",
            '    strategy:\n      matrix:\n        include:\n          - python-version: "3.10"\n',
            reads,
        ),
    ):
        edits = {file: workflow.format(s=strategy, v=version)}
        yield Plant("python", f"workflow: {kind}", edits, (file,), also)
    right = workflow.format(s=matrix.format(m='["3.11", "3.12", "3.14"]'), v=reads)
    yield Plant("python", "workflow, right: a matrix", {file: right}, twin=True)
    yield Plant(
        "python", "workflow, right: its file", {file: workflow.format(s="", v="3.11")}, twin=True
    )
