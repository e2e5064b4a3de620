"""What stands in an agency's feed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WITHHELD = "feed.withheld"
TEST = "feed.tested"


@dataclass(frozen=True)
class Item:
    """One place of the feed. `event` is the whole of it; `repeated` when a place you had before was withheld since."""

    sequence: int
    type: str
    subject: str | None
    data: Mapping[str, Any]
    redacted: tuple[str, ...]
    filtering: Mapping[str, Any]
    event: Mapping[str, Any]
    repeated: bool = False

    @classmethod
    def of(cls, event: Mapping[str, Any], *, repeated: bool = False) -> "Item":
        """The item in an outbound event. Raises ValueError for what is none."""
        sequence = event.get("sequence")
        if not isinstance(sequence, int) or not isinstance(event.get("type"), str):
            raise ValueError("This is no event of a feed: it has no sequence, or no type")
        return cls(
            sequence=sequence,
            type=event["type"],
            subject=event.get("subject"),
            data=event.get("data") or {},
            redacted=tuple(event.get("redacted") or ()),
            filtering=event.get("filtering") or {},
            event=event,
            repeated=repeated,
        )

    @property
    def name(self) -> str:
        """The type without its version, such as `incident.referred`."""
        return self.type.rpartition(".v")[0]

    @property
    def withheld(self) -> bool:
        """Whether this is a tombstone: what stood here you may not see, or no longer; forget it if you had it."""
        return self.name == WITHHELD

    @property
    def is_test(self) -> bool:
        """Whether this only proves the way, as one does every fifteen minutes."""
        return self.name == TEST


class Missing(Exception):
    """The feed went on behind a hole. Nothing was handed over past it; ask for it again, or tell the exchange."""

    def __init__(self, first: int, last: int) -> None:
        which = str(first) if first == last else f"{first} to {last}"
        super().__init__(f"The feed is missing {which}: call ask_again() once, and tell the exchange if it stays so")
        self.first = first
        self.last = last
