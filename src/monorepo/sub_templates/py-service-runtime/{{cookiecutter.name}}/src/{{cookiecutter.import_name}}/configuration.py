"""service.json: what a configured service serves, which `make sync` writes from service.edn."""

import importlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib import resources
from typing import Annotated, Any, NamedTuple, cast

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, create_model

from .settings import Address, Settings, Whole

FILE = "service.json"


class Route(NamedTuple):
    """A route: its method, or WEBSOCKET; its path; the handler, as `module:function`."""

    method: str
    path: str
    handler: str


class Job(NamedTuple):
    """A job: its name, its handler, and the minutes at which it runs; None for by name alone."""

    name: str
    handler: str
    at: Mapping[str, Sequence[int] | None] | None


@dataclass(frozen=True)
class Configuration:
    """What service.json says."""

    name: str
    port: int
    workers: int
    lifespan: str | None
    checks: Mapping[str, str]
    routes: tuple[Route, ...]
    jobs: tuple[Job, ...]
    resources: Mapping[str, int]
    settings: Mapping[str, Mapping[str, Any]]

    @property
    def handlers(self) -> Iterator[str]:
        """The handlers of a service that serves, which runs no job by its name."""
        yield from [self.lifespan] if self.lifespan else []
        yield from self.checks.values()
        yield from (route.handler for route in self.routes)
        yield from (job.handler for job in self.scheduled)

    @property
    def scheduled(self) -> tuple[Job, ...]:
        """The jobs that run on a schedule."""
        return tuple(job for job in self.jobs if job.at is not None)


@cache
def read(package: str) -> Configuration:
    """Return the configuration that a package has beside its modules."""
    text = resources.files(package).joinpath(FILE).read_text("utf-8")
    found = json.loads(text)
    routes = tuple(Route(**route) for route in found["routes"])
    jobs = tuple(Job(job["name"], job["handler"], job["at"]) for job in found["jobs"])
    names = ("name", "port", "workers", "lifespan", "checks", "resources", "settings")
    return Configuration(routes=routes, jobs=jobs, **{name: found[name] for name in names})


def load(handler: str) -> Any:  # noqa: ANN401
    """Return a handler; its module is imported."""
    module, _, name = handler.partition(":")
    return getattr(importlib.import_module(module), name)


@cache
def settings_class(package: str) -> type[Settings]:
    """Return the class of a service's settings: the common ones, and those in service.json."""
    configuration = read(package)

    class Base(Settings):
        def __reduce__(self) -> tuple[Any, ...]:
            # Worker processes get settings, and make their class anew.
            return _restore, (package, dict(self))

    fields = {name.lower(): _field(said) for name, said in configuration.settings.items()}
    what = Settings.model_fields["workers"].description
    workers = Annotated[Whole, AfterValidator(_one)] if configuration.scheduled else Whole
    fields["workers"] = workers, Field(default=configuration.workers, ge=1, description=what)
    return create_model("ServiceSettings", __base__=Base, **cast(dict[str, Any], fields))


def _restore(package: str, values: dict[str, Any]) -> Settings:
    return settings_class(package)(**values)


def _field(said: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the type and the rest of a field, as pydantic wants them."""
    kind: Any = SecretStr if said["secret"] else _TYPES[said["type"]]
    if choices := said.get("choices"):
        kind = Annotated[kind, AfterValidator(partial(_chosen, choices))]
    if said["required"]:
        return kind, Field(description=said["description"])
    default = said.get("default")
    if default is None:
        kind = kind | None
    elif said["secret"]:
        default = SecretStr(default)
    return kind, Field(default=default, description=said["description"])


def _one(value: int) -> int:
    if value != 1:
        raise ValueError("should be 1: jobs run on a schedule")
    return value


def _integer(value: object) -> object:
    # pydantic would take spaces, underscores and other scripts' digits.
    if isinstance(value, str):
        digits = value.removeprefix("-")
        if not (digits.isascii() and digits.isdecimal() and len(digits) <= 15):
            raise ValueError("should be an integer")
    return value


def _number(value: object) -> object:
    if isinstance(value, str):
        try:
            found = float(value) if value.isascii() and "_" not in value else math.nan
        except ValueError:
            found = math.nan
        if not math.isfinite(found) or value != value.strip():
            raise ValueError("should be a number")
    return value


def _chosen(choices: Sequence[object], value: object) -> object:
    if value not in choices:
        *some, last = (str(one) for one in choices)
        names = f"{', '.join(some)} or {last}" if some else last
        raise ValueError(f"should be {names}")
    return value


_TYPES: Mapping[str, Any] = {
    "string": str,
    "integer": Annotated[int, BeforeValidator(_integer)],
    "number": Annotated[float, BeforeValidator(_number)],
    "boolean": bool,
    "url": Address,
}
