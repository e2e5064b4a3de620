"""Read models, kept in the same transaction as the log; folding the log from its beginning gives the same rows."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter

from contracts.agreements import OfExclusion
from contracts.calendars import CalendarDayAdded, CalendarDayProposed
from contracts.catalogue import CALENDAR, DIRECTORY, INCIDENTS, topic_of
from contracts.envelope import AnyEvent
from services.gateway.incident import Filing, Incident, Status, evolve, hear
from shared.database import Transaction
from shared.days_off import add_day_off
from shared.deadlines import Deadline, Reckoning, reckoned
from shared.listed import add_listed

SOURCE = "/services/gateway"
INCIDENT = TypeAdapter(Incident)
_FILING = TypeAdapter(Filing)

_INCIDENT = """
    insert into incident (id, version, partnership, status, host, areas, participants, referrers, incidentref, nature,
        grounds, told_at, aware_at, linked_to, waiting, opened_at, changed_at, state, excluded_agencies,
        excluded_people, alleged, subjects)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
    on conflict (id) do update set version = excluded.version, status = excluded.status, grounds = excluded.grounds,
        areas = excluded.areas, nature = excluded.nature, subjects = excluded.subjects,
        participants = excluded.participants, excluded_agencies = excluded.excluded_agencies,
        excluded_people = excluded.excluded_people, alleged = excluded.alleged,
        aware_at = excluded.aware_at, linked_to = excluded.linked_to,
        waiting = excluded.waiting, state = excluded.state,
        changed_at = greatest(incident.changed_at, excluded.changed_at)
    """
_CLOCK = """
    insert into clock (incident, key, partnership, rule, edition, recipient, state, provisional, running, day0, due,
        late_from, met_at, working_days_late, awaiting_reason, reckoned, next_instant, held)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, false)
    on conflict (incident, key) do update set edition = excluded.edition, state = excluded.state,
        provisional = excluded.provisional, running = excluded.running, day0 = excluded.day0, due = excluded.due,
        late_from = excluded.late_from, met_at = excluded.met_at, working_days_late = excluded.working_days_late,
        awaiting_reason = excluded.awaiting_reason, reckoned = excluded.reckoned,
        next_instant = excluded.next_instant, held = false
    """
# A day off can change a clock only where it lies in its count. What a tick recomputes says so by a fact.
_WAKE_FOR_DAY = "update clock set next_instant = $2 where running and due >= $1 and day0 < $1"


async def apply(tx: Transaction, facts: Sequence[AnyEvent]) -> None:
    """Bring the read models up to facts that were just appended, or are read from the log again.

    A fact applied before changes nothing; what is not the gateway's own (a proposal on its way) is passed over.
    """
    run: list[AnyEvent] = []
    for fact in facts:
        if fact.source != SOURCE:
            continue
        if topic_of(fact) == INCIDENTS:
            run.append(fact)
        elif topic_of(fact) == CALENDAR:
            await _incidents(tx, run)
            run = []
            await _calendar(tx, fact)
        elif topic_of(fact) == DIRECTORY:
            await add_listed(tx.connection, fact)
    await _incidents(tx, run)


def keeping(stale: Callable[[], None]) -> Callable[[Transaction, Sequence[AnyEvent]], Awaitable[None]]:
    """The same, telling this process once facts of the directory have been committed."""

    async def keep(tx: Transaction, facts: Sequence[AnyEvent]) -> None:
        await apply(tx, facts)
        if any(topic_of(fact) == DIRECTORY for fact in facts):
            tx.after_commit(stale)

    return keep


async def _incidents(tx: Transaction, facts: Sequence[AnyEvent]) -> None:
    if not facts:
        return
    before = await _states(tx, [f.subject or "" for f in facts if f.name != "incident.referred"])
    after: dict[str, Incident] = {}
    changed_at: dict[str, datetime] = {}
    for fact in facts:
        subject = fact.subject or ""
        known = after.get(subject) or before.get(subject)
        if known is not None and (fact.streamversion or 0) <= known.version:
            continue
        after[subject] = evolve(known, fact)
        if not isinstance(fact.data, OfExclusion):  # everybody sees the instant of it
            changed_at[subject] = fact.recordedtime or fact.time
    # In one order for all, or two transactions could wait for each other.
    ordered = sorted(after)
    await tx.driver.executemany(_INCIDENT, [_incident_row(after[name], changed_at.get(name)) for name in ordered])
    clocks = [row for name in ordered for row in _clock_rows(before.get(name), after[name])]
    if clocks:
        await tx.driver.executemany(_CLOCK, clocks)


async def _states(tx: Transaction, names: Iterable[str]) -> Mapping[str, Incident]:
    wanted = sorted(set(names))
    if not wanted:
        return {}
    rows = await tx.driver.fetch(
        "select id, state from incident where id = any($1::text[]) order by id for update", wanted
    )
    return {name: INCIDENT.validate_json(state) for name, state in rows}


def _incident_row(state: Incident, changed_at: datetime | None) -> tuple[Any, ...]:
    matter = state.matter
    return (
        state.id,
        state.version,
        state.partnership,
        state.status.value,
        state.host,
        list(state.areas),
        sorted(matter.participants),
        sorted(state.referrers),
        state.incidentref,
        state.nature.value,
        sorted(state.grounds),
        state.told_at,
        state.aware_at,
        state.linked_to,
        _waits(state),
        state.opened_at,
        changed_at or state.opened_at,
        INCIDENT.dump_json(state).decode(),
        sorted(matter.excluded_agencies),
        sorted(matter.excluded_people),
        [f"{agency}/{person}" for agency, person in sorted(matter.alleged)],
        [*state.subjects, *sorted(state.joined.keys() - set(state.subjects))],
    )


def _waits(state: Incident) -> bool:
    if state.linked_to:
        return False
    return state.status is Status.REFERRED or bool(state.awaiting_reason) or any(True for _ in state.running)


def _clock_rows(before: Incident | None, after: Incident) -> Iterable[tuple[Any, ...]]:
    """Only the clocks that changed: a woken one must not be put to sleep by a fact about another."""
    for key, deadline in after.clocks.items():
        same = before is not None and before.clocks.get(key) == deadline
        awaiting = key in after.awaiting_reason
        if not same or (before is not None and awaiting != (key in before.awaiting_reason)):
            yield _clock_row(after, deadline, awaiting)


@lru_cache(maxsize=1024)
def _shown(reckoning: Reckoning) -> str:
    shown = reckoned(reckoning)
    assert shown is not None
    return shown.model_dump_json(by_alias=True)


def _clock_row(state: Incident, deadline: Deadline, awaiting: bool) -> tuple[Any, ...]:
    reckoning = deadline.reckoning
    return (
        state.id,
        deadline.key,
        state.partnership,
        deadline.rule.id,
        deadline.rule.edition,
        deadline.recipient,
        deadline.state.value,
        deadline.provisional,
        not deadline.done,
        reckoning.day0 if reckoning else None,
        deadline.due,
        reckoning.late_from if reckoning else None,
        deadline.met_at,
        deadline.working_days_late,
        awaiting,
        _shown(reckoning) if reckoning else None,
        deadline.next_instant,
    )


async def _calendar(tx: Transaction, fact: AnyEvent) -> None:
    match fact.data:
        case CalendarDayProposed(day=day, title=title, source=source):
            await tx.driver.execute(
                "insert into proclaimed_day (day, title, source, partnership, proposed_by, proposed_at)"
                " values ($1, $2, $3, $4, $5, $6) on conflict (day) do nothing",
                *(day, title, source, fact.partnership, fact.actor, fact.recordedtime),
            )
        case CalendarDayAdded(day=day, title=title, edition=edition):
            await add_day_off(tx.connection, day, title, edition or "")
            await tx.driver.execute(
                "update proclaimed_day set edition = $2, added_by = $3, added_at = $4 where day = $1",
                *(day, edition, fact.actor, fact.recordedtime),
            )
            await tx.driver.execute(_WAKE_FOR_DAY, day, fact.recordedtime)


DIRECTORY_ALONE = "select pg_advisory_xact_lock(hashtext('directory'))"
"""One decision about the directory at a time: what one partnership may say depends on what the others said."""

_LOCK = "select id from incident where id = any($1::text[]) order by id for update"


async def lock(tx: Transaction, incidents: Iterable[str], *, skip: bool = False) -> list[str]:
    """Let nobody else decide about these incidents until this transaction ends; with `skip`, those that are free."""
    rows = await tx.driver.fetch(f"{_LOCK} skip locked" if skip else _LOCK, sorted(set(incidents)))
    return [row[0] for row in rows]


async def filing_of(tx: Transaction, incident: str) -> Filing:
    """What was heard of the incident's notification so far."""
    ahead: Filing | None = tx.known.get(("filing", incident))
    if ahead is not None:
        return ahead
    state = await tx.driver.fetchval("select state from filing where incident = $1", incident)
    return _FILING.validate_json(state) if state else Filing()


