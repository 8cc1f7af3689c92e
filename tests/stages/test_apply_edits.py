"""Applying edits: what was asked reaches Salesforce once, and never over somebody else's value."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from contact_sync import edits, errors, reasons, tenants
from contact_sync.salesforce import query, update
from contact_sync.sidebar import reading
from contact_sync.stages import _applying, _ending, _reading, _windows, apply_edits, sweep_leftovers
from tests.stages.conftest import OpenSalesforce, SalesforceSide
from tests.stages.editing import Editing
from tests.stages.house import NOON, WORKSPACE, House

PEOPLE = 3
COMPOSITE = "*/composite"


@pytest.fixture
def editing(salesforce: SalesforceSide, house_of: House, open_salesforce: OpenSalesforce) -> Editing:
    """Three matched contacts, last changed long ago, whose title and department may be edited."""
    db = salesforce.db
    salesforce.store.insert_contacts(
        {
            "LastName": f"Person {number}",
            "Email": f"p{number}@example.com",
            "Title": "Dr",
            "SystemModstamp": 1767268800 + number,
            "LastModifiedDate": 1767268800 + number,
        }
        for number in range(1, PEOPLE + 1)
    )
    tenants.choose_fields(
        db,
        WORKSPACE,
        [
            tenants.FieldChoice(name=name, is_editable=name != "Email")
            for name in ("Title", "Department", "Score__c", "Email")
        ],
    )
    tenants.set_workspace(db, WORKSPACE, editing_enabled=True)
    salesforce.extract()
    for number in range(1, PEOPLE + 1):
        house_of.contact(number, org_id=salesforce.org_id, email=f"p{number}@example.com")
    house_of.materialize(salesforce.org_id)
    rows = house_of.raw("SELECT salesforce_id FROM salesforce_contact ORDER BY email")
    return Editing(
        side=salesforce,
        house=house_of,
        open_salesforce=open_salesforce,
        ids=tuple(row["salesforce_id"] for row in rows),
    )


def test_an_edit_reaches_salesforce_the_mirror_and_the_sidebar(editing: Editing) -> None:
    edit = editing.wish(1, "Dr", "Professor")
    assert editing.apply()["applied"] == 1
    assert (editing.held(1), editing.status(edit)) == ("Professor", "applied")
    assert editing.edit(edit)["stored_value"] == "Professor"
    assert editing.house.row(1)["fields"]["Title"] == "Professor"


def test_history_says_who_when_old_and_new(editing: Editing) -> None:
    edit = editing.wish(1, "Dr", "Professor")
    editing.apply()
    events = editing.house.raw("SELECT * FROM edit_event WHERE edit_id = %(id)s ORDER BY event_id", id=edit)
    assert [(e["from_status"], e["to_status"], e["actor"]) for e in events] == [
        (None, "queued", "ann"),
        ("queued", "applying", "ann"),
        ("applying", "applied", "apply_edits"),
    ]
    assert events[0]["detail"] == {"base": "Dr", "new": "Professor"}


def test_a_second_run_sends_nothing(editing: Editing) -> None:
    editing.wish(1, "Dr", "Professor")
    editing.apply()
    sent = editing.calls("POST", "/composite")
    counts = editing.apply()
    assert counts["claimed"] == 0
    assert editing.calls("POST", "/composite") == sent


def test_somebody_elses_value_stands_and_both_are_kept(editing: Editing) -> None:
    edit = editing.wish(1, "Dr", "Professor")
    editing.change(1, Title="Dean")
    assert editing.apply()["conflict"] == 1
    found = editing.edit(edit)
    assert (found["new_value"], found["stored_value"], editing.held(1)) == ("Professor", "Dean", "Dean")


def test_a_value_that_is_there_already_is_applied_without_a_write(editing: Editing) -> None:
    edit = editing.wish(1, "Dr", "Professor")
    editing.change(1, Title="Professor")
    editing.apply()
    assert editing.status(edit) == "applied"
    assert editing.calls("POST", "/composite") == 0


def test_a_change_between_reading_and_sending_is_not_overwritten(
    editing: Editing, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit = editing.wish(1, "Dr", "Professor")
    before_call(monkeypatch, update, "write_contacts", lambda: editing.change(1, Title="Dean"))
    editing.apply()
    assert (editing.held(1), editing.status(edit)) == ("Dean", "conflict")


def act_as_us(editing: Editing, contact: int, **fields: Any) -> None:
    """Another tool that is logged in as our user changes the record."""
    user = editing.side.store.integration_user_id
    editing.side.steer("PATCH", f"/contacts/{editing.ids[contact - 1]}?user_id={user}", fields)


def test_a_value_that_another_tool_wrote_as_our_user_is_not_taken_for_ours(
    editing: Editing, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit = editing.wish(1, "Dr", "Professor")
    before_call(monkeypatch, update, "write_contacts", lambda: act_as_us(editing, 1, Title="Dean"))
    editing.apply()
    assert (editing.held(1), editing.status(edit)) == ("Dean", "conflict")


def test_an_edit_that_another_ones_refusal_kept_back_is_not_found_in_somebody_elses_value(
    editing: Editing, monkeypatch: pytest.MonkeyPatch
) -> None:
    editing.wish(1, "Dr", "Professor")
    kept_back = editing.wish(1, None, "Research", field="Department")
    answer_for(editing, 0, 400, "STRING_TOO_LONG", "too long", ["Title"])
    after_call(monkeypatch, _applying, "_settle_written", lambda: act_as_us(editing, 1, Department="Sales"))
    editing.apply()
    assert (editing.held(1, "Department"), editing.status(kept_back)) == ("Sales", "conflict")


def test_a_change_of_another_field_in_between_does_not_stop_the_edit(
    editing: Editing, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit = editing.wish(1, "Dr", "Professor")
    before_call(monkeypatch, update, "write_contacts", lambda: editing.change(1, Department="Research"))
    editing.apply()
    assert (editing.held(1), editing.held(1, "Department")) == ("Professor", "Research")
    assert editing.status(edit) == "applied"


def test_a_record_stamped_this_second_is_read_again_before_it_is_written(editing: Editing) -> None:
    editing.change(1, Department="Research")
    edit = editing.wish(1, "Dr", "Professor")
    editing.apply()
    assert editing.status(edit) == "applied"
    assert editing.held(1) == "Professor"


@pytest.mark.parametrize("moment", ["before the call", "after the call"])
def test_a_worker_killed_around_the_call_writes_once(
    editing: Editing, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    edit = editing.wish(1, "Dr", "Professor")
    if moment == "before the call":
        before_call(monkeypatch, update, "write_contacts", die)
    else:
        before_call(monkeypatch, _applying, "_settle_written", die)
    with pytest.raises(KeyboardInterrupt):
        editing.apply()
    assert editing.status(edit) == "applying"
    editing.apply()
    assert editing.status(edit) == "applied"
    assert editing.writes(1) == ["Professor"]


def test_an_answer_that_is_lost_after_applying_is_not_sent_twice(editing: Editing) -> None:
    edit = editing.wish(1, "Dr", "Professor")
    editing.fault(method="POST", path=COMPOSITE, cut_after_bytes=-1, apply=True)
    editing.apply()
    assert editing.status(edit) == "applied"
    assert editing.writes(1) == ["Professor"]


def test_an_unanswered_call_that_was_not_applied_is_sent_again(editing: Editing) -> None:
    edit = editing.wish(1, "Dr", "Professor")
    editing.fault(method="POST", path=COMPOSITE, status=503, body="<html>busy</html>")
    editing.apply()
    assert editing.status(edit) == "applied"
    assert editing.writes(1) == ["Professor"]


def test_a_row_that_salesforce_refuses_keeps_its_code_and_a_sentence(editing: Editing) -> None:
    bad = editing.wish(1, "Dr", "Professor")
    good = editing.wish(2, "Dr", "Dean")
    answer_for(editing, 0, 400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "No professors here", [])
    editing.apply()
    found = editing.edit(bad)
    assert (found["status"], found["error_code"]) == ("rejected", "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    assert "validation rule" in found["error_detail"]
    assert editing.status(good) == "applied"


def answer_for(editing: Editing, index: int, status: int, code: str, message: str, fields: list[str]) -> None:
    """Let the first composite call refuse one sub-request and take none of it."""
    part = {
        "body": [{"errorCode": code, "message": message, "fields": fields}],
        "httpHeaders": {},
        "httpStatusCode": status,
        "referenceId": f"write{index}",
    }
    editing.fault(method="POST", path=COMPOSITE, status=200, body={"compositeResponse": [part]})


def test_a_refusal_that_names_a_field_spares_the_records_other_edits(editing: Editing) -> None:
    bad = editing.wish(1, "Dr", "Professor")
    good = editing.wish(1, None, "Research", field="Department")
    answer_for(editing, 0, 400, "STRING_TOO_LONG", "too long", ["Title"])
    editing.apply()
    assert (editing.status(bad), editing.status(good)) == ("rejected", "applied")
    assert (editing.held(1), editing.held(1, "Department")) == ("Dr", "Research")


def test_a_locked_row_waits_and_holds_nobody_back(editing: Editing) -> None:
    locked = editing.wish(1, "Dr", "Professor")
    answer_for(editing, 0, 400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access", [])
    assert editing.apply()["requeued"] == 1
    assert editing.status(locked) == "queued"
    free = editing.wish(2, "Dr", "Dean")
    editing.apply()
    assert editing.status(free) == "applied"
    editing.house.raw("UPDATE field_edit SET not_before = NULL")
    editing.apply()
    assert editing.status(locked) == "applied"


def test_edits_of_many_contacts_share_calls(editing: Editing) -> None:
    for number in range(1, PEOPLE + 1):
        editing.wish(number, "Dr", "Professor")
        editing.wish(number, None, "Research", field="Department")
    assert editing.apply()["applied"] == 2 * PEOPLE
    assert editing.calls("POST", "/composite") == 1


def test_two_hundred_edits_cost_twelve_calls(editing: Editing) -> None:
    org_id, old = editing.side.org_id, {"SystemModstamp": 1767268800, "LastModifiedDate": 1767268800}
    ids = editing.side.store.insert_contacts({"LastName": "Many", "Title": "Dr", **old} for _ in range(200))
    for number, salesforce_id in enumerate(ids, start=1000):
        email = f"many{number}@example.com"
        cells = {"salesforce_id": salesforce_id, "email": email, "system_modstamp": NOON, "read_at": NOON}
        editing.house.raw.insert("salesforce_contact", org_id=org_id, **cells)
        editing.house.contact(number, org_id=org_id, email=email)
    editing.house.materialize(org_id)
    for number in range(1000, 1200):
        editing.wish(number, "Dr", "Professor")
    before = journaled(editing)
    assert editing.apply()["applied"] == 200
    assert journaled(editing) - before <= 12


def journaled(editing: Editing) -> int:
    """How many calls Salesforce has had."""
    return len(editing.side.steer("GET", "/journal").json()["requests"])


def test_a_deleted_record_rejects_its_edits(editing: Editing) -> None:
    edit = editing.wish(1, "Dr", "Professor")
    editing.side.steer("DELETE", f"/contacts/{editing.ids[0]}")
    editing.apply()
    assert (editing.status(edit), editing.edit(edit)["error_code"]) == ("rejected", "ENTITY_IS_DELETED")


def test_an_edit_of_a_merged_record_follows_it_to_the_winner(editing: Editing) -> None:
    edit = editing.wish(1, "Dr", "Professor")
    editing.side.steer("POST", f"/contacts/{editing.ids[1]}/merge", {"losers": [editing.ids[0]]})
    editing.apply()
    assert editing.status(edit) == "queued"
    editing.side.extract()
    editing.house.raw("UPDATE field_edit SET not_before = NULL")
    editing.apply()
    assert (editing.status(edit), editing.held(2)) == ("applied", "Professor")


def test_an_edit_of_a_merged_record_waits_for_the_mirror_however_long_that_takes(editing: Editing) -> None:
    edit = editing.wish(1, "Dr", "Professor")
    editing.side.steer("POST", f"/contacts/{editing.ids[1]}/merge", {"losers": [editing.ids[0]]})
    editing.house.raw("UPDATE field_edit SET attempts = %(almost)s", almost=_ending.ATTEMPTS - 1)
    for _ in range(2):
        editing.apply()
        found = editing.edit(edit)
        assert (found["status"], found["attempts"], found["error_code"]) == (
            "queued",
            _ending.ATTEMPTS - 1,
            "merged",
        )
        assert editing.house.raw.value("SELECT not_before > now() FROM field_edit")
        editing.house.raw("UPDATE field_edit SET not_before = NULL")


def test_an_edit_whose_winner_is_gone_is_refused_in_the_end(editing: Editing) -> None:
    edit = editing.wish(1, "Dr", "Professor")
    editing.side.steer("POST", f"/contacts/{editing.ids[1]}/merge", {"losers": [editing.ids[0]]})
    editing.side.steer("DELETE", f"/contacts/{editing.ids[1]}")
    editing.side.extract()
    editing.house.raw("UPDATE field_edit SET attempts = %(almost)s", almost=_ending.ATTEMPTS - 1)
    editing.apply()
    assert (editing.status(edit), editing.edit(edit)["error_code"]) == ("rejected", "merged")


@pytest.mark.parametrize(
    ("off", "on", "obstacle"),
    [
        ({"editing_enabled": False}, {"editing_enabled": True}, "editing_off"),
    ],
)
def test_an_edit_that_may_not_be_sent_now_is_parked_and_comes_back(
    editing: Editing, off: dict[str, Any], on: dict[str, Any], obstacle: str
) -> None:
    edit = editing.wish(1, "Dr", "Professor")
    tenants.set_workspace(editing.db, WORKSPACE, **off)
    editing.apply()
    assert (editing.status(edit), editing.edit(edit)["error_code"]) == ("parked", obstacle)
    tenants.set_workspace(editing.db, WORKSPACE, **on)
    editing.apply()
    assert (editing.status(edit), editing.held(1)) == ("applied", "Professor")


def test_an_edit_that_was_parked_for_a_month_is_not_sent_by_surprise(editing: Editing) -> None:
    edit = editing.wish(1, "Dr", "Professor")
    tenants.set_workspace(editing.db, WORKSPACE, editing_enabled=False)
    editing.apply()
    editing.house.raw("UPDATE field_edit SET requested_at = now() - interval '31 days'")
    tenants.set_workspace(editing.db, WORKSPACE, editing_enabled=True)
    editing.apply()
    assert (editing.status(edit), editing.held(1)) == ("parked", "Dr")
    assert sweep_leftovers.run(editing.db, run_id="daily")["given_up_edits"] == 1
    found = editing.edit(edit)
    assert (found["status"], found["error_code"]) == ("rejected", "waited_too_long")
    shown = reading.read(editing.db, WORKSPACE, 1)
    assert shown is not None
    [reason] = [item.edit.reason for item in shown.fields if item.edit]
    assert reason == reasons.SENTENCES["waited_too_long"]


def test_a_disconnect_parks_and_a_reconnect_brings_back(editing: Editing) -> None:
    edit = editing.wish(1, "Dr", "Professor")
    tenants.disconnect_workspace(editing.db, WORKSPACE)
    assert editing.status(edit) == "parked"
    tenants.connect_workspace(editing.db, WORKSPACE, editing.side.org_id)
    editing.apply()
    assert editing.status(edit) == "applied"


def test_a_lost_permission_parks(editing: Editing) -> None:
    edit = editing.wish(1, "Dr", "Professor")
    editing.house.raw("UPDATE salesforce_field SET lost_at = now() WHERE name = 'Title'")
    editing.apply()
    assert editing.edit(edit)["error_code"] == "permission_lost"
    assert editing.held(1) == "Dr"


def test_an_edit_behind_one_in_flight_takes_what_that_one_stored(
    editing: Editing, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = editing.wish(1, "Dr", "Professor")
    later: list[int] = []
    before_call(monkeypatch, update, "write_contacts", lambda: later.append(editing.wish(1, "Dr", "Dean")))
    editing.apply()
    assert editing.edit(later[0])["after_edit_id"] in (first, None)
    editing.apply()
    assert (editing.status(later[0]), editing.held(1)) == ("applied", "Dean")
    assert editing.writes(1) == ["Professor", "Dean"]


def test_an_edit_behind_one_whose_worker_died_goes_in_the_same_run(
    editing: Editing, monkeypatch: pytest.MonkeyPatch
) -> None:
    editing.wish(1, "Dr", "Professor")
    before_call(monkeypatch, _applying, "_settle_written", die)
    with pytest.raises(KeyboardInterrupt):
        editing.apply()
    later = editing.wish(1, "Professor", "Dean")
    assert editing.apply()["claimed"] == 2
    assert (editing.status(later), editing.writes(1)) == ("applied", ["Professor", "Dean"])


def test_a_conflict_stops_only_later_edits_of_that_field(
    editing: Editing, monkeypatch: pytest.MonkeyPatch
) -> None:
    editing.wish(1, "Dr", "Professor")
    later: list[int] = []

    def meanwhile() -> None:
        editing.change(1, Title="Dean")
        later.append(editing.wish(1, "Dr", "Rector"))
        later.append(editing.wish(1, None, "Research", field="Department"))

    before_call(monkeypatch, update, "write_contacts", meanwhile)
    editing.apply()
    editing.apply()
    assert [editing.status(edit) for edit in later] == ["conflict", "applied"]
    assert editing.held(1) == "Dean"


def test_a_revert_puts_back_what_was_there(editing: Editing) -> None:
    edit = editing.wish(1, "Dr", "Professor")
    editing.apply()
    back = edits.revert(editing.db, WORKSPACE, edit, "bob")
    editing.apply()
    assert (editing.status(back["edit_id"]), editing.held(1)) == ("applied", "Dr")


def test_a_value_that_salesforce_rewrites_is_applied_and_said_so(
    editing: Editing, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit = editing.wish(1, "Dr", "professor")
    original = _reading.read
    reads: list[int] = []

    def rewriting(*arguments: Any) -> _reading.Reading:
        if reads:
            editing.change(1, Title="PROFESSOR")
        reads.append(1)
        return original(*arguments)

    monkeypatch.setattr(_reading, "read", rewriting)
    editing.apply()
    found = editing.edit(edit)
    assert (found["status"], found["stored_value"], found["changed_by_salesforce"]) == (
        "applied",
        "PROFESSOR",
        True,
    )


def mirrored(editing: Editing, contact: int) -> tuple[Any, Any]:
    """Title and department of a contact as the mirror has them."""
    [row] = editing.house.raw(
        "SELECT payload FROM salesforce_contact WHERE salesforce_id = %(id)s", id=editing.ids[contact - 1]
    )
    return row["payload"]["Title"], row["payload"]["Department"]


def test_a_window_that_was_read_before_an_edit_does_not_undo_it_in_the_mirror(
    editing: Editing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile() -> None:
        editing.wish(1, "Dr", "Professor")
        assert editing.apply()["applied"] == 1

    editing.change(1, Department="Research")
    before_call(monkeypatch, _windows, "_merge_rows", meanwhile)
    editing.side.extract()
    assert mirrored(editing, 1) == ("Professor", "Research")
    editing.house.materialize(editing.side.org_id)
    assert editing.house.row(1)["fields"]["Title"] == "Professor"


def test_a_name_that_was_edited_outlives_an_older_window_too(
    editing: Editing, monkeypatch: pytest.MonkeyPatch
) -> None:
    choices = [tenants.FieldChoice(name=name, is_editable=True) for name in ("Title", "LastName")]
    tenants.choose_fields(editing.db, WORKSPACE, choices)

    def meanwhile() -> None:
        editing.wish(1, "Person 1", "Lovelace", field="LastName")
        assert editing.apply()["applied"] == 1

    editing.change(1, Title="Dean")
    before_call(monkeypatch, _windows, "_merge_rows", meanwhile)
    editing.side.extract()
    found = editing.house.raw("SELECT last_name, payload FROM salesforce_contact ORDER BY email LIMIT 1")
    assert (found[0]["last_name"], found[0]["payload"]["Title"]) == ("Lovelace", "Dean")
    assert "LastName" not in found[0]["payload"]


def test_what_somebody_wrote_after_an_edit_wins_over_it(
    editing: Editing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile() -> None:
        edit = editing.wish(1, "Dr", "Professor")
        editing.apply()
        assert editing.status(edit) == "applied"
        editing.change(1, Title="Dean")

    before_call(monkeypatch, query, "pages", meanwhile)
    editing.side.extract()
    assert mirrored(editing, 1)[0] == "Dean"


def test_formula_text_is_kept_literally(editing: Editing) -> None:
    editing.wish(1, "Dr", "=1+1")
    editing.apply()
    assert editing.held(1) == "=1+1"


def test_salesforce_away_leaves_edits_for_the_next_run(editing: Editing) -> None:
    edit = editing.wish(1, "Dr", "Professor")
    editing.fault(path="*/queryAll", status=500, body="", times=None)
    session = editing.open_salesforce(editing.side.org_id)
    session._transport._patience.retry_seconds = 0.0
    with pytest.raises(errors.RetryError):
        apply_edits.run(editing.db, session, org_id=editing.side.org_id, run_id="away")
    assert (editing.status(edit), editing.edit(edit)["attempts"]) == ("queued", 0)
    editing.side.steer("DELETE", "/faults")
    editing.apply()
    assert (editing.status(edit), editing.writes(1)) == ("applied", ["Professor"])


def test_a_workspace_may_choose_fewer_calls_and_the_race_they_bring(
    editing: Editing, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenants.set_workspace(editing.db, WORKSPACE, edit_sending="collections")
    before_call(monkeypatch, update, "write_contacts", lambda: editing.change(1, Title="Dean"))
    edit = editing.wish(1, "Dr", "Professor")
    editing.apply()
    assert (editing.status(edit), editing.writes(1)) == ("applied", ["Dean", "Professor"])
    assert editing.calls("PATCH", "/composite/sobjects") == 1


@pytest.mark.parametrize(("threshold", "status"), [(2, "failed"), (3, "succeeded")])
def test_a_run_in_which_many_and_most_edits_were_refused_fails(
    editing: Editing, monkeypatch: pytest.MonkeyPatch, threshold: int, status: str
) -> None:
    monkeypatch.setattr(apply_edits, "FAILING_FROM", threshold)
    rule = {"field": "Title", "when": "Title = 'Sir'", "message": "No Sirs"}
    editing.side.steer("POST", "/settings", {"validation_rules": [rule]})
    made = [editing.wish(contact, "Dr", title) for contact, title in ((1, "Sir"), (2, "Sir"), (3, "Dean"))]
    with contextlib.suppress(errors.StopError):
        editing.apply()
    assert [editing.status(edit) for edit in made] == ["rejected", "rejected", "applied"]
    assert editing.house.raw.column("SELECT status FROM stage_run WHERE stage = 'apply_edits'") == [status]


def die() -> None:
    raise KeyboardInterrupt


def before_call(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, first: Callable[[], Any]) -> None:
    """Let something happen before the first call of a function."""
    original: Callable[..., Any] = getattr(module, name)
    happenings = [first]

    def preceded(*arguments: Any, **options: Any) -> Any:
        while happenings:
            happenings.pop()()
        return original(*arguments, **options)

    monkeypatch.setattr(module, name, preceded)


def after_call(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, then: Callable[[], Any]) -> None:
    """Let something happen after the first call of a function."""
    original: Callable[..., Any] = getattr(module, name)
    happenings = [then]

    def followed(*arguments: Any, **options: Any) -> Any:
        result = original(*arguments, **options)
        while happenings:
            happenings.pop()()
        return result

    monkeypatch.setattr(module, name, followed)
