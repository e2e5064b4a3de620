"""What a letter is: to an office's mailbox, with an incident's id, codes and dates; never a case's words.

Pure. `shared.post` keeps and sends them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid5

from contracts.envelope import AnyEvent

_LETTERS = UUID("0b7a0f0e-9d0c-4a50-8c3e-3f3d7d0e9a61")
MARKING = "OFFICIAL-SENSITIVE"
CLOSING = "Safeguarding Exchange holds the detail; this letter holds none."


@dataclass(frozen=True)
class Letter:
    """One letter to one mailbox. The same fact to the same mailbox always has the same `message_id`."""

    message_id: str
    incident: str
    recipient: str
    subject: str
    body: str


def letters_to(mailboxes: Iterable[str], fact: AnyEvent, subject: str, lines: Iterable[str]) -> Iterator[Letter]:
    """The letter that a fact of an incident gives rise to, once to each of these mailboxes."""
    incident = fact.subject or ""
    body = "\n".join([MARKING, "", f"Incident {incident}", *lines, "", CLOSING, MARKING])
    for recipient in dict.fromkeys(mailboxes):
        message_id = f"<{uuid5(_LETTERS, f'{fact.id} {recipient}')}@safeguarding-exchange>"
        yield Letter(message_id, incident, recipient, f"[{MARKING}] {subject} ({incident[-8:]})", body)


def shown(day: date) -> str:
    """`Mon 7 Sep 2026`."""
    return f"{day:%a} {day.day} {day:%b %Y}"
