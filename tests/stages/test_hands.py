"""Where thousands of contacts change, two transactions work on half of them each; the outcome is that of one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from contact_sync import database, errors
from contact_sync.stages import _hands, match_contacts, materialize_sidebar
from tests.raw_sql import RawSql
from tests.stages.house import NOON, ORG, WORKSPACE, House
from tests.stages.test_match_runs import wait_for_a_blocked_backend

MANY = range(1, 13)
OUTCOME = """
SELECT c.respond_id, m.salesforce_id, m.matched_by, m.email_key, m.phone_key, i.status, i.reason, i.candidates,
       s.salesforce_id AS shown, s.match_status, s.fields
  FROM respond_contact c
  LEFT JOIN contact_match m USING (workspace_id, respond_id)
  LEFT JOIN match_issue i USING (workspace_id, respond_id)
  LEFT JOIN sidebar_fields s USING (workspace_id, respond_id)
 ORDER BY c.respond_id
"""


@pytest.fixture
def crowd(house: House) -> House:
    """Contacts of both hands, matched by e-mail and phone and shown; each third by e-mail alone."""
    # whom a change takes the match from is no concern of the brake, but where a test says so
    house.settings(brake_count=len(MANY))
    house.choose("Title", "Email")
    for number in MANY:
        phone = None if number % 3 == 0 else f"+4930123456{number:02}"
        house.person(number, email=f"p{number}@example.com", phone=phone, payload={"Title": "Countess"})
        house.contact(number, email=f"p{number}@example.com", phone=phone)
    house.materialize()
    return house


@dataclass
class Ran:
    """The statements that each hand ran, in their order; the first's are also those of one alone."""

    first: list[str] = field(default_factory=list)
    second: list[str] = field(default_factory=list)


def is_second() -> bool:
    """Whether whoever asks works with the second hand."""
    return threading.current_thread().name.startswith("hand")


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> Ran:
    """Let a change of two be worth a second hand; will hold what is run."""
    monkeypatch.setattr(_hands, "LEAST", 2)
    monkeypatch.setattr(_hands, "BITS", 0)
    ran = Ran()
    run = database.Transaction._run

    def noting(tx: database.Transaction, name: str, params: Any) -> Any:
        done = run(tx, name, params)
        (ran.second if is_second() else ran.first).append(name)
        return done

    monkeypatch.setattr(database.Transaction, "_run", noting)
    return ran


def move(house: House, *numbers: int) -> None:
    """These people get another e-mail and another title."""
    for number in numbers:
        house.change_person(
            number,
            email=f"moved{number}@example.com",
            payload={"Title": "Analyst"},
            read_at=NOON + timedelta(hours=1),
        )


def match(house: House) -> dict[str, int]:
    return match_contacts.run(house.db, org_id=ORG, run_id="match")


def materialize(house: House) -> dict[str, int]:
    return materialize_sidebar.run(house.db, org_id=ORG, run_id="materialize")


def changes(house: House) -> int:
    count: int = house.raw.value("SELECT count(*) FROM pending_change")
    return count


def until(house: House, condition: Callable[[], bool]) -> None:
    """Return once it holds; fail after ten seconds."""
    for _ in range(500):
        if condition():
            return
        house.raw("SELECT pg_sleep(0.02)")
    raise AssertionError("it never came")


@contextmanager
def held_row(url: str, table: str, contact: int) -> Iterator[RawSql]:
    """Somebody else's transaction that keeps a contact's row."""
    other = RawSql(url)
    other("BEGIN")
    other(f"SELECT FROM {table} WHERE respond_id = %(contact)s FOR UPDATE", contact=contact)
    try:
        yield other
    finally:
        other.close()


def test_two_hands_write_what_one_does(crowd: House, ran: Ran) -> None:
    move(crowd, *MANY)
    crowd.normalize()
    counts = match(crowd)
    assert (counts["looked_at"], counts["matched"], counts["unmatched"]) == (12, 8, 4)
    # who lost the match, and who keeps it by the phone
    assert counts["written"] == 16
    assert {"judge_affected", "update_matches"} <= set(ran.second)
    counts = materialize(crowd)
    assert (counts["written"], counts["removed"]) == (8, 4)
    assert {"insert_shown_rows", "update_shown_rows"} <= set(ran.second)
    assert changes(crowd) == 0
    assert [crowd.verdict(number) for number in (1, 2, 3)] == [
        ("phone", "1"),
        ("phone", "2"),
        ("unmatched", "no_counterpart"),
    ]
    assert crowd.row(1)["fields"] == {"Title": "Analyst", "Email": "moved1@example.com"}
    assert crowd.row(3) == {}


def test_a_contact_that_two_shares_of_the_feed_name_is_done_once(crowd: House, ran: Ran) -> None:
    for number in (1, 2):
        for _ in range(2):
            crowd.raw.insert(
                "pending_change",
                org_id=ORG,
                workspace_id=WORKSPACE,
                entity="respond_key",
                entity_id=str(number),
            )
    assert match(crowd)["looked_at"] == 2
    assert "take_affected_contacts" in ran.second


