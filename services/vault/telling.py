"""Tells the owner of a record that it was read, as a fact, in the transaction that records the look (an idea of CP-IS).

One fact for each incident looked into. What nobody could read (quarantine, parked) is no record of anybody's.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid5

from contracts.envelope import AnyEvent, Event, schema_urn
from contracts.vault import RecordRead
from services.vault.looking import Asking
from services.vault.noticing import FACTS
from shared.database import Transaction
from shared.london import london_date
from shared.telemetry import current_traceparent

NO_RECORD = frozenset({"quarantine", "parked"})


async def tell(
    tx: Transaction, look: int, asking: Asking, rows: Iterable[Any], subjects: Mapping[str, Sequence[str]], at: datetime
) -> None:
    """Appends what the owners are told of a look. `subjects` are, by reference, those whom a thing is about."""
    read: dict[tuple[str, str | None], list[Any]] = {}
    for row in rows:
        if row.kind not in NO_RECORD:
            read.setdefault((row.partnership, row.incident), []).append(row)
    stream = f"look-{look}"
    facts = [
        _fact(stream, number, look, asking, partnership, incident, items, subjects, at)
        for number, ((partnership, incident), items) in enumerate(read.items(), 1)
    ]
    if facts:
        await tx.append(stream, 0, facts)


def _fact(
    stream: str,
    number: int,
    look: int,
    asking: Asking,
    partnership: str,
    incident: str | None,
    items: Sequence[Any],
    subjects: Mapping[str, Sequence[str]],
    at: datetime,
) -> AnyEvent:
    about = sorted({subject for item in items for subject in subjects.get(item.ref, ())})
    return Event[RecordRead](
        id=str(uuid5(FACTS, f"{stream} {number}")),
        source="/services/vault",
        type="record.read.v1",
        subject=incident or (about[0] if about else None),
        time=at,
        recordedtime=at,
        businessdate=london_date(at),
        dataschema=schema_urn("record.read", 1, 0),
        traceparent=current_traceparent(),
        partnership=partnership,
        streamversion=number,
        data=RecordRead(
            look=look,
            reader=asking.who.id,
            kind=asking.who.kind,
            roles=tuple(sorted(asking.who.roles)),
            agency=asking.who.agency,
            purpose=asking.purpose,
            incident=incident,
            subjects=tuple(about),
            owners=tuple(sorted({item.agency for item in items if item.agency})),
            kinds=tuple(sorted({item.kind for item in items})),
        ),
    )
