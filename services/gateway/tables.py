"""The gateway's read models, and beside them what it has heard of notifications (which its own log cannot tell)."""

from sqlalchemy import Boolean, Column, Date, DateTime, Index, Integer, MetaData, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY

from shared.days_off import day_off
from shared.listed import listed

metadata = MetaData()

# `state` is the folded incident, so that the next fact need not fold the stream again. Codes and references only.
incident = Table(
    "incident",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("partnership", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("areas", ARRAY(Text), nullable=False),
    Column("participants", ARRAY(Text), nullable=False),
    Column("referrers", ARRAY(Text), nullable=False),
    Column("incidentref", Text),
    Column("nature", Text, nullable=False),
    Column("grounds", ARRAY(Text), nullable=False),
    Column("told_at", DateTime(timezone=True), nullable=False),
    Column("aware_at", DateTime(timezone=True), nullable=False),
    Column("linked_to", Text),
    Column("waiting", Boolean, nullable=False, comment="somebody has something to do"),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False),
    Column("excluded_agencies", ARRAY(Text), nullable=False, server_default="{}"),
    Column("excluded_people", ARRAY(Text), nullable=False, server_default="{}"),
    Column("alleged", ARRAY(Text), nullable=False, server_default="{}", comment="agency/account, see contracts.access"),
    Column("subjects", ARRAY(Text), nullable=False, server_default="{}", comment="children in it, or named by a merge"),
)
Index("incident_waiting", incident.c.host, incident.c.id, postgresql_where=incident.c.waiting)
Index("incident_subjects", incident.c.subjects, postgresql_using="gin")
Index("incident_areas", incident.c.areas, postgresql_using="gin")
Index("incident_participants", incident.c.participants, postgresql_using="gin")

# A tick looks at `next_instant` alone: what is not due yet costs it nothing.
clock = Table(
    "clock",
    metadata,
    Column("incident", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("partnership", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("edition", Text, nullable=False),
    Column("recipient", Text),
    Column("state", Text, nullable=False),
    Column("provisional", Boolean, nullable=False),
    Column("running", Boolean, nullable=False),
    Column("day0", Date),
    Column("due", Date),
    Column("late_from", DateTime(timezone=True)),
    Column("met_at", DateTime(timezone=True)),
    Column("working_days_late", Integer),
    Column("awaiting_reason", Boolean, nullable=False),
    Column("reckoned", Text, comment="the reckoning as the fact has it, in JSON"),
    Column("next_instant", DateTime(timezone=True), comment="when a tick next has something to say; null for never"),
    Column("held", Boolean, nullable=False, server_default=text("false"), comment="a verdict is awaited, see tick.py"),
)
Index("clock_due", clock.c.next_instant, postgresql_where=clock.c.next_instant.is_not(None))
Index("clock_held", clock.c.incident, postgresql_where=clock.c.held)
Index("clock_uncomputed", clock.c.incident, postgresql_where=clock.c.state == "uncomputed")
Index("clock_running_due", clock.c.due, postgresql_where=clock.c.running)

proclaimed_day = Table(
    "proclaimed_day",
    metadata,
    Column("day", Date, primary_key=True),
    Column("title", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("partnership", Text, nullable=False),
    Column("proposed_by", Text),
    Column("proposed_at", DateTime(timezone=True), nullable=False),
    Column("edition", Text),
    Column("added_by", Text),
    Column("added_at", DateTime(timezone=True)),
)
Index("proclaimed_day_open", proclaimed_day.c.day, postgresql_where=proclaimed_day.c.edition.is_(None))

# Not folded from the gateway's own log, so no rebuild touches it: it is replayed from the topic.
filing = Table(
    "filing",
    metadata,
    Column("incident", Text, primary_key=True),
    Column("version", Integer, nullable=False, comment="of the notification's stream, as far as it was heard"),
    Column("state", Text, nullable=False),
)

# The same of what rapid reviews were heard to ask: agencies to which an incident is open so far.
asked = Table(
    "asked",
    metadata,
    Column("incident", Text, primary_key=True),
    Column("agency", Text, primary_key=True),
)

VIEWS = (incident, clock, proclaimed_day, day_off, listed)
"""What a rebuild makes anew from the log."""
