"""The door of the edit queue: an agent's wish is refused with a reason, or queued. Nothing is sent from here.

Refusals are RejectErrors whose code programs read and whose sentence names the field; nothing is queued then.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

from contact_sync import database, errors, fields, values

#: Says that the caller did not tell what the agent saw; None means that the field was empty.
MISSING: Final = object()
#: What two calls at once meet, or one beside an edit that comes back into the queue at this moment.
_MET = ("field_edit_idempotency_key_once", "field_edit_one_queued_per_field")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What an agent wants: one field of the contact that is shown for a respond contact.

    ``base_value`` is what the agent saw; the edit is sent only while Salesforce still holds it.
    """

    workspace_id: str
    respond_id: int
    field_name: str
    new_value: values.Value
    requested_by: str
    base_value: Any = MISSING


def queue_edit(db: database.Database, wish: Wish, *, idempotency_key: str | None = None) -> database.Row:
    """Queue one edit and return it; the same ``idempotency_key`` with the same body returns the same edit.

    A queued edit of this workspace for the same field is superseded and its base inherited, a parked one is
    superseded; behind one in flight the new edit waits.
    Raises RejectError: ``unknown_workspace``, ``unknown_contact``, ``not_connected``, ``editing_off``, ``not_matched``,
    ``field_not_chosen``, ``field_not_editable``, ``base_missing``, ``idempotency_key_reused`` (status 422), the
    codes of ``fields.read_only`` and of ``values.to_salesforce``.
    """
    try:
        return _queue_wish(db, wish, idempotency_key)
    except errors.RejectError as error:
        # the other one has it by now
        if error.detail not in _MET:
            raise
        return _queue_wish(db, wish, idempotency_key)


def _queue_wish(db: database.Database, wish: Wish, idempotency_key: str | None) -> database.Row:
    base_value = None if wish.base_value is MISSING else wish.base_value
    digest = _digest(wish.respond_id, wish.field_name, base_value, wish.new_value)
    with db.transaction() as tx:
        tx.one("set_actor", actor=wish.requested_by)
        known = _earlier(tx, wish.workspace_id, idempotency_key, digest)
        if known is not None:
            return _edit(tx, wish.workspace_id, known)
        context = _context(tx, wish.workspace_id, wish.respond_id, wish.field_name)
        if wish.base_value is MISSING:
            raise errors.RejectError(
                "base_missing", f"{wish.field_name}: say which value you saw before the edit."
            )
        field = fields.of_row(context)
        return _queue(
            tx,
            context,
            {
                "workspace_id": wish.workspace_id,
                "respond_id": wish.respond_id,
                "field_name": wish.field_name,
                "base_value": _as_stored(field, base_value),
                "new_value": json.dumps(values.to_salesforce(field, wish.new_value)),
                "reverts_edit_id": None,
                "requested_by": wish.requested_by,
                "idempotency_key": idempotency_key,
                "request_digest": digest,
            },
        )


def get(db: database.Database, workspace_id: str, edit_id: int) -> database.Row | None:
    """Return one edit of a workspace, None if it has none of that id."""
    return db.one("select_edit", workspace_id=workspace_id, edit_id=edit_id)


def discard(db: database.Database, workspace_id: str, edit_id: int, by: str) -> database.Row:
    """Take back an edit that was not sent yet ("Restore"). RejectError ``unknown_edit`` or ``too_late``."""
    with db.transaction() as tx:
        tx.one("set_actor", actor=by)
        edit = _edit(tx, workspace_id, edit_id)
        if edit["status"] != "discarded" and not tx.execute(
            "discard_edit", workspace_id=workspace_id, edit_id=edit_id
        ):
            raise errors.RejectError(
                "too_late",
                f"{edit['field_name']}: the edit is {edit['status']} and can no longer be discarded.",
                status=409,
            )
        return _edit(tx, workspace_id, edit_id)


def revert(db: database.Database, workspace_id: str, edit_id: int, by: str) -> database.Row:
    """Queue an edit that puts back what an applied edit replaced; it conflicts if the value moved on since.

    Raises RejectError ``unknown_edit``, ``not_applied``, ``matched_elsewhere``, and as :func:`queue_edit`.
    """
    with db.transaction() as tx:
        tx.one("set_actor", actor=by)
        edit = _edit(tx, workspace_id, edit_id)
        if edit["status"] != "applied":
            raise errors.RejectError(
                "not_applied",
                f"{edit['field_name']}: only an applied edit can be reverted; this one is {edit['status']}.",
                status=409,
            )
        context = _context(tx, workspace_id, edit["respond_id"], edit["field_name"])
        _refuse_another_person(tx, edit, context)
        return _queue(
            tx,
            context,
            {
                "workspace_id": workspace_id,
                "respond_id": edit["respond_id"],
                "field_name": edit["field_name"],
                "base_value": json.dumps(edit["stored_value"]),
                "new_value": json.dumps(edit["base_value"]),
                "reverts_edit_id": edit_id,
                "requested_by": by,
                "idempotency_key": None,
                "request_digest": None,
            },
        )


