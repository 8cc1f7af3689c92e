"""What the database itself holds: constraints, legal status changes, the change feed, privileges, views."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg2 import errors as sqlstate

from contact_sync import database
from tests.raw_sql import RawSql
from tests.stages.house import NOON, ORG, OTHER_ORG, WORKSPACE, House, person_id


@pytest.fixture
def house(db: database.Database, raw: RawSql) -> House:
    """One org and one workspace that serves it; nothing queued."""
    found = House(db, raw)
    found.org()
    found.workspace()
    return found


def queued(raw: RawSql) -> list[tuple[str, str | None, str | None]]:
    """The change feed as (entity, entity_id, workspace_id); empties it."""
    rows = raw("DELETE FROM pending_change RETURNING entity, entity_id, workspace_id")
    return sorted(((r["entity"], r["entity_id"], r["workspace_id"]) for r in rows), key=str)


# Constraints


@pytest.mark.parametrize(
    ("table", "cells"),
    [
        ("salesforce_org", {"org_id": "00D000000000001", "name": "short", "conn_id": "c"}),
        ("salesforce_org", {"org_id": ORG, "name": "n", "conn_id": "c", "poll_seconds": 1}),
        ("salesforce_org", {"org_id": ORG, "name": "n", "conn_id": "c", "default_region": "Germany"}),
        ("workspace", {"workspace_id": "a b", "name": "n", "respond_conn_id": "c"}),
        ("workspace", {"workspace_id": "a", "name": "n", "respond_conn_id": "c", "match_mode": "fuzzy"}),
        ("workspace", {"workspace_id": "a", "name": "n", "respond_conn_id": "c", "shared_key_limit": 0}),
        ("workspace", {"workspace_id": "a", "name": "n", "respond_conn_id": "c", "brake_share": 2}),
        ("pending_change", {"org_id": ORG, "entity": "lead"}),
        ("key_rule", {"kind": "email", "region": "", "raw_digest": b"", "rules_version": "1"}),
        (
            "contact_match",
            {
                "org_id": ORG,
                "workspace_id": "a",
                "respond_id": 1,
                "salesforce_id": person_id(1),
                "matched_by": "luck",
            },
        ),
        (
            "match_issue",
            {
                "org_id": ORG,
                "workspace_id": "a",
                "respond_id": 1,
                "status": "ambiguous",
                "reason": "no_counterpart",
            },
        ),
        (
            "sidebar_fields",
            {"org_id": ORG, "workspace_id": "a", "respond_id": 1, "match_status": "matched"},
        ),
    ],
)
def test_a_row_that_cannot_be_is_refused(raw: RawSql, table: str, cells: dict[str, Any]) -> None:
    with pytest.raises(sqlstate.CheckViolation):
        raw.insert(table, **cells)


def test_a_contact_has_one_standing_decision(house: House) -> None:
    house.decide(1, 1)
    with pytest.raises(sqlstate.UniqueViolation):
        house.decide(1, 2)


def test_a_contact_needs_its_org(house: House) -> None:
    with pytest.raises(sqlstate.ForeignKeyViolation):
        house.raw.insert(
            "salesforce_contact",
            org_id=OTHER_ORG,
            salesforce_id=person_id(1),
            system_modstamp=NOON,
            read_at=NOON,
        )


def test_contacts_go_with_their_org(house: House) -> None:
    house.person(1)
    house.raw("UPDATE workspace SET org_id = NULL")
    house.raw("DELETE FROM salesforce_org")
    assert house.raw.value("SELECT count(*) FROM salesforce_contact") == 0


@pytest.mark.parametrize("text", ["0035g00000000001", "0035g0000000000-AA", "0035g0000000001AAAA", ""])
def test_an_id_has_18_letters_and_digits(raw: RawSql, text: str) -> None:
    with pytest.raises(sqlstate.CheckViolation):
        raw("SELECT %(id)s::salesforce_id", id=text)


def test_a_window_is_proven_only_if_it_adds_up(house: House) -> None:
    house.raw.insert(
        "extract_window", org_id=ORG, kind="initial", status="running", rows_reported=2, read_until=NOON
    )
    with pytest.raises(sqlstate.CheckViolation):
        house.raw("UPDATE extract_window SET status = 'proven', rows_landed = 1")
    house.raw("UPDATE extract_window SET status = 'proven', rows_landed = 1, rows_quarantined = 1")


# Legal status changes

CREATION = "planned creating created tagged adopted skipped held rejected".split()
CREATION_LEGAL = set(
    "planned>creating creating>created created>tagged planned>adopted creating>adopted planned>skipped"
    " skipped>planned planned>held held>planned creating>planned planned>rejected creating>rejected".split()
)
EDIT = "queued applying applied conflict rejected discarded superseded parked".split()
EDIT_LEGAL = set(
    "queued>applying applying>applied applying>conflict applying>rejected queued>discarded queued>superseded"
    " queued>rejected queued>conflict queued>parked parked>queued applying>queued applying>parked"
    " applying>superseded parked>superseded parked>discarded parked>rejected".split()
)
SETTLED = {"applied", "conflict", "rejected", "discarded", "superseded"}


def illegal(statuses: list[str], legal: set[str]) -> list[tuple[str, str]]:
    return [(a, b) for a in statuses for b in statuses if a != b and f"{a}>{b}" not in legal]


def creation(status: str) -> dict[str, Any]:
    return {"status": status, "respond_id": 1, "rule": "no_key" if status == "skipped" else None}


def edit(status: str) -> dict[str, Any]:
    return {"status": status, "settled_at": NOON if status in SETTLED else None}


def insert_creation(raw: RawSql, status: str) -> None:
    keys = {"org_id": ORG, "workspace_id": WORKSPACE, "salesforce_id": person_id(1)}
    raw.insert("contact_creation", **keys, **creation(status))


def insert_edit(raw: RawSql, status: str) -> None:
    who = {"salesforce_id": person_id(1), "target_salesforce_id": person_id(1), "requested_by": "ada"}
    raw.insert("field_edit", org_id=ORG, workspace_id=WORKSPACE, field_name="Title", **who, **edit(status))


def test_a_creation_takes_only_legal_ways(raw: RawSql) -> None:
    for before, after in illegal(CREATION, CREATION_LEGAL):
        raw("DELETE FROM contact_creation")
        insert_creation(raw, before)
        with pytest.raises(sqlstate.CheckViolation, match=f"from {before} to {after}"):
            raw.update("contact_creation", {"workspace_id": WORKSPACE}, **creation(after))


@pytest.mark.parametrize("way", sorted(CREATION_LEGAL))
def test_a_creation_may_go_the_legal_ways(raw: RawSql, way: str) -> None:
    before, after = way.split(">")
    insert_creation(raw, before)
    raw.update("contact_creation", {"workspace_id": WORKSPACE}, **creation(after))


def test_an_edit_takes_only_legal_ways(raw: RawSql) -> None:
    for before, after in illegal(EDIT, EDIT_LEGAL):
        raw("DELETE FROM field_edit")
        insert_edit(raw, before)
        with pytest.raises(sqlstate.CheckViolation, match=f"from {before} to {after}"):
            raw.update("field_edit", {"workspace_id": WORKSPACE}, **edit(after))


@pytest.mark.parametrize("way", sorted(EDIT_LEGAL))
def test_an_edit_may_go_the_legal_ways_and_its_history_tells(raw: RawSql, way: str) -> None:
    before, after = way.split(">")
    insert_edit(raw, before)
    raw.update("field_edit", {"workspace_id": WORKSPACE}, **edit(after))
    events = raw("SELECT from_status, to_status FROM edit_event ORDER BY event_id")
    assert [tuple(event.values()) for event in events] == [(None, before), (before, after)]


def test_history_cannot_be_rewritten(raw: RawSql) -> None:
    insert_edit(raw, "queued")
    with pytest.raises(sqlstate.CheckViolation, match="append-only"):
        raw("UPDATE edit_event SET actor = 'somebody else'")


def test_two_edits_of_one_field_are_never_in_flight_at_once(raw: RawSql) -> None:
    insert_edit(raw, "applying")
    with pytest.raises(sqlstate.UniqueViolation):
        insert_edit(raw, "applying")


# The change feed


def test_a_new_person_is_work_for_normalizing_alone(house: House) -> None:
    house.person(1, email="ada@example.com")
    assert queued(house.raw) == [("salesforce_contact", person_id(1), None)]


@pytest.mark.parametrize(
    ("cells", "entities"),
    [
        ({"email": "new@example.com"}, ["salesforce_contact", "sidebar_row"]),
        ({"country": "DE"}, ["salesforce_contact", "sidebar_row"]),
        ({"presence": "deleted"}, ["salesforce_contact", "sidebar_row"]),
        ({"first_name": "Ada"}, ["sidebar_row"]),
        ({"payload": {"Title": "Dr"}}, ["sidebar_row"]),
        ({"master_record_id": person_id(2)}, ["salesforce_contact"]),
        ({"bulk_judged_at": NOON}, []),
    ],
)
def test_a_changed_person_is_work_for_those_concerned(
    house: House, cells: dict[str, Any], entities: list[str]
) -> None:
    house.person(1)
    queued(house.raw)
    house.change_person(1, **cells)
    assert [entity for entity, _, _ in queued(house.raw)] == entities


@pytest.mark.parametrize(
    ("cells", "is_work"),
    [
        ({"email": "a@x.com"}, True),
        ({"country": "DE"}, True),
        ({"gone_at": NOON}, True),
        ({"first_name": "A"}, False),
    ],
)
def test_a_changed_respond_contact_is_work_if_its_keys_may_change(
    house: House, cells: dict[str, Any], is_work: bool
) -> None:
    house.contact(1)
    assert queued(house.raw) == [("respond_contact", "1", WORKSPACE)]
    house.change_contact(1, **cells)
    assert bool(queued(house.raw)) is is_work


@pytest.mark.parametrize(
    ("cells", "changes"),
    [
        ({"default_region": "DE"}, [("respond_contact", None, WORKSPACE)]),
        ({"shared_key_limit": 2}, [("respond_key", None, WORKSPACE)]),
        ({"ambiguous_policy": "most_recent"}, [("respond_key", None, WORKSPACE)]),
        ({"editing_enabled": True}, [("sidebar_row", "layout", WORKSPACE)]),
        ({"name": "New name"}, []),
        (
            {"match_mode": "exact"},
            [
                ("respond_contact", None, WORKSPACE),
                ("respond_key", None, WORKSPACE),
                ("salesforce_contact", None, None),
            ],
        ),
    ],
)
def test_a_setting_is_work_for_those_concerned(
    house: House, cells: dict[str, Any], changes: list[tuple[str, str | None, str | None]]
) -> None:
    house.settings(**cells)
    assert queued(house.raw) == changes


def test_a_change_and_its_feed_commit_together(house: House) -> None:
    with pytest.raises(RuntimeError), house.db.transaction() as tx:
        tx.script("UPDATE workspace SET shared_key_limit = 2")
        raise RuntimeError
    assert queued(house.raw) == []


# Privileges


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE contact_sync.mine (id int)",
        "ALTER TABLE workspace ADD COLUMN mine int",
        "DROP TABLE workspace",
        "INSERT INTO schema_migration (name) VALUES ('9999_mine.sql')",
        "ALTER TABLE workspace DISABLE TRIGGER ALL",
        "TRUNCATE workspace CASCADE",
    ],
)
def test_the_application_cannot_change_the_schema(raw: RawSql, statement: str) -> None:
    with pytest.raises(sqlstate.InsufficientPrivilege):
        raw(statement)


def test_the_application_is_no_superuser(raw: RawSql) -> None:
    assert raw("SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user") == [
        {"rolsuper": False, "rolcreatedb": False, "rolcreaterole": False}
    ]


# Views


def test_the_overview_counts_by_reason(house: House) -> None:
    house.person(1, email="ada@example.com")
    for number, email in enumerate(["ada@example.com", "n/a", "bob@example.com", "eve@example.com"]):
        house.contact(number, email=email)
    house.match()
    rows = house.raw("SELECT status, reason, contacts FROM match_overview ORDER BY status, reason")
    assert [tuple(row.values()) for row in rows] == [
        ("matched", "email", 1),
        ("unmatched", "invalid_identifier", 1),
        ("unmatched", "no_counterpart", 2),
    ]


def test_an_explanation_shows_both_raw_values_and_the_key(house: House) -> None:
    house.person(1, email=" Ada@Example.com")
    house.contact(1, email="ada@example.com")
    house.match()
    [row] = house.raw("SELECT respond_value, key, salesforce_values, verdict FROM match_explanation")
    assert row == {
        "respond_value": "ada@example.com",
        "key": "ada@example.com",
        "salesforce_values": {"Email": " Ada@Example.com"},
        "verdict": "match",
    }


def test_a_shared_key_is_explained_in_one_row(house: House) -> None:
    house.settings(shared_key_limit=1)
    for number in (1, 2, 3):
        house.person(number, email="info@example.com")
    house.contact(1, email="info@example.com")
    house.match()
    [row] = house.raw("SELECT salesforce_id, live_contacts, verdict FROM match_explanation")
    assert row == {"salesforce_id": None, "live_contacts": 3, "verdict": "shared"}


def test_each_candidate_of_an_ambiguity_is_explained(house: House) -> None:
    for number in (1, 2):
        house.person(number, email="ada@example.com")
    house.person(3, email="ada@example.com", presence="deleted")
    house.contact(1, email="ada@example.com")
    house.match()
    rows = house.raw("SELECT salesforce_id, verdict FROM match_explanation ORDER BY salesforce_id")
    assert [tuple(row.values()) for row in rows] == [
        (person_id(1), "candidate"),
        (person_id(2), "candidate"),
        (person_id(3), "deleted"),
    ]
