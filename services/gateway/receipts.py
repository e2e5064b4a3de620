"""What became of every message: one row a submission, written with what followed from it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import orjson
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.access import ABSENT
from contracts.submissions import Fault, SubmissionAnswered, Verdict
from shared.database import Transaction, driver_of
from shared.eventlog import Conflict
from shared.limits import limit_table

AnyConnection = AsyncConnection | Transaction

PENDING, WAITING, ACCEPTED, REFUSED = "pending", "waiting", "accepted", "refused"
REPEATED = "repeated"
"""A record on the inbound topic that had been taken before, by either way in; its row only names the first."""

OPEN = (PENDING, WAITING)
"""What still has no verdict: forwarded and not answered, or answered that it waits."""


def submission_table(metadata: MetaData) -> Table:
    """The submissions with what became of each."""
    submission = Table(
        "submission",
        metadata,
        Column("seq", BigInteger, Identity(always=True), primary_key=True),
        Column("id", Text, nullable=False, unique=True),
        Column("agency", Text, nullable=False),
        Column("source", Text),
        Column("event_id", Text),
        Column("digest", LargeBinary),
        Column("type", Text),
        Column("partnership", Text),
        Column("incident", Text),
        Column("incidentref", Text),
        Column("actor", Text),
        Column("inbound_offset", BigInteger),
        Column("arrived_at", DateTime(timezone=True), nullable=False),
        Column("status", Text, nullable=False),
        Column("outcome", Text, nullable=False),  # JSON; nothing is ever looked up by it
    )
    # A refused message does not use its id up: it may be mended and sent again under the same one.
    Index(
        "submission_once",
        submission.c.source,
        submission.c.event_id,
        unique=True,
        postgresql_where=submission.c.status != REFUSED,
    )
    Index("submission_by_sender", submission.c.agency, submission.c.event_id, submission.c.seq)
    Index("submission_by_offset", submission.c.agency, submission.c.inbound_offset)
    Index("submission_open", submission.c.incident, postgresql_where=submission.c.status.in_(OPEN))
    Index(
        "submission_incidentref",
        submission.c.agency,
        submission.c.incidentref,
        postgresql_where=text("incidentref is not null and incident is not null and status <> 'refused'"),
    )
    return submission


class MigrationSteps(Protocol):
    """Alembic's `op`, as far as it is needed here."""

    def get_bind(self) -> Any: ...

    def execute(self, statement: str) -> Any: ...


def create_receipts(op: MigrationSteps, runtime_role: str) -> None:
    """A migration step: receipts and the callers' limits. The runtime role never deletes a receipt."""
    metadata = MetaData()
    submission_table(metadata)
    limit_table(metadata)
    metadata.create_all(op.get_bind())
    op.execute(f'revoke all on submission, rate_limit from public, "{runtime_role}"')
    op.execute(f'grant select, insert, update on submission, rate_limit to "{runtime_role}"')


@dataclass(frozen=True)
class Receipt:
    """What became of one message. `deadlines` are the deadline facts that followed at once, with their reckoning."""

    submission: str
    status: str
    arrived_at: datetime
    agency: str
    source: str | None = None
    event_id: str | None = None
    type: str | None = None
    partnership: str | None = None
    incident: str | None = None
    incidentref: str | None = None
    actor: str | None = None
    inbound_offset: int | None = None
    digest: bytes | None = field(default=None, repr=False)
    waiting_for: str | None = None
    http_status: int = 202
    faults: tuple[Fault, ...] = ()
    marks: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    deadlines: tuple[dict[str, Any], ...] = ()
    repeats: str | None = None

    @property
    def final(self) -> bool:
        """Whether there is a verdict."""
        return self.status not in OPEN

    def outcome(self) -> str:
        """What is kept as JSON."""
        return orjson.dumps(
            {
                "faults": [fault.model_dump(mode="json") for fault in self.faults],
                "marks": self.marks,
                "facts": self.facts,
                "deadlines": self.deadlines,
                "waitingFor": self.waiting_for,
                "httpStatus": self.http_status,
                "repeats": self.repeats,
            }
        ).decode()

    def to_json(self) -> dict[str, Any]:
        """The receipt as its sender gets it."""
        told: dict[str, Any] = {
            "submission": self.submission,
            "status": self.status,
            "source": self.source,
            "id": self.event_id,
            "type": self.type,
            "incident": self.incident,
            "incidentref": self.incidentref,
            "inboundOffset": self.inbound_offset,
            "waitingFor": self.waiting_for,
        }
        return {name: value for name, value in told.items() if value is not None} | {
            "receivedAt": self.arrived_at.isoformat().replace("+00:00", "Z"),
            "facts": self.facts,
            "faults": [fault.model_dump(mode="json") for fault in self.faults],
            "marks": self.marks,
            "deadlines": self.deadlines,
        }


