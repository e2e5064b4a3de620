"""A person's own record, and a decision about one, go no further than the incidents that the viewer may see."""

from datetime import date
from typing import Any

import pytest

from contracts.access import Agreement, Incidents, Party
from contracts.catalogue import CATALOGUE
from contracts.codes import AgencyType, Role
from contracts.directory import Directory
from services.gateway.api_records import gives_words, within
from services.gateway.queries import IncidentRow
from services.gateway.sight import Viewer
from tests.unit.gateway_stories import london

AT = london("2026-03-11")
POLICE, MANAGER = "northbank-police", "northbank-police-business-unit-manager"


def viewer() -> Viewer:
    area = frozenset({"E06000001"})
    party = Party(POLICE, AgencyType.POLICE_FORCE, area, MANAGER, frozenset({Role.BUSINESS_UNIT}))
    agreement = Agreement(
        POLICE,
        "northbank",
        1,
        "a basis",
        date(2027, 4, 1),
        may_read=frozenset(CATALOGUE),
        incidents=frozenset(Incidents),
    )
    return Viewer(party, frozenset({"northbank"}), Directory(agreements={(POLICE, "northbank"): agreement}))


def row(**shut_out: Any) -> IncidentRow:
    return IncidentRow(
        *("incident-1", 1, "northbank", "referred", "E06000001", ("E06000001",), (), (), None, "", ()),
        *(AT, AT, None, AT, AT),
        **shut_out,
    )


def test_the_words_of_an_incident_that_is_open_are_given() -> None:
    assert gives_words(viewer(), row())


@pytest.mark.parametrize(
    "shut_out",
    [
        {"excluded_people": (MANAGER,)},
        {"excluded_agencies": (POLICE,)},
        {"excluded_people": ("somebody",), "alleged": (f"{POLICE}/somebody",)},
    ],
    ids=["the person is shut out", "the agency is shut out", "an alleged perpetrator is of its side"],
)
def test_an_exclusion_holds_for_a_persons_own_record_too(shut_out: dict[str, Any]) -> None:
    assert not gives_words(viewer(), row(**shut_out))


def test_what_is_of_another_incident_is_not_even_named() -> None:
    things = [{"reference": f"vault:{of}", "incident": f"incident-{of}"} for of in (1, 2)]
    record = {"subjects": ["subject-1"], "given": things, "heldBack": [*things, {"incident": None}], "looks": []}
    assert within(record, {"incident-1"}) == record | {"given": things[:1], "heldBack": things[:1]}
