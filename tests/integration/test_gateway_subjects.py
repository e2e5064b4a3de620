"""A child is found in the incidents it is in, as corrected, with those it was found to be; on a real PostgreSQL."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from nacl.public import PrivateKey

from services.gateway.subjects import alleged_side, incidents_with, joined_with
from tests.faults.gateway.door import Doorway, doorway
from tests.faults.gateway.ground import COUNCIL, POLICE, event, gateway_database, ground, referral
from tests.stacks import Stack


@pytest.fixture(scope="module")
async def at(stack: Stack) -> AsyncIterator[Doorway]:
    service = await gateway_database(stack, "subjects")
    async with ground(service, PrivateKey.generate()) as opened, doorway(opened) as door:
        yield door


async def refer(at: Doorway) -> tuple[str, str]:
    """An incident, and the child in it."""
    receipt = (await at.as_(POLICE).send(referral())).json()
    facts = await at.ground.facts(receipt["incident"])
    return receipt["incident"], facts[0].data.children[0].subject


async def act(at: Doorway, type_: str, incident: str, data: dict[str, Any]) -> dict[str, Any]:
    approver = at.as_(COUNCIL, "authority-approver", "approver")
    receipt: dict[str, Any] = (await approver.send(event(type_, data, agency=COUNCIL, subject=incident))).json()
    assert receipt.get("status") == "accepted", receipt
    return receipt


async def correct(at: Doorway, incident: str) -> None:
    """Another child without an id, which the gateway gives it."""
    child = {"identity": {"name": "Child B", "dateOfBirth": "2018-02-03"}}
    occurrence = {"dateFrom": "2026-08-27", "location": "Place A"}
    reasons = [{"field": name, "reason": "Reason A"} for name in ("children", "occurrence")]
    data = {"children": [child], "occurrence": occurrence, "reasons": reasons}
    await act(at, "incident.corrected.v1", incident, data)


async def found(at: Doorway, subject: str) -> tuple[list[str], list[str]]:
    async with at.ground.database.reading() as connection:
        incidents = await incidents_with(connection, subject)
        return incidents, await joined_with(connection, incidents, subject)


async def test_a_merge_joins_both_sides_and_a_split_parts_them(at: Doorway) -> None:
    (one, first), (two, second) = await refer(at), await refer(at)
    about = {"subjects": [first, second], "incidents": [one, two], "reason": "Reason A"}
    await act(at, "subjects.merged.v1", one, about)
    assert await found(at, first) == ([one], [second])
    assert await found(at, second) == ([two], [first])
    await act(at, "subjects.split.v1", two, about)
    assert await found(at, first) == ([one], [])


async def shut_out(at: Doorway, incident: str, **person: str) -> None:
    side = {"agency": POLICE, "basis": "alleged_perpetrator"} | person
    await act(at, "exclusion.proposed.v1", incident, side | {"reason": "Reason A"})
    second_person = at.as_(COUNCIL, "business-unit-manager", "business_unit")
    approved = await second_person.send(event("exclusion.approved.v1", side, agency=COUNCIL, subject=incident))
    assert approved.status_code == 202, approved.text


async def is_side(at: Doorway, incident: str, agency: str = POLICE) -> bool:
    async with at.ground.database.reading() as connection:
        return await alleged_side(connection, agency, [incident])


@pytest.mark.parametrize("person", [{"person": "police-reviewer"}, {}], ids=["a person of it", "the whole agency"])
async def test_an_alleged_perpetrators_side_is_known_in_every_incident_of_a_child(
    at: Doorway, person: dict[str, str]
) -> None:
    (one, first), (two, second), (apart, _) = await refer(at), await refer(at), await refer(at)
    await shut_out(at, two, **person)
    assert [await is_side(at, each) for each in (two, one, apart)] == [True, False, False]
    about = {"subjects": [first, second], "incidents": [one, two], "reason": "Reason A"}
    await act(at, "subjects.merged.v1", one, about)
    assert [await is_side(at, each) for each in (two, one, apart)] == [True, True, False]
    assert not await is_side(at, one, COUNCIL)
    await act(at, "subjects.split.v1", two, about)
    assert not await is_side(at, one)


@pytest.mark.parametrize("corrected", [[0], [1], [0, 1]], ids=["here", "there", "both"])
async def test_a_merge_counts_on_where_a_correction_gave_the_child_another_id_and_a_split_ends_it(
    at: Doorway, corrected: list[int]
) -> None:
    (one, first), (two, second) = await refer(at), await refer(at)
    await shut_out(at, two, person="police-reviewer")
    about = {"subjects": [first, second], "incidents": [one, two], "reason": "Reason A"}
    await act(at, "subjects.merged.v1", one, about)
    for each in corrected:
        await correct(at, [one, two][each])
    assert await is_side(at, one)
    await act(at, "subjects.split.v1", one, about)
    assert not await is_side(at, one)


async def test_a_child_that_was_corrected_away_is_found_there_no_more(at: Doorway) -> None:
    incident, wrong = await refer(at)
    await correct(at, incident)
    facts = await at.ground.facts(incident)
    right = next(fact for fact in facts if fact.name == "incident.corrected").data.children[0]
    assert right.age_at_incident == 8
    assert await found(at, wrong) == ([], [])
    assert await found(at, right.subject) == ([incident], [])


async def test_no_word_of_a_correction_or_a_recall_stays_outside_a_parcel(at: Doorway) -> None:
    incident, _ = await refer(at)
    words = {"summary": "Phrase corrected", "reasons": [{"field": "summary", "reason": "Reason corrected"}]}
    receipt = await act(at, "incident.corrected.v1", incident, words)
    recall = {"event": receipt["facts"][0], "because": "sent_in_error", "reason": "Reason recalled"}
    await act(at, "incident.recalled.v1", incident, recall)
    for fact in await at.ground.facts(incident):
        for phrase in (b"Phrase", b"Reason"):
            assert phrase not in fact.to_json()
    sealed = str(await at.ground.opened())
    assert all(phrase in sealed for phrase in ("Phrase corrected", "Reason corrected", "Reason recalled"))


async def test_a_recall_of_what_was_never_stated_and_words_of_another_incident_are_refused(at: Doorway) -> None:
    incident, _ = await refer(at)
    approver = at.as_(COUNCIL, "authority-approver", "approver")
    recall = {"event": "never-stated", "because": "sent_in_error", "reason": "Reason A"}
    answer = await approver.send(event("incident.recalled.v1", recall, agency=COUNCIL, subject=incident))
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/data/event"]
    foreign = {"summary": f"vault:{'0' * 32}", "reasons": [{"field": "summary", "reason": "Reason A"}]}
    answer = await approver.send(event("incident.corrected.v1", foreign, agency=COUNCIL, subject=incident))
    assert answer.status_code == 422
    notifier = at.as_(POLICE)
    answer = await notifier.send(event("incident.recalled.v1", recall, agency=POLICE, subject=incident))
    assert answer.status_code == 403
