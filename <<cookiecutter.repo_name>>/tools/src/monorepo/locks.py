"""Pins: what constraints.txt and pnpm-lock.yaml should say, and whether they do."""

import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from monorepo import node, pnpmlock, scaffold, subtemplates, uv, workspace
from monorepo.errors import UsageError
from monorepo.names import fold
from monorepo.pinned import Declared, out_of_step
from monorepo.processes import run, say
from monorepo.transaction import begin
from monorepo.uv import PINS
from monorepo.workspace import Package, Workspace

HEADER = """\
# Every version that comes from a Python index, anywhere in this repository, once. `make lock` adds
# what is missing and keeps the rest; `make lock UPGRADE=all` or UPGRADE="name name" moves pins.
"""


def samples(space: Workspace, folder: Path) -> list[Package]:
    """Render the manifest of each sub-template into `folder` and return the packages.

    Their dependencies are pinned like everybody's, so that adding a package needs no network.

    Raises:
        UsageError: sub-templates are broken.
    """
    found, wrong = sampled(space, folder)
    if wrong:
        raise UsageError(*wrong)
    return found


def sampled(space: Workspace, folder: Path) -> tuple[list[Package], list[str]]:
    """Return what the sub-templates make, as `samples` does, and what is wrong with the others."""
    found: list[Package] = []
    wrong: list[str] = []
    for template in subtemplates.every(space.root):
        try:
            found.append(_sample(space, folder, template))
        except UsageError as error:
            wrong += error.mistakes
    return found, wrong


def _sample(space: Workspace, folder: Path, template: str) -> Package:
    """Return the package that a sub-template makes.

    Raises:
        UsageError: it is broken.
    """
    source = space.root / "templates" / template
    language = "js" if list(source.glob("*/package.json")) else "py"
    path = f"shared/{language}/{template}"
    told = {**scaffold.facts(space, path), "port": 1}
    questions = subtemplates.read(space.root, template)
    answers = subtemplates.answer(template, questions, told, {})
    name = workspace.MANIFESTS[language]
    (folder / path).mkdir(parents=True)
    text = subtemplates.rendered(source, name, told, questions, answers)
    (folder / path / name).write_text(text, encoding="utf-8")
    try:
        return workspace.read_package(folder, path)
    except UsageError as error:
        file = f"templates/{template}"
        what = "makes a broken package"
        raise UsageError(*(f"{file}: {what}: {one}" for one in error.mistakes)) from error


def internal_names(space: Workspace) -> set[str]:
    """Return the folded names that an index must never be asked for."""
    needed: set[str] = set()
    for template in subtemplates.every(space.root):
        # One that is broken makes nothing.
        with contextlib.suppress(UsageError):
            needed |= set(subtemplates.read(space.root, template).get("_requires", {}))
    told = [scaffold.facts(space, path) for path in needed]
    names = {fold(one["distribution"]) for one in told} | {fold(one["npm_name"]) for one in told}
    return names | {fold(package.name) for package in space.every.values()} | set(space.lost)


def declared(space: Workspace, sampled: Sequence[Package]) -> Iterator[Declared]:
    """Yield every requirement of every extra of all packages, sub-templates and tools."""
    internal = internal_names(space) | {fold(package.name) for package in sampled}
    for package in [*space.every.values(), *sampled]:
        if package.language != "py":
            continue
        extras = set(package.extras)
        if package.path == workspace.TOOLS and not space.has_javascript:
            extras -= {"javascript"}
        build = package.manifest.get("build-system", {}).get("requires", [])
        for text in [*package.requirements(extras), *build]:
            if workspace.requirement(text).name not in internal:
                yield Declared(f"{package.path}/pyproject.toml", text)


def lock(space: Workspace, upgrade: Sequence[str]) -> list[str]:
    """Bring constraints.txt, and pnpm-lock.yaml where there is JavaScript, in step.

    It touches these two and templates/pnpm-lock.yaml, all or none of them.

    Args:
        space: the repository.
        upgrade: names of pins that may move; `all` for all; none keeps what stands.

    Returns:
        A table of the pins that have moved; see `moved`.

    Raises:
        TaskError: no set of versions satisfies all that is declared.
    """
    with begin(space.root) as change:
        after = resolve(space, upgrade, change.stage())
        before = {path: change.read(path) for path in after}
        for path, text in after.items():
            if change.write(path, text):
                say(f"lock: {path} changed")
        change.commit()
    return moved(before, after)


