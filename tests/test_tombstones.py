"""What reads again meets tombstones: each road into the mirror, and only where somebody was erased."""

from __future__ import annotations

import hmac

import pytest

from contact_sync import database, tombstones
from tests.raw_sql import RawSql
from tests.stages.house import ORG, OTHER_ORG, WORKSPACE, House, person_id


@pytest.fixture
def house(db: database.Database, raw: RawSql) -> House:
    """Person 1 and contact 1 are erased."""
    built = House(db, raw)
    built.org()
    built.workspace()
    with db.transaction() as tx:
        digests = [
            tombstones.proof(tx.secret),
            tombstones.salesforce_digest(tx.secret, ORG, person_id(1)),
            tombstones.respond_digest(tx.secret, WORKSPACE, 1),
        ]
        tx.execute("insert_tombstones", org_id=ORG, digests=digests)
    return built


def test_erased_ids_are_not_asked_for(house: House) -> None:
    with house.db.transaction() as tx:
        ids = [person_id(2), person_id(1)]
        assert tombstones.without_erased_ids(tx, org_id=ORG, ids=ids) == [person_id(2)]


def test_the_same_id_in_another_org_is_somebody_else(house: House) -> None:
    house.org(OTHER_ORG)
    with house.db.transaction() as tx:
        kept = tombstones.without_erased_ids(tx, org_id=OTHER_ORG, ids=[person_id(1)])
    assert kept == [person_id(1)]


def test_a_contact_stays_erased_whatever_its_workspace_serves(house: House) -> None:
    house.settings(org_id=None)
    with house.db.transaction() as tx:
        assert tombstones.erased_contacts(tx, workspace_id=WORKSPACE, respond_ids=[1, 2]) == {1}


def drop_landed(db: database.Database, *rows: tuple[str, str | None]) -> int:
    """Let a window's page of (Id, MasterRecordId) go through; return how many rows of it stay."""
    names = ["Id", "MasterRecordId", "SystemModstamp"]
    with db.transaction() as tx:
        tx.one("make_csv_page", names=names)
        tx.copy_rows("csv_page", names, [(*row, None) for row in rows])
        tombstones.drop_landed(tx, org_id=ORG, window_id=1)
        tx.execute(
            "record_merged_page", window_id=1, locator="", next_locator=None, rows_merged=0, rows_new=0
        )
        [left] = tx.all("prove_window", window_id=1)
    return int(left["rows_landed"]) - 1


def test_landed_rows_of_erased_people_are_left_out_and_counted(house: House, raw: RawSql) -> None:
    raw.insert("extract_window", org_id=ORG, kind="initial", status="running")
    for number in (1, 2):
        raw.insert(
            "quarantined_row", org_id=ORG, salesforce_id=person_id(number), window_id=1, raw="x", reason="r"
        )
    kept = drop_landed(house.db, (person_id(1), None), (person_id(2), None))
    assert kept == 1
    assert raw.value("SELECT rows_erased FROM extract_window") == 1
    assert raw.column("SELECT salesforce_id FROM quarantined_row") == [person_id(2)]


def test_what_was_merged_into_an_erased_person_is_left_out(house: House, raw: RawSql) -> None:
    raw.insert("extract_window", org_id=ORG, kind="initial", status="running")
    assert drop_landed(house.db, (person_id(5), person_id(1))) == 0
    assert raw.value("SELECT rows_erased FROM extract_window") == 1


def test_the_short_way_makes_the_digests_of_the_standard_library() -> None:
    key, message = bytes(range(32)), b"00D000000000001EAA:salesforce:003000000000000001"
    assert tombstones._keyed(key)(message) == hmac.digest(key, message, "sha256")


def test_the_key_stands_in_no_statement(
    house: House, raw: RawSql, db: database.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    run = database.Transaction._run

    def listening(tx: database.Transaction, name: str, params: dict[str, object]) -> object:
        sent.append(f"{name} {params}")
        return run(tx, name, params)

    monkeypatch.setattr(database.Transaction, "_run", listening)
    with db.transaction() as tx:
        assert tombstones.are_there(tx, org_id=ORG)
        tombstones.load_pads(tx)
    assert sent
    key = tombstones._key(tx.secret)
    assert not [text for text in sent if repr(key)[2:-1] in text or key.hex() in text or tx.secret in text]
    assert raw.value("SELECT count(*) FROM pg_tables WHERE tablename = 'tombstone_pad'") == 0
