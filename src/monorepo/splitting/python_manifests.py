"""What the manifests of Python packages declare when a module of one becomes another."""

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from monorepo.core import workspace
from monorepo.core.naming import fold
from monorepo.core.workspace import Package
from monorepo.dependencies.providers import Distributions
from monorepo.splitting.splitting import Plan, Split

_TEST = "test"
_ENTRIES = ("scripts", "gui-scripts")
_POINTS = "entry-points"
Item = str | Mapping[str, str]


@dataclass
class Declared:
    """What a package declares: its dependencies, those of its extras, and its groups."""

    base: list[str] = field(default_factory=list)
    extras: dict[str, list[str]] = field(default_factory=dict)
    groups: dict[str, list[Item]] = field(default_factory=dict)
    entries: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    def of(package: Package) -> "Declared":
        """Return what a package declares."""
        project = package.manifest.get("project", {})
        extras = project.get("optional-dependencies", {})
        groups = package.manifest.get("dependency-groups", {})
        return Declared(
            [*project.get("dependencies", [])],
            {extra: [*texts] for extra, texts in extras.items()},
            {group: [*items] for group, items in groups.items()},
            {key: deepcopy(project[key]) for key in (*_ENTRIES, _POINTS) if key in project},
        )

    @property
    def wanted(self) -> dict[str, Any]:
        """The same, as pyproject.toml has it."""
        project = {
            "dependencies": self.base,
            "optional-dependencies": self.extras,
            **{key: self.entries.get(key, {}) for key in (*_ENTRIES, _POINTS)},
        }
        return {"project": project, "dependency-groups": self.groups}

    def lists(self) -> Iterator[list[Any]]:
        """Yield each list of requirements."""
        yield self.base
        yield from self.extras.values()
        yield from self.groups.values()


@dataclass(frozen=True)
class _Uses:
    """The declared distributions that files import; whether they cannot do without."""

    code: Mapping[str, bool]
    rest: Mapping[str, bool]

    def has(self, name: str) -> bool:
        return name in self.code or name in self.rest


def _uses(distributions: Distributions, package: Package, plan: Plan, at: str) -> _Uses:
    declared = distributions.declared(package)

    def found(*, code: bool) -> dict[str, bool]:
        names: dict[str, bool] = {}
        for module, must in plan.imports.get((at, code), {}).items():
            for name in declared.bringing(module):
                names[name] = names.get(name, False) or must
        return names

    return _Uses(found(code=True), found(code=False))


def divide(
    distributions: Distributions, split: Split, plan: Plan, old: Declared, new: Declared
) -> tuple[set[str], list[str]]:
    """Divide what a package declares between itself and a new package.

    Args:
        distributions: what its dependencies provide.
        split: what goes where.
        plan: what the files of both import afterwards.
        old: what the package declares; it has less afterwards.
        new: what the new package declares; it gets more.

    Returns:
        The extras that the old package has not any more, by their normalized names; and what people
        have to know.
    """
    package = split.package
    goes, stays = (_uses(distributions, package, plan, at) for at in (split.at, package.path))
    stood = fold(split.module.rpartition(".")[2])
    told: list[str] = []
    before = set(old.extras)
    sections = [("", old.base), *((e, t) for e, t in old.extras.items() if e not in package.legacy)]
    gone: dict[str, str] = {}
    for extra, texts in sections:
        is_own = fold(extra) == stood
        kept: list[str] = []
        for text in texts:
            name = workspace.requirement(text).name
            goes_along = name in goes.code or (is_own and name != fold(package.name))
            if goes_along:
                must = goes.code.get(name, False) or not extra or is_own
                target = new.base if must else new.extras.setdefault(extra, [])
                target += [text] if text not in target else []
            if not goes_along or name in stays.code:
                kept.append(text)
            else:
                gone[name] = text
        texts[:] = kept
    # What base has, an extra need not ask for.
    for extra in [*new.extras]:
        rest = [text for text in new.extras[extra] if text not in new.base]
        new.extras[extra] = rest
    new.extras = {extra: texts for extra, texts in new.extras.items() if texts}
    _groups(split, old, new, goes, stays, gone)
    _mutual(split, plan, old, new, stood)
    emptied = {e for e, t in old.extras.items() if not t and Declared.of(package).extras[e]}
    old.extras = {e: t for e, t in old.extras.items() if e not in emptied}
    lost = {fold(extra) for extra in before - old.extras.keys()}
    for items in old.lists():
        items[:] = [one for item in items if (one := _own(item, package.name, lost))]
    _entries(split, old, new)
    still = {workspace.requirement(one).name for one in _texts(old.lists())}
    moved = sorted(gone.keys() - still)
    told += [f"{package.path} does not declare {', '.join(moved)} any more"] if moved else []
    return lost, told


