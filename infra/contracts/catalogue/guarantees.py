"""What the exchange guarantees of an event, each with the tests that prove it, or with what measures it.

A test proves what always holds. How long something takes, no test can prove for another machine: `make bench` measures
it, and says where it is missed. `tests/contract/test_event_catalogue.py` holds every proof to a test that is run.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from contracts.catalogue import EventType

DECLARED = Path("infra/kafka/declared.toml")


@dataclass(frozen=True)
class Guarantee:
    """One promise, and where it is proven (a test's file and name) or measured (a file of the bench's rows)."""

    name: str
    says: str
    proofs: tuple[str, ...] = ()
    measured: tuple[str, ...] = ()


_LOST = Guarantee(
    "Nothing is lost",
    "Every fact is delivered at least once, whatever is killed or away meanwhile.",
    (
        "tests/faults/relay/test_relay_killed.py::test_relays_killed_again_and_again_under_load_lose_nothing",
        "tests/faults/relay/test_relay_outages.py::test_with_kafka_killed_appends_go_on_and_all_is_published_later_in_order",
    ),
)
_TWICE = Guarantee(
    "Repeats are told apart",
    "What comes again carries the same `id` and, in its record's headers, the same `position`: a reader that skips what"
    " it has applies each fact once.",
    (
        "tests/integration/test_consumer.py::test_each_fact_has_its_effect_once_and_in_order",
        "tests/faults/consumer/test_kill.py::test_a_reader_killed_at_any_point_loses_nothing_and_does_nothing_twice",
    ),
)
_WORDS = Guarantee(
    "No words on the bus",
    "A sealed field holds a vault reference in every fact; no name and no free text lies on any topic.",
    (
        "tests/whole_stack/test_planted_words.py::test_no_topic_no_key_and_no_header_holds_them",
        "tests/integration/test_eventlog.py::test_a_fact_that_holds_words_is_never_stored",
    ),
)
_AGAIN = Guarantee(
    "Sending again is safe",
    "The same bytes under the same `source` and `id` get the first receipt; other bytes under that `id` are refused"
    " with 409; a refused message does not use its `id` up.",
    (
        "tests/integration/test_gateway_intake.py::test_the_same_bytes_again_get_the_first_receipt",
        "tests/integration/test_gateway_intake.py::test_other_bytes_under_the_same_id_are_refused_and_change_nothing",
        "tests/integration/test_gateway_intake.py::test_a_refused_message_does_not_use_its_id_up",
    ),
)
_ANSWERED = Guarantee(
    "Maximum delay of an answer",
    "From acceptance to the owner's verdict, at 100 proposals a second: half within 25 ms, 99 of 100 within 150 ms."
    " `make bench` measures it and says where it is missed.",
    measured=("tests/bench/rows/latency.py",),
)

_FEEDS = "tests/integration/test_delivery_feeds.py"
_RECORDS = "tests/integration/test_delivery_records.py"
_KILLED = (
    "tests/whole_stack/test_feeds_killed.py"
    "::test_every_sequence_is_whole_after_delivery_and_a_gateway_were_killed_under_traffic"
)
_NUMBERED = Guarantee(
    "Numbered in your feed",
    "An agency's feed counts its events from 1 without gaps (`sequence`), so that a subscriber can tell that it missed"
    " nothing; what comes again has its old number.",
    (
        f"{_FEEDS}::test_a_feed_is_numbered_from_one_without_gaps_whoever_writes_at_the_same_time",
        f"{_FEEDS}::test_a_batch_that_comes_again_repeats_nothing",
        f"{_FEEDS}::test_a_new_participant_gets_the_past_in_order",
        _KILLED,
    ),
)
_READABLE = Guarantee(
    "Maximum delay to your feed",
    "From acceptance to readable in another agency's feed, at 100 events a second: half within 40 ms, 99 of 100 within"
    " 200 ms. `make bench` measures it and says where it is missed.",
    measured=("tests/bench/rows/feed.py",),
)
_TODAYS_RIGHTS = Guarantee(
    "Under today's agreement",
    "Whenever a feed is read, what its agency may no longer see is a tombstone under the old number; an excluded agency"
    " sees nothing of the incident.",
    (
        f"{_FEEDS}::test_narrowing_an_agreement_leaves_tombstones_under_their_numbers",
        f"{_FEEDS}::test_who_is_excluded_sees_nothing_and_once_let_in_again_what_came_meanwhile",
        "tests/contract/test_access_matrix.py::test_every_cell_shows_what_the_rules_say_and_no_more",
    ),
)


def guarantees(entry: EventType) -> tuple[Guarantee, ...]:
    """Everything promised of a type, in the order in which it is read."""
    proposable = (_AGAIN, _ANSWERED) if entry.proposers else ()
    read = (_NUMBERED, _TODAYS_RIGHTS, _READABLE) if entry.ceiling.agencies else ()
    return (_order(entry), _LOST, _TWICE, *read, _retention(entry), _WORDS, *proposable)


def _order(entry: EventType) -> Guarantee:
    return Guarantee(
        "Order",
        f"The order key is the event's `subject`: on {_named(entry)} all facts under one key come in the order in which"
        " they were recorded. Between keys, and between topics, there is no order.",
        ("tests/integration/test_relay.py::test_every_fact_arrives_once_in_order_with_its_place_in_the_headers",),
    )


def _named(entry: EventType) -> str:
    return " and on ".join(f"`{topic}`" for topic in entry.topics)


def _retention(entry: EventType) -> Guarantee:
    declared = _declared()
    outbound = _kept(declared, "partner.{agency}.outbound")
    fed = f"; an agency's outbound topic {outbound}, its feed over HTTPS for ever" if entry.ceiling.agencies else ""
    kept = ", ".join(f"`{topic}` keeps it {_kept(declared, topic)}" for topic in entry.topics)
    return Guarantee(
        "Retention",
        f"{kept}{fed}. What was appended is never changed.",
        (
            "tests/contract/test_event_catalogue.py::test_the_retention_that_is_promised_is_the_one_that_is_declared",
            "tests/integration/test_stack_provisioning.py::test_the_broker_keeps_each_topic_as_long_as_is_promised",
            "tests/integration/test_eventlog.py::test_the_runtime_role_can_only_add_to_the_log",
            *((f"{_RECORDS}::test_what_was_appended_can_be_neither_changed_nor_removed",) if fed else ()),
        ),
    )


def _kept(declared: Any, topic: str) -> str:
    milliseconds = int(declared["kinds"][declared["topics"][topic]]["retention.ms"])
    return "for ever" if milliseconds < 0 else f"{milliseconds // 86_400_000} days"


@cache
def _declared() -> Any:
    return tomllib.loads(DECLARED.read_text(encoding="utf-8"))
