"""What a made-up person's records hold: who they are, how they are typed, what a sidebar may show."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from sandbox import people_names as names
from sandbox.people_phones import Country, Number

Row = dict[str, Any]

_DOMAINS = (
    "example.com",
    "example.org",
    "example.net",
    "harbour.example",
    "north-wind.example",
    "bluebakery.example",
)


@dataclass(frozen=True, slots=True)
class Identity:
    """A made-up human being: ``user`` is unique and stands before the ``@`` of the address."""

    first: str
    last: str
    ascii_first: str
    user: str
    country: Country
    serial: int

    @property
    def email(self) -> str:
        """The person's address, in lower case."""
        return f"{self.user}@{_DOMAINS[self.serial % len(_DOMAINS)]}"


def decorate(row: Row, number: Number | None, random: Random) -> None:
    """Fill what a sidebar may show; nothing here identifies anybody."""
    pick = random.random
    row["Title"] = one_of(names.TITLES, pick())
    row["Department"] = one_of(names.DEPARTMENTS, pick())
    row["LeadSource"] = one_of(names.SOURCES, pick())
    row["VIP__c"] = pick() < 0.05
    chance = pick()
    if chance < 0.5:
        row["Loyalty_Tier__c"] = ("Bronze", "Silver", "Gold")[int(chance * 6)]
        row["Score__c"] = int(pick() * 10000) / 100
        row["Annual_Value__c"] = int(pick() * 500) * 100
    if chance < 0.3:
        row["Interests__c"] = ";".join(
            sorted({one_of(names.INTERESTS, pick()), one_of(names.INTERESTS, pick())})
        )
        row["Next_Call__c"] = f"2027-{1 + int(pick() * 12):02d}-{1 + int(pick() * 28):02d}"
        row["Salutation"] = one_of(names.SALUTATIONS, pick())
    if chance < 0.1:
        row["Notes__c"] = one_of(names.NOTES, pick())
        row["Website__c"] = "https://www.example.com/~" + str(int(pick() * 10000))
    if number is not None and number.is_mobile and chance > 0.8:
        row["WhatsApp__c"] = number.e164


def typed_email(who: Identity, random: Random) -> str:
    """Return the address as people leave it in a Salesforce cell."""
    chance = random.random()
    if chance < 0.8:
        return who.email
    if chance < 0.93:
        return who.email.title()
    return who.email.upper() if chance < 0.97 else f"{who.email} "


def one_of(choices: tuple[str, ...], chance: float) -> str:
    """Return the choice that ``chance`` (0 to 1) falls on."""
    return choices[int(chance * len(choices))]


def phone_field(number: Number, chance: float) -> str:
    """Return the field of Salesforce that people put such a number into."""
    if number.is_mobile:
        return "MobilePhone" if chance < 0.8 else "Phone" if chance < 0.95 else "OtherPhone"
    return "Phone" if chance < 0.85 else "HomePhone"
