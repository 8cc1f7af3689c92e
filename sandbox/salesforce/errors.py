"""How this org says no, in the vendor's shapes: lists from the API, objects from the token endpoint.

Status and codes follow "Status Codes and Error Responses" in the REST API Developer Guide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class ApiError(Exception):
    """An API call is refused: the body is a list with one error."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        fields: Sequence[str] | None = None,
        *,
        has_body: bool = True,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields
        self._has_body = has_body

    def body(self) -> list[dict[str, Any]] | None:
        """Return the list that Salesforce answers; None where it is silent."""
        if not self._has_body:
            return None
        error: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            error["fields"] = list(self.fields)
        return [error]

    def result(self) -> dict[str, Any]:
        """Return the error as one item of a save result (collections, single-record writes)."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields or ())}


class OAuthError(Exception):
    """A token request is refused: the body is an object."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.status = status
        self.error = error
        self.description = description

    def body(self) -> dict[str, Any]:
        """Return the object that the token endpoint answers."""
        return {"error": self.error, "error_description": self.description}


def not_imitated(what: str) -> ApiError:
    """Return the refusal of something real that this stand-in doesn't play: 501, never a plausible lie."""
    return ApiError(501, "NOT_IMITATED", f"The stand-in does not imitate {what}.")


def not_found(message: str = "The requested resource does not exist") -> ApiError:
    """Return the 404 of REST and Bulk 2.0."""
    return ApiError(404, "NOT_FOUND", message)


def malformed_query(message: str) -> ApiError:
    """Return the refusal of SOQL that cannot be understood."""
    return ApiError(400, "MALFORMED_QUERY", message)


def bad_request(code: str, message: str) -> ApiError:
    """Return a 400."""
    return ApiError(400, code, message)
