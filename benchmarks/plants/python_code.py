"""Imports in Python: by which spelling, where it stands, in which file; for the rules about them."""

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from textwrap import indent
from typing import Any

from benchmarks.plants.planting import Plant, Tree, combined, innocent, merged

IMPORTED = "an import is declared"
CONSTANT = "import_module/__import__ with a constant count, also with keywords, aliases and simple constants"
OPTIONAL = (
    "or stands in try/except ImportError or behind find_spec and is declared in an extra or group"
)
ENTRY = "entry points and pytest_plugins that name another distribution count"
READ = "notebooks and stubs are read"
UNUSED = (
    "unused is told where a manifest is complete and nothing in the package imports the provider"
)
SERVICE = "no package imports a service or an app"
PRIVATE = "no package imports another one's private modules"
STRINGS = 'layers reads module strings ("pkg.mod:attr") besides imports'
EXTRA = "a package that imports a submodule which needs an extra requests that extra"

CORE = "shared/py/core"
AUDIO = "shared/py/audio"


@dataclass(frozen=True)
class Form:
    """A spelling of an import: {m} is the module, {n} a name in it, {h} and {t} its two halves."""

    code: str
    before: str = ""
    claim: str = IMPORTED


STATEMENTS = {
    "import": Form("import {m}"),
    "import as": Form("import {m} as thing"),
    "import two": Form("import os, {m}"),
    "from": Form("from {m} import {n}"),
    "from as": Form("from {m} import {n} as thing"),
    "from in brackets": Form("from {m} import (\n    {n},\n)"),
    "from with a backslash": Form("from {m} \\\n    import {n}"),
}
EXPRESSIONS = {
    "__import__": Form('__import__("{m}")', claim=CONSTANT),
    "__import__ by keyword": Form('__import__(name="{m}")', claim=CONSTANT),
    "import_module": Form('importlib.import_module("{m}")', "import importlib", CONSTANT),
    "import_module by keyword": Form(
        "importlib.import_module(name='{m}')", "import importlib", CONSTANT
    ),
    "module alias": Form("il.import_module('{m}')", "import importlib as il", CONSTANT),
    "function alias": Form("load('{m}')", "from importlib import import_module as load", CONSTANT),
    "from importlib": Form("import_module('{m}')", "from importlib import import_module", CONSTANT),
    "assigned alias": Form(
        "load('{m}')", "import importlib\n\nload = importlib.import_module", CONSTANT
    ),
    "constant": Form(
        "importlib.import_module(TARGET)", 'import importlib\n\nTARGET = "{m}"', CONSTANT
    ),
    "annotated constant": Form(
        "__import__(TARGET)",
        "from typing import Final\n\nTARGET: Final = '{m}'",
        CONSTANT,
    ),
    "adjacent strings": Form('__import__("{h}" "{t}")', claim=CONSTANT),
    "triple quotes": Form('__import__("""{m}""")', claim=CONSTANT),
    "joined strings": Form('__import__("{h}" + "{t}")', claim=""),
    "f-string": Form('__import__(f"{m}")', claim=""),
    "resolve_name": Form('pkgutil.resolve_name("{m}:{n}")', "import pkgutil", ""),
    "run_module": Form('runpy.run_module("{m}")', "import runpy", ""),
    "exec": Form('exec("import {m}")', claim=""),
}
# Places for a statement, which an expression can be as well.
PLACES = {
    "top": "{s}",
    "function": "def f() -> None:\n    {s}",
    "method": "class C:\n    def f(self) -> None:\n        {s}",
    "nested function": "def f() -> None:\n    def g() -> None:\n        {s}\n\n    g()",
    "async function": "async def f() -> None:\n    {s}",
    "class": "class C:\n    {s}",
    "if": "import sys\n\nif sys.platform == 'linux':\n    {s}",
    "else": "import sys\n\nif sys.platform == 'win32':\n    pass\nelse:\n    {s}",
    "elif": "import sys\n\nif sys.argv:\n    pass\nelif sys.path:\n    {s}",
    "try with finally": "try:\n    {s}\nfinally:\n    pass",
    "finally": "try:\n    pass\nfinally:\n    {s}",
    "try with ValueError": "try:\n    {s}\nexcept ValueError:\n    pass",
    "handler": "try:\n    int('x')\nexcept ValueError:\n    {s}",
    "try else": "try:\n    int('1')\nexcept ValueError:\n    pass\nelse:\n    {s}",
    "with": "import contextlib\n\nwith contextlib.nullcontext():\n    {s}",
    "for": "for _ in ():\n    {s}",
    "while": "while False:\n    {s}",
    "match": "import sys\n\nmatch sys.platform:\n    case 'linux':\n        {s}",
    "main": "if __name__ == '__main__':\n    {s}",
    "type checkers": "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    {s}",
    "behind a semicolon": "x = 1; {s}",
    "try with ImportError, undeclared": "try:\n    {s}\nexcept ImportError:\n    pass",
    "try with Exception, undeclared": "try:\n    {s}\nexcept Exception:\n    pass",
    "suppress, undeclared": "import contextlib\n\nwith contextlib.suppress(ImportError):\n    {s}",
    "find_spec, undeclared": (
        "from importlib.util import find_spec\n\nif find_spec('{m}'):\n    {s}"
    ),
}
# Places for an expression alone; %( and )% are braces.
SLOTS = {
    "assignment": "thing = {s}",
    "decorator": "@{s}.{n}\ndef f() -> None:\n    pass",
    "default argument": "def f(x: object = {s}) -> None:\n    pass",
    "lambda": "f = lambda: {s}",
    "comprehension": "x = [{s} for _ in range(2)]",
    "f-string": "x = f'%({s})%'",
    "return": "def f() -> object:\n    return {s}.{n}",
    "base class": "class C({s}.{n}):\n    pass",
    "walrus": "if (thing := {s}):\n    pass",
    "dictionary": "x = %('a': {s}.{n})%",
    "argument": "print(getattr({s}, '{n}'))",
    "annotation": "def f(x: {s}.{n}) -> None:\n    pass",
    "conditional expression": "import sys\n\nx = {s} if sys.argv else None",
}


