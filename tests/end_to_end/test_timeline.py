"""The story of a scenario, as a newcomer reads it."""

from typing import Any

from infra.demo.timeline import reckoning_sentence


def _reckoned(**changed: Any) -> dict[str, Any]:
    return {
        "startedAt": "2026-08-27T23:10:00Z",
        "day0": "2026-08-28",
        "workingDays": 5,
        "due": "2026-09-07",
        "lateFrom": "2026-09-07T23:00:00Z",
        "notCounted": [
            {"day": "2026-08-29", "why": "Saturday"},
            {"day": "2026-08-30", "why": "Sunday"},
            {"day": "2026-08-31", "why": "Summer bank holiday"},
            {"day": "2026-09-05", "why": "Saturday"},
            {"day": "2026-09-06", "why": "Sunday"},
        ],
        "calendar": "2026-11-22",
    } | changed


def test_a_reckoning_is_told_in_a_sentence_by_the_clock_of_london() -> None:
    assert reckoning_sentence(_reckoned()) == (
        "aware Fri 28 Aug 2026 00:10 BST; Mon 31 Aug is Summer bank holiday; due end of Mon 7 Sep 2026"
    )


def test_a_clock_that_runs_from_the_referral_says_so() -> None:
    assert reckoning_sentence(_reckoned(notCounted=[], due="2026-08-31", workingDays=1), "referred") == (
        "referred Fri 28 Aug 2026 00:10 BST; due end of Mon 31 Aug 2026"
    )