def _refuse_another_person(tx: database.Transaction, edit: database.Row, context: database.Row) -> None:
    """The contact may be matched to somebody else since: one person's old value is never put into another's record."""
    written = tx.one(
        "select_effective_contact", org_id=edit["org_id"], salesforce_id=edit["target_salesforce_id"]
    )
    if written is None or written["salesforce_id"] != context["salesforce_id"]:
        raise errors.RejectError(
            "matched_elsewhere",
            f"{edit['field_name']}: this contact is matched to another Salesforce contact since the edit.",
            status=409,
        )


def _queue(tx: database.Transaction, context: database.Row, edit: dict[str, Any]) -> database.Row:
    place = {"salesforce_id": context["salesforce_id"], "field_name": edit["field_name"]}
    tx.one("lock_edited_field", org_id=context["org_id"], **place)
    superseded = tx.one("supersede_edit", workspace_id=edit["workspace_id"], **place)
    tx.execute("supersede_parked_edits", workspace_id=edit["workspace_id"], **place)
    in_flight = tx.one(
        "select_edit_in_flight", org_id=context["org_id"], workspace_id=edit["workspace_id"], **place
    )
    after_edit_id = in_flight["edit_id"] if in_flight else None
    if superseded is not None:
        edit = {**edit, "base_value": json.dumps(superseded["base_value"])}
        after_edit_id = superseded["after_edit_id"] or after_edit_id
    row = tx.one(
        "insert_edit",
        org_id=context["org_id"],
        salesforce_id=context["salesforce_id"],
        after_edit_id=after_edit_id,
        **edit,
    )
    assert row is not None
    return _edit(tx, edit["workspace_id"], row["edit_id"])


def _earlier(
    tx: database.Transaction, workspace_id: str, idempotency_key: str | None, digest: bytes
) -> int | None:
    if idempotency_key is None:
        return None
    row = tx.one("select_edit_by_key", workspace_id=workspace_id, idempotency_key=idempotency_key)
    if row is None:
        return None
    if bytes(row["request_digest"]) != digest:
        raise errors.RejectError(
            "idempotency_key_reused",
            "This Idempotency-Key was used for another edit; take a new one.",
            status=422,
        )
    return int(row["edit_id"])


def _context(tx: database.Transaction, workspace_id: str, respond_id: int, field_name: str) -> database.Row:
    row = tx.one(
        "select_edit_context", workspace_id=workspace_id, respond_id=respond_id, field_name=field_name
    )
    if row is None:
        raise errors.RejectError("unknown_workspace", f"There is no workspace {workspace_id}.", status=404)
    refusals = (
        (not row["is_known"], "unknown_contact", f"There is no contact {respond_id} in this workspace."),
        (row["org_id"] is None, "not_connected", "This workspace is not connected to Salesforce."),
        (not row["editing_enabled"], "editing_off", "Editing is switched off for this workspace."),
        (row["salesforce_id"] is None, "not_matched", "This contact is not matched to a Salesforce contact."),
        (
            not row["is_chosen"] or row["name"] is None,
            "field_not_chosen",
            f"{field_name} is not shown in this workspace.",
        ),
        (
            row["lost_at"] is not None,
            "permission_lost",
            f"Salesforce no longer shows {field_name} to the connection.",
        ),
    )
    for holds, code, sentence in refusals:
        if holds:
            raise errors.RejectError(code, sentence, status=404 if code == "unknown_contact" else None)
    reason = fields.read_only(fields.of_row(row))
    if reason is not None:
        raise errors.RejectError(reason.code, f"{field_name} cannot be edited. {reason.sentence}")
    if not row["is_editable"]:
        raise errors.RejectError("field_not_editable", f"{field_name} is not switched on for editing.")
    return row


def _as_stored(field: Any, value: Any) -> str:
    """A base is compared, never sent: what the field could not hold is kept as it was seen."""
    try:
        return json.dumps(values.to_salesforce(field, value))
    except errors.RejectError:
        return json.dumps(value)


def _edit(tx: database.Transaction, workspace_id: str, edit_id: int) -> database.Row:
    row = tx.one("select_edit", workspace_id=workspace_id, edit_id=edit_id)
    if row is None:
        raise errors.RejectError("unknown_edit", f"There is no edit {edit_id} in this workspace.", status=404)
    return row


def _digest(*parts: Any) -> bytes:
    return hashlib.sha256(json.dumps(parts, default=str).encode()).digest()
