"""Our tag comes back on what we created, and on nothing else."""

from __future__ import annotations

import pytest

from contact_sync import tenants
from contact_sync.stages import restore_tags
from tests.raw_sql import RawSql
from tests.stages.conftest import RespondSide
from tests.stages.house import WORKSPACE, House

TAG = tenants.CREATED_TAG


def restore(respond: RespondSide, run_id: str = "daily") -> dict[str, int]:
    return restore_tags.run(respond.db, respond.session, workspace_id=WORKSPACE, run_id=run_id)


@pytest.fixture
def untagged(respond: RespondSide, house: House, raw: RawSql) -> int:
    """A contact that we created and tagged, and whose tag somebody removed since."""
    [respond_id] = respond.store.insert_contacts([{"firstName": "Ada", "email": "ada@example.com"}])
    respond.extract()
    house.person(1)
    house.created(respond_id, 1, status="tagged")
    raw("UPDATE contact_creation SET tags = ARRAY[%(tag)s]", tag=TAG)
    return int(respond_id)


def tags(raw: RawSql) -> list[str]:
    return list(raw.value("SELECT payload -> 'tags' FROM respond_contact"))


def test_a_lost_tag_is_put_back(respond: RespondSide, untagged: int, raw: RawSql) -> None:
    assert restore(respond) == {"looked_at": 1, "restored": 1, "rejected": 0}
    assert tags(raw) == [TAG]


def test_restoring_twice_asks_nothing_the_second_time(respond: RespondSide, untagged: int) -> None:
    restore(respond, "first")
    assert restore(respond, "second") == {"looked_at": 0, "restored": 0, "rejected": 0}


def test_more_lost_tags_than_are_read_at_once_are_all_put_back(
    respond: RespondSide, untagged: int, house: House, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore_tags, "BATCH", 1)
    [other] = respond.store.insert_contacts([{"firstName": "Bob", "email": "bob@example.com"}])
    respond.extract("again")
    house.person(2)
    house.created(other, 2, status="tagged")
    raw("UPDATE contact_creation SET tags = ARRAY[%(tag)s]", tag=TAG)
    respond.steer("POST", "/faults", {"path": f"/v2/contact/id:{untagged}/tag", "status": 400, "times": None})
    assert restore(respond) == {"looked_at": 2, "restored": 1, "rejected": 1}


def test_a_refused_tag_is_written_down_until_it_is_on(
    respond: RespondSide, untagged: int, raw: RawSql
) -> None:
    fault = {"path": "*/tag", "status": 400, "body": {"code": 400, "message": "Validation error."}}
    respond.steer("POST", "/faults", fault)
    asked = "SELECT error_code, error_detail, refused_run_id FROM contact_creation"
    assert restore(respond, "first") == {"looked_at": 1, "restored": 0, "rejected": 1}
    assert [tuple(row.values()) for row in raw(asked)] == [("tag_refused", "Validation error.", "first")]
    assert restore(respond, "second")["restored"] == 1
    assert [tuple(row.values()) for row in raw(asked)] == [(None, None, None)]


def test_a_contact_that_we_adopted_gets_no_tag(respond: RespondSide, untagged: int, raw: RawSql) -> None:
    raw("DELETE FROM contact_creation")
    House(respond.db, raw).created(untagged, 1, status="adopted")
    assert restore(respond)["looked_at"] == 0


def test_a_workspace_that_does_not_tag_is_left_alone(
    respond: RespondSide, untagged: int, house: House, raw: RawSql
) -> None:
    house.settings(tag_created=False)
    assert restore(respond) == {}
    assert tags(raw) == []
