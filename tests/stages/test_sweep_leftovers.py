"""What is forgotten when its time is over, and what never is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contact_sync import keys
from contact_sync.stages import sweep_leftovers
from tests.raw_sql import RawSql
from tests.stages.house import NOON, ORG, WORKSPACE, House, person_id

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def sweep(house: House) -> dict[str, int]:
    return sweep_leftovers.run(house.db, run_id="daily")


def window(raw: RawSql, kind: str, **cells: Any) -> None:
    given = {"read_from": LONG_AGO, "read_until": LONG_AGO, "status": "proven", "rows_reported": 0}
    raw.insert("extract_window", org_id=ORG, kind=kind, **{"finished_at": LONG_AGO, **given, **cells})


def test_old_windows_that_came_to_nothing_go(house: House, raw: RawSql) -> None:
    window(raw, "refill", status="deferred")
    window(raw, "incremental", status="split", finished_at=None, planned_at=LONG_AGO)
    assert sweep(house)["windows"] == 2


def test_windows_that_wait_stay(house: House, raw: RawSql) -> None:
    window(raw, "backfill", status="deferred", is_big=True)
    window(raw, "incremental", status="split", finished_at=None)
    assert sweep(house)["windows"] == 0


def test_old_windows_go(house: House, raw: RawSql) -> None:
    window(raw, "backfill")
    window(raw, "incremental", read_until=LONG_AGO - timedelta(days=1))
    window(raw, "incremental")
    assert sweep(house)["windows"] == 2


@pytest.mark.parametrize("kind", ["initial", "refill"])
def test_full_reads_stay_for_they_tell_which_fields_are_filled(house: House, raw: RawSql, kind: str) -> None:
    window(raw, "incremental")
    window(raw, kind, read_from=None, read_until=LONG_AGO - timedelta(days=1))
    assert sweep(house)["windows"] == 0


def test_the_watermark_stays(house: House, raw: RawSql) -> None:
    window(raw, "incremental")
    sweep(house)
    assert raw.column("SELECT read_until FROM extract_window") == [LONG_AGO]


def quality_run(raw: RawSql, verdict: str, days: int) -> None:
    ran_at = datetime.now(UTC) - timedelta(days=days)
    raw.insert(
        "quality_run", org_id=ORG, run_id=str(days), why="daily", verdict=verdict, measures={}, ran_at=ran_at
    )


@pytest.mark.parametrize(("verdict", "days"), [("passed", 31), ("approved", 31), ("held", 8)])
def test_old_runs_of_the_suites_go(house: House, raw: RawSql, verdict: str, days: int) -> None:
    for age in (days, days - 2, 0):
        quality_run(raw, verdict, age)
    assert sweep(house)["quality_runs"] == 1
    assert raw.column("SELECT run_id FROM quality_run ORDER BY 1") == ["0", str(days - 2)]


def test_the_last_good_run_stays_for_drift_is_measured_against_it(house: House, raw: RawSql) -> None:
    for verdict, days in (("passed", 50), ("passed", 40), ("held", 38), ("held", 35)):
        quality_run(raw, verdict, days)
    assert sweep(house)["quality_runs"] == 2
    assert raw.column("SELECT run_id FROM quality_run ORDER BY 1") == ["35", "40"]


def test_resolved_rows_go_and_others_stay(house: House, raw: RawSql) -> None:
    for resolved in (LONG_AGO, None):
        raw.insert("quarantined_row", org_id=ORG, raw="{}", reason=str(resolved), resolved_at=resolved)
    assert sweep(house)["quarantined_rows"] == 1
    assert raw.column("SELECT resolved_at FROM quarantined_row") == [None]


@pytest.mark.parametrize(
    ("presence", "since", "kept"),
    [
        ("not_visible", LONG_AGO, {}),
        ("purged", LONG_AGO, {}),
        ("deleted", LONG_AGO, {"Title": "Dr"}),
        ("live", LONG_AGO, {"Title": "Dr"}),
        ("not_visible", datetime.now(UTC), {"Title": "Dr"}),
    ],
)
def test_what_a_gone_contact_held_is_forgotten_after_30_days(
    house: House, raw: RawSql, presence: str, since: datetime, kept: dict[str, str]
) -> None:
    house.person(1, presence=presence, payload={"Title": "Dr"}, extracted_at=since)
    sweep(house)
    assert raw.value("SELECT payload FROM salesforce_contact") == kept


@pytest.mark.parametrize(
    ("gone_at", "kept"),
    [
        (LONG_AGO, (None, None, {})),
        (datetime.now(UTC), ("Ada", "L", {"a": 1})),
        (None, ("Ada", "L", {"a": 1})),
    ],
    ids=["long gone", "just gone", "there"],
)
def test_a_deleted_respond_contacts_names_are_forgotten_but_not_its_keys(
    house: House, raw: RawSql, gone_at: datetime | None, kept: tuple[object, ...]
) -> None:
    cells: dict[str, Any] = {"first_name": "Ada", "last_name": "L", "payload": {"a": 1}}
    house.contact(1, email="ada@example.com", gone_at=gone_at, **cells)
    assert sweep(house)["gone_contacts"] == (gone_at == LONG_AGO)
    [row] = raw("SELECT first_name, last_name, payload, email FROM respond_contact")
    assert tuple(row.values()) == (*kept, "ada@example.com")
    assert sweep(house)["gone_contacts"] == 0


def test_rules_of_another_version_are_made_anew(house: House, raw: RawSql) -> None:
    house.person(1, email="ada@example.com")
    house.match()
    raw("UPDATE key_rule SET rules_version = 'old', key = 'wrong'")
    assert sweep(house)["rules"] == 1
    house.match()
    assert raw.column("SELECT key FROM key_rule") == ["ada@example.com"]
    assert raw.column("SELECT rules_version FROM key_rule") == [keys.RULES_VERSION]


def test_rules_of_this_version_stay_and_feed_nothing(house: House, raw: RawSql) -> None:
    house.person(1, email="ada@example.com")
    house.materialize()
    raw("DELETE FROM pending_change")
    assert sweep(house)["rules"] == 0
    assert raw.value("SELECT count(*) FROM pending_change") == 0


def test_the_rule_of_a_deleted_contact_stays(house: House, raw: RawSql) -> None:
    """It keeps a person whom an agent deleted from being created again."""
    house.contact(1, email="ada@example.com")
    house.match()
    house.change_contact(1, gone_at=LONG_AGO)
    raw("UPDATE key_rule SET rules_version = 'old'")
    assert sweep(house)["rules"] == 0


def test_what_newer_rules_made_of_a_value_is_counted(house: House, raw: RawSql) -> None:
    house.person(1, email="ada@example.com", phone="+49 30 123456")
    house.normalize()
    raw("UPDATE key_rule SET rules_version = 'old'")
    raw("UPDATE key_rule SET key = '+4930' WHERE kind = 'phone'")
    sweep(house)
    counts = house.normalize()
    assert (counts["values"], counts["moved"]) == (2, 1)


def test_old_keys_serve_until_the_new_ones_are_made(house: House, raw: RawSql) -> None:
    house.person(1, email="ada@example.com")
    house.normalize()
    raw("UPDATE key_rule SET rules_version = 'old'")
    sweep(house)
    assert (
        raw.column("SELECT key FROM salesforce_key")
        == raw.column("SELECT key FROM key_rule")
        == ["ada@example.com"]
    )


def test_rules_that_nobody_uses_are_dropped_after_a_month(house: House, raw: RawSql) -> None:
    house.person(1, email="ada@example.com", country="Germany")
    house.contact(1, email="bob@example.com", phone="030 123456", country="DE")
    house.contact(2, email="gone@example.com")
    house.normalize()
    house.change_person(1, email="ada.lovelace@example.com")
    house.change_contact(2, gone_at=NOON)
    house.normalize()
    before = raw.value("SELECT count(*) FROM key_rule")
    assert sweep(house)["unused_rules"] == 0
    raw("UPDATE key_rule SET used_at = now() - interval '31 days'")
    assert sweep(house)["unused_rules"] == 1
    assert raw.value("SELECT count(*) FROM key_rule") == before - 1
    assert raw.value("SELECT count(*) FROM key_rule WHERE used_at < now() - interval '1 day'") == 0


def test_recent_rules_settle_among_all_others(house: House, raw: RawSql) -> None:
    for number in range(1, 6):
        house.person(number, email=f"p{number}@example.com")
    house.normalize()
    raw("UPDATE key_rule SET used_at = now() - interval '10 days', national = 'kept'")
    before = raw("SELECT * FROM key_rule ORDER BY key")
    assert sweep_leftovers.run(house.db, run_id="daily", batch_size=2)["settled_rules"] == 5
    assert raw("SELECT * FROM ONLY key_rule ORDER BY key") == before
    assert raw("SELECT * FROM recent_key_rule") == []
    assert sweep(house)["settled_rules"] == 0


def test_a_settled_rule_is_found(house: House, raw: RawSql) -> None:
    house.person(1, email="ada@example.com")
    house.normalize()
    assert sweep(house)["settled_rules"] == 1
    house.person(2, email="ada@example.com")
    assert house.normalize()["values"] == 0
    assert raw.column("SELECT key FROM key_rule") == ["ada@example.com"]


def test_winners_that_nobody_asks_for_any_more_are_forgotten(house: House, raw: RawSql) -> None:
    raw.insert("absent_winner", org_id=ORG, salesforce_id="003" + "0" * 15, asked_at=LONG_AGO)
    raw.insert("absent_winner", org_id=ORG, salesforce_id="003" + "1" * 15)
    assert sweep(house)["winners"] == 1
    assert raw.column("SELECT salesforce_id FROM absent_winner") == ["003" + "1" * 15]


def edit(raw: RawSql, title: str, **cells: Any) -> int:
    row = raw(
        """
        INSERT INTO field_edit (org_id, workspace_id, salesforce_id, target_salesforce_id, respond_id, field_name,
                                base_value, new_value, requested_by, reverts_edit_id)
        VALUES (%(org)s, %(workspace)s, %(person)s, %(person)s, 1, 'Title', '"Dr"', %(title)s, 'ann', %(reverts)s)
        RETURNING edit_id
        """,
        org=ORG, workspace=WORKSPACE, person=person_id(1), title=f'"{title}"', reverts=cells.get("reverts"),
    )  # fmt: skip
    edit_id = int(row[0]["edit_id"])
    raw.update("field_edit", {"edit_id": edit_id}, status="discarded", settled_at=cells.get("settled_at"))
    return edit_id


def test_settled_edits_are_forgotten_after_a_year_and_their_history_with_them(
    house: House, raw: RawSql
) -> None:
    house.person(1)
    edit(raw, "forgotten", settled_at=LONG_AGO)
    recent = edit(raw, "recent", settled_at=datetime.now(UTC))
    assert sweep(house)["edits"] == 1
    assert raw.column("SELECT edit_id FROM field_edit") == [recent]
    assert set(raw.column("SELECT edit_id FROM edit_event")) == {recent}


def test_edits_that_wait_for_less_than_a_month_go_on_waiting(house: House, raw: RawSql) -> None:
    place = {"org_id": ORG, "workspace_id": WORKSPACE, "salesforce_id": person_id(1), "requested_by": "ann"}
    ages = {"queued": 90, "parked": 29}
    for status, days in ages.items():
        requested_at = datetime.now(UTC) - timedelta(days=days)
        raw.insert(
            "field_edit", **place, target_salesforce_id=person_id(1), field_name=status, status=status,
            requested_at=requested_at,
        )  # fmt: skip
    assert sweep(house)["given_up_edits"] == 0
    assert set(raw.column("SELECT status FROM field_edit")) == set(ages)


def test_an_old_edit_stays_while_a_later_one_takes_it_back(house: House, raw: RawSql) -> None:
    house.person(1)
    old = edit(raw, "old", settled_at=LONG_AGO)
    edit(raw, "revert", settled_at=datetime.now(UTC), reverts=old)
    assert sweep(house)["edits"] == 0
