"""What tests of the reader stand on: topics, a database, records as a relay publishes them, and a small service."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaProducer, TopicPartition
from faststream.kafka import KafkaBroker
from faststream.security import BaseSecurity, SASLScram512
from nacl.public import PrivateKey, SealedBox
from sqlalchemy import Column, Identity, Integer, MetaData, Table, Text, text

from contracts.envelope import AnyEvent, Event
from contracts.incidents import IncidentClosed
from contracts.notifications import NotificationClosed
from infra.postgres.provision import ServiceDatabase
from shared.clock import RealClock
from shared.consumer import Parking, Reactions, Reader, Work, Workplace, kafka_broker
from shared.database import Database, Transaction
from shared.decider import Aggregate, Context, Outcome
from shared.eventlog import EventLog, Route, log_tables
from shared.migrate import upgrade
from shared.vault_client.sealing import Sealer, SealingKey
from shared.working_days import Calendar, england_and_wales
from tests.stacks import Broker, Stack

MIGRATIONS = Path(__file__).parent / "migrations"
AT = datetime(2026, 8, 27, 23, 10, tzinfo=UTC)
NEVER = "notification_closed"
"""The reason that this service's reaction cannot bear."""


def effect_table(metadata: MetaData) -> Table:
    """One row for each time that a fact had its effect."""
    return Table(
        "effect",
        metadata,
        Column("id", Integer, Identity(always=True), primary_key=True),
        Column("subject", Text, nullable=False),
        Column("event", Text, nullable=False),
        Column("version", Integer, nullable=False),
    )


@dataclass(frozen=True)
class Counted:
    """What the small service folds: which facts it has heard of a subject."""

    heard: tuple[str, ...] = ()


def decide(state: Counted, proposal: AnyEvent, context: Context) -> Sequence[Outcome]:
    assert proposal.id not in state.heard
    return [Outcome(NotificationClosed(why="no_review_follows"))]


def evolve(state: Counted, fact: AnyEvent) -> Counted:
    return Counted((*state.heard, fact.causationid or ""))


COUNTED = Aggregate(Counted(), decide, evolve)


def stream_of(subject: str) -> str:
    return subject.replace("incident-", "notification-")


def reactions(topic: str) -> Reactions:
    """For each closed incident one fact and one row."""
    made = Reactions("ground")

    @made.on(topic, "incident.closed")
    async def closed(event: Event[IncidentClosed], work: Work) -> None:
        if event.data.why == NEVER:
            raise ValueError("Child A")  # an error whose words must go nowhere
        await work.decide(COUNTED, stream_of(event.subject or ""), event)
        await work.tx.connection.execute(
            text("insert into effect (subject, event, version) values (:subject, :event, :version)"),
            {"subject": event.subject, "event": event.id, "version": event.streamversion},
        )

    return made


def subject(number: int) -> str:
    return f"incident-{number:032x}"


def closed(of: str, version: int, why: str = "not_notifiable", **more: Any) -> AnyEvent:
    """A fact of the gateway's."""
    given: dict[str, Any] = {
        "id": f"event-{uuid4().hex}",
        "source": "/services/gateway",
        "type": "incident.closed.v1",
        "dataschema": "urn:safeguarding-exchange:schema:incident.closed:1.0",
        "subject": of,
        "time": AT,
        "recordedtime": AT,
        "businessdate": date(2026, 8, 28),
        "partnership": "exampleshire",
        "agency": "exampleshire-council",
        "streamversion": version,
        "data": IncidentClosed(why=why),
    }
    return Event[IncidentClosed](**(given | more))


@dataclass
class FakeRelay:
    """Publishes bytes as a relay does: each with its position and the one before it in its partition."""

    producer: AIOKafkaProducer
    topic: str
    name: str = "gateway"
    position: int = 0
    last: dict[int, int] = field(default_factory=dict)

    async def send(
        self, value: bytes, key: str, *, partition: int = 0, headers: Sequence[tuple[str, Any]] = ()
    ) -> tuple[str, bytes, int, list[tuple[str, Any]]]:
        """Give a position and publish; what was sent, to be sent again."""
        self.position += 1
        previous = self.last.get(partition, 0)
        self.last[partition] = self.position
        marks: list[tuple[str, Any]] = [
            ("producer", self.name.encode()),
            ("position", str(self.position).encode()),
            ("previous", str(previous).encode()),
            *headers,
        ]
        sent = (key, value, partition, marks)
        await self.again(sent)
        return sent

    def skip(self, partition: int = 0) -> None:
        """Give a position and lose the record."""
        self.position += 1
        self.last[partition] = self.position

    async def again(self, sent: tuple[str, bytes, int, list[tuple[str, Any]]]) -> None:
        """Publish what was published before."""
        key, value, partition, headers = sent
        await self.producer.send_and_wait(self.topic, value, key=key.encode(), partition=partition, headers=headers)


