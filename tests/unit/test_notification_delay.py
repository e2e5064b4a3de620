"""A late submission stands without its reason; only the copy to be filed waits for it, and then tells it."""

from itertools import count
from typing import Any

import pytest

from contracts.catalogue import parse
from contracts.codes import AgencyType, Ground
from contracts.corrections import IncidentRecalled
from contracts.envelope import AnyEvent
from contracts.exports import ExportedField
from contracts.sealing import replace_words
from infra.contracts.examples import facts
from infra.demo.scenarios import filled, read_scenarios
from services.notifications.access import delay_for
from services.notifications.case import Case, evolve
from services.notifications.exports.document import fields
from services.notifications.notification import Delay, awaits_reason
from services.notifications.proposals import aggregate
from tests.notifications import CASE, INCIDENT, decided, happened, proposed
from tests.unit.test_notification_versions import KINDS, directory, party

DRAFTED = proposed("notification.drafted.v1")
APPROVED = proposed("notification.approved.v1", actor="authority-approver")
LATE = proposed("notification.submitted.v1", portalTime="2026-09-08T09:00:00Z")
EXPLAINED = proposed("notification.delay-explained.v1", delayReason=f"vault:{'e' * 32}")
ABUSED_IN_CARE = frozenset({Ground.S16C_A, Ground.LAC_DEATH})


def _of_gateway(name: str, **data: Any) -> AnyEvent:
    (_, example), *_ = facts(name)
    return parse(example | {"data": example["data"] | data})


def met(clock: str, *, awaiting: bool = False) -> AnyEvent:
    """The gateway's judgement of a clock: in time, or late and awaiting its reason."""
    return _of_gateway("deadline.met", clock=clock, rule=clock, inTime=not awaiting, awaitingReason=awaiting)


def known(*told: AnyEvent, case: Case = CASE) -> Case:
    for fact in told:
        case = evolve(case, fact)
    return case


# --- the wait ---


def test_one_clock_met_in_time_does_not_lift_the_wait_of_another() -> None:
    """A looked-after child's death was filed late; an amendment that adds a section 16C ground is filed in time."""
    state = aggregate(CASE).fold(happened(DRAFTED, APPROVED, LATE))
    late = known(met("T03", awaiting=True))
    assert awaits_reason(state, late)
    assert awaits_reason(state, known(met("T01"), case=late))
    assert not awaits_reason(state, known(met("T01"), met("T03"), case=late))


@pytest.mark.parametrize(
    ("portal_time", "awaits"), [("2026-09-07T22:59:59Z", False), ("2026-09-07T23:00:00Z", True)], ids=["last", "first"]
)
def test_until_the_gateway_has_judged_its_clock_tells_that_a_submission_is_late(portal_time: str, awaits: bool) -> None:
    submitted = proposed("notification.submitted.v1", portalTime=portal_time)
    running = known(_of_gateway("deadline.set"))
    assert awaits_reason(aggregate(CASE).fold(happened(DRAFTED, APPROVED, submitted)), running) is awaits


def test_a_clock_that_the_submission_does_not_meet_asks_for_no_reason() -> None:
    running = known(_of_gateway("deadline.set", clock="T03", rule="T03"))
    assert not awaits_reason(aggregate(CASE).fold(happened(DRAFTED, APPROVED, LATE)), running)


@pytest.mark.parametrize(
    "given",
    [
        [DRAFTED, APPROVED, LATE, EXPLAINED],
        [DRAFTED, APPROVED, proposed("notification.submitted.v1", delayReason=f"vault:{'d' * 32}")],
    ],
    ids=["after", "with it"],
)
def test_a_reason_that_was_given_lifts_the_wait_at_once_and_for_good(given: list[AnyEvent]) -> None:
    late = known(met("T01", awaiting=True))
    past = happened(*given)
    corrected = decided(past, proposed("notification.submitted.v1", portalTime="2026-09-09T09:00:00Z"))
    for facts_so_far in (past, corrected):
        assert not awaits_reason(aggregate(CASE).fold(facts_so_far), late)


