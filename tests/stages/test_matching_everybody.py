"""Many changes at once: rows of the feed are shared, and one join matches everybody with the same outcome."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync import database
from contact_sync.stages import match_contacts, materialize_sidebar
from tests.stages.house import NOON, ORG, OTHER_ORG, WORKSPACE, WRITTEN, House, person_id

ADA = "ada@example.com"
PHONE = "+4930123456"
#: The columns of the mirror that a sidebar can show, and fields of the payload.
COLUMNS = (
    *("Id", "FirstName", "LastName", "Email", "Phone", "MobilePhone", "HomePhone", "OtherPhone"),
    *("MailingCountry", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById"),
    *("SystemModstamp", "IsDeleted", "MasterRecordId"),
)


@pytest.fixture
def broad(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of an org is many, however small the org."""
    for stage in (match_contacts, materialize_sidebar):
        monkeypatch.setattr(stage, "BROAD_FROM", 0)


def feed_everybody(house: House) -> None:
    for entity in ("respond_key", "sidebar_row"):
        house.raw.insert("pending_change", org_id=ORG, workspace_id=WORKSPACE, entity=entity)


def of_every_kind(house: House) -> None:
    """One contact of each verdict."""
    house.settings(shared_key_limit=2)
    house.person(1, email=ADA, phone=PHONE, first_name="Ada")
    house.person(2, email="twice@example.com")
    house.person(3, email="twice@example.com")
    house.person(4, email="gone@example.com", presence="deleted")
    for number in (5, 6, 7):
        house.person(number, email="shared@example.com")
    house.person(8, phone="+4930999999")
    for number, email in enumerate(
        (
            ADA,
            "twice@example.com",
            "gone@example.com",
            "shared@example.com",
            "nobody@example.com",
            "n/a",
            None,
        ),
        1,
    ):
        house.contact(number, email=email)
    house.contact(8, email=ADA, phone="+4930999999")
    house.contact(9, email="twice@example.com")
    house.decide(9, 3)
    house.contact(10, email="twice@example.com", gone_at=NOON)


def outcome(house: House) -> list[tuple[Any, ...]]:
    return [(number, *house.verdict(number), tuple(house.row(number).items())) for number in range(1, 11)]


