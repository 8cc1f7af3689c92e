"""The local server: private, restartable, and never in the way of the next start."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from sandbox import postgres, processes


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which a cluster was made."""
    directory = tmp_path_factory.mktemp("postgres")
    postgres.start(directory).stop()
    return directory


@pytest.fixture
def server(home: Path) -> Iterator[postgres.Server]:
    running = postgres.start(home)
    yield running
    running.stop()


def test_a_server_accepts_connections_as_soon_as_it_is_started(server: postgres.Server) -> None:
    assert postgres.psql(server, "SELECT 1") == "1"


def test_the_port_can_be_given(home: Path) -> None:
    port = processes.free_port()
    server = postgres.start(home, port=port)
    server.stop()
    assert server.port == port


def test_passwords_are_private(home: Path) -> None:
    assert stat.S_IMODE((home / "passwords.json").stat().st_mode) == 0o600


def test_a_wrong_password_is_refused(server: postgres.Server) -> None:
    wrong = server.url().replace(server.passwords["postgres"], "wrong")
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(wrong)


def test_the_server_listens_on_loopback_only(server: postgres.Server) -> None:
    assert postgres.psql(server, "SHOW listen_addresses") == "127.0.0.1"


@pytest.mark.parametrize(
    ("role", "database", "may_connect"),
    [
        ("contact_sync", "contact_sync", True),
        ("contact_sync_owner", "contact_sync", True),
        ("airflow", "airflow", True),
        ("airflow", "contact_sync", False),
        ("contact_sync", "airflow", False),
    ],
)
def test_each_role_reaches_only_its_own_database(
    server: postgres.Server, role: str, database: str, may_connect: bool
) -> None:
    try:
        answer = postgres.psql(server, "SELECT 1", database=database, role=role)
    except postgres.PostgresError as error:
        answer = str(error)
    assert (answer == "1") is may_connect


def test_the_application_role_owns_nothing_and_is_no_superuser(server: postgres.Server) -> None:
    question = """
        SELECT r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR d.datdba = r.oid
          FROM pg_roles r, pg_database d WHERE r.rolname = 'contact_sync' AND d.datname = 'contact_sync'
    """
    assert postgres.psql(server, question) == "f"


def test_what_was_committed_survives_a_kill(server: postgres.Server) -> None:
    postgres.psql(server, "CREATE TABLE IF NOT EXISTS kept (n int); INSERT INTO kept VALUES (1)")
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    server.restart_if_dead()
    assert postgres.psql(server, "SELECT count(*) > 0 FROM kept") == "t"


def test_a_living_server_is_left_alone(server: postgres.Server) -> None:
    assert not server.restart_if_dead()


def test_a_server_left_over_from_a_killed_supervisor_is_replaced(home: Path) -> None:
    leftover = postgres.start(home)
    server = postgres.start(home)
    server.stop()
    assert leftover.process.wait(60) is not None


def test_a_stopped_server_leaves_no_process(home: Path) -> None:
    server = postgres.start(home)
    server.stop()
    assert processes.start_time(server.process.pid) is None


def test_a_half_made_cluster_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "data.new").mkdir()
    (tmp_path / "data.new" / "PG_VERSION").write_text("half")
    postgres.start(tmp_path).stop()
    assert (tmp_path / "data" / "PG_VERSION").read_text().strip() != "half"


def test_an_interrupted_set_up_is_completed(home: Path) -> None:
    (home / "set-up").unlink()
    server = postgres.start(home)
    server.stop()
    assert (home / "set-up").exists()


def test_a_stale_process_id_of_a_stranger_does_not_block_the_start(home: Path) -> None:
    (home / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n{home / 'data'}\n0\n1\n\n127.0.0.1\n\n")
    server = postgres.start(home)
    server.stop()
    assert server.process.returncode == 0


def test_a_port_in_use_is_said_with_the_servers_own_words(home: Path, server: postgres.Server) -> None:
    other = home.parent / "other"
    with pytest.raises(postgres.PostgresError, match=f"did not start on port {server.port}"):
        postgres.start(other, port=server.port)
