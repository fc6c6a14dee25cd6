"""Replay commits of real monorepos: what `monorepo affected` says of each, and what is true.

    PYTHONPATH=.:src python -m benchmarks.replay [NAME…] [--mirrors FOLDER] [--commits 200]

Each repository of benchmarks/replayed.toml is cloned from its URL, or read in a folder of mirrors;
commit nothing of it. Each of its commits is told again as one of ours: a package that stands
anywhere is shared/py/<name>, with all its files as they are; pins that uv has locked are in
constraints.txt, and what each requires in tools/hashes.txt; the root's pyproject.toml gets
[tool.monorepo]; all other files keep their paths, and what is outside of the root is in outside/.
What a lock says beyond names, versions and dependencies (markers, hashes) is left out, as are links
to other repositories.

The oracle is separate and naive. What the checks of a package can see is all of its own files, and
all that is installed for them: of each package that it needs, directly or not, in any extra or
group of its own, what a distribution has of it (not its tests, its documentation, and what
describes it), and the pins of all others. A package for which that differs between a commit and its
parent, and that is not affected, is an unsafe skip. The share of checks that is saved is told
against all packages each time, and against the packages with a changed file and all that depend on
them, whatever the extra: then a file outside of all packages that is an input of any means all.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks.measuring import TEMPLATE
from monorepo.affected import changes, impact
from monorepo.inputs.files import Files

DATA = TEMPLATE / "benchmarks/replayed.toml"
ENGINE = ["env", f"PYTHONPATH={TEMPLATE / 'src'}", sys.executable, "-m", "monorepo"]
AREA = "shared/py"
SETTINGS = """
[tool.monorepo]
namespace = "replayed"
python = "3.11"
python-env = "shared"
license = "none"
author-name = "nobody"
author-email = ""
"""
# What does not get into a distribution, or only describes it.
NOT_PACKED = ("tests", "docs", "changes", "scripts", "Makefile", "noxfile.py")
NOT_PACKED_STARTS = ("README", "CHANGELOG")
PROSE = {"description", "readme", "license", "license-files", "authors", "maintainers"}
PROSE |= {"keywords", "classifiers", "urls"}
CHECKERS = {"ruff", "mypy", "pytest", "coverage", "towncrier"}


@dataclass(frozen=True)
class Entry:
    """A file of a commit: its mode, and its object."""

    mode: str
    object: str


@dataclass(frozen=True, eq=False)
class Repository:
    """A repository that is replayed; see benchmarks/replayed.toml."""

    git: Path
    commit: str
    root: str
    packages: Sequence[str]
    lock: str
    affects: Sequence[str]

    def run(self, *words: str) -> bytes:
        """Return what git says."""
        command = ["git", f"--git-dir={self.git}", *words]
        return subprocess.run(command, check=True, capture_output=True).stdout

    def commits(self, count: int) -> list[str]:
        """Return the last commits and the parent of the first of them, that one first."""
        words = ["rev-list", "--first-parent", f"--max-count={count + 1}", self.commit]
        return self.run(*words).decode().split()[::-1]

    def files(self, commit: str) -> dict[str, Entry]:
        """Return the files of a commit."""
        found = {}
        for row in self.run("ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0")[:-1]:
            facts, _, path = row.partition(b"\t")
            mode, kind, name = facts.decode().split()
            if kind == "blob":
                found[os.fsdecode(path)] = Entry(mode, name)
        return found

    # A mirror is read until the process ends, and may be kept as long.
    @cache  # noqa: B019
    def text(self, name: str) -> str:
        """Return the text of an object."""
        return self.run("cat-file", "blob", name).decode("utf-8", "replace")

    @cache  # noqa: B019
    def table(self, name: str) -> Mapping[str, Any]:
        """Return the TOML of an object; empty if it is none."""
        try:
            return tomllib.loads(self.text(name))
        except ValueError:
            return {}


@dataclass(frozen=True)
class Folder:
    """A package of a commit: where it is, its files by their paths in it, and its manifest."""

    path: str
    files: Mapping[str, Entry]
    manifest: Mapping[str, Any]

    @property
    def project(self) -> Mapping[str, Any]:
        """The table that says what it needs."""
        found: Mapping[str, Any] = self.manifest["project"]
        return found

    @cached_property
    def groups(self) -> Mapping[str, Sequence[str]]:
        """Its dependency groups, those that one includes among its own."""
        written = {canonicalize_name(key): value for key, value in self._written.items()}

        def texts(name: str) -> Iterator[str]:
            for item in written.get(canonicalize_name(name), []):
                if isinstance(item, str):
                    yield item
                else:
                    yield from texts(item["include-group"])

        return {name: [*texts(name)] for name in written}

    @property
    def _written(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.manifest.get("dependency-groups", {})
        return found

    def needs(self, extras: Iterable[str] | None = None) -> list[Requirement]:
        """Return what it needs with some extras; with all, and with all groups, for its checks."""
        lists = [self.project.get("dependencies", [])]
        lists.append(self.manifest.get("build-system", {}).get("requires", []))
        optional = self.project.get("optional-dependencies", {})
        wanted = None if extras is None else {canonicalize_name(extra) for extra in extras}
        lists += [
            texts
            for extra, texts in optional.items()
            if wanted is None or canonicalize_name(extra) in wanted
        ]
        if extras is None:
            lists += self.groups.values()
        return [Requirement(text) for texts in lists for text in texts]

    @cached_property
    def packed(self) -> frozenset[object]:
        """What dependents get of it, as far as it is known without a build."""
        found: set[object] = set()
        for inner, entry in self.files.items():
            top = inner.partition("/")[0]
            if not (top in NOT_PACKED or top.startswith(NOT_PACKED_STARTS)):
                found.add((inner, "" if inner == "pyproject.toml" else entry))
        project = {key: value for key, value in self.project.items() if key not in PROSE}
        project.pop("optional-dependencies", None)
        tools = self.manifest.get("tool", {})
        kept = {key: value for key, value in tools.items() if key not in CHECKERS}
        found.add(repr((project, self.manifest.get("build-system"), sorted(kept.items()))))
        return frozenset(found)


@dataclass(frozen=True)
class Seen:
    """A commit as the oracle sees it: its packages and what its lock pins, by normalized names."""

    packages: Mapping[str, Folder]
    pins: Mapping[str, frozenset[str]]
    requires: Mapping[str, frozenset[str]]
    others: Mapping[str, Entry]
    contents: dict[str, frozenset[object]] = field(default_factory=dict)

    def content(self, name: str) -> frozenset[object] | None:
        """Return all that the checks of a package can see; None if there is no such package."""
        if name not in self.packages:
            return None
        if name not in self.contents:
            self.contents[name] = self._content(name)
        return self.contents[name]

    def _content(self, name: str) -> frozenset[object]:
        own = self.packages[name]
        found: set[object] = {(inner, entry) for inner, entry in own.files.items()}
        seen: set[tuple[str, str]] = set()
        todo = own.needs()
        while todo:
            requirement = todo.pop()
            needed = canonicalize_name(requirement.name)
            if needed in self.packages:
                for extra in ("", *requirement.extras):
                    if (needed, extra) not in seen:
                        seen.add((needed, extra))
                        found.add((needed, self.packages[needed].packed))
                        todo += self.packages[needed].needs([extra])
            elif (needed, "") not in seen:
                seen.add((needed, ""))
                found.add((needed, self.pins.get(needed)))
                todo += map(Requirement, self.requires.get(needed, ()))
        return frozenset(found)

    def dependents(self, names: Iterable[str]) -> set[str]:
        """Return packages and all that depend on them, whatever the extra or group."""
        found = set(names)
        needs = {
            name: {canonicalize_name(one.name) for one in folder.needs()}
            for name, folder in self.packages.items()
        }
        while more := {name for name, needed in needs.items() if needed & found} - found:
            found |= more
        return found


def see(repository: Repository, files: Mapping[str, Entry]) -> Seen:
    """Return a commit as the oracle sees it."""
    packages: dict[str, Folder] = {}
    owners: dict[str, str] = {}
    for path, entry in files.items():
        above, _, last = path.rpartition("/")
        fits = any(_fits(above, glob) for glob in repository.packages)
        if last == "pyproject.toml" and fits:
            manifest = repository.table(entry.object)
            if name := manifest.get("project", {}).get("name"):
                owners[above] = canonicalize_name(name)
                packages[owners[above]] = Folder(above, {}, manifest)
    inner: dict[str, dict[str, Entry]] = {name: {} for name in packages}
    others = {}
    for path, entry in files.items():
        owner = next((folder for folder in _above(path) if folder in owners), None)
        if owner is None:
            others[path] = entry
        else:
            inner[owners[owner]][path.removeprefix(f"{owner}/")] = entry
    found = {
        name: Folder(folder.path, inner[name], folder.manifest) for name, folder in packages.items()
    }
    lock = repository.table(files[repository.lock].object) if repository.lock in files else {}
    pins: dict[str, set[str]] = {}
    requires: dict[str, set[str]] = {}
    for package in lock.get("package", []):
        if package["name"] in found or not {"registry", "git", "url"} & package["source"].keys():
            continue
        version = package["version"]
        if "git" in package["source"]:
            version += f"+g{package['source']['git'].rpartition('#')[2][:12]}"
        pins.setdefault(package["name"], set()).add(version)
        lists = [
            package.get("dependencies", []),
            *package.get("optional-dependencies", {}).values(),
        ]
        needed = requires.setdefault(package["name"], set())
        needed.update(one["name"] for texts in lists for one in texts)
    return Seen(
        found,
        {name: frozenset(versions) for name, versions in pins.items()},
        {name: frozenset(names) for name, names in requires.items()},
        {path: entry for path, entry in others.items() if path != repository.lock},
    )


def _fits(folder: str, glob: str) -> bool:
    return folder.count("/") == glob.count("/") and fnmatchcase(folder, glob)


def _above(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


class Replay:
    """A repository of ours in which the commits of another one are told again."""

    def __init__(self, repository: Repository, folder: Path, *, with_affects: bool) -> None:
        """Make it, in a new folder."""
        self.repository, self.folder = repository, folder
        made = [*ENGINE, "create", str(folder.parent / f"{folder.name}-made"), "--no-input"]
        answers = ["--default-config", "repo_name=replayed", f"packages={AREA}/core"]
        (folder.parent / f"{folder.name}-made").mkdir()
        subprocess.run([*made, *answers], check=True, capture_output=True)
        subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
        objects = repository.git.resolve() / "objects"
        (folder / ".git/objects/info/alternates").write_text(f"{objects}\n")
        tools = folder.parent / f"{folder.name}-made/replayed"
        self.settings = SETTINGS
        if with_affects:
            lines = [f'"{one}" = []' for one in repository.affects]
            self.settings += "\n".join(["\n[tool.monorepo.affects]", *lines, ""])
        self.tools = {
            path.relative_to(tools).as_posix(): self._written(path.read_bytes())
            for path in sorted((tools / "tools").rglob("*"))
            if path.is_file() and path.name not in ("hashes.txt", "lowest.txt")
        }
        self.last = ""

    def git(self, *words: str, data: bytes = b"", index: str = "") -> str:
        """Return what git says in it."""
        env = {**os.environ, **({"GIT_INDEX_FILE": index} if index else {})}
        who = ["-c", "user.name=benchmarks", "-c", "user.email=benchmarks@example.com"]
        command = ["git", "-C", str(self.folder), *who, *words]
        done = subprocess.run(command, input=data, check=True, capture_output=True, env=env)
        return done.stdout.decode().strip()

    def _written(self, data: bytes) -> Entry:
        return Entry("100644", self.git("hash-object", "-w", "--stdin", data=data))

    def tell(self, seen: Seen) -> str:
        """Commit what a commit has; return the name of the new one."""
        files = dict(self.tools)
        root = self.repository.root
        manifest = ""
        for path, entry in seen.others.items():
            inside = path.removeprefix(f"{root}/") if root else path
            if root and not path.startswith(f"{root}/"):
                files[f"outside/{path}"] = entry
            elif inside == "pyproject.toml":
                manifest = self.repository.text(entry.object)
            else:
                files[inside] = entry
        files["pyproject.toml"] = self._written(f"{manifest}\n{self.settings}".encode())
        lines, entries = [], []
        for name, versions in sorted(seen.pins.items()):
            for version in sorted(versions):
                # Which of several versions is for which platform does not matter here.
                marker = f" ; python_version != '{version}'" if len(versions) > 1 else ""
                lines.append(f"{name}=={version}{marker}\n")
                needed = sorted(seen.requires[name] & seen.pins.keys())
                entries.append(
                    lines[-1] + (f"    # requires {', '.join(needed)}\n" if needed else "")
                )
        files["constraints.txt"] = self._written("".join(lines).encode())
        files["tools/hashes.txt"] = self._written("".join(entries).encode())
        for name, folder in seen.packages.items():
            for inner, entry in folder.files.items():
                files[f"{AREA}/{name}/{inner}"] = entry
        index = str(self.folder / ".git/replay-index")
        rows = [
            f"{entry.mode} {entry.object}\t".encode() + os.fsencode(path)
            for path, entry in sorted(files.items())
        ]
        Path(index).unlink(missing_ok=True)
        self.git("update-index", "-z", "--index-info", data=b"\0".join([*rows, b""]), index=index)
        tree = self.git("write-tree", index=index)
        parent = ["-p", self.last] if self.last else []
        self.last = self.git("commit-tree", *parent, "-m", "told again", tree)
        return self.last


@dataclass
class Count:
    """What a replay has found."""

    commits: int = 0
    checks: int = 0
    ours: int = 0
    simple: int = 0
    needed: int = 0
    everything: int = 0
    problems: int = 0
    seconds: float = 0
    unsafe: list[str] = field(default_factory=list)


def replay(repository: Repository, count: int) -> tuple[Count, Count]:
    """Replay the last commits of a repository, without its `affects` and with them."""
    found = (Count(), Count())
    with tempfile.TemporaryDirectory(prefix="replay-") as name:
        folders = [Path(name).resolve() / one for one in ("told", "with-affects")]
        both = [Replay(repository, one, with_affects=one is folders[1]) for one in folders]
        before: Seen | None = None
        bases = ["", ""]
        for commit in repository.commits(count):
            seen = see(repository, repository.files(commit))
            heads = [told.tell(seen) for told in both]
            if before is not None:
                for each, told, base, head in zip(found, both, bases, heads, strict=True):
                    _judge(each, told, commit, (before, base), (seen, head))
            before, bases = seen, heads
    return found


def _judge(
    found: Count, told: Replay, commit: str, old: tuple[Seen, str], new: tuple[Seen, str]
) -> None:
    """Ask what a commit affects, and compare that with the oracle."""
    (before, base), (seen, head) = old, new
    started = time.process_time()
    since = changes.since(told.folder, base, head)
    with changes.opened(since) as space:
        said = impact.affected(space, since)
        found.seconds += time.process_time() - started
        table = Files(space)
        outside = {path for path in since.files if space.owner(path) is None and table.nodes(path)}
    affected = {path.rpartition("/")[2] for path in said.packages}
    differing = {name for name in seen.packages if before.content(name) != seen.content(name)}
    found.commits += 1
    found.checks += len(seen.packages)
    found.ours += len(affected & seen.packages.keys())
    found.needed += len(differing)
    found.everything += bool(said.everything)
    found.problems += bool(said.problems)
    found.unsafe += [f"{commit}: {name}" for name in sorted(differing - affected)]
    touched = {
        name
        for name, folder in seen.packages.items()
        if name not in before.packages or before.packages[name].files != folder.files
    }
    touched |= before.packages.keys() - seen.packages.keys()
    simple = set(seen.packages) if outside else seen.dependents(touched)
    found.simple += len(simple & seen.packages.keys())


def main(words: Sequence[str] | None = None) -> None:
    """Replay, and print a row for each repository."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="of the table (all)")
    parser.add_argument("--mirrors", type=Path, help="a folder that has their git directories")
    parser.add_argument("--commits", type=int, default=200, help="how many (default: 200)")
    options = parser.parse_args(words)
    table = tomllib.loads(DATA.read_text(encoding="utf-8"))
    print(
        "| repository | commits | checks | affected | saved | prefix and dependents | saved |",
        end="",
    )
    print(" least possible | all, by a file of the root | unsafe skips | s per commit |")
    print("| --- |" + " --: |" * 10)
    for name, facts in table["repositories"].items():
        if options.names and name not in options.names:
            continue
        with tempfile.TemporaryDirectory(prefix="replay-") as folder:
            git = options.mirrors / name if options.mirrors else Path(folder) / name
            if not options.mirrors:
                clone = ["git", "clone", "--quiet", "--bare", facts["url"], str(git)]
                subprocess.run(clone, check=True)
            keys = ("commit", "root", "packages", "lock", "affects")
            repository = Repository(git, *(facts[key] for key in keys))
            both = replay(repository, options.commits)
            for found, what in zip(both, (name, "with its `affects`"), strict=True):
                print(_row(what, found), flush=True)
                for unsafe in found.unsafe:
                    print(f"{what}: unsafe skip: {unsafe}", file=sys.stderr)


def _row(name: str, found: Count) -> str:
    def saved(run: int) -> str:
        return f"{1 - run / found.checks:.1%}"

    cells = [name, found.commits, found.checks, found.ours, saved(found.ours)]
    cells += [found.simple, saved(found.simple), found.needed, found.everything]
    cells += [len(found.unsafe), f"{found.seconds / max(1, found.commits):.3f}"]
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    main()
