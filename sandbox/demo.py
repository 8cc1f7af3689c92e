"""The demo: everything on this machine, from an empty folder to agents' sidebar rows, under one supervisor.

Uses the library as an operator would, by its commands and by SQL. Started by ``bin/demo``.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import shlex
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from sandbox import (
    demo_airflow,
    demo_creations,
    demo_cycle,
    demo_database,
    demo_edits,
    demo_hires,
    demo_loop,
    demo_summary,
    demo_tenant,
    postgres,
)
from sandbox.demo_home import DEFAULT_CONTACTS, DEFAULT_SEED, ROOT, SERVERS, DemoError, Home, Options
from sandbox.demo_parts import POLL_SECONDS, Parts, Progress, StoppedError, answers

START_SECONDS = 240

#: What went the way back: an agent's edits, and the new people.
Loop = tuple[demo_edits.Edits, demo_creations.Creations]


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; return 0 if all went well, 1 if something did not, 2 for a wrong call, 130 if stopped early."""
    options = _options(arguments)
    progress = Progress()
    try:
        home = Home(options)
    except DemoError as error:
        print(f"bin/demo: {error}", file=sys.stderr)
        return 2
    parts = Parts(home, progress)
    parts.listen_to_signals()
    try:
        return _run(options, home, parts, progress)
    except StoppedError:
        return 130 if options.once or not parts.is_ready else 0
    except (DemoError, postgres.PostgresError) as error:
        print(f"bin/demo: {error}", file=sys.stderr)
        return 1
    finally:
        progress.say("stopping everything")
        for name in ("demo.json", "environment.sh"):
            home.remove(name)
        parts.stop()
        home.close()
        progress.say("stopped; no process is left")


def _options(arguments: list[str] | None) -> Options:
    parser = argparse.ArgumentParser(
        prog="bin/demo", description="Salesforce contacts in the respond.io sidebar, with stand-ins for both."
    )
    parser.add_argument(
        "--once", action="store_true", help="exit after the summary; 0 only if every stage did its work"
    )
    parser.add_argument(
        "--contacts", type=int, help=f"Salesforce contacts to make (default {DEFAULT_CONTACTS})"
    )
    parser.add_argument("--seed", type=int, help=f"another population (default {DEFAULT_SEED})")
    parser.add_argument(
        "--home", type=Path, default=ROOT / ".local", help="where its data lives (default .local)"
    )
    for server in SERVERS:
        parser.add_argument(f"--{server}-port", type=int, help="chosen free if not given")
    typed = parser.parse_args(arguments)
    ports = {server: getattr(typed, f"{server}_port") for server in SERVERS}
    return Options(home=typed.home, contacts=typed.contacts, seed=typed.seed, once=typed.once, ports=ports)


def _run(options: Options, home: Home, parts: Parts, progress: Progress) -> int:
    progress.say(f"home {home.path}: {home.contacts:,} Salesforce contacts, seed {home.seed}")
    if parts.clean_up():
        progress.say("ended what an earlier demo had left running")
    server = _start_postgres(home, parts, progress)
    library = _start_stand_ins(home, parts, progress, server)
    airflow = _start_airflow(home, parts, progress, {**library, **_airflow_settings(home, server)})
    parts.start(demo_tenant.sidebar(home, library))
    org_id = demo_tenant.connect(parts, library)
    progress.say(f"connected org {org_id} to workspace {demo_tenant.WORKSPACE}")
    hired = demo_hires.enter(home)
    if hired.is_new:
        progress.say(f"{len(hired.ids)} new people were entered in Salesforce")
    _wait_for_servers(home, parts, progress, airflow)
    edges = demo_cycle.Edges(
        library["CONTACT_SYNC_DATABASE_URL"], airflow, home.folder("airflow") / "logs", parts, progress
    )
    cycle = demo_cycle.run(edges, seconds=240 + home.contacts / 50)
    parts.is_ready = True
    token = demo_tenant.sidebar_token(parts, library)
    loop = None
    if not cycle.failures:
        loop = _close(home, edges, org_id, hired, token)
    _write_where(home, {**library, **_airflow_settings(home, server)}, org_id, token)
    is_good = _tell(home, progress, edges.database_url, cycle, loop, stays=not options.once)
    if not options.once:
        progress.say("ready. Ctrl-C ends everything.")
        _stay(parts)
    return 0 if is_good else 1


def _close(home: Home, edges: demo_cycle.Edges, org_id: str, hired: demo_hires.Hired, token: str) -> Loop:
    """Make the edits while the new people wait; end when nothing is left to do."""
    edits = demo_edits.make(edges, home, token)
    changed_at = demo_database.ask(edges.database_url, "now")[0]["now"]
    creations = demo_creations.finish(edges, home, org_id, hired)
    demo_cycle.settle(edges, changed_at)
    return edits, creations


def _stay(parts: Parts) -> NoReturn:
    """Look after everybody until somebody asks us to stop, which raises StoppedError."""
    while True:
        parts.watch()
        time.sleep(POLL_SECONDS)


