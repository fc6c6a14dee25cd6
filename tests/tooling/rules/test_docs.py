"""The documents speak of what is there."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.guard import cache, catalog, runner

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
MAKEFILE = """\
ROOT := .
include tools/make/common.mk
override PKG := $(value PKG)
.PHONY: check test
check test: install ## Both
\t@echo no-target:
lock::
new:
VARIABLE ::= x
deploy-%:
\techo $@
"""
PACKAGE = "ROOT ?= ../../..\ninclude $(ROOT)/tools/make/py.mk\n"
PY = "include $(ROOT)/tools/make/common.mk\nlint: ready\nifneq ($(wildcard src/*/main.py),)\n"
PY += "include $(ROOT)/tools/make/services-py.mk\nendif\n"
RULES = "## Rules\n\nText.\n\n" + "".join(f"- `{rule}`: holds.\n" for rule in catalog.RULES)


@pytest.fixture
def told(root: Path, package: MakePackage, write: Write) -> Callable[..., list[str]]:
    package("shared/py/a")
    package("services/py/s")
    write(
        {
            "Makefile": MAKEFILE,
            "noxfile.py": "import nox\n@nox.session\ndef own(session): pass\n",
            "tools/make/common.mk": "help: ## Help\ninstall:\nX := y\n",
            "tools/make/monorepo.sh": "",
            "tools/make/py.mk": PY,
            "tools/make/services-py.mk": "dev: ready\n",
            "shared/py/a/Makefile": PACKAGE,
            "services/py/s/Makefile": PACKAGE,
            "services/py/s/scripts/smoke.sh": "",
        }
    )

    def told(text: str, path: str = "README.md") -> list[str]:
        write({path: text})
        found = runner.guard(workspace.load(root), ["docs"])
        return [f"{one.line}: {one.message}" for one in found]

    return told


Told = Callable[..., list[str]]
SPANS = [
    ("make", ""),
    ("make help", ""),
    ("make -n <target>", ""),
    ("make -j 4 check ARGS='-k x'", ""),
    ("PYTHON=x make lock", ""),
    ("make deploy-it", ""),
    ("make tests", "Make has no target tests"),
    ("make no-target", "Make has no target no-target"),
    ("make VARIABLE X", "Make has no target VARIABLE, X"),
    ("make lint", "Make has no target lint"),
    ("make -C shared/py/a lint", ""),
    ("make -C shared/py/a dev", "Make has no target dev in shared/py/a"),
    ("make -C services/py/s dev", ""),
    ("make -f other.mk what", ""),
    ("make sure of it", "Make has no target sure, of, it"),
    ('make test PKG="shared/py/a services/py/s …"', ""),
    ("make test PKG=shared/py/b", "there is not a package shared/py/b"),
    ("make new AT=shared/py/new DEPS='shared/py/a[x] tiny-a'", ""),
    ("make new AT=shared/py/new DEPS=core", "there is not a package core"),
    ("make test RULE=docs", ""),
    ("make test RULE='docs nope'", "there is not a rule nope"),
    ("nox", ""),
    ("nox -l", ""),
    ("nox -s lint 'test-3.12(shared/py/a)' -- -k name", ""),
    ("nox -s own", ""),
    (".venv/bin/nox --session=smoke", ""),
    ("uvx nox -s lints", "nox has no session lints"),
    ("nox -s 'lint(shared/py/b)'", "nox has no session lint(shared/py/b)"),
    ("nox -s 'smoke(shared/py/a)'", "nox has no session smoke(shared/py/a)"),
    ("nox -s test-gpu", ""),
    ("nox -s 'test-gpu(shared/py/a)'", "nox has no session test-gpu(shared/py/a)"),
    ("nox -s test-3.9", "nox has no session test-3.9"),
    ("nox -s lint-3.12", "nox has no session lint-3.12"),
    ("nox -s test-<python>", ""),
    (".venv/bin/python -c 'import x'", ""),
    (".venv/bin/python -m monorepo …", ""),
    ("services/py/s/scripts/smoke.sh", ""),
    ("sh services/py/s/scripts/smoke.sh x", ""),
    ("services/py/s/scripts/gone.sh", "there is no services/py/s/scripts/gone.sh"),
    ("services/py/<name>/scripts/smoke.sh", ""),
    ("services/py/s/reports/", ""),
    ("cd services", ""),
    ("cd py", ""),
    ("scripts/smoke.sh", ""),
    ("path/to/it.py", ""),
    ("makes tests", ""),
    ("it's make tests", ""),
]


@pytest.mark.parametrize(("span", "said"), SPANS, ids=[span for span, _ in SPANS])
def test_code_spans(told: Told, span: str, said: str) -> None:
    lines = told(f"# Title\n\nMake sure to\nrun `{span}` and make sense.\n")
    assert [line.partition(": ")[0] for line in lines] == ["4"] * bool(said), lines
    assert all(line.startswith(f"4: {said}") for line in lines)


def test_blocks_of_shells_only(told: Told) -> None:
    block = "make gone  # make this\n$(make x\nmake check && make gone2 | cat; make lock\n"
    block += "cd shared/py/a && make lint\nmake dev\ncd elsewhere\nmake \\\n  gone3\n"
    assert told(f"Text:\n\n- ```sh\n  {block.replace(chr(10), chr(10) + '  ')}```\n") == [
        "4: Make has no target gone",
        "6: Make has no target gone2",
        "8: Make has no target dev in shared/py/a",
        "11: Make has no target gone3",
    ]
    assert told(f"```\n{block}```\n\n```python\n{block}```\n") == []
    assert told("```console\n$ make gone\nmake: *** No rule\n$ cd shared/x\n```\n") == [
        "2: Make has no target gone",
        "4: there is no shared/x",
    ]
    assert told("| a | b |\n|---|---|\n| x | y |\n| x | `make gone` |\n")[0][0] == "4"


def test_a_package_speaks_of_its_own_targets(told: Told) -> None:
    assert told("`make lint`, `make lock`, `nox -s test`\n", "shared/py/a/README.md") == []
    text = "`make dev`, `nox -s smoke`, `scripts/smoke.sh`, `nox -s 'lint(shared/py/a)'`\n"
    assert told(text, "services/py/s/README.md") == []
    assert told(text, "shared/py/a/README.md") == [
        "1: Make has no target dev in shared/py/a",
        "1: nox has no session smoke",
    ]


LINKS = [
    ("[a](shared/py/a)", ""),
    ("[a](https://example.com/x#y) <https://example.com> [m](mailto:a@b.example)", ""),
    ("[a](../../issues)", ""),
    ("[a](../gone.md)", "the link leads to ../gone.md, which is not there"),
    ("[a](gone.md)", "the link leads to gone.md, which is not there"),
    ("![a](gone.svg)", "the link leads to gone.svg, which is not there"),
    ("[a](/shared/py/gone)", "the link leads to shared/py/gone, which is not there"),
    ("[a](with%20space.md)", ""),
    ("[a](#c--and-d_e)", ""),
    ("[a](#the-make-help-and-link)", ""),
    ("[a](#same-1) [a](#SAME)", ""),
    ("[a](#same-2)", "README.md has no heading for #same-2"),
    ("[a](README.md#own) [b](#own2)", ""),
    ("[a](with%20space.md#it-is)", ""),
    ("[a](with%20space.md#is-it)", "with space.md has no heading for #is-it"),
    ("[a](tools/requirements.txt#L3)", ""),
    ("[a][b]\n\n[b]: gone.md", "the link leads to gone.md, which is not there"),
    ("`[a](gone.md)`", ""),
    ("[a](http://[x)", ""),
]
HEADINGS = """
# C & and D_E!

