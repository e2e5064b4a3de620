"""The form holds every field: nothing that may be said of a notification is missing from the copy."""

import re
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from contracts.codes import DisabilityType, Ethnicity, LegalStatus, PlanStatus, Proceedings, ProtectionCategory, Sex
from contracts.notifications import NotificationContent
from contracts.sealing import Identity, Sealed
from services.notifications.coverage import FORM, FURTHER, LEFT_OUT, coverage, missing
from services.notifications.exports.document import fields
from tests.notifications import proposed

CONTENT: NotificationContent = proposed("notification.drafted.v1").data.content
LINES = {field.wire for field in FORM} | {wire for field in FORM for wire in field.also} | {line[2] for line in FURTHER}


def leaves(model: type[BaseModel], before: str = "") -> Iterator[str]:
    """The wire names of all that a content can hold; what is sealed is one, whatever stands in it."""
    for name, info in model.model_fields.items():
        wire = before + (info.alias or name)
        inner = list(_models(info.annotation, info.metadata))
        if inner:
            for each in inner:
                yield from leaves(each, f"{wire}/")
        else:
            yield wire


def _models(kind: Any, metadata: list[Any] | tuple[Any, ...] = ()) -> Iterator[type[BaseModel]]:
    if any(isinstance(mark, Sealed) for mark in metadata):
        return
    if get_origin(kind) is Annotated:
        inside, *marks = get_args(kind)
        yield from _models(inside, marks)
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    elif get_origin(kind) in (tuple, Union, UnionType):
        for each in get_args(kind):
            yield from _models(each)


def test_everything_that_a_content_can_hold_stands_on_a_line_or_is_left_out_by_name() -> None:
    held = set(leaves(NotificationContent))
    assert {"notifier", "occurrence/dateTo", "children/identity", "children/legalStatus"} <= held, "the walk is whole"
    whole = {wire for wire in LINES if any(leaf.startswith(f"{wire}/") for leaf in held)}
    on_a_line = {leaf for leaf in held if leaf in LINES or leaf.partition("/")[0] in whole}
    assert held - on_a_line - LEFT_OUT.keys() == set()
    assert LINES - whole <= held, "a line of something that a content cannot hold"
    assert LEFT_OUT.keys() <= held - on_a_line


OF_THE_DOMAIN = {
    "notificationRef, partnershipId, notifyingLa (ONS code)": ("notifyingAuthority",),  # the others: the copy's head
    "notifier {name, role, phone, email}": ("notifier",),
    "becameAwareAt": ("becameAwareAt",),
    "awarenessSource": ("awarenessSource",),
    "incident {dateFrom, dateTo/unknown, time?, location, inLaArea Y/N, outsideEngland Y/N}": (
        "occurrence/dateFrom", "occurrence/dateTo", "occurrence/at", "occurrence/location",
        "occurrence/inAuthorityArea", "occurrence/outsideEngland", "occurrence/normallyResident",
    ),
    "nature": ("nature",),
    "abuseOrNeglect": ("abuseOrNeglect",),
    "notifiableGrounds": ("grounds",),
    "suspectedSuicide": ("suspectedSuicide",),
    "harmType[] / category": ("harm",),
    "seriousHarmDimensions[]": ("seriousHarm", "longTerm"),
    "child[1..4].name, otherNames": ("identity.name", "identity.otherNames"),
    "child.dob / ageAtIncident / isUnborn, edd": (
        "identity.dateOfBirth", "children/ageAtIncident", "children/isUnborn", "identity.expectedDateOfDelivery",
    ),
    "child.sex / genderIdentity": ("children/sex", "identity.genderIdentity"),
    "child.ethnicity": ("children/ethnicity",),
    "child.religion, language": ("identity.religion", "identity.language"),
    "child.disability": ("children/disability", "children/disabilityTypes"),
    "child.lookedAfter, legalStatus": ("children/lookedAfter", "children/legalStatus"),
    "child.cinPlan, cpPlan, cpCategory": (
        "children/childInNeedPlan", "children/childProtectionPlan", "children/childProtectionCategories",
    ),
    "child.careLeaver": ("children/careLeaver",),
    "child.placementType": ("children/placementType",),
    "child.placingLa ≠ host LA": ("children/placingAuthority",),
    "child.knownToAgencies[]": ("children/knownTo",),
    "child.nhsNumber, upn, lcsId": ("identity.nhsNumber", "identity.upn", "identity.localId"),
    "otherChildren free text; siblings; parentsCarers; householdRisk": (
        "otherChildren", "siblings", "parentsAndCarers", "householdRisk",
    ),
    "policeInvestigation, charges, coronerInvolved": ("policeInvestigation", "charges", "coroner"),
    "mediaInterest": ("mediaInterest",),
    "parentsInformed": ("parentsInformed", "parentsNotInformedBecause"),
    "immediateSafeguardingActions": ("immediateActions",),
    "likelyRapidReview / criteriaMet": ("likelyRapidReview",),
    "partnerAgreement {LA, ICB, police: agree/disagree/not asked + note}": ("partnerAgreement",),
    "otherAreasToNotify[]": ("otherAreasToNotify",),
    "delayReason": ("delayReason",),
    "submittedAt, panelReference, submittedVia": (),  # the copy's filing, and who was told
    "classification": (),  # the marking of every page
}  # fmt: skip
"""Each row of DOMAIN 3.1 and where the form has it: a line, or a member of the sealed identity."""

