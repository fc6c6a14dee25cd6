"""Whether what a package declares and does not import is of use to what else it declares.

A driver or a plugin is loaded by name, by somebody who does not require it: their code tells.
"""

from collections.abc import Set

from monorepo.distributions import Distributions
from monorepo.guessed import guess
from monorepo.workspace import Package


def reached(known: Distributions, package: Package, but: str) -> set[str]:
    """Return what installing a package brings, as far as it is installed, if one is not declared.

    What its extra `test` asks for does not run with it.
    """
    found = set[tuple[str, ...]]()
    asked = known.asks(package, package.extras.keys() - {"test"})
    todo = [(name, *sorted(asked[name])) for name in asked.keys() - {but}]
    while todo:
        if (one := todo.pop()) in found:
            continue
        found.add(one)
        name, *extras = one
        if other := known.space.by_name.get(name):
            todo += [(more, *sorted(its)) for more, its in known.asks(other, extras).items()]
        else:
            names = {*known.installed(package, name).get("requires", ())}
            todo += [(more,) for more in names.union(known.brought(package, name, extras))]
    return {one[0] for one in found}


def loads(known: Distributions, package: Package, name: str, others: Set[str]) -> bool:
    """Tell whether one of `others` imports what a distribution brings, or loads its plugins."""
    modules = known.modules(package, name) or {guess(name).replace("-", "_")}
    words = {*modules, *known.installed(package, name).get("groups", ())}
    starts = tuple(f"{word}." for word in words)
    said = (f"{word}." for one in others for word in known.mentioned(package, one))
    return any(word.startswith(starts) for word in said)
