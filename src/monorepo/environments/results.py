"""Which tasks of packages have succeeded on all that they depend on, and so are not run again.

A result is kept if the environment is as the pins have it, and nothing changed while the task ran.
One from an environment of its own, as nox makes it, serves everywhere; one from an environment that
packages share serves there alone, because it may lean on what another package needs.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterable
from functools import cached_property, partial

from monorepo.caching import explain, worktree
from monorepo.caching.contents import (
    COVERAGE,
    EXTRAS,
    LOWEST,
    PROVING,
    Contents,
    Key,
    Machine,
    variables,
)
from monorepo.caching.store import Result, Store
from monorepo.caching.whole import About
from monorepo.core import workspace
from monorepo.core.languages import Language
from monorepo.core.workspace import Workspace
from monorepo.environments import interpreter, node, virtualenv
from monorepo.environments.virtualenv import Environment
from monorepo.graph.scopes import Node
from monorepo.guard.findings import BASELINE
from monorepo.guard.runner import TRACEBACK
from monorepo.locking.pnpm_locks import STAMP
from monorepo.system.errors import TaskError, UsageError

_KEPT = {*PROVING, LOWEST, EXTRAS}
# What tells an environment, beside its modules, from what it was.
_IN_ENVIRONMENTS = ("bin", "bin/python", "pyvenv.cfg", virtualenv.STAMP, interpreter.NOTE)
# The pages that tests with coverage leave for people.
_PAGES = {Language.PYTHON: "htmlcov/index.html", Language.JAVASCRIPT: "coverage/index.html"}


class Results:
    """The results of one task, of packages or of the files outside of them.

    The subject of a result is the path of a package; for the files outside, it is the language.

    Attributes:
        are_kept: whether results are looked up and recorded.
    """

    def __init__(
        self,
        space: Workspace,
        task: str,
        *,
        cache: bool = True,
        arguments: str = "",
        environment: Environment | None = None,
        installed: Iterable[Node] | None = None,
        clean: bool = False,
    ) -> None:
        """Look at the files, if results of the task are kept at all.

        Args:
            space: the repository.
            task: the task, by its name in Make and nox.
            cache: whether results are used and kept.
            arguments: what the user has it do: ARGS.
            environment: the environment that it runs in; None for those of development.
            installed: the scopes of the package in it; None for those of development.
            clean: whether nothing is there but what the package needs.

        Raises:
            UsageError: `affects` in [tool.monorepo] is malformed.
        """
        self.space, self.task, self._arguments = space, task, arguments
        self._environment, self._installed = environment, installed
        self._clean = clean
        self._store = Store(space.root)
        self._succeeded: dict[str, tuple[Key, Result, bytes]] = {}
        self._keys: dict[str, Key] = {}
        self._interpreters: dict[str, str] = {}
        self.are_kept = cache and self._contents is not None

    @cached_property
    def _contents(self) -> Contents | None:
        """The files as they are at first; None if nothing is kept of this task."""
        tree = worktree.read(self.space.root) if self.task in _KEPT else None
        return Contents(self.space, tree) if tree else None

    def key(self, subject: str) -> Key:
        """Return what the result of a subject depends on; results have to be kept."""
        if subject not in self._keys:
            assert self._contents
            key = self._key_in(self._contents, subject)
            assert key
            self._keys[subject] = key
        return self._keys[subject]

    def find(self, subject: str) -> Result | None:
        """Return the result that serves in place of a run; None if it has to be run."""
        if not self.are_kept or (key := self.key(subject)).refused:
            return None
        found = self._store.find(subject, self.task, key.digest)
        if not found or (self._clean and not found.clean):
            return None
        return found if self._clean or found.report == self._report(subject) else None

    def output(self, result: Result) -> bytes:
        """Return what a task printed when it succeeded, as far as that is here."""
        found = self._store.output(result)
        return b"(its output was not kept)\n" if found is None else found

    def why(self, subject: str) -> str:
        """Return on one line why a task is run."""
        if not self.are_kept:
            return f"{subject}: {self.task}: no result of it is kept"
        key = self.key(subject)
        last = self._store.last(subject, self.task, key.run)
        return f"{subject}: {self.task}: {explain.why(key, last)}"

    def succeeded(self, subject: str, seconds: float = 0.0, output: bytes = b"") -> None:
        """Note that the task succeeded; `save` records it."""
        if self.are_kept and not (key := self.key(subject)).refused:
            result = Result(
                key.detail.components,
                key.detail.files,
                clean=self._clean,
                seconds=round(seconds, 3),
                report=self._report(subject),
            )
            self._succeeded[subject] = key, result, output

    def failed(self, subject: str) -> None:
        """Note that the task failed: what succeeded once on the same content is not kept."""
        if self._contents:
            self._store.forget(subject, self.task, self.key(subject).digest)

    def save(self) -> None:
        """Record what succeeded, but for that whose inputs or environment are not the same."""
        if not self._succeeded:
            return
        contents, filled = self._contents_now(), dict[str, bool]()
        for subject, (key, result, output) in self._succeeded.items():
            same = contents and self._key_in(contents, subject) == key
            if same and self._is_as_pinned(subject, filled):
                self._store.record(subject, self.task, key.digest, result, output)
        self._succeeded.clear()
        self._store.prune()

    def _is_as_pinned(self, subject: str, filled: dict[str, bool]) -> bool:
        """Return whether the environments of a subject are as manifests and pins have them.

        Args:
            subject: the subject.
            filled: the answers for environments, which are asked once.
        """
        package = self.space.packages.get(subject)
        questions = {one.path: one.is_filled for one in self._environments(subject)}
        if package.is_javascript if package else subject == Language.JAVASCRIPT:
            questions[STAMP] = partial(node.is_installed, self.space)
        for place in questions.keys() - filled.keys():
            filled[place] = _holds(questions[place])
        return all(filled[place] for place in questions)

    def _contents_now(self) -> Contents | None:
        """Return the files as they are by now; None if that cannot be told."""
        assert self._contents
        tree = worktree.read(self.space.root)
        if tree and tree.digest == self._contents.tree.digest:
            return self._contents
        with contextlib.suppress(UsageError):
            return Contents(workspace.load(self.space.root), tree) if tree else None
        return None

    def _key_in(self, contents: Contents, subject: str) -> Key | None:
        """Return what the result of a subject depends on in these files; None if it is gone."""
        environment = self._environments(subject)[-1]
        if environment.path not in self._interpreters:
            self._interpreters[environment.path] = environment.interpreter
        machine = Machine(self._interpreters[environment.path])
        if package := contents.space.packages.get(subject):
            return contents.key(package, self.task, machine, self._arguments, self._installed)
        if subject in self.space.packages:
            return None
        return contents.key_of_root(Language(subject), self.task, machine)

    def _environments(self, subject: str) -> list[Environment]:
        """Return the environments that a subject's task runs in, that of its packages last."""
        if self._environment:
            return [virtualenv.tools_environment(self.space), self._environment]
        package = self.space.packages.get(subject)
        if package is None or self.space.has_one_environment:
            return self._shared
        return virtualenv.environments(self.space, [package])

    @cached_property
    def _shared(self) -> list[Environment]:
        """The environment of the root."""
        return virtualenv.environments(self.space, [])

    def _report(self, subject: str) -> str:
        """Return the hash of the page that tests with coverage left in a package."""
        package = self.space.packages.get(subject)
        if self.task != COVERAGE or not package:
            return ""
        with contextlib.suppress(OSError):
            content = (package.folder / _PAGES[package.language]).read_bytes()
            return hashlib.sha256(content).hexdigest()
        return ""


