"""No subscriber escapes the one helper, whose settings lose nothing."""

import re
from pathlib import Path
from typing import Any

from faststream import AckPolicy
from sqlalchemy import MetaData

from shared.clock import RealClock
from shared.consumer import Parking, Reactions, Reader, Workplace, kafka_broker, strays
from shared.database import Database
from shared.eventlog import EventLog, Route, log_tables
from shared.vault_client import Sealer
from tests.faults.consumer.ground import fixed_calendar, reactions

PATTERN = r"partner\.[^.]+\.inbound$"
ROOT = Path(__file__).parents[2]


def subscribed() -> Any:
    broker = kafka_broker("127.0.0.1:1")
    log = EventLog("ground", log_tables(MetaData()), lambda fact: Route("out", ""))
    place = Workplace("ground", log, RealClock(), fixed_calendar)
    made: Reactions = reactions("safeguarding.incidents")
    made.intake(PATTERN, _ignore)
    database = Database("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
    Reader(place, database, made, Parking(Sealer()), folds=["safeguarding.notifications"]).subscribe(broker)
    return broker


async def _ignore(*_: Any) -> None: ...


def test_a_reader_makes_every_subscriber_through_the_helper() -> None:
    broker = subscribed()
    assert {topic for each in broker.subscribers for topic in each.topic_names} == {
        "safeguarding.incidents",
        "safeguarding.notifications",
        PATTERN,
    }
    assert strays(broker) == []


def test_a_subscriber_that_was_made_another_way_is_found_out() -> None:
    broker = subscribed()
    stray = broker.subscriber("safeguarding.incidents")
    assert strays(broker) == [stray]


def test_what_the_helper_sets_loses_no_message() -> None:
    for subscriber in subscribed().subscribers:
        assert subscriber.ack_policy is AckPolicy.MANUAL
        (topic,) = subscriber.topic_names
        assert subscriber.group_id == f"ground.{'inbound' if topic == PATTERN else topic}"
        assert subscriber._connection_args["auto_offset_reset"] == "earliest"
        assert subscriber._connection_args["enable_auto_commit"] is False


def test_nothing_else_in_the_code_subscribes_or_commits_offsets() -> None:
    makes = re.compile(r"\.subscriber\(|KafkaRouter|\.publisher\(")
    for folder in ("shared", "services"):
        for path in (ROOT / folder).rglob("*.py"):
            if path != ROOT / "shared" / "consumer" / "broker.py":
                assert not makes.search(path.read_text(encoding="utf-8")), f"{path.relative_to(ROOT)} subscribes itself"