async def filings_ahead(tx: Transaction, incidents: Collection[str]) -> None:
    """Read several at once, for `filing_of` in this transaction."""
    rows = await tx.driver.fetch("select incident, state from filing where incident = any($1::text[])", list(incidents))
    tx.known |= {("filing", incident): Filing() for incident in incidents}
    tx.known |= {("filing", incident): _FILING.validate_json(state) for incident, state in rows}


async def asked_of(tx: Transaction, incident: str) -> frozenset[str]:
    """The agencies that the incident's rapid review asks, as far as was heard."""
    known: frozenset[str] | None = tx.known.get(("asked", incident))
    if known is None:
        await asked_ahead(tx, [incident])
        known = tx.known["asked", incident]
    return known


async def asked_ahead(tx: Transaction, incidents: Collection[str]) -> None:
    """Read several at once, for `asked_of` in this transaction."""
    found: dict[str, set[str]] = {incident: set() for incident in incidents}
    for incident, agency in await tx.driver.fetch(
        "select incident, agency from asked where incident = any($1::text[])", list(incidents)
    ):
        found[incident].add(agency)
    tx.known |= {("asked", incident): frozenset(agencies) for incident, agencies in found.items()}


async def keep_asked(tx: Transaction, incident: str, agency: str) -> None:
    """Remember that an agency is asked."""
    tx.known.pop(("asked", incident), None)
    await tx.driver.execute("insert into asked values ($1, $2) on conflict do nothing", incident, agency)


async def keep_filing(tx: Transaction, fact: AnyEvent) -> None:
    """Remember what a fact of the notification says."""
    heard = hear(await filing_of(tx, fact.subject or ""), fact)
    tx.known.pop(("filing", fact.subject), None)
    await tx.driver.execute(
        "insert into filing (incident, version, state) values ($1, $2, $3) on conflict (incident)"
        " do update set version = excluded.version, state = excluded.state where filing.version < excluded.version",
        *(fact.subject, heard.version, _FILING.dump_json(heard).decode()),
    )
