"""Documents, likely twins, the quarantine, and that nothing outside a ciphertext says who or what."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from contracts.identifiers import mint
from contracts.vault import Purpose
from services.vault.noticing import MOST_ALIKE
from shared.documents import SIZE_LIMIT
from shared.vault_client import Sealable, VaultRefused, unreadable
from tests.stacks import Stack
from tests.vaults import (
    APPROVER,
    OPERATOR,
    UNIT,
    World,
    identity,
    narrative,
    person,
    plain,
    until,
    vault_world,
)


@pytest.fixture(scope="module")
async def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with vault_world(stack, tmp_path_factory.mktemp("vault-holdings"), "vault_h") as made:
        yield made


async def pieces(content: bytes, size: int = 64 * 1024) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


NOTE = ("A long note about a visit. " * 40_000).encode()


async def test_a_document_comes_back_as_it_was_sent_and_each_fetch_is_a_look(world: World) -> None:
    incident = mint("incident")
    kept = await world.client.file_document(
        pieces(NOTE),
        incident=incident,
        partnership="northshire",
        caller=APPROVER,
        name="chronology – März.txt",
        declared="text/plain",
    )
    assert (kept.size, kept.media_type) == (len(NOTE), "text/plain")
    assert kept.sha256 == hashlib.sha256(NOTE).hexdigest()
    async with world.client.document(kept.ref, purpose=Purpose.TRIAGE, caller=APPROVER, incident=incident) as document:
        assert document.size == len(NOTE)
        assert "chronology%20%E2%80%93%20M%C3%A4rz.txt" in document.disposition
        assert b"".join([chunk async for chunk in document.chunks]) == NOTE
    (look,) = (await world.client.looks(caller=UNIT, reference=kept.ref))["items"]
    assert (look["who"], look["purpose"]) == ("authority-approver", "triage")
    shown = await world.client.reveal([kept.ref], purpose=Purpose.TRIAGE, caller=APPROVER)
    assert shown[kept.ref].value["name"] == "chronology – März.txt"


async def test_a_document_over_the_limit_is_refused_however_it_is_sent(world: World) -> None:
    over = bytes(SIZE_LIMIT + 1)
    arguments = {"incident": mint("incident"), "partnership": "northshire"}
    headers = await world.as_service(APPROVER)
    whole = await world.http.post("/v1/documents", params=arguments, content=over, headers=headers)
    assert whole.status_code == 413
    with pytest.raises(VaultRefused) as refused:
        await world.client.file_document(pieces(over), caller=APPROVER, **arguments)
    assert refused.value.status == 413
    assert not await world.rows("select 1 from item where incident = $1", arguments["incident"])


async def test_a_document_of_exactly_the_limit_is_kept(world: World) -> None:
    most = b"words\n" * (SIZE_LIMIT // 6) + b"." * (SIZE_LIMIT % 6)
    kept = await world.client.file_document(
        pieces(most, 1024 * 1024), incident=mint("incident"), partnership="northshire", caller=APPROVER
    )
    assert kept.size == SIZE_LIMIT


@pytest.mark.parametrize(
    ("content", "declared", "rule"),
    [
        (b"MZ" + bytes(62) + b"This program cannot be run in DOS mode", "application/pdf", "executable"),
        (b"a plain note", "application/pdf", "type-not-what-it-says"),
        (b"\x00\x01\x02\x03", "application/octet-stream", "type-not-accepted"),
    ],
)
async def test_a_document_that_is_not_what_it_says_is_refused_with_the_rule(
    world: World, content: bytes, declared: str, rule: str
) -> None:
    with pytest.raises(VaultRefused) as refused:
        await world.client.file_document(
            pieces(content),
            incident=mint("incident"),
            partnership="northshire",
            caller=APPROVER,
            declared=declared,
        )
    assert refused.value.status == 422
    assert refused.value.problem["errors"][0]["rule"] == rule


async def test_a_chunk_in_anothers_place_breaks_the_document_off(world: World) -> None:
    kept = await world.client.file_document(
        pieces(NOTE), incident=mint("incident"), partnership="northshire", caller=APPROVER
    )
    swap = "update document_chunk set number = 3 - number where ref = $1 and number in (1, 2)"
    await world.rows("alter table document_chunk drop constraint document_chunk_pkey")
    await world.rows(swap, kept.ref)
    await world.rows("alter table document_chunk add primary key (ref, number)")
    with pytest.raises(httpx.HTTPError):
        await read_through(world, kept.ref)


async def test_a_document_whose_look_cannot_be_recorded_is_not_shown(world: World) -> None:
    kept = await world.client.file_document(
        pieces(b"must not be shown"), incident=mint("incident"), partnership="northshire", caller=APPROVER
    )
    owner = await asyncpg.connect(plain(world.data.owner_url))
    try:
        await owner.execute(f'revoke insert on look from "{world.data.runtime_role}"')
        headers = await world.as_service(APPROVER)
        answer = await world.http.get(f"/v1/documents/{kept.ref}?purpose=triage", headers=headers)
    finally:
        await owner.execute(f'grant insert on look to "{world.data.runtime_role}"')
        await owner.close()
    assert answer.status_code >= 500
    assert b"must not be shown" not in answer.content


async def test_likely_twins_are_proposed_as_a_fact_and_never_merged(world: World) -> None:
    first, second, third = (mint("incident") for _ in range(3))
    known, same, other = (mint("subject") for _ in range(3))
    one = identity(first, known, name="Katherine Johnson", nhsNumber="9434765919", address="1 High Street")
    two = identity(second, same, name="Katharine Johnson", nhsNumber="9434765919")
    away = identity(third, other, name="Katherine Johnson", nhsNumber="9434765919")
    await world.filed(await world.source.send(one, event="event-one"))
    await world.filed(
        await world.source.send(two, event="event-two"),
        await world.source.send(away, partnership="southmere", event="event-three"),
    )
    (found,) = await world.client.likenesses(caller=UNIT, incident=second)
    assert found["subjects"] == [known, same]
    assert set(found["likenesses"]) == {"same_nhs_number", "like_name_and_same_date_of_birth"}
    assert found["events"] == ["event-one", "event-two"]
    assert await world.client.likenesses(caller=person("business_unit", "southmere"), incident=third) == []
    (fact,) = await world.rows("select type, subject, topic, event from fact where subject = $1", second)
    assert (fact["type"], fact["topic"]) == ("subject.likeness-noticed.v1", "safeguarding.vault")
    said = json.loads(fact["event"])["data"]
    assert said["subjects"] == [known, same]
    assert said["events"] == ["event-one", "event-two"]
    refs = [one.ref, two.ref]
    shown = await world.client.reveal(refs, purpose=Purpose.LIKENESS_CHECK, caller=UNIT)
    assert [shown[ref].value["name"] for ref in refs] == ["Katherine Johnson", "Katharine Johnson"]
    remains = await world.erase(known)
    assert remains["likelySame"] == [same]


async def test_children_of_one_event_are_not_taken_for_one_another(world: World) -> None:
    incident = mint("incident")
    twins = [identity(incident, mint("subject"), name=name) for name in ("Ann Lee", "Anne Lee")]
    await world.filed(await world.source.send(*twins))
    assert await world.client.likenesses(caller=UNIT, incident=incident) == []


async def test_the_quarantine_says_where_a_message_came_from_and_shows_its_bytes_to_a_recorded_look(
    world: World,
) -> None:
    raw = b"\xff\xfenot JSON, and a name in it"
    origin = {"topic": "partner.northshire-police.inbound", "partition": 0, "offset": 42, "reason": "not-json"}
    item = unreadable(raw, kind="quarantine", origin=origin)
    await world.filed(await world.source.send(item))
    (row,) = [r for r in (await world.client.quarantine(caller=OPERATOR))["items"] if r["reference"] == item.ref]
    assert {name: row[name] for name in origin} == origin
    assert (row["agency"], row["size"]) == ("northshire-police", len(raw))
    with pytest.raises(VaultRefused):
        await world.client.quarantine(caller=APPROVER)
    shown = await world.client.reveal([item.ref], purpose=Purpose.QUARANTINE_INSPECTION, caller=OPERATOR)
    assert base64.b64decode(shown[item.ref].value["bytes"]) == raw
    (look,) = (await world.client.looks(caller=UNIT, reference=item.ref))["items"]
    assert look["who"] == "operator"


async def test_a_parked_event_is_given_back_to_a_service_that_replays_it(world: World) -> None:
    item = unreadable(b"{}", kind="parked", origin={"topic": "safeguarding.incidents"}, incident=mint("incident"))
    await world.source.send(item)
    shown = await world.client.reveal([item.ref], purpose=Purpose.PARKED_REPLAY)
    assert base64.b64decode(shown[item.ref].value["bytes"]) == b"{}"


async def read_through(world: World, ref: str) -> None:
    async with world.client.document(ref, purpose=Purpose.TRIAGE, caller=APPROVER) as document:
        async for _ in document.chunks:
            pass


PLANTED = ("Zebedee", "Quixwood", "17 Wobblegate", "danced upon the moonlit gasworks", "9434765870", "2017-11-23")


async def test_no_word_lies_in_clear_in_either_database_nor_in_logs_traces_or_metrics(world: World) -> None:
    incident, child = mint("incident"), mint("subject")
    who = identity(
        incident,
        child,
        name="Zebedee Quixwood",
        dateOfBirth="2017-11-23",
        address="17 Wobblegate",
        nhsNumber="9434765870",
    )
    said = narrative(incident, "Zebedee danced upon the moonlit gasworks", child)
    place = Sealable(mint_ref(), "place", "17 Wobblegate", incident=incident)
    contact = Sealable(mint_ref(), "contact", {"name": "Zebedee Quixwood"}, incident=incident)
    spoilt = unreadable(b"Zebedee Quixwood, 17 Wobblegate", kind="quarantine", origin={"reason": "Zebedee Quixwood"})
    items = (who, said, place, contact, spoilt)
    await world.filed(await world.source.send(*items))
    kept = await world.client.file_document(
        pieces(b"Zebedee danced upon the moonlit gasworks"),
        incident=incident,
        partnership="northshire",
        caller=APPROVER,
        name="Zebedee Quixwood.txt",
    )
    async with world.client.document(kept.ref, purpose=Purpose.TRIAGE, caller=APPROVER) as document:
        assert b"Zebedee" in b"".join([chunk async for chunk in document.chunks])
    refs = [item.ref for item in items[:4]]
    assert "Zebedee" in str(await world.client.reveal(refs, purpose=Purpose.TRIAGE, caller=APPROVER))
    await refused_with_words(world, incident)
    tables = {of: await everything(world, of) for of in ("data", "keys")}
    metrics = (await world.http.get("/metrics")).text
    places = {
        **tables,
        "log": world.vault.log.read_text(),
        "traces": await traces(world),
        "metrics": metrics,
    }
    assert child in tables["data"], "the search looks where things lie"
    for where, content in places.items():
        for word in PLANTED:
            for written in (word, word.encode().hex(), base64.b64encode(word.encode()).decode()[:-4]):
                assert written.lower() not in content.lower(), f"{word!r} lies in the {where}"


def mint_ref() -> str:
    return "vault:" + mint("x").removeprefix("x-")


async def refused_with_words(world: World, incident: str) -> None:
    """Requests that fail, with words wherever words can be put."""
    headers = await world.as_service(APPROVER)
    bad = {"refs": ["Zebedee Quixwood"], "purpose": "Zebedee", "incident": "17 Wobblegate", "Zebedee": 1}
    assert (await world.http.post("/v1/reveal", json=bad, headers=headers)).status_code == 422
    assert "Zebedee" not in (await world.http.post("/v1/reveal", json=bad, headers=headers)).text
    for path in ("/v1/Zebedee", "/v1/documents/Zebedee?purpose=Quixwood", "/v1/looks?subject=Zebedee"):
        assert "Zebedee" not in (await world.http.get(path, headers=headers)).text
    # a parcel whose item breaks filing: the words must not come out with the exception
    odd = Sealable(mint_ref(), "identity", {"otherNames": 7, "name": "Zebedee"}, "subject", incident, mint("subject"))
    parcel = await world.source.send(odd)

    async def noted() -> bool:
        return bool(await world.rows("select 1 from unopened_parcel where parcel = $1", parcel))

    await until(noted)
    async with world.source.database.transaction() as tx:
        await tx.connection.exec_driver_sql("delete from parcel where id = $1", (parcel,))


async def everything(world: World, of: str) -> str:
    """Every row of a database, as text and with the bytes in hexadecimal."""
    tables = await world.rows("select tablename from pg_tables where schemaname = 'public'", of=of)
    found = []
    for table in tables:
        rows = await world.rows(f'select t::text as row from "{table["tablename"]}" t', of=of)
        found += [row["row"] for row in rows]
    return "\n".join(found)


async def traces(world: World) -> str:
    async def written() -> bool:
        return "/v1/reveal" in read()

    def read() -> str:
        return "\n".join(file.read_text() for file in (world.folder / "traces").glob("vault*.jsonl"))

    await until(written)
    return read()


async def test_a_child_that_comes_forty_times_is_paired_with_the_likest_few_each_time(world: World) -> None:
    who = {"name": "Child Again", "dateOfBirth": "2011-11-11"}
    sent = [await world.source.send(identity(mint("incident"), mint("subject"), **who)) for _ in range(40)]
    await world.filed(*sent)
    (row,) = await world.rows(
        "select count(*) as pairs, count(distinct filed) as told from likeness where filed in"
        " (select subject from item where parcel = any($1::text[]))",
        sent,
    )
    assert row["told"] == 39  # every one but the first is told of
    assert row["pairs"] <= 39 * MOST_ALIKE  # of 780
