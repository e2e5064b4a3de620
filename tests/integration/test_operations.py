"""What operators can ask of a service and order it to do, over HTTP, on a real Kafka and PostgreSQL."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import TopicPartition
from fastapi import FastAPI

from shared.clock import Clock, MovableClock, RealClock
from shared.consumer import Replay, TryLater
from shared.http import service_app
from shared.identity import Caller, caller
from shared.operations import Operated, operations_router
from shared.signals import Signals, log_signals, reader_signals
from tests.faults.consumer.ground import closed, ground, subject, until
from tests.faults.consumer.repairable import Repairable, repairable
from tests.stacks import Stack

BEGINS = datetime(2020, 5, 7, 9, tzinfo=UTC)


@pytest.fixture
async def service(stack: Stack) -> AsyncIterator[Repairable]:
    async with repairable(await ground(stack)) as made:
        yield made


def app_of(service: Repairable, clock: Clock, **more: Any) -> FastAPI:
    database = service.reader.database
    signals = Signals([*log_signals(database), *reader_signals(database, service.reader)])
    given: dict[str, Any] = {"replay": service.replay} | more
    operated = Operated("ground", database, clock, signals, **given)
    return service_app(title="Ground", service="ground", routers=[operations_router(operated)])


@asynccontextmanager
async def calling(app: FastAPI, *roles: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose token says that it has these roles."""
    app.dependency_overrides[caller] = lambda: Caller("person", "exchange-operator", "exchange", frozenset(roles))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        yield client


@pytest.fixture
async def operator(service: Repairable) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(app_of(service, RealClock()), "operator") as client:
        yield client


async def test_operations_are_for_operators_only(service: Repairable) -> None:
    app = app_of(service, RealClock())
    async with calling(app, "approver") as client:
        assert (await client.get("/operations/signals")).status_code == 403
        assert (await client.post("/operations/parked/replay", json={})).status_code == 403
        app.dependency_overrides.clear()
        assert (await client.get("/operations/signals")).status_code == 401


async def test_signals_come_with_what_they_mean(service: Repairable, operator: httpx.AsyncClient) -> None:
    service.unbearable.add(1)
    await service.send((1, 1), (1, 2))
    await service.parked(2)
    told = (await operator.get("/operations/signals")).json()
    values = {signal["name"]: signal["value"] for signal in told["signals"]}
    assert values["parked_events"] == 2
    assert values["parked_keys"] == 1
    assert values["gaps"] == values["facts_unsequenced"] == values["proposals_waiting"] == 0
    assert all(signal["meaning"] for signal in told["signals"])


async def test_parked_events_are_listed_in_pages_and_replayed(service: Repairable, operator: httpx.AsyncClient) -> None:
    service.unbearable.add(1)
    await service.send((1, 1), (1, 2), (1, 3))
    await service.parked(3)
    first = (await operator.get("/operations/parked", params={"limit": 2})).json()["items"]
    last = {name: first[-1][name] for name in ("topic", "partition", "offset")}
    rest = (await operator.get("/operations/parked", params=last)).json()["items"]
    assert [event["position"] for event in (*first, *rest)] == [1, 2, 3]
    these = {"topic": service.here.topic, "key": subject(1)}
    stopped = (await operator.post("/operations/parked/replay", json=these)).json()
    assert stopped["replayed"] == 0
    assert stopped["stopped"].startswith("ZeroDivisionError")
    service.unbearable.clear()
    assert (await operator.post("/operations/parked/replay", json=these)).json() == {"replayed": 3, "stopped": None}
    assert (await operator.get("/operations/parked")).json() == {"items": []}


