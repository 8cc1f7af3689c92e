"""Beside the walk's pages: contacts just opened, contacts made while a long walk goes on."""

from __future__ import annotations

from concurrent import futures
from typing import Any

import pytest

from contact_sync.respond_io import contacts
from contact_sync.stages import _looks, extract_respond_contacts
from tests.raw_sql import RawSql
from tests.stages.conftest import RespondSide
from tests.stages.house import WORKSPACE

PAGE = extract_respond_contacts.Pace(seconds=0.0)


def opened(raw: RawSql, *respond_ids: int) -> None:
    """Agents open contacts."""
    for respond_id in respond_ids:
        raw(
            "INSERT INTO respond_look (workspace_id, respond_id, asked_at)"
            " VALUES (%(workspace)s, %(id)s, clock_timestamp())"
            " ON CONFLICT (workspace_id, respond_id) DO UPDATE SET asked_at = excluded.asked_at",
            workspace=WORKSPACE,
            id=respond_id,
        )


def names(raw: RawSql) -> dict[int, str]:
    return {row["respond_id"]: row["first_name"] for row in raw("SELECT * FROM respond_contact")}


def asked(respond: RespondSide) -> list[str]:
    """The paths called since the journal began."""
    return [call["path"] for call in respond.steer("GET", "/journal").json()["requests"]]


def people(respond: RespondSide, number: int) -> list[int]:
    return respond.store.insert_contacts({"firstName": f"Person {place}"} for place in range(number))


def test_an_opened_contact_is_asked_for_once(respond: RespondSide, raw: RawSql) -> None:
    [ada, bob] = respond.store.insert_contacts([{"firstName": "Ada"}, {"firstName": "Bob"}])
    respond.extract()
    respond.steer("PATCH", "/switches", {"index_lag_seconds": 30.0})
    respond.steer("PATCH", f"/contacts/{ada}", {"firstName": "Augusta"})
    opened(raw, ada)
    respond.steer("DELETE", "/journal")
    counts = respond.extract("second")
    assert (counts["opened"], counts["written"]) == (1, 1)
    assert names(raw) == {ada: "Augusta", bob: "Bob"}
    assert respond.extract("third")["opened"] == 0
    assert asked(respond).count(f"/v2/contact/id:{ada}") == 1


def test_an_unknown_contact_that_was_opened_is_brought(respond: RespondSide, raw: RawSql) -> None:
    respond.steer("PATCH", "/switches", {"index_lag_seconds": 30.0})
    eve = respond.store.create({"firstName": "Eve"})["id"]
    opened(raw, eve)
    assert respond.extract()["opened"] == 1
    assert names(raw) == {eve: "Eve"}
    assert raw.column("SELECT written_by FROM respond_contact") == ["get"]


def test_an_opened_contact_that_is_nowhere_is_asked_for_once(respond: RespondSide, raw: RawSql) -> None:
    opened(raw, 404)
    assert respond.extract("first")["opened"] == 1
    assert respond.extract("second")["opened"] == 0
    assert names(raw) == {}


def test_a_404_alone_proves_no_absence(respond: RespondSide, raw: RawSql) -> None:
    [ada] = respond.store.insert_contacts([{"firstName": "Ada"}])
    respond.extract()
    respond.store.delete(ada)
    opened(raw, ada)
    respond.extract("second")
    assert raw.value("SELECT gone_at FROM respond_contact") is None


def test_news_of_an_opened_contact_end_the_run(respond: RespondSide, raw: RawSql) -> None:
    """Somebody waits in front of it, and matching hears of it only when the run ends."""
    [*_, last] = people(respond, 500)
    opened(raw, last)
    respond.steer("PATCH", "/switches", {"list_order": "asc"})
    counts = respond.extract(pace=extract_respond_contacts.Pace(seconds=60.0, is_rolling=True))
    # the first one, and the one that was under way
    assert counts["pages"] <= 2


def test_a_rolling_run_ends_with_the_first_walk_ever_and_then_rolls_on(respond: RespondSide) -> None:
    people(respond, 3)
    pace = extract_respond_contacts.Pace(seconds=1.0, is_rolling=True)
    assert respond.extract("first", pace=pace)["walks"] == 1
    assert respond.extract("second", pace=pace)["walks"] > 1