## The `make help` and [link](https://example.com)

## Same

## Same

<a name="own"></a>

<div id="own2"></div>
"""


@pytest.mark.parametrize(("text", "said"), LINKS, ids=[text for text, _ in LINKS])
def test_links(told: Told, write: Write, text: str, said: str) -> None:
    write({"with space.md": "It is\n=====\n"})
    heading = HEADINGS.replace("C & and", "C and") if "c--and" not in text else HEADINGS
    assert told(f"{heading}\n{text}\n") == ([f"14: {said}"] if said else [])


def test_agents_are_told_of_each_rule(told: Told) -> None:
    assert told(RULES, "AGENTS.md") == []
    assert told(RULES.replace("- `docs`:", "- `nope`:"), "AGENTS.md") == [
        "0: does not tell of docs",
        f"{RULES[: RULES.index('- `docs`')].count(chr(10)) + 1}: there is not a rule nope",
    ]
    assert told(RULES.replace("- `pins`: holds.\n- `conf", "- `pins`, `conf"), "AGENTS.md") == []
    assert told(RULES.replace("- `pins`: ", "- Of `pins`: "), "AGENTS.md") == [
        "0: does not tell of pins"
    ]
    assert told("# Else\n\n- `x`: y\n", "AGENTS.md") == [
        f"0: does not tell of {', '.join(catalog.RULES)}"
    ]


def test_a_broken_package_is_one(told: Told, write: Write) -> None:
    write({"shared/py/broken/pyproject.toml": "["})
    path = "shared/py/broken"
    text = f'`make test PKG={path}`, `nox -s "test-3.11({path})"`, `make new DEPS="tiny-broken"`\n'
    assert [line for line in told(text) if ": docs: " in line] == []


def test_a_script_that_every_service_has(told: Told, write: Write) -> None:
    write({"scripts/other.sh": ""})
    assert told("`scripts/smoke.sh`\n") == []
    assert len(told("`scripts/gone.sh`\n")) == 1


def test_what_cannot_be_told_is_let_be(told: Told, root: Path, write: Write) -> None:
    write({"shared/py/a/Makefile": "include $(WHERE)/x.mk\n"})
    assert told("`make what`\n", "shared/py/a/README.md") == []
    write({"shared/py/a/Makefile": "$(foreach x,a b,$(eval $(x): ; echo))\n"})
    assert told("`make what`\n", "shared/py/a/README.md") == []
    write({"noxfile.py": "def (", "Makefile": MAKEFILE})
    assert len(told("`nox -s what`\n")) == 2
    (root / "README.md").write_bytes(b"`make gone` \xff")
    os.symlink("CONTRIBUTING.md", root / "CONTRIBUTING.md")
    (root / "AGENTS.md").write_bytes(b"`make gone` \0")
    found = runner.guard(workspace.load(root), ["docs"])
    assert {one.path for one in found if one.rule == "unreadable"} >= {"README.md", "AGENTS.md"}


PYTHON = {
    "from tiny_a import delays": "",
    "from tiny_a import delays, gone": "tiny_a.gone",
    "from tiny_a import (\n    gone,\n)": "tiny_a.gone",
    "from tiny_a.gone import x": "tiny_a.gone",
    "from tiny_a.more import helper, LIMIT, late, Kind, sub": "",
    "from tiny_a.more import nope": "tiny_a.more.nope",
    "from tiny_a.more.nope import x": "tiny_a.more.nope",
    "import tiny_a.old": "tiny_a.old",
    "import tiny_a\ntiny_a.delays(1)": "",
    "\nimport tiny_a\ntiny_a.more.nope()": "tiny_a.more.nope",
    "import tiny_a.starred\nfrom tiny_a.lazy import x\nfrom tiny_a.starred import y": "",
    "from tiny_a import *\nfrom tiny_a import __version__": "",
    "from elsewhere import x\nfrom tiny_gone import x": "",
    "from tiny_a import gone\nprint(…)\n{% bad %}": "tiny_a.gone",
    ">>> from tiny_a import gone\n>>> 1 + 1\n2": "tiny_a.gone",
}
TYPESCRIPT = {
    'import { chunks, type Size } from "@tiny/b";': "",
    'import { chunks, gone } from "@tiny/b";': "gone from @tiny/b",
    'import type { Gone } from "@tiny/b";': "Gone from @tiny/b",
    'import { other } from "@tiny/b/far";': "",
    'import b, { nope } from "@tiny/b";': "nope from @tiny/b",
    'import * as b from "@tiny/b"; import c from "@tiny/gone"; import "./x.js";': "",
    'const b = await import("@tiny/b/sub");': "@tiny/b/sub",
    'import { any } from "@tiny/c";': "",
}
SHELL = {
    "python -m tiny_a.more": "",
    "uv run python3 -m tiny_a.gone --help": "tiny_a.gone",
    ".venv/bin/python -m tiny_gone": "",
}
SPAN = {
    "tiny_a.more.helper": "",
    "tiny_a.more:helper": "",
    "tiny_a.gone": "tiny_a.gone",
    "tiny_a.delays(1, 2)": "",
    "tiny_a.more:gone": "tiny_a.more.gone",
    "tiny_a.toml": "",
    "python -m tiny_a.gone": "tiny_a.gone",
}
CASES = [(f"```python\n{text}\n```", said) for text, said in PYTHON.items()]
CASES += [(f"```ts\n{text}\n```", said) for text, said in TYPESCRIPT.items()]
CASES += [(f"```sh\n{text}\n```", said) for text, said in SHELL.items()]
CASES += [(f"Text `{text}`", said) for text, said in SPAN.items()]


@pytest.mark.parametrize(("text", "said"), CASES, ids=[text for text, _ in CASES])
def test_imports_in_documents(told: Told, write: Write, text: str, said: str) -> None:
    more = "import os\nLIMIT: int = 1\nif os:\n    def helper(): ...\n"
    more += "try:\n    import sub.x\nexcept ImportError:\n    late = None\nclass Kind: nope = 1\n"
    write(
        {
            "shared/py/a/src/tiny_a/__init__.py": "from .more import helper as delays\n",
            "shared/py/a/src/tiny_a/more.py": more,
            "shared/py/a/src/tiny_a/lazy.py": "def __getattr__(name): ...\n",
            "shared/py/a/src/tiny_a/starred.py": "from other import *\n",
            "shared/py/a/src/tiny_a/old/__pycache__/x.pyc": "",
            "shared/js/b/package.json": '{"name": "@tiny/b", "exports": {".": {"source":'
            ' "./src/index.ts"}, "./far": "./src/far.ts"}}',
            "shared/js/b/src/index.ts": "export function chunks() {}\nexport type Size = number;",
            "shared/js/b/src/far.ts": 'export * from "far";\n',
            "shared/js/c/package.json": '{"name": "@tiny/c"}',
        }
    )
    lines = told(f"{text}\n", "shared/py/a/README.md")
    assert [line.partition(": ")[2] for line in lines] == [
        f"imports {said}, which the code does not have"
    ] * bool(said)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "[" * 50_000,
        "`" * 50_000,
        "> " * 5_000,
        "- " * 5_000,
        "<a " * 20_000,
        "`make \0 '\"$(`" * 99,
    ],
)
def test_no_document_is_too_odd(told: Told, text: str) -> None:
    assert isinstance(told(f"{text}\n"), list)


def test_what_was_read_is_kept(told: Told, root: Path) -> None:
    (root / ".venv").mkdir()
    assert len(told("`make gone`\n")) == 1
    lines = (root / cache.FILE).read_text(encoding="utf-8").split("\n")
    (noted,) = (line for line in lines if line.endswith("\tREADME.md"))
    assert json.loads(noted.partition("\t")[0])[1]["docs"] == [
        "",
        [["command", 1, ["make", "gone"]]],
    ]
    assert len(told("`make gone`\n")) == 1
