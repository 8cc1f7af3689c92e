"""How the respond.io API answers: its error body and its messages (respond.io Developer API, "Errors")."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

QUEUED_MESSAGE = (
    "Your request cannot be processed at the moment as it is currently in queue. "
    "Please try again in a few minutes."
)


class ApiError(Exception):
    """An answer other than 200: ``{"code": status, "message": message}``."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def invalid(message: str = "Validation error.") -> ApiError:
    """Return the 400 of a request that the API does not take."""
    return ApiError(400, message)


def not_found(status: int = 404) -> ApiError:
    """Return the answer for a contact that is not there: 404, on some calls 400 (a switch)."""
    return ApiError(status, "Contact not found")


def queued() -> ApiError:
    """Return the 449 of a contact that is still being processed after its creation."""
    return ApiError(449, QUEUED_MESSAGE)


def error_response(error: ApiError, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return ``error`` in the vendor's shape."""
    return JSONResponse({"code": error.status, "message": error.message}, error.status, headers=headers)


async def json_body(request: Request) -> Any:
    """Return the parsed body. Raises ApiError 400 where it is not JSON."""
    try:
        return await request.json()
    except ValueError as exc:
        raise invalid() from exc


async def json_object(request: Request) -> dict[str, Any]:
    """Return the parsed body. Raises ApiError 400 where it is not a JSON object."""
    body = await json_body(request)
    if not isinstance(body, dict):
        raise invalid()
    return body
