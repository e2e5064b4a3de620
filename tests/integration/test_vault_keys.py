"""Keys that come and go: erasure, holds, restored backups, and the rotation of sealing and master keys."""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import httpx
import pytest

from contracts.identifiers import mint, mint_reference
from contracts.vault import Purpose
from services.vault.ciphers import MasterKeys
from services.vault.collector import Collector
from services.vault.filing import Filing
from services.vault.key_store import KeyStore, NoSuchSealingKey
from shared.clock import RealClock
from shared.credentials import ServiceCredentials, private_key
from shared.database import Database, Transaction
from shared.vault_client import Sealer, SealingKeyRetired, VaultRefused, keep
from tests.stacks import Stack
from tests.vaults import APPROVER, OPERATOR, ROOT, UNIT, World, identity, narrative, person, plain, until, vault_world


@pytest.fixture(scope="module")
async def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with vault_world(stack, tmp_path_factory.mktemp("vault-keys"), "vault_k") as made:
        yield made


class NoLog:
    """For filing what notices nobody."""

    async def append(self, tx: Transaction, stream: str, expected_version: int, facts: object) -> int:
        raise AssertionError("nothing was to be noticed here")


@asynccontextmanager
async def parts(world: World, *, held: bool = False) -> AsyncIterator[tuple[Collector, KeyStore]]:
    """The vault's collector and key store in this process, on the same databases, without waiting times."""
    data, key_database = Database(world.data.runtime_url), Database(world.keys.runtime_url)
    keys = KeyStore(key_database, lambda: MasterKeys.read(world.folder / "master-keys"))
    environment = world.vault.environment
    async with httpx.AsyncClient() as http:
        vault = private_key(Path(environment["SX_CLIENT_KEY_FILE"]))
        credentials = ServiceCredentials(environment["SX_ISSUER"], "vault", vault, http)
        filing = Filing(data, keys, NoLog(), RealClock())
        yield (
            Collector(
                [world.source.url],
                http,
                credentials.token,
                filing,
                data,
                keys,
                held_for_backup=held,
                retire_after=timedelta(0),
            ),
            keys,
        )
    await data.close()
    await key_database.close()


async def operate(world: World, path: str, body: object = None) -> httpx.Response:
    return await world.http.post(path, json=body, headers=await world.as_service(OPERATOR))


async def backed_up(world: World) -> None:
    answer = await operate(world, "/v1/backups", {"until": datetime.now(UTC).isoformat()})
    assert answer.status_code == 201


async def test_erasing_a_subject_destroys_its_key_and_says_what_remains(world: World) -> None:
    incident, child, other = mint("incident"), mint("subject"), mint("subject")
    who, twin = identity(incident, child, name="Katherine Johnson"), identity(incident, other, name="Child B")
    words = narrative(incident, "Katherine was seen on Monday", child, other)
    await world.filed(await world.source.send(who, words), await world.source.send(twin))
    document = await world.client.file_document(
        one_chunk(b"a plain note"), incident=incident, partnership="northshire", caller=APPROVER
    )
    remains = await world.erase(child)
    assert remains["narratives"] == [words.ref]
    assert remains["documents"] == [document.ref]
    shown = await world.client.reveal([who.ref, words.ref, twin.ref], purpose=Purpose.TRIAGE, caller=APPROVER)
    assert (shown[who.ref].status, shown[who.ref].value) == ("erased", None)
    assert shown[words.ref].status == shown[twin.ref].status == "present"
    assert not await world.rows("select 1 from trait where subject = $1", child)
    (key,) = await world.rows("select wrapped, destroyed_at from data_key where owner = $1", child, of="keys")
    assert key["wrapped"] is None
    assert key["destroyed_at"] is not None
    # again does no more
    assert await world.erase(child) == remains


async def test_what_comes_late_for_an_erased_subject_is_not_kept(world: World) -> None:
    incident, child = mint("incident"), mint("subject")
    await world.filed(await world.source.send(identity(incident, child)))
    await world.erase(child)
    late = identity(incident, child, name="Late Name")
    await world.filed(await world.source.send(late))
    assert (await world.client.reveal([late.ref], purpose=Purpose.TRIAGE, caller=APPROVER))[late.ref].status == "erased"
    (row,) = await world.rows("select ciphertext from item where ref = $1", late.ref)
    assert row["ciphertext"] is None
    assert not await world.rows("select 1 from trait where subject = $1", child)


