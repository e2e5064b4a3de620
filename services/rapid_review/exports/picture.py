"""The combined chronology as a picture (SVG): a lane an agency, marks by kind, gaps in sight shaded, the incident.

A case group reads it at a glance: few entries are marks of their own; where they would cover one another, each lane
becomes a row of columns, as high as what happened in that time.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape
from itertools import accumulate
from textwrap import wrap

from contracts.codes import YesNoNotKnown
from contracts.review_exports import Chronology, ExportedGap, ExportedLine
from services.rapid_review.exports.labels import short_day
from services.rapid_review.exports.picture_marks import FAMILIES, FAMILY_OF, rectangle

WIDTH, LEFT, RIGHT = 1000, 176, 14
LANE, SIGHT, TOP, AXIS = 36, 22, 92, 34
BIN = 7
"""The width of a column, and of the space that one mark takes, in units of the picture."""

MOST_STACKED = 4
"""Marks of one lane that may stand over one another; with more, the lanes become columns."""

_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_INK, _QUIET, _SHADE = "#0b0c0c", "#505a5f", "#f6b73c"


@dataclass(frozen=True)
class _Scale:
    first: date
    last: date

    def x(self, day: date) -> float:
        """Where a day begins."""
        return LEFT + (WIDTH - LEFT - RIGHT) * (day - self.first).days / ((self.last - self.first).days + 1)

    def mid(self, day: date) -> float:
        return (self.x(day) + self.x(day + timedelta(days=1))) / 2

    def holds(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True)
class _Mark:
    lane: int
    day: date
    family: int


@dataclass(frozen=True)
class Picture:
    """An SVG, and its own size: scale it to the page."""

    svg: str
    width: int
    height: int


_Cells = dict[tuple[int, int], list[_Mark]]
"""The marks of each lane that fall into one column's width."""


def picture(chronology: Chronology, marking: str | None = None) -> Picture:
    """The picture. Give the marking where it is to stand alone: a page has its own."""
    scale = _scale(chronology)
    lanes = {agency: number for number, agency in enumerate(chronology.agencies)}
    marks = [mark for line in chronology.lines for mark in _marks(line, lanes)]
    cells = _cells((mark for mark in marks if scale.holds(mark.day)), scale)
    most = max(map(len, cells.values()), default=0)
    top = TOP + SIGHT * len(chronology.children)
    bottom = top + LANE * max(len(lanes), 1)
    parts = [
        *_heading(scale, marking),
        *_legend(chronology, most),
        *_gaps(chronology.gaps, scale, top, bottom),
        *_sight(chronology, scale),
        *_lanes(chronology, Counter(mark.lane for mark in marks if not scale.holds(mark.day)), top),
        *_axis(scale, top, bottom),
        *_drawn(cells, most, scale, top),
        *_incident(chronology.incident_on, scale, bottom),
    ]
    height = bottom + AXIS
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" font-family="\'Libertinus Serif\', serif" font-size="12" fill="{_INK}">'
        f"<title>Timeline of the combined chronology</title><desc>{escape(described(chronology))}</desc>"
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>{"".join(parts)}</svg>'
    )
    return Picture(svg, WIDTH, height)


def described(chronology: Chronology) -> str:
    """The picture in words, for whoever does not see it."""
    count = sum(len(each.sources) for line in chronology.lines for each in line.statements)
    told = [f"{count:,} entries of {len(chronology.agencies)} agencies in {len(chronology.lines):,} lines."]
    told += [f"No agency is known to have seen {_gap(each)}." for each in chronology.gaps]
    if chronology.incident_on:
        told.append(f"The incident: {short_day(chronology.incident_on)}.")
    return _clean(" ".join(told))


def _gap(gap: ExportedGap) -> str:
    return f"{gap.child} from {short_day(gap.first)} to {short_day(gap.last)}, {gap.days} days"


def _scale(chronology: Chronology) -> _Scale:
    """From the first to the last day asked about: what lies outside is counted at the side, and stretches nothing."""
    inside = [
        line.day
        for line in chronology.lines
        if not all(source.outside_scope for each in line.statements for source in each.sources)
    ]
    days = inside + [day for gap in chronology.gaps for day in (gap.first, gap.last)]
    days += [chronology.incident_on] if chronology.incident_on else []
    days = days or [line.day for line in chronology.lines] or [date(2000, 1, 1)]
    return _Scale(min(days), max(days))


