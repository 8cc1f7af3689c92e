"""Every error as a problem document (RFC 9457, ``application/problem+json``): a code, a sentence, the field concerned.

Nothing of the request is repeated in it but the name of the field.
"""

from __future__ import annotations

import http
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from contact_sync import errors
from contact_sync.sidebar import models

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

#: Refusals of the edit door that concern how things stand, not what was sent.
_STATUS = {
    # an edit of another workspace and one that does not exist get the same answer
    "unknown_edit": 403,
    "unknown_workspace": 403,
    "not_connected": 409,
    "editing_off": 409,
    "not_matched": 409,
}
_SQLSTATE = re.compile(r"^[0-9A-Z]{5}$")


def answer(
    status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> JSONResponse:
    """Return a problem document; what is None in ``more`` (``field``, ``errors``) is left out."""
    problem = {
        "type": "about:blank",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        **{name: value for name, value in more.items() if value is not None},
    }
    always = {"Cache-Control": "no-store"}
    return JSONResponse(problem, status, headers={**always, **(headers or {})}, media_type=MEDIA_TYPE)


def refusal(
    status: int, code: str, detail: str, *, field: str | None = None, **headers: str
) -> HTTPException:
    """Return what a route raises to answer a problem."""
    said = {"code": code, "detail": detail, "field": field}
    return HTTPException(status, said, headers=headers)  # type: ignore[arg-type]


def install(app: FastAPI) -> None:
    """Answer every error of ``app`` with a problem."""
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(errors.RejectError, _of_reject)
    app.add_exception_handler(errors.RetryError, _of_retry)
    app.add_exception_handler(Exception, _of_anything)


async def _of_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    said: Any = error.detail
    if not isinstance(said, dict):
        phrase = http.HTTPStatus(error.status_code).phrase
        code = "malformed_json" if error.status_code == 400 else phrase.lower().replace(" ", "_")
        said = {"code": code, "detail": f"{phrase}."}
        if code == "malformed_json":
            said["field"] = "body"
    return answer(error.status_code, headers=error.headers, **said)


async def _of_validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(fault["type"] == "json_invalid" for fault in found):
        return answer(400, "malformed_json", "The body is no JSON.", field="body")
    faults: dict[str, Mapping[str, Any]] = {}
    for fault in found:
        field = _field(fault, error.body)
        # of the reasons of all types a value may have, our own is the one that fits
        if field not in faults or fault["type"] == "value_error":
            faults[field] = fault
    listed = [{"field": field, **_told(field, fault)} for field, fault in faults.items()]
    first = listed[0]
    return answer(422, first["code"], first["detail"], field=first["field"], errors=listed)


def _field(fault: Mapping[str, Any], body: Any) -> str:
    """The name of what is wrong: the Salesforce field where one of its values is, else the request's own."""
    place: Sequence[Any] = fault["loc"]
    name = str(place[1]) if len(place) > 1 else "body"
    if fault["type"] == "extra_forbidden":
        return "body"
    edited = body.get("field_name") if isinstance(body, dict) else None
    is_named = isinstance(edited, str) and re.fullmatch(models.FIELD_PATTERN, edited)
    return str(edited) if name in ("base_value", "new_value") and is_named else name


def _told(field: str, fault: Mapping[str, Any]) -> dict[str, str]:
    if fault["type"] == "missing":
        return {"code": "missing", "detail": f"{field}: say what it is."}
    if fault["type"] == "value_error":
        return {"code": "not_storable", "detail": f"{field}: {fault['ctx']['error']}."}
    if fault["loc"][1:2] in (("base_value",), ("new_value",)):
        return {
            "code": "wrong_type",
            "detail": f"{field}: a text, a number, a boolean, a list of texts or null.",
        }
    return {"code": str(fault["type"]), "detail": f"{field}: {fault['msg']}."}


async def _of_reject(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.RejectError)
    field = getattr(request.state, "field_name", None)
    if _SQLSTATE.match(error.code) and error.code[:2] in ("22", "23", "P0"):
        if error.code.startswith("22"):
            return answer(422, "not_storable", "A value cannot be stored as it is.", field=field)
        return answer(409, "changed_meanwhile", "Somebody was faster: read again and retry.", field=field)
    status = _STATUS.get(error.code) or error.status or 422
    return answer(status, error.code, error.detail, field=field)


async def _of_retry(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.RetryError)
    log.warning("%s", error)
    seconds = str(int(error.retry_after_seconds or 1))
    return answer(
        503, "try_again", "The service cannot answer now: try again.", headers={"Retry-After": seconds}
    )


async def _of_anything(request: Request, error: Exception) -> JSONResponse:
    return answer(500, "internal_error", "Something failed here; it was written to the service's log.")