def about_all(space: Workspace) -> About:
    """Return what the checks of all packages depend on besides files that git has or could have."""
    packages = space.packages.values()
    folders = [""]
    if not space.has_one_environment:
        folders += [f"{package.path}/" for package in packages if package.is_python]
    places = [f"{folder}.venv/{name}" for folder in folders for name in _IN_ENVIRONMENTS]
    for folder in folders:
        for site in sorted(space.root.glob(f"{folder}.venv/lib/python*/site-packages")):
            places.append(site.relative_to(space.root).as_posix())
    if space.has_javascript:
        folders = ["", *(f"{package.path}/" for package in packages if package.is_javascript)]
        places += [STAMP, *(f"{folder}node_modules" for folder in folders)]
    return About(
        # On GitHub, findings are printed in its own format.
        variables=tuple(sorted({*variables(space), TRACEBACK, "GITHUB_ACTIONS"})),
        places=tuple(places),
        # Exceptions from rules end at a date, and the baseline is compared with the last commit's.
        is_dated="allow" in space.facts,
        compares=(space.root / BASELINE).exists(),
    )


def _holds(question: Callable[[], bool]) -> bool:
    """Return whether something is so; what cannot be told is not."""
    try:
        return question()
    except (UsageError, TaskError, OSError):
        return False
