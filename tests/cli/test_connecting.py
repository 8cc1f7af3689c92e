"""connect with a person's authorization; the other log-ins are in test_orgs."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import httpx
import pytest

from sandbox.salesforce.store import Store
from tests.cli.conftest import Command
from tests.raw_sql import RawSql


class Terminal(io.StringIO):
    """A person at a keyboard, who answers what ``answer`` gives."""

    def __init__(self, answer: Callable[[], str]) -> None:
        super().__init__()
        self._answer = answer

    def isatty(self) -> bool:
        return True

    def readline(self, *_: object) -> str:  # type: ignore[override]
        return self._answer() + "\n"


@pytest.fixture
def public_app(salesforce_connection: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The stand-in under a connection that a person has to authorize."""
    extra = {"consumer_key": "key", "login_url": salesforce_connection}
    monkeypatch.setenv("AIRFLOW_CONN_SALESFORCE_DEFAULT", json.dumps({"extra": extra}))
    return salesforce_connection


def approved(url: str) -> str:
    """Where the browser ends up after the person approved."""
    answer = httpx.get(url)
    assert answer.status_code == 302
    return answer.headers["Location"]


def asked(command: Command, *words: str) -> str:
    said = command("connect", "salesforce_default", "--json", *words)
    assert said.code == 0
    return str(said.json["authorize_url"])


def test_the_address_is_printed_with_the_way_to_go_on(command: Command, public_app: str) -> None:
    said = command("connect", "salesforce_default")
    assert f"{public_app}/services/oauth2/authorize?" in said.out
    assert "connect salesforce_default --code" in said.out


def test_the_answer_connects_and_confirms_with_the_accounts_details(
    command: Command, public_app: str, salesforce_store: Store, raw: RawSql
) -> None:
    salesforce_store.insert_contacts({"LastName": f"Person {number}"} for number in range(1_234))
    said = command("connect", "salesforce_default", "--code", approved(asked(command)))
    assert said.code == 0
    for told in (
        salesforce_store.org_id,
        "about 1,234 contacts",
        "Contact Sync Sandbox",
        "integration@contact-sync.example",
        public_app,
    ):
        assert told in said.out
    assert raw.value("SELECT connected_at IS NOT NULL AND disconnected_at IS NULL FROM salesforce_org")
    assert command("connect", "salesforce_default", "--json").json["fields"] > 50


def test_nothing_secret_is_printed(command: Command, public_app: str) -> None:
    said = command("connect", "salesforce_default", "--code", approved(asked(command)), "--verbose")
    for secret in ("5Aep", "aPrx", "!", "verifier"):
        assert secret not in said.out + said.err


def test_a_person_at_a_terminal_is_asked_at_once(
    command: Command,
    public_app: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def answer() -> str:
        lines = capsys.readouterr().out.splitlines()
        return approved(next(line for line in lines if line.startswith("http")))

    monkeypatch.setattr("sys.stdin", Terminal(answer))
    assert "connected org" in command("connect", "salesforce_default").out


def test_the_answer_can_come_by_stdin(
    command: Command, public_app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(approved(asked(command)) + "\n"))
    assert command("connect", "salesforce_default", "--code", "-").code == 0


def test_an_answer_to_another_question_is_refused(command: Command, public_app: str) -> None:
    answer = approved(asked(command))
    asked(command)
    said = command("connect", "salesforce_default", "--code", answer)
    assert said.code == 1
    assert "older question" in said.err


def test_a_revoked_grant_is_asked_for_again(
    command: Command, public_app: str, salesforce_store: Store, raw: RawSql
) -> None:
    command("connect", "salesforce_default", "--code", approved(asked(command)))
    with salesforce_store.writing() as connection:
        connection.execute("UPDATE token SET ended = 1 WHERE kind = 'refresh'")
    httpx.post(f"{public_app}/_sandbox/tokens/expire").raise_for_status()
    said = command("run", "extract_salesforce_contacts")
    assert "authorize again" in said.out
    assert command("connect", "salesforce_default", "--code", approved(asked(command))).code == 0
    assert raw.value("SELECT rejected_at IS NULL FROM salesforce_token")


def test_a_living_grant_can_be_renewed_on_demand(command: Command, public_app: str) -> None:
    command("connect", "salesforce_default", "--code", approved(asked(command)))
    assert (
        command("connect", "salesforce_default", "--code", approved(asked(command, "--authorize"))).code == 0
    )


def test_a_trial_spares_the_code(command: Command, public_app: str) -> None:
    said = command("connect", "salesforce_default", "--code", "aPrx", "--dry-run")
    assert said.code == 1
    assert "run without --dry-run" in said.err


def test_an_org_that_may_not_be_described_is_not_connected(
    command: Command, public_app: str, raw: RawSql
) -> None:
    answer = approved(asked(command))
    body = [
        {"errorCode": "API_DISABLED_FOR_ORG", "message": "The REST API is not enabled for this Organization."}
    ]
    fault = {"status": 403, "body": body, "path": "/services/data/*"}
    httpx.post(f"{public_app}/_sandbox/faults", json=fault).raise_for_status()
    said = command("connect", "salesforce_default", "--code", answer)
    assert "API Enabled" in said.err
    assert raw("SELECT disconnected_at IS NULL AS is_read FROM salesforce_org") == [{"is_read": False}]
