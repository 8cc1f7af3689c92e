"""The mass-change brake: too great a loss is withheld until a person decides, and nothing else is."""

from __future__ import annotations

import itertools
from datetime import timedelta

import psycopg2
import pytest

from contact_sync import erasure, holds
from contact_sync.stages import match_contacts, materialize_sidebar
from tests.stages.house import NOON, ORG, WORKSPACE, House

MANY = range(1, 11)
_hours = itertools.count(1)


@pytest.fixture
def ten(house: House) -> House:
    """Ten matched contacts with a title, in a workspace that minds more than three losses and a fifth."""
    house.settings(brake_count=3, brake_share=0.2)
    house.choose("Title", "Department")
    for number in MANY:
        house.person(
            number, email=f"p{number}@example.com", payload={"Title": "Countess", "Department": "Sales"}
        )
        house.contact(number, email=f"p{number}@example.com")
    house.materialize()
    return house


@pytest.fixture(params=[False, True], ids=["few", "everybody"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As so few are, by index; and as if they were many, in one join."""
    if request.param:
        monkeypatch.setattr(match_contacts, "BROAD_FROM", 0)
        monkeypatch.setattr(materialize_sidebar, "BROAD_FROM", 0)


def lose(house: House, *numbers: int) -> None:
    """The e-mails of these people vanish."""
    for number in numbers:
        house.change_person(number, email=None)


def regain(house: House, *numbers: int) -> None:
    """They have their e-mails again."""
    for number in numbers:
        house.change_person(number, email=f"p{number}@example.com")


def blank(house: House, *numbers: int) -> None:
    """The titles of these people vanish."""
    read_at = NOON + timedelta(hours=next(_hours))
    for number in numbers:
        house.change_person(number, payload={"Title": None, "Department": "Sales"}, read_at=read_at)


def matched(house: House) -> int:
    found: int = house.raw.value("SELECT count(*) FROM contact_match")
    return found


def titled(house: House) -> int:
    found: int = house.raw.value("SELECT count(*) FROM sidebar_fields WHERE fields ->> 'Title' IS NOT NULL")
    return found


def open_hold(house: House) -> int:
    [hold] = holds.open_holds(house.db)
    return int(hold["hold_id"])


def decided(house: House, decision: holds.Decision, approved_up_to: int | None = None) -> None:
    holds.decide(house.db, open_hold(house), decision, by="ada", approved_up_to=approved_up_to)


# Matches


def test_a_loss_of_few_is_no_matter(ten: House) -> None:
    lose(ten, 1, 2, 3)
    assert "held" not in ten.match()
    assert matched(ten) == 7


def test_many_by_count_but_few_by_share_are_no_matter(ten: House) -> None:
    ten.settings(brake_share=0.5)
    lose(ten, 1, 2, 3, 4, 5)
    ten.match()
    assert matched(ten) == 5


@pytest.mark.usefixtures("either_way")
def test_too_great_a_loss_is_withheld(ten: House) -> None:
    lose(ten, 1, 2, 3, 4)
    assert ten.match()["held"] == 4
    assert matched(ten) == 10
    [hold] = holds.open_holds(ten.db)
    assert (hold["workspace_id"], hold["kind"], hold["affected"], float(hold["share"])) == (
        WORKSPACE,
        "unmatch",
        4,
        0.4,
    )
    assert hold["sample_ids"] == ["1", "2", "3", "4"]


def test_the_run_is_recorded_as_held(ten: House) -> None:
    lose(ten, *MANY)
    ten.match()
    assert "held" in ten.raw.column("SELECT status FROM stage_run WHERE stage = 'match_contacts'")


@pytest.mark.usefixtures("either_way")
def test_everything_else_of_the_run_proceeds(ten: House) -> None:
    lose(ten, 1, 2, 3, 4)
    ten.person(11, email="new@example.com")
    ten.contact(11, email="new@example.com")
    ten.change_contact(5, email="p6@example.com")
    ten.match()
    assert ten.verdict(11) == ("email", "11")
    assert ten.verdict(5) == ("email", "6")


def test_another_workspace_is_judged_for_itself(ten: House) -> None:
    ten.workspace("other", brake_count=100)
    for number in MANY:
        ten.contact(number, "other", email=f"p{number}@example.com")
    ten.match()
    lose(ten, 1, 2, 3, 4)
    ten.match()
    assert ten.verdict(1) == ("email", "1")
    assert ten.verdict(1, "other") == ("unmatched", "no_counterpart")


def test_the_sidebar_keeps_what_the_match_keeps(ten: House) -> None:
    lose(ten, *MANY)
    ten.materialize()
    assert titled(ten) == 10


def test_what_is_withheld_does_not_trickle_through(ten: House) -> None:
    lose(ten, 1, 2, 3, 4)
    ten.match()
    ten.change_person(1, phone="+4930123456")
    ten.match()
    assert matched(ten) == 10
    lose(ten, 5)
    ten.match()
    assert matched(ten) == 10
    assert holds.open_holds(ten.db)[0]["affected"] == 5


@pytest.mark.usefixtures("either_way")
def test_an_approval_lets_the_next_run_apply_it(ten: House) -> None:
    lose(ten, 1, 2, 3, 4)
    ten.match()
    decided(ten, "approved")
    assert "held" not in ten.match()
    assert matched(ten) == 6
    assert ten.raw.value("SELECT count(*) FROM held_contact") == 0
    assert holds.in_force(ten.db) == []


def test_an_approval_serves_once(ten: House) -> None:
    lose(ten, 1, 2, 3, 4)
    ten.match()
    decided(ten, "approved")
    ten.match()
    lose(ten, 5, 6, 7, 8)
    assert ten.match()["held"] == 4
    assert len(holds.open_holds(ten.db)) == 1


def test_what_grew_after_the_approval_is_asked_about_again(ten: House) -> None:
    lose(ten, 1, 2, 3, 4)
    ten.match()
    decided(ten, "approved")
    lose(ten, 5)
    ten.match()
    assert matched(ten) == 10
    assert holds.open_holds(ten.db)[0]["affected"] == 5


def test_an_approval_of_more_covers_what_grew(ten: House) -> None:
    lose(ten, 1, 2, 3, 4)
    ten.match()
    decided(ten, "approved", approved_up_to=6)
    lose(ten, 5)
    ten.match()
    assert matched(ten) == 5


def test_after_a_refusal_the_matches_stay(ten: House) -> None:
    lose(ten, 1, 2, 3, 4)
    ten.match()
    decided(ten, "rejected")
    ten.change_person(1, phone="+4930123456")
    ten.match()
    assert matched(ten) == 10
    assert holds.open_holds(ten.db) == []


def test_who_comes_back_is_let_go_and_so_is_the_hold(ten: House) -> None:
    lose(ten, 1, 2, 3, 4)
    ten.match()
    regain(ten, 1, 2, 3, 4)
    ten.match()
    assert ten.raw.value("SELECT count(*) FROM held_contact") == 0
    assert holds.open_holds(ten.db) == []
    assert matched(ten) == 10


def test_when_few_are_left_to_lose_they_are_lost(ten: House) -> None:
    lose(ten, 1, 2, 3, 4)
    ten.match()
    regain(ten, 1, 2)
    ten.match()
    ten.match()
    assert (matched(ten), ten.verdict(3), ten.verdict(4)) == (
        8,
        ("unmatched", "no_counterpart"),
        ("unmatched", "no_counterpart"),
    )


@pytest.mark.parametrize("decision", ["approved", "rejected"])
def test_a_decision_ends_with_what_it_was_about(ten: House, decision: holds.Decision) -> None:
    lose(ten, 1, 2, 3, 4)
    ten.match()
    decided(ten, decision)
    regain(ten, 1, 2, 3, 4)
    assert "held" not in ten.match()
    lose(ten, 5, 6, 7, 8)
    assert ten.match()["held"] == 4
    assert matched(ten) == 10
    assert holds.open_holds(ten.db)[0]["sample_ids"] == ["5", "6", "7", "8"]


def test_after_a_refusal_others_are_asked_about_even_if_they_are_no_more(ten: House) -> None:
    lose(ten, 1, 2, 3, 4)
    ten.match()
    decided(ten, "rejected")
    regain(ten, 1)
    lose(ten, 5)
    ten.match()
    assert holds.open_holds(ten.db)[0]["sample_ids"] == ["2", "3", "4", "5"]


@pytest.mark.usefixtures("either_way")
def test_an_approval_overrules_a_refusal(ten: House) -> None:
    lose(ten, 1, 2, 3, 4)
    ten.match()
    hold_id = open_hold(ten)
    decided(ten, "rejected")
    holds.decide(ten.db, hold_id, "approved", by="bob", overrules=True)
    assert "held" not in ten.match()
    assert (matched(ten), holds.refused_holds(ten.db)) == (6, [])


def test_a_hold_ends_with_the_last_contact_it_held(ten: House) -> None:
    lose(ten, 1, 2, 3, 4)
    ten.match()
    for number in (1, 2, 3, 4):
        erasure.erase(ten.db, org_id=ORG, named=erasure.Named(contact=(WORKSPACE, number)))
    ten.change_contact(5, phone="+4930123456")
    ten.match()
    assert holds.open_holds(ten.db) == []


def test_a_decision_waits_for_the_run_that_withholds_more(ten: House) -> None:
    lose(ten, 1, 2, 3, 4)
    ten.match()
    with ten.db.transaction() as tx:
        tx.one("select_hold_in_force", org_id=ORG, workspace_id=WORKSPACE, kind="unmatch")
        with pytest.raises(psycopg2.errors.LockNotAvailable):
            ten.raw("SELECT FROM held_change WHERE decision IS NULL FOR UPDATE NOWAIT")


# What a workspace minds


def test_a_workspace_that_minds_less_lets_its_held_matches_go(ten: House) -> None:
    lose(ten, 1, 2, 3, 4)
    ten.match()
    ten.settings(brake_count=4)
    ten.match()
    assert (matched(ten), holds.open_holds(ten.db)) == (6, [])


def test_a_workspace_that_minds_less_lets_its_held_values_go(ten: House) -> None:
    blank(ten, 1, 2, 3, 4)
    ten.materialize()
    ten.settings(brake_share=0.5)
    ten.materialize()
    assert (titled(ten), holds.open_holds(ten.db)) == (6, [])


# A person's own act


def test_decisions_are_never_held(ten: House) -> None:
    for number in MANY:
        ten.decide(number, None)
    ten.match()
    assert matched(ten) == 0


def test_a_disconnect_is_never_held_and_ends_the_hold(ten: House) -> None:
    lose(ten, *MANY)
    ten.match()
    ten.settings(org_id=None)
    assert ten.raw.value("SELECT count(*) FROM held_contact") == 0
    assert holds.open_holds(ten.db) == []


def test_a_disconnect_ends_the_refusal_too(ten: House) -> None:
    lose(ten, *MANY)
    ten.match()
    decided(ten, "rejected")
    ten.settings(org_id=None)
    assert holds.refused_holds(ten.db) == []


@pytest.mark.usefixtures("either_way")
def test_other_choices_are_never_held(ten: House) -> None:
    ten.choose("Department")
    assert "held" not in ten.materialize()
    assert ten.row(1)["fields"] == {"Department": "Sales"}


# Values


def test_a_few_blank_values_are_no_matter(ten: House) -> None:
    blank(ten, 1, 2, 3)
    ten.materialize()
    assert titled(ten) == 7


@pytest.mark.usefixtures("either_way")
def test_too_many_blank_values_are_withheld_and_the_rest_is_written(ten: House) -> None:
    blank(ten, 1, 2, 3, 4)
    ten.change_person(5, payload={"Title": "Programmer", "Department": "Sales"})
    assert ten.materialize()["held"] == 4
    assert titled(ten) == 10
    assert ten.row(5)["fields"]["Title"] == "Programmer"
    [hold] = holds.open_holds(ten.db)
    assert (hold["kind"], hold["affected"]) == ("blank", 4)


@pytest.mark.usefixtures("either_way")
def test_approved_blanks_are_written(ten: House) -> None:
    blank(ten, 1, 2, 3, 4)
    ten.materialize()
    decided(ten, "approved")
    assert "held" not in ten.materialize()
    assert titled(ten) == 6
    assert ten.raw.value("SELECT count(*) FROM held_contact") == 0


def test_withheld_blanks_do_not_trickle_through(ten: House) -> None:
    blank(ten, 1, 2, 3, 4)
    ten.materialize()
    blank(ten, 1)
    ten.materialize()
    assert titled(ten) == 10


def test_a_decision_on_values_ends_with_what_it_was_about(ten: House) -> None:
    blank(ten, 1, 2, 3, 4)
    ten.materialize()
    decided(ten, "approved")
    for number in (1, 2, 3, 4):
        read_at = NOON + timedelta(days=1)
        ten.change_person(number, payload={"Title": "Lady", "Department": "Sales"}, read_at=read_at)
    ten.materialize()
    blank(ten, 5, 6, 7, 8)
    assert ten.materialize()["held"] == 4


@pytest.mark.usefixtures("either_way")
def test_other_values_of_a_held_row_are_written(ten: House) -> None:
    ten.choose("Title", "Department", "Phone")
    blank(ten, 1, 2, 3, 4)
    ten.materialize()
    as_of = ten.row(1)["as_of"]
    read_at = NOON + timedelta(days=1)
    payload = {"Title": None, "Department": "Law"}
    ten.change_person(1, payload=payload, phone="+4930123456", read_at=read_at)
    assert ten.materialize()["written"] == 1
    row = ten.row(1)
    assert row["fields"] == {"Title": "Countess", "Department": "Law", "Phone": "+4930123456"}
    assert (list(row["stale"]), row["as_of"]) == (["Title"], as_of)
    assert titled(ten) == 10
    decided(ten, "approved")
    ten.materialize()
    assert (ten.row(1)["fields"]["Title"], ten.row(1)["stale"]) == (None, {})


def test_values_that_come_back_let_the_hold_go(ten: House) -> None:
    blank(ten, 1, 2, 3, 4)
    ten.materialize()
    for number in (1, 2, 3, 4):
        read_at = NOON + timedelta(days=1)
        ten.change_person(number, payload={"Title": "Lady", "Department": "Sales"}, read_at=read_at)
    ten.materialize()
    assert holds.open_holds(ten.db) == []
    assert ten.row(1)["fields"]["Title"] == "Lady"


def test_a_second_run_writes_nothing(ten: House) -> None:
    lose(ten, 1, 2, 3, 4)
    blank(ten, 5, 6, 7, 8)
    ten.materialize()
    before = ten.raw.versions("contact_match", "sidebar_fields", "held_change", "held_contact")
    ten.raw(
        "INSERT INTO pending_change (org_id, workspace_id, entity) VALUES (%(o)s, %(w)s, 'respond_key'), "
        "(%(o)s, %(w)s, 'sidebar_row')",
        o=ORG,
        w=WORKSPACE,
    )
    ten.materialize()
    assert ten.raw.versions("contact_match", "sidebar_fields", "held_change", "held_contact") == before
