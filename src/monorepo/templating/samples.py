"""Sample packages of the sub-templates; only their manifests are rendered."""

import contextlib
from pathlib import Path

from monorepo.core import workspace
from monorepo.core.naming import fold
from monorepo.core.workspace import Package, Workspace
from monorepo.system.errors import UsageError
from monorepo.templating import sub_templates


def render(space: Workspace, folder: Path) -> list[Package]:
    """Render the manifest of each sub-template into `folder` and return the packages.

    Their dependencies are pinned as well, so that adding a package needs no network.

    Raises:
        UsageError: sub-templates are broken.
    """
    found, wrong = usable(space, folder)
    if wrong:
        raise UsageError(*wrong)
    return found


def usable(space: Workspace, folder: Path) -> tuple[list[Package], list[str]]:
    """Return sample packages, as `render` does, and the mistakes of broken sub-templates."""
    found: list[Package] = []
    wrong: list[str] = []
    for template in sub_templates.every(space.root):
        try:
            found.append(_sample(space, folder, template))
        except UsageError as error:
            wrong += error.mistakes
    return found, wrong


def required(space: Workspace, folder: Path) -> list[Package]:
    """Return sample packages of what sub-templates require and the repository does not have.

    Broken sub-templates require nothing; see `usable`.
    """
    found: list[Package] = []
    for template in sub_templates.every(space.root):
        with contextlib.suppress(UsageError):
            needed = sub_templates.required(sub_templates.read(space.root, template), example=True)
            for path in needed.keys() - space.by_grouped.keys() - {one.path for one in found}:
                found.append(_sample(space, folder, needed[path], path))
    return found


def _sample(space: Workspace, folder: Path, template: str, path: str = "") -> Package:
    """Return the sample package of a sub-template, at a path of its own by default.

    Raises:
        UsageError: it is broken.
    """
    source = sub_templates.folder(space.root, template)
    language = sub_templates.language(space.root, template)
    path = path or f"shared/{language}/{template}"
    loaded = sub_templates.load(space, template, path, port=1)
    name = language.manifest
    (folder / path).mkdir(parents=True)
    text = loaded.text(name, loaded.answer({}))
    (folder / path / name).write_text(text, encoding="utf-8")
    try:
        return workspace.read_package(folder, path)
    except UsageError as error:
        file = sub_templates.shown(source, f"{sub_templates.PACKAGE}/{name}")
        what = "makes a broken package"
        raise UsageError(*(f"{file}: {what}: {mistake}" for mistake in error.mistakes)) from error


def internal_names(space: Workspace) -> set[str]:
    """Return the normalized names that must never be requested from an index."""
    needed: set[str] = set()
    for template in sub_templates.every(space.root):
        # A broken sub-template makes no package.
        with contextlib.suppress(UsageError):
            needed |= set(
                sub_templates.required(sub_templates.read(space.root, template), example=True)
            )
    named = [sub_templates.facts(space, path) for path in needed]
    names = {fold(facts["distribution"]) for facts in named} | {
        fold(facts["npm_name"]) for facts in named
    }
    return names | {fold(package.name) for package in space.packages.values()} | set(space.lost)
