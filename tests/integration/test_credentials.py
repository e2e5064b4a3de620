"""`python -m infra.credentials` on a real broker and issuer: it tries what it did, and shows no secret twice."""

import os
import re
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest
from joserfc.jwk import ECKey
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError, TopicAuthorizationFailedError

from infra.credentials.__main__ import main
from infra.credentials.attempts import Door
from infra.kafka.declared import declared
from infra.kafka.provision import provision
from infra.kafka.shut_out import shut_out
from infra.local.backbone import JARS
from infra.local.failures import CannotStart
from infra.local.jars import fetch_jars
from infra.local.kafka import LocalKafka
from infra.local.ports import StackPorts, free_ports, require_free
from tests.issuers import RunningIssuer, running_issuer

SIGN_IN_AGAIN = 4
"""Seconds; five minutes where nobody waits for it."""

POLICE = "northshire-police"


@dataclass(frozen=True)
class Place:
    kafka: LocalKafka
    issuer: RunningIssuer
    folder: Path
    first_port: int

    @property
    def door(self) -> Door:
        return Door(self.kafka.agencies_bootstrap, "SASL_SSL", str(self.kafka.authority))

    def run(self, *words: str | Path, code: int = 0) -> str:
        """What the command prints, both ways; its exit code must be `code`."""
        where = ["--bootstrap", self.kafka.bootstrap, "--security", "SASL_PLAINTEXT", "--replication", "1"]
        where += ["--agencies-bootstrap", self.kafka.agencies_bootstrap, "--authority", str(self.kafka.authority)]
        where += ["--issuer", self.issuer.url, "--issuer-state", str(self.issuer.state)]
        said = StringIO()
        with (
            patch.object(sys, "argv", ["infra.credentials", *map(str, words), *where]),
            patch.dict(os.environ, {"KAFKA_ADMIN_PASSWORD": self.kafka.admin_password}),
            redirect_stdout(said),
            redirect_stderr(said),
        ):
            assert main() == code, said.getvalue()
        shown = said.getvalue()
        assert "WRONG" not in shown
        return shown


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("credentials")
    ports = StackPorts.from_(first_of_many())
    kafka = LocalKafka(
        folder / "kafka",
        fetch_jars(JARS, lambda done, total: None),
        port=ports.kafka,
        agencies_port=ports.kafka_agencies,
        controller_port=ports.kafka_controller,
        secrets_folder=folder / "secrets",
        agencies_sign_in_again=SIGN_IN_AGAIN,
    )
    (folder / "issuer").mkdir()
    kafka.start()
    try:
        admin = kafka.admin_client()
        provision(admin, declared([POLICE, "northshire-council"]), lambda user: f"password-of-{user}")
        admin.close()
        with running_issuer(folder / "issuer", ports.issuer) as issuer:
            yield Place(kafka, issuer, folder, ports.gateway)
    finally:
        kafka.stop()


def first_of_many() -> int:
    """A port from which on as many as a stack takes are free just now."""
    for first in free_ports(100):
        with suppress(CannotStart):
            for port in vars(StackPorts.from_(first)).values():
                require_free(port, "a test", "")
            return first
    raise AssertionError("no ports in a row are free")


def ok(shown: str) -> int:
    return len(re.findall(r"^ok ", shown, re.MULTILINE))


