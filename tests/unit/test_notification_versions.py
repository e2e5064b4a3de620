"""Which versions of a notification exist for whom: a draft that was never filed is the authority's own."""

from datetime import date

import pytest

from contracts.access import Agreement, Incidents, Party
from contracts.catalogue import CATALOGUE
from contracts.codes import AgencyType, Role
from contracts.directory import Directory
from services.notifications.access import may_see_content, versions_for
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


def numbers(kind: AgencyType, *, person: bool, filed: bool = True) -> list[int]:
    agency, role = KINDS[kind]
    party = Party(agency, kind, CASE.areas, f"{agency}-person" if person else None, frozenset({role} if person else ()))
    agreement = Agreement(
        agency,
        CASE.partnership,
        1,
        "a basis",
        date(2027, 4, 1),
        may_read=frozenset(CATALOGUE),
        incidents=frozenset(Incidents),
    )
    directory = Directory(agreements={(agency, CASE.partnership): agreement})
    past = happened(DRAFTED, DRAFTED, *((APPROVED, SUBMITTED, AMENDED) if filed else ()))
    state = aggregate(CASE).fold(past)
    assert may_see_content(party, CASE, state, directory) or not filed
    return [written.number for written in versions_for(party, CASE, state, directory)]


@pytest.mark.parametrize("kind", [AgencyType.POLICE_FORCE, AgencyType.ICB])
@pytest.mark.parametrize("person", [True, False], ids=["a person", "a system"])
def test_a_partner_has_what_was_filed_and_amended_and_no_draft_before_it(kind: AgencyType, person: bool) -> None:
    assert numbers(kind, person=person) == [2, 3]


def test_the_authority_has_every_version() -> None:
    assert numbers(AgencyType.LOCAL_AUTHORITY, person=True) == [1, 2, 3]
    assert numbers(AgencyType.LOCAL_AUTHORITY, person=True, filed=False) == [1, 2]
