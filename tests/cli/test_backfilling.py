from __future__ import annotations

from tests.cli.conftest import Command
from tests.raw_sql import RawSql

RANGE = ("--from", "2026-01-01", "--to", "2026-01-03")


def loaded(raw: RawSql, org_id: str) -> None:
    """Let the first load be proven, and one contact be there."""
    raw.insert(
        "extract_window",
        org_id=org_id,
        kind="initial",
        read_until="2026-06-01Z",
        status="proven",
        rows_reported=0,
    )
    raw.insert(
        "salesforce_contact",
        org_id=org_id,
        salesforce_id="003000000000001AAA",
        system_modstamp="2025-01-01Z",
        read_at="2025-01-01Z",
    )


def test_days_are_planned_and_read_by_the_loading_stage(
    command: Command, connected: str, raw: RawSql
) -> None:
    loaded(raw, connected)
    said = command("backfill", *RANGE)
    assert said.code == 0, said.err
    assert "2 windows are planned from 2026-01-01 00:00 to 2026-01-03 00:00 UTC" in said.out
    assert command("run", "load_salesforce_contacts").code == 0
    assert raw.column("SELECT status FROM extract_window WHERE kind = 'backfill'") == ["proven", "proven"]


def test_a_dry_run_plans_nothing(command: Command, connected: str, raw: RawSql) -> None:
    loaded(raw, connected)
    said = command("backfill", *RANGE, "--dry-run", "--json")
    [org] = said.json["orgs"]
    assert (org["windows"], org["planned"], said.json["dry_run"]) == (2, 2, True)
    assert raw.value("SELECT count(*) FROM extract_window WHERE kind = 'backfill'") == 0


def test_an_empty_range_says_why(command: Command, connected: str, raw: RawSql) -> None:
    loaded(raw, connected)
    said = command("backfill", "--org", connected, "--from", "2026-07-01", "--to", "2026-07-02")
    assert said.code == 0
    assert "begins after the watermark" in said.out


def test_a_wrong_range_is_one_line(command: Command, connected: str) -> None:
    said = command("backfill", "--from", "2026-01-03", "--to", "2026-01-01")
    assert (said.code, said.out) == (1, "")
    assert "the range is empty" in said.err
