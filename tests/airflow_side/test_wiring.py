"""From connections to opened edges, and from errors and counts to the state of a task."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from contact_sync import connections, database, edges, errors
from contact_sync.airflow_side import wiring

#: Nobody listens there; an engine that is only opened does not mind.
NOWHERE = "postgresql://nobody@127.0.0.1:9/nowhere"

Run = Callable[[str], wiring.Counts]


def failing(error: errors.ContactSyncError, *, for_: str) -> Run:
    """A stage that fails for one tenant and writes a row for each other."""

    def run(scope: str) -> dict[str, int]:
        if scope == for_:
            raise error
        return {"written": 1}

    return run


def test_counts_are_summed_over_tenants() -> None:
    counts = {"a": {"read": 2, "written": 1}, "b": {"read": 3, "refilled": 1}}
    total = wiring.each(["a", "b"], counts.__getitem__, news=("written",))
    assert total == {"read": 5, "written": 1, "refilled": 1}


@pytest.mark.parametrize("counts", [{}, {"read": 5}, {"read": 5, "written": 0}])
def test_without_news_the_task_is_skipped(counts: dict[str, int]) -> None:
    with pytest.raises(AirflowSkipException):
        wiring.each(["a"], lambda _: counts, news=("written", "gone"))


def test_without_tenants_the_task_is_skipped() -> None:
    with pytest.raises(AirflowSkipException):
        wiring.each([], lambda _: {"written": 1}, news=("written",))


def test_any_of_the_news_is_news() -> None:
    assert wiring.each(["a"], lambda _: {"gone": 1}, news=("written", "gone")) == {"gone": 1}


def test_one_tenants_failure_does_not_stop_the_others() -> None:
    met: list[str] = []

    def run(scope: str) -> dict[str, int]:
        met.append(scope)
        return failing(errors.StopError("refused"), for_="a")(scope)

    with pytest.raises(errors.StopError):
        wiring.each(["a", "b", "c"], run, news=("written",))
    assert met == ["a", "b", "c"]


def test_each_failure_is_logged_with_its_tenant(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(errors.StopError):
        wiring.each(["a", "b"], failing(errors.StopError("refused"), for_="b"), news=("written",))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [("ERROR", "b: refused")]


def test_a_failure_that_may_pass_lets_the_task_be_tried_again() -> None:
    raised = {"a": errors.StopError("refused"), "b": errors.RetryError("no answer")}

    def run(scope: str) -> dict[str, int]:
        raise raised[scope]

    with pytest.raises(errors.RetryError, match="refused; no answer"):
        wiring.each(["a", "b"], run, news=("written",))


def test_an_error_that_is_a_bug_is_not_swallowed() -> None:
    counts: dict[str, dict[str, int]] = {}
    with pytest.raises(KeyError):
        wiring.each(["a"], counts.__getitem__, news=("written",))


@pytest.mark.parametrize(
    ("tenants", "sizes"), [(0, []), (1, [1]), (100, [1] * 100), (101, [2] * 50 + [1]), (20_000, [200] * 100)]
)
def test_tenants_are_cut_into_chunks(tenants: int, sizes: list[int]) -> None:
    ids = [f"tenant {number}" for number in range(tenants)]
    cut = wiring.chunks(ids)
    assert [len(chunk) for chunk in cut] == sizes
    assert [one for chunk in cut for one in chunk] == ids


@pytest.fixture
def database_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is named and never asked."""
    monkeypatch.setenv(database.URL_VARIABLE, NOWHERE)


@pytest.mark.usefixtures("database_named")
def test_an_error_for_a_person_fails_the_task_at_once() -> None:
    with pytest.raises(AirflowFailException, match=r"^connect first$"), wiring.opened():
        raise errors.StopError("connect first")


@pytest.mark.usefixtures("database_named")
@pytest.mark.parametrize(
    "error", [errors.RetryError("no answer"), errors.QuotaError("used up"), errors.RejectError("X", "no")]
)
def test_any_other_error_may_be_tried_again(error: errors.ContactSyncError) -> None:
    with pytest.raises(AirflowException) as raised, wiring.opened():
        raise error
    assert str(raised.value) == str(error)
    assert not isinstance(raised.value, AirflowFailException)


