"""The chronologies of a large review merged, and set as each copy of them: pure, so no stack is needed."""

import time
from collections.abc import Callable, Iterator, Mapping

from services.rapid_review.chronology.combined import combine
from services.rapid_review.exports.as_pdf import chronology_pdf
from services.rapid_review.exports.as_sheets import as_csv, as_xlsx
from services.rapid_review.exports.chronology import exported
from services.rapid_review.exports.picture import picture
from tests.bench.verdicts import Promise, Row, Spread
from tests.unit.review_export_stories import CHILDREN, INCIDENT_ON, chronology_copy, named, returns

MERGE = Promise("5,000 entries of 12 agencies merge within a second", most=1, of="ours")
RENDER = Promise("a copy of them renders within three seconds", most=3, of="ours")
ENTRIES, AGENCIES = 5_000, 12


def measure(*, quick: bool) -> Iterator[Row]:
    """Each by wall clock, one process, several rounds; the row of the copies has the slowest form."""
    rounds = 1 if quick else 5
    given = returns(ENTRIES, AGENCIES)
    said = sum(len(each.entries) for each in given)
    condition = f"{said:,} entries of {AGENCIES} agencies over two years, a tenth of them said by two; {rounds} rounds"
    merging = _timed(lambda: combine(given, list(CHILDREN), INCIDENT_ON), rounds)
    yield Row("review, merge", MERGE, "s", merging.middle, None, condition, str(merging))
    copy = chronology_copy(
        exported(combine(given, list(CHILDREN), INCIDENT_ON), named(AGENCIES), CHILDREN, INCIDENT_ON)
    )
    forms: Mapping[str, Callable[[], object]] = {
        "json": copy.model_dump_json,
        "csv": lambda: as_csv(copy),
        "xlsx": lambda: as_xlsx(copy),
        "svg": lambda: picture(copy.chronology),
        "pdf": lambda: chronology_pdf(copy),
    }
    took = {form: _timed(make, rounds) for form, make in forms.items()}
    slowest = max(took, key=lambda form: took[form].middle)
    told = "; ".join(f"{form} {each}" for form, each in took.items())
    yield Row("review, render", RENDER, "s", took[slowest].middle, None, condition, f"slowest: {slowest}. {told}")


def _timed(do: Callable[[], object], rounds: int) -> Spread:
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        do()
        took.append(time.perf_counter() - began)
    return Spread(tuple(took))
