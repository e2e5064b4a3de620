"""Which versions of a notification exist for whom: a draft that was never filed is the authority's own."""

from datetime import date
from uuid import uuid4

import pytest

from contracts.access import Agreement, Incidents, Party
from contracts.catalogue import CATALOGUE
from contracts.codes import AgencyType, Role
from contracts.corrections import IncidentRecalled
from contracts.directory import Agency, Directory
from services.notifications.access import may_see, may_see_content, versions_for
from services.notifications.case import Case, evolve
from services.notifications.proposals import aggregate
from tests.notifications import CASE, happened, proposed

DRAFTED = proposed("notification.drafted.v1")
APPROVED = proposed("notification.approved.v1", actor="authority-approver", version=2)
SUBMITTED = proposed("notification.submitted.v1")
AMENDED = proposed("notification.amended.v2")

KINDS = {
    AgencyType.LOCAL_AUTHORITY: ("council", Role.APPROVER),
    AgencyType.POLICE_FORCE: ("police", Role.PARTNER),
    AgencyType.ICB: ("icb", Role.PARTNER),
}


PAST = happened(DRAFTED, DRAFTED, APPROVED, SUBMITTED, AMENDED)


def party(kind: AgencyType, *, person: bool = True) -> Party:
    agency, role = KINDS[kind]
    return Party(agency, kind, CASE.areas, f"{agency}-person" if person else None, frozenset({role} if person else ()))


def directory(kind: AgencyType) -> Directory:
    """The council, which holds the duty, and an agreement of the one who asks that opens all there is."""
    agency, _ = KINDS[kind]
    agreement = Agreement(
        agency,
        CASE.partnership,
        1,
        "a basis",
        date(2027, 4, 1),
        may_read=frozenset(CATALOGUE),
        incidents=frozenset(Incidents),
    )
    council = Agency("council", "Council", AgencyType.LOCAL_AUTHORITY, CASE.areas, frozenset({CASE.partnership}))
    return Directory(agencies={"council": council}, agreements={(agency, CASE.partnership): agreement})


def numbers(kind: AgencyType, *, person: bool, filed: bool = True, case: Case = CASE) -> list[int]:
    state = aggregate(case).fold(PAST if filed else happened(DRAFTED, DRAFTED))
    asks = party(kind, person=person)
    assert may_see_content(asks, case, state, directory(kind)) or not filed
    return [written.number for written in versions_for(asks, case, state, directory(kind))]


@pytest.mark.parametrize("kind", [AgencyType.POLICE_FORCE, AgencyType.ICB])
@pytest.mark.parametrize("person", [True, False], ids=["a person", "a system"])
def test_a_partner_has_what_was_filed_and_amended_and_no_draft_before_it(kind: AgencyType, person: bool) -> None:
    assert numbers(kind, person=person) == [2, 3]


def test_the_authority_has_every_version() -> None:
    assert numbers(AgencyType.LOCAL_AUTHORITY, person=True) == [1, 2, 3]
    assert numbers(AgencyType.LOCAL_AUTHORITY, person=True, filed=False) == [1, 2]


def recalled(name: str, *of: tuple[str, ...]) -> Case:
    """The case after recalls of the last fact of a type, each with its wrong recipients (none: from all)."""
    event = [fact.id for fact in PAST if fact.name == name][-1]
    case = CASE
    for recipients in of:
        because = "wrong_recipient" if recipients else "wrong_child"
        data = IncidentRecalled(event=event, because=because, recipients=recipients, reason=f"vault:{uuid4().hex}")
        case = evolve(case, PAST[0].model_copy(update={"data": data}))
    return case


@pytest.mark.parametrize(
    ("recalls", "police", "icb"),
    [
        ([("police",)], [2], [2, 3]),
        ([("police",), ("icb",)], [2], [2]),
        ([()], [2], [2]),
        ([(), ("police",)], [2], [2]),
        ([("police",), ()], [2], [2]),
    ],
)
def test_an_amendment_that_was_recalled_is_kept_from_its_wrong_recipients(
    recalls: list[tuple[str, ...]], police: list[int], icb: list[int]
) -> None:
    case = recalled("notification.amended", *recalls)
    assert numbers(AgencyType.LOCAL_AUTHORITY, person=True, case=case) == [1, 2, 3]
    assert numbers(AgencyType.POLICE_FORCE, person=True, case=case) == police
    assert numbers(AgencyType.ICB, person=False, case=case) == icb


def test_a_submission_that_was_recalled_is_no_notification_to_its_wrong_recipients() -> None:
    case = recalled("notification.submitted", ("police",))
    state = aggregate(case).fold(PAST)
    there = {KINDS[kind][0]: may_see(party(kind), case, state, directory(kind)) for kind in KINDS}
    assert there == {"council": True, "police": False, "icb": True}
