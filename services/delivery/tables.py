"""What delivery keeps: facts as they came, what access depends on, and each agency's feed with what became of it."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from shared.limits import limit_table

metadata = MetaData()

kept = Table(
    "kept",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True, comment="in the order of coming"),
    Column("topic", Text, nullable=False),
    Column("subject", Text),
    Column("type", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("event", LargeBinary, nullable=False, comment="the fact as its owner published it: references and codes"),
)
Index("kept_by_subject", kept.c.subject, kept.c.id)
Index("kept_by_event", kept.c.event_id)

matter = Table(
    "matter",
    metadata,
    Column("incident", Text, primary_key=True),
    Column("host", Text, nullable=False, comment="the area whose authority holds the duty"),
    Column("folded", LargeBinary, nullable=False, comment="contracts.access.Matter, as JSON"),
)

# Whoever may see a fact of several incidents is given it once all of them are known.
awaited = Table(
    "awaited",
    metadata,
    Column("incident", Text, primary_key=True, comment="told of before it was known, by a fact of another"),
    Column("kept", BigInteger, primary_key=True, autoincrement=False),
)

recalled = Table(
    "recalled",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("recipients", ARRAY(Text), comment="who should not have had it; null: nobody but the authority"),
)

# Only ever added to. What a row shows is worked out when it is read, under the agreement of that day.
feed = Table(
    "feed",
    metadata,
    Column("agency", Text, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("kept", BigInteger, comment="the fact; null for a standing test"),
    Column("subject", Text),
    Column("type", Text, nullable=False),
    Column("partnership", Text, nullable=False),
    Column("redacted", ARRAY(Text), nullable=False, comment="members of data taken out under the agreement of then"),
    Column("at", DateTime(timezone=True), nullable=False),
)
Index("feed_by_subject", feed.c.subject, feed.c.agency, feed.c.sequence)
Index("feed_by_time", feed.c.agency, feed.c.at)
Index("feed_tests", feed.c.agency, feed.c.sequence, postgresql_where=feed.c.type == "feed.tested.v1")

head = Table(
    "feed_head",
    metadata,
    Column("agency", Text, primary_key=True),
    Column("last", BigInteger, nullable=False, server_default="0"),
    Column(
        "edition",
        BigInteger,
        nullable=False,
        server_default="0",
        comment="counts when its feed came to show something else",
    ),
    Column("tested_at", DateTime(timezone=True), comment="business time of its last standing test"),
    postgresql_with={"fillfactor": 50},
)

outbound = Table(
    "outbound",
    metadata,
    Column("agency", Text, primary_key=True),
    Column("sequence", BigInteger, nullable=False, comment="the last one that Kafka has acknowledged"),
    Column("edition", BigInteger, nullable=False, comment="of the rights under which the topic was written"),
    postgresql_with={"fillfactor": 50},
)

# By what Kafka knows the one that writes agencies' topics: each has the epoch after that of the one before it.
writer = Table(
    "writer",
    metadata,
    Column("sole", Boolean, CheckConstraint("sole"), primary_key=True),
    Column("producer", BigInteger, nullable=False, comment="Kafka's id of it"),
    Column("epoch", Integer, nullable=False),
    Column("term", BigInteger, nullable=False, comment="of the lease under which it was taken"),
)

# Which part of a feed went to its agency, when and how: kept for the day on which something went wrong. Over Kafka
# there are two rows: that it is about to be sent, without an offset, and that the broker has it, with one.
handed_over = Table(
    "handed_over",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("agency", Text, nullable=False),
    Column("way", Text, nullable=False, comment="kafka, https or stream"),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("withheld", ARRAY(BigInteger), nullable=False, comment="of these, the numbers that were tombstones"),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("offset", BigInteger, comment="of the first, on the agency's topic"),
)
Index("handed_over_by_agency", handed_over.c.agency, handed_over.c.last)

taken = Table(
    "taken",
    metadata,
    Column("agency", Text, primary_key=True),
    Column(
        "offset", BigInteger, primary_key=True, autoincrement=False, comment="its consumers committed, on its topic"
    ),
    Column("at", DateTime(timezone=True), nullable=False, comment="when that was first seen"),
)

# How the reader of pages or a stream says that it has something: it comes back with the cursor behind it.
acknowledged = Table(
    "acknowledged",
    metadata,
    Column("agency", Text, primary_key=True),
    Column("at", DateTime(timezone=True), primary_key=True),
    Column(
        "sequence", BigInteger, primary_key=True, autoincrement=False, comment="up to here it said it has everything"
    ),
)

replayed = Table(
    "replayed",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("agency", Text, nullable=False),
    Column("after", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("token", Text, nullable=False, comment="the id of the access token with which it was asked for"),
    Column("at", DateTime(timezone=True), nullable=False),
)
Index("replayed_by_agency", replayed.c.agency, replayed.c.id)

seen = Table(
    "seen",
    metadata,
    Column("agency", Text, primary_key=True),
    Column("way", Text, primary_key=True),
    Column("sequence", BigInteger, nullable=False, comment="up to here it said it has everything"),
    Column("at", DateTime(timezone=True), nullable=False, comment="when it was last heard of"),
    postgresql_with={"fillfactor": 50},
)

ONLY_ADDED_TO = (kept, awaited, feed, handed_over, taken, acknowledged, replayed)

limit_table(metadata)
