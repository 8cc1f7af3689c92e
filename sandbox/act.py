"""Everyday life against served stand-ins, by seed: edits, new hires, deletes, merges, chats, a bulk import at noon.

Other people act here, through the control routes; no API call of a tenant is spent. The truth is not rewritten: it
goes on telling who people were when they were made.
"""

from __future__ import annotations

import argparse
import signal
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random
from types import FrameType
from typing import Any

import httpx

from sandbox import people_names, places
from sandbox.people import Maker

_DAY_SECONDS = 86_400
_NOON_SECONDS = _DAY_SECONDS // 2
_IMPORTED = 40
_POOL = 1_000

Row = dict[str, Any]


class ActError(places.SandboxError):
    """Life cannot be played; the message says what is missing."""


@dataclass(slots=True)
class Life:
    """The people whom life happens to, and the next thing that happens."""

    salesforce: httpx.Client
    respond: httpx.Client
    random: Random
    maker: Maker
    live: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    respond_ids: list[int] = field(default_factory=list)
    played: Counter[str] = field(default_factory=Counter)

    def meet(self) -> None:
        """Learn whom there is. Raises ActError where nobody is, or nobody answers."""
        try:
            contacts = (
                self.salesforce.get("/_sandbox/contacts", params={"limit": _POOL}).raise_for_status().json()
            )
            others = self.respond.get("/_sandbox/contacts", params={"limit": _POOL}).raise_for_status().json()
        except httpx.HTTPError as exc:
            raise ActError(
                f"no stand-in answers ({type(exc).__name__}); start it with: sandbox serve"
            ) from exc
        self.live = [row["Id"] for row in contacts["contacts"] if not row.get("IsDeleted")]
        self.respond_ids = [row["id"] for row in others["contacts"]]
        if len(self.live) < 2 or not self.respond_ids:
            raise ActError("there are too few people; seed or load some first")

    def happen(self) -> str:
        """Let the next thing happen and return its name. Raises ActError where a stand-in does not answer."""
        happening = self.random.choices(_EVENTS, _WEIGHTS)[0]
        return self._played(happening.__name__, lambda: happening(self))

    def noon(self) -> str:
        """Import a file of contacts at once, all by one user."""
        return self._played("bulk_import", self._import)

    def _played(self, name: str, act: Callable[[], None]) -> str:
        try:
            act()
        except httpx.TransportError as exc:
            raise ActError(f"a stand-in stopped answering ({type(exc).__name__})") from exc
        except httpx.HTTPStatusError as exc:
            # somebody else got there first: the record is gone or locked
            name = f"{name} refused ({exc.response.status_code})"
        self.played[name] += 1
        return name

    def _import(self) -> None:
        rows = [self._hire_row() for _ in range(_IMPORTED)]
        # half of the loaders of this world leave a job behind, the others speak SOAP and do not
        wanted = {"contacts": rows, "job_type": self.random.choice(["Classic", "V2Ingest", None, None])}
        answer = self.salesforce.post("/_sandbox/imports", json=wanted).raise_for_status().json()
        self.live += answer["ids"]

    def _hire_row(self) -> Row:
        return self.maker.new_hire().salesforce[0]

    def new_hire(self) -> None:
        """Somebody is entered in Salesforce."""
        answer = self.salesforce.post("/_sandbox/contacts", json=self._hire_row()).raise_for_status().json()
        self.live.append(answer["Id"])

    def edit(self) -> None:
        """A colleague changes a field that identifies nobody."""
        title = people_names.TITLES[int(self.random.random() * len(people_names.TITLES))]
        department = people_names.DEPARTMENTS[int(self.random.random() * len(people_names.DEPARTMENTS))]
        self._patch({"Title": title, "Department": department})

    def new_address(self) -> None:
        """A colleague changes the e-mail or the phone."""
        fresh = self._hire_row()
        names = [name for name in ("Email", "MobilePhone", "Phone") if name in fresh]
        name = self.random.choice(names)
        self._patch({name: fresh[name]})

    def _patch(self, fields: Row) -> None:
        self.salesforce.patch(
            f"/_sandbox/contacts/{self.random.choice(self.live)}", json=fields
        ).raise_for_status()

    def delete(self) -> None:
        """A contact goes to the recycle bin."""
        if len(self.live) > 2:
            contact_id = self.live.pop(int(self.random.random() * len(self.live)))
            self.deleted.append(contact_id)
            self.salesforce.delete(f"/_sandbox/contacts/{contact_id}").raise_for_status()

    def undelete(self) -> None:
        """A contact comes back from the recycle bin."""
        if self.deleted:
            contact_id = self.deleted.pop()
            self.salesforce.post(f"/_sandbox/contacts/{contact_id}/undelete").raise_for_status()
            self.live.append(contact_id)

    def merge(self) -> None:
        """Two contacts turn out to be one person."""
        if len(self.live) > 2:
            winner, loser = self.random.sample(self.live, 2)
            self.live.remove(loser)
            self.salesforce.post(
                f"/_sandbox/contacts/{winner}/merge", json={"losers": [loser]}
            ).raise_for_status()

    def chat(self) -> None:
        """Somebody new writes to us."""
        fields = self.maker.respond_only().respond[0]
        answer = self.respond.post("/_sandbox/contacts", json=fields).raise_for_status().json()
        self.respond_ids.append(answer["id"])

    def agent_edit(self) -> None:
        """An agent corrects a respond.io contact."""
        fields = {"lastName": self._hire_row()["LastName"], "status": self.random.choice(["open", "closed"])}
        contact_id = self.random.choice(self.respond_ids)
        self.respond.patch(f"/_sandbox/contacts/{contact_id}", json=fields).raise_for_status()


