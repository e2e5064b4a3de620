"""The controlled values of rapid reviews and of local child safeguarding practice reviews. Sources: DOMAIN 3.2, 3.3."""

from enum import StrEnum
from typing import Annotated

from pydantic import PlainSerializer


class Partner(StrEnum):
    """The three safeguarding partners: each decides, and none for another."""

    LOCAL_AUTHORITY = "local_authority"
    ICB = "icb"
    POLICE = "police"


class Task(StrEnum):
    """What the plan of a rapid review is made of (T07). `other` is a partnership's own."""

    REQUESTS_OUT = "requests_out"
    RETURNS_DUE = "returns_due"
    CASE_GROUP = "case_group"
    SIGN_OFF = "sign_off"
    SUBMIT = "submit"
    OTHER = "other"


class LegalBasis(StrEnum):
    """On which basis an agency is asked. Consent is not among them: it is not needed (DOMAIN section 5)."""

    PUBLIC_TASK = "public_task"
    SAFEGUARDING_CONDITION = "safeguarding_condition"
    REVIEW_DUTY = "review_duty"
    LAW_ENFORCEMENT = "law_enforcement"


class EntryKind(StrEnum):
    """What an entry of a chronology is about, so that gaps in sight and patterns can be told without its words."""

    CONTACT = "contact"
    VISIT = "visit"
    ASSESSMENT = "assessment"
    MEETING = "meeting"
    REFERRAL = "referral"
    HEALTH = "health"
    EDUCATION = "education"
    POLICE = "police"
    MISSED = "missed"
    DECISION = "decision"
    FAMILY_EVENT = "family_event"
    INCIDENT = "incident"
    OTHER = "other"


class Chase(StrEnum):
    """How an agency that has not answered is chased."""

    REMINDER = "reminder"
    OVERDUE = "overdue"
    ESCALATED = "escalated"


class Attendance(StrEnum):
    PRESENT = "present"
    APOLOGIES = "apologies"


class AttendsAs(StrEnum):
    """In which part somebody is at a meeting."""

    CHAIR = "chair"
    PARTNER = "partner"
    DESIGNATED_PROFESSIONAL = "designated_professional"
    SAFEGUARDING_LEAD = "safeguarding_lead"
    PRACTITIONER = "practitioner"
    BUSINESS_UNIT = "business_unit"
    SCRUTINEER = "scrutineer"
    OTHER = "other"


class Outcome(StrEnum):
    """What the partners decide (DOMAIN 3.2)."""

    NO_FURTHER_REVIEW = "no_further_review"
    PRACTICE_REVIEW = "practice_review"
    OTHER_LOCAL_REVIEW = "other_local_review"
    RECOMMEND_NATIONAL = "recommend_national"
    CRITERIA_NOT_MET = "criteria_not_met"


class Criterion(StrEnum):
    """What the decision is tested against. `contracts/rules/criteria.toml` has each one's words, source and status."""

    IMPROVEMENTS_NEEDED = "improvements_needed"
    RECURRENT_THEMES = "recurrent_themes"
    AGENCIES_WORKING_TOGETHER = "agencies_working_together"
    PANEL_PREFERS_LOCAL = "panel_prefers_local"
    SINGLE_AGENCY = "single_agency"
    NO_AGENCY_INVOLVED = "no_agency_involved"
    SEVERAL_AREAS = "several_areas"
    INSTITUTIONAL_SETTING = "institutional_setting"


Criteria = Annotated[frozenset[Criterion], PlainSerializer(sorted, return_type=list[Criterion])]
"""A set, written in a fixed order."""


class PartnerView(StrEnum):
    AGREE = "agree"
    DISSENT = "dissent"


class PanelView(StrEnum):
    AGREES = "agrees"
    DISAGREES = "disagrees"
    QUERIES = "queries"


class Advice(StrEnum):
    """What the Panel may advise besides (DOMAIN 4A item 11)."""

    LOCAL_REVIEW = "local_review"
    NATIONAL_REVIEW = "national_review"


AdviceSet = Annotated[frozenset[Advice], PlainSerializer(sorted, return_type=list[Advice])]


class Basis(StrEnum):
    """Why a practice review is undertaken: after a rapid review, or by the partners' own will (SUSSEX 1.1.2)."""

    RAPID_REVIEW = "rapid_review"
    PANEL_ADVICE = "panel_advice"
    NEAR_MISS = "near_miss"
    GOOD_PRACTICE = "good_practice"
    POOR_PRACTICE = "poor_practice"
    INDEPENDENT = "independent"


class Scale(StrEnum):
    """How much a review is to be: in proportion to the case, and recorded why."""

    SHORT = "short"
    STANDARD = "standard"
    EXTENDED = "extended"


class ProcessBeside(StrEnum):
    """What can run beside a review. Reviews hold no individual or agency to account: these do, or ask other things."""

    CRIMINAL = "criminal"
    INQUEST = "inquest"
    FAMILY_COURT = "family_court"
    EMPLOYER = "employer"
    REGULATOR = "regulator"
    OTHER = "other"


ProcessesBeside = Annotated[frozenset[ProcessBeside], PlainSerializer(sorted, return_type=list[ProcessBeside])]


class Quality(StrEnum):
    GOOD = "good"
    IN_DOUBT = "in_doubt"
    POOR = "poor"


class Involved(StrEnum):
    """Whom a review involves: practitioners fully and without blame; families; the children themselves."""

    FAMILY = "family"
    SURVIVING_CHILDREN = "surviving_children"
    PRACTITIONERS = "practitioners"


class Involvement(StrEnum):
    INVITED = "invited"
    TOOK_PART = "took_part"
    DECLINED = "declined"
    NOT_INVITED = "not_invited"


class CopyTo(StrEnum):
    """Who gets an advance copy (T10)."""

    PANEL = "panel"
    SECRETARY_OF_STATE = "secretary_of_state"
    OFSTED = "ofsted"


class Publication(StrEnum):
    FULL = "full"
    IMPROVEMENTS_ONLY = "improvements_only"


class Scan(StrEnum):
    """What the scanner says. It assists and never decides; a scan that failed blocks publication."""

    NOTHING_FOUND = "nothing_found"
    FOUND = "found"
    FAILED = "failed"


class Found(StrEnum):
    """What a scanner can find in a report."""

    NAME = "name"
    DATE = "date"
    PLACE = "place"
    IDENTIFIER = "identifier"
    METADATA = "metadata"


class Check(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
