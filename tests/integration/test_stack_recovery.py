"""A stack whose run was killed starts again by itself and finds its data; nothing of the killed run goes on."""

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from infra.local.backbone import STATE, Backbone
from infra.local.failures import CannotStart
from infra.local.ports import BackbonePorts
from infra.local.processes import ChildProcess, start
from infra.postgres.provision import run
from shared.settings import KNOWN_SECRETS
from tests.stacks import Stack

RUN = """
import sys, time
from pathlib import Path
from infra.local.backbone import Backbone
from infra.local.ports import BackbonePorts
names = ("kafka", "kafka_agencies", "kafka_controller", "postgres")
backbone = Backbone(Path(sys.argv[1]), BackbonePorts(**dict(zip(names, map(int, sys.argv[2:])))))
backbone.start()
print(backbone.kafka.process.pid, backbone.postgres.process.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def home() -> Iterator[Path]:
    folder = STATE / f"test-{os.getpid()}-recovery"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def begun(home: Path, ports: BackbonePorts) -> tuple[ChildProcess, list[int]]:
    """A run in a process of its own, and the pids of the servers it started."""
    numbers = [ports.kafka, ports.kafka_agencies, ports.kafka_controller, ports.postgres]
    running = start([sys.executable, "-c", RUN, home, *map(str, numbers)], environment=os.environ)
    assert running.output is not None
    return running, [int(pid) for pid in running.output.readline().split()]


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def write(backbone: Backbone, value: bytes) -> None:
    producer = KafkaProducer(**sign_in(backbone), acks="all")
    producer.send("kept", value).get(timeout=20)
    producer.close()


def sign_in(backbone: Stack) -> dict[str, object]:
    return {
        "bootstrap_servers": backbone.kafka.bootstrap,
        "security_protocol": backbone.kafka.security_protocol,
        "sasl_mechanism": backbone.kafka.sasl_mechanism,
        "sasl_plain_username": backbone.kafka.admin_username,
        "sasl_plain_password": backbone.kafka.admin_password,
    }


async def execute(url: str, statement: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()


def test_a_killed_run_is_recovered_with_its_data(home: Path) -> None:
    ports = BackbonePorts.free()
    backbone = Backbone(home, ports)
    backbone.start()
    backbone.create_topic("kept", partitions=1)
    write(backbone, b"before")
    run(execute(backbone.postgres.admin_url, "CREATE TABLE kept AS SELECT 'before' AS value"))
    backbone.stop()

    running, servers = begun(home, ports)
    with pytest.raises(CannotStart, match=f"Process {running.pid} already runs the stack"):
        Backbone(home, ports).start()
    os.kill(running.pid, signal.SIGKILL)
    running.wait()

    again = Backbone(home, ports)
    again.start()
    try:
        assert not any(lives(pid) for pid in servers)
        write(again, b"after")
        consumer = KafkaConsumer(**sign_in(again), group_id=None, auto_offset_reset="earliest")
        consumer.assign([TopicPartition("kept", 0)])
        values: list[bytes] = []
        while len(values) < 2:
            values += [record.value for records in consumer.poll(timeout_ms=500).values() for record in records]
        consumer.close()
        assert values == [b"before", b"after"]
        assert run(execute(again.postgres.admin_url, "SELECT value FROM kept"))[0]["value"] == "before"
    finally:
        again.stop()


def test_nobody_gets_in_without_a_password_of_this_installation(stack: Stack) -> None:
    for guess in sorted(KNOWN_SECRETS - {""}):
        with pytest.raises(KafkaError):
            KafkaAdminClient(**sign_in(stack) | {"sasl_plain_password": guess}, bootstrap_timeout_ms=1000)
        address = stack.postgres.admin_url.rpartition("@")[2]
        with pytest.raises(asyncpg.InvalidPasswordError):
            run(execute(f"postgresql://postgres:{guess}@{address}", "SELECT 1"))
    anonymous = {"bootstrap_servers": stack.kafka.bootstrap, "security_protocol": "PLAINTEXT"}
    with pytest.raises(KafkaError):
        KafkaAdminClient(**anonymous, bootstrap_timeout_ms=1000)


def test_every_secret_is_for_its_owner_alone(stack: Stack) -> None:
    if not isinstance(stack, Backbone):
        pytest.skip("whoever runs these servers keeps their secrets")
    for path in stack.home.secrets.rglob("*"):
        assert path.is_dir() or path.stat().st_mode & 0o077 == 0, path