def test_a_reason_written_into_the_version_filed_has_been_given() -> None:
    content = DRAFTED.data.model_dump(mode="json")["content"] | {"delayReason": f"vault:{'f' * 32}"}
    past = happened(proposed("notification.drafted.v1", content=content), APPROVED, LATE)
    assert past[-1].data.delay_reason == f"vault:{'f' * 32}"


# --- what the copy says ---


def line(past: list[AnyEvent], values: dict[str, str], case: Case = CASE) -> ExportedField:
    """The line of the delay in the copy that the authority takes of the newest version."""
    state = aggregate(case).fold(past)
    assert state.latest is not None
    delay = delay_for(party(AgencyType.LOCAL_AUTHORITY), case, state, directory(AgencyType.LOCAL_AUTHORITY))
    (found,) = [one for one in fields(state.latest.content, values, delay=delay) if one.field == "delayReason"]
    return found


def played(number: int) -> tuple[list[AnyEvent], dict[str, str]]:
    """A scenario's messages about the notification as their owner would record them, and what the vault holds."""
    (scenario,) = [one for one in read_scenarios() if one.number == number]
    numbers, words = count(1), dict[str, Any]()

    def seal(_place: Any, _mark: Any, value: Any) -> str:
        ref = f"vault:{next(numbers):032x}"
        words[ref] = value
        return ref

    sent = []
    for step in scenario.steps:
        event = parse(filled(step.event or {}, {"referral": INCIDENT}) | {"actor": step.by})
        if event.name.startswith("notification."):
            data = replace_words(type(event.data), event.data.model_dump(mode="json", exclude_none=True), seal)
            for child in data.get("content", {}).get("children", ()):
                child["ageAtIncident"] = 3  # the gateway works it out from the date of birth
            sent.append(event.model_copy(update={"data": type(event.data).model_validate(data)}))
    return happened(*sent), words


@pytest.mark.parametrize(
    ("scenario", "reason"),
    [
        (17, "The duty team changed over and the draft waited in a personal mailbox."),
        (18, "The portal was being maintained on Friday evening."),
    ],
)
def test_the_copy_tells_why_it_was_late_whenever_that_was_said(scenario: int, reason: str) -> None:
    past, words = played(scenario)
    told = line(past, words)
    assert (told.label, told.value, told.ready) == ("Reason for the delay", reason, True)


def test_while_the_reason_is_awaited_its_line_is_there_and_empty() -> None:
    told = line(happened(DRAFTED, APPROVED, LATE), {}, known(met("T01", awaiting=True)))
    assert (told.value, told.ready, told.needed) == (None, False, True)


def test_every_reason_stays_in_the_order_in_which_it_was_given() -> None:
    first = proposed("notification.submitted.v1", delayReason=f"vault:{'d' * 32}")
    past = happened(DRAFTED, APPROVED, first, EXPLAINED)
    words = {f"vault:{'d' * 32}": "The portal was down.", f"vault:{'e' * 32}": "And nobody was on duty."}
    assert line(past, words).value == "The portal was down.\nAnd nobody was on duty."


def test_a_reason_that_was_recalled_is_kept_from_its_wrong_recipients() -> None:
    past = happened(DRAFTED, APPROVED, LATE, EXPLAINED)
    recall = IncidentRecalled(
        event=past[-1].id, because="wrong_recipient", recipients=("police",), reason=f"vault:{'a' * 32}"
    )
    case = evolve(CASE, past[0].model_copy(update={"data": recall}))
    state = aggregate(case).fold(past)
    told = {kind: delay_for(party(kind), case, state, directory(kind)) for kind in KINDS}
    assert told[AgencyType.POLICE_FORCE] == Delay()
    assert told[AgencyType.ICB] == told[AgencyType.LOCAL_AUTHORITY] == Delay((f"vault:{'e' * 32}",))
