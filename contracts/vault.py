"""The vault's public language: for what it is asked, what it notices, and what it found alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from contracts.envelope import EventId
from contracts.identifiers import IncidentId, SubjectId
from contracts.sealing import Model

VAULT = "safeguarding.vault"


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


_CASE = frozenset({"narrative", "identity", "contact", "place", "document"})

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
