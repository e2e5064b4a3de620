"""The incident stream, owned by the gateway: what happened, who knew it when, and whether it must be notified."""

from datetime import date, time
from typing import Annotated, Self

from pydantic import Field, model_validator

from contracts.codes import (
    AbuseOrNeglect,
    AwarenessSource,
    DisabilityType,
    Ethnicity,
    Grounds,
    HarmCategory,
    HarmDimension,
    KnownTo,
    LegalStatus,
    LongTerm,
    MediaInterest,
    Nature,
    PlacementType,
    PlanStatus,
    Proceedings,
    ProtectionCategory,
    Sex,
    View,
    YesNoNotKnown,
)
from contracts.envelope import Instant
from contracts.identifiers import AgencyId, AreaCode, IncidentId, SubjectId
from contracts.sealing import Identity, Model, Narrative, Place, SealedContact, SealedIdentity


class Child(Model):
    """A child in the incident. Who it is lies in `identity`, sealed; the rest is codes (DOMAIN 3.1)."""

    subject: SubjectId | None = Field(None, description="Minted by the gateway; give it to speak of the same child.")
    index_child: bool = Field(True, description="Statistics count the incident once, by this child.")
    identity: SealedIdentity
    is_unborn: bool = False
    age_at_incident: Annotated[int, Field(ge=0, le=24)] | None = Field(
        None, description="Completed years; worked out by the gateway when a date of birth is given."
    )
    sex: Sex = Sex.NOT_KNOWN
    ethnicity: Ethnicity = Ethnicity.NOBT
    disability: YesNoNotKnown = YesNoNotKnown.NOT_KNOWN
    disability_types: tuple[DisabilityType, ...] = ()
    looked_after: bool = False
    legal_status: LegalStatus = LegalStatus.NOT_KNOWN
    care_leaver: bool = False
    child_in_need_plan: PlanStatus = PlanStatus.NOT_KNOWN
    child_protection_plan: PlanStatus = PlanStatus.NOT_KNOWN
    child_protection_categories: tuple[ProtectionCategory, ...] = ()
    placement_type: PlacementType = PlacementType.NOT_KNOWN
    placing_authority: AreaCode | None = None
    known_to: tuple[KnownTo, ...] = ()

    @model_validator(mode="after")
    def born_or_unborn(self) -> Self:
        """An unborn child has no date of birth and no age; a born one has one of the two (DOMAIN 3.1)."""
        born = self.identity.date_of_birth if isinstance(self.identity, Identity) else None
        if self.is_unborn and (born or self.age_at_incident is not None):
            raise ValueError("an unborn child has no date of birth and no age: leave both out")
        if isinstance(self.identity, Identity) and not (self.is_unborn or born or self.age_at_incident is not None):
            raise ValueError("give identity.dateOfBirth, ageAtIncident, or isUnborn: one of the three is needed")
        return self

    @model_validator(mode="after")
    def further_only_where_there_is_something(self) -> Self:
        if self.disability_types and self.disability is not YesNoNotKnown.YES:
            raise ValueError("disabilityTypes needs disability: yes")
        if self.child_protection_categories and self.child_protection_plan not in (
            PlanStatus.CURRENT,
            PlanStatus.PREVIOUS,
        ):
            raise ValueError("childProtectionCategories needs childProtectionPlan: current or previous")
        return self


class Occurrence(Model):
    """When and where it happened."""

    date_from: date
    date_to: date | None = None
    at: time | None = None
    location: Place
    in_authority_area: bool = True
    outside_england: bool = False
    normally_resident: bool | None = Field(None, description="Needed when outside England (Children Act 2004 s.16C).")

    @model_validator(mode="after")
    def sensible(self) -> Self:
        if self.date_to and self.date_to < self.date_from:
            raise ValueError("the time of what happened ends before it begins")
        if self.outside_england and self.normally_resident is not True:
            raise ValueError("outsideEngland needs normallyResident: true; otherwise no English authority notifies")
        return self


Children = Annotated[tuple[Child, ...], Field(min_length=1, max_length=4)]


class IncidentReferred(Model):
    """An agency tells the authority of what may be a serious child safeguarding incident."""

    nature: Nature
    abuse_or_neglect: AbuseOrNeglect
    occurrence: Occurrence
    host_authority: AreaCode = Field(description="The authority in whose area it happened: it holds the duty.")
    home_authority: AreaCode | None = None
    placing_authority: AreaCode | None = None
    other_areas_to_notify: tuple[AreaCode, ...] = ()
    authority_told_at: Instant | None = Field(
        None, description="When the authority was told, if before this referral. Left out: on its arrival."
    )
    authority_told_by: AwarenessSource | None = None
    suspected_suicide: bool | None = None
    harm: tuple[HarmCategory, ...] = ()
    serious_harm: tuple[HarmDimension, ...] = ()
    long_term: LongTerm | None = None
    children: Children
    further_children: Narrative | None = None
    summary: Narrative
    immediate_actions: Narrative | None = None
    family_and_household: Narrative | None = None
    police_investigation: Proceedings = Proceedings.NOT_KNOWN
    media_interest: MediaInterest = MediaInterest.NONE
    contact: SealedContact


class IncidentLinked(Model):
    """Two referrals were of one incident: this one's clocks end as linked, the lead's go on (DOMAIN 4A item 21).

    Appended to both streams. On the twin `lead` is the other; on the lead `twin` is.
    """

    lead: IncidentId
    twin: IncidentId
    reason: Narrative
    undone: bool = Field(False, description="True takes an earlier link back.")


class AwarenessCorrected(Model):
    """The instant at which the authority became aware was recorded wrongly. The earlier one stays in the log."""

    aware_at: Instant
    source: AwarenessSource | None = None
    reason: Narrative


class PartnerViews(Model):
    """Whether each safeguarding partner agrees. All three should (Panel FAQ); the authority has the last word."""

    local_authority: View = View.NOT_ASKED
    icb: View = View.NOT_ASKED
    police: View = View.NOT_ASKED
    note: Narrative | None = None


class NotifiabilityDecided(Model):
    """Triage: the authority decides whether the incident is notifiable, and on which grounds.

    The clocks become firm from `became_aware_at`, never from this decision. A decision after an earlier "not
    notifiable" reopens: `earlier_awareness_showed_both` then chooses day 0 (DOMAIN 4A item 2).
    """

    notifiable: bool
    grounds: Grounds = frozenset()
    became_aware_at: Instant
    awareness_source: AwarenessSource = AwarenessSource.OTHER
    earlier_awareness_showed_both: bool | None = None
    partner_views: PartnerViews = PartnerViews()
    reasons: Narrative | None = None

    @model_validator(mode="after")
    def reasoned(self) -> Self:
        if self.notifiable and not self.grounds:
            raise ValueError("notifiable needs a ground: S16C_A, S16C_B, LAC_DEATH or CARE_LEAVER_DEATH")
        if not self.notifiable and (self.grounds or not self.reasons):
            raise ValueError("not notifiable needs reasons, and no grounds")
        return self


class IncidentClosed(Model):
    """Nothing more is to be done about this incident here."""

    why: Annotated[str, Field(pattern=r"^(notification_closed|not_notifiable|linked)$")]


class Participant(Model):
    """An agency that takes part in an incident, and as what."""

    agency: AgencyId
    capacity: Annotated[str, Field(pattern=r"^(host|home|placing|partner|referrer|other_area|named)$")]
