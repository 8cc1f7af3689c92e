"""explain, for a Salesforce record: why a respond.io contact was created for it, or none, and what that rests on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from contact_sync import database, errors, tenants, values
from contact_sync.cli import output

Item = Mapping[str, Any]

_ADVICE = {
    "before_switch_on": "It was made before automatic creation was switched on; only later ones are created.",
    "bulk_import": "Bulk imports are left out here: workspace set WORKSPACE --include-bulk-imports on plans them.",
    "no_key": "Give the record a usable e-mail or phone in Salesforce.",
    "matched": "It is matched with a contact that is there already.",
    "ambiguous": "It shares a key with others: decide or merge, then it is planned.",
    "shared_key": "Too many records share its keys: give it one of its own.",
    "same_person": "A contact was created for another record with the same e-mail or phone.",
    "was_present": "Its contact was there and was deleted at respond.io; that stands.",
    "deleted": "The record is deleted in Salesforce.",
    "erased": "The person was erased and is not brought back.",
    "switched_off": "Automatic creation was switched off.",
}


def salesforce_id(text: str) -> str:
    """Return the 18-character form of a Salesforce id. ValueError for anything else."""
    if not re.fullmatch(r"[0-9A-Za-z]{15}([0-9A-Za-z]{3})?", text):
        raise ValueError("no Salesforce id")
    return text if len(text) == 18 else values.long_id(text)


def explanation(db: database.Database, workspace_id: str, wanted: str) -> dict[str, Any]:
    """Return the whole case; StopError if workspace or record is unknown."""
    workspace = tenants.known_workspace(db, workspace_id)
    found = db.one("select_creation_case", workspace_id=workspace_id, salesforce_id=wanted)
    if found is None:
        raise errors.StopError(f"org {workspace['org_id']} has no contact {wanted} that was read")
    row: Item = dict(found)
    case = {"workspace_id": workspace_id, "salesforce_id": wanted, **row}
    return {
        **case,
        "status": row["status"] or "not_planned",
        "came_in": _came_in(row),
        "advice": _advice(row),
    }


def lines(case: Item) -> Iterator[str]:
    """Tell a person."""
    verdict = ", ".join(filter(None, (case["status"], case["rule"], case["error_code"])))
    yield f"salesforce contact {case['salesforce_id']} in workspace {case['workspace_id']}: {verdict}"
    yield f"  made              {output.visible(case['created_at'])} UTC by {case['created_by_id']}"
    yield f"  came in           {case['came_in']}"
    if case["respond_id"]:
        tags = ", ".join(case["tags"]) or "no tag of ours"
        yield f"  respond contact   {case['respond_id']}, found by {case['identifier']}, {tags}"
    if case["error_detail"]:
        yield f"  said              {output.visible(case['error_detail'])}"
    if case["advice"]:
        yield f"what to do: {case['advice']}"


def _came_in(row: Item) -> str:
    if row["bulk_judged_at"] is None:
        return "not judged yet: two minutes after it was made, once the bulk jobs were listed"
    evidence = row["bulk_evidence"] or {}
    job = (
        f"while {evidence['job_type']} job {evidence['job_id']} of its creator ran"
        if "job_id" in evidence
        else ""
    )
    found = " and ".join(filter(None, (job, _crowd(evidence))))
    how = "by bulk import" if row["is_bulk_import"] else "by hand"
    return f"{how}: {found}" if found else how


def _crowd(evidence: Item) -> str:
    """Whom it came with, in the measure that counted then; nothing if it came alone."""
    if evidence.get("burst", 0) < 2:
        return ""
    measure = (
        f" within {evidence['burst_seconds']:g} s ({evidence['burst_size']} count as a bulk import)"
        if "burst_size" in evidence
        else ""
    )
    return f"one of {evidence['burst']} of its creator{measure}"


def _advice(row: Item) -> str | None:
    if row["rule"]:
        return _ADVICE[row["rule"]]
    if row["status"] == "rejected":
        return "Correct the record's e-mail or phone in Salesforce, then create the contact at respond.io by hand."
    if row["status"] == "held":
        return "The quality gate withholds the org's records: repair them, or python -m contact_sync approve"
    if row["status"] is not None:
        return None
    if row["auto_create_since"] is None:
        return "Automatic creation is off: workspace set WORKSPACE --auto-create on"
    if row["created_at"] is not None and row["created_at"] < row["auto_create_since"]:
        return _ADVICE["before_switch_on"]
    return "It is looked at within a few minutes, once it is judged, normalized and matched."
