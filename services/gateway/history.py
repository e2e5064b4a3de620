"""What a caller is told of an incident's past: the facts that it may see, less those recalled from it.

A fact of two incidents (a link, a merge) is for those entitled to both.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.corrections import IncidentRecalled
from contracts.envelope import AnyEvent
from contracts.matters import incidents_of
from services.gateway import queries
from services.gateway.incident.folding_corrections import recall
from services.gateway.incident.state import Recalled
from services.gateway.queries import IncidentRow
from services.gateway.sight import Viewer, fact_shown, incident_shown, is_about, references_in
from services.gateway.subjects import alleged_side
from shared.eventlog import EventLog

OF_TWO = frozenset({"incident.linked.v1", "subjects.merged.v1", "subjects.split.v1"})
"""Their words are filed under one of the two incidents, and stand in the history of both."""


async def stated(
    connection: AsyncConnection, log: EventLog, viewer: Viewer, row: IncidentRow
) -> Sequence[dict[str, Any]]:
    """What was stated of an incident as the viewer sees it, oldest first; a recalled fact says so where it is shown."""
    facts = await queries.timeline(connection, log, row.id)
    addresses = not await kept_from(connection, viewer, row)
    recalled = recalls(facts)
    told = []
    for fact in facts:
        shown = fact_shown(viewer, row.matter, fact, addresses=addresses)
        if shown is None or not await _entitled_to_all(connection, viewer, incidents_of(fact) - {row.id}):
            continue
        found = recalled.get(fact.id)
        if found is not None and withheld(viewer, row, found):
            continue
        told.append(shown | ({"recalled": {"because": found.because, "by": found.fact}} if found else {}))
    return told


async def about_the_viewer(connection: AsyncConnection, log: EventLog, viewer: Viewer, row: IncidentRow) -> set[str]:
    """The references in what was stated about shutting out the viewer itself: it is not told that they are there."""
    facts = await queries.timeline(connection, log, row.id)
    about = [fact.model_dump(mode="json") for fact in facts if is_about(fact.data, viewer.party)]
    return set(references_in(about))


def recalls(facts: Sequence[AnyEvent]) -> Mapping[str, Recalled]:
    """The recalled events among these facts, by their ids. Pure."""
    found: dict[str, Recalled] = {}
    for fact in facts:
        if isinstance(fact.data, IncidentRecalled):
            found[fact.data.event] = recall(found.get(fact.data.event), fact, fact.data)
    return found


def withheld(viewer: Viewer, row: IncidentRow, recalled: Recalled) -> bool:
    """Whether a recalled event is not shown to this viewer any more. The authority that holds the duty has to see it.

    Pure.
    """
    if is_host(viewer, row):
        return False
    return not recalled.recipients or viewer.party.agency in recalled.recipients


def is_host(viewer: Viewer, row: IncidentRow) -> bool:
    """Whether the viewer is of the authority that holds the duty."""
    host = viewer.directory.authorities.get(row.host)
    return host is not None and host.id == viewer.party.agency


async def kept_from(connection: AsyncConnection, viewer: Viewer, row: IncidentRow) -> bool:
    """Whether the viewer learns no address in this incident, being an alleged perpetrator's side here or in another one
    of the same child. The authority that holds the duty here always does: it could not act."""
    return not is_host(viewer, row) and await alleged_side(connection, viewer.party.agency, [row.id])


async def at_a_glance(connection: AsyncConnection, viewer: Viewer, row: IncidentRow) -> dict[str, Any] | None:
    """An incident as the viewer sees it; None where it does not exist for it. A link is for those entitled to both."""
    shown = incident_shown(viewer, row)
    lead = frozenset({row.linked_to} if row.linked_to else ())
    if shown is not None and not await _entitled_to_all(connection, viewer, lead):
        shown.pop("linkedTo", None)
    return shown


async def _entitled_to_all(connection: AsyncConnection, viewer: Viewer, others: frozenset[str]) -> bool:
    for other in others:
        row = await queries.summary(connection, other)
        if row is None or incident_shown(viewer, row) is None:
            return False
    return True
