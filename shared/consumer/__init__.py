"""The reader: Kafka to reaction, exactly once in effect."""

from shared.consumer.broker import kafka_broker, listen
from shared.consumer.errors import TryLater, Unfit
from shared.consumer.flow import Flow
from shared.consumer.parking import PURPOSE, Parked, Parking, Reveal
from shared.consumer.reactions import Reactions, Streams, Work, Workplace
from shared.consumer.reader import Reader
from shared.consumer.records import Record
from shared.consumer.tables import create_reader

__all__ = [
    "PURPOSE",
    "Flow",
    "Parked",
    "Parking",
    "Reactions",
    "Reader",
    "Record",
    "Reveal",
    "Streams",
    "TryLater",
    "Unfit",
    "Work",
    "Workplace",
    "create_reader",
    "kafka_broker",
    "listen",
]
