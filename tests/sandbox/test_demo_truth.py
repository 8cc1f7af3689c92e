"""The truth check counts what is right, wrong, missing and unknown."""

from __future__ import annotations

from typing import Any

from sandbox import demo_truth


def person(respond_id: int, expect: str = "match", **more: Any) -> dict[str, Any]:
    return {"respond_ids": [respond_id], "expect": expect, "salesforce_id": "003A", "reason": None, **more}


def match(respond_id: int, salesforce_id: str = "003A") -> dict[str, Any]:
    return {"respond_id": respond_id, "salesforce_id": salesforce_id, "matched_by": "email"}


def issue(respond_id: int, reason: str, status: str = "unmatched") -> dict[str, Any]:
    return {"respond_id": respond_id, "status": status, "reason": reason}


def test_all_right_is_perfect() -> None:
    assert demo_truth.compare([person(1)], [match(1)], []).is_perfect


def test_a_match_with_the_wrong_person_lowers_precision_and_recall() -> None:
    found = demo_truth.compare([person(1), person(2)], [match(1), match(2, "003B")], [])
    assert (found.precision, found.recall, found.is_perfect) == (0.5, 0.5, False)


def test_a_missing_match_lowers_recall_only() -> None:
    found = demo_truth.compare([person(1), person(2)], [match(1)], [])
    assert (found.precision, found.recall, found.is_perfect) == (1.0, 0.5, False)


def test_a_match_that_should_not_be_lowers_precision_only() -> None:
    people = [person(1), person(2, "unmatched", reason="no_counterpart")]
    found = demo_truth.compare(people, [match(1), match(2)], [])
    assert (found.precision, found.recall, found.is_perfect) == (0.5, 1.0, False)


def test_contacts_that_the_truth_does_not_know_are_counted_apart() -> None:
    found = demo_truth.compare([person(1)], [match(1), match(99)], [])
    assert (found.unknown, found.is_perfect) == (1, True)


def test_every_respond_contact_of_a_person_counts() -> None:
    people = [{**person(1), "respond_ids": [1, 2]}]
    assert demo_truth.compare(people, [match(1)], []).recall == 0.5


def test_misses_are_compared_by_reason() -> None:
    people = [person(n, "unmatched", reason="no_counterpart") for n in (1, 2)]
    found = demo_truth.compare(people, [], [issue(1, "no_counterpart"), issue(2, "shared_key")])
    assert [(o.reason, o.expected, o.found, o.agreed) for o in found.outcomes] == [
        ("no_counterpart", 2, 1, 1),
        ("shared_key", 0, 1, 0),
    ]


def test_nothing_expected_and_nothing_found_is_perfect() -> None:
    assert demo_truth.compare([], [], []).is_perfect
