"""The reader: Kafka to reaction, exactly once in effect."""

from shared.consumer.broker import kafka_broker, listen, strays
from shared.consumer.errors import TryLater, Unfit
from shared.consumer.flow import Flow
from shared.consumer.parking import Parked, Parking, Reveal, Which
from shared.consumer.reactions import Reactions, Streams, Work, Workplace
from shared.consumer.reader import Reader
from shared.consumer.records import Record
from shared.consumer.replay import Replay, Replayed
from shared.consumer.tables import create_reader

__all__ = [
    "Flow",
    "Parked",
    "Parking",
    "Reactions",
    "Reader",
    "Record",
    "Replay",
    "Replayed",
    "Reveal",
    "Streams",
    "TryLater",
    "Unfit",
    "Which",
    "Work",
    "Workplace",
    "create_reader",
    "kafka_broker",
    "listen",
    "strays",
]
