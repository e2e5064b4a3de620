"""Clients that are none of ours, installed as an agency's developer installs them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from safeguarding_exchange.connection import Connection

from infra.local.backbone import JARS
from infra.local.jars import fetch_jars, locked_jars
from infra.local.java import find_java

EXAMPLES = Path("clients/other")
REFERRAL = EXAMPLES / "referral.json"
JAVA_CLIENT = ("org.apache.kafka:kafka-clients", "org.slf4j:slf4j-api")
"""All that the Java example has on its class path; at the broker's own versions."""


@dataclass(frozen=True)
class StockClient:
    """A program that publishes and reads; `command` begins its command line."""

    command: Sequence[str]
    environment: dict[str, str]

    def run(self, *words: str, fails: bool = False) -> str:
        """What it prints; what it complains of, when it is to fail."""
        done = subprocess.run(
            [*self.command, *words], env=self.environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stderr if fails else done.stdout


def environment_of(connection: Connection) -> dict[str, str]:
    """What the examples are told: as `sx environment` prints it."""
    broker = connection.broker
    return dict(os.environ) | {
        "SX_AGENCY": connection.agency,
        "SX_GATEWAY": connection.gateway,
        "SX_ISSUER": connection.issuer,
        "SX_KEY_FILE": str(connection.key_file),
        "SX_KAFKA": broker.bootstrap,
        "SX_KAFKA_USER": broker.user,
        "SX_KAFKA_PASSWORD_FILE": str(broker.password_file),
        "SX_AUTHORITY_FILE": str(broker.authority_file),
    }


def kafkajs(folder: Path, environment: dict[str, str]) -> StockClient:
    """KafkaJS, installed by npm from its lock."""
    for name in ("node", "npm"):
        assert shutil.which(name), f"There is no {name} here: install Node.js 20 or later, so that KafkaJS can be tried"
    shutil.copytree(EXAMPLES / "kafkajs", folder, dirs_exist_ok=True)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, check=True, capture_output=True, timeout=120)
    return StockClient(["node", str(folder / "exchange.js")], environment)


def confluent_kafka(folder: Path, environment: dict[str, str], requirements: Path | None = None) -> StockClient:
    """confluent-kafka, installed by pip from its lock into a folder of its own."""
    wanted = requirements or EXAMPLES / "confluent-kafka" / "requirements.txt"
    words = [
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "--target",
        str(folder),
        "-r",
        str(wanted),
    ]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True, timeout=240)
    program = EXAMPLES / "confluent-kafka" / "exchange.py"
    return StockClient([sys.executable, str(program)], environment | {"PYTHONPATH": str(folder)})


def java(folder: Path, environment: dict[str, str]) -> StockClient:
    """The Java client, compiled by Eclipse's compiler for the oldest Java that the README names."""
    jars = zip(locked_jars(), fetch_jars(JARS), strict=True)
    class_path = os.pathsep.join(str(path) for jar, path in jars if jar.coordinate.startswith(JAVA_CLIENT))
    (compiler,) = fetch_jars(JARS, use="compiler")
    source = EXAMPLES / "java" / "Exchange.java"
    quick = [str(find_java()), "-XX:TieredStopAtLevel=1"]
    words = ["-jar", str(compiler), "-17", "-proc:none", "-cp", class_path, "-d", str(folder), str(source)]
    subprocess.run([*quick, *words], check=True, timeout=120)
    return StockClient([*quick, "-cp", f"{folder}{os.pathsep}{class_path}", "Exchange"], environment)