def test_kafka_passwords_are_issued_rotated_and_taken_away(place: Place) -> None:
    first, second = place.folder / "first", place.folder / "second"

    shown = place.run("issue", "northshire-school", "--kafka", "--to", first)
    assert "ok    agency.northshire-school writes partner.northshire-school.inbound: done" in shown
    assert "ok    agency.northshire-school writes partner.northshire-council.inbound: refused" in shown
    assert "ok    agency.northshire-school joins the group gateway.proof: refused" in shown
    password = (first / "kafka-agency.northshire-school").read_text()

    assert "rotate instead" in place.run("issue", "northshire-school", "--kafka", code=2)
    shown = place.run("rotate", "northshire-school", "--kafka", "--to", second)
    assert "agency.northshire-school.2 writes partner.northshire-school.inbound: done" in shown
    assert "revoke --old first" in place.run("rotate", "northshire-school", "--kafka", code=2)
    new = second / "kafka-agency.northshire-school.2"
    assert new.read_text() != password
    assert stat.S_IMODE(new.stat().st_mode) == 0o600
    assert ok(place.run("prove", "northshire-school", "--kafka", "--password-file", new)) == 9

    shown = place.run("revoke", "northshire-school", "--kafka", "--old", "--password-file", new)
    assert "ok    agency.northshire-school writes partner.northshire-school.inbound: refused" in shown
    assert "ok    agency.northshire-school signs in: sign-in refused" in shown
    assert "ok    agency.northshire-school.2 writes partner.northshire-school.inbound: done" in shown

    shown = place.run("revoke", "northshire-school", "--kafka")
    assert "ok    agency.northshire-school.2 signs in: sign-in refused" in shown
    assert "nothing to revoke" in place.run("revoke", "northshire-school", "--kafka", code=2)
    assert "agency.northshire-school.2 was shut out" in place.run("list", "northshire-school", "--kafka")


def test_one_that_was_shut_out_stays_so_when_what_is_declared_is_applied_again(place: Place) -> None:
    place.run("issue", "northshire-clinic", "--kafka")
    place.run("revoke", "northshire-clinic", "--kafka")
    admin = place.kafka.admin_client()
    try:
        changes = provision(admin, declared([POLICE, "northshire-council", "northshire-clinic"]), _unasked)
        assert not [made for made in changes.made if "northshire-clinic" in made]
        assert "agency.northshire-clinic" not in admin.describe_user_scram_credentials()
    finally:
        admin.close()
    shown = place.run("issue", "northshire-clinic", "--kafka")
    assert "ok    agency.northshire-clinic.2 signs in: done" in shown, "what is connected as the first gains nothing"


def test_a_revocation_that_was_broken_off_is_finished_by_the_next(place: Place) -> None:
    place.run("issue", "northshire-nursery", "--kafka")
    admin = place.kafka.admin_client()
    try:
        shut_out(admin, "agency.northshire-nursery")  # and no further
        shown = place.run("revoke", "northshire-nursery", "--kafka")
        assert "ok    agency.northshire-nursery signs in: sign-in refused" in shown
        assert "agency.northshire-nursery" not in admin.describe_user_scram_credentials()
    finally:
        admin.close()


def _unasked(user: str) -> str:
    raise AssertionError(f"{user} should be there, or stay away")


def test_what_is_connected_already_is_refused_at_once_and_cut_soon(place: Place) -> None:
    kept = place.folder / "kept"
    place.run("issue", "northshire-probation", "--kafka", "--to", kept)
    told = place.door.settings("agency.northshire-probation", (kept / "kafka-agency.northshire-probation").read_text())
    producer, client = KafkaProducer(**told, acks="all"), KafkaAdminClient(**told)
    producer.send("partner.northshire-probation.inbound", b"{}").get(timeout=10)
    time.sleep(SIGN_IN_AGAIN + 1)
    assert client.describe_cluster(), "one whose credential stands signs in again and goes on"

    admin = place.kafka.admin_client()
    shut_out(admin, "agency.northshire-probation")  # the first that the command does: it goes on trying for longer
    with pytest.raises(TopicAuthorizationFailedError):
        producer.send("partner.northshire-probation.inbound", b"{}").get(timeout=10)
    admin.close()

    place.run("revoke", "northshire-probation", "--kafka")
    time.sleep(SIGN_IN_AGAIN + 1)
    with pytest.raises(KafkaError):
        client.describe_cluster()
    producer.close(timeout=1)
    client.close()


