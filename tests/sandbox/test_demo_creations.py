"""Good means: everybody ended as expected, tagged at respond.io where created, and nobody is there twice."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox import demo_creations, demo_hires
from sandbox.demo_creations import TAG, Creations


def settled() -> Creations:
    """Everybody as they should end, respond.io not looked at yet."""
    rows: list[dict[str, Any]] = []
    for number, hire in enumerate(demo_hires.HIRES):
        status, _, rule = hire.ends[0].partition(" ")
        respond_id = None if status == "skipped" else number + 1
        rows.append({"status": status, "rule": rule or None, "respond_id": respond_id})
    return Creations(is_new=True, rows=rows, created=sum(row["status"] == "tagged" for row in rows))


def listed(found: Creations) -> list[dict[str, Any]]:
    """What respond.io has then."""
    return [
        {
            "id": row["respond_id"],
            "email": f"{row['respond_id']}@new-hires.example",
            "phone": None,
            "tags": [TAG] if row["status"] == "tagged" else [],
        }
        for row in found.rows
        if row["respond_id"]
    ]


def compared(found: Creations, contacts: list[dict[str, Any]]) -> Creations:
    demo_creations.compare(found, contacts)
    return found


def test_everybody_as_expected_is_good() -> None:
    found = settled()
    assert compared(found, listed(found)).is_good


def test_a_person_who_is_there_twice_is_not_good() -> None:
    found = settled()
    contacts = listed(found)
    twin = {**contacts[0], "id": 999, "email": contacts[0]["email"].upper(), "tags": []}
    assert (compared(found, [*contacts, twin]).doubles, found.is_good) == (1, False)


def test_a_tagged_contact_that_is_nobodys_creation_is_not_good() -> None:
    found = settled()
    stranger = {"id": 999, "email": None, "phone": "+4799999999", "tags": [TAG]}
    assert not compared(found, [*listed(found), stranger]).is_good


def test_a_creation_that_lost_its_tag_is_not_good() -> None:
    found = settled()
    contacts = listed(found)
    contacts[0]["tags"] = []
    assert not compared(found, contacts).is_good


@pytest.mark.parametrize("status", ["rejected", None])
def test_somebody_who_ended_otherwise_is_not_good(status: str | None) -> None:
    found = settled()
    found.rows[-1] = {"status": status, "rule": None, "respond_id": None}
    assert not compared(found, listed(found)).is_good
