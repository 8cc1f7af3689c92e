"""A person is erased everywhere at once, others are left as they are, and nobody comes back unseen."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from psycopg2 import sql

from contact_sync import database, erasure, errors, tombstones
from contact_sync.stages import _respond_mirror, match_contacts, materialize_sidebar, normalize_contacts
from tests.ada import ADA, ADA_CONTACT, EMAIL, PHONE, TRACES, settle, told
from tests.raw_sql import RawSql
from tests.stages.house import NOON, ORG, WORKSPACE, House, person_id


@pytest.fixture
def house(db: database.Database, raw: RawSql) -> House:
    built = House(db, raw)
    built.org()
    built.workspace(editing_enabled=True)
    built.field("Title")
    built.choose("Title", editable=True)
    return built


@pytest.fixture
def ada(house: House, raw: RawSql) -> House:
    """Ada in every table that can hold a person, and Bob beside her."""
    return settle(house, raw)


def erase(house: House, **named: Any) -> erasure.Erased:
    return erasure.erase(house.db, org_id=ORG, named=erasure.Named(**named))


def traces(raw: RawSql, *wanted: str) -> list[tuple[str, str]]:
    """(table, trace) of every row of every table whose text holds one of the traces."""
    tables = raw(
        "SELECT schemaname, tablename FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND schemaname NOT LIKE 'pg_temp%%'"
    )
    found = []
    for table in tables:
        text = sql.SQL("SELECT t::text AS line FROM {} t").format(
            sql.Identifier(table["schemaname"], table["tablename"])
        )
        lines = [told(row["line"]) for row in raw(text)]
        found += [(table["tablename"], trace) for trace in wanted for line in lines if trace in line]
    return found


# Everywhere


def test_the_house_holds_the_person_in_every_table_that_can(ada: House, raw: RawSql) -> None:
    held = {table for table, _ in traces(raw, *TRACES)}
    assert held >= {
        "salesforce_contact", "respond_contact", "salesforce_key", "respond_key", "key_rule", "contact_match",
        "match_issue", "match_decision", "sidebar_fields", "field_edit", "edit_event", "held_change",
        "contact_creation", "creation_claim", "quarantined_row", "salesforce_listing", "respond_walk_seen",
        "respond_look", "absent_winner", "pending_change",
        "quality_result", "merged_set", "held_contact",
    }  # fmt: skip


@pytest.mark.parametrize(
    "named",
    [
        {"salesforce_id": person_id(ADA)},
        {"contact": (WORKSPACE, ADA_CONTACT)},
        {"key": ("email", EMAIL.lower())},
        {"key": ("phone", "+442079460958")},
    ],
    ids=["record", "contact", "email", "phone"],
)
def test_nothing_of_the_person_is_left_in_any_table(ada: House, raw: RawSql, named: dict[str, Any]) -> None:
    erased = erase(ada, **named)
    assert (erased.salesforce_ids, erased.respond_ids) == ((person_id(ADA),), ((WORKSPACE, ADA_CONTACT),))
    assert traces(raw, *TRACES) == []
    ada.materialize()
    assert traces(raw, *TRACES) == []


def test_others_stay_as_they_are(ada: House) -> None:
    erase(ada, salesforce_id=person_id(ADA))
    ada.materialize()
    assert ada.verdict(2) == ("email+phone", "2")
    # the phone that two had is Bob's alone now
    assert ada.verdict(3) == ("phone", "2")


def test_a_rows_own_quarantine_is_spared(ada: House, raw: RawSql) -> None:
    erase(ada, salesforce_id=person_id(ADA))
    assert raw.column("SELECT raw FROM quarantined_row") == ["Bob"]


def test_a_landed_row_is_erased_and_counted(house: House, raw: RawSql) -> None:
    raw.insert("extract_window", org_id=ORG, kind="initial", status="running")
    raw.insert(
        "salesforce_landing", window_id=1, row_number=0, record={"Id": person_id(ADA), "LastName": "Lovelace"}
    )
    erase(house, salesforce_id=person_id(ADA))
    assert traces(raw, "Lovelace") == []
    assert raw.value("SELECT rows_erased FROM extract_window") == 1


def test_records_merged_with_the_person_go_too(house: House, raw: RawSql) -> None:
    for number in (1, 2, 3):
        house.person(number, email=f"ada{number}@example.com")
    house.merge(1, 2)
    house.merge(2, 3)
    assert len(erase(house, salesforce_id=person_id(2)).salesforce_ids) == 3
    assert raw.value("SELECT count(*) FROM salesforce_contact") == 0


def test_merges_in_a_circle_end(house: House) -> None:
    house.person(1), house.person(2)
    house.merge(1, 2)
    house.merge(2, 1)
    assert len(erase(house, salesforce_id=person_id(1)).salesforce_ids) == 2


def test_a_person_whom_nobody_has_normalized_yet_is_erased_whole(house: House, raw: RawSql) -> None:
    house.person(ADA, email=EMAIL)
    erase(house, salesforce_id=person_id(ADA))
    assert traces(raw, *TRACES) == []
    house.person(2, email=EMAIL.lower())
    house.match()
    assert raw.value("SELECT count(*) FROM salesforce_contact") == 0


def test_a_record_that_never_landed_is_kept_out(house: House, raw: RawSql) -> None:
    assert erase(house, salesforce_id=person_id(ADA)).rows == 0
    assert raw.value("SELECT count(*) FROM erased_person") == 2


def test_each_table_is_erased_from_or_holds_nobody(ada: House, raw: RawSql) -> None:
    """A new table belongs into the house above, or here with the reason that it can hold nobody."""
    holds_nobody = {
        "api_limit", "api_usage", "rate_bucket", "stage_run", "match_day", "schema_migration",  # counts and times
        "analyst_column", "analyst_salt",  # names of columns, random bytes
        "salesforce_org", "salesforce_token", "salesforce_authorization", "workspace", "creation_pace",  # tenants
        "salesforce_field", "salesforce_field_event", "sidebar_field_choice", "sidebar_layout",  # fields, no values
        "extract_window", "quality_run", "respond_walk", "webhook_event",  # runs
        "erased_person",  # digests
        "salesforce_landing",  # tested below
    }  # fmt: skip
    tables = set(raw.column("SELECT tablename FROM pg_tables WHERE schemaname = 'contact_sync'"))
    assert tables - {table for table, _ in traces(raw, *TRACES)} - holds_nobody == set()


# Without a key in any table


@pytest.mark.parametrize("state", ["gone", "disconnected", "waiting"])
def test_a_contact_that_holds_no_key_is_found_by_the_persons(ada: House, raw: RawSql, state: str) -> None:
    ada.workspace("branch")
    ada.contact(9, "branch", last_name="Lovelace", email=f" {EMAIL}")
    ada.contact(10, "branch", last_name="Bob", email="bob@example.com", phone=PHONE)
    if state != "waiting":
        ada.materialize()
    if state == "gone":
        raw("UPDATE respond_contact SET gone_at = now() WHERE workspace_id = 'branch'")
        ada.materialize()
    if state == "disconnected":
        ada.db.execute("disconnect_workspace", workspace_id="branch", sentence="It waits.")
    erased = erase(ada, salesforce_id=person_id(ADA))
    assert ("branch", 9) in erased.respond_ids
    assert raw.column("SELECT respond_id FROM respond_contact WHERE workspace_id = 'branch'") == [10]


def test_a_gone_contacts_value_that_no_rule_knows_is_read(ada: House, raw: RawSql) -> None:
    ada.contact(9, last_name="Lovelace", phone="020 7946 0958", country="GB", gone_at=NOON)
    raw("DELETE FROM key_rule WHERE kind = 'phone'")
    raw("DELETE FROM pending_change")
    erase(ada, key=("email", EMAIL.lower()))
    assert 9 not in raw.column("SELECT respond_id FROM respond_contact")


@pytest.mark.parametrize(
    "key", [("email", EMAIL.lower()), ("phone", "+442079460958")], ids=["email", "phone"]
)
def test_a_key_names_people_whom_nobody_has_normalized_yet(
    house: House, raw: RawSql, key: tuple[str, str]
) -> None:
    house.person(ADA, last_name="Lovelace", email=EMAIL, phone=PHONE)
    house.contact(ADA_CONTACT, last_name="Lovelace", email=EMAIL, phone=PHONE)
    house.person(2, last_name="Bob", email="bob@example.com")
    erased = erase(house, key=key)
    assert (erased.salesforce_ids, erased.respond_ids) == ((person_id(ADA),), ((WORKSPACE, ADA_CONTACT),))
    assert traces(raw, *TRACES) == []


def test_a_key_that_nobody_holds_is_kept_out(house: House, raw: RawSql) -> None:
    assert erase(house, key=("email", EMAIL.lower())).own_keys == 1
    house.person(ADA, email=EMAIL)
    house.contact(ADA_CONTACT, email=EMAIL)
    house.materialize()
    assert traces(raw, *TRACES) == []


def test_a_phone_that_somebody_not_normalized_holds_stays_theirs(house: House) -> None:
    house.person(ADA, email=EMAIL, phone=PHONE)
    house.match()
    house.person(2, email="bob@example.com", mobile_phone=PHONE)
    assert erase(house, salesforce_id=person_id(ADA)).shared_keys == 1
    house.contact(2, phone=PHONE)
    house.match()
    assert house.verdict(2) == ("phone", "2")


def test_a_quarantined_row_of_an_id_that_never_landed_is_found_by_its_values(ada: House, raw: RawSql) -> None:
    raw("DELETE FROM quarantined_row")
    kept = [
        '{"Email": "jo.Ada.Lovelace@example.com"}',
        '{"Email": "Ada.Lovelace@example.com.au"}',
        f'{{"Email": "bob@example.com", "Phone": "{PHONE}"}}',
    ]
    gone = ['{"Email": "ADA.lovelace@example.com"}', f'{{"LastName": "Lovelace", "Phone": "{PHONE}"}}']
    for number, row in enumerate([*kept, *gone], start=90):
        raw.insert("quarantined_row", org_id=ORG, salesforce_id=person_id(number), raw=row, reason="r")
    erase(ada, salesforce_id=person_id(ADA))
    assert sorted(raw.column("SELECT raw FROM quarantined_row")) == sorted(kept)


# Coming back


def test_tombstones_name_nobody(ada: House, raw: RawSql) -> None:
    erase(ada, salesforce_id=person_id(ADA))
    assert {len(bytes(digest)) for digest in raw.column("SELECT digest FROM erased_person")} == {32}


@pytest.mark.parametrize("cells", [{"email": EMAIL}, {"phone": PHONE}, {"phone": PHONE, "email": EMAIL}])
def test_a_person_who_comes_back_under_another_id_is_erased_again(
    ada: House, raw: RawSql, cells: dict[str, str]
) -> None:
    erase(ada, salesforce_id=person_id(ADA))
    ada.person(9, last_name="Lovelace", **cells)
    ada.contact(9, last_name="Lovelace", **cells)
    ada.materialize()
    assert traces(raw, "ovelace", "7946", person_id(9)) == []
    ada.person(9, email="new@example.com")
    with ada.db.transaction() as tx:
        assert tombstones.without_erased_ids(tx, org_id=ORG, ids=[person_id(9), person_id(8)]) == [
            person_id(8)
        ]


@pytest.mark.parametrize("batch_size", [1, 50_000])
def test_whoever_loses_the_only_key_of_another_person_is_erased_again(
    ada: House, raw: RawSql, batch_size: int
) -> None:
    erase(ada, salesforce_id=person_id(ADA))
    ada.person(9, last_name="Lovelace", email="charles@example.com", phone=PHONE)
    ada.normalize()
    assert raw.value("SELECT count(*) FROM salesforce_contact WHERE last_name = 'Lovelace'") == 1
    ada.change_person(9, email=None)
    ada.normalize(batch_size=batch_size)
    assert raw.value("SELECT count(*) FROM salesforce_contact WHERE last_name = 'Lovelace'") == 0


@pytest.mark.parametrize("mode", ["normalized", "exact"])
def test_somebody_else_with_the_persons_phone_stays_but_is_not_found_by_it(ada: House, mode: str) -> None:
    ada.settings(match_mode=mode)
    erase(ada, salesforce_id=person_id(ADA))
    ada.person(9, email="charles@example.com", phone=PHONE)
    ada.contact(9, phone=PHONE, email="other@example.com")
    ada.contact(10, email="charles@example.com")
    ada.materialize()
    assert ada.verdict(10) == ("email", "9")
    assert ada.verdict(9) == ("unmatched", "no_counterpart")


def test_a_contact_read_again_stays_away(ada: House, raw: RawSql) -> None:
    erase(ada, salesforce_id=person_id(ADA))
    found = {"first_name": "Ada", "email": "other@example.com", "respond_id": ADA_CONTACT}
    with ada.db.transaction() as tx:
        contacts = [respond_contact(**found), respond_contact(respond_id=5)]
        _respond_mirror.write(tx, WORKSPACE, contacts, written_by="get")
    assert ADA_CONTACT not in raw.column("SELECT respond_id FROM respond_contact")
    assert 5 in raw.column("SELECT respond_id FROM respond_contact")


def respond_contact(**cells: Any) -> Any:
    from contact_sync import records

    given = dict.fromkeys(("first_name", "last_name", "email", "phone", "country", "created_at"))
    return records.RespondContact(**{**given, "tags": (), "payload": {}, **cells})


def test_a_readmitted_person_may_come_back(ada: House, raw: RawSql) -> None:
    erase(ada, salesforce_id=person_id(ADA))
    assert erasure.readmit(ada.db, org_id=ORG, named=erasure.Named(key=("email", EMAIL.lower()))) == 1
    ada.person(9, email=EMAIL)
    ada.match()
    assert person_id(9) in raw.column("SELECT salesforce_id FROM salesforce_contact")


def test_who_shares_a_readmitted_key_is_matched_by_it_again(ada: House) -> None:
    erase(ada, salesforce_id=person_id(ADA))
    ada.person(9, email="charles@example.com", phone=PHONE)
    ada.contact(9, phone=PHONE, email="other@example.com")
    ada.match()
    assert ada.verdict(9) == ("unmatched", "no_counterpart")
    phone = erasure.Named(key=("phone", "+442079460958"))
    assert erasure.readmit(ada.db, org_id=ORG, named=phone) == 1
    ada.match()
    assert ada.verdict(9) == ("phone", "9")


def test_a_person_comes_in_when_id_and_keys_are_readmitted(ada: House, raw: RawSql) -> None:
    erase(ada, salesforce_id=person_id(ADA))
    by_id = erasure.Named(salesforce_id=person_id(ADA))
    keys = [erasure.Named(key=key) for key in (("email", EMAIL.lower()), ("phone", "+442079460958"))]
    for lifted, is_in in (([by_id], False), ([by_id, *keys], True)):
        assert [erasure.readmit(ada.db, org_id=ORG, named=named) for named in lifted] == [1] * len(lifted)
        ada.person(ADA, email=EMAIL, phone=PHONE)
        ada.match()
        assert (person_id(ADA) in raw.column("SELECT salesforce_id FROM salesforce_contact")) == is_in


# The secret


def test_without_a_secret_nobody_is_erased(database_url: str, house: House) -> None:
    db = database.Database(database_url)
    with pytest.raises(errors.StopError, match="CONTACT_SYNC_SECRET"):
        erasure.erase(db, org_id=ORG, named=erasure.Named(salesforce_id=person_id(1)))
    db.close()


@pytest.mark.parametrize("secret", ["", "another secret"])
def test_under_another_secret_work_stops_before_anybody_comes_back(
    database_url: str, ada: House, secret: str
) -> None:
    erase(ada, salesforce_id=person_id(ADA))
    other = database.Database(database_url, secret=secret)
    with pytest.raises(errors.StopError, match="another CONTACT_SYNC_SECRET"), other.transaction() as tx:
        tombstones.are_there(tx, org_id=ORG)
    other.close()


def test_the_database_makes_the_same_digests(house: House, raw: RawSql) -> None:
    with house.db.transaction() as tx:
        tombstones.load_pads(tx)
        tx.execute("insert_tombstones", org_id=ORG, digests=[tombstones.proof(tx.secret)])
        ours = tombstones.salesforce_digest(tx.secret, ORG, person_id(1))
        tx.execute("insert_tombstones", org_id=ORG, digests=[ours])
        tx.copy_rows(
            "salesforce_listing",
            ("org_id", "salesforce_id", "system_modstamp", "is_deleted"),
            [(ORG, person_id(number), NOON, False) for number in (1, 2)],
        )
        assert tombstones.drop_listed(tx, org_id=ORG) == 1


# Side by side


def test_an_erasure_waits_for_whoever_writes_contacts(ada: House, raw: RawSql) -> None:
    done = threading.Event()

    def run() -> None:
        erase(ada, salesforce_id=person_id(ADA))
        done.set()

    with ada.db.transaction() as tx:
        tombstones.are_there(tx, org_id=ORG)
        worker = threading.Thread(target=run)
        worker.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while not raw.value(waiting):
            assert worker.is_alive()
        assert not done.is_set()
    worker.join()
    assert done.is_set()


def test_an_erasure_waits_for_rules_that_move(ada: House, raw: RawSql) -> None:
    """It would find them neither where they were nor where they come to."""
    worker = threading.Thread(target=erase, args=(ada,), kwargs={"salesforce_id": person_id(ADA)})
    with ada.db.transaction() as tx:
        tx.one("await_normalizers")
        assert tx.execute("settle_recent_rules", batch_size=1_000)
        worker.start()
        while not raw.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
            assert worker.is_alive()
    worker.join()
    assert traces(raw, "ovelace") == []
    assert raw.column("SELECT key FROM key_rule WHERE key LIKE '%%ovelace%%'") == []


@pytest.mark.parametrize(
    ("stage", "claim"),
    [
        (normalize_contacts, "claim_respond_changes"),
        (match_contacts, "claim_changes"),
        (materialize_sidebar, "claim_changes"),
    ],
    ids=["normalize", "match", "materialize"],
)
def test_an_erasure_waits_for_a_stage_that_holds_changes_of_the_person(
    ada: House, raw: RawSql, monkeypatch: pytest.MonkeyPatch, stage: Any, claim: str
) -> None:
    """Were it let in first, each would wait for the other."""
    raw.insert(
        "pending_change",
        org_id=ORG,
        workspace_id=WORKSPACE,
        entity="respond_key",
        entity_id=str(ADA_CONTACT),
    )
    worker = threading.Thread(target=erase, args=(ada,), kwargs={"salesforce_id": person_id(ADA)})
    execute = database.Transaction.execute
    waited_for: list[str] = []

    def claimed(tx: database.Transaction, name: str, /, **params: Any) -> int:
        count = execute(tx, name, **params)
        if name == claim and not waited_for:
            worker.start()
            while not waited_for:
                waited_for.extend(raw.column("SELECT locktype FROM pg_locks WHERE NOT granted"))
                assert worker.is_alive()
        return count

    monkeypatch.setattr(database.Transaction, "execute", claimed)
    stage.run(ada.db, org_id=ORG, run_id="beside")
    worker.join()
    assert waited_for == ["advisory"]
    assert traces(raw, "ovelace") == []
