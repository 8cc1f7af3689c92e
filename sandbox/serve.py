"""Both stand-ins in one process: two ports on loopback, a loop and a thread each, until SIGTERM or SIGINT."""

from __future__ import annotations

import signal
import socket
import ssl
import threading
from asyncio import Transport
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from types import FrameType

import trustme
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox import control, places, truth
from sandbox.respond import app as respond_app
from sandbox.respond.store import Store as RespondStore
from sandbox.salesforce import app as salesforce_app
from sandbox.salesforce.store import Store as SalesforceStore

HOST = "127.0.0.1"

#: Names on the HTTPS certificate: real clients insist on Salesforce's own.
CERTIFICATE_NAMES = (HOST, "localhost", "*.salesforce.com", "*.my.salesforce.com", "*.respond.io")


class PortError(places.SandboxError):
    """A port that cannot be had; the message names the option that changes it."""


class CuttableProtocol(H11Protocol):
    """HTTP that shows its transport to the application, so that a fault can cut the connection."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Keep the transport within reach of every request of this connection."""
        super().connection_made(transport)
        app: ASGIApp = self.app

        async def within_reach(scope: Scope, receive: Receive, send: Send) -> None:
            scope[control.TRANSPORT] = transport
            await app(scope, receive, send)

        self.app = within_reach


@dataclass(frozen=True, slots=True)
class Listener:
    """One stand-in and the socket it answers on."""

    name: str
    app: ASGIApp
    socket: socket.socket

    @property
    def port(self) -> int:
        """The port, also where the system chose it."""
        return int(self.socket.getsockname()[1])


def bind(port: int, option: str) -> socket.socket:
    """Return a listening loopback socket; 0 lets the system choose. Raises PortError naming ``option``."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((HOST, port))
        # from here on a client waits for its answer instead of being refused
        bound.listen(128)
    except OSError as exc:
        bound.close()
        raise PortError(f"port {port} cannot be used ({exc.strerror}); choose another with {option}") from exc
    return bound


def serve(
    place: places.Places,
    *,
    salesforce_port: int,
    respond_port: int,
    is_https: bool,
    say: Callable[[str], None],
) -> int:
    """Serve both stand-ins of ``place`` until a signal; return the exit code.

    Raises PortError and places.InUseError before anything is served.
    """
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(bind(salesforce_port, "--salesforce-port")),
            stack.enter_context(bind(respond_port, "--respond-port")),
        ]
        stack.enter_context(place.claimed())
        salesforce = stack.enter_context(closing(SalesforceStore(place.salesforce)))
        respond = stack.enter_context(closing(RespondStore(place.respond)))
        secrets = places.ensure_credentials(
            place, org_id=salesforce.org_id, integration_user_id=salesforce.integration_user_id
        )
        keys = {name: secrets[name] for name in ("consumer_key", "consumer_secret")}
        org = salesforce_app.create_app(salesforce, **keys)
        workspace = respond_app.create_app(respond, token=secrets["respond_token"])
        listeners = (
            Listener("Salesforce", truth.told(org, place.truth), sockets[0]),
            Listener("respond.io", truth.told(workspace, place.truth), sockets[1]),
        )
        return _run(listeners, _certificate(place) if is_https else None, say)


def _run(listeners: tuple[Listener, ...], tls: ssl.SSLContext | None, say: Callable[[str], None]) -> int:
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    servers = [_server(listener.app, tls) for listener in listeners]
    threads = []
    for listener, server in zip(listeners, servers, strict=True):
        threads.append(
            threading.Thread(target=_serve_one, args=(server, listener, stopping), name=listener.name)
        )
        threads[-1].start()
        say(f"{listener.name}: http{'s' if tls else ''}://{HOST}:{listener.port}")
    stopping.wait()
    for server in servers:
        server.should_exit = True
    for thread in threads:
        thread.join()
    return 0 if all(server.started for server in servers) else 1


def _serve_one(server: uvicorn.Server, listener: Listener, stopping: threading.Event) -> None:
    try:
        server.run(sockets=[listener.socket])
    finally:
        stopping.set()


def _server(app: ASGIApp, tls: ssl.SSLContext | None) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        http=CuttableProtocol,
        log_level="warning",
        access_log=False,
        lifespan="on",
        # longer than clients keep idle connections, so that none is closed under a request
        timeout_keep_alive=120,
        timeout_graceful_shutdown=3,
        h11_max_incomplete_event_size=256 * 1024,
    )
    config.load()
    config.ssl = tls
    return uvicorn.Server(config)


def _certificate(place: places.Places) -> ssl.SSLContext:
    """Make a certificate and leave its authority in the sandbox's directory, for clients to trust."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(place.authority))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*CERTIFICATE_NAMES).configure_cert(context)
    return context
