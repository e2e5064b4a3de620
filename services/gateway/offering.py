"""A message offered to the intake: checked, and sealed where it opens an incident, before any transaction."""

import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import orjson

from contracts.envelope import AnyEvent
from contracts.identifiers import mint
from contracts.submissions import Fault
from services.gateway.checks import Arrival, Checked, Rejected, check
from services.gateway.directory import Directory
from services.gateway.receipts import ACCEPTED, REFUSED, Receipt
from services.gateway.sealing import Kept, seal
from shared.telemetry import current_traceparent
from shared.vault_client import Sealer


@dataclass(frozen=True)
class Offered:
    """A message on its way in, with all that can be done about it before the transaction.

    `batch` is the request that it came in with others; `kept` is there already for what opens an incident.
    """

    arrival: Arrival
    submission: str
    checked: Checked | Rejected
    event_id: str | None = None
    digest: bytes | None = None
    kept: Kept | None = None
    batch: object = None
    keys: frozenset[str] = frozenset()
    value: Any = None
    edition: int = 0
    """Of the directory that it was checked by."""


class Offering:
    """Does what needs no database. `standing` is the directory as this process last knew it."""

    def __init__(self, standing: Callable[[], Directory], sealer: Sealer, digest_key: bytes) -> None:
        self._standing = standing
        self._sealer = sealer
        self._digest_key = digest_key

    def offer(self, value: Any, arrival: Arrival, *, batch: object = None) -> Offered:
        """Everything about a message that needs no database. Raises NoSealingKey.

        The directory it is checked by may be a second old: `take` looks whether it still stands.
        """
        return self._offered(value, arrival, self._standing(), mint("submission"), batch)

    def _offered(self, value: Any, arrival: Arrival, directory: Directory, submission: str, batch: object) -> Offered:
        sent = value if isinstance(value, dict) else {}
        keys = frozenset(key for name in ("subject", "incidentref") if isinstance(key := sent.get(name), str))
        try:
            checked = check(value, arrival, directory)
        except Rejected as rejected:
            return Offered(
                arrival,
                submission,
                rejected,
                _own_id(sent, arrival),
                batch=batch,
                keys=keys,
                value=value,
                edition=directory.edition,
            )
        checked = checked.within(current_traceparent())
        kept = None
        if checked.opens_incident:
            kept = seal(
                checked,
                self._sealer,
                arrival.party,
                submission=submission,
                subject=mint("incident"),
                arrived=arrival.at,
            )
        return Offered(
            arrival,
            submission,
            checked,
            checked.event.id,
            self._digest(checked.sent),
            kept,
            batch,
            keys,
            value,
            directory.edition,
        )

    def under(self, directory: Directory, offered: Offered) -> Offered:
        """The offer as the directory of this transaction has it: a right may have come or gone since it was checked."""
        if offered.edition == directory.edition or offered.value is None:
            return offered
        arrival, before = offered.arrival, offered.arrival.party
        party = directory.member(before.agency, before.person, frozenset(before.roles))
        if party is None:
            fault = Fault(pointer="/source", rule="not-a-member", detail="Your agency is not listed here any more.")
            return replace(offered, checked=Rejected(403, [fault]), kept=None)
        return self._offered(offered.value, replace(arrival, party=party), directory, offered.submission, offered.batch)

    def _digest(self, sent: Mapping[str, Any]) -> bytes:
        """Tells the same message again from another under its id; keyed, so that nobody can guess words from it.

        The trace context is no part of what was said: a repeat comes with another.
        """
        said = {name: value for name, value in sent.items() if name != "traceparent"}
        return hmac.digest(self._digest_key, orjson.dumps(said, option=orjson.OPT_SORT_KEYS), "sha256")


def _own_id(sent: Mapping[str, Any], arrival: Arrival) -> str | None:
    """The id of a message that cannot be taken, where it is one that its sender could look up."""
    found = sent.get("id")
    usable = isinstance(found, str) and 0 < len(found) <= 64 and found.isascii() and found.isprintable()
    return found if usable and sent.get("source") == arrival.source else None


def receipt_of(offered: Offered, status: str, **more: Any) -> Receipt:
    """What became of an offer."""
    event = None if isinstance(offered.checked, Rejected) else offered.checked.event
    about: dict[str, Any] = {"event_id": offered.event_id}
    if event is not None:
        about |= {"type": event.type, "partnership": event.partnership, "incidentref": event.incidentref}
    return Receipt(
        offered.submission,
        status,
        offered.arrival.at,
        offered.arrival.party.agency,
        offered.arrival.source,
        **about
        | {"actor": offered.arrival.party.person, "inbound_offset": offered.arrival.offset, "digest": offered.digest}
        | more,
    )


def refusal_of(offered: Offered, rejected: Rejected) -> Receipt:
    """It was refused, with every fault."""
    return receipt_of(offered, REFUSED, http_status=rejected.status, faults=rejected.faults)


def acceptance_of(offered: Offered, proposal: AnyEvent, facts: Sequence[AnyEvent], marks: tuple[str, ...]) -> Receipt:
    """It was accepted; these facts followed."""
    incident = proposal.subject if (proposal.subject or "").startswith("incident-") else None
    return receipt_of(
        offered,
        ACCEPTED,
        incident=incident,
        marks=marks,
        facts=tuple(fact.id for fact in facts),
        deadlines=tuple(deadlines_in(facts)),
    )


def deadlines_in(facts: Sequence[AnyEvent]) -> Iterator[dict[str, Any]]:
    """The deadline facts among these, with their reckoning, as a receipt shows them."""
    for fact in facts:
        if fact.name.startswith("deadline."):
            yield {"event": fact.name} | fact.data.model_dump(
                mode="json", by_alias=True, exclude_none=True, exclude={"reason"}
            )


def digest_key(secret: bytes) -> bytes:
    """The key of this installation's digests, from a secret that its gateway processes share."""
    return hmac.digest(secret, b"digests of submissions", sha256)
