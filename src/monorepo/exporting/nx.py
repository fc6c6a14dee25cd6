"""The files of Nx: nx.json, and a project.json in each package.

What Nx would find out itself (imports, package.json) is turned off: the graph is ours. So is what
it knows of lockfiles, which would concern all packages: to us, they are files that tasks depend on.
"""

import json
from collections.abc import Iterable
from typing import Any

from monorepo.core.workspace import Package
from monorepo.exporting.plan import BRANCH, SOURCES, TASKS, Plan, Project, Task
from monorepo.inputs.files import OWN

MAIN = "nx.json"
_EACH = "project.json"
# The named input that each project decides: the files of the repository that its tasks depend on.
_REPOSITORY = "repository"
_ALL = "{projectRoot}/**/*"


def owns(path: str) -> bool:
    """Return whether a file has a name that this writes."""
    return path == MAIN or path.rpartition("/")[2] == _EACH


def files(plan: Plan, mark: str) -> dict[str, str]:
    """Return the texts of all files, by path.

    Args:
        plan: what the engine is told.
        mark: what says that a file is generated.
    """
    texts = {MAIN: _json(mark, _settings(plan))}
    for project in plan.projects:
        texts[f"{project.package.path}/{_EACH}"] = _json(mark, _project(project))
    return texts


def _json(mark: str, content: dict[str, Any]) -> str:
    return json.dumps({"$comment": mark, **content}, indent=2, ensure_ascii=False) + "\n"


def _settings(plan: Plan) -> dict[str, Any]:
    shared = {
        language.name.lower(): [f"{{workspaceRoot}}/{pattern}" for pattern in patterns]
        for language, patterns in plan.shared.items()
    }
    return {
        "analytics": False,
        "neverConnectToCloud": True,
        "defaultBase": BRANCH,
        "pluginsConfig": {
            "@nx/js": {
                "analyzeLockfile": False,
                "analyzePackageJson": False,
                "analyzeSourceFiles": False,
                "projectsAffectedByDependencyUpdates": [],
            }
        },
        "namedInputs": {
            "default": [_ALL],
            SOURCES: _sources(OWN),
            **shared,
            _REPOSITORY: [*shared],
        },
        "targetDefaults": {task.name: _defaults(task) for task in TASKS},
    }


def _sources(own: Iterable[str]) -> list[str]:
    return ["default", *(f"!{{projectRoot}}/{pattern}" for pattern in own)]


def _defaults(task: Task) -> dict[str, Any]:
    inputs = ["default", _REPOSITORY, *([f"^{SOURCES}"] if task.reads_dependencies else [])]
    outputs = {pattern for patterns in task.outputs.values() for pattern in patterns}
    return {
        "cache": True,
        "inputs": inputs,
        "outputs": [f"{{projectRoot}}/{pattern}" for pattern in sorted(outputs)],
    }


def _project(project: Project) -> dict[str, Any]:
    package = project.package
    inputs = {}
    if project.inputs:
        inputs["default"] = [_ALL, *(f"{{workspaceRoot}}/{pattern}" for pattern in project.inputs)]
    if project.own != OWN:
        inputs[SOURCES] = _sources(project.own)
    inputs[_REPOSITORY] = [package.language.name.lower()]
    return {
        "name": package.path,
        "projectType": "library" if package.is_shared else "application",
        "tags": [f"language:{package.language.name.lower()}", f"kind:{package.kind.name.lower()}"],
        "implicitDependencies": [*project.needs],
        "namedInputs": inputs,
        "targets": {task.name: _target(task, package) for task in TASKS},
    }


def _target(task: Task, package: Package) -> dict[str, Any]:
    target: dict[str, Any] = {
        "command": f"make {task.name}",
        "options": {"cwd": "{projectRoot}"},
    }
    if package.language in task.follows:
        target["dependsOn"] = [f"^{task.name}"]
    return target