def _groups(
    split: Split,
    old: Declared,
    new: Declared,
    goes: _Uses,
    stays: _Uses,
    gone: Mapping[str, str],
) -> None:
    """Divide the dependency groups, by what the tests of each import."""
    package = split.package
    base = {workspace.requirement(text).name for text in new.base}
    for group, items in old.groups.items():
        kept: list[Item] = []
        for item in items:
            name = workspace.requirement(item).name if isinstance(item, str) else ""
            nobody = name != fold(package.name) and not (goes.has(name) or stays.has(name))
            if isinstance(item, str) and (name in goes.rest or (nobody and group == _TEST)):
                _add(new.groups.setdefault(group, []), item)
            if not isinstance(item, str) or not goes.has(name) or stays.has(name) or nobody:
                kept.append(item)
        items[:] = kept
    # What the tests of one have from the dependencies of the other.
    declared = Declared.of(package)
    texts = [*declared.base, *(text for extra in declared.extras.values() for text in extra)]
    for text in texts:
        name = workspace.requirement(text).name
        if name in goes.rest and name not in base and name != fold(package.name):
            _add(new.groups.setdefault(_TEST, []), text)
        if name in gone and name in stays.rest:
            _add(old.groups.setdefault(_TEST, []), text)
    asked = {
        extra
        for item in declared.groups.get(_TEST, [])
        if isinstance(item, str) and workspace.requirement(item).name == fold(package.name)
        for extra in workspace.requirement(item).extras
    }
    if extras := sorted(extra for extra in new.extras if fold(extra) in asked):
        _add(new.groups.setdefault(_TEST, []), f"{split.name}[{','.join(extras)}]")


def _mutual(split: Split, plan: Plan, old: Declared, new: Declared, stood: str) -> None:
    """Have each of the two packages declare the other, where it imports that."""
    package = split.package
    start = f"{package.import_name}."
    if plan.needs_old:
        areas = {
            fold(name.removeprefix(start).partition(".")[0])
            for use in plan.needs_old
            for name in use.names
        }
        extras = sorted(extra for extra in old.extras if fold(extra) in areas and old.extras[extra])
        asked = f"[{','.join(extras)}]" if extras else ""
        new.base.insert(0, f"{package.name}{asked}")
    elif _imports(plan, split.at, package.import_name, code=False) is not None:
        _add(new.groups.setdefault(_TEST, []), package.name)
    code = _imports(plan, package.path, split.import_name, code=True)
    if code:
        _add(old.base, split.name)
    elif code is not None:
        # It does without, as it did without that extra.
        written = next((extra for extra in old.extras if fold(extra) == stood), stood)
        _add(old.extras.setdefault(written, []), split.name)
    if not code and _imports(plan, package.path, split.import_name, code=False) is not None:
        _add(old.groups.setdefault(_TEST, []), split.name)


def _entries(split: Split, old: Declared, new: Declared) -> None:
    """Have entry points go with the module that they are in."""
    tables = [(key, old.entries[key], new.entries) for key in _ENTRIES if key in old.entries]
    tables += [
        (group, names, new.entries.setdefault(_POINTS, {}))
        for group, names in old.entries.get(_POINTS, {}).items()
    ]
    for key, names, target in tables:
        mine = {
            name: value
            for name, value in names.items()
            if f"{split.import_name}.".startswith(f"{value.partition(':')[0].strip()}.")
            or value.startswith(f"{split.import_name}.")
        }
        if mine:
            target[key] = {**target.get(key, {}), **mine}
            for name in mine:
                del names[name]


