"""`sx doctor` says all well where it is, and else names the fault and its remedy: one stack, many slips."""

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from joserfc.jwk import ECKey
from safeguarding_exchange.doctor.examination import examined
from safeguarding_exchange.doctor.findings import FAULT

from infra.credentials.https import HttpsCredentials
from infra.issuer.identities import Installed, read_identities
from infra.local.stack import IDENTITIES
from tests.partners.stock_clients import REFERRAL, confluent_kafka
from tests.whole_stack.conftest import Exchange

SX = Path(sys.executable).with_name("sx")
Told = dict[str, Any]


class Desk:
    """A developer's machine: a connection file that can be spoilt, and the doctor."""

    def __init__(self, exchange: Exchange, folder: Path) -> None:
        self.exchange = exchange
        self.folder = folder
        connections = exchange.stack.connections
        told = json.loads((connections / "sandbox.json").read_text())
        for holder, name in ((told, "keyFile"), (told["kafka"], "passwordFile"), (told["kafka"], "authorityFile")):
            holder[name] = str((connections / holder[name]).resolve())
        self.told: Told = told

    @property
    def file(self) -> Path:
        path = self.folder / "connection.json"
        path.write_text(json.dumps(self.told))
        return path

    def doctor(self, *words: str, environment: dict[str, str] | None = None) -> Told:
        """What `sx doctor --json` tells; its status agrees with it."""
        command = [str(SX), "doctor", str(self.file), "--json", *words]
        told = {**os.environ, "PATH": str(SX.parent), **(environment or {})}
        done = subprocess.run(command, env=told, capture_output=True, text=True, check=False, timeout=90)
        assert done.stdout, done.stderr
        found: Told = json.loads(done.stdout)
        assert done.returncode == (0 if found["well"] else 1)
        return found

    def fault(self, *words: str, environment: dict[str, str] | None = None) -> tuple[str, str, str]:
        """The one fault that it finds."""
        found = self.doctor(*words, environment=environment)
        faults = [one for one in found["findings"] if one["standing"] == FAULT]
        assert len(faults) == 1, faults
        return faults[0]["what"], faults[0]["said"], faults[0]["remedy"]


@pytest.fixture
def desk(exchange: Exchange, tmp_path: Path) -> Desk:
    return Desk(exchange, tmp_path)


def test_a_right_set_up_is_all_well(desk: Desk) -> None:
    found = desk.doctor("--sample", str(REFERRAL))
    assert found["well"], found
    looked_at = {one["what"] for one in found["findings"] if one["standing"] in ("well", "note")}
    assert looked_at >= {"clock", "signing in", "TLS of Kafka", "Kafka credentials", "sample message", "feed"}

    said = subprocess.run([SX, "doctor", str(desk.file)], capture_output=True, text=True, check=False, timeout=90)
    assert (said.returncode, said.stdout.splitlines()[-1]) == (0, "all well")


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _of(agency: str) -> Callable[[Desk], None]:
    """Everything of another agency of the same stack."""

    def spoil(desk: Desk) -> None:
        key = desk.told["keyFile"].replace("sandbox.pem", f"{agency}.pem")
        desk.told |= {"agency": agency, "keyFile": key, "kafka": None}

    return spoil


def _key_of_nobody(desk: Desk) -> None:
    file = desk.folder / "own.pem"
    file.write_bytes(ECKey.generate_key("P-256").as_pem(private=True))
    file.chmod(0o600)
    desk.told["keyFile"] = str(file)


def _public_half(desk: Desk) -> None:
    file = desk.folder / "public.pem"
    file.write_bytes(ECKey.import_key(Path(desk.told["keyFile"]).read_text()).as_pem(private=False))
    desk.told["keyFile"] = str(file)


def _password(desk: Desk) -> None:
    (desk.folder / "password").write_text("not this one")
    desk.told["kafka"]["passwordFile"] = str(desk.folder / "password")


def _authority(desk: Desk) -> None:
    trustme.CA().cert_pem.write_to_path(desk.folder / "another.pem")
    desk.told["kafka"]["authorityFile"] = str(desk.folder / "another.pem")


def _set(*changes: tuple[str, object]) -> Callable[[Desk], None]:
    def spoil(desk: Desk) -> None:
        for name, value in changes:
            holder, _, member = name.rpartition(".")
            (desk.told[holder] if holder else desk.told)[member] = value() if callable(value) else value

    return spoil


