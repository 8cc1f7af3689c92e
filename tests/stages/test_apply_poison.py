"""Applying edits beside ones that fail: nobody's edit waits for somebody else's, and no older wish wins."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contact_sync import edits, errors, reasons, tenants, transport
from contact_sync.salesforce import query, update
from contact_sync.sidebar import reading
from contact_sync.stages import _reading
from tests.conftest import SECRET
from tests.stages import mortal
from tests.stages.editing import Editing
from tests.stages.house import WORKSPACE
from tests.stages.test_apply_edits import COMPOSITE, answer_for, before_call, die, editing

__all__ = ["editing"]

OTHER = "other"


def poison(editing: Editing, contact: int, **fault: Any) -> None:
    """Let every call that mentions a contact fail."""
    editing.fault(record_id=editing.ids[contact - 1], path=COMPOSITE, times=None, **fault)


def lock(editing: Editing, contact: int) -> None:
    """Let the next save of a record find it locked."""
    editing.side.steer("POST", "/locks", {"id": editing.ids[contact - 1], "times": 1})


def due(editing: Editing) -> None:
    """Let the time come at which edits are tried again."""
    editing.house.raw("UPDATE field_edit SET not_before = NULL WHERE status = 'queued'")


def told(editing: Editing, contact: int, field: str = "Title") -> Any:
    """What the agent's sidebar says of a field's edit."""
    found = reading.read(editing.db, WORKSPACE, contact)
    assert found is not None
    return next(item.edit for item in found.fields if item.name == field)


# Poison


def test_a_call_that_is_refused_for_one_record_is_sent_without_it(editing: Editing) -> None:
    bad, *good = (editing.wish(contact, "Dr", "Dean") for contact in (1, 2, 3))
    poison(editing, 1, status=400, body=[{"errorCode": "JSON_PARSER_ERROR", "message": "bad"}])
    counts = editing.apply()
    assert (counts["applied"], counts["rejected"]) == (2, 1)
    assert [editing.status(edit) for edit in (bad, *good)] == ["rejected", "applied", "applied"]
    assert editing.edit(bad)["error_code"] == "JSON_PARSER_ERROR"


def test_a_record_on_which_salesforce_fails_holds_nobody_back(editing: Editing) -> None:
    bad, *good = (editing.wish(contact, "Dr", "Dean") for contact in (1, 2, 3))
    poison(editing, 1, status=500, body=[{"errorCode": "UNKNOWN_EXCEPTION", "message": "gack"}])
    editing.apply()
    assert [editing.status(edit) for edit in (bad, *good)] == ["queued", "applied", "applied"]
    assert editing.edit(bad)["error_code"] == "NO_ANSWER"


def test_a_value_that_points_nowhere_is_refused_at_once(editing: Editing) -> None:
    edit = editing.wish(1, "Dr", "Professor")
    for _ in range(2):
        answer_for(editing, 0, 400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
    editing.apply()
    assert (editing.status(edit), editing.edit(edit)["error_code"]) == (
        "rejected",
        "INVALID_CROSS_REFERENCE_KEY",
    )


def test_text_that_looks_like_a_reference_is_kept_literally(editing: Editing) -> None:
    made = [editing.wish(1, "Dr", "@{write1.id}"), editing.wish(2, "Dr", "Dean")]
    editing.apply()
    assert [editing.status(edit) for edit in made] == ["applied", "applied"]
    assert editing.held(1) == "@{write1.id}"


def test_a_field_that_may_no_longer_be_read_is_parked_and_the_others_are_applied(editing: Editing) -> None:
    lost, kept = editing.wish(1, None, "Research", field="Department"), editing.wish(2, "Dr", "Dean")
    editing.side.steer("POST", "/permissions", {"field": "Department", "access": "none"})
    editing.apply()
    assert (editing.status(kept), editing.status(lost)) == ("applied", "parked")
    assert told(editing, 1, "Department").reason == reasons.OBSTACLES["permission_lost"]


def test_a_record_that_cannot_be_asked_for_is_refused_alone(
    editing: Editing, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [editing.wish(contact, "Dr", "Dean") for contact in (1, 2, 3)]
    original = query.pages

    def picky(session: Any, soql: str) -> Any:
        if editing.ids[1] in soql:
            raise errors.RejectError("INVALID_QUERY_FILTER_OPERATOR", "invalid ID field")
        return original(session, soql)

    monkeypatch.setattr(query, "pages", picky)
    editing.apply()
    assert [editing.status(edit) for edit in made] == ["applied", "rejected", "applied"]


def test_edits_of_locked_rows_come_back_in_smaller_calls(
    editing: Editing, monkeypatch: pytest.MonkeyPatch
) -> None:
    editing.wish(1, "Dr", "Dean")
    lock(editing, 1)
    editing.apply()
    due(editing)
    sent: list[update.Write] = []
    original = update.write_contacts

    def watched(session: Any, writes: Any) -> Any:
        sent.extend(writes)
        return original(session, writes)

    monkeypatch.setattr(update, "write_contacts", watched)
    editing.wish(2, "Dr", "Dean")
    editing.apply()
    assert {write.salesforce_id: write.failures for write in sent} == {editing.ids[0]: 1, editing.ids[1]: 0}


def test_an_edit_that_is_tried_again_says_so_and_asks_nothing_of_its_agent(editing: Editing) -> None:
    locked, failed = (editing.wish(contact, "Dr", "Dean") for contact in (1, 2))
    lock(editing, 1)
    poison(editing, 2, status=500, body=[{"errorCode": "UNKNOWN_EXCEPTION", "message": "gack"}])
    editing.apply()
    assert [editing.status(edit) for edit in (locked, failed)] == ["queued", "queued"]
    assert told(editing, 1).reason == reasons.RETRIES["UNABLE_TO_LOCK_ROW"]
    assert "tried again by itself" in told(editing, 2).reason


def test_records_that_wait_for_different_reasons_keep_their_own(editing: Editing) -> None:
    locked, busy = (editing.wish(contact, "Dr", "Dean") for contact in (1, 2))
    codes = {1: "UNABLE_TO_LOCK_ROW", 2: "SERVER_UNAVAILABLE"}
    for contact, code in codes.items():
        editing.side.steer("POST", "/locks", {"id": editing.ids[contact - 1], "times": 1, "code": code})
    editing.apply()
    assert [editing.edit(edit)["error_code"] for edit in (locked, busy)] == list(codes.values())


def test_a_read_that_takes_salesforce_too_long_is_tried_again(editing: Editing) -> None:
    edit = editing.wish(1, "Dr", "Dean")
    slow = [{"errorCode": "QUERY_TIMEOUT", "message": "Your query request was running for too long."}]
    editing.fault(path="*/queryAll", status=400, body=slow)
    assert editing.apply()["requeued"] == 1
    assert (editing.status(edit), editing.edit(edit)["error_code"]) == ("queued", "QUERY_TIMEOUT")
    assert "by itself" in told(editing, 1).reason
    due(editing)
    editing.apply()
    assert (editing.status(edit), editing.writes(1)) == ("applied", ["Dean"])


def test_one_record_that_takes_too_long_to_read_keeps_no_other_from_being_read(
    editing: Editing, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [editing.wish(contact, "Dr", "Dean") for contact in (1, 2, 3)]
    original = query.pages

    def slow(session: Any, soql: str) -> Any:
        if editing.ids[1] in soql:
            raise query.QueryTimeoutError("too long")
        return original(session, soql)

    monkeypatch.setattr(query, "pages", slow)
    editing.apply()
    assert [editing.status(edit) for edit in made] == ["applied", "queued", "applied"]


def test_an_edit_that_was_tried_too_often_is_counted_as_refused(editing: Editing) -> None:
    edit = editing.wish(1, "Dr", "Dean")
    editing.house.raw("UPDATE field_edit SET attempts = 100")
    lock(editing, 1)
    counts = editing.apply()
    assert editing.edit(edit)["error_detail"] == reasons.SENTENCES["UNABLE_TO_LOCK_ROW"]
    assert (editing.status(edit), counts["rejected"], counts["requeued"]) == ("rejected", 1, 0)


def test_a_used_up_day_leaves_edits_that_can_be_taken_back(editing: Editing) -> None:
    edit = editing.wish(1, "Dr", "Dean")
    refusal = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    editing.fault(path=COMPOSITE, status=403, body=refusal)
    editing.apply()
    assert editing.house.raw.column("SELECT status FROM stage_run WHERE stage = 'apply_edits'") == [
        "deferred"
    ]
    assert edits.discard(editing.db, WORKSPACE, edit, "ann")["status"] == "discarded"
    assert editing.held(1) == "Dr"


@pytest.mark.parametrize("named", ["LastName", "Title"])
def test_a_rule_that_points_at_a_field_refuses_at_once(editing: Editing, named: str) -> None:
    edit = editing.wish(1, "Dr", "Sir")
    rule = {"field": named, "when": "Title = 'Sir'", "message": "No Sirs"}
    editing.side.steer("POST", "/settings", {"validation_rules": [rule]})
    editing.apply()
    assert editing.edit(edit)["error_code"] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert editing.calls("POST", "/composite") == 1


# Away


AWAY: list[tuple[dict[str, Any], str]] = [
    ({"path": "*/queryAll", "status": 503, "body": ""}, "no_answer"),
    (
        {
            "path": "*/queryAll",
            "status": 403,
            "body": [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}],
        },
        "quota_used_up",
    ),
    (
        {
            "path": "*/queryAll",
            "status": 400,
            "body": [{"errorCode": "INVALID_TYPE", "message": "no Contact"}],
        },
        "refused_connection",
    ),
]


@pytest.mark.parametrize(("fault", "code"), AWAY, ids=[code for _, code in AWAY])
def test_edits_that_wait_for_salesforce_say_so_until_they_go_on(
    editing: Editing, monkeypatch: pytest.MonkeyPatch, fault: dict[str, Any], code: str
) -> None:
    impatient = transport.Patience(retry_seconds=0.0)
    monkeypatch.setattr(transport, "Patience", lambda: impatient)
    edit = editing.wish(1, "Dr", "Dean")
    editing.fault(**fault, times=None)
    for _ in range(2):
        with contextlib.suppress(errors.ContactSyncError):
            editing.apply()
        shown = told(editing, 1)
        assert (shown.status, shown.reason) == ("queued", reasons.WAITS[code])
        assert editing.edit(edit)["error_code"] == code
    editing.side.steer("DELETE", "/faults")
    editing.apply()
    assert (editing.status(edit), editing.edit(edit)["error_code"]) == ("applied", None)


def test_an_edit_with_a_reason_of_its_own_keeps_it_while_salesforce_is_away(editing: Editing) -> None:
    locked = editing.wish(1, "Dr", "Dean")
    lock(editing, 1)
    editing.apply()
    editing.wish(2, "Dr", "Dean")
    refusal = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    editing.fault(path="*/queryAll", status=403, body=refusal)
    editing.apply()
    assert editing.edit(locked)["error_code"] == "UNABLE_TO_LOCK_ROW"
    assert told(editing, 2).reason == reasons.WAITS["quota_used_up"]


# Order


def test_an_edit_that_waits_lets_no_later_one_of_its_contact_by(editing: Editing) -> None:
    editing.wish(1, "Dr", "Dean")
    lock(editing, 1)
    editing.apply()
    later = editing.wish(1, None, "Research", field="Department")
    other = editing.wish(2, "Dr", "Dean")
    editing.apply()
    assert (editing.status(later), editing.status(other)) == ("queued", "applied")
    due(editing)
    editing.apply()
    assert (editing.held(1), editing.held(1, "Department")) == ("Dean", "Research")


def test_an_edit_that_comes_back_gives_way_to_a_later_one(
    editing: Editing, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = editing.wish(1, "Dr", "Professor")
    lock(editing, 1)
    later: list[int] = []
    before_call(monkeypatch, update, "write_contacts", lambda: later.append(editing.wish(1, "Dr", "Dean")))
    editing.apply()
    assert (editing.status(first), editing.status(later[0])) == ("superseded", "applied")
    assert editing.writes(1) == ["Dean"]


def test_an_edit_whose_worker_died_gives_way_to_a_later_one(
    editing: Editing, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = editing.wish(1, "Dr", "Professor")
    editing.house.raw("UPDATE field_edit SET status = 'applying', attempts = 1")
    later = editing.wish(1, "Professor", "Dean")
    editing.apply()
    assert (editing.status(first), editing.status(later)) == ("superseded", "applied")
    assert editing.writes(1) == ["Dean"]


def test_a_parked_edit_gives_way_to_a_later_one(editing: Editing) -> None:
    parked = editing.wish(1, "Dr", "Professor")
    tenants.set_workspace(editing.db, WORKSPACE, editing_enabled=False)
    editing.apply()
    tenants.set_workspace(editing.db, WORKSPACE, editing_enabled=True)
    editing.wish(1, "Dr", "Dean")
    editing.apply()
    editing.wish(1, "Dean", "Dr")
    editing.apply()
    editing.apply()
    assert editing.status(parked) == "superseded"
    assert editing.writes(1) == ["Dean", "Dr"]


def test_a_parked_edit_tells_why_and_can_be_taken_back(editing: Editing) -> None:
    parked = editing.wish(1, "Dr", "Professor")
    tenants.set_workspace(editing.db, WORKSPACE, editing_enabled=False)
    editing.apply()
    shown = told(editing, 1)
    assert (shown.status, shown.reason) == ("parked", reasons.OBSTACLES["editing_off"])
    assert edits.discard(editing.db, WORKSPACE, parked, "ann")["status"] == "discarded"


# Races


def test_a_record_that_moves_while_we_wait_is_not_written_within_its_second(
    editing: Editing, monkeypatch: pytest.MonkeyPatch
) -> None:
    editing.change(1, Department="Research")
    edit = editing.wish(1, "Dr", "Professor")
    margins: list[timedelta] = []
    original, slept = update.write_contacts, time.sleep
    moves = iter(("Sales",))

    def sleep(seconds: float) -> None:
        slept(seconds)
        for department in moves:
            editing.change(1, Department=department)

    def watched(session: Any, writes: Any) -> Any:
        margins.extend(datetime.now(UTC) - write.unmodified_since for write in writes)
        return original(session, writes)

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(update, "write_contacts", watched)
    editing.apply()
    assert editing.status(edit) == "applied"
    assert min(margins) >= timedelta(seconds=1.9)


def test_an_agent_of_another_workspace_does_not_overwrite_what_nobody_showed_it(
    editing: Editing, monkeypatch: pytest.MonkeyPatch
) -> None:
    editing.house.workspace(OTHER, org_id=editing.side.org_id, editing_enabled=True)
    editing.house.choose("Title", editable=True, workspace_id=OTHER)
    editing.house.contact(9, org_id=editing.side.org_id, workspace_id=OTHER, email="p1@example.com")
    editing.house.materialize(editing.side.org_id)
    first = editing.wish(1, "Dr", "Professor")
    later: list[int] = []

    def meanwhile() -> None:
        later.append(editing.wish(9, "Dr", "Dean", workspace_id=OTHER))

    before_call(monkeypatch, update, "write_contacts", meanwhile)
    editing.apply()
    found = edits.get(editing.db, OTHER, later[0])
    assert found is not None
    assert (editing.status(first), found["status"], editing.held(1)) == ("applied", "conflict", "Professor")


@pytest.mark.slow
def test_two_workers_at_once_write_once(editing: Editing, database_url: str) -> None:
    made = [editing.wish(contact, "Dr", f"Dean {contact}") for contact in (1, 2, 3)]
    # so long that the other worker is there
    editing.fault(path=COMPOSITE, delay_before_seconds=1.0)
    place = {
        "database_url": database_url,
        "salesforce_url": str(editing.side.http.base_url).rstrip("/"),
        "secret": SECRET,
        "org_id": editing.side.org_id,
        "lane": "edit",
    }
    with mortal.nursery() as one, mortal.nursery() as other:
        for workers in (one, other):
            workers.begin("apply_edits", **place)
        assert [workers.end() for workers in (one, other)] == [0, 0]
    assert [editing.status(edit) for edit in made] == ["applied"] * 3
    assert [editing.writes(contact) for contact in (1, 2, 3)] == [
        [f"Dean {contact}"] for contact in (1, 2, 3)
    ]


def test_a_worker_that_is_stopped_before_it_sends_leaves_edits_that_can_be_taken_back(
    editing: Editing, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit = editing.wish(1, "Dr", "Professor")
    before_call(monkeypatch, _reading, "read_ripe", die)
    with pytest.raises(KeyboardInterrupt):
        editing.apply()
    assert edits.discard(editing.db, WORKSPACE, edit, "ann")["status"] == "discarded"
