"""serve: the sidebar service in the foreground. token: a bearer token for one workspace's agent."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import traceback
from types import TracebackType

from contact_sync import database, edges, errors, tenants
from contact_sync.cli import output, words
from contact_sync.sidebar import tokens

#: As many connections as requests are worked on at once.
_CONNECTIONS = 30
_PORT = 8090
_LONGEST_DAYS = 366

ErrorInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def add_commands(commands: words.Commands) -> None:
    serving = words.declare(
        commands,
        "serve",
        serve,
        about="Serve the sidebar's HTTP in the foreground: contacts to read, edits to queue, webhooks to hear.",
        example=f"serve --port {_PORT}",
    )
    serving.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: this machine only)"
    )
    serving.add_argument("--port", type=int, default=_PORT, help=f"default {_PORT}")
    serving.add_argument(
        "--openapi", action="store_true", help="print the OpenAPI document instead of serving"
    )
    minting = words.declare(
        commands,
        "token",
        token,
        about="Print a bearer token of the sidebar service for one workspace and agent.",
        example="token demo --agent ada@example.org --scope edit --hours 12",
    )
    minting.add_argument("workspace_id")
    minting.add_argument("--agent", required=True, metavar="NAME", help="who uses it; kept with every edit")
    minting.add_argument("--scope", choices=("read", "edit"), default="read", help="edit includes read")
    minting.add_argument("--hours", type=float, default=12.0, help="how long it is valid (default 12)")


def token(arguments: argparse.Namespace) -> None:
    """Mint a token for a known workspace."""
    if not 0 < arguments.hours <= _LONGEST_DAYS * 24:
        raise errors.StopError(f"--hours is more than 0 and at most {_LONGEST_DAYS * 24}")
    if not arguments.agent.strip() or not arguments.agent.isprintable():
        raise errors.StopError("--agent is a name: it is kept with every edit")
    key = tokens.signing_key(os.environ.get(edges.SECRET_VARIABLE, ""))
    with words.opened_database() as db:
        tenants.known_workspace(db, arguments.workspace_id)
    seconds = int(arguments.hours * 3600)
    minted = tokens.mint(
        key,
        workspace_id=arguments.workspace_id,
        agent=arguments.agent,
        can_edit=arguments.scope == "edit",
        seconds=seconds,
    )
    document = {
        "token": minted,
        "workspace_id": arguments.workspace_id,
        "agent": arguments.agent,
        "scope": arguments.scope,
        "valid_seconds": seconds,
    }
    output.answer(arguments, document, [minted])


def serve(arguments: argparse.Namespace) -> None:
    """Serve until SIGINT or SIGTERM. StopError if the database's address or the secret is missing."""
    # the other commands start faster without the web framework
    import uvicorn

    from contact_sync.sidebar.app import create_app

    url = os.environ.get(database.URL_VARIABLE)
    if not url:
        raise errors.StopError(f"{database.URL_VARIABLE} is not set: name the database, postgresql://…")
    secret = os.environ.get(edges.SECRET_VARIABLE, "")
    db = database.Database(url, pool_size=_CONNECTIONS, secret=secret)
    try:
        app = create_app(db, secret=secret, lookup=words.lookup)
        if arguments.openapi:
            sys.stdout.write(json.dumps(app.openapi(), indent=2) + "\n")
            return
        _log_without_data()
        uvicorn.run(
            app,
            host=arguments.host,
            port=arguments.port,
            # its access log names addresses, and addresses hold ids
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
    finally:
        db.close()


class _FormatterWithoutData(logging.Formatter):
    """Tells where an exception came from and its type; its text may quote what an agent typed."""

    def formatException(self, ei: ErrorInfo) -> str:
        kind, _, trace = ei
        return "".join(traceback.format_tb(trace)) + (kind.__name__ if kind else "")


def _log_without_data() -> None:
    for handler in logging.getLogger().handlers:
        handler.setFormatter(_FormatterWithoutData("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    for name in ("contact_sync.sidebar", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.INFO)
