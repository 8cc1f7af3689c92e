"""What becomes of contacts that are merged, deleted, undeleted, purged or hidden, from Salesforce to the sidebar."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync import erasure, values
from contact_sync.stages import _auditing
from tests.raw_sql import RawSql
from tests.stages.conftest import SalesforceSide
from tests.stages.editing import Editing
from tests.stages.house import WORKSPACE, House
from tests.stages.test_apply_edits import editing
from tests.stages.test_extract_salesforce_contacts import mirrored, person
from tests.stages.test_reconcile_contacts import reconcile

__all__ = ["editing"]


def merge(editing: Editing, winner: int, *losers: int) -> None:
    ids = [editing.ids[loser - 1] for loser in losers]
    editing.side.steer("POST", f"/contacts/{editing.ids[winner - 1]}/merge", {"losers": ids})


def follow(editing: Editing) -> None:
    editing.house.materialize(editing.side.org_id)


def decide(editing: Editing, contact: int, person: int) -> None:
    editing.house.raw.insert(
        "match_decision",
        org_id=editing.side.org_id,
        workspace_id=WORKSPACE,
        decided_by="ada",
        respond_id=contact,
        salesforce_id=editing.ids[person - 1],
    )


def shown(editing: Editing, contact: int) -> tuple[Any, Any]:
    """The record that a contact's match names, and the one that its sidebar row shows."""
    [match] = editing.house.raw.column(
        "SELECT salesforce_id FROM contact_match WHERE respond_id = %(contact)s", contact=contact
    )
    return match, editing.house.row(contact)["salesforce_id"]


# Merges


def test_a_merge_carries_match_decision_edit_and_sidebar_row_to_the_winner(editing: Editing) -> None:
    edit = editing.wish(1, "Dr", "Professor")
    decide(editing, 1, 1)
    merge(editing, 2, 1)
    editing.side.extract()
    follow(editing)
    winner = editing.ids[1]
    assert shown(editing, 1) == (winner, winner)
    assert editing.edit(edit)["target_salesforce_id"] == winner
    assert editing.house.row(1)["matched_by"] == "decision"
    editing.apply()
    assert (editing.status(edit), editing.held(2)) == ("applied", "Professor")


def test_the_winner_may_arrive_after_the_loser(editing: Editing) -> None:
    edit = editing.wish(1, "Dr", "Professor")
    winner = editing.ids[1]
    editing.house.raw("DELETE FROM salesforce_contact WHERE salesforce_id = %(id)s", id=winner)
    editing.house.raw(
        "UPDATE salesforce_contact SET presence = 'deleted', master_record_id = %(winner)s"
        " WHERE salesforce_id = %(id)s",
        winner=winner,
        id=editing.ids[0],
    )
    follow(editing)
    assert editing.house.row(1) == {}
    # nothing is new to Salesforce: the missing winner is asked for by id
    editing.side.extract()
    follow(editing)
    assert shown(editing, 1) == (winner, winner)
    assert editing.edit(edit)["target_salesforce_id"] == winner


def test_the_loser_may_arrive_after_the_winner(editing: Editing) -> None:
    winner, loser = editing.ids[1], editing.ids[0]
    merge(editing, 2, 1)
    editing.side.extract("both")
    raw = editing.house.raw
    raw(
        "UPDATE salesforce_contact SET presence = 'live', master_record_id = NULL, system_modstamp = '2026-01-01'"
        " WHERE salesforce_id = %(id)s",
        id=loser,
    )
    follow(editing)
    assert shown(editing, 1) == (loser, loser)
    editing.side.extract("the audit finds the loser")
    follow(editing)
    assert shown(editing, 1) == (winner, winner)


def test_a_chain_of_merges_ends_at_the_last_winner(editing: Editing) -> None:
    edit = editing.wish(1, "Dr", "Professor")
    merge(editing, 2, 1)
    merge(editing, 3, 2)
    editing.side.extract()
    follow(editing)
    assert shown(editing, 1) == (editing.ids[2], editing.ids[2])
    assert editing.edit(edit)["target_salesforce_id"] == editing.ids[2]


def test_merges_in_a_circle_show_nobody_and_hold_nobody_up(editing: Editing) -> None:
    for number, other in ((1, 2), (2, 1)):
        editing.house.raw(
            "UPDATE salesforce_contact SET presence = 'deleted', master_record_id = %(other)s"
            " WHERE salesforce_id = %(id)s",
            id=editing.ids[number - 1],
            other=editing.ids[other - 1],
        )
    follow(editing)
    assert editing.house.row(1) == {}
    assert editing.house.row(3)


