"""Routes around a contact's conversation: channels, assignee, status, comments, messages ("Conversation API")."""

from __future__ import annotations

import json
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.respond import answers, space
from sandbox.respond.contacts import found, page_of, paged, settle, store_of


async def list_channels(request: Request) -> JSONResponse:
    """Answer the channels a contact has written on ("List contact channels")."""
    held, limit = found(request), page_of(request)[0]
    wanted = "whatsapp_cloud" if held["phone"] else "custom_email"
    channels = [item for item in space.items(store_of(request), "channel") if item["source"] == wanted]
    return paged(request, [{**item, "contactChannelId": held["id"] + item["id"]} for item in channels], limit)


async def assign(request: Request) -> JSONResponse:
    """Assign or unassign ("Assign a conversation"): 200 without effect while the conversation is closed."""
    held, body = found(request), await answers.json_object(request)
    wanted = body.get("assignee")
    if "assignee" not in body:
        raise answers.invalid()
    users = space.items(store_of(request), "user")
    user = next((item for item in users if wanted in (item["id"], item["email"])), None)
    if wanted is not None and user is None:
        raise answers.invalid()
    if held["status"] == "open":
        brief = {name: user[name] for name in ("id", "firstName", "lastName", "email")} if user else None
        settle(request, held, {**held, "assignee": brief}, "assigned")
    return JSONResponse({"contactId": held["id"]})


async def set_status(request: Request) -> JSONResponse:
    """Open or close the conversation ("Update conversation status")."""
    held, body = found(request), await answers.json_object(request)
    status = {"open": "open", "close": "closed"}.get(str(body.get("status")))
    if status is None or len(str(body.get("category", ""))) > 128 or len(str(body.get("summary", ""))) > 512:
        raise answers.invalid()
    settle(request, held, {**held, "status": status}, "conversation " + status)
    return JSONResponse({"contactId": held["id"]})


async def comment(request: Request) -> JSONResponse:
    """Write an internal comment of up to 1,000 characters ("Create a comment")."""
    held, body = found(request), await answers.json_object(request)
    text = body.get("text")
    if not isinstance(text, str) or not 1 <= len(text) <= 1000:
        raise answers.invalid()
    return JSONResponse({"contactId": held["id"], "text": text, "created_at": int(time.time())})


async def send_message(request: Request) -> JSONResponse:
    """Take a message and answer its id, unix microseconds ("Send a message")."""
    held, body = found(request), await answers.json_object(request)
    if not isinstance(body.get("message"), dict):
        raise answers.invalid()
    with store_of(request).transaction() as connection:
        last = connection.execute("SELECT coalesce(max(id), 0) FROM message").fetchone()[0]
        message_id = max(last + 1, time.time_ns() // 1000)
        message = _message(message_id, held["id"], body)
        row = (message_id, held["id"], json.dumps(message))
        connection.execute("INSERT INTO message (id, contact_id, body) VALUES (?, ?, ?)", row)
    return JSONResponse({"messageId": message_id})


async def get_message(request: Request) -> JSONResponse:
    """Answer one message ("Get a message")."""
    held = found(request)
    for message in _messages(request, held["id"]):
        if message["messageId"] == request.path_params["message_id"]:
            return JSONResponse(message)
    raise answers.ApiError(404, "Message not found")


async def list_messages(request: Request) -> JSONResponse:
    """Answer a contact's messages, newest first ("List messages")."""
    held, (limit, cursor) = found(request), page_of(request)
    wanted = [item for item in _messages(request, held["id"]) if cursor is None or item["messageId"] < cursor]
    answer = paged(request, [{**item, "id": item["messageId"]} for item in wanted], limit)
    page = json.loads(bytes(answer.body))
    for item in page["items"]:
        del item["id"]
    return JSONResponse(page)


def _message(message_id: int, contact_id: int, body: dict[str, Any]) -> dict[str, Any]:
    return {
        "messageId": message_id,
        "channelMessageId": None,
        "contactId": contact_id,
        "channelId": body.get("channelId"),
        "traffic": "outgoing",
        "message": body["message"],
        "status": [{"value": "sent", "timestamp": message_id // 1_000_000}],
    }


def _messages(request: Request, contact_id: int) -> list[dict[str, Any]]:
    with store_of(request).transaction() as connection:
        rows = connection.execute(
            "SELECT body FROM message WHERE contact_id = ? ORDER BY id DESC", (contact_id,)
        )
        return [json.loads(row[0]) for row in rows]


ROUTES = [
    Route("/v2/contact/{identifier}/channels", list_channels, methods=["GET"]),
    Route("/v2/contact/{identifier}/conversation/assignee", assign, methods=["POST"]),
    Route("/v2/contact/{identifier}/conversation/status", set_status, methods=["POST"]),
    Route("/v2/contact/{identifier}/comment", comment, methods=["POST"]),
    Route("/v2/contact/{identifier}/message", send_message, methods=["POST"]),
    Route("/v2/contact/{identifier}/message/list", list_messages, methods=["GET"]),
    Route("/v2/contact/{identifier}/message/{message_id:int}", get_message, methods=["GET"]),
]
