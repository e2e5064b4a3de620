"""Every look and every search is on record before it is answered, and the owner of the record is told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson
import pytest

from contracts.catalogue import parse
from contracts.identifiers import mint
from contracts.vault import Purpose, RecordRead
from shared.identity import Caller
from shared.vault_client import VaultAway, VaultRefused, unreadable
from tests.stacks import Stack
from tests.vaults import APPROVER, OPERATOR, UNIT, World, identity, narrative, person, plain, vault_world


@pytest.fixture(scope="module")
async def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with vault_world(stack, tmp_path_factory.mktemp("vault-looks"), "vault_l") as made:
        yield made


async def told(world: World, incident: str) -> list[Any]:
    """The facts by which owners are told, of one incident, oldest first."""
    question = "select event from fact where type = 'record.read.v1' and subject = $1 order by id"
    return [parse(orjson.loads(row["event"])) for row in await world.rows(question, incident)]


@asynccontextmanager
async def unable_to_add_to(world: World, table: str) -> AsyncIterator[None]:
    owner = await asyncpg.connect(plain(world.data.owner_url))
    try:
        await owner.execute(f'revoke insert on "{table}" from "{world.data.runtime_role}"')
        yield
    finally:
        await owner.execute(f'grant insert on "{table}" to "{world.data.runtime_role}"')
        await owner.close()


async def test_the_owner_of_a_record_is_told_who_read_it_and_why_and_nothing_of_what_stood_there(world: World) -> None:
    incident, child = mint("incident"), mint("subject")
    who, words = identity(incident, child, name="Child Told"), narrative(incident, "told words", child)
    await world.filed(await world.source.send(who, words))
    await world.client.reveal([who.ref, words.ref], purpose=Purpose.TRIAGE, caller=APPROVER, incident=incident)
    (fact,) = await told(world, incident)
    assert (fact.partnership, fact.source) == ("northshire", "/services/vault")
    data = fact.data
    assert isinstance(data, RecordRead)
    assert (data.reader, data.roles, data.agency) == ("authority-approver", ("approver",), "northshire-council")
    assert (data.purpose, data.incident, data.subjects) == (Purpose.TRIAGE, incident, (child,))
    assert (data.owners, data.kinds) == (("northshire-police",), ("identity", "narrative"))
    assert b"told" not in fact.to_json().lower()
    (look,) = (await world.client.looks(caller=UNIT, incident=incident))["items"]
    assert look["look"] == data.look


async def test_a_look_into_two_incidents_tells_the_owners_of_both(world: World) -> None:
    one, two = mint("incident"), mint("incident")
    words = [narrative(incident) for incident in (one, two)]
    await world.filed(await world.source.send(*words))
    await world.client.reveal([each.ref for each in words], purpose=Purpose.TRIAGE, caller=APPROVER)
    facts = [*await told(world, one), *await told(world, two)]
    assert [fact.data.incident for fact in facts] == [one, two]
    assert len({fact.data.look for fact in facts}) == 1


async def test_of_a_look_into_two_incidents_the_record_of_one_names_nothing_of_the_other(world: World) -> None:
    one, two = mint("incident"), mint("incident")
    words = [narrative(incident) for incident in (one, two)]
    await world.filed(await world.source.send(*words))
    await world.client.reveal([each.ref for each in words], purpose=Purpose.TRIAGE, caller=APPROVER)
    for incident, own in zip((one, two), words, strict=True):
        (look,) = (await world.client.looks(caller=UNIT, incident=incident))["items"]
        assert look["references"] == [own.ref]


async def test_what_nobody_could_read_is_nobodys_record(world: World) -> None:
    spoilt = unreadable(b"spoilt", kind="quarantine", origin={"reason": "not-json"}, incident=mint("incident"))
    await world.filed(await world.source.send(spoilt))
    await world.client.reveal([spoilt.ref], purpose=Purpose.QUARANTINE_INSPECTION, caller=OPERATOR)
    assert await told(world, str(spoilt.incident)) == []


@pytest.mark.parametrize("broken", ["look", "looked_at", "fact"])
async def test_where_a_look_cannot_be_recorded_or_told_nothing_is_shown(world: World, broken: str) -> None:
    words = narrative(mint("incident"), "must not be shown")
    await world.filed(await world.source.send(words))
    async with unable_to_add_to(world, broken):
        headers = await world.as_service(APPROVER)
        asked = {"refs": [words.ref], "purpose": "triage"}
        answer = await world.http.post("/v1/reveal", json=asked, headers=headers)
    assert answer.status_code >= 500
    assert "must not be shown" not in answer.text
    shown = await world.client.reveal([words.ref], purpose=Purpose.TRIAGE, caller=APPROVER)
    assert shown[words.ref].value == "must not be shown"
    assert len(await world.rows("select 1 from looked_at where ref = $1", words.ref)) == 1


async def test_a_search_is_recorded_with_what_was_asked(world: World) -> None:
    incident = mint("incident")
    await world.client.looks(caller=UNIT, incident=incident)
    await world.client.likenesses(caller=UNIT, incident=incident)
    rows = await world.rows("select * from search where asked @> array[$1] order by id", incident)
    assert [(row["what"], row["who"], row["service"]) for row in rows] == [
        ("looks", "business-unit-manager", "gateway"),
        ("likenesses", "business-unit-manager", "gateway"),
    ]


async def test_where_a_search_cannot_be_recorded_it_is_not_answered(world: World) -> None:
    async with unable_to_add_to(world, "search"):
        for search in (
            world.client.looks(caller=UNIT, incident=mint("incident")),
            world.client.likenesses(caller=UNIT),
        ):
            with pytest.raises(VaultAway):
                await search
        with pytest.raises(VaultAway):
            await world.client.quarantine(caller=OPERATOR)


@pytest.mark.parametrize(
    ("caller", "purpose"),
    [
        (person("partner"), Purpose.NOTIFICATION_APPROVAL),
        (person("notifier"), Purpose.NOTIFICATION_APPROVAL),
        (person("scrutineer"), Purpose.TRIAGE),
        (APPROVER, Purpose.SUBJECT_ACCESS),
        (OPERATOR, Purpose.TRIAGE),
        (Caller("agency", "northshire-police", "northshire-police"), Purpose.NOTIFICATION_DRAFTING),
    ],
)
async def test_a_purpose_that_the_role_does_not_serve_shows_nothing(
    world: World, caller: Caller, purpose: Purpose
) -> None:
    words = narrative(mint("incident"))
    await world.filed(await world.source.send(words))
    with pytest.raises(VaultRefused) as refused:
        await world.client.reveal([words.ref], purpose=purpose, caller=caller)
    assert refused.value.status == 403
    assert refused.value.problem["type"].endswith(":purpose-not-yours")


async def test_a_document_that_never_was_and_another_partnerships_are_answered_alike(world: World) -> None:
    async def content() -> AsyncIterator[bytes]:
        yield b"a note"

    kept = await world.client.file_document(
        content(), incident=mint("incident"), partnership="northshire", caller=APPROVER
    )
    headers = await world.as_service(person("approver", "southmere"))
    theirs = await world.http.get(f"/v1/documents/{kept.ref}?purpose=triage", headers=headers)
    none = await world.http.get(f"/v1/documents/vault:{'0' * 32}?purpose=triage", headers=headers)
    assert theirs.status_code == none.status_code == 404
    assert without_trace(theirs.json()) == without_trace(none.json())


def without_trace(problem: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in problem.items() if name != "trace"}


async def test_of_another_partnership_only_what_the_service_found_open_to_the_caller_is_shown(world: World) -> None:
    incident, other = mint("incident"), mint("incident")
    words, closed = narrative(incident, "open words"), narrative(other)
    await world.filed(await world.source.send(words, closed))
    participant = person("approver", "southmere")
    for way in ({}, {"opened": [other]}, {"incident": other}):
        with pytest.raises(VaultRefused) as refused:
            await world.client.reveal([words.ref], purpose=Purpose.TRIAGE, caller=participant, **way)
        assert refused.value.status == 404
    for way in ({"opened": [incident]}, {"incident": incident}):
        shown = await world.client.reveal([words.ref], purpose=Purpose.TRIAGE, caller=participant, **way)
        assert shown[words.ref].value == "open words"
    refs = [words.ref, closed.ref]
    with pytest.raises(VaultRefused):
        await world.client.reveal(refs, purpose=Purpose.TRIAGE, caller=participant, opened=[incident])
