"""Who is who: one entry per person, written when people are made and served by both stand-ins.

``{"people": [{"person_id", "salesforce_ids": [], "respond_ids": [], "case", "expect", "salesforce_id", "reason"}]}``;
``expect`` is ``match|ambiguous|unmatched``, about each of the person's respond contacts; ``salesforce_id`` is the
contact that must be matched, ``reason`` the reason code of an issue, each null where the other is set.
People without a respond contact are listed with ``respond_ids`` empty and ``expect`` ``unmatched``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

from starlette.responses import FileResponse, JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

Expectation = Literal["match", "ambiguous", "unmatched"]

ROUTE = "/_sandbox/truth"

_END = "\n]}\n"
_ENCODED = json.JSONEncoder().encode


@dataclass(slots=True, kw_only=True)
class Person:
    """One entry of the truth."""

    person_id: str
    case: str
    expect: Expectation
    reason: str | None = None
    salesforce_ids: list[str] = field(default_factory=list)
    respond_ids: list[int] = field(default_factory=list)
    salesforce_id: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the entry as it is told."""
        return {
            "person_id": self.person_id,
            "salesforce_ids": self.salesforce_ids,
            "respond_ids": self.respond_ids,
            "case": self.case,
            "expect": self.expect,
            "salesforce_id": self.salesforce_id,
            "reason": self.reason,
        }


def write(path: Path, people: Iterable[Person]) -> int:
    """Write the truth, all of it or nothing; return how many people it tells of."""
    unfinished = path.with_name(path.name + ".new")
    with unfinished.open("w", encoding="utf-8") as handle:
        handle.write('{"people": [')
        written = _write_people(handle, people, separator="")
        handle.write(_END)
    unfinished.replace(path)
    return written


def append(path: Path, people: Iterable[Person]) -> int:
    """Add people to a truth that was written before; return how many."""
    told = path.read_text(encoding="utf-8").removesuffix(_END)
    unfinished = path.with_name(path.name + ".new")
    with unfinished.open("w", encoding="utf-8") as handle:
        handle.write(told)
        written = _write_people(handle, people, separator="" if told.endswith("[") else ",")
        handle.write(_END)
    unfinished.replace(path)
    return written


def _write_people(handle: IO[str], people: Iterable[Person], *, separator: str) -> int:
    written = 0
    for person in people:
        handle.write(separator + "\n" + _ENCODED(person.as_json()))
        separator, written = ",", written + 1
    return written


def told(app: ASGIApp, path: Path) -> ASGIApp:
    """Return ``app`` with ``GET /_sandbox/truth`` in front of it."""

    async def telling(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != ROUTE:
            await app(scope, receive, send)
            return
        answer: Response = JSONResponse({"people": []})
        if path.exists():
            answer = FileResponse(path, media_type="application/json")
        await answer(scope, receive, send)

    return telling