WRONG: dict[str, tuple[Callable[[Desk], None], str, str, str]] = {
    "a gateway that does not run": (
        _set(("gateway", lambda: f"http://127.0.0.1:{_closed_port()}")),
        "line to the gateway",
        "refuses the connection",
        "port",
    ),
    "a name that is not known": (
        _set(("issuer", "https://sign-in.safeguarding.invalid")),
        "line to the sign-in provider",
        "not known (DNS)",
        "address",
    ),
    "an issuer that is the gateway": (
        lambda desk: desk.told.update(issuer=desk.told["gateway"]),
        "sign-in provider",
        "is no sign-in provider",
        "issuer",
    ),
    "an agency that nobody registered": (
        _set(("agency", "nobody-here"), ("kafka", None)),
        "signing in",
        "knows no agency nobody-here",
        "register",
    ),
    "a key that is not the agency's": (_key_of_nobody, "signing in", "is not the key of sandbox", "keyFile"),
    "the public half of the key": (_public_half, "key", "public key", "PEM file of the private key"),
    "another partnership": (
        _set(("partnership", "northshire")),
        "sharing agreement",
        "no member of northshire, but of sandbox",
        "partnership",
    ),
    "an agency that may propose nothing": (
        _of("sandbox-observer"),
        "sharing agreement",
        "may propose nothing",
        "administrator",
    ),
    "a broker elsewhere": (
        _set(("kafka.bootstrap", lambda: f"localhost:{_closed_port()}")),
        "line to Kafka",
        "refuses the connection",
        "port",
    ),
    "an authority that did not sign": (_authority, "TLS of Kafka", "was not issued by", "authorityFile"),
    "a wrong password": (_password, "Kafka credentials", "refuses the user agency.sandbox", "revoked"),
    "another's topic": (
        _set(("kafka.inbound", "partner.northshire-police.inbound")),
        "topic partner.northshire-police.inbound",
        "may not write",
        "partner.sandbox.inbound",
    ),
    "another's group": (_set(("kafka.group", "mine")), "group mine", "may not use", "agency.sandbox."),
}


@pytest.mark.parametrize("slip", WRONG, ids=list(WRONG))
def test_a_slip_is_named_with_its_remedy(desk: Desk, slip: str) -> None:
    spoil, what, said, remedy = WRONG[slip]
    spoil(desk)
    found = desk.fault()
    assert found[0] == what
    assert said in found[1]
    assert remedy in found[2]


def test_a_key_that_was_revoked_is_named(desk: Desk) -> None:
    stack = desk.exchange.stack
    register = Installed(stack.home.folder / "issuer" / "identities").register
    credentials = HttpsCredentials(stack.urls["issuer"], register, read_identities(IDENTITIES))
    _of("sandbox-observer")(desk)
    key = ECKey.import_key(Path(desk.told["keyFile"]).read_text())
    credentials.revoke("sandbox-observer")
    try:
        what, said, remedy = desk.fault()
    finally:
        credentials.issue("sandbox-observer", ECKey.import_key(key.as_dict(private=False)), ())
    assert (what, "holds no key of sandbox-observer" in said) == ("signing in", True)
    assert "revoked" in remedy


def test_a_connection_file_without_a_gateway_is_named(desk: Desk) -> None:
    del desk.told["gateway"]
    assert desk.fault()[:2] == ("connection file", "The connection file needs a text under `gateway`")


def test_a_listener_that_speaks_no_tls_is_named(desk: Desk) -> None:
    desk.told["kafka"]["bootstrap"] = desk.exchange.stack.kafka.bootstrap.replace("127.0.0.1", "localhost")
    what, said, _ = desk.fault()
    assert what == "TLS of Kafka"
    assert "does not speak TLS" in said


def test_another_name_of_the_brokers_machine_is_named(desk: Desk) -> None:
    host, port = desk.told["kafka"]["bootstrap"].rsplit(":", 1)
    with _passed_on("127.0.0.2", (host, int(port))) as through:
        desk.told["kafka"]["bootstrap"] = f"127.0.0.2:{through}"
        what, said, remedy = desk.fault()
    assert (what, said) == ("TLS of Kafka", "the certificate is not for the name 127.0.0.2")
    assert "name that you were given" in remedy


