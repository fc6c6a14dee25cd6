"""What the code of a package needs, from its imports; names and ranges from what declared them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from packaging.requirements import Requirement

from monorepo.core import hashes, workspace
from monorepo.core.hashes import PINS
from monorepo.core.naming import fold
from monorepo.core.workspace import Package
from monorepo.dependencies import extras_graph, mentions, providers
from monorepo.dependencies.module_names import STUBS
from monorepo.dependencies.providers import GIVEN, Distributions
from monorepo.guard.repository import Sources
from monorepo.importing.declared import TEST, Offer, ranged
from monorepo.parsing.python_imports import Import, ImportKind, may_fail
from monorepo.rules.heavy import HEAVY
from monorepo.syncing import toml_text

# The extra of what is heavy, if nothing says another one.
_HEAVY = "heavy"
_PLUGIN = "pytest11"
_UNIMPORTED = ("tool", "monorepo", "unimported")


@dataclass
class Need:
    """A distribution that a package needs.

    Attributes:
        name: its normalized name.
        texts: the requirements, as the manifest gets them.
        group: the extra that gets them; `test` for the group of that name, "" for dependencies.
        where: what told the name and the range.
        used: the file and the line of the first import; "" for none.
        pins: the versions that were pinned, by the marker.
    """

    name: str
    texts: list[str]
    group: str
    where: str
    used: str = ""
    pins: list[str] = field(default_factory=list)


@dataclass
class Needs:
    """What was found.

    Attributes:
        found: what the package needs.
        unknown: the imports that nothing provides, by the file and the line.
        unused: what was declared and is imported nowhere.
        kept: such names that an extra for a migration has, by the file and that extra.
    """

    found: list[Need] = field(default_factory=list)
    unknown: dict[str, str] = field(default_factory=dict)
    unused: list[Offer] = field(default_factory=list)
    kept: dict[tuple[str, str], list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Table:
    """Distributions that may provide a module, with what declares them."""

    offers: Mapping[str, Sequence[Offer]]
    declared: providers.Declared


def find(sources: Sources, package: Package, offers: Sequence[Offer]) -> Needs:
    """Return what the files of a package in src and tests import, and where it comes from.

    The old manifests are asked first, then the extras for a migration, then what is pinned here.
    """
    known = providers.of(sources)
    own = package.import_name
    tables = [
        _table(known, package, offers),
        _table(known, package, [*_legacy(sources)]),
        _table(known, package, [*_pinned(sources)]),
    ]
    needs, demands = Needs(), extras_graph.of(sources)
    wanted: dict[str, list[tuple[Import, str, str]]] = {}
    chosen: dict[str, Sequence[Offer]] = {}
    for file in known.files.get(package.path, []):
        if not file.startswith(("src/", "tests/")):
            continue
        lines = known.tried(package, file)
        beside = known.beside(package.path, file)
        for one in known.imports(package, file):
            top = one.module.partition(".")[0]
            if top in (GIVEN | {own} | beside) or one.kind == ImportKind.MOCKED:
                continue
            if one.module.startswith(f"{package.path.replace('/', '.')}."):
                continue
            kind = _kind(file, one, is_optional=may_fail(one, lines))
            if other := sources.space.by_import.get(top):
                wanted.setdefault(f"@{other.path}", []).append((one, file, kind))
                continue
            names, table = _providers(tables, one)
            if names and table:
                name = sorted(names)[0]
                chosen.setdefault(name, table.offers[name])
                wanted.setdefault(name, []).append((one, file, kind))
            elif not one.name and not _is_space(known, package, file, one, tables):
                place = f"{package.path}/{file}:{one.line}"
                needs.unknown.setdefault(place, one.module) if kind != "optional" else None
    for name, uses in wanted.items():
        if name.startswith("@"):
            needs.found.append(_internal(demands, sources.space.packages[name[1:]], uses))
        else:
            needs.found.append(_external(sources, name, chosen[name], uses))
    _others(sources, known, package, offers, needs)
    return needs


def _table(known: Distributions, package: Package, offers: Sequence[Offer]) -> _Table:
    """Return the modules of declared distributions: from their metadata, or from their names."""
    by_name: dict[str, list[Offer]] = {}
    for offer in offers:
        by_name.setdefault(fold(Requirement(offer.text).name), []).append(offer)
    return _Table(by_name, known.named(package, [one for one in by_name if not STUBS.match(one)]))


def _legacy(sources: Sources) -> Iterator[Offer]:
    """Yield what extras for a migration require."""
    for package in sources.space.packages.values():
        for extra in package.legacy:
            for text in package.extras.get(fold(extra), []):
                yield Offer(text, f"{package.path}[{extra}]")


def _pinned(sources: Sources) -> Iterator[Offer]:
    """Yield what is pinned here."""
    for name, lines in hashes.named(hashes.pin_lines(sources.text(PINS) or "")).items():
        if name not in sources.space.by_name:
            yield from (Offer(line, PINS) for line in lines)


def _providers(tables: Iterable[_Table], one: Import) -> tuple[set[str], _Table | None]:
    for table in tables:
        if found := table.declared.bringing(one.module):
            return found, table
    return set(), None


def _is_space(
    known: Distributions, package: Package, file: str, one: Import, tables: Sequence[_Table]
) -> bool:
    """Tell whether a module is a namespace, each name in which is somebody's module."""
    names = [
        other
        for other in known.imports(package, file)
        if other.name and other.line == one.line and other.module.rpartition(".")[0] == one.module
    ]
    return bool(names) and all(_providers(tables, other)[0] for other in names)