def _marks(line: ExportedLine, lanes: dict[str, int]) -> Iterator[_Mark]:
    """One for each agency that speaks of it."""
    told = {(source.agency, each.kind) for each in line.statements for source in each.sources}
    for agency, kind in sorted(told):
        if agency in lanes:
            yield _Mark(lanes[agency], line.day, FAMILY_OF[kind])


def _heading(scale: _Scale, marking: str | None) -> Iterator[str]:
    if marking:
        yield _text(WIDTH / 2, 14, marking, anchor="middle", more='font-weight="bold" letter-spacing="0.5"')
    yield _text(10, 34, "Combined chronology", more='font-weight="bold" font-size="16"')
    told = f"{short_day(scale.first)} to {short_day(scale.last)}"
    yield _text(WIDTH - RIGHT, 34, told, anchor="end")


def _legend(chronology: Chronology, most: int) -> Iterator[str]:
    x = 10.0
    for family in FAMILIES:
        yield f'<path d="{family.shape(x + 5, 54, 4.5)}" fill="{family.colour}"/>'
        yield _text(x + 14, 58, family.name)
        x += 30 + 5.6 * len(family.name)
    if chronology.children:
        yield f'<path d="{rectangle(10, 70, 16, 10)}" fill="{_SHADE}" fill-opacity="0.55"/>'
        yield _text(31, 79, "Gap in sight: no agency is known to have seen the child")
        yield f'<path d="{rectangle(342, 69, 2.5, 12)}" fill="{_INK}"/>'
        yield _text(350, 79, "Day on which the child was seen")
    if most > MOST_STACKED:
        yield _text(545, 79, f"Tallest column: {most} entries")


def _gaps(gaps: Iterable[ExportedGap], scale: _Scale, top: float, bottom: float) -> Iterator[str]:
    """A light band down all the lanes."""
    for gap in gaps:
        left, right = scale.x(gap.first), scale.x(gap.last + timedelta(days=1))
        yield f'<path d="{rectangle(left, top, right - left, bottom - top)}" fill="{_SHADE}" fill-opacity="0.16"/>'


def _sight(chronology: Chronology, scale: _Scale) -> Iterator[str]:
    """A strip for each child: the days on which it was seen, and the gaps with their length."""
    only = len(chronology.children) == 1
    for number, child in enumerate(chronology.children):
        y = TOP + number * SIGHT
        yield _text(10, y + 15, f"{_short(child, 22)} seen", more='font-weight="bold"')
        for gap in chronology.gaps:
            if gap.child == child:
                left, width = scale.x(gap.first), scale.x(gap.last + timedelta(days=1)) - scale.x(gap.first)
                yield f'<path d="{rectangle(left, y + 2, width, SIGHT - 4)}" fill="{_SHADE}" fill-opacity="0.55"/>'
                if width > 50:
                    yield _text(left + width / 2, y + 15, f"{gap.days} days", anchor="middle")
        days = {line.day for line in chronology.lines if _seen(line, child, only) and scale.holds(line.day)}
        ticks = "".join(rectangle(scale.mid(day) - 0.6, y + 4, 1.2, SIGHT - 8) for day in sorted(days))
        yield f'<path d="{ticks}" fill="{_INK}"/>' if ticks else ""


def _seen(line: ExportedLine, child: str, only: bool) -> bool:
    said = {each.child_seen for each in line.statements}
    about = child in line.children or (only and not line.children)
    return about and YesNoNotKnown.YES in said and YesNoNotKnown.NO not in said


def _lanes(chronology: Chronology, outside: Counter[int], top: float) -> Iterator[str]:
    for number, agency in enumerate(chronology.agencies):
        y = top + number * LANE
        yield f'<path d="M10 {y}H{WIDTH - RIGHT}" stroke="#b1b4b6" stroke-width="0.6"/>'
        name = chronology.names.get(agency, agency)
        below = f"and {outside[number]} outside the period" if outside[number] else ""
        first, *further = [name] if below else wrap(name, 27)[:2] or [name]
        one_line = not below and not further
        yield _text(10, y + (LANE / 2 + 4 if one_line else 15), _short(first, 27))
        if further:
            yield _text(10, y + 29, _short(further[0], 27))
        if below:
            yield _text(10, y + 29, below, more=f'font-size="10.5" fill="{_QUIET}"')


