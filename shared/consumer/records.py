"""One record as it came from Kafka, and its place among those of its producer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from aiokafka import TopicPartition
from pydantic_core import from_json

ROLL = b"roll"
"""The key of a marker on a topic that an agency writes; it has no value, and only makes the broker begin a segment."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record whose headers were readable. `position` counts from 1; None where it bears no relay's mark.

    On topics that agencies write the position is the offset's, and there is no `previous` to miss.
    """

    topic: str
    partition: int
    offset: int
    key: str | None
    value: bytes
    at: datetime
    producer: str = ""
    position: int | None = None
    previous: int | None = None

    @property
    def source(self) -> tuple[str, int, str]:
        """Topic, partition and producer: within it positions grow."""
        return self.topic, self.partition, self.producer

    @property
    def topic_partition(self) -> TopicPartition:
        """Where it lay, as aiokafka has it."""
        return TopicPartition(self.topic, self.partition)

    @property
    def sent_by_agency(self) -> bool:
        """Whether it came on a topic that an agency writes: it has a position, and no relay's name."""
        return self.position is not None and not self.producer


class Place(Enum):
    """Where a record stands to what its reader has applied."""

    NEXT = "next"
    KNOWN = "known"
    GAP = "gap"
    STRANGE = "strange"


def place(record: Record, applied: int) -> Place:
    """Known at or below what was applied; next if nothing between is missing; else a gap. Strange without a mark."""
    if record.position is None:
        return Place.STRANGE
    if record.position <= applied:
        return Place.KNOWN
    if record.previous is None or record.previous == applied:
        return Place.NEXT
    return Place.GAP


def relayed(raw: Any) -> Record:
    """A record that one of our relays published (`raw` is aiokafka's)."""
    headers = dict(raw.headers)
    producer, position, previous = (_text(headers.get(name)) for name in ("producer", "position", "previous"))
    marked = bool(producer) and position.isdecimal() and previous.isdecimal()
    return Record(
        raw.topic,
        raw.partition,
        raw.offset,
        _text(raw.key),
        raw.value or b"",
        _at(raw),
        producer if marked else "",
        int(position) if marked else None,
        int(previous) if marked else None,
    )


def sent_by_agency(raw: Any) -> Record:
    """A record on a topic that an agency writes: its key and headers may be anything and are not kept.

    Only a marker has a key here.
    """
    key = ROLL.decode() if raw.value is None and raw.key == ROLL else None
    return Record(raw.topic, raw.partition, raw.offset, key, raw.value or b"", _at(raw), "", raw.offset + 1, None)


def _at(raw: Any) -> datetime:
    try:
        return datetime.fromtimestamp(raw.timestamp / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)  # a producer may write any number there


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")


def peek(content: bytes) -> Mapping[str, Any]:
    """The outermost members of what should be an event, unchecked; empty where it is no JSON object."""
    try:
        found = from_json(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
