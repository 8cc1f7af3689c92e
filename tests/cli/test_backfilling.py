from __future__ import annotations

from typing import Any

import pytest

from contact_sync.salesforce import query
from sandbox.salesforce.store import Store as SalesforceStore
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


def test_another_object_is_refused(command: Command, connected: str) -> None:
    said = command("backfill", *RANGE, "--object", "Lead")
    assert (said.code, said.out) == (1, "")
    assert "Lead is not supported, only Contact is" in said.err


def test_days_may_be_read_here_and_now(
    command: Command, connected: str, raw: RawSql, salesforce_store: SalesforceStore
) -> None:
    loaded(raw, connected)
    # 2026-01-01 12:00 UTC
    salesforce_store.insert_contacts([{"LastName": "Hopper", "SystemModstamp": 1767268800}])
    said = command("backfill", *RANGE, "--now")
    assert said.code == 0, said.err
    assert "every day is proven: windows 2, rows_landed 1, rows_merged 1" in said.out
    assert raw.column("SELECT status FROM extract_window WHERE kind = 'backfill'") == ["proven", "proven"]


def test_a_dry_run_reads_nothing_even_now(command: Command, connected: str, raw: RawSql) -> None:
    loaded(raw, connected)
    assert command("backfill", *RANGE, "--now", "--dry-run").code == 0
    assert raw.value("SELECT count(*) FROM extract_window WHERE kind = 'backfill'") == 0


def test_a_backfill_that_was_stopped_goes_on_where_it_was(
    command: Command, connected: str, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(raw, connected)
    pages, calls = query.pages, iter((True, False))

    def stopped(*arguments: Any, **options: Any) -> Any:
        """Let the first day be read, and Ctrl-C be pressed at the second."""
        if not next(calls):
            raise KeyboardInterrupt
        return pages(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(query, "pages", stopped)
        assert command("backfill", *RANGE, "--now").code == 130
    assert raw.column("SELECT status FROM extract_window WHERE kind = 'backfill' ORDER BY 1") == [
        "proven",
        "running",
    ]
    said = command("backfill", *RANGE, "--now")
    assert said.code == 0, said.err
    assert "0 windows are planned" in said.out
    assert "2 wait already or are proven" in said.out
    assert raw.column("SELECT status FROM extract_window WHERE kind = 'backfill'") == ["proven", "proven"]
    assert "2 windows are planned" in command("backfill", *RANGE).out
