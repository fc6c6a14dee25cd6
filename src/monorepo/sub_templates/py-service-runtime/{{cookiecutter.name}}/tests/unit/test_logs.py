import json
import logging
import sys

import pytest

from {{ cookiecutter.import_name }} import JsonFormatter, context


def record(**fields: object) -> logging.LogRecord:
    return logging.makeLogRecord({"msg": "oh", "levelno": logging.INFO, **fields})


def line(logged: logging.LogRecord) -> str:
    text = JsonFormatter("shop", "1.0").format(logged)
    assert text.splitlines() == [text]
    return text


def test_a_record_is_one_line_with_its_extras() -> None:
    extra = {"order": {7}, "service": "other"}
    logged = logging.getLogger("shop").makeRecord(
        "shop", logging.INFO, "f.py", 1, "sold %d\n%s", (3, "\u2028"), None, extra=extra
    )

    fields = json.loads(line(logged))
    assert fields.pop("time").endswith("Z")
    assert fields == {
        "level": "INFO",
        "message": "sold 3\n\u2028",
        "service": "shop",
        "version": "1.0",
        "logger": "shop",
        "order": "{7}",
    }


def test_in_a_request_it_has_the_request() -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    token = context.request.set(None)
    context.enter("", f"00-{trace}-b7ad6b7169203331-01", "")
    try:
        fields = json.loads(line(record()))
    finally:
        context.request.reset(token)

    assert (fields["request_id"], fields["trace_id"]) == (trace, trace)


@pytest.mark.parametrize(
    ("number", "level"), [(5, "DEBUG"), (25, "INFO"), (30, "WARNING"), (99, "CRITICAL")]
)
def test_a_level_has_one_of_five_names(number: int, level: str) -> None:
    logged = record(levelno=number, levelname="own")

    assert json.loads(line(logged))["level"] == level


@pytest.mark.parametrize("value", [float("nan"), {(1, 2): 3}])
def test_what_json_has_not_is_logged_as_text(value: object) -> None:
    logged = record(odd=value)

    assert json.loads(line(logged))["odd"] == str(value)


def test_an_exception_keeps_its_traceback() -> None:
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        logged = record(exc_info=sys.exc_info())

    assert "RuntimeError: broken" in json.loads(line(logged))["exception"]


def test_the_stack_is_kept_when_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("shop").error("where", stack_info=True)

    assert "test_logs.py" in json.loads(line(caplog.records[0]))["stack"]
