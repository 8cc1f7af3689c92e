"""A call that nobody answers may be made again; one that was refused may not."""

from __future__ import annotations

import pytest

from sandbox import processes
from sandbox.demo_airflow import UnansweredError
from sandbox.demo_calls import call


def test_nobody_listening_is_no_refusal() -> None:
    with pytest.raises(UnansweredError, match=r"GET http://127\.0\.0\.1:\d+/x was not answered"):
        call("GET", f"http://127.0.0.1:{processes.free_port()}/x")
