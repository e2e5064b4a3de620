"""The scan: what of an incident stands in a text or a document. It assists; two people decide."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from contracts.practice_reviews import FoundCount
from contracts.review_codes import Found, Scan
from services.rapid_review.redaction.dates import ages_in, dates_in
from services.rapid_review.redaction.document import Document
from services.rapid_review.redaction.finding import Finding
from services.rapid_review.redaction.folding import fold, mended
from services.rapid_review.redaction.known import Known
from services.rapid_review.redaction.names import forms, initials_in, names_in
from services.rapid_review.redaction.places import identifiers_in, phrases, places_in

AROUND = 40
"""Characters before and after a finding that a checker is shown."""


@dataclass(frozen=True, repr=False)
class Scanned:
    """What came of a scan. `counts` is for the fact; `findings`, and `unread` what no scanner reads, for checkers."""

    result: Scan
    counts: tuple[FoundCount, ...] = ()
    findings: tuple[Finding, ...] = ()
    unread: tuple[str, ...] = ()
    why: str | None = None


def scan(text: str, known: Known) -> tuple[Finding, ...]:
    """Everything known that stands in a text, in order, each place once for each kind."""
    folded = fold(text)
    whole = mended(folded)
    names, places = forms(known.names), phrases(known.places)
    found = [
        *names_in(folded, names),
        *places_in(folded, places),
        *dates_in(folded, known.dates),
        *ages_in(folded, known.ages),
        *identifiers_in(folded, known.identifiers),
    ]
    if whole is not None:
        found += [*names_in(whole, names), *places_in(whole, places)]
    found += initials_in(text, known.names)
    return tuple(_in_full(text, finding) for finding in _once(found))


def _once(found: Iterable[Finding]) -> Iterator[Finding]:
    """A finding within another of its kind says nothing more; of two alike the surer stands."""
    within: dict[Found, int] = {}
    for finding in sorted(found, key=lambda each: (each.start, -each.end, each.possible)):
        if finding.end > within.get(finding.what, -1):
            within[finding.what] = finding.end
            yield finding


def _in_full(text: str, finding: Finding) -> Finding:
    around = text[max(0, finding.start - AROUND) : finding.end + AROUND]
    return replace(finding, words=text[finding.start : finding.end], around=" ".join(around.split()))


def scan_document(document: Document, known: Known) -> Scanned:
    """A document's body as one text, so that nothing hides across two pages, and then what stands beside it."""
    found = [*_in_body(document, known), *_beside(document, known)]
    result = Scan.FOUND if found else Scan.NOTHING_FOUND
    return Scanned(result, counts(found), tuple(found), document.unread)


def failed(why: str) -> Scanned:
    """A document that cannot be read was not scanned: that is never "nothing found"."""
    return Scanned(Scan.FAILED, why=why)


def counts(findings: Iterable[Finding]) -> tuple[FoundCount, ...]:
    """How often each kind was found: all that a fact may say."""
    each = Counter(finding.what for finding in findings)
    return tuple(FoundCount(what=what, count=each[what]) for what in Found if each[what])


def _in_body(document: Document, known: Known) -> Iterator[Finding]:
    starts, length = list[int](), 0
    for part in document.body:
        starts.append(length)
        length += len(part.text) + 1
    text = "\n".join(part.text for part in document.body)
    for finding in scan(text, known):
        yield replace(finding, where=document.body[bisect_right(starts, finding.start) - 1].where)


def _beside(document: Document, known: Known) -> Iterator[Finding]:
    for part in document.beside:
        if part.telling:
            yield Finding(Found.METADATA, 0, len(part.text), where=part.where, words=part.text)
        for finding in scan(part.text, known):
            yield replace(finding, where=part.where)
