"""The read models of notifications, and the letters that wait to be sent."""

from sqlalchemy import Boolean, Column, DateTime, Index, Integer, LargeBinary, MetaData, Table, Text, func
from sqlalchemy.dialects.postgresql import ARRAY

metadata = MetaData()

known_case = Table(
    "known_case",
    metadata,
    Column("incident", Text, primary_key=True),
    Column("partnership", Text, nullable=False),
    Column("folded", LargeBinary, nullable=False, comment="services.notifications.case.Case, as JSON"),
)

notification = Table(
    "notification",
    metadata,
    Column("incident", Text, primary_key=True),
    Column("partnership", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("drafted_by", Text),
    Column("grounds", ARRAY(Text), nullable=False),
    Column("portal_reference", Text),
    Column("portal_time", DateTime(timezone=True)),
    Column("without_approval", Boolean, nullable=False),
    Column("ended", Text),
    Column("changed_at", DateTime(timezone=True), nullable=False),
)
Index("notification_by_partnership", notification.c.partnership, notification.c.incident)

letter = Table(
    "letter",
    metadata,
    Column("message_id", Text, primary_key=True),
    Column("incident", Text, nullable=False),
    Column("recipient", Text, nullable=False, comment="an office's mailbox, never a person's"),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("written_at", DateTime(timezone=True), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("sent_at", DateTime(timezone=True)),
)
Index("letter_waiting", letter.c.next_attempt_at, postgresql_where=letter.c.sent_at.is_(None))
