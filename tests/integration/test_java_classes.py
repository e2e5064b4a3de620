"""Classes linked ahead of time: a Java that may not go on without them takes them, and one that may does without."""

import subprocess
from pathlib import Path

import pytest
from kafka.errors import KafkaError

from infra.local.backbone import CLASSES, JARS
from infra.local.failures import CannotStart
from infra.local.jars import fetch_jars
from infra.local.java import find_java
from infra.local.java_classes import linked_classes
from infra.local.kafka import LocalKafka


@pytest.fixture(scope="module")
def jars() -> list[Path]:
    return fetch_jars(JARS)


@pytest.fixture(scope="module")
def classes(jars: list[Path]) -> Path:
    file = linked_classes(jars, CLASSES)
    assert file is not None
    return file


def a_cluster_id(classes: Path, jars: list[Path], *options: str) -> "subprocess.CompletedProcess[str]":
    """Kafka's own code, run as the broker is."""
    command = [str(find_java()), "-XX:+UseSerialGC", f"-XX:AOTCache={classes}", "-Xlog:aot*=off", *options]
    path = ":".join(str(jar) for jar in jars)
    command += ["-cp", path, "kafka.tools.StorageTool", "random-uuid"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_recorded_classes_are_taken(classes: Path, jars: list[Path]) -> None:
    assert a_cluster_id(classes, jars, "-XX:AOTMode=on").returncode == 0
    refused = a_cluster_id(classes, jars[1:], "-XX:AOTMode=on")
    assert refused.returncode != 0, "Java would say so, were they for other jars"


def test_they_are_recorded_once(classes: Path, jars: list[Path]) -> None:
    told: list[str] = []
    assert linked_classes(jars, CLASSES, lambda: told.append("recording")) == classes
    assert told == []


@pytest.mark.parametrize("kept", [0, 1_000_000], ids=["an empty file", "half a file"])
def test_a_damaged_file_only_costs_time(classes: Path, jars: list[Path], tmp_path: Path, kept: int) -> None:
    damaged = tmp_path / "damaged.aot"
    damaged.write_bytes(classes.read_bytes()[:kept])
    done = a_cluster_id(damaged, jars)
    assert (done.returncode, len(done.stdout.strip()), done.stderr) == (0, 22, "")


def test_a_java_that_cannot_record_goes_without(
    jars: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = tmp_path / "bin" / "java"
    older.parent.mkdir()
    older.touch()
    (tmp_path / "release").write_text('JAVA_VERSION="21.0.4"\n')
    monkeypatch.setattr("infra.local.java_classes.find_java", lambda: older)
    assert linked_classes(jars, tmp_path / "classes") is None


@pytest.mark.parametrize("fault", [CannotStart("a broker that does not start"), KafkaError("one that does not answer")])
def test_a_recording_that_fails_stops_no_start(
    jars: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def fails(_: LocalKafka) -> None:
        raise fault

    monkeypatch.setattr(LocalKafka, "start", fails)
    assert linked_classes(jars, tmp_path / "classes") is None
