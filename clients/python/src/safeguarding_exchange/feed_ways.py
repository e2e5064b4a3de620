"""The three ways to the feed."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import AuthorizationError, KafkaError
from kafka.structs import OffsetAndMetadata

from safeguarding_exchange import kafka_access
from safeguarding_exchange.connection import Connection
from safeguarding_exchange.failures import CredentialsRefused, Unreachable
from safeguarding_exchange.feed_items import Item
from safeguarding_exchange.feed_state import State
from safeguarding_exchange.gateway import PATIENCE, Gateway

PAGE = 200
PAUSE = 1.0


@dataclass(frozen=True)
class Read:
    """An item, or a place that was reached; to be kept once everything before it is done with."""

    item: Item | None = None
    cursor: str | None = None
    offset: int | None = None


class LongPoll:
    """A page at a time; a request that finds nothing waits for something."""

    def __init__(self, gateway: Gateway, wait: float) -> None:
        self._gateway = gateway
        self._wait = wait

    def read(self, state: State) -> Iterator[Read]:
        """One page."""
        headers = {"prefer": f"wait={int(self._wait)}"}
        page = self._gateway.get("/v1/feed", headers=headers, after=state.cursor, limit=PAGE)
        for event in page["items"]:
            yield Read(Item.of(event))
        yield Read(cursor=page.get("next"))

    def close(self) -> None:
        """Nothing is held."""


class Stream:
    """Server-sent events, until nothing has come for a while or the line breaks."""

    def __init__(self, gateway: Gateway, wait: float) -> None:
        self._gateway = gateway
        self._wait = wait

    def read(self, state: State) -> Iterator[Read]:
        """Each event with its cursor. A line that breaks is taken up again."""
        until = time.monotonic() + PATIENCE
        while True:
            came = False
            try:
                for read in self._listen(state):
                    came = True
                    yield read
                return
            except Unreachable:
                if came:
                    return  # the caller asks again from where it is now
                if time.monotonic() > until:
                    raise
                time.sleep(PAUSE)

    def _listen(self, state: State) -> Iterator[Read]:
        last = time.monotonic()
        with self._gateway.listening("/v1/feed", after=state.cursor, limit=PAGE) as answer:
            for told in _events(answer):
                if "data" in told:
                    last = time.monotonic()
                    event = json.loads(told["data"])
                    if "sequence" in event:
                        yield Read(Item.of(event))
                    if told.get("id"):
                        yield Read(cursor=told["id"])
                elif time.monotonic() - last > self._wait:
                    return

    def close(self) -> None:
        """Nothing is held."""


class KafkaWay:
    """The outbound topic, from the place in the state file; the group's committed place is for the exchange to see."""

    def __init__(self, connection: Connection, wait: float) -> None:
        access = connection.broker
        self._place = TopicPartition(access.outbound, 0)
        self._wait = wait
        try:
            self._consumer: Any = KafkaConsumer(
                **kafka_access.settings(access),
                group_id=access.group,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
            )
        except KafkaError as failure:
            raise _told(failure) from failure
        self._consumer.assign([self._place])

    def read(self, state: State) -> Iterator[Read]:
        """The records of one poll."""
        try:
            if state.offset is not None:
                self._consumer.seek(self._place, state.offset)
            else:
                self._consumer.seek_to_beginning(self._place)
            polled = self._consumer.poll(timeout_ms=int(self._wait * 1000), max_records=PAGE)
        except KafkaError as failure:
            raise _told(failure) from failure
        last = None
        for record in polled.get(self._place, ()):
            last = record.offset + 1
            if record.value is not None:
                yield Read(Item.of(json.loads(record.value)), offset=last)
        if last is not None:
            try:
                self._consumer.commit({self._place: OffsetAndMetadata(last, "", -1)})
            except KafkaError as failure:
                raise _told(failure) from failure

    def close(self) -> None:
        """Leave."""
        self._consumer.close()


def _events(answer: httpx.Response) -> Iterator[dict[str, str]]:
    """The parts of an event stream (WHATWG, server-sent events); a comment comes as an empty one."""
    told: dict[str, str] = {}
    for line in answer.iter_lines():
        if line.startswith(":"):
            yield {}
        elif not line:
            if told:
                yield told
            told = {}
        else:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            told[name] = f"{told[name]}\n{value}" if name == "data" and name in told else value


def _told(failure: KafkaError) -> Exception:
    if isinstance(failure, AuthorizationError):
        return CredentialsRefused(type(failure).__name__, "the broker does not let this user or group read there")
    return Unreachable(f"The broker did not answer ({type(failure).__name__}); if it stays so, ask sx doctor")
