"""Control routes of the respond.io stand-in: contacts as other people change them, switches, webhooks."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.respond import contact, space, switches
from sandbox.respond.contacts import sender_of, settle, store_of

_EVERYTHING = (float("-inf"), float("inf"))


async def health(request: Request) -> JSONResponse:
    """Say that the stand-in serves, and how many contacts it holds."""
    return JSONResponse({"status": "ok", "service": "respond.io", "contacts": store_of(request).count()})


async def contacts(request: Request) -> JSONResponse:
    """GET: contacts by id (``limit``, ``after``), without index lag; POST: a contact that somebody else makes.

    The posted object holds fields of the vendor's shape; ``tags``, ``created_at`` and raw phones are allowed.
    """
    store = store_of(request)
    if request.method == "GET":
        after, limit = (
            int(request.query_params.get("after", "0")),
            int(request.query_params.get("limit", "100")),
        )
        rows = store.listed(cursor=after, newest_first=False, created=_EVERYTHING)
        page = [
            current for held, _ in zip(rows, range(limit), strict=False) if (current := store.get(held["id"]))
        ]
        return JSONResponse({"contacts": page})
    fields = await request.json()
    space.ensure_tags(store, fields.get("tags", []))
    made = store.create(fields, actor="agent")
    sender_of(request).emit("contact.created", made)
    return JSONResponse(made, 201)


async def one_contact(request: Request) -> JSONResponse:
    """GET, PATCH (any field) or DELETE a contact as an agent would in the inbox."""
    store = store_of(request)
    held = store.get(request.path_params["contact_id"])
    if held is None:
        return _problem("there is no such contact", 404)
    if request.method == "DELETE":
        store.delete(held["id"], actor="agent")
    if request.method == "PATCH":
        changed = {**held, **await request.json(), "id": held["id"]}
        space.ensure_tags(store, changed["tags"])
        settle(request, held, changed)
        return JSONResponse(changed)
    return JSONResponse(held)


async def history(request: Request) -> JSONResponse:
    """Answer a contact's life, also of a deleted one."""
    return JSONResponse({"history": store_of(request).history(request.path_params["contact_id"])})


async def switch(request: Request) -> JSONResponse:
    """GET the switches; POST or PATCH sets some of them; DELETE puts all back."""
    store = store_of(request)
    wanted: dict[str, Any] = {}
    if request.method in ("POST", "PATCH"):
        wanted = await request.json()
    if request.method == "DELETE":
        wanted = switches.as_json(switches.Switches())
    try:
        return JSONResponse(switches.as_json(store.switch(wanted) if wanted else store.switches))
    except switches.SwitchError as exc:
        return _problem(str(exc))


async def webhooks(request: Request) -> JSONResponse:
    """GET the endpoints; POST ``{"url", "events"?, "signing_key"?}`` registers one; DELETE forgets all."""
    sender = sender_of(request)
    if request.method == "POST":
        posted = await request.json()
        made = sender.register(posted["url"], posted.get("events"), posted.get("signing_key"))
        return JSONResponse(made, 201)
    if request.method == "DELETE":
        sender.remove(None)
    return JSONResponse({"webhooks": sender.endpoints()})


async def one_webhook(request: Request) -> JSONResponse:
    """Forget one endpoint."""
    sender_of(request).remove(request.path_params["webhook_id"])
    return JSONResponse({"webhooks": sender_of(request).endpoints()})


def _problem(message: str, status: int = 400) -> JSONResponse:
    return JSONResponse({"error": message}, status)


#: Fields that an agent, an import or a channel may fill without the API's checks.
FIELDS = (*contact.WRITABLE, "tags", "lifecycle", "status", "assignee", "isBlocked", "created_at")

ROUTES = [
    Route("/_sandbox/health", health, methods=["GET"]),
    Route("/_sandbox/contacts", contacts, methods=["GET", "POST"]),
    Route("/_sandbox/contacts/{contact_id:int}", one_contact, methods=["GET", "PATCH", "DELETE"]),
    Route("/_sandbox/contacts/{contact_id:int}/history", history, methods=["GET"]),
    # the same route as the Salesforce stand-in has for its own
    Route("/_sandbox/settings", switch, methods=["GET", "POST", "PATCH", "DELETE"]),
    Route("/_sandbox/switches", switch, methods=["GET", "POST", "PATCH", "DELETE"]),
    Route("/_sandbox/webhooks", webhooks, methods=["GET", "POST", "DELETE"]),
    Route("/_sandbox/webhooks/{webhook_id:int}", one_webhook, methods=["DELETE"]),
]
