"""What a `package.edn` says: the models of a Python package and of a JavaScript package.

Values are those of pyproject.toml and package.json, in their words; nothing is resolved here.
"""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, Tag, TypeAdapter, model_validator
from typing_extensions import TypeAliasType

from monorepo.core import manifests, python_versions
from monorepo.core.naming import fold
from monorepo.edn import targets
from monorepo.edn.reader import Keyword
from monorepo.edn.targets import BROWSER, BROWSER_EXPORT, PYTHON
from monorepo.edn.validation import KeywordOf, Record, WrongError, chosen, validate, wrong

FILE = "package.edn"


def _fits(check: Callable[[str], bool], what: str, fix: str) -> AfterValidator:
    """Return a validator of texts."""

    def checked(text: str) -> str:
        if not check(text):
            raise wrong(f"{text!a} is not {what}", fix)
        return text

    return AfterValidator(checked)


_NAMED = _fits(manifests.is_name, "a valid name", "use letters, digits, dashes and dots")
Name = Annotated[str, _NAMED]
NpmName = Annotated[str, _fits(manifests.is_npm_name, "the name of a package", "correct it")]
Description = Annotated[str | None, AfterValidator(lambda text: text or None)]
Version = Annotated[str, _fits(manifests.is_version, "a version", "write one such as 0.1.0")]
RequirementText = Annotated[
    str,
    _fits(manifests.is_requirement, "a requirement", "write a name and a range: httpx>=0.28"),
]


class Internal(Record):
    """A package of the repository, by its name, with extras."""

    pkg: Name
    extras: tuple[Name, ...] = ()


class IncludeGroup(Record):
    """The requirements of another group (PEP 735)."""

    include_group: Name


def requirement(dependency: str | Internal) -> str:
    """Return the requirement (PEP 508) that a dependency is."""
    if isinstance(dependency, str):
        return dependency
    extras = f"[{','.join(dependency.extras)}]" if dependency.extras else ""
    return f"{dependency.pkg}{extras}"


def group_item(item: str | Internal | IncludeGroup) -> str | dict[str, str]:
    """Return the item of a dependency group as pyproject.toml has it."""
    if isinstance(item, IncludeGroup):
        return {"include-group": item.include_group}
    return requirement(item)


def _form(value: object) -> str | None:
    """Tell apart the forms of a dependency."""
    if isinstance(value, str):
        return "text"
    if isinstance(value, IncludeGroup) or (isinstance(value, dict) and "include-group" in value):
        return "group"
    return "map" if isinstance(value, Record | dict) else None


_WRITE = 'write one such as "httpx>=0.28", or {:pkg "acme-core"} for a package of the repository'
Dependency = Annotated[
    Annotated[RequirementText, Tag("text")] | Annotated[Internal, Tag("map")],
    chosen(_form, "is not a requirement", _WRITE),
]
GroupItem = Annotated[
    Annotated[RequirementText, Tag("text")]
    | Annotated[Internal, Tag("map")]
    | Annotated[IncludeGroup, Tag("group")],
    chosen(_form, "is not a requirement", _WRITE),
]


def _python_target(told: tuple[str, ...]) -> tuple[str, ...]:
    """Check that targets are one range of versions of Python, or none."""
    for text in told:
        if not text.startswith(PYTHON) or not python_versions.is_valid(text.removeprefix(PYTHON)):
            raise wrong(f"{text!a} is not a range of Python", 'write one such as "python>=3.11"')
    if len(told) > 1:
        raise wrong("has several ranges of Python", 'join them: "python>=3.11,<4"')
    return told


def _extras(extras: dict[str, Any]) -> dict[str, Any]:
    """Check that each extra has a name of its own, once normalized."""
    written: dict[str, str] = {}
    twins = [extra for extra in extras if written.setdefault(fold(extra), extra) != extra]
    if twins:
        raise WrongError(
            *(
                ((extra,), f"{extra!a} is the same name as {written[fold(extra)]!a}", "rename one")
                for extra in twins
            )
        )
    return extras


