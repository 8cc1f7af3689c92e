from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from contact_sync.cli import output

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (" ada@example.com", '" ada@example.com"'),
        ("ada\u200b@example.com", r'"ada\u200b@example.com"'),
        ("+44\u00a020", r'"+44\xa020"'),
        ("\x1b[2J", r'"\x1b[2J"'),
        ("漢字 é", '"漢字 é"'),
        (None, "-"),
    ],
)
def test_nothing_hides_in_a_raw_value(value: str | None, shown: str) -> None:
    assert output.quoted(value) == shown


def test_a_table_is_aligned_numbers_to_the_right() -> None:
    lines = output.table(("stage", "rows"), [("extract", 12), ("match", None), ("create", 5000)])
    assert lines == ["stage    rows", "extract    12", "match       -", "create   5000"]


def test_a_table_without_rows_is_nothing() -> None:
    assert output.table(("stage",), []) == []


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "never"), (0.2, "0 s"), (59, "59 s"), (61, "1 min"), (7200, "2 h"), (200_000, "2 d")],
)
def test_an_age_is_told_in_its_largest_unit(seconds: float | None, shown: str) -> None:
    assert output.age(seconds) == shown


def test_counts_of_nothing_say_so() -> None:
    assert output.counts({"written": 0}) == "nothing to do"
    assert output.counts({"looked_at": 3, "written": 0}) == "looked_at 3"


def test_json_carries_times_and_shares(capsys: pytest.CaptureFixture[str]) -> None:
    output.answer(argparse.Namespace(json=True), {"at": NOON, "share": Decimal("0.1")}, ["never printed"])
    assert json.loads(capsys.readouterr().out) == {"at": "2026-01-01T12:00:00+00:00", "share": 0.1}
