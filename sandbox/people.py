"""A believable population, made in one pass and deterministic by seed: people, their records on both sides, the truth.

Shares of the default population (percent of the Salesforce contacts' number; respond.io holds 80 percent of it):

====================  ===============================================================  ==========  ==========
people                how they are found                                               Salesforce  respond.io
====================  ===============================================================  ==========  ==========
``by_both``           e-mail and phone, typed differently on each side                 about 20    about 20
``by_email``          e-mail; the phone is unknown to Salesforce or missing            about 6     about 6
``by_phone``          phone only, as a messenger knows people                          about 11    about 11
``salesforce_only``   never wrote to us (one in fifty is deleted)                      about 30
``respond_only``      not in Salesforce: ``no_counterpart``                                        about 18
hard cases            ``people_matches`` and ``people_issues``, each with its share    33          25
====================  ===============================================================  ==========  ==========
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from sandbox import people_names as names
from sandbox.people_case import Case
from sandbox.people_issues import ISSUES
from sandbox.people_matches import MATCHES
from sandbox.people_phones import COUNTRIES, Number, Numbers, typed
from sandbox.people_rows import Identity, Row, decorate, one_of, phone_field, typed_email
from sandbox.truth import Expectation

CASES = (*MATCHES, *ISSUES)

#: Of the people in both systems who are no hard case: cumulative shares.
_BY_BOTH, _BY_EMAIL = 0.55, 0.7
_RESPOND_SHARE, _RESPOND_ONLY_SHARE = 0.8, 0.18
_STRIDE = 7_368_787
_WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
_ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


@dataclass(slots=True, kw_only=True)
class Bundle:
    """One entry of the truth with the records that belong to it; ``matched_row`` is an index of ``salesforce``.

    Rows carry no ids and no times; a Salesforce row's ``master`` is the index of the row it was merged into.
    """

    case: str
    expect: Expectation
    reason: str | None = None
    matched_row: int = 0
    salesforce: list[Row] = field(default_factory=list)
    respond: list[Row] = field(default_factory=list)


class Maker:
    """Makes people; the same seed and the same order of calls make the same people."""

    def __init__(self, seed: int, *, first_serial: int = 0) -> None:
        self.random = Random(seed)
        self._numbers = Numbers(first_serial)
        self._serial = first_serial
        self._case_serial = 0
        self._languages = [language for language in names.LANGUAGES for _ in range(language.weight)]

    def population(self, contacts: int) -> Iterator[Bundle]:
        """Yield people until there are ``contacts`` Salesforce contacts and 0.8 times as many of respond.io."""
        plan = self._plan(contacts)
        self.random.shuffle(plan)
        for entry in plan:
            yield self.play(entry) if isinstance(entry, Case) else getattr(self, entry)()

    def by_both(self) -> Bundle:
        """A person whom e-mail and phone both identify."""
        who, number = self._identity(), None
        number = self._number(who, 0.85)
        return self._matched(
            "by_both", who, number, email=self._respond_email(who), phone=self._respond_phone(number)
        )

    def by_email(self) -> Bundle:
        """A person whom the e-mail identifies; respond.io may know a phone that Salesforce does not."""
        who = self._identity()
        number = self._number(who, 0.85) if self.random.random() < 0.6 else None
        other = self._respond_phone(self._number(who, 1.0)) if self.random.random() < 0.4 else None
        return self._matched("by_email", who, number, email=self._respond_email(who), phone=other)

    def by_phone(self) -> Bundle:
        """A person whom only the phone identifies."""
        who = self._identity()
        number = self._number(who, 0.9)
        return self._matched("by_phone", who, number, email=None, phone=self._respond_phone(number))

    def salesforce_only(self) -> Bundle:
        """A person without a respond.io contact."""
        who = self._identity()
        row = self._salesforce_row(who, self._number(who, 0.7) if self.random.random() < 0.8 else None)
        if self.random.random() < 0.02:
            row["IsDeleted"] = True
        return Bundle(case="salesforce_only", expect="unmatched", salesforce=[row])

    def respond_only(self) -> Bundle:
        """A person whom Salesforce does not know."""
        who = self._identity()
        phone = self._respond_phone(self._number(who, 0.95)) if self.random.random() < 0.8 else None
        email = self._respond_email(who) if phone is None or self.random.random() < 0.5 else None
        row = self._respond_row(who, email=email, phone=phone)
        return Bundle(case="respond_only", expect="unmatched", reason="no_counterpart", respond=[row])

    def new_hire(self) -> Bundle:
        """A person who has just been entered in Salesforce and has a usable key."""
        who = self._identity()
        return Bundle(
            case="new_hire",
            expect="unmatched",
            salesforce=[self._salesforce_row(who, self._number(who, 0.9))],
        )

    def play(self, case: Case) -> Bundle:
        """Make the people of one hard case."""
        who = self._identity()
        words = self._words(who)
        salesforce = [self._case_row(place, row, who, words) for place, row in enumerate(case.salesforce)]
        respond = [
            self._respond_row(who, email=None, phone=None) | _spelled(row, words) for row in case.respond
        ]
        return Bundle(
            case=case.name,
            expect=case.expect,
            reason=case.reason,
            matched_row=case.matched_row,
            salesforce=salesforce,
            respond=respond,
        )

    def _plan(self, contacts: int) -> list[str | Case]:
        """Return what is to be made: hard cases by their shares (at least once, while they fit), the rest ordinary."""
        plan: list[str | Case] = []
        salesforce, respond = contacts, round(contacts * _RESPOND_SHARE)
        only = round(contacts * _RESPOND_ONLY_SHARE)
        for case in CASES:
            times = max(1, round(case.per_mille * contacts / 1000))
            needed = times * len(case.salesforce), times * len(case.respond)
            if needed[0] <= salesforce and needed[1] <= respond - only:
                plan += [case] * times
                salesforce, respond = salesforce - needed[0], respond - needed[1]
        plan += ["respond_only"] * only
        both = min(salesforce, respond - only)
        by_both, by_email = round(both * _BY_BOTH), round(both * _BY_EMAIL)
        plan += ["by_both"] * by_both + ["by_email"] * (by_email - by_both) + ["by_phone"] * (both - by_email)
        plan += ["salesforce_only"] * (salesforce - both) + ["respond_only"] * (respond - only - both)
        return plan

    def _identity(self) -> Identity:
        pick = self.random.random
        language = self._languages[int(pick() * len(self._languages))]
        first = language.given[int(pick() * len(language.given))]
        last = language.family[int(pick() * len(language.family))]
        self._serial += 1
        return Identity(
            first.native,
            last.native,
            first.ascii,
            f"{first.ascii}.{last.ascii}.{self._serial}",
            COUNTRIES[language.countries[int(pick() * len(language.countries))]],
            self._serial,
        )

    def _number(self, who: Identity, mobile_share: float) -> Number:
        return self._numbers.next(who.country, self.random, is_mobile=self.random.random() < mobile_share)

    def _matched(self, case: str, who: Identity, number: Number | None, **known: str | None) -> Bundle:
        row = self._salesforce_row(who, number)
        respond = self._respond_row(who, email=known["email"], phone=known["phone"])
        return Bundle(case=case, expect="match", salesforce=[row], respond=[respond])

    def _salesforce_row(self, who: Identity, number: Number | None) -> Row:
        pick = self.random.random
        row: Row = {"FirstName": who.first, "LastName": who.last, "Email": typed_email(who, self.random)}
        is_at_home = pick() < 0.7
        if is_at_home:
            row["MailingCountry"] = who.country.spellings[int(pick() * len(who.country.spellings))]
            row["MailingCity"] = one_of(names.CITIES, pick())
        if number is not None:
            text = typed(number, self.random, is_at_home=is_at_home)
            row[phone_field(number, pick())] = text
        decorate(row, number, self.random)
        return row

    def _case_row(self, place: int, spelling: Any, who: Identity, words: dict[str, str]) -> Row:
        named = who if place == 0 else self._identity()
        row: Row = {"FirstName": named.first, "LastName": named.last}
        decorate(row, None, self.random)
        return row | _spelled(spelling, words | {"i": str(place)})

    def _respond_row(self, who: Identity, *, email: str | None, phone: str | None) -> Row:
        pick = self.random.random
        row: Row = {"firstName": who.first, "lastName": who.last, "email": email, "phone": phone}
        if phone is not None or pick() < 0.3:
            row["countryCode"] = who.country.code
        if pick() < 0.25:
            row["tags"] = [("vip", "newsletter", "trial", "wholesale")[int(pick() * 4)]]
            row["lifecycle"] = ("New Lead", "Hot Lead", "Payment", "Customer")[int(pick() * 4)]
        if pick() < 0.1:
            row["status"] = "open"
            row["custom_fields"] = [
                {"name": "Plan", "value": ("Free", "Growth", "Enterprise")[int(pick() * 3)]}
            ]
        return row

    def _respond_email(self, who: Identity) -> str:
        return who.email if self.random.random() < 0.9 else who.email.capitalize()

    def _respond_phone(self, number: Number) -> str:
        """Return the number as respond.io has it: E.164, now and then as an import left it."""
        chance = self.random.random()
        if chance < 0.96:
            return number.e164
        return typed(number, self.random, is_at_home=True)

    def _words(self, who: Identity) -> dict[str, str]:
        lines = []
        for _ in range(2):
            self._case_serial += 1
            # 2 to 9 first, as everywhere: 0 and 1 would look like a trunk prefix
            lines.append(f"{2_000_000 + self._case_serial * _STRIDE % 8_000_000:07d}")
        first, second = lines
        words = {"a": first[:3], "b": first[3:], "c": second[:3], "d": second[3:]}
        words |= {f"{name}_wide": text.translate(_WIDE) for name, text in list(words.items())}
        words |= {f"{name}_arabic": words[name].translate(_ARABIC) for name in "abcd"}
        mail = f"{who.user}@example.com"
        words |= {
            "mail": mail,
            "Mail": mail.title(),
            "MAIL": mail.upper(),
            "mail2": f"{who.user}.b@example.org",
        }
        return words | {
            "user": who.user,
            "nodots": who.user.replace(".", ""),
            "name": who.first,
            "first": who.ascii_first,
        }


def _spelled(spelling: Any, words: dict[str, str]) -> Row:
    return {
        name: value.format(**words) if isinstance(value, str) else value for name, value in spelling.items()
    }
