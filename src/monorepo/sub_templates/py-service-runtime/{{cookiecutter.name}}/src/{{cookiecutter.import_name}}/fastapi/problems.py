"""Errors in one shape: problem details, RFC 9457, and nothing about what only a team should see."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ..context import request as current

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
# RFC 9110, which Python follows from 3.13 on.
_TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}
_SCHEMA = {
    "title": "Problem",
    "description": "Problem details (RFC 9457)",
    "type": "object",
    "required": ["type", "title", "status", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["in", "pointer", "detail"],
                "properties": {
                    "in": {"enum": ["body", "query", "path", "header", "cookie"]},
                    "pointer": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}


def answer(
    status: int,
    detail: str = "",
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, object] | None = None,
) -> JSONResponse:
    """Return the answer to a request that has failed.

    Args:
        status: Its code.
        detail: What is wrong with the request; left out from 500 on.
        headers: More headers.
        members: More members of the problem (RFC 9457, 3.2); left out from 500 on.
    """
    phrase = HTTPStatus(status).phrase if status in {*HTTPStatus} else "Error"
    title = _TITLES.get(status, phrase)
    content: dict[str, object] = {"type": "about:blank", "title": title, "status": status}
    if detail and detail != title and status < 500:
        content["detail"] = detail
    if context := current.get():
        content["request_id"] = context.request_id
    more = members if members and status < 500 else {}
    return JSONResponse({**more, **content}, status, headers, MEDIA_TYPE)


def handle(app: FastAPI) -> None:
    """Have an application answer so to whatever goes wrong."""
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _failed)


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code in (204, 304):
        return Response(status_code=error.status_code, headers=error.headers)
    if error.status_code >= 500:
        logger.error("request failed", exc_info=error)
    detail: object = error.detail
    members = {} if isinstance(detail, str) or detail is None else detail
    return answer(
        error.status_code,
        detail if isinstance(detail, str) else "",
        error.headers,
        members if isinstance(members, dict) else {"errors": members},
    )


async def _failed(_request: Request, _error: Exception) -> Response:
    # The server logs the exception.
    return answer(500)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        return answer(400, "The body is not valid JSON.")
    if any(one["loc"][0] == "body" for one in found) and not _is_readable(request):
        return answer(415, "The body has to be application/json.")
    errors = [
        {"in": one["loc"][0], "pointer": _pointer(one["loc"][1:]), "detail": one["msg"]}
        for one in found
    ]
    return answer(422, members={"errors": errors})


def _is_readable(request: Request) -> bool:
    """Tell whether the body, if there is one, has a type that a route can read."""
    headers = request.headers
    if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
        return True
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    forms = ("application/x-www-form-urlencoded", "multipart/form-data")
    return kind == "application/json" or kind.endswith("+json") or kind in forms


def _pointer(place: Sequence[object]) -> str:
    """Return a JSON pointer in the form of a fragment (RFC 6901, 6)."""
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in place)
    return "#" + "".join(f"/{quote(part, safe='~')}" for part in parts)


def document(schema: dict[str, Any]) -> None:
    """Put problems in place of FastAPI's own errors, in an OpenAPI document."""
    schemas = schema.get("components", {}).get("schemas", {})
    if schemas.pop("HTTPValidationError", None) is None:
        return
    schemas.pop("ValidationError", None)
    schemas["Problem"] = _SCHEMA
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in schema["paths"].values():
        for operation in operations.values():
            if "HTTPValidationError" in str(operation.get("responses", {}).get("422")):
                operation["responses"]["422"]["content"] = content
