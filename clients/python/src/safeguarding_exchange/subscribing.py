"""An agency's feed, read on from where it stopped: at least once, in order, and with proof that nothing is missing."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from safeguarding_exchange.connection import Connection
from safeguarding_exchange.feed_items import Item, Missing
from safeguarding_exchange.feed_state import State, StateFile
from safeguarding_exchange.feed_ways import KafkaWay, LongPoll, Read, Stream
from safeguarding_exchange.gateway import Gateway

WAYS = ("poll", "stream", "kafka")


class Way(Protocol):
    """A way to the feed: hands over what comes behind a state, and ends when nothing has come for a while."""

    def read(self, state: State) -> Iterator[Read]: ...

    def close(self) -> None: ...


class Subscriber:
    """Reads the feed by long poll (`poll`), server-sent events (`stream`) or the outbound topic (`kafka`).

    The state file may be taken from one way to another: the sequence is the feed's own. Use it in a `with` block.
    """

    def __init__(
        self, connection: Connection, state_file: Path | str, *, way: str | Way = "poll", wait: float = 20
    ) -> None:
        if isinstance(way, str) and way not in WAYS:
            raise ValueError(f"way is one of {', '.join(WAYS)}")
        self.connection = connection
        self.gateway = Gateway(connection)
        self._file = StateFile(state_file, connection.agency)
        ways: dict[str, Callable[[], Way]] = {
            "poll": lambda: LongPoll(self.gateway, wait),
            "stream": lambda: Stream(self.gateway, wait),
            "kafka": lambda: KafkaWay(connection, wait),
        }
        self._way = ways[way]() if isinstance(way, str) else way

    def __enter__(self) -> "Subscriber":
        return self

    def __exit__(self, *_: object) -> None:
        self._way.close()
        self.gateway.close()

    @property
    def sequence(self) -> int:
        """The last place that was done with."""
        return self._file.state.sequence

    @property
    def missing(self) -> tuple[tuple[int, int], ...]:
        """The holes that were met and gone past by `go_past`, first and last place of each."""
        return self._file.state.missing

    def items(self, *, for_ever: bool = True) -> Iterator[Item]:
        """What comes. An item is done with when the next one is asked for: what fails is handed over again next time.

        With `for_ever` false it ends once nothing has come for `wait` seconds. Raises Missing at a hole, and what
        Gateway raises when the line stays away.
        """
        while True:
            came = False
            for read in self._way.read(self._file.state):
                if read.item is not None:
                    came = True
                    yield from self._one(read.item)
                places = {"cursor": read.cursor, "offset": read.offset}
                self._file.keep(**{name: place for name, place in places.items() if place is not None})
            if not came and not for_ever:
                return

    def follow(self, handle: Callable[[Item], object], *, for_ever: bool = True) -> None:
        """Call `handle` for each item. What it raises ends it, and the item comes again next time."""
        for item in self.items(for_ever=for_ever):
            handle(item)

    def ask_again(self, *, since: datetime | None = None) -> None:
        """Read again what came after the last whole place, or since a moment; what you had is passed over."""
        asked = {"from": since.isoformat()} if since else {"after": self._file.state.cursor}
        if asked.get("after", "") is None:
            return  # nothing was done with yet, so it begins at the beginning anyway
        told = self.gateway.post("/v1/feed/replay", asked)
        self._file.keep(cursor=told["after"], offset=None)

    def go_past(self, hole: Missing) -> None:
        """Note the hole and go on behind it, when the exchange cannot fill it."""
        self._file.keep(sequence=hole.last, missing=(*self.missing, (hole.first, hole.last)))

    def standing(self) -> Any:
        """How the feed stands at the exchange: its last place, when you were last seen, how far behind you are."""
        return self.gateway.get("/v1/feed/state")

    def detail(self, item: Item, *, purpose: str) -> Any:
        """What an item is about, in words, as your agreement lets you see it; the look is recorded first.

        The incident's facts (`facts`), or the copy of a notification. `purpose` is one of those that an agency's own
        system may look for: triage, partner_notification, review, panel_export. Raises Refused for any other.
        """
        where = item.event.get("dataref")
        if not isinstance(where, str) or not where.startswith("/"):
            raise ValueError("Nothing more can be asked for about this item")
        return self.gateway.get(where, purpose=purpose)

    def _one(self, item: Item) -> Iterator[Item]:
        last = self.sequence
        if item.sequence <= last:
            if item.withheld:  # it was another thing when it came first
                yield Item.of(item.event, repeated=True)
            return
        if item.sequence > last + 1:
            raise Missing(last + 1, item.sequence - 1)
        yield item
        self._file.keep(sequence=item.sequence)
