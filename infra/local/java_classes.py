"""The broker's classes, read and linked ahead of time: it starts in a third of the time, with half the processor's.

Java records them from a broker that starts, serves and stops (JEP 514), once for each runtime and set of jars.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.local.failures import CannotStart
from infra.local.jars import alone_in
from infra.local.java import find_java
from infra.local.kafka import LocalKafka
from infra.local.ports import BackbonePorts

LEAST_JAVA = 25
"""The first that records and links in one step; an older one starts as it always did."""
RECORDING_STOPS_WITHIN = 120.0


def linked_classes(jars: Sequence[Path], cache: Path, recording: Callable[[], object] = lambda: None) -> Path | None:
    """The file to give to LocalKafka; recorded under `cache` where it lacks one (`recording` is then told first).

    Nothing where this Java cannot, or where recording failed: the broker starts without, only slower.
    """
    java = find_java()
    if _version(java) < LEAST_JAVA:
        return None
    with alone_in(cache):
        file = cache / f"{_fingerprint(java, jars)}.aot"
        if not file.exists():
            recording()
            _record(jars, file)
    return file if file.exists() else None


def _record(jars: Sequence[Path], file: Path) -> None:
    for outdated in file.parent.glob("*.aot"):
        outdated.unlink()
    from kafka.errors import KafkaError  # late: only a first start records

    with TemporaryDirectory(dir=file.parent) as folder:
        home, ports = Path(folder), BackbonePorts.free()
        written = home / "classes"
        broker = LocalKafka(
            home / "kafka",
            jars,
            port=ports.kafka,
            agencies_port=ports.kafka_agencies,
            controller_port=ports.kafka_controller,
            secrets_folder=home / "secrets",
            java_options=[f"-XX:AOTCacheOutput={written}"],
        )
        try:
            broker.start()
            broker.admin_client().close()  # signing in is part of every start
        except (CannotStart, KafkaError):
            return
        finally:
            broker.stop(RECORDING_STOPS_WITHIN)
        if written.exists():
            written.rename(file)


def _version(java: Path) -> int:
    """The feature release, by the file that every runtime carries; 0 without one."""
    release = java.resolve().parents[1] / "release"
    told = re.search(r'JAVA_VERSION="(\d+)', release.read_text()) if release.exists() else None
    return int(told[1]) if told else 0


def _fingerprint(java: Path, jars: Sequence[Path]) -> str:
    """Java refuses a file of another runtime, or of jars that were moved or touched, so neither may share a name."""
    parts = [f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in (java, *jars)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
