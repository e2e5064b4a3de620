"""The read models of rapid reviews and practice reviews, what is due, and the documents that wait to be scanned."""

from sqlalchemy import Boolean, Column, Date, DateTime, Index, Integer, LargeBinary, MetaData, Table, Text, func

metadata = MetaData()

dossier = Table(
    "dossier",
    metadata,
    Column("incident", Text, primary_key=True),
    Column("partnership", Text, nullable=False),
    Column("folded", LargeBinary, nullable=False, comment="services.rapid_review.dossier.Dossier, as JSON"),
)

review = Table(
    "review",
    metadata,
    Column("incident", Text, primary_key=True),
    Column("partnership", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("rule", Text, nullable=False, comment="T06a or T06b"),
    Column("due", Date, comment="none where no calendar reaches"),
    Column("version", Integer, nullable=False, comment="of the report; 0 for none yet"),
    Column("requests", Integer, nullable=False),
    Column("owing", Integer, nullable=False, comment="requests that await something of their agency"),
    Column("changed_at", DateTime(timezone=True), nullable=False),
)
Index("review_by_partnership", review.c.partnership, review.c.incident)

practice_review = Table(
    "practice_review",
    metadata,
    Column("incident", Text, primary_key=True),
    Column("partnership", Text, nullable=False),
    Column("status", Text, comment="none until the three partners have decided"),
    Column("due", Date),
    Column("version", Integer, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
)
Index("practice_review_by_partnership", practice_review.c.partnership, practice_review.c.incident)

request = Table(
    "request",
    metadata,
    Column("id", Text, primary_key=True),
    Column("incident", Text, nullable=False),
    Column("partnership", Text, nullable=False),
    Column("agency", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("due", Date, nullable=False),
    Column("versions", Integer, nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False),
)
Index("request_of_agency", request.c.agency, request.c.incident)
Index("request_of_incident", request.c.incident)

# A tick looks at `next_at` alone: what is not due yet costs it nothing. `calendar` is the edition that `next_at` was
# reckoned by, so that a stream scheduled under an older one is found by an index, whoever scheduled it.
agenda = Table(
    "agenda",
    metadata,
    Column("stream", Text, primary_key=True),
    Column("partnership", Text, nullable=False),
    Column("next_at", DateTime(timezone=True), comment="when a tick next has something to say; null for never"),
    Column("running", Boolean, nullable=False, comment="a clock runs, or an agency owes an answer"),
    Column("calendar", Text, nullable=False),
)
Index("agenda_due", agenda.c.next_at, postgresql_where=agenda.c.next_at.is_not(None))
Index("agenda_calendar", agenda.c.calendar, postgresql_where=agenda.c.running)
Index("agenda_partnership", agenda.c.partnership, postgresql_where=agenda.c.running)

# What is still to be done, not a view of what was said: a rebuild must not scan everything again.
scan = Table(
    "scan",
    metadata,
    Column("incident", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("cause", LargeBinary, nullable=False, comment="the fact that recorded the draft"),
    Column("behalf", LargeBinary, nullable=False, comment="shared.identity.Caller, for whom the document is read"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("asked_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("next_attempt_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
)
Index("scan_waiting", scan.c.next_attempt_at)

VIEWS = (review, practice_review, request, agenda)
"""What a rebuild makes anew from the log."""
