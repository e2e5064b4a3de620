"""`python -m shared.deadlines`: anyone can check a date, without a stack."""

import argparse
import json
import os
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime

from shared.deadlines.reckoning import NotCounted, Reckoning, long, reckon
from shared.london import LONDON, NaiveInstant, aware
from shared.working_days import Calendar, OutsideCalendar, england_and_wales

EXAMPLE = "2026-08-28T00:10+01:00"


class Unusable(Exception):
    """Input that cannot be reckoned with: names the field and the remedy."""


def main() -> int:
    """Exit status 0; 2 for bad input; with --stdin 1 at the end if any line was bad."""
    parser = argparse.ArgumentParser(
        prog="python -m shared.deadlines",
        description="Counts working days in England and Wales from an instant, whose London date is day 0.",
    )
    parser.add_argument("--from", dest="at", metavar="INSTANT", help=f"with its UTC offset: {EXAMPLE}")
    parser.add_argument("--working-days", metavar="N", help="whole number; a negative one counts back: 5, -7")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--stdin", action="store_true", help='reads {"at", "working_days"} a line, answers a line each')
    options = parser.parse_args()
    calendar = england_and_wales()
    if options.stdin:
        if options.at is not None or options.working_days is not None:
            parser.error("--stdin reads instants and working days from its lines: leave --from and --working-days out")
        return answer_lines(sys.stdin.buffer, calendar)
    try:
        working_days = _number(options.working_days, "--working-days")
        reckoning = reckoned(options.at, working_days, calendar, fields=("--from", "--working-days"))
    except Unusable as fault:
        print(f"{parser.prog}: {fault}", file=sys.stderr)
        return 2
    print(json.dumps(answer(reckoning)) if options.json else day_by_day(reckoning))
    return 0


def answer_lines(lines: Iterable[bytes], calendar: Calendar) -> int:
    """One answer a line, flushed at once, so that a program may ask and wait."""
    status = 0
    for line in lines:
        try:
            asked = _asked(line)
            found = answer(
                reckoned(asked.get("at"), asked.get("working_days"), calendar, fields=("at", "working_days"))
            )
        except Unusable as fault:
            found, status = {"error": str(fault)}, 1
        print(json.dumps(found), flush=True)
    return status


def reckoned(at: object, working_days: object, calendar: Calendar, fields: tuple[str, str]) -> Reckoning:
    """The reckoning of untrusted input. Raises Unusable."""
    at_field, days_field = fields
    instant = _instant(at, at_field)
    if not isinstance(working_days, int) or isinstance(working_days, bool):
        raise Unusable(f"{days_field} must be a whole number of working days, such as 5, or -7 to count back")
    try:
        return reckon(instant, working_days, calendar)
    except OutsideCalendar as fault:
        raise Unusable(
            f"{at_field} with {days_field}: {fault}; give an instant whose count stays inside, "
            "or wait until the official list goes further"
        ) from fault


def answer(reckoning: Reckoning) -> dict[str, object]:
    return {
        "day0": reckoning.day0.isoformat(),
        "due": reckoning.due.isoformat(),
        "late_from": reckoning.late_from.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "not_counted": [{"date": off.day.isoformat(), "why": off.why} for off in reckoning.not_counted],
    }


def day_by_day(reckoning: Reckoning) -> str:
    """The reckoning for people, a day a line."""
    start, late = reckoning.at.astimezone(LONDON), reckoning.late_from.astimezone(LONDON)
    number = {day: f"day {n}" for n, day in enumerate(reckoning.counted, 1)}
    days = [(day, number[day], "") for day in reckoning.counted]
    days += [(off.day, "", _reason(off)) for off in reckoning.not_counted]
    days.sort(reverse=reckoning.working_days < 0)
    lines = [
        f"{'from':<10}{long(start.date())} {start:%H:%M %Z}",
        f"{'day 0':<10}{long(reckoning.day0)}, not counted",
        *(f"{label:<10}{long(day)}{note}" for day, label, note in days),
        f"{'due':<10}end of {long(reckoning.due)}",
        f"{'late from':<10}{long(late.date())} {late:%H:%M %Z}",
        f"{'calendar':<10}{reckoning.calendar}",
    ]
    return "\n".join(lines)


def _reason(off: NotCounted) -> str:
    return ", not counted" if off.day.strftime("%A") == off.why else f", not counted: {off.why}"


def _asked(line: bytes) -> dict[str, object]:
    example = f'{{"at": "{EXAMPLE}", "working_days": 5}}'
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError):
        raise Unusable(f"the line is not JSON: give an object a line, such as {example}") from None
    if not isinstance(asked, dict):
        raise Unusable(f"the line is not a JSON object: give one such as {example}")
    return asked


def _instant(given: object, field: str) -> datetime:
    if not isinstance(given, str):
        raise Unusable(f"{field} is {'missing' if given is None else 'no text'}: give an instant such as {EXAMPLE}")
    try:
        return aware(datetime.fromisoformat(given))
    except NaiveInstant:
        raise Unusable(
            f"{field} has no UTC offset, so the London date it falls on cannot be told: "
            "end it with Z, or with +01:00 for British Summer Time"
        ) from None
    except ValueError:
        raise Unusable(f"{field} is no date and time: give an instant such as {EXAMPLE}") from None


def _number(given: str | None, field: str) -> int:
    if given is None:
        raise Unusable(f"{field} is missing: give a whole number, such as 5, or -7 to count back")
    # Six digits are more than any calendar holds, and int() would take other scripts' digits and underscores.
    if not re.fullmatch(r"[+-]?[0-9]{1,6}", given):
        raise Unusable(f"{field} must be a whole number of working days, such as 5, or -7 to count back")
    return int(given)


if __name__ == "__main__":
    try:
        status = main()
    except BrokenPipeError:
        # The reader went away (`| head`): nothing to tell it, and nothing more to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    sys.exit(status)
