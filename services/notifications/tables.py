"""The read models of notifications."""

from sqlalchemy import Boolean, Column, DateTime, Index, Integer, LargeBinary, MetaData, Table, Text
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
