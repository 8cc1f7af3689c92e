"""What both stand-ins put around their routes: journal, faults, and the routes that steer them.

Use::

    script = faults.FaultScript(effects=("expire_token",))
    log = journal.Journal()
    app = control.surround(routes, script=script, log=log, effects={"expire_token": store.expire_tokens})
    app.router.routes.extend(control.routes(script, log))      # before surrounding it
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox import faults, journal

CONTROL_PREFIX = "/_sandbox"
#: Where the server puts the connection's transport, so that a fault can cut it (sandbox.serve).
TRANSPORT = "sandbox.transport"

Effects = Mapping[str, Callable[[Any], None]]


class ConnectionCutError(ConnectionResetError):
    """A fault cut the connection and there is no transport to close: in-process tests see this instead."""


def surround(
    app: ASGIApp, *, script: faults.FaultScript, log: journal.Journal, effects: Effects | None = None
) -> ASGIApp:
    """Return ``app`` behind its faults, behind its journal. Control routes pass through both untouched."""
    return JournalMiddleware(FaultMiddleware(app, script, effects or {}), log)


@dataclass(frozen=True, slots=True)
class JournalMiddleware:
    """Writes every request but the control routes' into the journal."""

    app: ASGIApp
    log: journal.Journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _is_ours(scope):
            await self.app(scope, receive, send)
            return
        at, started, status, bytes_out = journal.now_text(), time.perf_counter(), 0, 0

        async def counted(message: Message) -> None:
            nonlocal status, bytes_out
            if message["type"] == "http.response.start":
                status = message["status"]
            bytes_out += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, counted)
        finally:
            self.log.append(
                at=at,
                method=scope["method"],
                route=journal.route_of(scope),
                path=scope["path"],
                query=scope.get("query_string", b"").decode("latin-1"),
                lane=journal.lane_of(scope["headers"]),
                status=0 if scope.get("sandbox.is_cut") else status,
                latency_ms=round((time.perf_counter() - started) * 1000, 3),
                bytes_out=bytes_out,
                changed=journal.changed_in(scope),
                is_faulted=bool(scope.get("sandbox.is_faulted")),
            )


@dataclass(frozen=True, slots=True)
class FaultMiddleware:
    """Lets the script's faults happen to requests."""

    app: ASGIApp
    script: faults.FaultScript
    effects: Effects

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _is_ours(scope):
            await self.app(scope, receive, send)
            return
        body = b""
        if self.script.reads_bodies:
            body = await _read(receive)
            receive = _replayed(body, receive)
        fault = self.script.take(
            faults.RequestSeen(
                method=scope["method"],
                path=scope["path"],
                lane=journal.lane_of(scope["headers"]),
                body=body,
            )
        )
        if fault is None:
            await self.app(scope, receive, send)
            return
        scope["sandbox.is_faulted"] = True
        try:
            await self._play(fault, scope, receive, send)
        except _CutError:
            await _cut(scope)

    async def _play(self, fault: faults.Fault, scope: Scope, receive: Receive, send: Send) -> None:
        for name, value in fault.effects.items():
            self.effects[name](value)
        await asyncio.sleep(fault.delay_before_seconds)
        answer = await self._applied(fault, scope, receive, send)
        if answer is None:
            return
        await asyncio.sleep(fault.delay_after_seconds)
        outgoing = _limited(send, fault.cut_after_bytes)
        for message in answer:
            await outgoing(message)

    async def _applied(
        self, fault: faults.Fault, scope: Scope, receive: Receive, send: Send
    ) -> list[Message] | None:
        """Let the request happen as far as the fault allows; None if the answer has gone out already."""
        answer: list[Message] = []

        async def kept(message: Message) -> None:
            answer.append(message)

        if fault.status is None and not fault.delay_after_seconds:
            await self.app(scope, receive, _limited(send, fault.cut_after_bytes))
            return None
        if fault.status is None or fault.apply:
            await self.app(scope, receive, kept)
        return answer if fault.status is None else _canned(fault)


