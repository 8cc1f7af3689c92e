"""The truth: its shape on disk and over HTTP, and that an independent reading of the data agrees with it."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from contact_sync import keys
from sandbox import places, seed, truth
from sandbox.truth import Person
from tests.sandbox.calling import called

SHARED_KEY_LIMIT = 5
PHONES = ("Phone", "MobilePhone", "HomePhone", "OtherPhone")


def test_people_can_be_added_later(tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    for name in ("P1", "P2"):
        person = Person(person_id=name, case="x", expect="match", salesforce_id="003x")
        assert (truth.append if path.exists() else truth.write)(path, [person]) == 1
    told = json.loads(path.read_text(encoding="utf-8"))["people"]
    assert [item["person_id"] for item in told] == ["P1", "P2"]
    assert set(told[0]) == {
        "person_id",
        "salesforce_ids",
        "respond_ids",
        "case",
        "expect",
        "salesforce_id",
        "reason",
    }


def test_no_people_is_a_truth_too(tmp_path: Path) -> None:
    assert truth.write(tmp_path / "truth.json", []) == 0
    assert json.loads((tmp_path / "truth.json").read_text(encoding="utf-8")) == {"people": []}


@pytest.mark.parametrize("is_written", [True, False])
def test_the_truth_is_served(tmp_path: Path, is_written: bool) -> None:
    path = tmp_path / "truth.json"
    if is_written:
        truth.write(path, [Person(person_id="P1", case="x", expect="unmatched")])
    with called(truth.told(Starlette(), path)) as client:
        assert len(client.get(truth.ROUTE).json()["people"]) == is_written
        assert client.get("/elsewhere").status_code == 404


@dataclass
class Reader:
    """Reads both stores record by record, slowly and plainly, and says what a match must be."""

    by_key: dict[tuple[str, str | None], set[str]] = field(default_factory=lambda: defaultdict(set))
    deleted: set[str] = field(default_factory=set)

    def learn(self, rows: list[dict[str, Any]]) -> None:
        """Remember whom each key of Salesforce stands for, merged records under their winner."""
        winners = {row["Id"]: row["MasterRecordId"] for row in rows if row["MasterRecordId"]}
        self.deleted = {row["Id"] for row in rows if row["IsDeleted"]}
        for row in rows:
            record_id = row["Id"]
            while record_id in winners:
                record_id = winners[record_id]
            region = keys.region_of(row["MailingCountry"])
            self.by_key["email", keys.email_key(row["Email"]).key].add(record_id)
            for name in PHONES:
                self.by_key["phone", keys.phone_key(row[name], region=region).key].add(record_id)

    def verdict(self, contact: dict[str, Any]) -> tuple[str, str | None, str | None]:
        """Return ``(expect, reason, salesforce_id)`` for a respond.io contact."""
        if not contact["email"] and not contact["phone"]:
            return "unmatched", "no_identifier", None
        held = (
            ("email", keys.email_key(contact["email"]).key),
            ("phone", keys.phone_key(contact["phone"], region=contact["countryCode"]).key),
        )
        known = [self.by_key.get(key, set()) if key[1] else set() for key in held]
        live = [found - self.deleted for found in known]
        usable = [found if len(found) <= SHARED_KEY_LIMIT else set() for found in live]
        if not any(key for _, key in held):
            return "unmatched", "invalid_identifier", None
        if not any(usable):
            reasons = ("shared_key", any(live)), ("counterpart_deleted", any(known)), ("no_counterpart", True)
            return "unmatched", next(reason for reason, holds in reasons if holds), None
        return _choice(*usable)


def _choice(emails: set[str], phones: set[str]) -> tuple[str, str | None, str | None]:
    for found in (emails | phones, emails & phones):
        if len(found) == 1:
            return "match", None, next(iter(found))
    if emails & phones:
        return "ambiguous", "several_by_both", None
    if emails and phones:
        return "ambiguous", "email_phone_disagree", None
    return "ambiguous", "several_by_email" if emails else "several_by_phone", None


def test_an_independent_reading_agrees_with_the_truth(tmp_path: Path) -> None:
    place = places.Places(tmp_path)
    seed.seed(place, contacts=1500, seed=5)
    reader = Reader()
    with closing(sqlite3.connect(place.salesforce)) as connection:
        connection.row_factory = sqlite3.Row
        columns = ", ".join(("Id", "IsDeleted", "MasterRecordId", "Email", "MailingCountry", *PHONES))
        reader.learn([dict(row) for row in connection.execute(f"SELECT {columns} FROM Contact")])  # noqa: S608
    with closing(sqlite3.connect(place.respond)) as connection:
        contacts = {row[0]: json.loads(row[1]) for row in connection.execute("SELECT id, body FROM contact")}
    for person in json.loads(place.truth.read_text(encoding="utf-8"))["people"]:
        for respond_id in person["respond_ids"]:
            expected = (person["expect"], person["reason"], person["salesforce_id"])
            assert reader.verdict(contacts[respond_id]) == expected, person["case"]
