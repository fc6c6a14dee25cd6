"""Logs as one JSON object per line on stdout, for programs to read."""

import json
import logging
import logging.config
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from .context import request
from .settings import Settings

# What every record has; all else came in with `extra=` and is logged under its own name.
# uvicorn repeats its messages in colour.
_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "color_message"}
_ENCODER = json.JSONEncoder(default=str, allow_nan=False)
_LEVELS = (logging.CRITICAL, logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG)


class JsonFormatter(logging.Formatter):
    """Format a record as one line: what every line has, the request, extras, the traceback."""

    def __init__(self, service: str = "", version: str = "") -> None:
        """Make a formatter for a service."""
        super().__init__()
        self._service = {"service": service, "version": version}

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a value that JSON doesn't know is logged as its `str`."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields: dict[str, Any] = {
            "time": time.replace("+00:00", "Z"),
            "level": _level(record.levelno),
            "message": record.getMessage().rstrip("\n"),
            **self._service,
            "logger": record.name,
        }
        if context := request.get():
            fields["request_id"] = context.request_id
            if context.trace_id:
                fields["trace_id"] = context.trace_id
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            fields["stack"] = self.formatStack(record.stack_info)
        for name, value in vars(record).items():
            if name not in _STANDARD:
                fields.setdefault(name, value)
        try:
            return _ENCODER.encode(fields)
        except (TypeError, ValueError):
            # Numbers and keys that JSON has not, and what contains itself.
            return json.dumps({name: str(value) for name, value in fields.items()})


def _shows_no_query(record: logging.LogRecord) -> bool:
    """Tell whether a record of uvicorn is logged: not what it says of each WebSocket."""
    # The line of the request says it, without the query, which may hold secrets.
    return record.levelno >= logging.WARNING or "websockets" not in record.pathname


def _level(number: int) -> str:
    """Return the name of a level; one of a library's own has that of the next lower one."""
    return logging.getLevelName(next((one for one in _LEVELS if number >= one), logging.DEBUG))


def configure_logging(settings: Settings) -> None:
    """Log everything from the level of the settings up as JSON, uvicorn's messages included.

    An unhandled exception, in any thread, is logged as well. Call it once, where a
    program starts: it replaces the handlers that are there. `serve` does.
    """
    through_root = {"handlers": [], "propagate": True, "level": "NOTSET"}
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "json": {
                    "()": JsonFormatter,
                    "service": settings.name,
                    "version": settings.version,
                }
            },
            "handlers": {
                "stdout": {
                    "class": "logging.StreamHandler",
                    "formatter": "json",
                    "stream": "ext://sys.stdout",
                }
            },
            "loggers": {
                "uvicorn": through_root,
                "uvicorn.error": through_root,
                # It logs each request with its query, which may hold secrets.
                "httpx2": {"level": "WARNING"},
            },
            "root": {"handlers": ["stdout"], "level": settings.log_level},
        }
    )
    logging.getLogger("uvicorn.error").addFilter(_shows_no_query)
    sys.excepthook = _log_unhandled
    threading.excepthook = _log_ended_thread


def _log_unhandled(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Log an exception that ends the program; leave Ctrl-C to Python."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        logging.getLogger(__name__).critical("unhandled", exc_info=(kind, error, trace))


def _log_ended_thread(ended: threading.ExceptHookArgs) -> None:
    """Log an exception that ends a thread, unless the thread meant to end so."""
    if ended.exc_value is not None and not isinstance(ended.exc_value, SystemExit):
        logging.getLogger(__name__).error(
            "unhandled in thread %s",
            ended.thread.name if ended.thread else "?",
            exc_info=(ended.exc_type, ended.exc_value, ended.exc_traceback),
        )