def test_of_two_queued_edits_that_a_merge_brings_together_the_later_stands(editing: Editing) -> None:
    earlier = editing.wish(1, "Dr", "Professor")
    later = editing.wish(2, "Dr", "Dean")
    merge(editing, 2, 1)
    editing.side.extract()
    follow(editing)
    editing.apply()
    assert (editing.status(earlier), editing.status(later)) == ("superseded", "applied")
    assert editing.held(2) == "Dean"


def test_the_later_edit_of_a_loser_inherits_the_winners_base(editing: Editing) -> None:
    editing.change(2, Title="Sir")
    editing.side.extract("first")
    follow(editing)
    winners = editing.wish(2, "Sir", "Dean")
    losers = editing.wish(1, "Dr", "Professor")
    merge(editing, 2, 1)
    editing.side.extract("second")
    follow(editing)
    editing.apply()
    assert (editing.status(winners), editing.status(losers)) == ("superseded", "applied")
    assert editing.held(2) == "Professor"


def test_a_parked_edit_follows_too(editing: Editing) -> None:
    edit = editing.wish(1, "Dr", "Professor")
    editing.house.settings(editing_enabled=False)
    editing.apply()
    merge(editing, 2, 1)
    editing.side.extract()
    follow(editing)
    assert (editing.status(edit), editing.edit(edit)["target_salesforce_id"]) == ("parked", editing.ids[1])


def test_winners_that_nobody_shows_do_not_block_others(
    salesforce: SalesforceSide, raw: RawSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_auditing, "IDS_A_CALL", 2)
    winner = person(salesforce)
    salesforce.extract("first")
    raw("DELETE FROM salesforce_contact")
    house = House(salesforce.db, raw)
    unknown = [values.long_id(f"0035g0000zzzz0{digit}") for digit in "123"]
    for number, master in enumerate([*unknown, winner], start=1):
        house.person(number, org_id=salesforce.org_id, presence="deleted", master_record_id=master)
    for run in ("second", "third"):
        salesforce.extract(run)
    assert mirrored(raw, winner)
    assert sorted(raw.column("SELECT salesforce_id FROM absent_winner")) == unknown
    calls = len(salesforce.steer("GET", "/journal").json()["requests"])
    salesforce.extract("a day is not over")
    queries = salesforce.steer("GET", "/journal").json()["requests"][calls:]
    assert not [request for request in queries if "Id IN" in str(request)]


# Deletes, purges, lost visibility


def test_a_deleted_contact_leaves_the_sidebar_and_an_undeleted_one_returns(editing: Editing) -> None:
    editing.side.steer("DELETE", f"/contacts/{editing.ids[0]}")
    editing.side.extract("deleted")
    follow(editing)
    assert editing.house.row(1) == {}
    assert editing.house.verdict(1) == ("unmatched", "counterpart_deleted")
    editing.side.steer("POST", f"/contacts/{editing.ids[0]}/undelete")
    editing.side.extract("undeleted")
    follow(editing)
    assert editing.house.row(1)["fields"]["Title"] == "Dr"


def test_a_purged_contact_leaves_the_sidebar_and_says_so(editing: Editing) -> None:
    gone = editing.ids[0]
    editing.side.steer("DELETE", f"/contacts/{gone}")
    editing.side.extract("deleted")
    editing.side.steer("POST", f"/contacts/{gone}/purge")
    editing.house.raw("UPDATE salesforce_contact SET read_at = read_at - interval '5 minutes'")
    reconcile(editing.side)
    follow(editing)
    assert mirrored(editing.house.raw, gone)["presence"] == "purged"
    assert editing.house.row(1) == {}


def test_a_contact_that_is_hidden_leaves_the_sidebar_keeps_its_payload_and_returns(editing: Editing) -> None:
    hidden = editing.ids[0]
    editing.side.steer("POST", f"/contacts/{hidden}/hide")
    editing.house.raw("UPDATE salesforce_contact SET read_at = read_at - interval '5 minutes'")
    reconcile(editing.side, "hidden")
    follow(editing)
    row = mirrored(editing.house.raw, hidden)
    assert (row["presence"], row["payload"]["Title"]) == ("not_visible", "Dr")
    assert editing.house.row(1) == {}
    editing.side.steer("POST", f"/contacts/{hidden}/show")
    reconcile(editing.side, "shown")
    follow(editing)
    assert editing.house.row(1)["fields"]["Title"] == "Dr"


def test_reconciling_leaves_erased_people_alone(salesforce: SalesforceSide, raw: RawSql) -> None:
    erased = person(salesforce, Email="ada@example.com")
    salesforce.extract("first")
    erasure.erase(salesforce.db, org_id=salesforce.org_id, named=erasure.Named(salesforce_id=erased))
    assert reconcile(salesforce)["ids"] >= 1
    assert raw.value("SELECT count(*) FROM extract_window WHERE kind = 'reconcile'") == 0
    assert mirrored(raw, erased) == {}
