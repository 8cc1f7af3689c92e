"""The database edge: verbs, transactions, COPY, locks, and how foreign errors become ours."""

from __future__ import annotations

import io
import itertools
import threading
import traceback
from concurrent import futures

import psycopg2
import pytest

from contact_sync import database, errors
from tests.raw_sql import RawSql

ORG = "00D000000000001EAA"
SECRET_VALUE = "ada@example.com"


def add_workspace(tx: database.Database | database.Transaction, name: str) -> int:
    return tx.execute("insert_workspace", workspace_id=name, name=name, respond_conn_id="respond_io_default")


def names(db: database.Database | database.Transaction) -> list[str]:
    found = (db.one("select_workspace", workspace_id=name) for name in ("one", "two", "three"))
    return [row["workspace_id"] for row in found if row]


# Verbs


def test_execute_tells_how_many_rows_it_touched(db: database.Database) -> None:
    assert [add_workspace(db, "one"), add_workspace(db, "one")] == [1, 0]


def test_one_is_a_row_by_name_or_none(db: database.Database) -> None:
    add_workspace(db, "one")
    row = db.one("select_workspace", workspace_id="one")
    assert row is not None
    assert (row["match_mode"], row["shared_key_limit"]) == ("normalized", 5)
    assert db.one("select_workspace", workspace_id="two") is None


def test_all_is_every_row_in_order(db: database.Database, raw: RawSql) -> None:
    for org_id in ("00D000000000002EAA", ORG):
        raw.insert("salesforce_org", org_id=org_id, name="Acme", conn_id="c")
    assert [row["org_id"] for row in db.all("select_orgs")] == [ORG, "00D000000000002EAA"]


def test_times_come_in_utc(db: database.Database) -> None:
    add_workspace(db, "one")
    row = db.one("select_workspace", workspace_id="one")
    assert row is not None
    assert row["created_at"].utcoffset().total_seconds() == 0


def test_the_statements_name_is_seen_at_the_server(db: database.Database, raw: RawSql) -> None:
    with db.transaction() as tx:
        tx.all("select_orgs")
        seen = raw.column("SELECT query FROM pg_stat_activity WHERE application_name = 'contact-sync'")
    assert any(query.startswith("/* select_orgs */") for query in seen)


# Transactions


def test_a_transaction_is_all_or_nothing(db: database.Database) -> None:
    with pytest.raises(RuntimeError), db.transaction() as tx:
        add_workspace(tx, "one")
        raise RuntimeError
    assert names(db) == []


def test_a_savepoint_undoes_only_what_is_inside(db: database.Database) -> None:
    with db.transaction() as tx:
        add_workspace(tx, "one")
        with pytest.raises(errors.RejectError), tx.savepoint():
            add_workspace(tx, "two")
            add_workspace(tx, "not a name!")
        add_workspace(tx, "three")
    assert names(db) == ["one", "three"]


# COPY


def landed(raw: RawSql) -> list[str]:
    return raw.column("SELECT raw FROM quarantined_row ORDER BY quarantine_id")


def copy(db: database.Database, rows: list[tuple[str | None, ...]]) -> int:
    with db.transaction() as tx:
        return tx.copy_rows("quarantined_row", ("salesforce_id", "raw", "reason"), rows)


@pytest.mark.parametrize(
    "text", ["plain", "tab\tnew\nline\rback\\slash", "\\N", "\\.", "", "ünï 漢字 👩🏽‍🚀", '"quoted", comma']
)
def test_any_text_survives_copying(db: database.Database, raw: RawSql, text: str) -> None:
    assert copy(db, [(None, text, "reason")]) == 1
    assert landed(raw) == [text]


def test_none_is_copied_as_null(db: database.Database, raw: RawSql) -> None:
    copy(db, [(None, "row", "reason"), ("\\N", "row", "reason")])
    assert raw.column("SELECT salesforce_id FROM quarantined_row ORDER BY quarantine_id") == [None, "\\N"]


def test_a_nul_is_refused_as_a_row(db: database.Database) -> None:
    with pytest.raises(errors.RejectError, match="NUL"):
        copy(db, [(None, "a\x00b", "reason")])


def test_a_stream_in_postgres_text_form_is_copied(db: database.Database, raw: RawSql) -> None:
    with db.transaction() as tx:
        tx.copy_text("quarantined_row", ("raw", "reason"), io.StringIO("a\tb\nc\td\n"))
    assert landed(raw) == ["a", "c"]


# Locks


def test_a_lock_is_held_by_one_at_a_time(db: database.Database, database_url: str) -> None:
    other = database.Database(database_url)
    with db.advisory_lock("walk:acme") as mine, other.advisory_lock("walk:acme") as theirs:
        assert (mine, theirs) == (True, False)
    with other.advisory_lock("walk:acme") as is_held:
        assert is_held
    other.close()


def test_locks_of_other_names_are_free(db: database.Database) -> None:
    with db.advisory_lock("walk:acme") as one, db.advisory_lock("walk:other") as two:
        assert (one, two) == (True, True)


def test_a_lock_is_given_back_after_an_error(db: database.Database) -> None:
    with pytest.raises(RuntimeError), db.advisory_lock("walk:acme"):
        raise RuntimeError
    with db.advisory_lock("walk:acme") as is_held:
        assert is_held


