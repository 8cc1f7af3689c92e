"""The truth check: what the match table says, against what the stand-ins know about their people. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One kind of miss: how many respond contacts should have it, have it, and have it rightly."""

    status: str
    reason: str
    expected: int
    found: int
    agreed: int


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How right the matches are. One respond contact counts once."""

    matches: int
    right: int
    expected: int
    #: Matches of respond contacts that the stand-ins' truth does not know, such as those we created ourselves.
    unknown: int
    by_rule: dict[str, int] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def precision(self) -> float:
        """Which share of the matches is right; 1.0 if there is none."""
        return self.right / self.matches if self.matches else 1.0

    @property
    def recall(self) -> float:
        """Which share of the matches that should be there is there; 1.0 if none should."""
        return self.right / self.expected if self.expected else 1.0

    @property
    def is_perfect(self) -> bool:
        """Tell whether nothing is wrong and nothing is missing among the matches."""
        return self.right == self.matches == self.expected


def compare(people: Iterable[Row], matches: Sequence[Row], issues: Sequence[Row]) -> Verdict:
    """Compare, respond contact by respond contact.

    ``people`` as ``GET /_sandbox/truth`` gives them; ``matches`` with ``respond_id``, ``salesforce_id`` and
    ``matched_by``; ``issues`` with ``respond_id``, ``status`` and ``reason``.
    """
    truth = {int(respond_id): person for person in people for respond_id in person["respond_ids"]}
    counted = [match for match in matches if int(match["respond_id"]) in truth]

    right = sum(_is_right(match, truth[int(match["respond_id"])]) for match in counted)
    return Verdict(
        matches=len(counted),
        right=right,
        expected=sum(person["expect"] == "match" for person in truth.values()),
        unknown=len(matches) - len(counted),
        by_rule=dict(Counter(str(match["matched_by"]) for match in counted).most_common()),
        outcomes=_outcomes(truth, issues),
    )


def _is_right(match: Row, person: Row) -> bool:
    return bool(person["expect"] == "match" and match["salesforce_id"] == person["salesforce_id"])


def _outcomes(truth: Mapping[int, Row], issues: Sequence[Row]) -> list[Outcome]:
    """Return the misses by status and reason, both those expected and those found."""
    wanted = {
        respond_id: (str(person["expect"]), str(person["reason"]))
        for respond_id, person in truth.items()
        if person["expect"] != "match"
    }
    got = {int(row["respond_id"]): (str(row["status"]), str(row["reason"])) for row in issues}
    expected, found = Counter(wanted.values()), Counter(got.values())
    agreed = Counter(kind for respond_id, kind in wanted.items() if got.get(respond_id) == kind)
    return [
        Outcome(
            status=kind[0], reason=kind[1], expected=expected[kind], found=found[kind], agreed=agreed[kind]
        )
        for kind in sorted(expected | found)
    ]
