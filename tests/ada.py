"""A person who stands in every table that can hold one: what is said of all tables is said of her."""

from __future__ import annotations

import re

from tests.raw_sql import RawSql
from tests.stages.house import NOON, ORG, WORKSPACE, House, person_id

EMAIL = "Ada.Lovelace@example.com"
PHONE = "+44 20 7946 0958"
#: The person's number on both sides; no other number looks like it.
ADA, ADA_CONTACT = 70_707, 700_007_777
#: Times and digests, whose digits say anything by chance.
_BY_CHANCE = re.compile(r"\d\d:\d\d:\d\d\.\d+|\b[0-9a-f]{32,}\b|\\x[0-9a-f]{16,}")
TRACES = ("ovelace", "OVELACE", "7946", str(ADA), str(ADA_CONTACT), "Countess", "Enchantress")


def told(text: str) -> str:
    """Return what ``text`` tells on purpose: without fractions of seconds, and without digests."""
    return _BY_CHANCE.sub("", text)


def settle(house: House, raw: RawSql) -> House:
    """Put Ada into every table that can hold a person, and Bob, whom she shares a phone with, beside her."""
    mary = "+49 30 901820"
    house.person(ADA, first_name="Ada", last_name="Lovelace", email=EMAIL, phone=PHONE, mobile_phone=mary)
    house.change_person(
        ADA, payload={"Title": "Countess", "Fax": "call me"}, home_phone="7946 too long 12345678"
    )
    house.contact(ADA_CONTACT, first_name="Ada", last_name="Lovelace", email=EMAIL.lower(), phone=PHONE)
    house.person(2, last_name="Bob", email="bob@example.com", phone=mary)
    house.person(3, last_name="Twin", email="twin@example.com")
    house.contact(2, email="bob@example.com", phone=mary)
    house.decide(ADA_CONTACT, ADA, reason="she is the Countess Lovelace")
    house.materialize()
    house.contact(3, phone=mary)
    house.match()
    _queues(raw)
    house.change_person(ADA, email=EMAIL.upper())
    house.change_contact(ADA_CONTACT, country="GB")
    return house


def _queues(raw: RawSql) -> None:
    place = {"org_id": ORG, "workspace_id": WORKSPACE}
    raw.insert("extract_window", org_id=ORG, kind="backfill", status="running")
    raw.insert(
        "field_edit",
        **place,
        salesforce_id=person_id(ADA),
        target_salesforce_id=person_id(ADA),
        respond_id=ADA_CONTACT,
        field_name="Title",
        base_value='"Countess"',
        new_value='"Enchantress"',
        requested_by="ann@work",
    )
    raw.insert(
        "held_change", **place, kind="unmatch", affected=2, sample_ids=[str(ADA_CONTACT), "2", person_id(ADA)]
    )
    raw.insert(
        "quality_run", org_id=ORG, run_id="daily", why="daily", verdict="passed", measures={"contacts": 1}
    )
    raw.insert(
        "quality_result",
        quality_run_id=1,
        name="ids",
        is_met=False,
        observed=1,
        sample_ids=[person_id(2), person_id(ADA)],
    )
    raw.insert(
        "merged_set",
        window_id=1,
        locator="",
        rows_landed=2,
        rows_missing=0,
        rows_merged=2,
        salesforce_ids=[person_id(2), person_id(ADA)],
    )
    raw.insert("held_contact", **place, kind="unmatch", respond_id=ADA_CONTACT)
    raw.insert("contact_creation", **place, salesforce_id=person_id(ADA), status="creating")
    raw.insert(
        "creation_claim",
        workspace_id=WORKSPACE,
        kind="email",
        key=EMAIL.lower(),
        salesforce_id=person_id(ADA),
    )
    raw.insert(
        "quarantined_row",
        org_id=ORG,
        salesforce_id=person_id(ADA),
        raw='{"LastName": "Lovelace"}',
        reason="r",
    )
    raw.insert("quarantined_row", org_id=ORG, raw='{"Email": "Ada.Lovelace@example.com"}', reason="r")
    raw.insert("absent_winner", org_id=ORG, salesforce_id=person_id(ADA))
    raw.insert(
        "quarantined_row", **place, respond_id=ADA_CONTACT, raw='{"last_name": "Lovelace"}', reason="r"
    )
    raw.insert("quarantined_row", org_id=ORG, salesforce_id=person_id(2), raw="Bob", reason="r")
    raw.insert(
        "salesforce_listing", org_id=ORG, salesforce_id=person_id(ADA), system_modstamp=NOON, is_deleted=False
    )
    walk = "INSERT INTO respond_walk (workspace_id, began_at) VALUES ('acme', now()) RETURNING walk_id"
    raw.insert("respond_look", workspace_id=WORKSPACE, respond_id=ADA_CONTACT, asked_at=NOON)
    raw.insert("respond_walk_seen", walk_id=raw.value(walk), respond_id=ADA_CONTACT)
