"""Environments of programs that few need, such as `pip-audit`: one for each dependency group.

Standard library only.
"""

from dataclasses import dataclass

from monorepo.core.workspace import DEV, ROOT_MANIFEST, Workspace
from monorepo.environments.virtualenv import Environment
from monorepo.locking import unpinned
from monorepo.system.errors import UsageError


@dataclass(frozen=True)
class ProgramEnvironment(Environment):
    """A virtual environment with the programs of a dependency group of the root, and nothing else.

    `make setup` does not install them, so nobody waits for what they do not use.
    """

    group: str = ""

    def grouped(self) -> list[str]:
        """Return the requirements of the group."""
        return sorted(self.space.groups[self.group])

    def mistakes(self) -> list[str]:
        """Return the programs that are not pinned: a line each."""
        return unpinned.mistakes(self.space, {}, {}, self.space.group(self.group))


def environments(space: Workspace) -> dict[str, ProgramEnvironment]:
    """Return the environments of programs, by the group of each."""
    return {
        group: ProgramEnvironment(space, f".nox/{group}-programs", {}, group=group)
        for group in space.groups
        if group != DEV
    }


def install(space: Workspace, group: str, program: str) -> ProgramEnvironment:
    """Create or update the environment of a dependency group of the root.

    Args:
        space: the repository.
        group: the name of the group.
        program: the distribution that is needed from it, for the advice if there is none.

    Raises:
        TaskError: uv failed.
        UsageError: there is no such group, or it is not pinned.
    """
    environment = environments(space).get(group)
    if environment is None:
        advice = f'write {group} = ["{program}"] into [dependency-groups], and run make lock'
        raise UsageError(f"{ROOT_MANIFEST}: has no dependency group {group}; {advice}")
    environment.install()
    return environment
