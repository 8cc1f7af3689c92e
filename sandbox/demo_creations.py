"""The demo's new people reach respond.io: wait until each creation is settled, then look at what respond.io has."""

from __future__ import annotations

import functools
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg2

from sandbox import demo_airflow, demo_cycle, demo_database, demo_hires, demo_tenant
from sandbox.demo_calls import call
from sandbox.demo_home import Home
from sandbox.demo_tenant import WORKSPACE

DAG = "create_contacts"
TAG = "Auto-Create: Salesforce"

#: Creating costs about five calls each, and the API allows five per second.
PATIENCE_SECONDS = 300.0
SAY_SECONDS = 10.0
#: respond.io's list may lag by tens of seconds.
LIST_SECONDS = 40.0

Row = dict[str, Any]


@dataclass(kw_only=True)
class Creations:
    """What became of the new people: rows as the pipeline tells it, contacts as respond.io has them."""

    is_new: bool
    rows: list[Row] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    #: respond.io's contacts that one of the rows points to, by id.
    contacts: dict[int, Row] = field(default_factory=dict)
    #: How many contacts the pipeline created in this workspace so far, and how many have the tag at respond.io.
    created: int = 0
    tagged_contacts: int = 0
    #: Identifiers that more than one contact of respond.io has, among those of the new people.
    doubles: int = 0

    @property
    def is_good(self) -> bool:
        """Tell whether everybody ended as expected, tagged where created, and nobody is there twice."""
        is_expected = all(
            outcome(row) in hire.ends for hire, row in zip(demo_hires.HIRES, self.rows, strict=True)
        )
        wanted = sum(hire.ends[0] == "tagged" for hire in demo_hires.HIRES)
        return (
            is_expected
            and not self.failures
            and not self.doubles
            and sum(row["status"] == "tagged" for row in self.rows) == wanted
            and self.created == self.tagged_contacts
            and all(
                TAG in self.contacts.get(row["respond_id"], {}).get("tags", ()) for row in created(self.rows)
            )
        )


def outcome(row: Row) -> str:
    """Return status and, if it was skipped, the rule."""
    return " ".join(filter(None, (row["status"] or "waiting", row["rule"])))


def created(rows: list[Row]) -> Iterator[Row]:
    """Yield the rows whose contact was created by us."""
    return (row for row in rows if row["status"] == "tagged")


def finish(edges: demo_cycle.Edges, home: Home, org_id: str, hired: demo_hires.Hired) -> Creations:
    """Wait until everybody new is settled, then look at respond.io. Raises DemoError if that takes too long.

    `create_contacts` is started when their time has come, instead of waiting for its five minutes.
    """
    found = Creations(is_new=hired.is_new)
    look = _Look(edges, home, {"org_id": org_id, "ids": hired.ids, "workspace_id": WORKSPACE}, found)
    seconds = demo_hires.SETTLE_SECONDS + PATIENCE_SECONDS
    edges.parts.wait(look, "the new people to reach respond.io", seconds, is_silent=True)
    if not found.failures:
        found.created = demo_database.ask(edges.database_url, "count_created", workspace_id=WORKSPACE)[0][
            "created"
        ]
        until = time.monotonic() + LIST_SECONDS
        is_listed = functools.partial(_is_listed, home, found, until)
        edges.parts.wait(is_listed, "respond.io to list its contacts", 120)
    return found


class _Look:
    """One look at the creations per half second; true when all are settled or a run failed."""

    def __init__(self, edges: demo_cycle.Edges, home: Home, question: Row, found: Creations) -> None:
        self._edges = edges
        self._home = home
        self._question = question
        self._found = found
        self._since = demo_database.ask(edges.database_url, "now")[0]["now"]
        self._next_look = 0.0
        self._next_word = 0.0

    def __call__(self) -> bool:
        now = time.monotonic()
        if now < self._next_look:
            return False
        self._next_look = now + demo_cycle.LOOK_SECONDS
        try:
            self._found.rows = demo_database.ask(self._edges.database_url, "creations", **self._question)
            is_over = self._drive()
        except (psycopg2.OperationalError, demo_airflow.UnansweredError):
            return False  # a busy machine; look again
        if now > self._next_word and not is_over:
            self._next_word = now + SAY_SECONDS
            self._say()
        return is_over

    def _drive(self) -> bool:
        if all(row["is_settled"] for row in self._found.rows):
            return True
        if self._waiting_seconds() > 0:
            return False
        demo_hires.write_meanwhile(self._home)
        runs = [run for run in self._edges.airflow.runs(DAG) if demo_cycle.is_of(run, self._since)]
        for run in runs:
            if run["state"] == "failed":
                self._found.failures.append(demo_cycle.failure(self._edges, DAG, run["dag_run_id"]))
        if not self._found.failures and not any(run["state"] in ("running", "queued") for run in runs):
            self._edges.airflow.trigger(DAG)
        return bool(self._found.failures)

    def _waiting_seconds(self) -> float:
        """How long until the youngest may be judged; a record that was not read yet has just been made."""
        ages = [0.0 if row["age_seconds"] is None else row["age_seconds"] for row in self._found.rows]
        return demo_hires.SETTLE_SECONDS + 1 - min(ages)

    def _say(self) -> None:
        waiting = self._waiting_seconds()
        settled = sum(bool(row["is_settled"]) for row in self._found.rows)
        if waiting > 0:
            text = f"{len(self._found.rows)} new people are looked at in {waiting:.0f} s"
        else:
            text = f"{settled} of {len(self._found.rows)} new people are settled"
        self._edges.progress.say(f"… {text}")


def _is_listed(home: Home, found: Creations, until: float) -> bool:
    """Compare with respond.io's list, which shows a new contact late; ``until`` then it may be missing."""
    try:
        listed = call("GET", f"{demo_tenant.respond_url(home)}/_sandbox/contacts?limit=1000000")["contacts"]
    except demo_airflow.UnansweredError:
        return False
    compare(found, listed)
    wanted = {row["respond_id"] for row in found.rows if row["respond_id"] is not None}
    return (
        wanted == set(found.contacts) and found.tagged_contacts == found.created
    ) or time.monotonic() > until


def compare(found: Creations, listed: list[Row]) -> None:
    """Fill in what respond.io has: the contacts the rows point to, the tagged ones, and who is there twice."""
    ours = {row["respond_id"] for row in found.rows if row["respond_id"] is not None}
    found.contacts = {contact["id"]: contact for contact in listed if contact["id"] in ours}
    found.tagged_contacts = sum(TAG in (contact.get("tags") or []) for contact in listed)
    uses = Counter(value for contact in listed for value in _identifiers(contact))
    known = {value for contact in found.contacts.values() for value in _identifiers(contact)}
    found.doubles = sum(uses[value] > 1 for value in known)


def _identifiers(contact: Row) -> Iterator[str]:
    for name in ("email", "phone"):
        if contact.get(name):
            yield str(contact[name]).lower()
