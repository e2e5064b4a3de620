"""A process that is told nonsense says all of it at once, and what to do."""

import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from shared.settings import BadSettings, Settings, cursor_key, secret_file, settings_from

LOCAL = {
    "SX_SERVICE": "gateway",
    "SX_DATABASE_URL": "postgresql+asyncpg://gateway:pw@127.0.0.1:5433/gateway",
    "SX_KAFKA_BOOTSTRAP": "127.0.0.1:9092",
    "SX_KAFKA_USERNAME": "gateway",
    "SX_KAFKA_PASSWORD": "pw",
    "SX_HTTP_PORT": "8080",
    "SX_ISSUER": "http://127.0.0.1:8090",
    "SX_AUDIENCE": "urn:safeguarding-exchange:service:gateway",
    "SX_CLIENT_ID": "gateway",
    "SX_CLIENT_KEY_FILE": "/keys/gateway.pem",
    "SX_STATE_DIR": "/state",
}
LONG = "correct-horse-battery-staple"
PRODUCTION = LOCAL | {
    "SX_MODE": "production",
    "SX_DATABASE_URL": f"postgresql+asyncpg://gateway:{LONG}@database/gateway",
    "SX_KAFKA_PASSWORD": LONG,
    "SX_KAFKA_SECURITY": "SASL_SSL",
    "SX_ISSUER": "https://issuer.example",
    "SX_TRUSTED_PROXY": "10.0.0.1",
    "SX_CURSOR_KEY_FILE": "/keys/cursor",
    "PGSSLMODE": "verify-full",
}


def _faults(environ: dict[str, str]) -> list[str]:
    with pytest.raises(BadSettings) as bad:
        settings_from(environ)
    return bad.value.faults


def test_settings_come_from_the_environment() -> None:
    settings = settings_from(LOCAL | {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"})

    assert (settings.service, settings.http_port, settings.mode) == ("gateway", 8080, "local")
    assert settings.otlp_endpoint == "http://collector:4318"
    assert settings.vault_url == ""


def test_every_fault_is_told_at_once_with_its_variable() -> None:
    faults = _faults(LOCAL | {"SX_SERVICE": "", "SX_HTTP_PORT": "http", "SX_ISSUER": "issuer", "SX_MODE": "fast"})

    assert [fault.split(" ")[0] for fault in faults] == ["SX_HTTP_PORT", "SX_SERVICE", "SX_MODE", "SX_ISSUER"]
    assert all(":" in fault for fault in faults), "each names its remedy"


def test_a_process_asks_only_for_what_it_needs() -> None:
    settings = settings_from({"SX_SERVICE": "issuer", "SX_HTTP_PORT": "8090"}, need=("service", "http_port"))

    assert settings.database_url == ""


def test_a_secret_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("from the file\n")
    environ = {k: v for k, v in LOCAL.items() if k != "SX_KAFKA_PASSWORD"}

    assert settings_from(environ | {"SX_KAFKA_PASSWORD_FILE": str(tmp_path / "password")}).kafka_password == (
        "from the file"
    )
    assert "SX_KAFKA_PASSWORD_FILE cannot be read" in _faults(environ | {"SX_KAFKA_PASSWORD_FILE": "/nowhere"})[0]


def test_secrets_are_not_shown() -> None:
    assert "pw" not in repr(settings_from(LOCAL))


def test_a_fault_never_repeats_a_secret() -> None:
    assert "hunter22" not in "".join(_faults(LOCAL | {"SX_DATABASE_URL": "mysql://gateway:hunter22@db/gateway"}))


def test_production_settings_that_stand_are_taken() -> None:
    assert settings_from(PRODUCTION).mode == "production"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"SX_ISSUER": "http://issuer.example"}, "SX_ISSUER is not https"),
        ({"SX_VAULT_URL": "http://vault"}, "SX_VAULT_URL is not https"),
        ({"SX_DATABASE_URL": "postgresql+asyncpg://postgres:postgres@db/gateway"}, "SX_DATABASE_URL has a default"),
        ({"SX_DATABASE_URL": "postgresql+asyncpg://g-sixteen-letters:g-sixteen-letters@db/g"}, "SX_DATABASE_URL has"),
        ({"SX_KAFKA_PASSWORD": "changeme"}, "SX_KAFKA_PASSWORD is a default"),
        ({"SX_KAFKA_SECURITY": "SASL_PLAINTEXT"}, "SX_KAFKA_SECURITY is not SASL_SSL"),
        ({"SX_CLOCK_FILE": "/state/clock"}, "SX_CLOCK_FILE is set"),
        ({"SX_TRUSTED_PROXY": ""}, "no TLS at the door"),
        ({"SX_CURSOR_KEY_FILE": ""}, "SX_CURSOR_KEY_FILE is not set"),
        ({"PGSSLMODE": ""}, "SX_DATABASE_URL leads to another machine and PGSSLMODE is not verify-full"),
        ({"PGSSLMODE": "prefer"}, "SX_DATABASE_URL leads to another machine and PGSSLMODE is not verify-full"),
        ({"SX_GATEWAY_URL": "http://gateway"}, "SX_GATEWAY_URL is not https"),
        ({"SX_OWNER_DATABASE_URL": "postgresql+asyncpg://owner:secret@db/g"}, "SX_OWNER_DATABASE_URL has a default"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, "OTEL_EXPORTER_OTLP_ENDPOINT is not https"),
    ],
)
def test_production_refuses_what_is_fit_for_a_laptop_only(change: dict[str, str], told: str) -> None:
    faults = _faults(PRODUCTION | change)

    assert len(faults) == 1
    assert faults[0].startswith(told)


