"""Dates in every usual English form, and ages."""

import re
from collections.abc import Iterable, Iterator
from datetime import date

from contracts.review_codes import Found
from services.rapid_review.redaction.finding import Finding
from services.rapid_review.redaction.folding import Folded
from services.rapid_review.redaction.known import Age

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
)
_UNITS += " eighteen nineteen"
_NUMBERS = {word: number for number, word in enumerate(_UNITS.split())}
_NUMBERS |= {
    f"{ten} {word}".strip(): tens + number
    for ten, tens in (("twenty", 20), ("thirty", 30))
    for word, number in {"": 0, **{word: number for word, number in _NUMBERS.items() if 0 < number < 10}}.items()
}
_IRREGULAR = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth"}
_IRREGULAR |= {"twelve": "twelfth", "twenty": "twentieth", "thirty": "thirtieth"}


def _ordinal(words: str) -> str:
    *tens, last = words.split()
    return " ".join((*tens, _IRREGULAR.get(last, f"{last}th")))


_ORDINALS = {_ordinal(words): number for words, number in _NUMBERS.items() if 0 < number <= 31}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def _any(words: Iterable[str]) -> str:
    """A pattern for any of them, the longest first; between two words a space or a hyphen."""
    return "|".join(word.replace(" ", r"[\s-]+") for word in sorted(words, key=len, reverse=True))


_MONTH = (
    r"(?P<month>january|february|march|april|may|june|july|august|september|october|november|december"
    r"|jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec)(?![^\W\d_])\.?"
)
_DAY = rf"(?:[0-3]?\d(?:\s?(?:st|nd|rd|th))?(?![\d])|(?:{_any(_ORDINALS)})(?![^\W\d_]))"
_LONG_YEAR = r"(?:19|20)\d\d"
_YEAR = rf"(?P<year>{_LONG_YEAR}|'?\d\d)(?!\d)"
_GAP = r"[\s\-/.,]*"

_DAY_MONTH = re.compile(
    rf"(?<!\d)(?<![^\W\d_])(?P<days>{_DAY}(?:\s*(?:-|/|,|&|to|and|or)\s*(?:the\s+)?{_DAY}){{0,3}})"
    rf"{_GAP}(?:day\s+)?(?:of\s+)?{_MONTH}(?:{_GAP}{_YEAR})?"
)
_MONTH_DAY = re.compile(rf"(?<![^\W\d_]){_MONTH}{_GAP}(?:the\s+)?(?P<days>{_DAY})(?:[\s,\-/.]+{_YEAR})?")
_MONTH_YEAR = re.compile(rf"(?<![^\W\d_]){_MONTH}[\s,\-/]*(?P<year>{_LONG_YEAR}(?!\d)|'\d\d(?!\d))")
_NUMERIC = re.compile(r"(?<!\d)(\d{1,2}|\d{4})(?:\s?([-/.])\s?(\d{1,2})\s?\2\s?|(\s)(\d{1,2})\s)(\d{4}|\d{1,2})(?!\d)")
_COMPACT = re.compile(r"(?<!\d)(?:\d{8}|\d{6})(?!\d)")
_WITHOUT_YEAR = re.compile(r"(?<![\d/.-])(\d{1,2})/(\d{1,2})(?![\d/]|[.-]\d)")
_NUMERIC_MONTH = re.compile(rf"(?<![\d/.-])(\d{{1,2}})[/.-]({_LONG_YEAR})(?!\d)")
_ONE_DAY = re.compile(_DAY)

_COUNT = rf"(?P<number>\d{{1,4}}|{_any(_NUMBERS)})"
_AGE_UNIT = r"(?P<unit>year|yr|month|mth|week|wk|day)s?"
_AGE = re.compile(
    rf"(?<![^\W_]){_COUNT}[\s-]*{_AGE_UNIT}[\s-]*(?:old|of\s+age)(?![^\W_])"
    rf"|(?<![^\W_])(?:aged?|age\s+of)\s+(?:only\s+|just\s+)?{_COUNT.replace('number', 'aged')}(?![^\W_])"
    rf"(?:[\s-]*{_AGE_UNIT.replace('unit', 'agedunit')}(?![^\W_]))?"
    r"|(?<![^\W_])(?P<years>\d{1,2})[\s-]*(?:y/?o|yrs?)(?![^\W_])"
)
_AS_UNIT = {"yr": "year", "mth": "month", "wk": "week"}

