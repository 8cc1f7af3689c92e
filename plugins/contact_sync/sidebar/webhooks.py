"""Webhooks of respond.io: proved by their signature, heard once, their contact written at once.

The signature is base64 of HMAC-SHA256 over the raw body, with a signing key that the workspace's connection keeps in
its extra as ``webhook_signing_keys`` (respond.io help, "Webhooks"). Deliveries may repeat and may come out of order;
what a late one spoils, the rolling walk mends.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from contact_sync import database, edges, errors, records
from contact_sync.respond_io import contacts
from contact_sync.sidebar import models
from contact_sync.stages import extract_respond_contacts

log = logging.getLogger(__name__)

Outcome = Literal["taken", "ignored", "quarantined", "repeated"]

#: A contact that lacks one of these is not whole: it would blank what we know.
_WHOLE = {"id", "firstName", "email", "phone"}
_TEXTS = ("firstName", "lastName", "email", "phone", "countryCode")


def check(
    db: database.Database, lookup: edges.Lookup, workspace_id: str, body: bytes, signature: str | None
) -> None:
    """Raise RejectError ``bad_signature`` unless the workspace's respond.io signed ``body``.

    An unknown workspace, one without signing keys and a wrong signature are told apart in the log only.
    """
    workspace = db.one("select_workspace", workspace_id=workspace_id)
    keys = _signing_keys(lookup, workspace["respond_conn_id"]) if workspace else []
    given = (signature or "").strip().encode("utf-8", "replace")
    proofs = [base64.b64encode(hmac.digest(key.encode(), body, hashlib.sha256)) for key in keys]
    if not any(hmac.compare_digest(proof, given) for proof in proofs):
        raise errors.RejectError("bad_signature", "The webhook's signature is missing or wrong.", status=401)


def hear(db: database.Database, workspace_id: str, body: bytes) -> Outcome:
    """Write the contact that a webhook brings, once per event. Raises RejectError if the body is no event.

    A contact that the database refuses is kept in ``quarantined_row``, so that nobody sends it again and again.
    """
    event = _event(body)
    contact = _contact(event)
    outcome: Outcome = "ignored" if contact is None else "taken"
    event_id = _short_text(event.get("event_id")) or f"sha256:{hashlib.sha256(body).hexdigest()}"
    with db.transaction() as tx:
        if not tx.execute(
            "insert_webhook_event",
            workspace_id=workspace_id,
            event_id=event_id,
            event_type=_short_text(event.get("event_type")) or "unknown",
            outcome=outcome,
        ):
            return "repeated"
        tx.execute("delete_old_webhook_events")
        if contact is not None and not _write(tx, workspace_id, contact, body):
            outcome = "quarantined"
            tx.execute("settle_webhook_event", workspace_id=workspace_id, event_id=event_id, outcome=outcome)
    return outcome


def _signing_keys(lookup: edges.Lookup, conn_id: str) -> Sequence[str]:
    try:
        extra = lookup(conn_id).get("extra") or {}
    except errors.StopError as error:
        log.warning("webhook refused: %s", error)
        return []
    keys = extra.get("webhook_signing_keys") if isinstance(extra, Mapping) else None
    if isinstance(keys, str):
        keys = keys.split(",")
    found = [key.strip() for key in keys or [] if isinstance(key, str) and key.strip()]
    if not found:
        log.warning("webhook refused: connection %s has no webhook_signing_keys in its extra", conn_id)
    return found


def _event(body: bytes) -> dict[str, Any]:
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        raise errors.RejectError("malformed_json", "The body is no JSON.", status=400) from None
    if not isinstance(event, dict):
        raise errors.RejectError("no_event", "The body is no event: a JSON object is expected.")
    return event


def _contact(event: Mapping[str, Any]) -> records.RespondContact | None:
    """The contact of an event about a contact, if it is whole."""
    item = event.get("contact")
    if not str(event.get("event_type")).startswith("contact.") or not isinstance(item, dict):
        return None
    tags = item.get("tags") or []
    is_whole = (
        item.keys() >= _WHOLE
        and type(item["id"]) is int
        and 0 < item["id"] <= models.LARGEST_ID
        and all(isinstance(item.get(name), str | None) for name in _TEXTS)
        and isinstance(tags, list)
        and all(isinstance(tag, str) for tag in tags)
    )
    return contacts.contact(item) if is_whole else None


def _write(tx: database.Transaction, workspace_id: str, contact: records.RespondContact, body: bytes) -> bool:
    try:
        with tx.savepoint():
            extract_respond_contacts.write(tx, workspace_id, [contact], written_by="webhook")
    except errors.RejectError as error:
        tx.execute(
            "insert_quarantined_contact",
            workspace_id=workspace_id,
            respond_id=contact.respond_id,
            raw=body.decode("utf-8", "replace"),
            reason=f"webhook: refused by the database ({error.code})",
        )
        return False
    return True


def _short_text(value: object) -> str | None:
    """A name as it may be stored and read; None if it is none."""
    return value if isinstance(value, str) and 0 < len(value) <= 200 and value.isprintable() else None