async def test_erasing_an_incident_takes_its_words_and_documents_and_leaves_its_subjects(world: World) -> None:
    incident, child = mint("incident"), mint("subject")
    who, words = identity(incident, child), narrative(incident, "words", child)
    await world.filed(await world.source.send(who, words))
    document = await world.client.file_document(
        one_chunk(b"a plain note"), incident=incident, partnership="northshire", caller=APPROVER
    )
    remains = await world.erase(incident)
    assert remains["identities"] == [who.ref]
    assert remains["documents"] == []
    with pytest.raises(VaultRefused) as gone:
        async with world.client.document(document.ref, purpose=Purpose.TRIAGE, caller=APPROVER):
            pass
    assert gone.value.status == 410
    with pytest.raises(VaultRefused) as refused:
        await world.client.file_document(
            one_chunk(b"another note"), incident=incident, partnership="northshire", caller=APPROVER
        )
    assert refused.value.status == 409


async def test_a_legal_hold_on_either_side_refuses_erasure_until_it_is_lifted(world: World) -> None:
    incident, child = mint("incident"), mint("subject")
    await world.filed(await world.source.send(identity(incident, child), narrative(incident, "words", child)))
    reason = mint_reference()
    await world.client.hold(incident, "placed", reason_ref=reason, caller=UNIT)
    for owner in (incident, child):
        with pytest.raises(VaultRefused) as held:
            await world.erase(owner)
        assert held.value.status == 409
        assert held.value.problem["held"] == [incident]
    await world.client.hold(incident, "lifted", reason_ref=reason, caller=UNIT)
    await world.erase(child)


@pytest.mark.parametrize(
    ("caller", "status"),
    [(APPROVER, 403), (OPERATOR, 403), (person("business_unit", "southmere"), 404)],
)
async def test_only_the_partnerships_own_business_unit_decides_an_erasure(
    world: World, caller: object, status: int
) -> None:
    incident = mint("incident")
    await world.filed(await world.source.send(narrative(incident)))
    with pytest.raises(VaultRefused) as refused:
        await world.client.erase(incident, reason_ref=mint_reference(), caller=caller)  # type: ignore[arg-type]
    assert refused.value.status == status


async def test_an_erasure_is_applied_again_after_the_key_store_was_restored(world: World) -> None:
    incident, child = mint("incident"), mint("subject")
    who = identity(incident, child)
    await world.filed(await world.source.send(who))
    backup = await world.rows("select * from data_key where owner = $1", child, of="keys")
    await world.erase(child)
    world.vault.kill()
    await world.rows(
        "update data_key set master = $2, wrapped = $3, destroyed_at = null where owner = $1",
        child,
        backup[0]["master"],
        backup[0]["wrapped"],
        of="keys",
    )
    await world.rows("delete from tombstone where owner = $1", child, of="keys")
    await world.vault.start()
    shown = await world.client.reveal([who.ref], purpose=Purpose.TRIAGE, caller=APPROVER)
    assert shown[who.ref].status == "erased"
    assert await world.rows("select 1 from tombstone where owner = $1", child, of="keys")


async def test_an_erasure_is_remembered_when_the_data_was_restored(world: World) -> None:
    incident, child = mint("incident"), mint("subject")
    await world.filed(await world.source.send(identity(incident, child)))
    traits = await world.rows("select * from trait where subject = $1", child)
    await world.erase(child)
    world.vault.kill()
    await world.rows("delete from erasure where owner = $1", child)
    for row in traits:
        await world.rows("insert into trait values ($1, $2, $3, $4, $5)", *row.values())
    await world.vault.start()
    assert await world.rows("select 1 from erasure where owner = $1", child)
    assert traits
    assert not await world.rows("select 1 from trait where subject = $1", child)


async def test_an_old_parcel_cannot_be_opened_once_its_sealing_key_is_gone(world: World) -> None:
    old_sealer = Sealer(world.source.sealer.key)
    assert old_sealer.key is not None
    old = old_sealer.key.id
    words = narrative(mint("incident"), "sealed to the old key")
    stolen = old_sealer.seal([words], partnership="northshire", agency=None)
    async with world.source.database.transaction() as tx:
        await keep(tx, [stolen])
    await world.filed(stolen.id)
    rotated = (await operate(world, "/v1/sealing-keys/rotate")).json()["id"]
    async with parts(world) as (collector, keys):
        assert await collector.retire_keys() == [], "no backup covers it yet"
        await backed_up(world)
        assert await collector.retire_keys() == [], "the source still seals to it"
        # what the source seals to it meanwhile is still filed
        await world.filed(await world.source.send(narrative(mint("incident"))))
        await world.sealing_keys.refresh()
        assert world.source.sealer.key is not None
        assert world.source.sealer.key.id == rotated
        assert await collector.retire_keys() == [], "what was filed since is in no backup"
        await backed_up(world)
        assert await collector.retire_keys() == [old]
        with pytest.raises(NoSuchSealingKey):
            await keys.private_sealing_key(old)
        assert (await keys.current_sealing_key()).id == rotated
    # a process that slept through it all can seal nothing away for ever
    with pytest.raises(SealingKeyRetired):
        async with world.source.database.transaction() as tx:
            await keep(tx, [old_sealer.seal([words], partnership="northshire", agency=None)])
    # an old backup of the source brings the ciphertext back, and nothing opens it
    async with world.source.database.transaction() as tx:
        await tx.connection.exec_driver_sql(
            "insert into sealing_key values ($1, $2, false)", (old, old_sealer.key.public)
        )
        again = old_sealer.seal([words], partnership="northshire", agency=None)
        await keep(tx, [again])

    async def noted() -> bool:
        return bool(
            await world.rows("select 1 from unopened_parcel where parcel = $1 and why = 'no-such-key'", again.id)
        )

    await until(noted)
    async with world.source.database.transaction() as tx:
        await tx.connection.exec_driver_sql("delete from parcel where id = $1", (again.id,))
    await world.rows("delete from unopened_parcel where parcel = $1", again.id)


