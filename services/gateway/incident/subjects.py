"""A person decides that two subjects are one child, or two after all. Nothing is moved: views join, or part."""

from collections.abc import Iterator

from contracts.corrections import SubjectsMerged, SubjectsOfTwo, SubjectsSplit
from contracts.envelope import AnyEvent
from contracts.submissions import Fault
from services.gateway.incident.faults import fault, not_the_authority, refuse_if
from services.gateway.incident.linking import seen
from services.gateway.incident.state import Context, Incident
from shared.decider import Outcome


def merge_or_split(
    incident: Incident, proposal: AnyEvent, data: SubjectsMerged | SubjectsSplit, context: Context
) -> list[Outcome]:
    """The decision on the streams of both incidents (once, where they are one). `context.related` must hold both."""
    known = {incident.id: incident, **context.related}
    found = [seen(known.get(name), proposal, context) for name in data.incidents]
    refuse_if([*_parties(incident, data, found)])
    refuse_if([*not_the_authority(incident, proposal, context), *_standing(data, found)])
    return [Outcome(data, subject=name) for name in dict.fromkeys(data.incidents)]


def _parties(incident: Incident, data: SubjectsOfTwo, found: list[Incident | None]) -> Iterator[Fault]:
    if incident.id not in data.incidents:
        yield fault("/subject", "not-of-this", "The subject must be one of the two incidents.", *data.incidents)
    for number, (each, subject) in enumerate(zip(found, data.subjects, strict=True)):
        if each is None:
            yield fault(f"/data/incidents/{number}", "not-found", "There is no such incident.")
        elif each.partnership != incident.partnership:
            yield fault(f"/data/incidents/{number}", "another-partnership", "Views of two partnerships never join.")
        elif subject not in each.subjects and not _parts(data, each, subject):
            yield fault(f"/data/subjects/{number}", "not-of-this-incident", "This child is not in that incident.")


def _parts(data: SubjectsOfTwo, incident: Incident, subject: str) -> bool:
    """A split takes back a merge whose child a correction has left out since."""
    return isinstance(data, SubjectsSplit) and subject in incident.joined


def _standing(data: SubjectsMerged | SubjectsSplit, found: list[Incident | None]) -> Iterator[Fault]:
    one, other = data.subjects
    joined = any(each is not None and _are(each, one, other) for each in found)
    if isinstance(data, SubjectsMerged) and joined:
        yield fault("/data/subjects", "merged-already", "These two are joined already.")
    if isinstance(data, SubjectsSplit) and not joined:
        yield fault("/data/subjects", "not-merged", "These two are not joined by any merge.")


def _are(incident: Incident, one: str, other: str) -> bool:
    return other in incident.joined.get(one, ()) or one in incident.joined.get(other, ())
