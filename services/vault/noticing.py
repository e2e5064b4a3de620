"""Notices, as an identity is filed, whom it is like among those filed before; proposes it and merges nothing."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from contracts.envelope import AnyEvent, Event, schema_urn
from contracts.vault import Likeness, SubjectLikenessNoticed
from services.vault import tables
from services.vault.likeness import KnownTrait, Trait, alike, traits
from services.vault.parcels import OpenedParcel, SealedItem
from shared.database import Transaction
from shared.london import london_date
from shared.telemetry import current_traceparent

FACTS = UUID("c2a7f0d8-6f0c-4c0f-8a77-0d1f1f3f9a51")
"""The namespace of the ids of the vault's facts."""


MOST_ALIKE = 10
"""Of so many known subjects, the likest, a new one is told to be like. Where a child, or a faulty sender, comes a
thousand times, each further one would otherwise be paired with every other, and all other filing would wait for it."""

CANDIDATES = 50
"""Known subjects, those that share most, whose likeness is worked out."""


async def compare(tx: Transaction, parcel: OpenedParcel, item: SealedItem, key: bytes, now: datetime) -> None:
    """Keeps the identity's tokens, and notes whom it is like among those filed before."""
    new = traits(item.value, key)
    if not new:
        return
    for known, why in (await _alike(tx, parcel, item, new)).items():
        await _notice(tx, parcel, item, known, why, now)
    rows = [
        {
            "token": t.token,
            "subject": item.subject,
            "trait": t.name,
            "incident": item.incident,
            "event": parcel.event,
        }
        for t in new
    ]
    await tx.connection.execute(upsert(tables.trait).on_conflict_do_nothing(), rows)


async def _notice(
    tx: Transaction, parcel: OpenedParcel, item: SealedItem, known: str, why: tuple[Likeness, ...], now: datetime
) -> None:
    before = select(tables.trait.c.incident, tables.trait.c.event).where(tables.trait.c.subject == known)
    rows = (await tx.connection.execute(before.distinct())).all()
    incidents = _distinct([*(row.incident for row in rows), item.incident])
    events = _distinct([*(row.event for row in rows), parcel.event])
    row = {
        "known": known,
        "filed": item.subject,
        "partnership": parcel.partnership,
        "incidents": incidents,
        "likenesses": [str(w) for w in why],
        "events": events,
        "noticed_at": now,
    }
    new = await tx.connection.execute(upsert(tables.likeness).values(row).on_conflict_do_nothing())
    if not new.rowcount:
        return
    subjects = (known, str(item.subject))
    stream = "likeness-" + "-".join(subject.removeprefix("subject-") for subject in subjects)
    fact: AnyEvent = Event[SubjectLikenessNoticed](
        id=str(uuid5(FACTS, stream)),
        source="/services/vault",
        type="subject.likeness-noticed.v1",
        subject=item.incident or item.subject,
        time=now,
        recordedtime=now,
        businessdate=london_date(now),
        dataschema=schema_urn("subject.likeness-noticed", 1, 0),
        traceparent=current_traceparent(),
        partnership=parcel.partnership,
        causationid=parcel.event,
        streamversion=1,
        data=SubjectLikenessNoticed(
            subjects=subjects, incidents=tuple(incidents), likenesses=why, events=tuple(events)
        ),
    )
    await tx.append(stream, 0, [fact])


async def _alike(
    tx: Transaction, parcel: OpenedParcel, item: SealedItem, new: frozenset[Trait]
) -> dict[str, tuple[Likeness, ...]]:
    trait = tables.trait
    # children of one event are told apart by whoever sent it, twins included
    together = {str(one.subject) for one in parcel.items if one.kind == "identity"}
    others = trait.c.subject.not_in(together)
    tokens = trait.c.token.in_([t.token for t in new])
    likest = select(trait.c.subject).where(tokens, others).group_by(trait.c.subject)
    likest = likest.order_by(func.count().desc(), trait.c.subject).limit(CANDIDATES)
    equal = select(trait.c.subject, trait.c.trait, trait.c.token)
    found = equal.where(tokens, trait.c.subject.in_(likest.scalar_subquery()))
    shared = [KnownTrait(r.subject, r.trait, r.token) for r in await tx.connection.execute(found)]
    if not shared:
        return {}
    count = select(trait.c.subject, trait.c.trait, func.count().label("size"))
    counted = count.where(trait.c.subject.in_({k.subject for k in shared})).group_by(trait.c.subject, trait.c.trait)
    sizes = {(r.subject, r.trait): r.size for r in await tx.connection.execute(counted)}
    whole = alike(new, shared, sizes)
    return {subject: whole[subject] for subject in sorted(whole, key=lambda one: -len(whole[one]))[:MOST_ALIKE]}


def _distinct(values: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(value for value in values if value is not None))
