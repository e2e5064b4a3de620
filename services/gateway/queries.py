"""Named queries over the read models: what an incident is, how its clocks stand, what waits for whom, what is due."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from pydantic_core import from_json
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.access import Matter
from contracts.codes import Role
from contracts.envelope import AnyEvent
from services.gateway import receipts
from services.gateway.views import filing_of
from shared.database import Transaction, driver_of
from shared.eventlog import EventLog

AnyConnection = AsyncConnection | Transaction


@dataclass(frozen=True)
class ClockRow:
    """How one clock stands. `reckoned` is the reckoning in its wire form; None where no calendar reaches."""

    key: str
    rule: str
    edition: str
    recipient: str | None
    state: str
    provisional: bool
    running: bool
    due: date | None
    late_from: datetime | None
    met_at: datetime | None
    working_days_late: int | None
    awaiting_reason: bool
    next_instant: datetime | None
    reckoned: Mapping[str, Any] | None


@dataclass(frozen=True)
class IncidentRow:
    """An incident at a glance, in codes and dates."""

    id: str
    version: int
    partnership: str
    status: str
    host: str
    areas: tuple[str, ...]
    participants: tuple[str, ...]
    referrers: tuple[str, ...]
    incidentref: str | None
    nature: str
    grounds: tuple[str, ...]
    told_at: datetime
    aware_at: datetime
    linked_to: str | None
    opened_at: datetime
    changed_at: datetime
    excluded_agencies: tuple[str, ...] = ()
    excluded_people: tuple[str, ...] = ()
    alleged: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()

    @property
    def matter(self) -> Matter:
        """The incident as far as access depends on it."""
        return Matter(
            self.partnership,
            referrers=frozenset(self.referrers),
            participants=frozenset(self.participants),
            areas=frozenset(self.areas),
            excluded_agencies=frozenset(self.excluded_agencies),
            excluded_people=frozenset(self.excluded_people),
            alleged=frozenset((agency, person) for agency, _, person in (one.partition("/") for one in self.alleged)),
            asked=frozenset(self.asked),
        )


@dataclass(frozen=True)
class Task:
    """Something that waits for a person of the authority, or of the business unit.

    `kind`: decide_notifiability, submit_notification, explain_delay, tell_recipient, approve_day.
    """

    kind: str
    roles: frozenset[Role]
    incident: str | None = None
    incidentref: str | None = None
    clock: str | None = None
    recipient: str | None = None
    due: date | None = None
    state: str | None = None
    day: date | None = None


# Where a submission crossed "not notifiable" the grounds are those of what was filed.
_GROUNDS = (
    "case when status <> 'triaged_not_notifiable' and grounds = '{}' then array(select jsonb_array_elements_text("
    "f.state::jsonb -> 'grounds') from filing f where f.incident = incident.id) else grounds end"
)
_ASKED = "array(select a.agency from asked a where a.incident = incident.id order by a.agency)"
_INCIDENT = (
    f"id, version, partnership, status, host, areas, participants, referrers, incidentref, nature, {_GROUNDS}, told_at,"
    f" aware_at, linked_to, opened_at, changed_at, excluded_agencies, excluded_people, alleged, {_ASKED}"
)
_CLOCK = (
    "key, rule, edition, recipient, state, provisional, running, due, late_from, met_at, working_days_late,"
    " awaiting_reason, next_instant, reckoned"
)


async def summary(connection: AnyConnection, incident: str) -> IncidentRow | None:
    """One incident; None where there is none. Who may see it is the caller's to ask, by its `matter`."""
    driver = await _driver(connection)
    row = await driver.fetchrow(f"select {_INCIDENT} from incident where id = $1", incident)  # noqa: S608
    return _incident(row) if row else None


