"""Cursors are opaque, and nobody can bend one."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.pages import Cursors
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
