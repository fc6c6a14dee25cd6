"""Find the lowest versions of direct dependencies with which the tests of a package pass.

tools/lowest.txt has the lowest versions that resolve. Where the tests fail with these, each is
tried alone, and the first version that passes is found by bisection over what an index has.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain

from monorepo.core import hashes
from monorepo.core.workspace import Package, Workspace, requirement
from monorepo.environments.virtualenv import Environment
from monorepo.locking import lowest
from monorepo.locking.lowest import Asked, Pins
from monorepo.locking.resolution import Resolver
from monorepo.programs import uv, vendored
from monorepo.system.errors import TaskError, UsageError
from monorepo.system.subprocesses import make, say, show, without_make


def find(space: Workspace, package: Package) -> list[str]:
    """Return the lower bounds that are too low, with the first version that passes: a line each.

    Raises:
        TaskError: the tests fail with the pinned versions as well, or uv failed.
        UsageError: OFFLINE is set, the package is not in Python, it has no code, or its lowest
            versions are not recorded.
    """
    if vendored.is_offline():
        what = "bounds tries versions that only an index has"
        raise UsageError(f"OFFLINE: {what}; run it where there is a network, without OFFLINE")
    if not package.is_python:
        raise UsageError(f"{package.path}: is not in Python; npm installs no lowest versions")
    if not package.has_code:
        advice = "name a package that requires it"
        raise UsageError(f"{package.path}: has no code, and so no tests to try; {advice}")
    asked = lowest.asked(space, package)
    if not asked.own:
        return []
    pins = lowest.pinned(space.root)
    recorded = asked.entry(package.path, lowest.recorded(space.root), pins)
    if recorded is None:
        raise UsageError(lowest.stale(package.path))
    with tempfile.TemporaryDirectory(prefix="bounds-") as place:
        wanted, groups = {package.path: package.default_extras}, {package.path: {*package.groups}}
        trials = Trials(space, f"{place}/environment", wanted, groups, asked=asked, pinned=pins)
        trials.check()
        if trials.passes("the lowest versions", recorded.pins):
            return []
        if not trials.passes("the pinned versions", Pins({}, {})):
            raise TaskError(
                f"{package.path}: the tests fail with the pinned versions, too; see above"
            )
        return _too_low(trials, package, recorded.pins)


def _too_low(trials: "Trials", package: Package, recorded: Pins) -> list[str]:
    """Return the bounds that are too low, each found alone, and whether that is all."""
    found: dict[str, str] = {}
    for name in sorted(trials.asked.direct & recorded.named.keys()):
        versions = trials.versions(name, recorded)
        if _passes(trials, name, versions[0]):
            continue
        # The last one is pinned.
        failing, passing = 0, len(versions) - 1
        while passing - failing > 1:
            middle = (failing + passing) // 2
            if _passes(trials, name, versions[middle]):
                passing = middle
            else:
                failing = middle
        found[name] = versions[passing]
    where = f"{package.path}/pyproject.toml"
    lines = [
        f"{where}: {text}: the tests fail below {found[name]}; write {name}>={found[name]}"
        for text in trials.asked.own
        if (name := requirement(text).name) in found
    ]
    raised = [f"{name}>={version}" for name, version in found.items()]
    if found and trials.passes("all of them", trials.with_all(raised)):
        return lines
    together = "the tests fail with the lowest versions together; raise those that belong together"
    return [*lines, f"{where}: {together}"]


def _passes(trials: "Trials", name: str, version: str) -> bool:
    """Return whether the tests pass with this version of a dependency, and the others as pinned."""
    return trials.passes(f"{name} {version}", trials.with_one(name, version))


@dataclass(frozen=True)
class Trials(Environment):
    """An environment in which the tests run with one set of versions after another.

    Attributes:
        asked: what the package asks for.
        pinned: the pins of the repository.
    """

    asked: Asked = field(default=Asked("", (), ()))
    pinned: Pins = field(default=Pins({}, {}))

    def _python(self) -> str:
        """Return the oldest Python that the package supports.

        Raises:
            UsageError: this machine does not have it.
        """
        python = f"python{self.asked.python}"
        own = self.space.root / ".venv/bin" / python
        found = str(own) if own.exists() else shutil.which(python)
        if found is None:
            raise UsageError(f"{python}: is not on the PATH; install it, the bounds are about it")
        return found

    def passes(self, what: str, versions: Pins) -> bool:
        """Return whether the tests pass with these versions, and everything else as pinned.

        Raises:
            TaskError: uv failed.
            UsageError: this machine does not have the oldest Python of the package.
        """
        root = self.space.root
        # Made anew: the bytecode of another version may look up to date.
        uv.make(uv.program(root), root, self.folder, self._python())
        whole = versions.over(self.pinned)
        file = self.folder / "trial.txt"
        text = "".join(hashes.lines(line, found) for line, found in whole.hashes.items())
        file.write_text(text, encoding="utf-8")
        (path,) = self.wanted
        try:
            self.put(self.lines(), "--exact", constraints=file)
        except TaskError as error:
            if uv.NO_FILE not in str(error):
                raise
            say(f"bounds: {path}: {what}: no wheel for this Python or platform")
            return False
        words = make(root / path, "test", f"VENV={self.folder}")
        show(words, root)
        done = subprocess.run(
            words, env=without_make(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            say(done.stdout + done.stderr)
        say(f"bounds: {path}: {what}: {'fail' if done.returncode else 'pass'}")
        return not done.returncode

    def versions(self, name: str, recorded: Pins) -> list[str]:
        """Return the versions of a dependency from the recorded one to the pinned one."""
        (low, *_), (*_, high) = (_versions(pins.named[name]) for pins in (recorded, self.pinned))
        found = [low]
        while found[-1] != high:
            wanted = [f"{name}>{found[-1]},<={high}"]
            more = self._compiled(wanted, (), "--resolution=lowest-direct", "--no-deps")
            found += _versions(more.named[name])[:1]
        return found

    def with_one(self, name: str, version: str) -> Pins:
        """Return the versions with which a dependency has this one."""
        others = (same for other, same in self.pinned.named.items() if other != name)
        return self._compiled([*self._all(), f"{name}=={version}"], chain.from_iterable(others))

    def with_all(self, raised: Iterable[str]) -> Pins:
        """Return the lowest versions within other bounds as well."""
        direct = self.asked.direct
        named = self.pinned.named.items()
        lines = (line for name, same in named if name not in direct for line in same)
        return self._compiled([*self._all(), *raised], lines, "--resolution=lowest-direct")

    def _all(self) -> list[str]:
        return [*self.asked.own, *self.asked.others]

    def _compiled(self, wanted: Iterable[str], preferred: Iterable[str], *flags: str) -> Pins:
        """Resolve requirements; pins that are `preferred` are kept where possible."""
        kept = [hashes.lines(line, self.pinned.hashes[line]) for line in preferred]
        file = self.folder / "resolved.txt"
        python = self.asked.python
        resolver = Resolver(self.space)
        text = resolver.compile(wanted, kept, file, *flags, python=python, doing="bounds")
        return lowest.read(text)


def _versions(lines: Iterable[str]) -> list[str]:
    return [hashes.version_of(line) for line in lines]
