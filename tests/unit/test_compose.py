"""docker-compose.yml is well formed, has the whole stack, and keeps each container's secrets from the others."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from infra.containers import rooms
from infra.containers.rooms import ENVIRONMENT, ROOM, Rooms, program
from infra.local.jars import KAFKA_VERSION
from infra.local.postgres import VERSION as POSTGRES_VERSION
from infra.local.services import SERVICES
from shared.settings import NEEDED_BY_EVERY_SERVICE, settings_from

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "tests/contract/compose-spec.json").read_text())
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ["mail", "issuer", *(process for service in SERVICES for process in service.processes)]
SERVICE_OF = {process: service for service in SERVICES for process in service.processes}


def faults(compose: object) -> list[str]:
    return [error.message for error in jsonschema.Draft7Validator(SCHEMA).iter_errors(compose)]


def test_its_shape_is_the_compose_specifications() -> None:
    assert faults(COMPOSE) == []


def test_a_misspelt_key_would_be_found() -> None:
    misspelt = COMPOSE | {"services": CONTAINERS | {"vault": CONTAINERS["vault"] | {"helthcheck": {}}}}
    assert any("helthcheck" in fault for fault in faults(misspelt))


def test_it_has_every_process_of_make_run_and_no_other() -> None:
    assert set(CONTAINERS) == {*OURS, "kafka", "postgres", "prepare", "provision"}
    for process in OURS:
        assert CONTAINERS[process]["command"] == ["serve", process]
        assert program(process)


def test_kafka_and_postgresql_are_the_versions_that_tests_run_on() -> None:
    assert CONTAINERS["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"
    assert CONTAINERS["postgres"]["image"] == f"postgres:{POSTGRES_VERSION}"


@pytest.mark.parametrize("container", sorted(set(CONTAINERS) - {"prepare"}))
def test_a_container_sees_its_own_room_and_data_alone(container: str) -> None:
    mounted = {volume.split(":")[0] for volume in CONTAINERS[container]["volumes"]}
    assert mounted <= {f"{container}-room", f"{container}-data"}
    assert f"{container}-room:/rooms/{container}" in CONTAINERS["prepare"]["volumes"]


def test_every_volume_is_declared_and_used() -> None:
    used = {volume.split(":")[0] for container in CONTAINERS.values() for volume in container["volumes"]}
    assert used == set(COMPOSE["volumes"])


def test_nothing_is_published_beyond_the_machine() -> None:
    published = [port for container in CONTAINERS.values() for port in container.get("ports", [])]
    assert published
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in published)


def test_everything_waits_for_what_it_stands_on() -> None:
    for process in OURS:
        assert CONTAINERS[process]["depends_on"] == {"provision": {"condition": "service_completed_successfully"}}
    for server in ("kafka", "postgres"):
        assert "healthcheck" in CONTAINERS[server]
        assert CONTAINERS["provision"]["depends_on"][server] == {"condition": "service_healthy"}


@pytest.mark.parametrize("container", [*OURS, "prepare", "provision"])
def test_our_processes_run_with_the_least_rights(container: str) -> None:
    about = CONTAINERS[container]
    assert about["read_only"] is True
    assert about["cap_drop"] == ["ALL"]
    assert about["security_opt"] == ["no-new-privileges:true"]
    if container in OURS:
        assert "user" not in about  # the Dockerfile's, who is not root
        assert "cap_add" not in about


def test_the_image_runs_as_nobody_in_particular_and_installs_what_is_locked() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert f"--uid {rooms.OURS} " in dockerfile
    assert "\nUSER exchange\n" in dockerfile
    assert "--require-hashes -r /containers.txt" in dockerfile
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY (\S+) \S+$", dockerfile, re.MULTILINE)
    assert ignored[0] == "*"
    assert {line[1:] for line in ignored if line.startswith("!")} == set(copied)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Rooms:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rooms, "_give", lambda room, user: room.mkdir(exist_ok=True))  # only root may give files away
        made = Rooms(tmp_path_factory.mktemp("rooms"))
        made.prepare()
        first = {path: path.read_bytes() for path in made.folder.rglob("*") if path.is_file()}
        made.prepare()
        assert {path: path.read_bytes() for path in made.folder.rglob("*") if path.is_file()} == first
    return made


@pytest.mark.parametrize("process", sorted(SERVICE_OF))
def test_a_process_accepts_the_settings_in_its_room(
    prepared: Rooms, process: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = prepared.folder / process
    told: dict[str, str] = json.loads((room / ENVIRONMENT).read_text())
    here = {name: value.replace(f"{ROOM}/", f"{room}/") for name, value in told.items()}
    settings = settings_from(here, need=NEEDED_BY_EVERY_SERVICE)
    assert settings.service == SERVICE_OF[process].name
    assert settings.kafka_password
    for file in (settings.client_key_file, settings.cursor_key_file):
        assert Path(file).stat().st_size > 0
    assert all(name.startswith("SX_") for name in told)


def test_no_secret_lies_in_two_services_rooms(prepared: Rooms) -> None:
    shared_by = ("cursor-key", "client-key.pem", "kafka-password")  # of the two processes of one service
    secrets = {path.read_text(): path for path in prepared.secrets.iterdir()}
    for process, service in SERVICE_OF.items():
        for path in (prepared.folder / process).iterdir():
            if path.is_dir():
                continue
            for text, origin in secrets.items():
                if text in path.read_text():
                    assert service.name in origin.name or any(db in origin.name for db in service.databases.values())
                    assert path.name in (*shared_by, ENVIRONMENT)
                    assert not origin.name.endswith("-owner")


def test_every_file_of_a_room_is_for_its_owner_alone(prepared: Rooms) -> None:
    for path in prepared.folder.rglob("*"):
        if path.is_file():
            assert path.stat().st_mode & 0o077 == 0, path