@asynccontextmanager
async def relay(kafka: Broker, topic: str) -> AsyncIterator[FakeRelay]:
    producer = AIOKafkaProducer(**client(kafka), enable_idempotence=True, acks="all")
    await producer.start()
    try:
        yield FakeRelay(producer, topic)
    finally:
        await producer.stop()


@dataclass(frozen=True)
class Access:
    """How a process of our own reaches the broker."""

    bootstrap: str
    protocol: str
    mechanism: str
    username: str
    password: str

    @classmethod
    def of(cls, kafka: Broker) -> "Access":
        return cls(
            kafka.bootstrap, kafka.security_protocol, kafka.sasl_mechanism, kafka.admin_username, kafka.admin_password
        )

    def client(self) -> dict[str, Any]:
        """As aiokafka's settings."""
        return {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": self.protocol,
            "sasl_mechanism": self.mechanism,
            "sasl_plain_username": self.username,
            "sasl_plain_password": self.password,
        }

    def security(self) -> BaseSecurity:
        """As FastStream's."""
        return SASLScram512(self.username, self.password)


def client(kafka: Broker) -> dict[str, Any]:
    """How an aiokafka client reaches the broker as its super user."""
    return Access.of(kafka).client()


def broker_of(kafka: Broker) -> KafkaBroker:
    return kafka_broker(kafka.bootstrap, security=Access.of(kafka).security())


@dataclass
class Ground:
    """A service of its own: its database, its topic, and the vault's side of its sealing key."""

    stack: Stack
    service: ServiceDatabase
    topic: str
    vault_key: PrivateKey

    @property
    def name(self) -> str:
        """Of the service, so that its consumer groups are its own."""
        return self.topic.rpartition(".")[2]

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Database]:
        opened = Database(self.service.runtime_url, pool_size=4)
        try:
            yield opened
        finally:
            await opened.close()

    def reader(self, database: Database, made: Reactions | None = None, **more: Any) -> Reader:
        place = workplace(self.name, more.pop("out", "out"))
        return Reader(place, database, made or reactions(self.topic), Parking(self.sealer), **more)

    @property
    def sealer(self) -> Sealer:
        return Sealer(SealingKey.of(bytes(self.vault_key.public_key)))

    @asynccontextmanager
    async def running(self, reader: Reader, **settings: Any) -> AsyncIterator[KafkaBroker]:
        broker = broker_of(self.stack.kafka)
        reader.subscribe(broker, session_timeout_ms=6000, **settings)
        await broker.start()
        try:
            yield broker
        finally:
            await broker.stop()

    async def rows(self, question: str = "select subject, version from effect order by id") -> list[Any]:
        async with self.database() as database, database.reading() as connection:
            return [tuple(row) for row in await connection.execute(text(question))]

    async def opened_parcels(self) -> list[bytes]:
        """What the vault would read."""
        box = SealedBox(self.vault_key)
        return [
            box.decrypt(bytes(sealed)) for (sealed,) in await self.rows("select ciphertext from parcel order by seq")
        ]

    async def committed(self, partition: int = 0, *, group: str = "") -> int | None:
        """The committed offset of the topic's group, or of another of the service's, as the broker tells it."""
        from aiokafka import AIOKafkaConsumer

        consumer = AIOKafkaConsumer(**client(self.stack.kafka), group_id=f"{self.name}.{group or self.topic}")
        await consumer.start()
        try:
            found: int | None = await consumer.committed(TopicPartition(self.topic, partition))
            return found
        finally:
            await consumer.stop()


def workplace(service: str, out: str) -> Workplace:
    log = EventLog(service, log_tables(MetaData()), lambda fact: Route(out, fact.subject or ""))
    return Workplace(service, log, RealClock(), fixed_calendar)


async def fixed_calendar(_: Transaction) -> Calendar:
    return england_and_wales()


async def ground(stack: Stack, partitions: int = 1) -> Ground:
    """A fresh one."""
    mark = uuid4().hex[:8]
    service = stack.create_database(f"reader_{mark}")
    await upgrade(MIGRATIONS, service.owner_url, service.runtime_role)
    topic = await asyncio.to_thread(stack.create_topic, f"safeguarding.reader-{mark}", partitions)
    made = Ground(stack, service, topic, PrivateKey.generate())
    key = made.sealer.key
    assert key is not None
    async with made.database() as database, database.transaction() as tx:
        await tx.connection.execute(
            text("insert into sealing_key (id, public, current) values (:id, :public, true)"),
            {"id": key.id, "public": key.public},
        )
    return made


async def until(check: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(seconds):
        while not await check():  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(0.05)