def _wait_for_servers(home: Home, parts: Parts, progress: Progress, airflow: demo_airflow.Rest) -> None:
    health = f"{demo_tenant.sidebar_url(home)}/health"
    parts.wait(functools.partial(answers, health), "the sidebar service", START_SECONDS)
    parts.wait(airflow.is_healthy, "Airflow's four components", START_SECONDS)
    demo_cycle.check_imports(airflow, parts)
    progress.say(f"Airflow is up at {_airflow_url(home)}, no import errors")


def _start_postgres(home: Home, parts: Parts, progress: Progress) -> postgres.Server:
    server = postgres.start(home.path / "postgres", port=home.ports["postgres"])
    parts.postgres = server
    airflow_database = server.url("airflow", role="airflow")
    if demo_database.has_table(airflow_database, "dag"):
        demo_database.ask(airflow_database, "pause_all_dags")
    progress.say(f"Postgres is up on port {server.port}")
    return server


def _start_stand_ins(home: Home, parts: Parts, progress: Progress, server: postgres.Server) -> dict[str, str]:
    """Start both stand-ins while the tables are made; return what the library needs to know."""
    parts.start(demo_tenant.stand_ins(home))
    airflow_environment = {**demo_airflow.base_environment(), **_airflow_settings(home, server)}
    parts.run(demo_tenant.migration(server), demo_airflow.migration(airflow_environment))
    progress.say("tables of both databases are up to date")
    for url in (demo_tenant.salesforce_url(home), demo_tenant.respond_url(home)):
        parts.wait(functools.partial(answers, f"{url}/_sandbox/health"), "the stand-ins", START_SECONDS)
    progress.say("the stand-ins of Salesforce and respond.io are up")
    return demo_tenant.library_environment(home, server)


def _start_airflow(
    home: Home, parts: Parts, progress: Progress, settings: dict[str, str]
) -> demo_airflow.Rest:
    for part in demo_airflow.components({**demo_airflow.base_environment(), **settings}):
        parts.start(part)
    progress.say("Airflow is starting")
    return demo_airflow.Rest(_airflow_url(home))


def _airflow_settings(home: Home, server: postgres.Server) -> dict[str, str]:
    return demo_airflow.settings(home, server.url("airflow", role="airflow"))


def _airflow_url(home: Home) -> str:
    return f"http://127.0.0.1:{home.ports['airflow']}"


def _write_where(home: Home, environment: dict[str, str], org_id: str, token: str) -> None:
    """Tell programs (demo.json) and people (environment.sh) where everything is; both are private."""
    places = {
        "database_url": environment["CONTACT_SYNC_DATABASE_URL"],
        "airflow_url": _airflow_url(home),
        "salesforce_url": demo_tenant.salesforce_url(home),
        "respond_url": demo_tenant.respond_url(home),
        "sidebar_url": demo_tenant.sidebar_url(home),
        "workspace_id": demo_tenant.WORKSPACE,
        "org_id": org_id,
        "sidebar_token": token,
        "pid": os.getpid(),
    }
    home.write_private("demo.json", json.dumps(places, indent=2))
    tools = (str(Path(sys.executable).parent), str(Path(postgres.binary("psql")).parent))
    exported = {**environment, "PYTHONPATH": str(ROOT / "plugins")}
    lines = [f"export {name}={shlex.quote(value)}" for name, value in exported.items()]
    lines.append(f"export PATH={shlex.quote(tools[0])}:$PATH:{shlex.quote(tools[1])}")
    home.write_private("environment.sh", "\n".join(lines) + "\n")


def _tell(
    home: Home,
    progress: Progress,
    database_url: str,
    cycle: demo_cycle.Cycle,
    loop: Loop | None,
    *,
    stays: bool,
) -> bool:
    """Print the summary; return whether every stage did its work and the truth check found nothing."""
    sections: list[Iterable[str]] = [demo_summary.stages(database_url, cycle)]
    missing = demo_cycle.missing_stages(database_url)
    is_good = not missing
    if missing:
        sections.append([f"Never ran to a good end: {', '.join(missing)}"])
    if loop is None:
        is_good = False
    else:
        edits, creations = loop
        found = demo_summary.verdict(database_url, demo_tenant.respond_url(home))
        is_good = is_good and found.is_perfect and edits.is_good and creations.is_good
        sections += [
            demo_summary.writes(cycle),
            demo_summary.truth(found),
            demo_summary.sidebar(database_url),
            demo_loop.creations(creations),
            demo_loop.edits(edits),
        ]
    urls = {"Airflow": _airflow_url(home), "the sidebar": demo_tenant.sidebar_url(home)}
    sections.append(demo_summary.where_to_look(home.path, urls, stays=stays))
    for section in sections:
        progress.tell(["", *section])
    progress.tell([""])
    return is_good


if __name__ == "__main__":
    sys.exit(main())
