"""Whatever breaks during a creation: one contact, its tag, and nothing stuck."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync import errors, tenants, transport
from contact_sync.respond_io import changes
from contact_sync.stages import _creation, _creation_row, _respond_mirror, restore_tags
from tests.stages.creating import TAG, Creating, before_call, try_to_create
from tests.stages.house import WORKSPACE, person_id

CONTACT = "/v2/contact/[!i]*"


class DeathError(BaseException):
    """The worker is killed."""


def die() -> None:
    raise DeathError


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (changes, "create"),
        (changes, "add_tags"),
        (_creation.Creator, "_tag_and_record"),
        (_respond_mirror, "write"),
    ],
    ids=["before the call", "before the tag", "after the call", "before the record"],
)
def test_a_worker_killed_in_between_makes_one_contact(
    creating: Creating, monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    creating.new(1)
    before_call(monkeypatch, module, name, die)
    with pytest.raises(DeathError):
        creating.create()
    assert creating.outcome(1) == ("creating", None)
    creating.a_minute_later()
    creating.create()
    assert creating.outcome(1) == ("tagged", None)
    assert [contact["tags"] for contact in creating.made()] == [[TAG]]


def test_after_a_crash_nothing_is_sent_before_the_vendor_must_be_done(
    creating: Creating, monkeypatch: pytest.MonkeyPatch
) -> None:
    creating.new(1)
    before_call(monkeypatch, changes, "create", die)
    with pytest.raises(DeathError):
        creating.create()
    assert creating.create()["postponed"] == 1
    assert (creating.outcome(1)[0], creating.made()) == ("creating", [])


def test_after_a_crash_a_contact_is_found_although_the_record_changed(
    creating: Creating, monkeypatch: pytest.MonkeyPatch
) -> None:
    creating.new(1)
    before_call(monkeypatch, _creation.Creator, "_tag_and_record", die)
    with pytest.raises(DeathError):
        creating.create()
    creating.house.change_person(1, email="lovelace@example.com")
    creating.create()
    assert creating.outcome(1)[0] == "tagged"
    assert len(creating.made()) == 1


def test_after_a_crash_an_older_contact_is_adopted(
    creating: Creating, monkeypatch: pytest.MonkeyPatch
) -> None:
    creating.new(1)
    before_call(monkeypatch, changes, "create", die)
    with pytest.raises(DeathError):
        creating.create()
    creating.there(email="ada1@example.com")
    assert creating.create()["adopted"] == 1
    assert creating.made()[0]["tags"] == []


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "headers": {"Retry-After": "0"}},
        {"status": 449},
        {"status": 500},
        {"status": 500, "apply": True},
        {"cut_after_bytes": -1},
        {"cut_after_bytes": -1, "apply": True},
    ],
    ids=["rate", "in queue", "error", "error after applying", "cut", "cut after applying"],
)
def test_an_unanswered_creation_makes_one_contact(creating: Creating, fault: dict[str, Any]) -> None:
    creating.new(1)
    creating.fault(method="POST", path=CONTACT, **fault)
    try_to_create(creating)
    assert creating.outcome(1)[0] in ("creating", "tagged")
    for _ in range(2):
        creating.a_minute_later()
        try_to_create(creating)
    assert creating.outcome(1) == ("tagged", None)
    assert [contact["tags"] for contact in creating.made()] == [[TAG]]


def test_an_unclear_answer_is_looked_up_after_a_minute(creating: Creating) -> None:
    creating.new(1)
    creating.fault(method="POST", path=CONTACT, status=500)
    assert creating.create()["postponed"] == 1
    row = creating.creation(1)
    assert (row["status"], row["error_code"]) == ("creating", "unclear")
    wait = creating.raw.value("SELECT extract(epoch FROM not_before - now())::float FROM contact_creation")
    assert 50 < wait <= 60


def test_a_creation_made_from_the_vendors_queue_is_ours_and_has_its_tag(creating: Creating) -> None:
    creating.respond.session._transport._patience = transport.Patience(sleep=lambda _: None)
    creating.new(1)
    creating.fault(method="POST", path=CONTACT, status=449, apply=True)
    try_to_create(creating)
    wait = creating.raw.value("SELECT extract(epoch FROM not_before - now())::float FROM contact_creation")
    assert (creating.outcome(1)[0], 50 < wait <= 60) == ("creating", True)
    creating.a_minute_later()
    creating.create()
    assert (creating.outcome(1)[0], creating.creation(1)["tags"]) == ("tagged", [TAG])
    assert [contact["tags"] for contact in creating.made()] == [[TAG]]


def test_one_stuck_contact_does_not_hold_up_the_others(creating: Creating) -> None:
    creating.new(1, email="stuck@example.com")
    creating.new(2)
    creating.fault(path="*stuck*", status=500, times=None)
    counts = creating.create()
    assert (counts["postponed"], counts["tagged"]) == (1, 1)


def test_a_vendor_that_is_down_is_no_quiet_day(creating: Creating) -> None:
    creating.new(1)
    creating.fault(status=503, times=None)
    with pytest.raises(errors.RetryError):
        creating.create()
    assert creating.outcome(1) == ("planned", None)


def test_three_unclear_answers_in_a_row_end_the_run(creating: Creating) -> None:
    for number in range(1, 5):
        creating.new(number)
    creating.fault(method="POST", path=CONTACT, status=500, times=None)
    with pytest.raises(errors.RetryError):
        creating.create()
    statuses = creating.raw.column("SELECT status FROM contact_creation ORDER BY salesforce_id")
    assert statuses == ["creating"] * 3 + ["planned"]


def test_a_refused_token_stops_the_run(creating: Creating) -> None:
    creating.new(1)
    creating.fault(status=401, times=None)
    with pytest.raises(errors.StopError):
        creating.create()


# The tag


def test_without_tagging_a_creation_is_done_with_no_tag(creating: Creating) -> None:
    creating.house.settings(tag_created=False)
    creating.new(1)
    creating.create()
    assert creating.made()[0]["tags"] == []
    assert (creating.outcome(1)[0], creating.creation(1)["tags"]) == ("tagged", [])


def test_a_tag_that_failed_is_put_on_later(creating: Creating) -> None:
    creating.new(1)
    creating.fault(path="*/tag", status=449, times=2)
    try_to_create(creating)
    row, [contact] = creating.creation(1), creating.made()
    assert (row["status"], contact["tags"]) == ("created", [])
    assert creating.house.verdict(contact["id"]) == ("creation", "1")
    creating.a_minute_later()
    creating.create()
    assert (creating.creation(1)["tags"], creating.made()[0]["tags"]) == ([TAG], [TAG])


def test_a_contact_deleted_before_its_tag_is_done_without(creating: Creating) -> None:
    creating.new(1)
    creating.fault(path="*/tag", status=449, times=2)
    try_to_create(creating)
    creating.respond.steer("DELETE", f"/contacts/{creating.made()[0]['id']}")
    creating.a_minute_later()
    creating.create()
    assert (creating.outcome(1)[0], creating.creation(1)["tags"]) == ("tagged", [])


def test_a_tag_that_is_refused_is_written_down_and_tried_again_daily(creating: Creating) -> None:
    creating.new(1)
    creating.fault(path="*/tag", status=400, times=2, body={"code": 400, "message": "Validation error."})
    creating.create()
    creating.create()
    row = creating.creation(1)
    assert (row["status"], row["tags"], row["error_code"]) == ("tagged", [], "tag_refused")
    assert (row["error_detail"], row["refused_run_id"] is None) == ("Validation error.", False)
    restored = restore_tags.run(creating.db, creating.respond.session, workspace_id=WORKSPACE, run_id="daily")
    assert restored["restored"] == 1
    row = creating.creation(1)
    assert (row["tags"], row["error_code"], row["refused_run_id"]) == ([TAG], None, None)
    assert creating.made()[0]["tags"] == [TAG]


def test_a_contact_that_is_gone_is_no_refused_tag(creating: Creating) -> None:
    creating.respond.store.switch({"missing_contact": 400})
    creating.new(1)
    creating.fault(path="*/tag", status=449, times=1)
    try_to_create(creating)
    creating.respond.steer("DELETE", f"/contacts/{creating.made()[0]['id']}")
    creating.a_minute_later()
    creating.create()
    assert (creating.outcome(1)[0], creating.creation(1)["error_code"]) == ("tagged", None)


def test_a_token_that_may_not_tag_stops_the_run_and_loses_nothing(creating: Creating) -> None:
    creating.new(1)
    creating.fault(path="*/tag", status=403, times=None)
    with pytest.raises(errors.StopError):
        creating.create()
    assert creating.outcome(1) == ("created", None)


def test_an_illegal_status_change_is_refused_by_the_database(creating: Creating) -> None:
    creating.new(1)
    creating.create()
    workspace = tenants.known_workspace(creating.db, WORKSPACE)
    with pytest.raises(errors.RejectError), creating.db.transaction() as tx:
        _creation_row.CreationRow(creating.db, workspace, person_id(1), "run")._settle(tx, "planned")
