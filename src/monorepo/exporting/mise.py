"""The files of mise: mise.toml at the root and in each package.

A task of mise depends on files of its own package. So each package has a task `sources`, which does
nothing and follows that of what the package needs. All but `lint` come after that of their package,
which fails where a folder such as `dist` goes while mise looks for files. mise sees files that git
ignores.
"""

import json
from collections.abc import Iterable, Mapping, Sequence

from monorepo.core.languages import Language
from monorepo.core.workspace import Package
from monorepo.exporting import plan as plans
from monorepo.exporting.plan import SOURCES, TASKS, Plan, Project, marked
from monorepo.inputs.files import OWN

MAIN = _EACH = "mise.toml"
# What tools make in a package; anything else that git ignores only makes a task run again.
_MADE = (
    *("**/__pycache__/**", "**/*.egg-info/**", "**/*.tsbuildinfo", ".venv/**", "node_modules/**"),
    *("build/**", "dist/**", "coverage/**", "htmlcov/**", ".coverage*", ".hypothesis/**"),
    *(".mypy_cache/**", ".nox/**", ".pytest_cache/**", ".ruff_cache/**"),
)
_LEFT_OUT = [f"!{pattern}" for pattern in _MADE]


def owns(path: str) -> bool:
    """Return whether a file has a name that this writes."""
    return path.rpartition("/")[2] == _EACH


def files(plan: Plan, mark: str) -> dict[str, str]:
    """Return the texts of all files, by path.

    Args:
        plan: what the engine is told.
        mark: what says that a file is generated.
    """
    texts = {MAIN: marked(mark, _settings(plan))}
    for project in plan.projects:
        texts[f"{project.package.path}/{_EACH}"] = marked(mark, _project(project))
    return texts


def _value(value: object) -> str:
    """Return a text, a list or a table for TOML."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(one)}" for key, one in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


def identity(package: Package) -> str:
    """Return the name of a package in the graph of mise, which finds packages of pnpm itself."""
    return f"node:{package.name}" if package.is_javascript else f"python:{package.path}"


def _settings(plan: Plan) -> list[str]:
    areas = sorted({project.package.path.rpartition("/")[0] for project in plan.projects})
    names = {project.package.path: identity(project.package) for project in plan.projects}
    lines = ["monorepo_root = true", "", "[settings]", "experimental = true"]
    # A file with other content may have the time of an older one.
    lines += ["task.source_freshness_hash_contents = true", "", "[monorepo]"]
    lines += [f"config_roots = {_value([f'{area}/*' for area in areas])}", ""]
    for project in plan.projects:
        lines += [f"[monorepo.projects.{_value(names[project.package.path])}]"]
        lines += [f"root = {_value(project.package.path)}"]
        lines += [f"depends = {_value([names[path] for path in project.needs])}", ""]
    if plan.name:
        # It would own what no package has, and such a file concerns all.
        lines += [f"[monorepo.projects.{_value(f'node:{plan.name}')}]", "remove = true", ""]
    lines += ["[task_config]", "cascade = true", "", "[task_config.input_groups]"]
    for language in plans.languages(plan):
        patterns = "".join(f"  {_value(pattern)},\n" for pattern in plan.shared[language])
        lines += [f"{language.name.lower()} = [\n{patterns}]"]
    for language in plans.languages(plan):
        lines += _template(language, SOURCES, "true", [f"^{SOURCES}"], [], _sources((), OWN))
        for task in TASKS:
            depends = [SOURCES] if task.reads_dependencies else []
            depends += [f"^{task.name}"] if language in task.follows else []
            inputs = _inputs(language, ())
            run = f"make {task.name}"
            lines += _template(language, task.name, run, depends, task.outputs[language], inputs)
    return lines


def _template(
    language: Language,
    name: str,
    run: str,
    depends: Sequence[str],
    outputs: Sequence[str],
    sources: Sequence[str],
) -> list[str]:
    return [
        "",
        f"[task_templates.{_value(_template_name(language, name))}]",
        f"run = {_value(run)}",
        f"depends = {_value(depends)}",
        f"sources = {_value(sources)}",
        f"outputs = {_value(outputs)}",
        "cache = { enabled = true }",
    ]


def _template_name(language: Language, task: str) -> str:
    return f"{language.name.lower()}:{task}"


def _inputs(language: Language, inputs: Iterable[str]) -> list[str]:
    """Return the files that tasks of a package depend on."""
    # The last pattern that fits decides, and `package.json` fits in every folder.
    return [f"@group:{language.name.lower()}", *inputs, "**/*", *_LEFT_OUT]


def _sources(inputs: Iterable[str], own: Iterable[str]) -> list[str]:
    """Return the files that dependents of a package get."""
    return [*inputs, "**/*", *_LEFT_OUT, *(f"!{pattern}" for pattern in own)]


def _project(project: Project) -> list[str]:
    language = project.package.language
    up = "../" * (project.package.path.count("/") + 1)
    outside = [f"{up}{pattern}" for pattern in project.inputs]
    tasks: dict[str, dict[str, object]] = {
        name: {"extends": _template_name(language, name)}
        for name in (SOURCES, *(task.name for task in TASKS))
    }
    # No template may hide a task.
    tasks[SOURCES]["hide"] = True
    if outside or project.own != OWN:
        tasks[SOURCES]["sources"] = _sources(outside, project.own)
    if outside:
        for task in TASKS:
            tasks[task.name]["sources"] = _inputs(language, outside)
    return ["[tasks]", *(f"{name} = {_value(table)}" for name, table in tasks.items())]
