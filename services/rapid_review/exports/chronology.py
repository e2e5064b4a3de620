"""The combined chronology as it is handed over: agencies and children named, erased words saying so."""

from collections.abc import Iterable, Mapping
from datetime import date

from contracts.review_exports import (
    ERASED,
    Chronology,
    ExportedGap,
    ExportedLine,
    ExportedPrompt,
    ExportedSource,
    ExportedStatement,
)
from services.rapid_review.chronology.combined import Combined
from services.rapid_review.chronology.entries import Entry
from services.rapid_review.chronology.lines import Line, Statement


def exported(
    combined: Combined, agencies: Mapping[str, str], children: Mapping[str, str], incident_on: date | None = None
) -> Chronology:
    """For handing over. `agencies` names each that answered, in the order of the lanes; `children` each subject."""
    return Chronology(
        agencies=tuple(agencies),
        names=dict(agencies),
        children=tuple(children.values()),
        incident_on=incident_on,
        lines=tuple(_line(line, children) for line in combined.lines),
        gaps=tuple(
            ExportedGap(
                child=children.get(gap.child, gap.child),
                first=gap.first,
                last=gap.last,
                days=gap.days,
                disputed=gap.disputed,
            )
            for gap in combined.gaps
        ),
        prompts=tuple(ExportedPrompt(agency=each.agency, missing=each.missing) for each in combined.prompts),
        unsaid=combined.unsaid,
    )


def _line(line: Line, children: Mapping[str, str]) -> ExportedLine:
    return ExportedLine(
        day=line.day,
        children=tuple(_named(line.subjects, children)),
        voice_heard=any(each.voice_heard for each in line.entries),
        key_episode=any(each.key_episode for each in line.entries),
        differ=tuple(sorted(line.differ)),
        statements=tuple(_statement(each) for each in line.statements),
    )


def _named(subjects: Iterable[str], children: Mapping[str, str]) -> list[str]:
    return sorted(children.get(each, each) for each in subjects)


def _statement(statement: Statement) -> ExportedStatement:
    return ExportedStatement(
        at=statement.at,
        kind=statement.first.kind,
        child_seen=statement.child_seen,
        sources=tuple(_source(each) for each in statement.entries),
    )


def _source(entry: Entry) -> ExportedSource:
    return ExportedSource(
        entry=entry.id,
        agency=entry.agency,
        event=entry.event or ERASED,
        voice_of_the_child=entry.voice_of_the_child,
        significance=entry.significance,
        source_system=entry.source_system,
        practitioner_role=entry.practitioner_role,
        outside_scope=entry.outside_scope,
    )
