"""Hints: every reason that the database knows has a sentence."""

from __future__ import annotations

import re

from contact_sync.sidebar import hints
from tests.raw_sql import RawSql

_CONSTRAINT = (
    "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'match_issue_reason_fits_status'"
)


def test_every_reason_of_a_miss_has_its_sentence(raw: RawSql) -> None:
    known = set(re.findall(r"'([a-z_]+)'", raw.value(_CONSTRAINT))) - {"ambiguous", "unmatched"}
    assert known
    assert known <= hints.HINTS.keys()


def test_a_near_miss_says_what_to_correct() -> None:
    assert hints.hint("no_counterpart", "add the country code").endswith(": add the country code.")


def test_a_reason_nobody_wrote_a_sentence_for_still_says_whom_to_ask() -> None:
    assert "administrator" in hints.hint("some day")
