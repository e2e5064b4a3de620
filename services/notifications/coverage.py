"""Field by field, how ready a notification is to be keyed in: the form's order, what is filled, what is missing.

The national form is public only in its headings; order and mandatory marks are our reading (DOMAIN 3.1, section 7
item 6: not verified). A field that does not apply to a case counts as ready.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from contracts.codes import Ethnicity, Nature, PlanStatus
from contracts.incidents import Child
from contracts.notifications import NotificationContent

Filled = Callable[[NotificationContent], bool]


@dataclass(frozen=True)
class FormField:
    """One line of the form: its section and label, its wire name in the content, and whether filing needs it.

    `unknown_will_do`: the table has a value for what nobody knows or was asked (DOMAIN 3.1). Such a line is not ready,
    so that somebody asks, and keeps nothing from being filed. `also`: other members shown in this line.
    """

    section: str
    label: str
    wire: str
    filled: Filled
    needed: bool = False
    unknown_will_do: bool = False
    also: tuple[str, ...] = ()


def _has(name: str) -> Filled:
    return lambda content: getattr(content, name) not in (None, (), frozenset())


def _always(_: NotificationContent) -> bool:
    return True


def _known(name: str) -> Filled:
    return lambda content: getattr(content, name) != "not_known"


def _each(told: Callable[[Child], Any]) -> Filled:
    return lambda content: all(told(child) for child in content.children)


def _each_known(name: str) -> Filled:
    return _each(lambda child: getattr(child, name) not in ("not_known", Ethnicity.NOBT))


def _if_harm(name: str) -> Filled:
    return lambda content: content.nature is not Nature.SERIOUS_HARM or bool(getattr(content, name))


def _needed(section: str, label: str, wire: str, filled: Filled = _always, *also: str) -> FormField:
    return FormField(section, label, wire, filled, needed=True, also=also)


def _asked(section: str, label: str, wire: str, filled: Filled) -> FormField:
    return FormField(section, label, wire, filled, needed=True, unknown_will_do=True)


PLANNED = (PlanStatus.CURRENT, PlanStatus.PREVIOUS)

FORM: tuple[FormField, ...] = (
    _needed("Notifier", "Notifying authority", "notifyingAuthority"),
    _needed("Notifier", "Whom to ask", "notifier"),
    _needed("Notifier", "Became aware", "becameAwareAt"),
    _needed("Notifier", "Aware through", "awarenessSource"),
    _needed("Incident", "Date", "occurrence/dateFrom"),
    FormField("Incident", "Last date, if over several days", "occurrence/dateTo", _always),
    FormField("Incident", "Time, if known", "occurrence/at", lambda c: c.occurrence.at is not None),
    _needed("Incident", "Location", "occurrence/location"),
    _needed("Incident", "In the authority's area", "occurrence/inAuthorityArea"),
    _needed("Incident", "Outside England", "occurrence/outsideEngland"),
    # The contract takes no incident outside England without it.
    FormField("Incident", "Normally resident in the area, if outside England", "occurrence/normallyResident", _always),
    _needed("Incident", "Nature", "nature"),
    _needed("Incident", "Abuse or neglect", "abuseOrNeglect"),
    _needed("Incident", "Grounds", "grounds"),
    FormField(
        "Incident",
        "Suspected suicide",
        "suspectedSuicide",
        lambda c: c.nature is not Nature.CHILD_DEATH or c.suspected_suicide is not None,
    ),
    _needed("Incident", "Kinds of harm", "harm", _has("harm")),
    _needed("Incident", "Dimensions of serious harm", "seriousHarm", _if_harm("serious_harm")),
    FormField("Incident", "Long-term impairment", "longTerm", _if_harm("long_term")),
    _needed("Incident", "Circumstances", "circumstances", _has("circumstances")),
    _needed("Incident", "Immediate safeguarding actions", "immediateActions", _has("immediate_actions")),
    _needed("Children", "Names and dates of birth", "children/identity"),
    _needed(
        "Children",
        "Age at the incident, or unborn",
        "children/ageAtIncident",
        _each(lambda child: child.is_unborn or child.age_at_incident is not None),
        "children/isUnborn",
    ),
    FormField(
        "Children",
        "Counted in statistics as this incident's child",
        "children/indexChild",
        lambda c: sum(child.index_child for child in c.children) == 1,
    ),
    _asked("Children", "Sex", "children/sex", _each(lambda child: child.is_unborn or child.sex != "not_known")),
    _asked("Children", "Ethnicity", "children/ethnicity", _each_known("ethnicity")),
    _asked("Children", "Disability", "children/disability", _each_known("disability")),
    FormField(
        "Children",
        "What the disability affects",
        "children/disabilityTypes",
        _each(lambda child: child.disability != "yes" or child.disability_types),
    ),
    _needed("Children", "Looked after, care leaver", "children/lookedAfter", _always, "children/careLeaver"),
    _asked(
        "Children",
        "Legal status",
        "children/legalStatus",
        _each(lambda child: not child.looked_after or child.legal_status != "not_known"),
    ),
    _asked("Children", "Child in need plan", "children/childInNeedPlan", _each_known("child_in_need_plan")),
    _asked("Children", "Child protection plan", "children/childProtectionPlan", _each_known("child_protection_plan")),
    FormField(
        "Children",
        "Category of the child protection plan",
        "children/childProtectionCategories",
        _each(lambda child: child.child_protection_plan not in PLANNED or child.child_protection_categories),
    ),
    _needed("Children", "Living arrangement", "children/placementType", _each_known("placement_type")),
    FormField("Children", "Placed by another authority", "children/placingAuthority", _always),
    _needed("Children", "Known to agencies", "children/knownTo", _each(lambda child: child.known_to)),
    FormField("Family", "Parents and carers", "parentsAndCarers", _has("parents_and_carers")),
    FormField("Family", "Siblings", "siblings", _has("siblings")),
    FormField("Family", "Parents informed", "parentsInformed", _known("parents_informed")),
    _asked("Proceedings", "Police investigation", "policeInvestigation", _known("police_investigation")),
    _asked("Proceedings", "Charges", "charges", _known("charges")),
    _asked("Proceedings", "Coroner", "coroner", _known("coroner")),
    _needed("Proceedings", "Media interest", "mediaInterest"),
    _asked("Partners", "Partners' agreement", "partnerAgreement", lambda c: _views(c) == 3),
    _needed("Partners", "Rapid review likely", "likelyRapidReview"),
)
FURTHER = (
    ("Further information", "Other children", "otherChildren"),
    ("Further information", "Risk in the household", "householdRisk"),
    ("Further information", "Parents not informed because", "parentsNotInformedBecause"),
    ("Further information", "Other areas to notify", "otherAreasToNotify"),
    ("Further information", "Documents", "documents"),
    ("Further information", "Reason for the delay", "delayReason"),
)
"""What the form has room for beyond its counted fields; shown where it is filled."""

LEFT_OUT = {"children/subject": "an id of the exchange's own, which nobody keys in"}
"""Members of the content that stand on no line, and why."""


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
    return (field for field in FORM if field.needed and not field.unknown_will_do and not field.filled(content))
