"""What extraction brings into the mirror, on the stand-in; how a window fails is tested in test_windows."""

from __future__ import annotations

import time
from typing import Any

import pytest

from contact_sync import errors, tenants
from contact_sync.stages import extract_salesforce_contacts
from sandbox.salesforce.objects import CONTACT
from tests.raw_sql import RawSql
from tests.stages.conftest import OpenSalesforce, SalesforceSide
from tests.stages.house import WORKSPACE, House

HOUR = 3600


def mirrored(raw: RawSql, salesforce_id: str) -> dict[str, Any]:
    rows = raw("SELECT * FROM salesforce_contact WHERE salesforce_id = %(id)s", id=salesforce_id)
    return rows[0] if rows else {}


def windows(raw: RawSql) -> list[tuple[str, str]]:
    rows = raw("SELECT kind, status FROM extract_window ORDER BY window_id")
    return [(row["kind"], row["status"]) for row in rows]


def person(salesforce: SalesforceSide, **cells: Any) -> str:
    """A contact that has been there for a day, unless it says otherwise."""
    long_ago = time.time() // 1 - 24 * HOUR
    [found] = salesforce.store.insert_contacts(
        [{"LastName": "Lovelace", "SystemModstamp": long_ago, **cells}]
    )
    return found


def test_the_first_window_reads_everything_and_proves_it(salesforce: SalesforceSide, raw: RawSql) -> None:
    person(salesforce)
    person(salesforce, IsDeleted=True)
    counts = salesforce.extract()
    assert (counts["rows_landed"], counts["rows_merged"]) == (2, 2)
    assert windows(raw) == [("initial", "proven")]


def test_a_contact_lands_in_its_columns(salesforce: SalesforceSide, raw: RawSql) -> None:
    [account] = salesforce.store.insert_accounts([{"Name": "Acme"}])
    cells = {
        "FirstName": "Ada",
        "Email": " Ada@example.com",
        "Phone": "1",
        "MobilePhone": "2",
        "HomePhone": "3",
        "OtherPhone": "4",
        "MailingCountry": "UK",
    }
    salesforce_id = person(salesforce, **cells, Title="Countess", AccountId=account)
    salesforce.extract()
    row = mirrored(raw, salesforce_id)
    columns = ("first_name", "email", "phone", "mobile_phone", "home_phone", "other_phone", "country")
    assert [row[column] for column in columns] == list(cells.values())
    assert row["payload"] == {"Title": "Countess", "Account.Name": "Acme"}
    assert (row["last_name"], row["presence"]) == ("Lovelace", "live")


