"""The tables of a service's event log, and the migration step that makes them."""

from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)

from shared.rebuild_schema import create_rebuild

if TYPE_CHECKING:  # a service makes no tables, and starts without what migrations need
    from alembic.operations import Operations


@dataclass(frozen=True)
class LogTables:
    """`fact` and `sequence` are only ever added to; the others are the relay's working memory."""

    fact: Table
    waiting: Table
    sequence: Table
    lease: Table
    published: Table
    checkpoint: Table


def log_tables(metadata: MetaData) -> LogTables:
    """The log's tables, declared in `metadata`."""
    fact = Table(
        "fact",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("stream", Text, nullable=False),
        Column("version", Integer, nullable=False),
        Column("type", Text, nullable=False),
        Column("event_id", Text, nullable=False),
        Column("subject", Text),
        Column("partnership", Text, nullable=False),
        Column("agency", Text),
        Column("actor", Text),
        Column("role", Text),
        Column("reason_ref", Text),
        Column("correlation", Text),
        Column("causation", Text),
        Column("traceparent", Text),
        Column("occurred_at", DateTime(timezone=True), nullable=False),
        Column("recorded_at", DateTime(timezone=True), nullable=False),
        Column("business_date", Date, nullable=False),
        Column("topic", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("event", LargeBinary, nullable=False),
        UniqueConstraint("stream", "version"),
    )
    # `at` is real time, kept to tell how long a fact has waited.
    waiting = Table(
        "waiting",
        metadata,
        Column("fact", BigInteger, primary_key=True, autoincrement=False),
        Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
        # A queue: rows live for milliseconds, so vacuum comes by dead rows and not by a share of the live ones.
        postgresql_with={"autovacuum_vacuum_scale_factor": "0", "autovacuum_vacuum_threshold": "5000"},
    )
    sequence = Table(
        "sequence",
        metadata,
        Column("position", BigInteger, primary_key=True, autoincrement=False),
        Column("fact", BigInteger, nullable=False),
        Column("topic", Text, nullable=False),
        Column("partition", Integer, nullable=False),
        Column("previous", BigInteger, nullable=False),
        Column("previous_hash", LargeBinary, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
        UniqueConstraint("fact"),
        UniqueConstraint("topic", "partition", "previous"),
    )
    lease = Table(
        "lease",
        metadata,
        Column("singleton", Boolean, CheckConstraint("singleton"), primary_key=True, server_default=text("true")),
        Column("term", BigInteger, nullable=False, server_default=text("0")),
        Column("holder", Text, nullable=False, server_default=text("''")),
        Column("session", Integer, nullable=False, server_default=text("0")),
        Column("session_began", DateTime(timezone=True)),
        Column("until", DateTime(timezone=True), nullable=False, server_default=text("'-infinity'")),
    )
    published = Table(
        "published",
        metadata,
        Column("singleton", Boolean, CheckConstraint("singleton"), primary_key=True, server_default=text("true")),
        Column("position", BigInteger, nullable=False, server_default=text("0")),
    )
    checkpoint = Table(
        "checkpoint",
        metadata,
        Column("day", Date, primary_key=True),
        Column("position", BigInteger, nullable=False),
        Column("hash", LargeBinary, nullable=False),
    )
    return LogTables(fact, waiting, sequence, lease, published, checkpoint)


ONLY_ADDED_TO = ("fact", "sequence", "checkpoint")


def create_log(op: "Operations | ModuleType", runtime_role: str) -> None:
    """Make the log's tables and what rebuilding needs; the runtime role may only add to the log and read it."""
    metadata = MetaData()
    log_tables(metadata)
    metadata.create_all(op.get_bind())
    for table in metadata.tables:
        op.execute(f'revoke all on "{table}" from public, "{runtime_role}"')
        # Default privileges may have granted more: the log's own grants are said in full.
        more = "" if table in ONLY_ADDED_TO else ", update, delete"
        op.execute(f'grant select, insert{more} on "{table}" to "{runtime_role}"')
    op.execute("insert into lease default values")
    op.execute("insert into published default values")
    create_rebuild(op, runtime_role)
