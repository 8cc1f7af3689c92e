"""The fault language of both stand-ins: which request a fault waits for, what then happens, how often.

A fault is one JSON object (``POST /_sandbox/faults``). Every key is optional.

When it fires:

* ``method``: ``"POST"``; ``path``: a glob over the decoded path, ``"/v2/contact/*"``; ``lane``: the lane
  the caller named; ``record_id``: this text occurs in the path or in the body.
* ``nth`` (1): the first matching request it fires on; ``times`` (1): on how many it fires, null for
  ever after.

What happens, in this order:

* ``effects``: ``{"expire_token": true}``, the stand-in's own verbs, by name;
* ``delay_before_seconds``: wait, then go on;
* ``status``, ``body`` (object, list, text or empty), ``content_type``, ``headers``: this answer instead of
  ours; the request is not applied, unless ``apply`` is true;
* ``delay_after_seconds``: wait between applying and answering;
* ``cut_after_bytes``: close the connection after so many bytes of the answer's body; -1: before
  the first byte.
"""

from __future__ import annotations

import fnmatch
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

JsonObject = dict[str, Any]


class FaultError(ValueError):
    """A fault that the script cannot take; the message says which key is wrong and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSeen:
    """What a fault can look at: ``path`` is percent-decoded and without the query; ``body`` may be empty."""

    method: str
    path: str
    lane: str | None = None
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault as it was posted; the module's docstring says what each key means."""

    method: str | None = None
    path: str | None = None
    lane: str | None = None
    record_id: str | None = None
    nth: int = 1
    times: int | None = 1
    effects: Mapping[str, Any] = field(default_factory=dict)
    delay_before_seconds: float = 0.0
    status: int | None = None
    body: Any = None
    content_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    apply: bool = False
    delay_after_seconds: float = 0.0
    cut_after_bytes: int | None = None

    def waits_for(self, request: RequestSeen) -> bool:
        """Say whether this fault is about ``request``, whatever was counted before."""
        return (
            self.method in (None, request.method)
            and (self.path is None or fnmatch.fnmatchcase(request.path, self.path))
            and self.lane in (None, request.lane)
            and (self.record_id is None or _mentions(request, self.record_id))
        )

    def answer(self) -> tuple[bytes, str]:
        """Return the body to send and its content type: text goes as HTML unless the fault says otherwise."""
        if self.body is None:
            return b"", self.content_type or "text/plain"
        if isinstance(self.body, str):
            return self.body.encode(), self.content_type or "text/html; charset=utf-8"
        return json.dumps(self.body).encode(), self.content_type or "application/json"


@dataclass(slots=True)
class Entry:
    """A fault in the script and what became of it so far."""

    fault_id: int
    fault: Fault
    matched: int = 0
    fired: int = 0

    @property
    def is_spent(self) -> bool:
        """True once it has fired as often as it was meant to."""
        return self.fault.times is not None and self.fired >= self.fault.times

    def as_json(self) -> JsonObject:
        """Return it with ``fault_id``, ``matched``, ``fired``, ``state`` (``waiting|active|spent``)."""
        state = "spent" if self.is_spent else "active" if self.fired else "waiting"
        counts = {"fault_id": self.fault_id, "matched": self.matched, "fired": self.fired, "state": state}
        return counts | asdict(self.fault)


class FaultScript:
    """The faults of one stand-in, in the order they were posted; the first that can fire does."""

    def __init__(self, *, effects: tuple[str, ...] = ()) -> None:
        """Allow ``effects`` as verbs: what they do is the stand-in's business."""
        self.effects = effects
        self._entries: dict[int, Entry] = {}
        self._ids = itertools.count(1)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    @property
    def reads_bodies(self) -> bool:
        """True while some fault that may still fire looks for a record id."""
        return any(entry.fault.record_id is not None and not entry.is_spent for entry in self)

    def add(self, posted: Mapping[str, Any]) -> Entry:
        """Append a fault. Raises FaultError for an unknown key or effect, or a value of the wrong kind."""
        known = {item.name for item in fields(Fault)}
        if unknown := sorted(set(posted) - known):
            raise FaultError(f"unknown key {', '.join(unknown)}; known keys: {', '.join(sorted(known))}")
        fault = Fault(**posted)
        _check(fault, self.effects)
        entry = Entry(next(self._ids), fault)
        self._entries[entry.fault_id] = entry
        return entry

    def get(self, fault_id: int) -> Entry | None:
        """Return one entry, or None."""
        return self._entries.get(fault_id)

    def remove(self, fault_id: int) -> bool:
        """Forget one fault; False if there is none of that number."""
        return self._entries.pop(fault_id, None) is not None

    def clear(self) -> None:
        """Forget all faults."""
        self._entries.clear()

    def take(self, request: RequestSeen) -> Fault | None:
        """Count ``request`` for every fault that waits for it and return the one that fires, if any."""
        firing: Entry | None = None
        for entry in self:
            if not entry.fault.waits_for(request):
                continue
            entry.matched += 1
            if firing is None and entry.matched >= entry.fault.nth and not entry.is_spent:
                firing = entry
        if firing is None:
            return None
        firing.fired += 1
        return firing.fault


def _mentions(request: RequestSeen, record_id: str) -> bool:
    return record_id in request.path or record_id.encode() in request.body


def _check(fault: Fault, effects: tuple[str, ...]) -> None:
    if unknown := sorted(set(fault.effects) - set(effects)):
        raise FaultError(
            f"unknown effect {', '.join(unknown)}; this stand-in knows: {', '.join(effects) or 'none'}"
        )
    for name in ("nth", "times", "status", "cut_after_bytes"):
        value = getattr(fault, name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise FaultError(f"{name} must be a whole number")
    if fault.nth < 1:
        raise FaultError("nth counts from 1")
    if fault.status is not None and not 200 <= fault.status <= 599:
        raise FaultError("status must be between 200 and 599")
