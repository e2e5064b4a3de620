"""Codes as people read them; a code without a line here is its own words."""

from datetime import date, datetime, time

from contracts.codes import YesNoNotKnown
from contracts.review_codes import CopyTo, EntryKind, LegalBasis, Partner
from shared.london import LONDON

LABELS: dict[str, str] = {
    EntryKind.MISSED: "Missed or not brought",
    EntryKind.FAMILY_EVENT: "Event in the family",
    YesNoNotKnown.NOT_KNOWN: "Not said",
    Partner.ICB: "Integrated care board",
    CopyTo.PANEL: "Child Safeguarding Practice Review Panel",
    CopyTo.SECRETARY_OF_STATE: "Secretary of State for Education",
    CopyTo.OFSTED: "Ofsted",
    LegalBasis.PUBLIC_TASK: "public task (UK GDPR article 6(1)(e))",
    LegalBasis.SAFEGUARDING_CONDITION: "the condition for the safeguarding of children",
    LegalBasis.REVIEW_DUTY: "the safeguarding partners' duty to review serious cases",
    LegalBasis.LAW_ENFORCEMENT: "law enforcement",
}


def label(code: str) -> str:
    """A code in words."""
    return LABELS.get(code) or code.replace("_", " ").capitalize()


def shown_day(day: date) -> str:
    """3 April 2026."""
    return f"{day.day} {day:%B %Y}"


def short_day(day: date) -> str:
    """3 Apr 2026."""
    return f"{day.day} {day:%b %Y}"


def shown_moment(at: datetime) -> str:
    """Friday 3 April 2026, 14:30 BST: the time in London."""
    local = at.astimezone(LONDON)
    return f"{local:%A} {local.day} {local:%B %Y, %H:%M %Z}"


def shown_time(at: time | None) -> str:
    return f"{at:%H:%M}" if at else ""
