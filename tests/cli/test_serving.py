"""token and serve: a token that opens the service, and the service as a process of its own."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from contact_sync.cli import serving
from contact_sync.sidebar import tokens
from tests.cli.conftest import Command
from tests.conftest import SECRET
from tests.stages.house import WORKSPACE, House


def test_a_token_names_its_workspace_agent_and_scope(command: Command, house: House) -> None:
    said = command("token", WORKSPACE, "--agent", "ada", "--scope", "edit")
    assert tokens.read(tokens.signing_key(SECRET), said.out.strip()) == tokens.Bearer(
        workspace_id=WORKSPACE, agent="ada", scopes=frozenset({"read", "edit"})
    )


def test_a_token_only_reads_unless_asked(command: Command, house: House) -> None:
    said = command("token", WORKSPACE, "--agent", "ada", "--json")
    assert (said.json["scope"], said.json["valid_seconds"]) == ("read", 12 * 3600)


@pytest.mark.parametrize(
    "words",
    [(WORKSPACE, "--hours", "0"), (WORKSPACE, "--hours", "nan"), ("nowhere",), (WORKSPACE, "--agent", " ")],
)
def test_a_token_that_makes_no_sense_is_refused(
    command: Command, house: House, words: tuple[str, ...]
) -> None:
    said = command("token", "--agent", "ada", *words)
    assert (said.code, said.out) == (1, "")


def test_the_document_is_printed_without_serving(command: Command) -> None:
    document = json.loads(command("serve", "--openapi").out)
    assert "/api/v1/edits" in document["paths"]


def test_without_a_secret_nothing_is_served(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONTACT_SYNC_SECRET")
    said = command("serve")
    assert (said.code, "CONTACT_SYNC_SECRET" in said.err) == (1, True)


def test_a_logged_failure_names_its_place_and_not_its_data() -> None:
    typed = "eve@example.org"
    try:
        int(typed)
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", None, sys.exc_info())
    text = serving._FormatterWithoutData().format(record)
    assert "ValueError" in text
    assert Path(__file__).name in text
    assert "eve@" not in text


@pytest.mark.slow
def test_the_service_runs_until_it_is_told_to_stop(command: Command, house: House, repository: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = command("token", WORKSPACE, "--agent", "ada").out.strip()
    process = subprocess.Popen(
        [sys.executable, "-m", "contact_sync", "serve", "--port", str(port)],
        env={**os.environ, "PYTHONPATH": str(repository / "plugins")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        _wait(f"http://127.0.0.1:{port}/health", process)
        address = f"http://127.0.0.1:{port}/api/v1/sidebar/{WORKSPACE}/4711"
        answer = httpx.get(address, headers={"Authorization": f"Bearer {token}"}, trust_env=False)
    finally:
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
    assert answer.json()["code"] == "unknown_contact"
    assert b"GET /api/v1/sidebar/{workspace_id}/{respond_id} 404" in out
    assert b"4711" not in out


def _wait(url: str, process: subprocess.Popen[bytes], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(url, trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("the service did not start")