def _axis(scale: _Scale, top: float, bottom: float) -> Iterator[str]:
    yield f'<path d="M10 {bottom}H{WIDTH - RIGHT}" stroke="{_INK}" stroke-width="0.8"/>'
    for day, name in _ticks(scale):
        x = scale.x(day)
        yield f'<path d="M{x:.1f} {top}V{bottom + 4}" stroke="#b1b4b6" stroke-width="0.6"/>'
        at, anchor = (WIDTH - 2, "end") if x > WIDTH - 30 else (x, "middle")
        yield _text(at, bottom + 17, name, anchor=anchor, more=f'font-size="11" fill="{_QUIET}"')


def _ticks(scale: _Scale) -> Iterator[tuple[date, str]]:
    span = (scale.last - scale.first).days + 1
    if span <= 70:
        step = 7 if span > 14 else 1
        for number in range(0, span, step):
            day = scale.first + timedelta(days=number)
            yield day, f"{day.day} {day:%b}"
        return
    step = next((each for each in (1, 2, 3, 6) if span / 30.4 / each <= 13), 12 * max(1, round(span / 365 / 13)))
    month = scale.first.year * 12 + scale.first.month  # the first of the next month, counted from January as 0
    while (day := date(month // 12, month % 12 + 1, 1)) <= scale.last:
        if month % step == 0:
            yield day, f"{day:%b %Y}"
        month += 1


def _cells(marks: Iterable[_Mark], scale: _Scale) -> _Cells:
    cells: _Cells = defaultdict(list)
    for mark in marks:
        cells[mark.lane, int((scale.mid(mark.day) - LEFT) // BIN)].append(mark)
    return cells


def _drawn(cells: _Cells, most: int, scale: _Scale, top: float) -> Iterator[str]:
    paths: dict[int, list[str]] = defaultdict(list)
    for (lane, cell), found in sorted(cells.items()):
        floor = top + (lane + 1) * LANE - 2
        families = sorted(mark.family for mark in found)
        if most <= MOST_STACKED:
            _stack(paths, found, scale, floor)
        else:
            _column(paths, families, LEFT + cell * BIN, floor, (LANE - 5) / most)
    for number, drawn in sorted(paths.items()):
        yield f'<path d="{"".join(drawn)}" fill="{FAMILIES[number].colour}"/>'


def _stack(paths: dict[int, list[str]], found: list[_Mark], scale: _Scale, floor: float) -> None:
    radius = 3.6
    room = (LANE - 4) / max(len(found), 2)
    middle = floor - (LANE - 4) / 2 + room * (len(found) - 1) / 2
    for place, mark in enumerate(sorted(found, key=lambda each: (each.family, each.day))):
        paths[mark.family].append(FAMILIES[mark.family].shape(scale.mid(mark.day), middle - place * room, radius))


def _column(paths: dict[int, list[str]], families: list[int], x: float, floor: float, unit: float) -> None:
    counts = sorted(Counter(families).items())
    below = accumulate((count for _, count in counts), initial=0)
    for (family, count), under in zip(counts, below, strict=False):
        paths[family].append(rectangle(x + 0.4, floor - (under + count) * unit, BIN - 0.8, count * unit))


def _incident(day: date | None, scale: _Scale, bottom: float) -> Iterator[str]:
    if day is None:
        return
    x = scale.mid(day)
    yield f'<path d="M{x:.1f} {TOP - 4}V{bottom + 4}" stroke="{_INK}" stroke-width="1.8"/>'
    anchor = "end" if x > WIDTH / 2 else "start"
    told = f"Incident, {short_day(day)}"
    yield _text(x, TOP - 10, told, anchor=anchor, more='font-weight="bold"')


def _text(x: float, y: float, text: str, *, anchor: str = "start", more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{escape(_clean(text))}</text>'


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
