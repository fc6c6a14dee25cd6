"""The settings of a service, read from the environment and checked all at once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class SettingsError(SystemExit):
    """The environment can't be used; the message names every bad variable.

    It is a SystemExit, so that a service that starts with a bad environment ends with this one
    line on stderr and exit code 1, not with a traceback.
    """


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a service needs to know before it starts."""

    name: str
    host: str = "127.0.0.1"
    port: int = 8000
    log_level: str = "INFO"
    workers: int = 1
    shutdown_seconds: int = 10

    @classmethod
    def from_environment(
        cls, name: str, *, port: int = 8000, environment: Mapping[str, str] = os.environ
    ) -> Self:
        """Read HOST, PORT, LOG_LEVEL and WEB_CONCURRENCY, the number of workers.

        A variable that is missing or empty has its default.

        Args:
            name: The service, as logs and errors call it.
            port: The default of PORT.
            environment: Where to read from.

        Raises:
            SettingsError: When a variable is bad.
        """
        host = environment.get("HOST") or cls.host
        port_text = environment.get("PORT") or str(port)
        log_level = (environment.get("LOG_LEVEL") or cls.log_level).upper()
        workers_text = environment.get("WEB_CONCURRENCY") or str(cls.workers)
        bad = []
        if host != host.strip():
            bad.append(f"HOST must have no space around it, not {host!r}")
        if not _is_number(port_text) or int(port_text) > 65535:
            bad.append(f"PORT must be a number from 0 (any free port) to 65535, not {port_text!r}")
        if log_level not in LOG_LEVELS:
            bad.append(f"LOG_LEVEL must be one of {', '.join(LOG_LEVELS)}, not {log_level!r}")
        if not _is_number(workers_text) or int(workers_text) < 1:
            bad.append(f"WEB_CONCURRENCY must be a number of workers, not {workers_text!r}")
        if bad:
            raise SettingsError(f"{name}: {'; '.join(bad)}")
        return cls(
            name=name,
            host=host,
            port=int(port_text),
            log_level=log_level,
            workers=int(workers_text),
        )


def _is_number(text: str) -> bool:
    # isdecimal alone would let other scripts' digits through, int() underscores and spaces.
    return text.isascii() and text.isdecimal() and len(text) <= 5
