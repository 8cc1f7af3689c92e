"""The stand-in's own routes: contacts changed by somebody else, switches, locks, permissions, tokens.

``/_sandbox/faults`` and ``/_sandbox/journal`` are the same for both stand-ins and live in ``sandbox.control``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sandbox import journal
from sandbox.salesforce import errors, jobs, objects, rows, sessions, soql, writing
from sandbox.salesforce.exchange import Answer, Call, control
from sandbox.salesforce.org import RecordLock
from sandbox.salesforce.switches import SWITCHES

#: Cells that break careless readers, by name; ``POST /_sandbox/nasty`` makes one contact of each.
NASTY_CELLS = {
    "nul": "Nul\x00inside",
    "newline": "Line one\nLine two",
    "carriage return": "Line one\r\nLine two",
    "doubled quote": 'The ""Boss"" said "hi"',
    "emoji": "👩🏽‍🚀 Astronaut",
    "not available": "NA",
    "none": "None",
    "leading zero": "0123",
    "right to left": "מנהלת \u200fמכירות",
    "comma": "Sales, EMEA",
    "backslash": "C:\\temp\\N",
    "formula": "=1+1",
}


@control.add("GET", "/_sandbox/health")
def health(call: Call) -> Answer:
    """Say that the stand-in is ready, and what it holds."""
    store = call.org.store
    return Answer(200, {"status": "ok", "org_id": store.org_id, "contacts": store.count(objects.CONTACT)})


@control.add("GET", "/_sandbox/contacts")
def select_contacts(call: Call) -> Answer:
    """List contacts as an administrator sees them, deleted ones too: ``?limit=&after=&email=``."""
    limit, email = int(call.params.get("limit", "100")), call.params.get("email")
    where, values = ("AND Email = ? COLLATE NOCASE", [email]) if email else ("", [])
    text = " ".join(["SELECT Id FROM Contact WHERE Id > ?", where, "ORDER BY Id LIMIT ?"])
    found = call.org.store.read().execute(text, [call.params.get("after", ""), *values, limit]).fetchall()
    return Answer(200, {"contacts": [_shown(call, row[0]) for row in found]})


@control.add("POST", "/_sandbox/contacts")
def create_contacts(call: Call) -> Answer:
    """Create one contact (an object) or several (a list) as another user: ``?user_id=&lag_seconds=``."""
    given = call.json()
    writer = _writer(call)
    created = [
        writer.create(objects.CONTACT, item) for item in (given if isinstance(given, list) else [given])
    ]
    if writer.lag_seconds:
        return Answer(202, {"ids": created})
    shown = [_shown(call, record_id) for record_id in created]
    return Answer(201, {"ids": created, "contacts": shown} if isinstance(given, list) else shown[0])


@control.add("POST", "/_sandbox/nasty")
def create_nasty(call: Call) -> Answer:
    """Create one contact for each of the cells that break careless readers, in Title and Notes__c."""
    made = call.org.store.insert_contacts(
        {"LastName": f"Nasty {name}", "Title": cell, "Notes__c": cell} for name, cell in NASTY_CELLS.items()
    )
    return Answer(201, {"ids": made})


@control.add("GET", "/_sandbox/contacts/{id}")
def read_contact(call: Call) -> Answer:
    """Return one contact, deleted or not."""
    return Answer(200, _shown(call, call.arguments["id"]))


@control.add("PATCH", "/_sandbox/contacts/{id}")
def change_contact(call: Call) -> Answer:
    """Change a contact as another user: ``?user_id=&lag_seconds=``."""
    writer, record_id = _writer(call), call.arguments["id"]
    writer.update(objects.CONTACT, record_id, call.json_object())
    return Answer(202) if writer.lag_seconds else Answer(200, _shown(call, record_id))


@control.add("DELETE", "/_sandbox/contacts/{id}")
def delete_contact(call: Call) -> Answer:
    """Put a contact into the recycle bin as another user."""
    _writer(call).delete(objects.CONTACT, call.arguments["id"])
    return Answer(204)


@control.add("POST", "/_sandbox/contacts/{id}/{action}")
def act_on_contact(call: Call) -> Answer:
    """Undelete, purge, touch or merge (``{"losers": [Ids], "fields": {…}}``) a contact as another user; hide, show."""
    writer, record_id, action = _writer(call), call.arguments["id"], call.arguments["action"]
    if action == "undelete":
        writer.undelete(objects.CONTACT, record_id)
    elif action == "purge":
        writer.purge(objects.CONTACT, record_id)
        return Answer(204)
    elif action == "touch":
        writer.touch(objects.CONTACT, record_id)
    elif action in ("hide", "show"):
        call.org.hide(record_id, is_hidden=action == "hide")
    elif action == "merge":
        body = call.json_object()
        writer.merge(objects.CONTACT, record_id, list(body["losers"]), body.get("fields", {}))
    else:
        raise errors.not_found()
    return Answer(200, _shown(call, record_id))


@control.add("GET", "/_sandbox/contacts/{id}/history")
def history(call: Call) -> Answer:
    """Return who changed a contact, when, and what from and to."""
    return Answer(200, {"history": journal.read_history(call.org.store.read(), call.arguments["id"])})


@control.add("GET", "/_sandbox/settings")
def settings(call: Call) -> Answer:
    """Return every switch as it stands."""
    return Answer(200, call.org.switches())


@control.add("POST", "/_sandbox/settings")
def change_settings(call: Call) -> Answer:
    """Set switches; unknown ones are refused by name."""
    wanted = call.json_object()
    for rule in wanted.get("validation_rules", []):
        soql.condition(rule["when"])
    try:
        call.org.set_switches(wanted)
    except ValueError as exc:
        raise errors.bad_request("INVALID_SETTING", str(exc)) from exc
    return Answer(200, call.org.switches())


@control.add("DELETE", "/_sandbox/settings")
def reset_settings(call: Call) -> Answer:
    """Put every switch back."""
    call.org.set_switches(SWITCHES)
    return Answer(200, call.org.switches())


@control.add("POST", "/_sandbox/permissions")
def grant(call: Call) -> Answer:
    """Set field-level security: ``{"field": "Title", "access": "edit|read|none", "object"?, "user_id"?}``."""
    body = call.json_object()
    sobject = objects.find(body.get("object", "Contact"))
    field = sobject.field(body["field"]) if sobject else None
    if sobject is None or field is None:
        raise errors.not_found("no such object or field")
    try:
        user_id = body.get("user_id", call.org.store.integration_user_id)
        call.org.grant(user_id, sobject, field, body["access"])
    except ValueError as exc:
        raise errors.bad_request("INVALID_SETTING", str(exc)) from exc
    return Answer(204)


@control.add("POST", "/_sandbox/locks")
def lock(call: Call) -> Answer:
    """Lock a record for the next saves: ``{"id": …, "times": 2 | null, "code"?: "ENTITY_IS_LOCKED"}``."""
    body = call.json_object()
    call.org.locks[body["id"]] = RecordLock(body.get("times", 1), body.get("code", "UNABLE_TO_LOCK_ROW"))
    return Answer(204)


@control.add("DELETE", "/_sandbox/locks")
def unlock(call: Call) -> Answer:
    """Release every record."""
    call.org.locks.clear()
    return Answer(204)


@control.add("POST", "/_sandbox/tokens/expire")
def expire(call: Call) -> Answer:
    """End every access token, as a session timeout or an administrator would."""
    return Answer(200, {"expired": sessions.end(call.org)})


@control.add("POST", "/_sandbox/users")
def create_user(call: Call) -> Answer:
    """Create a user: ``{"LastName": …, "Username": …}``; for changes in somebody else's name."""
    user_id = call.org.store.insert_users([{"IsActive": True, **call.json_object()}])[0]
    return Answer(201, {"id": user_id})


