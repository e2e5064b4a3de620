"""A service that is started in production unsafely does not start: its process ends with the setting and the remedy."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from infra.kafka.declared import declared
from infra.kafka.provision import provision
from infra.local.backbone import Backbone
from infra.local.kafka import LocalKafka
from infra.local.ports import free_ports
from shared.kafka_access import require_authorisation
from shared.settings import BadSettings, Settings
from tests.faults.gateway.ground import gateway_database
from tests.stacks import Stack

PASSWORD = "a-long-password-of-the-gateways-own"


@pytest.fixture(scope="module")
def kafka(stack: Stack) -> LocalKafka:
    if not isinstance(stack, Backbone):
        pytest.skip("this looks at the embedded broker's door under TLS")
    admin = stack.kafka.admin_client()
    provision(admin, declared([]), lambda user: PASSWORD, renew=["gateway"])
    admin.close()
    return stack.kafka


def settings(kafka: LocalKafka) -> Settings:
    return Settings(
        service="gateway",
        mode="production",
        kafka_bootstrap=kafka.agencies_bootstrap,
        kafka_security="SASL_SSL",
        kafka_ca_file=str(kafka.authority),
        kafka_username="gateway",
        kafka_password=PASSWORD,
    )


async def test_a_broker_that_refuses_what_was_not_granted_is_joined(kafka: LocalKafka) -> None:
    await require_authorisation(settings(kafka))


async def test_a_broker_that_lets_a_service_do_anything_is_not(kafka: LocalKafka) -> None:
    anything = replace(settings(kafka), kafka_username=kafka.admin_username, kafka_password=kafka.admin_password)

    with pytest.raises(BadSettings, match="SX_KAFKA_BOOTSTRAP names a broker that lets this service"):
        await require_authorisation(anything)


async def test_the_process_of_a_service_ends_with_the_sentence(stack: Stack, kafka: LocalKafka, tmp_path: Path) -> None:
    database = await gateway_database(stack, "production")
    for name, content in (("key.pem", ECKey.generate_key("P-256").as_pem(private=True)), ("cursor", os.urandom(32))):
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o600)
    told = {
        "PATH": os.environ["PATH"],
        "SX_SERVICE": "gateway",
        "SX_MODE": "production",
        "SX_DATABASE_URL": database.runtime_url,
        "SX_KAFKA_BOOTSTRAP": kafka.agencies_bootstrap,
        "SX_KAFKA_SECURITY": "SASL_SSL",
        "SX_KAFKA_CA_FILE": str(kafka.authority),
        "SX_KAFKA_USERNAME": kafka.admin_username,
        "SX_KAFKA_PASSWORD": kafka.admin_password,
        "SX_HTTP_PORT": str(free_ports(1)[0]),
        "SX_TRUSTED_PROXY": "127.0.0.1",
        "SX_ISSUER": "https://issuer.invalid",
        "SX_VAULT_URL": "https://vault.invalid",
        "SX_NOTIFICATIONS_URL": "https://notifications.invalid",
        "SX_DELIVERY_URL": "https://delivery.invalid",
        "SX_RAPID_REVIEW_URL": "https://rapid-review.invalid",
        "SX_AUDIENCE": "urn:safeguarding-exchange:service:gateway",
        "SX_CLIENT_ID": "gateway",
        "SX_CLIENT_KEY_FILE": str(tmp_path / "key.pem"),
        "SX_CURSOR_KEY_FILE": str(tmp_path / "cursor"),
        "SX_STATE_DIR": str(tmp_path / "state"),
    }
    cases = [
        ({}, "SX_KAFKA_BOOTSTRAP names a broker that lets this service do what it was not granted"),
        ({"SX_KAFKA_SECURITY": "SASL_PLAINTEXT"}, "SX_KAFKA_SECURITY is not SASL_SSL"),
        ({"SX_KAFKA_PASSWORD": "changeme"}, "SX_KAFKA_PASSWORD is a default or short one"),
        ({"SX_TRUSTED_PROXY": ""}, "no TLS at the door"),
    ]
    for change, sentence in cases:
        ended = subprocess.run(  # noqa: ASYNC221
            [sys.executable, "-m", "services.gateway.app"],
            env=told | change,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert ended.returncode == 1, ended.stderr[-2000:]
        assert sentence in ended.stderr
        assert "Traceback" not in ended.stderr
        assert kafka.admin_password not in ended.stderr + ended.stdout
