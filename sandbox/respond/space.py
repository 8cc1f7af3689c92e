"""What a workspace has besides contacts: tags, custom fields, users, channels, closing notes, lifecycle stages."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from sandbox.respond.store import Store

Item = dict[str, Any]

_CREATED_AT = 1_600_000_000

#: What a new workspace starts with; ids follow from the order.
_FURNITURE: dict[str, tuple[Item, ...]] = {
    "user": (
        {"firstName": "Ada", "lastName": "Okafor", "email": "ada@agents.example", "role": "owner"},
        {"firstName": "Bo", "lastName": "Lindqvist", "email": "bo@agents.example", "role": "manager"},
        {"firstName": "Chiara", "lastName": "Rossi", "email": "chiara@agents.example", "role": "agent"},
    ),
    "channel": (
        {"name": "WhatsApp", "source": "whatsapp_cloud"},
        {"name": "Website", "source": "website_chat"},
        {"name": "E-mail", "source": "custom_email"},
    ),
    "closing_note": (
        {"category": "Solved", "description": "The question was answered"},
        {"category": "Spam", "description": "Not a customer"},
    ),
    "lifecycle": ({"name": "New Lead"}, {"name": "Hot Lead"}, {"name": "Payment"}, {"name": "Customer"}),
    "custom_field": (
        {"name": "Company", "slug": "company", "dataType": "text"},
        {"name": "Salesforce Id", "slug": "salesforce_id", "dataType": "text"},
        {"name": "Score", "slug": "score", "dataType": "number"},
        {"name": "Renewal", "slug": "renewal", "dataType": "date"},
        {
            "name": "Plan",
            "slug": "plan",
            "dataType": "list",
            "allowedValues": ["Free", "Growth", "Enterprise"],
        },
        {"name": "Newsletter", "slug": "newsletter", "dataType": "checkbox"},
    ),
}


def furnish(store: Store) -> None:
    """Give a new workspace its users, channels, notes, stages and fields; do nothing to one that has them."""
    if items(store, "user"):
        return
    for kind, furniture in _FURNITURE.items():
        for item in furniture:
            add(store, kind, item)


def items(store: Store, kind: str) -> list[Item]:
    """Return all items of a kind, by id."""
    with store.transaction() as connection:
        rows = connection.execute("SELECT body FROM item WHERE kind = ? ORDER BY id", (kind,)).fetchall()
    return [json.loads(row[0]) for row in rows]


def find(store: Store, kind: str, name: str) -> Item | None:
    """Return the item called ``name`` (regardless of case), or None."""
    with store.transaction() as connection:
        row = connection.execute("SELECT body FROM item WHERE kind = ? AND name = ?", (kind, name)).fetchone()
    return json.loads(row[0]) if row else None


def add(store: Store, kind: str, item: Mapping[str, Any]) -> Item:
    """Insert an item and return it with its ``id``; its ``name`` (or what stands for one) must be new."""
    name = str(item.get("name") or item.get("email") or item.get("category"))
    with store.transaction() as connection:
        cursor = connection.execute("INSERT INTO item (kind, name, body) VALUES (?, ?, '')", (kind, name))
        whole = {"id": cursor.lastrowid, **_DEFAULTS.get(kind, {}), **item}
        _write(store, whole)
    return whole


def change(store: Store, item: Item, changes: Mapping[str, Any]) -> Item:
    """Change an item and return it."""
    whole = {**item, **changes}
    with store.transaction() as connection:
        connection.execute("UPDATE item SET name = ? WHERE id = ?", (whole["name"], whole["id"]))
        _write(store, whole)
    return whole


def remove(store: Store, item: Item) -> None:
    """Delete an item."""
    with store.transaction() as connection:
        connection.execute("DELETE FROM item WHERE id = ?", (item["id"],))


def ensure_tags(store: Store, names: list[str]) -> None:
    """Create the workspace tags that do not exist yet."""
    for name in names:
        if find(store, "tag", name) is None:
            add(store, "tag", {"name": name, "createdAt": int(time.time())})


_DEFAULTS: dict[str, Item] = {
    "user": {"team": None, "restrictions": []},
    "channel": {"created_at": _CREATED_AT},
    "custom_field": {"description": None, "created_at": _CREATED_AT},
    "tag": {"description": None, "emoji": None, "colorCode": "tag-grey"},
}


def _write(store: Store, item: Item) -> None:
    with store.transaction() as connection:
        connection.execute("UPDATE item SET body = ? WHERE id = ?", (json.dumps(item), item["id"]))
