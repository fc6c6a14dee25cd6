"""The model of service.edn: a service as configuration over shared packages."""

import keyword
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, Tag, TypeAdapter, model_validator

from monorepo.edn import cron
from monorepo.edn.package_manifest import Dependency, NpmName
from monorepo.edn.validation import KeywordOf, Path, Record, WrongError, chosen, validate, wrong

FILE = "service.edn"
# What every service answers itself, whatever its routes are.
RESERVED_PATHS = ("/health", "/ready", "/docs", "/redoc", "/openapi.json")
# What every service reads from its environment. GPU and NPU say what the machine has.
RESERVED_VARIABLES = (
    *("HOST", "PORT", "LOG_LEVEL", "WORKERS", "SHUTDOWN_TIMEOUT", "SHUTDOWN_DELAY", "DOCS"),
    *("OTEL_EXPORTER_OTLP_ENDPOINT", "GPU", "NPU"),
)
# Attributes of the settings in the Python runtime, besides those of every model of pydantic.
_ATTRIBUTES = {"name", "version", "table", "from_environment", "settings_customise_sources"}

_HANDLER = re.compile(r"[^\s:]+:[A-Za-z_$][\w$]*")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
_WORD = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_SEGMENT = re.compile(r"[A-Za-z0-9._~@!$&'()*+,;=-]+|\{([A-Za-z_]\w*)(:path)?\}", re.ASCII)
_BRACED = re.compile(r"\{\w+")
_ADDRESS = re.compile(r"https?://[^\s/?#]+\S*")
# What is written leads nowhere but into the package of the service.
_ENTRIES = {
    "python": (re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+"), "acme_svc_api.main"),
    "node": (re.compile(r"(\w[\w.-]*/)*\w[\w.-]*"), "src/main.ts"),
}

Method = Literal["get", "post", "put", "patch", "delete", "head", "options", "websocket"]


def parameters(path: str) -> dict[str, bool]:
    """Return the names of the parameters in a path; true for one that takes slashes as well."""
    found = (_SEGMENT.fullmatch(segment) for segment in path.split("/"))
    return {match[1]: bool(match[2]) for match in found if match and match[1]}


def _handler(text: str) -> str:
    if not _HANDLER.fullmatch(text):
        fix = 'write "module:function", such as "acme_core.routes:greet"'
        raise wrong(f'"{text}" is not a handler', fix)
    return text


def _route(path: str) -> str:
    segments = path[1:].split("/") if path.startswith("/") else [""]
    found = [_SEGMENT.fullmatch(segment) for segment in segments]
    names = [match[1] for match in found if match and match[1]]
    if path != "/" and not all(found):
        raise wrong(f'"{path}" is not a path', 'write one such as "/notes/{id}"')
    if len({*names}) < len(names):
        raise wrong(f'"{path}" has a parameter twice', "give each one a name of its own")
    if any(match and match[2] for match in found[:-1]):
        what = f'"{path}" has a parameter with slashes before its end'
        raise wrong(what, "put {name:path} at the end")
    if path in RESERVED_PATHS:
        raise wrong(f'"{path}" is a path of every service', "choose another one")
    return path


def _expression(text: str) -> str:
    cron.read(text)
    return text


def _variable(name: str) -> str:
    attribute = name.lower()
    if not _VARIABLE.fullmatch(name):
        raise wrong(f'"{name}" is not the name of a variable', "write one such as DATABASE_URL")
    if name in RESERVED_VARIABLES:
        raise wrong(f"{name} is a variable of every service", "choose another name")
    taken = attribute in _ATTRIBUTES or hasattr(BaseModel, attribute)
    if taken or keyword.iskeyword(attribute):
        what = f"{name} cannot be an attribute of settings, {attribute}"
        raise wrong(what, "choose another name")
    return name


def _word(text: str) -> str:
    if not _WORD.fullmatch(text):
        fix = "use lower-case letters, digits and single dashes"
        raise wrong(f'"{text}" is not a name', fix)
    return text


def _line(text: str) -> str:
    # It goes into a row of a table.
    if len(text.splitlines()) > 1:
        raise wrong("has a line break", "write it in one line")
    return text


_Text = Annotated[str, Field(min_length=1)]
Handler = Annotated[str, AfterValidator(_handler)]
_Word = Annotated[str, AfterValidator(_word)]
_Name = Annotated[str, AfterValidator(_variable)]
_Count = Annotated[int, Field(ge=0, le=1024)]


class NodeInternal(Record):
    """A package of the repository, by its npm name."""

    pkg: NpmName


def _form(value: object) -> str | None:
    """Tell apart the forms of a dependency in JavaScript."""
    if isinstance(value, str):
        return "text"
    if isinstance(value, dict):
        return "package" if "pkg" in value else "ranges"
    return "package" if isinstance(value, NodeInternal) else None


_NodeDependency = Annotated[
    Annotated[NpmName, Tag("text")]
    | Annotated[NodeInternal, Tag("package")]
    | Annotated[dict[NpmName, _Text], Tag("ranges")],
    chosen(
        _form, "is not a dependency", 'write one such as "@acme/core", or {"nanoid" "catalog:"}'
    ),
]


class Runtime(Record):
    """What runs the service: its language, its entry point, and how many processes."""

    lang: KeywordOf[Literal["python", "node"]]
    entry: _Text = Field(description="acme_svc_api.main, or src/main.ts")
    workers: Annotated[int, Field(ge=1, le=1024)] = 1

    @model_validator(mode="after")
    def _leads_inside(self) -> Self:
        form, example = _ENTRIES[self.lang]
        if not form.fullmatch(self.entry):
            message = f'"{self.entry}" is no entry point in :{self.lang}'
            raise WrongError((("entry",), message, f'write one such as "{example}"'))
        return self


class Dependencies(Record):
    """What the service needs, in its own language.

    A text is a requirement in Python, and a package of the repository in JavaScript, where a map
    has the ranges of others.
    """

    python: tuple[Dependency, ...] = ()
    node: tuple[_NodeDependency, ...] = ()

    @property
    def ranges(self) -> tuple[dict[str, str], ...]:
        """The range of each package that an item of `node` names, as package.json has it."""
        return tuple(map(_ranges, self.node))


def _ranges(item: str | NodeInternal | dict[str, str]) -> dict[str, str]:
    if isinstance(item, dict):
        return item
    return {item if isinstance(item, str) else item.pkg: "workspace:*"}


class Endpoint(Record):
    """A route, and the function that answers."""

    method: KeywordOf[Method]
    path: Annotated[str, AfterValidator(_route)]
    handler: Handler

    @property
    def key(self) -> str:
        """What no other route may have: the method, and the path without names."""
        return f"{self.method} {_BRACED.sub('{', self.path)}"


class Job(Record):
    """A function that is run on a schedule (UTC), or once by name."""

    name: _Word
    handler: Handler
    cron: Annotated[str, AfterValidator(_expression)] | None = None


class Resources(Record):
    """What a machine has to have, for the service to be started there."""

    cpu: _Count = 1
    gpu: _Count = 0
    npu: _Count = 0


class Telemetry(Record):
    """Whether the service can send traces and metrics; OTEL_EXPORTER_OTLP_ENDPOINT says where."""

    otel: bool = False


Kind = Literal["string", "integer", "number", "boolean", "url"]
_Value = str | bool | int | float
# JavaScript's numbers have no more digits, and the services of both languages read no more.
_TOO_LARGE = 10**15
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "url": (str,),
}


