"""The Salesforce stand-in as an ASGI application: finding the handler, log-in, quota, headers, compression."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import anyio.to_thread
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from sandbox import control as around
from sandbox import faults, journal
from sandbox.salesforce import (  # noqa: F401 - importing a module puts its routes into the table
    bulk_ingest,
    bulk_query,
    classic,
    composite,
    describe,
    errors,
    exchange,
    ingest,
    jobs,
    oauth,
    queries,
    rows,
    service,
    sessions,
    steering,
    writing,
)  # fmt: skip
from sandbox.salesforce.errors import ApiError, OAuthError
from sandbox.salesforce.exchange import Answer, Call, FileSlice, Handler
from sandbox.salesforce.org import Org
from sandbox.salesforce.store import Store
from sandbox.salesforce.streaming import SlicedFile

_DATA = re.compile(r"/services/data/v(\d+)\.(\d)(/.*)?")
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
_LONGEST = 16_384
_WORTH_COMPRESSING = 1024


def create_app(store: Store, *, consumer_key: str, consumer_secret: str) -> FastAPI:
    """Return the application of one org; its ``state.org`` is what the handlers see."""
    org = Org(store, consumer_key, consumer_secret)
    effects = steering.effects(org)
    script, log = faults.FaultScript(effects=tuple(effects)), journal.Journal()
    org.bulk = jobs.Worker(org, {"query": bulk_query.render, "ingest": ingest.run})
    org.bulk.resume()

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await anyio.to_thread.run_sync(org.close)

    app = FastAPI(
        title="Salesforce stand-in", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan
    )
    app.state.org, app.state.journal, app.state.faults = org, log, script
    app.router.routes.extend(around.routes(script, log))
    app.add_api_route("/{path:path}", answer, methods=_METHODS)
    # the last one added is the outermost: journal around faults around us
    app.add_middleware(around.FaultMiddleware, script=script, effects=effects)
    app.add_middleware(around.JournalMiddleware, log=log)
    return app


async def answer(request: Request) -> Response:
    """Answer any request: in a thread of the org's, since the store blocks."""
    org: Org = request.app.state.org
    body = await request.body()
    changed: list[str] = []
    loop = asyncio.get_running_loop()
    response = await loop.run_in_executor(org.pool, _respond, org, request, body, changed)
    journal.mark_changed(request.scope, *changed)
    return response


def _respond(org: Org, request: Request, body: bytes, changed: list[str]) -> Response:
    return _response(org, request, _answered(org, request, body, changed))


def _answered(org: Org, request: Request, body: bytes, changed: list[str]) -> Answer:
    try:
        _check_length(request)
        writing.commit_due(org)
        return _dispatched(org, request, _unpacked(request, body), changed)
    except ApiError as exc:
        return Answer(exc.status, exc.body())
    except OAuthError as exc:
        return Answer(exc.status, exc.body())


def _dispatched(org: Org, request: Request, body: bytes, changed: list[str]) -> Answer:
    path = request.url.path
    call = Call(
        org=org,
        method=request.method,
        path=path,
        params=dict(request.query_params),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        base_url=str(request.base_url).rstrip("/"),
        user_id=org.store.admin_user_id,
        changed=changed,
    )
    if path.startswith("/_sandbox"):
        return _served(exchange.control, call, path, request)
    versioned = _DATA.fullmatch(path)
    if versioned is None:
        return _served(exchange.site, call, path, request)
    _check_version(int(versioned[1]))
    user_id = sessions.user_of(org, call.headers.get("authorization"))
    if not org.switch("api_enabled"):
        raise ApiError(403, "API_DISABLED_FOR_ORG", "API is not enabled for this Organization or Partner")
    org.count_call()
    call = replace(call, version=f"{versioned[1]}.{versioned[2]}", user_id=user_id)
    return _served(exchange.api, call, versioned[3] or "/", request, prefix="/services/data/v{version}")


def _served(router: exchange.Router, call: Call, path: str, request: Request, prefix: str = "") -> Answer:
    found = router.find(call.method, path)
    if found is None:
        raise errors.not_imitated(f"{call.method} {call.path}")
    route, arguments = found
    journal.name_route(request.scope, prefix + route.template)
    return _called(route.handler, replace(call, arguments=arguments))


def _called(handler: Handler, call: Call) -> Answer:
    try:
        return handler(call)
    except (KeyError, TypeError, AttributeError) as exc:
        # a body of the wrong shape; our own mistakes look the same, so the message says what was missed
        raise errors.bad_request("JSON_PARSER_ERROR", f"The request is not understood: {exc!r}") from exc


def _check_length(request: Request) -> None:
    """Refuse what the edge refuses: 16,384 bytes of URI (414), or of URI and headers together (431)."""
    uri = len(request.scope.get("raw_path") or b"") + len(request.scope.get("query_string") or b"")
    if uri > _LONGEST:
        raise ApiError(414, "URI_TOO_LONG", "The URI is too long")
    if uri + sum(len(name) + len(value) for name, value in request.scope["headers"]) > _LONGEST:
        raise ApiError(431, "REQUEST_HEADER_FIELDS_TOO_LARGE", "URI and headers are too long")


def _check_version(number: int) -> None:
    if 20 < number < service.OLDEST:
        raise ApiError(410, "UNSUPPORTED_API_VERSION", f"API version {number}.0 is retired")
    if not service.OLDEST <= number <= service.NEWEST:
        raise errors.not_found()


def _unpacked(request: Request, body: bytes) -> bytes:
    if request.headers.get("content-encoding") != "gzip":
        return body
    try:
        return gzip.decompress(body)
    except (OSError, EOFError) as exc:
        raise errors.bad_request("INVALID_CONTENT", "the body is not gzip") from exc


def _response(org: Org, request: Request, found: Answer) -> Response:
    headers = dict(found.headers)
    info = org.limit_info()
    if info and request.url.path.startswith("/services/data/v"):
        headers["Sforce-Limit-Info"] = info
    if "state" not in request.scope:
        # called in process: there is no HTTP server in front that would add it
        headers["Date"] = formatdate(org.store.clock(), usegmt=True)
    if isinstance(found.body, FileSlice):
        # bulk results are compressed for exactly this, and for nothing that only mentions it
        is_packed = request.headers.get("accept-encoding") == "gzip"
        return SlicedFile(found.body, found.status, headers, is_packed=is_packed)
    content, kind = _encoded(found.body)
    if content or found.status == 200:
        headers.setdefault("content-type", kind)
    if len(content) > _WORTH_COMPRESSING and "gzip" in request.headers.get("accept-encoding", ""):
        content = gzip.compress(content, compresslevel=1)
        headers["content-encoding"] = "gzip"
    return Response(content, found.status, headers)


def _encoded(body: Any) -> tuple[bytes, str]:
    if body is None:
        return b"", "application/json;charset=UTF-8"
    if isinstance(body, bytes):
        return body, "text/plain"
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass"), "application/json;charset=UTF-8"