@pytest.mark.parametrize(
    "change",
    [
        {"SX_DATABASE_URL": f"postgresql+asyncpg://gateway:{LONG}@127.0.0.1/gateway", "PGSSLMODE": ""},
        {"SX_DATABASE_URL": f"postgresql+asyncpg://gateway:{LONG}@/gateway?host=/run/postgresql", "PGSSLMODE": ""},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"},
    ],
)
def test_what_stays_on_one_machine_needs_no_tls_in_production(change: dict[str, str]) -> None:
    assert settings_from(PRODUCTION | change).mode == "production"


@pytest.mark.parametrize("setting", ["SX_CURSOR_KEY_FILE", "SX_CLIENT_KEY_FILE"])
def test_production_refuses_a_key_that_others_can_read_or_that_stands_in_a_manual(tmp_path: Path, setting: str) -> None:
    file = tmp_path / "key"
    file.write_bytes(bytes(32))
    file.chmod(0o600)
    assert settings_from(PRODUCTION | {setting: str(file)}).mode == "production"
    file.chmod(0o644)
    assert _faults(PRODUCTION | {setting: str(file)})[0].startswith(f"{setting} names a file that others can read")
    file.chmod(0o600)
    file.write_text("changeme\n")
    (fault,) = _faults(PRODUCTION | {setting: str(file)})
    assert fault.startswith(f"{setting} names a file with a default or short secret")
    assert "changeme" not in fault


def test_each_refusal_names_a_setting_and_a_remedy() -> None:
    unfit = {name: value for name, value in LOCAL.items() if name != "SX_CURSOR_KEY_FILE"} | {
        "SX_MODE": "production",
        "SX_VAULT_URL": "http://vault",
        "SX_DATABASE_URL": "postgresql+asyncpg://postgres:postgres@db/gateway",
        "SX_CLOCK_FILE": "/state/clock",
    }
    faults = _faults(unfit)
    assert len(faults) == 9
    for fault in faults:
        assert "SX_" in fault
        assert ":" in fault


def test_a_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    settings = Settings(service="gateway", state_dir=str(tmp_path / "state"))

    first = cursor_key(settings)

    assert len(first) == 32
    assert cursor_key(settings) == first
    assert stat.S_IMODE((tmp_path / "state" / "gateway.cursor-key").stat().st_mode) == 0o600
    assert [each.name for each in (tmp_path / "state").iterdir()] == ["gateway.cursor-key"]


def test_those_that_start_together_share_one_secret(tmp_path: Path) -> None:
    for number in range(20):
        path = tmp_path / str(number)
        starting = Barrier(8)

        def ask(path: Path = path, starting: Barrier = starting) -> bytes:
            starting.wait()
            return secret_file(path)

        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(ask) for _ in range(8)]

        assert {each.result() for each in asked} == {path.read_bytes()}


def test_a_process_that_lets_it_pass_ends_with_the_sentences_alone() -> None:
    code = "from shared.settings import settings_from; settings_from({})"
    ended = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60)

    assert ended.returncode == 1
    assert "SX_SERVICE is not set" in ended.stderr
    assert "Traceback" not in ended.stderr
