"""The broker's own settings, the same wherever it runs: on a laptop, in a container, in production (there with more
nodes and copies)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

ADMIN = "admin"
MECHANISM = "SCRAM-SHA-512"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required"
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"


AGENCIES_SIGN_IN_AGAIN = 300
"""Seconds after which an agency's connection must show its credential again or is cut: so long may one stay open that
was made with a credential taken away since (its grants end at once)."""


@dataclass(frozen=True)
class Listener:
    """A door of the broker: where it listens, and by which address clients are sent to it.

    `sign_in_again`: seconds that a connection lives without showing its credential anew; for ever when nought.
    """

    name: str
    protocol: Literal["SASL_PLAINTEXT", "SASL_SSL"]
    bind: str
    advertised: str
    sign_in_again: int = 0


def server_properties(
    doors: Sequence[Listener],
    *,
    controller: str,
    data: PurePath,
    key_store: PurePath,
    authority: PurePath,
    admin_password: str,
) -> str:
    """One node that is broker and controller; brokers would speak to each other by the first of `doors`.

    `controller` is host:port. Nobody but the super user may do anything that `declared.toml` does not grant.
    """
    between_brokers = doors[0].name
    login = f'username="{ADMIN}" password="{admin_password}"'
    settings: dict[str, object] = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.bootstrap.servers": controller,
        "listeners": ",".join([*(f"{door.name}://{door.bind}" for door in doors), f"CONTROLLER://{controller}"]),
        "advertised.listeners": ",".join(f"{door.name}://{door.advertised}" for door in doors),
        "listener.security.protocol.map": ",".join(
            ["CONTROLLER:SASL_PLAINTEXT", *(f"{door.name}:{door.protocol}" for door in doors)]
        ),
        "inter.broker.listener.name": between_brokers,
        "controller.listener.names": "CONTROLLER",
        "sasl.enabled.mechanisms": MECHANISM,
        "sasl.mechanism.inter.broker.protocol": MECHANISM,
        # SCRAM cannot serve the controllers, which keep the credentials; without SASL there, User:ANONYMOUS would have
        # to be a super user.
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.controller.plain.sasl.jaas.config": f'{PLAIN} {login} user_{ADMIN}="{admin_password}";',
        # Every SASL listener must have a line of its own, or start-up fails.
        **{
            f"listener.name.{door.name.lower()}.scram-sha-512.sasl.jaas.config": (
                f"{SCRAM} {login};" if door.name == between_brokers else f"{SCRAM};"
            )
            for door in doors
        },
        **{
            f"listener.name.{door.name.lower()}.scram-sha-512.connections.max.reauth.ms": door.sign_in_again * 1000
            for door in doors
            if door.sign_in_again
        },
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": key_store,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": authority,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{ADMIN}",
        "allow.everyone.if.no.acl.found": "false",
        "auto.create.topics.enable": "false",
        "log.dirs": data,
        "offsets.topic.num.partitions": 8,
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.num.partitions": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
        # After kill -9 the broker waits for its own old registration to run out: 12 s with the defaults.
        "broker.session.timeout.ms": 2000,
        "broker.heartbeat.interval.ms": 500,
        # A controller with nobody to follow it writes twice a second to its own log that nothing happened.
        "metadata.max.idle.interval.ms": 5000,
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        # Inbound records leave the disk soon after the gateway has taken them (it deletes up to its own offset).
        "log.retention.check.interval.ms": 10_000,
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def first_credential(admin_password: str) -> str:
    """What `kafka-storage format --add-scram` is given: the one user that exists before any can be made."""
    return f"{MECHANISM}=[name={ADMIN},password={admin_password}]"
