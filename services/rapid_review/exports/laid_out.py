"""What the templates print: every value as a person reads it."""

from itertools import groupby
from typing import Any

from contracts.codes import YesNoNotKnown
from contracts.review_exports import (
    AskedAbout,
    Chronology,
    ExportedChronology,
    ExportedLine,
    ExportedPack,
    ExportedRequest,
    ExportedReview,
    ExportedSource,
    ExportedStatement,
)
from services.rapid_review.exports.labels import label, short_day, shown_day, shown_moment, shown_time
from services.rapid_review.exports.picture import described, picture
from shared.london import LONDON

FEW = 60
"""Lines; with more, the chronology has a heading for each month."""


LINES_TO_A_BREAK = 100
"""A month begins a new page once so many lines were printed since the last that did."""


def report(copy: ExportedReview) -> dict[str, Any]:
    """The report's words."""
    data = _of_all(copy, copy.model_dump(mode="json", exclude={"chronology"}))
    data["decision"]["outcome"] = label(copy.decision.outcome)
    for row, view in zip(data["views"], copy.views, strict=True):
        row |= {"partner": label(view.partner), "view": label(view.view) if view.view else "Not recorded"}
    data["chronology"] = _chronology(copy.chronology) if copy.chronology else None
    return data


def chronology_alone(copy: ExportedChronology) -> dict[str, Any]:
    """The combined chronology's words and picture."""
    data = _of_all(copy, copy.model_dump(mode="json", exclude={"chronology"}))
    return data | {"chronology": _chronology(copy.chronology)}


def request(copy: ExportedRequest) -> dict[str, Any]:
    """The letter's words: DOMAIN section 5's minimum."""
    return _of_all(copy, copy.model_dump(mode="json")) | {
        "to": "\n".join(filter(None, (copy.lead, copy.agency_name))),
        "dated": shown_day(copy.exported_at.astimezone(LONDON).date()),
        "dueShown": shown_day(copy.due),
        "scopeFromShown": shown_day(copy.scope_from),
        "scopeToShown": shown_day(copy.scope_to),
        "basisShown": _sentence("; ".join(label(each) for each in copy.legal_basis)),
        "children": [{"name": child.name, "told": _told(child)} for child in copy.children],
    }


def pack(copy: ExportedPack) -> dict[str, Any]:
    """The advance copy's words."""
    data = _of_all(copy, copy.model_dump(mode="json")) | {
        "publishedOn": shown_day(copy.published_on) if copy.published_on else "Not planned yet",
        "copiesBy": shown_day(copy.copies_by) if copy.copies_by else "Not known yet",
        "form": label(copy.form),
        "sealShown": _in_eights(copy.report_sha256) if copy.report_sha256 else None,
        "copies": [
            {
                "recipient": label(each.recipient),
                "version": str(each.version) if each.version else "None",
                "given": shown_moment(each.delivered_at) if each.delivered_at else "Not yet recorded",
            }
            for each in copy.copies
        ],
    }
    for row, each in zip(data["recommendations"], copy.recommendations, strict=True):
        row["toShown"] = ", ".join(each.to)
    return data


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _of_all(
    copy: ExportedReview | ExportedChronology | ExportedRequest | ExportedPack, data: dict[str, Any]
) -> dict[str, Any]:
    return data | {
        "exportedAtShown": shown_moment(copy.exported_at),
        "purposeShown": copy.purpose.replace("_", " "),
        "exportedAs": copy.exported_as.replace("_", " "),
    }


def _in_eights(digits: str) -> str:
    return " ".join(digits[at : at + 8] for at in range(0, len(digits), 8))


def _told(child: AskedAbout) -> list[tuple[str, str]]:
    told = [
        ("Born", shown_day(child.born) if child.born else None),
        ("Not yet born; expected", shown_day(child.expected) if child.expected else None),
        ("Address", "; ".join(child.addresses) or None),
        (child.key_name or "", child.key if child.key_name else None),
    ]
    return [(name, value) for name, value in told if value]


