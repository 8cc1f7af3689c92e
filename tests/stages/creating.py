"""New Salesforce records of a workspace that creates contacts, and the respond.io stand-in they are created in."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from contact_sync import database, errors
from contact_sync.stages import create_contacts
from tests.raw_sql import RawSql
from tests.stages.house import NOON, ORG, WORKSPACE, House, person_id

if TYPE_CHECKING:
    from tests.stages.conftest import RespondSide

_runs = itertools.count(1)

TAG = "Auto-Create: Salesforce"


@dataclass(frozen=True, slots=True, kw_only=True)
class Creating:
    """``new`` makes a record that may be created, ``create`` runs the stage, ``made`` is what respond.io has then."""

    respond: RespondSide
    house: House
    raw: RawSql

    @property
    def db(self) -> database.Database:
        return self.respond.db

    def new(self, number: int, **cells: Any) -> str:
        """A judged record with the name Ada and an e-mail of its own."""
        given = {
            "first_name": "Ada",
            "last_name": f"Number {number}",
            "email": f"ada{number}@example.com",
            "is_bulk_import": False,
            "bulk_judged_at": NOON,
        }
        return self.house.person(number, **{**given, **cells})

    def match(self) -> None:
        """Bring the records as far as matching, which planning waits for."""
        self.house.materialize(ORG)

    def create(self, **wishes: Any) -> dict[str, int]:
        """Normalize and match what is new, then run the stage."""
        self.match()
        return self.run(**wishes)

    def run(self, **wishes: Any) -> dict[str, int]:
        return create_contacts.run(
            self.db,
            self.respond.session,
            workspace_id=WORKSPACE,
            run_id=f"create-{next(_runs)}",
            wishes=create_contacts.Wishes(**wishes),
        )

    def creation(self, number: int) -> dict[str, Any]:
        rows = self.raw("SELECT * FROM contact_creation WHERE salesforce_id = %(id)s", id=person_id(number))
        return rows[0] if rows else {}

    def outcome(self, number: int) -> tuple[str, str | None]:
        """Status and rule of a record's creation."""
        row = self.creation(number)
        return row["status"], row["rule"]

    def made(self) -> list[dict[str, Any]]:
        """The contacts that respond.io has."""
        found: Sequence[dict[str, Any]] = self.respond.steer("GET", "/contacts").json()["contacts"]
        return list(found)

    def there(self, **fields: Any) -> int:
        """A contact that has been at respond.io for long."""
        [respond_id] = self.respond.store.insert_contacts(
            [{"firstName": "Old", "created_at": 1767268800, **fields}]
        )
        return respond_id

    def fault(self, **fault: Any) -> None:
        self.respond.steer("POST", "/faults", fault)

    def a_minute_later(self) -> None:
        """Let the time pass after which an unclear answer is looked up."""
        self.raw(
            "UPDATE contact_creation SET not_before = NULL, claimed_at = claimed_at - interval '60 seconds'"
            " WHERE status IN ('planned', 'creating', 'created')"
        )


def try_to_create(creating: Creating) -> None:
    """Run, whether the run is green or not."""
    with contextlib.suppress(errors.RetryError):
        creating.create()


def before_call(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, first: Callable[[], Any]) -> None:
    """Let something happen before the first call of a function."""
    original: Callable[..., Any] = getattr(module, name)
    happenings = [first]

    def preceded(*arguments: Any, **options: Any) -> Any:
        while happenings:
            happenings.pop()()
        return original(*arguments, **options)

    monkeypatch.setattr(module, name, preceded)
