"""The respond.io stand-in as an ASGI application: authentication, routes, rate limit, faults, journal."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox import control, faults, journal
from sandbox.respond import answers, contacts, conversation, limits, space, steering, workspace
from sandbox.respond.store import Store
from sandbox.respond.webhooks import Sender


def create_app(
    store: Store, *, token: str, sender: Sender | None = None, clock: Callable[[], float] = time.monotonic
) -> ASGIApp:
    """Return the stand-in for one workspace; ``token`` is the only bearer token it takes.

    ``sender`` delivers its webhooks; it is closed with the application. ``clock``
    fills the rate buckets, in seconds.
    """
    space.furnish(store)
    sender = sender or Sender(store)
    script, log = faults.FaultScript(effects=("rotate_token", "settings")), journal.Journal()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        sender.close()

    app = FastAPI(title="respond.io stand-in", openapi_url=None, lifespan=lifespan)
    app.state.store, app.state.sender = store, sender
    app.state.script, app.state.log, app.state.token = script, log, token
    app.router.routes.extend([*steering.ROUTES, *control.routes(script, log)])
    # the longer paths first: {identifier} takes anything without a slash
    app.router.routes.extend([*conversation.ROUTES, *workspace.ROUTES, *contacts.ROUTES])
    app.add_exception_handler(answers.ApiError, _refuse)
    app.add_exception_handler(HTTPException, _not_imitated)

    def rotate(_value: object) -> None:
        app.state.token = secrets.token_urlsafe(24)

    def settle(wanted: Any) -> None:
        store.switch(wanted)

    limited = limits.RateLimit(_Authenticated(app), lambda: store.switches, {}, clock)
    return control.surround(
        limited, script=script, log=log, effects={"rotate_token": rotate, "settings": settle}
    )


class _Authenticated:
    """Refuses calls of ``/v2`` without the workspace's token ("Authentication")."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/v2") and not self._is_known(scope):
            refusal = answers.error_response(answers.ApiError(401, "UN_AUTHORIZED"))
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_known(self, scope: Scope) -> bool:
        given = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        kind, _, token = given.partition(" ")
        return kind.lower() == "bearer" and secrets.compare_digest(token.strip(), self._app.state.token)


async def _refuse(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, answers.ApiError):
        raise error
    return answers.error_response(error)


async def _not_imitated(request: Request, _error: Exception) -> JSONResponse:
    """Name what we do not imitate, rather than lie about it."""
    message = f"The stand-in does not imitate {request.method} {request.url.path}"
    return JSONResponse({"code": 501, "message": message}, 501)
