"""Who may say and see what: the ceiling, narrowed by the agreement, narrowed by the role; nothing else widens it."""

import tomllib
from datetime import date
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.access import Agreement, Incidents, Matter, Party, concerns, may_propose, visible_fields
from contracts.catalogue import CALENDAR, CATALOGUE, DIRECTORY
from contracts.ceilings import EVERYTHING, NOTHING, Fields, all_but, only
from contracts.codes import AgencyType, Role

EVERY_TYPE = frozenset(CATALOGUE)
MATTER = Matter("northshire", frozenset({"an-agency"}), frozenset({"an-agency"}), frozenset({"E06000991"}))


def _party(kind: AgencyType, *roles: Role, person: str | None = None) -> Party:
    return Party(
        "an-agency", kind, frozenset({"E06000991"}), person or ("someone" if roles else None), frozenset(roles)
    )


def _agreement(
    propose: frozenset[str] = EVERY_TYPE,
    read: frozenset[str] = EVERY_TYPE,
    incidents: frozenset[Incidents] = frozenset(Incidents),
    fields: dict[str, Fields] | None = None,
    partnership: str = "northshire",
) -> Agreement:
    return Agreement("an-agency", partnership, 1, "a basis", date(2027, 4, 1), propose, read, incidents, fields or {})


def test_without_an_agreement_nothing_may_be_said_or_seen() -> None:
    for name, kind in product(CATALOGUE, AgencyType):
        assert not may_propose(_party(kind), name, None, None).allowed
        assert visible_fields(_party(kind), name, None, MATTER) is None


@pytest.mark.parametrize("name", CATALOGUE)
def test_no_agreement_reaches_above_the_ceiling(name: str) -> None:
    ceiling = CATALOGUE[name].ceiling
    register = CATALOGUE[name].topic in (CALENDAR, DIRECTORY)
    for kind, role in product(AgencyType, [None, *Role]):
        party = _party(kind, *([role] if role else []))
        seen = visible_fields(party, name, _agreement(), Matter("northshire") if register else MATTER)
        permitted = kind in ceiling.agencies and (role is None or role in ceiling.roles)
        if role in (Role.OPERATOR, Role.ADMINISTRATOR) and not register:
            permitted = False
        assert (seen is not None) == permitted, (kind, role)
        for field in CATALOGUE[name].model.model_fields.values():
            if seen is not None and (field.alias or "") in seen:
                assert (field.alias or "") in ceiling.agencies[kind], (kind, role)
                assert role is None or (field.alias or "") in ceiling.roles[role], (kind, role)


def test_an_agreement_narrows_the_types_the_fields_and_the_incidents() -> None:
    police = _party(AgencyType.POLICE_FORCE)
    referred = "incident.referred"
    assert visible_fields(police, referred, _agreement(read=frozenset()), MATTER) is None
    seen = visible_fields(police, referred, _agreement(fields={referred: only("nature", "harm")}), MATTER)
    assert seen is not None
    assert "nature" in seen
    assert "harm" not in seen, "the ceiling keeps it from the police"
    only_own = _agreement(incidents=frozenset({Incidents.OWN}))
    of_others = Matter("northshire", frozenset({"another"}), frozenset({"an-agency"}), frozenset({"E06000991"}))
    assert visible_fields(police, referred, only_own, of_others) is None


def test_exclusion_wins_over_everything() -> None:
    shut_out = Matter(**{**MATTER.__dict__, "excluded_agencies": frozenset({"an-agency"})})
    person_out = Matter(**{**MATTER.__dict__, "excluded_people": frozenset({"someone"})})
    council = _party(AgencyType.LOCAL_AUTHORITY)
    approver = _party(AgencyType.LOCAL_AUTHORITY, Role.APPROVER)
    for name in CATALOGUE:
        assert visible_fields(council, name, _agreement(), shut_out) is None
        assert not may_propose(council, name, _agreement(), shut_out).allowed
        assert visible_fields(approver, name, _agreement(), person_out) is None


