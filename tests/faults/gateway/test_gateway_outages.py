"""Kafka, PostgreSQL or the gateway itself goes away: what was answered 202 is there, and nothing is there twice."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from kafka.errors import TopicAlreadyExistsError
from nacl.public import PrivateKey

from contracts.topics import PARTITIONS
from infra.local.ports import free_ports
from infra.postgres.provision import ServiceDatabase
from shared.relay import Relay
from tests.faults.gateway.door import Caller, doorway, public_key, token
from tests.faults.gateway.ground import POLICE, gateway_database, ground, referral
from tests.faults.relay.ground import producer_settings, published, running, until, until_async
from tests.stacks import Stack


@pytest.fixture
async def service(stack: Stack) -> ServiceDatabase:
    return await gateway_database(stack, "gwoutage")


async def test_with_kafka_away_events_are_taken_and_published_later(stack: Stack, service: ServiceDatabase) -> None:
    for topic in ("safeguarding.incidents", "safeguarding.directory"):
        with suppress(TopicAlreadyExistsError):  # the broker is the whole session's
            stack.create_topic(topic, PARTITIONS[topic])
    async with (
        ground(service, PrivateKey.generate()) as opened,
        doorway(opened) as at,
        running(Relay("gateway", opened.database, producer_settings(stack), PARTITIONS)),
    ):
        await asyncio.to_thread(stack.kafka.stop)
        try:
            answers = [await at.as_().send(referral()) for _ in range(10)]
            assert {answer.status_code for answer in answers} == {202}
        finally:
            await asyncio.to_thread(stack.kafka.start)
        facts = sum(len(answer.json()["facts"]) for answer in answers) + opened.directory.edition
        await until_async(lambda: published(opened.database, facts), seconds=60)


async def test_with_postgresql_away_senders_are_asked_to_come_again_and_nothing_is_taken_twice(
    stack: Stack, service: ServiceDatabase
) -> None:
    async with ground(service, PrivateKey.generate()) as opened, doorway(opened) as at:
        police, values = at.as_(), [referral() for _ in range(6)]
        assert (await police.send(values[0])).status_code == 202
        await asyncio.to_thread(stack.postgres.stop)
        try:
            away = await asyncio.gather(*(police.send(value) for value in values[1:]))
            assert {answer.status_code for answer in away} == {503}
            assert all(int(answer.headers["retry-after"]) >= 1 for answer in away)
        finally:
            await asyncio.to_thread(stack.postgres.start)
        again = [await police.send(value) for value in values]
        assert [answer.status_code for answer in again] == [200, 202, 202, 202, 202, 202]
        assert (await opened.rows("select count(*) from submission"))[0][0] == 6


@asynccontextmanager
async def process(service: ServiceDatabase, secret: PrivateKey, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.gateway.process", str(port)), stdin=asyncio.subprocess.PIPE
    )
    assert started.stdin is not None
    told = {"url": service.runtime_url, "secret": bytes(secret).hex(), "key": public_key()}
    started.stdin.write(json.dumps(told).encode())
    started.stdin.close()
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()


async def listening(http: httpx.AsyncClient) -> None:
    for _ in range(600):
        try:
            await http.get("/health/live")
            return
        except httpx.TransportError:
            await asyncio.sleep(0.1)
    raise AssertionError("the process never listened")


async def test_what_was_answered_outlives_a_killed_process_and_the_rest_can_be_sent_again(
    stack: Stack, service: ServiceDatabase
) -> None:
    secret, (port,) = PrivateKey.generate(), free_ports(1)
    values = [referral(at=datetime.now(UTC)) for _ in range(200)]
    answered: dict[str, Any] = {}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as http:
        police = Caller(http, token(POLICE))

        async def send(share: list[dict[str, Any]]) -> None:
            for value in share:
                try:
                    answer = await police.send(value)
                except httpx.TransportError:
                    return
                assert answer.status_code in (200, 202), answer.text
                answered[value["id"]] = answer.json()

        async with process(service, secret, port) as first:
            await listening(http)
            sending = [asyncio.create_task(send(values[number::4])) for number in range(4)]
            await until(lambda: len(answered) >= 40)
            first.kill()
            await asyncio.gather(*sending)
        before = dict(answered)
        assert 40 <= len(before) < len(values)
        async with process(service, secret, port):
            await listening(http)
            await send(values)
    for event_id, receipt in before.items():
        assert answered[event_id] == receipt
    async with ground(service, secret) as opened:
        ((submissions, incidents),) = await opened.rows("select count(*), count(distinct incident) from submission")
        assert (submissions, incidents) == (len(values), len(values))
        ((streams,),) = await opened.rows("select count(distinct stream) from fact where stream like 'incident-%'")
        assert streams == len(values)
        ((parcels,),) = await opened.rows("select count(*) from parcel")
        assert parcels == len(values)
