"""Files what parcels hold, each page of them in one transaction, under the keys of those it is about."""

import logging
import re
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from opentelemetry.trace import SpanKind
from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

from services.vault import tables
from services.vault.ciphers import lock
from services.vault.erasure import erased_among
from services.vault.key_store import KeyStore, NoSuchSealingKey
from services.vault.noticing import compare
from services.vault.parcels import OpenedParcel, SealedItem, Unopenable, open_parcel, place_of
from shared.clock import Clock
from shared.database import Appends, Database, Transaction, is_outage
from shared.telemetry import attach, tracer
from shared.vault_client.parcels import WaitingParcel

log = logging.getLogger(__name__)

_CODE = re.compile(r"[a-z][a-z0-9._-]{0,99}")


class Filing:
    """Opens and files parcels. Doing it again, after a crash or from two processes, changes nothing."""

    def __init__(self, database: Database, keys: KeyStore, event_log: Appends, clock: Clock) -> None:
        self._database = database
        self._keys = keys
        self._log = event_log
        self._clock = clock
        self._tracer = tracer(__name__)

    async def file(self, source: str, page: Sequence[WaitingParcel]) -> list[str]:
        """Files a page; the parcels that are filed now, or were before, and may be confirmed."""
        filed = await self._filed(parcel.id for parcel in page)
        opened = await self._open(source, [parcel for parcel in page if parcel.id not in filed])
        if opened:
            try:
                await self._file(source, opened)
                filed |= {waiting.id for waiting, _ in opened}
            except Exception as failure:
                if is_outage(failure):
                    raise
                # one of them stands in the way: do them again one by one, so that only that one stays behind
                filed |= await self._one_by_one(source, opened)
        return [parcel.id for parcel in page if parcel.id in filed]

    async def _filed(self, parcels: Iterable[str]) -> set[str]:
        known = tables.filed_parcel.c.parcel
        async with self._database.reading() as connection:
            return set((await connection.execute(select(known).where(known.in_(list(parcels))))).scalars())

    async def _open(self, source: str, page: Sequence[WaitingParcel]) -> list[tuple[WaitingParcel, OpenedParcel]]:
        opened = []
        private = {}
        for key_id in {parcel.key_id for parcel in page}:
            try:
                private[key_id] = await self._keys.private_sealing_key(key_id)
            except NoSuchSealingKey:
                log.error("parcels are sealed to a key that is not ours or was destroyed", extra={"key": key_id})
        for parcel in page:
            try:
                if parcel.key_id not in private:
                    raise Unopenable("no-such-key")
                opened.append((parcel, open_parcel(parcel, private[parcel.key_id])))
            except Unopenable as unopenable:
                await self._set_aside(source, parcel, unopenable.why)
        return opened

    async def _one_by_one(self, source: str, opened: Sequence[tuple[WaitingParcel, OpenedParcel]]) -> set[str]:
        filed = set()
        for waiting, parcel in opened:
            try:
                await self._file(source, [(waiting, parcel)])
                filed.add(waiting.id)
            except Exception as failure:
                if is_outage(failure):
                    raise
                if await self._filed([waiting.id]):
                    filed.add(waiting.id)  # another process of the vault was faster
                else:
                    taken = isinstance(failure, IntegrityError)
                    await self._set_aside(source, waiting, "reference-taken" if taken else "not-understood")
        return filed

    async def _set_aside(self, source: str, parcel: WaitingParcel, why: str) -> None:
        """Notes a parcel that stays where it is; the signal `unopened` alarms until it is gone."""
        log.error("a parcel could not be filed", extra={"parcel": parcel.id, "source": source, "why": why})
        row = {"parcel": parcel.id, "source": source, "key_id": parcel.key_id, "why": why}
        note = upsert(tables.unopened_parcel).values(row)
        again = note.on_conflict_do_update(
            index_elements=["parcel"], set_={"why": why, "last_at": func.clock_timestamp()}
        )
        async with self._database.transaction() as tx:
            await tx.connection.execute(again)

    async def _file(self, source: str, opened: Sequence[tuple[WaitingParcel, OpenedParcel]]) -> None:
        items = [(parcel, item) for _, parcel in opened for item in parcel.items]
        owners = {parcel.owner_of(item) for parcel, item in items}
        indexes = {_index(parcel) for parcel, item in items if item.kind == "identity"}
        keys = await self._keys.for_filing(owners | indexes)
        async with self._database.transaction(self._log) as tx:
            await tx.connection.execute(
                insert(tables.filed_parcel),
                [{"parcel": waiting.id, "source": source, "key_id": waiting.key_id} for waiting, _ in opened],
            )
            rows = [_row(parcel, item, keys) for parcel, item in items]
            await tx.connection.execute(insert(tables.item), rows)
            await _insert(tx, tables.mention, [m for _, item in items for m in _mentions(item)])
            await _insert(
                tx, tables.quarantined, [_origin(parcel, item) for parcel, item in items if item.kind == "quarantine"]
            )
            for index in sorted(indexes):
                # two that are filed at once must see each other
                await tx.connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(index))))
            known = {str(item.subject) for _, item in items if item.kind == "identity" and item.subject in keys}
            known -= await erased_among(tx, sorted(known))
            for _, parcel in opened:
                with (
                    attach(parcel.traceparent),
                    self._tracer.start_as_current_span(
                        "file parcel", kind=SpanKind.CONSUMER, record_exception=False, set_status_on_exception=False
                    ),
                ):
                    for item in parcel.items:
                        if item.kind == "identity" and item.subject in known:
                            await compare(tx, parcel, item, keys[_index(parcel)], self._clock.now())
            done = tables.unopened_parcel.c.parcel.in_([waiting.id for waiting, _ in opened])
            await tx.connection.execute(delete(tables.unopened_parcel).where(done))


def _index(parcel: OpenedParcel) -> str:
    return f"index-{parcel.partnership}"


def _row(parcel: OpenedParcel, item: SealedItem, keys: dict[str, bytes]) -> dict[str, Any]:
    owner = parcel.owner_of(item)
    row: dict[str, Any] = {
        "ref": item.ref,
        "kind": item.kind,
        "owner": owner,
        "incident": item.incident,
        "subject": item.subject,
        "partnership": parcel.partnership,
        "sealed_at": parcel.sealed_at,
    }
    # no key: its owner was erased before it came, so only the fact that it came is kept
    ciphertext = lock(keys[owner], orjson.dumps(item.value), place_of(**row)) if owner in keys else None
    return row | {
        "agency": parcel.agency,
        "event": parcel.event,
        "parcel": parcel.parcel,
        "ciphertext": ciphertext,
    }


def _mentions(item: SealedItem) -> list[dict[str, str]]:
    return [{"subject": subject, "ref": item.ref} for subject in sorted(set(item.subjects))]


def _origin(parcel: OpenedParcel, item: SealedItem) -> dict[str, Any]:
    """Where an unreadable message came from: codes and numbers, and nothing that is neither."""
    origin = item.value.get("origin")
    told = origin if isinstance(origin, dict) else {}
    codes = {name: told[name] if _CODE.fullmatch(str(told.get(name) or "")) else None for name in ("topic", "reason")}
    numbers = {name: told[name] if type(told.get(name)) is int else None for name in ("partition", "offset")}
    size = len(str(item.value.get("bytes") or "").rstrip("=")) * 3 // 4
    return {"ref": item.ref, "agency": parcel.agency, "size": size, **numbers, **codes}


async def _insert(tx: Transaction, table: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        await tx.connection.execute(insert(table), rows)
