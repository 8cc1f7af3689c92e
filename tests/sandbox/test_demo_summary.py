"""The summary says what happened in words that cannot be misread."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sandbox import demo_summary, demo_truth
from sandbox.demo_cycle import Cycle

CYCLE = Cycle(since=datetime(2026, 1, 1, tzinfo=UTC))


def told(lines: object) -> str:
    assert hasattr(lines, "__iter__")
    return "\n".join(lines)


def test_no_row_written_is_said_so() -> None:
    assert "none, because nothing had changed" in told(demo_summary.writes(CYCLE))


def test_rows_written_are_counted_by_table() -> None:
    cycle = Cycle(since=CYCLE.since, written={"contact_match": (3, 2, 1)})
    assert "contact_match" in told(demo_summary.writes(cycle))


def test_a_failed_run_is_told_with_its_reason(database_url: str) -> None:
    cycle = Cycle(since=CYCLE.since, failures=["match_contacts, task match: RetryError: no answer"])
    assert "FAILED  match_contacts, task match: RetryError: no answer" in told(
        demo_summary.stages(database_url, cycle)
    )


def test_precision_and_recall_are_told_with_their_numbers() -> None:
    text = told(demo_summary.truth(demo_truth.Verdict(matches=4, right=3, expected=6, unknown=0)))
    assert "precision 0.7500   3 of 4" in text
    assert "recall    0.5000   3 of 6" in text


def test_an_empty_sidebar_is_no_error(database_url: str) -> None:
    assert told(demo_summary.sidebar(database_url)) == "No sidebar row yet."


def test_no_password_is_told(tmp_path: Path) -> None:
    assert "postgresql://" not in told(
        demo_summary.where_to_look(tmp_path, {"Airflow": "http://127.0.0.1:1"}, stays=True)
    )
