"""A home belongs to one demo at a time and remembers how it was made."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from sandbox.demo_home import DEFAULT_CONTACTS, DemoError, Home, Options


def test_a_new_home_takes_the_defaults(tmp_path: Path) -> None:
    home = Home(Options(home=tmp_path))
    home.close()
    assert (home.contacts, home.seed) == (DEFAULT_CONTACTS, 1)


def test_a_second_demo_in_the_same_home_is_refused(tmp_path: Path) -> None:
    home = Home(Options(home=tmp_path))
    with pytest.raises(DemoError, match=r"Another demo runs .*process \d+.*--home"):
        Home(Options(home=tmp_path))
    home.close()


def test_a_closed_home_can_be_opened_again(tmp_path: Path) -> None:
    Home(Options(home=tmp_path, contacts=7)).close()
    home = Home(Options(home=tmp_path))
    home.close()
    assert home.contacts == 7


@pytest.mark.parametrize("asked", [{"contacts": 8}, {"seed": 2}])
def test_another_population_in_an_existing_home_is_refused_in_one_line(
    tmp_path: Path, asked: dict[str, int]
) -> None:
    Home(Options(home=tmp_path, contacts=7)).close()
    with pytest.raises(DemoError, match="was made with --contacts 7 --seed 1") as refusal:
        Home(Options(home=tmp_path, contacts=asked.get("contacts"), seed=asked.get("seed")))
    assert "\n" not in str(refusal.value)


def test_a_refusal_leaves_the_home_free(tmp_path: Path) -> None:
    Home(Options(home=tmp_path, contacts=7)).close()
    with pytest.raises(DemoError):
        Home(Options(home=tmp_path, contacts=8))
    Home(Options(home=tmp_path)).close()


def test_a_given_port_in_use_is_named_with_the_option_that_changes_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(DemoError, match=f"Port {port} is in use.*--salesforce-port"):
            Home(Options(home=tmp_path, ports={"salesforce": port}))


def test_the_same_port_for_two_servers_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(DemoError, match="same port"):
        Home(Options(home=tmp_path, ports={"salesforce": port, "respond": port}))


def test_ports_stay_as_they_were(tmp_path: Path) -> None:
    first = Home(Options(home=tmp_path))
    first.close()
    second = Home(Options(home=tmp_path))
    second.close()
    assert second.ports == first.ports


def test_a_port_taken_meanwhile_is_replaced(tmp_path: Path) -> None:
    first = Home(Options(home=tmp_path))
    first.close()
    with socket.create_server(("127.0.0.1", first.ports["airflow"])):
        second = Home(Options(home=tmp_path))
        second.close()
    assert second.ports["airflow"] != first.ports["airflow"]


def test_secrets_stay_the_same_and_are_private(tmp_path: Path) -> None:
    first = Home(Options(home=tmp_path))
    first.close()
    second = Home(Options(home=tmp_path))
    second.close()
    assert first.secret("airflow_jwt") == second.secret("airflow_jwt")
    assert stat.S_IMODE((tmp_path / "settings.json").stat().st_mode) == 0o600
