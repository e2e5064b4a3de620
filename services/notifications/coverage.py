"""Field by field, how ready a notification is to be keyed in: the form's order, what is filled, what is missing.

The national form is public only in its headings; order and mandatory marks are our reading (DOMAIN 3.1, section 7
item 6: not verified). A field that does not apply to a case counts as ready.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from contracts.codes import Ethnicity, Nature, PlacementType, Sex, YesNoNotKnown
from contracts.incidents import Child
from contracts.notifications import NotificationContent

Filled = Callable[[NotificationContent], bool]


@dataclass(frozen=True)
class FormField:
    """One line of the form: its section and label, its wire name in the content, and whether filing needs it."""

    section: str
    label: str
    wire: str
    filled: Filled
    needed: bool = False


def _has(name: str) -> Filled:
    return lambda content: getattr(content, name) not in (None, (), frozenset())


def _always(_: NotificationContent) -> bool:
    return True


def _each(told: Callable[[Child], Any]) -> Filled:
    return lambda content: all(told(child) for child in content.children)


def _if_harm(name: str) -> Filled:
    return lambda content: content.nature is not Nature.SERIOUS_HARM or bool(getattr(content, name))


FORM: tuple[FormField, ...] = (
    FormField("Notifier", "Notifying authority", "notifyingAuthority", _always, needed=True),
    FormField("Notifier", "Whom to ask", "notifier", _always, needed=True),
    FormField("Notifier", "Became aware", "becameAwareAt", _always, needed=True),
    FormField("Notifier", "Aware through", "awarenessSource", _always, needed=True),
    FormField("Incident", "Date", "occurrence/dateFrom", _always, needed=True),
    FormField("Incident", "Time, if known", "occurrence/at", lambda c: c.occurrence.at is not None),
    FormField("Incident", "Location", "occurrence/location", _always, needed=True),
    FormField("Incident", "In the authority's area", "occurrence/inAuthorityArea", _always, needed=True),
    FormField("Incident", "Outside England", "occurrence/outsideEngland", _always, needed=True),
    FormField("Incident", "Nature", "nature", _always, needed=True),
    FormField("Incident", "Abuse or neglect", "abuseOrNeglect", _always, needed=True),
    FormField("Incident", "Grounds", "grounds", _always, needed=True),
    FormField(
        "Incident",
        "Suspected suicide",
        "suspectedSuicide",
        lambda c: c.nature is not Nature.CHILD_DEATH or c.suspected_suicide is not None,
    ),
    FormField("Incident", "Kinds of harm", "harm", _has("harm"), needed=True),
    FormField("Incident", "Dimensions of serious harm", "seriousHarm", _if_harm("serious_harm"), needed=True),
    FormField("Incident", "Long-term impairment", "longTerm", _if_harm("long_term")),
    FormField("Incident", "Circumstances", "circumstances", _has("circumstances"), needed=True),
    FormField("Incident", "Immediate safeguarding actions", "immediateActions", _has("immediate_actions"), needed=True),
    FormField("Children", "Names and dates of birth", "children/identity", _always, needed=True),
    FormField(
        "Children",
        "Age at the incident, or unborn",
        "children/ageAtIncident",
        _each(lambda child: child.is_unborn or child.age_at_incident is not None),
        needed=True,
    ),
    FormField(
        "Children", "Sex", "children/sex", _each(lambda child: child.is_unborn or child.sex is not Sex.NOT_KNOWN)
    ),
    FormField(
        "Children", "Ethnicity", "children/ethnicity", _each(lambda child: child.ethnicity is not Ethnicity.NOBT)
    ),
    FormField(
        "Children",
        "Disability",
        "children/disability",
        _each(lambda child: child.disability is not YesNoNotKnown.NOT_KNOWN),
    ),
    FormField("Children", "Looked after, care leaver", "children/lookedAfter", _always, needed=True),
    FormField(
        "Children",
        "Living arrangement",
        "children/placementType",
        _each(lambda child: child.placement_type is not PlacementType.NOT_KNOWN),
        needed=True,
    ),
    FormField("Children", "Known to agencies", "children/knownTo", _each(lambda child: child.known_to), needed=True),
    FormField("Family", "Parents and carers", "parentsAndCarers", _has("parents_and_carers")),
    FormField("Family", "Siblings", "siblings", _has("siblings")),
    FormField("Family", "Parents informed", "parentsInformed", lambda c: c.parents_informed.value != "not_known"),
    FormField(
        "Proceedings", "Police investigation", "policeInvestigation", lambda c: c.police_investigation != "not_known"
    ),
    FormField("Proceedings", "Coroner", "coroner", lambda c: c.coroner != "not_known"),
    FormField("Proceedings", "Media interest", "mediaInterest", _always, needed=True),
    FormField("Partners", "Partners' agreement", "partnerAgreement", lambda c: _views(c) == 3),
    FormField("Partners", "Rapid review likely", "likelyRapidReview", _always, needed=True),
)


def _views(content: NotificationContent) -> int:
    views = content.partner_agreement
    return sum(view != "not_asked" for view in (views.local_authority, views.icb, views.police))


@dataclass(frozen=True)
class Coverage:
    """How many of the form's fields are ready, and which are not."""

    ready: int
    fields: int
    missing: tuple[FormField, ...]

    def sentence(self) -> str:
        """`31 of 34 ready; missing: Coroner, Siblings, Sex`."""
        tail = f"; missing: {', '.join(field.label for field in self.missing)}" if self.missing else ""
        return f"{self.ready} of {self.fields} ready{tail}"


def coverage(content: NotificationContent) -> Coverage:
    """The coverage of a content, field by field in the form's order."""
    lacking = tuple(field for field in FORM if not field.filled(content))
    return Coverage(len(FORM) - len(lacking), len(FORM), lacking)


def missing(content: NotificationContent) -> Iterator[FormField]:
    """The fields that filing needs and the content lacks."""
    return (field for field in FORM if field.needed and not field.filled(content))
