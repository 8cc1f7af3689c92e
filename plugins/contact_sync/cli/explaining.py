"""explain: why a respond contact has the match it has, or none, and what a person can do about it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from contact_sync import database, errors, tenants
from contact_sync.cli import creations, output, waits, words

Item = Mapping[str, Any]

_ADVICE = {
    "no_identifier": "Give the respond.io contact an e-mail or a phone number.",
    "invalid_identifier": "Correct the e-mail or phone in respond.io; the reason stands beside the value.",
    "shared_key": "Too many Salesforce contacts share the key: give the person one of their own, or raise the"
    " workspace's --shared-key-limit.",
    "no_counterpart": "No Salesforce contact has this e-mail or phone: add it to the right contact there, or"
    " correct it in respond.io.",
    "counterpart_deleted": "Every Salesforce contact with this key is deleted: restore one, or write the key on"
    " a live contact.",
    "decided_deleted": "The Salesforce contact that was decided is deleted: restore it, decide anew, or take the"
    " decision back: {decide} --revoke",
    "decided_nobody": "A person decided that it is nobody. To take that back: {decide} --revoke",
    "email_phone_disagree": "E-mail and phone point to different people: correct one of them, or decide:"
    " {decide} --salesforce ID --reason WHY --by NAME",
    "ambiguous": "Merge the duplicates in Salesforce, or decide: {decide} --salesforce ID --reason WHY --by NAME",
}
#: Of these nothing is matched, so nothing is withheld.
_OUT_OF_REACH = ("gone", "disconnected")


def add_commands(commands: words.Commands) -> None:
    parser = words.declare(
        commands,
        "explain",
        run,
        about="Explain one respond.io contact's match or miss: raw values, keys, rule, candidates, what to do."
        " With a Salesforce id, explain why a contact was created for the record, or none.",
        example="explain demo 104711\n  python -m contact_sync explain demo 003AB00000CdEfGYAZ",
    )
    parser.add_argument("workspace_id")
    parser.add_argument("contact", type=_contact, metavar="CONTACT", help="respond.io id, or Salesforce id")


def _contact(text: str) -> int | str:
    try:
        # a respond.io number that long would begin with 003 by a miracle
        is_number = text.isdecimal() and not (len(text) in (15, 18) and text.startswith("003"))
        return int(text) if is_number else creations.salesforce_id(text)
    except ValueError:
        raise argparse.ArgumentTypeError("give a respond.io contact's number or a Salesforce id") from None


def run(arguments: argparse.Namespace) -> None:
    """Read everything that decided, and print it."""
    with words.opened_database() as db:
        if isinstance(arguments.contact, str):
            case = creations.explanation(db, arguments.workspace_id, arguments.contact)
            output.answer(arguments, case, creations.lines(case))
            return
        document = explanation(db, arguments.workspace_id, arguments.contact)
    output.answer(arguments, document, _lines(document))


def explanation(db: database.Database, workspace_id: str, respond_id: int) -> dict[str, Any]:
    """Return the whole case; StopError if workspace or contact is unknown."""
    state = match_state(db, workspace_id, respond_id)
    scope = {"workspace_id": workspace_id, "respond_id": respond_id}
    values = [
        dict(row) for row in db.all("select_respond_values", workspace_id=workspace_id, respond_id=respond_id)
    ]
    found = [
        dict(row) for row in db.all("select_explanation", workspace_id=workspace_id, respond_id=respond_id)
    ]
    near = [
        dict(row) for row in db.all("select_near_misses", workspace_id=workspace_id, respond_id=respond_id)
    ]
    status, reason = _status(state)
    withheld = waits.of_contact(db, workspace_id, respond_id) if status not in _OUT_OF_REACH else None
    advice = _advice(
        status, _cause(state, reason), f"python -m contact_sync decide {workspace_id} {respond_id}"
    )
    return {
        **scope,
        "org_id": state["org_id"],
        "status": status,
        "reason": reason,
        "salesforce_id": state["salesforce_id"],
        "matched_by": state["matched_by"],
        "values": values,
        "candidates": found,
        "near_misses": near,
        "decision": _decision(state),
        "withheld": withheld,
        # what it says would change nothing now
        "advice": None if withheld else advice,
    }


def match_state(db: database.Database, workspace_id: str, respond_id: int) -> database.Row:
    """Return how a known contact stands."""
    tenants.known_workspace(db, workspace_id)
    state = db.one("select_match_state", workspace_id=workspace_id, respond_id=respond_id)
    if state is None:
        raise errors.StopError(
            f"respond contact {respond_id} is not known in workspace {workspace_id}: check the id, or wait for the"
            " next walk (python -m contact_sync run extract_respond_contacts)"
        )
    return state


def _status(state: database.Row) -> tuple[str, str | None]:
    if state["gone_at"] is not None:
        return "gone", None
    if state["org_id"] is None:
        return "disconnected", None
    if state["salesforce_id"] is not None:
        return "matched", None
    return (state["status"], state["reason"]) if state["status"] else ("not_looked_at", None)


def _decision(state: database.Row) -> dict[str, Any] | None:
    if state["decision_id"] is None:
        return None
    return {
        "salesforce_id": state["decided_salesforce_id"],
        "reason": state["decision_reason"],
        "decided_by": state["decided_by"],
        "decided_at": state["decided_at"],
    }


def _cause(state: database.Row, reason: str | None) -> str | None:
    """A decided contact that is deleted is the only counterpart that counts, whoever else has the key."""
    is_decided = state["decided_salesforce_id"] is not None
    return "decided_deleted" if is_decided and reason == "counterpart_deleted" else reason


def _advice(status: str, reason: str | None, decide: str) -> str | None:
    others = {
        "gone": "The contact no longer exists in respond.io.",
        "disconnected": "The workspace serves no org: workspace set --org ORG_ID",
        "not_looked_at": "Matching has not come to it yet: python -m contact_sync run all",
    }
    text = _ADVICE.get(reason or "") or (
        _ADVICE["ambiguous"] if status == "ambiguous" else others.get(status)
    )
    return text.format(decide=decide) if text else None


def _lines(document: Item) -> Iterator[str]:
    yield f"respond contact {document['respond_id']} of workspace {document['workspace_id']}: {_verdict(document)}"
    yield from _section("its values", _values(document["values"]))
    yield from _section("Salesforce contacts that share a key", _candidates(document["candidates"]))
    for near in document["near_misses"]:
        yield from _section(
            f"near miss, {near['salesforce_id']}: {near['nearness']}",
            output.table(("", "as written", "key"), _near(near), indent="  "),
        )
        yield f"  {near['rule']}: {near['verdict']}"
        yield f"  what to change: {near['hint']}"
    if decision := document["decision"]:
        chosen = decision["salesforce_id"] or "nobody"
        yield f"decided by {output.visible(decision['decided_by'])}: {chosen} ({output.visible(decision['reason'])})"
    if document["withheld"]:
        yield f"withheld: {document['withheld']}"
    if document["advice"]:
        yield f"what to do: {document['advice']}"


def _verdict(document: Item) -> str:
    if document["status"] == "matched":
        return f"matched with {document['salesforce_id']} by {document['matched_by']}"
    return ", ".join(filter(None, (document["status"], document["reason"])))


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"{title}:"
        yield from lines


def _values(values: Sequence[Item]) -> list[str]:
    rows = [
        (
            v["kind"],
            output.quoted(v["raw"]),
            v["region"] or None,
            v["key"] or f"no key: {v['reason'] or 'not normalized yet'}",
        )
        for v in values
    ]
    return output.table(("kind", "as written", "region", "key"), rows, indent="  ")


def _candidates(found: Sequence[Item]) -> list[str]:
    rows = [
        (
            c["effective_id"] or c["salesforce_id"],
            c["kind"],
            c["key"],
            _written(c),
            c["live_contacts"],
            c["verdict"],
        )
        for c in found
    ]
    headers = ("salesforce id", "kind", "key", "as written", "live contacts", "verdict")
    return output.table(headers, rows, indent="  ")


def _near(near: Item) -> list[tuple[str, str, str]]:
    return [
        ("respond.io", output.quoted(near["respond_value"]), near["key"]),
        (near["salesforce_field"], output.quoted(near["salesforce_value"]), near["salesforce_key"]),
    ]


def _written(candidate: Item) -> str:
    if not candidate["salesforce_values"]:
        return "-"
    return ", ".join(f"{name} {output.quoted(raw)}" for name, raw in candidate["salesforce_values"].items())
