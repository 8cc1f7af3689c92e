"""The demo's two systems and its one workspace: the stand-ins, and what an operator would type to connect them."""

from __future__ import annotations

import json
from typing import Any

from sandbox import demo_database, postgres
from sandbox.demo_airflow import base_environment
from sandbox.demo_home import ROOT, DemoError, Home
from sandbox.demo_parts import Errand, Part, Parts, python

WORKSPACE = "demo"

#: What the agents of the demo see, in order: own fields of the contact, one of its account, one custom field.
FIELDS = "Title,Department,Account.Name,Email,Phone,MobilePhone,Loyalty_Tier__c"
EDITABLE = "Title,Department,Loyalty_Tier__c"


def stand_ins(home: Home) -> Part:
    """Return both vendors in one process. It stays down when it ends, so that one can watch the pipeline without."""
    options = ("--contacts", str(home.contacts), "--seed", str(home.seed))
    ports = ("--salesforce-port", str(home.ports["salesforce"]), "--respond-port", str(home.ports["respond"]))
    return Part(
        name="stand-ins",
        command=python("-m", "sandbox", "serve", "--data", str(home.folder("sandbox")), *ports, *options),
        environment=base_environment(),
        restarts=False,
    )


def salesforce_url(home: Home) -> str:
    """Return where the Salesforce stand-in answers."""
    return f"http://127.0.0.1:{home.ports['salesforce']}"


def respond_url(home: Home) -> str:
    """Return where the respond.io stand-in answers; its API is below ``/v2``."""
    return f"http://127.0.0.1:{home.ports['respond']}"


def library_environment(home: Home, server: postgres.Server) -> dict[str, str]:
    """Return what the library needs to know: database, secret, and both connections as Airflow writes them."""
    known = json.loads((home.folder("sandbox") / "credentials.json").read_text())
    salesforce = {
        "consumer_key": known["consumer_key"],
        "consumer_secret": known["consumer_secret"],
        "login_url": salesforce_url(home),
        "instance_url": salesforce_url(home),
    }
    respond = {"conn_type": "http", "host": f"{respond_url(home)}/v2", "password": known["respond_token"]}
    return {
        "CONTACT_SYNC_DATABASE_URL": server.url("contact_sync", role="contact_sync"),
        "CONTACT_SYNC_SECRET": home.secret("contact_sync"),
        "CONTACT_SYNC_DATA_DOCS": str(home.folder("data-docs")),
        "AIRFLOW_CONN_SALESFORCE_DEFAULT": json.dumps({"conn_type": "salesforce", "extra": salesforce}),
        "AIRFLOW_CONN_RESPOND_IO_DEFAULT": json.dumps(respond),
    }


def sidebar(home: Home, library: dict[str, str]) -> Part:
    """Return the service that agents' browsers talk to."""
    return Part(
        name="sidebar",
        command=python("-m", "contact_sync", "serve", "--port", str(home.ports["sidebar"])),
        environment={**base_environment(), **library, "PYTHONPATH": str(ROOT / "plugins")},
    )


def sidebar_url(home: Home) -> str:
    """Return where the sidebar service answers."""
    return f"http://127.0.0.1:{home.ports['sidebar']}"


def sidebar_token(parts: Parts, library: dict[str, str]) -> str:
    """Return a token with which a program may read and edit in the demo's workspace."""
    answer = _command(parts, library, "token", WORKSPACE, "--agent", "demo", "--scope", "edit")
    return str(answer["token"])


def migration(server: postgres.Server) -> Errand:
    """Return the command that makes or upgrades our tables, as their owner."""
    environment = {
        **base_environment(),
        "PYTHONPATH": str(ROOT / "plugins"),
        "CONTACT_SYNC_OWNER_DATABASE_URL": server.url("contact_sync", role="contact_sync_owner"),
        "CONTACT_SYNC_DATABASE_URL": server.url("contact_sync", role="contact_sync"),
    }
    return Errand(
        name="contact-sync-migrate", command=python("-m", "contact_sync", "migrate"), environment=environment
    )


def connect(parts: Parts, library: dict[str, str]) -> str:
    """Connect the org; return its id.

    The first time the workspace is made and switched on both ways, and its fields are chosen. That comes last: a
    record entered afterwards is younger than the switch, also by a clock of whole seconds.
    """
    answer = _command(parts, library, "connect", "salesforce_default", "--name", "Demo org")
    org_id = answer.get("org_id")
    if not isinstance(org_id, str):
        raise DemoError("contact-sync connect did not say which org it connected")
    url = library["CONTACT_SYNC_DATABASE_URL"]
    if not demo_database.ask(url, "chosen_fields", workspace_id=WORKSPACE, org_id=org_id):
        set_up = ("--respond-conn", "respond_io_default", "--org", org_id, "--name", "Demo workspace")
        switches = ("--editing", "on", "--auto-create", "on", "--tag", "on")
        _command(parts, library, "workspace", "set", WORKSPACE, *set_up, *switches)
        _command(parts, library, "fields", WORKSPACE, "--set", FIELDS, "--editable", EDITABLE)
    return org_id


def _command(parts: Parts, library: dict[str, str], *words: str) -> dict[str, Any]:
    environment = {**base_environment(), **library, "PYTHONPATH": str(ROOT / "plugins")}
    name = f"contact-sync-{words[0]}"
    command = python("-m", "contact_sync", *words, "--json")
    (out,) = parts.run(Errand(name=name, command=command, environment=environment))
    try:
        answer: dict[str, Any] = json.loads(out)
    except ValueError as error:
        raise DemoError(f"{name} --json did not print JSON") from error
    return answer
