"""An agency is shown as the viewer's own partnerships list it: what another lists it for is not theirs to know."""

from datetime import UTC, datetime

from contracts.agreements import AgencyListed
from contracts.codes import AgencyType
from contracts.directory import Directory
from services.gateway.api_directory import agency_shown
from services.gateway.sight import Viewer

HERE, THERE, BOTH, OWN = "northshire", "southmere", "both-police", "northshire-school"
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def listed(agency: str, kind: AgencyType, *areas: str) -> AgencyListed:
    return AgencyListed(agency=agency, name="An agency", type=kind, areas=areas)


def test_the_areas_and_partnerships_of_another_partnership_are_not_shown() -> None:
    known = Directory()
    for partnership, entry in (
        (HERE, listed(BOTH, AgencyType.POLICE_FORCE, "E06000991")),
        (THERE, listed(BOTH, AgencyType.POLICE_FORCE, "E06000992")),
        (HERE, listed(OWN, AgencyType.SCHOOL, "E06000991")),
    ):
        known = known.told(partnership, entry, by="an-administrator", at=SINCE)
    party = known.member(OWN)
    assert party is not None
    shown = agency_shown(Viewer(party, frozenset({HERE}), known), known.agencies[BOTH])
    assert (shown["areas"], shown["partnerships"]) == (["E06000991"], [HERE])
    whole = agency_shown(Viewer(party, frozenset({HERE, THERE}), known), known.agencies[BOTH])
    assert whole["areas"] == ["E06000991", "E06000992"]
