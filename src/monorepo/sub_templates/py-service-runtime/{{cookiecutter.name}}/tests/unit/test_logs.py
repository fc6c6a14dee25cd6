import json
import logging
import sys

import pytest

from {{ cookiecutter.import_name }} import JsonFormatter


def line(record: logging.LogRecord) -> str:
    text = JsonFormatter().format(record)
    assert text.splitlines() == [text]
    return text


def test_a_record_is_one_line_with_its_extras() -> None:
    record = logging.getLogger("shop").makeRecord(
        "shop", logging.INFO, "f.py", 1, "sold %d\n%s", (3, "\u2028"), None, extra={"order": {7}}
    )

    fields = json.loads(line(record))
    assert fields.pop("time").endswith("+00:00")
    assert fields == {
        "level": "INFO",
        "logger": "shop",
        "message": "sold 3\n\u2028",
        "order": "{7}",
    }


def test_an_exception_keeps_its_traceback() -> None:
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        record = logging.makeLogRecord({"msg": "oh", "exc_info": sys.exc_info()})

    assert "RuntimeError: broken" in json.loads(line(record))["exception"]


def test_the_stack_is_kept_when_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("shop").error("where", stack_info=True)

    assert "test_logs.py" in json.loads(line(caplog.records[0]))["stack"]