def test_a_line_that_is_not_encrypted_is_named(desk: Desk) -> None:
    host, port = desk.told["gateway"].removeprefix("http://").rsplit(":", 1)
    with _passed_on("127.0.0.2", (host, int(port))) as through:
        desk.told["gateway"] = f"http://127.0.0.2:{through}"
        what, said, remedy = desk.fault()
    assert (what, "is not encrypted" in said) == ("TLS of the gateway", True)
    assert "https://" in remedy


def test_a_certificate_that_has_ended_is_named(desk: Desk, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    ended = authority.issue_cert("localhost", not_after=datetime.now(UTC) - timedelta(days=1))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ended.configure_cert(context)
    with _passed_on("127.0.0.1", None, context) as port:
        desk.told["kafka"] |= {"bootstrap": f"localhost:{port}", "authorityFile": str(tmp_path / "authority.pem")}
        assert desk.fault()[:2] == ("TLS of Kafka", "the certificate has expired")


@pytest.mark.parametrize(("seconds", "which"), [(120, "ahead of"), (-120, "behind")])
def test_a_clock_that_is_off_is_named(desk: Desk, seconds: int, which: str) -> None:
    found = list(examined(desk.file, now=lambda: time.time() + seconds))
    faults = {one.what: one for one in found if one.standing == FAULT}
    assert set(faults) == {"clock", "signing in"}  # for the provider refuses what such a clock signs
    assert which in faults["clock"].said
    assert "NTP" in (faults["clock"].remedy or "")


def test_every_fault_of_a_sample_message_is_named(desk: Desk) -> None:
    event = json.loads(REFERRAL.read_text())
    event["source"] = "/agencies/northshire-police"
    event["data"] |= {"nature": "unheard-of"}
    del event["data"]["contact"]
    sample = desk.folder / "sample.json"
    sample.write_text(json.dumps(event))
    found = desk.doctor("--sample", str(sample))
    faults = [one for one in found["findings"] if one["standing"] == FAULT]
    assert {one["what"] for one in faults} == {"sample message"}
    assert {one["said"].split()[0] for one in faults} >= {"/source", "/data/nature"}
    assert all(one["remedy"] for one in faults)


def test_a_sample_message_is_not_taken(desk: Desk, exchange: Exchange) -> None:
    event = json.loads(REFERRAL.read_text()) | {"id": "only-looked-at"}
    sample = desk.folder / "sample.json"
    sample.write_text(json.dumps(event))
    assert desk.doctor("--sample", str(sample))["well"]
    asked = exchange.https.get("sandbox", "/v1/submissions", {"id": "only-looked-at"})
    assert asked.status_code == 404


def test_a_client_library_that_is_too_old_is_named(desk: Desk, tmp_path: Path) -> None:
    too_old = Path(__file__).with_name("too_old_librdkafka.txt")
    installed = confluent_kafka(tmp_path / "client", dict(os.environ), too_old)
    what, said, remedy = desk.fault(environment={"PYTHONPATH": installed.environment["PYTHONPATH"]})
    assert (what, said) == ("client confluent-kafka", "its librdkafka is 2.5.3, which today's brokers refuse")
    assert "invalid credentials" in remedy


def test_a_key_that_others_may_read_is_noted(desk: Desk) -> None:
    copy = desk.folder / "key.pem"
    shutil.copy(desk.told["keyFile"], copy)
    copy.chmod(0o644)
    desk.told["keyFile"] = str(copy)
    found = desk.doctor()
    assert found["well"]
    assert [one["remedy"] for one in found["findings"] if one["what"] == "key"] == ["chmod 600 it."]


@contextmanager
def _passed_on(host: str, to: tuple[str, int] | None, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A port that passes on to another, or that only shows its certificate."""
    with ExitStack() as held:
        listener = held.enter_context(socket.create_server((host, 0)))

        def serve() -> None:
            with suppress(OSError):
                while True:
                    line, _ = listener.accept()
                    threading.Thread(target=_serve, args=(line, to, context), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


def _serve(line: socket.socket, to: tuple[str, int] | None, context: ssl.SSLContext | None) -> None:
    with suppress(OSError), line:
        if to is None:
            assert context is not None
            context.wrap_socket(line, server_side=True).close()
            return
        with socket.create_connection(to) as behind:
            back = threading.Thread(target=_copied, args=(behind, line), daemon=True)
            back.start()
            _copied(line, behind)


def _copied(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
