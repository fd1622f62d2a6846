"""The files that operators start from agree with the program."""

import re
from pathlib import Path

import yaml

from conecta.settings import Settings

ROOT = Path(__file__).parent.parent
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]


def test_compose_has_the_whole_house():
    assert SERVICES["api"]["deploy"]["replicas"] == 2
    assert SERVICES["worker"]["deploy"]["replicas"] == 2
    assert SERVICES["postgres"]["image"].startswith("postgres:18")
    assert {"valkey", "store", "mail", "balancer", "migrate"} <= SERVICES.keys()


def test_every_variable_of_compose_is_a_setting():
    known = {f"CONECTA_{name.upper()}" for name in Settings.model_fields}
    for service in ("api", "worker", "migrate"):
        used = {name for name in SERVICES[service]["environment"] if name.startswith("CONECTA_")}
        assert used <= known, f"{service}: {used - known}"


def test_every_command_of_compose_exists():
    from typer.main import get_command

    from conecta.cli import app

    commands = get_command(app).commands
    for service in ("api", "worker", "migrate"):
        program, command, *options = SERVICES[service]["command"]
        assert program == "conecta"
        known = {option for parameter in commands[command].params for option in parameter.opts}
        assert {option for option in options if option.startswith("--")} <= known


def test_servers_wait_for_the_migrations():
    for service in ("api", "worker"):
        condition = SERVICES[service]["depends_on"]["migrate"]["condition"]
        assert condition == "service_completed_successfully"
    assert SERVICES["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"


def test_every_service_depends_on_services_that_exist():
    for name, service in SERVICES.items():
        assert set(service.get("depends_on", {})) <= SERVICES.keys(), name


def test_the_image_copies_what_it_runs_from():
    text = (ROOT / "Dockerfile").read_text()
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        for path in source.split():
            assert (ROOT / path).exists(), path
    assert "requirements.lock" in text
    assert "--require-hashes" in text
    assert "COPY migrations migrations" in text


def test_locks_hold_no_address():
    for name in ("requirements.lock", "requirements-test.lock"):
        assert "://" not in (ROOT / name).read_text()
