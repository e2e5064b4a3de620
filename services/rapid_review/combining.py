"""The returns of a review as the chronology takes them: each agency's newest answer, its words put back. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from contracts.envelope import AnyEvent
from contracts.review_exports import Chronology
from contracts.reviews import InformationContributed, InformationReturned
from contracts.sealing import is_reference, marked
from services.rapid_review.chronology.combined import combine
from services.rapid_review.chronology.entries import Entry, Return
from services.rapid_review.exports.chronology import exported
from services.rapid_review.review.state import Request
from services.rapid_review.shown import Sighted
from services.rapid_review.words import Words


@dataclass(frozen=True)
class Answered:
    """What counts of one agency's answer: its newest return, if there is one, and the parts that belong to it."""

    request: Request
    newest: InformationReturned | None
    facts: tuple[AnyEvent, ...]


def answers(sighted: Sighted) -> list[Answered]:
    """The answers that whoever looks may read, in the order of the requests."""
    known = {fact.id: fact for fact, _ in sighted.facts if isinstance(fact.data, _ANSWER)}
    return [found for request, _ in sighted.requests() if (found := _answered(request, known))]


_ANSWER = InformationReturned | InformationContributed


def _answered(request: Request, known: Mapping[str, AnyEvent]) -> Answered | None:
    latest = request.latest
    ids: Sequence[str] = (*latest.parts, latest.fact) if latest else tuple(request.contributed)
    facts = tuple(known[each] for each in ids if each in known)
    if not facts:
        return None
    data = facts[-1].data
    return Answered(request, data if isinstance(data, InformationReturned) else None, facts)


def references(found: Iterable[Answered]) -> Iterator[str]:
    """Every reference that the chronology of these answers needs."""
    for answer in found:
        for fact in answer.facts:
            for entry in fact.data.entries:
                yield from (ref for _, ref in marked(type(entry), {"words": entry.words}) if is_reference(ref))
        if answer.newest is not None:
            told = (answer.newest.voice_of_the_child, answer.newest.identity_considered)
            yield from (ref for ref in told if ref is not None)


def chronology(sighted: Sighted, found: Sequence[Answered], words: Words) -> Chronology:
    """The combined chronology of these answers. Children are told by letters."""
    case, directory = sighted.looker.dossier.case, sighted.looker.directory
    subjects = dict.fromkeys(subject for answer in found for subject in answer.request.subjects)
    children = {subject: child(number) for number, subject in enumerate(subjects)}
    agencies = {answer.request.agency: directory.name_of(answer.request.agency) for answer in found}
    combined = combine([_return(answer, words) for answer in found], list(children), case.occurred_from)
    return exported(combined, agencies, children, case.occurred_from)


def child(number: int) -> str:
    """Child A, Child B; behind Child Z by number."""
    return f"Child {chr(ord('A') + number)}" if number < 26 else f"Child {number + 1}"


def _return(answer: Answered, words: Words) -> Return:
    request, newest = answer.request, answer.newest
    return Return(
        agency=request.agency,
        entries=tuple(_entries(answer, words)),
        scope_from=request.scope_from,
        scope_to=request.scope_to,
        nil=bool(newest and newest.nil),
        voice_of_the_child=words.text(newest.voice_of_the_child) if newest else None,
        identity_considered=words.text(newest.identity_considered) if newest else None,
    )


def _entries(answer: Answered, words: Words) -> Iterator[Entry]:
    for fact in answer.facts:
        for number, entry in enumerate(fact.data.entries):
            told = words.entry(entry.words)
            yield Entry(
                id=f"{fact.id}/{number}",
                agency=answer.request.agency,
                day=entry.day,
                event=told.event if told else None,
                at=entry.at,
                kind=entry.kind,
                subjects=frozenset(entry.subjects),
                child_seen=entry.child_seen,
                voice_heard=entry.voice_heard,
                key_episode=entry.key_episode,
                outside_scope=entry.outside_scope,
                voice_of_the_child=told.voice_of_the_child if told else None,
                significance=told.significance if told else None,
                source_system=told.source_system if told else None,
                practitioner_role=told.practitioner_role if told else None,
            )