def test_the_watermark_is_salesforces_clock_and_moves(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce.extract("first")
    [first] = raw("SELECT read_from, read_until FROM extract_window")
    salesforce.extract("second")
    [_, second] = raw("SELECT kind, read_from, read_until FROM extract_window ORDER BY window_id")
    assert first["read_from"] is None
    assert abs(first["read_until"].timestamp() - time.time()) < 60
    assert second["read_from"] == first["read_until"] - extract_salesforce_contacts.MARGIN


def test_a_second_run_writes_nothing(salesforce: SalesforceSide, raw: RawSql) -> None:
    person(salesforce, SystemModstamp=time.time() // 1, Title="Countess")
    salesforce.extract("first")
    raw("DELETE FROM pending_change")
    before = raw.versions("salesforce_contact")
    counts = salesforce.extract("second")
    assert (counts["rows_landed"], counts["rows_merged"]) == (1, 0)
    assert raw.versions("salesforce_contact") == before
    assert raw.value("SELECT count(*) FROM pending_change") == 0


def test_a_changed_contact_arrives(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce_id = person(salesforce, Email="old@example.com")
    salesforce.extract("first")
    salesforce.steer("PATCH", f"/contacts/{salesforce_id}", {"Email": "new@example.com", "Title": "Dr"})
    assert salesforce.extract("second")["rows_merged"] == 1
    row = mirrored(raw, salesforce_id)
    assert (row["email"], row["payload"]["Title"]) == ("new@example.com", "Dr")


def test_a_cleared_field_is_cleared(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce_id = person(salesforce, Email="old@example.com", Title="Dr")
    salesforce.extract("first")
    salesforce.steer("PATCH", f"/contacts/{salesforce_id}", {"Email": None, "Title": None})
    salesforce.extract("second")
    row = mirrored(raw, salesforce_id)
    assert (row["email"], row["payload"]["Title"]) == (None, None)


def test_a_deleted_contact_stays_in_the_mirror_as_deleted(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce_id = person(salesforce, Email="ada@example.com")
    salesforce.extract("first")
    salesforce.steer("DELETE", f"/contacts/{salesforce_id}")
    salesforce.extract("second")
    row = mirrored(raw, salesforce_id)
    assert (row["presence"], row["email"]) == ("deleted", "ada@example.com")


def test_an_undeleted_contact_lives_again(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce_id = person(salesforce)
    salesforce.steer("DELETE", f"/contacts/{salesforce_id}")
    salesforce.extract("first")
    salesforce.steer("POST", f"/contacts/{salesforce_id}/undelete")
    salesforce.extract("second")
    assert mirrored(raw, salesforce_id)["presence"] == "live"


def test_a_commit_under_an_older_stamp_is_found_by_the_audit(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce.extract("first")
    late = person(salesforce, SystemModstamp=time.time() // 1 - 60)
    assert salesforce.extract("second")["rows_late"] == 1
    assert mirrored(raw, late)
    assert raw.column("SELECT rows_late FROM extract_window ORDER BY window_id") == [0, 1]


def test_a_quiet_audit_costs_one_call(salesforce: SalesforceSide) -> None:
    person(salesforce)
    salesforce.extract("first")
    salesforce.steer("DELETE", "/journal")
    salesforce.extract("second")
    requests = salesforce.steer("GET", "/journal").json()["requests"]
    assert [request["route"].removeprefix("/services/data/v{version}") for request in requests] == [
        "/queryAll"
    ] * 2


def test_a_winner_that_was_never_seen_is_fetched(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce.extract("first")
    winner = person(salesforce)
    person(salesforce, IsDeleted=True, MasterRecordId=winner, SystemModstamp=time.time() // 1)
    salesforce.extract("second")
    assert mirrored(raw, winner)["presence"] == "live"


# Rows that cannot be taken


def test_a_row_that_cannot_be_landed_is_quarantined_and_the_rest_goes_on(
    salesforce: SalesforceSide, raw: RawSql
) -> None:
    good = [person(salesforce, Title=f"Good {number}") for number in range(5)]
    bad = person(salesforce, Title="Nul\x00inside")
    counts = salesforce.extract()
    assert (counts["rows_merged"], counts["rows_quarantined"]) == (5, 1)
    assert all(mirrored(raw, salesforce_id) for salesforce_id in good)
    [row] = raw("SELECT salesforce_id, reason, raw FROM quarantined_row WHERE resolved_at IS NULL")
    assert row["salesforce_id"] == bad
    assert "NUL" in row["reason"]
    assert r"Nul\u0000inside" in row["raw"]
    assert windows(raw) == [("initial", "proven")]


def test_a_bad_row_is_quarantined_once_however_often_it_is_read(
    salesforce: SalesforceSide, raw: RawSql
) -> None:
    person(salesforce, Title="\x00", SystemModstamp=time.time() // 1)
    for run_id in ("first", "second", "third"):
        salesforce.extract(run_id)
    assert raw.value("SELECT count(*) FROM quarantined_row") == 1


def test_a_bad_row_that_became_good_is_resolved(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce_id = person(salesforce, Title="\x00")
    salesforce.extract("first")
    salesforce.steer("PATCH", f"/contacts/{salesforce_id}", {"Title": "Dr"})
    salesforce.extract("second")
    assert mirrored(raw, salesforce_id)["payload"]["Title"] == "Dr"
    assert raw.value("SELECT count(*) FROM quarantined_row WHERE resolved_at IS NULL") == 0


def test_what_others_break_carelessly_arrives_whole(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce.steer("POST", "/nasty")
    counts = salesforce.extract()
    titles = raw.column("SELECT payload ->> 'Title' FROM salesforce_contact")
    assert counts["rows_quarantined"] == 1
    assert {"NA", "None", "0123", "C:\\temp\\N", 'The ""Boss"" said "hi"'} <= set(titles)


# Fields come and go


def test_a_newly_chosen_field_is_filled_for_everybody(
    salesforce: SalesforceSide, raw: RawSql, house_of: House
) -> None:
    salesforce_id = person(salesforce, Title="Dr", Department="Sales")
    salesforce.extract("first")
    house_of.choose("Title", "Department")
    assert salesforce.extract("second")["rows_refilled"] == 1
    assert mirrored(raw, salesforce_id)["payload"]["Department"] == "Sales"
    assert windows(raw)[-1] == ("refill", "proven")
    assert salesforce.extract("third")["rows_refilled"] == 0


def test_a_contact_that_committed_late_is_filled_whole(
    salesforce: SalesforceSide, raw: RawSql, house_of: House
) -> None:
    """The refill is the first to see it: with the new field alone it would carry its stamp and nothing else."""
    salesforce_id = person(salesforce, FirstName="Augusta")
    salesforce.extract("first")
    late = time.time() // 1 - HOUR
    salesforce.store.update_columns(CONTACT, salesforce_id, {"FirstName": "Ada", "SystemModstamp": late})
    house_of.choose("Title", "Department")
    salesforce.extract("second")
    assert mirrored(raw, salesforce_id)["first_name"] == "Ada"


def test_a_lost_permission_keeps_the_value(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce_id = person(salesforce, Title="Dr")
    salesforce.extract("first")
    salesforce.steer("POST", "/permissions", {"field": "Title", "access": "none"})
    tenants.refresh_fields(salesforce.db, salesforce.session, org_id=salesforce.org_id)
    salesforce.steer("PATCH", f"/contacts/{salesforce_id}", {"FirstName": "Ada"})
    salesforce.extract("second")
    row = mirrored(raw, salesforce_id)
    assert (row["first_name"], row["payload"]["Title"]) == ("Ada", "Dr")


def test_a_permission_lost_since_the_describe_is_noticed_at_once(
    salesforce: SalesforceSide, raw: RawSql
) -> None:
    salesforce_id = person(salesforce, Title="Dr")
    salesforce.extract("first")
    salesforce.steer("POST", "/permissions", {"field": "Title", "access": "none"})
    salesforce.steer("PATCH", f"/contacts/{salesforce_id}", {"FirstName": "Ada"})
    salesforce.extract("second")
    assert mirrored(raw, salesforce_id)["first_name"] == "Ada"
    assert raw.value("SELECT lost_at IS NOT NULL FROM salesforce_field WHERE name = 'Title'")


def test_a_regained_field_is_filled_again(salesforce: SalesforceSide, raw: RawSql) -> None:
    salesforce_id = person(salesforce, Title="Dr")
    salesforce.extract("first")
    salesforce.steer("POST", "/permissions", {"field": "Title", "access": "none"})
    salesforce.steer("PATCH", f"/contacts/{salesforce_id}", {"Title": "Prof"})
    salesforce.extract("second")
    salesforce.steer("POST", "/permissions", {"field": "Title", "access": "edit"})
    tenants.refresh_fields(salesforce.db, salesforce.session, org_id=salesforce.org_id)
    raw("UPDATE extract_window SET read_until = read_until + interval '1 hour' WHERE kind = 'incremental'")
    salesforce.extract("third")
    assert mirrored(raw, salesforce_id)["payload"]["Title"] == "Prof"


def test_a_field_chosen_again_is_filled_again(
    salesforce: SalesforceSide, raw: RawSql, house_of: House
) -> None:
    """While nobody had chosen it, changes were read without it."""
    salesforce_id = person(salesforce, Title="Dr")
    salesforce.extract("first")
    tenants.choose_fields(salesforce.db, WORKSPACE, [])
    salesforce.steer("PATCH", f"/contacts/{salesforce_id}", {"Title": "Prof"})
    salesforce.extract("second")
    assert mirrored(raw, salesforce_id)["payload"]["Title"] == "Dr"
    raw("UPDATE extract_window SET read_until = read_until + interval '1 hour' WHERE kind = 'incremental'")
    tenants.choose_fields(salesforce.db, WORKSPACE, [tenants.FieldChoice(name="Title")])
    salesforce.extract("third")
    assert mirrored(raw, salesforce_id)["payload"]["Title"] == "Prof"


def test_a_workspace_that_comes_back_has_its_fields_filled_again(
    salesforce: SalesforceSide, raw: RawSql, house_of: House
) -> None:
    """Another workspace kept the org going without them."""
    salesforce_id = person(salesforce, Title="Dr")
    salesforce.extract("first")
    house_of.workspace("other", org_id=salesforce.org_id)
    tenants.disconnect_workspace(salesforce.db, WORKSPACE)
    salesforce.steer("PATCH", f"/contacts/{salesforce_id}", {"Title": "Prof"})
    salesforce.extract("second")
    raw("UPDATE extract_window SET read_until = read_until + interval '1 hour' WHERE kind = 'incremental'")
    tenants.connect_workspace(salesforce.db, WORKSPACE, salesforce.org_id)
    salesforce.extract("third")
    assert mirrored(raw, salesforce_id)["payload"]["Title"] == "Prof"


def test_a_field_chosen_again_with_nothing_read_meanwhile_is_not_read_again(
    salesforce: SalesforceSide, raw: RawSql, house_of: House
) -> None:
    person(salesforce, Title="Dr")
    salesforce.extract("first")
    tenants.choose_fields(salesforce.db, WORKSPACE, [])
    tenants.choose_fields(salesforce.db, WORKSPACE, [tenants.FieldChoice(name="Title")])
    salesforce.extract("second")
    assert [kind for kind, _ in windows(raw)] == ["initial", "incremental"]


# Refusals


def test_wrong_credentials_name_the_connection_and_salesforces_reason(
    salesforce: SalesforceSide, open_salesforce: OpenSalesforce, raw: RawSql
) -> None:
    raw("DELETE FROM salesforce_token")
    salesforce.steer("DELETE", "/journal")
    session = open_salesforce(salesforce.org_id, consumer_secret="wrong")
    with pytest.raises(errors.StopError, match=r"salesforce_default.*invalid_client"):
        extract_salesforce_contacts.run(salesforce.db, session, org_id=salesforce.org_id, run_id="run")
    requests = salesforce.steer("GET", "/journal").json()["requests"]
    assert [request["path"] for request in requests] == ["/services/oauth2/token"]
    assert windows(raw) == [("initial", "failed")]


def test_another_worker_at_work_is_left_alone(salesforce: SalesforceSide, raw: RawSql) -> None:
    with salesforce.db.advisory_lock(f"extract:{salesforce.org_id}"):
        assert salesforce.extract() == {}
    assert windows(raw) == []
