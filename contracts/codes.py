"""The controlled values of the notification form and of those who take part. Sources: DOMAIN 3.1 and 5."""

from enum import StrEnum
from typing import Annotated

from pydantic import PlainSerializer


class Nature(StrEnum):
    """What the incident is (as the national statistics count it)."""

    CHILD_DEATH = "child_death"
    SERIOUS_HARM = "serious_harm"
    OTHER = "other"  # a child perpetrator who is known or suspected to have been abused


class AbuseOrNeglect(StrEnum):
    KNOWN = "known"
    SUSPECTED = "suspected"
    NOT_KNOWN_OR_SUSPECTED = "not_known_or_suspected"


class Ground(StrEnum):
    """Why an incident is notifiable. A case can have several: a looked-after child killed by abuse has two."""

    S16C_A = "S16C_A"
    S16C_B = "S16C_B"
    LAC_DEATH = "LAC_DEATH"
    CARE_LEAVER_DEATH = "CARE_LEAVER_DEATH"


Grounds = Annotated[frozenset[Ground], PlainSerializer(sorted, return_type=list[Ground])]
"""A set, written in a fixed order."""


class AwarenessSource(StrEnum):
    POLICE = "police"
    HEALTH = "health"
    EDUCATION = "education"
    SOCIAL_CARE = "social_care"
    CDOP_COORDINATOR = "cdop_coordinator"
    PROVIDER = "provider"
    OTHER = "other"


class HarmCategory(StrEnum):
    PHYSICAL = "physical"
    NEGLECT = "neglect"
    SEXUAL_ABUSE = "sexual_abuse"
    CRIMINAL_EXPLOITATION = "criminal_exploitation"
    EXTRAFAMILIAL = "extrafamilial"
    EMOTIONAL = "emotional"
    MENTAL_HEALTH_OR_SUICIDE = "mental_health_or_suicide"
    SUDI = "sudi"
    FILICIDE = "filicide"
    FABRICATED_ILLNESS = "fabricated_illness"
    OTHER = "other"


class HarmDimension(StrEnum):
    """Serious harm is not limited to these (SUSSEX, WSSCP)."""

    PHYSICAL = "physical"
    MENTAL = "mental"
    INTELLECTUAL = "intellectual"
    EMOTIONAL = "emotional"
    SOCIAL = "social"
    BEHAVIOURAL = "behavioural"
    OTHER = "other"


class LongTerm(StrEnum):
    YES = "yes"
    NO = "no"
    LIKELY = "likely"
    NOT_YET_KNOWN = "not_yet_known"


class Sex(StrEnum):
    MALE = "male"
    FEMALE = "female"
    NOT_KNOWN = "not_known"


class YesNoNotKnown(StrEnum):
    YES = "yes"
    NO = "no"
    NOT_KNOWN = "not_known"


class PlanStatus(StrEnum):
    CURRENT = "current"
    PREVIOUS = "previous"
    NEVER = "never"
    NOT_KNOWN = "not_known"


class ProtectionCategory(StrEnum):
    """Under which a child protection plan stands or stood. The national codes were not verified: plain words."""

    NEGLECT = "neglect"
    PHYSICAL_ABUSE = "physical_abuse"
    SEXUAL_ABUSE = "sexual_abuse"
    EMOTIONAL_ABUSE = "emotional_abuse"
    NOT_KNOWN = "not_known"


class DisabilityType(StrEnum):
    """What a disability affects. The form's own list was not found; these are plain words."""

    MOBILITY = "mobility"
    HAND_FUNCTION = "hand_function"
    PERSONAL_CARE = "personal_care"
    CONTINENCE = "continence"
    COMMUNICATION = "communication"
    LEARNING = "learning"
    HEARING = "hearing"
    VISION = "vision"
    BEHAVIOUR = "behaviour"
    CONSCIOUSNESS = "consciousness"
    AUTISM = "autism"
    OTHER = "other"