async def incidents(
    connection: AnyConnection,
    *,
    partnerships: Collection[str],
    areas: Collection[str],
    agency: str,
    after: str = "",
    limit: int = 50,
) -> list[IncidentRow]:
    """The incidents of these partnerships in these areas, and those that name the agency, by id, a page at a time."""
    driver = await _driver(connection)
    rows = await driver.fetch(
        f"select {_INCIDENT} from incident where id > $4"  # noqa: S608
        " and (partnership = any($1::text[]) and areas && $2::text[] or participants @> array[$3]::text[])"
        " order by id limit $5",
        *(list(partnerships), list(areas), agency, after, limit),
    )
    return [_incident(row) for row in rows]


async def clocks(connection: AnyConnection, incident: str) -> list[ClockRow]:
    """The incident's clocks, in the order of their rules and recipients."""
    return (await _clocks_of(connection, [incident])).get(incident, [])


async def timeline(connection: AnyConnection, log: EventLog, incident: str) -> list[AnyEvent]:
    """Everything the gateway has stated of an incident, oldest first."""
    return await log.load(connection, incident)


async def waiting_for(
    connection: AnyConnection, *, areas: Collection[str], partnerships: Collection[str], roles: Collection[Role]
) -> list[Task]:
    """What waits for a person with these roles of the authority of these areas, the most urgent first; 500 at most."""
    driver = await _driver(connection)
    rows = await driver.fetch(
        f"select {_INCIDENT} from incident where waiting and host = any($1::text[])"  # noqa: S608
        " and partnership = any($2::text[]) order by id limit 500",
        *(list(areas), list(partnerships)),
    )
    found = [_incident(row) for row in rows]
    of = await _clocks_of(connection, [each.id for each in found])
    tasks = [task for each in found for task in tasks_of(each, of.get(each.id, ()))]
    if Role.BUSINESS_UNIT in roles:
        tasks += await _days(driver, partnerships)
    mine = [task for task in tasks if task.roles & frozenset(roles)]
    return sorted(mine, key=lambda task: (task.due or date.max, task.incident or "", task.clock or ""))


def tasks_of(incident: IncidentRow, of: Sequence[ClockRow]) -> list[Task]:
    """What an incident asks for now, each with the clock that presses; pure."""
    tasks: list[Task] = []

    def task(kind: str, clock: ClockRow, *roles: Role) -> None:
        tasks.append(
            Task(
                kind,
                frozenset(roles),
                incident.id,
                incident.incidentref,
                clock.key,
                clock.recipient,
                clock.due,
                clock.state,
            )
        )

    for clock in of:
        if clock.rule == "T05" and clock.running:
            task("decide_notifiability", clock, Role.APPROVER)
        elif clock.awaiting_reason:
            task("explain_delay", clock, Role.NOTIFIER, Role.APPROVER)
        elif clock.running and not clock.provisional:
            if clock.rule == "T02":
                task("tell_recipient", clock, Role.NOTIFIER, Role.APPROVER, Role.BUSINESS_UNIT)
            else:
                task("submit_notification", clock, Role.NOTIFIER, Role.APPROVER)
    return tasks


async def due(connection: AnyConnection, now: datetime, limit: int) -> list[str]:
    """The incidents with a clock that has something to say by now, the longest due first, and those held back.

    Its cost depends on what is due, not on what is not due yet.
    """
    driver = await _driver(connection)
    rows = await driver.fetch(
        "select incident from (select incident, next_instant from clock where next_instant <= $1"
        " order by next_instant limit $2) due group by incident order by min(next_instant), incident",
        *(now, limit),
    )
    held = await driver.fetch("select distinct incident from clock where held")
    return list(dict.fromkeys(row[0] for row in (*rows, *held)))


async def next_due(connection: AnyConnection) -> datetime | None:
    """The next instant at which a clock has something to say."""
    driver = await _driver(connection)
    found: datetime | None = await driver.fetchval(
        "select next_instant from clock where next_instant is not null order by next_instant limit 1"
    )
    return found


async def unticked(connection: AnyConnection, before: datetime) -> int:
    """Signal: clocks that should have been ticked before that instant and were not."""
    driver = await _driver(connection)
    return int(await driver.fetchval("select count(*) from clock where next_instant < $1", before))


