from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from contact_sync import connections, errors, records

EXTRA = {"consumer_key": "key", "consumer_secret": "s3cret", "login_url": "http://127.0.0.1:8001"}


def salesforce(**extra: object) -> records.SalesforceConnection:
    return connections.salesforce_connection("sf", {"login": "ada", "extra": {**EXTRA, **extra}})


@pytest.mark.parametrize("extra", [EXTRA, json.dumps(EXTRA)])
def test_the_json_form_is_read(extra: object) -> None:
    environ = {"AIRFLOW_CONN_SF": json.dumps({"conn_type": "salesforce", "extra": extra})}
    found = connections.salesforce_connection("sf", connections.from_environment("sf", environ))
    assert (found.consumer_key, found.consumer_secret) == ("key", "s3cret")
    assert found.login_url == "http://127.0.0.1:8001"


@pytest.mark.parametrize(
    "query", [urlencode(EXTRA), urlencode({"__extra__": json.dumps({**EXTRA, "version": 66})})]
)
def test_the_uri_form_is_read(query: str) -> None:
    environ = {"AIRFLOW_CONN_SF": f"salesforce://?{query}"}
    found = connections.salesforce_connection("sf", connections.from_environment("sf", environ))
    assert (found.consumer_secret, found.login_url) == ("s3cret", "http://127.0.0.1:8001")


TOKEN = "a.b/c+d=="


@pytest.mark.parametrize(
    ("uri", "base_url"),
    [
        (
            f"http://:{quote(TOKEN, safe='')}@{quote('http://127.0.0.1:9/v2', safe='')}/",
            "http://127.0.0.1:9/v2",
        ),
        (f"http://:{quote(TOKEN, safe='')}@127.0.0.1:9/http", "http://127.0.0.1:9/v2"),
        (f"http://https://:{quote(TOKEN, safe='')}@api.respond.io", "https://api.respond.io/v2"),
        (
            f"http://https://:{quote(TOKEN, safe='')}@{quote('api.respond.io/v2', safe='')}",
            "https://api.respond.io/v2",
        ),
        (f"http://:{quote(TOKEN, safe='')}@", "https://api.respond.io/v2"),
    ],
)
def test_a_workspaces_uri_gives_its_base_url_and_token(uri: str, base_url: str) -> None:
    fields = connections.from_environment("respond", {"AIRFLOW_CONN_RESPOND": uri})
    found = connections.respond_connection("respond", fields)
    assert (found.base_url, found.token) == (base_url, TOKEN)


def test_the_port_of_a_host_with_scheme_is_kept_apart_from_its_path() -> None:
    fields = {"host": "http://127.0.0.1/v2", "port": 9, "password": TOKEN}
    assert connections.respond_connection("respond", fields).base_url == "http://127.0.0.1:9/v2"


def test_old_prefixed_extras_are_read_and_plain_ones_win() -> None:
    found = salesforce(extra__salesforce__consumer_key="old", extra__salesforce__refresh_token="seed")
    assert (found.consumer_key, found.refresh_token) == ("key", "seed")


@pytest.mark.parametrize(
    ("domain", "login_url"),
    [
        ("acme.my", "https://acme.my.salesforce.com"),
        ("acme.my.salesforce.com", "https://acme.my.salesforce.com"),
    ],
)
def test_a_domain_names_the_login_host(domain: str, login_url: str) -> None:
    assert salesforce(login_url="", domain=domain).login_url == login_url


def test_a_key_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("PEM", encoding="ascii")
    assert salesforce(private_key_file_path=str(tmp_path / "key.pem")).private_key == "PEM"


def test_a_key_written_on_one_line_gets_its_lines_back() -> None:
    assert salesforce(private_key="a\\nb").private_key == "a\nb"


@pytest.mark.parametrize(
    "extra",
    [
        {"consumer_secret": ""},
        {"flow": "authorization_code"},
        {"flow": "authorization_code", "login_url": ""},
    ],
)
def test_an_app_without_a_flow_of_its_own_is_authorized_by_a_person(extra: dict[str, str]) -> None:
    given = {
        "consumer_key": "key",
        "consumer_secret": "s3cret",
        "login_url": "https://acme.my.salesforce.com",
    }
    found = connections.salesforce_connection(
        "org", {"extra": {**given, "redirect_uri": "http://localhost/", **extra}}
    )
    assert found.is_authorized
    assert found.redirect_uri == "http://localhost/"


@pytest.mark.parametrize(
    ("extra", "missing"),
    [
        ({"consumer_key": ""}, "consumer_key"),
        ({"flow": "s3cret"}, "flow"),
        ({"login_url": ""}, "My Domain"),
        ({"login_url": "ftp://s3cret"}, "login_url"),
        ({"instance_url": "s3cret"}, "instance_url"),
        ({"private_key_file_path": "/s3cret"}, "private_key_file_path"),
    ],
)
def test_what_is_missing_is_named_and_no_value_is(extra: dict[str, str], missing: str) -> None:
    with pytest.raises(errors.StopError) as caught:
        salesforce(**extra)
    assert "connection sf" in str(caught.value)
    assert missing in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_private_key_needs_a_user_to_act_as() -> None:
    with pytest.raises(errors.StopError, match="login"):
        connections.salesforce_connection("sf", {"extra": {**EXTRA, "private_key": "PEM"}})


@pytest.mark.parametrize("value", ["", "{'a': s3cret}", "s3cret", "http://host:s3cret/"])
def test_an_unreadable_variable_is_named_without_its_value(value: str) -> None:
    with pytest.raises(errors.StopError) as caught:
        connections.respond_connection("r", connections.from_environment("r", {"AIRFLOW_CONN_R": value}))
    assert "AIRFLOW_CONN_R" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "fields", [{"host": "http://127.0.0.1"}, {"password": "s3cret", "host": "ftp://host"}]
)
def test_a_workspace_without_token_or_address_stops(fields: dict[str, Any]) -> None:
    with pytest.raises(errors.StopError, match="connection r"):
        connections.respond_connection("r", fields)


@pytest.mark.parametrize("token", ["s3cret\nmore", "s3cret more", "s3crét"])
def test_a_token_broken_by_copying_stops_and_is_not_quoted(token: str) -> None:
    with pytest.raises(errors.StopError) as caught:
        connections.respond_connection("r", {"password": token})
    assert "s3c" not in str(caught.value)


def test_no_secret_shows_when_a_connection_is_printed() -> None:
    assert "s3cret" not in repr(salesforce())


def test_what_counts_as_a_burst_is_the_connections_to_say() -> None:
    extra = {"consumer_key": "key", "domain": "acme.my", "burst_size": "5", "burst_seconds": 30}
    connection = connections.salesforce_connection("acme", {"extra": extra})
    assert (connection.burst_size, connection.burst_seconds) == (5, 30.0)


@pytest.mark.parametrize("given", ["", "many", 1, "-3", True, "nan"])
def test_a_burst_that_cannot_be_is_refused(given: object) -> None:
    extra = {"consumer_key": "key", "domain": "acme.my", "burst_size": given}
    if given == "":
        assert connections.salesforce_connection("acme", {"extra": extra}).burst_size == 20
        return
    with pytest.raises(errors.StopError, match="acme: burst_size"):
        connections.salesforce_connection("acme", {"extra": extra})
