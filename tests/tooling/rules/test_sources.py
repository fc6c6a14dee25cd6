"""Nothing in the repository says where packages come from, or runs code when they are installed."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.guard import runner

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
SETTINGS = """\
packages: []
minimumReleaseAge: 1440
trustLockfile: true
allowBuilds: {}
pmOnFail: ignore
"""
LOCK = """\
lockfileVersion: '9.0'

importers:

  .:
    dependencies:
      '@x/y':
        specifier: ^1
        version: 1.0.0

packages:

  '@x/y@1.0.0':
    resolution: {INSIDE}
    engines: {node: '>=6'}

snapshots:

  '@x/y@1.0.0': {}
"""
PROJECT = "[project]\nname = 'tiny-a'\nversion = '1'\n"
GOOD = f"integrity: sha512-{'a' * 86}=="


def found(root: Path) -> list[str]:
    wrong = runner.guard(workspace.load(root), ["sources"])
    assert all(one.status == "error" for one in wrong)
    return [re.sub(r" sources\.\w+:", "", str(one)) for one in wrong]


@pytest.fixture
def tree(javascript: Path, write: Write) -> Path:
    """Give the tiny monorepo what it has when nothing is wrong."""
    write({"pnpm-workspace.yaml": SETTINGS, "pnpm-lock.yaml": LOCK.replace("INSIDE", GOOD)})
    write({"tools/pnpm-lock.yaml": LOCK.replace("INSIDE", GOOD)})
    return javascript


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".npmrc", "# registry=https://x\nfund=false\nsave-exact = true\n"),
        ("uv.toml", "# index-url = 'x'\ncompile-bytecode = true\n"),
        (
            "shared/py/a/pyproject.toml",
            f"{PROJECT}[tool.uv]\ndev-dependencies = []\n",
        ),
        ("pip.conf", "[global]\nverbose = 1\n"),
        ("package.json", '{"scripts": {"x": "y", "test": "node --test"}}'),
        ("tests/fixtures/.npmrc", "registry=https://x\n"),
        (".github/workflows/x.yml", "env:\n  UV_CACHE_DIR: x\n"),
        (".npmrc", "registry=https://registry.npmjs.org/"),
        ("Dockerfile", "ENV PIP_INDEX_URL=https://pypi.org/simple"),
        ("Dockerfile", "ARG PIP_INDEX_URL\nRUN x --build-arg ${PIP_INDEX_URL} $UV_INDEX y"),
        ("x.sh", "# PIP_INDEX_URL=https://x\nPIP_NO_INDEX=1 pip install y"),
        ("x.py", 'os.environ["PIP_INDEX_URL"] = "https://x"'),
        ("Pipfile", '[[source]]\nurl = "https://pypi.org/simple"'),
        ("shared/py/a/pyproject.toml", f'{PROJECT}[tool.uv.sources]\nx = {{ git = "https://x" }}'),
        (".github/workflows/x.yml", "env:\n  UV_INDEX_CORP_PASSWORD: ${{ secrets.CORP }}\n"),
        ("pnpm-workspace.yaml", f"{SETTINGS}strictSsl: true\nblockExoticSubdeps: true\n"),
        ("pnpm-workspace.yaml", SETTINGS.replace("1440", "10080")),
        ("pnpm-workspace.yaml", SETTINGS.replace("{}", "{x: false}")),
    ],
)
def test_what_is_right(tree: Path, write: Write, path: str, text: str) -> None:
    write({path: text})
    assert found(tree) == []


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        (".npmrc", "\nregistry=https://x\n", ".npmrc:2: sets registry; remove it, or allow it"),
        (".npmrc", "@x:registry = https://x", ".npmrc:1: sets @x:registry"),
        (".npmrc", "registry https://x", "sets registry"),
        (".yarnrc", 'registry "https://x"', ".yarnrc:1: sets registry"),
        (".yarnrc", "yarn-path x.cjs", "sets yarn-path"),
        (".yarnrc.yml", "npmRegistryServer: https://x", ".yarnrc.yml:1: sets npmRegistryServer"),
        (".yarnrc.yml", "npmScopes: {tiny: {npmRegistryServer: x}}", "sets npmScopes"),
        (".yarnrc.yml", "yarnPath: x.cjs", "yarnPath is code that an installation runs"),
        ("bunfig.toml", '[install]\nregistry = "https://x"', "bunfig.toml:2: sets install.reg"),
        ("bunfig.toml", '[install.scopes]\ntiny = "https://x"', "sets install.scopes"),
        (".condarc", "channels: [x, defaults]", "sets channels"),
        ("poetry.toml", '[repositories]\nx.url = "https://x"', "sets repositories"),
        ("Pipfile", '[[source]]\nurl = "https://x"', "Pipfile:1: sets source"),
        *(
            (
                "shared/py/a/pyproject.toml",
                f'{PROJECT}[[tool.{tool}.source]]\nname = "x"\nurl = "https://x"',
                f"shared/py/a/pyproject.toml:4: sets tool.{tool}.source",
            )
            for tool in ("poetry", "pdm")
        ),
        *(
            (path, text, f"{path}:{line}: sets {name}")
            for name, path, text, line in (
                ("PIP_INDEX_URL", "Dockerfile", "ENV PIP_INDEX_URL=https://x", 1),
                ("PIP_EXTRA_INDEX_URL", "Dockerfile", "ENV PIP_EXTRA_INDEX_URL https://x", 1),
                ("UV_INDEX", "Dockerfile", "ARG UV_INDEX=https://x", 1),
                ("UV_DEFAULT_INDEX", "compose.yaml", "a:\n  - UV_DEFAULT_INDEX=https://x", 2),
                ("PIP_TRUSTED_HOST", "compose.yaml", "a:\n  PIP_TRUSTED_HOST: x", 2),
                ("NPM_CONFIG_REGISTRY", ".env", "NPM_CONFIG_REGISTRY=https://x", 1),
                ("npm_config_registry", ".env.example", "npm_config_registry='https://x'", 1),
                ("UV_INDEX_CORP", ".gitlab-ci.yml", "variables:\n  UV_INDEX_CORP: https://x", 2),
                ("PIP_INDEX_URL", "compose.yml", "args: {PIP_INDEX_URL: 'https://x'}", 1),
                ("registry-url", ".github/workflows/x.yml", "with:\n  registry-url: https://x", 2),
                ("PIP_INDEX_URL", "x.sh", "export PIP_INDEX_URL=https://x", 1),
                ("PIP_FIND_LINKS", "x.sh", "PIP_FIND_LINKS=./x pip install y", 1),
                ("UV_INDEX_URL", "Makefile", "export UV_INDEX_URL := https://x", 1),
                ("PDM_PYPI_URL", "tox.ini", "setenv = PDM_PYPI_URL = https://x", 1),
                ("PIP_INDEX_URL", "devcontainer.json", '{"PIP_INDEX_URL": "https://x"}', 1),
                ("BUN_CONFIG_REGISTRY", ".envrc", "export BUN_CONFIG_REGISTRY=https://x", 1),
                ("YARN_NPM_REGISTRY_SERVER", ".env", "YARN_NPM_REGISTRY_SERVER=https://x", 1),
            )
        ),
        (".npmrc", "//x.com/:_authToken=a", "sets //x.com/:_authToken"),
        (".npmrc", "script-shell=./evil", "sets script-shell"),
        ("shared/js/a/.npmrc", "registry=https://x", "shared/js/a/.npmrc:1: sets registry"),
        ("uv.toml", 'index-url = "https://x"', "uv.toml:1: sets index-url"),
        ("uv.toml", '[[index]]\nurl = "https://x"', "uv.toml:1: sets index"),
        ("uv.toml", '[pip]\nfind-links = ["x"]', "uv.toml:2: sets pip.find-links"),
        (
            "shared/py/a/pyproject.toml",
            '[[tool.uv.index]]\nurl = "https://x"',
            "shared/py/a/pyproject.toml:1: sets tool.uv.index",
        ),
        (
            "shared/py/a/pyproject.toml",
            '[tool.uv.sources]\nx = [{ index = "y" }]',
            "takes x from an index of its own",
        ),
        ("pip.conf", "[global]\nindex-url = https://x", "pip.conf:2: sets index-url"),
        ("shared/py/a/pip.ini", "[install]\nextra-index-url: x", "sets extra-index-url"),
        (".pnpmfile.cjs", "", ".pnpmfile.cjs: is code that pnpm runs at each installation"),
        ("shared/js/a/.pnpmfile.mjs", "", "is code that pnpm runs"),
        (
            ".github/workflows/x.yml",
            "env:\n  PIP_INDEX_URL: https://x",
            ".github/workflows/x.yml:2: sets PIP_INDEX_URL",
        ),
        (".github/actions/a/action.yml", "a: UV_INDEX=x", "sets UV_INDEX"),
        (".github/workflows/x.yml", "env:\n  UV_INDEX_URL: https://x", "2: sets UV_INDEX_URL"),
        *(
            (
                "package.json",
                json.dumps({"scripts": {key: "x"}}, indent=1),
                f"package.json:3: the script {key} is run by whoever installs",
            )
            for key in ("pnpm:devPreinstall", "preinstall", "postinstall", "prepare")
        ),
        *(
            ("pnpm-workspace.yaml", f"{SETTINGS}{line}\n", f"pnpm-workspace.yaml:6: {said}")
            for line, said in (
                ("registry: https://x", "registry names a registry"),
                ("'@x:registry': https://x", "@x:registry names a registry"),
                ("registries: {default: https://x}", "registries names a registry"),
                ("pnpmfile: x.cjs", "pnpmfile has code run by pnpm"),
                ("configDependencies: {x: 1}", "configDependencies has code run by pnpm"),
                ("dangerouslyAllowAllBuilds: true", "dangerouslyAllowAllBuilds lets every"),
                ("onlyBuiltDependencies: [x]", "onlyBuiltDependencies lets x run scripts"),
                ("verifyStoreIntegrity: false", "verifyStoreIntegrity is false"),
                ("strictSsl: false", "strictSsl is false"),
                ("blockExoticSubdeps: false", "blockExoticSubdeps is false"),
                ("minimumReleaseAgeExclude: [x]", "minimumReleaseAgeExclude takes releases"),
            )
        ),
        (
            "pnpm-workspace.yaml",
            SETTINGS.replace("{}", "{x: true}"),
            "pnpm-workspace.yaml:4: allowBuilds lets x run scripts while it is installed",
        ),
        (
            "pnpm-workspace.yaml",
            SETTINGS.replace("1440", "0"),
            "2: takes releases that are younger",
        ),
        (
            "pnpm-workspace.yaml",
            SETTINGS.replace("minimumReleaseAge: 1440\n", ""),
            "pnpm-workspace.yaml: takes releases that are younger than a day; write minimumRel",
        ),
        (
            "pnpm-workspace.yaml",
            SETTINGS.replace("trustLockfile: true\n", ""),
            "without trustLockfile, it needs network at each installation; write trustLock",
        ),
        ("pnpm-workspace.yaml", SETTINGS.replace("ignore", "download"), ":5: without pmOnFail"),
        *(
            (path, LOCK.replace("INSIDE", inside), f"{path}:14: @x/y@1.0.0 {said}")
            for path in ("pnpm-lock.yaml", "tools/pnpm-lock.yaml")
            for inside, said in (
                (f"{GOOD}, tarball: https://x/y.tgz", "comes from a tarball"),
                ("directory: ../x, type: directory", "comes from a directory"),
                ("commit: a, repo: https://x, type: git", "comes from a repo"),
                ("", "has no integrity"),
                ("integrity: sha1-abc", "has no integrity"),
                (f"{GOOD}, 'tarball': https://x/y.tgz", "comes from a tarball"),
                (f'{GOOD}, "tarb\\x61ll": https://x/y.tgz', "has more than an integrity"),
            )
        ),
        (
            "pnpm-lock.yaml",
            LOCK.replace("INSIDE", GOOD).replace("version: 1.0.0", "version: https://x/y.tgz"),
            "pnpm-lock.yaml:9: has version: https://x/y.tgz, not a version of the registry",
        ),
        *(
            (
                "pnpm-lock.yaml",
                LOCK.replace("    resolution: {INSIDE}", plain).replace("INSIDE", GOOD),
                f"pnpm-lock.yaml:{line}: @x/y@1.0.0",
            )
            for line, plain in (
                (14, '    "resolution": {INSIDE, tarball: https://x/y.tgz}'),
                (14, "    resolution:\n      tarball: https://x/y.tgz"),
                (15, "    resolution: {INSIDE}\n    'resolution': {type: git}"),
            )
        ),
    ],
)
def test_what_is_found(tree: Path, write: Write, path: str, text: str, said: str) -> None:
    write({path: text})
    (line,) = [one for one in found(tree) if ": unreadable:" not in one]
    assert said in line, line


def test_a_lock_of_uv_has_one_index(root: Path, package: MakePackage, write: Write) -> None:
    package("services/py/api")
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": facts.replace('"shared"', '"uv"')})
    entry = '[[package]]\nname = "{}"\nversion = "1"\nsource = {{ {} }}\n\n'
    sources = {
        "a": 'registry = "https://pypi.org/simple"',
        "b": 'registry = "https://x/simple"',
        "c": 'registry = "https://pypi.org/simple"',
        "d": 'git = "https://x/y.git?rev=1#2"',
        "e": 'url = "https://x/y.whl"',
        "f": 'editable = "."',
    }
    lock = "".join(entry.format(*one) for one in sources.items())
    write({"services/py/api/uv.lock": lock, "other/uv.lock": "[[package]]\nname = 1\n"})
    wrong = runner.guard(workspace.load(root), ["sources"])
    assert [(one.path, one.line, one.message) for one in wrong] == [
        ("services/py/api/uv.lock", 7, "takes b from https://x/simple"),
        ("services/py/api/uv.lock", 17, "takes d from https://x/y.git?rev=1#2"),
        ("services/py/api/uv.lock", 22, "takes e from https://x/y.whl"),
    ]
