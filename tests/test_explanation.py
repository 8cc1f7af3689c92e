"""The view match_explanation: what it shows beside the ordinary cases that test_schema.py has."""

from __future__ import annotations

import re

import pytest

from contact_sync import statements
from tests.raw_sql import RawSql
from tests.stages.house import ORG, WORKSPACE, House, person_id

ADA = "ada@example.com"


def shown(house: House) -> list[tuple[object, ...]]:
    rows = house.raw("SELECT salesforce_id, kind, verdict, rule FROM match_explanation ORDER BY 1, 2")
    return [tuple(row.values()) for row in rows]


def test_who_is_equal_but_for_format_is_no_candidate_in_exact_mode(house: House) -> None:
    house.settings(match_mode="exact")
    house.person(1, email=" Ada@example.com")
    house.person(2, email=ADA)
    house.contact(1, email=ADA)
    house.match()
    assert shown(house) == [(person_id(2), "email_raw", "match", "email")]


def test_whom_a_person_chose_is_shown_without_a_common_key(house: House) -> None:
    house.person(1, email=ADA)
    house.person(2, email="bob@example.com")
    house.contact(1, email=ADA)
    house.decide(1, 2)
    house.match()
    assert shown(house) == [
        (person_id(1), "email", "candidate", "decision"),
        (person_id(2), None, "match", "decision"),
    ]


def test_each_candidate_says_why_nobody_was_chosen(house: House) -> None:
    house.person(1, email=ADA)
    house.person(2, email=ADA)
    house.contact(1, email=ADA)
    house.match()
    assert {(verdict, rule) for _, _, verdict, rule in shown(house)} == {("candidate", "several_by_email")}


def test_whom_a_person_chose_is_shown_beside_a_shared_key(house: House) -> None:
    house.settings(shared_key_limit=1)
    house.person(1, email=ADA)
    house.person(2, email=ADA)
    house.contact(1, email=ADA)
    house.decide(1, 2)
    house.match()
    assert shown(house) == [(person_id(2), None, "match", "decision"), (None, "email", "shared", "decision")]


# A switchboard's number


@pytest.mark.fresh_database
def test_a_key_of_2000_holders_costs_what_it_costs_to_count_them(house: House, raw: RawSql) -> None:
    house.contact(1, email=ADA)
    raw(
        "INSERT INTO salesforce_contact (org_id, salesforce_id, email, system_modstamp, read_at)"
        " SELECT %(org)s, '003' || lpad(n::text, 15, '0'), %(email)s, now(), now() FROM generate_series(1, 2000) AS n",
        org=ORG,
        email=ADA,
    )
    house.match()
    raw("ANALYZE")
    place = {"workspace_id": WORKSPACE, "respond_id": 1}
    text = statements.get("select_explanation").text
    [row] = raw(text, **place)
    assert (row["live_contacts"], row["verdict"], row["salesforce_id"]) == (2000, "shared", None)
    blocks, rows = cost(raw.column("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, COSTS OFF) " + text, **place))
    # each holder is met a few times, not once for each other
    assert rows <= 3 * 2000
    assert blocks <= 200


def cost(plan: list[str]) -> tuple[int, int]:
    """Blocks read, and rows that passed through all nodes of the plan."""
    first = next(line for line in plan if "Buffers:" in line)
    passed = [re.findall(r"actual rows=([\d.]+) loops=(\d+)", line) for line in plan]
    blocks = sum(int(number) for number in re.findall(r"(?:hit|read)=(\d+)", first))
    return blocks, int(sum(float(rows) * int(loops) for found in passed for rows, loops in found))
