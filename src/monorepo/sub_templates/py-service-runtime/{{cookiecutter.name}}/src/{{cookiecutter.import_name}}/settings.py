"""The settings of a service, read from the environment and checked all at once."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from typing import Annotated, Any, Literal, Self, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    Secret,
    SecretBytes,
    SecretStr,
    ValidationError,
)
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

_LEVELS = {"WARN": "WARNING", "FATAL": "CRITICAL"}


class SettingsError(SystemExit):
    """The environment can't be used; the message names every bad variable, one on a line.

    It is a SystemExit, so that a service that starts with a bad environment ends with these
    lines on stderr and exit code 1, not with a traceback.
    """


def _digits(value: object) -> object:
    # pydantic would take spaces, underscores and other scripts' digits.
    if isinstance(value, str) and not (value.isascii() and value.isdecimal() and len(value) <= 9):
        raise ValueError("should be a whole number")
    return value


def _level(value: object) -> object:
    return _LEVELS.get(value.upper(), value.upper()) if isinstance(value, str) else value


def _host(value: str) -> str:
    if value != value.strip():
        raise ValueError("should have no space around it")
    return value


def _address(value: str) -> str:
    with suppress(ValueError):
        parts = urlsplit(value)
        bare = not any(map(str.isspace, value))
        if bare and parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return value.rstrip("/")
    raise ValueError("should be an address such as http://127.0.0.1:8000")


Whole = Annotated[int, BeforeValidator(_digits)]
"""A whole number, with plain digits."""
Address = Annotated[str, AfterValidator(_address)]
"""The address of another service, without a slash at its end."""


class _Environment(EnvSettingsSource):
    """The environment, in which an empty variable counts as one that is not set."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:  # noqa: ANN401
        # What is not JSON is one mistake among the others, found by validation.
        with suppress(ValueError):
            return super().decode_complex_value(field_name, field, value)
        return value


class Settings(BaseSettings):
    """What a service needs to know before it starts.

    A service adds fields in a class of its own; a field `database_url` is read from DATABASE_URL.
    A field without a default has to be set, and one that is secret is a `pydantic.SecretStr`.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(min_length=1)
    host: Annotated[str, AfterValidator(_host)] = Field(
        default="127.0.0.1", description="the address to listen on; in a container usually 0.0.0.0"
    )
    port: Whole = Field(
        default=8000, ge=0, le=65535, description="the port to listen on; 0 is a free one"
    )
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(_level)
    ] = Field(default="INFO", description="DEBUG, INFO, WARNING, ERROR or CRITICAL")
    workers: Whole = Field(default=1, ge=1, description="the number of worker processes")
    shutdown_timeout: Whole = Field(
        default=10, description="how many seconds requests in flight have at the end"
    )
    shutdown_delay: Whole = Field(
        default=0, description="how many seconds it still listens once it is not ready any more"
    )
    docs: bool = Field(
        default=False, description="whether /docs, /redoc and /openapi.json are there"
    )
    otel_exporter_otlp_endpoint: Address | None = Field(
        default=None,
        description="where traces and metrics go (OTLP over HTTP); needs the extra `otel`",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read nothing but what is given: a test depends on no environment."""
        return (init_settings,)

    @classmethod
    def from_environment(cls, name: str, *, port: int = 8000) -> Self:
        """Read the settings from the environment.

        A variable that is missing or empty has its default. With the option --settings, which
        `make settings` gives to the program, it prints the table of all variables instead.

        Args:
            name: The distribution of the service, as logs and errors call it.
            port: The default of PORT.

        Raises:
            SettingsError: When variables are bad.
            SystemExit: When it has printed the table.
        """
        if sys.argv[1:] == ["--settings"]:
            print(cls.table(port=port))  # noqa: T201
            raise SystemExit(0)
        found = _Environment(cls, env_ignore_empty=True)()
        try:
            return cls(**{"port": port, **found, "name": name})
        except ValidationError as error:
            lines = (f"{name}: {line}" for line in _mistakes(error))
            raise SettingsError("\n".join(lines)) from None

    @classmethod
    def table(cls, *, port: int = 8000) -> str:
        """Return the Markdown table of all variables: name, default, and what it is."""
        rows = ["| variable | default | what |", "| --- | --- | --- |"]
        for name, field in cls.model_fields.items():
            if name != "name":
                default = str(port) if name == "port" else _default(field)
                what = " ".join((field.description or "").replace("|", r"\|").split())
                variable = field.validation_alias or name
                rows.append(
                    f"| `{str(variable).upper()}` | {default} | {what} |".replace("  ", " ")
                )
        return "\n".join(rows)

    @property
    def version(self) -> str:
        """The version of the distribution; 0 if it is not installed."""
        try:
            return metadata.version(self.name)
        except metadata.PackageNotFoundError:
            return "0"


def _mistakes(error: ValidationError) -> Iterator[str]:
    """Yield a line for each mistake. None has a value, which may be secret."""
    for one in error.errors(include_input=False, include_url=False, include_context=False):
        # The rest of the place is a part of the value.
        variable = "".join(map(str, one["loc"][:1])).upper()
        message = "is not set" if one["type"] == "missing" else one["msg"]
        message = message.removeprefix("Value error, ").removeprefix("Input ")
        yield " ".join(f"{variable}: {message}".removeprefix(": ").split())


def _default(field: FieldInfo) -> str:
    """Return what the table says of the default of a field."""
    if field.is_required():
        return "has to be set"
    default = None if field.default_factory else field.default
    if default is None:
        return ""
    if _is_secret(field.annotation) or _is_secret(type(default)):
        return "not shown"
    text = str(default).lower() if isinstance(default, bool) else str(default)
    return text.replace("|", r"\|")


def _is_secret(annotation: object) -> bool:
    """Tell whether a type, or one of those that it is made of, hides its values."""
    kind = get_origin(annotation) or annotation
    if isinstance(kind, type) and issubclass(kind, (Secret, SecretBytes, SecretStr)):
        return True
    return any(map(_is_secret, get_args(annotation)))