def code(form: Form, place: str, module: str, name: str) -> str:
    """Return code with an import of a module."""
    half = len(module) // 2
    words = {"m": module, "n": name, "h": module[:half], "t": module[half:]}
    spelled = form.code.format(**words)
    lines = []
    for line in place.split("\n"):
        start = len(line) - len(line.lstrip())
        if line.strip() == "{s}":
            lines.append(indent(spelled, " " * start))
        else:
            filled = line.replace("{s}", spelled)
            lines.append(filled.replace("{m}", module).replace("{n}", name))
    body = "\n".join(lines).replace("%(", "{").replace(")%", "}")
    before = f"{form.before.format(**words)}\n\n" if form.before else ""
    return f"{before}{body}\n"


def notebook(source: str) -> str:
    """Return a notebook with a document, an empty cell and one of code."""
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "metadata": {}, "source": ["import nothing\n"]},
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": []},
        {
            "cell_type": "code",
            "execution_count": 1,
            "metadata": {},
            "outputs": [{"output_type": "stream", "name": "stdout", "text": ["import os\n"]}],
            "source": source.splitlines(keepends=True),
        },
    ]
    told = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(told, indent=1) + "\n"


def files(tree: Tree, package: str, top: str) -> dict[str, Any]:
    """Return what puts code into each kind of file of a package: the edits, and the path."""
    src = f"{package}/src/{top}"

    def appended(path: str, text: str) -> tuple[dict[str, str], str]:
        return tree.append(path, f"\n\n{text}"), path

    def fresh(path: str, text: str) -> tuple[dict[str, str], str]:
        return {path: f'"""More."""\n\n{text}'}, path

    def noted(path: str, text: str) -> tuple[dict[str, str], str]:
        return {path: notebook(text)}, path

    return {
        "its __init__": partial(appended, f"{src}/__init__.py"),
        "a module": partial(appended, f"{src}/retries.py"),
        "a new module": partial(fresh, f"{src}/fresh.py"),
        "a subpackage": partial(fresh, f"{src}/deep/down/inner.py"),
        "a test": partial(appended, f"{package}/tests/unit/test_retries.py"),
        "a conftest": partial(fresh, f"{package}/tests/conftest.py"),
        "a new test": partial(fresh, f"{package}/tests/integration/test_fresh.py"),
        "a notebook": partial(noted, f"{package}/notebooks/look.ipynb"),
        "a notebook in src": partial(noted, f"{src}/look.ipynb"),
        "a stub": partial(fresh, f"{src}/native.pyi"),
    }


