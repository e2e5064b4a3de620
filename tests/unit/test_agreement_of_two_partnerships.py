"""An agency of two partnerships has in each what was agreed there: it cannot bring one's agreement into the other."""

import asyncio
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from contracts.access import Agreement, Incidents, Matter, Party, may_propose
from contracts.agreements import AgencyListed, AgencyWithdrawn, AgreementEnded
from contracts.catalogue import CATALOGUE
from contracts.codes import AgencyType, Role
from contracts.directory import Directory, Listing
from contracts.sealing import Model
from services.gateway.checks import Rejected
from services.gateway.intake import Intake, Known

HERE, THERE, AGENCY = "northshire", "southmere", "both-council"
MATTER = Matter(HERE, participants=frozenset({AGENCY}))
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
PARTY = Party(AGENCY, AgencyType.LOCAL_AUTHORITY, frozenset(), "both-approver", frozenset({Role.APPROVER}))
SAID = "notifiability.decided"


def agreement(partnership: str, *names: str) -> Agreement:
    every = frozenset(names)
    return Agreement(AGENCY, partnership, 1, "a basis", date(2027, 4, 1), every, every, incidents=frozenset(Incidents))


def directory(*agreements: Agreement, listed: tuple[str, ...]) -> Directory:
    entry = AgencyListed(agency=AGENCY, name="Both", type=AgencyType.LOCAL_AUTHORITY)
    return Directory(
        agreements={(AGENCY, each.partnership): each for each in agreements},
        listings={(AGENCY, name): Listing(entry, SINCE) for name in listed},
        versions={(AGENCY, each.partnership): each.version for each in agreements},
    )


def test_an_agreement_that_was_ended_is_not_replaced_by_another_partnerships() -> None:
    known = directory(agreement(THERE, *CATALOGUE), listed=(HERE, THERE))
    assert known.agreement_on(AGENCY, MATTER) is None


@pytest.mark.parametrize("first", [(), (AgreementEnded(agency=AGENCY, why="A slip"),)], ids=["agreed", "ended"])
def test_withdrawing_an_agency_gives_it_nothing_that_another_partnership_agreed(first: tuple[Model, ...]) -> None:
    known = directory(agreement(HERE), agreement(THERE, *CATALOGUE), listed=(HERE, THERE))
    for said in (*first, AgencyWithdrawn(agency=AGENCY, why="A slip")):
        known = known.told(HERE, said, by="an-administrator", at=SINCE)
    assert AGENCY in known.agencies, "it is a member there still"
    assert known.agreement_on(AGENCY, MATTER) is None
    assert known.agreement_to_say(AGENCY, THERE, MATTER) is None


def test_a_participant_from_elsewhere_has_its_own_partnerships() -> None:
    theirs = agreement(THERE, *CATALOGUE)
    known = directory(theirs, listed=(THERE,))
    assert known.agreement_on(AGENCY, MATTER) == theirs
    assert known.agreement_to_say(AGENCY, THERE, MATTER) == theirs


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
    known = directory(agreement(HERE), agreement(THERE, *CATALOGUE), listed=(HERE, THERE))
    assert may_propose(PARTY, SAID, known.agreement(AGENCY, THERE), MATTER).allowed, "the way round that is shut here"
    with pytest.raises(Rejected) as told:
        about(THERE, known)
    assert (told.value.status, [fault.rule for fault in told.value.faults]) == (404, ["absent"])
    with pytest.raises(Rejected) as told:
        about(HERE, known)
    assert (told.value.status, [fault.rule for fault in told.value.faults]) == (403, ["not-in-agreement"])


def test_who_may_say_it_here_or_takes_part_from_elsewhere_says_it() -> None:
    assert about(HERE, directory(agreement(HERE, SAID), agreement(THERE), listed=(HERE, THERE))) == "incident-1"
    assert about(THERE, directory(agreement(THERE, SAID), listed=(THERE,))) == "incident-1"
