"""decide: a person's remembered answer to an ambiguity, and taking it back."""

from __future__ import annotations

import argparse
from typing import Any

from contact_sync import database, errors, values
from contact_sync.cli import explaining, output, words

_LISTED = 20
#: Salesforce's pages show ids in their short form.
_SHORT_ID = 15


def add_commands(commands: words.Commands) -> None:
    parser = words.declare(
        commands,
        "decide",
        run,
        about="Decide which Salesforce contact a respond.io contact is, for all later runs, or take that back.",
        example="decide demo 104711 --salesforce 003000000000001AAA --reason 'same birthday' --by ada",
        changes=True,
    )
    parser.add_argument("workspace_id")
    parser.add_argument("respond_id", type=int)
    answer = parser.add_mutually_exclusive_group(required=True)
    answer.add_argument("--salesforce", metavar="ID", help="it is this contact, one of the candidates")
    answer.add_argument("--nobody", action="store_true", help="it is none of them")
    answer.add_argument("--revoke", action="store_true", help="take the standing decision back")
    parser.add_argument("--reason", help="why; kept with the decision")
    parser.add_argument("--by", metavar="NAME", help="who decides; kept with the decision")


def run(arguments: argparse.Namespace) -> None:
    """Check, remember, and say when it takes effect."""
    given = {"--reason": arguments.reason, "--by": arguments.by}
    missing = [option for option, text in given.items() if not (text or "").strip()]
    if missing and not arguments.revoke:
        raise errors.StopError(f"a decision is remembered with who and why: add {' and '.join(missing)}")
    with words.opened_database(is_rehearsal=arguments.dry_run) as db:
        document = _settle(db, arguments)
    document |= {"dry_run": arguments.dry_run}
    output.answer(arguments, document, [_told(document)])


def _settle(db: database.Database, arguments: argparse.Namespace) -> dict[str, Any]:
    state = explaining.match_state(db, arguments.workspace_id, arguments.respond_id)
    if state["org_id"] is None:
        raise errors.StopError(f"workspace {arguments.workspace_id} serves no org: there is nobody to choose")
    salesforce_id = _candidate(db, arguments) if arguments.salesforce else None
    is_standing = state["decision_id"] is not None
    is_same = is_standing and state["decided_salesforce_id"] == salesforce_id
    changed = is_standing if arguments.revoke else not is_same
    if changed:
        _write(db, arguments, state["org_id"], salesforce_id)
    return {
        "workspace_id": arguments.workspace_id,
        "respond_id": arguments.respond_id,
        "decision": "revoked" if arguments.revoke else salesforce_id or "nobody",
        "changed": changed,
    }


def _candidate(db: database.Database, arguments: argparse.Namespace) -> str:
    """Return the candidate meant, by 15 or 18 characters; StopError lists those there are."""
    rows = db.all("select_explanation", workspace_id=arguments.workspace_id, respond_id=arguments.respond_id)
    candidates = sorted({row["effective_id"] for row in rows if row["verdict"] in ("match", "candidate")})
    given = arguments.salesforce
    wanted = values.long_id(given) if len(given) == _SHORT_ID else given
    if wanted in candidates:
        return str(wanted)
    known = ", ".join(candidates[:_LISTED]) or "there are none"
    known += f" and {len(candidates) - _LISTED} more" if len(candidates) > _LISTED else ""
    raise errors.StopError(
        f"{output.visible(given)} is no candidate for respond contact {arguments.respond_id}; candidates: {known}"
    )


def _write(
    db: database.Database, arguments: argparse.Namespace, org_id: str, salesforce_id: str | None
) -> None:
    with db.transaction() as tx:
        tx.execute(
            "revoke_decision",
            org_id=org_id,
            workspace_id=arguments.workspace_id,
            respond_id=arguments.respond_id,
        )
        if not arguments.revoke:
            tx.execute(
                "insert_decision",
                org_id=org_id,
                workspace_id=arguments.workspace_id,
                respond_id=arguments.respond_id,
                salesforce_id=salesforce_id,
                reason=arguments.reason,
                decided_by=arguments.by,
            )


def _told(document: dict[str, Any]) -> str:
    if not document["changed"]:
        return "nothing to do: that is how it stands"
    verb = "would be" if document["dry_run"] else "is"
    return (
        f"respond contact {document['respond_id']}: the decision {verb} {document['decision']}."
        " It takes effect with the next match (python -m contact_sync run all)"
    )
