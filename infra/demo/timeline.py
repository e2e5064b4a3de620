"""What a newcomer reads: each scenario's story with its answers, the reckoning, and whether it came out as expected."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from infra.demo.checker import Difference
from infra.demo.player import Played
from infra.demo.ways_in import Sent
from shared.clock import LONDON
from shared.deadlines import NotCounted, restored

WIDTH = 116
INDENT = "    "
_STATES = {
    "met_in_time": "in time",
    "met_late": "late",
    "missed": "missed, and open still",
    "open": "open",
    "provisional": "open, provisionally",
    "cancelled": "ended: it does not apply",
    "uncomputed": "cannot be computed; an alarm is raised",
}


def story(played: Played, found: Mapping[str, Any], wrong: Sequence[Difference]) -> str:
    """One scenario as a block of lines."""
    scenario = played.scenario
    lines = [f"{scenario.number:>2}  {scenario.title}", *_wrapped(scenario.about), ""]
    for step in scenario.steps:
        when = step.at.astimezone(LONDON)
        way = "Kafka" if step.via == "kafka" else "HTTPS"
        told = f"{when:%a} {when.day:>2} {when:%b %Y %H:%M}  {way}  {step.what}"
        lines += _wrapped(f"{told}: {_answer(played.sent[step.name], found['receipts'][step.name])}", hang=31)
    for referral, incident in found["incidents"].items():
        named = f"{referral}: " if len(found["incidents"]) > 1 else ""
        lines += ["", *(line for clock in _clocks(incident["clocks"]) for line in _wrapped(named + clock, hang=6))]
    lines += [f"{INDENT}As expected." if not wrong else f"{INDENT}OTHERWISE THAN EXPECTED:"]
    for one in wrong:
        lines += _wrapped(one.sentence(), hang=6)
    return "\n".join(lines) + "\n"


def _answer(sent: Sent, receipt: Mapping[str, Any]) -> str:
    status = receipt["status"] or sent.status
    words = f"{status}, after waiting" if receipt["waited"] else str(status)
    words += f" ({sent.http})" if sent.http is not None and sent.http >= 400 else ""
    words += f", as {receipt['same_as']}: the same message again" if receipt["same_as"] else ""
    words += f" [{', '.join(mark.replace('_', ' ') for mark in receipt['marks'])}]" if receipt["marks"] else ""
    return words + (f": {'; '.join(receipt['faults'])}" if receipt["faults"] else "")


def _clocks(clocks: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The clocks as people speak of them; those that tell several recipients the same in one line."""
    told: dict[str, list[str]] = {}
    for key, clock in clocks.items():
        rule, _, recipient = key.partition(":")
        told.setdefault(f"{rule}|{_clock(clock)}", []).append(recipient)
    for said, recipients in told.items():
        rule, _, words = said.partition("|")
        whom = f" ({', '.join(filter(None, recipients))})" if any(recipients) else ""
        yield f"{rule}{whom}: {words}"


def _clock(clock: Mapping[str, Any]) -> str:
    state = _STATES.get(clock["state"], str(clock["state"]))
    if clock["state"] == "met_late":
        late = clock["working_days_late"]
        state = f"late by {late} working {'day' if late == 1 else 'days'}"
        state += ", reason given" if not clock["awaiting_reason"] else ", awaiting its reason"
    if clock["state"] == "cancelled" or clock["reckoned"] is None:
        return state
    corrected = ", judged again by a further fact" if clock["judged_again"] else ""
    return f"{reckoning_sentence(clock['reckoned'])}: {state}{corrected}"


def reckoning_sentence(reckoned: Mapping[str, Any]) -> str:
    """`aware Fri 28 Aug 2026 00:10 BST; Mon 31 Aug is Summer bank holiday; due end of Mon 7 Sep 2026`."""
    off = [NotCounted(date.fromisoformat(each["day"]), each["why"]) for each in reckoned.get("notCounted", ())]
    day0, due = date.fromisoformat(reckoned["day0"]), date.fromisoformat(reckoned["due"])
    at, late_from = datetime.fromisoformat(reckoned["startedAt"]), datetime.fromisoformat(reckoned["lateFrom"])
    return restored(at, day0, reckoned["workingDays"], due, late_from, off, reckoned["calendar"]).sentence()


def summary(played: Iterable[Played], moves: int, seconds: float) -> str:
    """What was played, in a sentence."""
    stories = list(played)
    steps = [step for one in stories for step in one.scenario.steps]
    first, last = (each.astimezone(LONDON) for each in (min(s.at for s in steps), max(s.at for s in steps)))
    return (
        f"{len(stories)} scenarios, {len(steps)} messages from {first.day} {first:%b %Y} to {last.day} {last:%b %Y} in"
        f" {moves} moves of the business clock; {seconds:.0f} s of real time"
    )


def _wrapped(text: str, hang: int = 0) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT + " " * hang)
