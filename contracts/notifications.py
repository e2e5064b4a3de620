"""The notification stream, owned by notifications: one serious incident notification from its draft to its close."""

from typing import Annotated

from pydantic import Field

from contracts.codes import (
    AbuseOrNeglect,
    AwarenessSource,
    Channel,
    Ground,
    Grounds,
    HarmCategory,
    HarmDimension,
    LongTerm,
    MediaInterest,
    Nature,
    Proceedings,
    RapidReview,
    YesNoNotKnown,
)
from contracts.envelope import Instant
from contracts.identifiers import AreaCode, ExternalReference
from contracts.incidents import Children, Occurrence, PartnerViews
from contracts.sealing import DocumentReference, Model, Narrative, SealedContact

Version = Annotated[int, Field(ge=1)]


class NotificationContent(Model):
    """Every field of the serious incident notification (DOMAIN 3.1), in the national form's order as far as known.

    What a draft may still lack is optional here; `services/notifications/coverage.py` says what filing needs.
    """

    notifying_authority: AreaCode
    notifier: SealedContact
    became_aware_at: Instant
    awareness_source: AwarenessSource
    occurrence: Occurrence
    nature: Nature
    abuse_or_neglect: AbuseOrNeglect
    grounds: Annotated[Grounds, Field(min_length=1)]
    suspected_suicide: bool | None = None
    harm: tuple[HarmCategory, ...] = ()
    serious_harm: tuple[HarmDimension, ...] = ()
    long_term: LongTerm | None = None
    children: Children
    other_children: Narrative | None = None
    siblings: Narrative | None = None
    parents_and_carers: Narrative | None = None
    household_risk: Narrative | None = None
    circumstances: Narrative | None = None
    police_investigation: Proceedings = Proceedings.NOT_KNOWN
    charges: Proceedings = Proceedings.NOT_KNOWN
    coroner: Proceedings = Proceedings.NOT_KNOWN
    media_interest: MediaInterest = MediaInterest.NONE
    parents_informed: YesNoNotKnown = YesNoNotKnown.NOT_KNOWN
    parents_not_informed_because: Narrative | None = None
    immediate_actions: Narrative | None = None
    likely_rapid_review: RapidReview = RapidReview.TO_CONFIRM
    partner_agreement: PartnerViews = PartnerViews()
    other_areas_to_notify: tuple[AreaCode, ...] = ()
    delay_reason: Narrative | None = None
    documents: tuple[DocumentReference, ...] = ()


class NotificationDrafted(Model):
    """A draft, whole; a later draft replaces it as a further version."""

    content: NotificationContent
    version: Version | None = Field(None, description="Given by the owner.")


class NotificationApproved(Model):
    """Another person than the drafter, who may approve, has approved this version."""

    version: Version


class NotificationReturnedToDraft(Model):
    version: Version
    reason: Narrative


class NotificationSubmitted(Model):
    """A named person recorded the national portal's reference and time. An export alone never is a submission."""

    portal_reference: ExternalReference
    portal_time: Instant
    submitted_via: Channel = Channel.NATIONAL_PORTAL
    evidence: DocumentReference | None = None
    delay_reason: Narrative | None = None
    version: Version | None = Field(None, description="The version filed; given by the owner when left out.")
    grounds: Grounds = Field(frozenset(), description="Given by the owner: those of the version filed.")
    without_approval: bool = Field(False, description="Marked by the owner: what has happened is never refused.")
    recipients: tuple[str, ...] = Field((), description="Worked out by the owner from the grounds.")


class NotificationDelayExplained(Model):
    """The reason for a late submission, given after it: the filed copy waited for this."""

    delay_reason: Narrative


class NotificationAmendedV1(Model):
    """Version 1: one time for two, and a single ground."""

    reason: Narrative
    content: NotificationContent
    amended_at: Instant
    ground: Ground


class NotificationAmended(Model):
    """Version 2: an amendment filed with the Panel. It has its own portal time, and grounds are a set.

    An amendment that adds a section 16C ground starts T01, which its portal time meets (DOMAIN 4A items 2 and 10).
    """

    reason: Narrative
    content: NotificationContent
    portal_time: Instant
    portal_reference: ExternalReference | None = None
    version: Version | None = None
    added_grounds: Grounds = Field(frozenset(), description="Worked out by the owner.")


class NotificationWithdrawn(Model):
    """The criteria were not met after all: the Panel and the partners were told, with reasons."""

    reasons: Narrative
    panel_told_at: Instant
    partner_views: PartnerViews = PartnerViews()


class NotificationAcknowledged(Model):
    by: Annotated[str, Field(pattern=r"^(panel|department|ofsted)$")]
    acknowledged_at: Instant
    reference: ExternalReference | None = None


class NotificationClosed(Model):
    why: Annotated[str, Field(pattern=r"^(review_closed|no_review_follows|withdrawn|not_needed|linked)$")]


class NotificationExported(Model):
    """Somebody took a copy: which version, in which form, and why."""

    version: Version
    form: Annotated[str, Field(pattern=r"^(json|csv|pdf)$")]
    purpose: Annotated[str, Field(pattern=r"^[a-z_]{3,60}$")]
    ready: int
    fields: int


class PartnerNotified(Model):
    """A recipient was told of the incident: meets its T02 clock."""

    recipient: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,62}$|^E[0-9]{8}$")]
    notified_at: Instant
    channel: Channel