async def uncomputed(connection: AnyConnection) -> int:
    """Signal: clocks that no known calendar reaches."""
    driver = await _driver(connection)
    return int(await driver.fetchval("select count(*) from clock where state = 'uncomputed'"))


async def unheard(tx: Transaction, incident: str, before: datetime) -> bool:
    """Whether a submission or amendment from before that instant has no verdict, or one whose fact is on its way."""
    if await receipts.awaiting(tx, incident, before):
        return True
    rows = await tx.driver.fetch(
        "select outcome from submission where incident = $1 and arrived_at < $2 and status = 'accepted'"
        " and (type like 'notification.submitted.v%' or type like 'notification.amended.v%')",
        *(incident, before),
    )
    heard = (await filing_of(tx, incident)).filed
    return any(not heard & set(orjson.loads(row[0])["facts"]) for row in rows)


async def reschedule(tx: Transaction, incident: str, instants: Mapping[str, datetime], held: Collection[str]) -> None:
    """When the incident's running clocks next have something to say, by the calendar as it is now.

    Facts do not carry the calendar, so what was folded from them may wake on a day that does not count.
    """
    await tx.driver.executemany(
        "update clock set next_instant = $3, held = $4 where incident = $1 and key = $2"
        " and (next_instant is distinct from $3 or held <> $4)",
        [(incident, key, instant, key in held) for key, instant in instants.items()],
    )


async def postpone(tx: Transaction, incident: str, until: datetime) -> None:
    """Let the incident's clocks that are due be looked at again later."""
    await tx.driver.execute(
        "update clock set next_instant = $2, held = false where incident = $1 and (next_instant <= $2 or held)",
        *(incident, until),
    )


async def wake_uncomputed(tx: Transaction, now: datetime) -> None:
    """Let the next tick try again what no calendar reached, and put to sleep again what none reaches still."""
    await tx.driver.execute("update clock set next_instant = $1 where state = 'uncomputed' and running", now)


async def wake_recently_proclaimed(tx: Transaction, now: datetime) -> None:
    """A clock set under the old calendar by a transaction that had not ended when the day was added counts it still.

    Adding the day woke every clock that could be seen then; ten minutes outlast any transaction.
    """
    # Asked first, and day by day: joined, every tick looks at every clock that runs (0.4 s beside 100,000).
    added = "select day from proclaimed_day where added_at > $1::timestamptz - interval '10 minutes' order by day"
    for (day,) in await tx.driver.fetch(added, now):
        await tx.driver.execute(
            "update clock set next_instant = $2 where running and due >= $1 and day0 < $1"
            """ and reckoned not like '%"day":"' || $1::date || '"%'""",
            *(day, now),
        )


async def _days(driver: Any, partnerships: Collection[str]) -> list[Task]:
    rows = await driver.fetch(
        "select day from proclaimed_day where edition is null and partnership = any($1::text[])", list(partnerships)
    )
    return [Task("approve_day", frozenset({Role.BUSINESS_UNIT}), due=row[0], day=row[0]) for row in rows]


async def _clocks_of(connection: AnyConnection, names: Sequence[str]) -> Mapping[str, list[ClockRow]]:
    driver = await _driver(connection)
    rows = await driver.fetch(
        f"select incident, {_CLOCK} from clock where incident = any($1::text[]) order by incident, key",  # noqa: S608
        list(names),
    )
    found: dict[str, list[ClockRow]] = {}
    for incident, *row, shown in rows:
        values: list[Any] = [*row, from_json(shown) if shown else None]
        found.setdefault(incident, []).append(ClockRow(*values))
    return found


def _incident(row: Sequence[Any]) -> IncidentRow:
    values: list[Any] = [tuple(value) if isinstance(value, list) else value for value in row]
    return IncidentRow(*values)


async def _driver(connection: AnyConnection) -> Any:
    return connection.driver if isinstance(connection, Transaction) else await driver_of(connection)
