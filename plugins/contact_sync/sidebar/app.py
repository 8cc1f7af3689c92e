"""The application: routes, gate and problems put together over a database. Opens nothing by itself."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from contact_sync import database, edges
from contact_sync.sidebar import gate, problems, routes, tokens


def create_app(db: database.Database, *, secret: str, lookup: edges.Lookup) -> FastAPI:
    """Return the sidebar service over ``db``; ``lookup`` finds a workspace's connection, for webhooks' keys.

    Raises StopError if ``secret`` is empty.
    """
    app = FastAPI(
        title="contact-sync sidebar",
        version="1",
        description="Salesforce contacts in the respond.io sidebar: read a contact, queue and follow edits.",
        docs_url=None,
        redoc_url=None,
    )
    app.state.db = db
    app.state.lookup = lookup
    app.include_router(routes.api)
    app.include_router(routes.public)
    app.add_middleware(gate.Gate, key=tokens.signing_key(secret))
    problems.install(app)
    document = app.openapi
    app.openapi = lambda: _with_problems(document())  # type: ignore[method-assign]
    return app


def _with_problems(document: dict[str, Any]) -> dict[str, Any]:
    """Say of every error that it is ``application/problem+json``."""
    for path in document["paths"].values():
        for operation in path.values():
            for status, answer in operation["responses"].items():
                content = answer.get("content", {})
                if int(status) >= 400 and "application/json" in content:
                    content[problems.MEDIA_TYPE] = content.pop("application/json")
    return document
