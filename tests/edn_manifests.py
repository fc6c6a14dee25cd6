"""Manifests of packages in EDN, of all kinds, for properties."""

import string
from typing import Any, TypeVar

from hypothesis import strategies as st

from monorepo.core.naming import fold
from monorepo.edn import reader, writer
from monorepo.edn.package_manifest import (
    Catalog,
    IncludeGroup,
    Internal,
    NodePackage,
    PackageManifest,
    Peer,
    PythonEntry,
    PythonPackage,
)
from monorepo.edn.reader import Keyword
from monorepo.edn.targets import BROWSER, BROWSER_EXPORT
from monorepo.edn.validation import Record

T = TypeVar("T")

# The packages of the repository that requirements may name.
INTERNAL = ("acme-core", "acme-io", "Acme_Old")

_WORDS = st.text(string.ascii_letters + string.digits, min_size=1, max_size=6)
_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=20)
_NAMES = st.builds("".join, st.tuples(_WORDS, st.sampled_from(["", "-x", "_y", ".z"])))
_VERSIONS = st.none() | st.sampled_from(["0.1.0", "1.2.3rc1", "2026.8", "1!2.0.post1"])
_REQUIREMENTS = st.sampled_from(
    [
        *("numpy>=2", "httpx[http2] >= 0.28 ; python_version < '3.12'", "a @ https://e.org/a.zip"),
        *("Foo.Bar ~=1.0", "uvloop; sys_platform == 'linux'", "acme-core>=1", "acme-io[a, b]"),
    ]
)
_INTERNALS = st.builds(
    Internal, pkg=st.sampled_from(INTERNAL), extras=st.lists(_NAMES, max_size=2).map(tuple)
)
_DEPENDENCIES = st.lists(_REQUIREMENTS | _INTERNALS, max_size=3).map(tuple)


def _named(
    names: st.SearchStrategy[str], values: st.SearchStrategy[T]
) -> st.SearchStrategy[dict[str, T]]:
    """Return a strategy of maps whose keys are no twins."""
    pairs = st.lists(st.tuples(names, values), max_size=3, unique_by=lambda pair: fold(pair[0]))
    return pairs.map(dict)


@st.composite
def _groups(draw: st.DrawFn) -> dict[str, tuple[Any, ...]]:
    """Return groups, of which some include earlier ones."""
    groups: dict[str, tuple[Any, ...]] = draw(_named(_NAMES, _DEPENDENCIES))
    names = list(groups)
    for index, name in enumerate(names[1:], 1):
        if draw(st.booleans()):
            groups[name] += (IncludeGroup(include_group=names[index - 1]),)
    return groups


_TABLES = st.dictionaries(_TEXTS.filter(bool), _TEXTS, max_size=3)
PYTHON_PACKAGES = st.builds(
    PythonPackage,
    name=_NAMES,
    version=_VERSIONS,
    description=st.none() | _TEXTS,
    lang=st.just("python"),
    targets=st.sampled_from([(), ("python>=3.11",), ("python >=3.11, <4",)]),
    base=_DEPENDENCIES,
    extras=_named(_NAMES, _DEPENDENCIES),
    dev=_groups(),
    entry=st.builds(
        PythonEntry,
        scripts=_TABLES,
        gui_scripts=_TABLES,
        entry_points=st.dictionaries(_TEXTS.filter(bool), _TABLES.filter(bool), max_size=2),
    ),
)

_NPM_NAMES = st.builds("".join, st.tuples(st.sampled_from(["", "@acme/"]), _NAMES))
_RANGES = st.sampled_from(["catalog:", "workspace:*", "^1.2", "", "npm:x@1", "20.x", "~1 || 3"])
_EXPORTS = st.recursive(
    st.none() | _TEXTS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2).map(tuple),
        st.dictionaries(st.sampled_from(["source", "types", "node-addons"]) | _TEXTS, inner),
    ),
    max_leaves=4,
)
_PEERS = st.one_of(
    _RANGES,
    st.builds(Peer, version=st.none() | _RANGES, optional=st.just(True)),
    st.builds(Peer, catalog=_RANGES, optional=st.booleans()),
)
_ENGINES = st.dictionaries(
    st.sampled_from(["node", "pnpm", "vscode"]), st.sampled_from([">=24", "^20 || 22", "20.x"])
)


@st.composite
def node_packages(draw: st.DrawFn, *, catalog: bool = True) -> NodePackage:
    """Return a JavaScript package, with ranges for the catalog or without."""
    ranges = _RANGES | st.builds(Catalog, catalog=st.just("^5")) if catalog else _RANGES
    peers = (
        _PEERS if catalog else _PEERS.filter(lambda peer: getattr(peer, "catalog", None) is None)
    )
    browser = draw(st.booleans())
    paths = st.sampled_from([".", "./routes", "./package.json"])
    entry = draw(st.dictionaries(paths, _EXPORTS)) | ({BROWSER_EXPORT: "./b.js"} if browser else {})
    engines = [
        f"{name}{'' if text[0] in '<>=^~*' else ' '}{text}" for name, text in draw(_ENGINES).items()
    ]
    return NodePackage(
        name=draw(_NPM_NAMES),
        version=draw(_VERSIONS),
        description=draw(st.none() | _TEXTS),
        lang="node",
        targets=(*engines, *([BROWSER] if browser else ())),
        base=draw(st.dictionaries(_NPM_NAMES, ranges, max_size=3)),
        peers=draw(st.dictionaries(_NPM_NAMES, peers, max_size=3)),
        dev=draw(st.dictionaries(_NPM_NAMES, ranges, max_size=3)),
        overrides=draw(st.dictionaries(_TEXTS, _RANGES, max_size=2)) if catalog else {},
        entry=entry or None,
    )


def written(manifest: PackageManifest) -> str:
    """Return the text of a manifest, in which what is empty is left out."""
    return writer.write(_edn(manifest))


def _edn(value: object, *, words: bool = False) -> object:
    """Return a value of a model as EDN; `words` is whether the keys of a map may be keywords."""
    if isinstance(value, Record):
        found: dict[object, object] = {}
        python = isinstance(value, PythonPackage)
        for name, field in type(value).model_fields.items():
            inner = getattr(value, name)
            if inner != field.default:
                words = name in (("extras", "dev") if python else ("entry",))
                told = Keyword(inner) if name == "lang" else _edn(inner, words=words)
                found[Keyword(str(field.validation_alias))] = told
        return found
    if isinstance(value, dict):
        return {
            _key(key) if words else key: _edn(inner, words=words) for key, inner in value.items()
        }
    if isinstance(value, tuple):
        return [_edn(inner, words=words) for inner in value]
    return value


def _key(name: str) -> str | Keyword:
    return Keyword(name) if name[:1].isalpha() and reader.is_keyword(name) else name
