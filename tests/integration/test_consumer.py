"""The reader on a real Kafka and PostgreSQL: each fact has its effect once, whatever came with it or before it."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from kafka import KafkaProducer

from contracts.envelope import AnyEvent, Event
from contracts.notifications import NotificationAmended
from shared.consumer import Flow, Reactions, Reader, Work
from shared.eventlog import Conflict
from tests.faults.consumer.ground import NEVER, FakeRelay, Ground, closed, ground, relay, subject, until
from tests.faults.relay.ground import as_superuser
from tests.retiring import AMENDED_V1, retired
from tests.stacks import Stack


@pytest.fixture
async def here(stack: Stack) -> Ground:
    return await ground(stack)


@asynccontextmanager
async def started(here: Ground, **settings: Any) -> AsyncIterator[Reader]:
    async with here.database() as database:
        reader = here.reader(database)
        async with here.running(reader, **settings):
            yield reader


@asynccontextmanager
async def gateway(here: Ground) -> AsyncIterator[FakeRelay]:
    async with relay(here.stack.kafka, here.topic) as made:
        yield made


async def has_come_to(here: Ground, offset: int) -> None:
    async def so() -> bool:
        return await here.committed() == offset

    await until(so)


async def effects(here: Ground, *expected: tuple[int, int]) -> None:
    async def so() -> bool:
        return await here.rows() == [(subject(key), version) for key, version in expected]

    await until(so)


async def test_each_fact_has_its_effect_once_and_in_order(here: Ground) -> None:
    order = [(key, version) for version in (1, 2, 3) for key in (1, 2)]
    async with gateway(here) as relayed:
        sent = [await relayed.send(closed(subject(key), version).to_json(), subject(key)) for key, version in order]
        for again in sent:
            await relayed.again(again)
    async with started(here):
        await has_come_to(here, 12)
    await effects(here, *order)
    assert await here.rows("select count(*) from fact") == [(6,)]
    assert await here.rows("select subject, version from reader_folded order by subject") == []


async def test_the_version_of_each_incident_is_remembered_where_it_is_asked_for(here: Ground) -> None:
    async with here.database() as database, gateway(here) as relayed:
        await relayed.send(closed(subject(1), 1).to_json(), subject(1))
        unknown = closed(subject(1), 2).to_json().replace(b"incident.closed.v1", b"incident.reopened.v1")
        await relayed.send(unknown, subject(1))
        async with here.running(here.reader(database, folds=[here.topic])):
            await has_come_to(here, 2)
    assert await here.rows("select subject, version from reader_folded") == [(subject(1), 2)]
    await effects(here, (1, 1))


async def test_a_fact_of_a_retired_version_has_its_effect_as_one_of_todays(here: Ground) -> None:
    react = Reactions("ground")
    heard: list[str] = []

    @react.on(here.topic, "notification.amended")
    async def amended(event: Event[NotificationAmended], work: Work) -> None:
        heard.append(f"{event.type} {event.data.portal_time:%H:%M}")

    with retired("notification.amended", 1):
        async with here.database() as database, gateway(here) as relayed:
            await relayed.send(json.dumps(AMENDED_V1).encode(), subject(1))
            async with here.running(here.reader(database, react)):
                await has_come_to(here, 1)
    assert heard == ["notification.amended.v2 08:00"]


async def test_offsets_that_were_lost_bring_repeats_but_no_second_effect(
    here: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(*_: object) -> None:
        raise KafkaError("the coordinator is away")

    async with gateway(here) as relayed:
        for version in range(1, 21):
            await relayed.send(closed(subject(version % 3), version).to_json(), subject(version % 3))
        with monkeypatch.context() as patched:
            patched.setattr(AIOKafkaConsumer, "commit", lost)
            async with started(here):
                await effects(here, *((version % 3, version) for version in range(1, 21)))
        assert await here.committed() is None
        await relayed.send(closed(subject(0), 21).to_json(), subject(0))
        async with started(here):
            await has_come_to(here, 21)
    await effects(here, *((version % 3, version) for version in range(1, 22)))


async def test_only_the_culprit_of_a_batch_is_parked_and_what_follows_it_under_its_key(
    here: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with gateway(here) as relayed:
        for number in range(1, 11):
            key, why = number % 3, NEVER if number == 4 else "not_notifiable"
            await relayed.send(closed(subject(key), number, why).to_json(), subject(key))
    async with started(here):
        await has_come_to(here, 10)
    await effects(here, *((number % 3, number) for number in range(1, 11) if number not in (4, 7, 10)))
    parked = await here.rows('select "offset", key, producer, position, reason from reader_parked order by "offset"')
    assert [row[:4] for row in parked] == [(offset, subject(1), "gateway", offset + 1) for offset in (3, 6, 9)]
    assert parked[0][4].startswith("ValueError in ground.py:")
    assert {row[4] for row in parked[1:]} == {"behind an event of the same key"}
    assert "Child A" not in str(parked)
    assert "Child A" not in caplog.text


@pytest.mark.parametrize(
    "headers", [[("extra", None)], [("extra", b"\xff\xfe")], [("extra", None), ("more", b"\xff")]], ids=str
)
async def test_headers_that_cannot_be_read_do_not_keep_a_fact_from_its_effect(
    here: Ground, headers: Sequence[tuple[str, Any]]
) -> None:
    async with gateway(here) as relayed:
        await relayed.send(closed(subject(1), 1).to_json(), subject(1), headers=headers)
        await relayed.send(closed(subject(1), 2).to_json(), subject(1))
    async with started(here):
        await effects(here, (1, 1), (1, 2))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"not json, about Child A", "it is no JSON"),
        (b"\xff\xfe\x00", "it is no JSON"),
        (b'["Child A"]', "it is no event"),
        (b'{"type": 7}', "it names no type"),
        (b"", "it is no JSON"),
        (
            closed(subject(1), 1).to_json().replace(b'"why":"not_notifiable"', b'"why":"Child A"'),
            "does not fit its schema: string_pattern_mismatch at /data/why",
        ),
        (
            closed(subject(1), 1).to_json().replace(b'"why":', b'"Child A":"","why":'),
            "does not fit its schema: extra_forbidden at /data",
        ),
        (
            closed(subject(1), 1).to_json().replace(b"closed.v1", b"closed.v9"),
            "a type or version that this service does not know yet",
        ),
    ],
)
async def test_what_cannot_be_understood_is_parked_with_its_reason_and_without_its_words(
    here: Ground, caplog: pytest.LogCaptureFixture, content: bytes, reason: str
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO, "aiokafka")  # the producer that this test sends with
    async with gateway(here) as relayed:
        await relayed.send(content, subject(1))
        await relayed.send(closed(subject(2), 1).to_json(), subject(2))
    async with started(here):
        await effects(here, (2, 1))
    assert await here.rows("select reason from reader_parked") == [(reason,)]
    assert "Child A" not in caplog.text


async def test_events_of_types_that_nobody_here_knows_pass(here: Ground) -> None:
    async with gateway(here) as relayed:
        strange = closed(subject(1), 1).to_json()
        await relayed.send(strange.replace(b"incident.closed.v1", b"incident.reopened.v1"), subject(1))
        await relayed.send(closed(subject(1), 2).to_json(), subject(1))
    async with started(here):
        await effects(here, (1, 2))
    assert await here.rows("select reason from reader_parked") == []


async def test_a_service_that_hears_every_type_hears_those_it_knows(here: Ground) -> None:
    heard = []
    reactions = Reactions("ground")

    @reactions.on(here.topic)
    async def hear(event: AnyEvent, work: Work) -> None:
        heard.append(event.streamversion)

    async with here.database() as database, gateway(here) as relayed:
        for version, type_ in enumerate([b"incident.closed.v1", b"incident.reopened.v1", b"incident.closed.v9"], 1):
            content = closed(subject(version), version).to_json().replace(b"incident.closed.v1", type_)
            await relayed.send(content, subject(version))
        async with here.running(here.reader(database, reactions)):
            await has_come_to(here, 3)
    assert set(heard) == {1}  # more than once where its batch was done again one by one
    assert await here.rows("select key from reader_parked") == [(subject(3),)]


async def test_a_record_without_a_relays_mark_has_no_effect_and_holds_nothing_up(here: Ground) -> None:
    async with gateway(here) as relayed:
        await relayed.again((subject(1), closed(subject(1), 1).to_json(), 0, [("producer", b"gateway")]))
        await relayed.send(closed(subject(1), 2).to_json(), subject(1))
    async with started(here):
        await effects(here, (1, 2))
    assert await here.rows("select key, position from reader_parked") == [(None, None)]


async def test_a_gap_halts_its_producer_and_says_so_until_the_missing_fact_comes(
    here: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    async with gateway(here) as relayed, started(here) as reader:
        missing = await relayed.send(closed(subject(1), 1).to_json(), subject(1))
        await effects(here, (1, 1))
        relayed.skip()
        for version in (3, 4, 5):
            await relayed.send(closed(subject(2), version).to_json(), subject(2))
        other = FakeRelay(relayed.producer, here.topic, "other")
        await other.send(closed(subject(9), 1).to_json(), subject(9))
        await effects(here, (1, 1), (9, 1))
        (gap,) = reader.flows[here.topic].gaps.values()
        assert (gap.offset, gap.needs) == (1, 2)
        assert "a fact is missing" in caplog.text
        await has_come_to(here, 1)  # so that a restart reads again what was skipped
        key, value, partition, marks = missing
        late = closed(subject(1), 2).to_json()
        relayed.position, relayed.last = 1, {0: 1}
        await relayed.send(late, key, partition=partition)
        await effects(here, (1, 1), (9, 1), (1, 2), (2, 3), (2, 4), (2, 5))
        assert not reader.flows[here.topic].gaps
        await has_come_to(here, 6)
    assert value != late
    assert marks


async def test_a_gap_stays_through_a_restart(here: Ground) -> None:
    async with gateway(here) as relayed:
        await relayed.send(closed(subject(1), 1).to_json(), subject(1))
        relayed.skip()
        await relayed.send(closed(subject(1), 3).to_json(), subject(1))
        for _ in range(2):
            async with started(here) as reader:
                await until(lambda: halted(reader, here))
            await effects(here, (1, 1))


async def is_inbound_at(here: Ground, offset: int) -> bool:
    return await here.committed(group="inbound") == offset


async def halted(reader: Reader, here: Ground) -> bool:
    return bool(reader.flows[here.topic].gaps)


async def test_a_database_older_than_the_offsets_gets_what_it_lacks(here: Ground) -> None:
    async with gateway(here) as relayed:
        for version in range(1, 6):
            await relayed.send(closed(subject(1), version).to_json(), subject(1))
        async with started(here):
            await has_come_to(here, 5)
        admin = await as_superuser(here.stack, here.service)
        await admin.execute("delete from effect where version > 2; update reader_position set position = 2")
        await admin.execute("delete from waiting; delete from fact where version > 2")
        await admin.close()
        await relayed.send(closed(subject(1), 6).to_json(), subject(1))
        async with started(here):
            await effects(here, *((1, version) for version in range(1, 7)))


async def test_an_agencys_records_go_to_the_intake_as_they_came_and_once(here: Ground) -> None:
    taken = []

    async def intake(record: Any, tx: Any) -> None:
        await tx.driver.execute("insert into effect (subject, event, version) values ('inbound', $1, $2)", "", 1)
        taken.append((record.value, record.key))

    async with here.database() as database, gateway(here) as relayed:
        reactions = Reactions("ground")
        reactions.intake(f"{here.topic}$", intake)
        for value in (b"one", b"\xff", b""):
            await relayed.again(("Child A", value, 0, [("x", None)]))
        async with here.running(here.reader(database, reactions)):
            await until(lambda: is_inbound_at(here, 3))
    assert taken == [(b"one", None), (b"\xff", None), (b"", None)]
    assert await here.rows("select topic, producer, position from reader_position") == [(here.topic, "", 3)]


async def test_lag_is_nought_when_everything_is_applied_and_unknown_before_anything_is_assigned(here: Ground) -> None:
    async with gateway(here) as relayed, here.database() as database:
        reader = here.reader(database)
        async with here.running(reader):
            flow = reader.flows[here.topic]
            assert await flow.lag() is None
            await relayed.send(closed(subject(1), 1).to_json(), subject(1))
            await effects(here, (1, 1))
            await has_come_to(here, 1)
            assert await flow.lag() == 0


class Unreadable(str):
    """A header's name as a client in C may send it: no UTF-8."""

    def encode(self, *_: object) -> bytes:
        return b"\xff"


