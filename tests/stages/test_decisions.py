"""A person decides once: every later run obeys, whatever is read again, merged, restored or reconnected meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contact_sync import tenants
from tests.stages.house import NOON, ORG, WORKSPACE, House, person_id

ADA = "ada@example.com"


@pytest.fixture
def decided(house: House) -> House:
    """Contact 1 may be person 1 or 2, and it was decided that it is 2."""
    house.person(1, email=ADA)
    house.person(2, email=ADA)
    house.contact(1, email=ADA)
    house.match()
    house.decide(1, 2, reason="same birthday")
    house.match()
    assert house.verdict(1) == ("decision", "2")
    return house


def test_it_survives_that_everything_is_read_anew(decided: House) -> None:
    decided.raw("DELETE FROM salesforce_contact")
    decided.raw("DELETE FROM respond_contact")
    decided.match()
    assert decided.verdict(1) == ()
    for number in (1, 2):
        decided.person(number, email=ADA)
    decided.contact(1, email=ADA)
    decided.match()
    assert decided.verdict(1) == ("decision", "2")


def test_it_survives_that_the_keys_change(decided: House) -> None:
    decided.change_person(2, email="countess@example.com", system_modstamp=NOON + timedelta(days=1))
    decided.change_contact(1, email="lovelace@example.com")
    decided.match()
    assert decided.verdict(1) == ("decision", "2")


def test_it_stands_again_when_the_record_is_restored(decided: House) -> None:
    decided.change_person(2, presence="deleted")
    decided.match()
    assert decided.verdict(1) != ("decision", "2")
    decided.change_person(2, presence="live")
    decided.match()
    assert decided.verdict(1) == ("decision", "2")


def test_it_follows_merge_after_merge(decided: House) -> None:
    decided.person(3)
    decided.person(4)
    decided.merge(2, 3)
    decided.match()
    decided.merge(3, 4)
    decided.match()
    assert decided.verdict(1) == ("decision", "4")


def test_it_serves_again_after_a_reconnect(decided: House) -> None:
    tenants.disconnect_workspace(decided.db, WORKSPACE)
    decided.match()
    assert decided.verdict(1) == ()
    decided.settings(org_id=ORG)
    decided.raw("UPDATE respond_contact SET org_id = %(org)s", org=ORG)
    decided.match()
    assert decided.verdict(1) == ("decision", "2")


def test_a_merge_leaves_who_and_why_as_they_were(decided: House) -> None:
    decided.person(3)
    decided.merge(2, 3)
    decided.match()
    [row] = decided.raw("SELECT salesforce_id, reason, decided_by FROM match_decision")
    assert row == {"salesforce_id": person_id(2), "reason": "same birthday", "decided_by": "ada"}