def test_a_row_that_two_shares_of_the_feed_name_is_looked_at_once(crowd: House, ran: Ran) -> None:
    move(crowd, 1, 2)
    crowd.match()
    # by the person, and by the contact whose match is another one
    assert changes(crowd) == 4
    counts = materialize(crowd)
    assert (counts["looked_at"], counts["written"]) == (2, 2)
    assert "take_changed_rows" in ran.second


def test_few_changes_are_one_hands(crowd: House, ran: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_hands, "LEAST", 25)
    move(crowd, *MANY)
    crowd.materialize()
    assert ran.second == []
    assert crowd.row(1)["fields"]["Title"] == "Analyst"


def test_a_loss_of_both_hands_together_is_withheld(crowd: House, ran: Ran) -> None:
    """Two of each hand's are no more than the brake lets pass; four are."""
    crowd.settings(brake_count=3, brake_share=0.2)
    move(crowd, *MANY)
    crowd.normalize()
    counts = match(crowd)
    assert "insert_unmatched_contacts" in ran.second
    assert counts["held"] == 4
    assert (counts["looked_at"], counts["matched"], counts["unmatched"]) == (8, 8, 0)
    assert crowd.verdict(3) == ("email", "3")
    assert crowd.verdict(1) == ("phone", "1")
    assert crowd.raw.column("SELECT respond_id FROM held_contact ORDER BY 1") == [3, 6, 9, 12]


def test_values_that_both_hands_would_blank_are_withheld(crowd: House, ran: Ran) -> None:
    crowd.settings(brake_count=3, brake_share=0.2)
    for number in (1, 2, 4, 5):
        crowd.change_person(number, payload={"Title": None}, read_at=NOON + timedelta(hours=1))
    move(crowd, 7, 8)
    crowd.match()
    counts = materialize(crowd)
    assert "insert_blanked_contacts" in ran.second
    assert counts["held"] == 4
    assert [crowd.row(number)["fields"]["Title"] for number in (1, 2, 7, 8)] == [
        "Countess",
        "Countess",
        "Analyst",
        "Analyst",
    ]


def test_while_something_is_held_one_hand_is_enough(crowd: House, ran: Ran) -> None:
    crowd.settings(brake_count=3, brake_share=0.2)
    move(crowd, 3, 6, 9, 12)
    crowd.match()
    ran.second.clear()
    move(crowd, 1, 2)
    crowd.match()
    assert "judge_affected" not in ran.second
    assert crowd.verdict(1) == ("phone", "1")


def test_edits_of_merged_records_move_in_one_hand(crowd: House, ran: Ran) -> None:
    crowd.raw.insert(
        "field_edit",
        org_id=ORG,
        workspace_id=WORKSPACE,
        respond_id=1,
        salesforce_id="003000000000000001",
        target_salesforce_id="003000000000000001",
        field_name="Title",
        new_value='"Baroness"',
        base_value='"Countess"',
        requested_by="ada",
    )
    crowd.merge(1, 2)
    move(crowd, 4, 5)
    crowd.match()
    ran.second.clear()
    materialize(crowd)
    assert "insert_shown_rows" not in ran.second
    assert crowd.raw.column("SELECT target_salesforce_id FROM field_edit") == ["003000000000000002"]
    assert crowd.row(1)["salesforce_id"] == "003000000000000002"


@pytest.mark.parametrize(("stage", "lost"), [(match, "contact_match"), (materialize, "sidebar_fields")])
def test_what_the_first_hand_did_not_commit_is_done_again(
    crowd: House, ran: Ran, monkeypatch: pytest.MonkeyPatch, stage: Any, lost: str
) -> None:
    """The second has committed by then: that is no reason to take its contacts' changes off the feed."""
    move(crowd, *MANY)
    crowd.normalize()
    if stage is materialize:
        match(crowd)
    before, waiting = crowd.raw.versions(lost), changes(crowd)
    joined = _hands.joined

    @contextmanager
    def dying(*arguments: Any, **options: Any) -> Iterator[_hands.Hands]:
        with joined(*arguments, **options) as hands:
            yield hands
        raise errors.StopError("the first dies now")

    with monkeypatch.context() as patched:
        patched.setattr(_hands, "joined", dying)
        with pytest.raises(errors.StopError):
            stage(crowd)
    assert ran.second
    assert crowd.raw.versions(lost) != before
    assert changes(crowd) >= waiting
    match(crowd)
    materialize(crowd)
    outcome = crowd.raw(OUTCOME)
    assert changes(crowd) == 0
    monkeypatch.setattr(_hands, "LEAST", 1_000)
    for table in ("contact_match", "match_issue", "sidebar_fields"):
        crowd.raw(f"DELETE FROM {table}")  # noqa: S608
    for entity in ("respond_key", "sidebar_row"):
        crowd.raw.insert("pending_change", org_id=ORG, workspace_id=WORKSPACE, entity=entity)
    crowd.materialize()
    assert crowd.raw(OUTCOME) == outcome


