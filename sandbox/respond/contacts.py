"""Routes of the Contact API: get, create, update, create_or_update, delete, merge, list, tags, lifecycle.

Each route's docstring names the page of the respond.io Developer API v2 that it imitates.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox import journal
from sandbox.respond import answers, contact, listing, space
from sandbox.respond.contact import Contact, Identifier
from sandbox.respond.store import Store
from sandbox.respond.webhooks import Sender

CREATED_MESSAGE = "Contact added successfully!"
LIFECYCLE_MESSAGE = "Contact lifecycle stage updated successfully!"

#: Fields that create_or_update leaves alone on an existing contact where the switch says so.
_KEPT = ("firstName", "lastName", "email", "phone")


def store_of(request: Request) -> Store:
    """Return the workspace the request is about."""
    store: Store = request.app.state.store
    return store


def sender_of(request: Request) -> Sender:
    """Return what delivers webhooks."""
    sender: Sender = request.app.state.sender
    return sender


def found(request: Request, *, missing_status: int = 404) -> Contact:
    """Return the contact that the path names. Raises ApiError, also for a malformed identifier."""
    held = store_of(request).find(contact.parse_identifier(request.path_params["identifier"]))
    if held is None:
        raise answers.not_found(missing_status)
    return held


def settle(request: Request, before: Contact, after: Contact, action: str = "updated") -> None:
    """Store a changed contact; tell journal and webhooks what changed."""
    if not store_of(request).replace(before, after, action=action):
        return
    journal.mark_changed(request.scope, after["id"])
    sender = sender_of(request)
    for tag in [tag for tag in after["tags"] if tag not in before["tags"]]:
        sender.emit("contact.tag.updated", after, tag=tag, action="add")
    for tag in [tag for tag in before["tags"] if tag not in after["tags"]]:
        sender.emit("contact.tag.updated", after, tag=tag, action="remove")
    if after["lifecycle"] != before["lifecycle"]:
        stages = {"lifecycle": after["lifecycle"], "oldLifecycle": before["lifecycle"]}
        sender.emit("contact.lifecycle.updated", after, action="update", **stages)
    if any(after[name] != before[name] for name in contact.WRITABLE):
        sender.emit("contact.updated", after)


async def get(request: Request) -> JSONResponse:
    """Answer one contact, bare ("Get a contact")."""
    return JSONResponse(found(request))


async def create(request: Request) -> JSONResponse:
    """Create a contact named by e-mail or phone; the answer names no id ("Create a contact")."""
    store = store_of(request)
    identifier = contact.parse_identifier(request.path_params["identifier"], allowed=("email", "phone"))
    body = await answers.json_object(request)
    contact.check_fields(body, custom_fields=space.items(store, "custom_field"), needs_name=True)
    with store.transaction():
        if store.find(identifier) is not None:
            status = store.switches.create_existing
            raise answers.ApiError(status, "Conflict" if status == 409 else "Validation error.")
        created(request, identifier, body)
    code = "200" if store.switches.code_as == "string" else 200
    return JSONResponse({"code": code, "message": CREATED_MESSAGE})


def created(request: Request, identifier: Identifier, body: dict[str, Any]) -> Contact:
    """Create the contact, tell journal and webhooks, return it."""
    store = store_of(request)
    blank = {**contact.new_contact(0, 0), identifier.kind: identifier.value}
    filled = contact.write_fields(blank, body, space.items(store, "custom_field"))
    if filled[identifier.kind] is None:
        filled[identifier.kind] = identifier.value
    made = store.create({name: filled[name] for name in contact.WRITABLE})
    journal.mark_changed(request.scope, made["id"])
    sender_of(request).emit("contact.created", made)
    return made


async def update(request: Request) -> JSONResponse:
    """Change the fields present in the body ("Update a contact")."""
    store = store_of(request)
    body = await answers.json_object(request)
    contact.check_fields(body, custom_fields=space.items(store, "custom_field"), needs_name=False)
    held = found(request)
    _refuse_queued(store, held)
    settle(request, held, contact.write_fields(held, body, space.items(store, "custom_field")))
    return JSONResponse({"contactId": held["id"]})


async def create_or_update(request: Request) -> JSONResponse:
    """Update the first contact of that identifier, or create one ("Create or update a contact")."""
    store = store_of(request)
    identifier = contact.parse_identifier(request.path_params["identifier"])
    body = await answers.json_object(request)
    contact.check_fields(body, custom_fields=space.items(store, "custom_field"), needs_name=False)
    held = store.find(identifier)
    if held is None:
        if identifier.kind == "id":
            raise answers.not_found()
        made = created(request, identifier, body)
        names_id = store.switches.create_or_update_names_new
        answer = {"contactId": made["id"]} if names_id else {"code": 200, "message": CREATED_MESSAGE}
        return JSONResponse(answer)
    _refuse_queued(store, held)
    if not store.switches.create_or_update_overwrites:
        body = {name: value for name, value in body.items() if name not in _KEPT or not held[name]}
    settle(request, held, contact.write_fields(held, body, space.items(store, "custom_field")))
    return JSONResponse({"contactId": held["id"]})


async def delete(request: Request) -> JSONResponse:
    """Delete a contact for good ("Delete a contact")."""
    store = store_of(request)
    held = found(request, missing_status=store.switches.missing_contact)
    store.delete(held["id"])
    journal.mark_changed(request.scope, held["id"])
    return JSONResponse({"contactId": held["id"]})


async def merge(request: Request) -> JSONResponse:
    """Merge two contacts into one; the answer names the survivor ("Merge contacts")."""
    store = store_of(request)
    body = await answers.json_object(request)
    ids = body.pop("contactIds", None)
    if not isinstance(ids, list) or len(ids) != 2 or len(set(ids)) != 2:
        raise answers.invalid()
    contact.check_fields(body, custom_fields=space.items(store, "custom_field"), needs_name=False)
    pair = [store.get(contact_id) for contact_id in ids if isinstance(contact_id, int)]
    if len(pair) != 2 or pair[0] is None or pair[1] is None:
        raise answers.not_found()
    kept, lost = _ranked(pair[0], pair[1], store.switches.merge_keeps)
    filled = {name: kept[name] or lost[name] for name in contact.WRITABLE}
    tags = list(dict.fromkeys([*kept["tags"], *lost["tags"]]))
    merged = contact.write_fields({**kept, **filled, "tags": tags}, body, space.items(store, "custom_field"))
    store.delete(lost["id"], action="merged away")
    journal.mark_changed(request.scope, lost["id"])
    settle(request, kept, merged, "merged")
    return JSONResponse({"contactId": kept["id"]})


async def list_contacts(request: Request) -> JSONResponse:
    """Answer a page of contacts by id, as the index shows them ("List the contacts")."""
    store = store_of(request)
    limit, cursor = page_of(request)
    body = await answers.json_object(request)
    wanted = listing.parse(body)
    newest_first = store.switches.list_order == "desc"
    page: list[Contact] = []
    rows = store.listed(cursor=cursor, newest_first=newest_first, created=listing.created_between(body))
    for held in rows:
        if wanted(held):
            page.append(held)
        if len(page) > limit:
            break
    return paged(request, page, limit)


def page_of(request: Request) -> tuple[int, int | None]:
    """Return ``limit`` (1..100, default 10) and ``cursorId`` of the query. Raises ApiError 400 for others."""
    limit, cursor = request.query_params.get("limit", "10"), request.query_params.get("cursorId", "")
    if not limit.isdecimal() or not 1 <= int(limit) <= 100 or not (cursor == "" or cursor.isdecimal()):
        raise answers.invalid()
    return int(limit), int(cursor) if cursor else None


def paged(request: Request, items: list[Any], limit: int) -> JSONResponse:
    """Answer up to ``limit`` items; ``next`` is a full URL while there are more, else null."""
    page = items[:limit]
    url = f"{request.url.scheme}://{request.url.netloc}{request.url.path}?limit={limit}"
    following = f"{url}&cursorId={page[-1]['id']}" if len(items) > limit else None
    previous = f"{url}&cursorId=-{page[0]['id']}" if page else None
    return JSONResponse({"items": page, "pagination": {"next": following, "previous": previous}})


async def add_tags(request: Request) -> JSONResponse:
    """Add 1 to 10 tags by name, making those the workspace lacks ("Add tags")."""
    store = store_of(request)
    tags = contact.check_tags(await answers.json_body(request))
    held = found(request, missing_status=store.switches.missing_contact)
    _refuse_queued(store, held)
    space.ensure_tags(store, tags)
    settle(request, held, {**held, "tags": list(dict.fromkeys([*held["tags"], *tags]))}, "tagged")
    return JSONResponse({"contactId": held["id"]})


async def delete_tags(request: Request) -> JSONResponse:
    """Take 1 to 10 tags off ("Delete tags"); the request carries a body."""
    store = store_of(request)
    tags = contact.check_tags(await answers.json_body(request))
    held = found(request, missing_status=store.switches.missing_contact)
    _refuse_queued(store, held)
    settle(request, held, {**held, "tags": [tag for tag in held["tags"] if tag not in tags]}, "untagged")
    return JSONResponse({"contactId": held["id"]})


async def set_lifecycle(request: Request) -> JSONResponse:
    """Set or clear the lifecycle stage by name ("Update lifecycle")."""
    name = (await answers.json_object(request)).get("name") or None
    held = found(request)
    if name is not None and space.find(store_of(request), "lifecycle", str(name)) is None:
        raise answers.invalid()
    settle(request, held, {**held, "lifecycle": name}, "lifecycle updated")
    return JSONResponse({"code": 200, "message": LIFECYCLE_MESSAGE})


def _refuse_queued(store: Store, held: Contact) -> None:
    if store.is_queued(held["id"]):
        raise answers.queued()


def _ranked(first: Contact, second: Contact, keeps: str) -> tuple[Contact, Contact]:
    if keeps == "older" and (second["created_at"], second["id"]) < (first["created_at"], first["id"]):
        return second, first
    return first, second


ROUTES = [
    Route("/v2/contact/list", list_contacts, methods=["POST"]),
    Route("/v2/contact/merge", merge, methods=["POST"]),
    Route("/v2/contact/create_or_update/{identifier}", create_or_update, methods=["POST"]),
    Route("/v2/contact/{identifier}/tag", add_tags, methods=["POST"]),
    Route("/v2/contact/{identifier}/tag", delete_tags, methods=["DELETE"]),
    Route("/v2/contact/{identifier}/lifecycle/update", set_lifecycle, methods=["POST"]),
    Route("/v2/contact/{identifier}", get, methods=["GET"]),
    Route("/v2/contact/{identifier}", create, methods=["POST"]),
    Route("/v2/contact/{identifier}", update, methods=["PUT"]),
    Route("/v2/contact/{identifier}", delete, methods=["DELETE"]),
]
