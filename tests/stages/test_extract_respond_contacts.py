"""The rolling walk, on the stand-in."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync import errors, records, tenants
from contact_sync.respond_io import contacts
from contact_sync.stages import _respond_mirror, extract_respond_contacts
from tests.raw_sql import RawSql
from tests.stages.conftest import RespondSide
from tests.stages.house import ORG, WORKSPACE, House

ADA = {
    "firstName": "Ada",
    "lastName": "Lovelace",
    "email": " Ada@Example.com",
    "phone": "+44 20 7946 0000",
    "countryCode": "GB",
    "language": "en",
    "tags": ["vip"],
}
NAMED = ("first_name", "last_name", "email", "phone", "country")


def mirrored(raw: RawSql, respond_id: int) -> dict[str, Any]:
    rows = raw("SELECT * FROM respond_contact WHERE respond_id = %(id)s", id=respond_id)
    return rows[0] if rows else {}


def people(respond: RespondSide, number: int) -> list[int]:
    return respond.store.insert_contacts({"firstName": f"Person {place}"} for place in range(number))


def test_a_walk_writes_every_contact_over_all_pages(respond: RespondSide, raw: RawSql) -> None:
    ids = people(respond, 250)
    counts = respond.extract()
    assert (counts["pages"], counts["contacts"], counts["written"], counts["walks"]) == (3, 250, 250, 1)
    assert sorted(ids) == raw.column("SELECT respond_id FROM respond_contact ORDER BY 1")


def test_a_contact_lands_in_its_columns(respond: RespondSide, raw: RawSql) -> None:
    [respond_id] = respond.store.insert_contacts([ADA])
    respond.extract()
    row = mirrored(raw, respond_id)
    assert [row[name] for name in NAMED] == ["Ada", "Lovelace", " Ada@Example.com", "+44 20 7946 0000", "GB"]
    assert (row["payload"]["language"], row["payload"]["tags"]) == ("en", ["vip"])
    assert (row["org_id"], row["written_by"]) == (ORG, "walk")


def test_a_second_walk_writes_nothing(respond: RespondSide, raw: RawSql) -> None:
    respond.store.insert_contacts([ADA, {"firstName": "Bob"}])
    respond.extract("first")
    raw("DELETE FROM pending_change")
    before = raw.versions("respond_contact")
    assert respond.extract("second")["written"] == 0
    assert raw.versions("respond_contact") == before
    assert raw.value("SELECT count(*) FROM pending_change") == 0


@pytest.mark.parametrize(
    "change",
    [
        {"firstName": "Augusta"},
        {"email": None},
        {"phone": "+442079460001"},
        {"countryCode": "DE"},
        {"tags": ["vip", tenants.CREATED_TAG]},
    ],
)
def test_a_change_that_concerns_us_is_written(
    respond: RespondSide, raw: RawSql, change: dict[str, Any]
) -> None:
    [respond_id, _] = respond.store.insert_contacts([ADA, {"firstName": "Bob"}])
    respond.extract("first")
    respond.steer("PATCH", f"/contacts/{respond_id}", change)
    assert respond.extract("second")["written"] == 1


def test_a_change_that_does_not_concern_us_is_no_news(respond: RespondSide) -> None:
    [respond_id] = respond.store.insert_contacts([ADA])
    respond.extract("first")
    respond.steer("PATCH", f"/contacts/{respond_id}", {"language": "de", "tags": ["other"]})
    assert respond.extract("second")["written"] == 0


def test_a_walk_goes_on_where_an_error_stopped_it(respond: RespondSide, raw: RawSql) -> None:
    people(respond, 250)
    respond.impatient()
    respond.steer("POST", "/faults", {"path": "/v2/contact/list", "nth": 2, "status": 503})
    with pytest.raises(errors.RetryError):
        respond.extract("first")
    assert raw.value("SELECT count(*) FROM respond_contact") == 100
    counts = respond.extract("second")
    assert (counts["pages"], counts["contacts"]) == (2, 150)
    assert raw.value("SELECT count(*) FROM respond_contact") == 250


def test_a_walk_out_of_time_goes_on_in_the_next_run(respond: RespondSide, raw: RawSql) -> None:
    people(respond, 250)
    counts = [
        respond.extract(run_id, pace=extract_respond_contacts.Pace(seconds=0.0))
        for run_id in ("first", "second", "third")
    ]
    assert [count["contacts"] for count in counts] == [100, 100, 50]
    assert [count["walks"] for count in counts] == [0, 0, 1]
    assert raw.value("SELECT count(*) FROM respond_walk") == 1


def test_a_death_in_the_middle_of_a_page_loses_nothing(
    respond: RespondSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(respond, 3)

    def die(*_: Any, **__: Any) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(_respond_mirror, "write", die)
        with pytest.raises(KeyboardInterrupt):
            respond.extract("first")
    respond.extract("second")
    assert raw.value("SELECT count(*) FROM respond_contact") == 3


def test_a_quarantined_contact_is_resolved_when_it_can_be_stored(respond: RespondSide, raw: RawSql) -> None:
    [bad] = respond.store.insert_contacts([{"firstName": "Nul\x00"}])
    respond.extract("first")
    assert raw.column("SELECT respond_id FROM quarantined_row WHERE resolved_at IS NULL") == [bad]
    respond.steer("PATCH", f"/contacts/{bad}", {"firstName": "Ada"})
    respond.extract("second")
    assert raw.value("SELECT count(*) FROM quarantined_row WHERE resolved_at IS NULL") == 0


def test_a_contact_that_cannot_be_stored_is_quarantined(respond: RespondSide, raw: RawSql) -> None:
    [bad, good] = respond.store.insert_contacts([{"firstName": "Nul\x00"}, ADA])
    counts = respond.extract()
    assert (counts["written"], counts["quarantined"]) == (1, 1)
    assert mirrored(raw, good)
    assert not mirrored(raw, bad)
    [row] = raw("SELECT org_id, workspace_id, reason, raw FROM quarantined_row")
    assert (row["org_id"], row["workspace_id"]) == (ORG, WORKSPACE)
    assert "NUL" in row["reason"]
    assert str(bad) in row["raw"]


def test_a_bad_contact_is_quarantined_once_however_often_it_is_met(respond: RespondSide, raw: RawSql) -> None:
    respond.store.insert_contacts([{"firstName": "Nul\x00"}])
    respond.extract("first")
    respond.extract("second")
    assert raw.value("SELECT count(*) FROM quarantined_row") == 1


# Gone


def age(raw: RawSql) -> None:
    """Let five minutes pass."""
    raw("UPDATE respond_contact SET seen_at = seen_at - interval '5 minutes'")
    raw("UPDATE respond_walk SET began_at = began_at - interval '5 minutes'")


def test_a_contact_is_gone_after_two_walks_without_it_and_a_404(respond: RespondSide, raw: RawSql) -> None:
    [gone, _] = respond.store.insert_contacts([ADA, {"firstName": "Bob"}])
    respond.extract("first")
    age(raw)
    respond.store.delete(gone)
    assert respond.extract("second")["gone"] == 0
    assert mirrored(raw, gone)["gone_at"] is None
    assert respond.extract("third")["gone"] == 1
    assert mirrored(raw, gone)["gone_at"] is not None


def test_a_contact_that_still_answers_is_not_gone(respond: RespondSide, raw: RawSql) -> None:
    """The list may lag or leave somebody out; only the contact itself proves its absence."""
    respond.steer("PATCH", "/switches", {"index_lag_seconds": 30.0})
    respond_id = respond.store.create({"firstName": "Ada"})["id"]
    with respond.db.transaction() as tx:
        found = contacts.get(respond.session, f"id:{respond_id}")
        assert found is not None
        extract_respond_contacts.write(tx, WORKSPACE, [found], written_by="get")
    age(raw)
    for run_id in ("first", "second"):
        assert respond.extract(run_id)["gone"] == 0
    assert mirrored(raw, respond_id)["gone_at"] is None


def test_walks_begun_right_after_a_contact_was_seen_prove_nothing(respond: RespondSide, raw: RawSql) -> None:
    [gone] = respond.store.insert_contacts([ADA])
    respond.extract("first")
    respond.store.delete(gone)
    assert [respond.extract(run_id)["gone"] for run_id in ("second", "third")] == [0, 0]


def test_a_contact_that_is_back_is_no_longer_gone(respond: RespondSide, raw: RawSql) -> None:
    [respond_id] = respond.store.insert_contacts([ADA])
    respond.extract("first")
    raw("UPDATE respond_contact SET gone_at = now()")
    assert respond.extract("second")["written"] == 1
    assert mirrored(raw, respond_id)["gone_at"] is None


def test_only_the_last_two_walks_are_remembered(respond: RespondSide, raw: RawSql) -> None:
    people(respond, 2)
    for run_id in ("first", "second", "third", "fourth"):
        respond.extract(run_id)
    assert raw.value("SELECT count(*) FROM respond_walk") == 2
    assert raw.value("SELECT count(*) FROM respond_walk_seen") == 4


# Who wrote last


def fresh(respond: RespondSide, written_by: str) -> int:
    """A contact read by itself just now, which the list still shows as it was."""
    [respond_id] = respond.store.insert_contacts([ADA])
    found = contacts.get(respond.session, f"id:{respond_id}")
    assert found is not None
    newer = records.RespondContact(
        respond_id=found.respond_id,
        first_name="Newer",
        last_name=None,
        email=None,
        phone=None,
        country=None,
    )
    with respond.db.transaction() as tx:
        extract_respond_contacts.write(tx, WORKSPACE, [newer], written_by=written_by)
    return respond_id


@pytest.mark.parametrize("written_by", ["get", "webhook", "create"])
def test_a_list_page_yields_to_a_fresh_reading(respond: RespondSide, raw: RawSql, written_by: str) -> None:
    respond_id = fresh(respond, written_by)
    assert respond.extract()["written"] == 0
    assert mirrored(raw, respond_id)["first_name"] == "Newer"


def test_after_120_seconds_the_list_counts_again(respond: RespondSide, raw: RawSql) -> None:
    respond_id = fresh(respond, "get")
    raw("UPDATE respond_contact SET seen_at = seen_at - interval '121 seconds'")
    assert respond.extract()["written"] == 1
    assert mirrored(raw, respond_id)["first_name"] == "Ada"


# Connected or not


def test_a_workspace_without_an_org_is_walked_and_feeds_nothing(respond: RespondSide, raw: RawSql) -> None:
    tenants.disconnect_workspace(respond.db, WORKSPACE)
    respond.store.insert_contacts([ADA])
    assert respond.extract()["written"] == 1
    assert raw.column("SELECT org_id FROM respond_contact") == [None]
    assert raw.value("SELECT count(*) FROM pending_change") == 0


def test_a_contact_that_landed_beside_a_connect_is_put_right(
    respond: RespondSide, raw: RawSql, house: House
) -> None:
    [respond_id] = respond.store.insert_contacts([ADA])
    respond.extract("first")
    raw("UPDATE respond_contact SET org_id = NULL")
    respond.extract("second")
    assert mirrored(raw, respond_id)["org_id"] == ORG
    house.match()
    assert house.verdict(respond_id) == ("unmatched", "no_counterpart")


def test_a_wrong_token_needs_a_person(respond: RespondSide) -> None:
    respond.steer("POST", "/faults", {"path": "/v2/*", "effects": {"rotate_token": True}})
    with pytest.raises(errors.StopError, match="respond"):
        respond.extract()
