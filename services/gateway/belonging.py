"""Whose children and words a proposal names: those of its own incident alone.

Taken on trust, another incident's child would have what is said here filed under that child's key, and a reference
that is not of this incident would make the notification unreadable, since the vault shows it in its own alone.
"""

from collections.abc import Iterator

from contracts.envelope import AnyEvent
from contracts.sealing import is_reference, marked
from contracts.submissions import Fault
from shared.database import Transaction
from shared.eventlog import EventLog

# What was sent on to notifications and not refused lies in the log under its submission.
_SAID = """
    select event from fact where stream = $1 or stream in (
        select id from submission where incident = $1 and type like 'notification.%' and status <> 'refused')
    """


def named(event: AnyEvent) -> Iterator[tuple[str, str]]:
    """The children and the filed words that an event names, each with its JSON pointer."""
    data = event.data.model_dump(mode="json", by_alias=True)
    yield from ((f"/data{at}", value) for at, value in marked(type(event.data), data) if is_reference(value))
    at, content = ("/data/content", data["content"]) if "content" in data else ("/data", data)
    for number, child in enumerate(content.get("children") or ()):
        if child.get("subject"):
            yield f"{at}/children/{number}/subject", child["subject"]


async def foreign(tx: Transaction, log: EventLog, incident: str, proposal: AnyEvent) -> list[Fault]:
    """A fault for each child and each reference in a proposal that nothing said about the incident has brought."""
    names = dict(named(proposal))
    if not names:
        return []
    said = await tx.driver.fetch(_SAID, incident)
    known = {value for (content,) in said for _, value in named(log.decode(content))}
    return [_fault(pointer, value) for pointer, value in names.items() if value not in known]


def _fault(pointer: str, value: str) -> Fault:
    if is_reference(value):
        detail = "No such words are filed for this incident; send the words themselves."
    else:
        detail = "No such child is known in this incident; leave the id out and the gateway gives one."
    return Fault(pointer=pointer, rule="not-of-this-incident", detail=detail)
