"""The vault's public language: for what it is asked, what it notices, and what it found alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from contracts.codes import Role
from contracts.envelope import EventId, Instant
from contracts.for_some import ForSome
from contracts.identifiers import AgencyId, IncidentId, SubjectId
from contracts.sealing import Model

VAULT = "safeguarding.vault"
ERASURES = "safeguarding.erasures"
"""A topic of its own, read whole at each start of the vault: what no backup of its databases can forget."""


class Purpose(StrEnum):
    """Why somebody looks. There is no purpose `other`: what is not listed is not looked at."""

    TRIAGE = "triage"
    NOTIFICATION_DRAFTING = "notification_drafting"
    NOTIFICATION_APPROVAL = "notification_approval"
    PANEL_EXPORT = "panel_export"
    PARTNER_NOTIFICATION = "partner_notification"
    REVIEW = "review"
    LIKENESS_CHECK = "likeness_check"
    SUBJECT_ACCESS = "subject_access"
    ERASURE_REVIEW = "erasure_review"
    QUARANTINE_INSPECTION = "quarantine_inspection"
    PARKED_REPLAY = "parked_replay"


@dataclass(frozen=True)
class Reach:
    """How far a purpose reaches: which kinds of thing, and whether a person or an agency must stand behind it."""

    kinds: frozenset[str]
    for_somebody: bool = True


_CASE = frozenset({"narrative", "identity", "contact", "place", "document", "entry"})

REACH: Mapping[Purpose, Reach] = {
    Purpose.TRIAGE: Reach(_CASE),
    Purpose.NOTIFICATION_DRAFTING: Reach(_CASE),
    Purpose.NOTIFICATION_APPROVAL: Reach(_CASE),
    Purpose.PANEL_EXPORT: Reach(_CASE),
    Purpose.PARTNER_NOTIFICATION: Reach(_CASE, for_somebody=False),
    Purpose.REVIEW: Reach(_CASE),
    Purpose.LIKENESS_CHECK: Reach(frozenset({"identity"})),
    Purpose.SUBJECT_ACCESS: Reach(_CASE),
    Purpose.ERASURE_REVIEW: Reach(_CASE),
    Purpose.QUARANTINE_INSPECTION: Reach(frozenset({"quarantine"})),
    Purpose.PARKED_REPLAY: Reach(frozenset({"parked"}), for_somebody=False),
}


_AUTHORITY = frozenset({Role.NOTIFIER, Role.APPROVER})
_PARTNERS = _AUTHORITY | {Role.PARTNER, Role.BUSINESS_UNIT}

ROLES: Mapping[Purpose, frozenset[Role]] = {
    Purpose.TRIAGE: _PARTNERS,
    Purpose.NOTIFICATION_DRAFTING: _AUTHORITY,
    Purpose.NOTIFICATION_APPROVAL: frozenset({Role.APPROVER}),
    Purpose.PANEL_EXPORT: _AUTHORITY,
    Purpose.PARTNER_NOTIFICATION: _PARTNERS,
    Purpose.REVIEW: _PARTNERS | {Role.SCRUTINEER, Role.LEAD},
    Purpose.LIKENESS_CHECK: _AUTHORITY | {Role.BUSINESS_UNIT},
    Purpose.SUBJECT_ACCESS: frozenset({Role.BUSINESS_UNIT}),
    Purpose.ERASURE_REVIEW: frozenset({Role.BUSINESS_UNIT}),
    Purpose.QUARANTINE_INSPECTION: frozenset({Role.OPERATOR}),
    Purpose.PARKED_REPLAY: frozenset(),
}
"""In which roles a person may look for a purpose (DOMAIN section 5; the table itself is [D])."""

SYSTEMS = frozenset({Purpose.TRIAGE, Purpose.PARTNER_NOTIFICATION, Purpose.REVIEW, Purpose.PANEL_EXPORT})
"""For what an agency's own system may look, with nobody named behind it."""


def may_look_for(purpose: Purpose, kind: str, roles: frozenset[str]) -> bool:
    """Whether this purpose is open to a caller at all: a person by its roles, an agency's system by `SYSTEMS`, a
    service in its own name where nobody need stand behind it."""
    if kind == "person":
        return bool(roles & ROLES[purpose])
    return purpose in SYSTEMS if kind == "agency" else not REACH[purpose].for_somebody


class Likeness(StrEnum):
    """What two subjects have in common; never what it is."""

    SAME_NHS_NUMBER = "same_nhs_number"
    SAME_UPN = "same_upn"
    SAME_NAME_AND_DATE_OF_BIRTH = "same_name_and_date_of_birth"
    LIKE_NAME_AND_SAME_DATE_OF_BIRTH = "like_name_and_same_date_of_birth"
    LIKE_NAME_AND_SAME_ADDRESS = "like_name_and_same_address"


class SubjectLikenessNoticed(Model):
    """Two subjects may be one child. A person decides; the vault never merges."""

    subjects: Annotated[tuple[SubjectId, SubjectId], Field(description="The one known before, and the one just filed.")]
    incidents: tuple[IncidentId, ...] = ()
    likenesses: Annotated[tuple[Likeness, ...], Field(min_length=1)]
    events: Annotated[tuple[EventId, ...], Field(description="The events that the two came with, where known.")] = ()


class RecordErased(Model):
    """The key of a subject or an incident was destroyed, as two people decided. What it opened can be read no more."""

    owner: Annotated[str, Field(pattern=r"^(subject|incident)-[0-9a-f]{32}$")]
    erased_at: Instant


class RecordRead(ForSome):
    """Somebody looked at what the vault keeps: told to the authority that holds the duty, and to whose words they were.

    It says who, in which role, for whom and why; never what was shown. It is recorded with the look, before the answer.
    """

    for_whom: ClassVar[str] = "the authority that holds the duty, and the agencies whose words were read"

    look: Annotated[int, Field(ge=1, description="The look's number in the record of looks.")]
    reader: Annotated[str, Field(description="The account, agency or service that looked.")]
    kind: Annotated[str, Field(pattern=r"^(person|agency|service)$")]
    roles: Annotated[tuple[str, ...], Field(description="Of the reader, at the time.")] = ()
    agency: Annotated[AgencyId | None, Field(description="The reader's; none for a service of the exchange.")] = None
    purpose: Purpose
    incident: IncidentId | None = None
    subjects: Annotated[tuple[SubjectId, ...], Field(description="Whom what was read is about.")] = ()
    owners: Annotated[tuple[AgencyId, ...], Field(description="The agencies whose words were read.")] = ()
    kinds: Annotated[
        tuple[str, ...], Field(description="Of what was read: identity, narrative, place, document, …")
    ] = ()

    def is_for(self, agency: str, authority: str | None) -> bool:
        """Whether an agency is told of this look; `authority` holds the duty for the incident."""
        return agency == authority or agency in self.owners