class Ethnicity(StrEnum):
    """The 2021 census groups with `not recorded` and `refused`; codes as the children's statistics use them."""

    WBRI = "WBRI"
    WIRI = "WIRI"
    WIRT = "WIRT"
    WROM = "WROM"
    WOTH = "WOTH"
    MWBC = "MWBC"
    MWBA = "MWBA"
    MWAS = "MWAS"
    MOTH = "MOTH"
    AIND = "AIND"
    APKN = "APKN"
    ABAN = "ABAN"
    CHNE = "CHNE"
    AOTH = "AOTH"
    BCRB = "BCRB"
    BAFR = "BAFR"
    BOTH = "BOTH"
    ARAB = "ARAB"
    OOTH = "OOTH"
    NOBT = "NOBT"  # not recorded
    REFU = "REFU"  # refused


class PlacementType(StrEnum):
    HOME = "home"
    FOSTER = "foster"
    CHILDRENS_HOME = "childrens_home"
    SEMI_INDEPENDENT = "semi_independent"
    HOSPITAL = "hospital"
    SECURE = "secure"
    LODGINGS = "lodgings"
    ADOPTION = "adoption"
    OTHER = "other"
    NOT_KNOWN = "not_known"


class LegalStatus(StrEnum):
    """Why a child is looked after. The national codes were not verified; these are plain words."""

    NONE = "none"
    SECTION_20 = "section_20"
    SECTION_31 = "section_31"
    INTERIM_CARE_ORDER = "interim_care_order"
    REMAND = "remand"
    UASC = "uasc"
    OTHER = "other"
    NOT_KNOWN = "not_known"


class KnownTo(StrEnum):
    SOCIAL_CARE = "social_care"
    HEALTH = "health"
    POLICE = "police"
    EDUCATION = "education"
    YOUTH_JUSTICE = "youth_justice"
    PROBATION = "probation"
    HOUSING = "housing"
    NONE = "none"


class Proceedings(StrEnum):
    NONE = "none"
    ONGOING = "ongoing"
    CONCLUDED = "concluded"
    NOT_KNOWN = "not_known"


class MediaInterest(StrEnum):
    NONE = "none"
    LIKELY = "likely"
    PUBLISHED = "published"


class View(StrEnum):
    """A safeguarding partner's view of whether the incident is notifiable."""

    AGREE = "agree"
    DISAGREE = "disagree"
    NOT_ASKED = "not_asked"


class RapidReview(StrEnum):
    YES = "yes"
    NO = "no"
    TO_CONFIRM = "to_confirm"


class Channel(StrEnum):
    """How somebody was told, or how a notification reached the Panel."""

    NATIONAL_PORTAL = "national_portal"
    EXCHANGE_FEED = "exchange_feed"
    EMAIL = "email"
    TELEPHONE = "telephone"
    MEETING = "meeting"
    LETTER = "letter"


class AgencyType(StrEnum):
    LOCAL_AUTHORITY = "local_authority"
    ICB = "icb"
    POLICE_FORCE = "police_force"
    SCHOOL = "school"
    PROBATION = "probation"
    PROVIDER = "provider"
    PANEL = "panel"
    OFSTED = "ofsted"
    DEPARTMENT = "department"


class Role(StrEnum):
    """What a person may act as. An agency's own system has none."""

    NOTIFIER = "notifier"  # drafts, records the submission
    APPROVER = "approver"  # decides notifiability, approves; never what they drafted
    PARTNER = "partner"  # a delegated safeguarding partner
    BUSINESS_UNIT = "business_unit"
    SCRUTINEER = "scrutineer"
    LEAD = "lead"  # an agency's safeguarding lead: answers what it is asked in a review
    OPERATOR = "operator"  # runs the exchange, sees no case
    ADMINISTRATOR = "administrator"  # lists agencies and proposes or approves sharing agreements, sees no case


class Incidents(StrEnum):
    """Which incidents a sharing agreement opens."""

    OWN = "own"  # those it referred
    PARTICIPANT = "participant"  # those it is named in
    AREA = "area"  # those of its areas
