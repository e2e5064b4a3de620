"""What each agency sees of one incident, in the shape of the second act's expectations."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.demo.feeds import Feed, about

WITHHELD = "feed.withheld.v1"
EVERYTHING = "everything"


@dataclass(frozen=True)
class Seen:
    """What one agency's programs got: its feed over both ways, what it held at first, and the answers about detail."""

    kind: str
    feed: Feed
    on_topic: Iterable[Mapping[str, Any]]
    answers: Mapping[str, int]
    astray: Sequence[str] = ()
    in_the_open: Sequence[str] = ()
    at_first: Feed = field(default_factory=dict)


def cut(seen: Seen, whole: Feed, incident: str) -> dict[str, Any]:
    """One agency's cut. `whole` is the incident as the authority that holds the duty sees it."""
    own, before = about(seen.feed, incident), about(seen.at_first, incident)
    gone = before.keys() - own.keys()
    return {
        "kind": seen.kind,
        **seen.answers,
        "sees": sights(own, whole),
        "saw_at_first": sights(before, whole),
        "faults": [
            *_out_of_sequence(seen.feed),
            *_said_wrongly(own, whole),
            *(f"{number} is not withheld" for number in gone if seen.feed[number]["type"] != WITHHELD),
            *_otherwise_on_the_topic(seen),
            *("words that its senders wrote lie on its topic" for _ in seen.in_the_open),
            *(f"it is sent to {link}, and does not find it" for link in seen.astray),
        ],
    }


def sights(events: Feed, whole: Feed) -> dict[str, str]:
    """How much of each type is shown: everything, all but some members of data, or only some; and how many of them."""
    by_type: dict[str, list[Mapping[str, Any]]] = {}
    for _, event in sorted(events.items()):
        by_type.setdefault(event["type"], []).append(event)
    there = {event["id"]: event for event in whole.values()}
    return {name: _sight(of_type, there) for name, of_type in by_type.items()}


def _sight(events: list[Mapping[str, Any]], there: Mapping[str, Mapping[str, Any]]) -> str:
    name = events[0]["type"]
    shown = {member for event in events for member in event["data"]}
    taken = {member for event in events for member in there.get(event["id"], event)["data"]} - shown
    every = sum(event["type"] == name for event in there.values())
    some = f", {len(events)} of {every}" if len(events) != every else ""
    if not taken:
        return EVERYTHING + some
    if len(taken) < len(shown):
        return f"all but {', '.join(sorted(taken))}{some}"
    return f"only {', '.join(sorted(shown))}{some}"


def _out_of_sequence(feed: Feed) -> Iterable[str]:
    """The numbers of a feed go from 1 without gaps."""
    missing = sorted(set(range(1, max(feed, default=0) + 1)) - feed.keys())
    if missing:
        yield f"its feed lacks {', '.join(map(str, missing[:5]))}{' …' if len(missing) > 5 else ''}"


def _said_wrongly(events: Feed, whole: Feed) -> Iterable[str]:
    """What was taken out is told in `redacted`, and nothing else is."""
    there = {event["id"]: event for event in whole.values()}
    for number, event in events.items():
        taken = {f"/data/{member}" for member in there.get(event["id"], event)["data"].keys() - event["data"].keys()}
        if taken != set(event.get("redacted") or ()):
            yield f"{number} ({event['type']}) says otherwise what was taken out"


def _otherwise_on_the_topic(seen: Seen) -> Iterable[str]:
    """The topic ends with the feed: each number's last record is what HTTPS gives, and nothing withheld lies there."""
    last: dict[int, Mapping[str, Any]] = {}
    for record in seen.on_topic:
        number = record["sequence"]
        if seen.feed.get(number, record)["type"] == WITHHELD and record["type"] != WITHHELD:
            yield f"{number} lies on its topic though it is withheld"
        last[number] = record
    differing = [number for number in seen.feed if _told(last.get(number)) != _told(seen.feed[number])]
    if differing:
        yield f"its topic and HTTPS differ in {', '.join(map(str, sorted(differing)[:5]))}"


def _told(event: Mapping[str, Any] | None) -> tuple[Any, ...] | None:
    return None if event is None else (event["type"], event["id"], event.get("subject"), event["data"])
