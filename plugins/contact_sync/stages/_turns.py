"""Taking turns: one worker at a time, and the next one may wait until the one before it is done."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

from contact_sync import database

_LOOK_AGAIN_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long a run goes on, at most: ``seconds``. ``is_rolling`` begins anew what ended before that.

    ``patience_seconds`` is how long it waits for the run before it to end, so that the one takes over from the other.
    """

    seconds: float = 90.0
    is_rolling: bool = False
    patience_seconds: float = 0.0


@contextlib.contextmanager
def taken(db: database.Database, key: str, *, patience_seconds: float = 0.0) -> Iterator[bool]:
    """Yield whether the turn is ours; ask for it for so long, so that a run takes over from the one before it."""
    until = time.monotonic() + patience_seconds
    while True:
        with db.advisory_lock(key) as is_held:
            if is_held or time.monotonic() >= until:
                yield is_held
                return
        time.sleep(_LOOK_AGAIN_SECONDS)
