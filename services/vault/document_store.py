"""Keeps documents in encrypted chunks under their incident's key, and gives them back as a recorded look."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import insert, select

from contracts.identifiers import mint_reference
from services.vault import tables
from services.vault.ciphers import Damaged, binding, lock, unlock
from services.vault.key_store import KeyStore
from services.vault.looking import Asking
from services.vault.parcels import place_of
from services.vault.reveal import Reveal, bound_to, check
from shared.database import Database
from shared.documents import ACCEPTED, SIZE_LIMIT, NotAccepted, inspected
from shared.identity import Caller
from shared.problems import Fault, Problem, not_found

log = logging.getLogger(__name__)

CHUNK = 256 * 1024
HEARD_OUT = 2 * SIZE_LIMIT
"""Bytes: up to here a sender of too much is heard out and told so; beyond, the connection is cut."""

AT_ONCE = 4
"""How many uploads one process takes at a time, each of them held in memory until it has been looked into."""


@dataclass(frozen=True)
class Sent:
    """What is said of a document as it comes. `name` is as private as its content."""

    incident: str
    partnership: str
    by: Caller
    name: str
    declared: str | None
    at: datetime


@dataclass(frozen=True)
class Kept:
    """A document that was filed."""

    ref: str
    media_type: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Opened:
    """A document as it is given back; `chunks` decrypts as it goes."""

    media_type: str
    size: int
    sha256: str
    name: str
    chunks: AsyncIterator[bytes]


class DocumentStore:
    """Files and gives back documents."""

    def __init__(self, database: Database, keys: KeyStore, reveal: Reveal) -> None:
        self._database = database
        self._keys = keys
        self._reveal = reveal
        self._room = asyncio.Semaphore(AT_ONCE)

    async def file(self, sent: Sent, stream: AsyncIterator[bytes]) -> Kept:
        """Files a document. Problems: 413 over `SIZE_LIMIT`, 422 for what may not be kept, 409 once erased."""
        async with self._room:
            content, sha256 = await _received(stream)
            try:
                media_type = await inspected(bytes(content), sent.declared)
            except NotAccepted as refused:
                allowed = ", ".join(ACCEPTED) if refused.rule.startswith("type") else None
                fault = Fault("", refused.rule, str(refused), allowed)
                title = "This document is not kept"
                about = {"rule": refused.rule, "incident": sent.incident, "by": sent.by.id, "agency": sent.by.agency}
                log.warning("a document was refused", extra=about)
                raise Problem(422, "document-refused", title, str(refused), [fault]) from None
            kept = Kept(mint_reference(), media_type, len(content), sha256)
            await self._file(sent, kept, memoryview(content))
            return kept

    async def _file(self, sent: Sent, kept: Kept, content: memoryview) -> None:
        key = (await self._keys.for_filing({sent.incident})).get(sent.incident)
        if key is None:
            raise Problem(409, "erased", "Erased", "This incident was erased: nothing more is filed under it.")
        row: dict[str, Any] = {
            "ref": kept.ref,
            "kind": "document",
            "owner": sent.incident,
            "incident": sent.incident,
            "subject": None,
            "partnership": sent.partnership,
            "sealed_at": sent.at,
        }
        about = {"name": sent.name, "mediaType": kept.media_type, "size": kept.size, "sha256": kept.sha256}
        ciphertext = lock(key, orjson.dumps(about), place_of(**row))
        facts = {"ref": kept.ref, "media_type": kept.media_type, "size": kept.size, "sha256": kept.sha256}
        count = chunks_of(kept.size)
        async with self._database.transaction() as tx:
            item = insert(tables.item).values(**row, agency=sent.by.agency, ciphertext=ciphertext)
            await tx.connection.execute(item)
            await tx.connection.execute(insert(tables.document).values(**facts, filed_by=sent.by.id))
            for number in range(count):
                piece = bytes(content[number * CHUNK : (number + 1) * CHUNK])
                chunk = lock(key, piece, _place(kept.ref, number, count))
                values = {"ref": kept.ref, "number": number, "ciphertext": chunk}
                await tx.connection.execute(insert(tables.document_chunk).values(values))

    async def open(self, ref: str, asking: Asking, at: datetime, *, own: bool = False) -> Opened:
        """A document, its look recorded first; with `own` only one that the asker's agency filed. Problems: 404, 410
        once erased.

        A document is filed before anybody is told its reference: one that is not here never was, and is answered 404
        like another incident's, or whoever guesses would learn which there are.
        """
        item, document = tables.item, tables.document
        found = select(item, document.c.media_type, document.c.size, document.c.sha256)
        async with self._database.reading() as connection:
            joined = found.join_from(item, document, document.c.ref == item.c.ref)
            row = (await connection.execute(joined.where(item.c.ref == ref))).first()
        if row is None or (own and (row.agency is None or row.agency != asking.who.agency)):
            raise not_found()
        check([row], asking)
        await self._reveal.record([row], asking, at)
        key = (await self._keys.for_reading([row.owner])).get(row.owner)
        if key is None:
            raise Problem(410, "erased", "Erased", "This document was erased.")
        about = orjson.loads(unlock(key, bytes(row.ciphertext), bound_to(row)))
        return Opened(row.media_type, row.size, row.sha256, about["name"], self._chunks(ref, key, row.size))

    async def _chunks(self, ref: str, key: bytes, size: int) -> AsyncIterator[bytes]:
        count = chunks_of(size)
        chunk = tables.document_chunk
        for number in range(count):
            there = select(chunk.c.ciphertext).where(chunk.c.ref == ref, chunk.c.number == number)
            async with self._database.reading() as connection:
                ciphertext = await connection.scalar(there)
            if ciphertext is None:
                raise Damaged("a chunk of a document is gone")
            yield unlock(key, bytes(ciphertext), _place(ref, number, count))


def chunks_of(size: int) -> int:
    """In how many chunks a document of so many bytes is kept."""
    return -(-size // CHUNK)


def _place(ref: str, number: int, count: int) -> bytes:
    """Which document, which chunk, of how many: none can be left out, repeated or moved."""
    return binding("chunk", ref, number, count)


async def _received(stream: AsyncIterator[bytes]) -> tuple[bytearray, str]:
    content, digest, over = bytearray(), hashlib.sha256(), False
    async for piece in stream:
        over = over or len(content) + len(piece) > SIZE_LIMIT
        if over:
            # what still comes is thrown away: a sender who is cut off never hears why
            content.clear()
            continue
        content += piece
        digest.update(piece)
    if over:
        remedy = f"A document may have {SIZE_LIMIT // (1024 * 1024)} MB at most: send it in parts, or smaller."
        raise Problem(413, "too-large", "Document too large", remedy)
    return content, digest.hexdigest()
