"""Everyday life against served stand-ins: edits, new hires, deletes, merges and a bulk import at noon, by seed."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from sandbox import places


class ActError(RuntimeError):
    """Life cannot be played; the message says what is missing."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``act``."""
    parser.add_argument("--salesforce-url", required=True)
    parser.add_argument("--respond-url", required=True)
    parser.add_argument("--rate", type=float, default=1.0, help="events per second (default 1)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", type=int, help="stop after so many (default: until Ctrl-C)")


def run(options: argparse.Namespace, place: places.Places, say: Callable[[str], None]) -> int:
    """Play events until told to stop; return the exit code."""
    raise ActError("not yet")
