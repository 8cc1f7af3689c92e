"""The demo's connections are written as Airflow writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import demo_tenant, postgres
from sandbox.demo_home import Home, Options


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    opened = Home(Options(home=tmp_path, contacts=7, seed=3))
    known = {"consumer_key": "key", "consumer_secret": "word", "respond_token": "token"}
    (opened.folder("sandbox") / "credentials.json").write_text(json.dumps(known))
    yield opened
    opened.close()


def test_the_stand_ins_get_the_homes_population_and_ports(home: Home) -> None:
    command = " ".join(demo_tenant.stand_ins(home).command)
    assert "--contacts 7 --seed 3" in command
    assert f"--salesforce-port {home.ports['salesforce']} --respond-port {home.ports['respond']}" in command


def test_both_connections_lead_to_the_stand_ins(home: Home, postgres_server: postgres.Server) -> None:
    library = demo_tenant.library_environment(home, postgres_server)
    salesforce = json.loads(library["AIRFLOW_CONN_SALESFORCE_DEFAULT"])
    respond = json.loads(library["AIRFLOW_CONN_RESPOND_IO_DEFAULT"])
    assert salesforce["extra"]["login_url"] == demo_tenant.salesforce_url(home)
    assert (respond["host"], respond["password"]) == (f"{demo_tenant.respond_url(home)}/v2", "token")


def test_the_library_works_as_the_applications_role(home: Home, postgres_server: postgres.Server) -> None:
    url = demo_tenant.library_environment(home, postgres_server)["CONTACT_SYNC_DATABASE_URL"]
    assert url.startswith("postgresql://contact_sync:")


def test_only_migrations_know_the_owner(home: Home, postgres_server: postgres.Server) -> None:
    assert "CONTACT_SYNC_OWNER_DATABASE_URL" in demo_tenant.migration(postgres_server).environment
    assert "CONTACT_SYNC_OWNER_DATABASE_URL" not in demo_tenant.library_environment(home, postgres_server)
