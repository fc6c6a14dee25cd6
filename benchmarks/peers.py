"""The same graph of plain packages, as our monorepo and as the workspace of each peer.

Package n needs the packages n // 3 and n // 10, so the last one is a leaf. Each has a module, a
test and a README; the manifests are those that a peer asks for. The peers come from their
registries, in these versions, into a folder of the lab; one that cannot be installed is told, and
left out.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.measuring import Lab

NPM = {
    "turbo": "turbo@2.11.11",
    "moon": "@moonrepo/cli@2.5.5",
    "nx": "nx@24.0.6",
    "mise": "@jdxcode/mise@2026.9.15",
    "pnpm": "pnpm@12.21.0",
}
DIFFTRACE = "difftrace==1.5.1"
# The programs themselves, without the Node script in front that looks for them.
NATIVE = {
    "turbo": "@turbo/linux-64/bin/turbo",
    "moon": "@moonrepo/core-linux-x64-gnu/moon",
    "nx": ".bin/nx",
    "mise": "@jdxcode/mise/bin/mise",
    "pnpm": ".bin/pnpm",
}
# No telemetry, no look-ups of newer versions, no daemon whose work nobody would count.
QUIET = {
    "DO_NOT_TRACK": "1",
    "MISE_EXPERIMENTAL": "1",
    "MISE_OFFLINE": "1",
    "MISE_YES": "1",
    "NX_DAEMON": "false",
    "NX_NO_CLOUD": "true",
    "NX_TUI": "false",
    "TURBO_TELEMETRY_DISABLED": "1",
    "TURBO_NO_UPDATE_NOTIFIER": "1",
}
Programs = Mapping[str, Path]
WHO = ("-c", "user.name=benchmarks", "-c", "user.email=benchmarks@example.com")
DAEMON = ("NX_DAEMON=true",)
# A package with a dependency of its own, from an index; no tool needs it.
PINNED = 1
PYPI, NPM_PIN = ("blinker", "1.9.0", "1.8.2"), ("ms", "2.1.3", "2.1.2")

MODULE = '''"""A module."""
{2}

def number() -> int:
    """Return the number of this package."""
    return {0}
'''
TEST = """from {1} import number


def test_number() -> None:
    assert number() == {0}
