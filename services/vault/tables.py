"""What the vault's own database holds: ciphertexts, ids and codes, and never a word in clear.

Everything is only ever added to, but for what is named in `MAY_CHANGE` and `MAY_GO`.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY

metadata = MetaData()


def _words(name: str, **more: Any) -> Column[str]:
    return Column(name, Text, **{"nullable": False, **more})


def _moment(name: str, **more: Any) -> Column[datetime]:
    return Column(name, DateTime(timezone=True), **{"nullable": False, **more})


item = Table(
    "item",
    metadata,
    _words("ref", primary_key=True),
    _words("kind"),
    _words("owner", index=True),
    _words("incident", nullable=True, index=True),
    _words("subject", nullable=True, index=True),
    _words("partnership"),
    _words("agency", nullable=True),
    _words("event", nullable=True),
    _words("parcel", nullable=True),
    # null where it came for somebody already erased
    Column("ciphertext", LargeBinary),
    _moment("sealed_at"),
    _moment("filed_at", server_default=func.clock_timestamp()),
)
mention = Table(
    "mention",
    metadata,
    _words("subject", primary_key=True),
    Column("ref", Text, ForeignKey(item.c.ref), primary_key=True),
)
filed_parcel = Table(
    "filed_parcel",
    metadata,
    _words("parcel", primary_key=True),
    _words("source"),
    _words("key_id"),
    _moment("filed_at", server_default=func.clock_timestamp()),
    _moment("confirmed_at", nullable=True),
    _moment("covered_at", nullable=True),
)
Index("filed_parcel_open", filed_parcel.c.source, postgresql_where=filed_parcel.c.covered_at.is_(None))
unopened_parcel = Table(
    "unopened_parcel",
    metadata,
    _words("parcel", primary_key=True),
    _words("source"),
    _words("key_id"),
    _words("why"),
    _moment("first_at", server_default=func.clock_timestamp()),
    _moment("last_at", server_default=func.clock_timestamp()),
)
backup = Table(
    "backup",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _moment("until"),
    _words("recorded_by"),
    _moment("recorded_at", server_default=func.clock_timestamp()),
)
look = Table(
    "look",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _moment("at"),
    _words("purpose"),
    _words("service"),
    _words("who"),
    _words("who_kind"),
    _words("agency", nullable=True),
    Column("roles", ARRAY(Text), nullable=False),
    _words("incident", nullable=True),
    _words("traceparent", nullable=True),
)
looked_at = Table(
    "looked_at",
    metadata,
    Column("look", BigInteger, ForeignKey(look.c.id), primary_key=True),
    _words("ref", primary_key=True),
    _words("incident", nullable=True, index=True),
    _words("subject", nullable=True, index=True),
    Column("subjects", ARRAY(Text), nullable=False),
)
Index("looked_at_subjects", looked_at.c.subjects, postgresql_using="gin")
search = Table(
    "search",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _moment("at"),
    _words("what"),
    Column("asked", ARRAY(Text), nullable=False),  # ids and codes
    _words("service"),
    _words("who"),
    _words("who_kind"),
    _words("agency", nullable=True),
    Column("roles", ARRAY(Text), nullable=False),
    _words("traceparent", nullable=True),
)
Index("search_asked", search.c.asked, postgresql_using="gin")
document = Table(
    "document",
    metadata,
    Column("ref", Text, ForeignKey(item.c.ref), primary_key=True),
    _words("media_type"),
    Column("size", Integer, nullable=False),
    _words("sha256"),
    _words("filed_by"),
)
document_chunk = Table(
    "document_chunk",
    metadata,
    Column("ref", Text, ForeignKey(document.c.ref), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("ciphertext", LargeBinary, nullable=False),
)
quarantined = Table(
    "quarantined",
    metadata,
    Column("ref", Text, ForeignKey(item.c.ref), primary_key=True),
    _words("agency", nullable=True),
    _words("topic", nullable=True),
    Column("partition", Integer),
    Column("offset", BigInteger),
    _words("reason", nullable=True),
    Column("size", Integer, nullable=False),
)
trait = Table(
    "trait",
    metadata,
    Column("token", LargeBinary, primary_key=True),
    _words("subject", primary_key=True, index=True),
    _words("trait"),
    _words("incident", nullable=True),
    _words("event", nullable=True),
)
likeness = Table(
    "likeness",
    metadata,
    _words("known", primary_key=True),
    _words("filed", primary_key=True, index=True),
    _words("partnership"),
    Column("incidents", ARRAY(Text), nullable=False),
    Column("likenesses", ARRAY(Text), nullable=False),
    Column("events", ARRAY(Text), nullable=False),
    _moment("noticed_at"),
)
erasure = Table(
    "erasure",
    metadata,
    _words("owner", primary_key=True),
    _words("decided_by", nullable=True),
    _words("agency", nullable=True),
    _words("reason_ref", nullable=True),
    _words("proposed_by", nullable=True),  # another person than decided
    _moment("at"),
)
erasure_proposal = Table(
    "erasure_proposal",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _words("owner", index=True),
    _words("act"),  # proposed, withdrawn
    _words("decided_by"),
    _words("agency", nullable=True),
    _words("reason_ref", nullable=True),
    _moment("at"),
)
record_class = Table(
    "record_class",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _words("owner", index=True),
    _words("record_class"),  # of retention.toml
    _words("decided_by"),
    _words("agency", nullable=True),
    _words("reason_ref", nullable=True),
    _moment("at"),
)
hold = Table(
    "hold",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _words("owner", index=True),
    _words("act"),  # placed, lifted
    _words("decided_by"),
    _words("agency", nullable=True),
    _words("reason_ref", nullable=True),
    _moment("at"),
)

MAY_CHANGE = (filed_parcel, unopened_parcel)
MAY_GO = (unopened_parcel, trait)
