"""Matching as it runs: exact mode, twice, several workspaces, leaving and coming back."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from contact_sync import database, errors, tenants
from contact_sync.stages import gate_contacts, match_contacts
from tests.raw_sql import RawSql
from tests.stages.house import NOON, ORG, OTHER_ORG, WORKSPACE, WRITTEN, House, person_id

ADA = "ada@example.com"
PHONE = "+4930123456"


def test_exact_mode_compares_bytes(house: House) -> None:
    house.settings(match_mode="exact")
    house.person(1, email="Ada@example.com")
    house.person(2, email="Bob@example.com")
    house.contact(1, email="Ada@example.com")
    house.contact(2, email="bob@example.com")
    house.match()
    assert house.verdict(1) == ("email", "1")
    assert house.verdict(2) == ("unmatched", "no_counterpart")


@pytest.mark.parametrize(
    ("person", "contact"),
    [
        ({"email": "n/a"}, {"email": "n/a"}),
        ({"email": "noemail@noemail.com"}, {"email": "noemail@noemail.com"}),
        ({"phone": "0000000"}, {"phone": "0000000"}),
        ({"phone": "030 123456"}, {"phone": "030 123456"}),
        ({"phone": "030 123456", "country": "Germany"}, {"phone": "030 123456", "country": "FR"}),
    ],
    ids=["no e-mail", "placeholder", "zeros", "no country", "another country"],
)
def test_exact_mode_matches_nobody_by_what_is_no_common_key(
    house: House, person: dict[str, str], contact: dict[str, str]
) -> None:
    house.settings(match_mode="exact")
    house.person(1, **person)
    house.contact(1, **contact)
    house.match()
    assert house.verdict(1)[0] == "unmatched"


def test_exact_mode_matches_the_same_spelling_of_one_number(house: House) -> None:
    house.settings(match_mode="exact")
    house.person(1, phone="030 123456", country="Germany")
    house.contact(1, phone="030 123456", country="DE")
    house.person(2, phone="+33 1 23 45 67 89", country="FR")
    house.contact(2, phone="+33 1 23 45 67 89", country="DE")
    house.match()
    assert (house.verdict(1), house.verdict(2)) == (("phone", "1"), ("phone", "2"))


def test_one_spelling_of_a_shared_address_is_nobodys_own(house: House) -> None:
    house.settings(match_mode="exact", shared_key_limit=2)
    house.person(1, email="Info@example.com")
    house.contact(1, email="Info@example.com")
    house.contact(2, email="Info@example.com", phone=PHONE)
    for number in (2, 3):
        house.person(number, email="info@example.com", phone=PHONE if number == 2 else None)
        house.match()
        found = (house.verdict(1), house.verdict(2)[0])
        assert found == ((("email", "1"), "ambiguous"), (("unmatched", "shared_key"), "phone"))[number - 2]
    shown = "SELECT live_contacts, verdict FROM match_explanation WHERE respond_id = 1"
    assert [tuple(row.values()) for row in house.raw(shown)] == [(3, "shared")]
    house.change_person(3, email="carol@example.com")
    house.match()
    assert house.verdict(1) == ("email", "1")


def test_switching_modes_decides_again_both_ways(house: House) -> None:
    house.person(1, phone="030 123456", country="DE")
    house.contact(1, phone=PHONE)
    house.match()
    house.settings(match_mode="exact")
    house.match()
    assert house.verdict(1) == ("unmatched", "no_counterpart")
    house.settings(match_mode="normalized")
    house.match()
    assert house.verdict(1) == ("phone", "1")


def test_a_near_miss_of_exact_mode_says_what_to_change(house: House) -> None:
    house.settings(match_mode="exact")
    house.person(1, email="Ada@example.com")
    house.contact(1, email=ADA)
    house.match()
    [row] = house.raw("SELECT salesforce_id, kind, hint FROM near_miss")
    assert (row["salesforce_id"], row["kind"]) == (person_id(1), "email")
    assert "match_mode" in row["hint"]


def test_one_workspaces_settings_leave_the_other_alone(house: House) -> None:
    house.workspace("other", match_mode="exact")
    house.person(1, email="Ada@example.com")
    house.contact(1, email=ADA)
    house.contact(1, workspace_id="other", email=ADA)
    house.match()
    assert house.verdict(1) == ("email", "1")
    assert house.verdict(1, "other") == ("unmatched", "no_counterpart")


def test_orgs_do_not_see_each_others_people(house: House) -> None:
    house.org(OTHER_ORG)
    house.person(1, org_id=OTHER_ORG, email=ADA)
    house.contact(1, email=ADA)
    house.match(OTHER_ORG)
    house.match()
    assert house.verdict(1) == ("unmatched", "no_counterpart")


def test_a_second_run_writes_nothing(house: House) -> None:
    house.person(1, email=ADA, phone=PHONE)
    house.person(2, email=ADA)
    for number, cells in enumerate([{"email": ADA}, {"phone": PHONE}, {}, {"email": "n/a"}], start=1):
        house.contact(number, **cells)
    house.materialize()
    before = house.raw.versions(*WRITTEN)
    assert house.match() == {}
    assert house.raw.versions(*WRITTEN) == before


def test_looking_again_at_everybody_writes_nothing(house: House) -> None:
    house.person(1, email=ADA, phone=PHONE)
    house.person(2, email=ADA)
    for number, cells in enumerate([{"email": ADA}, {"phone": PHONE}, {}, {"email": "n/a"}], start=1):
        house.contact(number, **cells)
    house.materialize()
    before = house.raw.versions(*WRITTEN)
    house.raw.insert("pending_change", org_id=ORG, workspace_id=WORKSPACE, entity="respond_key")
    house.raw.insert("pending_change", org_id=ORG, entity="salesforce_contact")
    counts = house.match()
    assert (counts["looked_at"], counts["written"]) == (4, 0)
    assert house.raw.versions(*WRITTEN) == before


def test_only_those_concerned_are_looked_at(house: House) -> None:
    for number in range(1, 6):
        house.person(number, email=f"person{number}@example.com")
        house.contact(number, email=f"person{number}@example.com")
    house.match()
    house.change_person(3, email="else@example.com")
    assert house.match()["looked_at"] == 1


def test_when_a_pair_was_first_matched_is_kept(house: House) -> None:
    house.person(1, email=ADA, phone=PHONE)
    house.contact(1, email=ADA)
    house.match()
    [first] = house.raw.column("SELECT first_matched_at FROM contact_match")
    house.change_contact(1, phone=PHONE)
    house.match()
    assert house.verdict(1) == ("email+phone", "1")
    assert house.raw.column("SELECT first_matched_at FROM contact_match") == [first]


def test_a_crash_before_the_end_leaves_the_changes_to_the_next_run(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.person(1, email=ADA)
    house.contact(1, email=ADA)
    house.normalize()
    with monkeypatch.context() as patched:
        patched.setattr(match_contacts, "_SETTLE", (*match_contacts._SETTLE[:3], "no_such_statement"))
        with pytest.raises(errors.StopError):
            house.match()
    assert house.verdict(1) == ()
    house.match()
    assert house.verdict(1) == ("email", "1")


def test_a_failed_run_is_on_record(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.contact(1)
    house.normalize()
    monkeypatch.setattr(match_contacts, "_SETTLE", ("no_such_statement",))
    with pytest.raises(errors.StopError):
        house.match()
    [row] = house.raw("SELECT status, error FROM stage_run WHERE stage = 'match_contacts'")
    assert row["status"] == "failed"
    assert "no_such_statement" in row["error"]


def test_two_runs_at_once_do_not_stand_in_each_others_way(house: House) -> None:
    house.contact(1)
    house.normalize()
    with house.db.advisory_lock(f"match:{ORG}") as is_held:
        assert is_held
        assert match_contacts.run(house.db, org_id=ORG, run_id="second") == {}
    house.match()
    assert house.verdict(1) == ("unmatched", "no_identifier")


# Leaving and coming back


def content(raw: RawSql, table: str) -> list[dict[str, Any]]:
    """All rows of a table without the times at which they were written."""
    rows = raw(f"SELECT * FROM {table} ORDER BY workspace_id, respond_id")  # noqa: S608
    times = ("first_matched_at", "updated_at", "refreshed_at")
    return [{name: cell for name, cell in row.items() if name not in times} for row in rows]


def peopled(house: House) -> None:
    house.choose("FirstName")
    house.person(1, email=ADA, first_name="Ada")
    house.person(2, phone=PHONE)
    house.person(3, phone=PHONE)
    for number, cells in enumerate([{"email": ADA}, {"phone": PHONE}, {}, {"email": "n/a"}], start=1):
        house.contact(number, **cells)
    house.decide(3, 2)
    house.materialize()


def test_a_disconnect_leaves_nothing_of_salesforce_and_a_reconnect_restores_it(house: House) -> None:
    peopled(house)
    tables = ("contact_match", "match_issue", "sidebar_fields")
    before = {table: content(house.raw, table) for table in tables}
    assert all(before.values())
    tenants.disconnect_workspace(house.db, WORKSPACE)
    assert {table: content(house.raw, table) for table in tables} == {table: [] for table in tables}
    house.materialize()
    assert content(house.raw, "sidebar_fields") == []
    tenants.connect_workspace(house.db, WORKSPACE, ORG)
    house.materialize()
    assert {table: content(house.raw, table) for table in tables} == before


def test_a_disconnect_that_fails_takes_nothing_away(house: House) -> None:
    peopled(house)
    before = content(house.raw, "sidebar_fields")
    with pytest.raises(RuntimeError), house.db.transaction() as tx:
        tx.execute("disconnect_workspace", workspace_id=WORKSPACE, sentence="It waits.")
        raise RuntimeError
    assert content(house.raw, "sidebar_fields") == before


def test_contacts_that_changed_while_away_come_back_changed(house: House) -> None:
    peopled(house)
    tenants.disconnect_workspace(house.db, WORKSPACE)
    house.change_contact(1, email="n/a")
    house.change_person(2, presence="deleted")
    tenants.connect_workspace(house.db, WORKSPACE, ORG)
    house.materialize()
    assert house.verdict(1) == ("unmatched", "invalid_identifier")
    assert house.verdict(2) == ("phone", "3")
    assert house.verdict(3) == ("unmatched", "counterpart_deleted")


def test_changes_left_by_a_workspace_that_moved_give_no_verdict(house: House) -> None:
    house.org(OTHER_ORG)
    house.contact(1, email=ADA)
    house.match()
    tenants.disconnect_workspace(house.db, WORKSPACE)
    tenants.connect_workspace(house.db, WORKSPACE, OTHER_ORG)
    house.raw("DELETE FROM pending_change")
    house.raw.insert(
        "pending_change", org_id=ORG, workspace_id=WORKSPACE, entity="respond_key", entity_id="1"
    )
    house.match()
    assert house.verdict(1) == ()


@pytest.mark.parametrize("stage", ["normalize", "match", "materialize"])
def test_a_disconnect_in_the_middle_of_a_stage_removes_what_it_writes(
    house: House, db: database.Database, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """The stage is stopped where it has decided and not yet written; the disconnect must not overtake it."""
    house.person(1, email=ADA)
    house.contact(1, email=ADA)
    if stage != "normalize":
        house.normalize()
    if stage == "materialize":
        house.match()
    with ThreadPoolExecutor(1) as pool:
        leaving: list[Future[bool]] = []
        locked = database.Transaction.all

        def all_then_leave(tx: database.Transaction, name: str, /, **params: Any) -> list[database.Row]:
            rows = locked(tx, name, **params)
            if name == "lock_serving_workspaces" and not leaving:
                leaving.append(pool.submit(tenants.disconnect_workspace, db, WORKSPACE))
                wait_for_a_blocked_backend(house.raw)
            return rows

        monkeypatch.setattr(database.Transaction, "all", all_then_leave)
        getattr(house, stage)()
        assert leaving[0].result(10)
    for table in ("respond_key", "contact_match", "match_issue", "sidebar_fields"):
        assert content(house.raw, table) == []


@pytest.mark.parametrize("stage", ["normalize", "match", "materialize"])
def test_a_disconnect_does_not_wait_for_a_stage_that_is_still_deciding(
    house: House, db: database.Database, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """The stage holds the changes it claimed and has not asked for the workspace yet."""
    house.person(1, email=ADA)
    house.contact(1, email=ADA)
    if stage != "normalize":
        house.normalize()
    if stage == "materialize":
        house.match()
    with ThreadPoolExecutor(1) as pool:
        left: list[bool] = []
        ask = database.Transaction.all

        def leave_then_ask(tx: database.Transaction, name: str, /, **params: Any) -> list[database.Row]:
            if name == "lock_serving_workspaces" and not left:
                left.append(pool.submit(tenants.disconnect_workspace, db, WORKSPACE).result(10))
            return ask(tx, name, **params)

        monkeypatch.setattr(database.Transaction, "all", leave_then_ask)
        getattr(house, stage)()
    assert left == [True]
    for table in ("respond_key", "contact_match", "match_issue", "sidebar_fields"):
        assert content(house.raw, table) == []


def test_an_org_is_not_left_while_another_workspace_connects(
    house: House, db: database.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.workspace("other", org_id=None)
    with ThreadPoolExecutor(1) as pool:
        leaving: list[Future[bool]] = []
        run = database.Transaction.execute

        def run_then_leave(tx: database.Transaction, name: str, /, **params: Any) -> int:
            count = run(tx, name, **params)
            if name == "connect_workspace":
                leaving.append(pool.submit(tenants.disconnect_workspace, db, WORKSPACE))
                wait_for_a_blocked_backend(house.raw)
            return count

        monkeypatch.setattr(database.Transaction, "execute", run_then_leave)
        tenants.connect_workspace(db, "other", ORG)
        assert leaving[0].result(10)
    assert house.raw.column("SELECT disconnected_at FROM salesforce_org") == [None]


def wait_for_a_blocked_backend(raw: RawSql) -> None:
    """Return once somebody waits for a lock; fail after ten seconds."""
    for _ in range(500):
        if raw.value("SELECT count(*) FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0"):
            return
        raw("SELECT pg_sleep(0.02)")
    raise AssertionError("nobody waits")


def test_half_a_first_load_matches_nobody_and_its_proof_everybody(house: House) -> None:
    given = {"org_id": ORG, "kind": "initial", "status": "running"}
    house.raw.insert("extract_window", **given)
    house.person(1, email="ada@example.com")
    house.contact(1, email="ada@example.com")
    house.normalize()
    assert match_contacts.run(house.db, org_id=ORG, run_id="run") == {"waiting": 1}
    proof = {"status": "proven", "rows_reported": 1, "rows_landed": 1, "read_until": NOON}
    house.raw.update("extract_window", {"org_id": ORG}, **proof)
    gate_contacts.run(house.db, org_id=ORG, run_id="run")
    assert match_contacts.run(house.db, org_id=ORG, run_id="run")["matched"] == 1
