"""Kafka clients on this machine that are too old for today's brokers.

librdkafka below 2.6.1 makes the SCRAM nonce wrongly (its pull request 4895); brokers that mended CVE-2024-56128 check
it, and answer "invalid credentials" to right ones.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator

from safeguarding_exchange.doctor.findings import Finding, fault, unseen, well

LEAST = (2, 6, 1)
REMEDY = (
    "Take a client with librdkafka 2.6.1 or later: until then the broker answers `invalid credentials`, though yours"
    " are right."
)
ASKS = "import confluent_kafka; print('librdkafka', confluent_kafka.libversion()[0])"


def examined() -> Iterator[Finding]:
    """confluent-kafka of this Python, and kcat."""
    found = list(_found())
    for name, version in found:
        told = ".".join(map(str, version))
        if version < LEAST:
            yield fault(f"client {name}", f"its librdkafka is {told}, which today's brokers refuse", REMEDY)
        else:
            yield well(f"client {name}", f"its librdkafka is {told}")
    if not found:
        least = ".".join(map(str, LEAST))
        yield unseen("client libraries", f"no librdkafka was found here; of yours, {least} is the least that works")


def _found() -> Iterator[tuple[str, tuple[int, ...]]]:
    # In a process of its own: a broken installation must not take the doctor along.
    commands = {"confluent-kafka": [sys.executable, "-c", ASKS]}
    if kcat := shutil.which("kcat") or shutil.which("kafkacat"):
        commands["kcat"] = [kcat, "-V"]
    for name, command in commands.items():
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)  # noqa: S603 (commands of this module's own)
        except (OSError, subprocess.TimeoutExpired):
            continue
        version = re.search(r"librdkafka (\d+)\.(\d+)\.(\d+)", done.stdout + done.stderr)
        if version:
            yield name, tuple(int(part) for part in version.groups())
