"""What a newcomer reads: each scenario's story with its answers, the reckoning, and whether it came out as expected."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from contracts.deadlines import Reckoned
from infra.demo.checker import Difference
from infra.demo.player import Played
from infra.demo.ways_in import Sent
from shared.deadlines import reckoning_of
from shared.london import LONDON

WIDTH = 116
INDENT = "    "
STAMP = 31
"""The width of an instant and a way in, which a story's further lines are indented by."""

MOST_ALLOWED = 4
"""More are in the receipt, and too many for a story."""

RULES = {
    "T01": "Notify the Panel",
    "T02": "Tell",
    "T03": "Tell the Department and Ofsted of a looked-after child's death",
    "T04": "Tell the Department and Ofsted of a care leaver's death",
    "T05": "Decide on the referral",
}
_STATES = {
    "met_in_time": "done in time",
    "missed": "MISSED, and open still",
    "open": "open",
    "provisional": "open, provisionally",
    "uncomputed": "cannot be computed; an alarm is raised",
}
_ENDED = {
    "not_notifiable": "not notifiable",
    "not_needed": "the grounds do not call for it",
    "linked": "linked to another referral",
    "withdrawn": "withdrawn",
}


def story(played: Played, found: Mapping[str, Any], wrong: Sequence[Difference]) -> str:
    """One scenario as a block of lines."""
    scenario = played.scenario
    lines = [f"{scenario.number:>2}  {scenario.title}", *wrapped(scenario.about), ""]
    for _, line in sorted([*steps_told(played, found), *_notices(found)], key=lambda told: told[0]):
        lines += wrapped(line, hang=STAMP)
    for referral, incident in found["incidents"].items():
        lines += ["", *wrapped(f"Of the {referral.replace('-', ' ')}:")] if len(found["incidents"]) > 1 else [""]
        for sentence in (*_clocks(incident["clocks"]), *_recipients(incident)):
            lines += wrapped(sentence, hang=6)
    lines += [f"{INDENT}As expected." if not wrong else f"{INDENT}OTHERWISE THAN EXPECTED:"]
    for one in wrong:
        lines += wrapped(one.sentence(), hang=6)
    return "\n".join(lines) + "\n"


def steps_told(played: Played, found: Mapping[str, Any]) -> Iterator[tuple[datetime, str]]:
    """Each message with its instant, its way in and what it was answered."""
    for step in played.scenario.steps:
        way = "Kafka" if step.via == "kafka" else "HTTPS"
        answer = _answer(played.sent[step.name], found["receipts"][step.name])
        yield step.at, f"{_stamp(step.at)}  {way}  {step.what}: {answer}"


def _notices(found: Mapping[str, Any]) -> Iterator[tuple[datetime, str]]:
    """Warnings and misses, which time brings and nobody sends."""
    for incident in found["incidents"].values():
        for notice in incident["notices"]:
            rule, _, recipient = notice["clock"].partition(":")
            what = f"{RULES.get(rule, rule)}{f' {recipient}' if recipient else ''}"
            if notice["working_day"]:
                said = f"{what}: due soon, this is working day {notice['working_day']} of its count"
            else:
                said = f"{what}: {'still not done' if notice['again'] else 'MISSED'}"
            yield notice["at"], f"{_stamp(notice['at'])}  clock  {said}"


def _stamp(at: datetime) -> str:
    when = at.astimezone(LONDON)
    return f"{when:%a} {when.day:>2} {when:%b %Y %H:%M}"


def _answer(sent: Sent, receipt: Mapping[str, Any]) -> str:
    status = receipt["status"] or sent.status
    words = f"waited, then {status}" if receipt["waited"] else str(status)
    words += f" ({sent.http})" if sent.http is not None and sent.http >= 400 else ""
    words += ", with the first receipt" if receipt["same_as"] else ""
    words += f", marked {', '.join(mark.replace('_', ' ') for mark in receipt['marks'])}" if receipt["marks"] else ""
    words += f": {'; '.join(receipt['faults'])}" if receipt["faults"] else ""
    known = receipt["allowed"] if len(receipt["faults"]) == 1 and len(receipt["allowed"]) <= MOST_ALLOWED else ()
    return words + (f" (allowed: {', '.join(known)})" if known else "")


def _clocks(clocks: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The clocks as people speak of them; those that tell several recipients the same in one line."""
    told: dict[tuple[str, str], list[str]] = {}
    for key, clock in clocks.items():
        rule, _, recipient = key.partition(":")
        words = _clock(clock, "referred" if rule == "T05" else "aware")
        told.setdefault((rule, words), []).append(recipient)
    for (rule, words), recipients in told.items():
        whom = _listed([recipient for recipient in recipients if recipient])
        yield f"{rule}  {RULES.get(rule, rule)}{f' {whom}' if whom else ''}: {words}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _clock(clock: Mapping[str, Any], starting: str) -> str:
    if clock["state"] == "cancelled":
        return f"ended, {_ENDED.get(clock['because'], clock['because'])}"
    if clock["reckoned"] is None:
        return _STATES.get(clock["state"], str(clock["state"]))
    return f"{reckoning_sentence(clock['reckoned'], starting)}: {_outcome(clock)}"


def _outcome(clock: Mapping[str, Any]) -> str:
    late, again = clock["working_days_late"], "awareness" in clock["recomputed_because"]
    judged = ", judged again since awareness was corrected" if again else ""
    if clock["state"] == "met_late":
        reason = "its reason outstanding" if clock["awaiting_reason"] else "its reason given"
        return f"LATE by {late} working {'day' if late == 1 else 'days'}, {reason}{judged}"
    if clock["state"] == "met_in_time" and clock["was_missed"]:
        return f"done in time, which corrected the miss by a further fact{judged}"
    return _STATES.get(clock["state"], str(clock["state"])) + judged


def _recipients(incident: Mapping[str, Any]) -> Iterator[str]:
    if incident["notification"] != "none":
        follows = "a rapid review follows" if incident["rapid_review"] else "no rapid review follows"
        yield f"Notification {incident['notification']}, for {', '.join(incident['recipients'])}; {follows}."


def reckoning_sentence(reckoned: Mapping[str, Any], starting: str = "aware") -> str:
    """`aware Fri 28 Aug 2026 00:10 BST; Mon 31 Aug is Summer bank holiday; due end of Mon 7 Sep 2026`."""
    return reckoning_of(Reckoned.model_validate(reckoned)).sentence(starting)


def summary(played: Iterable[Played], acts: int, moves: int, seconds: float) -> str:
    """What was played, in a sentence. `acts` of it are no scenarios: the last line counts them by themselves."""
    stories = list(played)
    steps = [step for one in stories for step in one.scenario.steps]
    first, last = (each.astimezone(LONDON) for each in (min(s.at for s in steps), max(s.at for s in steps)))
    besides = f" and {'an act' if acts == 1 else f'{acts} acts'} of several agencies" if acts else ""
    return (
        f"{len(stories) - acts} scenarios{besides}, {len(steps)} messages from {first.day} {first:%b %Y} to {last.day}"
        f" {last:%b %Y} in {moves} moves of the business clock; {seconds:.0f} s of real time"
    )


def wrapped(text: str, hang: int = 0) -> list[str]:
    """Lines of the story's width, the further ones hanging."""
    return textwrap.wrap(text, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT + " " * hang)
