"""How most people bring contacts from Salesforce into a table today, on the same stand-in with the same latency.

All are logged in before, and timed from their first query on until everything is committed in a durable table; ours
until it is merged into the mirror and proven, too. Each peer is written as its users write it: simple-salesforce's
``query_all`` into ``pandas.json_normalize``, the provider's ``make_query`` into its ``object_to_df``, and ``to_sql``.
They take turns, and the middle one of each one's rates counts: a machine is not equally quick all the time.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas
import requests
import sqlalchemy

from benchmarks import extract, ground, report, sandbox
from benchmarks.report import Figure
from contact_sync.stages import load_salesforce_contacts
from sandbox import places, postgres

LATENCY_SECONDS = 0.1
SOQL = (
    "SELECT Id, IsDeleted, MasterRecordId, CreatedDate, CreatedById, LastModifiedDate, LastModifiedById,"
    " SystemModstamp, FirstName, LastName, Email, Phone, MobilePhone, HomePhone, OtherPhone, MailingCountry,"
    " Title, Department, Account.Name, Description FROM Contact"
)


#: How often each one brings everything.
ROUNDS = 3


def measure(server: postgres.Server, home: Path, rows: int) -> tuple[list[Figure], list[str]]:
    """Return rows per second of ours and of each peer, and the names of peers that are not installed."""
    if importlib.util.find_spec("simple_salesforce") is None:
        return [], ["simple-salesforce"]
    sandbox.make(home, rows)
    with ground.stand_ins(home, is_https=True) as served:
        served.delay("salesforce", LATENCY_SECONDS)
        report.progress(f"{rows:,} contacts at {LATENCY_SECONDS:g} s latency, {ROUNDS} times each")
        rounds = [_round(server, served, home, rows, number) for number in range(ROUNDS)]
    ours, peer, provider = (statistics.median(rates) for rates in zip(*rounds, strict=True))
    figures = [
        Figure(name="vs_query_all", value=ours / peer, unit="times", limit=10, is_more_better=True),
        Figure(name="vs_make_query", value=ours / provider, unit="times", limit=10, is_more_better=True),
        Figure(name="ours_rows_per_second", value=ours, unit="rows/s"),
        Figure(name="query_all_rows_per_second", value=peer, unit="rows/s"),
        Figure(name="make_query_rows_per_second", value=provider, unit="rows/s"),
    ]
    return figures, []


def _round(
    server: postgres.Server, served: ground.StandIns, home: Path, rows: int, number: int
) -> tuple[float, float, float]:
    """Return the rows per second of ours and of both peers, each into tables of its own."""
    with ground.ground(server, f"peers{number}") as place:
        ours = rows / _ours(place, served)
        place.sql("CREATE SCHEMA peers AUTHORIZATION contact_sync")
        client = simple_client(served)
        peer = _rate(rows, lambda: _query_all(client, place.url))
        # Airflow logs to stdout, which holds the document and nothing else
        with contextlib.redirect_stdout(sys.stderr):
            hook = _hook(client, home)
            provider = _rate(rows, lambda: _make_query(hook, place.url))
        _check(place, rows)
    report.progress(f"ours {ours:,.0f} rows/s; query_all {peer:,.0f}; make_query {provider:,.0f}")
    return ours, peer, provider


def simple_client(served: ground.StandIns) -> Any:
    """Return a simple-salesforce client that is logged in to the stand-in; it insists on HTTPS."""
    simple_salesforce: Any = importlib.import_module("simple_salesforce")
    session = requests.Session()
    # a bundle that the environment names would win over the stand-in's authority
    session.trust_env = False
    session.verify = str(places.Places(served.directory).authority)
    token = session.post(
        f"{served.salesforce_url}/services/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(served.secrets["consumer_key"], served.secrets["consumer_secret"]),
        timeout=60,
    ).json()["access_token"]
    host = served.salesforce_url.removeprefix("https://")
    return simple_salesforce.Salesforce(instance=host, session_id=token, session=session, version="66.0")


def _ours(place: ground.Ground, served: ground.StandIns) -> float:
    """Return the seconds from the start of the window to its proof: count, plan, job, polls, results, mirror."""
    with ground.opened(place, served) as opened:
        org_id = ground.connect(place, opened, extract.SHOWN)
        session = opened.salesforce_of(org_id, lane="extract")
        began_at = place.sql("SELECT clock_timestamp() AS at")[0]["at"]
        extract.poll(place, session, org_id)
        load_salesforce_contacts.run(place.db, session, org_id=org_id, run_id="bench")
    # the stage tidies up at Salesforce after the proof; its transaction is short, so its beginning is its end
    proven_at = place.sql("SELECT max(finished_at) AS at FROM extract_window WHERE status = 'proven'")[0][
        "at"
    ]
    return float((proven_at - began_at).total_seconds())


def _query_all(client: Any, url: str) -> None:
    records = client.query_all(SOQL, include_deleted=True)["records"]
    frame = pandas.json_normalize(records)
    _to_sql(frame.drop(columns=[name for name in frame.columns if "attributes" in name]), url, "query_all")


def _make_query(hook: Any, url: str) -> None:
    records = hook.make_query(SOQL, include_deleted=True)["records"]
    # it drops the attributes itself, and fails without them; the parent's fields it would leave in a dict
    rows = [{**_flat(record), "attributes": record["attributes"]} for record in records]
    _to_sql(hook.object_to_df(rows), url, "make_query")


def _hook(client: Any, home: Path) -> Any:
    """Return the provider's hook over the client: its own log-in knows no stand-in."""
    os.environ["AIRFLOW_HOME"] = str(home / "airflow")
    module: Any = importlib.import_module("airflow.providers.salesforce.hooks.salesforce")
    hook = module.SalesforceHook()
    hook.conn = client
    return hook


def _to_sql(frame: pandas.DataFrame, url: str, name: str) -> None:
    engine = sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg2://"))
    frame.to_sql(name, engine, schema="peers", index=False, if_exists="replace")
    engine.dispose()


def _check(place: ground.Ground, rows: int) -> None:
    """End the benchmark if anybody brought less than everything: rates of that would mean nothing."""
    found = place.sql(
        "SELECT (SELECT count(*) FROM salesforce_contact) AS ours, (SELECT count(*) FROM peers.query_all) AS query_all,"
        " (SELECT count(*) FROM peers.make_query) AS make_query,"
        " (SELECT count(*) FROM extract_window WHERE status = 'proven') AS proven"
    )[0]
    if found != {"ours": rows, "query_all": rows, "make_query": rows, "proven": 1}:
        raise SystemExit(f"not everybody brought {rows} contacts: {found}")


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    account = record.get("Account") or {}
    plain = {name: value for name, value in record.items() if name not in ("attributes", "Account")}
    return {**plain, "Account.Name": account.get("Name")}


def _rate(rows: int, act: Callable[[], None]) -> float:
    began = time.perf_counter()
    act()
    return rows / (time.perf_counter() - began)