@pytest.mark.usefixtures("database_named")
def test_a_told_error_hides_its_cause() -> None:
    """A cause may quote what a message may not."""
    with pytest.raises(AirflowFailException) as raised, wiring.opened():
        raise errors.StopError("connect first") from ValueError("ada@example.org")
    assert raised.value.__suppress_context__


@pytest.mark.usefixtures("database_named")
def test_a_skip_passes_through() -> None:
    with pytest.raises(AirflowSkipException), wiring.opened():
        raise AirflowSkipException


@pytest.mark.parametrize("conn_type", ["postgres", "postgresql"])
def test_the_database_is_airflows_connection(conn_type: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(connections.variable("contact_sync_db"), f"{conn_type}://me:pass%40word@db:5433/house")
    url = wiring.database_url()
    assert url == "postgresql://me:pass%40word@db:5433/house"


def test_a_missing_database_fails_at_once_and_says_so() -> None:
    with pytest.raises(AirflowFailException, match="connection contact_sync_db is missing"), wiring.opened():
        pass


def test_a_connection_is_looked_up_as_the_library_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    written = {
        "conn_type": "http",
        "host": "https://api.example",
        "login": "me",
        "password": "token",
        "schema": "https",
        "port": 8443,
        "extra": {"consumer_key": "key"},
    }
    monkeypatch.setenv(connections.variable("acme"), json.dumps(written))
    assert wiring.lookup("acme") == {name: value for name, value in written.items() if name != "conn_type"}


def test_a_missing_connection_says_where_to_add_it() -> None:
    with pytest.raises(errors.StopError, match=r"^connection acme is missing: add it in Airflow"):
        wiring.lookup("acme")


@pytest.mark.usefixtures("database_named")
def test_the_edges_find_connections_through_airflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(connections.variable("acme"), '{"conn_type": "http", "password": "token"}')
    with wiring.opened() as opened:
        assert isinstance(opened, edges.Edges)
        assert opened.respond("acme", workspace_id="acme", lane="extract").workspace_id == "acme"


def test_a_lasting_task_goes_on_until_the_next_run_is_there() -> None:
    due = datetime.now(UTC) + timedelta(seconds=100)
    assert wiring.seconds_until_takeover(due) == pytest.approx(100 + wiring.TAKEOVER_SECONDS, abs=5)


def test_a_lasting_task_that_came_late_still_has_a_minute() -> None:
    due = datetime.now(UTC) - timedelta(seconds=100)
    assert wiring.seconds_until_takeover(due) == wiring.SHORTEST_SECONDS + wiring.TAKEOVER_SECONDS


@pytest.mark.parametrize(
    ("minute", "second", "patience"),
    [(5, 1, wiring.PATIENCE_SECONDS), (6, 15, wiring.PATIENCE_SECONDS), (6, 25, 0.0), (9, 59, 0.0)],
)
def test_only_the_run_that_takes_over_waits_for_the_one_before_it(
    minute: int, second: int, patience: float
) -> None:
    now = datetime(2026, 1, 1, 12, minute, second, tzinfo=UTC)
    next_run_at = datetime(2026, 1, 1, 12, 10 if minute >= 5 else 5, tzinfo=UTC)
    assert wiring.patience(next_run_at, every_minutes=5, now=now) == patience


@pytest.mark.parametrize(("slots", "tasks"), [(1, 1), (4, 1), (8, 2), (32, 8), (256, 8)])
def test_lasting_tasks_leave_slots_to_the_others(
    slots: int, tasks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__PARALLELISM", str(slots))
    assert wiring.lasting_tasks() == tasks


def test_tenants_share_lasting_tasks_where_there_are_many() -> None:
    assert wiring.chunks(["a", "b", "c"], at_most=2) == [["a", "b"], ["c"]]


@pytest.mark.parametrize("every_minutes", [1, 5, 60])
def test_the_next_minute_of_a_schedule_is_near_and_a_multiple(every_minutes: int) -> None:
    due = wiring.next_minute_of(every_minutes)
    assert (due.minute % every_minutes, due.second) == (0, 0)
    assert timedelta(0) < due - datetime.now(UTC) <= timedelta(minutes=every_minutes)