def _imports(plan: Plan, at: str, module: str, *, code: bool) -> bool | None:
    """Return whether a package needs a module; None if it does not import it."""
    found = [
        must
        for name, must in plan.imports.get((at, code), {}).items()
        if f"{name}.".startswith(f"{module}.")
    ]
    return any(found) if found else None


def follow(
    package: Package, split: Split, plan: Plan, lost: Iterable[str], new: Declared
) -> Declared | None:
    """Return what another package declares that uses one of the two; None if that stays.

    Args:
        package: the other package.
        split: what goes where.
        plan: what its files import afterwards.
        lost: the extras that the old package has not any more.
        new: what the new package declares.
    """
    declared = Declared.of(package)
    lost, old_name = {*lost}, split.package.name
    code, rest = (
        _imports(plan, package.path, split.import_name, code=one) is not None
        for one in (True, False)
    )
    old_code, old_rest = (
        _imports(plan, package.path, split.package.import_name, code=one) is not None
        for one in (True, False)
    )
    legacy = package.legacy
    changed = dropped = False
    sections: list[tuple[bool, list[Any]]] = [(True, declared.base)]
    sections += [(True, t) for e, t in declared.extras.items() if e not in legacy]
    sections += [(False, items) for items in declared.groups.values()]
    for is_code, items in sections:
        for at in reversed(range(len(items))):
            item = items[at]
            if not isinstance(item, str) or workspace.requirement(item).name != fold(old_name):
                continue
            asked = {*workspace.requirement(item).extras}
            needs_new = bool(asked & lost) or (code if is_code else rest and not code)
            if not needs_new:
                continue
            extras = sorted(extra for extra in new.extras if fold(extra) in asked)
            added = split.name + (f"[{','.join(extras)}]" if extras else "")
            left = asked - lost - {fold(extra) for extra in extras}
            stays = bool(left) or (old_code if is_code else old_rest or not rest)
            stays = stays or not (code or rest)
            dropped |= is_code and not stays
            text = _without(item, old_name, lost)
            items[at : at + 1] = sorted([*([text] if stays else []), added])
            changed = True
    names = {workspace.requirement(one).name for one in _texts(declared.lists())}
    if fold(split.name) not in names and (code or rest):
        _add(declared.base if code else declared.groups.setdefault(_TEST, []), split.name)
        changed = True
    if dropped and old_rest and fold(old_name) not in names:
        _add(declared.groups.setdefault(_TEST, []), old_name)
    return declared if changed else None


def _own(item: Any, name: str, lost: Iterable[str]) -> Any:  # noqa: ANN401
    """Return a requirement of a package, without the extras of its own that it has not any more."""
    left = _without(item, name, lost)
    return left if left == item or workspace.requirement(left).extras else ""


def _texts(lists: Iterable[Iterable[Item]]) -> Iterator[str]:
    return (item for items in lists for item in items if isinstance(item, str))


def _add(items: list[Any], text: str) -> None:
    """Add a requirement to a list that has none of that name."""
    name = workspace.requirement(text).name
    if name not in {workspace.requirement(one).name for one in _texts([items])}:
        items.append(text)


def _without(item: Any, name: str, lost: Iterable[str]) -> Any:  # noqa: ANN401
    """Return a requirement on a package without some extras; "" if it asked for nothing else."""
    if not isinstance(item, str) or workspace.requirement(item).name != fold(name):
        return item
    extras = workspace.requirement(item).extras
    kept = [extra for extra in extras if extra not in {*lost}]
    if len(kept) == len(extras):
        return item
    start, _, rest = item.partition("[")
    return (
        f"{start}[{','.join(kept)}]{rest.partition(']')[2]}"
        if kept
        else start + rest.partition("]")[2]
    )
