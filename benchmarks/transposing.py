"""Copy a repository to the tree that the rules know, and read its manifests as if made for it.

Each package that a glob names goes to its area, `pkg/` to `src/pkg/`. What developers alone install
(dependency groups, extras such as `dev`, those of the folders above) becomes the extra `test`. That
is done to what is read: the files of manifests stay as they are.
"""

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from monorepo.core.naming import fold
from monorepo.core.workspace import Package, requirement
from monorepo.parsing import requirements_txt, shell_commands
from monorepo.scaffold import wheel

# Folders and modules beside the code of a package.
_BESIDE = set(
    "benchmarks demo demos doc docs e2e evals example examples features integration_tests notebooks"
    " samples scripts static templates test tests tools".split()
)
_NO_CODE = re.compile(r"(setup|noxfile|conftest|__init__|test_.*|.*_test)\.py")
_DEVELOPERS = re.compile(
    r"(.*[-_])?(build|ci|dev|develop|docs?|lint|mypy|style|testing|tests?|types|typing)([-_].*)?"
)


class Copy(NamedTuple):
    """A repository in its new tree.

    Attributes:
        old: the path that each file had, by its new one.
        packages: by their new paths.
    """

    old: dict[str, str]
    packages: dict[str, Package]


def transpose(checkout: Path, maps: Sequence[str], root: Path) -> Copy:
    """Copy what git tracks of a checkout to `root`, with the packages that globs name in areas."""
    folders = dict(_folders(checkout, maps))
    flat = {folder: _flat(checkout / folder) for folder in folders}
    listing = ["git", "ls-files", "-z"]
    listed = subprocess.run(listing, cwd=checkout, capture_output=True, check=True, text=True)
    old: dict[str, str] = {}
    for path in filter(None, listed.stdout.split("\0")):
        above = ("/".join(path.split("/")[:depth]) for depth in range(path.count("/"), 0, -1))
        new = path
        if home := next((one for one in (*above, ".") if one in folders), None):
            inner = path.removeprefix(f"{home}/")
            source = "src/" if inner.split("/")[0] in flat[home] else ""
            new = f"{folders[home]}/{source}{inner}"
        elif path.split("/")[0] in ("shared", "services", "tools"):
            continue
        if (checkout / path).is_file() and not (checkout / path).is_symlink():
            old[new] = path
            (root / new).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(checkout / path, root / new)
            if new == path and shell_commands.may_carry(path):
                _rewrite(root / new, folders)
    (root / "tools").mkdir()
    wheel.give(root)
    for words in (["init", "-q"], ["add", "--all", "--force", "."]):
        subprocess.run(["git", *words], cwd=root, check=True)
    names = {_name(checkout / folder) for folder in folders}
    packages = {
        new: Package(root, new, _manifest(checkout, checkout / folder, names))
        if "/py/" in new
        else Package(root, new, {"name": new, **_read(root / new / "package.json")})
        for folder, new in sorted(folders.items(), key=lambda pair: pair[1])
    }
    return Copy(old, packages)


