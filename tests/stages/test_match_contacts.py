"""The rules of matching, one by one; their interplay in any order is tested in test_match_properties."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.stages.house import NOON, OTHER_ORG, House, person_id

ADA = "ada@example.com"
BOB = "bob@example.com"
PHONE = "+4930123456"
MOBILE = "+491701234567"


def test_an_equal_email_matches(house: House) -> None:
    house.person(1, email="Ada@Example.com ")
    house.contact(1, email=ADA)
    assert house.match() == {"looked_at": 1, "matched": 1, "ambiguous": 0, "unmatched": 0, "written": 1}
    assert house.verdict(1) == ("email", "1")


@pytest.mark.parametrize("column", ["phone", "mobile_phone", "home_phone", "other_phone"])
def test_an_equal_phone_matches_whichever_field_holds_it(house: House, column: str) -> None:
    house.person(1, **{column: "030 123456", "country": "Germany"})
    house.contact(1, phone=PHONE)
    house.match()
    assert house.verdict(1) == ("phone", "1")


def test_both_keys_of_one_person_match_by_both(house: House) -> None:
    house.person(1, email=ADA, phone=PHONE)
    house.contact(1, email=ADA, phone=PHONE)
    house.match()
    assert house.verdict(1) == ("email+phone", "1")


def test_the_one_in_both_sets_wins_over_those_in_one(house: House) -> None:
    house.person(1, email=ADA, phone=PHONE)
    house.person(2, email=ADA)
    house.person(3, mobile_phone=PHONE)
    house.contact(1, email=ADA, phone=PHONE)
    house.match()
    assert house.verdict(1) == ("email+phone", "1")


def test_the_match_tells_the_keys_that_both_sides_share(house: House) -> None:
    house.person(1, email=ADA, phone=PHONE)
    house.contact(1, email=ADA)
    house.match()
    [row] = house.raw("SELECT email_key, phone_key FROM contact_match")
    assert row == {"email_key": ADA, "phone_key": None}


def test_one_person_may_be_seen_by_several_contacts(house: House) -> None:
    house.person(1, email=ADA, phone=PHONE)
    house.contact(1, email=ADA)
    house.contact(2, phone=PHONE)
    house.match()
    assert (house.verdict(1), house.verdict(2)) == (("email", "1"), ("phone", "1"))


# Ambiguities


@pytest.mark.parametrize(
    ("people", "reason"),
    [
        ([{"email": ADA}, {"email": ADA}], "several_by_email"),
        ([{"phone": PHONE}, {"mobile_phone": PHONE}], "several_by_phone"),
        ([{"email": ADA}, {"phone": PHONE}], "email_phone_disagree"),
        ([{"email": ADA, "phone": PHONE}, {"email": ADA, "phone": PHONE}], "several_by_both"),
    ],
)
def test_an_ambiguity_names_its_reason(house: House, people: list[dict[str, str]], reason: str) -> None:
    for number, cells in enumerate(people, start=1):
        house.person(number, **cells)
    house.contact(1, email=ADA, phone=PHONE)
    house.match()
    assert house.verdict(1) == ("ambiguous", reason)


def test_an_ambiguity_lists_its_candidates(house: House) -> None:
    house.person(1, email=ADA)
    house.person(2, email=ADA)
    house.contact(1, email=ADA)
    house.match()
    [row] = house.raw("SELECT candidate_count, candidates FROM match_issue")
    assert row == {"candidate_count": 2, "candidates": [person_id(1), person_id(2)]}


def test_an_ambiguity_lists_no_more_than_20_candidates(house: House) -> None:
    house.settings(shared_key_limit=30)
    for number in range(1, 26):
        house.person(number, email=ADA)
    house.contact(1, email=ADA)
    house.match()
    [row] = house.raw("SELECT candidate_count, cardinality(candidates) AS listed FROM match_issue")
    assert row == {"candidate_count": 25, "listed": 20}


def test_most_recent_takes_the_latest_created_candidate(house: House) -> None:
    house.settings(ambiguous_policy="most_recent")
    house.person(1, email=ADA, created_at=NOON.replace(hour=15))
    house.person(2, email=ADA, created_at=NOON)
    house.contact(1, email=ADA)
    house.match()
    assert house.verdict(1) == ("most_recent", "1")


def test_most_recent_follows_a_record_that_turns_out_to_be_younger(house: House) -> None:
    house.settings(ambiguous_policy="most_recent")
    for number in (1, 2):
        house.person(number, email=ADA)
    house.contact(1, email=ADA)
    house.match()
    assert house.verdict(1) == ("most_recent", "2")
    house.change_person(1, created_at=NOON + timedelta(days=1))
    house.match()
    assert house.verdict(1) == ("most_recent", "1")
    # nobody's verdict hangs on it where the policy is another one
    house.settings(ambiguous_policy="hold")
    house.match()
    house.change_person(2, created_at=NOON + timedelta(days=2))
    house.normalize()
    assert house.raw.column("SELECT entity FROM pending_change WHERE entity <> 'sidebar_row'") == []


def test_most_recent_takes_the_higher_id_at_equal_times(house: House) -> None:
    house.settings(ambiguous_policy="most_recent")
    house.person(1, email=ADA, created_at=NOON)
    house.person(2, email=ADA, created_at=NOON)
    house.contact(1, email=ADA)
    house.match()
    assert house.verdict(1) == ("most_recent", "2")


def test_a_changed_policy_decides_again(house: House) -> None:
    house.person(1, email=ADA)
    house.person(2, email=ADA)
    house.contact(1, email=ADA)
    house.match()
    house.settings(ambiguous_policy="most_recent")
    house.match()
    assert house.verdict(1) == ("most_recent", "2")


# Misses


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({}, "no_identifier"),
        ({"email": "  ", "phone": ""}, "no_identifier"),
        ({"email": "n/a"}, "invalid_identifier"),
        ({"phone": "030 123456"}, "invalid_identifier"),
        ({"email": "nobody@example.com"}, "no_counterpart"),
        ({"email": "n/a", "phone": PHONE}, "no_counterpart"),
    ],
)
def test_a_miss_names_its_reason(house: House, cells: dict[str, str], reason: str) -> None:
    house.contact(1, **cells)
    house.match()
    assert house.verdict(1) == ("unmatched", reason)


def test_a_key_at_the_limit_still_identifies(house: House) -> None:
    house.settings(shared_key_limit=2)
    house.person(1, email=ADA)
    house.person(2, email=ADA)
    house.contact(1, email=ADA)
    house.match()
    assert house.verdict(1) == ("ambiguous", "several_by_email")


def test_a_key_of_more_than_the_limit_identifies_nobody(house: House) -> None:
    house.settings(shared_key_limit=2)
    for number in (1, 2, 3):
        house.person(number, phone=PHONE)
    house.contact(1, phone=PHONE)
    house.match()
    assert house.verdict(1) == ("unmatched", "shared_key")


def test_a_shared_phone_leaves_the_email_to_identify(house: House) -> None:
    house.settings(shared_key_limit=2)
    for number in (1, 2, 3):
        house.person(number, phone=PHONE, email=ADA if number == 1 else None)
    house.contact(1, phone=PHONE, email=ADA)
    house.match()
    assert house.verdict(1) == ("email", "1")


def test_deleted_contacts_do_not_count_towards_the_limit(house: House) -> None:
    house.settings(shared_key_limit=1)
    house.person(1, email=ADA)
    house.person(2, email=ADA, presence="deleted")
    house.contact(1, email=ADA)
    house.match()
    assert house.verdict(1) == ("email", "1")


def test_a_key_that_becomes_shared_takes_its_matches_away(house: House) -> None:
    house.settings(shared_key_limit=1)
    house.person(1, phone=PHONE)
    house.contact(1, phone=PHONE)
    house.match()
    house.person(2, home_phone=PHONE)
    house.match()
    assert house.verdict(1) == ("unmatched", "shared_key")


@pytest.mark.parametrize("presence", ["deleted", "purged", "not_visible"])
def test_a_counterpart_that_is_not_live_is_told(house: House, presence: str) -> None:
    house.person(1, email=ADA)
    house.contact(1, email=ADA)
    house.match()
    house.change_person(1, presence=presence)
    house.match()
    assert house.verdict(1) == ("unmatched", "counterpart_deleted")


def test_an_undeleted_contact_matches_again(house: House) -> None:
    house.person(1, email=ADA, presence="deleted")
    house.contact(1, email=ADA)
    house.match()
    house.change_person(1, presence="live")
    house.match()
    assert house.verdict(1) == ("email", "1")


def test_a_contact_that_is_gone_has_neither_match_nor_issue(house: House) -> None:
    house.person(1, email=ADA)
    house.contact(1, email=ADA)
    house.contact(2)
    house.match()
    for number in (1, 2):
        house.change_contact(number, gone_at=NOON)
    house.match()
    assert (house.verdict(1), house.verdict(2)) == ((), ())


# Merges


def test_a_merged_loser_stands_for_its_winner(house: House) -> None:
    house.person(1, email=ADA)
    house.person(2, email=BOB)
    house.contact(1, email=ADA)
    house.match()
    house.merge(loser=1, winner=2)
    house.match()
    assert house.verdict(1) == ("email", "2")


def test_loser_and_winner_are_one_candidate(house: House) -> None:
    house.person(1, email=ADA)
    house.person(2, email=ADA)
    house.merge(loser=1, winner=2)
    house.contact(1, email=ADA)
    house.match()
    assert house.verdict(1) == ("email", "2")


def test_a_winner_that_arrives_late_is_found(house: House) -> None:
    house.person(1, email=ADA)
    house.merge(loser=1, winner=2)
    house.contact(1, email=ADA)
    house.match()
    assert house.verdict(1) == ("unmatched", "counterpart_deleted")
    house.person(2)
    house.match()
    assert house.verdict(1) == ("email", "2")


# Decisions and creations


def test_a_decision_stands_above_the_keys(house: House) -> None:
    house.person(1, email=ADA)
    house.person(2)
    house.contact(1, email=ADA)
    house.match()
    house.decide(1, 2)
    house.match()
    assert house.verdict(1) == ("decision", "2")


def test_a_decision_for_nobody_is_obeyed(house: House) -> None:
    house.person(1, email=ADA)
    house.contact(1, email=ADA)
    house.decide(1, None)
    house.match()
    assert house.verdict(1) == ("unmatched", "decided_nobody")


def test_a_revoked_decision_gives_way_to_the_keys(house: House) -> None:
    house.person(1, email=ADA)
    house.contact(1, email=ADA)
    house.decide(1, None)
    house.match()
    house.raw("UPDATE match_decision SET revoked_at = now()")
    house.match()
    assert house.verdict(1) == ("email", "1")


def test_a_decision_for_a_merged_record_follows_the_merge(house: House) -> None:
    house.person(1)
    house.person(2)
    house.contact(1, email=ADA)
    house.decide(1, 1)
    house.match()
    house.merge(loser=1, winner=2)
    house.match()
    assert house.verdict(1) == ("decision", "2")


def test_a_decision_for_somebody_without_a_key_notices_the_deletion(house: House) -> None:
    house.person(1)
    house.contact(1, email=ADA)
    house.decide(1, 1)
    house.match()
    house.change_person(1, presence="deleted")
    house.match()
    assert house.verdict(1) == ("unmatched", "counterpart_deleted")


def test_a_decision_made_for_another_org_says_nothing(house: House) -> None:
    house.org(OTHER_ORG)
    house.person(1, email=ADA)
    house.contact(1, email=ADA)
    house.decide(1, None, org_id=OTHER_ORG)
    house.match()
    assert house.verdict(1) == ("email", "1")


@pytest.mark.parametrize("status", ["created", "tagged", "adopted"])
def test_a_creation_stands_above_an_ambiguity(house: House, status: str) -> None:
    house.person(1, email=ADA)
    house.person(2, email=ADA)
    house.contact(1, email=ADA)
    house.created(1, 1, status)
    house.match()
    assert house.verdict(1) == ("creation", "1")


def test_a_creation_without_a_common_key_says_nothing(house: House) -> None:
    house.person(1, email=BOB)
    house.contact(1, email=ADA)
    house.created(1, 1)
    house.match()
    assert house.verdict(1) == ("unmatched", "no_counterpart")


def test_two_creations_for_one_contact_decide_nothing(house: House) -> None:
    house.person(1, email=ADA)
    house.person(2, email=ADA)
    house.contact(1, email=ADA)
    house.created(1, 1, "adopted")
    house.created(1, 2, "adopted")
    house.match()
    assert house.verdict(1) == ("ambiguous", "several_by_email")


def test_a_decision_stands_above_a_creation(house: House) -> None:
    house.person(1, email=ADA)
    house.person(2)
    house.contact(1, email=ADA)
    house.created(1, 1)
    house.decide(1, 2)
    house.match()
    assert house.verdict(1) == ("decision", "2")