async def test_a_parked_event_is_discarded_by_name_and_with_a_reason(
    service: Repairable, operator: httpx.AsyncClient
) -> None:
    service.unbearable.add(1)
    await service.send((1, 1))
    await service.parked(1)
    that = {"topic": service.here.topic, "key": subject(1)}
    assert (await operator.post("/operations/parked/discard", json=that)).status_code == 422
    worded = that | {"why": "because Child A was named"}
    assert (await operator.post("/operations/parked/discard", json=worded)).status_code == 422
    given_up = await operator.post("/operations/parked/discard", json=that | {"why": "sent-by-mistake"})
    assert given_up.json()["position"] == 1
    again = await operator.post("/operations/parked/discard", json=that | {"why": "sent-by-mistake"})
    assert again.status_code == 404
    settled = await service.here.rows("select settled from reader_parked")
    assert settled == [("discarded by exchange-operator: sent-by-mistake",)]


async def test_which_events_are_meant_must_be_said_in_one_way(operator: httpx.AsyncClient) -> None:
    for those in (
        {"topic": "t"},
        {"topic": "t", "partition": 0},
        {"topic": "t", "key": "k", "partition": 0, "offset": 1},
    ):
        assert (await operator.post("/operations/parked/replay", json=those)).status_code == 422, those


async def test_while_the_vault_is_away_a_replay_says_when_to_come_again(service: Repairable) -> None:
    async def away(_: Sequence[str]) -> Mapping[str, Any]:
        raise TryLater

    service.unbearable.add(1)
    await service.send((1, 1))
    await service.parked(1)
    app = app_of(service, RealClock(), replay=Replay(service.reader, away))
    async with calling(app, "operator") as client:
        answer = await client.post("/operations/parked/replay", json={"topic": service.here.topic, "key": subject(1)})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    await service.parked(1)


async def test_a_stack_in_real_time_has_no_clock_to_ask(operator: httpx.AsyncClient) -> None:
    assert (await operator.get("/operations/clock")).status_code == 404


async def test_the_tick_reads_the_clock_anew_and_answers_once_it_is_done(service: Repairable, tmp_path: Path) -> None:
    history = tmp_path / "clock.jsonl"
    MovableClock.begin(history, BEGINS)
    clock = MovableClock(history)
    ticked: list[datetime] = []

    async def tick() -> None:
        ticked.append(clock.now())

    async def next_due() -> datetime | None:
        return BEGINS + timedelta(days=3)

    async with calling(app_of(service, clock, tick=tick, next_due=next_due), "operator") as client:
        await until(lambda: is_quiet(client))
        MovableClock.move(history, BEGINS + timedelta(days=1))
        told = (await client.post("/operations/clock/tick")).json()
    assert ticked[0] - (BEGINS + timedelta(days=1)) < timedelta(seconds=5)
    assert datetime.fromisoformat(told["now"]) >= ticked[0]
    assert told["nextDue"] == (BEGINS + timedelta(days=3)).isoformat()


async def test_a_service_is_quiet_only_once_it_has_applied_and_published_everything(
    service: Repairable, tmp_path: Path
) -> None:
    history = tmp_path / "clock.jsonl"
    MovableClock.begin(history, BEGINS)
    async with calling(app_of(service, MovableClock(history)), "operator") as client:
        await until(lambda: is_quiet(client))
        flow = service.reader.flows[service.here.topic]
        flow.hold(TopicPartition(service.here.topic, 0), 0, TimeoutError())
        await service.send((1, 1))
        told = (await client.get("/operations/clock")).json()
        assert told["quiet"] is False
        assert told["waitsFor"]["partitions_held"] == 1
        await until(lambda: is_quiet(client))
        await service.heard((1, 1))
        async with service.reader.database.transaction(service.reader.workplace.log) as tx:
            await tx.append(subject(1), 0, [closed(subject(1), 1)])
        told = (await client.get("/operations/clock")).json()
        assert told["waitsFor"] == {"facts_unsequenced": 1}


async def is_quiet(client: httpx.AsyncClient) -> bool:
    quiet: bool = (await client.get("/operations/clock")).json()["quiet"]
    return quiet