_FIELDS = (
    "submission",
    "status",
    "arrived_at",
    "agency",
    "source",
    "event_id",
    "type",
    "partnership",
    "incident",
    "incidentref",
    "actor",
    "inbound_offset",
    "digest",
)
_COLUMNS = f"id, {', '.join(_FIELDS[1:])}, outcome"


def _receipt(row: Sequence[Any]) -> Receipt:
    *columns, outcome = row
    told = orjson.loads(outcome)
    named = dict(zip(_FIELDS, columns, strict=True))
    named |= {name: tuple(told[name]) for name in ("marks", "facts", "deadlines")}
    return Receipt(
        **named,
        waiting_for=told["waitingFor"],
        http_status=told["httpStatus"],
        repeats=told["repeats"],
        faults=tuple(Fault.model_validate(fault) for fault in told["faults"]),
    )


_KINDS = (
    *("text", "text", "timestamptz", "text", "text", "text", "text", "text", "text", "text", "text", "bigint", "bytea"),
    "text",
)
_RECORD = f"""
    insert into submission ({_COLUMNS})
    select * from unnest({", ".join(f"${number}::{kind}[]" for number, kind in enumerate(_KINDS, 1))})
    on conflict do nothing
    returning id
    """  # noqa: S608 (the names are this module's own)


async def record(tx: Transaction, receipts: Sequence[Receipt]) -> set[str]:
    """Writes receipts; returns the submissions that are new. The others' ids were used before, or are being used."""
    if not receipts:
        return set()
    rows = [(*(getattr(receipt, name) for name in _FIELDS), receipt.outcome()) for receipt in receipts]
    found = await tx.driver.fetch(_RECORD, *(list(column) for column in zip(*rows, strict=True)))
    return {row[0] for row in found}


async def record_new(tx: Transaction, receipts: Sequence[Receipt]) -> None:
    """Writes receipts under ids that were free when looked at. Raises Conflict where one was not after all."""
    if len(await record(tx, receipts)) < len(receipts):
        raise Conflict(receipts[0].submission, 0)  # the same id came by another way meanwhile


