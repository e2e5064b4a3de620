"""Cursors are opaque, and nobody can read or bend one; what is not shown makes no page shorter."""

import asyncio
import base64
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import pages
from shared.pages import Cursors, page_of
from shared.problems import Problem

cursors = Cursors(b"k" * 32)
positions = st.dictionaries(st.text(max_size=8), st.integers(-(2**53), 2**53) | st.text(max_size=20), max_size=4)


@given(positions)
def test_a_cursor_opens_to_what_it_was_made_of(position: dict[str, object]) -> None:
    assert cursors.decode(cursors.encode(position, of="incidents"), of="incidents") == position


@given(positions, st.data())
def test_a_cursor_with_any_bit_changed_is_refused(position: dict[str, object], data: st.DataObject) -> None:
    raw = bytearray(base64.urlsafe_b64decode(cursors.encode(position, of="incidents") + "=="))
    at = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[at // 8] ^= 1 << at % 8
    bent = base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()

    with pytest.raises(Problem) as refused:
        cursors.decode(bent, of="incidents")

    assert refused.value.status == 400


@given(st.text(max_size=60))
def test_nonsense_is_refused_with_400(text: str) -> None:
    with pytest.raises(Problem) as refused:
        cursors.decode(text, of="incidents")

    assert refused.value.status == 400


def test_a_cursor_opens_no_other_list_and_no_other_callers() -> None:
    cursor = cursors.encode({"after": 7}, of="incidents:northshire-police")

    with pytest.raises(Problem):
        cursors.decode(cursor, of="incidents:northshire-icb")
    with pytest.raises(Problem):
        Cursors(b"o" * 32).decode(cursor, of="incidents:northshire-police")


def test_a_cursor_tells_nobody_where_it_points_and_of_one_place_there_is_one() -> None:
    place = {"after": "incident-1"}
    cursor = cursors.encode(place, of="incidents")
    assert b"incident" not in base64.urlsafe_b64decode(cursor + "==")
    assert cursors.encode(place, of="incidents") == cursor
    others = {cursors.encode(other, of="incidents")[:32] for other in (place, {"after": "incident-2"}, {"after": 1})}
    assert len(others) == 3, "what is sealed differs, and so must the nonce"


def paged(shown: Sequence[bool], limit: int) -> list[list[int]]:
    """The pages of a list of numbers, of which some are shown."""

    async def rows(after: int, count: int) -> Sequence[int]:
        return range(after + 1, len(shown))[:count]

    async def seen(row: int) -> int | None:
        return row if shown[row] else None

    async def all_pages() -> list[list[int]]:
        found, after = [], -1
        while True:
            items, following = await page_of(rows, seen, lambda row: row, after, limit)
            found.append(items)
            if following is None:
                return found
            after = following

    return asyncio.run(all_pages())


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 8))
def test_pages_hold_what_is_shown_and_none_but_the_last_is_short(shown: list[bool], limit: int) -> None:
    found = paged(shown, limit)
    assert [row for page in found for row in page] == [row for row, seen in enumerate(shown) if seen]
    assert all(len(page) == limit for page in found[:-1])
    assert found[-1] or len(found) == 1


def test_a_page_looks_at_so_many_rows_and_the_next_one_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_LOOKED_AT", 30)
    assert [row for page in paged([False] * 200 + [True], 3) for row in page] == [200]
    assert len(paged([False] * 200 + [True], 3)) > 1