def resolve(space: Workspace, upgrade: Sequence[str], draft: Path) -> dict[str, str]:
    """Return the texts of all locks, by path, for what the manifests say.

    Args:
        space: the repository.
        upgrade: names of pins that may move.
        draft: an empty folder to work in.

    Raises:
        TaskError: no set of versions satisfies all that is declared.
    """
    sampled = samples(space, draft / "samples")
    texts = {PINS: compile_pins(space, list(declared(space, sampled)), upgrade, draft)}
    if space.has_javascript:
        texts |= node.resolve(space, sampled, upgrade, draft)
    return texts


def compile_pins(
    space: Workspace, wanted: Sequence[Declared], upgrade: Sequence[str], draft: Path
) -> str:
    """Return the text of constraints.txt for `wanted`; the pins that stand are preferred.

    Raises:
        TaskError: uv found no solution; it has said why.
    """
    output = draft / PINS
    shutil.copyfile(space.root / PINS, output)
    lines = "".join(f"{text}\n" for text in sorted({one.text for one in wanted}))
    moves = ["--upgrade"] if "all" in upgrade else [f"--upgrade-package={name}" for name in upgrade]
    pip = [uv.program(space.root), "pip", "compile", "--quiet", "--universal", "--no-annotate"]
    floor = ["--no-header", "--python-version", str(space.facts["python"])]
    run([*pip, *floor, *moves, "--output-file", output, "-"], space.root, lines)
    pinned = re.sub(r"^#.*\n", "", output.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return HEADER + pinned


def check(space: Workspace) -> list[str]:
    """Say, without network, what is not pinned, and which pins do not satisfy what is declared.

    Returns:
        One line for each mistake.
    """
    with tempfile.TemporaryDirectory() as folder:
        found, mistakes = sampled(space, Path(folder))
    mistakes += out_of_step(space, list(declared(space, found)))
    if space.has_javascript:
        try:
            mistakes += node.check(space)
        except UsageError as error:
            mistakes += error.mistakes
    return sorted(set(mistakes))


def outdated(space: Workspace) -> list[str]:
    """Return a table of the pins that `make lock UPGRADE=all` would move, and what pnpm says.

    Raises:
        TaskError: the index cannot be asked.
    """
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder)
        wanted = list(declared(space, samples(space, draft / "samples")))
        newest = compile_pins(space, wanted, ["all"], draft)
    now = (space.root / PINS).read_text(encoding="utf-8")
    lines = moved({PINS: now}, {PINS: newest})
    if space.has_javascript:
        theirs = node.outdated(space)
        lines += ["", *theirs] if lines and theirs else theirs
    return lines


def moved(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return a Markdown table of the pins that differ between locks, or nothing.

    Args:
        before: the texts of the locks, by path.
        after: likewise.
    """
    old, new = _versions(before), _versions(after)
    names = sorted(name for name in old | new if old.get(name) != new.get(name))
    if not names:
        return []
    rows = [["pin", "before", "after"]]
    for name in names:
        rows.append([name, *(", ".join(pins.get(name, ["none"])) for pins in (old, new))])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, ["-" * width for width in widths])
    return [f"| {' | '.join(map(str.ljust, row, widths))} |" for row in rows]


def _versions(texts: Mapping[str, str]) -> dict[str, list[str]]:
    """Return all versions that locks pin, by name."""
    found: dict[str, set[str]] = {}
    for path, text in texts.items():
        pairs: list[tuple[str, str, str]] = []
        if path == PINS:
            pairs = [line.partition("==") for line in text.splitlines() if line[:1] != "#"]
        elif path.endswith(node.LOCK):
            pairs = [key.rpartition("@") for key in pnpmlock.parse(text).packages]
        for name, _, version in pairs:
            if version:
                found.setdefault(name, set()).add(version)
    return {name: sorted(versions) for name, versions in found.items()}
