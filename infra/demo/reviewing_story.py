"""The third act for people: what was said and when, who was chased, and how every date was reckoned."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from infra.demo.checker import Difference
from infra.demo.player import Played
from infra.demo.timeline import INDENT, STAMP, steps_told, wrapped
from shared.london import LONDON

NAMES = {
    "T06a": "Rapid review to the Panel",
    "T08": "The Panel's reply is expected",
    "T09": "Publish the practice review",
}
_ANSWERS = {"northshire-police": "own system, Kafka", "northshire-icb": "own system, HTTPS"}


def review_story(played: Played, found: Mapping[str, Any], wrong: Sequence[Difference]) -> str:
    """The act as a block of lines."""
    scenario = played.scenario
    lines = [scenario.title, *wrapped(scenario.about), ""]
    for _, line in sorted([*steps_told(played, found), *_chased(found)], key=lambda told: told[0]):
        lines += wrapped(line, hang=STAMP)
    lines += ["", *wrapped("Who was asked, and how each answered:")]
    for agency, request in found["requests"].items():
        lines += wrapped(f"{agency:<20}{_answered(agency, request)}", hang=20)
    lines += ["", *wrapped("How each date was reckoned:")]
    for clock in found["clocks"]:
        lines += wrapped(f"{clock['clock']:<5}{NAMES[clock['clock']]}: {_reckoned(clock)}", hang=5)
    for each in found["judged"]:
        lines += wrapped(each)
    lines += [f"{INDENT}As expected." if not wrong else f"{INDENT}OTHERWISE THAN EXPECTED:"]
    for one in wrong:
        lines += wrapped(one.sentence(), hang=6)
    return "\n".join(lines) + "\n"


def _chased(found: Mapping[str, Any]) -> Iterator[tuple[datetime, str]]:
    """What time brings and nobody sends: `2027-01-05 09:00 harbour-homes escalated`."""
    words = {
        "reminder": "is reminded",
        "overdue": "is told that its answer is overdue",
        "escalated": "its senior is told",
    }
    for told in found["chased"]:
        day, hour, agency, level = told.split()
        at = datetime.fromisoformat(f"{day}T{hour}").replace(tzinfo=LONDON)
        yield at, f"{_stamp(at)}  clock  {agency}: {words[level]}"
    for told in found["warned"]:
        what, rest = told.split(" ", 1)
        at = datetime.fromisoformat(rest.split(",")[0].replace(" ", "T")).replace(tzinfo=LONDON)
        yield at, f"{_stamp(at)}  clock  {NAMES[what]}: due soon,{rest.split(',')[1]}"


def _stamp(at: datetime) -> str:
    return f"{at:%a} {at.day:>2} {at:%b %Y %H:%M}"


def _answered(agency: str, request: Mapping[str, Any]) -> str:
    how = _ANSWERS.get(agency, "keyed in")
    if not request["versions"]:
        return f"never; told: {', '.join(request['chased'])}"
    times = f", in {len(request['versions'])} versions" if len(request["versions"]) > 1 else ""
    return f"{request['versions'][-1]} ({how}{times}); due by the end of {_day(request['due'])}"


def _reckoned(clock: Mapping[str, Any]) -> str:
    off = "".join(f"; {_day(each)} is {why}" for each, why in clock["off"].items())
    return f"day 0 {_day(clock['day0'])}, {clock['length']}{off}; due end of {_day(clock['due'])}"


def _day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"
