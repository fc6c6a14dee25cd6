"""confusion and sources: who asks an index for a name, by which command, in which file."""

import json
import random
from collections.abc import Iterator
from typing import NamedTuple

from benchmarks.plants.planting import Plant, Tree, combined
from benchmarks.plants.python_code import notebook

ANY = "any way to ask an index for an internal name: every installer and runner, in every file that can carry a command"
SETTINGS = "settings that redirect a scope or add an index"
API = "services/py/api"
CORE = "shared/py/core"


class Command(NamedTuple):
    """A command that asks an index; {p} is the name, in the language of the installer."""

    text: str
    claim: str = ANY


PYTHON = {
    "pip install": Command("pip install {p}"),
    "pip3 install": Command("pip3 install {p}"),
    "pip with options": Command("pip install --no-cache-dir -U {p}"),
    "pip, an option's value": Command("pip install --target /opt/lib {p}"),
    "pip, options behind": Command("pip install {p} --no-deps -q"),
    "pip, options before": Command("pip --no-input --cache-dir /tmp/x install {p}"),
    "pip, constrained": Command("pip install -c constraints.txt {p}"),
    "pip, with others": Command("pip install requests==2.34.2 {p}"),
    "pip download": Command("pip download {p}"),
    "pip wheel": Command("pip wheel -w wheels {p}"),
    "python -m pip": Command("python -m pip install {p}"),
    "python with options": Command("python3.11 -I -m pip install {p}"),
    "a path to pip": Command(".venv/bin/pip install {p}"),
    "uv pip install": Command("uv pip install {p}"),
    "uv pip, options": Command("uv --quiet pip install --system {p}"),
    "uv add": Command("uv add {p}"),
    "uv add, options": Command("uv add --dev --package x {p}"),
    "uv run --with": Command("uv run --with {p} python -c 'print(1)'"),
    "uv run --with=": Command("uv run --with={p} app"),
    "uv run, two": Command("uv run --with requests==2.34.2,{p} app"),
    "uv tool install": Command("uv tool install {p}"),
    "uv tool run": Command("uv tool run {p}"),
    "uvx": Command("uvx {p}"),
    "uvx --from": Command("uvx --from {p} run-it"),
    "uvx --with": Command("uvx --with {p} ruff check"),
    "pipx install": Command("pipx install {p}"),
    "pipx run": Command("pipx run {p} --help"),
    "pipx run --spec": Command("pipx run --spec {p} run-it"),
    "pipx inject": Command("pipx inject tox {p}"),
    "poetry add": Command("poetry add {p}"),
    "poetry add --group": Command("poetry add --group dev {p}"),
    "pdm add": Command("pdm add -d {p}"),
    "hatch run": Command("hatch run pip install {p}"),
    "conda": Command("conda install {p}", ""),
    "easy_install": Command("easy_install {p}", ""),
}
NODE = {
    "npm install": Command("npm install {p}"),
    "npm i": Command("npm i -D {p}"),
    "npm add": Command("npm add {p}"),
    "npm, options before": Command("npm --prefix web install {p}"),
    "npm global": Command("npm install --global {p}"),
    "npm exec": Command("npm exec {p}"),
    "npm exec, options": Command("npm exec --yes --package={p} -- run-it"),
    "npx": Command("npx {p}"),
    "npx -y": Command("npx -y {p} --help"),
    "npx -p": Command("npx -p {p} run-it"),
    "pnpm add": Command("pnpm add {p}"),
    "pnpm add, options": Command("pnpm --filter web add -D {p}"),
    "pnpm install": Command("pnpm install {p}"),
    "pnpm dlx": Command("pnpm dlx {p}"),
    "pnpm --package dlx": Command("pnpm --package={p} dlx run-it"),
    "yarn add": Command("yarn add {p}"),
    "yarn dlx": Command("yarn dlx {p}"),
    "yarn global": Command("yarn global add {p}"),
    "bun add": Command("bun add {p}"),
    "bun install": Command("bun install {p}"),
    "bunx": Command("bunx {p}"),
    "bun x": Command("bun x {p}"),
}
NAMES = {
    "one of ours": "acme-core",
    "a stranger": "acme-ghost",
    "a stranger, underscores": "acme_ghost",
    "capitals": "Acme-Core",
    "an extra": "'acme-core[io]'",
    "a version": "acme-core==0.1.0",
    "a range": '"acme-core>=0.1"',
    "a range, escaped": "acme-core\\>=0.1",
    "an extra and a version": "'acme-notes[fastapi]>=0.1'",
}
NODE_NAMES = {
    "one of ours": "@acme/core",
    "a stranger": "@acme/ghost",
    "a version": "@acme/core@1.0.0",
    "a tag": "'@acme/core@latest'",
    "an alias": "core@npm:@acme/core@1",
    "quotes": '"@acme/ghost"',
}
# How a command is dressed up in a line of a shell.
DRESS = {
    "plain": "{c}",
    "behind another": "cd app && {c}",
    "behind a semicolon": "set -eu; {c}",
    "before another": "{c} && echo done",
    "or": "{c} || true",
    "a variable before it": "PIP_NO_INPUT=1 CI=true {c}",
    "env": "env CI=true {c}",
    "sudo": "sudo -H {c}",
    "over two lines": "{o}",
    "in a condition": "if true; then {c}; fi",
    "in a subshell": "(cd app; {c})",
    "in a substitution": "x=$({c})",
    "time": "time {c}",
    "exec": "exec {c}",
    "piped": "yes | {c}",
    "sh -c": "sh -c {q}",
}
STEP = (
    "name: More\non: push\npermissions: {{}}\njobs:\n  a:\n    runs-on: ubuntu-latest\n"
    "    timeout-minutes: 5\n    steps:\n"
)
# Where a line of a shell stands: the file and its text, with {c} for the line and {j} for it as JSON.
CARRIERS = {
    "Dockerfile": (f"{API}/Dockerfile", "FROM python:3.11-slim\nRUN {c}\nCMD []\n"),
    "Dockerfile with a mount": (
        f"{API}/Dockerfile",
        "FROM python:3.11-slim\nRUN --mount=type=cache,target=/root/.cache {c}\n",
    ),
    "another Dockerfile": (f"{API}/docker/web.Dockerfile", "FROM node:24\nRUN {c}\n"),
    "Containerfile": (f"{API}/Containerfile", "FROM node:24\nRUN {c}\n"),
    "Dockerfile, CMD": (f"{API}/Dockerfile", "FROM python:3.11-slim\nCMD {c}\n"),
    "Dockerfile, heredoc": (f"{API}/Dockerfile", "FROM node:24\nRUN <<EOF\n{c}\nEOF\n"),
    "compose": ("compose.yaml", "services:\n  a:\n    image: python\n    command: {j}\n"),
    "compose, a list": (
        "docker-compose.yml",
        'services:\n  a:\n    image: python\n    command: ["sh", "-c", {j}]\n',
    ),
    "compose, folded": ("compose.yml", "services:\n  a:\n    command: >\n      {c}\n"),
    "a Makefile": (f"{CORE}/more.mk", "more:\n\t{m}\n"),
    "a quiet recipe": (
        f"{API}/Makefile",
        "include ../../../tools/make/services-py.mk\n\nmore:\n\t@{m}\n",
    ),
    "a justfile": ("justfile", "set shell := ['bash', '-c']\n\nmore:\n    {c}\n"),
    "a Justfile, quiet": ("Justfile", "more:\n    @{c}\n"),
    "a workflow": (".github/workflows/more.yml", STEP + "      - run: |\n          {c}\n"),
    "a workflow, one line": (".github/workflows/more.yml", STEP + "      - run: {j}\n"),
    "an action": (
        ".github/actions/x/action.yml",
        "name: x\ndescription: x\nruns:\n  using: composite\n  steps:\n    - shell: bash\n      run: {j}\n",
    ),
    "GitLab": (".gitlab-ci.yml", "test:\n  script:\n    - {j}\n"),
    "GitLab, before": (".gitlab-ci.yml", "default:\n  before_script:\n    - {j}\n"),
    "Azure": ("azure-pipelines.yml", "steps:\n  - script: {j}\n"),
    "Azure, bash": ("azure-pipelines.yml", "steps:\n  - bash: |\n      {c}\n"),
    "CircleCI": (
        ".circleci/config.yml",
        "version: 2.1\njobs:\n  a:\n    steps:\n      - run: {j}\n",
    ),
    "CircleCI, command": (
        ".circleci/config.yml",
        "version: 2.1\njobs:\n  a:\n    steps:\n      - run:\n          command: {j}\n",
    ),
    "Bitbucket": (
        "bitbucket-pipelines.yml",
        "pipelines:\n  default:\n    - step:\n        script:\n          - {j}\n",
    ),
    "Jenkins": (
        "Jenkinsfile",
        "pipeline {{\n  stages {{\n    stage('x') {{ steps {{ sh {j} }} }}\n  }}\n}}\n",
    ),
    "a hook's entry": (
        ".pre-commit-config.yaml",
        "repos:\n  - repo: local\n    hooks:\n      - id: x\n        name: x\n        language: system\n        entry: {j}\n",
    ),
    "a git hook": (".githooks/pre-commit", "#!/bin/sh\n{c}\n"),
    "husky": (".husky/pre-push", "{c}\n"),
    "a script": (f"{CORE}/scripts/more.sh", "#!/bin/sh\nset -eu\n{c}\n"),
    "a script without a suffix": (f"{CORE}/scripts/prepare", "#!/usr/bin/env bash\nset -eu\n{c}\n"),
    "a function in a script": (f"{CORE}/scripts/more.bash", "f() {{\n  {c}\n}}\nf\n"),
    "a notebook": (f"{CORE}/notebooks/look.ipynb", "x = 1\n!{c}\n"),
    "a notebook's bash cell": (f"{CORE}/notebooks/look.ipynb", "%%bash\n{c}\n"),
    "a notebook's sh cell": (f"{CORE}/notebooks/look.ipynb", "%%sh\n{c}\n"),
    "a package's script": ("shared/js/core/package.json", "scripts"),
    "a dev container": (
        ".devcontainer/devcontainer.json",
        '{{"image": "x", "postCreateCommand": {j}}}\n',
    ),
    "a Procfile": (f"{API}/Procfile", "web: {c}\n"),
    "Taskfile": ("Taskfile.yml", "version: '3'\ntasks:\n  x:\n    cmds:\n      - {j}\n"),
    "tox": (f"{CORE}/tox.ini", "[testenv]\ncommands =\n    {c}\n"),
}
# What the issue names; other carriers are found or not.
UNSAID = {"a dev container", "a Procfile", "Taskfile", "tox", "Jenkins"}


