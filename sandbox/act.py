"""Everyday life against served stand-ins: edits, new hires, deletes, merges and a bulk import at noon, by seed."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from sandbox import places


class ActError(places.SandboxError):
    """Life cannot be played; the message says what is missing."""


def run(options: argparse.Namespace, place: places.Places, say: Callable[[str], None]) -> int:
    """Play events until told to stop; return the exit code."""
    raise ActError("not yet")
