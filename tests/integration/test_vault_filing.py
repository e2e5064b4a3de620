"""From a sealed parcel to a recorded look, with the vault as a process of its own."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import asyncpg
import httpx
import pytest
from kafka.errors import TopicAlreadyExistsError

from contracts.identifiers import mint, mint_reference
from contracts.vault import Purpose
from shared.credentials import ServiceCredentials, private_key
from shared.identity import Caller, audience_of
from shared.vault_client import NotYetFiled, VaultAway, VaultRefused, keep
from tests.stacks import Stack
from tests.vaults import APPROVER, UNIT, World, identity, narrative, person, plain, until, vault_world


@pytest.fixture(scope="module")
async def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    for topic, partitions in (("safeguarding.vault", 6), ("safeguarding.checkpoints", 1)):
        with suppress(TopicAlreadyExistsError):  # the broker is the whole session's
            stack.create_topic(topic, partitions)
    async with vault_world(stack, tmp_path_factory.mktemp("vault")) as made:
        yield made


async def test_what_was_sealed_is_revealed_for_a_stated_purpose(world: World) -> None:
    incident, child = mint("incident"), mint("subject")
    words, who = narrative(incident, "he had not been seen for a week", child), identity(incident, child)
    await world.source.send(words, who)
    shown = await world.client.reveal([words.ref, who.ref], purpose=Purpose.TRIAGE, caller=APPROVER, incident=incident)
    assert shown[words.ref].value == "he had not been seen for a week"
    assert shown[who.ref].value["dateOfBirth"] == "2019-03-04"
    assert {one.status for one in shown.values()} == {"present"}


async def test_a_reference_not_yet_collected_is_collected_at_once(world: World) -> None:
    incident = mint("incident")
    words = narrative(incident)
    await world.source.send(words)
    shown = await world.client.reveal([words.ref], purpose=Purpose.TRIAGE, caller=APPROVER)
    assert shown[words.ref].status == "present"


async def test_a_reference_that_cannot_be_had_is_not_yet_filed_and_never_not_found(world: World) -> None:
    ref = mint_reference()
    with pytest.raises(NotYetFiled) as missing:
        await world.client.reveal([ref], purpose=Purpose.TRIAGE, caller=APPROVER)
    assert missing.value.refs == (ref,)


async def test_each_look_says_who_why_and_at_what(world: World) -> None:
    incident, child = mint("incident"), mint("subject")
    words, place = narrative(incident, "words", child), narrative(incident, "more words")
    await world.source.send(words, place)
    await world.client.reveal([words.ref, place.ref], purpose=Purpose.TRIAGE, caller=APPROVER, incident=incident)
    both, one = {words.ref, place.ref}, {words.ref}  # of a look, only what was asked about is named
    for asked, named in (({"incident": incident}, both), ({"subject": child}, one), ({"reference": words.ref}, one)):
        (look,) = (await world.client.looks(caller=UNIT, **asked))["items"]
        assert look["who"] == "authority-approver"
        assert look["service"] == "gateway"
        assert look["purpose"] == "triage"
        assert set(look["references"]) == named
    elsewhere = person("business_unit", "southmere")
    assert (await world.client.looks(caller=elsewhere, incident=incident))["items"] == []


async def test_looks_come_a_page_at_a_time(world: World) -> None:
    incident = mint("incident")
    words = narrative(incident)
    await world.source.send(words)
    for _ in range(3):
        await world.client.reveal([words.ref], purpose=Purpose.TRIAGE, caller=APPROVER)
    headers = await world.as_service(UNIT)
    seen, cursor = [], ""
    for _ in range(3):
        page = await world.http.get(f"/v1/looks?incident={incident}&limit=1{cursor}", headers=headers)
        seen.append(page.json()["items"][0]["look"])
        cursor = f"&cursor={page.json()['next']}"
    assert seen == sorted(set(seen), reverse=True)


@pytest.mark.parametrize(
    ("purpose", "caller", "status"),
    [
        (Purpose.TRIAGE, None, 403),
        (Purpose.LIKENESS_CHECK, APPROVER, 403),
        (Purpose.QUARANTINE_INSPECTION, APPROVER, 403),
        (Purpose.TRIAGE, person("approver", "southmere"), 404),
    ],
)
async def test_what_a_purpose_does_not_reach_is_not_shown(
    world: World, purpose: Purpose, caller: object, status: int
) -> None:
    words = narrative(mint("incident"))
    await world.source.send(words)
    with pytest.raises(VaultRefused) as refused:
        await world.client.reveal([words.ref], purpose=purpose, caller=caller)  # type: ignore[arg-type]
    assert refused.value.status == status


async def test_an_agencys_own_system_can_stand_behind_a_look(world: World) -> None:
    words = narrative(mint("incident"))
    await world.source.send(words)
    police = Caller("agency", "northshire-police", "northshire-police", partnerships=frozenset({"northshire"}))
    shown = await world.client.reveal([words.ref], purpose=Purpose.TRIAGE, caller=police)
    assert shown[words.ref].status == "present"
    (look,) = (await world.client.looks(caller=UNIT, reference=words.ref))["items"]
    assert (look["kind"], look["who"]) == ("agency", "northshire-police")


async def test_another_incidents_words_are_not_shown_under_this_one(world: World) -> None:
    words = narrative(mint("incident"))
    await world.source.send(words)
    with pytest.raises(VaultRefused) as refused:
        await world.client.reveal([words.ref], purpose=Purpose.TRIAGE, caller=APPROVER, incident=mint("incident"))
    assert refused.value.status == 404


async def test_only_services_may_ask(world: World) -> None:
    asked = {"refs": [mint_reference()], "purpose": "triage"}
    assert (await world.http.post("/v1/reveal", json=asked)).status_code == 401
    answer = await world.http.post("/v1/reveal", json=asked, headers={"authorization": "Bearer nonsense"})
    assert answer.status_code == 401
    unlisted = asked | {"purpose": "curiosity"}
    answer = await world.http.post("/v1/reveal", json=unlisted, headers=await world.as_service(APPROVER))
    assert answer.status_code == 422


async def test_a_look_that_cannot_be_recorded_shows_nothing(world: World) -> None:
    words = narrative(mint("incident"), "the words that must not be shown")
    await world.filed(await world.source.send(words))
    owner = await asyncpg.connect(plain(world.data.owner_url))
    try:
        await owner.execute(f'revoke insert on looked_at from "{world.data.runtime_role}"')
        asked = {"refs": [words.ref], "purpose": "triage"}
        answer = await world.http.post("/v1/reveal", json=asked, headers=await world.as_service(APPROVER))
        assert answer.status_code >= 500
        assert "must not be shown" not in answer.text
        with pytest.raises(VaultAway):
            await world.client.reveal([words.ref], purpose=Purpose.TRIAGE, caller=APPROVER)
        assert not await owner.fetch("select 1 from looked_at where ref = $1", words.ref)
    finally:
        await owner.execute(f'grant insert on looked_at to "{world.data.runtime_role}"')
        await owner.close()
    assert (await world.client.reveal([words.ref], purpose=Purpose.TRIAGE, caller=APPROVER))[words.ref].value


async def test_the_record_of_looks_cannot_be_rewritten(world: World) -> None:
    runtime = await asyncpg.connect(plain(world.data.runtime_url))
    try:
        for table in ("look", "looked_at", "item", "erasure", "hold", "fact"):
            for step in (f"delete from {table}", f"update {table} set {'owner' if table == 'hold' else 'ctid'} = null"):
                with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.FeatureNotSupportedError)):
                    await runtime.execute(step)
    finally:
        await runtime.close()


async def test_a_row_moved_into_anothers_place_is_not_shown(world: World) -> None:
    incident, other = mint("incident"), mint("incident")
    mine, theirs = narrative(incident, "mine"), narrative(incident, "theirs")
    elsewhere = narrative(other, "of another incident")
    await world.filed(await world.source.send(mine, theirs), await world.source.send(elsewhere))
    await world.rows(
        "update item i set ciphertext = (select ciphertext from item j where j.ref = $2) where i.ref = $1",
        mine.ref,
        theirs.ref,
    )
    await world.rows("update item set incident = $2 where ref = $1", elsewhere.ref, incident)
    shown = await world.client.reveal(
        [mine.ref, theirs.ref, elsewhere.ref], purpose=Purpose.TRIAGE, caller=APPROVER, incident=incident
    )
    assert (shown[mine.ref].status, shown[mine.ref].value) == ("damaged", None)
    assert (shown[elsewhere.ref].status, shown[elsewhere.ref].value) == ("damaged", None)
    assert shown[theirs.ref].value == "theirs"


async def test_a_parcel_that_cannot_be_opened_is_kept_and_alarms_and_holds_nobody_up(world: World) -> None:
    incident = mint("incident")
    words = narrative(incident, "good words")
    sealed = world.source.sealer.seal([narrative(incident)], partnership="northshire", agency=None)
    spoilt = replace(sealed, ciphertext=b"\x00")
    async with world.source.database.transaction() as tx:
        await keep(tx, [spoilt])
    stuck = spoilt.id
    good = await world.source.send(words)
    await world.filed(good)
    assert stuck in await world.source.waiting()
    (noted,) = await world.rows("select why, source from unopened_parcel where parcel = $1", stuck)
    assert (noted["why"], noted["source"]) == ("does-not-open", "gateway")

    async def alarmed() -> bool:
        return "sx_parcels_unopened 1.0" in (await world.http.get("/metrics")).text

    await until(alarmed)
    assert (await world.http.get("/health/ready")).json()["components"]["parcels"]["status"] == "warning"
    async with world.source.database.transaction() as tx:
        await tx.connection.exec_driver_sql("delete from parcel where id = $1", (stuck,))
    await world.rows("delete from unopened_parcel where parcel = $1", stuck)


async def test_a_reference_is_never_filed_over(world: World) -> None:
    first = narrative(mint("incident"), "the first words")
    await world.filed(await world.source.send(first))
    forged = await world.source.send(type(first)(first.ref, "narrative", "other words", incident=first.incident))

    async def noted() -> bool:
        rows = await world.rows("select 1 from unopened_parcel where parcel = $1 and why = 'reference-taken'", forged)
        return bool(rows)

    await until(noted)
    shown = await world.client.reveal([first.ref], purpose=Purpose.TRIAGE, caller=APPROVER)
    assert shown[first.ref].value == "the first words"
    async with world.source.database.transaction() as tx:
        await tx.connection.exec_driver_sql("delete from parcel where id = $1", (forged,))
    await world.rows("delete from unopened_parcel where parcel = $1", forged)


async def test_killed_between_filing_and_confirming_it_files_nothing_twice_and_loses_nothing(world: World) -> None:
    incident = mint("incident")
    items = [narrative(incident, f"words {number}") for number in range(5)]
    world.source.gate.clear()
    world.source.confirming.clear()
    parcels = [await world.source.send(item) for item in items]

    async def all_filed() -> bool:
        rows = await world.rows("select 1 from item where incident = $1", incident)
        return len(rows) == 5 and world.source.confirming.is_set()

    try:
        await until(all_filed)
    finally:
        world.vault.kill()
        world.source.gate.set()
    assert set(parcels) <= set(await world.source.waiting())
    await world.vault.start()
    await world.filed(*parcels)
    assert len(await world.rows("select 1 from item where incident = $1", incident)) == 5
    shown = await world.client.reveal([item.ref for item in items], purpose=Purpose.TRIAGE, caller=APPROVER)
    assert sorted(one.value for one in shown.values()) == [f"words {number}" for number in range(5)]


async def test_nobody_but_the_vault_may_collect(world: World) -> None:
    here = audience_of("gateway")
    key = Path(world.vault.environment["SX_CLIENT_KEY_FILE"]).with_name("notifications.pem")
    async with httpx.AsyncClient(base_url=world.source.url) as http:
        other = ServiceCredentials(world.vault.environment["SX_ISSUER"], "notifications", private_key(key), http)
        for token, status in ((None, 401), (await other.token(here), 404)):
            headers = {"authorization": f"Bearer {token}"} if token else {}
            assert (await http.get("/internal/parcels", headers=headers)).status_code == status
            for door in ("collected", "covered", "again", "retire-key"):
                body = {"parcels": [], "key_id": "seal-1"}
                answer = await http.post(f"/internal/parcels/{door}", json=body, headers=headers)
                assert answer.status_code == status


def test_the_master_key_file_is_for_its_owner_alone(world: World) -> None:
    assert (Path(world.folder) / "master-keys").stat().st_mode & 0o077 == 0
