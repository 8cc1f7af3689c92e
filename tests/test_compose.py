"""The compose file, held against what exists: no container engine is needed to know that it cannot be wrong there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(set(SERVICES) - {"postgres"})
AIRFLOW = ("init", "api-server", "scheduler", "dag-processor", "triggerer")

#: Keys of a service in the Compose specification, as far as we use them; a misspelt one is refused by compose.
SERVICE_KEYS = {
    *(
        "image",
        "build",
        "user",
        "entrypoint",
        "command",
        "working_dir",
        "environment",
        "secrets",
        "volumes",
        "tmpfs",
        "shm_size",
    ),
    *(
        "ports",
        "networks",
        "network_mode",
        "depends_on",
        "healthcheck",
        "profiles",
        "restart",
        "init",
        "read_only",
    ),
    *("cap_drop", "security_opt", "logging"),
}

#: Asks Airflow itself, in a process of its own, which commands and settings it has.
ASK_AIRFLOW = """
import argparse, json
from airflow.cli import cli_parser
from airflow.configuration import retrieve_configuration_description
def words(parser):
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return {name: words(sub) for name, sub in action.choices.items()}
    return sorted(option for action in parser._actions for option in action.option_strings)
settings = {s: sorted(d["options"]) for s, d in retrieve_configuration_description(include_providers=False).items()}
print(json.dumps({"commands": words(cli_parser.get_parser()), "settings": settings}))
"""


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Airflow's commands with their options, and its settings by section."""
    home = str(tmp_path_factory.mktemp("airflow"))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW")} | {
        "AIRFLOW_HOME": home
    }
    asked = subprocess.run(
        [sys.executable, "-c", ASK_AIRFLOW], env=environment, capture_output=True, text=True
    )
    assert asked.returncode == 0, asked.stderr
    found: dict[str, Any] = json.loads(asked.stdout.splitlines()[-1])
    return found


def commands(program: str) -> list[list[str]]:
    """Return the words after ``program`` of every command in the file, health checks included."""
    text = TEXT.replace("\\\n", " ")
    return [
        found.split()
        for found in re.findall(rf"(?:command: |^ +|'){program} ([a-z][^'\n]*)", text, re.MULTILINE)
    ]


def test_the_services_of_production_are_there() -> None:
    assert {"postgres", "init", *AIRFLOW, "sidebar"} <= set(SERVICES)


def test_the_stand_ins_are_a_profile_of_their_own() -> None:
    assert [name for name, service in SERVICES.items() if service.get("profiles")] == ["stand-ins"]


@pytest.mark.parametrize("name", SERVICES)
def test_only_keys_that_compose_knows_are_used(name: str) -> None:
    assert set(SERVICES[name]) <= SERVICE_KEYS


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_hardened(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] not in ("root", "0", 0)


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "init"])
def test_every_server_says_whether_it_is_well(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_loopback_only(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


def test_postgres_is_reached_from_inside_only() -> None:
    assert "ports" not in SERVICES["postgres"]
    assert [COMPOSE["networks"][name].get("internal") for name in SERVICES["postgres"]["networks"]] == [True]


def test_every_mounted_path_exists() -> None:
    sources = [v.split(":")[0] for service in SERVICES.values() for v in service.get("volumes", [])]
    assert [path for path in sources if path.startswith(".") and not (ROOT / path).exists()] == []
    assert {path for path in sources if not path.startswith(".")} == set(COMPOSE["volumes"])


@pytest.mark.parametrize("name", OURS)
def test_the_code_is_mounted_read_only(name: str) -> None:
    code = [v for v in SERVICES[name].get("volumes", []) if v.startswith("./")]
    assert code
    assert all(v.endswith(":ro") for v in code)


def test_the_library_finds_its_statements_where_they_are_mounted() -> None:
    volumes = SERVICES["scheduler"]["volumes"]
    assert {"./plugins:/opt/airflow/plugins:ro", "./include:/opt/airflow/include:ro"} <= set(volumes)


def test_the_image_is_built_from_files_that_exist() -> None:
    build = SERVICES["scheduler"]["build"]
    dockerfile = (ROOT / build["dockerfile"]).read_text()
    copied = re.findall(r"^COPY (?:--\S+ )*(\S+) ", dockerfile, flags=re.MULTILINE)
    assert copied
    assert all((ROOT / path).exists() for path in copied)


def test_the_image_has_the_airflow_that_is_tested() -> None:
    (version,) = re.findall(
        r"^apache-airflow==(\S+)", (ROOT / "requirements.txt").read_text(), flags=re.MULTILINE
    )
    assert f"FROM apache/airflow:{version}-python3" in (ROOT / "deploy/Dockerfile").read_text()


def test_no_variable_has_a_default() -> None:
    used = re.findall(r"(?<!\$)\$\{(\w+)([^}]*)\}", TEXT)
    assert used
    assert [name for name, rest in used if not rest.startswith(":?")] == []


def test_no_secret_stands_in_the_file() -> None:
    secret = re.compile(r"(PASSWORD|SECRET|FERNET_KEY|JWT_SECRET)\w*: (?!\$\{|/run/secrets/|\{ environment)")
    assert [line for line in TEXT.splitlines() if secret.search(line)] == []


def test_the_example_names_every_variable_and_fills_in_none() -> None:
    example = dict(re.findall(r"^(\w+)=(.*)$", (ROOT / ".env.example").read_text(), flags=re.MULTILINE))
    from_environment = {secret["environment"] for secret in COMPOSE["secrets"].values()}
    assert set(example) == set(re.findall(r"\$\{(\w+):\?", TEXT)) | from_environment
    assert set(example.values()) == {""}


def test_every_secret_is_declared_and_read() -> None:
    declared = set(COMPOSE["secrets"])
    assert set(SERVICES["postgres"]["secrets"]) == declared
    scripts = (ROOT / "deploy/postgres-init.sh").read_text() + TEXT
    assert all(f"/run/secrets/{name}" in scripts for name in declared)


def test_every_airflow_setting_exists(airflow: dict[str, Any]) -> None:
    used = sorted(
        {name for name in re.findall(r"\bAIRFLOW__(\w+?)(?=:)", TEXT) if not name.startswith("FAB__")}
    )
    unknown = []
    for name in used:
        section, _, option = name.lower().partition("__")
        if option not in airflow["settings"].get(section, []):
            unknown.append(name)
    assert used
    assert unknown == []


@pytest.mark.parametrize("words", [w for w in commands("airflow") if w[0] != "users"], ids=" ".join)
def test_every_airflow_command_exists(words: list[str], airflow: dict[str, Any]) -> None:
    known = airflow["commands"]
    while isinstance(known, dict):
        known, words = known[words[0]], words[1:]
    assert {word for word in words if word.startswith("--")} <= set(known)


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("contact_sync", ["migrate"]),
        ("contact_sync", str(SERVICES["sidebar"]["command"]).split()),
        ("sandbox", str(SERVICES["stand-ins"]["command"]).split()),
    ],
)
def test_every_command_of_ours_exists(module: str, words: list[str]) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"}
    command = [sys.executable, "-m", module, words[0], "--help"]
    asked = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert asked.returncode == 0, asked.stderr
    assert [word for word in words if word.startswith("--") and word not in asked.stdout] == []


def test_waiting_is_for_services_that_exist() -> None:
    waits = {other for service in SERVICES.values() for other in service.get("depends_on", {})}
    assert waits <= set(SERVICES)


def test_parallel_joins_have_memory_to_share() -> None:
    # a container's default of 64 MB would end the first join of a million contacts, and each later one
    assert SERVICES["postgres"]["shm_size"] == "1gb"
