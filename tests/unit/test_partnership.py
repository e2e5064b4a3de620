"""Who belongs to a partnership and what is shared with whom: two people, nothing above the ceiling, nobody left out."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.agreements import (
    AgencyListed,
    AgencyWithdrawn,
    AgreementApproved,
    AgreementEnded,
    AgreementProposed,
    PartnershipEstablished,
    Terms,
)
from contracts.catalogue import CATALOGUE
from contracts.codes import AgencyType, Role
from contracts.directory import Directory, directory_from, said_in, stream_of
from contracts.envelope import AnyEvent, schema_urn
from contracts.sealing import Model
from services.gateway.partnership import decide
from shared.decider import Context, Refused
from shared.working_days import england_and_wales
from tests.retiring import retired

DEMO = Path("infra/demo/agencies.toml").read_text(encoding="utf-8")
BEGUN = directory_from(DEMO)
NOW = datetime(2026, 9, 1, 9, 0, tzinfo=UTC)
ADMINISTRATOR, UNIT = "northshire-administrator", "northshire-business-unit"
PROBATION = "northshire-probation"
NAMES = {entry.model: entry.name for entry in CATALOGUE.values()}


def event(data: Model, by: str | None = ADMINISTRATOR, partnership: str = "northshire") -> AnyEvent:
    name = NAMES[type(data)]
    return AnyEvent(
        id=uuid4().hex,
        source="/agencies/northshire-council",
        type=f"{name}.v1",
        subject=stream_of(partnership),
        time=NOW,
        dataschema=schema_urn(name, 1, 0),
        partnership=partnership,
        agency="northshire-council",
        actor=by,
        data=data,
    )


def after(
    directory: Directory, data: Model, by: str | None = ADMINISTRATOR, partnership: str = "northshire"
) -> Directory:
    (outcome,) = decide(directory, event(data, by, partnership), Context(NOW, england_and_wales()))
    return directory.after(event(outcome.data, by, partnership))


def refused(
    directory: Directory, data: Model, by: str | None = ADMINISTRATOR, partnership: str = "northshire"
) -> set[tuple[str, str]]:
    with pytest.raises(Refused) as told:
        after(directory, data, by, partnership)
    return {(fault.pointer, fault.rule) for fault in told.value.faults}


def probation(**changed: Any) -> AgencyListed:
    told = {"agency": PROBATION, "name": "Northshire Probation", "type": AgencyType.PROBATION, "areas": ("E06000991",)}
    return AgencyListed(**(told | changed))


def terms(**changed: Any) -> AgreementProposed:
    told: dict[str, Any] = {
        "agency": PROBATION,
        "legal_basis": "Children Act 2004 section 11: duty to safeguard",
        "review_on": date(2027, 9, 1),
        "incidents": ("own", "participant"),
        "may_propose": ("incident.referred",),
        "may_read": ("incident.referred", "notifiability.decided"),
    }
    return AgreementProposed(**(told | changed))


LISTED = after(BEGUN, probation())
PROPOSED = after(LISTED, terms())


def approval(directory: Directory = PROPOSED, **changed: Any) -> AgreementApproved:
    offer = directory.offers[PROBATION, "northshire"]
    return AgreementApproved(**({"agency": PROBATION, "version": offer.version, "hash": offer.hash} | changed))


def test_an_agency_joins_and_counts_only_once_a_second_person_approved() -> None:
    assert LISTED.agencies[PROBATION].type is AgencyType.PROBATION
    assert PROPOSED.agreement(PROBATION, "northshire") is None
    agreed = after(PROPOSED, approval(), by=UNIT).agreement(PROBATION, "northshire")
    assert agreed is not None
    assert agreed.may_propose == {"incident.referred"}
    assert (agreed.proposed_by, agreed.approved_by) == (ADMINISTRATOR, UNIT)


def test_the_proposer_does_not_approve_and_no_system_does() -> None:
    assert refused(PROPOSED, approval()) == {("/actor", "same-person")}
    assert refused(PROPOSED, approval(), by=None) == {("/actor", "needs-a-person")}
    assert refused(LISTED, terms(), by=None) == {("/actor", "needs-a-person")}


def test_only_exactly_what_was_proposed_is_approved() -> None:
    wider = after(PROPOSED, terms(may_read=("incident.referred",)), by="another-administrator")
    assert refused(wider, approval(), by=UNIT) == {("/data/hash", "differs-from-proposed")}
    assert refused(PROPOSED, approval(version=2), by=UNIT) == {("/data/version", "differs-from-proposed")}
    slipped = terms(may_propose=("incident.referred", "exclusion.proposed")).terms
    assert refused(PROPOSED, approval(agreement=slipped), by=UNIT) == {("/data/agreement", "differs-from-proposed")}
    assert refused(LISTED, AgreementApproved(agency=PROBATION, version=1, hash="0" * 64), by=UNIT) == {
        ("/data/agency", "not-proposed")
    }


@given(
    st.sampled_from(sorted(Terms.model_fields)),
    st.sampled_from(["northshire", "southmere"]),
    st.integers(min_value=1, max_value=3),
)
def test_a_hash_stands_for_one_agreement_and_no_other(field: str, partnership: str, version: int) -> None:
    other: dict[str, Any] = {
        "agency": "another",
        "legal_basis": "Another basis altogether",
        "review_on": date(2028, 1, 1),
        "incidents": ("area",),
        "may_propose": (),
        "may_read": ("incident.referred",),
        "fields": {"incident.referred": ("nature",)},
        "reads": {"incident.referred": 1},
    }
    same = terms().fingerprint("northshire", 1)
    assert terms(**{field: other[field]}).fingerprint("northshire", 1) != same
    assert (terms().fingerprint(partnership, version) == same) == ((partnership, version) == ("northshire", 1))
    assert terms(may_read=("notifiability.decided", "incident.referred")).fingerprint("northshire", 1) == same


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"may_propose": ("incident.referred", "notifiability.decided")}, ("/data/mayPropose/1", "above-the-ceiling")),
        ({"may_propose": ("deadline.met",)}, ("/data/mayPropose/0", "above-the-ceiling")),
        ({"may_propose": ("no.such",)}, ("/data/mayPropose/0", "above-the-ceiling")),
        ({"may_read": ("notification.submitted",)}, ("/data/mayRead/0", "above-the-ceiling")),
        (
            {"fields": {"incident.referred": ("nature", "summary")}},
            ("/data/fields/incident.referred/1", "above-the-ceiling"),
        ),
        ({"fields": {"deadline.set": ("rule",)}}, ("/data/fields/deadline.set", "not-read")),
        ({"reads": {"incident.referred": 9}}, ("/data/reads/incident.referred", "unknown-version")),
        ({"reads": {"deadline.set": 1}}, ("/data/reads/deadline.set", "not-read")),
        ({"review_on": date(2026, 9, 1)}, ("/data/reviewOn", "review-date")),
        ({"review_on": date(2031, 1, 1)}, ("/data/reviewOn", "review-date")),
        ({"agency": "nobody-here"}, ("/data/agency", "not-listed")),
    ],
)
def test_an_agreement_above_the_ceiling_is_refused_where_it_is_too_much(
    changed: dict[str, Any], place: tuple[str, str]
) -> None:
    assert refused(LISTED, terms(**changed)) == {place}


def test_an_agreement_cannot_ask_for_a_retired_version() -> None:
    asked = terms(agency="northshire-icb", may_read=("notification.amended",), reads={"notification.amended": 1})
    after(LISTED, asked)
    with retired("notification.amended", 1):
        assert refused(LISTED, asked) == {("/data/reads/notification.amended", "unknown-version")}


@pytest.mark.parametrize(
    ("entry", "place"),
    [
        (probation(type=AgencyType.SCHOOL), ("/data/type", "type-stays")),
        (probation(areas=("E06000992",)), ("/data/areas/0", "outside-the-partnership")),
        (
            AgencyListed(
                agency="new-council", name="New Council", type=AgencyType.LOCAL_AUTHORITY, areas=("E06000991",)
            ),
            ("/data/areas/0", "area-taken"),
        ),
    ],
)
def test_one_person_can_widen_nothing_by_listing(entry: AgencyListed, place: tuple[str, str]) -> None:
    assert refused(LISTED, entry) == {place}


def test_an_area_is_not_widened_under_an_agreement_in_force() -> None:
    none = after(after(after(BEGUN, probation(areas=())), terms()), approval(PROPOSED), by=UNIT)
    assert refused(none, probation()) == {("/data/areas/0", "agreement-in-force")}
    ended = after(none, AgreementEnded(agency=PROBATION, why="Its area grows"))
    assert after(ended, probation()).agencies[PROBATION].areas == {"E06000991"}


def test_another_partnership_lists_an_agency_as_it_stands_and_with_its_own_areas_alone() -> None:
    elsewhere = probation(areas=("E06000992",))
    assert refused(LISTED, elsewhere.model_copy(update={"name": "Another Name"}), partnership="southmere") == {
        ("/data/name", "listed-elsewhere")
    }
    both = after(LISTED, elsewhere, partnership="southmere").agencies[PROBATION]
    assert both.areas == {"E06000991", "E06000992"}
    assert both.partnerships == {"northshire", "southmere"}


def test_the_authority_of_an_area_is_not_withdrawn_and_its_agreement_not_ended() -> None:
    duty = {("/data/agency", "holds-the-duty")}
    assert duty < refused(BEGUN, AgencyWithdrawn(agency="northshire-council", why="A slip"))
    assert duty < refused(BEGUN, AgreementEnded(agency="northshire-council", why="A slip"))


def test_a_withdrawn_agency_has_nothing_left_here() -> None:
    gone = after(after(PROPOSED, approval(), by=UNIT), AgencyWithdrawn(agency=PROBATION, why="It was merged"))
    assert PROBATION not in gone.agencies
    assert gone.agreement(PROBATION, "northshire") is None
    again = after(gone, probation())
    assert again.agreement(PROBATION, "northshire") is None, "an old agreement does not come back by listing"
    assert after(again, terms()).offers[PROBATION, "northshire"].version == 2


def test_somebody_can_always_agree_something() -> None:
    council = BEGUN.agreements["northshire-council", "northshire"]
    less = terms(
        agency="northshire-council",
        may_propose=tuple(sorted(council.may_propose - {"agreement.approved"})),
        may_read=tuple(sorted(council.may_read)),
    )
    assert refused(BEGUN, less) == {("/data/mayPropose", "nobody-left")}


def test_of_two_that_may_agree_both_cannot_be_left_without_it_by_proposals_side_by_side() -> None:
    agree = ("agreement.approved", "agreement.proposed")
    council, police = "northshire-council", "northshire-police"

    def approved(directory: Directory, agency: str) -> AgreementApproved:
        offer = directory.offers[agency, "northshire"]
        return AgreementApproved(agency=agency, version=offer.version, hash=offer.hash)

    two = after(BEGUN, terms(agency=police, may_propose=agree))
    two = after(two, approved(two, police), UNIT)
    both = after(after(two, terms(agency=council)), terms(agency=police))
    one = after(both, approved(both, council), UNIT)
    assert refused(one, approved(one, police), UNIT) == {("/data/mayPropose", "nobody-left")}
    for last in (AgencyWithdrawn(agency=police, why="A slip"), AgreementEnded(agency=police, why="A slip")):
        assert refused(one, last) == {("/data/agency", "nobody-left")}


def test_nobody_proposes_a_partnership() -> None:
    assert CATALOGUE["partnership.established"].proposers == ()
    other = PartnershipEstablished(name="Another", areas=("E06000993",))
    assert refused(BEGUN, other, partnership="another") == {("/partnership", "not-established")}


def test_administrators_and_business_units_agree_and_nobody_else() -> None:
    roles = {proposer.role for proposer in CATALOGUE["agreement.approved"].proposers}
    assert roles == {Role.ADMINISTRATOR, Role.BUSINESS_UNIT}


def _folded(said: Iterable[tuple[str, Model]]) -> Directory:
    told = Directory()
    for number, (partnership, data) in enumerate(said):
        told = told.told(partnership, data, by="bootstrap", at=NOW.replace(second=0, microsecond=number))
    return told


@given(st.randoms(use_true_random=False))
def test_facts_of_two_partnerships_fold_alike_in_any_order_between_them(chance: Any) -> None:
    said = said_in(DEMO)
    stamped = [(NOW.replace(microsecond=n), *each) for n, each in enumerate(said)]
    of = {name: [each for each in stamped if each[1] == name] for name in BEGUN.partnerships}
    merged = []
    while any(of.values()):
        merged.append(of[chance.choice([name for name, left in of.items() if left])].pop(0))
    folded = Directory()
    for at, partnership, data in merged:
        folded = folded.told(partnership, data, by="bootstrap", at=at)
    assert folded == _folded(said)
