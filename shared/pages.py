"""Long lists a page at a time: an opaque cursor says where the next page begins, signed so that nobody can bend it."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict

from shared.problems import Fault, Problem

Item = TypeVar("Item")

_SIGNATURE_BYTES = 16


class Page(BaseModel, Generic[Item]):
    """One page; `next` is the cursor of the one after it, absent on the last."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    items: Sequence[Item]
    next: str | None = None


class Cursors:
    """Signs and opens the cursors of one service, whose processes share `key`."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def encode(self, position: Mapping[str, Any], *, of: str) -> str:
        """The cursor of a position in the list `of` (name the query and whose it is: it opens nowhere else)."""
        content = orjson.dumps(dict(position))
        return base64.urlsafe_b64encode(self._sign(content, of) + content).rstrip(b"=").decode()

    def decode(self, cursor: str, *, of: str) -> dict[str, Any]:
        """The position that `encode` was given. Problem 400 for a cursor that is not ours or not of this list."""
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise _bad_cursor() from None
        signature, content = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(content, of)):
            raise _bad_cursor()
        position: dict[str, Any] = orjson.loads(content)
        return position

    def _sign(self, content: bytes, of: str) -> bytes:
        message = of.encode() + b"\0" + content
        return hmac.new(self._key, message, hashlib.sha256).digest()[:_SIGNATURE_BYTES]


def _bad_cursor() -> Problem:
    remedy = "Begin again without a cursor, or use the one that the last page gave."
    return Problem(400, "bad-cursor", "Not a cursor of this list", remedy, [Fault("/query/cursor", "cursor", remedy)])
