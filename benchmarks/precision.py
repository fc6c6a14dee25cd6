"""What the rules find in a repository that they were not made for, for a person to judge.

    make precision ARGS="CHECKOUT --map 'libs/*=shared' --map 'apps/*=services' --copy COPY"
    make precision ARGS="trpc --copy COPY"

The second is a repository of `judged` in benchmarks/repositories.toml, cloned at its commit. Of
what the packages declare, each distribution is unpacked without what it depends on, and without
running anything of it; what is heavy is not, its name tells what it brings. Commit nothing of it.
"""

import argparse
import random
import shutil
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

from jinja2 import Environment

from benchmarks.measuring import words as asked
from benchmarks.migrating import DATA, clone
from benchmarks.transposing import transpose
from monorepo.core import hashes, workspace
from monorepo.core.naming import fold
from monorepo.dependencies import metadata as installed
from monorepo.dependencies import providers
from monorepo.guard import catalog, runner
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources
from monorepo.rules.heavy import HEAVY
from monorepo.templating.template import tree

SCHEMA = ".schemas/structure.yaml"


def main(words: Sequence[str] | None = None) -> None:
    """Copy, unpack, run the rules, and print what they find."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("checkout", help="a folder, or the name of a judged repository")
    parser.add_argument("--map", action="append", help="GLOB=shared or =services")
    parser.add_argument("--copy", type=Path, required=True, help="where the copy goes")
    parser.add_argument("--namespace")
    parser.add_argument("--python", default="3.11", help="which the packages run on")
    parser.add_argument("--rule", action="append", default=[])
    parser.add_argument("--sample", type=int, default=60, help="of each rule, at random")
    parser.add_argument("--offline", action="store_true", help="unpack nothing")
    options = parser.parse_args(words)
    root = options.copy.resolve()
    judged = tomllib.loads(DATA.read_text(encoding="utf-8"))["judged"].get(options.checkout, {})
    maps = options.map or judged.get("map") or parser.error("--map says which folders are packages")
    checkout = Path(options.checkout).resolve()
    if judged:
        checkout = root.with_name(f"{root.name}.clone")
        shutil.rmtree(checkout, ignore_errors=True)
        clone(judged, checkout)
    kept = root.with_name(f"{root.name}.venv")
    if (root / ".venv").exists():
        (root / ".venv").rename(kept)
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    copy = transpose(checkout, maps, root)
    namespace = options.namespace or judged.get("namespace", "acme")
    known = {"namespace": namespace, "python": options.python, "python-env": "shared"}
    facts = {**dict.fromkeys(workspace.FACTS, ""), **known}
    space = workspace.Workspace(root, facts, copy.packages)
    _schema(root)
    said = "nothing unpacked"
    if kept.exists():
        kept.rename(root / ".venv")
        said = "unpacked before"
    elif not options.offline:
        said = unpack(space, options.python)
    _pin(root)
    # A module is imported by what its folder is called, and that need not be its package's name.
    space.__dict__["by_import"] = imported(space)
    found = runner.found(space, catalog.chosen(root, options.rule))
    files = Counter(path.rpartition(".")[2] for path in copy.old)
    print(f"{len(space.packages)} packages, {files.total()} files, {files['py']} of Python; {said}")
    for rule in catalog.chosen(root, options.rule):
        mine = [one for one in found if one.rule == rule]
        told = Counter(one.status for one in mine)
        print(f"\n== {rule}: {told['error']} findings, {told['warn']} warnings")
        for status in ("error", "warn"):
            some = sorted(one for one in mine if one.status == status)
            if len(some) > options.sample:
                some = sorted(random.Random(0).sample(some, options.sample))
            for one in some:
                print(shown(one, root, copy.old))


def _schema(root: Path) -> None:
    """Write the schema of a monorepo with everything."""
    signs = {"variable_start_string": "<<", "variable_end_string": ">>"}
    signs |= {"block_start_string": "<%", "block_end_string": "%>"}
    signs |= {"comment_start_string": "<#", "comment_end_string": "#>"}
    text = (tree() / SCHEMA).read_text(encoding="utf-8")
    answers = {"__python": "x", "__javascript": "x", "__services": "x"}
    made = Environment(**signs, trim_blocks=True, lstrip_blocks=True, autoescape=False)  # type: ignore[arg-type]
    (root / SCHEMA).parent.mkdir(exist_ok=True)
    (root / SCHEMA).write_text(made.from_string(text).render(cookiecutter=answers))


def unpack(space: workspace.Workspace, python: str) -> str:
    """Resolve what is declared and unpack it in .venv; return what cannot be had."""
    each: dict[str, list[str]] = defaultdict(list)
    for package in space.packages.values():
        if package.language == "py":
            for text in package.requirements(package.extras):
                name = workspace.requirement(text).name
                if name not in space.by_name and "@" not in text:
                    each[name].append(text)
    options = ["--python-version", python, "--quiet", "--no-build"]
    uv = str(Path(sys.executable).with_name("uv"))
    solve = [uv, "pip", "compile", "-", "--no-header", "--no-annotate", *options]
    asked = "\n".join(sorted({text for texts in each.values() for text in texts}))
    done = subprocess.run(solve, input=asked, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines() if done.returncode == 0 else []
    pins = {fold(line.partition("==")[0]): line for line in lines if "==" in line}
    said = "" if pins else f"not to be resolved together ({done.stderr.strip()[:200]!r}); "
    (space.root / hashes.PINS).write_text("".join(f"{line}\n" for line in pins.values()))
    light = {
        name: [pins[name]] if name in pins else sorted({text.partition(";")[0] for text in texts})
        for name, texts in sorted(each.items())
        if name not in HEAVY
    }
    site = space.root / f".venv/lib/python{python}/site-packages"
    install = [uv, "pip", "install", "--target", str(site), "--no-deps", *options]

    def fails(*texts: str) -> bool:
        return subprocess.run([*install, *texts], capture_output=True, check=False).returncode > 0

    absent = []
    if fails(*(text for texts in light.values() for text in texts)):
        # Where two packages ask for what no one version is, one of them has it.
        absent = [name for name, texts in light.items() if fails(*texts) and fails(texts[0])]
    # One without modules stands for what it depends on, and one in a namespace for its parts.
    hollow = [text for text in hollows(site) if workspace.requirement(text).name not in HEAVY]
    if hollow and fails(*hollow):
        absent += [text for text in hollow if fails(text)]
    return said + (f"not to be had: {', '.join(absent)}" if absent else "all unpacked")


def hollows(site: Path) -> Iterator[str]:
    """Yield what each distribution without a module depends on, and the parts of others."""
    for one in metadata.distributions(path=[str(site)]):
        modules = installed.roots(map(str, one.files or ()))
        start = f"{fold(one.metadata['Name'])}-" if modules else ""
        if all("." in module for module in modules):
            texts = (text.partition(";")[0] for text in one.requires or () if "extra" not in text)
            yield from (text for text in texts if fold(text).startswith(start))


def _pin(root: Path) -> None:
    """Pin what was unpacked, where there was no common solution to pin."""
    pins = root / hashes.PINS
    (root / ".gitignore").open("a").write("\n/.venv/\n")
    if not pins.exists() or not pins.read_text():
        found = (path.name.split("-")[:2] for path in root.glob(".venv/lib/*/*/*.dist-info"))
        lines = sorted(f"{name}=={version.removesuffix('.dist')}\n" for name, version in found)
        pins.write_text("".join(lines))


def imported(space: workspace.Workspace) -> dict[str, workspace.Package]:
    """Return the packages by the topmost names by which code really imports them."""
    own = providers.Distributions(Sources(space)).own
    found: dict[str, list[workspace.Package]] = defaultdict(list)
    for path, package in space.packages.items():
        # A module that is no folder has a name that any other one may have as well.
        tops = {one.partition(".")[0] for one in own.get(path, ())}
        tops -= {one.stem for one in (space.root / path / "src").glob("*.py")}
        for name in [package.name] if package.language == "js" else tops:
            found[name].append(package)
    return {name: several[0] for name, several in found.items() if len(several) == 1}


def shown(finding: Finding, root: Path, old: dict[str, str]) -> str:
    """Return a finding at the path that the repository has, with the line that it is about."""
    told = f"{finding.status} {old.get(finding.path, finding.path)}:{finding.line}"
    if finding.line:
        rows = (root / finding.path).read_text(errors="replace").splitlines()
        return f"{told} {finding.message}\n      | {rows[finding.line - 1].strip()[:140]}"
    return f"{told} {finding.message}"


if __name__ == "__main__":
    main(asked())
