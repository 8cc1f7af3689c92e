"""Deleted, undeleted, purged: within minutes each contact has the presence it deserves."""

from __future__ import annotations

import pytest

from contact_sync.stages import _auditing, _settling
from tests.raw_sql import RawSql
from tests.stages.conftest import SalesforceSide
from tests.stages.house import House
from tests.stages.test_extract_salesforce_contacts import mirrored, person


def log_due(raw: RawSql, minutes: int = 10) -> None:
    """The log of deletions may be asked again, and was last read so many minutes ago."""
    raw(
        "UPDATE salesforce_org SET deletes_asked_at = NULL, settled_asked_at = now(),"
        " deletes_until = now() - %(minutes)s * interval '1 minute'",
        minutes=minutes,
    )


def move_log_back(salesforce: SalesforceSide, minutes: int = 5) -> None:
    """Let the deletions so far be some minutes old: both logs are read by whole minutes."""
    with salesforce.store.writing() as connection:
        connection.execute("UPDATE deletion SET deleted_at = deleted_at - ?", (minutes * 60,))


def hard_delete(salesforce: SalesforceSide, salesforce_id: str) -> None:
    """Delete and purge at once: nobody ever reads the contact as deleted."""
    salesforce.steer("DELETE", f"/contacts/{salesforce_id}")
    salesforce.steer("POST", f"/contacts/{salesforce_id}/purge")
    move_log_back(salesforce)


def test_an_edit_and_then_a_delete_end_deleted_with_the_edited_values(
    salesforce: SalesforceSide, raw: RawSql
) -> None:
    salesforce_id = person(salesforce, Title="old")
    salesforce.extract("first")
    salesforce.steer("PATCH", f"/contacts/{salesforce_id}", {"Title": "edited"})
    salesforce.steer("DELETE", f"/contacts/{salesforce_id}")
    salesforce.extract("second")
    row = mirrored(raw, salesforce_id)
    assert (row["presence"], row["payload"]["Title"]) == ("deleted", "edited")


