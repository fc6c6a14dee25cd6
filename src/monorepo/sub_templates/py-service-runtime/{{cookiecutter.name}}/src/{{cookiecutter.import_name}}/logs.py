"""Logs as one JSON object per line on stdout, for programs to read."""

import json
import logging
import logging.config
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType

# What every record has; all else came in with `extra=` and is logged under its own name.
# uvicorn repeats its messages in colour.
_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "color_message"}


class JsonFormatter(logging.Formatter):
    """Format a record as one line: time, level, logger, message, extras, and the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a value that JSON doesn't know is logged as its `str`."""
        fields = {key: value for key, value in vars(record).items() if key not in _STANDARD}
        fields |= {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            fields["stack"] = self.formatStack(record.stack_info)
        return json.dumps(fields, default=str)


def configure_logging(level: str) -> None:
    """Log everything from `level` up as JSON, uvicorn's start, error and access logs included.

    An unhandled exception, in any thread, is logged as well. Call it once, where a
    program starts: it replaces the handlers that are there.
    """
    through_root = {"handlers": [], "propagate": True, "level": "NOTSET"}
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": JsonFormatter}},
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
                "uvicorn.access": through_root,
            },
            "root": {"handlers": ["stdout"], "level": level},
        }
    )
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