def test_nothing_is_written_where_the_second_hand_fails(
    crowd: House, ran: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    move(crowd, *MANY)
    crowd.normalize()
    before, waiting = crowd.raw.versions("contact_match", "match_issue"), changes(crowd)
    execute = database.Transaction.execute

    def failing(tx: database.Transaction, name: str, /, **params: Any) -> int:
        if name == "update_issues" and is_second():
            raise errors.StopError("the second dies now")
        return execute(tx, name, **params)

    with monkeypatch.context() as patched:
        patched.setattr(database.Transaction, "execute", failing)
        with pytest.raises(errors.StopError):
            match(crowd)
    assert ran.second
    assert (crowd.raw.versions("contact_match", "match_issue"), changes(crowd)) == (before, waiting)


@pytest.mark.parametrize("contact", [1, 2], ids=["the second's", "the first's"])
def test_a_row_that_others_keep_is_waited_for_by_one_hand(
    crowd: House, ran: Ran, database_url: str, contact: int
) -> None:
    move(crowd, *MANY)
    crowd.match()
    with (
        ThreadPoolExecutor(1) as pool,
        held_row(database_url, "sidebar_fields", contact) as other,
    ):
        run = pool.submit(materialize, crowd)
        # both hands give up, and one waits as long as it takes
        until(crowd, lambda: ran.first.count("insert_shown_rows") == 2)
        assert "insert_shown_rows" in ran.second
        wait_for_a_blocked_backend(crowd.raw)
        other("ROLLBACK")
        assert run.result(30)["written"] == 8
    assert crowd.row(1)["fields"]["Title"] == "Analyst"


def test_who_waits_for_the_one_hand_and_keeps_the_other_waiting_is_let_go_first(
    crowd: House, ran: Ran, database_url: str
) -> None:
    """The server sees no deadlock: between the hands it is we who wait."""
    move(crowd, *MANY)
    crowd.match()
    with (
        ThreadPoolExecutor(2) as pool,
        held_row(database_url, "sidebar_fields", 2) as other,
    ):
        run = pool.submit(materialize, crowd)
        wait_for_a_blocked_backend(crowd.raw)
        # the second hand has written its rows, and waits for the first
        until(crowd, lambda: "upsert_ambiguous_rows" in ran.second)
        both = pool.submit(other, "SELECT FROM sidebar_fields WHERE respond_id = 1 FOR UPDATE")
        both.result(30)
        other("COMMIT")
        assert run.result(30)["written"] == 8
    assert crowd.row(1)["fields"]["Title"] == "Analyst"


def test_where_an_erasure_waits_one_hand_is_enough(
    crowd: House, ran: Ran, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for the first; who asked for the same lock now would stand in line behind it."""
    move(crowd, *MANY)
    crowd.normalize()
    one = database.Transaction.one
    waiting: list[Future[None]] = []

    def erase() -> None:
        other = RawSql(database_url)
        for verb in ("lock", "unlock"):
            other(f"SELECT pg_advisory_{verb}(hashtextextended('erase:' || %(org)s, 0))", org=ORG)
        other.close()

    def held_off(tx: database.Transaction, name: str, /, **params: Any) -> database.Row | None:
        if name == "try_to_hold_off_erasures":
            waiting.append(pool.submit(erase))
            wait_for_a_blocked_backend(crowd.raw)
        return one(tx, name, **params)

    monkeypatch.setattr(database.Transaction, "one", held_off)
    with ThreadPoolExecutor(1) as pool:
        counts = match(crowd)
    assert waiting[0].result() is None
    assert counts["looked_at"] == 12
    assert "judge_affected" not in ran.second


def test_either_hand_keeps_the_workspaces(crowd: House, ran: Ran) -> None:
    move(crowd, *MANY)
    crowd.materialize()
    assert ran.second.count("lock_serving_workspaces") == 2


def test_the_second_hand_leaves_waiting_for_the_disk_to_the_first(
    crowd: House, ran: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, set[str]] = {"first": set(), "second": set()}
    execute = database.Transaction.execute

    def noting(tx: database.Transaction, name: str, /, **params: Any) -> int:
        count = execute(tx, name, **params)
        if name == "update_matches":
            with tx._driver().cursor() as cursor:
                cursor.execute(
                    "SELECT setting FROM pg_settings WHERE name = 'synchronous_commit' AND source = 'session'"
                )
                asked["second" if is_second() else "first"].update(
                    setting for (setting,) in cursor.fetchall()
                )
        return count

    monkeypatch.setattr(database.Transaction, "execute", noting)
    move(crowd, *MANY)
    crowd.match()
    assert asked == {"first": set(), "second": {"off"}}
