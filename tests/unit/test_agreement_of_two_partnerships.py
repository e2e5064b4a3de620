"""An agency of several partnerships has in each what was agreed there: it cannot bring one's agreement into another."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.access import Incidents, Matter, Party, may_propose, visible_fields
from contracts.agreements import AgencyListed, AgencyWithdrawn, AgreementApproved, AgreementEnded, Terms
from contracts.catalogue import CATALOGUE
from contracts.codes import AgencyType, Role
from contracts.directory import Directory
from contracts.sealing import Model
from services.gateway.checks import Rejected
from services.gateway.intake import Intake, Known

HERE, THERE, BEYOND, AGENCY = "northshire", "southmere", "eastmere", "both-council"
MATTER = Matter(HERE, participants=frozenset({AGENCY}))
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
PARTY = Party(AGENCY, AgencyType.LOCAL_AUTHORITY, frozenset(), "both-approver", frozenset({Role.APPROVER}))
SAID = "notifiability.decided"
LISTED = AgencyListed(agency=AGENCY, name="Both", type=AgencyType.LOCAL_AUTHORITY)
ENDED, WITHDRAWN = AgreementEnded(agency=AGENCY, why="A slip"), AgencyWithdrawn(agency=AGENCY, why="A slip")

Said = tuple[str, Model]


def agreement(*names: str, version: int = 1, incidents: tuple[Incidents, ...] = tuple(Incidents)) -> AgreementApproved:
    about = {"agency": AGENCY, "legal_basis": "Children Act 2004 section 16E", "review_on": "2027-04-01"}
    terms = Terms(**about, may_propose=names, may_read=names, incidents=incidents)
    return AgreementApproved(agency=AGENCY, version=version, hash="0" * 64, agreement=terms)


def directory(*said: Said) -> Directory:
    """After what was said, each a minute after the one before."""
    known = Directory()
    for minute, (partnership, data) in enumerate(said):
        known = known.told(partnership, data, by="an-administrator", at=SINCE + timedelta(minutes=minute))
    return known


EVERYTHING_THERE: tuple[Said, ...] = ((THERE, LISTED), (THERE, agreement(*CATALOGUE)))


def test_an_agreement_that_was_ended_is_not_replaced_by_another_partnerships() -> None:
    known = directory(*EVERYTHING_THERE, (HERE, LISTED), (HERE, agreement(SAID)), (HERE, ENDED))
    assert known.agreement_on(AGENCY, MATTER) is None


@pytest.mark.parametrize("first", [(agreement(SAID),), (agreement(SAID), ENDED), ()], ids=["agreed", "ended", "never"])
def test_withdrawing_an_agency_gives_it_nothing_that_another_partnership_agreed(first: tuple[Model, ...]) -> None:
    known = directory(*EVERYTHING_THERE, *((HERE, said) for said in (LISTED, *first, WITHDRAWN)))
    assert AGENCY in known.agencies, "it is a member there still"
    assert known.agreement_on(AGENCY, MATTER) is None
    assert known.agreement_to_say(AGENCY, THERE, MATTER) is None


def test_a_participant_from_elsewhere_has_its_own_partnerships() -> None:
    known = directory(*EVERYTHING_THERE)
    theirs = known.agreement(AGENCY, THERE)
    assert theirs is not None
    assert known.agreement_on(AGENCY, MATTER) == theirs
    assert known.agreement_to_say(AGENCY, THERE, MATTER) == theirs


@pytest.mark.parametrize("first", [THERE, BEYOND])
def test_of_two_agreements_elsewhere_the_first_counts_until_it_ends_and_the_other_does_not_take_its_place(
    first: str,
) -> None:
    second = next(name for name in (THERE, BEYOND) if name != first)
    told = [(first, LISTED), (first, agreement(SAID)), (second, LISTED), (second, agreement(*CATALOGUE))]

    def counts(*more: Said) -> str | None:
        known = directory(*told, *more)
        found = known.agreement_on(AGENCY, MATTER)
        sayable = {name for name in (THERE, BEYOND) if known.agreement_to_say(AGENCY, name, MATTER)}
        assert sayable == ({found.partnership} if found else set()), "it cannot choose what it speaks under"
        return found.partnership if found else None

    assert counts() == first
    assert counts((first, agreement(version=2, incidents=()))) == first, "narrowed to nothing it counts still"
    for last in (ENDED, WITHDRAWN):
        assert counts((first, last)) is None
        assert counts((second, last)) == first
        assert counts((first, last), (second, agreement(SAID, version=2))) == second, "two people agreed it since"


REFERRED = "incident.referred"
TERMS = st.lists(st.sampled_from([REFERRED, SAID]), unique=True)
SCOPES = st.sampled_from([(), (Incidents.PARTICIPANT,), tuple(Incidents)])
ONE_PERSONS = st.sampled_from([LISTED, ENDED, WITHDRAWN])
PLACES = [HERE, THERE, BEYOND]
MATTERS = [Matter(name, participants=frozenset({AGENCY})) for name in (*PLACES, "another")]


@st.composite
def stories(draw: st.DrawFn) -> list[Said]:
    """What can be said of one agency in three partnerships, in turn: an agreement needs a member, a version is new."""
    said: list[Said] = []
    members: set[str] = set()
    versions = dict.fromkeys(PLACES, 0)
    for _ in range(draw(st.integers(0, 10))):
        place = draw(st.sampled_from(PLACES))
        if place in members and draw(st.booleans()):
            versions[place] += 1
            said.append((place, agreement(*draw(TERMS), version=versions[place], incidents=draw(SCOPES))))
            continue
        one = draw(ONE_PERSONS)
        members = members | {place} if one is LISTED else members - {place} if one is WITHDRAWN else members
        said.append((place, one))
    return said


def rights(known: Directory, matter: Matter) -> set[tuple[str, str]]:
    """All that the agency may read of a matter, and say about it, naming whichever partnership."""
    party, decides = known.member(AGENCY, PARTY.person, frozenset({"approver"})), known.agreement_on(AGENCY, matter)
    if party is None:
        return set()
    read = {("read", name) for name in (REFERRED, SAID) if visible_fields(party, name, decides, matter) is not None}
    under = [known.agreement_to_say(AGENCY, name, matter) for name in PLACES]
    return read | {
        ("say", name) for name in (REFERRED, SAID) for a in under if may_propose(party, name, a, matter).allowed
    }


@settings(max_examples=400)
@given(stories(), st.sampled_from(PLACES), ONE_PERSONS)
def test_one_persons_act_gives_an_agency_nothing_in_any_partnership(said: list[Said], place: str, act: Model) -> None:
    before, after = directory(*said), directory(*said, (place, act))
    for matter in MATTERS:
        was, now = before.agreement_on(AGENCY, matter), after.agreement_on(AGENCY, matter)
        assert now is None or now == was, "the agreement that counted counts, or none"
        assert rights(after, matter) <= rights(before, matter)


@settings(max_examples=400)
@given(stories(), st.sampled_from(PLACES), TERMS, SCOPES)
def test_what_two_people_agree_in_one_partnership_changes_nothing_that_another_agreed(
    said: list[Said], place: str, names: list[str], scope: tuple[Incidents, ...]
) -> None:
    before = directory(*said)
    version = before.versions.get((AGENCY, place), 0) + 1
    after = directory(*said, (place, LISTED), (place, agreement(*names, version=version, incidents=scope)))
    for matter in MATTERS:
        was, now = before.agreement_on(AGENCY, matter), after.agreement_on(AGENCY, matter)
        if matter.partnership != place and was is not None and was.partnership != place:
            assert now == was


@settings(max_examples=300)
@given(stories(), st.randoms(use_true_random=False))
def test_a_right_rests_on_one_agreement_in_force_whatever_the_order_in_which_partnerships_are_heard(
    said: list[Said], chance: Any
) -> None:
    known, heard = directory(*said), Directory()
    stamped = [(SINCE + timedelta(minutes=minute), *each) for minute, each in enumerate(said)]
    of: dict[str, list[Any]] = {name: [each for each in stamped if each[1] == name] for name in PLACES}
    while any(of.values()):
        at, partnership, data = of[chance.choice([name for name, left in of.items() if left])].pop(0)
        heard = heard.told(partnership, data, by="an-administrator", at=at)
    assert heard == known
    for matter in MATTERS:
        found = known.agreement_on(AGENCY, matter)
        assert found is None or found == known.agreement(AGENCY, found.partnership)
        sayable = [name for name in PLACES if known.agreement_to_say(AGENCY, name, matter) is not None]
        assert sayable == ([found.partnership] if found else [])


def intake(known: Known) -> Intake:
    async def same(work: Any, incident: str) -> Known:
        return known

    owned: Any = SimpleNamespace(known=same)
    unused: Any = None
    return Intake(unused, owned, unused, unused, b"")


def about(partnership: str, known: Directory) -> str:
    event = SimpleNamespace(subject="incident-1", incidentref=None, partnership=partnership, name=SAID)
    checked: Any = SimpleNamespace(register=None, event=event)
    work: Any = None
    subject, _ = asyncio.run(intake(Known(MATTER, (), 1))._about(work, checked, PARTY, known))
    return subject


def test_who_may_not_say_it_here_does_not_say_it_by_naming_there() -> None:
    known = directory(*EVERYTHING_THERE, (HERE, LISTED), (HERE, agreement()))
    assert may_propose(PARTY, SAID, known.agreement(AGENCY, THERE), MATTER).allowed, "the way round that is shut here"
    with pytest.raises(Rejected) as told:
        about(THERE, known)
    assert (told.value.status, [fault.rule for fault in told.value.faults]) == (404, ["absent"])
    with pytest.raises(Rejected) as told:
        about(HERE, known)
    assert (told.value.status, [fault.rule for fault in told.value.faults]) == (403, ["not-in-agreement"])


def test_who_may_say_it_here_or_takes_part_from_elsewhere_says_it() -> None:
    both = directory((HERE, LISTED), (HERE, agreement(SAID)), (THERE, LISTED), (THERE, agreement()))
    assert about(HERE, both) == "incident-1"
    assert about(THERE, directory((THERE, LISTED), (THERE, agreement(SAID)))) == "incident-1"


def test_a_participant_from_elsewhere_does_not_choose_among_its_agreements_by_the_partnership_it_names() -> None:
    narrow = ((BEYOND, LISTED), (BEYOND, agreement()))
    with pytest.raises(Rejected) as told:
        about(THERE, directory(*narrow, *EVERYTHING_THERE))
    assert told.value.status == 404
    assert about(THERE, directory(*EVERYTHING_THERE, *narrow)) == "incident-1"