def _groups(groups: dict[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    """Check that groups include groups that exist, and not themselves."""
    table = {group: list(map(group_item, items)) for group, items in groups.items()}
    found = [*manifests.group_mistakes({"dependency-groups": table})]
    if found:
        raise WrongError(*(((one.keys[1],), one.message, one.fix) for one in found))
    return groups


class PythonEntry(Record):
    """What a distribution offers to be started by (entry points)."""

    scripts: dict[str, str] = Field(default={}, description="Commands, by name: module:function.")
    gui_scripts: dict[str, str] = Field(default={}, description="Commands without a terminal.")
    entry_points: dict[str, dict[str, str]] = Field(
        default={}, description="What else is found by name, in groups."
    )


_VERSION = "The version, unless the manifest of the language has it from elsewhere."
_DESCRIPTION = "What it is for, in one line."


class PythonPackage(Record):
    """A Python package."""

    name: Name = Field(validation_alias="package/name", description="The name of the distribution.")
    version: Version | None = Field(
        default=None, validation_alias="package/version", description=_VERSION
    )
    description: Description = Field(
        default=None, validation_alias="package/description", description=_DESCRIPTION
    )
    lang: KeywordOf[Literal["python"]] = Field(description="The language, a keyword.")
    targets: Annotated[tuple[str, ...], AfterValidator(_python_target)] = Field(
        default=(),
        validation_alias="runtimes/targets",
        description='The versions of Python that it is for, such as "python>=3.11".',
    )
    base: tuple[Dependency, ...] = Field(
        default=(), validation_alias="deps/base", description="What it always requires."
    )
    extras: Annotated[dict[Name, tuple[Dependency, ...]], AfterValidator(_extras)] = Field(
        default={}, description="What its users may have in addition (optional-dependencies)."
    )
    dev: Annotated[dict[Name, tuple[GroupItem, ...]], AfterValidator(_groups)] = Field(
        default={}, description="What its developers need, in groups (dependency-groups)."
    )
    entry: PythonEntry = Field(default=PythonEntry(), description="Its entry points.")

    @property
    def requires_python(self) -> str | None:
        """The range of versions of Python, as `requires-python` has it."""
        return self.targets[0].removeprefix(PYTHON) if self.targets else None


class Catalog(Record):
    """A range that stands in the catalog of pnpm-workspace.yaml, for all packages."""

    catalog: str


_CATALOG = 'write one such as "^5.2", "catalog:" or {:catalog "^5.2"}'
Range = Annotated[
    Annotated[str, Tag("text")] | Annotated[Catalog, Tag("map")],
    chosen(_form, "is not a range", _CATALOG),
]


class Peer(Record):
    """A peer dependency that dependents need not have; without a range, any version will do."""

    version: str | None = None
    catalog: str | None = None
    optional: bool = False


def _peer(peer: str | Peer) -> str | Peer:
    """Return a peer in its simplest form."""
    if isinstance(peer, str):
        return peer
    if peer.version is not None and peer.catalog is not None:
        raise wrong("has both :version and :catalog", "keep one")
    if peer.version is None and peer.catalog is None and not peer.optional:
        raise wrong("has neither a range nor :optional true", 'write the range: "^1.20"')
    return peer if peer.optional or peer.version is None else peer.version


PeerRange = Annotated[
    Annotated[str, Tag("text")] | Annotated[Peer, Tag("map")],
    chosen(_form, "is not a range", 'write one such as "^1.20", or {:version "…" :optional true}'),
    AfterValidator(_peer),
]


def range_of(declared: str | Catalog | Peer) -> str | None:
    """Return the range that package.json has; None for a peer of any version."""
    if isinstance(declared, str):
        return declared
    if declared.catalog is not None:
        return "catalog:"
    return declared.version if isinstance(declared, Peer) else None


def _export(value: object) -> str | None:
    """Tell apart what an export leads to."""
    kinds = {str: "text", dict: "map", tuple: "vector", type(None): "none"}
    return kinds.get(type(value))


# The order of conditions matters: Node takes the first that holds.
Export = TypeAliasType(
    "Export",
    Annotated[
        Annotated[str, Tag("text")]
        | Annotated["dict[str, Export]", Tag("map")]
        | Annotated["tuple[Export, ...]", Tag("vector")]
        | Annotated[None, Tag("none")],
        chosen(_export, "is no export", 'write a path such as "./dist/index.js", or a map'),
    ],
)


def _node_targets(told: tuple[str, ...]) -> tuple[str, ...]:
    """Return targets in their simplest form and in order, each once."""
    engines: dict[str, str] = {}
    for text in told:
        found = targets.engine_of(text)
        if found is None and text != BROWSER:
            raise wrong(f"{text!a} is no target", 'write one such as "node>=24", or "browser"')
        engine = found[0] if found else BROWSER
        if engine in engines:
            raise wrong(f"{engine} is there twice", "keep one")
        engines[engine] = targets.target(*found) if found else BROWSER
    return tuple(targets.ordered(engines.values()))


class NodePackage(Record):
    """A JavaScript package. Ranges are what package.json has, or {:catalog "^5.2"}."""

    name: NpmName = Field(
        validation_alias="package/name", description="The name of the npm package."
    )
    version: str | None = Field(
        default=None, validation_alias="package/version", description=_VERSION
    )
    description: Description = Field(
        default=None, validation_alias="package/description", description=_DESCRIPTION
    )
    lang: KeywordOf[Literal["node"]] = Field(description="The language, a keyword.")
    targets: Annotated[tuple[str, ...], AfterValidator(_node_targets)] = Field(
        default=(),
        validation_alias="runtimes/targets",
        description='What runs it: engines such as "node>=24"; "browser", with a ./browser export.',
    )
    base: dict[NpmName, Range] = Field(
        default={},
        validation_alias="deps/base",
        description='What it always requires; "workspace:*" for a package of the repository.',
    )
    peers: dict[NpmName, PeerRange] = Field(
        default={}, description="What its users have to have (peerDependencies)."
    )
    dev: dict[NpmName, Range] = Field(
        default={}, description="What its developers need (devDependencies)."
    )
    overrides: dict[str, str] = Field(
        default={}, description="Ranges for all packages (overrides of pnpm-workspace.yaml)."
    )
    entry: Export = Field(default=None, description="Its exports, in the order of Node's choice.")

    @property
    def engines(self) -> dict[str, str]:
        """The ranges of versions of Node and other engines, as package.json has them."""
        return dict(filter(None, map(targets.engine_of, self.targets)))

    @property
    def optional_peers(self) -> tuple[str, ...]:
        """The peers that are optional, as `peerDependenciesMeta` says."""
        peers = self.peers.items()
        return tuple(name for name, peer in peers if isinstance(peer, Peer) and peer.optional)

    @property
    def catalog(self) -> dict[str, str]:
        """The ranges that it asks the catalog of pnpm-workspace.yaml to have."""
        return {name: text for _, name, text in self._catalog()}

    def _catalog(self) -> Iterator[tuple[str, str, str]]:
        """Yield the key of each range for the catalog, its name and the range."""
        for field, table in (("deps/base", self.base), ("peers", self.peers), ("dev", self.dev)):
            for name, declared in table.items():
                if not isinstance(declared, str) and declared.catalog is not None:
                    yield field, name, declared.catalog

    @model_validator(mode="after")
    def _one_range(self) -> Self:
        """Check that the catalog gets one range for a name."""
        last = self.catalog
        other = [(field, name) for field, name, text in self._catalog() if last[name] != text]
        if other:
            message = "the catalog has one range for a name, and here are two"
            raise WrongError(*((place, message, "write the same one") for place in other))
        return self

    @model_validator(mode="after")
    def _browser(self) -> Self:
        """Check that the target and the export for browsers are there together."""
        exported = isinstance(self.entry, dict) and BROWSER_EXPORT in self.entry
        if exported and BROWSER not in self.targets:
            message = f'has no "{BROWSER}", and :entry has "{BROWSER_EXPORT}"'
            raise WrongError((("runtimes/targets",), message, f'write "{BROWSER}"'))
        if BROWSER in self.targets and not exported:
            message = f'has no "{BROWSER_EXPORT}", and :runtimes/targets has "{BROWSER}"'
            raise WrongError((("entry",), message, "write that export"))
        return self


def _lang(value: object) -> str | None:
    """Return the language of a manifest."""
    if isinstance(value, Record):
        return str(getattr(value, "lang", None))
    lang = value.get("lang") if isinstance(value, dict) else None
    return lang.text if isinstance(lang, Keyword) else None


PackageManifest = PythonPackage | NodePackage
ADAPTER: TypeAdapter[PackageManifest] = TypeAdapter(
    Annotated[
        Annotated[PythonPackage, Tag("python")] | Annotated[NodePackage, Tag("node")],
        chosen(_lang, "has no :lang that is :python or :node", "write :lang :python", at="lang"),
    ]
)


def read_package(text: str, path: str) -> PackageManifest:
    """Read a `package.edn`.

    Args:
        text: what is in it.
        path: its path from the root, for messages.

    Raises:
        UsageError: it is not EDN, or no such manifest; with all mistakes and their places.
    """
    return validate(ADAPTER, text, path)
