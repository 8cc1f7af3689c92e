"""Which windows a backfill plans; how they are read is tested with the loading stage."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contact_sync import backfill, database, errors
from contact_sync.salesforce import query
from tests.raw_sql import RawSql
from tests.stages.house import ORG, OTHER_ORG, House

WATERMARK = datetime(2026, 1, 10, 6, tzinfo=UTC)


@pytest.fixture
def house(db: database.Database, raw: RawSql) -> House:
    """An org whose first load is proven up to the watermark and whose oldest contact is of the first of January."""
    built = House(db, raw)
    built.org()
    built.workspace()
    for name in ("LastName", "Title", "Department"):
        built.field(name)
    built.choose("Title")
    built.person(1)
    raw.insert(
        "extract_window",
        org_id=ORG,
        kind="initial",
        read_until=WATERMARK,
        status="proven",
        rows_reported=1,
        rows_landed=1,
    )
    return built


def day(number: int, hour: int = 0) -> datetime:
    return datetime(2026, 1, number, hour, tzinfo=UTC)


def end_as(raw: RawSql, status: str, *days: int) -> None:
    """Let the loading stage have come to this with the open windows of some days, or of all."""
    for step in ("running", status):
        raw(
            "UPDATE extract_window SET status = %(step)s, rows_reported = 0, detail = %(step)s WHERE kind = 'backfill'"
            " AND status IN ('planned', 'running') AND (%(all)s OR read_from = ANY (%(days)s::timestamptz[]))",
            step=step,
            all=not days,
            days=[day(number) for number in days],
        )


def planned(raw: RawSql) -> list[tuple[datetime, datetime]]:
    rows = raw(
        "SELECT read_from, read_until FROM extract_window WHERE kind = 'backfill' AND status = 'planned'"
        " AND is_big ORDER BY window_id"
    )
    return [(row["read_from"], row["read_until"]) for row in rows]


def test_each_day_is_a_window(house: House, raw: RawSql) -> None:
    plan = backfill.plan(house.db, ORG, day(2), day(5))
    assert planned(raw) == [(day(2), day(3)), (day(3), day(4)), (day(4), day(5))]
    assert plan.counts() == {"windows": 3, "planned": 3, "contacts": 0, "calls": 3}


def test_a_plan_tells_how_many_contacts_and_calls_to_expect(
    house: House, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query, "PAGE_ROWS", 2)
    for number, hour in ((11, 1), (12, 2), (13, 3), (14, 30)):
        house.person(number, system_modstamp=day(2) + timedelta(hours=hour))
    plan = backfill.plan(house.db, ORG, day(2), day(5), dry_run=True)
    assert plan.contacts == (3, 1, 0)
    # the first day is worth a job, the others are a page each
    assert plan.counts() == {"windows": 3, "planned": 3, "contacts": 4, "calls": 9 + 1 + 1}
    assert plan.samples()[1] == {"from": day(3), "to": day(4), "contacts": 1, "calls": 1}


@pytest.mark.parametrize("name", ["Lead", "Account", "contacts", ""])
def test_another_object_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(errors.StopError, match="only Contact is: agents' chats are matched to contacts"):
        backfill.check_object(name)


def test_contact_is_no_other_object() -> None:
    backfill.check_object(" contact ")


def test_a_day_read_in_parts_is_proven_when_all_parts_are(house: House, raw: RawSql) -> None:
    backfill.plan(house.db, ORG, day(2), day(3))
    raw("UPDATE extract_window SET status = 'split' WHERE kind = 'backfill'")
    whole = raw.value("SELECT window_id FROM extract_window WHERE kind = 'backfill'")
    for start, end in ((day(2), day(2, 12)), (day(2, 12), day(3))):
        raw.insert(
            "extract_window",
            org_id=ORG,
            kind="backfill",
            read_from=start,
            read_until=end,
            status="running",
            is_big=True,
            rows_reported=0,
            split_from=whole,
        )
    assert backfill.plan(house.db, ORG, day(2), day(3)).planned == 0
    raw(
        "UPDATE extract_window SET status = 'proven' WHERE status = 'running' AND read_until = %(end)s",
        end=day(3),
    )
    with pytest.raises(errors.RetryError, match="1 of the backfill's windows"):
        backfill.check_proven(house.db, ORG, day(2), day(3))
    raw("UPDATE extract_window SET status = 'deferred' WHERE status = 'running'")
    assert backfill.check_proven(house.db, ORG, day(2), day(3)) == 1
    raw("UPDATE extract_window SET status = 'running' WHERE status = 'deferred'")
    raw("UPDATE extract_window SET status = 'proven' WHERE status = 'running'")
    assert backfill.check_proven(house.db, ORG, day(2), day(3)) == 0


def test_days_are_cut_at_midnight_utc_whatever_zone_was_named(house: House, raw: RawSql) -> None:
    start = backfill.parse_time("2026-01-02T12:00:00+02:00")
    backfill.plan(house.db, ORG, start, day(3, 6))
    assert planned(raw) == [(day(2, 10), day(3)), (day(3), day(3, 6))]


def test_the_range_ends_at_the_watermark(house: House, raw: RawSql) -> None:
    backfill.plan(house.db, ORG, day(9), day(20))
    assert planned(raw) == [(day(9), day(10)), (day(10), WATERMARK)]


def test_the_fields_in_use_are_read_and_those_named(house: House, raw: RawSql) -> None:
    plan = backfill.plan(house.db, ORG, day(2), day(3), fields=["department"])
    assert {"Id", "LastName", "Title", "Department"} <= set(plan.fields)
    assert raw.value("SELECT fields FROM extract_window WHERE kind = 'backfill'") == list(plan.fields)


def test_a_dry_run_tells_and_plans_nothing(house: House, raw: RawSql) -> None:
    assert backfill.plan(house.db, ORG, day(2), day(5), dry_run=True).planned == 3
    assert planned(raw) == []


def test_planning_twice_plans_once(house: House, raw: RawSql) -> None:
    backfill.plan(house.db, ORG, day(2), day(4))
    again = backfill.plan(house.db, ORG, day(2), day(5))
    assert (len(again.windows), again.planned) == (3, 1)
    assert len(planned(raw)) == 3


def test_a_proven_day_can_be_read_again(house: House, raw: RawSql) -> None:
    backfill.plan(house.db, ORG, day(2), day(3))
    raw("UPDATE extract_window SET status = 'running' WHERE kind = 'backfill'")
    raw("UPDATE extract_window SET status = 'proven', rows_reported = 0 WHERE kind = 'backfill'")
    assert backfill.plan(house.db, ORG, day(2), day(3)).planned == 1


def test_while_a_day_is_open_or_failed_the_proven_ones_are_left_alone(house: House, raw: RawSql) -> None:
    backfill.plan(house.db, ORG, day(2), day(5))
    end_as(raw, "proven", 2)
    end_as(raw, "failed", 3)
    again = backfill.plan(house.db, ORG, day(2), day(5))
    assert again.planned == 1
    assert sorted(planned(raw)) == [(day(3), day(4)), (day(4), day(5))]
    end_as(raw, "proven")
    assert backfill.plan(house.db, ORG, day(2), day(5)).planned == 3


def test_a_longer_range_is_no_rest_of_the_shorter(house: House, raw: RawSql) -> None:
    backfill.plan(house.db, ORG, day(2), day(4))
    end_as(raw, "proven")
    assert backfill.plan(house.db, ORG, day(2), day(5)).planned == 3


def test_other_fields_are_another_wish(house: House, raw: RawSql) -> None:
    backfill.plan(house.db, ORG, day(2), day(4))
    end_as(raw, "proven", 2)
    assert backfill.plan(house.db, ORG, day(2), day(4), fields=["Department"]).planned == 2


def test_an_org_that_is_proven_waits_for_the_others(house: House, raw: RawSql) -> None:
    house.org(OTHER_ORG)
    raw(
        "INSERT INTO extract_window (org_id, kind, read_until, status, rows_reported, rows_landed)"
        " SELECT %(org)s, kind, read_until, status, 1, 1 FROM extract_window",
        org=OTHER_ORG,
    )
    house.person(2, org_id=OTHER_ORG)
    both = [ORG, OTHER_ORG]
    backfill.plan_all(house.db, both, day(2), day(4))
    raw("UPDATE extract_window SET status = 'running' WHERE kind = 'backfill' AND org_id = %(org)s", org=ORG)
    raw(
        "UPDATE extract_window SET status = 'proven', rows_reported = 0 WHERE kind = 'backfill' AND org_id = %(org)s",
        org=ORG,
    )
    assert [plan.planned for plan in backfill.plan_all(house.db, both, day(2), day(4))] == [0, 0]
    end_as(raw, "proven")
    assert [plan.planned for plan in backfill.plan_all(house.db, both, day(2), day(4))] == [2, 2]


def test_a_range_after_the_watermark_is_an_empty_plan_that_says_so(house: House, raw: RawSql) -> None:
    plan = backfill.plan(house.db, ORG, day(11), day(12))
    assert (plan.windows, planned(raw)) == ((), [])
    assert "after the watermark" in (plan.reason or "")


def test_a_range_before_the_first_contact_is_an_empty_plan_that_says_so(house: House, raw: RawSql) -> None:
    plan = backfill.plan(house.db, ORG, datetime(2001, 1, 1, tzinfo=UTC), datetime(2001, 2, 1, tzinfo=UTC))
    assert (plan.windows, planned(raw)) == ((), [])
    assert "before the org's first contact" in (plan.reason or "")


@pytest.mark.parametrize(("start", "end"), [(day(3), day(3)), (day(4), day(3))])
def test_an_empty_range_is_refused(house: House, start: datetime, end: datetime) -> None:
    with pytest.raises(errors.StopError, match="range is empty"):
        backfill.plan(house.db, ORG, start, end)


def test_the_future_is_refused(house: House) -> None:
    start = datetime.now(UTC) + timedelta(days=1)
    with pytest.raises(errors.StopError, match="in the future"):
        backfill.plan(house.db, ORG, start, start + timedelta(days=1))


def test_an_org_not_loaded_yet_is_refused(house: House, raw: RawSql) -> None:
    raw("DELETE FROM extract_window")
    with pytest.raises(errors.StopError, match="first load is not proven"):
        backfill.plan(house.db, ORG, day(2), day(3))


@pytest.mark.parametrize("cells", [{}, {"disconnected_at": WATERMARK}])
def test_an_org_not_connected_is_refused(house: House, raw: RawSql, cells: dict[str, datetime]) -> None:
    if cells:
        raw.update("salesforce_org", {"org_id": ORG}, **cells)
    org_id = ORG if cells else "00D000000000009EAA"
    with pytest.raises(errors.StopError, match="not connected"):
        backfill.plan(house.db, org_id, day(2), day(3))


def test_an_unknown_field_is_named_with_the_nearest(house: House) -> None:
    with pytest.raises(errors.StopError, match=r"no field Departement .*nearest: Department"):
        backfill.plan(house.db, ORG, day(2), day(3), fields=["Departement"])


def test_open_windows_are_not_proven(house: House) -> None:
    backfill.plan(house.db, ORG, day(2), day(4))
    with pytest.raises(errors.RetryError, match="2 of the backfill's windows are not proven"):
        backfill.check_proven(house.db, ORG, day(2), day(4))


def test_a_failed_day_is_told_with_its_reason_and_not_waited_for(house: House, raw: RawSql) -> None:
    backfill.plan(house.db, ORG, day(2), day(5))
    end_as(raw, "failed", 3)
    raw("UPDATE extract_window SET detail = 'window 7 does not add up' WHERE status = 'failed'")
    with pytest.raises(
        errors.StopError, match=r"1 of the backfill's windows failed: window 7 does not add up\."
    ):
        backfill.check_proven(house.db, ORG, day(2), day(5))


def test_a_day_whose_part_failed_has_failed_and_is_planned_again(house: House, raw: RawSql) -> None:
    backfill.plan(house.db, ORG, day(2), day(4))
    raw("UPDATE extract_window SET status = 'split' WHERE read_from = %(day)s", day=day(2))
    whole = raw.value("SELECT window_id FROM extract_window WHERE status = 'split'")
    half = {"org_id": ORG, "kind": "backfill", "is_big": True, "split_from": whole, "rows_reported": 0}
    raw.insert("extract_window", read_from=day(2), read_until=day(2, 12), status="proven", **half)
    raw.insert(
        "extract_window", read_from=day(2, 12), read_until=day(3), status="failed", detail="no", **half
    )
    end_as(raw, "proven", 3)
    with pytest.raises(errors.StopError, match=r"1 of the backfill's windows failed: no\."):
        backfill.check_proven(house.db, ORG, day(2), day(4))
    assert backfill.plan(house.db, ORG, day(2), day(4)).planned == 1
    assert planned(raw) == [(day(2), day(3))]


def test_windows_of_other_days_do_not_count(house: House) -> None:
    backfill.plan(house.db, ORG, day(2), day(3))
    assert backfill.check_proven(house.db, ORG, day(3), day(4)) == 0


def test_only_the_latest_window_of_a_day_counts(house: House, raw: RawSql) -> None:
    backfill.plan(house.db, ORG, day(2), day(3))
    raw("UPDATE extract_window SET status = 'failed' WHERE kind = 'backfill'")
    backfill.plan(house.db, ORG, day(2), day(3))
    raw("UPDATE extract_window SET status = 'running' WHERE kind = 'backfill' AND status = 'planned'")
    raw("UPDATE extract_window SET status = 'proven', rows_reported = 0 WHERE status = 'running'")
    assert backfill.check_proven(house.db, ORG, day(2), day(3)) == 0


def test_windows_put_off_for_the_quota_are_counted_and_no_failure(house: House, raw: RawSql) -> None:
    backfill.plan(house.db, ORG, day(2), day(4))
    raw("UPDATE extract_window SET status = 'deferred' WHERE kind = 'backfill'")
    assert backfill.check_proven(house.db, ORG, day(2), day(4)) == 2


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "01.02.2026", ""])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(errors.StopError, match="is no date"):
        backfill.parse_time(text)