def _carried(tree: Tree, carrier: tuple[str, str], line: str) -> dict[str, str]:
    path, frame = carrier
    if frame == "scripts":
        return tree.node("shared/js/core", scripts={"more": line})
    joined = line.replace("\\\n", "\\\n          ")
    text = frame.format(
        c=joined,
        j=json.dumps(line.replace("\\\n", "")),
        m=line.replace("\n", "\n\t").replace("$", "$$"),
    )
    return {path: notebook(text) if path.endswith("ipynb") else text}


def _dressed(how: str, command: str) -> str:
    words = command.split(" ")
    half = max(1, len(words) // 2)
    over = f"{' '.join(words[:half])} \\\n{' '.join(words[half:])}"
    quoted = json.dumps(command) if "'" in command else f"'{command}'"
    return DRESS[how].format(c=command, o=over, q=quoted)


def plants(tree: Tree, rng: random.Random, share: float) -> Iterator[Plant]:
    """Yield the plants about commands and indexes."""

    def some(count: int) -> int:
        return max(2, round(count * share))

    yield from _asked(tree, rng, some(120))
    yield from _alike(tree)
    yield from _declared(tree, rng, some(40))
    yield from _innocent(tree, rng, some(40))
    yield from _options(tree, rng, some(16))
    yield from _settings(tree, rng)


def _asked(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    for commands, names in ((PYTHON, NAMES), (NODE, NODE_NAMES)):
        made = 0
        for (how, command), (which, name), (dress, _), (where, carrier) in combined(
            rng, count * 2, commands, names, DRESS, CARRIERS
        ):
            if made >= count * len(commands) // (len(PYTHON) + len(NODE)):
                break
            line = _dressed(dress, command.text.format(p=name))
            simple = dress in ("plain", "a variable before it", "env")
            if (
                where
                in ("a Procfile", "tox", "a hook's entry", "Dockerfile, CMD", "compose, folded")
                and not simple
            ):
                continue
            if where == "compose" and not simple:
                continue
            # Some files have no second line, and no quotes of a shell.
            if "\n" in line and (where == "a notebook" or "compose" in where):
                continue
            if "alias" in which and command.text.split()[1:2] in (["exec"], ["dlx"], ["x"]):
                continue
            if command.text.startswith(("npx", "bunx")) and "alias" in which:
                continue
            if where == "a notebook" and dress in ("time", "exec"):
                continue
            claim = "" if where in UNSAID else command.claim
            edits = _carried(tree, carrier, line)
            made += 1
            kind = f"{how}, {which}, {dress}, {where}"
            yield Plant("confusion", kind, edits, (carrier[0],), claim)


def _alike(tree: Tree) -> Iterator[Plant]:
    """Yield what asks an index in no line of a shell."""
    magics = (
        "%pip install {p}",
        "%pip install -q {p}",
        "%uv pip install {p}",
        "!{{sys.executable}} -m pip install {p}",
    )
    for magic, (which, name) in ((m, n) for m in magics for n in list(NAMES.items())[:3]):
        path = f"{CORE}/notebooks/look.ipynb"
        text = notebook(f"import sys\n{magic.format(p=name)}\n")
        yield Plant("confusion", f"{magic}, {which}", {path: text}, (path,), ANY)
    path = f"{API}/Dockerfile"
    exec_form = 'FROM python:3.11-slim\nRUN ["pip", "install", "acme-core"]\n'
    yield Plant("confusion", "Dockerfile, exec form", {path: exec_form}, (path,), ANY)
    for kind, text in {
        "an ARG": "FROM python:3.11-slim\nARG NAME=acme-core\nRUN pip install ${NAME}\n",
        "an ENV": "FROM python:3.11-slim\nENV NAME acme-core\nRUN pip install $NAME\n",
    }.items():
        yield Plant("confusion", f"Dockerfile, {kind}", {path: text}, (path,), ANY)
    script = f"{CORE}/scripts/more.sh"
    for kind, text in {
        "a variable": "NAME=acme-core\npip install $NAME\n",
        "a variable in quotes": 'NAME="acme-core"\npip install "$NAME"\n',
        "a variable in braces": "NAME=acme-ghost\nuvx ${NAME}\n",
    }.items():
        yield Plant("confusion", f"script, {kind}", {script: f"#!/bin/sh\n{text}"}, (script,), "")
    nox = tree.append(
        f"{CORE}/noxfile.py",
        '\n\n@nox.session\ndef more(session):\n    session.install("acme-core")\n',
    )
    yield Plant("confusion", "a session of nox", nox, (f"{CORE}/noxfile.py",), "")


def _declared(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    """Yield manifests and tables that ask for an internal name which is no package here."""
    claim = "dependency confusion is open where a package is asked for anywhere"
    manifest = f"{CORE}/pyproject.toml"
    text = tree.text(manifest)
    tables = {
        "dependencies": "",
        "extra:web": "",
        "group:test": "",
        "group:docs": "",
        "build": "",
        "uv: dev": '[tool.uv]\ndev-dependencies = ["{r}"]\n',
        "uv: constraints": '[tool.uv]\nconstraint-dependencies = ["{r}"]\n',
        "hatch": '[tool.hatch.envs.docs]\ndependencies = ["{r}"]\n',
        "poetry": '[tool.poetry.dependencies]\n"{n}" = "^3"\n',
        "pdm": '[tool.pdm.dev-dependencies]\ndocs = ["{r}"]\n',
    }
    spelled = {
        "plain": "acme-ghost",
        "underscores": "acme_ghost>=1",
        "capitals": "Acme-Ghost",
        "an extra": "acme-ghost[io]",
        "a dot": "acme.ghost",
        "a URL's name": "acme-ghost-client ; python_version >= '3.11'",
    }
    for (where, table), (how, wanted) in combined(rng, count // 2, tables, spelled):
        name = wanted.split(" ")[0].split(">")[0].split("[")[0]
        if table:
            edits = {manifest: f"{text}\n{table.format(r=wanted, n=name)}"}
        else:
            edits = tree.require(CORE, wanted, where=where)
        yield Plant("confusion", f"declared in {where}, {how}", edits, (manifest,), claim)
    root = tree.text("pyproject.toml")
    edits = {"pyproject.toml": root.replace("dev = [", 'dev = [\n    "acme-ghost",', 1)}
    yield Plant("confusion", "declared in the root's group", edits, ("pyproject.toml",), claim)
    # One of ours, built with: a build is isolated, and asks an index.
    edits = tree.require(CORE, "acme-audio", where="build")
    yield Plant("confusion", "one of ours in build", edits, (manifest,), claim)
    hooks = tree.text(".pre-commit-config.yaml")
    for name in ("acme-ghost", "acme-core", "acme_core==0.1"):
        hook = f"  - repo: https://github.com/x/y\n    rev: v1.0.0\n    hooks:\n      - id: y\n        additional_dependencies: [{name}]\n"
        yield Plant(
            "confusion",
            f"a hook's dependency {name}",
            {".pre-commit-config.yaml": hooks + hook},
            (".pre-commit-config.yaml",),
            claim,
        )
    for name in ("requirements.txt", "docs/requirements.txt"):
        path = f"{API}/{name}"
        yield Plant("confusion", f"listed in {name}", {path: "acme-core==0.1\n"}, (path,), claim)
    script = f"{CORE}/scripts/more.py"
    inline = '# /// script\n# dependencies = ["acme-ghost"]\n# ///\nprint(1)\n'
    yield Plant("confusion", "a script's own metadata", {script: inline}, (script,), "")
    bounds = {
        "a range": "^0.1.0",
        "a version": "0.1.0",
        "anything": "*",
        "a tag": "latest",
        "a catalog": "catalog:",
        "an alias of it": "npm:@acme/ghost@1",
    }
    js_tables = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
    node = "shared/js/core/package.json"
    js_names = {"one of ours": "@acme/ui", "a stranger": "@acme/ghost"}
    for (how, bound), (table, _), (which, name) in combined(
        rng, count // 2, bounds, js_tables, js_names
    ):
        if how == "a catalog" and which == "one of ours":
            continue
        edits = tree.node("shared/js/core", **{table: {name: bound}})
        yield Plant("confusion", f"js: {which}, {how}, in {table}", edits, (node,), claim)
    edits = tree.node("shared/js/core", dependencies={"other": "npm:@acme/core@1"})
    yield Plant("confusion", "js: an alias of ours", edits, (node,), claim)
    workspace = "pnpm-workspace.yaml"
    for kind, old, new in (
        ("a catalog", "catalog:\n", 'catalog:\n  "@acme/ghost": 1.0.0\n'),
        (
            "an override",
            "allowBuilds: {}\n",
            'allowBuilds: {}\noverrides:\n  lodash: "npm:@acme/ghost@1"\n',
        ),
    ):
        yield Plant("confusion", f"js: {kind}", tree.swap(workspace, old, new), (workspace,), claim)
    external = tree.swap(
        "pyproject.toml",
        "[tool.monorepo]\n",
        '[tool.monorepo]\nexternal = ["acme-sdk", "@acme/sdk"]\n',
    )
    told = {
        f"{CORE}/scripts/more.sh": "#!/bin/sh\nset -eu\npip install acme-sdk==1.0.0\nnpx @acme/sdk@1.0.0\n"
    }
    yield Plant("confusion", "external, by settings", {**external, **told}, twin=True)


def _innocent(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    alike = {
        "its folder": "pip install -c constraints.txt ./shared/py/core",
        "its folder, editable": "uv pip install -c constraints.txt -e shared/py/core",
        "a wheel of it": "pip install dist/acme_core-0.1.0-py3-none-any.whl",
        "no index": "pip install --no-index --find-links third-party acme-svc-api",
        "no index, behind": "pip install acme-core --no-index --find-links=wheels",
        "uninstall": "pip uninstall -y acme-core",
        "show": "pip show acme-core",
        "a tag of an image": "docker build -t acme-core .",
        "an image's name": "docker run --rm acme-core pip list",
        "a text": 'echo "pip install acme-core"',
        "a comment": "true # pip install acme-core",
        "another option": "curl --user-agent acme-core https://example.com/",
        "a filter": "pnpm --filter @acme/core build",
        "a workspace": "npm run build --workspace @acme/core",
        "all there is": "pnpm install --frozen-lockfile",
        "npm ci": "npm ci",
        "its module": "python -m acme_core",
        "its command": "uv run acme-report --version",
        "git": "git clone https://example.com/acme-core",
        "a variable's name": "export NAME=acme-core",
        "grep": "grep -r 'npm install @acme/core' .",
    }
    places = {
        name: carrier
        for name, carrier in CARRIERS.items()
        if name not in ("a quiet recipe", "a hook's entry", "a git hook", "husky")
        and name not in UNSAID
        and "workflow" not in name
        and "compose" not in name
    }
    for (what, line), (where, carrier) in combined(rng, count, alike, places):
        if "#" in line and where in ("a package's script", "Bitbucket"):
            continue
        yield Plant(
            "confusion", f"innocent: {what}, {where}", _carried(tree, carrier, line), twin=True
        )
    for kind, text in {
        "a service's URL": 'URL = "http://acme-core:8000"\n',
        "a logger": 'import logging\n\nlog = logging.getLogger("acme-core")\n',
    }.items():
        yield Plant(
            "confusion", f"innocent: {kind}", {f"{CORE}/src/acme_core/more.py": text}, twin=True
        )


def _options(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    """Yield commands that name an index."""
    claim = "the same as an option of a command (--index-url, --registry)"
    options = {
        "pip --index-url": "pip install --index-url https://example.com/simple -c constraints.txt requests",
        "pip -i": "pip install -i https://example.com/simple -c constraints.txt requests",
        "pip --extra-index-url=": "pip install --extra-index-url=https://example.com/simple -c constraints.txt requests",
        "pip behind": "pip install -c constraints.txt requests --extra-index-url https://example.com/simple",
        "pip --find-links": "pip install -f https://example.com/wheels -c constraints.txt requests",
        "uv --index": "uv pip install --index https://example.com/simple -c constraints.txt requests",
        "uv --default-index": "uv sync --default-index https://example.com/simple",
        "npm --registry": "npm install --registry https://example.com/",
        "npm --registry=": "npm ci --registry=https://example.com/",
        "pnpm --registry": "pnpm install --registry https://example.com/",
        "npx --registry": "npx --registry https://example.com/ prettier@3.0.0",
        "a scope": "npm install --@acme:registry=https://example.com/",
    }
    certain = [
        name
        for name in CARRIERS
        if name not in UNSAID and "hook" not in name and "compose" not in name
    ]
    for (how, line), (where, _) in combined(rng, count, options, certain):
        carrier = CARRIERS[where]
        edits = _carried(tree, carrier, line)
        yield Plant("confusion", f"{how}, {where}", edits, (carrier[0],), claim)


def _settings(tree: Tree, rng: random.Random) -> Iterator[Plant]:
    """Yield configuration that redirects an index or a registry."""
    url = "https://example.com/simple"
    files = {
        ".npmrc": (
            "registry=https://example.com/\n",
            "@acme:registry=https://example.com/\n",
            "registry = https://example.com/\n",
        ),
        "pip.conf": (
            f"[global]\nindex-url = {url}\n",
            f"[global]\nextra-index-url = {url}\n",
            f"[install]\nfind-links = {url}\n",
        ),
        "uv.toml": (
            f'index-url = "{url}"\n',
            f'[[index]]\nurl = "{url}"\n',
            f'extra-index-url = ["{url}"]\n',
        ),
        ".yarnrc.yml": (
            "npmRegistryServer: https://example.com/\n",
            "npmScopes:\n  acme:\n    npmRegistryServer: https://example.com/\n",
        ),
        ".yarnrc": ('registry "https://example.com/"\n',),
        "bunfig.toml": (
            '[install]\nregistry = "https://example.com/"\n',
            '[install.scopes]\nacme = "https://example.com/"\n',
        ),
    }
    for name, texts in files.items():
        for folder in ("", f"{API}/", "services/js/web/"):
            for text in texts:
                path = f"{folder}{name}"
                kind = f"{path}: {text.splitlines()[-1].split('=')[0].split(':')[0].strip()}"
                yield Plant("sources", kind, {path: text}, (path,), SETTINGS)
    tables = (
        f'[[tool.uv.index]]\nname = "x"\nurl = "{url}"\n',
        f'[tool.uv]\nindex-url = "{url}"\n',
        f'[tool.uv]\nextra-index-url = ["{url}"]\n',
        f'[tool.uv]\nfind-links = ["{url}"]\n',
        f'[tool.uv]\nindex = [{{ url = "{url}" }}]\n',
        f'[[tool.poetry.source]]\nname = "x"\nurl = "{url}"\n',
        f'[[tool.pdm.source]]\nname = "x"\nurl = "{url}"\n',
        f'[tool.uv.pip]\nextra-index-url = ["{url}"]\n',
    )
    for place in ("pyproject.toml", f"{CORE}/pyproject.toml"):
        for table in tables:
            edits = {place: f"{tree.text(place)}\n{table}"}
            kind = f"{table.splitlines()[0]} {table.splitlines()[1].split('=')[0]}in {place}"
            yield Plant("sources", kind, edits, (place,), SETTINGS)
    names = (
        "PIP_INDEX_URL",
        "PIP_EXTRA_INDEX_URL",
        "UV_INDEX_URL",
        "UV_INDEX",
        "UV_DEFAULT_INDEX",
        "UV_EXTRA_INDEX_URL",
        "NPM_CONFIG_REGISTRY",
        "npm_config_registry",
        "PIP_FIND_LINKS",
        "YARN_NPM_REGISTRY_SERVER",
    )
    carriers = {
        "Dockerfile, ENV": (f"{API}/Dockerfile", "FROM python:3.11-slim\nENV {n}={u}\n"),
        "Dockerfile, ARG": (f"{API}/Dockerfile", "FROM python:3.11-slim\nARG {n}={u}\n"),
        "a workflow": (
            ".github/workflows/more.yml",
            f"{STEP.format()}      - run: make lock\n        env:\n          {{n}}: {{u}}\n",
        ),
        "a workflow's top": (
            ".github/workflows/more.yml",
            STEP.format()
            .replace("jobs:", "env:\n  {n}: {u}\njobs:")
            .replace("permissions: {}", "permissions: {{}}")
            + "      - run: make lock\n",
        ),
        "a script": (f"{CORE}/scripts/more.sh", "#!/bin/sh\nexport {n}={u}\nmake lock\n"),
        "before a command": (f"{CORE}/scripts/more.sh", "#!/bin/sh\n{n}={u} make lock\n"),
        "a Makefile": (f"{CORE}/more.mk", "export {n} := {u}\n"),
        "compose": (
            "compose.yaml",
            "services:\n  a:\n    image: x\n    environment:\n      {n}: {u}\n",
        ),
        "compose, a list": (
            "compose.yaml",
            "services:\n  a:\n    image: x\n    environment:\n      - {n}={u}\n",
        ),
        "GitLab": (".gitlab-ci.yml", "variables:\n  {n}: {u}\n"),
    }
    for (name, _), (where, (path, frame)) in combined(rng, 24, names, carriers):
        edits = {path: frame.replace("{n}", name).replace("{u}", url).replace("{{}}", "{}")}
        yield Plant("sources", f"{name} in {where}", edits, (path,), SETTINGS)
    package = (
        "packages come from the configured registries, with hashes, and run no install scripts"
    )
    for script in ("preinstall", "install", "postinstall", "prepare", "prepublish"):
        edits = tree.node("shared/js/core", scripts={script: "node scripts/x.js"})
        claim = package if script in ("preinstall", "install", "postinstall") else ""
        yield Plant("sources", f"script {script}", edits, ("shared/js/core/package.json",), claim)
    for old, new in (
        ("allowBuilds: {}", "allowBuilds:\n  esbuild: true"),
        ("minimumReleaseAge: 1440", "minimumReleaseAge: 0"),
        ("minimumReleaseAge: 1440\n", ""),
        ("pmOnFail: ignore", "pmOnFail: ignore\ndangerouslyAllowAllBuilds: true"),
        ("pmOnFail: ignore", "pmOnFail: ignore\nregistry: https://example.com/"),
        ("pmOnFail: ignore", "pmOnFail: ignore\nregistries:\n  '@acme': https://example.com/"),
    ):
        edits = tree.swap("pnpm-workspace.yaml", old, new)
        kind = f"pnpm-workspace.yaml: {new.splitlines()[-1].strip() if new else 'no minimumReleaseAge'}"
        yield Plant("sources", kind, edits, ("pnpm-workspace.yaml",), package)
    for name in (".pnpmfile.cjs", ".pnpmfile.mjs"):
        yield Plant(
            "sources",
            name,
            {name: "module.exports = {};\n"},
            (name,),
            package if "cjs" in name else "",
        )
    lock = tree.text("pnpm-lock.yaml")
    at = lock.index("resolution: {integrity: ")
    end = lock.index("}", at)
    for kind, inner in {
        "a tarball": f"{lock[at:end]}, tarball: https://example.com/x.tgz",
        "no integrity": "resolution: {tarball: https://example.com/x.tgz",
    }.items():
        edits = {"pnpm-lock.yaml": f"{lock[:at]}{inner}{lock[end:]}"}
        yield Plant("sources", f"pnpm-lock.yaml: {kind}", edits, ("pnpm-lock.yaml",), package)
    right = {
        "a setting of another kind": {".npmrc": "save-exact=true\n"},
        "a variable of another kind": {
            f"{CORE}/scripts/more.sh": "#!/bin/sh\nexport PIP_NO_INPUT=1\nmake lock\n"
        },
        "a file of their own": {
            f"{CORE}/src/acme_core/index.toml": 'url = "https://example.com"\n'
        },
    }
    for kind, edits_right in right.items():
        yield Plant("sources", f"right: {kind}", edits_right, twin=True)
