"""An outside eye on the topics: kafka-python, no code of the services, and every record from the first on."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from contracts.catalogue import UnknownType, version
from contracts.sealing import replace_words
from contracts.topics import CHECKPOINTS, PARTITIONS
from infra.demo.scenarios import Scenario
from infra.local.kafka import LocalKafka

FACTS = tuple(topic for topic in PARTITIONS if topic.startswith("safeguarding.") and topic != CHECKPOINTS)
ALL = tuple(PARTITIONS)
IDLE_MILLISECONDS = 3000
SHORTEST_WORDS = 7
"""Characters: what is shorter may stand in a code or an id by chance."""


@dataclass(frozen=True)
class Seen:
    """One record: where it lay, what it says, and what its key and its headers say beside."""

    topic: str
    content: bytes
    event: Mapping[str, Any]
    beside: bytes = b""


def look(kafka: LocalKafka, topics: Iterable[str] = ALL) -> list[Seen]:
    """Everything on these topics, as the broker's super user reads it. Raises TimeoutError."""
    consumer = KafkaConsumer(
        bootstrap_servers=kafka.bootstrap,
        security_protocol=kafka.security_protocol,
        sasl_mechanism=kafka.sasl_mechanism,
        sasl_plain_username=kafka.admin_username,
        sasl_plain_password=kafka.admin_password,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    seen: list[Seen] = []
    try:
        places = [TopicPartition(topic, number) for topic in topics for number in _partitions(consumer, topic)]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        ends = consumer.end_offsets(places)
        while any(consumer.position(place) < ends[place] for place in places):
            batches = consumer.poll(timeout_ms=IDLE_MILLISECONDS)
            if not batches:
                raise TimeoutError("the topics' records did not come")
            for place, records in batches.items():
                seen += [
                    Seen(place.topic, record.value or b"", _event(record.value), _beside(record)) for record in records
                ]
    finally:
        consumer.close()
    return seen


def _beside(record: Any) -> bytes:
    return b" ".join([record.key or b"", *(value or b"" for _, value in record.headers)])


def types_by_topic(seen: Iterable[Seen], subject: str) -> dict[str, list[str]]:
    """The event types that each topic of facts holds about a subject: each once, and once more for every time that a
    clock was told of again in the same words.
    """
    # By its id: a relay that was killed publishes again, and that is no second fact.
    facts = {
        (record.topic, record.event.get("source"), record.event.get("id")): record.event
        for record in seen
        if record.topic in FACTS and record.event.get("subject") == subject
    }
    told = Counter((topic, str(event.get("type")), _of_clock(event)) for (topic, *_), event in facts.items())
    again = [(topic, name) for (topic, name, of_clock), times in told.items() if of_clock for _ in range(times - 1)]
    found: dict[str, list[str]] = {}
    for topic, name in sorted([*{(topic, name) for topic, name, _ in told}, *again]):
        found.setdefault(topic, []).append(name)
    return found


def _of_clock(event: Mapping[str, Any]) -> str:
    return json.dumps(event.get("data"), sort_keys=True) if str(event.get("type")).startswith("deadline.") else ""


def words_in_the_open(seen: Iterable[Seen], scenario: Scenario) -> list[str]:
    """The topics on which words of a scenario lie that belong into the vault; there must be none."""
    said = _words(scenario)
    words = [json.dumps(each, ensure_ascii=escaped)[1:-1].encode() for each in said for escaped in (True, False)]
    return sorted({record.topic for record in seen if any(each in record.content for each in words)})


def _partitions(consumer: KafkaConsumer, topic: str) -> list[int]:
    return sorted(consumer.partitions_for_topic(topic) or ())


def _event(content: bytes | None) -> Mapping[str, Any]:
    try:
        told = json.loads(content or b"")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _words(scenario: Scenario) -> set[str]:
    """Every sentence and name that the scenario's senders wrote into a field that is sealed."""
    found: set[str] = set()

    def note(_place: tuple[str | int, ...], _sealed: Any, value: Any) -> str:
        found.update(_texts(value))
        return ""

    for step in scenario.steps:
        if step.raw is not None:
            found.add(step.raw)
        elif step.event is not None:
            try:
                entry, major, _ = version(str(step.event["type"]))
            except UnknownType:
                continue
            model = dict(entry.versions())[major]
            replace_words(model, step.event["data"], note)
    return {said for said in found if len(said) >= SHORTEST_WORDS and " " in said}


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