def _kind(file: str, one: Import, *, is_optional: bool) -> str:
    """Return for whom an import is: the users of the package, some of them, or its developers."""
    if file.startswith("tests/"):
        return TEST
    if one.kind == ImportKind.OPTIONAL or is_optional:
        return "optional"
    return TEST if one.kind == ImportKind.TYPES else ""


def _strictest(uses: Sequence[tuple[Import, str, str]]) -> str:
    kinds = {kind for _, _, kind in uses}
    return next(kind for kind in ("", "optional", TEST) if kind in kinds)


def _place(uses: Sequence[tuple[Import, str, str]]) -> str:
    one, file, _ = min(uses, key=lambda use: (use[2] == TEST, use[1], use[0].line))
    return f"{file}:{one.line}"


def _internal(
    demands: extras_graph.Demands, other: Package, uses: Sequence[tuple[Import, str, str]]
) -> Need:
    """Return the need of a package here, with the extras that the imported modules ask for."""
    extras = set[str]()
    for one, _, _ in uses:
        open_ones = demands.open(fold(other.name), one.module, ())
        ways = [extra for extra in other.extras if extra not in (*other.legacy, TEST)]
        for extra in ways if open_ones else ():
            asked = demands.known.asks(other, [extra])
            if all(demands.met(demand, asked) for demand in open_ones):
                extras.add(extra)
                break
    strictest = _strictest(uses)
    group = fold(other.name) if strictest == "optional" else strictest
    text = f"{other.name}[{','.join(sorted(extras))}]" if extras else other.name
    return Need(fold(other.name), [text], group, other.path, _place(uses))


def _external(
    sources: Sources, name: str, offers: Sequence[Offer], uses: Sequence[tuple[Import, str, str]]
) -> Need:
    """Return the need of a distribution, for those who import it."""
    told = sources.space.facts.get("heavy", HEAVY)
    heavy = {fold(str(one)) for one in told} if isinstance(told, list) else set[str]()
    groups = [offer.group for offer in offers if offer.group not in ("", TEST)]
    strictest = _strictest(uses)
    group = strictest
    if strictest == "optional":
        group = groups[0] if groups else name
    elif not strictest:
        only = bool(groups) and not any(offer.group == "" for offer in offers)
        group = groups[0] if only else _HEAVY if name in heavy else ""
    return _need(name, offers, group, _place(uses))


def _need(name: str, offers: Sequence[Offer], group: str, used: str) -> Need:
    texts, pinned = list[str](), list[str]()
    for offer in offers:
        text, version = ranged(offer.text)
        texts.append(text)
        if version:
            marker = Requirement(offer.text).marker
            pinned.append(f"{name}=={version}" + (f" ; {marker}" if marker else ""))
    where = ", ".join(dict.fromkeys(offer.where for offer in offers))
    unique = list(dict.fromkeys(texts))
    # A file that pins what another one only names says more.
    more = [text for text in unique if text != Requirement(text).name]
    return Need(name, more or unique, group, where, used, list(dict.fromkeys(pinned)))


def _others(
    sources: Sources,
    known: Distributions,
    package: Package,
    offers: Sequence[Offer],
    needs: Needs,
) -> None:
    """Add what is declared and not imported, but named or loaded; tell of the rest.

    What a tool has added to a compiled file is left out: nobody has asked for it.
    """
    have = {need.name for need in needs.found}
    mine = {fold(Requirement(offer.text).name): offer for offer in offers}
    kept = {fold(Requirement(offer.text).name): offer.where for offer in _legacy(sources)}
    # What needed ones have as optional, and what texts name.
    taken = mentions.words(sources, package)
    for name in have:
        taken |= {*known.installed(package, name).get("takes", [])}
    for name, offer in mine.items():
        if name in have or name in sources.space.by_name:
            continue
        same = [one for one in offers if fold(Requirement(one.text).name) == name]
        groups = known.installed(package, name).get("groups", [])
        if name.startswith("pytest-") or _PLUGIN in groups:
            needs.found.append(_need(name, same, TEST, ""))
        elif offer.group != TEST and name in taken:
            needs.found.append(_need(name, same, offer.group, ""))
        elif name in kept:
            needs.kept.setdefault((offer.file, kept[name]), []).append(name)
        elif not all(one.is_compiled for one in same):
            needs.unused.append(offer)


def manifest(text: str, package: Package, needs: Sequence[Need]) -> str:
    """Return the text of a package's pyproject.toml with what it needs; what is declared stays."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for need in needs:
        path: tuple[str, ...] = ("project", "optional-dependencies", need.group)
        if not need.group:
            path = ("project", "dependencies")
        elif need.group == TEST:
            path = ("dependency-groups", TEST)
        groups.setdefault(path, []).extend(need.texts)
    document = workspace.toml(text)
    for path, texts in sorted(groups.items()):
        table = document
        for key in path[:-1]:
            table = table.get(key, {})
        before = list(table.get(path[-1], []))
        have = {workspace.requirement(one).name for one in before if isinstance(one, str)}
        new = [one for one in texts if workspace.requirement(one).name not in have]
        after = (
            sorted([*before, *new], key=str.lower)
            if all(isinstance(one, str) for one in before)
            else [*before, *new]
        )
        text = toml_text.with_value(text, path, after)
    for need in needs:
        # What is named alone, nothing imports.
        if not need.used and need.group != TEST:
            reason = f"{need.where} declared it; nothing imports it"
            text = toml_text.with_value(text, (*_UNIMPORTED, need.name), reason)
    return text