def _chronology(chronology: Chronology) -> dict[str, Any]:
    conflicts = sum(bool(line.differ) for line in chronology.lines)
    outside = sum(s.outside_scope for line in chronology.lines for each in line.statements for s in each.sources)
    remarks = [
        (conflicts, f"Lines in which agencies differ about one event: {conflicts:,}."),
        (outside, f"Entries outside the period that their agency was asked about, kept: {outside:,}."),
        (
            chronology.unsaid,
            f"Lines that say that a child was seen and not which: {chronology.unsaid:,}. They close no gap in sight.",
        ),
    ]
    drawn = picture(chronology)
    return {
        "picture": drawn.svg,
        "widthToHeight": drawn.width / drawn.height,
        "described": described(chronology),
        "gaps": [
            {
                "child": gap.child,
                "firstShown": shown_day(gap.first),
                "lastShown": shown_day(gap.last),
                "daysShown": f"{gap.days}" + (f", seen in dispute on {len(gap.disputed)}" if gap.disputed else ""),
            }
            for gap in chronology.gaps
        ],
        "remarks": [remark for count, remark in remarks if count],
        "asked": _asked(chronology),
        "groups": _groups(chronology),
    }


def _asked(chronology: Chronology) -> list[tuple[str, str]]:
    words = {"voice": "the voice of the child"}
    return [
        (chronology.names.get(agency, agency), ", ".join(words.get(each.missing, each.missing) for each in found))
        for agency, found in groupby(chronology.prompts, key=lambda prompt: prompt.agency)
    ]


def _groups(chronology: Chronology) -> list[dict[str, Any]]:
    lines = [(line.day, _line(line, chronology.names)) for line in chronology.lines]
    if len(lines) <= FEW:
        return [{"heading": None, "breaks": False, "lines": [line for _, line in lines]}] if lines else []
    groups: list[dict[str, Any]] = []
    since = 0
    for month, found in groupby(lines, key=lambda pair: f"{pair[0]:%B %Y}"):
        of_the_month, breaks = [line for _, line in found], since >= LINES_TO_A_BREAK
        since = len(of_the_month) + (0 if breaks else since)
        groups.append({"heading": month, "breaks": breaks, "lines": of_the_month})
    return groups


def _line(line: ExportedLine, names: dict[str, str]) -> dict[str, Any]:
    outside = all(source.outside_scope for each in line.statements for source in each.sources)
    notes = (
        f"Agencies differ in: {', '.join(each.replace('_', ' ') for each in line.differ)}" if line.differ else "",
        "Key episode" if line.key_episode else "",
        "Outside the period" if outside else "",
    )
    at = shown_time(min((each.at for each in line.statements if each.at), default=None))
    return {
        "when": f"{short_day(line.day)} {at}".rstrip(),
        "note": ". ".join(filter(None, notes)),
        "who": _about(label(line.statements[0].kind), line),
        "statements": [_statement(each, line, names) for each in line.statements],
    }


def _about(told: str, line: ExportedLine) -> str:
    seen = " or ".join(dict.fromkeys(filter(None, (_seen(each) for each in line.statements))))
    children = f" ({', '.join(line.children)})" if line.children else ""
    return f"{told}{children}" + (f". Seen: {seen.lower()}" if seen else "")


def _seen(statement: ExportedStatement) -> str:
    return "" if statement.child_seen is YesNoNotKnown.NOT_KNOWN else label(statement.child_seen)


def _statement(statement: ExportedStatement, line: ExportedLine, names: dict[str, str]) -> dict[str, str]:
    who = ", ".join(dict.fromkeys(names.get(each.agency, each.agency) for each in statement.sources))
    kind, words = label(statement.kind), "\n".join(_words(statement, names))
    if len(line.statements) == 1:
        return {"who": _about(f"{who}: {kind}", line), "words": words}
    seen = _seen(statement) or "not said"
    return {"who": f"{who}:", "kind": kind, "at": shown_time(statement.at), "seen": seen.lower(), "words": words}


def _words(statement: ExportedStatement, names: dict[str, str]) -> list[str]:
    """What the first source says, and what others say in words of their own: nothing that was joined is hidden."""
    first, *others = statement.sources
    told = [first.event, *_besides(first)]
    for other in others:
        if other.event != first.event:
            told.append(f"{names.get(other.agency, other.agency)}: {other.event}")
        told += _besides(other)
    return list(dict.fromkeys(told))


def _besides(source: ExportedSource) -> list[str]:
    told = (("Voice of the child", source.voice_of_the_child), ("Significance", source.significance))
    return [f"{name}: {words}" for name, words in told if words]
