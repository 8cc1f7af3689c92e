"""Where public sources about respond.io disagree, the stand-in can be either: one switch each, kept across restarts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any


class SwitchError(ValueError):
    """A switch or a position that does not exist; the message names those that do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """The stand-in's temper. Defaults are the readings with the better evidence."""

    #: The list shows a creation or a change only after so many seconds (0..30); GET shows it at once.
    index_lag_seconds: float = 3.0
    #: A contact answers 449 to writes for so many seconds after its creation.
    queued_seconds: float = 0.0
    #: What create answers for an identifier that exists: 409 or 400.
    create_existing: int = 409
    #: Whether create says ``"code": 200`` (number) or ``"code": "200"`` (string).
    code_as: str = "number"
    #: Whether create_or_update overwrites names, e-mail and phone that have a value; custom fields always change.
    create_or_update_overwrites: bool = True
    #: Whether create_or_update names the ``contactId`` of a contact it created.
    create_or_update_names_new: bool = True
    #: What delete and tag calls answer for a contact that is not there: 404 or 400.
    missing_contact: int = 404
    #: List order by id: ``desc`` (newest first) or ``asc``.
    list_order: str = "desc"
    #: What shares a rate bucket: ``global`` (all calls), ``method``, or ``method+path``.
    rate_bucket: str = "global"
    #: Size and refill of a bucket per second; 0 = no limit.
    requests_per_second: int = 5
    #: Whether ``email:`` finds an address regardless of case: ``insensitive`` or ``exact``.
    email_lookup: str = "insensitive"
    #: Which contact survives a merge: the ``older`` one or the one named ``first``.
    merge_keeps: str = "older"
    #: Whether ``allowedValues`` is a bare ``list`` or an ``object`` with ``listValues``.
    allowed_values_as: str = "list"
    #: Whether a workspace tag is answered ``bare`` or as ``message`` in ``{"code", "message"}``.
    space_tag_as: str = "message"
    #: How often each webhook is delivered; 0 = never.
    webhook_deliveries: int = 1


_POSITIONS: dict[str, tuple[Any, ...]] = {
    "create_existing": (409, 400),
    "code_as": ("number", "string"),
    "missing_contact": (404, 400),
    "list_order": ("desc", "asc"),
    "rate_bucket": ("global", "method", "method+path"),
    "email_lookup": ("insensitive", "exact"),
    "merge_keeps": ("older", "first"),
    "allowed_values_as": ("list", "object"),
    "space_tag_as": ("message", "bare"),
}


def switched(switches: Switches, wanted: Mapping[str, Any]) -> Switches:
    """Return ``switches`` with the positions in ``wanted``. Raises SwitchError for one that does not exist."""
    known = {item.name: type(getattr(Switches(), item.name)) for item in fields(Switches)}
    for name, position in wanted.items():
        if name not in known:
            raise SwitchError(f"no switch {name}; there are: {', '.join(sorted(known))}")
        if name in _POSITIONS and position not in _POSITIONS[name]:
            raise SwitchError(f"{name} takes one of: {', '.join(map(str, _POSITIONS[name]))}")
        if not isinstance(position, int | float if known[name] is float else known[name]):
            raise SwitchError(f"{name} takes a {known[name].__name__}")
    if not 0 <= wanted.get("index_lag_seconds", 0) <= 30:
        raise SwitchError("index_lag_seconds is between 0 and 30")
    return replace(switches, **wanted)


def as_json(switches: Switches) -> dict[str, Any]:
    """Return every switch and its position."""
    return asdict(switches)
