"""The files of moon: .moon/workspace.yml, tasks for each language, and a moon.yml in each package.

A task of moon depends on files of packages that its own needs directly, and not on theirs. So each
package has a task `sources`, which does nothing and follows that of what the package needs; its
hash counts, not its output, of which there is none.
"""

import json
from collections.abc import Sequence

from monorepo.core.languages import Language
from monorepo.exporting import plan as plans
from monorepo.exporting.plan import BRANCH, SOURCES, TASKS, Plan, Project, Task, marked
from monorepo.inputs.files import OWN

MAIN = ".moon/workspace.yml"
_TASKS = ".moon/tasks/{}.yml"
_EACH = "moon.yml"
_UPSTREAM = f"{{target: '^:{SOURCES}', cacheStrategy: hash}}"


def owns(path: str) -> bool:
    """Return whether a file has a name that this writes."""
    tasks = [_TASKS.format(language.name.lower()) for language in Language]
    return path in (MAIN, *tasks) or path.rpartition("/")[2] == _EACH


def files(plan: Plan, mark: str) -> dict[str, str]:
    """Return the texts of all files, by path.

    Args:
        plan: what the engine is told.
        mark: what says that a file is generated.
    """
    lines = ["projects:", "  sources:"]
    lines += [f"    {_text(one.package.path)}: {_text(one.package.path)}" for one in plan.projects]
    lines += ["vcs:", "  client: git", f"  defaultBranch: {BRANCH}", "telemetry: false"]
    texts = {MAIN: marked(mark, lines)}
    for language in plans.languages(plan):
        texts[_TASKS.format(language.name.lower())] = marked(mark, _inherited(language, plan))
    for project in plan.projects:
        texts[f"{project.package.path}/{_EACH}"] = marked(mark, _project(project))
    return texts


def _text(value: str) -> str:
    """Return a text for YAML, which has all of JSON."""
    return json.dumps(value, ensure_ascii=False)


def _list(key: str, items: Sequence[str], indent: str = "") -> list[str]:
    """Return the lines of a list; the items are YAML already."""
    lines = [f"{indent}  - {item}" for item in items]
    return [f"{indent}{key}:", *lines] if lines else [f"{indent}{key}: []"]


def _inherited(language: Language, plan: Plan) -> list[str]:
    """Return what all packages in a language inherit."""
    lines = ["inheritedBy:", f"  languages: [{language.name.lower()}]"]
    lines += ["fileGroups:", *_groups((), OWN)]
    lines += _list("repository", [_text(f"/{pattern}") for pattern in plan.shared[language]], "  ")
    lines += ["tasks:", f"  {SOURCES}:", "    command: noop"]
    lines += _list("deps", [_UPSTREAM], "    ")
    lines += _list("inputs", [f"'@group({SOURCES})'"], "    ")
    lines += ["    options: {internal: true}"]
    for task in TASKS:
        lines += _task(task, language)
    return lines


def _groups(inputs: Sequence[str], own: Sequence[str]) -> list[str]:
    """Return the lines of the groups of files of a package."""
    everything = [_text(pattern) for pattern in ("**/*", *(f"/{each}" for each in inputs))]
    left_out = [_text(f"!{pattern}") for pattern in own]
    return [*_list("package", everything, "  "), *_list(SOURCES, [*everything, *left_out], "  ")]


def _task(task: Task, language: Language) -> list[str]:
    deps = [_UPSTREAM] if task.reads_dependencies else []
    deps += [_text(f"^:{task.name}")] if language in task.follows else []
    lines = [f"  {task.name}:", f"    command: make {task.name}"]
    lines += _list("deps", deps, "    ") if deps else []
    lines += _list("inputs", ["'@group(package)'", "'@group(repository)'"], "    ")
    outputs = [_text(pattern) for pattern in task.outputs[language]]
    lines += _list("outputs", outputs, "    ") if outputs else []
    return lines


def _project(project: Project) -> list[str]:
    package = project.package
    lines = [f"language: {package.language.name.lower()}"]
    lines += [f"layer: {'library' if package.is_shared else 'application'}"]
    lines += _list("dependsOn", [_text(path) for path in project.needs])
    if project.inputs or project.own != OWN:
        lines += ["fileGroups:", *_groups(project.inputs, project.own)]
    return lines
