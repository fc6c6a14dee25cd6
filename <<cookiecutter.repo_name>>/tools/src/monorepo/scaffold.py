"""Add packages through sub-templates: all of it or nothing.

The post-generation hook of the template adds a repository's first packages through this code, so
it needs the standard library and cookiecutter, nothing else.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from monorepo import environments, names, node, workspace
from monorepo.errors import UsageError
from monorepo.transaction import begin
from monorepo.workspace import Package, Workspace

_ENVIRONMENT = {
    "_extensions": ["monorepo.escapes.Escapes"],
    "_jinja2_env_vars": {"trim_blocks": True, "lstrip_blocks": True},
}


def kind(path: str) -> str:
    """Return the sub-template for packages at `path`: `shared-py` for `shared/py/audio`."""
    return path.rpartition("/")[0].replace("/", "-")


def read_template(root: Path, template: str) -> dict[str, Any]:
    """Return the questions and the private keys of the sub-template `template`.

    Raises:
        UsageError: there is no such sub-template, or it is broken.
    """
    source = root / "templates" / template / "cookiecutter.json"
    if names.problem(template) or not source.is_file():
        known = sorted(path.parent.name for path in root.glob("templates/*/cookiecutter.json"))
        raise UsageError(f"{template}: no such sub-template; there are {', '.join(known)}")
    try:
        return dict(json.loads(source.read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"{source}: cannot be read ({error}); mend the file") from error


def add(
    root: Path,
    paths: Iterable[str],
    *,
    template: str | None = None,
    dependencies: Iterable[str] = (),
    answers: Mapping[str, str] | None = None,
) -> list[str]:
    """Add the packages at `paths`, and those that their sub-templates require, in one step.

    It touches the new packages' folders and, for JavaScript, pnpm-lock.yaml. No network.

    Args:
        root: the repository.
        paths: such as `shared/py/audio`.
        template: the sub-template, if it is not the one that the folder tells.
        dependencies: internal packages by path, with extras: `shared/py/core[io]`.
        answers: to the questions of the sub-template of `paths`; the others get their defaults.

    Returns:
        The paths of all packages added, the required ones first.

    Raises:
        UsageError: every mistake in the input; nothing has changed.
    """
    with begin(root) as change:
        space = workspace.load(root)
        asked = list(paths)
        plan = _plan(space, asked, template)
        staged = change.stage()
        wanted = list(dependencies)
        for path, source in plan.items():
            # A package that merely comes along is not what the words given are about.
            told = (wanted, answers or {}) if path in asked else ([], {})
            package = _render(space, staged, path, source, *told)
            space = _with(space, package)
            change.create(path, staged / path)
        added = [(space.packages[path], source) for path, source in plan.items()]
        if javascript := [one for one in added if one[0].language == "js"]:
            text = node.graft(space, javascript).encode()
            if (root / node.LOCK).exists():
                change.write(node.LOCK, text)
            else:
                lock = change.stage() / node.LOCK
                lock.write_bytes(text)
                change.create(node.LOCK, lock)
        change.commit()
        return list(plan)


def _plan(space: Workspace, paths: list[str], template: str | None) -> dict[str, str]:
    """Return the sub-template of each package to be made, required ones first."""
    plan: dict[str, str] = {}
    mistakes = []
    for path in paths:
        wrong = names.path_problem(path, str(space.facts["namespace"]))
        taken = [*space.packages, *plan]
        if wrong is None and os.path.lexists(space.root / path):
            wrong = "exists already; choose another name"
        if wrong is None and (twin := names.clash(path, taken)):
            wrong = f"is the same name as {twin}; choose another"
        if wrong is None and (owner := _owner(space, path)):
            wrong = f"would have the name of {owner}; choose another"
        if wrong:
            mistakes.append(f"{names.show(path)}: {wrong}")
            continue
        try:
            _require(space, plan, path, template or kind(path))
        except UsageError as error:
            mistakes += [f"{path}: {mistake}" for mistake in error.mistakes]
    if mistakes:
        raise UsageError(*mistakes)
    return plan


def _owner(space: Workspace, path: str) -> str | None:
    """Return what has the name already that the manifest of a package at `path` would have."""
    told = facts(space, path)
    name = names.fold(told["npm_name" if "/js/" in path else "distribution"])
    others = {names.fold(one.name): one.path for one in (space.tools, *space.packages.values())}
    pinned = dict.fromkeys(environments.pins(space.root), f"a package in {environments.PINS}")
    return {**pinned, **others}.get(name)


def _require(space: Workspace, plan: dict[str, str], path: str, template: str) -> None:
    """Add to `plan` what the sub-template requires, then the package itself."""
    for needed, source in read_template(space.root, template).get("_requires", {}).items():
        if needed not in space.packages and needed not in plan:
            _require(space, plan, needed, source)
    plan.setdefault(path, template)


def facts(space: Workspace, path: str) -> dict[str, Any]:
    """Return what a sub-template is told about the package to be made at `path`."""
    namespace = str(space.facts["namespace"])
    distribution = names.distribution(namespace, path)
    return {
        "path": path,
        "name": path.rpartition("/")[2],
        "namespace": namespace,
        "distribution": distribution,
        "import_name": distribution.replace("-", "_"),
        "npm_name": f"@{namespace}/{distribution.removeprefix(namespace)[1:]}",
        "license": space.facts["license"],
        "author_name": space.facts["author-name"],
        "author_email": space.facts["author-email"],
        "python": space.facts["python"],
    }


def _dependencies(space: Workspace, path: str, texts: Iterable[str]) -> list[dict[str, Any]]:
    """Return what a sub-template is told about internal dependencies, each of them once."""
    found: dict[str, dict[str, Any]] = {}
    mistakes: list[str] = []
    for text in texts:
        try:
            told = _dependency(space, path, text)
            found[told["requirement"]] = told
        except UsageError as error:
            mistakes += error.mistakes
    if mistakes:
        raise UsageError(*mistakes)
    return list(found.values())


def _dependency(space: Workspace, path: str, text: str) -> dict[str, Any]:
    """Return what a sub-template is told about the internal dependency `text`."""
    wanted, _, extras = text.partition("[")
    package = space.packages.get(wanted.rstrip("/"))
    if package is None:
        raise UsageError(f"DEPS={text}: is not a package here; `make list` shows them")
    if package.language != ("js" if "/js/" in path else "py"):
        raise UsageError(f"DEPS={text}: is in another language than {path}; leave it out")
    unknown = {names.fold(extra.strip()) for extra in extras.removesuffix("]").split(",")}
    if _ and (not extras.endswith("]") or unknown - set(package.extras)):
        known = ", ".join(package.extras) or "none"
        raise UsageError(f"DEPS={text}: is not about extras of {package.path}; it has {known}")
    told = facts(space, package.path)
    keys = ("path", "name", "import_name", "npm_name")
    return {
        **{key: told[key] for key in keys},
        "requirement": f"{package.name}{_}{extras}",
        "relative": os.path.relpath(package.path, path),
    }


def _render(
    space: Workspace,
    staged: Path,
    path: str,
    template: str,
    dependencies: list[str],
    answers: Mapping[str, str],
) -> Package:
    """Render the sub-template into `staged` and return the package that came out."""
    questions = read_template(space.root, template)
    _check(template, questions, answers)
    told = facts(space, path)
    told["dependencies"] = _dependencies(space, path, dependencies)
    if "_port" in questions:
        told["port"] = _free_port(space, int(questions["_port"]))
    render(space.root / "templates" / template, staged / path, told, questions, answers)
    return replace(workspace.read_package(staged, path), root=space.root)


def _check(template: str, questions: Mapping[str, Any], answers: Mapping[str, str]) -> None:
    """Refuse answers to what the sub-template does not ask, and those that no file can hold."""
    asked = [key for key in questions if not key.startswith("_")]
    mistakes = []
    for key, value in answers.items():
        if key not in asked:
            known = ", ".join(asked)
            mistakes.append(f"SET={key}: is no question of {template}; it asks for {known}")
        elif not value.isascii() and re.search("[\ud800-\udfff]", value):
            mistakes.append(f"SET={key}: is not UTF-8; mend the text")
    if mistakes:
        raise UsageError(*mistakes)


def render(
    source: Path,
    target: Path,
    told: Mapping[str, Any],
    questions: Mapping[str, Any],
    answers: Mapping[str, str],
) -> None:
    """Render the sub-template at `source` to the folder `target`.

    Values are data: neither `told` nor `answers` are evaluated as templates. Defaults are.

    Raises:
        UsageError: the sub-template is broken.
    """
    # Imported here because it takes longer than everything else that this module does.
    from cookiecutter.exceptions import CookiecutterException
    from cookiecutter.generate import generate_files
    from cookiecutter.prompt import render_variable
    from cookiecutter.utils import create_env_with_context
    from jinja2 import TemplateError

    # cookiecutter evaluates the folder's own path, too.
    if any(mark in str(target.absolute()) for mark in ("{{", "{%", "{#")):
        raise UsageError(f"{target}: has template markup in its path; move the repository")
    context: dict[str, Any] = {**_ENVIRONMENT, **told}
    context |= {key: value for key, value in questions.items() if key.startswith("_")}
    environment = create_env_with_context({"cookiecutter": context})
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        for key, default in questions.items():
            if not key.startswith("_"):
                value = render_variable(environment, default, context)
                context[key] = answers.get(key, value)
        made = generate_files(source, {"cookiecutter": context}, target.parent, accept_hooks=False)
    except (CookiecutterException, TemplateError) as error:
        reason = str(error).splitlines()[0].partition(" Context: ")[0]
        raise UsageError(f"{source}: {reason}; mend the sub-template") from error
    Path(made).rename(target)


def _with(space: Workspace, package: Package) -> Workspace:
    """Return `space` with one package more, in the order in which it would be discovered."""
    packages = {**space.packages, package.path: package}
    order = sorted(packages, key=lambda path: (names.AREAS.index(path.rpartition("/")[0]), path))
    return Workspace(space.root, space.facts, {path: packages[path] for path in order})


def _free_port(space: Workspace, first: int) -> int:
    """Return the first port from `first` on that no package has."""
    taken = {package.settings.get("port") for package in space.packages.values()}
    return next(port for port in range(first, 65536) if port not in taken)
