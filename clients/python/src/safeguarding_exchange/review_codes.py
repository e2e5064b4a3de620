"""The codes that an act of a review takes, so that `--help` lists them and a slip is said before anything is sent."""

from enum import Enum


class Task(str, Enum):
    """What a rapid review's plan is made of."""

    REQUESTS_OUT = "requests_out"
    RETURNS_DUE = "returns_due"
    CASE_GROUP = "case_group"
    SIGN_OFF = "sign_off"
    SUBMIT = "submit"


class LegalBasis(str, Enum):
    """On which basis an agency is asked; consent is not needed."""

    PUBLIC_TASK = "public_task"
    SAFEGUARDING_CONDITION = "safeguarding_condition"
    REVIEW_DUTY = "review_duty"
    LAW_ENFORCEMENT = "law_enforcement"


class AttendsAs(str, Enum):
    """In which part somebody is at a meeting."""

    CHAIR = "chair"
    PARTNER = "partner"
    DESIGNATED_PROFESSIONAL = "designated_professional"
    SAFEGUARDING_LEAD = "safeguarding_lead"
    PRACTITIONER = "practitioner"
    BUSINESS_UNIT = "business_unit"
    SCRUTINEER = "scrutineer"
    OTHER = "other"


class PartnerView(str, Enum):
    """A partner's view of the report."""

    AGREE = "agree"
    DISSENT = "dissent"


class PanelView(str, Enum):
    """The Panel's reply."""

    AGREES = "agrees"
    DISAGREES = "disagrees"
    QUERIES = "queries"


class Advice(str, Enum):
    """What the Panel may advise besides."""

    LOCAL_REVIEW = "local_review"
    NATIONAL_REVIEW = "national_review"


class Why(str, Enum):
    """Why a rapid review ends."""

    PANEL_AGREED = "panel_agreed"
    PANEL_ANSWERED = "panel_answered"
    NO_REPLY = "no_reply"
    CANCELLED = "cancelled"


class Category(str, Enum):
    """What a piece of learning is about."""

    CREATED = "created"
    STABILISED = "stabilised"
    CHANGED = "changed"


class Basis(str, Enum):
    """Why a practice review is undertaken."""

    RAPID_REVIEW = "rapid_review"
    PANEL_ADVICE = "panel_advice"
    NEAR_MISS = "near_miss"
    GOOD_PRACTICE = "good_practice"
    POOR_PRACTICE = "poor_practice"
    INDEPENDENT = "independent"


class Scale(str, Enum):
    """How much a review is to be."""

    SHORT = "short"
    STANDARD = "standard"
    EXTENDED = "extended"


class ProcessBeside(str, Enum):
    """What can run beside a review, as a record of its own."""

    CRIMINAL = "criminal"
    INQUEST = "inquest"
    FAMILY_COURT = "family_court"
    EMPLOYER = "employer"
    REGULATOR = "regulator"
    OTHER = "other"


class Quality(str, Enum):
    """How a review's quality looks to the partners."""

    GOOD = "good"
    IN_DOUBT = "in_doubt"
    POOR = "poor"


class Involved(str, Enum):
    """Whom a review involves."""

    FAMILY = "family"
    SURVIVING_CHILDREN = "surviving_children"
    PRACTITIONERS = "practitioners"


class Involvement(str, Enum):
    """What came of it."""

    INVITED = "invited"
    TOOK_PART = "took_part"
    DECLINED = "declined"
    NOT_INVITED = "not_invited"


class CopyTo(str, Enum):
    """Who gets an advance copy."""

    PANEL = "panel"
    SECRETARY_OF_STATE = "secretary_of_state"
    OFSTED = "ofsted"


class Publication(str, Enum):
    """In which form a report is published."""

    FULL = "full"
    IMPROVEMENTS_ONLY = "improvements_only"