def test_a_run_waits_for_the_one_before_it_and_takes_over(respond: RespondSide) -> None:
    people(respond, 3)
    with respond.db.advisory_lock(f"walk:{WORKSPACE}"):
        assert respond.extract("impatient") == {}
    with futures.ThreadPoolExecutor(1) as beside:
        with respond.db.advisory_lock(f"walk:{WORKSPACE}"):
            pace = extract_respond_contacts.Pace(patience_seconds=30.0)
            patient = beside.submit(respond.extract, "patient", pace=pace)
            assert futures.wait([patient], timeout=0.5).not_done
        assert patient.result()["walks"] == 1


def test_opened_contacts_go_before_a_creation(
    respond: RespondSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    [ada] = respond.store.insert_contacts([{"firstName": "Ada"}])
    opened(raw, ada)
    lanes: list[str] = []
    get = contacts.get

    def seen(session: Any, identifier: str) -> Any:
        lanes.append(session.lane)
        return get(session, identifier)

    monkeypatch.setattr(contacts, "get", seen)
    _looks.read_opened(respond.db, respond.session, WORKSPACE)
    assert lanes == ["edit"]


# New ones


def begun(raw: RawSql, seconds: float) -> None:
    """The open walk is as old as that."""
    raw("UPDATE respond_walk SET began_at = began_at - make_interval(secs => %(seconds)s)", seconds=seconds)


def test_a_contact_made_behind_a_long_walk_is_found_before_the_next_one(
    respond: RespondSide, raw: RawSql
) -> None:
    people(respond, 250)
    respond.extract("first", pace=PAGE)
    begun(raw, 90)
    eve = respond.store.create({"firstName": "Eve"})["id"]
    respond.extract("second", pace=PAGE)
    assert names(raw)[eve] == "Eve"


def test_contacts_that_were_there_are_not_listed_as_new(respond: RespondSide, raw: RawSql) -> None:
    respond.store.insert_contacts({"firstName": "Old", "created_at": 1767268800} for _ in range(250))
    respond.extract("first", pace=PAGE)
    begun(raw, 90)
    assert _looks.read_new(respond.db, respond.session, WORKSPACE) == 0
    assert len(names(raw)) == 100


def test_new_contacts_are_asked_for_once_a_minute(respond: RespondSide, raw: RawSql) -> None:
    people(respond, 250)
    respond.extract("first", pace=PAGE)
    begun(raw, 90)
    respond.steer("DELETE", "/journal")
    _looks.read_new(respond.db, respond.session, WORKSPACE)
    calls = len(asked(respond))
    assert calls > 0
    _looks.read_new(respond.db, respond.session, WORKSPACE)
    assert len(asked(respond)) == calls


def test_a_short_walk_needs_no_search(respond: RespondSide) -> None:
    people(respond, 250)
    respond.extract("first", pace=PAGE)
    respond.steer("DELETE", "/journal")
    _looks.read_new(respond.db, respond.session, WORKSPACE)
    assert asked(respond) == []


def test_what_was_created_while_no_walk_looked_is_searched_from_the_last_search_on(
    respond: RespondSide, raw: RawSql
) -> None:
    people(respond, 250)
    respond.extract("first", pace=PAGE)
    begun(raw, 900)
    _looks.read_new(respond.db, respond.session, WORKSPACE)
    [row] = raw("SELECT sought_new_at, began_at FROM respond_walk")
    assert row["sought_new_at"] > row["began_at"]


# Gone


def test_a_list_that_forgets_contacts_does_not_hide_those_after_them(
    respond: RespondSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_looks, "_GONE_BATCH", 1)
    [forgotten, gone] = respond.store.insert_contacts([{"firstName": "Ada"}, {"firstName": "Bob"}])
    respond.extract("first")
    raw("UPDATE respond_contact SET seen_at = seen_at - interval '5 minutes'")
    respond.extract("second")
    respond.extract("third")
    raw("DELETE FROM respond_walk_seen WHERE respond_id IN (%(one)s, %(two)s)", one=forgotten, two=gone)
    respond.store.delete(gone)
    assert _looks.mark_gone(respond.db, respond.session, WORKSPACE) == 0
    assert _looks.mark_gone(respond.db, respond.session, WORKSPACE) == 1
    assert raw.column("SELECT respond_id FROM respond_contact WHERE gone_at IS NOT NULL") == [gone]


def test_a_run_that_lost_its_turn_opens_no_finished_walk_again(respond: RespondSide, raw: RawSql) -> None:
    people(respond, 1)
    respond.extract()
    walk_id = raw.value("SELECT walk_id FROM respond_walk")
    respond.db.execute("advance_walk", walk_id=walk_id, cursor_id=7, contacts=1)
    assert raw.value("SELECT finished_at IS NOT NULL FROM respond_walk")
