"""An agency that is to be shut out reads nothing of it in its feed, though others of its kind do."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from contracts.access import Agreement, Incidents
from contracts.agreements import AgencyListed, ExclusionApproved, ExclusionBasis, ExclusionEnded, ExclusionProposed
from contracts.catalogue import CATALOGUE
from contracts.codes import AgencyType
from contracts.directory import Directory
from contracts.sealing import Model
from services.delivery.rights import Matters, sight
from tests.unit.gateway_stories import REASON, event, london, referred

AT = london("2026-03-11")
HOST, OTHER = "northbank-council", "southbank-council"
OF: dict[str, Any] = {"agency": OTHER, "basis": ExclusionBasis.CONFLICT_OF_INTEREST}
ABOUT = (
    ExclusionProposed(**OF, reason=REASON),
    ExclusionApproved(**OF),
    ExclusionProposed(**OF, reason=REASON, lift=True),
    ExclusionEnded(**OF),
)


def directory() -> Directory:
    known = Directory()
    for agency in (HOST, OTHER):
        listed = AgencyListed(
            agency=agency, name=agency, type=AgencyType.LOCAL_AUTHORITY, areas=("E06000001",) if agency == HOST else ()
        )
        known = known.told("northbank", listed, by=None, at=AT)
    every = frozenset(CATALOGUE)
    agreements = {
        (agency, "northbank"): Agreement(
            agency, "northbank", 1, "a basis", date(2027, 4, 1), every, every, frozenset(Incidents)
        )
        for agency in (HOST, OTHER)
    }
    return Directory(agencies=known.agencies, listings=known.listings, agreements=agreements)


def reads(agency: str, data: Model) -> bool:
    story = referred(london("2026-03-10"))
    matter = story.now.matter
    known = Matters({story.subject: replace(matter, participants=matter.participants | {OTHER, HOST})})
    return sight(directory(), agency, event(data, AT, story.subject, agency=HOST), known) is not None


@pytest.mark.parametrize("said", ABOUT, ids=lambda said: type(said).__name__)
def test_whoever_is_to_be_shut_out_does_not_read_of_it_in_its_feed(said: Model) -> None:
    assert reads(HOST, said)
    assert not reads(OTHER, said)


def test_what_is_said_of_one_of_its_people_the_agency_may_read() -> None:
    assert reads(OTHER, ExclusionProposed(**OF, person="southbank-officer", reason=REASON))
