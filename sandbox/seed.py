"""Puts people into both stand-ins, offline: ids, times, accounts and users, and the truth about who is who.

Times lie in the six years before midnight (UTC) of the day of seeding, or before ``until``. One in twenty contacts was
touched by one mass update and shares its second, as after a data load in a real org.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from random import Random
from typing import Any

from sandbox import people_names, places, truth
from sandbox.people import Bundle, Maker
from sandbox.respond import space
from sandbox.respond.store import FIRST_CONTACT_ID
from sandbox.respond.store import Store as RespondStore
from sandbox.salesforce.store import Store as SalesforceStore
from sandbox.salesforce.store import mint_id

_DAY_SECONDS = 86_400
_SPAN_SECONDS = 6 * 365 * _DAY_SECONDS
_CHUNK = 2_000
_CREATORS = 12
_CONTACTS_PER_ACCOUNT = 8

Row = dict[str, Any]


class SeedError(places.SandboxError):
    """People cannot be put here; the message says what to do."""


@dataclass(slots=True)
class Sandbox:
    """Both stores of a sandbox, open for people to move in."""

    place: places.Places
    salesforce: SalesforceStore
    respond: RespondStore
    #: Accounts and users that contacts may refer to.
    account_ids: list[str] = field(default_factory=list)
    user_ids: list[str] = field(default_factory=list)


def opened(place: places.Places) -> Sandbox:
    """Open a sandbox's stores, making credentials and furniture on first use."""
    salesforce, respond = SalesforceStore(place.salesforce), RespondStore(place.respond)
    places.ensure_credentials(
        place, org_id=salesforce.org_id, integration_user_id=salesforce.integration_user_id
    )
    space.furnish(respond)
    return Sandbox(place, salesforce, respond, user_ids=[salesforce.admin_user_id])


def seed(place: places.Places, *, contacts: int, seed: int, until: float | None = None) -> str:
    """Make ``contacts`` Salesforce contacts and 0.8 times as many at respond.io; return what was made.

    Raises SeedError where there are people already.
    """
    if contacts < 1:
        raise SeedError("--contacts must be at least 1")
    until = until or time.time() // _DAY_SECONDS * _DAY_SECONDS
    with place.claimed():
        if place.is_populated:
            raise SeedError(
                f"{place.directory} holds people already; run reset first, or choose another --data"
            )
        # what a seeding that was cut off left behind is nobody's
        place.clear()
        sandbox = opened(place)
        with closing(sandbox.salesforce), closing(sandbox.respond):
            _furnish(sandbox, contacts, seed)
            mover = Mover(sandbox, Random(f"times {seed}"), since=until - _SPAN_SECONDS, until=until)
            people = Maker(seed).population(contacts)
            truth.write(place.truth, mover.moved(people, contacts))
    return (
        f"made {mover.salesforce_count} Salesforce contacts and {mover.respond_count} respond.io contacts,"
        f" {mover.people_count} people (seed {seed}), in {place.directory}"
    )


def hire(place: places.Places, *, count: int, seed: int) -> str:
    """Add Salesforce contacts that are created now and have no respond.io contact; return what was added.

    Raises SeedError where nobody has been made yet.
    """
    if not place.is_populated:
        raise SeedError(f"{place.directory} is empty; seed or load people first")
    now = time.time()
    with place.claimed():
        sandbox = opened(place)
        with closing(sandbox.salesforce), closing(sandbox.respond):
            mover = Mover(sandbox, Random(seed), since=now, until=now)
            # another seed than the population's, and serials beyond it: nobody is made twice
            maker = Maker(seed, first_serial=10_000_000 + int(now) % 1_000_000_000)
            truth.append(place.truth, mover.moved((maker.new_hire() for _ in range(count)), count))
    return f"added {mover.salesforce_count} Salesforce contacts created now"


