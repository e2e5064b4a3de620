"""Erasing takes two people, a due record and no hold; a person's own record holds third parties back."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from contracts.identifiers import mint, mint_reference
from contracts.vault import Purpose
from shared.database import Database
from shared.vault_client import OwnReach, Sealable, VaultRefused
from shared.verify import verify
from tests.integration.test_vault_looks import told, unable_to_add_to
from tests.stacks import Stack
from tests.vaults import APPROVER, OFFICER, UNIT, World, identity, narrative, person, until, vault_world

SOUTHMERE_UNIT = person("business_unit", "southmere", name="southmere-business-unit")
REASON = mint_reference()


@pytest.fixture(scope="module")
async def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with vault_world(stack, tmp_path_factory.mktemp("vault-erasing"), "vault_e") as made:
        yield made


async def refused(asking: Any) -> tuple[int, str]:
    with pytest.raises(VaultRefused) as answer:
        await asking
    return answer.value.status, str(answer.value.problem["type"]).rpartition(":")[2]


async def a_child(world: World, incident: str | None = None, **who: Any) -> tuple[str, str, Sealable]:
    incident, child = incident or mint("incident"), mint("subject")
    known = identity(incident, child, **who)
    await world.filed(await world.source.send(known))
    return incident, child, known


async def test_nobody_erases_alone(world: World) -> None:
    _, child, known = await a_child(world)
    erase, propose = world.client.erase, world.client.propose_erasure
    assert await refused(erase(child, reason_ref=REASON, caller=UNIT)) == (409, "needs-a-second-person")
    await propose(child, reason_ref=REASON, caller=UNIT)
    assert await refused(erase(child, reason_ref=REASON, caller=UNIT)) == (409, "needs-a-second-person")
    assert [each["proposedBy"] for each in await waiting(world, child)] == ["business-unit-manager"]
    await erase(child, reason_ref=REASON, caller=OFFICER)
    shown = await world.client.reveal([known.ref], purpose=Purpose.TRIAGE, caller=APPROVER)
    assert shown[known.ref].status == "erased"
    (row,) = await world.rows("select proposed_by, decided_by from erasure where owner = $1", child)
    assert (row["proposed_by"], row["decided_by"]) == ("business-unit-manager", "business-unit-officer")
    assert await waiting(world, child) == []


async def waiting(world: World, owner: str) -> list[dict[str, Any]]:
    return [each for each in await world.client.proposed_erasures(caller=UNIT) if each["owner"] == owner]


async def test_a_proposal_taken_back_and_one_overtaken_by_a_hold_erase_nothing(world: World) -> None:
    incident, child, known = await a_child(world)
    propose, erase, hold = world.client.propose_erasure, world.client.erase, world.client.hold
    await propose(child, reason_ref=REASON, caller=OFFICER)
    await propose(child, "withdrawn", reason_ref=REASON, caller=OFFICER)
    assert await refused(erase(child, reason_ref=REASON, caller=UNIT)) == (409, "needs-a-second-person")
    await propose(child, reason_ref=REASON, caller=OFFICER)
    await hold(incident, "placed", reason_ref=REASON, caller=UNIT)
    assert await refused(erase(child, reason_ref=REASON, caller=UNIT)) == (409, "legal-hold")
    assert await refused(propose(child, reason_ref=REASON, caller=UNIT)) == (409, "legal-hold")
    shown = await world.client.reveal([known.ref], purpose=Purpose.TRIAGE, caller=APPROVER)
    assert shown[known.ref].status == "present"


async def test_another_partnerships_business_unit_proposes_and_sees_nothing_here(world: World) -> None:
    _, child, _ = await a_child(world)
    propose = world.client.propose_erasure
    assert await refused(propose(child, reason_ref=REASON, caller=SOUTHMERE_UNIT)) == (404, "not-found")
    assert await refused(propose(child, reason_ref=REASON, caller=APPROVER)) == (403, "not-permitted")
    await propose(child, reason_ref=REASON, caller=OFFICER)
    assert await world.client.proposed_erasures(caller=SOUTHMERE_UNIT) == []
    assert await refused(world.client.proposed_erasures(caller=APPROVER)) == (404, "not-found")


async def test_whose_erasure_is_proposed_is_told_only_once_the_asking_is_recorded(world: World) -> None:
    _, child, _ = await a_child(world)
    await world.client.propose_erasure(child, reason_ref=REASON, caller=OFFICER)
    asked = "select who from search where what = 'erasure_proposals' order by id desc limit 1"
    assert await waiting(world, child)
    assert [row["who"] for row in await world.rows(asked)] == [UNIT.id]
    async with unable_to_add_to(world, "search"):
        answer = await world.http.get("/v1/erasures/proposals", headers=await world.as_service(UNIT))
    assert answer.status_code >= 500
    assert child not in answer.text


async def test_the_log_verifies_after_an_erasure_and_names_nobody(world: World) -> None:
    incident, child, known = await a_child(world)
    await world.client.reveal([known.ref], purpose=Purpose.TRIAGE, caller=APPROVER, incident=incident)
    await world.erase(child)

    async def sequenced() -> bool:
        return not await world.rows("select 1 from waiting limit 1")

    await until(sequenced)
    database = Database(world.data.runtime_url, pool_size=1)
    try:
        verdict = await verify(database)
    finally:
        await database.close()
    assert verdict.positions > 0
    assert verdict.whole, verdict.findings


async def test_the_due_list_counts_by_class_names_the_source_and_says_what_it_cannot_reckon(world: World) -> None:
    incident, child, _ = await a_child(world)
    _, looked_after, _ = await a_child(world, dateOfBirth="1950-06-01", name="Child Old")
    _, undated, _ = await a_child(world, dateOfBirth=None, name="Child Undated")
    long_ago = "update item set filed_at = now() - interval '31 years' where incident = $1"
    assert child not in await due(world)
    await world.rows(long_ago, incident)
    for owner in (looked_after, undated):
        await world.client.classify(owner, "looked_after_record", reason_ref=REASON, caller=UNIT)
    listed = await world.client.retention_due(await world.client.retention_owners(caller=UNIT), caller=UNIT)
    found = {one["owner"]: one for one in listed["due"]}
    assert {incident, child, looked_after} <= found.keys()
    assert (found[child]["status"], found[child]["years"]) == ("L", 30)
    assert found[looked_after]["due"] == "2025-06-01"
    assert undated in [one["owner"] for one in listed["cannotBeReckoned"]]
    looks = (await world.client.looks(caller=UNIT, subject=looked_after))["items"]
    assert [(one["purpose"], one["who"]) for one in looks] == [("erasure_review", "business-unit-manager")]
    await world.client.hold(incident, "placed", reason_ref=REASON, caller=UNIT)
    await world.client.propose_erasure(looked_after, reason_ref=REASON, caller=OFFICER)
    found = await due(world)
    assert found[child]["held"] == [incident]
    assert found[looked_after]["proposedBy"] == "business-unit-officer"
    await world.erase(looked_after)
    assert looked_after not in await due(world)


async def due(world: World) -> dict[str, Any]:
    owners = await world.client.retention_owners(caller=UNIT)
    return {one["owner"]: one for one in (await world.client.retention_due(owners, caller=UNIT))["due"]}


async def test_a_birth_is_a_recorded_look_where_what_follows_from_it_is_shown_and_nowhere_else(world: World) -> None:
    told_of, another, young = [
        (await a_child(world, dateOfBirth=born, name=f"Child {born}"))[:2]
        for born in ("1950-06-02", "1950-06-03", "2019-06-04")
    ]
    for _, child in (told_of, another, young):
        await world.client.classify(child, "looked_after_record", reason_ref=REASON, caller=UNIT)

    async def looks() -> list[int]:
        of = [await world.client.looks(caller=UNIT, subject=child) for _, child in (told_of, another, young)]
        return [len(each["items"]) for each in of]

    owners = await world.client.retention_owners(caller=UNIT)
    assert [child in owners for _, child in (told_of, another, young)] == [True, True, False]
    assert await looks() == [0, 0, 0], "ids alone were told"
    (listed,) = (await world.client.retention_due([told_of[1], young[1]], caller=UNIT))["due"]
    assert (listed["owner"], listed["due"]) == (told_of[1], "2025-06-02")
    assert await looks() == [1, 0, 0]
    facts = [await told(world, incident) for incident, _ in (told_of, another, young)]
    assert [[fact.data.purpose for fact in each] for each in facts] == [[Purpose.ERASURE_REVIEW], [], []]
    for broken in ("look", "search"):
        async with unable_to_add_to(world, broken):
            headers = await world.as_service(UNIT)
            answer = await world.http.post("/v1/retention/due", json={"owners": [another[1]]}, headers=headers)
        assert answer.status_code >= 500
        assert "2025-06-03" not in answer.text
    none = await world.client.retention_due([], caller=UNIT)
    assert (none["due"], none["cannotBeReckoned"]) == ([], [])
    assert none["schedule"]


async def test_the_due_list_is_for_the_partnerships_own_business_unit_and_not_shown_unrecorded(world: World) -> None:
    incident, _, _ = await a_child(world)
    await world.rows("update item set filed_at = now() - interval '31 years' where incident = $1", incident)
    assert await world.client.retention_owners(caller=SOUTHMERE_UNIT) == []
    assert (await world.client.retention_due([incident], caller=SOUTHMERE_UNIT))["due"] == []
    assert await refused(world.client.retention_owners(caller=APPROVER)) == (403, "not-permitted")
    assert await refused(world.client.retention_due([incident], caller=APPROVER)) == (403, "not-permitted")
    wrong = world.client.classify(incident, "looked_after_record", reason_ref=REASON, caller=UNIT)
    assert await refused(wrong) == (422, "invalid")
    async with unable_to_add_to(world, "search"):
        headers = await world.as_service(UNIT)
        answer = await world.http.get("/v1/retention/owners", headers=headers)
    assert answer.status_code >= 500
    assert incident not in answer.text


async def test_a_persons_own_record_gives_who_they_are_and_holds_back_all_that_may_speak_of_others(
    world: World,
) -> None:
    incident, child, other = mint("incident"), mint("subject"), mint("subject")
    own, sibling = identity(incident, child, name="Child Own"), identity(incident, other, name="Child Sibling")
    alone, both = narrative(incident, "alone words", child), narrative(incident, "both words", child, other)
    contact = Sealable(mint_reference(), "contact", {"name": "Officer Held"}, incident=incident, subjects=(child,))
    await world.filed(await world.source.send(own, sibling, alone, both, contact))
    await world.client.reveal([own.ref], purpose=Purpose.TRIAGE, caller=APPROVER, incident=incident)

    here: dict[str, Any] = {"reach": OwnReach(frozenset({incident})), "caller": UNIT}
    record = await world.client.access_record([child], **here)
    assert [(one["reference"], one["value"]["name"]) for one in record["given"]] == [(own.ref, "Child Own")]
    assert {one["reference"]: one["why"] for one in record["heldBack"]} == {
        alone.ref: "words",
        both.ref: "speaks_of_others",
        contact.ref: "third_party",
    }
    assert "Sibling" not in str(record)
    assert "Officer Held" not in str(record)
    assert [(one["who"], one["purpose"]) for one in record["looks"]] == [
        ("business-unit-manager", "subject_access"),
        ("authority-approver", "triage"),
    ]

    released = await world.client.access_record([child], **here, released=[alone.ref])
    assert "alone words" in str(released["given"])
    assert "both words" not in str(released)
    for ref in (contact.ref, sibling.ref, mint_reference()):
        assert await refused(world.client.access_record([child], **here, released=[ref])) == (422, "invalid")


async def test_a_persons_own_record_opens_names_and_tells_nothing_of_an_incident_that_it_was_not_asked_for(
    world: World,
) -> None:
    child, open_, closed = mint("subject"), mint("incident"), mint("incident")
    shown, hidden = identity(open_, child, name="Child Open"), identity(closed, child, name="Child Closed")
    words = narrative(closed, "closed words", child)
    await world.filed(await world.source.send(shown, hidden, words))
    for one, incident in ((shown, open_), (hidden, closed)):
        await world.client.reveal([one.ref], purpose=Purpose.TRIAGE, caller=APPROVER, incident=incident)

    assert await world.client.incidents_about([child], caller=UNIT) == sorted([open_, closed])
    record = await world.client.access_record([child], OwnReach(frozenset({open_})), caller=UNIT)
    assert [one["reference"] for one in record["given"]] == [shown.ref]
    assert record["heldBack"] == []
    assert [(one["purpose"], one["incident"]) for one in record["looks"]] == [
        ("subject_access", None),
        ("triage", open_),
    ]
    looks = await world.rows("select look from looked_at where ref = any($1::text[])", [hidden.ref, words.ref])
    assert len(looks) == 1, "the look for triage, and none that nobody was shown"
    assert [fact.data.purpose for fact in await told(world, closed)] == ["triage"]
    assert [fact.data.purpose for fact in await told(world, open_)] == ["triage", "subject_access"]

    releasing = world.client.access_record([child], OwnReach(frozenset({open_})), caller=UNIT, released=[words.ref])
    assert await refused(releasing) == (422, "invalid")
    nothing = await world.client.access_record([child], OwnReach(frozenset()), caller=UNIT)
    assert (nothing["given"], nothing["heldBack"], nothing["looks"], nothing["look"]) == ([], [], [], None)


async def test_a_persons_own_record_is_the_business_units_to_make_and_is_not_made_unrecorded(world: World) -> None:
    incident, child, _ = await a_child(world, name="Child Unrecorded")
    about, record = world.client.incidents_about, world.client.access_record
    assert await refused(about([child], caller=APPROVER)) == (403, "purpose-not-yours")
    assert await refused(record([child], OwnReach(frozenset({incident})), caller=APPROVER)) == (
        403,
        "purpose-not-yours",
    )
    assert await refused(about([child], caller=SOUTHMERE_UNIT)) == (404, "not-found")
    assert await refused(about([mint("subject")], caller=UNIT)) == (404, "not-found")
    elsewhere = await record([child], OwnReach(frozenset({incident})), caller=SOUTHMERE_UNIT)
    assert (elsewhere["given"], elsewhere["heldBack"], elsewhere["looks"]) == ([], [], [])
    asked = {"subjects": [child], "incidents": [incident]}
    for table in ("search", "look", "fact"):
        async with unable_to_add_to(world, table):
            headers = await world.as_service(UNIT)
            answer = await world.http.post("/v1/subject-access", json=asked, headers=headers)
        assert answer.status_code >= 500
        assert "Unrecorded" not in answer.text
    async with unable_to_add_to(world, "search"):
        answer = await world.http.post("/v1/subject-access/incidents", json={"subjects": [child]}, headers=headers)
    assert answer.status_code >= 500
    assert incident not in answer.text


async def test_a_persons_own_record_gives_of_an_incident_that_is_open_in_part_what_was_told_and_no_look_at_others_words(
    world: World,
) -> None:
    incident, child = mint("incident"), mint("subject")
    own, again = identity(incident, child, name="Child Told"), identity(incident, child, name="Child Untold")
    words, others = narrative(incident, "told words", child), narrative(incident, "untold words", child)
    await world.filed(await world.source.send(own, again, words, others))
    await world.client.reveal([others.ref], purpose=Purpose.TRIAGE, caller=APPROVER, incident=incident)
    reach = OwnReach(frozenset(), frozenset({incident}), frozenset({own.ref, words.ref}))

    record = await world.client.access_record([child], reach, caller=UNIT)
    assert [one["reference"] for one in record["given"]] == [own.ref]
    assert [one["reference"] for one in record["heldBack"]] == [words.ref]
    assert record["looks"] == [], "they are the words of another agency"
    releasing = world.client.access_record([child], reach, caller=UNIT, released=[others.ref])
    assert await refused(releasing) == (422, "invalid")
    police = replace(UNIT, agency="northshire-police")
    theirs = await world.client.access_record([child], reach, caller=police)
    assert [one["who"] for one in theirs["looks"]] == [UNIT.id, UNIT.id, APPROVER.id]

    whole = OwnReach(frozenset({incident}), untold=frozenset({others.ref}))
    record = await world.client.access_record([child], whole, caller=UNIT)
    assert {one["reference"] for one in (*record["given"], *record["heldBack"])} == {own.ref, again.ref, words.ref}
    releasing = world.client.access_record([child], whole, caller=UNIT, released=[others.ref])
    assert await refused(releasing) == (422, "invalid")
