"""The retention schedule says where each period is from and how far that is verified, and reckons no day too early."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from contracts.vault import Purpose
from services.vault.access_record import Asked, why_held
from services.vault.looking import Asking
from services.vault.retention import Kept, default_class, due, schedule
from services.vault.reveal import Reveal
from shared.identity import Caller

FILED = date(2026, 3, 10)


def test_every_class_names_its_source_and_how_far_it_was_verified() -> None:
    assert all(line.source and line.status in "VLDU" for line in schedule().values())
    assert "V" not in {line.status for line in schedule().values()}  # no national rule was found (DOMAIN section 5)


def test_a_record_of_no_chosen_class_is_kept_thirty_years_from_what_was_last_filed() -> None:
    for owner in ("incident-1", "subject-1"):
        (one,) = due([Kept(owner, default_class(owner).id, FILED)])
        assert one.on == date(2056, 3, 10)


@pytest.mark.parametrize(
    ("record_class", "born", "on"),
    [
        ("looked_after_record", date(2019, 3, 4), date(2094, 3, 4)),
        ("school_child_protection_file", date(2019, 3, 4), date(2044, 3, 4)),
        ("school_child_protection_file", date(2020, 2, 29), date(2045, 3, 1)),
        ("looked_after_record", date(2021, 2, 28), date(2096, 2, 28)),
    ],
)
def test_some_classes_count_from_birth_and_a_leap_day_never_ends_early(record_class: str, born: date, on: date) -> None:
    (one,) = due([Kept("subject-1", record_class, FILED, born)])
    assert one.on == on


def test_what_cannot_be_reckoned_is_told_last_and_never_assumed() -> None:
    unknown = Kept("subject-1", "looked_after_record", FILED)
    known = Kept("subject-2", "subject_of_safeguarding", FILED)
    assert [(one.owner, one.on) for one in due([unknown, known])] == [
        ("subject-2", date(2056, 3, 10)),
        ("subject-1", None),
    ]


@pytest.mark.parametrize(
    ("kind", "subject", "spoken_of", "why"),
    [
        ("identity", "subject-1", (), None),
        ("identity", "subject-2", (), "third_party"),
        ("contact", None, ("subject-1",), "third_party"),
        ("narrative", None, ("subject-1",), "words"),
        ("narrative", None, ("subject-1", "subject-2"), "speaks_of_others"),
        ("place", None, ("subject-1",), "words"),
        ("document", None, (), "document"),
        ("quarantine", None, (), "third_party"),
    ],
)
def test_only_who_the_person_is_is_given_by_itself(
    kind: str, subject: str | None, spoken_of: tuple[str, ...], why: str | None
) -> None:
    assert why_held(kind, subject, spoken_of, Asked(frozenset({"subject-1"}), frozenset())) == why


def test_what_speaks_of_somebody_found_to_be_the_same_child_speaks_of_no_other() -> None:
    asked = Asked(frozenset({"subject-1", "subject-2"}), frozenset())
    assert why_held("narrative", None, ("subject-1", "subject-2"), asked) == "words"
    assert why_held("identity", "subject-2", (), asked) is None


async def test_nothing_asked_for_is_nothing_shown_and_no_look() -> None:
    nothing: Any = None  # whatever were asked of a database, or of the keys, would fail
    asking = Asking(Caller("service", "gateway"), Caller("person", "somebody"), Purpose.TRIAGE)
    shown = await Reveal(nothing, nothing, nothing, nothing).reveal([], asking, datetime(2026, 1, 1, tzinfo=UTC))
    assert shown == (None, {})
