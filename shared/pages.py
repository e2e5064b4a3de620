"""Long lists a page at a time: a cursor says where the next page begins, sealed so that nobody can read or bend it."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import orjson
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from pydantic import BaseModel, ConfigDict

from shared.problems import Fault, Problem

Item = TypeVar("Item")
Row = TypeVar("Row")
Place = TypeVar("Place")

MOST_READ = 500
"""Rows that are read at once to fill a page."""

MOST_LOOKED_AT = 1_000
"""Rows that are looked at for one page: a list of which the caller may see next to nothing must not be read whole."""


class Page(BaseModel, Generic[Item]):
    """One page; `next` is the cursor of the one after it, absent on the last."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    items: Sequence[Item]
    next: str | None = None


async def page_of(
    rows: Callable[[Place, int], Awaitable[Sequence[Row]]],
    shown: Callable[[Row], Awaitable[Item | None]],
    place: Callable[[Row], Place],
    after: Place,
    limit: int,
) -> tuple[list[Item], Any]:
    """A page of the rows that are shown at all, and where the next begins; None where there is nothing more to show.

    `rows` are those behind a place, at most so many, in order. So what is not shown makes no page shorter and ends no
    page: only behind MOST_LOOKED_AT rows a page may be short and have a next one.
    """
    items: list[Item] = []
    last, size, looked = after, limit + 1, 0
    while looked < MOST_LOOKED_AT:
        found = await rows(after, size)
        for row in found:
            item = await shown(row)
            if item is not None and len(items) == limit:
                return items, last
            after = place(row)
            if item is not None:
                items.append(item)
                last = after
        if len(found) < size:
            return items, None
        looked += len(found)
        size = min(size * 2, MOST_READ)
    return items, after


class Cursors:
    """Seals and opens the cursors of one service, whose processes share `key`. Of one place there is one cursor."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def encode(self, position: Mapping[str, Any], *, of: str) -> str:
        """The cursor of a position in the list `of` (name the query and whose it is: it opens nowhere else)."""
        content = orjson.dumps(dict(position))
        # The nonce follows from what is sealed, so two different positions never have the same.
        nonce = self._derived(b"nonce", of.encode() + b"\0" + content)[: SecretBox.NONCE_SIZE]
        return base64.urlsafe_b64encode(self._box(of).encrypt(content, nonce)).rstrip(b"=").decode()

    def decode(self, cursor: str, *, of: str) -> dict[str, Any]:
        """The position that `encode` was given. Problem 400 for a cursor that is not ours or not of this list."""
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            content = self._box(of).decrypt(raw)
        except (binascii.Error, ValueError, CryptoError):
            raise _bad_cursor() from None
        position: dict[str, Any] = orjson.loads(content)
        return position

    def _box(self, of: str) -> SecretBox:
        return SecretBox(self._derived(b"key", of.encode()))

    def _derived(self, use: bytes, message: bytes) -> bytes:
        return hmac.digest(self._key, use + b"\0" + message, hashlib.sha256)


def _bad_cursor() -> Problem:
    remedy = "Begin again without a cursor, or use the one that the last page gave."
    return Problem(400, "bad-cursor", "Not a cursor of this list", remedy, [Fault("/query/cursor", "cursor", remedy)])
