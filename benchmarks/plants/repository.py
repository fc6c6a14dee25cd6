"""typed, drift, docs, workflows, secrets, unreadable, engine, allow: the repository as a whole."""

import base64
import json
import random
import string
import uuid
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from benchmarks.plants.planting import Plant, Tree, combined, merged

CORE = "shared/py/core"
API = "services/py/api"
JS = "shared/js/core"


def plants(tree: Tree, rng: random.Random, share: float) -> Iterator[Plant]:
    """Yield the plants about the repository as a whole."""

    def some(count: int) -> int:
        return max(2, round(count * share))

    yield from _typed(tree, rng, some(50))
    yield from _drift(tree)
    yield from _docs(tree, rng, some(40))
    yield from _workflows(tree, rng, some(24))
    yield from _secrets(rng, some(40))
    yield from _unreadable(tree, rng, some(40))
    yield from _engine(tree)
    yield from _allow(tree)


def _typed(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    claim = "also inline directives that loosen, nested configuration files"
    python = {
        "mypy: ignore-errors": "# mypy: ignore-errors",
        "mypy: ignore-errors=True": "# mypy: ignore-errors=True",
        "mypy: several": "# mypy: warn-unreachable, ignore-errors",
        "mypy: disable-error-code": '# mypy: disable-error-code="no-any-return"',
        "mypy: allow-untyped-defs": "# mypy: allow-untyped-defs",
        "mypy: disallow-untyped-defs=False": "# mypy: disallow-untyped-defs=False",
        "mypy: no-strict-optional": "# mypy: no-strict-optional",
        "mypy: follow-imports": "# mypy: follow-imports=skip",
        "type: ignore": "# type: ignore",
        "type: ignore with a code": "# type: ignore[attr-defined]",
        "ruff: noqa": "# ruff: noqa",
        "ruff: noqa with rules": "# ruff: noqa: F401, D100",
        "flake8: noqa": "# flake8: noqa",
        "pyright: basic": "# pyright: basic",
        "pyright: ignore all": "# pyright: reportGeneralTypeIssues=false",
        "no spaces": "#mypy:ignore-errors",
        "many spaces": "#   mypy:   ignore-errors",
    }
    files = {
        "a module": f"{CORE}/src/acme_core/fresh.py",
        "a test": f"{CORE}/tests/unit/test_fresh.py",
        "a service": f"{API}/src/acme_svc_api/__init__.py",
        "a stub": f"{CORE}/src/acme_core/native.pyi",
    }
    body = '"""More."""\n\n\ndef test_it() -> None:\n    assert True\n'
    places = {
        "at the top": "{d}\n{b}",
        "behind a shebang": "#!/usr/bin/env python\n{d}\n{b}",
        "below comments": "# One\n# Two\n{d}\n\n{b}",
        "at the end": "{b}\n\n{d}\n",
    }
    for (how, line), (which, path), (where, frame) in combined(rng, count, python, files, places):
        # mypy and Ruff take their own anywhere; a `type: ignore` counts above all code.
        certain = not how.startswith(("pyright", "type")) or (
            "type" in how and where != "at the end"
        )
        if how.startswith("ruff: noqa with"):
            certain = False
        text = frame.format(d=line, b=body)
        yield Plant(
            "typed", f"{how}, {where}, {which}", {path: text}, (path,), claim if certain else ""
        )
    node = {
        "ts-nocheck": "// @ts-nocheck",
        "ts-nocheck, no space": "//@ts-nocheck",
        "ts-nocheck, a block": "/* @ts-nocheck */",
        "biome-ignore-all": "// biome-ignore-all lint: later",
        "biome-ignore-all, a rule": "// biome-ignore-all lint/suspicious/noExplicitAny: later",
        "biome-ignore-all, a block": "/* biome-ignore-all lint: later */",
        "eslint-disable": "/* eslint-disable */",
    }
    files_js = {
        "a module": f"{JS}/src/fresh.ts",
        "a view": f"{JS}/src/View.tsx",
        "a test": f"{JS}/tests/fresh.test.ts",
        "a .mts": f"{JS}/src/deep/fresh.mts",
    }
    frames = {
        "at the top": "{d}\nexport const x = 1;\n",
        "below comments": "// One\n\n{d}\nexport const x = 1;\n",
    }
    for (how, line), (which, path), (where, frame) in combined(
        rng, count // 2, node, files_js, frames
    ):
        # A single rule of a linter is the team's decision.
        certain = how not in ("eslint-disable", "ts-nocheck, a block", "biome-ignore-all, a rule")
        edits = {path: frame.format(d=line)}
        yield Plant("typed", f"{how}, {where}, {which}", edits, (path,), claim if certain else "")
    once = "mypy, Ruff, Biome and the TypeScript compiler are configured once, at the root"
    files_own = {
        "mypy.ini": "[mypy]\nignore_errors = True\n",
        ".mypy.ini": "[mypy]\nstrict = False\n",
        "setup.cfg": "[mypy]\nignore_errors = True\n",
        "ruff.toml": "line-length = 200\n",
        ".ruff.toml": "[lint]\nselect = []\n",
        "pyrightconfig.json": '{"typeCheckingMode": "off"}\n',
        "src/acme_core/ruff.toml": "line-length = 200\n",
        "tests/.ruff.toml": "[lint]\nselect = []\n",
    }
    for name, text in files_own.items():
        path = f"{CORE}/{name}"
        certain = name != "pyrightconfig.json"
        yield Plant("typed", f"its own {name}", {path: text}, (path,), once if certain else "")
    for name in ("mypy.ini", "ruff.toml", ".mypy.ini"):
        yield Plant(
            "typed", f"another at the root: {name}", {name: files_own[name]}, (name, "."), once
        )
    for name, text in {
        "biome.json": "{}\n",
        "biome.jsonc": "{}\n",
        "src/biome.json": '{"linter": {"enabled": false}}\n',
        ".biome.json": "{}\n",
    }.items():
        path = f"{JS}/{name}"
        yield Plant(
            "typed", f"its own {name}", {path: text}, (path,), once if name[0] != "." else ""
        )
    manifest = f"{CORE}/pyproject.toml"
    for table in (
        "[tool.mypy]\nstrict = false",
        "[tool.ruff]\nline-length = 200",
        "[tool.ruff.lint]\nselect = []",
        "[[tool.mypy.overrides]]\nmodule = 'x'\nignore_errors = true",
        "[tool.pyright]\ntypeCheckingMode = 'off'",
    ):
        edits = {manifest: f"{tree.text(manifest)}\n{table}\n"}
        certain = "pyright" not in table
        yield Plant(
            "typed",
            f"a table: {table.splitlines()[0]}",
            edits,
            (manifest,),
            once if certain else "",
        )
    config = f"{JS}/tsconfig.json"
    for option in (
        '"strict": false',
        '"noImplicitAny": false',
        '"strictNullChecks": false',
        '"skipLibCheck": true',
        '"checkJs": false',
        '"noUncheckedIndexedAccess": false',
    ):
        edits = tree.swap(config, '"noEmit": true', f'"noEmit": true,\n    {option}')
        yield Plant(
            "typed",
            f"tsconfig: {option}",
            edits,
            (config,),
            once if "skip" not in option and "checkJs" not in option else "",
        )
    edits = tree.swap(config, "../../../tsconfig.base.json", "./own.json")
    yield Plant(
        "typed", "tsconfig: extends another", {**edits, f"{JS}/own.json": "{}\n"}, (JS,), once
    )
    typed = "each import package in src has a py.typed"
    path = f"{CORE}/src/acme_core/py.typed"
    yield Plant("typed", "no py.typed", {path: None}, (CORE,), typed)
    for name in ('"*"', "acme_core"):
        table = f'\n[tool.setuptools.exclude-package-data]\n{name} = ["py.typed"]\n'
        edits = {manifest: f"{tree.text(manifest)}{table}"}
        yield Plant("typed", f"py.typed not shipped: {name}", edits, (manifest, CORE), typed)
    right = {
        "a line": "import json  # type: ignore[import-untyped]\n",
        "a line for Ruff": "x = 1  # noqa: F401\n",
        "stricter": "# mypy: disallow-any-expr\nx = 1\n",
        "a text": 'x = "# mypy: ignore-errors"\n',
        "a document": '"""Never write # type: ignore above all code."""\n',
    }
    for how, text in right.items():
        yield Plant("typed", f"right: {how}", {f"{CORE}/src/acme_core/fresh.py": text}, twin=True)
    edits = {
        f"{JS}/src/fresh.ts": "// @ts-expect-error: it is untyped\nexport const x: number = '1';\n"
    }
    yield Plant("typed", "right: ts-expect-error", edits, twin=True)


def _drift(tree: Tree) -> Iterator[Plant]:
    claim = "generated content (diagrams, references, locks) is up to date"
    ui = "shared/js/ui"
    needs = tree.node(ui, dependencies={"@acme/core": "workspace:*"})
    user = {f"{ui}/src/user.ts": 'import "@acme/core";\n'}
    yield Plant("drift", "no reference", merged(needs, user), (ui,), claim)
    build = f"{ui}/tsconfig.build.json"
    more = tree.swap(
        build,
        '"references": []',
        '"references": [\n    {\n      "path": "../core/tsconfig.build.json"\n    }\n  ]',
    )
    yield Plant("drift", "a reference too many", more, (build,), claim)
    package = f"{JS}/package.json"
    told = json.loads(tree.text(package))
    told["exports"]["./more"] = {
        "source": "./src/more.ts",
        "types": "./dist/more.d.ts",
        "default": "./dist/more.js",
    }
    edits = {package: f"{json.dumps(told, indent=2)}\n", f"{JS}/src/more.ts": "export {};\n"}
    yield Plant("drift", "publishConfig", edits, (package,), claim)
    for old, new in (("  - shared/js/*\n", ""), ("  - apps/js/*\n", "")):
        edits = tree.swap("pnpm-workspace.yaml", old, new)
        yield Plant(
            "drift",
            f"pnpm-workspace.yaml: {old.strip()} {new.strip()}",
            edits,
            ("pnpm-workspace.yaml",),
            claim,
        )
    for glob in ('    "shared/js/*/src",\n', '    "services/js/*/tests",\n'):
        yield Plant(
            "drift",
            f"tsconfig.json: {glob.strip()}",
            tree.swap("tsconfig.json", glob, ""),
            ("tsconfig.json",),
            claim,
        )
    edits = tree.swap("pnpm-workspace.yaml", "fastify: 5.12.8", "fastify: 5.12.7")
    yield Plant(
        "drift",
        "the catalog moved",
        edits,
        ("pnpm-workspace.yaml", "pnpm-lock.yaml", "tools/pnpm-lock.yaml"),
        claim,
        also=("pins",),
    )
    for name in ("README.md", "AGENTS.md", "CONTRIBUTING.md"):
        edits = tree.append(name, "\n```mermaid\nflowchart LR\n```\n")
        yield Plant("drift", f"a diagram in {name}", edits, (name,), claim)
    manifest = f"{CORE}/pyproject.toml"
    table = '\n[tool.monorepo.generate.units]\ncommand = ["scripts/units.py"]\ninputs = ["scripts/units.py"]\noutputs = ["src/acme_core/generated/units.py"]\n'
    edits = {manifest: f"{tree.text(manifest)}{table}", f"{CORE}/scripts/units.py": "print(1)\n"}
    yield Plant("drift", "never generated", edits, (CORE,), claim)
    edits = {**edits, f"{CORE}/src/acme_core/generated/units.py": "x = 1\n"}
    yield Plant("drift", "generated by hand", edits, (CORE,), claim)


def _docs(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    claim = "commands, links and rule ids in the documentation exist"
    own = "a README's imports from its own package exist"
    commands = {
        "a target": "make nosuch",
        "a target among others": "make lint nosuch",
        "a target with a variable": 'make nosuch PKG="shared/py/core"',
        "a package": "make test PKG=shared/py/ghost",
        "a package in quotes": 'make test PKG="shared/py/core services/py/ghost"',
        "a rule": "make guard RULE=nosuch",
        "a rule of two": 'make guard RULE="pins nosuch"',
        "explain": "make explain RULE=nosuch",
        "a session": "nox -s nosuch",
        "a session of a package": '.venv/bin/nox -s "nosuch-3.11(shared/py/core)"',
        "a program": ".venv/bin/nosuch --version",
        "a verb": "sh tools/make/monorepo.sh nosuch",
        "a verb of the module": "python -m monorepo nosuch",
        "a script": "scripts/nosuch.sh",
        "a script below": "services/py/api/scripts/nosuch.sh",
    }
    frames = {
        "a code span": "Run `{c}` first.",
        "sh": "```sh\n{c}\n```",
        "bash, after another": "```bash\nmake help\n{c}\n```",
        "a console": "```console\n$ {c}\nsome output\n```",
        "behind another": "```sh\nmake help && {c}\n```",
        "with a comment": "```sh\n{c}  # why\n```",
        "a list": "- first\n- `{c}` then\n",
        "a table": "| to | run |\n|---|---|\n| it | `{c}` |\n",
        "tildes": "~~~sh\n{c}\n~~~",
    }
    files = {"README": "README.md", "AGENTS": "AGENTS.md", "CONTRIBUTING": "CONTRIBUTING.md"}
    for (what, command), (how, frame), (_, path) in combined(rng, count, commands, frames, files):
        edits = tree.append(path, f"\n{frame.format(c=command)}\n")
        said = what not in ("a program", "a verb", "a verb of the module")
        yield Plant("docs", f"{what}, {how}, {path}", edits, (path,), claim if said else "")
    everywhere = {
        **files,
        "a package": f"{CORE}/README.md",
        "JavaScript": f"{JS}/README.md",
        "a service": f"{API}/README.md",
    }
    links = {
        "a file": "[x](nosuch.md)",
        "a file above": "[x](../nosuch/README.md)",
        "an anchor": "[x](#no-such-heading)",
        "an anchor of another": "[x](README.md#no-such-heading)",
        "a reference": "[x][y]\n\n[y]: nosuch.md",
        "an image": "![x](nosuch.png)",
        "a title": '[x](nosuch.md "title")',
        "angle brackets": "[x](<no such.md>)",
        "HTML": '<a href="nosuch.md">x</a>',
        "a code link": "[`x`](nosuch.md)",
    }
    for (what, link), (which, path) in combined(rng, count // 2, links, everywhere):
        edits = tree.append(path, f"\n{link}\n")
        yield Plant(
            "docs", f"link: {what}, {which}", edits, (path,), claim if what != "HTML" else ""
        )
    python = {
        "from": "from acme_core import gone",
        "from, several": "from acme_core import delays, gone",
        "from a module": "from acme_core.gone import x",
        "a name of a module": "from acme_core.retries import gone",
        "import": "import acme_core.gone",
        "in a session": ">>> from acme_core import gone\n>>> gone()",
        "in a function": "def f():\n    from acme_core import gone",
        "an attribute": "import acme_core\n\nacme_core.gone()",
    }
    for (what, text), (fence, _) in combined(rng, 12, python, ("python", "py", "pycon")):
        if (fence == "pycon") != (">>>" in text):
            continue
        path = f"{CORE}/README.md"
        certain = what != "an attribute"
        edits = tree.append(path, f"\n```{fence}\n{text}\n```\n")
        yield Plant("docs", f"import: {what}, {fence}", edits, (path,), own if certain else "")
    node = {
        "names": 'import { gone } from "@acme/core";',
        "several": "import { chunks, gone } from '@acme/core';",
        "a subpath": 'import { x } from "@acme/core/gone";',
        "over lines": 'import {\n  gone,\n} from "@acme/core";',
    }
    for (what, text), (fence, _) in combined(rng, 6, node, ("ts", "typescript", "js")):
        path = f"{JS}/README.md"
        edits = tree.append(path, f"\n```{fence}\n{text}\n```\n")
        yield Plant("docs", f"import: js, {what}, {fence}", edits, (path,), own)
    # The example goes, and its sentence stays.
    path = f"{CORE}/README.md"
    src = f"{CORE}/src/acme_core"
    used = tree.append(path, "\n```python\nfrom acme_core import delays\n```\n")
    yield Plant("docs", "right: its own name", used, twin=True)
    gone = {f"{src}/retries.py": None, f"{src}/__init__.py": '"""Nothing."""\n'}
    for name in ("unit/test_retries.py", "contract/test_public_names.py"):
        gone[f"{CORE}/tests/{name}"] = None
    yield Plant("docs", "a deleted example", merged(used, gone), (path,), own)
    agents = "AGENTS.md"
    for rule in ("pins", "docs"):
        line = next(
            line
            for line in tree.text(agents).splitlines(keepends=True)
            if line.startswith(f"- `{rule}`:")
        )
        yield Plant("docs", f"no line about {rule}", tree.swap(agents, line, ""), (agents,), claim)
        wrong = line.replace(f"`{rule}`", "`nosuch`")
        yield Plant(
            "docs",
            f"a rule that is not: {rule}",
            tree.swap(agents, line, line + wrong),
            (agents,),
            claim,
        )
    right = {
        "a target": "Run `make lint`.",
        "a placeholder": "Run `make test PKG=<path>` or `make new AT=…`.",
        "of another project": "`cargo build` and `docker compose up`",
        "a link": "[x](LICENSE) and [y](https://example.com/nosuch.md)",
        "a heading": "## Some more\n\n[x](#some-more)",
        "prose": "You make nosuch things.",
        "another language": "```python\nmake = 1\n```",
    }
    for what, text in right.items():
        yield Plant("docs", f"right: {what}", tree.append("README.md", f"\n{text}\n"), twin=True)


HEAD = "name: More\non: {on}\npermissions: {p}\njobs:\n  a:\n    runs-on: {r}\n{t}    steps:\n{s}"
CHECKOUT = "      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1\n        with:\n          persist-credentials: false\n"


def _workflows(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    claim = "GitHub workflows are secure (zizmor), and each job has a timeout"
    whole = {
        "on": "push",
        "p": "{}",
        "r": "ubuntu-latest",
        "t": "    timeout-minutes: 5\n",
        "s": CHECKOUT,
    }
    wrong: dict[str, dict[str, str]] = {
        "no timeout": {"t": ""},
        "a tag": {"s": "      - uses: actions/setup-node@v4\n"},
        "a branch": {"s": "      - uses: x/y@main\n"},
        "a short hash": {"s": "      - uses: x/y@3d3c42e\n"},
        "credentials": {"s": CHECKOUT.replace("false", "true")},
        "credentials by default": {"s": CHECKOUT.split("        with")[0]},
        "all permissions": {"p": "write-all"},
        "a title in a script": {
            "on": "issues",
            "s": "      - run: echo '${{ github.event.issue.title }}'\n",
        },
        "a branch in a script": {
            "on": "pull_request",
            "s": "      - run: git switch ${{ github.head_ref }}\n",
        },
        "a comment in a script": {
            "on": "issue_comment",
            "s": '      - run: |\n          x="${{ github.event.comment.body }}"\n',
        },
        "a dangerous trigger": {"on": "pull_request_target"},
        "a run of another": {"on": "\n  workflow_run:\n    workflows: [CI]"},
        "commands": {
            "s": "      - run: make\n        env:\n          ACTIONS_ALLOW_UNSECURE_COMMANDS: true\n"
        },
        "a hidden name": {"s": "      - uses: docker://alpine:3\n"},
    }
    names = ("more.yml", "more.yaml", "a-b.yml")
    for (kind, change), (name, _) in combined(rng, count, wrong, names):
        path = f".github/workflows/{name}"
        # zizmor leaves these two to an auditor.
        said = kind not in ("credentials", "all permissions")
        edits = {path: HEAD.format(**{**whole, **change})}
        yield Plant("workflows", f"{kind}, {name}", edits, (path,), claim if said else "")
    ci = ".github/workflows/ci.yml"
    text = tree.text(ci)
    line = next(line for line in text.splitlines(keepends=True) if "timeout-minutes" in line)
    yield Plant("workflows", "no timeout in CI", {ci: text.replace(line, "", 1)}, (ci,), claim)
    action = ".github/actions/x/action.yml"
    uses = "name: x\ndescription: x\nruns:\n  using: composite\n  steps:\n    - uses: x/y@v1\n"
    yield Plant("workflows", "a tag in an action", {action: uses}, (action,), claim)
    shell = "name: x\ndescription: x\ninputs:\n  a:\n    description: a\nruns:\n  using: composite\n  steps:\n    - shell: bash\n      run: echo ${{ inputs.a }}\n"
    yield Plant("workflows", "an input in an action's script", {action: shell}, (action,), claim)
    silenced = HEAD.format(
        **{**whole, "s": "      - uses: x/y@v1 # zizmor: ignore[unpinned-uses]\n"}
    )
    yield Plant(
        "workflows",
        "silenced by a comment",
        {".github/workflows/more.yml": silenced},
        (".github/workflows/more.yml",),
        claim,
    )
    for kind, change in {
        "plain": {},
        "a script": {"s": f"{CHECKOUT}      - run: make lint\n"},
    }.items():
        yield Plant(
            "workflows",
            f"right: {kind}",
            {".github/workflows/more.yml": HEAD.format(**{**whole, **change})},
            twin=True,
        )


def _word(
    rng: random.Random, count: int, letters: str = string.ascii_letters + string.digits
) -> str:
    return "".join(rng.choice(letters) for _ in range(count))


def _github(rng: random.Random, kind: str) -> str:
    """Return a token with the checksum that GitHub's have."""
    body = _word(rng, 30)
    letters = string.digits + string.ascii_uppercase + string.ascii_lowercase
    number, check = zlib.crc32(body.encode()), ""
    while number:
        number, rest = divmod(number, 62)
        check = letters[rest] + check
    return f"{kind}_{body}{check.rjust(6, '0')}"


def _secrets(rng: random.Random, count: int) -> Iterator[Plant]:
    claim = "no file holds a private key or a token"
    upper = string.ascii_uppercase + string.digits
    key = base64.b64encode(rng.randbytes(1200)).decode()
    pem = "\n".join(key[start : start + 64] for start in range(0, 1536, 64))
    tokens = {
        "GitHub": _github(rng, "ghp"),
        "GitHub, of an app": _github(rng, "ghs"),
        "GitLab": f"glpat-{_word(rng, 20)}",
        "AWS": f"AKIA{_word(rng, 16, string.ascii_uppercase + '234567')}",
        "Slack": f"xoxb-{_word(rng, 12, string.digits)}-{_word(rng, 13, string.digits)}-{_word(rng, 24)}",
        "Slack, a hook": f"https://hooks.slack.com/services/T{_word(rng, 8, upper)}/B{_word(rng, 10, upper)}/{_word(rng, 24)}",
        "Stripe": f"sk_live_{_word(rng, 24)}",
        "Google": f"AIza{_word(rng, 35)}",
        "SendGrid": f"SG.{_word(rng, 22)}.{_word(rng, 43)}",
        "npm": f"npm_{_word(rng, 36)}",
        "PyPI": f"pypi-AgEIcHlwaS5vcmc{_word(rng, 150)}",
        "Anthropic": f"sk-ant-api03-{_word(rng, 93)}AA",
        "OpenAI": f"sk-proj-{_word(rng, 74)}T3BlbkFJ{_word(rng, 74)}",
        "Hugging Face": f"hf_{_word(rng, 34, string.ascii_letters)}",
        "a database": f"postgresql://app:{_word(rng, 20)}@db.acme-prod.com:5432/app",
        "a key": f"-----BEGIN RSA PRIVATE KEY-----\n{pem}\n-----END RSA PRIVATE KEY-----",
        "an SSH key": f"-----BEGIN OPENSSH PRIVATE KEY-----\n{pem}\n-----END OPENSSH PRIVATE KEY-----",
        "a generic password": _word(rng, 24),
        "a client's secret": str(uuid.UUID(int=rng.getrandbits(128))),
    }
    unsaid = {"a generic password", "a client's secret", "AWS", "a database"}
    carriers = {
        "Python": (f"{CORE}/src/acme_core/fresh.py", 'TOKEN = """{t}"""\n'),
        "TypeScript": (f"{JS}/src/fresh.ts", "export const token = `{t}`;\n"),
        "a test": (f"{CORE}/tests/unit/test_fresh.py", 'PASSWORD = """{t}"""\n'),
        "a document": (f"{CORE}/README.md", "Use this:\n\n    {t}\n"),
        "YAML": ("docs/values.yaml", "token: |\n  {t}\n"),
        "JSON": ("docs/values.json", None),
        "a script": (f"{CORE}/scripts/more.sh", "#!/bin/sh\nexport TOKEN='{t}'\n"),
        "a workflow": (
            ".github/workflows/more.yml",
            "name: x\non: push\nenv:\n  API_TOKEN: '{t}'\n",
        ),
        "no suffix": ("docs/secret", "{t}\n"),
        "an example of settings": (".env.example", "TOKEN={t}\n"),
        "an order": (
            f"{API}/compose.yaml",
            "services:\n  a:\n    environment:\n      SECRET_TOKEN: '{t}'\n",
        ),
    }
    for (what, token), (where, (path, frame)) in combined(rng, count, tokens, carriers):
        text = (
            json.dumps({"api_token": token})
            if frame is None
            else frame.replace(
                "{t}", token.replace("\n", "\n  ") if path.endswith("yaml") else token
            )
        )
        yield Plant(
            "secrets", f"{what}, {where}", {path: text}, (path,), "" if what in unsaid else claim
        )
    right = {
        "localhost": "curl -u admin:admin http://localhost:8080/x\n",
        "localhost, a URL": "curl http://admin:admin@localhost:8080/x\n",
        "loopback": "psql postgresql://app:app@127.0.0.1:5432/app\n",
        "IPv6": "curl http://admin:s3cret@[::1]:8080/x\n",
        "a container": "psql postgresql://app:app@db:5432/app\n",
        "a variable": 'curl -H "Authorization: Bearer $TOKEN" https://example.com\n',
        "a placeholder": "export GITHUB_TOKEN=ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n",
        "words": "export API_KEY=your-api-key-here\n",
        "a hash": "echo 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n",
        "an id": f"echo {uuid.UUID(int=rng.getrandbits(128))}\n",
    }
    for what, text in right.items():
        path = f"{CORE}/scripts/more.sh"
        yield Plant("secrets", f"right: {what}", {path: f"#!/bin/sh\n{text}"}, twin=True)


def _unreadable(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    claim = "a file that cannot be parsed or decoded is an error"
    broken = {
        "no UTF-8": None,
        "a conflict": "<<<<<<< HEAD\n{t}=======\n{t}>>>>>>> other\n",
        "cut off": None,
        "a bracket": "{t}\n[(\n",
        "UTF-16": None,
    }
    files = {
        "a module": f"{CORE}/src/acme_core/retries.py",
        "a new module": f"{CORE}/src/acme_core/fresh.py",
        "a test": f"{CORE}/tests/unit/test_retries.py",
        "a service": f"{API}/src/acme_svc_api/main.py",
        "a stub": f"{CORE}/src/acme_core/native.pyi",
        "a manifest": f"{CORE}/pyproject.toml",
        "a manifest of JavaScript": f"{JS}/package.json",
        "a service's manifest": f"{API}/pyproject.toml",
        "the root's manifest of JavaScript": "package.json",
        "the workspace": "pnpm-workspace.yaml",
        "a tsconfig": f"{JS}/tsconfig.json",
        "the lock": "pnpm-lock.yaml",
        "a workflow": ".github/workflows/ci.yml",
        "hooks": ".pre-commit-config.yaml",
        "the schema": ".schemas/structure.yaml",
        "a notebook": f"{CORE}/notebooks/look.ipynb",
        "Biome": "biome.json",
        "pins": "constraints.txt",
    }
    for (how, frame), (which, path) in combined(rng, count, broken, files):
        text = tree.text(path) if tree.has(path) else "x = 1\n"
        after: str | bytes
        if how == "no UTF-8":
            after = text.encode() + b"# caf\xe9\n"
        elif how == "UTF-16":
            after = text.encode("utf-16")
        elif how == "cut off":
            after = f"{text[: len(text) // 2]}\n'''([{{\n"
        else:
            after = str(frame).replace("{t}", text)
        if which == "a notebook" and how == "a bracket":
            after = '{"cells": ['
        # What pins say is for the rule pins.
        rule = "pins" if which == "pins" and "UTF" not in how else "unreadable"
        yield Plant(
            rule, f"{how}: {which}", {path: after}, (path,), claim if rule == "unreadable" else ""
        )
    path = f"{CORE}/src/acme_core/fresh.py"
    for kind, text in {
        "def (": "def (:\n",
        "an indent": "def f():\nreturn 1\n",
        "a string without an end": "x = 'a\n",
        "Python 2": "print 'x'\n",
        "a NUL": "x = 1\0\n",
        "deep brackets": f"x = {'(' * 300}1{')' * 300}\n",
        "an unknown encoding": "# -*- coding: nosuch -*-\nx = 1\n",
    }.items():
        yield Plant("unreadable", f"a new module: {kind}", {path: text}, (path,), claim)
    manifest = f"{CORE}/pyproject.toml"
    for kind, wanted in {
        "no requirement": "@@@",
        "two operators": "flask >>= 1",
        "a bracket": "flask[io",
    }.items():
        edits = tree.require(CORE, wanted)
        yield Plant(
            "unreadable",
            f"a requirement: {kind}",
            edits,
            (manifest,),
            "one malformed requirement is a finding of its own",
        )
    for kind, old, new in (
        ("a name that is a number", 'name = "acme-core"', "name = 1"),
        ("no name", 'name = "acme-core"\n', ""),
        ("dependencies that are a text", "dependencies = []", 'dependencies = "flask"'),
        ("requires-python that is none", '">=3.11"', '"three"'),
        ("no [project]", "[project]", "[projects]"),
    ):
        edits = tree.swap(manifest, old, new)
        owner = "python" if "requires-python" in kind else "unreadable"
        yield Plant(
            owner,
            f"a manifest: {kind}",
            edits,
            (manifest, CORE),
            "whatever is broken is a finding of its own" if owner == "unreadable" else "",
        )
    right = {
        "a byte order mark": b"\xef\xbb\xbf" + b'"""More."""\n',
        "Windows": b'"""More."""\r\n\r\nx = 1\r\n',
        "empty": b"",
        "emoji": "x = '\N{ROCKET}'\n".encode(),
    }
    for kind, text_right in right.items():
        yield Plant("unreadable", f"right: {kind}", {path: text_right}, twin=True)
    yield Plant(
        "unreadable", "right: a picture", {"docs/x.png": b"\x89PNG\r\n\x1a\n\0\0"}, twin=True
    )


def _engine(tree: Tree) -> Iterator[Plant]:
    claim = "the engine is the file that tools/requirements.txt and [tool.monorepo.template] name"
    wheel = next(path.name for path in (tree.root / "tools").glob("*.whl"))
    data = (tree.root / "tools" / wheel).read_bytes()
    listed = "tools/requirements.txt"
    text = tree.text(listed)
    digest = text[text.index("sha256:") + 7 :].strip()
    paths = ("tools", "pyproject.toml")
    other = ("0" if digest[0] != "0" else "1") + digest[1:]
    kinds: dict[str, dict[str, str | bytes | None]] = {
        "other bytes": {f"tools/{wheel}": data[:-1] + bytes([data[-1] ^ 1])},
        "more bytes": {f"tools/{wheel}": data + b"\n"},
        "gone": {f"tools/{wheel}": None},
        "another hash": {listed: text.replace(digest, other)},
        "no hash": {listed: f"./tools/{wheel}\n"},
        "two": {f"tools/{wheel.replace('0.3.0', '0.2.0')}": data},
        "another version": {listed: text.replace("0.3.0", "0.4.0")},
        "another source": {listed: "cookiecutter-monorepo==0.3.0\n"},
        "a URL": {listed: text.replace("./tools/", "https://example.com/")},
        "one more requirement": {listed: f"{text}flask==3.0.0\n"},
        "the template's version": dict(
            tree.swap("pyproject.toml", 'version = "0.3.0', 'version = "0.4.0')
        ),
        "no list": {listed: None},
    }
    for kind, edits in kinds.items():
        said = claim if kind != "one more requirement" else ""
        yield Plant("engine", kind, edits, paths, said, also=("unreadable",))


def _allow(tree: Tree) -> Iterator[Plant]:
    claim = "an exception may not be a blank cheque: path names one file or package, until is at most a year ahead"
    table = '\n[[tool.monorepo.allow]]\nrule = "{r}"\npath = "{p}"\nreason = "{w}"\nuntil = {u}\n'
    soon = (datetime.now(tz=UTC).date() + timedelta(days=60)).isoformat()
    late = (datetime.now(tz=UTC).date() + timedelta(days=400)).isoformat()
    past = (datetime.now(tz=UTC).date() - timedelta(days=2)).isoformat()
    file = f"{CORE}/src/acme_core/fresh.py"
    cause = {file: '"""More."""\n\nimport flask\n'}
    good = {"r": "declared", "p": file, "w": "it goes next month", "u": soon}
    wrong = {
        "all": {"p": "."},
        "shared": {"p": "shared"},
        "an area": {"p": "shared/py"},
        "a pattern": {"p": "shared/py/*"},
        "a folder in a package": {"p": f"{CORE}/src"},
        "nothing": {"p": ""},
        "for ever": {"u": "9999-12-31"},
        "over a year": {"u": late},
        "over": {"u": past},
        "no reason": {"w": ""},
        "no rule": {"r": "nosuch"},
        "a file that is not": {"p": f"{CORE}/src/acme_core/nosuch.py"},
        "not used": {"r": "heavy"},
    }
    paths = ("pyproject.toml",)
    for kind, change in wrong.items():
        edits = {**cause, **tree.append("pyproject.toml", table.format(**{**good, **change}))}
        yield Plant("allow", kind, edits, paths, claim)
    for what in ("reason", "until", "path", "rule"):
        text = "\n".join(
            line for line in table.format(**good).splitlines() if not line.startswith(what)
        )
        edits = {**cause, **tree.append("pyproject.toml", f"{text}\n")}
        yield Plant("allow", f"without {what}", edits, paths, claim)
    for path in (file, CORE):
        edits = {**cause, **tree.append("pyproject.toml", table.format(**{**good, "p": path}))}
        yield Plant("allow", f"an exception for {path}", edits, twin=True)
    by_id = {
        **cause,
        **tree.append("pyproject.toml", table.format(**{**good, "r": "declared.missing"})),
    }
    yield Plant("allow", "an exception by id", by_id, twin=True)