IN_SRC = ("its __init__", "a module", "a new module", "a subpackage")
MODULES = {
    "installed for others": ("httpx2", "AsyncClient"),
    "a submodule of one": ("sqlalchemy.orm", "Session"),
    "brought by one": ("anyio", "run"),
    "in a namespace": ("opentelemetry.trace", "get_tracer"),
    "called otherwise": ("google.protobuf", "message"),
    "not installed": ("flask", "Flask"),
    "not installed, called otherwise": ("sklearn.linear_model", "Ridge"),
    "not installed, in a namespace": ("google.cloud.storage", "Client"),
    "a sibling": ("acme_audio", "delays"),
    "of developers": ("jsonschema", "validate"),
}
# What pins are there for, with the ranges that others have declared.
DECLARABLE = {
    "httpx2": (("httpx2", "AsyncClient"), "httpx2>=2.10"),
    "sqlalchemy": (("sqlalchemy.orm", "Session"), "sqlalchemy>=2.1"),
    "pydantic": (("pydantic", "BaseModel"), "pydantic>=2.14"),
    "sibling": (("acme_audio", "delays"), "acme-audio"),
    "opentelemetry": (("opentelemetry.trace", "get_tracer"), "opentelemetry-api>=1.45"),
}


def spellings() -> dict[str, tuple[Form, str]]:
    """Return each form at each place at which it can stand."""
    found = {}
    for how, form in {**STATEMENTS, **EXPRESSIONS}.items():
        # In a line of its own, a form of two lines fits no place behind something else.
        for where, place in PLACES.items():
            if "\n" not in form.code or "; {s}" not in place:
                found[f"{how}, {where}"] = (form, place)
    for how, form in EXPRESSIONS.items():
        for where, place in SLOTS.items():
            # Inside an f-string, another one would end it.
            if (
                not (where == "f-string" and "'" in form.code)
                and form.code != EXPRESSIONS["exec"].code
            ):
                found[f"{how}, {where}"] = (form, place)
    return found


def drawn(
    rng: random.Random, count: int, modules: Mapping[str, tuple[str, str]], kinds: Mapping[str, Any]
) -> Iterator[tuple[str, str, Form, str, str, str, Any]]:
    """Yield what code is made from, with each form and each place in it equally often."""
    grid = spellings()
    forms = {**STATEMENTS, **EXPRESSIONS}
    places = {**PLACES, **SLOTS}
    made = 0
    while made < count:
        before = made
        for (how, form), (where, place), (which, (module, name)), (what, put) in combined(
            rng, len(places) * 8, forms, places, modules, kinds
        ):
            if f"{how}, {where}" not in grid or (what == "a stub" and how in EXPRESSIONS):
                continue
            if what == "a stub" and where not in ("top", "if", "else", "type checkers"):
                continue
            yield f"{how}, {where}, {what}, {which}", where, form, place, module, name, put
            made += 1
            if made >= count:
                return
        if made == before:
            return


def plants(tree: Tree, rng: random.Random, share: float) -> Iterator[Plant]:
    """Yield the plants about imports in Python."""

    def some(count: int) -> int:
        return max(2, round(count * share))

    yield from _missing(tree, rng, some(110))
    yield from _named(tree, rng, some(24))
    yield from _unused(tree, rng, some(30))
    yield from _misplaced(tree, rng, some(16))
    yield from _innocent(tree, rng, some(30))
    yield from _services(tree, rng, some(40))
    yield from _strings(tree, rng, some(18))
    yield from _extras(tree, rng, some(30))
    yield from _wordings(tree)
    yield from _contracts(tree, rng, some(14))


