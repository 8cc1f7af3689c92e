"""What counts as part of a cycle, as a reason, and as written."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox import demo_cycle

SINCE = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("end_date", "is_ours"),
    [(None, True), ("2026-01-01T12:00:01Z", True), ("2026-01-01T11:59:59Z", False)],
)
def test_a_run_that_ended_before_the_cycle_is_not_part_of_it(end_date: str | None, is_ours: bool) -> None:
    assert demo_cycle.is_of({"end_date": end_date}, SINCE) is is_ours


def test_the_last_error_of_a_task_log_is_the_reason(tmp_path: Path) -> None:
    lines = [
        {"level": "info", "event": "started"},
        {
            "level": "error",
            "event": "Task failed",
            "error_detail": [{"exc_type": "RetryError", "exc_value": "no answer"}],
        },
        {"level": "info", "event": "finished"},
    ]
    (tmp_path / "log").write_text("\n".join(map(json.dumps, lines)) + "\nnot json\n")
    assert demo_cycle.reason(tmp_path / "log") == "RetryError: no answer"


def test_only_tables_that_were_written_count() -> None:
    before = {"a": (1, 1, 1), "b": (0, 0, 0)}
    after = {"a": (1, 1, 1), "b": (5, 0, 0), "c": (0, 0, 2)}
    assert demo_cycle.difference(before, after) == {"b": (5, 0, 0), "c": (0, 0, 2)}


def test_a_fresh_database_has_every_stage_before_it(database_url: str) -> None:
    assert demo_cycle.missing_stages(database_url) == list(demo_cycle.STAGES)


def test_every_table_of_results_is_counted(database_url: str) -> None:
    assert len(demo_cycle.write_counts(database_url)) == 7