async def test_a_record_that_the_client_cannot_read_holds_its_partition_and_loses_nothing_beside_it(
    stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    # Whichever partition comes first in a poll, some are taken before the bad record is met.
    here = await ground(stack, partitions=8)
    async with gateway(here) as relayed:
        for partition in range(8):
            await relayed.send(closed(subject(partition), 1).to_json(), subject(partition), partition=partition)
        await asyncio.to_thread(send_unreadable, here, 0)
        await relayed.send(closed(subject(0), 2).to_json(), subject(0), partition=0)
        async with started(here):
            await until(lambda: count_of(here, 8))
            await relayed.send(closed(subject(1), 2).to_json(), subject(1), partition=1)
            await until(lambda: count_of(here, 9))
    assert sorted(await here.rows()) == sorted([*((subject(number), 1) for number in range(8)), (subject(1), 2)])
    assert await here.committed(0) == 1
    assert "a record cannot be read" in caplog.text


def send_unreadable(here: Ground, partition: int) -> None:
    kafka = here.stack.kafka
    producer = KafkaProducer(
        bootstrap_servers=kafka.bootstrap,
        security_protocol=kafka.security_protocol,
        sasl_mechanism=kafka.sasl_mechanism,
        sasl_plain_username=kafka.admin_username,
        sasl_plain_password=kafka.admin_password,
    )
    producer.send(here.topic, b"{}", headers=[(Unreadable(), b"")], partition=partition).get(20)
    producer.close()


async def count_of(here: Ground, number: int) -> bool:
    return await here.rows("select count(*) from effect") == [(number,)]


async def test_losing_a_race_against_another_writer_is_tried_again_at_once(
    here: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    tries = []
    reactions = Reactions("ground")

    @reactions.on(here.topic, "incident.closed")
    async def loses_twice(event: AnyEvent, work: Work) -> None:
        tries.append(event.id)
        if len(tries) < 3:
            raise Conflict(event.id, 0)

    async with here.database() as database, gateway(here) as relayed:
        fact = closed(subject(1), 1)
        await relayed.send(fact.to_json(), subject(1))
        async with here.running(here.reader(database, reactions)):
            await has_come_to(here, 1)
    assert tries == [fact.id] * 3
    assert "a partition is held" not in caplog.text


async def test_a_fault_of_the_readers_own_holds_the_partition_and_skips_nothing(
    here: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed, failures = Flow.passed, iter([RuntimeError("not foreseen")])

    def fails_once(self: Flow, *given: Any) -> None:
        for failure in failures:
            raise failure
        passed(self, *given)

    monkeypatch.setattr(Flow, "passed", fails_once)
    async with gateway(here) as relayed:
        for version in (1, 2, 3):
            await relayed.send(closed(subject(1), version).to_json(), subject(1))
        async with started(here):
            await has_come_to(here, 3)
    await effects(here, (1, 1), (1, 2), (1, 3))