def _folders(checkout: Path, maps: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the folder of each package, and where it goes."""
    taken: dict[Path, str] = {}
    for glob, area in (one.split("=") for one in maps):
        found = {checkout} if glob == "." else {*checkout.glob(glob)}
        for folder in sorted(found - taken.keys()):
            python = any((folder / one).is_file() for one in ("pyproject.toml", "requirements.txt"))
            if python or (folder / "package.json").is_file():
                new = f"{area}/{'py' if python else 'js'}/{fold(folder.name)}"
                above = iter(folder.relative_to(checkout).parts[-2::-1])
                while new in taken.values():
                    new += f"-{fold(next(above))}"
                taken[folder] = new
                yield folder.relative_to(checkout).as_posix(), new


def _flat(folder: Path) -> set[str]:
    """Return the folders, or else the modules, of a package without `src`, that are its code."""
    if any((folder / "src").rglob("*.py")) or (folder / "package.json").is_file():
        if not (folder / "pyproject.toml").is_file() or (folder / "src").is_dir():
            return set()
    # Of the root's folders, only those that say so are a package; below, some are namespaces.
    says = "__init__.py" if (folder / ".git").exists() else "**/*.py"
    names = {one.name for one in folder.iterdir() if one.is_dir() and any(one.glob(says))}
    code = {name for name in names - _BESIDE if name.isidentifier()}
    modules = {one.name for one in folder.glob("*.py") if not _NO_CODE.fullmatch(one.name)}
    # What nobody builds runs in its folder, with the modules beside.
    return code if code and (folder / "pyproject.toml").is_file() else code | modules


def _rewrite(file: Path, folders: Mapping[str, str]) -> None:
    """Let commands outside the packages name the folders as they are called now."""
    text = file.read_bytes().decode("utf-8", "surrogateescape")
    for old in sorted(folders, key=len, reverse=True):
        # What has no slash beside it may be the name of a distribution as well.
        end = r"(?![\w-])" if "/" in old else "(?=/)"
        text = re.sub(rf"(?<![\w/-]){re.escape(old)}{end}", folders[old], text)
    file.write_bytes(text.encode("utf-8", "surrogateescape"))


def _name(folder: Path) -> str:
    """Return the folded name of a Python package."""
    told = _read(folder / "pyproject.toml")
    poetry = told.get("tool", {}).get("poetry", {})
    return fold(str(told.get("project", poetry).get("name", folder.name)))


def _manifest(checkout: Path, folder: Path, here: Container[str]) -> dict[str, Any]:
    """Return a Python package's manifest as a monorepo would have it, whatever tool it is for."""
    told = _read(folder / "pyproject.toml")
    poetry = told.get("tool", {}).get("poetry", {})
    project = {"name": poetry.get("name", folder.name), **told.get("project", {})}
    asked = poetry.get("dependencies", {})
    texts = {fold(name): f"{name}{_version(one)}" for name, one in asked.items()}
    extras = {
        name: [texts[fold(one)] for one in wanted if fold(one) in texts]
        for name, wanted in poetry.get("extras", {}).items()
    } | project.get("optional-dependencies", {})
    if not {"dependencies"} & {*project, *project.get("dynamic", ())}:
        only = {n for n, one in asked.items() if isinstance(one, dict) and one.get("optional")}
        base = [texts[fold(name)] for name in asked.keys() - only - {"python"}]
        project["dependencies"] = sorted(base) or list(_listed(folder / "requirements.txt"))
        project.setdefault("requires-python", _version(asked.get("python")) or ">=3.11")
    tests = [text for name in extras if _DEVELOPERS.fullmatch(name) for text in extras[name]]
    for place in (folder, *folder.parents):
        # The root installs all packages for its developers, which says nothing of this one.
        hatch = {"tool": {"hatch": _read(place / "hatch.toml")}}
        group = [*_groups(_read(place / "pyproject.toml")), *_groups(hatch)]
        tests += [one for one in group if place == folder or requirement(one).name not in here]
        lists = [one for one in place.glob("*requirements*") if re.search("dev|test", one.name)]
        tests += [text for file in sorted(lists) for text in _listed(file)]
        if place == checkout:
            break
    kept = {name: wanted for name, wanted in extras.items() if not _DEVELOPERS.fullmatch(name)}
    asked_own = re.compile(rf"{re.escape(project['name'])}\s*\[([^\]]*)\]")

    def own(text: str) -> str:
        """Leave only those of its own extras that are kept; what others bring is in `test` now."""
        found = asked_own.match(text)
        left = [one.strip() for one in found[1].split(",")] if found else []
        left = [one for one in left if one in kept]
        return f"{project['name']}[{','.join(left)}]" if left else "" if found else text

    project["optional-dependencies"] = {
        name: [mine for text in wanted if (mine := own(text))]
        for name, wanted in {**kept, "test": tests}.items()
    }
    return {**told, "project": project}


def _read(file: Path) -> dict[str, Any]:
    """Return what a manifest says; nothing, where there is none."""
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    told = json.loads(text or "{}") if file.suffix == ".json" else tomllib.loads(text)
    return told if isinstance(told, dict) else {}


def _listed(file: Path) -> Iterator[str]:
    """Yield what a requirements file asks for by name."""
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    yield from (one.value for one in requirements_txt.read(text) if one.kind == "name")


def _groups(told: Mapping[str, Any]) -> list[str]:
    """Return what the groups of a manifest ask for, in all formats that there are."""
    tool = told.get("tool", {})
    found = [one for group in told.get("dependency-groups", {}).values() for one in group]
    found += tool.get("uv", {}).get("dev-dependencies", [])
    for env in tool.get("hatch", {}).get("envs", {}).values():
        found += [*env.get("dependencies", []), *env.get("extra-dependencies", [])]
    poetry = tool.get("poetry", {})
    tables = [group.get("dependencies", {}) for group in poetry.get("group", {}).values()]
    for table in [*tables, poetry.get("dev-dependencies", {})]:
        found += [f"{name}{_version(one)}" for name, one in table.items() if name != "python"]
    return [one for one in found if isinstance(one, str)]


def _version(told: object) -> str:
    """Return Poetry's words for a version as an installer reads them, with the extras."""
    # Where several versions are for several Pythons, the first stands for them.
    one: Any = told[0] if isinstance(told, list) else told
    table = one if isinstance(one, dict) else {"version": one}
    extras = f"[{','.join(map(str, table['extras']))}]" if table.get("extras") else ""
    text = str(table.get("version") or "").partition("||")[0].strip()
    text = re.sub(r"[\^~](?=\d)", ">=", text).replace("*", "").rstrip(".")
    return extras + (f"=={text}" if text[:1].isdigit() else text)
