"""One request and its answer, as the stand-in's handlers see them, and the table that leads from one to the other.

Handlers are plain functions ``Call -> Answer``: a sub-request of ``/composite`` takes the same way as a request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.salesforce import errors

if TYPE_CHECKING:
    from sandbox.salesforce.org import Org


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request; header names are lower-case, ``arguments`` are the route's own placeholders."""

    org: Org
    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    base_url: str = ""
    version: str = "66.0"
    user_id: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)

    def json(self) -> Any:
        """Return the body as JSON. Raises JSON_PARSER_ERROR, or 415 for another content type."""
        content_type = self.headers.get("content-type", "application/json")
        if "json" not in content_type:
            message = f"Content type '{content_type}' is not supported"
            raise errors.ApiError(415, "UNSUPPORTED_MEDIA_TYPE", message)
        try:
            return json.loads(self.body)
        except ValueError as exc:
            message = (
                "Unexpected character in the request body"
                if self.body
                else "The HTTP entity body is required"
            )
            raise errors.bad_request("JSON_PARSER_ERROR", message) from exc

    def json_object(self) -> dict[str, Any]:
        """Return the body as one JSON object."""
        found = self.json()
        if not isinstance(found, dict):
            raise errors.bad_request(
                "JSON_PARSER_ERROR", "Cannot deserialize the body: an object is expected"
            )
        return found

    def data_url(self, rest: str) -> str:
        """Return a path of this call's API version."""
        return f"/services/data/v{self.version}{rest}"


@dataclass(frozen=True, slots=True)
class FileSlice:
    """A part of a file to be streamed after ``head``: from ``start`` up to ``end`` (bytes)."""

    path: Path
    start: int
    end: int
    head: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler gives back; ``body`` is JSON-able, bytes, a FileSlice or None for no body."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path template, such as ``/sobjects/{object}/{id}``; ``{rest*}`` takes slashes too."""

    method: str
    template: str
    handler: Handler
    pattern: re.Pattern[str]


class Router:
    """Routes, those with the fewest placeholders first; the first that fits serves."""

    def __init__(self) -> None:
        self._routes: list[Route] = []

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)

    def add(self, method: str, template: str) -> Callable[[Handler], Handler]:
        """Return a decorator that puts a handler into the table."""

        def added(handler: Handler) -> Handler:
            text = re.sub(r"\{(\w+)\*\}", r"(?P<\1>.+)", template)
            text = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", text)
            self._routes.append(Route(method, template, handler, re.compile(text + "/?")))
            # the more literal a template, the earlier it is asked
            self._routes.sort(key=lambda route: route.template.count("{"))
            return handler

        return added

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """Return the route of a path and its placeholders' values, or None if no path fits.

        Raises METHOD_NOT_ALLOWED if the path is served by other methods only.
        """
        allowed = []
        for route in self._routes:
            hit = route.pattern.fullmatch(path)
            if hit is None:
                continue
            if route.method == method or (method == "HEAD" and route.method == "GET"):
                return route, hit.groupdict()
            allowed.append(route.method)
        if allowed:
            raise errors.ApiError(
                405, "METHOD_NOT_ALLOWED",
                f"HTTP Method '{method}' not allowed. Allowed are {','.join(sorted(set(allowed)))}",
            )  # fmt: skip
        return None


#: Everything under /services/data/vXX.X, by templates without that prefix.
api = Router()
#: Everything else of the vendor's: log-in, versions, Apex REST, Bulk 1.0; whole paths.
site = Router()
#: The stand-in's own /_sandbox routes; whole paths.
control = Router()
