"""One org and one workspace, filled by hand in SQL, and the stages to run over them."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from contact_sync import database
from contact_sync.stages import match_contacts, materialize_sidebar, normalize_contacts
from tests.raw_sql import RawSql

ORG = "00D000000000001EAA"
OTHER_ORG = "00D000000000002EAA"
WORKSPACE = "acme"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

#: What a second run must not write.
WRITTEN = (
    "salesforce_key",
    "respond_key",
    "contact_match",
    "match_issue",
    "sidebar_fields",
    "sidebar_layout",
)

_runs = itertools.count(1)


def person_id(number: int) -> str:
    """The id of the person of that number, so that tests read as numbers."""
    return f"003{number:015d}"


class House:
    """``person`` is a Salesforce contact, ``contact`` a respond contact; both are named by small numbers."""

    def __init__(self, db: database.Database, raw: RawSql) -> None:
        self.db = db
        self.raw = raw

    def org(self, org_id: str = ORG, **cells: Any) -> None:
        given = {"name": "Acme", "conn_id": "salesforce_default", "instance_url": "https://acme.example"}
        self.raw.insert("salesforce_org", org_id=org_id, connected_at=NOON, **{**given, **cells})

    def workspace(self, workspace_id: str = WORKSPACE, **cells: Any) -> None:
        given = {"org_id": ORG, "name": workspace_id, "respond_conn_id": "respond_io_default"}
        self.raw.insert("workspace", workspace_id=workspace_id, **{**given, **cells})

    def settings(self, workspace_id: str = WORKSPACE, **cells: Any) -> None:
        self.raw.update("workspace", {"workspace_id": workspace_id}, **cells)

    def person(self, number: int, org_id: str = ORG, **cells: Any) -> str:
        created = NOON + timedelta(minutes=number)
        given = {"created_at": created, "system_modstamp": created, "read_at": created}
        salesforce_id = person_id(number)
        self.raw.insert(
            "salesforce_contact", org_id=org_id, salesforce_id=salesforce_id, **{**given, **cells}
        )
        return salesforce_id

    def change_person(self, number: int, **cells: Any) -> None:
        self.raw.update("salesforce_contact", {"salesforce_id": person_id(number)}, **cells)

    def merge(self, loser: int, winner: int) -> None:
        self.change_person(loser, presence="deleted", master_record_id=person_id(winner))

    def contact(self, number: int, workspace_id: str = WORKSPACE, **cells: Any) -> int:
        given = {"org_id": ORG, "content_hash": b"", "seen_at": NOON, "written_by": "walk"}
        self.raw.insert("respond_contact", workspace_id=workspace_id, respond_id=number, **{**given, **cells})
        return number

    def change_contact(self, number: int, workspace_id: str = WORKSPACE, **cells: Any) -> None:
        self.raw.update("respond_contact", {"workspace_id": workspace_id, "respond_id": number}, **cells)

    def decide(self, contact: int, person: int | None, **cells: Any) -> None:
        self.raw.insert(
            "match_decision",
            **{"org_id": ORG, "workspace_id": WORKSPACE, "decided_by": "ada", **cells},
            respond_id=contact,
            salesforce_id=None if person is None else person_id(person),
        )

    def created(self, contact: int, person: int, status: str = "created") -> None:
        self.raw.insert(
            "contact_creation",
            org_id=ORG,
            workspace_id=WORKSPACE,
            salesforce_id=person_id(person),
            status=status,
            respond_id=contact,
        )

    def field(self, name: str, **cells: Any) -> None:
        """A field of the describe."""
        given = {"label": name, "type": "string", "updateable": True, "calculated": False, "seen_at": NOON}
        self.raw.insert("salesforce_field", org_id=ORG, name=name, **{**given, **cells})

    def choose(self, *names: str, workspace_id: str = WORKSPACE, editable: bool = False) -> None:
        self.raw("DELETE FROM sidebar_field_choice WHERE workspace_id = %(id)s", id=workspace_id)
        for position, name in enumerate(names, start=1):
            self.raw.insert(
                "sidebar_field_choice",
                workspace_id=workspace_id,
                position=position,
                field_name=name,
                editable=editable,
            )

    def normalize(self, org_id: str = ORG, **options: Any) -> dict[str, int]:
        return normalize_contacts.run(self.db, org_id=org_id, run_id=f"run-{next(_runs)}", **options)

    def pass_gate(self, org_id: str = ORG) -> None:
        """Let what was extracted count as judged: the suites have tests of their own."""
        self.raw(
            "INSERT INTO quality_run (org_id, run_id, why, verdict, measures)"
            " SELECT org_id, 'by hand', 'first_load', 'passed', '{}' FROM org_gate"
            " WHERE org_id = %(org)s AND waits_for = 'gate' AND ran_at IS NULL",
            org=org_id,
        )
        self.raw(
            "UPDATE extract_window SET judged_at = now()"
            " WHERE org_id = %(org)s AND status = 'proven' AND judged_at IS NULL",
            org=org_id,
        )

    def match(self, org_id: str = ORG, *, is_judged: bool = True) -> dict[str, int]:
        """Normalize, then match; the counts are the matching's. Not ``is_judged``: the gate's word is waited for."""
        self.normalize(org_id)
        if is_judged:
            self.pass_gate(org_id)
        return match_contacts.run(self.db, org_id=org_id, run_id=f"run-{next(_runs)}")

    def materialize(self, org_id: str = ORG) -> dict[str, int]:
        """Normalize, match, then materialize; the counts are the last one's."""
        self.match(org_id)
        return materialize_sidebar.run(self.db, org_id=org_id, run_id=f"run-{next(_runs)}")

    def verdict(self, contact: int, workspace_id: str = WORKSPACE) -> tuple[str, ...]:
        """``("email", "1")``: matched by e-mail with person 1; or ``("unmatched", reason)``; or nothing at all."""
        where = {"workspace": workspace_id, "contact": contact}
        matches = self.raw(
            "SELECT matched_by, salesforce_id FROM contact_match"
            " WHERE workspace_id = %(workspace)s AND respond_id = %(contact)s",
            **where,
        )
        issues = self.raw(
            "SELECT status, reason FROM match_issue"
            " WHERE workspace_id = %(workspace)s AND respond_id = %(contact)s",
            **where,
        )
        found = [(row["matched_by"], str(int(row["salesforce_id"][3:]))) for row in matches]
        found += [(row["status"], row["reason"]) for row in issues]
        assert len(found) <= 1, "a match and an issue at once"
        return found[0] if found else ()

    def row(self, contact: int, workspace_id: str = WORKSPACE) -> dict[str, Any]:
        """The sidebar row of a contact; empty if there is none."""
        rows = self.raw(
            "SELECT * FROM sidebar_fields WHERE workspace_id = %(workspace)s AND respond_id = %(contact)s",
            workspace=workspace_id,
            contact=contact,
        )
        return rows[0] if rows else {}
