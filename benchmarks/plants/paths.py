"""includes, structure, names, ignored, tests, thin: where files are, and what they are called."""

import json
import random
from collections.abc import Iterator
from textwrap import indent

from benchmarks.plants.planting import Edits, Plant, Tree, combined, merged

CORE = "shared/py/core"
AUDIO = "shared/py/audio"
API = "services/py/api"
WEB = "services/js/web"


def plants(tree: Tree, rng: random.Random, share: float) -> Iterator[Plant]:
    """Yield the plants about files and their names."""

    def some(count: int) -> int:
        return max(2, round(count * share))

    yield from _includes(tree, rng, some(30))
    yield from _structure(tree)
    yield from _names(tree)
    yield from _ignored(tree, rng, some(30))
    yield from _tests()
    yield from _narrowed(tree)
    yield from _thin(tree, rng, some(40))


def _includes(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    claim = "no package installs, constrains or includes by a path outside itself"
    targets = {
        "a sibling": "../core",
        "a sibling, from the root": "../../../shared/py/core",
        "a roundabout way": "./src/../../core",
    }
    listed = {
        "-r": "-r {t}/requirements.txt",
        "-r without a space": "-r{t}/requirements.txt",
        "--requirement": "--requirement {t}/requirements.txt",
        "--requirement=": "--requirement={t}/requirements.txt",
        "-c": "-c {t}/constraints.txt",
        "--constraint": "--constraint {t}/constraints.txt",
        "-e": "-e {t}",
        "--editable": "--editable {t}[io]",
        "a path": "{t}",
        "a direct reference": "acme-core @ file:{t}",
    }
    names = {"requirements.txt": "", "requirements/dev.txt": "../", "dev-requirements.in": ""}
    for (how, line), (where, target), (name, up) in combined(
        rng, count // 2, listed, targets, names
    ):
        path = f"{AUDIO}/{name}"
        text = f"# pinned elsewhere\n{line.format(t=target.replace('./', f'./{up}', 1) if target[1] == '/' else up + target)}\n"
        yield Plant("includes", f"{how}, {where}, {name}", {path: text}, (path,), claim)
    manifest = f"{AUDIO}/pyproject.toml"
    tables = {
        "a direct reference": None,
        "uv: path": '[tool.uv.sources]\nacme-core = {{ path = "{t}" }}\n',
        "uv: editable": '[tool.uv.sources.acme-core]\npath = "{t}"\neditable = true\n',
        "setuptools: where": None,
        "setuptools: package-dir": '[tool.setuptools.package-dir]\nacme_core = "{t}/src/acme_core"\n',
        "setuptools: files": '[tool.setuptools.dynamic]\ndependencies = {{ file = ["{t}/requirements.txt"] }}\n',
        "poetry": '[tool.poetry.dependencies]\nacme-core = {{ path = "{t}", develop = true }}\n',
        "hatch": '[tool.hatch.build.targets.wheel.force-include]\n"{t}/src" = "x"\n',
    }
    for (how, table), (where, target) in combined(rng, count // 3, tables, targets):
        if how == "a direct reference":
            edits = tree.require(AUDIO, f"acme-core @ file:{target}")
        elif how == "setuptools: where":
            edits = tree.swap(manifest, 'where = ["src"]', f'where = ["src", "{target}/src"]')
        else:
            edits = {manifest: f"{tree.text(manifest)}\n{str(table).format(t=target)}"}
        certain = how.startswith(("a direct", "uv", "poetry"))
        yield Plant("includes", f"{how}, {where}", edits, (manifest,), claim if certain else "")
    node = {
        "file:": "file:../core",
        "link:": "link:../core",
        "a path": "../core",
        "portal:": "portal:../core",
    }
    tables_js = ("dependencies", "devDependencies", "optionalDependencies")
    for (how, bound), (table_js, _) in combined(rng, max(4, count // 4), node, tables_js):
        edits = tree.node("shared/js/ui", **{table_js: {"@acme/core": bound}})
        path = "shared/js/ui/package.json"
        yield Plant("includes", f"js: {how} in {table_js}", edits, (path,), claim)
    for how in (
        "pip install -e ../core",
        "uv pip install ../core",
        "pip install -r ../core/requirements.txt",
    ):
        path = f"{AUDIO}/scripts/prepare.sh"
        yield Plant(
            "includes", f"a script: {how}", {path: f"#!/bin/sh\nset -eu\n{how}\n"}, (path,), claim
        )
    yield Plant(
        "includes",
        "its own file",
        {f"{AUDIO}/src/acme_audio/list.txt": "-r ../core.txt\n"},
        twin=True,
    )


def _structure(tree: Tree) -> Iterator[Plant]:
    claim = "the tree matches .schemas/structure.yaml"
    code = '"""More."""\n'
    fresh = {
        "a folder at the root": "misc/helpers.py",
        "a folder of documents at the root": "misc/notes.md",
        "a module at the root": "helpers.py",
        "a GNUmakefile": "GNUmakefile",
        "a makefile": "makefile",
        "a nested package": f"{CORE}/../group/core/pyproject.toml".replace("core/../", ""),
        "a package in capitals": "shared/py/Audio/README.md",
        "a package with an underscore": "shared/py/audio_io/README.md",
        "another language": "shared/rs/core/README.md",
        "another area": "libs/py/core/README.md",
        "package.json in a Python package": f"{CORE}/package.json",
        "pyproject.toml in a JavaScript package": "shared/js/core/pyproject.toml",
        "a test beside the folders": f"{CORE}/tests/test_more.py",
        "a test in another folder": f"{CORE}/tests/smoke/test_more.py",
        "a test in src": f"{CORE}/src/acme_core/test_more.py",
        "a test deep in src": f"{CORE}/src/acme_core/a/b/more_test.py",
        "a module in capitals": f"{CORE}/src/acme_core/MoreThings.py",
        "a module with a hyphen": f"{CORE}/src/acme_core/more-things.py",
        "a folder with a hyphen": f"{CORE}/src/acme_core/more-things/x.py",
        "a JavaScript test in src": "shared/js/core/src/index.test.ts",
        "a JavaScript spec in src": "shared/js/core/src/deep/index.spec.tsx",
    }
    for kind, path in fresh.items():
        text = "{}\n" if path.endswith("json") else "" if path.endswith("toml") else code
        yield Plant(
            "structure", kind, {path: text}, (path.rpartition("/")[0], path, *_above(path)), claim
        )
    gone = {
        "no README": f"{CORE}/README.md",
        "no Makefile": f"{CORE}/Makefile",
        "no noxfile": f"{AUDIO}/noxfile.py",
        "no smoke test": f"{API}/scripts/smoke.sh",
        "no smoke test in JavaScript": f"{WEB}/scripts/smoke.sh",
        "no tsconfig": "shared/js/core/tsconfig.json",
        "no AGENTS.md": "AGENTS.md",
        "no CI": ".github/workflows/ci.yml",
        "no hooks": ".pre-commit-config.yaml",
    }
    for kind, path in gone.items():
        yield Plant("structure", kind, {path: None}, (*_above(path), path, "."), claim)
    right = {
        "documents": "docs/more.md",
        "a module": f"{CORE}/src/acme_core/more_things.py",
        "data with a hyphen": f"{CORE}/src/acme_core/some-data/x.txt",
        "a script": f"{CORE}/scripts/more.sh",
        "a tool's folder": ".devcontainer/devcontainer.json",
        "a file at the root": "CHANGELOG.md",
    }
    for kind, path in right.items():
        text = "{}\n" if path.endswith("json") else "x\n" if path.endswith(("txt", "md")) else code
        if path.endswith(".sh"):
            text = "#!/bin/sh\n"
        yield Plant("structure", f"right: {kind}", {path: text}, twin=True)


def _above(path: str) -> tuple[str, ...]:
    parts = path.split("/")
    return tuple("/".join(parts[:depth]) for depth in range(1, len(parts)))


def _names(tree: Tree) -> Iterator[Plant]:
    claim = "the folder, distribution, import and npm names of a package agree, and are unique"
    every = "every top-level import package and every console script, across the repository"
    manifest = f"{CORE}/pyproject.toml"
    for name in ("acme-kernel", "core", "Acme-Core", "acme_core", "acme.core", "acme-audio"):
        edits = tree.swap(manifest, 'name = "acme-core"', f'name = "{name}"')
        yield Plant(
            "names", f"distribution {name}", edits, ("shared/py",), claim, also=("unreadable",)
        )
    package = "shared/js/core/package.json"
    for name in ("@acme/kernel", "core", "@other/core", "@acme/ui", "acme-core"):
        edits = tree.swap(package, '"name": "@acme/core"', f'"name": "{name}"')
        yield Plant("names", f"npm name {name}", edits, ("shared/js",), claim, also=("unreadable",))
    src = f"{CORE}/src"
    for top in ("acme_audio", "acme_svc_api", "acme_service"):
        for path in (f"{top}/__init__.py", f"{top}/more.py"):
            edits_new = {f"{src}/{path}": '"""Again."""\n'}
            yield Plant(
                "names",
                f"top-level {path} twice",
                edits_new,
                (CORE, "shared/py", "services/py"),
                every,
            )
    for path in ("helpers/__init__.py", "core/__init__.py", "helpers.py"):
        edits_new = {f"{src}/{path}": '"""Another."""\n'}
        yield Plant("names", f"another top-level {path}", edits_new, (src, CORE), claim)
    both = {
        f"{src}/helpers/__init__.py": '"""A."""\n',
        f"{AUDIO}/src/helpers/__init__.py": '"""B."""\n',
    }
    yield Plant("names", "the same other top-level package in two", both, (CORE, AUDIO), every)
    alone = {f"{src}/helpers.py": '"""A."""\n', f"{AUDIO}/src/helpers.py": '"""B."""\n'}
    yield Plant("names", "the same top-level module in two", alone, (CORE, AUDIO), every)
    report = "apps/py/report/pyproject.toml"
    for table in ("scripts", "gui-scripts"):
        for script in ("acme-report", '"acme-report"'):
            text = f'{tree.text(manifest)}\n[project.{table}]\n{script} = "acme_core.cli:main"\n'
            edits_new = {
                manifest: text,
                f"{src}/acme_core/cli.py": "def main() -> None:\n    pass\n",
            }
            yield Plant("names", f"{table}: {script} twice", edits_new, (manifest, report), every)
    text = f'{tree.text(manifest)}\n[project.scripts]\nacme-core = "acme_core.cli:main"\n'
    edits_new = {manifest: text, f"{src}/acme_core/cli.py": "def main() -> None:\n    pass\n"}
    yield Plant("names", "a script of its own name", edits_new, twin=True)
    two = merged(
        tree.node("shared/js/core", bin={"acme": "./dist/cli.js"}),
        tree.node("shared/js/ui", bin={"acme": "./dist/cli.js"}),
        {f"shared/js/{name}/src/cli.ts": "export {};\n" for name in ("core", "ui")},
    )
    yield Plant("names", "the same bin in two", two, ("shared/js",), every)
    case = {
        f"{src}/acme_core/Data.txt": "x\n",
        f"{src}/acme_core/data.txt": "x\n",
    }
    yield Plant("names", "two files that differ by case", case, (CORE,), "")


def _ignored(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    claim = "no source file is ignored by git"
    data = "data files below src too"
    src = f"{CORE}/src/acme_core"
    sources = {
        "a module": (f"{src}/build/wheels.py", claim),
        "a deep module": (f"{src}/a/build/b/wheels.py", claim),
        "data": (f"{src}/build/prices.csv", data),
        "data in JSON": (f"{src}/build/units.json", data),
        "a template": (f"{src}/build/page.html", data),
        "TypeScript": ("shared/js/core/src/build/wheels.ts", claim),
        "data of TypeScript": ("shared/js/core/src/build/units.json", data),
        "a test": (f"{CORE}/tests/unit/build/test_wheels.py", claim),
    }
    patterns = {
        "a folder": ".gitignore:build/",
        "a name": ".gitignore:build",
        "stars": ".gitignore:**/build/**",
        "the suffix": ".gitignore:*.{s}",
        "the name": ".gitignore:{n}",
        "the path": ".gitignore:/{p}",
        "its own .gitignore": "{d}/.gitignore:{n}",
        "the package's": "{k}/.gitignore:build/",
        "a class": ".gitignore:[bB]uild/",
    }
    for (what, (path, why)), (how, pattern) in combined(rng, count, sources, patterns):
        folder, _, name = path.rpartition("/")
        package = "/".join(path.split("/")[:3])
        if how == "the suffix" and path.endswith(("py", "ts")):
            continue
        filled = pattern.format(s=name.rpartition(".")[2], n=name, p=path, d=folder, k=package)
        file, _, line = filled.partition(":")
        edits = merged(
            tree.append(file, f"{line}\n"), {path: "x = 1\n" if path[-2:] == "py" else "{}\n"}
        )
        yield Plant(
            "ignored", f"{what}, by {how}", edits, (path, folder, file, *_above(path)[3:]), why
        )
    tracked = {
        "bytecode": f"{src}/__pycache__/retries.cpython-311.pyc",
        "a build": f"{CORE}/build/lib/acme_core/x.py",
        "a distribution": f"{CORE}/dist/acme_core-0.1.0-py3-none-any.whl",
        "egg-info": f"{CORE}/src/acme_core.egg-info/PKG-INFO",
        "settings": ".env",
        "settings of a service": f"{API}/.env",
        "settings of production": f"{API}/.env.production",
        "coverage": f"{CORE}/.coverage",
        "a cache": ".ruff_cache/x",
        "node_modules": f"{WEB}/node_modules/x/index.js",
        "built JavaScript": "shared/js/core/dist/index.js",
        "a database": f"{API}/notes.db",
    }
    for kind, path in tracked.items():
        # A database may be an example.
        why = "" if "database" in kind else "no generated or secret file is tracked"
        yield Plant(
            "ignored",
            f"tracked: {kind}",
            {path: "x\n"},
            (path, *_above(path)[2:]),
            why,
            staged=True,
        )
    comment = tree.append(".gitignore", "/out/  # of a tool\n")
    yield Plant(
        "ignored",
        "a comment behind a pattern",
        comment,
        (".gitignore",),
        "comments on lines of their own",
    )
    right: dict[str, Edits] = {
        "anchored": tree.append(".gitignore", "/out/\n# Its own\n/*/*/*/out/\n"),
        "another suffix": tree.append(".gitignore", "*.orig\n"),
        "taken back": merged(
            tree.append(".gitignore", "*.csv\n!shared/py/core/src/**/*.csv\n"),
            {f"{src}/prices.csv": "1\n"},
        ),
    }
    for kind, change in right.items():
        yield Plant("ignored", f"right: {kind}", change, twin=True)
    for name in (".env.example", ".env.e2e.example"):
        edits = {f"{API}/{name}": "A=1\n"}
        yield Plant("ignored", f"an example: {name}", edits, twin=True, staged=True)


def _tests() -> Iterator[Plant]:
    claim = "every test is collected"
    test = "def test_it() -> None:\n    assert True\n"
    unit = f"{CORE}/tests/unit"
    named = (
        "core_tests.py",
        "check_core.py",
        "testcore.py",
        "spec_core.py",
        "Test_core.py",
        "tests.py",
    )
    for name in named:
        yield Plant(
            "tests",
            f"not collected: {name}",
            {f"{unit}/{name}": test},
            (f"{unit}/{name}", CORE),
            claim,
        )
    for name in ("core.tests.ts", "core.check.ts", "test-core.ts", "core_test.ts"):
        path = f"shared/js/core/tests/{name}"
        text = 'import test from "node:test";\n\ntest("it", () => {});\n'
        yield Plant(
            "tests", f"not collected: {name}", {path: text}, (path, "shared/js/core"), claim
        )
    for path in (
        f"{CORE}/tests/__init__.py",
        f"{unit}/__init__.py",
        f"{CORE}/tests/contract/__init__.py",
    ):
        yield Plant("tests", "an __init__ of tests", {path: ""}, (path,), "it has no __init__.py")
    helper = {f"{CORE}/tests/helpers.py": "def tone() -> int:\n    return 1\n"}
    spelled = (
        "from tests.helpers import tone",
        "import tests.helpers",
        "from ..helpers import tone",
        "from tests import helpers",
    )
    for line in spelled:
        path = f"{unit}/test_more.py"
        edits = {**helper, path: f"{line}\n\n\n{test}"}
        yield Plant(
            "tests", f"imports: {line}", edits, (path, f"{CORE}/tests"), "no test imports from it"
        )
    run = "each package with code has a test that runs by default"
    names = (
        "unit/test_retries.py",
        "contract/test_public_names.py",
        "integration/test_installed.py",
    )
    gone: dict[str, str | None] = {f"{CORE}/tests/{name}": None for name in names}
    alone = f"{CORE}/tests/unit/test_alone.py"
    marked = {
        "no test at all": "",
        "a fixture only": "import pytest\n\n\n@pytest.fixture\ndef x() -> int:\n    return 1\n",
        "marked slow": f"import pytest\n\n\n@pytest.mark.slow\n{test}",
        "marked gpu": f"import pytest\n\n\n@pytest.mark.gpu\n{test}",
        "a module marked slow": f"import pytest\n\npytestmark = pytest.mark.slow\n\n\n{test}",
        "a module marked in a list": f"import pytest\n\npytestmark = [pytest.mark.gpu]\n\n\n{test}",
        "skipped": f'import pytest\n\n\n@pytest.mark.skip(reason="later")\n{test}',
        "skipped as a module": f'import pytest\n\npytest.skip("later", allow_module_level=True)\n\n\n{test}',
        "skipped always": f'import pytest\n\n\n@pytest.mark.skipif(True, reason="x")\n{test}',
        "in a class without the prefix": f"class CoreTests:\n{indent(test.replace('()', '(self)'), '    ')}",
        "a class with __init__": "class TestCore:\n    def __init__(self) -> None: ...\n\n"
        + indent(test.replace("()", "(self)"), "    "),
        "unittest, skipped": "import unittest\n\n\n@unittest.skip('x')\nclass TestX(unittest.TestCase):\n    def test_x(self) -> None: ...\n",
        "no function of that prefix": "def check_it() -> None:\n    assert True\n",
        "aliased mark": f"from pytest import mark\n\n\n@mark.slow\n{test}",
    }
    for kind, text in marked.items():
        yield Plant(
            "tests",
            f"nothing runs: {kind}",
            {**gone, **({alone: text} if text else {})},
            (CORE,),
            run,
        )
    for kind, text in {
        "a function": test,
        "a class": f"class TestCore:\n{indent(test.replace('()', '(self)'), '    ')}",
        "unittest": "import unittest\n\n\nclass CoreCase(unittest.TestCase):\n    def test_x(self) -> None:\n        self.assertTrue(True)\n",
        "one slow of two": f"import pytest\n\n\n@pytest.mark.slow\n{test}\n\ndef test_two() -> None:\n    assert True\n",
        "skipped sometimes": f"import sys\n\nimport pytest\n\n\n@pytest.mark.skipif(sys.platform == 'win32', reason='x')\n{test}",
        "parametrized": "import pytest\n\n\n@pytest.mark.parametrize('x', [1, 2])\ndef test_it(x: int) -> None:\n    assert x\n",
    }.items():
        yield Plant("tests", f"runs: {kind}", {**gone, alone: text}, twin=True)


def _narrowed(tree: Tree) -> Iterator[Plant]:
    """Yield configurations by which tests are left out."""
    test = "def test_it() -> None:\n    assert True\n"
    unit = f"{CORE}/tests/unit"
    narrow = "collection that is narrowed by configuration"
    root = tree.text("pyproject.toml")
    ini = {
        "python_files": 'python_files = ["check_*.py"]',
        "python_functions": 'python_functions = ["check_*"]',
        "python_classes": 'python_classes = ["Check*"]',
        "norecursedirs": 'norecursedirs = ["unit"]',
    }
    for name, line in ini.items():
        text = root.replace('log_level = "INFO"', f'log_level = "INFO"\n{line}', 1)
        paths = ("pyproject.toml", "shared", "services", "apps")
        edits = {"pyproject.toml": text}
        if name == "python_classes":
            method = indent(test.replace("()", "(self)"), "    ")
            edits[f"{unit}/test_more.py"] = f"class TestCore:\n{method}"
        yield Plant("tests", f"narrowed: {name}", edits, paths, narrow)
    options = {
        "--ignore": "--ignore=shared/py/core/tests",
        "--ignore-glob": "--ignore-glob=**/unit/*",
        "--deselect": "--deselect=shared/py/core/tests/unit/test_retries.py",
        "-k": "-k not retries",
    }
    for name, line in options.items():
        text = root.replace('    "-ra",', f'    "-ra",\n    "{line}",', 1)
        narrowed = ("pyproject.toml", "shared")
        yield Plant("tests", f"narrowed: {name}", {"pyproject.toml": text}, narrowed, narrow)
    text = root.replace('"tests", "*/py/*/tests"', '"tests", "services/py/*/tests"', 1)
    yield Plant(
        "tests",
        "narrowed: testpaths",
        {"pyproject.toml": text},
        ("pyproject.toml", "shared", "apps"),
        narrow,
    )
    files = {
        "pytest.ini": "[pytest]\npython_files = check_*.py\n",
        "tox.ini": "[pytest]\naddopts = -k nothing\n",
        "setup.cfg": "[tool:pytest]\npython_files = check_*.py\n",
        ".pytest.ini": "[pytest]\ntestpaths = none\n",
    }
    for name, text in files.items():
        for folder in ("", f"{CORE}/"):
            yield Plant(
                "tests",
                f"narrowed: {folder}{name}",
                {f"{folder}{name}": text},
                (f"{folder}{name}", "pyproject.toml"),
                narrow,
            )
    own = f"{tree.text(f'{CORE}/pyproject.toml')}\n[tool.pytest.ini_options]\npython_files = ['check_*.py']\n"
    yield Plant(
        "tests", "narrowed: a table in a package", {f"{CORE}/pyproject.toml": own}, (CORE,), narrow
    )
    for name, line in {
        "collect_ignore": 'collect_ignore = ["unit"]',
        "collect_ignore, a file": 'collect_ignore = ["unit/test_retries.py"]',
        "collect_ignore_glob": 'collect_ignore_glob = ["unit/*"]',
        "annotated": 'collect_ignore: list[str] = ["unit"]',
        "grown": 'collect_ignore = []\ncollect_ignore += ["unit"]',
    }.items():
        path = f"{CORE}/tests/conftest.py"
        yield Plant(
            "tests", f"narrowed: {name}", {path: f'"""Fixtures."""\n\n{line}\n'}, (CORE,), narrow
        )
    for name, path in {"a package": "shared/js/core", "a service": WEB}.items():
        edits = tree.node(path, scripts={"test": "node --test tests/some.test.ts"})
        yield Plant("tests", f"narrowed: the script of {name}", edits, (path,), narrow)
    text = root.replace("fail_under = 80", "fail_under = 0")
    yield Plant("tests", "no required coverage", {"pyproject.toml": text}, ("pyproject.toml",), "")


def _thin(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    claim = "thin measures statements, and every source file that ships with a service, wherever it lies"
    src = f"{API}/src/acme_svc_api"
    python = {
        "the entry point": f"{src}/main.py",
        "__init__": f"{src}/__init__.py",
        "a module": f"{src}/pricing.py",
        "migrations": f"{src}/migrations/v1.py",
        "alembic": f"{src}/alembic/env.py",
        "tests in src": f"{src}/tests/test_x.py",
        "scripts in src": f"{src}/scripts/run.py",
        "a version": f"{src}/_version.py",
        "vendored": f"{src}/vendor/thing.py",
        "generated": f"{src}/generated/thing.py",
        "examples": f"{src}/examples/one.py",
        "a conftest": f"{src}/conftest.py",
        "beside the package": f"{API}/src/other/__init__.py",
        "a module beside": f"{API}/src/other.py",
        "deep": f"{src}/a/b/c/d.py",
        "a setup.py": f"{API}/setup.py",
        "a folder beside src": f"{API}/migrations/v1.py",
        "a script": f"{API}/scripts/run.py",
        "in a JavaScript service": f"{WEB}/src/helper.py",
    }
    bodies = {
        "functions": "".join(
            f"def f{n}(x: int) -> int:\n    y = x + {n}\n    return y * 2\n\n\n" for n in range(12)
        ),
        "a long function": "def f(x: int) -> int:\n"
        + "".join(f"    x += {n}\n" for n in range(40))
        + "    return x\n",
        "one-liners": "\n".join("; ".join(f"x{n}{m} = {m}" for m in range(8)) for n in range(6))
        + "\n",
        "a class": "class C:\n"
        + "".join(f"    def m{n}(self) -> int:\n        return {n}\n\n" for n in range(24)),
        "branches": "import sys\n\n"
        + "".join(
            f"if sys.argv[0] == '{n}':\n    print({n})\nelse:\n    print(0)\n" for n in range(15)
        ),
        "nested": "def f() -> None:\n    def g() -> None:\n"
        + "".join(f"        print({n})\n" for n in range(30)),
        "a match": "def f(x: int) -> int:\n    match x:\n"
        + "".join(f"        case {n}:\n            return {n}\n" for n in range(22))
        + "    return 0\n",
        "tests that run": "def test_x() -> None:\n"
        + "".join(f"    assert {n} + 1\n" for n in range(30)),
    }
    for (where, path), (what, body) in combined(rng, count, python, bodies):
        edits = tree.append(path, f"\n\n{body}")
        certain = where not in ("a setup.py", "a folder beside src", "a script")
        yield Plant("thin", f"{what}, {where}", edits, (path,), claim if certain else "")
    node = {
        "the entry point": f"{WEB}/src/main.ts",
        "a module": f"{WEB}/src/pricing.ts",
        "JavaScript": f"{WEB}/src/pricing.mjs",
        "CommonJS": f"{WEB}/src/pricing.cjs",
        "a view": f"{WEB}/src/View.tsx",
        "a configuration in src": f"{WEB}/src/app.config.ts",
        "generated": f"{WEB}/src/generated/client.ts",
        "migrations": f"{WEB}/src/migrations/one.ts",
        "tests in src": f"{WEB}/src/__tests__/x.ts",
        "a component": f"{WEB}/src/App.vue",
        "a configuration": f"{WEB}/vite.config.ts",
    }
    bodies_js = {
        "functions": "".join(
            f"export function f{n}(x: number) {{\n  const y = x + {n};\n  return y;\n}}\n"
            for n in range(15)
        ),
        "minified": "".join(f"export const a{n}={n};" for n in range(60)) + "\n",
        "a class": "export class C {\n"
        + "".join(f"  m{n}() {{\n    const y = {n};\n    return y;\n  }}\n" for n in range(15))
        + "}\n",
        "branches": "".join(
            f"if (process.argv[2] === '{n}') {{\n  console.log({n});\n}}\n" for n in range(20)
        ),
    }
    for (where, path), (what, body) in combined(rng, count // 2, node, bodies_js):
        if path.endswith(".vue"):
            body = f'<script lang="ts">\n{body}</script>\n'
        edits = tree.append(path, f"\n{body}")
        certain = where not in ("a configuration", "a component")
        yield Plant("thin", f"js: {what}, {where}", edits, (path,), claim if certain else "")
    short = {
        "a long comment": "# More\n" * 60,
        "a long docstring": f'def f() -> None:\n    """{chr(10).join("    Words." for _ in range(60))}\n    """\n',
        "a long call": "print(\n" + "".join(f"    {n},\n" for n in range(60)) + ")\n",
        "blank lines": "\n" * 60 + "x = 1\n",
    }
    for what, body in short.items():
        edits = tree.append(f"{src}/main.py", f"\n\n{body}")
        yield Plant("thin", f"short: {what}", edits, twin=True)
    yield Plant(
        "thin",
        "a long test",
        {f"{API}/tests/unit/test_long.py": bodies["tests that run"]},
        twin=True,
    )
    call = "console.log(\n" + "".join(f"  {n},\n" for n in range(60)) + ");\n"
    yield Plant(
        "thin",
        "short: a long call in JavaScript",
        tree.append(f"{WEB}/src/main.ts", call),
        twin=True,
    )
    yield Plant(
        "thin",
        "short: a long comment in JavaScript",
        tree.append(f"{WEB}/src/main.ts", "// More\n" * 60),
        twin=True,
    )
    path = f"{src}/pricing.py"
    allowed = tree.append(
        "pyproject.toml", f"\n[tool.monorepo.thin]\nadapters = [{json.dumps(path)}]\n"
    )
    yield Plant(
        "thin",
        "an adapter",
        {**allowed, path: bodies["functions"].partition("def f5")[0]},
        twin=True,
    )