def test_another_partnership_is_blind() -> None:
    of_others = Matter("northshire", areas=frozenset({"E06000991"}))
    for name, kind in product(CATALOGUE, AgencyType):
        elsewhere = _agreement(partnership="southmere")
        assert visible_fields(_party(kind), name, elsewhere, of_others) is None
        assert not may_propose(_party(kind), name, elsewhere, of_others).allowed


def test_an_area_that_another_partnership_listed_it_for_opens_nothing_here() -> None:
    listed = Party(
        "an-agency",
        AgencyType.SCHOOL,
        frozenset({"E06000991", "E06000992"}),
        served=frozenset({("northshire", "E06000992"), ("southshire", "E06000991")}),
    )
    by_area = _agreement(incidents=frozenset({Incidents.AREA}))
    assert not concerns(listed, by_area, Matter("northshire", areas=frozenset({"E06000991"})))
    assert concerns(listed, by_area, Matter("northshire", areas=frozenset({"E06000992"})))


def test_a_recorded_participant_from_another_partnership_sees_that_incident_and_no_more_than_its_ceiling() -> None:
    placing = _party(AgencyType.LOCAL_AUTHORITY)
    elsewhere = _agreement(partnership="southmere")
    assert visible_fields(placing, "incident.referred", elsewhere, MATTER) == EVERYTHING
    no_participation = _agreement(partnership="southmere", incidents=frozenset({Incidents.OWN, Incidents.AREA}))
    assert visible_fields(placing, "incident.referred", no_participation, MATTER) is None


@pytest.mark.parametrize(
    ("name", "kind", "role", "allowed"),
    [
        ("incident.referred", AgencyType.POLICE_FORCE, None, True),
        ("incident.referred", AgencyType.PANEL, None, False),
        ("notifiability.decided", AgencyType.LOCAL_AUTHORITY, Role.APPROVER, True),
        ("notifiability.decided", AgencyType.LOCAL_AUTHORITY, Role.NOTIFIER, False),
        ("notifiability.decided", AgencyType.LOCAL_AUTHORITY, None, False),
        ("notifiability.decided", AgencyType.POLICE_FORCE, Role.APPROVER, False),
        ("notification.submitted", AgencyType.LOCAL_AUTHORITY, Role.NOTIFIER, True),
        ("notification.approved", AgencyType.LOCAL_AUTHORITY, Role.NOTIFIER, False),
        ("deadline.met", AgencyType.LOCAL_AUTHORITY, Role.APPROVER, False),
        ("calendar.day-added", AgencyType.LOCAL_AUTHORITY, Role.BUSINESS_UNIT, True),
    ],
)
def test_who_may_propose(name: str, kind: AgencyType, role: Role | None, allowed: bool) -> None:
    party = _party(kind, *([role] if role else []))
    assert may_propose(party, name, _agreement(), MATTER).allowed is allowed


def test_what_is_not_yours_is_absent_rather_than_forbidden() -> None:
    of_others = Matter("northshire", frozenset({"another"}), frozenset(), frozenset({"E06000111"}))
    decision = may_propose(
        _party(AgencyType.LOCAL_AUTHORITY, Role.APPROVER), "notifiability.decided", _agreement(), of_others
    )
    assert decision.rule == "absent"


NAMES = st.frozensets(st.sampled_from(["a", "b", "c", "d"]))
FIELDS = st.builds(Fields, NAMES, st.booleans())


@given(FIELDS, FIELDS, st.sampled_from(["a", "b", "c", "d", "e"]))
def test_narrowing_shows_what_both_show_and_no_more(one: Fields, other: Fields, name: str) -> None:
    assert (name in (one & other)) == (name in one and name in other)


def test_everything_and_nothing_are_what_they_say() -> None:
    assert "anything" in EVERYTHING
    assert "anything" not in NOTHING
    assert "hidden" not in all_but("hidden")


def test_the_demos_agreements_name_known_types_and_agencies() -> None:
    demo = tomllib.loads(Path("infra/demo/agencies.toml").read_text())
    agencies = {agency["id"] for agency in demo["agency"]}
    for agreement in demo["agreement"]:
        assert agreement["agency"] in agencies
        assert {*agreement["may_propose"], *agreement["may_read"]} <= EVERY_TYPE
