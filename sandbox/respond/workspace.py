"""Routes of the workspace ("Space API"): tags, custom fields, users, channels, closing notes."""

from __future__ import annotations

import re
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.respond import answers, space
from sandbox.respond.contacts import page_of, paged, store_of

_DATA_TYPES = ("text", "list", "checkbox", "email", "number", "url", "date", "time", "textArea")
_TAG_FIELDS = ("name", "description", "colorCode", "emoji")


async def list_custom_fields(request: Request) -> JSONResponse:
    """Answer the custom fields, by id ("List custom fields")."""
    return _listed(
        request, [_shown(request, item) for item in space.items(store_of(request), "custom_field")]
    )


async def get_custom_field(request: Request) -> JSONResponse:
    """Answer one custom field ("Get a custom field")."""
    return JSONResponse(_shown(request, _by_id(request, "custom_field")))


async def create_custom_field(request: Request) -> JSONResponse:
    """Create a custom field and answer it ("Create a custom field"); there is no update or delete."""
    store, body = store_of(request), await answers.json_object(request)
    name = body.get("name")
    slug = body.get("slug") or re.sub(r"\W+", "_", str(name)).strip("_").lower()
    if not isinstance(name, str) or not 1 <= len(name) <= 50 or not re.fullmatch(r"\w{1,50}", slug):
        raise answers.invalid()
    is_list = body.get("dataType") == "list"
    if body.get("dataType") not in _DATA_TYPES or is_list != bool(body.get("allowedValues")):
        raise answers.invalid()
    if any(slug == item["slug"] for item in space.items(store, "custom_field")) or space.find(
        store, "custom_field", name
    ):
        raise answers.ApiError(409, "Conflict")
    field = {"name": name, "slug": slug, "description": body.get("description"), "dataType": body["dataType"]}
    if is_list:
        field["allowedValues"] = [str(value) for value in body["allowedValues"]]
    made = space.add(store, "custom_field", {**field, "created_at": int(time.time())})
    return JSONResponse(_shown(request, made))


async def create_tag(request: Request) -> JSONResponse:
    """Create a workspace tag ("Create a tag")."""
    store, body = store_of(request), await answers.json_object(request)
    if not isinstance(body.get("name"), str) or not 1 <= len(body["name"]) <= 255:
        raise answers.invalid()
    if space.find(store, "tag", body["name"]):
        raise answers.ApiError(409, "Conflict")
    tag = {name: body[name] for name in _TAG_FIELDS if name in body}
    return _tag_answer(request, space.add(store, "tag", {**tag, "createdAt": int(time.time())}))


async def update_tag(request: Request) -> JSONResponse:
    """Change a workspace tag, named by ``currentName`` ("Update a tag"); contacts that carry it follow."""
    store, body = store_of(request), await answers.json_object(request)
    tag = _tag(request, body.get("currentName"))
    changed = space.change(store, tag, {name: body[name] for name in _TAG_FIELDS if name in body})
    _retag(request, tag["name"], changed["name"])
    return _tag_answer(request, changed)


async def delete_tag(request: Request) -> JSONResponse:
    """Delete a workspace tag, and with it from every contact ("Delete a tag")."""
    tag = _tag(request, (await answers.json_object(request)).get("name"))
    space.remove(store_of(request), tag)
    _retag(request, tag["name"], None)
    return JSONResponse({"code": 200, "message": "Tag deleted successfully!"})


async def list_users(request: Request) -> JSONResponse:
    """Answer the workspace's users ("List users")."""
    return _listed(request, space.items(store_of(request), "user"))


async def get_user(request: Request) -> JSONResponse:
    """Answer one user ("Get a user")."""
    return JSONResponse(_by_id(request, "user"))


async def list_channels(request: Request) -> JSONResponse:
    """Answer the workspace's channels ("List channels")."""
    return _listed(request, space.items(store_of(request), "channel"))


async def list_closing_notes(request: Request) -> JSONResponse:
    """Answer the closing notes ("List closing notes")."""
    return _listed(request, space.items(store_of(request), "closing_note"))


def _listed(request: Request, items: list[space.Item]) -> JSONResponse:
    limit, cursor = page_of(request)
    return paged(request, [item for item in items if cursor is None or item["id"] > cursor], limit)


def _by_id(request: Request, kind: str) -> space.Item:
    wanted = request.path_params["item_id"]
    for item in space.items(store_of(request), kind):
        if item["id"] == wanted:
            return item
    raise answers.ApiError(404, "Not found")


def _tag(request: Request, name: Any) -> space.Item:
    tag = space.find(store_of(request), "tag", str(name))
    if tag is None:
        raise answers.ApiError(404, "Tag not found")
    return tag


def _retag(request: Request, old: str, new: str | None) -> None:
    if old == new:
        return
    store = store_of(request)
    bounds = (float("-inf"), float("inf"))
    for held in list(store.listed(cursor=None, newest_first=True, created=bounds)):
        if old in held["tags"] and (current := store.get(held["id"])) is not None:
            tags = [new if tag == old else tag for tag in current["tags"]]
            store.replace(current, {**current, "tags": [tag for tag in tags if tag]}, action="tags changed")


def _shown(request: Request, field: space.Item) -> space.Item:
    if "allowedValues" in field and store_of(request).switches.allowed_values_as == "object":
        return {**field, "allowedValues": {"listValues": field["allowedValues"]}}
    return field


def _tag_answer(request: Request, tag: space.Item) -> JSONResponse:
    if store_of(request).switches.space_tag_as == "bare":
        return JSONResponse(tag)
    return JSONResponse({"code": 200, "message": tag})


ROUTES = [
    Route("/v2/space/custom_field", list_custom_fields, methods=["GET"]),
    Route("/v2/space/custom_field", create_custom_field, methods=["POST"]),
    Route("/v2/space/custom_field/{item_id:int}", get_custom_field, methods=["GET"]),
    Route("/v2/space/tag", create_tag, methods=["POST"]),
    Route("/v2/space/tag", update_tag, methods=["PUT"]),
    Route("/v2/space/tag", delete_tag, methods=["DELETE"]),
    Route("/v2/space/user", list_users, methods=["GET"]),
    Route("/v2/space/user/{item_id:int}", get_user, methods=["GET"]),
    Route("/v2/space/channel", list_channels, methods=["GET"]),
    Route("/v2/space/closing_notes", list_closing_notes, methods=["GET"]),
]
