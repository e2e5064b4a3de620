"""The agencies' subscriber: at least once, in order, and it knows when something is missing."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey
from safeguarding_exchange.connection import Connection
from safeguarding_exchange.failures import BadConnection
from safeguarding_exchange.feed_items import Item, Missing
from safeguarding_exchange.feed_state import NotYourState, State
from safeguarding_exchange.feed_ways import Read
from safeguarding_exchange.subscribing import Subscriber

KEY = ECKey.generate_key("P-256")


class Feed:
    """A feed in memory, handed over in pages from a cursor that stands before each page."""

    def __init__(self, events: Sequence[dict[str, Any]], page: int = 3) -> None:
        self.events = list(events)
        self.page = page

    def read(self, state: State) -> Iterator[Read]:
        first = int(state.cursor or 0)
        for event in self.events[first : first + self.page]:
            yield Read(Item.of(event))
        yield Read(cursor=str(min(first + self.page, len(self.events))))

    def close(self) -> None: ...


def _events(*sequences: int, withheld: Sequence[int] = ()) -> list[dict[str, Any]]:
    return [
        {"sequence": each, "type": "feed.withheld.v1" if each in withheld else "incident.referred.v1", "data": {}}
        for each in sequences
    ]


@pytest.fixture
def connection(tmp_path: Path) -> Connection:
    (tmp_path / "key.pem").write_bytes(KEY.as_pem(private=True))
    told = {"agency": "sandbox", "partnership": "sandbox", "keyFile": "key.pem"}
    return Connection.of(told | {"gateway": "http://127.0.0.1:9", "issuer": "http://127.0.0.1:9"}, tmp_path)


def _read(connection: Connection, state: Path, feed: Feed, most: int = 100) -> list[int]:
    """What is handled before the process ends, which it does while it handles the item after the last of these."""
    handled: list[int] = []
    with Subscriber(connection, state, way=feed) as subscriber:
        for item in subscriber.items(for_ever=False):
            if len(handled) == most:
                break
            handled.append(item.sequence)
    return handled


@pytest.mark.parametrize("most", range(1, 7))
def test_what_was_not_done_with_comes_again_and_nothing_else(connection: Connection, tmp_path: Path, most: int) -> None:
    feed = Feed(_events(*range(1, 8)))
    first = _read(connection, tmp_path / "state", feed, most)
    assert first == list(range(1, most + 1))
    assert _read(connection, tmp_path / "state", feed) == list(range(most + 1, 8))
    assert _read(connection, tmp_path / "state", feed) == []


def test_an_item_whose_handling_fails_comes_again(connection: Connection, tmp_path: Path) -> None:
    feed = Feed(_events(1, 2, 3))

    def fails_at_two(item: Item) -> None:
        if item.sequence == 2:
            raise RuntimeError

    with Subscriber(connection, tmp_path / "state", way=feed) as subscriber, pytest.raises(RuntimeError):
        subscriber.follow(fails_at_two, for_ever=False)
    assert _read(connection, tmp_path / "state", feed) == [2, 3]


def test_a_hole_stops_it_and_says_what_is_missing(connection: Connection, tmp_path: Path) -> None:
    feed = Feed(_events(1, 2, 5, 6))
    for _ in range(2):  # asked again it says the same, and hands nothing over past the hole
        with Subscriber(connection, tmp_path / "state", way=feed) as subscriber:
            with pytest.raises(Missing, match="missing 3 to 4") as hole:
                list(subscriber.items(for_ever=False))
            assert subscriber.sequence == 2
    with Subscriber(connection, tmp_path / "state", way=feed) as subscriber:
        subscriber.go_past(hole.value)
        assert [item.sequence for item in subscriber.items(for_ever=False)] == [5, 6]
        assert subscriber.missing == ((3, 4),)


def test_a_hole_that_was_filled_is_none(connection: Connection, tmp_path: Path) -> None:
    with Subscriber(connection, tmp_path / "state", way=Feed(_events(1, 3))) as subscriber, pytest.raises(Missing):
        list(subscriber.items(for_ever=False))
    assert _read(connection, tmp_path / "state", Feed(_events(1, 2, 3))) == [2, 3]


def test_what_was_seen_and_is_withheld_now_is_told_once_more(connection: Connection, tmp_path: Path) -> None:
    _read(connection, tmp_path / "state", Feed(_events(1, 2, 3)))
    (tmp_path / "state").write_text(json.dumps({"agency": "sandbox", "sequence": 3}))  # the topic was emptied
    again = Feed(_events(1, 2, 3, 4, withheld=[2]))
    with Subscriber(connection, tmp_path / "state", way=again) as subscriber:
        told = [(item.sequence, item.withheld, item.repeated) for item in subscriber.items(for_ever=False)]
    assert told == [(2, True, True), (4, False, False)]


def test_another_agencys_state_is_not_taken(connection: Connection, tmp_path: Path) -> None:
    (tmp_path / "state").write_text(json.dumps({"agency": "northshire-police", "sequence": 9}))
    with pytest.raises(NotYourState):
        Subscriber(connection, tmp_path / "state", way=Feed([]))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"agency": ""}, "agency"),
        ({"keyFile": "no-such.pem"}, "keyFile"),
        ({"kafka": {"passwordFile": "p"}}, "kafka.bootstrap"),
        ({"kafka": "localhost:9093"}, "kafka"),
    ],
)
def test_a_connection_file_that_cannot_be_used_names_the_member(
    tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    told = {"agency": "a", "partnership": "p", "gateway": "g", "issuer": "i", "keyFile": "k"} | change
    with pytest.raises(BadConnection, match=named):
        _ = Connection.of(told, tmp_path).key_pem
