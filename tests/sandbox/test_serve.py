"""Both stand-ins served for real: readiness, clean ends, ports, restarts, cuts, HTTPS, the commands."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from sandbox import __main__ as commands
from sandbox import act, places
from sandbox.people import Maker

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Served:
    """A served sandbox: the process and both base URLs."""

    process: subprocess.Popen[str]
    salesforce: str
    respond: str


@contextmanager
def served(directory: Path, *options: str) -> Iterator[Served]:
    """Serve a sandbox of 60 contacts on free ports until the block ends; it must end cleanly."""
    command = [sys.executable, "-m", "sandbox", "serve", "--data", str(directory), "--salesforce-port", "0"]
    command += ["--respond-port", "0", "--contacts", "60", *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        urls: dict[str, str] = {}
        while len(urls) < 2:
            line = process.stdout.readline()
            assert line, "the stand-ins did not start"
            name, _, url = line.strip().partition(": ")
            if url.startswith("http"):
                urls[name] = url
        yield Served(process, urls["Salesforce"], urls["respond.io"])
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(60)
        process.stdout.close()
    assert status == 0


def healthy(url: str, **more: Any) -> dict[str, Any]:
    """Wait until the stand-in answers; return what it says of its health."""
    transport = httpx.HTTPTransport(retries=5, **more)
    with httpx.Client(transport=transport) as client:
        answer: dict[str, Any] = client.get(f"{url}/_sandbox/health", timeout=60).raise_for_status().json()
        return answer


def credentials(directory: Path) -> dict[str, Any]:
    held: dict[str, Any] = json.loads(places.Places(directory).credentials.read_text(encoding="utf-8"))
    return held


def test_both_answer_on_loopback_and_state_survives_a_restart(tmp_path: Path) -> None:
    with served(tmp_path) as sandbox:
        assert healthy(sandbox.salesforce)["contacts"] == 60
        assert healthy(sandbox.respond)["contacts"] == 48
        assert sandbox.respond.startswith("http://127.0.0.1:")
        httpx.post(f"{sandbox.respond}/_sandbox/contacts", json={"firstName": "Ana"}).raise_for_status()
        truths = [httpx.get(f"{url}/_sandbox/truth").json() for url in (sandbox.salesforce, sandbox.respond)]
        assert truths[0] == truths[1] != {"people": []}
    with served(tmp_path) as sandbox:
        assert healthy(sandbox.respond)["contacts"] == 49


def test_a_data_directory_is_served_once_at_a_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served(tmp_path) as sandbox:
        healthy(sandbox.respond)
        assert commands.main(["reset", "--data", str(tmp_path)]) == 2
    assert "in use" in capsys.readouterr().err


def test_a_fault_cuts_a_real_connection(tmp_path: Path) -> None:
    with served(tmp_path) as sandbox:
        healthy(sandbox.respond)
        token = credentials(tmp_path)["respond_token"]
        with httpx.Client(base_url=sandbox.respond, headers={"Authorization": f"Bearer {token}"}) as client:
            for cut in (-1, 5):
                client.post(
                    "/_sandbox/faults", json={"method": "GET", "path": "/v2/*", "cut_after_bytes": cut}
                )
                with pytest.raises(httpx.RemoteProtocolError):
                    client.get("/v2/contact/id:101000001")
            assert client.get("/v2/contact/id:101000001").status_code == 200


def test_https_has_a_certificate_that_its_authority_vouches_for(tmp_path: Path) -> None:
    with served(tmp_path, "--https") as sandbox:
        assert sandbox.salesforce.startswith("https:")
        context = ssl.create_default_context(cafile=str(places.Places(tmp_path).authority))
        assert healthy(sandbox.salesforce, verify=context)["status"] == "ok"
        assert healthy(sandbox.respond, verify=context)["status"] == "ok"


def test_everyday_life_is_played(tmp_path: Path) -> None:
    with served(tmp_path) as sandbox:
        healthy(sandbox.respond)
        place = places.Places(tmp_path)
        clients = [act.client(url, place) for url in (sandbox.salesforce, sandbox.respond)]
        life = act.Life(clients[0], clients[1], Random(1), Maker(1, first_serial=5000))
        life.meet()
        before = len(life.live)
        for _ in range(60):
            life.happen()
        life.noon()
        assert life.played["bulk_import"] == 1
        assert {"edit", "new_hire", "chat", "agent_edit"} <= life.played.keys()
        assert not [name for name in life.played if "refused" in name]
        assert len(life.live) > before
        assert healthy(sandbox.salesforce)["contacts"] == 60 + life.played["new_hire"] + 40
        for client in clients:
            client.close()


def test_a_port_in_use_is_named_with_its_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        status = commands.main(
            [
                "serve",
                "--data",
                str(tmp_path),
                "--salesforce-port",
                "0",
                "--respond-port",
                port,
                "--contacts",
                "9",
            ]
        )
    assert status == 2
    assert not places.Places(tmp_path).is_populated
    told = capsys.readouterr().err
    assert port in told
    assert "--respond-port" in told


def test_life_without_stand_ins_says_how_to_start_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        status = commands.main(
            ["act", "--data", str(tmp_path), "--salesforce-url", url, "--respond-url", url]
        )
    assert status == 2
    assert "sandbox serve" in capsys.readouterr().err


def test_the_commands_seed_load_and_reset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(tmp_path / "data")]
    export = tmp_path / "export.csv"
    export.write_text("Id,LastName\n1,Lopes\n", encoding="utf-8")
    assert commands.main(["seed", *data, "--contacts", "10"]) == 0
    assert commands.main(["seed", *data, "--new-hires", "2"]) == 0
    assert commands.main(["load", *data, "--contacts", str(export)]) == 2
    assert commands.main(["reset", *data]) == 0
    assert commands.main(["load", *data, "--contacts", str(export)]) == 0
    assert "loaded 1 Salesforce contacts" in capsys.readouterr().out