async def used(tx: Transaction, ids: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these ids, each with its source, were used up before."""
    sources, event_ids = [source for source, _ in ids], [event_id for _, event_id in ids]
    return {(row[0], row[1]) for row in await tx.driver.fetch(_USED, sources, event_ids)}


_USED = """
    select s.source, s.event_id from unnest($1::text[], $2::text[]) as asked (source, event_id)
    join submission s on s.source = asked.source and s.event_id = asked.event_id and s.status <> 'refused'
    """


async def taken(tx: Transaction, source: str, event_id: str) -> Receipt | None:
    """The submission that uses an id up: the one under it that was not refused."""
    return await _one(tx, "source = $1 and event_id = $2 and status <> 'refused'", source, event_id)


async def incidents_under(connection: AnyConnection, agency: str, incidentref: str) -> list[str]:
    """The incidents that an agency has referred under a number of its own, oldest first."""
    driver = await _driver(connection)
    rows = await driver.fetch(
        "select incident from submission where agency = $1 and incidentref = $2 and incident is not null"
        " and status <> 'refused' group by incident order by min(seq) limit 20",
        agency,
        incidentref,
    )
    return [row[0] for row in rows]


# A person reads of no incident that it is shut out of, and of who is to be shut out what it said itself: a colleague's
# receipt would tell it. The agency's own system (no person) has every receipt, and what a person said is its own.
_TOLD = """
    agency = $1 and ($2::text is null or actor = $2 or (coalesce(type, '') not like 'exclusion.%' and not exists (
        select from incident where incident.id = submission.incident
            and (excluded_people @> array[$2::text] or excluded_agencies @> array[$1::text]))))
    """


async def submission(
    connection: AnyConnection, agency: str, submission_id: str, person: str | None = None
) -> Receipt | None:
    """One of the agency's submissions, as far as its `person` is told of it; another's is not found."""
    return await _one(connection, f"{_TOLD} and id = $3", agency, person, submission_id)


async def latest(
    connection: AnyConnection, agency: str, source: str, event_id: str, person: str | None = None
) -> Receipt | None:
    """The agency's submission under an id of its own: the one that uses it up, else the newest refused."""
    where = f"{_TOLD} and event_id = $3 and source = $4 order by status = 'refused', seq desc"
    return await _one(connection, where, agency, person, event_id, source)


async def at_offset(connection: AnyConnection, agency: str, offset: int, person: str | None = None) -> Receipt | None:
    """What became of one record of the agency's inbound topic, readable or not."""
    found = await _one(connection, f"{_TOLD} and inbound_offset = $3", agency, person, offset)
    if found is not None and found.repeats is not None:
        return await submission(connection, agency, found.repeats, person)
    return found


async def recent(
    connection: AnyConnection, agency: str, before: int | None, limit: int, person: str | None = None
) -> list[tuple[int, Receipt]]:
    """The agency's submissions, newest first, each with its place for the next page's `before`."""
    driver = await _driver(connection)
    rows = await driver.fetch(
        f"select seq, {_COLUMNS} from submission"  # noqa: S608
        f" where {_TOLD} and ($3::bigint is null or seq < $3) order by seq desc limit $4",
        agency,
        person,
        before,
        limit,
    )
    return [(seq, _receipt(row)) for seq, *row in rows]


async def _one(connection: AnyConnection, where: str, *values: Any) -> Receipt | None:
    driver = await _driver(connection)
    row = await driver.fetchrow(
        f"select {_COLUMNS} from submission where {where} limit 1",  # noqa: S608
        *values,
    )
    return _receipt(row) if row else None


async def settled(connection: AnyConnection, submissions: Sequence[str]) -> list[str]:
    """Which of these have their verdict."""
    driver = await _driver(connection)
    rows = await driver.fetch(
        "select id from submission where id = any($1::text[]) and status <> all($2::text[])", submissions, OPEN
    )
    return [row[0] for row in rows]


async def awaiting(connection: AnyConnection, incident: str, before: datetime) -> bool:
    """Whether something that would meet a clock of the incident's arrived before then and has no verdict yet."""
    driver = await _driver(connection)
    return bool(
        await driver.fetchval(
            "select exists (select from submission where incident = $1 and arrived_at < $2 and status = any($3::text[])"
            " and (type like 'notification.submitted.v%' or type like 'notification.amended.v%'))",
            incident,
            before,
            OPEN,
        )
    )


async def unanswered_since(connection: AnyConnection) -> datetime | None:
    """When the oldest submission without a verdict arrived: a signal for operators."""
    driver = await _driver(connection)
    found: datetime | None = await driver.fetchval(
        "select min(arrived_at) from submission where status = any($1::text[])", OPEN
    )
    return found


_FOLD = """
    update submission set status = answer.status, outcome = (submission.outcome::jsonb || answer.outcome::jsonb)::text
    from unnest($1::text[], $2::text[], $3::text[]) as answer (id, status, outcome)
    where submission.id = answer.id and submission.status = any($4::text[])
    """


async def fold(tx: Transaction, answers: Sequence[SubmissionAnswered]) -> None:
    """Writes owners' answers into the receipts, in one statement; where there is a verdict already, it stands."""
    last: dict[str, SubmissionAnswered] = {}
    for answer in answers:
        before = last.get(answer.submission)
        if before is None or before.verdict is Verdict.WAITING:
            last[answer.submission] = answer
    rows = [(answer.submission, answer.verdict.value, _outcome(answer)) for answer in last.values()]
    await tx.driver.execute(_FOLD, *(list(column) for column in zip(*sorted(rows), strict=True)), OPEN)


def _outcome(answer: SubmissionAnswered) -> str:
    """What an answer changes of a receipt's outcome."""
    return orjson.dumps(
        {
            "faults": [fault.model_dump(mode="json") for fault in answer.faults],
            "marks": answer.marks,
            "facts": answer.facts,
            "waitingFor": answer.waiting_for if answer.verdict is Verdict.WAITING else None,
            "httpStatus": _http_status(answer),
        }
    ).decode()


def _http_status(answer: SubmissionAnswered) -> int:
    if answer.faults and all(fault.rule == ABSENT.rule for fault in answer.faults):
        return 404  # another agency's request is not there, as another's incident is not
    return {Verdict.WAITING: 202, Verdict.ACCEPTED: 200, Verdict.REFUSED: 422}[answer.verdict]


async def _driver(connection: AnyConnection) -> Any:
    return connection.driver if isinstance(connection, Transaction) else await driver_of(connection)
