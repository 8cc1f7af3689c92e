"""People who are entered in Salesforce while the demo runs, by hand or by an import: each shows one rule of creating.

Their addresses and numbers belong to nobody of the seeded population, so the truth check stays what it is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from sandbox import demo_tenant
from sandbox.demo_calls import call
from sandbox.demo_home import Home

#: New records are looked at when they are this old: by then it shows whether they came in by bulk.
SETTLE_SECONDS = 120.0

_CREATED = ("tagged",)


@dataclass(frozen=True, kw_only=True)
class Hire:
    """One new Salesforce record. ``ends``: what may become of it, status and rule; the first is the usual end."""

    first: str
    last: str
    why: str
    ends: tuple[str, ...] = _CREATED
    record: dict[str, Any] = field(default_factory=dict)
    #: What the person's own message leaves at respond.io, before they are entered or while they wait.
    wrote_before: dict[str, Any] | None = None
    wrote_meanwhile: dict[str, Any] | None = None
    is_imported: bool = False

    @property
    def name(self) -> str:
        """The name as people read it."""
        return f"{self.first} {self.last}".strip()

    def as_record(self) -> dict[str, Any]:
        """Return the record in Salesforce's field names."""
        return {"FirstName": self.first or None, "LastName": self.last, "Title": "New hire", **self.record}


_TWINS = ("tagged", "skipped same_person")
_IMPORTED = ("skipped bulk_import",)

#: Those who are imported come last.
HIRES = (
    Hire(
        first="Ingrid", last="Solberg", why="phone and e-mail",
        record={"MobilePhone": "+47 412 55 101", "Email": "ingrid.solberg@new-hires.example"},
    ),
    Hire(
        first="Zoë", last="Keller", why="phone as typed in her country, e-mail in capitals",
        record={"Phone": "079 555 01 02", "MailingCountry": "Switzerland", "Email": "ZOE.KELLER@NEW-HIRES.EXAMPLE"},
    ),
    Hire(first="Nuno", last="Teixeira", why="phone only", record={"MobilePhone": "+351 912 550 103"}),
    Hire(first="Mere", last="Parata", why="phone only", record={"Phone": "0064 21 255 0104"}),
    Hire(first="Aoife", last="Byrne", why="e-mail only", record={"Email": "aoife.byrne@new-hires.example"}),
    Hire(first="美咲", last="佐々木", why="e-mail only", record={"Email": "misaki@new-hires.example"}),
    Hire(first="Anne", last="Dahl", why="shares a phone with the next", ends=_TWINS,
         record={"Phone": "+45 32 55 01 07"}),
    Hire(first="Jon", last="Dahl", why="the same phone: one person to respond.io", ends=_TWINS[::-1],
         record={"Phone": "+45 3255 0107"}),
    Hire(
        first="Freja", last="Holm", why="had written to us before: matched",
        ends=("skipped matched", "adopted"), record={"MobilePhone": "+45 20 55 01 08"},
        wrote_before={"firstName": "Freja", "lastName": "Holm", "phone": "+4520550108"},
    ),
    Hire(
        first="Luca", last="Frei", why="wrote to us while waiting: adopted, not doubled",
        ends=("adopted", "skipped matched"), record={"MobilePhone": "+41 79 555 01 09"},
        wrote_meanwhile={"firstName": "Luca", "phone": "+41795550109"},
    ),
    Hire(first="", last="Reception", why="no e-mail, no phone", ends=("skipped no_key",)),
    Hire(first="Rui", last="Matos", why="came in by an import", ends=_IMPORTED, is_imported=True,
         record={"Email": "rui.matos@new-hires.example"}),
    Hire(first="Ana", last="Matos", why="came in by an import", ends=_IMPORTED, is_imported=True,
         record={"Email": "ana.matos@new-hires.example"}),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Hired:
    """The records as Salesforce numbered them, in the order of HIRES; ``is_new`` if this very start entered them."""

    ids: list[str]
    is_new: bool


def enter(home: Home) -> Hired:
    """Enter the new people in Salesforce, once per home. Raises DemoError if the stand-in refuses."""
    remembered = home.path / "hires.json"
    if remembered.exists():
        return Hired(ids=json.loads(remembered.read_text())["ids"], is_new=False)
    for hire in HIRES:
        if hire.wrote_before is not None:
            call("POST", f"{demo_tenant.respond_url(home)}/_sandbox/contacts", hire.wrote_before)
    control = f"{demo_tenant.salesforce_url(home)}/_sandbox"
    by_hand = [hire.as_record() for hire in HIRES if not hire.is_imported]
    ids = call("POST", f"{control}/contacts", by_hand)["ids"]
    ids += _import(control, [hire for hire in HIRES if hire.is_imported])
    hired = Hired(ids=ids, is_new=True)
    home.write_private("hires.json", json.dumps({"ids": hired.ids}))
    return hired


def _import(control: str, hires: list[Hire]) -> list[str]:
    """Bring people in as a data loader does, in the name of a user of its own."""
    loader = {"LastName": "Data Loader", "Username": "loader@new-hires.example"}
    user_id = call("POST", f"{control}/users", loader)["id"]
    wanted = {"contacts": [hire.as_record() for hire in hires], "user_id": user_id, "job_type": "V2Ingest"}
    return list(call("POST", f"{control}/imports", wanted)["ids"])


def write_meanwhile(home: Home) -> None:
    """Let those write to us who do so while their record waits; once per home."""
    if (home.path / "wrote.json").exists():
        return
    for hire in HIRES:
        if hire.wrote_meanwhile is not None:
            call("POST", f"{demo_tenant.respond_url(home)}/_sandbox/contacts", hire.wrote_meanwhile)
    home.write_private("wrote.json", "{}")
