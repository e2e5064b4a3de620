"""The worked examples: those written by hand, and what is made of them for whoever reads."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from contracts import feeds
from contracts.catalogue import CATALOGUE, parse
from contracts.codes import AgencyType
from contracts.sealing import replace_words
from contracts.upcasting import to_today

HOME = Path("contracts") / "examples"
PROPOSALS = HOME / "proposals"
OWNERS = HOME / "owners"
"""Facts of types that nobody proposes, as their owners say them."""

FACTS = HOME / "facts"
OUTBOUND = HOME / "outbound"
INCIDENT = "incident-1111111111111111111111111111111a"
"""The incident that all examples are about."""

SEQUENCE = 412
"""The place of each example in its feed, which could be any."""

LONDON = ZoneInfo("Europe/London")

Example = dict[str, Any]


def proposals(name: str = "*") -> Iterator[tuple[Path, Example]]:
    """Each example of a proposal, all versions; of one type, if named."""
    yield from _written(PROPOSALS, name)


def facts(name: str = "*") -> Iterator[tuple[Path, Example]]:
    """Each example of a fact, with the path at which it is to lie."""
    for path, proposal in _written(PROPOSALS, name):
        yield FACTS / path.name, _recorded(as_taken(proposal))
    for path, fact in _written(OWNERS, name):
        yield FACTS / path.name, fact


def outbound(name: str = "*") -> Iterator[tuple[Path, AgencyType, Example]]:
    """Each fact as a feed carries it to the kind of agency that sees least of it: what is taken out shows there."""
    for path, fact in facts(name):
        event = parse(fact)
        entry = CATALOGUE[event.name]
        sights = {kind: entry.ceiling.agencies[kind] for kind in AgencyType if kind in entry.ceiling.agencies}
        if sights:
            tops = [field.alias or key for key, field in entry.model.model_fields.items()]
            kind = min(sights, key=lambda kind: sum(top in sights[kind] for top in tops))
            carried = feeds.outbound(to_today(event), sights[kind], event.major, sequence=SEQUENCE)
            yield OUTBOUND / path.name, kind, json.loads(carried.to_json())


def as_taken(proposal: Mapping[str, Any]) -> Example:
    """The example as it travels once taken in: the words sealed, references in their places, numbered from 1."""
    event = parse(proposal)
    count = iter(range(1, 1000))
    data = replace_words(type(event.data), event.data.model_dump(mode="json"), lambda *_: f"vault:{next(count):032x}")
    taken: Example = json.loads(event.to_json())
    return taken | {"data": _without_nulls(data)}


def _recorded(taken: Example) -> Example:
    """With what the owner adds: when and as whose act it was recorded, and the incident that a referral opened."""
    event = parse(taken)
    told = event.model_copy(
        update={
            "subject": event.subject or INCIDENT,
            "recordedtime": event.time,
            "businessdate": event.time.astimezone(LONDON).date(),
            "agency": event.source.rpartition("/")[2],
        }
    )
    recorded: Example = json.loads(told.to_json())
    return recorded | {"data": taken["data"]}


def _written(folder: Path, name: str) -> Iterator[tuple[Path, Example]]:
    for path in sorted(folder.glob(f"{name}.v*.json")):
        yield path, json.loads(path.read_text(encoding="utf-8"))


def _without_nulls(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _without_nulls(value) for key, value in node.items() if value is not None}
    return [_without_nulls(item) for item in node] if isinstance(node, list) else node
