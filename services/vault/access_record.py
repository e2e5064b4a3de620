"""A person's own record: what the vault keeps about a subject, third parties held back, and who looked at it.

By itself it gives who the subject is, and no more. Words, places and documents can speak of others, and no machine can
tell: they are held back until a person of the business unit has read them and releases them by reference. A
professional's contact is never given.

The vault knows no exclusions. It says in which incidents something is filed, is told which of those are open to whoever
asks, and neither opens, names nor records a look at anything of another.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import product
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.vault import Purpose
from services.vault import tables, views
from services.vault.looking import Asking, record_search
from services.vault.reveal import Reveal, check
from shared.database import Database
from shared.identity import Caller
from shared.problems import Fault, Problem, not_found

NEVER = frozenset({"contact", "quarantine", "parked"})
MOST = 500
"""Things that one record may hold; more than that is asked for in parts, by fewer subjects."""


@dataclass(frozen=True)
class Asked:
    """Whose record: a subject with those it was found to be, within `incidents` all but what is `untold`, and `partly`
    within others, what was `told` of them. `released` are held-back things that a person has read."""

    subjects: frozenset[str]
    incidents: frozenset[str]
    released: frozenset[str] = frozenset()
    partly: frozenset[str] = frozenset()
    told: frozenset[str] = frozenset()
    untold: frozenset[str] = frozenset()


def why_held(kind: str, subject: str | None, spoken_of: Collection[str], asked: Asked) -> str | None:
    """Why a thing is not given by itself; None where it is this person's own identity. Pure.

    `third_party`: never given. `speaks_of_others`: it names another child. `words`, `document`: nobody has read it yet.
    """
    if kind == "identity":
        return None if subject in asked.subjects else "third_party"
    if kind in NEVER:
        return "third_party"
    if not frozenset(spoken_of) <= asked.subjects:
        return "speaks_of_others"
    return "document" if kind == "document" else "words"


class AccessRecords:
    """Makes them. Each is a recorded search and a recorded look before anything of it is shown."""

    def __init__(self, database: Database, reveal: Reveal) -> None:
        self._database = database
        self._reveal = reveal

    async def incidents_about(
        self, subjects: Collection[str], service: Caller, who: Caller, at: datetime
    ) -> Sequence[str]:
        """The incidents in which anything is filed about these subjects. Problems: 403, 404 where there are none."""
        check((), Asking(service, who, Purpose.SUBJECT_ACCESS))
        await record_search(self._database, service, who, "access_record", sorted(subjects), at)
        about = _about(subjects, who.partnerships) & tables.item.c.incident.is_not(None)
        async with self._database.reading() as connection:
            found = (await connection.execute(select(tables.item.c.incident).where(about).distinct())).scalars().all()
        if not found:
            raise not_found()
        return sorted(found)

    async def of(self, asked: Asked, service: Caller, who: Caller, at: datetime) -> dict[str, Any]:
        """The record; an empty one where nothing is filed. Problems: 403, 422 for what may not be released."""
        asking = Asking(service, who, Purpose.SUBJECT_ACCESS)
        check((), asking)
        await record_search(self._database, service, who, "access_record", [*asked.subjects, *asked.released], at)
        async with self._database.reading() as connection:
            rows, spoken_of = await _filed(connection, asked, who.partnerships)
        held = {row.ref: why_held(row.kind, row.subject, spoken_of.get(row.ref, ()), asked) for row in rows}
        _refuse_unless_releasable(asked.released, held)
        given = [row for row in rows if held[row.ref] is None or row.ref in asked.released]
        look, shown = await self._reveal.reveal([row.ref for row in given], asking, at)
        async with self._database.reading() as connection:
            looks = await _looks(connection, asked, who)
        return {
            "subjects": sorted(asked.subjects),
            "look": look,
            "given": [_thing(row) | asdict(shown[row.ref]) for row in given],
            "heldBack": [
                _thing(row) | {"why": held[row.ref]} for row in rows if held[row.ref] and row.ref not in asked.released
            ],
            "looks": looks,
        }


def _refuse_unless_releasable(released: Iterable[str], held: Mapping[str, str | None]) -> None:
    wrong = [ref for ref in released if held.get(ref, "third_party") == "third_party"]
    if wrong:
        detail = "Only what is held back from this very record, and is no other person's own, can be released."
        fault = Fault("/released", "not-releasable", detail)
        raise Problem(422, "invalid", "Not releasable", detail, [fault])


def _about(subjects: Collection[str], partnerships: Collection[str]) -> ColumnElement[bool]:
    """Of everything filed: under these subjects' own keys, speaking of them, or a document about an incident they are
    in."""
    item, mention = tables.item, tables.mention
    within = item.c.partnership.in_(partnerships)
    spoken = select(mention.c.ref).where(mention.c.subject.in_(subjects))
    theirs = select(item.c.incident).where(item.c.subject.in_(subjects), within)
    documents = (item.c.kind == "document") & item.c.incident.in_(theirs)
    return within & (item.c.subject.in_(subjects) | item.c.ref.in_(spoken) | documents)


async def _filed(
    connection: AsyncConnection, asked: Asked, partnerships: Collection[str]
) -> tuple[Sequence[Any], Mapping[str, set[str]]]:
    """Everything filed about these subjects in these incidents, and who else each thing speaks of."""
    item, mention = tables.item, tables.mention
    columns = (item.c.ref, item.c.kind, item.c.subject, item.c.incident, item.c.agency, item.c.filed_at)
    whole = item.c.incident.in_(asked.incidents) & item.c.ref.not_in(asked.untold)
    partly = item.c.incident.in_(asked.partly) & item.c.ref.in_(asked.told)
    about = _about(asked.subjects, partnerships) & (whole | partly)
    ordered = select(*columns).where(about).order_by(item.c.filed_at, item.c.ref).limit(MOST + 1)
    rows = (await connection.execute(ordered)).all()
    if len(rows) > MOST:
        detail = f"This record holds more than {MOST} things: ask for fewer subjects at a time."
        raise Problem(422, "too-many", "Too much for one record", detail)
    found: dict[str, set[str]] = {}
    named = select(mention).where(mention.c.ref.in_([row.ref for row in rows]))
    for row in await connection.execute(named):
        found.setdefault(row.ref, set()).add(row.subject)
    return rows, found


async def _looks(connection: AsyncConnection, asked: Asked, who: Caller) -> list[dict[str, Any]]:
    """Every look at these subjects in these incidents, newest first: who, in which role, for whom, why and when; not at
    what. In those that are open in part, as for anybody there: looks at the words of one's own agency."""
    found: dict[int, dict[str, Any]] = {}
    ways: list[dict[str, Any]] = [{"incidents": asked.incidents}]
    ways += [{"incidents": asked.partly, "owner": who.agency}] if who.agency else []
    for subject, way in product(sorted(asked.subjects), ways):
        before: int | None = None
        while page := await views.looks(
            connection, subject=subject, partnerships=who.partnerships, before=before, **way
        ):
            found |= {each["look"]: {k: v for k, v in each.items() if k != "references"} for each in page}
            before = page[-1]["look"]
    return [found[number] for number in sorted(found, reverse=True)]


def _thing(row: Any) -> dict[str, Any]:
    return {
        "reference": row.ref,
        "kind": row.kind,
        "incident": row.incident,
        "agency": row.agency,
        "filedAt": row.filed_at,
    }