NOT_OF_OTHERS = {
    "children/indexChild": "DOMAIN 1.5: statistics count the incident once, by one child",
    "circumstances": "what happened, in words: the form's own narrative",
    "documents": "supporting documents, named above the table",
}


def test_every_row_of_the_domain_has_its_lines_and_every_line_its_row() -> None:
    text = Path("docs/domain.md").read_text(encoding="utf-8").partition("### 3.1 ")[2].partition("### 3.2 ")[0]
    rows = [row.group(1).strip() for row in re.finditer(r"^\| *([^|]+?) *\|", text, re.MULTILINE)]
    assert [row for row in rows if row != "Field" and not row.startswith("--")] == list(OF_THE_DOMAIN)
    named = {wire for wires in OF_THE_DOMAIN.values() for wire in wires}
    members = {f"identity.{field.alias or name}" for name, field in Identity.model_fields.items()}
    assert named <= LINES | members
    assert LINES - named == {"children/identity", *NOT_OF_OTHERS}
    assert members - named == {"identity.address"}


def test_what_is_not_known_is_asked_for_and_keeps_nothing_from_being_filed() -> None:
    """Where DOMAIN 3.1 has a value for it; what it has none for, filing needs."""
    child = CONTENT.children[0].model_copy(update={"sex": Sex.NOT_KNOWN, "ethnicity": Ethnicity.NOBT})
    content = CONTENT.model_copy(update={"children": (child,), "coroner": Proceedings.NOT_KNOWN, "harm": ()})
    assert [field.label for field in coverage(content).missing] == ["Kinds of harm", "Sex", "Ethnicity", "Coroner"]
    assert [field.label for field in missing(content)] == ["Kinds of harm"]
    told = {line.field: line for line in fields(content, {})}
    assert (told["coroner"].value, told["coroner"].needed, told["coroner"].ready) == ("Not known", True, False)


@pytest.mark.parametrize(
    ("member", "value", "shown"),
    [
        ("legal_status", LegalStatus.SECTION_20, "Section 20"),
        ("child_in_need_plan", PlanStatus.CURRENT, "Current"),
        ("child_protection_plan", PlanStatus.PREVIOUS, "Previous"),
        ("child_protection_categories", (ProtectionCategory.NEGLECT,), "Neglect"),
        ("disability_types", (DisabilityType.VISION, DisabilityType.AUTISM), "Vision, Autism"),
        ("placing_authority", "E06000992", "Southmere Council (E06000992)"),
        ("index_child", False, "No"),
    ],
)
def test_what_is_said_of_a_child_stands_in_its_line(member: str, value: Any, shown: str) -> None:
    children = (CONTENT.children[0].model_copy(update={member: value}),)
    lines = fields(CONTENT.model_copy(update={"children": children}), {}, {"E06000992": "Southmere Council"})
    wire = type(children[0]).model_fields[member].alias
    assert [line.value for line in lines if line.field == f"children/{wire}"] == [shown]


def test_days_and_residence_of_an_incident_abroad_stand_in_their_lines() -> None:
    abroad = {"date_to": CONTENT.occurrence.date_from, "outside_england": True, "normally_resident": True}
    content = CONTENT.model_copy(update={"occurrence": CONTENT.occurrence.model_copy(update=abroad)})
    told = {line.field: line.value for line in fields(content, {})}
    assert (told["occurrence/dateTo"], told["occurrence/normallyResident"]) == ("27 August 2026", "Yes")


def test_a_line_about_a_child_is_ready_where_each_child_has_it() -> None:
    known = CONTENT.children[0]
    care = known.model_copy(update={"looked_after": True, "legal_status": LegalStatus.NOT_KNOWN, "index_child": True})
    labels = [field.label for field in coverage(CONTENT.model_copy(update={"children": (known, care)})).missing]
    assert labels == ["Counted in statistics as this incident's child", "Legal status"]