def test_a_delete_and_then_an_undelete_end_live(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce_id = person(salesforce, Title="Dr")
    salesforce.extract("first")
    salesforce.steer("DELETE", f"/contacts/{salesforce_id}")
    salesforce.extract("deleted")
    assert mirrored(raw, salesforce_id)["presence"] == "deleted"
    salesforce.steer("POST", f"/contacts/{salesforce_id}/undelete")
    log_due(raw)
    salesforce.extract("undeleted")
    row = mirrored(raw, salesforce_id)
    assert (row["presence"], row["payload"]["Title"]) == ("live", "Dr")


def test_a_delete_and_an_undelete_between_two_readings_end_live(
    salesforce: SalesforceSide, raw: RawSql
) -> None:
    salesforce_id = person(salesforce)
    salesforce.extract("first")
    salesforce.steer("DELETE", f"/contacts/{salesforce_id}")
    salesforce.steer("POST", f"/contacts/{salesforce_id}/undelete")
    log_due(raw)
    salesforce.extract("second")
    assert mirrored(raw, salesforce_id)["presence"] == "live"


def test_a_purge_that_nobody_saw_coming_is_found_in_the_log(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce_id, other = person(salesforce), person(salesforce)
    salesforce.extract("first")
    hard_delete(salesforce, salesforce_id)
    log_due(raw)
    assert salesforce.extract("second")["rows_purged"] == 1
    assert mirrored(raw, salesforce_id)["presence"] == "purged"
    assert mirrored(raw, other)["presence"] == "live"


def test_a_purged_contact_leaves_the_sidebars_work_to_do(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce_id = person(salesforce)
    salesforce.extract("first")
    raw("DELETE FROM pending_change")
    hard_delete(salesforce, salesforce_id)
    log_due(raw)
    salesforce.extract("second")
    assert salesforce_id in raw.column("SELECT entity_id FROM pending_change")


def test_a_late_delete_in_the_log_is_read_and_not_taken_for_a_purge(
    salesforce: SalesforceSide, raw: RawSql
) -> None:
    """Its stamp is older than the watermark and than the audited minutes."""
    salesforce_id = person(salesforce)
    salesforce.extract("first")
    with salesforce.store.writing() as connection:
        connection.execute(
            "UPDATE Contact SET IsDeleted = 1, SystemModstamp = SystemModstamp + 60 WHERE Id = ?",
            (salesforce_id,),
        )
        connection.execute(
            "INSERT INTO deletion VALUES ('Contact', ?, CAST(strftime('%s', 'now') AS INTEGER) - 300)",
            (salesforce_id,),
        )
    log_due(raw)
    counts = salesforce.extract("second")
    assert (counts["rows_late"], counts["rows_purged"]) == (1, 0)
    assert mirrored(raw, salesforce_id)["presence"] == "deleted"


def test_a_hidden_contact_is_no_purged_one(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce_id = person(salesforce)
    salesforce.extract("first")
    salesforce.steer("POST", f"/contacts/{salesforce_id}/hide")
    log_due(raw)
    assert salesforce.extract("second")["rows_purged"] == 0
    assert mirrored(raw, salesforce_id)["presence"] == "live"


def test_a_log_that_is_read_again_changes_nothing(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce_id = person(salesforce)
    salesforce.extract("first")
    hard_delete(salesforce, salesforce_id)
    log_due(raw)
    salesforce.extract("second")
    before = raw.versions("salesforce_contact")
    log_due(raw)
    assert salesforce.extract("third")["rows_purged"] == 0
    assert raw.versions("salesforce_contact") == before


def test_a_log_is_not_asked_twice_in_five_minutes(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce.extract("first")
    log_due(raw)
    salesforce.steer("DELETE", "/journal")
    salesforce.extract("second")
    salesforce.extract("third")
    requests = salesforce.steer("GET", "/journal").json()["requests"]
    assert sum(request["path"].endswith("/deleted") for request in requests) == 1


def test_both_logs_are_asked_of_an_org_that_is_polled_slowly_one_in_a_run(
    salesforce: SalesforceSide, raw: RawSql
) -> None:
    """At each of its polls both are due."""
    salesforce.extract("first")
    asked = []
    for run_id in ("second", "third", "fourth"):
        raw(
            "UPDATE salesforce_org SET settled_asked_at = settled_asked_at - interval '10 minutes',"
            " deletes_asked_at = deletes_asked_at - interval '10 minutes',"
            " settled_until = now() - interval '10 minutes', deletes_until = now() - interval '10 minutes'"
        )
        salesforce.steer("DELETE", "/journal")
        salesforce.extract(run_id)
        paths = [request["path"] for request in salesforce.steer("GET", "/journal").json()["requests"]]
        asked.append([path.rsplit("/", 1)[1] for path in paths if path.endswith(("/deleted", "/updated"))])
    assert asked == [["updated"], ["deleted"], ["updated"]]


def test_a_log_that_does_not_reach_back_leaves_it_to_the_daily_comparison(
    salesforce: SalesforceSide, raw: RawSql
) -> None:
    salesforce.extract("first")
    log_due(raw, minutes=20 * 24 * 60)
    salesforce.extract("second")
    assert raw.value("SELECT now() - deletes_until < interval '2 minutes' FROM salesforce_org")


def test_a_log_with_too_many_ids_leaves_it_to_the_daily_comparison(
    salesforce: SalesforceSide, raw: RawSql
) -> None:
    salesforce.extract("first")
    log_due(raw, minutes=30)
    refusal = [{"errorCode": "EXCEEDED_ID_LIMIT", "message": "too many Ids"}]
    salesforce.steer("POST", "/faults", {"path": "*/deleted", "status": 400, "body": refusal})
    salesforce.extract("second")
    assert raw.value("SELECT now() - deletes_until < interval '2 minutes' FROM salesforce_org")


def test_a_log_of_deletions_that_is_refused_stops_nothing_and_is_counted(
    salesforce: SalesforceSide, raw: RawSql
) -> None:
    salesforce.extract("first")
    log_due(raw, minutes=30)
    refusal = [{"errorCode": "INSUFFICIENT_ACCESS", "message": "no"}]
    salesforce.steer("POST", "/faults", {"path": "*/deleted", "status": 400, "body": refusal})
    assert salesforce.extract("second")["logs_refused"] == 1
    assert raw.value("SELECT now() - deletes_until > interval '25 minutes' FROM salesforce_org")


def test_more_deletions_than_a_run_asks_for_go_on_in_the_next(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_settling, "_GONE", 4)
    monkeypatch.setattr(_auditing, "IDS_A_CALL", 3)
    ids = [person(salesforce) for _ in range(6)]
    salesforce.extract("first")
    for salesforce_id in ids:
        salesforce.steer("DELETE", f"/contacts/{salesforce_id}")
        salesforce.steer("POST", f"/contacts/{salesforce_id}/purge")
    move_log_back(salesforce)
    log_due(raw)
    assert salesforce.extract("second")["rows_purged"] == 4
    raw("UPDATE salesforce_org SET deletes_asked_at = NULL")
    assert salesforce.extract("third")["rows_purged"] == 2
    assert raw.column("SELECT DISTINCT presence FROM salesforce_contact") == ["purged"]


def test_deleted_contacts_that_all_came_back_do_not_hold_the_log_up(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log that names them still, and behind them one that nobody else finds: they are live here and there."""
    monkeypatch.setattr(_settling, "_GONE", 2)
    ids = sorted(person(salesforce) for _ in range(6))
    salesforce.extract("first")
    with salesforce.store.writing() as connection:
        connection.executemany(
            "INSERT INTO deletion VALUES ('Contact', ?, CAST(strftime('%s', 'now') AS INTEGER))",
            [(salesforce_id,) for salesforce_id in ids[:5]],
        )
    hard_delete(salesforce, ids[5])
    log_due(raw)
    purged = []
    for run_id in ("second", "third", "fourth", "fifth"):
        purged.append(salesforce.extract(run_id).get("rows_purged", 0))
        raw("UPDATE salesforce_org SET deletes_asked_at = NULL")
    assert purged == [0, 0, 1, 0]
    assert raw("SELECT deletes_through, deletes_after_id FROM salesforce_org") == [
        {"deletes_through": None, "deletes_after_id": None}
    ]
    assert raw.value("SELECT now() - deletes_until < interval '3 minutes' FROM salesforce_org")


def test_a_purged_contact_is_in_no_sidebar(salesforce: SalesforceSide, raw: RawSql, house_of: House) -> None:
    salesforce_id = person(salesforce, Email="ada@example.com")
    salesforce.extract("first")
    house_of.contact(1, org_id=salesforce.org_id, email="ada@example.com")
    house_of.materialize(salesforce.org_id)
    assert house_of.row(1)["salesforce_id"] == salesforce_id
    hard_delete(salesforce, salesforce_id)
    log_due(raw)
    salesforce.extract("second")
    house_of.materialize(salesforce.org_id)
    assert house_of.row(1) == {}
