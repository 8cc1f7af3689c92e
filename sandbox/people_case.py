"""The hard cases, by hand: how each side spells the person, and what an honest matcher must say.

A case is written once and played by many people. In its spellings stand ``{mail}`` (an address nobody else has),
``{Mail}`` and ``{MAIL}`` (the same in other letters), ``{mail2}`` (a second one), ``{user}`` (what stands before the
``@``), ``{a}{b}`` and ``{c}{d}`` (3 + 4 digits nobody else has; ``{a_wide}``, ``{a_arabic}``: in
other digits), ``{name}``, ``{first}`` (of the person, ASCII), ``{i}`` (the row's number). Rows of Salesforce are
keyed by its API names, and by ``master``: the row this one was merged into.

Rules that the expectations rest on: those of normalizing and matching, for a workspace with ``match_mode`` normalized,
``ambiguous_policy`` hold, ``shared_key_limit`` 5 and no default region. A national number counts only where the
record's own country says how to read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.truth import Expectation

Spelling = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One hard case: ``per_mille`` of the Salesforce contacts' number is how often it is played."""

    name: str
    per_mille: float
    salesforce: tuple[Spelling, ...]
    respond: tuple[Spelling, ...]
    expect: Expectation
    #: The reason code of an issue; None for a match.
    reason: str | None = None
    #: Which Salesforce row must be matched.
    matched_row: int = 0


def match(name: str, per_mille: float, salesforce: Any, respond: Any, row: int = 0) -> Case:
    return Case(
        name=name,
        per_mille=per_mille,
        salesforce=_rows(salesforce),
        respond=_rows(respond),
        expect="match",
        matched_row=row,
    )


def ambiguous(reason: str, name: str, per_mille: float, salesforce: Any, respond: Any) -> Case:
    return Case(
        name=name,
        per_mille=per_mille,
        salesforce=_rows(salesforce),
        respond=_rows(respond),
        expect="ambiguous",
        reason=reason,
    )


def unmatched(reason: str, name: str, per_mille: float, salesforce: Any, respond: Any) -> Case:
    return Case(
        name=name,
        per_mille=per_mille,
        salesforce=_rows(salesforce),
        respond=_rows(respond),
        expect="unmatched",
        reason=reason,
    )


def _rows(given: Any) -> tuple[Spelling, ...]:
    return given if isinstance(given, tuple) else (given,)