def test_a_lock_keeps_no_transaction_open(db: database.Database, raw: RawSql) -> None:
    with db.advisory_lock("walk:acme"):
        states = raw.column("SELECT state FROM pg_stat_activity WHERE application_name = 'contact-sync'")
    assert set(states) == {"idle"}


# Errors


def test_a_broken_rule_is_a_rejection_that_names_the_rule(db: database.Database) -> None:
    with pytest.raises(errors.RejectError, match="workspace_id_is_a_name") as caught:
        add_workspace(db, "not a name!")
    assert caught.value.code == "23514"


def test_a_value_of_the_wrong_type_is_a_rejection(db: database.Database) -> None:
    with pytest.raises(errors.RejectError) as caught:
        db.execute("upsert_salesforce_fields", org_id=ORG, fields="no json")
    assert caught.value.code == "22P02"


def test_an_unknown_statement_needs_a_person(db: database.Database) -> None:
    with pytest.raises(errors.StopError, match="no statement named nothing"):
        db.execute("nothing")


def test_a_missing_table_needs_a_person(db: database.Database) -> None:
    with pytest.raises(errors.StopError, match="migrated"), db.transaction() as tx:
        tx.script("TABLE no_such_table")


def test_a_server_that_hangs_up_is_worth_another_try(db: database.Database, raw: RawSql) -> None:
    with pytest.raises(errors.RetryError), db.transaction() as tx:
        tx.all("select_orgs")
        raw(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'contact-sync' AND datname = current_database()"
        )
        tx.all("select_orgs")
    assert db.all("select_orgs") == []


def test_a_transaction_that_lost_a_deadlock_is_done_again(
    db: database.Database, raw: RawSql, database_url: str
) -> None:
    for name in ("one", "two"):
        add_workspace(db, name)
    other, tries = RawSql(database_url), itertools.count(1)
    # a waiter looks for a deadlock once, after a second: the other one has looked before there is one
    looked = "SELECT count(*) FROM pg_locks WHERE NOT granted AND clock_timestamp() - waitstart > interval '1500 ms'"

    def work(tx: database.Transaction) -> int:
        attempt = next(tries)
        if attempt > 1:
            # they have what they waited for, and are done before we begin again
            theirs.result(30)
        tx.execute("lock_workspace", workspace_id="one")
        has_locked_one.set()
        while attempt == 1 and not raw.value(looked):
            assert not theirs.done()
        tx.execute("lock_workspace", workspace_id="two")
        return attempt

    def locks_both() -> None:
        other("BEGIN")
        other("SELECT FROM workspace WHERE workspace_id = 'two' FOR UPDATE")
        assert has_locked_one.wait(30)
        other("SELECT FROM workspace WHERE workspace_id = 'one' FOR UPDATE")
        other("COMMIT")

    has_locked_one = threading.Event()
    with futures.ThreadPoolExecutor(1) as pool:
        theirs = pool.submit(locks_both)
        assert db.in_turn(work) == 2
    other.close()


@pytest.mark.parametrize(("lost_turns", "is_done"), [(1, True), (2, True), (3, False)])
def test_a_transaction_is_tried_three_times_and_leaves_others_a_moment(
    db: database.Database, monkeypatch: pytest.MonkeyPatch, lost_turns: int, *, is_done: bool
) -> None:
    tries: list[int] = []
    moments: list[float] = []
    monkeypatch.setattr("contact_sync.database.time.sleep", moments.append)

    def work(_: database.Transaction) -> str:
        tries.append(1)
        if len(tries) <= lost_turns:
            raise errors.LostTurnError("another transaction went first")
        return "done"

    if is_done:
        assert db.in_turn(work) == "done"
    else:
        with pytest.raises(errors.LostTurnError):
            db.in_turn(work)
    assert len(tries) == min(lost_turns + 1, 3)
    assert [0.05 <= moment <= 0.15 for moment in moments] == [True] * (len(tries) - 1)


def test_a_server_that_runs_short_is_named_so() -> None:
    class SharedMemoryFull(psycopg2.OperationalError):
        pgcode = "53100"

    said = pytest.raises(errors.RetryError, match="short of disk, memory or connections")
    with said, database._translated("write_matched_rows"):
        raise SharedMemoryFull


def test_a_server_that_is_not_there_is_worth_another_try() -> None:
    nowhere = database.Database("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(errors.RetryError):
        nowhere.all("select_orgs")
    nowhere.close()


def test_no_value_reaches_a_traceback(db: database.Database) -> None:
    """PostgreSQL quotes the failing row, and Airflow logs the whole chain of a task's error."""
    with pytest.raises(errors.RejectError) as caught:
        db.execute(
            "insert_workspace", workspace_id="not a name!", name=SECRET_VALUE, respond_conn_id="respond"
        )
    assert SECRET_VALUE not in "".join(traceback.format_exception(caught.value))


# Opening


def test_the_environment_names_the_database(database_url: str) -> None:
    opened = database.from_environment({database.URL_VARIABLE: database_url})
    assert opened.all("select_orgs") == []
    opened.close()


def test_without_the_variable_a_person_is_told_which() -> None:
    with pytest.raises(errors.StopError, match=database.URL_VARIABLE):
        database.from_environment({})