@control.add("POST", "/_sandbox/accounts")
def create_account(call: Call) -> Answer:
    """Create or, with ``Id``, rename an account: parent fields change without the contact's stamp moving."""
    given = dict(call.json_object())
    record_id = given.pop("Id", None)
    writer = _writer(call)
    if record_id:
        writer.update(objects.ACCOUNT, record_id, given)
    return Answer(201, {"id": record_id or writer.create(objects.ACCOUNT, given)})


@control.add("POST", "/_sandbox/imports")
def bulk_import(call: Call) -> Answer:
    """Import contacts in somebody else's name, as a loader would.

    ``{"contacts": [...], "user_id"?, "job_type"?: "Classic" | "V2Ingest" | null}``; null leaves no job behind, as
    loaders that speak SOAP do.
    """
    body = call.json_object()
    user_id = body.get("user_id", call.org.store.admin_user_id)
    writer = writing.Writer.of(call.org, user_id)
    job_type, job_id = body.get("job_type", "Classic"), None
    if job_type is not None:
        kind = "classic" if job_type == "Classic" else "ingest"
        details: dict[str, Any] = {"batches": [], "is_done": True}
        job_id = jobs.create(
            replace(call, user_id=user_id), kind, job_type, "JobComplete",
            operation="insert", object="Contact", details=details,
        ).job_id  # fmt: skip
    with call.org.store.writing():
        created = [writer.create(objects.CONTACT, item) for item in body["contacts"]]
    return Answer(201, {"job_id": job_id, "ids": created})


@control.add("POST", "/_sandbox/tokens")
def issue_token(call: Call) -> Answer:
    """Log in as anybody: ``{"user_id": …}``; so that real clients can act in somebody else's name."""
    return Answer(201, {"access_token": sessions.issue(call.org, call.json_object()["user_id"])})


def _writer(call: Call) -> writing.Writer:
    """Return a writer in the name of ``user_id`` (the administrator), with the org's commit lag or the given one."""
    lag = call.params.get("lag_seconds", call.org.switch("commit_lag_seconds"))
    return writing.Writer(call.org, call.params.get("user_id", call.org.store.admin_user_id), float(lag))


def _shown(call: Call, record_id: str) -> Mapping[str, Any]:
    """Return a contact as REST shows it to the administrator."""
    record_id = rows.checked_id(objects.CONTACT, record_id)
    if call.org.store.row(objects.CONTACT, record_id) is None:
        raise errors.not_found()
    return rows.record(call, objects.CONTACT, record_id)


def effects(org: Any) -> dict[str, Any]:
    """Return what a fault of the script can do to this org, by name."""

    def lock_record(wanted: Mapping[str, Any]) -> None:
        org.locks[wanted["id"]] = RecordLock(wanted.get("times", 1), wanted.get("code", "UNABLE_TO_LOCK_ROW"))

    def exhaust(wanted: Any) -> None:
        """``true`` uses the day up, ``0.9`` that share of it, ``false`` nothing."""
        org.used_calls = int(org.switch("daily_api_requests") * float(wanted))

    return {
        "expire_token": lambda wanted: sessions.end(org) if wanted else None,
        "exhaust_quota": exhaust,
        "lock_record": lock_record,
        "instance_url": lambda wanted: org.set_switches({"instance_url": wanted}),
        "settings": lambda wanted: org.set_switches(
            wanted if isinstance(wanted, dict) else json.loads(wanted)
        ),
    }