"""
IGNORED = ".moon/cache\n.nx\n.turbo\nnode_modules\n__pycache__\n.pytest_cache\n"


@dataclass(frozen=True)
class Tree:
    """A repository with packages p0000, p0001, …; `folder` is where they are."""

    root: Path
    folder: str
    prefix: str
    lockfile: str

    def path(self, number: int) -> str:
        """Return the path of a package."""
        return f"{self.folder}/{name(number)}"

    def source(self, number: int) -> Path:
        """Return the module of a package."""
        return self.root / self.path(number) / "src" / f"{self.prefix}{name(number)}/__init__.py"

    def test(self, number: int) -> Path:
        """Return the test of a package."""
        return self.root / self.path(number) / "tests/unit/test_number.py"


def name(number: int) -> str:
    """Return the name of a package."""
    return f"p{number:04}"


def needs(number: int) -> list[int]:
    """Return the packages that a package needs."""
    return sorted({number // 3, number // 10}) if number else []


def closure(number: int) -> set[int]:
    """Return a package and all that it needs, directly or not."""
    return {number}.union(*map(closure, needs(number)))


def dependents(number: int, count: int) -> set[int]:
    """Return a package and all that need it, directly or not."""
    return {other for other in range(count) if number in closure(other)}


def install(lab: Lab) -> tuple[Lab, Programs]:
    """Install the peers; return the lab with their environment, and the programs by their names."""
    folder = lab.folder / "peers"
    path = f"{folder / 'node_modules/.bin'}{os.pathsep}{lab.env['PATH']}"
    lab = replace(lab, env={**lab.env, **QUIET, "PATH": path})
    folder.mkdir()
    (folder / "package.json").write_text("{}")
    found = {}
    npm = ["npm", "install", "--no-audit", "--no-fund", "--save-exact"]
    for peer, spec in NPM.items():
        if _installed(lab, [*npm, spec], folder, spec):
            found[peer] = folder / "node_modules" / NATIVE[peer]
    venv = folder / "venv"
    lab.run(["uv", "venv", "--quiet", str(venv)], folder)
    pip = ["uv", "pip", "install", "--quiet", "--compile-bytecode", "--python", str(venv)]
    if _installed(lab, [*pip, DIFFTRACE], folder, DIFFTRACE):
        found["difftrace"] = venv / "bin/difftrace"
    return lab, found


def _installed(lab: Lab, command: Sequence[str], cwd: Path, spec: str) -> bool:
    done = subprocess.run(command, cwd=cwd, env=lab.env, capture_output=True, text=True)
    if done.returncode:
        why = (done.stderr or done.stdout).strip().splitlines()[-1:]
        print(f"benchmarks: {spec}: left out: {' '.join(why)}", file=sys.stderr)
    return not done.returncode


def stop(lab: Lab, programs: Programs, trees: Mapping[str, Tree]) -> None:
    """Stop the daemon of Nx, if there is one."""
    if "nx" in trees:
        lab.run([str(programs["nx"]), "daemon", "--stop"], trees["nx"].root)


def ours(lab: Lab, count: int) -> Tree:
    """Make our monorepo of so many packages, with its tools installed."""
    paths = [f"shared/py/{name(number)}" for number in range(count)]
    root = lab.bake(f"ours-{count}", f"packages={' '.join(paths)}")
    tree = Tree(root, "shared/py", "acme_", "constraints.txt")
    for number in range(count):
        folder = root / tree.path(number)
        # With their folders, which git would not have.
        shutil.rmtree(folder / "tests")
        for file in tree.source(number).parent.glob("*.py"):
            file.unlink()
        (folder / "README.md").write_text(f"# {name(number)}\n", encoding="utf-8")
        _write_code(tree, number)
        manifest = folder / "pyproject.toml"
        needed = [f"acme-{name(other)}" for other in needs(number)]
        needed += [PYPI[0]] if number == PINNED else []
        text = manifest.read_text(encoding="utf-8")
        with_needs = text.replace("\ndependencies = []\n", f"\ndependencies = {_list(needed)}\n")
        assert with_needs != text or not needed, text
        # It installs a package in a tenth of the time of setuptools.
        fast = with_needs.replace('["setuptools>=80"]', '["uv_build>=0.13"]')
        fast = fast.replace('"setuptools.build_meta"', '"uv_build"')
        manifest.write_text(fast, encoding="utf-8")
    lab.run(["make", "lock"], root)
    commit(lab, root)
    return tree


def npm_workspace(lab: Lab, count: int, programs: Programs, task: str) -> Tree:
    """Make the workspace of pnpm, which Turborepo takes as well."""
    tree = _tree(lab, f"npm-{count}", count, "pnpm-lock.yaml")
    manager = NPM["pnpm"]
    _json(tree, "package.json", {"name": "root", "private": True, "packageManager": manager})
    _json(
        tree,
        "turbo.json",
        {"tasks": {"test": {"outputs": []}}},
    )
    (tree.root / "pnpm-workspace.yaml").write_text('packages: ["packages/*"]\npmOnFail: ignore\n')
    for number in range(count):
        needed = {name(other): "workspace:*" for other in needs(number)}
        needed |= {NPM_PIN[0]: NPM_PIN[1]} if number == PINNED else {}
        manifest = {
            "name": name(number),
            "version": "0.1.0",
            "private": True,
            "scripts": {"test": task},
            "dependencies": needed,
        }
        _json(tree, f"{tree.path(number)}/package.json", manifest)
    lab.run([str(programs["pnpm"]), "install", "--lockfile-only"], tree.root)
    commit(lab, tree.root)
    return tree


def nx_workspace(lab: Lab, count: int, programs: Programs, task: str) -> Tree:
    """Make a workspace of Nx."""
    tree = _tree(lab, f"nx-{count}", count, "package.json")
    (tree.root / "node_modules").symlink_to(programs["nx"].parent.parent)
    _json(tree, "package.json", {"name": "root", "private": True})
    inputs = {"default": ["{projectRoot}/**/*"]}
    test = {"cache": True, "inputs": ["default", "^default"]}
    settings = {"namedInputs": inputs, "targetDefaults": {"test": test}, "defaultBase": "main"}
    _json(tree, "nx.json", {**settings, "neverConnectToCloud": True, "analytics": False})
    for number in range(count):
        options = {"cwd": "{projectRoot}", "command": task}
        project = {
            "name": name(number),
            "implicitDependencies": list(map(name, needs(number))),
            "targets": {"test": {"executor": "nx:run-commands", "options": options}},
        }
        _json(tree, f"{tree.path(number)}/project.json", project)
    commit(lab, tree.root)
    return tree


def moon_workspace(lab: Lab, count: int, programs: Programs, task: str) -> Tree:
    """Make a workspace of moon."""
    del programs
    tree = _tree(lab, f"moon-{count}", count, ".moon/workspace.yml")
    tasks = tree.root / ".moon/tasks/all.yml"
    tasks.parent.mkdir(parents=True)
    workspace = "projects: {globs: ['packages/*']}\nvcs: {client: git, defaultBranch: main}\n"
    (tree.root / ".moon/workspace.yml").write_text(f"{workspace}telemetry: false\n")
    tasks.write_text(
        "fileGroups: {sources: ['src/**/*', 'tests/**/*']}\n"
        f"tasks:\n  test: {{script: {json.dumps(task)}, inputs: ['@globs(sources)']}}\n"
    )
    for number in range(count):
        text = f"dependsOn: {json.dumps(list(map(name, needs(number))))}\n"
        (tree.root / tree.path(number) / "moon.yml").write_text(f"language: python\n{text}")
    commit(lab, tree.root)
    return tree


def uv_workspace(lab: Lab, count: int, programs: Programs, task: str) -> Tree:
    """Make a workspace of uv, which mise and difftrace take."""
    del programs
    tree = _tree(lab, f"uv-{count}", count, "uv.lock")
    head = '[project]\nname = "{0}"\nversion = "0.1.0"\nrequires-python = ">=3.11"\n'
    names = [name(number) for number in range(count)]
    (tree.root / "pyproject.toml").write_text(
        head.format("root") + '[tool.uv.workspace]\nmembers = ["packages/*"]\n'
    )
    (tree.root / "mise.toml").write_text(
        'monorepo_root = true\n[monorepo]\nconfig_roots = ["packages/*"]\n'
    )
    for number in range(count):
        folder = tree.root / tree.path(number)
        needed = [names[other] for other in needs(number)]
        more = [PYPI[0]] if number == PINNED else []
        text = head.format(names[number]) + f"dependencies = {_list([*needed, *more])}\n"
        text += "[tool.uv.sources]\n"
        text += "".join(f"{one} = {{ workspace = true }}\n" for one in needed)
        (folder / "pyproject.toml").write_text(text)
        (folder / "mise.toml").write_text(
            f"[tasks.test]\nrun = {json.dumps(task)}\n"
            'sources = ["src/**/*", "tests/**/*"]\noutputs = { auto = true }\n'
        )
    lab.run(["uv", "lock", "--quiet", "--upgrade-package", f"{PYPI[0]}=={PYPI[1]}"], tree.root)
    commit(lab, tree.root)
    return tree


def commit(lab: Lab, root: Path) -> None:
    """Commit everything, in a new repository on the branch main."""
    if not (root / ".git").exists():
        lab.run(["git", "init", "--quiet", "--initial-branch=main"], root)
    lab.run(["git", "add", "--all"], root)
    lab.run(["git", *WHO, "commit", "--quiet", "--no-verify", "--message=all"], root)


def _tree(lab: Lab, folder: str, count: int, lockfile: str) -> Tree:
    tree = Tree(lab.folder / folder, "packages", "", lockfile)
    for number in range(count):
        _write_code(tree, number)
        (tree.root / tree.path(number) / "README.md").write_text(f"# {name(number)}\n")
    (tree.root / "README.md").write_text("# All\n")
    (tree.root / ".gitignore").write_text(IGNORED)
    return tree


def _write_code(tree: Tree, number: int) -> None:
    """Write the module and the test of a package."""
    module = tree.source(number)
    imports = f"\nimport {PYPI[0]} as {PYPI[0]}\n" if number == PINNED else ""
    for file, text in ((module, MODULE), (tree.test(number), TEST)):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.format(number, module.parent.name, imports), encoding="utf-8")


def _json(tree: Tree, path: str, value: object) -> None:
    (tree.root / path).write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def _list(texts: Iterable[str]) -> str:
    return json.dumps([*texts])


WORKSPACES: Mapping[str, Callable[[Lab, int, Programs, str], Tree]] = {
    "npm": npm_workspace,
    "nx": nx_workspace,
    "moon": moon_workspace,
    "uv": uv_workspace,
}


@dataclass(frozen=True)
class Peer:
    """A command that tells what a change affects, or that runs the task `test` of all packages.

    Attributes:
        name: as a user types it.
        program: the peer.
        workspace: the kind of workspace that it takes.
        words: its arguments.
        read: makes the names of packages of what it prints.
        env: what it has in its environment.
        anew: an option, with which it runs everything.
    """

    name: str
    program: str
    workspace: str
    words: Sequence[str]
    read: Callable[[str], set[str]] = lambda text: set()
    env: Sequence[str] = ()
    anew: Sequence[str] = ()

    def command(self, programs: Programs, *, anew: bool = False) -> list[str]:
        """Return the command."""
        start = ["env", *self.env] if self.env else []
        verb, *words = self.words
        # mise gives what stands behind a task to the task.
        options = self.anew if anew else ()
        return [*start, str(programs[self.program]), verb, *options, *words]


def names(text: str) -> set[str]:
    """Return the names of packages in a text."""
    return set(re.findall(r"\bp\d{4}\b", text))


def _turbo(text: str) -> set[str]:
    return {item["name"] for item in json.loads(text)["packages"]["items"]}


def _dry(text: str) -> set[str]:
    return {one["package"] for one in json.loads(text)["tasks"]}


def _moon(text: str) -> set[str]:
    return set(json.loads(text).get("projects", {}))


def _mise(text: str) -> set[str]:
    return {one["id"].partition(":")[2] for one in json.loads(text)["projects"]}


AFFECTED = (
    Peer("turbo ls --affected", "turbo", "npm", ("ls", "--affected", "--output=json"), _turbo),
    Peer(
        "turbo run test --affected --dry",
        "turbo",
        "npm",
        ("run", "test", "--affected", "--dry=json"),
        _dry,
    ),
    Peer(
        "pnpm ls --filter",
        "pnpm",
        "npm",
        ("ls", "--filter", "...[main]", "--depth=-1", "--parseable"),
        names,
    ),
    Peer("difftrace", "difftrace", "uv", ("--base=main", "--names", "--lock-scope"), names),
    Peer(
        "mise run --affected",
        "mise",
        "uv",
        ("run", "--affected", "--affected-base=main", "--affected-json", "test"),
        _mise,
    ),
    Peer(
        "moon query affected",
        "moon",
        "moon",
        ("query", "affected", "--downstream=deep"),
        _moon,
        ("MOON_BASE=main", "MOON_HEAD=HEAD"),
    ),
    Peer(
        "nx show projects --affected",
        "nx",
        "nx",
        ("show", "projects", "--affected", "--base=main"),
        names,
    ),
    Peer(
        "nx show projects, its daemon not counted",
        "nx",
        "nx",
        ("show", "projects", "--affected", "--base=main"),
        names,
        DAEMON,
    ),
)
TASKS = (
    Peer("turbo run test", "turbo", "npm", ("run", "test"), anew=("--force=true",)),
    Peer("pnpm -r run test", "pnpm", "npm", ("-r", "run", "test")),
    Peer("mise run test", "mise", "uv", ("run", "//...:test"), anew=("--force",)),
    Peer("moon run :test", "moon", "moon", ("run", ":test"), anew=("--force",)),
    Peer("nx run-many -t test", "nx", "nx", ("run-many", "-t", "test"), anew=("--skip-nx-cache",)),
    Peer(
        "nx run-many, its daemon not counted",
        "nx",
        "nx",
        ("run-many", "-t", "test"),
        env=DAEMON,
        anew=("--skip-nx-cache",),
    ),
)
