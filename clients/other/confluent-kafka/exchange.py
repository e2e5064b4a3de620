"""Publishes an event to the agency's inbound topic, or reads its outbound topic, with confluent-kafka (librdkafka).

python exchange.py publish FILE     prints the offset, by which the receipt is asked for over HTTPS
python exchange.py read COUNT       prints so many events, one a line, and commits behind them
"""

import json
import os
import sys
import uuid
from pathlib import Path

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer

AGENCY = os.environ["SX_AGENCY"]
SETTINGS = {
    "bootstrap.servers": os.environ["SX_KAFKA"],
    "security.protocol": "SASL_SSL",
    "ssl.ca.location": os.environ["SX_AUTHORITY_FILE"],
    "sasl.mechanism": "SCRAM-SHA-512",
    "sasl.username": os.environ["SX_KAFKA_USER"],
    "sasl.password": Path(os.environ["SX_KAFKA_PASSWORD_FILE"]).read_text().strip(),
}


def publish(file: str) -> None:
    """Publish one event and wait until the broker has it on disk."""
    # One id for one event: keep it, and send the same again when in doubt.
    event = json.loads(Path(file).read_text()) | {"id": uuid.uuid4().hex}

    def told(error: KafkaError | None, message: Message) -> None:
        if error is not None:
            raise KafkaException(error)
        print(message.offset())

    producer = Producer(SETTINGS | {"acks": "all", "enable.idempotence": True, "message.timeout.ms": 20_000})
    # No key: a record with a key is not taken for a message.
    producer.produce(f"partner.{AGENCY}.inbound", json.dumps(event).encode(), on_delivery=told)
    if producer.flush(20):
        sys.exit("The broker did not take it")


def read(count: int) -> None:
    """Print events and commit behind what was dealt with, never before."""
    group = {"group.id": f"agency.{AGENCY}.confluent-example", "auto.offset.reset": "earliest"}
    consumer = Consumer(SETTINGS | group | {"enable.auto.commit": False})
    consumer.subscribe([f"partner.{AGENCY}.outbound"])
    for _ in range(count):
        while (message := consumer.poll(1)) is None:
            pass
        if (error := message.error()) is not None:
            raise KafkaException(error)
        print((message.value() or b"").decode())
        consumer.commit(message, asynchronous=False)
    consumer.close()


if __name__ == "__main__":
    what, told = sys.argv[1:]
    if what == "publish":
        publish(told)
    else:
        read(int(told))