def _missing(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    kinds = files(tree, CORE, "acme_core")
    for kind, _, form, place, module, name, put in drawn(rng, count, MODULES, kinds):
        edits, path = put(code(form, place, module, name))
        claim = READ if form.claim and path.endswith(("ipynb", "pyi")) else form.claim
        if "acme_audio" in module and "sys.argv" in place and "notebook" in kind:
            continue
        yield Plant("declared", kind, edits, (path,), claim)
    kinds = files(tree, CORE, "acme_core")
    modules = {name: module for name, (module, _) in DECLARABLE.items()}
    for kind, where, form, place, module, name, put in drawn(rng, count // 2, modules, kinds):
        if not form.claim:
            continue
        wanted = next(one for (first, _), one in DECLARABLE.values() if first == module)
        edits, path = put(code(form, place, module, name))
        # Used in src as well, so that its place is the right one.
        used = {f"{CORE}/src/acme_core/user.py": f'"""Use it."""\n\nimport {module}\n'}
        grown = merged(edits, used, tree.require(CORE, wanted))
        if "undeclared" in where:
            grown = merged(edits, used, tree.require(CORE, wanted))
        yield Plant("declared", f"declared: {kind}", grown, twin=True)


def _named(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    """Yield entry points and plugins of pytest that are of another distribution."""
    modules = {"not installed": "flask", "installed": "httpx2", "a sibling": "acme_audio"}
    manifest = f"{CORE}/pyproject.toml"
    places = {
        "scripts": '[project.scripts]\nacme-core = "{m}:main"\n',
        "gui-scripts": '[project.gui-scripts]\nacme-core = "{m}:main"\n',
        "entry points": '[project.entry-points."acme.plugins"]\nsome = "{m}.plugin"\n',
        "entry points with an attribute": '[project.entry-points.pytest11]\nsome = "{m}.p:X.y"\n',
        "entry points, inline": '[project.entry-points]\n"acme.x" = {{ some = "{m}:x" }}\n',
    }
    spelled = {
        "a string": 'pytest_plugins = "{m}"',
        "a list": 'pytest_plugins = ["{m}"]',
        "a tuple": 'pytest_plugins = ("{m}.plugin",)',
        "annotated": 'pytest_plugins: list[str] = ["{m}"]',
    }
    for (which, module), (where, place) in combined(rng, count // 2, modules, places):
        text = f"{tree.text(manifest)}\n{place.format(m=module)}"
        yield Plant("declared", f"{where}: {which}", {manifest: text}, (manifest,), ENTRY)
    conftests = {"tests": "tests/conftest.py", "unit": "tests/unit/conftest.py"}
    for (which, module), (how, line), (_, path) in combined(
        rng, count // 2, modules, spelled, conftests
    ):
        file = f"{CORE}/{path}"
        text = f'"""Fixtures."""\n\n{line.format(m=module)}\n'
        yield Plant("declared", f"pytest_plugins, {how}: {which}", {file: text}, (file,), ENTRY)


SPELLED = {
    "a bare name": "{n}",
    "a range": "{n}{r}",
    "another case": "{N}{r}",
    "with spaces": "{n} {r} ",
    "with a marker": "{n}{r} ; python_version >= '3.11'",
    "with brackets": "{n} ({r})",
}


def _spelled(how: str, name: str, bound: str) -> str:
    return how.format(n=name, N=name.title(), r=bound)


def _unused(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    wanted = {
        "httpx2": ("httpx2", ">=2.10"),
        "sqlalchemy": ("sqlalchemy", ">=2.1"),
        "pydantic-settings": ("pydantic-settings", ">=2.16"),
        "jsonschema": ("jsonschema", ">=4.26"),
        "a sibling": ("acme-audio", ""),
    }
    spelled = {**SPELLED, "a comment before it": "{n}{r}"}
    tempting = {
        "nothing else": "",
        "its name in a docstring": '"""Not with {m}."""\n',
        "its name in a comment": "# import {m}\n",
        "a variable of that name": "{m} = 1\n",
        "an attribute of that name": "def f(x):\n    return x.{m}\n",
        "its name in a text": 'MESSAGE = "no {m} here"\n',
        "a relative import": "from .{m} import y\n",
    }
    for (_, (name, bound)), (how, form), (what, text) in combined(
        rng, count * 2 // 3, wanted, spelled, tempting
    ):
        if name == "acme-audio" and "brackets" in how:
            continue
        module = name.replace("-", "_")
        edits = tree.require(CORE, _spelled(form, name, bound))
        if text:
            file = f"{CORE}/src/acme_core/more.py"
            edits = {**edits, file: text.format(m=module)}
        if "relative" in what:
            edits[f"{CORE}/src/acme_core/{module}.py"] = "y = 1\n"
        kind = f"unused {name}, {how}, {what}"
        manifest = f"{CORE}/pyproject.toml"
        # A package of this repository may be declared before it is imported.
        claim = "" if name == "acme-audio" else UNUSED
        yield Plant("declared", kind, edits, (manifest,), claim)
        if "text" in what or "docstring" in what:
            reason = f'\n[tool.monorepo.unimported]\n{name} = "a server loads it by name"\n'
            twin = {manifest: f"{edits[manifest]}{reason}"}
            plant = Plant("declared", kind, edits)
            yield innocent(plant, f"unimported {name}, {how}", twin)
    uses = {
        "in a notebook": notebook("import {m}\n"),
        "in a stub": "import {m}\n",
        "for type checkers": (
            "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import {m}\n"
        ),
        "in a function": "def f() -> None:\n    import {m}\n",
        "as import_module": 'import importlib\n\nx = importlib.import_module("{m}")\n',
    }
    for (_, (name, bound)), (what, used) in combined(rng, count // 3, wanted, uses):
        suffix = {"in a notebook": "ipynb", "in a stub": "pyi"}.get(what, "py")
        file = f"{CORE}/src/acme_core/more.{suffix}"
        text = used.replace("{m}", name.replace("-", "_"))
        whole = merged(tree.require(CORE, f"{name}{bound}"), {file: text})
        yield Plant("declared", f"used {what}: {name}", whole, twin=True)


def _misplaced(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    """Yield what is declared in another place than where it is needed."""
    kinds = files(tree, CORE, "acme_core")
    src = {name: kinds[name] for name in IN_SRC}
    modules = {name: module for name, (module, _) in DECLARABLE.items()}
    groups = ("group:test", "group:docs")
    for (how, form), (which, (module, name)), (what, put), (group, _) in combined(
        rng, count, STATEMENTS, modules, src, groups
    ):
        wanted = next(one for (first, _), one in DECLARABLE.values() if first == module)
        edits, path = put(code(form, PLACES["top"], module, name))
        edits = merged(edits, tree.require(CORE, wanted, where=group))
        kind = f"{how}, {what}, {which}, declared in {group} only"
        yield Plant(
            "declared", kind, edits, (path, f"{CORE}/pyproject.toml"), IMPORTED, also=("extras",)
        )


def _innocent(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    """Yield code that only looks like an import, or needs no declaration."""
    kinds = files(tree, CORE, "acme_core")
    python = {name: put for name, put in kinds.items() if "notebook" not in name}
    del python["a stub"]
    alike = {
        "docstring": 'def f() -> None:\n    """Do `import flask`.\n\n    >>> import flask\n    """\n',
        "comment": "# import flask\n# from httpx2 import AsyncClient\n",
        "text": 'TEXT = """\nimport flask\nfrom flask import Flask\n"""\n',
        "raw text": "TEXT = r'import flask'\n",
        "a name": "flask = 1\nhttpx2 = flask\n",
        "an attribute": "class C:\n    flask = 1\n\n\nprint(C.flask)\n",
        "of the language": "import json, tomllib\nfrom concurrent.futures import wait\n",
        "of the language, late": "def f() -> None:\n    import sqlite3 as s\n    s.connect\n",
        "import_module of the language": "import importlib\n\nimportlib.import_module('json')\n",
        "future": "def f() -> None:\n    from os import path\n",
        "itself": "import acme_core.retries\n",
        "itself, by name": "import importlib\n\nimportlib.import_module('acme_core.retries')\n",
        "itself, relative by name": (
            "import importlib\n\nimportlib.import_module('.retries', 'acme_core')\n"
        ),
        "a method of that name": "class C:\n    def import_module(self, x): ...\n\n\nC().import_module('flask')\n",
        "a shadowed function": "def import_module(name):\n    return name\n\n\nimport_module('flask')\n",
        "sys.modules": "import sys\n\nprint(sys.modules.get('flask'))\n",
    }
    for (what, text), (where, put) in combined(rng, count, alike, python):
        edits, _ = put(text)
        yield Plant("declared", f"no import: {what}, in {where}", edits, twin=True)
    extra = tree.require(CORE, "httpx2>=2.10", where="extra:fast")
    path = f"{CORE}/pyproject.toml"
    declared = {path: extra[path].replace("test = [", 'test = [\n    "acme-core[fast]",', 1)}
    options = {
        "try": "try:\n    import httpx2\nexcept ImportError:\n    httpx2 = None\n",
        "try with ModuleNotFoundError": (
            "try:\n    from httpx2 import Client\nexcept ModuleNotFoundError:\n    Client = None\n"
        ),
        "try with two errors": (
            "try:\n    import httpx2\nexcept (ImportError, OSError):\n    httpx2 = None\n"
        ),
        "find_spec": (
            "from importlib.util import find_spec\n\nif find_spec('httpx2'):\n    import httpx2\n"
        ),
        "find_spec is not None": (
            "import importlib.util\n\nif importlib.util.find_spec('httpx2') is not None:\n"
            "    import httpx2\n"
        ),
    }
    for what, text in options.items():
        edits, _ = kinds["a new module"](text)
        yield Plant(
            "declared", f"optional and in an extra: {what}", merged(edits, declared), twin=True
        )


TARGETS = {
    "a service": ("acme_svc_api.main", "create", "services/py/api", SERVICE),
    "another service": ("acme_svc_jobs", "main", "services/py/jobs", SERVICE),
    "an app": ("acme_app_report.cli", "main", "apps/py/report", SERVICE),
    "a private module": ("acme_audio._inner", "x", AUDIO, PRIVATE),
    "a module in a private package": ("acme_audio._deep.inner", "x", AUDIO, PRIVATE),
}
HIDDEN = {
    f"{AUDIO}/src/acme_audio/_inner.py": '"""Private."""\n\nx = 1\n',
    f"{AUDIO}/src/acme_audio/_deep/__init__.py": '"""Private."""\n',
    f"{AUDIO}/src/acme_audio/_deep/inner.py": '"""Private."""\n\nx = 1\n',
}


def _services(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    """Yield imports that go the wrong way, from shared packages and from services."""
    modules = {name: (target[0], target[1]) for name, target in TARGETS.items()}
    kinds = files(tree, CORE, "acme_core")
    for kind, _, form, place, module, name, put in drawn(rng, count, modules, kinds):
        edits, path = put(code(form, place, module, name))
        _, _, _, claim = next(one for one in TARGETS.values() if one[0] == module)
        declared: dict[str, str] = {}
        if claim == PRIVATE:
            # The package is declared and used, so that nothing but its privacy is at stake.
            used = {f"{CORE}/src/acme_core/user.py": '"""Use it."""\n\nimport acme_audio\n'}
            declared = {**used, **HIDDEN, **tree.require(CORE, "acme-audio")}
        yield Plant("layers", kind, merged(edits, declared), (path,), form.claim and claim)
    main = "services/py/jobs/src/acme_svc_jobs/main.py"
    for how, form in STATEMENTS.items():
        text = code(form, PLACES["top"], "acme_svc_api.main", "create")
        edits = tree.append(main, f"\n\n{text}")
        yield Plant("layers", f"{how}, a service in a service", edits, (main,), SERVICE)
    # What a package keeps private it may import itself, and its tests may.
    for how, form in STATEMENTS.items():
        kinds = files(tree, AUDIO, "acme_audio")
        for what in ("a new module", "a test"):
            text = code(form, PLACES["top"], "acme_audio._inner", "x")
            edits, _ = kinds[what](text)
            yield Plant(
                "layers", f"{how}, its own private module, {what}", merged(edits, HIDDEN), twin=True
            )


def _strings(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    """Yield names of modules in strings, entry points and manifests."""
    kinds = files(tree, CORE, "acme_core")
    src = {name: kinds[name] for name in (*IN_SRC, "a test")}
    modules = {"a service": "acme_svc_api.main", "an app": "acme_app_report.cli"}
    spelled = {
        "an argument": "def run(app: str) -> None: ...\n\n\nrun('{m}:create')\n",
        "a constant": "APP = '{m}:create'\n",
        "a keyword": "print(end='{m}:create')\n",
        "a list": "COMMAND = ['uvicorn', '{m}:create']\n",
        "a dictionary": "SETTINGS = {{'app': '{m}:create'}}\n",
        "a default": "def run(app: str = '{m}:create') -> None: ...\n",
        "a command": "import subprocess\n\n\ndef f() -> None:\n    subprocess.run(['gunicorn', '{m}:create'])\n",
    }
    for (how, text), (which, module), (where, put) in combined(rng, count, spelled, modules, src):
        edits, path = put(text.format(m=module))
        yield Plant("layers", f"module string, {how}, {where}, {which}", edits, (path,), STRINGS)
    manifest = f"{CORE}/pyproject.toml"
    manifests = "layers reads manifests, entry points and module strings besides imports"
    for table in ("scripts", "gui-scripts", 'entry-points."acme.x"'):
        for which, module in modules.items():
            text = f'{tree.text(manifest)}\n[project.{table}]\nacme-core = "{module}:main"\n'
            yield Plant("layers", f"{table}: {which}", {manifest: text}, (manifest,), manifests)
    names = {"service": "acme-svc-api", "app": "acme-app-report"}
    wheres = ("dependencies", "extra:all", "group:test", "group:other")
    spelled = {**SPELLED, "underscores": "{n}", "an extra": "{n}[x]"}
    for (how, form), (which, name), (where, _) in combined(rng, count, spelled, names, wheres):
        bound = "" if how == "a bare name" else ">=0.1"
        wanted = _spelled(form, name, bound)
        if how == "underscores":
            wanted = wanted.replace("-", "_")
        edits = tree.require(CORE, wanted, where=where)
        kind = f"declares {which}, {how}, in {where}"
        yield Plant("layers", kind, edits, (manifest,), manifests)
    text = "URL = 'http://localhost:8000/acme_svc_api'\nTITLE = 'acme-svc-api: start'\n"
    edits, _ = kinds["a new module"](text)
    yield Plant("layers", "a URL and a title, no module", edits, twin=True)


def _extras(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    """Yield imports of a submodule whose extra nobody asks for, and extras that there are not."""
    modules = {
        "notes": ("acme_notes.fastapi", "router"),
        "service": ("acme_service.fastapi", "serve"),
        "client": ("acme_service.client", "client"),
        "otel": ("acme_service.otel", "Exporting"),
    }
    kinds = files(tree, CORE, "acme_core")
    src = {name: kinds[name] for name in IN_SRC}
    bases = {"acme_notes": "acme-notes", "acme_service": "acme-service"}
    user = f"{CORE}/src/acme_core/user.py"
    # What an import in a function needs is an extra's matter as well where it runs always.
    tops = {name: place for name, place in PLACES.items() if name in ("top", "if", "class", "with")}
    for (how, form), (where, place), (which, (module, name)), (what, put) in combined(
        rng, count, {**STATEMENTS, **EXPRESSIONS}, tops, modules, src
    ):
        top = module.partition(".")[0]
        edits, _ = put(code(form, place, module, name))
        used = {user: f'"""Use it."""\n\nimport {top}\n'}
        kind = f"{how}, {where}, {what}, {which}"
        plain = merged(edits, used, tree.require(CORE, bases[top]))
        yield Plant("extras", kind, plain, (CORE,), form.claim and EXTRA)
        if how in STATEMENTS:
            extra = module.partition(".")[2]
            asked = merged(edits, used, tree.require(CORE, f"{bases[top]}[{extra}]"))
            yield Plant("extras", f"asked for: {kind}", asked, twin=True)
    there = "a requested extra exists"
    wheres = ("dependencies", "extra:all", "group:test")
    wanted = {
        "internal": "acme-notes[nosuch]",
        "internal, second": "acme-service[client,nosuch]",
        "internal, spaces": "acme-notes [ nosuch ]",
        "installed": "pydantic[nosuch]>=2.14",
        "installed, second": "uvicorn[standard,nosuch]>=0.51",
        "its own": "acme-core[nosuch]",
    }
    manifest = f"{CORE}/pyproject.toml"
    for (how, text), (where, _) in combined(rng, count // 2, wanted, wheres):
        if how == "its own" and where == "dependencies":
            continue
        edits = tree.require(CORE, text, where=where)
        yield Plant("extras", f"an extra that is not, {how}, {where}", edits, (manifest,), there)
    for one, two in (("a-b", "a_b"), ("io", "IO"), ("a.b", "a-b")):
        edits = tree.require(CORE, "httpx2>=2.10", where=f'extra:"{one}"')
        text = edits[manifest].replace(
            f'"{one}" = [', f'"{two}" = ["httpx2>=2.10"]\n"{one}" = [', 1
        )
        claim = "no two extras normalize to the same name"
        yield Plant("extras", f"two of a name: {one}, {two}", {manifest: text}, (manifest,), claim)


def _wordings(tree: Tree) -> Iterator[Plant]:
    """Yield submodules that do not say which extra they need, and some that say it otherwise."""
    file = "shared/py/notes/src/acme_notes/fastapi.py"
    before = tree.text(file)
    start, end = before.index("try:"), before.index("from . import store")
    imports = "from fastapi import APIRouter, Depends, HTTPException, Request, Response\n"
    imports += "from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr\n"
    claim = "the wording that a missing extra must have is checked here"

    def put(text: str) -> dict[str, str]:
        return {file: f"{before[:start]}{text}\n{before[end:]}"}

    tried = f"try:\n{indent(imports, '    ')}except ImportError as error:\n"
    wrong = {
        "none": imports,
        "no extra in it": f'{tried}    raise ImportError("install fastapi") from error\n',
        "another extra": f'{tried}    raise ImportError("add acme-notes[web]") from error\n',
        "another package": f'{tried}    raise ImportError("add acme-core[fastapi]") from error\n',
        "an empty one": f"{tried}    raise ImportError from error\n",
        "raised again": f"{tried}    raise\n",
        "another error": f'{tried}    raise RuntimeError("add acme-notes[fastapi]") from error\n',
        "a log": f'{tried}    print("add acme-notes[fastapi]")\n    raise\n',
    }
    for how, text in wrong.items():
        yield Plant("extras", f"wording: {how}", put(text), (file,), claim)
    right = {
        "short": 'raise ImportError("add acme-notes[fastapi]") from error',
        "ModuleNotFoundError": 'raise ModuleNotFoundError("add acme-notes[fastapi]") from error',
        "parts": 'raise ImportError(\n        "please add "\n        "acme-notes[fastapi]"\n    ) from error',
    }
    for how, text in right.items():
        yield Plant("extras", f"wording, right: {how}", put(f"{tried}    {text}\n"), twin=True)
    base = "shared/py/notes/src/acme_notes/store.py"
    for how, form in STATEMENTS.items():
        text = code(form, PLACES["top"], "fastapi", "FastAPI")
        claim = "all imports of a module are provided by the base of its package, or the base and one extra"
        edits = tree.append(base, f"\n\n{text}")
        yield Plant(
            "extras", f"the base needs an extra, {how}", edits, (base, "shared/py/notes"), claim
        )


def _contracts(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    """Yield what a team's own contracts forbid, also through a re-export, and circles."""
    root = tree.text("pyproject.toml")
    claim = "contracts hold through re-exports"
    contract = (
        '\n[[tool.monorepo.layers]]\nfrom = ["{f}"]\nnever = ["{n}"]\nwhy = "core stays small"\n'
    )
    froms = {
        "a package": CORE,
        "a pattern": "shared/py/c*",
        "a file": f"{CORE}/src/acme_core/*.py",
    }
    nevers = {
        "a package": ("shared/py/audio", "acme_audio", "delays", "acme-audio"),
        "a module": ("httpx2", "httpx2", "Client", "httpx2>=2.10"),
        "a pattern": ("sqlalchemy*", "sqlalchemy.orm", "Session", "sqlalchemy>=2.1"),
    }
    kinds = files(tree, CORE, "acme_core")
    src = {name: kinds[name] for name in ("its __init__", "a module", "a new module")}
    through = {
        "directly": "",
        "from": "from {m} import {n} as {n}\n",
        "listed": "from {m} import {n}\n\n__all__ = ['{n}']\n",
        "assigned": "import {m}\n\n{n} = {m}.{n}\n",
    }
    for (a, first), (b, (never, module, name, wanted)), (what, put), (how, text) in combined(
        rng, count, froms, nevers, src, through
    ):
        pyproject = {"pyproject.toml": root + contract.format(f=first, n=never)}
        if text:
            helper = "shared/py/notes"
            inner = f"{helper}/src/acme_notes/again.py"
            told = {inner: text.format(m=module, n=name)}
            if wanted != "sqlalchemy>=2.1":
                told = {**told, **tree.require(helper, wanted)}
            edits, path = put(f"from acme_notes.again import {name}\n")
            edits = merged(edits, told, tree.require(CORE, "acme-notes"), pyproject)
        else:
            edits, path = put(f"from {module} import {name}\n")
            edits = merged(edits, tree.require(CORE, wanted), pyproject)
        kind = f"contract, from {a}, never {b}, {how}, {what}"
        yield Plant("layers", kind, edits, (path,), claim)
    uses = {f"{CORE}/src/acme_core/user.py": "import acme_audio\n"}
    back = {f"{AUDIO}/src/acme_audio/user.py": "import acme_core\n"}
    circle = "tell of each strongly connected set once"
    for asked, where in (("acme-audio", "dependencies"), ("acme-audio[all]", "extra:all")):
        edits = merged(
            uses,
            back,
            tree.require(CORE, asked),
            tree.require(AUDIO, "acme-core", where=where),
        )
        yield Plant("layers", f"a circle of two, {where}", edits, (CORE, AUDIO), circle)
    guarded = 'raise ImportError("acme-audio[all]") from error'
    edits = merged(
        uses,
        {
            f"{AUDIO}/src/acme_audio/user.py": f"try:\n    import acme_core\nexcept ImportError as error:\n    {guarded}\n"
        },
        tree.require(CORE, "acme-audio"),
        tree.require(AUDIO, "acme-core", where="extra:all"),
    )
    yield Plant("layers", "a way back that only an extra needs", edits, twin=True)
    three = merged(
        uses,
        tree.require(CORE, "acme-audio"),
        {f"{AUDIO}/src/acme_audio/user.py": "import acme_notes\n"},
        tree.require(AUDIO, "acme-notes"),
        {"shared/py/notes/src/acme_notes/user.py": "import acme_core\n"},
        tree.require("shared/py/notes", "acme-core"),
    )
    yield Plant("layers", "a circle of three", three, ("shared/py",), circle)
    tests = merged(
        uses,
        tree.require(CORE, "acme-audio"),
        {
            f"{AUDIO}/tests/unit/test_user.py": "import acme_core\n\n\ndef test_it() -> None:\n    assert acme_core\n"
        },
        tree.require(AUDIO, "acme-core", where="group:test"),
    )
    yield Plant("layers", "a way back that only tests need", tests, twin=True)
