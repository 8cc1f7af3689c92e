"""Taking turns: one worker at a time, and the next one may wait until the one before it is done."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from contact_sync import database

_LOOK_AGAIN_SECONDS = 0.2


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