class Variable(Record):
    """A variable of the environment. One without a default is required, unless it says not."""

    type: KeywordOf[Kind] = "string"
    default: _Value | None = None
    required: bool | None = None
    secret: bool = False
    doc: Annotated[str, AfterValidator(_line)] = ""
    choices: tuple[_Value, ...] = ()

    @property
    def is_required(self) -> bool:
        """Whether it has to be set."""
        return self.default is None if self.required is None else self.required

    @model_validator(mode="after")
    def _agree(self) -> Self:
        for what, value in (("default", self.default), *(("choice", one) for one in self.choices)):
            if value is not None and not self._fits(value):
                raise wrong(f"the {what} is not of the type :{self.type}", "correct it")
            if isinstance(value, int) and abs(value) >= _TOO_LARGE:
                raise wrong(f"the {what} has more than 15 digits", "write a smaller number")
        if self.choices and self.default is not None and self.default not in self.choices:
            raise wrong("the default is none of the choices", "add it to them")
        if self.required and self.default is not None:
            what = "a variable with a default need not be set"
            raise wrong(what, "remove :required or :default")
        if self.secret and (self.type != "string" or self.choices):
            raise wrong("a secret is a :string without choices", "remove :type and :choices")
        return self

    def _fits(self, value: object) -> bool:
        # In Python, True is a number as well.
        fits = isinstance(value, _TYPES[self.type])
        fits = fits and isinstance(value, bool) == (self.type == "boolean")
        return fits and (self.type != "url" or bool(_ADDRESS.fullmatch(str(value))))


class ServiceManifest(Record):
    """service.edn: which functions of shared packages a service puts together, and how it runs."""

    name: _Word = Field(alias="service/name")
    runtime: Runtime
    deps: Dependencies = Dependencies()
    endpoints: tuple[Endpoint, ...] = ()
    jobs: tuple[Job, ...] = ()
    lifespan: Handler | None = None
    checks: dict[_Text, Handler] = Field(default_factory=dict)
    resources: Resources = Resources()
    telemetry: Telemetry = Telemetry()
    env: dict[_Name, Variable] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if conflicts := [*self._conflicts()]:
            raise WrongError(*conflicts)
        return self

    def _conflicts(self) -> Iterator[tuple[Path, str, str]]:
        """Yield what its parts say against each other: the place of it, what is wrong, the fix."""
        lang = self.runtime.lang
        other = "node" if lang == "python" else "python"
        if getattr(self.deps, other):
            what = f"the service is in :{lang}, and these are dependencies in :{other}"
            yield ("deps", other), what, "remove them"
        if self.runtime.workers > 1 and any(job.cron for job in self.jobs):
            what = "each worker would run the scheduled jobs"
            fix = "write 1, or give the jobs a service of their own"
            yield ("runtime", "workers"), what, fix
        yield from _twice("endpoints", (endpoint.key for endpoint in self.endpoints))
        yield from _twice("jobs", (job.name for job in self.jobs))


def _twice(key: str, values: Iterable[str]) -> Iterator[tuple[Path, str, str]]:
    seen: dict[str, int] = {}
    for at, value in enumerate(values):
        if (first := seen.setdefault(value, at)) != at:
            yield (key, at), f"is number {first + 1} of :{key} once more", "remove one of them"


ADAPTER = TypeAdapter(ServiceManifest)


def read_service(text: str, path: str) -> ServiceManifest:
    """Return what a service.edn says.

    Args:
        text: the text.
        path: the path of the file, for messages.

    Raises:
        UsageError: it is malformed; each mistake is at its line and column.
    """
    return validate(ADAPTER, text, path)
