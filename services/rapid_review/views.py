"""Read models and named queries, kept in the same transaction as the log."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.envelope import AnyEvent
from services.rapid_review.case import Case
from services.rapid_review.dossier import Dossier
from services.rapid_review.practice_review import PracticeReview
from services.rapid_review.review import Review
from shared.database import Transaction, driver_of

_DOSSIER = TypeAdapter(Dossier)
_READ = "select incident, folded from dossier where incident = any($1::text[])"
_LOCK = f"{_READ} order by incident for update"
_BEGIN = """
    insert into dossier (incident, partnership, folded) select one, '', '' from unnest($1::text[]) as one
    on conflict do nothing
    """
_KEEP = """
    update dossier d set partnership = k.partnership, folded = k.folded
    from unnest($1::text[], $2::text[], $3::bytea[]) as k (incident, partnership, folded) where d.incident = k.incident
    """
_REVIEW = """
    insert into review (incident, partnership, status, rule, due, version, requests, owing, changed_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (incident) do update set status = excluded.status, due = excluded.due, version = excluded.version,
        requests = excluded.requests, owing = excluded.owing, changed_at = excluded.changed_at
    """
_PRACTICE = """
    insert into practice_review (incident, partnership, status, due, version, changed_at)
    values ($1, $2, $3, $4, $5, $6)
    on conflict (incident) do update set status = excluded.status, due = excluded.due, version = excluded.version,
        changed_at = excluded.changed_at
    """
_REQUEST = """
    insert into request (id, incident, partnership, agency, status, due, versions, asked_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (id) do update set status = excluded.status, due = excluded.due, versions = excluded.versions
    """
_LISTED = """
    select incident from (
        select incident from review where partnership = any($1::text[])
        union select incident from practice_review where partnership = any($1::text[])
        union select incident from request where agency = $2
    ) known where incident > $3 order by incident limit $4
    """


async def dossier_of(connection: Transaction | AsyncConnection, incident: str) -> Dossier:
    """What is known of an incident so far; an empty dossier where nothing is."""
    if isinstance(connection, Transaction):
        if ("dossier", incident) not in connection.known:
            await read_dossiers(connection, [incident])
        found: Dossier = connection.known["dossier", incident]
        return found
    driver = await driver_of(connection)
    return _dossier(incident, await driver.fetchval("select folded from dossier where incident = $1", incident))


async def read_dossiers(tx: Transaction, incidents: Collection[str]) -> None:
    """Read several at once, for `dossier_of` in this transaction."""
    missing = [incident for incident in incidents if ("dossier", incident) not in tx.known]
    if missing:
        _remember(tx, missing, await tx.driver.fetch(_READ, missing))


async def hold_dossiers(tx: Transaction, incidents: Collection[str]) -> None:
    """Read several that this transaction will change: facts of two topics may reach two processes at once."""
    missing = sorted({incident for incident in incidents if ("held", incident) not in tx.known})
    if missing:
        await tx.driver.execute(_BEGIN, missing)
        _remember(tx, missing, await tx.driver.fetch(_LOCK, missing))
        tx.known |= {("held", incident): True for incident in missing}


def _remember(tx: Transaction, incidents: Sequence[str], rows: Sequence[Any]) -> None:
    found: dict[str, bytes] = dict(rows)
    tx.known |= {("dossier", incident): _dossier(incident, found.get(incident)) for incident in incidents}


def _dossier(incident: str, folded: bytes | None) -> Dossier:
    return _DOSSIER.validate_json(folded) if folded else Dossier(Case(incident))


def keep_dossier(tx: Transaction, dossier: Dossier) -> None:
    """Remember it as it is folded now: written once before the commit, however many facts changed it."""
    tx.known["dossier", dossier.incident] = dossier
    tx.later("dossiers", _keep, dossier.incident)


async def _keep(tx: Transaction, incidents: Sequence[str]) -> None:
    dossiers = [tx.known["dossier", incident] for incident in sorted(set(incidents))]
    rows = [(each.incident, each.case.partnership, _DOSSIER.dump_json(each)) for each in dossiers]
    await tx.driver.execute(_KEEP, *(list(column) for column in zip(*rows, strict=True)))


async def show_reviews(tx: Transaction, shown: Mapping[str, tuple[Review, AnyEvent]]) -> None:
    """Bring rapid reviews' rows, and those of their requests, up to their folded states; each with the newest fact."""
    rows = [_review_row(incident, *known) for incident, known in sorted(shown.items()) if known[0].rule]
    requests = [row for incident, known in sorted(shown.items()) for row in _request_rows(incident, *known)]
    if rows:
        await tx.driver.executemany(_REVIEW, rows)
    if requests:
        await tx.driver.executemany(_REQUEST, requests)


async def show_practice_reviews(tx: Transaction, shown: Mapping[str, tuple[PracticeReview, AnyEvent]]) -> None:
    """Bring practice reviews' rows up to their folded states; each with the newest fact."""
    rows = [
        (incident, fact.partnership, state.status, state.due, state.numbered, fact.recordedtime)
        for incident, (state, fact) in sorted(shown.items())
    ]
    if rows:
        await tx.driver.executemany(_PRACTICE, rows)


def _review_row(incident: str, state: Review, fact: AnyEvent) -> tuple[Any, ...]:
    assert state.status is not None
    due = state.clock.due if state.clock else None
    counts = (len(state.drafts), len(state.requests), len(list(state.owing)))
    return (incident, fact.partnership, state.status.value, state.rule, due, *counts, fact.recordedtime)


def _request_rows(incident: str, state: Review, fact: AnyEvent) -> Iterator[tuple[Any, ...]]:
    for each in state.requests.values():
        told = (each.agency, each.status.value, each.due, len(each.returns), each.asked_at)
        yield (each.id, incident, fact.partnership, *told)


async def listed(
    connection: AsyncConnection, partnerships: Collection[str], agency: str, after: str, limit: int
) -> list[str]:
    """Incidents with a review of these partnerships, or with a request to the agency, by name, a page at a time."""
    driver = await driver_of(connection)
    found = await driver.fetch(_LISTED, sorted(partnerships), agency, after, limit)
    return [incident for (incident,) in found]
