"""Parked events on a real Kafka and PostgreSQL: sealed, in order, replayed by command; others go on."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest

from shared.consumer import Replay, Replayed, TryLater, Which
from shared.consumer.parking import parked_count, parked_events, parked_keys
from shared.vault_client.sealing import Sealer
from tests.faults.consumer.ground import closed, ground, subject, until
from tests.faults.consumer.repairable import Repairable, repairable
from tests.stacks import Stack


@pytest.fixture
async def service(stack: Stack) -> AsyncIterator[Repairable]:
    async with repairable(await ground(stack)) as made:
        yield made


async def test_parked_events_are_replayed_in_order_and_the_key_goes_on(service: Repairable) -> None:
    service.unbearable.add(2)
    await service.send((1, 1), (1, 2), (2, 1), (1, 3), (2, 7), (1, 4))
    await service.heard((1, 1), (2, 1), (2, 7))
    await service.parked(3)
    service.unbearable.clear()
    assert await service.replay.run(service.all_of(1)) == Replayed(3)
    await service.heard((1, 1), (2, 1), (2, 7), (1, 2), (1, 3), (1, 4))
    await service.send((1, 5))
    await service.heard((1, 1), (2, 1), (2, 7), (1, 2), (1, 3), (1, 4), (1, 5))
    assert await service.replay.run(service.all_of(1)) == Replayed(0)
    folded = await service.here.rows("select subject, version from reader_folded order by subject")
    assert folded == [(subject(1), 5), (subject(2), 7)]


async def test_the_bytes_are_in_the_vault_and_only_a_reference_in_the_table(service: Repairable) -> None:
    service.unbearable.add(1)
    await service.send((1, 1))
    await service.parked(1)
    sent = closed(subject(1), 1)
    ((ref, row),) = await service.here.rows("select ref, reader_parked::text from reader_parked")
    assert "exampleshire" not in row
    assert sent.type not in row
    (sealed,) = map(json.loads, await service.here.opened_parcels())
    (item,) = sealed["items"]
    assert (item["ref"], item["kind"], item["incident"], sealed["partnership"]) == (
        ref,
        "parked",
        subject(1),
        "exampleshire",
    )
    assert item["value"]["origin"]["topic"] == service.here.topic


async def test_a_replay_that_fails_again_stops_there_and_keeps_the_rest(service: Repairable) -> None:
    service.unbearable |= {1, 2}
    await service.send((1, 1), (1, 2), (1, 3))
    await service.parked(3)
    service.unbearable.remove(1)
    stopped = await service.replay.run(service.all_of(1))
    assert (stopped.replayed, str(stopped.stopped).partition(" in ")[0]) == (1, "ZeroDivisionError")
    await service.parked(2)
    await service.send((1, 4))
    await service.parked(3)
    assert await service.here.rows('select attempts from reader_parked order by "offset"') == [(0,), (1,), (0,), (0,)]


async def test_what_is_discarded_lets_the_rest_be_replayed_and_stays_on_record(service: Repairable) -> None:
    service.unbearable.add(1)
    await service.send((1, 1), (1, 2))
    await service.parked(2)
    given_up = await service.replay.discard(service.all_of(1), by="exchange-operator", why="sent-by-mistake")
    assert given_up is not None
    assert given_up.position == 1
    assert await service.replay.run(service.all_of(1)) == Replayed(1)
    await service.heard((1, 2))
    assert await service.here.rows('select settled from reader_parked order by "offset"') == [
        ("discarded by exchange-operator: sent-by-mistake",),
        ("replayed",),
    ]


async def test_a_record_without_a_relays_mark_can_only_be_discarded(service: Repairable) -> None:
    await service.relayed.again((subject(1), closed(subject(1), 1).to_json(), 0, []))
    await service.parked(1)
    that = Which(service.here.topic, partition=0, offset=0)
    assert (await service.replay.run(that)).stopped == "it bears no relay's mark: producer, position and previous"
    assert await service.replay.discard(that, by="exchange-operator", why="forged") is not None
    await service.parked(0)
    await service.heard()


async def test_while_the_vault_cannot_be_reached_nothing_is_replayed_and_nothing_lost(service: Repairable) -> None:
    async def away(_: Sequence[str]) -> Mapping[str, Any]:
        raise TryLater

    service.unbearable.add(1)
    await service.send((1, 1))
    await service.parked(1)
    service.unbearable.clear()
    with pytest.raises(TryLater):
        await Replay(service.reader, away).run(service.all_of(1))
    await service.parked(1)


async def test_replays_at_the_same_time_and_facts_that_arrive_meanwhile_keep_their_order(service: Repairable) -> None:
    service.unbearable.add(1)
    await service.send(*((1, version) for version in range(1, 21)))
    await service.parked(20)
    service.unbearable.clear()
    found = await asyncio.gather(
        service.replay.run(service.all_of(1)),
        service.replay.run(service.all_of(1)),
        service.send(*((1, version) for version in range(21, 41))),
    )
    await asyncio.sleep(0.5)
    await service.replay.run(service.all_of(1))
    assert found[0].stopped is found[1].stopped is None
    await service.heard(*((1, version) for version in range(1, 41)))


async def test_signals_count_events_and_the_keys_they_hold_up(service: Repairable) -> None:
    service.unbearable.add(1)
    await service.send((1, 1), (1, 2), (2, 1))
    await service.parked(3)
    async with service.here.database() as database, database.reading() as connection:
        assert (await parked_count(connection), await parked_keys(connection)) == (3, 2)
        first = await parked_events(connection, after=("", -1, -1), limit=2)
        rest = await parked_events(connection, after=(first[-1].topic, first[-1].partition, first[-1].offset), limit=2)
        assert [event.offset for event in (*first, *rest)] == [0, 1, 2]


async def test_without_a_sealing_key_the_partition_is_held_and_nothing_is_skipped(stack: Stack) -> None:
    here = await ground(stack)
    async with repairable(here) as service:
        keyless, key = Sealer(), here.sealer.key
        service.reader.parking._sealer = keyless
        service.unbearable.add(2)
        await service.send((1, 1), (1, 2), (2, 1))
        await service.heard((1, 1))
        flow = service.reader.flows[here.topic]
        await until(lambda: is_held(flow))
        assert await service.here.rows("select count(*) from reader_parked") == [(0,)]
        assert key is not None
        keyless.use(key)
        await service.parked(1)
        await service.heard((1, 1), (2, 1))


async def is_held(flow: Any) -> bool:
    return bool(flow.holds)
