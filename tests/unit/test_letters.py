"""Letters: to office mailboxes of the authority with the duty, with dates and a reckoning, and no word of a case."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from contracts.catalogue import CATALOGUE, parse
from contracts.deadlines import DayNotCounted, DeadlineDueSoon, DeadlineMet, DeadlineMissed, DeadlineSet, Reckoned
from contracts.directory import directory_from
from contracts.envelope import AnyEvent
from contracts.sealing import Model
from services.notifications.case import evolve
from services.notifications.letters import letters
from shared.letters import Letter
from tests.notifications import CASE, INCIDENT

DIRECTORY = directory_from(Path("infra/demo/agencies.toml").read_text())
RECKONED = Reckoned(
    started_at=datetime(2026, 8, 27, 23, 10, tzinfo=UTC),
    day0=date(2026, 8, 28),
    working_days=5,
    due=date(2026, 9, 7),
    late_from=datetime(2026, 9, 7, 23, tzinfo=UTC),
    not_counted=tuple(
        DayNotCounted(day=date(2026, *day), why=why)
        for day, why in (
            ((8, 29), "Saturday"),
            ((8, 30), "Sunday"),
            ((8, 31), "Summer bank holiday"),
            ((9, 5), "Saturday"),
            ((9, 6), "Sunday"),
        )
    ),
    calendar="england-and-wales/2026",
)
T01 = {"clock": "T01", "rule": "T01", "edition": "wt-2023"}


def _fact(name: str, data: Model, event_id: str = "a-fact") -> AnyEvent:
    told = {
        "id": event_id,
        "source": "/services/gateway",
        "type": f"{name}.v1",
        "subject": INCIDENT,
        "time": "2026-09-03T08:00:00Z",
        "dataschema": CATALOGUE[name].schema,
        "partnership": "northshire",
    }
    return parse(told | {"data": data.model_dump(mode="json")})


SET = _fact("deadline.set", DeadlineSet(**T01, provisional=False, reckoned=RECKONED))
SOON = _fact("deadline.due-soon", DeadlineDueSoon(**T01, due=date(2026, 9, 7), working_day=3, provisional=False))
MISSED = _fact("deadline.missed", DeadlineMissed(**T01, due=date(2026, 9, 7), working_days_late=0, provisional=False))
AWAITING = _fact(
    "deadline.met",
    DeadlineMet(
        **T01,
        met_at=datetime(2026, 9, 9, tzinfo=UTC),
        due=date(2026, 9, 7),
        in_time=False,
        working_days_late=2,
        awaiting_reason=True,
    ),
)
UNCOMPUTED = _fact("deadline.set", DeadlineSet(**T01, provisional=True, reckoned=None, uncomputed=True))


def _letters(fact: AnyEvent) -> list[Letter]:
    return list(letters(fact, evolve(evolve(CASE, SET), fact), DIRECTORY))


def test_a_warning_tells_notifier_and_approver_with_the_reckoning() -> None:
    found = _letters(SOON)
    assert {letter.recipient for letter in found} == {
        "notifier@northshire-council.example",
        "approver@northshire-council.example",
    }
    assert "Mon 31 Aug is Summer bank holiday; due end of Mon 7 Sep 2026" in found[0].body
    assert found[0].subject.startswith("[OFFICIAL-SENSITIVE] T01 notification to the Panel: due Mon 7 Sep 2026")


def test_a_miss_tells_the_business_unit_too() -> None:
    assert "business-unit@northshire-council.example" in {letter.recipient for letter in _letters(MISSED)}


@pytest.mark.parametrize("fact", [AWAITING, UNCOMPUTED], ids=["awaiting reason", "uncomputed"])
def test_what_a_person_must_mend_is_told(fact: AnyEvent) -> None:
    assert _letters(fact)


def test_a_clock_that_merely_runs_writes_no_letter() -> None:
    assert _letters(SET) == []


def test_the_same_fact_always_has_the_same_message_id_and_another_fact_another() -> None:
    first, again = _letters(SOON), _letters(SOON)
    assert [letter.message_id for letter in first] == [letter.message_id for letter in again]
    other = _letters(_fact("deadline.due-soon", SOON.data, "another-fact"))
    assert not {letter.message_id for letter in first} & {letter.message_id for letter in other}


def test_another_authoritys_case_goes_to_its_own_offices() -> None:
    case = replace(CASE, host_authority="E06000992")
    assert {letter.recipient for letter in letters(SOON, case, DIRECTORY)} == {
        "notifier@southmere-council.example",
        "approver@southmere-council.example",
    }