def routes(script: faults.FaultScript, log: journal.Journal) -> list[Route]:
    """Return the control routes of faults and journal, the same for both stand-ins."""
    return [
        Route("/_sandbox/faults", _FaultRoutes(script).collection, methods=["GET", "POST", "DELETE"]),
        Route("/_sandbox/faults/{fault_id:int}", _FaultRoutes(script).one, methods=["GET", "DELETE"]),
        Route("/_sandbox/journal", _JournalRoutes(log).collection, methods=["GET", "DELETE"]),
        Route("/_sandbox/journal/counts", _JournalRoutes(log).counts, methods=["GET"]),
    ]


@dataclass(frozen=True, slots=True)
class _FaultRoutes:
    script: faults.FaultScript

    async def collection(self, request: Request) -> Response:
        if request.method == "POST":
            posted = await request.json()
            if not isinstance(posted, dict):
                return _problem("a fault is one JSON object")
            try:
                return JSONResponse(self.script.add(posted).as_json(), 201)
            except (faults.FaultError, TypeError) as exc:
                return _problem(str(exc))
        if request.method == "DELETE":
            self.script.clear()
        return JSONResponse({"faults": [entry.as_json() for entry in self.script]})

    async def one(self, request: Request) -> Response:
        entry = self.script.get(request.path_params["fault_id"])
        if entry is None:
            return _problem("there is no fault of that number", 404)
        if request.method == "DELETE":
            self.script.remove(entry.fault_id)
        return JSONResponse(entry.as_json())


@dataclass(frozen=True, slots=True)
class _JournalRoutes:
    log: journal.Journal

    async def collection(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.log.clear()
        wanted = dict(request.query_params)
        limit = int(wanted.pop("limit", "1000"))
        try:
            return JSONResponse({"requests": self.log.select(wanted, limit=limit)})
        except KeyError as exc:
            return _problem(f"the journal cannot be filtered by {exc.args[0]}")

    async def counts(self, request: Request) -> Response:
        return JSONResponse({"counts": self.log.counts()})


class _CutError(Exception):
    """The answer has reached the byte at which the connection is to be cut."""


def _is_ours(scope: Scope) -> bool:
    return scope["type"] != "http" or str(scope["path"]).startswith(CONTROL_PREFIX)


def _problem(message: str, status: int = 400) -> Response:
    return JSONResponse({"error": message}, status)


def _canned(fault: faults.Fault) -> list[Message]:
    body, content_type = fault.answer()
    headers = {"content-type": content_type, "content-length": str(len(body))}
    headers |= {name.lower(): value for name, value in fault.headers.items()}
    encoded = [(name.encode("latin-1"), str(value).encode("latin-1")) for name, value in headers.items()]
    return [
        {"type": "http.response.start", "status": fault.status, "headers": encoded},
        {"type": "http.response.body", "body": body},
    ]


def _limited(send: Send, cut_after_bytes: int | None) -> Send:
    if cut_after_bytes is None:
        return send
    left = cut_after_bytes

    async def limited(message: Message) -> None:
        nonlocal left
        if left < 0:
            raise _CutError
        if message["type"] != "http.response.body":
            await send(message)
            return
        body = message.get("body", b"")
        if len(body) < left:
            left -= len(body)
            await send(message)
            return
        await send({"type": "http.response.body", "body": body[:left], "more_body": True})
        raise _CutError

    return limited


async def _cut(scope: Scope) -> None:
    scope["sandbox.is_cut"] = True
    transport = scope.get(TRANSPORT)
    if transport is None:
        raise ConnectionCutError("a fault cut the connection")
    # close() would flush first and then say a polite goodbye; a cut line says nothing after the last byte
    await asyncio.sleep(0.01)
    transport.abort()
    await asyncio.sleep(0.01)


async def _read(receive: Receive) -> bytes:
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return b"".join(chunks)


def _replayed(body: bytes, receive: Receive) -> Receive:
    is_sent = False

    async def replayed() -> Message:
        nonlocal is_sent
        if is_sent:
            return await receive()
        is_sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
