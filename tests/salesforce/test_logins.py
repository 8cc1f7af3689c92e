"""Many workers and one log-in, counted at the stand-in; a grant whose refresh token rotates forgives nothing else."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Barrier
from threading import Barrier as ThreadBarrier

import httpx
import pytest

from contact_sync import database, records, transport
from contact_sync.salesforce import auth
from sandbox.salesforce import sessions
from sandbox.salesforce.org import Org
from sandbox.salesforce.store import Store
from tests.conftest import SECRET
from tests.salesforce.conftest import INTEGRATION_USER, OpenLive

WORKERS = 8
PROCESSES = 3


@pytest.fixture
def refresh_token(vendor: httpx.Client, store: Store) -> str:
    """A grant of the stand-in's integration user, whose refresh token dies with each use."""
    vendor.post("/_sandbox/settings", json={"rotates_refresh_tokens": True}).raise_for_status()
    return sessions.issue_refresh(Org(store, "key", "s3cret"), store.integration_user_id)


def expire(vendor: httpx.Client) -> None:
    vendor.post("/_sandbox/tokens/expire").raise_for_status()
    vendor.delete("/_sandbox/journal").raise_for_status()


def log_ins(vendor: httpx.Client) -> list[int]:
    """The statuses of the token requests since the sessions expired."""
    found = vendor.get("/_sandbox/journal").json()["requests"]
    return [request["status"] for request in found if request["path"] == "/services/oauth2/token"]


@pytest.mark.parametrize("flow", ["client credentials", "JWT bearer", "refresh token"])
def test_one_refresh_per_expiry_however_many_workers(
    open_live: OpenLive,
    vendor: httpx.Client,
    refresh_token: str,
    key_pair: tuple[str, str],
    flow: str,
) -> None:
    private, public = key_pair
    vendor.post("/_sandbox/settings", json={"jwt_certificate": public}).raise_for_status()
    given: dict[str, dict[str, str]] = {
        "client credentials": {},
        "JWT bearer": {"private_key": private, "username": INTEGRATION_USER, "consumer_secret": ""},
        "refresh token": {"refresh_token": refresh_token},
    }
    workers = [open_live(**given[flow]) for _ in range(WORKERS)]
    for worker in workers:
        worker.call("GET", "/limits")
    for _ in range(3):
        expire(vendor)
        together(workers)
        assert log_ins(vendor) == [200]


def together(workers: list[auth.Session]) -> None:
    barrier = ThreadBarrier(len(workers))

    def work(worker: auth.Session) -> int:
        barrier.wait()
        return worker.call("GET", "/limits").status_code

    with ThreadPoolExecutor(len(workers)) as pool:
        assert list(pool.map(work, workers)) == [200] * len(workers)


def work_alone(
    database_url: str, connection: records.SalesforceConnection, org_id: str, begin: Barrier
) -> None:
    """One worker in a process of its own: waits for the others, then calls."""
    db = database.Database(database_url)
    with transport.http_client() as http:
        session = auth.Session(
            db, http, connection, org_id=records.OrgId(org_id), lane="extract", secret=SECRET
        )
        begin.wait(60)
        session.call("GET", "/limits")
    db.close()


@pytest.mark.slow
def test_workers_in_processes_of_their_own_log_in_once_too(
    open_live: OpenLive, vendor: httpx.Client, refresh_token: str, store: Store, database_url: str
) -> None:
    session = open_live(refresh_token=refresh_token)
    session.call("GET", "/limits")
    expire(vendor)
    spawn = multiprocessing.get_context("spawn")
    begin = spawn.Barrier(PROCESSES)
    workers = [
        spawn.Process(target=work_alone, args=(database_url, session.connection, store.org_id, begin))
        for _ in range(PROCESSES)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(90)
    assert [worker.exitcode for worker in workers] == [0] * PROCESSES
    assert log_ins(vendor) == [200]