def test_https_keys_are_rotated_and_taken_away(place: Place) -> None:
    keys = place.folder / "keys"
    first = place.issuer.installed.key_file(POLICE)

    shown = place.run("rotate", POLICE, "--https", "--to", keys)
    assert f"ok    the new key of {POLICE} gets a token: done" in shown
    (second,) = keys.iterdir()
    assert stat.S_IMODE(second.stat().st_mode) == 0o600
    assert ok(place.run("prove", POLICE, "--https", "--key-file", first, "--key-file", second)) == 2

    shown = place.run("revoke", POLICE, "--https", "--old", "--key-file", first, "--key-file", second)
    assert [line.rsplit(": ", 1)[1] for line in shown.splitlines() if line.startswith("ok")] == [
        "done",
        "refused",
        "refused",
        "done",
    ]
    assert "10 minutes at most" in shown
    place.run("revoke", POLICE, "--https", "--key-file", second)
    assert f"{POLICE} has no key" in place.run("list", POLICE, "--https")


def test_an_agency_registers_a_key_whose_private_half_never_left_it(place: Place) -> None:
    own = ECKey.generate_key("P-256")
    (place.folder / "own.pem").write_bytes(own.as_pem(private=True))
    (place.folder / "own.pub").write_bytes(own.as_pem(private=False))
    words = ("issue", "northshire-library", "--https", "--public-key")

    assert "say where it belongs" in place.run(*words, place.folder / "own.pub", code=2)
    assert "private key" in place.run(*words, place.folder / "own.pem", "--partnership", "northshire", code=2)
    shown = place.run(*words, place.folder / "own.pub", "--partnership", "northshire")

    assert "Shown once" not in shown
    assert ok(place.run("prove", "northshire-library", "--https", "--key-file", place.folder / "own.pem")) == 1


def test_a_stack_of_make_run_is_found_by_its_folder_and_its_ports(place: Place) -> None:
    command = [sys.executable, "-m", "infra.credentials"]
    where = ["--stack", str(place.folder), "--ports-from", str(place.first_port)]

    shown = {
        what: subprocess.run(
            [*command, what, "northshire-college", *where, *more],
            capture_output=True,
            text=True,
            timeout=180,
            check=True,
        ).stdout
        for what, more in (("issue", ("--partnership", "northshire")), ("revoke", ()))
    }

    assert ok(shown["issue"]) == 11
    assert ok(shown["revoke"]) == 6


@pytest.mark.parametrize("name", ["gateway", "operator", "Police", "../police", "agency.police", "police.2"])
def test_only_an_agency_is_given_credentials(place: Place, name: str) -> None:
    assert "Not done:" in place.run("rotate", name, "--https", code=2)
    assert "Not done:" in place.run("rotate", name, "--kafka", code=2)


def test_with_another_issuer_its_operator_is_told_what_to_do(place: Place) -> None:
    own = ECKey.generate_key("P-256")
    (place.folder / "other.pub").write_bytes(own.as_pem(private=False))
    command = [sys.executable, "-m", "infra.credentials", "rotate", POLICE, "--https"]
    done = subprocess.run(
        [*command, "--bootstrap", "kafka.example:9093", "--public-key", str(place.folder / "other.pub")],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert f"add this key to those of the client {POLICE}" in done.stdout
    assert str(own.as_dict(private=False)["x"]) in done.stdout


def test_a_secret_is_shown_once_and_stands_in_no_log(place: Place) -> None:
    shown = place.run("issue", "northshire-hospital", "--partnership", "northshire")
    password, key = re.findall(r"Shown once.*\n((?:-----BEGIN[^$]*?END PRIVATE KEY-----)|\S+)", shown)
    assert len(password) == 32
    assert "PRIVATE KEY" in key
    to = place.run("rotate", "northshire-hospital", "--to", place.folder / "hospital")
    written = [file.read_text() for file in (place.folder / "hospital").iterdir()]
    assert len(written) == 2

    later = place.run("list", "northshire-hospital") + place.run("revoke", "northshire-hospital")

    logs = place.kafka.log.read_text() + place.issuer.log + to + later
    assert "northshire-hospital" in to, "there is something to search"
    for secret in (password, *_lines_of(key), *(line for text in written for line in _lines_of(text))):
        assert secret not in logs
    for file in (place.folder / "kafka").rglob("*.log"):
        assert password.encode() not in file.read_bytes(), file


def _lines_of(pem: str) -> list[str]:
    return [line for line in pem.splitlines() if line and not line.startswith("-----")]