async def test_a_backup_cannot_be_recorded_ahead_of_time_nor_by_just_anyone(world: World) -> None:
    ahead = {"until": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}
    assert (await operate(world, "/v1/backups", ahead)).status_code == 422
    for path in ("/v1/backups", "/v1/sealing-keys/rotate", "/v1/master-keys/rewrap"):
        body = {"until": datetime.now(UTC).isoformat()}
        answer = await world.http.post(path, json=body, headers=await world.as_service(APPROVER))
        assert answer.status_code == 404


async def test_what_is_filed_stays_at_its_source_until_a_backup_covers_it(world: World) -> None:
    world.vault.kill()
    try:
        words = narrative(mint("incident"))
        parcel = await world.source.send(words)
        async with parts(world, held=True) as (collector, _):
            assert await collector.collect_all()
            assert await set_aside(world) == [parcel]
            # the vault's disk is lost, and its backup is from before
            await world.rows("delete from item where ref = $1", words.ref)
            await world.rows("delete from filed_parcel where parcel = $1", parcel)
            assert await collector.collect_again() == 1
            assert await collector.collect_all()
            assert await world.rows("select 1 from item where ref = $1", words.ref)
            assert await set_aside(world) == [parcel]
            await collector.release_covered()
            assert await set_aside(world) == [parcel]
            until_now = "insert into backup (until, recorded_by) values (clock_timestamp(), 'operator')"
            await world.rows(until_now)
            await collector.release_covered()
            assert await set_aside(world) == []
            assert await world.source.waiting() == []
    finally:
        await world.vault.start()


async def set_aside(world: World) -> list[str]:
    async with world.source.database.reading() as connection:
        found = await connection.exec_driver_sql("select id from parcel where collected_at is not null")
        return [row[0] for row in found]


async def test_a_new_master_key_wraps_every_key_and_the_old_one_can_go(world: World) -> None:
    incident = mint("incident")
    words = narrative(incident, "from before")
    await world.filed(await world.source.send(words))
    file = world.folder / "master-keys"
    old = MasterKeys.read(file).current
    done = subprocess.run(  # noqa: ASYNC221
        [sys.executable, "-m", "services.vault.master_key"],
        env=world.vault.environment | {"SX_MASTER_KEY_FILE": str(file)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    new = MasterKeys.read(file).current
    assert new in done.stdout
    assert (await operate(world, "/v1/master-keys/rewrap")).json()["keys"] > 0
    assert (await operate(world, "/v1/master-keys/rewrap")).json()["keys"] == 0
    for table in ("data_key", "sealing_key"):
        assert not await world.rows(f"select 1 from {table} where master = $1", old, of="keys")
    file.write_text(file.read_text().splitlines()[-1] + "\n")
    world.vault.kill()
    await world.vault.start()
    shown = await world.client.reveal([words.ref], purpose=Purpose.TRIAGE, caller=APPROVER)
    assert shown[words.ref].value == "from before"


async def test_without_its_master_key_file_the_vault_does_not_begin_anew(world: World) -> None:
    file = world.folder / "master-keys"
    aside = file.rename(world.folder / "aside")
    world.vault.kill()
    try:
        with pytest.raises(AssertionError, match="put back what SX_MASTER_KEY_FILE names"):
            await world.vault.start()
        assert not file.exists()
    finally:
        aside.rename(file)
        await world.vault.start()


async def test_the_runtime_role_cannot_forget_an_erasure(world: World) -> None:
    runtime = await asyncpg.connect(plain(world.keys.runtime_url))
    try:
        for step in ("delete from tombstone", "update tombstone set owner = ''", "delete from data_key"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await runtime.execute(step)
    finally:
        await runtime.close()


async def one_chunk(content: bytes) -> AsyncIterator[bytes]:
    yield content
