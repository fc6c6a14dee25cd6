"""Render what this version gives for a repository that exists: its root, and its packages.

Another version's process calls it (see `driver`): what goes in and out is plain data, and its form
is a contract between all versions from 0.3 on. It also runs on the modules of version 0.2, so it
calls nothing which those lack.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monorepo.core import languages, naming, workspace
from monorepo.core.workspace import Workspace
from monorepo.scaffold import addition, answers, creation
from monorepo.system.errors import UsageError
from monorepo.templating import sub_templates


def render(wanted: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Render a repository into the folder `out`, which is empty.

    Args:
        wanted: `answers` of the root, by question; `manifests`, the texts of those of packages that
            are not rendered, by path; and `packages`, each with its `path`, its `kind`, its
            `answers`, its `dependencies` as requirements, its `port` or None, and, for a kind of
            the team's own, the `folder` that has it. Answers to what is not asked are left out.
        out: where the repository's folder is made.

    Returns:
        `root`, the folder; `answers`, all that the template asks; `packages`, likewise by path; and
        `failed`, by path, why a package cannot be rendered.

    Raises:
        UsageError: an answer is not good.
        OSError: something cannot be written.
    """
    known = {
        key: str(value) for key, value in wanted["answers"].items() if key in answers.QUESTIONS
    }
    words = ["--default-config", "--no-input", *(f"{key}={value}" for key, value in known.items())]
    context = creation.collect(words, out)
    root = creation.make(out, {**context, "packages": ""})
    shutil.rmtree(root / ".git")
    for path, text in wanted["manifests"].items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    space = workspace.load(root)
    made: dict[str, Any] = {}
    failed: dict[str, str] = {}
    for package in _ordered(space, wanted["packages"]):
        path = package["path"]
        try:
            space, made[path] = _package(space, package)
        except UsageError as error:
            failed[path] = "; ".join(map(str, error.mistakes))
            shutil.rmtree(root / path, ignore_errors=True)
    given = {key: context[key] for key in answers.QUESTIONS}
    return {"root": str(root), "answers": given, "packages": made, "failed": failed}


def _ordered(space: Workspace, packages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return packages in an order in which each comes after those that it depends on."""
    waiting = {package["path"]: package for package in packages}
    names = {path: sub_templates.facts(space, path)[languages.of(path).naming] for path in waiting}
    order: list[Mapping[str, Any]] = []
    while waiting:
        missing = {naming.fold(names[path]) for path in waiting}
        ready = [path for path in waiting if not missing & _names(waiting[path])]
        # In a circle, which a hand has made since, one has to be first.
        for path in ready or list(waiting)[:1]:
            order.append(waiting.pop(path))
    return order


def _names(package: Mapping[str, Any]) -> set[str]:
    """Return the folded names of what a package depends on."""
    return {naming.fold(text.partition("[")[0]) for text in package["dependencies"]}


def _rendered(space: Workspace, text: str) -> str:
    """Return a requirement without the extras that its package was not rendered with."""
    name, _, extras = text.partition("[")
    other = space.by_name[naming.fold(name)]
    there = set(other.extras) if other.is_python else set[str]()
    kept = [one for one in extras.rstrip("]").split(",") if naming.fold(one.strip()) in there]
    return f"{name}[{','.join(kept)}]" if kept else name


def _package(space: Workspace, package: Mapping[str, Any]) -> tuple[Workspace, dict[str, Any]]:
    """Render one package; return the repository with it, and the answers."""
    path, kind = package["path"], package["kind"]
    own = space.root / sub_templates.TEAMS / kind
    if package["folder"]:
        shutil.copytree(package["folder"], own, symlinks=True)
    try:
        asked = sub_templates.read(space.root, kind)
        words = {True: "yes", False: "no"}
        # Version 0.2 has no such arguments, its records no such answers, and it no names for them.
        answers = {"example": "example", "code": "_code"}
        without = {
            argument: False
            for argument, answer in answers.items()
            if package["answers"].get(answer) is False
        }
        made = addition.render(
            space,
            space.root,
            path,
            kind,
            # What has gone since, or is a hand's, was rendered by no version.
            dependencies=[
                addition.dependency(space, path, _rendered(space, text))
                for text in package["dependencies"]
                if naming.fold(text.partition("[")[0]) in space.by_name
            ],
            answers={
                key: words.get(value, str(value))
                for key, value in package["answers"].items()
                if key in asked and not key.startswith("_")
            },
            **without,
            port=package["port"],
        )
        for file, text in made.fragments.items():
            place = space.root / file
            before = place.read_text(encoding="utf-8") if place.exists() else ""
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(addition.appended(file, before, text), encoding="utf-8")
    finally:
        if package["folder"]:
            shutil.rmtree(own.parent)
    return made.space, dict(made.answers)
