"""What a reader remembers, in the service's own database: how far it has come, and what it set aside."""

from typing import Any, Protocol

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, Integer, LargeBinary, MetaData, Table, Text, func
from sqlalchemy.dialects.postgresql import ARRAY

tables = MetaData()

position = Table(
    "reader_position",
    tables,
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("producer", Text, primary_key=True, comment="the service that published; empty where agencies write"),
    Column("position", BigInteger, nullable=False, comment="the last one applied, or passed on to the parked events"),
)

folded = Table(
    "reader_folded",
    tables,
    Column("topic", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("version", Integer, nullable=False, comment="of the subject's stream, as far as it has been applied here"),
)

# A parked event's bytes are in the vault under `ref`; no column holds a value out of it.
parked = Table(
    "reader_parked",
    tables,
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("offset", BigInteger, primary_key=True),
    Column("producer", Text, nullable=False),
    Column("position", BigInteger),
    Column("key", Text, comment="null where it holds nothing up"),
    Column("reason", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("parked_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("settled_at", DateTime(timezone=True)),
    Column("settled", Text, comment="replayed, or discarded by whom and why"),
)
Index("reader_parked_open", parked.c.topic, parked.c.key, postgresql_where=parked.c.settled_at.is_(None))

# Proposals that came before what they build on. They hold references and codes, as every event on the bus.
waiting = Table(
    "reader_waiting",
    tables,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("submission", Text, nullable=False, unique=True),
    Column("subject", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("needs", Integer, comment="the subject's version to be folded before it is tried; null once it was tried"),
    Column("tried_subject", Integer, comment="the subject's folded version when it was last tried"),
    Column("tried_stream", Integer, comment="the stream's version then"),
    Column("told", ARRAY(Text), nullable=False, server_default="{}", comment="what its sender was told it waits for"),
    Column("arrived_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("producer", Text, nullable=False),
    Column("position", BigInteger),
    Column("event", LargeBinary, nullable=False),
)
Index("reader_waiting_subject", waiting.c.subject, waiting.c.id)


class MigrationSteps(Protocol):
    """Alembic's `op`, as far as it is needed here."""

    def get_bind(self) -> Any: ...

    def execute(self, statement: str) -> Any: ...


def create_reader(op: MigrationSteps, runtime_role: str) -> None:
    """A migration step: the reader's tables, and what the runtime role may do with them. Parked events stay."""
    tables.create_all(op.get_bind())
    for table in tables.tables.values():
        op.execute(f'revoke all on "{table.name}" from public, "{runtime_role}"')
        delete = ", delete" if table is waiting else ""
        op.execute(f'grant select, insert, update{delete} on "{table.name}" to "{runtime_role}"')
