"""What the doctor says of a feed: who stopped reading it has a fault, who is a little late or has not begun a note."""

from typing import Any

import pytest
from safeguarding_exchange.doctor.findings import FAULT, NOTE, WELL
from safeguarding_exchange.doctor.https import standing

NOON = "2026-11-02T12:00:00+00:00"


def _state(lag: int, seen_at: str | None, test_at: str | None = NOON) -> dict[str, Any]:
    test = {"sequence": 40, "at": test_at, "seen": lag == 0}
    return {"last": 40, "lag": lag, "lastSeenAt": seen_at, "lastTest": test if test_at else None}


@pytest.mark.parametrize(
    ("state", "expected", "said"),
    [
        (_state(0, "2026-11-02T12:00:01+00:00"), WELL, "everything was read, 40 of 40"),
        ({"last": 0, "lag": 0}, WELL, "nothing stands in it yet"),
        (_state(40, None), NOTE, "none of the 40 in it was ever read"),
        (_state(1, "2026-11-02T11:59:59+00:00"), NOTE, "waiting: 1 of 40"),
        (_state(9, "2026-11-02T11:30:00+00:00"), NOTE, "waiting: 9 of 40"),
        (
            _state(9, "2026-11-02T11:29:59+00:00"),
            FAULT,
            "nothing was read since 2026-11-02T11:29:59+00:00, waiting: 9 of 40",
        ),
        (_state(9, "2026-10-02T12:00:00+00:00", None), NOTE, "waiting: 9 of 40"),
        (_state(0, "2026-11-02T10:00:00+00:00"), WELL, "everything was read, 40 of 40"),
    ],
)
def test_whoever_has_stopped_reading_is_told_so(state: dict[str, Any], expected: str, said: str) -> None:
    found = standing(state)
    assert found.standing == expected
    assert said in found.said
    assert (found.remedy is None) == (expected == WELL)