@dataclass(slots=True)
class Mover:
    """Gives people ids and times, oldest first, and moves them into both stores in chunks."""

    sandbox: Sandbox
    random: Random
    since: float
    until: float
    salesforce_count: int = 0
    respond_count: int = 0
    people_count: int = 0

    def moved(self, people: Iterable[Bundle], expected: int) -> Iterator[truth.Person]:
        """Insert people and yield the truth about them; ``expected`` contacts are spread over the time span."""
        step = (self.until - self.since) / max(1, expected)
        mass_update = int(self.until - self.random.random() * 90 * _DAY_SECONDS)
        next_respond_id = FIRST_CONTACT_ID + self.sandbox.respond.count()
        remaining = iter(people)
        while chunk := list(islice(remaining, _CHUNK)):
            size = sum(len(bundle.salesforce) for bundle in chunk)
            serial = self.sandbox.salesforce.next_serial("Contact", size)
            salesforce: list[Row] = []
            respond: list[Row] = []
            known: list[truth.Person] = []
            for bundle in chunk:
                created = self.since + (self.salesforce_count + len(salesforce)) * step
                ids = [
                    mint_id("003", serial + len(salesforce) + place)
                    for place in range(len(bundle.salesforce))
                ]
                salesforce += [
                    self._salesforce(row, ids, place, created, mass_update)
                    for place, row in enumerate(bundle.salesforce)
                ]
                respond_ids = list(range(next_respond_id, next_respond_id + len(bundle.respond)))
                next_respond_id += len(respond_ids)
                respond += [
                    {**row, "id": respond_id, "created_at": int(self._later(created, _DAY_SECONDS))}
                    for row, respond_id in zip(bundle.respond, respond_ids, strict=True)
                ]
                known.append(_person(self.people_count + len(known) + 1, bundle, ids, respond_ids))
            self.sandbox.salesforce.insert_contacts(salesforce)
            self.sandbox.respond.insert_contacts(respond)
            self.salesforce_count += len(salesforce)
            self.respond_count += len(respond)
            self.people_count += len(known)
            yield from known

    def _salesforce(self, row: Row, ids: list[str], place: int, created: float, mass_update: int) -> Row:
        pick = self.random.random
        created = int(created)
        user = self.sandbox.user_ids[int(pick() * len(self.sandbox.user_ids))]
        filled = {**row, "Id": ids[place], "CreatedDate": created, "CreatedById": user, "OwnerId": user}
        master = filled.pop("master", None)
        if master is not None:
            filled["MasterRecordId"] = ids[master]
        if self.sandbox.account_ids and pick() < 0.85:
            filled["AccountId"] = self.sandbox.account_ids[int(pick() * len(self.sandbox.account_ids))]
        chance, modified = pick(), created
        if chance < 0.05:
            modified = max(created, mass_update)
        elif chance < 0.7:
            modified = int(self._later(created, self.until - created))
        filled["LastModifiedDate"] = modified
        filled["LastModifiedById"] = user
        # a process touches the stamp without being a modification, now and then
        filled["SystemModstamp"] = min(int(self.until), modified + 3600) if chance > 0.97 else modified
        if chance < 0.4:
            filled["Last_Seen__c"] = int(self._later(created, self.until - created))
        return filled

    def _later(self, moment: float, most_seconds: float) -> float:
        return min(self.until, moment + self.random.random() * most_seconds)


def _person(number: int, bundle: Bundle, ids: list[str], respond_ids: list[int]) -> truth.Person:
    return truth.Person(
        person_id=f"P{number:07d}",
        case=bundle.case,
        expect=bundle.expect,
        reason=bundle.reason,
        salesforce_ids=ids,
        respond_ids=respond_ids,
        salesforce_id=ids[bundle.matched_row] if bundle.expect == "match" else None,
    )


def _furnish(sandbox: Sandbox, contacts: int, seed: int) -> None:
    """Make the accounts that contacts belong to and the users who entered them."""
    random = Random(f"accounts {seed}")
    created = int(time.time()) - _SPAN_SECONDS
    accounts = (
        {
            "Name": " ".join(random.choice(words) for words in people_names.ACCOUNT_WORDS),
            "CreatedDate": created,
        }
        for _ in range(max(1, contacts // _CONTACTS_PER_ACCOUNT))
    )
    sandbox.account_ids = sandbox.salesforce.insert_accounts(accounts)
    given, family = people_names.ENGLISH.given, people_names.ENGLISH.family
    users = (
        {
            "FirstName": given[number].native,
            "LastName": family[number].native,
            "Username": f"{given[number].ascii}.{family[number].ascii}@staff.example",
            "Email": f"{given[number].ascii}.{family[number].ascii}@staff.example",
            "IsActive": True,
        }
        for number in range(_CREATORS)
    )
    sandbox.user_ids += sandbox.salesforce.insert_users(users)