def test_matching_everybody_decides_as_matching_those_concerned_does(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.choose("FirstName", "Email")
    of_every_kind(house)
    house.materialize()
    few = {table: house.raw.versions(table) for table in WRITTEN}
    assert [house.verdict(number)[0] for number in range(1, 10)] == [
        *("email", "ambiguous", "unmatched", "unmatched", "unmatched", "unmatched", "unmatched"),
        *("ambiguous", "decision"),
    ]
    for stage in (match_contacts, materialize_sidebar):
        monkeypatch.setattr(stage, "BROAD_FROM", 0)
    feed_everybody(house)
    counts = house.match()
    assert (counts["looked_at"], counts["written"]) == (10, 0)
    house.materialize()
    assert {table: house.raw.versions(table) for table in WRITTEN} == few


def crowds(house: House) -> None:
    """Keys that too many hold to be joined; for some contacts the only key, for some not."""
    for number in range(1, 23):
        house.person(number, email="office@example.com", phone="+4930100001")
        house.person(30 + number, email="left@example.com", presence="deleted")
    house.person(23, email=ADA, phone="+4930100001")
    house.workspace("generous", shared_key_limit=22)
    for workspace in (WORKSPACE, "generous"):
        house.contact(1, workspace_id=workspace, email="office@example.com")
        house.contact(2, workspace_id=workspace, email=ADA, phone="+4930100001")
        house.contact(3, workspace_id=workspace, email="left@example.com")
        house.contact(4, workspace_id=workspace, email="left@example.com", phone="+4930100001")
        house.contact(5, workspace_id=workspace, email="nobody@example.com", phone="+4930100001")


def test_matching_everybody_decides_of_crowded_keys_as_matching_those_concerned_does(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowds(house)
    house.match()
    few = [house.verdict(number, name) for name in (WORKSPACE, "generous") for number in range(1, 6)]
    assert few == [
        *(("unmatched", "shared_key"), ("email", "23"), ("unmatched", "counterpart_deleted")),
        *(("unmatched", "shared_key"), ("unmatched", "shared_key")),
        # 22 hold the e-mail, which is not too many there; with the one more that holds the phone it is
        *(("ambiguous", "several_by_email"), ("email", "23"), ("unmatched", "counterpart_deleted")),
        *(("unmatched", "shared_key"), ("unmatched", "shared_key")),
    ]
    monkeypatch.setattr(match_contacts, "BROAD_FROM", 0)
    for name in (WORKSPACE, "generous"):
        house.raw.insert("pending_change", org_id=ORG, workspace_id=name, entity="respond_key")
    assert house.match()["written"] == 0
    assert [house.verdict(number, name) for name in (WORKSPACE, "generous") for number in range(1, 6)] == few


@pytest.mark.usefixtures("broad")
@pytest.mark.parametrize("match_mode", ["normalized", "exact"])
def test_neither_other_orgs_nor_other_spellings_crowd_a_key(house: House, match_mode: str) -> None:
    house.settings(shared_key_limit=15, match_mode=match_mode)
    house.org(OTHER_ORG)
    for number in range(1, 13):
        house.person(number, email=ADA)
        house.person(100 + number, OTHER_ORG, email=ADA)
    house.contact(1, email=ADA)
    house.normalize(OTHER_ORG)
    house.match()
    assert house.verdict(1) == ("ambiguous", "several_by_email")


@pytest.mark.usefixtures("broad")
def test_what_the_planner_was_told_of_the_contested_ends_with_them(house: House) -> None:
    of_every_kind(house)
    house.normalize()
    house.pass_gate()
    with house.db.transaction() as tx:
        tx.execute("create_match_tables")
        tx.execute("claim_all_key_changes", org_id=ORG)
        match_contacts.process(tx, org_id=ORG, is_broad=True)
        with tx._driver().cursor() as cursor:
            cursor.execute("SELECT setting = reset_val FROM pg_settings WHERE name = 'random_page_cost'")
            assert cursor.fetchone() == (True,)


@pytest.mark.usefixtures("broad")
def test_everybody_is_matched_at_once_from_nothing(house: House) -> None:
    of_every_kind(house)
    house.materialize()
    assert house.verdict(1) == ("email", "1")
    assert house.verdict(4) == ("unmatched", "shared_key")
    assert house.verdict(9) == ("decision", "3")
    assert house.verdict(10) == ()
    assert house.raw.value("SELECT count(*) FROM pending_change") == 0


@pytest.mark.usefixtures("broad")
def test_matching_everybody_removes_what_contacts_left_that_are_no_longer_there(house: House) -> None:
    house.person(1, email=ADA)
    house.contact(1, email=ADA)
    house.contact(2, email="n/a")
    house.contact(3, email="bob@example.com")
    house.materialize()
    house.raw("DELETE FROM respond_contact WHERE respond_id IN (1, 2)")
    house.raw("DELETE FROM pending_change")
    feed_everybody(house)
    house.materialize()
    assert [house.verdict(number) for number in (1, 2)] == [(), ()]
    assert house.raw.column("SELECT respond_id FROM sidebar_fields") == []


@pytest.mark.usefixtures("broad")
def test_matching_everybody_leaves_other_orgs_workspaces_alone(house: House) -> None:
    house.workspace("other", org_id=None)
    house.person(1, email=ADA)
    house.contact(1, email=ADA)
    house.contact(1, workspace_id="other", email=ADA)
    house.materialize()
    assert house.verdict(1) == ("email", "1")
    assert house.verdict(1, "other") == ()


def test_a_large_write_shares_rows_of_the_feed(house: House) -> None:
    for number in range(1, 152):
        house.person(number, email=f"person{number}@example.com")
        house.contact(number, email=f"person{number}@example.com")
    house.normalize()
    rows = house.raw("SELECT entity, cardinality(entity_ids) AS entities FROM pending_change ORDER BY entity")
    assert [(row["entity"], row["entities"]) for row in rows] == [
        ("respond_key", 151),
        ("salesforce_key", 151),
    ]
    assert house.match()["matched"] == 151
    rows = house.raw("SELECT entity, cardinality(entity_ids) AS entities FROM pending_change")
    assert [(row["entity"], row["entities"]) for row in rows] == [("sidebar_row", 151)]
    assert house.materialize()["written"] == 151


def test_a_small_write_feeds_one_row_per_entity(house: House) -> None:
    for number in (1, 2):
        house.contact(number, email=f"person{number}@example.com")
    house.normalize()
    assert house.raw.column("SELECT entity_id FROM pending_change ORDER BY entity_id") == ["1", "2"]


def test_a_crowded_key_makes_no_candidates(house: House) -> None:
    """As many hold it on both sides as would be a hundred pairs: none of these is ever made."""
    for number in range(1, 11):
        house.person(number, phone=PHONE, email=f"person{number}@example.com")
        house.contact(number, phone=PHONE, email=f"person{number}@example.com")
    house.normalize()
    with house.db.transaction(is_undone=True) as tx:
        match_contacts.match_changed(house.db, tx, org_id=ORG, hands=1)
        with tx._driver().cursor() as cursor:
            cursor.execute("SELECT count(*), count(email_key), count(phone_key) FROM candidate")
            assert cursor.fetchone() == (10, 10, 0)


# What a row shows


def test_each_column_shows_what_the_mirror_holds(house: House) -> None:
    house.choose(*COLUMNS, "Title", "Score__c", "Absent__c")
    house.person(
        1,
        **{"first_name": "Ada", "last_name": "O'Neil", "email": ADA, "phone": PHONE, "mobile_phone": "1"},
        **{"home_phone": "2", "other_phone": "3", "country": "DE", "created_by_id": "005000000000001AAA"},
        last_modified_at=NOON,
        payload={"Title": None, "Score__c": 1.5, "Unchosen": "x"},
    )
    house.contact(1, email=ADA)
    house.materialize()
    expected = house.raw.value(
        "SELECT salesforce_values(c) - 'Unchosen' FROM salesforce_contact c WHERE salesforce_id = %(id)s",
        id=person_id(1),
    )
    assert house.row(1)["fields"] == expected
    assert set(expected) == {*COLUMNS, "Title", "Score__c"}


def test_more_fields_than_a_function_takes_arguments(house: House) -> None:
    names = [f"Field{number}__c" for number in range(1, 130)]
    house.choose(*names, "LastName")
    house.person(1, email=ADA, last_name="Lovelace", payload=dict.fromkeys(names, "v"))
    house.contact(1, email=ADA)
    house.materialize()
    assert house.row(1)["fields"] == {**dict.fromkeys(names, "v"), "LastName": "Lovelace"}


def test_a_field_named_like_sql_is_only_a_name(house: House) -> None:
    name = "x'); DROP TABLE workspace; --%s"
    house.choose(name)
    house.person(1, email=ADA, payload={name: "v"})
    house.contact(1, email=ADA)
    house.materialize()
    assert house.row(1)["fields"] == {name: "v"}


def test_a_first_match_of_very_many_names_their_workspace_and_not_each_of_them(house: House) -> None:
    house.raw(
        "INSERT INTO contact_match (org_id, workspace_id, respond_id, salesforce_id, matched_by)"
        " SELECT %(org)s, %(workspace)s, n, '003' || lpad(n::text, 15, '0'), 'email'"
        " FROM generate_series(1, 100001) AS n",
        org=ORG,
        workspace=WORKSPACE,
    )
    assert house.raw("SELECT workspace_id, entity, entity_id, entity_ids FROM pending_change") == [
        {"workspace_id": WORKSPACE, "entity": "sidebar_row", "entity_id": None, "entity_ids": None}
    ]


@pytest.mark.parametrize("has_used_some", [False, True])
def test_working_tables_of_everybody_stay_in_memory_where_a_session_has_used_none(
    database_url: str, *, has_used_some: bool
) -> None:
    db = database.Database(database_url)
    with db.transaction() as tx, tx._driver().cursor() as cursor:
        if has_used_some:
            cursor.execute("CREATE TEMPORARY TABLE used AS SELECT 1")
        tx.one("keep_working_tables_in_memory")
        cursor.execute("SHOW temp_buffers")
        assert cursor.fetchone() == ("64MB" if has_used_some else "256MB",)
    db.close()