Hit = tuple[int, int, bool]
"""Start, end, and whether it is no more than possible."""


def dates_in(folded: Folded, known: Iterable[date]) -> Iterator[Finding]:
    """Every expression that can mean one of the days; one without its day or its year is possible."""
    days = frozenset(known)
    if days:
        for start, end, possible in (*_written(folded.text, days), *_numeric(folded.text, days)):
            yield Finding(Found.DATE, *folded.span(start, end), possible=possible)


def _written(text: str, days: frozenset[date]) -> Iterator[Hit]:
    taken: list[tuple[int, int]] = []
    for pattern in (_DAY_MONTH, _MONTH_DAY):
        for found in pattern.finditer(text):
            taken.append(found.span())
            month, year = _MONTHS.index(found["month"][:3]) + 1, found["year"]
            numbers = [_day(each.group()) for each in _ONE_DAY.finditer(found["days"])]
            if any(_is(day, number, month, year) for day in days for number in numbers):
                yield (*found.span(), year is None)
    for found in _MONTH_YEAR.finditer(text):
        month = _MONTHS.index(found["month"][:3]) + 1
        within = any(start <= found.start() < end for start, end in taken)
        if not within and any(_is(day, day.day, month, found["year"]) for day in days):
            yield (*found.span(), True)


def _numeric(text: str, days: frozenset[date]) -> Iterator[Hit]:
    for found in _NUMERIC.finditer(text):
        first, _, dashed, _, spaced, last = found.groups()
        middle = int(dashed or spaced)
        if len(first) == 4:
            readings = [(int(last), middle, first, False)]
        else:  # as in England, or the month first
            readings = [(int(first), middle, last, False), (middle, int(first), last, True)]
        doubts = [doubt for number, month, year, doubt in readings if any(_is(d, number, month, year) for d in days)]
        if doubts:
            yield (*found.span(), min(doubts))
    for found in _COMPACT.finditer(text):
        digits = found.group()
        written = ("%d%m%Y", "%Y%m%d") if len(digits) == 8 else ("%d%m%y", "%y%m%d")
        if any(day.strftime(form) == digits for day in days for form in written):
            yield (*found.span(), len(digits) == 6)
    for found in _WITHOUT_YEAR.finditer(text):
        if any((day.day, day.month) == (int(found[1]), int(found[2])) for day in days):
            yield (*found.span(), True)
    for found in _NUMERIC_MONTH.finditer(text):
        if any((day.month, day.year) == (int(found[1]), int(found[2])) for day in days):
            yield (*found.span(), True)


def _day(written: str) -> int:
    digits = re.match(r"\d+", written)
    return int(digits.group()) if digits else _ORDINALS[re.sub(r"[\s-]+", " ", written)]


def _is(day: date, number: int, month: int, year: str | None) -> bool:
    if (day.day, day.month) != (number, month):
        return False
    if year is None:
        return True
    told = int(year.lstrip("'"))
    return told == (day.year if told > 99 else day.year % 100)


def ages_in(folded: Folded, known: Iterable[Age]) -> Iterator[Finding]:
    """Every age that is one of those known; one without its unit is in years."""
    ages = {(age.number, age.unit) for age in known}
    if not ages:
        return
    for found in _AGE.finditer(folded.text):
        number = found["number"] or found["aged"] or found["years"]
        unit = found["unit"] or found["agedunit"] or "year"
        count = int(number) if number.isdigit() else _NUMBERS[re.sub(r"[\s-]+", " ", number)]
        if (count, _AS_UNIT.get(unit, unit)) in ages:
            yield Finding(Found.DATE, *folded.span(*found.span()))