_EVENTS = (
    Life.edit, Life.new_address, Life.new_hire, Life.delete, Life.undelete, Life.merge, Life.chat, Life.agent_edit,
)  # fmt: skip
_WEIGHTS = (40, 10, 15, 4, 2, 4, 10, 15)


def run(options: argparse.Namespace, place: places.Places, say: Callable[[str], None]) -> int:
    """Play ``options.rate`` events per second until ``options.events`` are played or a signal comes; return 0.

    Raises ActError where nobody answers or there is nobody to act on.
    """
    if options.rate <= 0:
        raise ActError("--rate must be more than 0")
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    with ExitStack() as stack:
        clients = [
            stack.enter_context(client(url, place)) for url in (options.salesforce_url, options.respond_url)
        ]
        # serials of its own, so that nobody is made twice however often life is played
        maker = Maker(options.seed, first_serial=20_000_000 + int(time.time()) % 1_000_000_000)
        life = Life(clients[0], clients[1], Random(options.seed), maker)
        life.meet()
        play(life, options.rate, options.events, stopping)
    say("played " + (", ".join(f"{count} {name}" for name, count in life.played.most_common()) or "nothing"))
    return 0


def play(life: Life, rate: float, events: int | None, stopping: threading.Event) -> None:
    """Let things happen at ``rate`` per second; noon (UTC) brings the bulk import."""
    started, noons = time.monotonic(), _noons()
    number = 0
    while not stopping.is_set() and (events is None or number < events):
        life.happen()
        number += 1
        if _noons() > noons:
            noons = _noons()
            life.noon()
        # the next event's own time, so that a slow answer does not slow the rate
        stopping.wait(max(0.0, started + number / rate - time.monotonic()))


def client(url: str, place: places.Places) -> httpx.Client:
    """Return a client of one stand-in that trusts the sandbox's certificate."""
    verify: ssl.SSLContext | bool = True
    if url.startswith("https:") and place.authority.exists():
        verify = ssl.create_default_context(cafile=str(place.authority))
    return httpx.Client(base_url=url, timeout=10, trust_env=False, verify=verify)


def _noons() -> int:
    """Count noons since the epoch."""
    return int((time.time() + _NOON_SECONDS) // _DAY_SECONDS)
