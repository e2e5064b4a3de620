"""From what was sent to what may be kept: ids minted, ages worked out, words and identities sealed to the vault."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.access import Party
from contracts.catalogue import EventType
from contracts.envelope import AnyEvent
from contracts.identifiers import mint, mint_reference
from contracts.sealing import Identity, Place_, Sealed, replace_words
from services.gateway.checks import Checked, age_on
from shared.london import london_date
from shared.telemetry import current_traceparent
from shared.vault_client import Parcel, Sealable, Sealer


@dataclass(frozen=True)
class Kept:
    """A proposal as it may be stored and sent on, and the sealed parcel that belongs to it, if it held words."""

    proposal: AnyEvent
    parcel: Parcel | None


def seal(
    checked: Checked,
    sealer: Sealer,
    party: Party,
    *,
    submission: str,
    subject: str,
    arrived: datetime,
    people: Sequence[str] = (),
    partnership: str | None = None,
) -> Kept:
    """Seals a proposal about `subject`. `people` are the subjects already known in the incident.

    The words belong to the incident's `partnership`, whichever the sender speaks from; None where it is the same.

    Raises NoSealingKey where the vault's key has never been fetched and there is something to seal.
    """
    event = checked.event
    data, children = _with_children(checked)
    named = tuple(child["subject"] for child in children)
    items: list[Sealable] = []

    def put(place: Place_, mark: Sealed, words: Any) -> str:
        ref = mint_reference()
        whose = children[_child(place)]["subject"] if mark.under == "subject" else None
        items.append(
            Sealable(
                ref,
                mark.kind,  # type: ignore[arg-type]  # documents are filed beforehand and come as references
                words,
                mark.under,
                None if checked.register else subject,
                whose,
                tuple(dict.fromkeys((*named, *people))),
            )
        )
        return ref

    model = type(event.data)
    sealed = replace_words(model, data, put)
    traceparent = current_traceparent() or event.traceparent
    attributes: dict[str, Any] = dict(event) | {
        "subject": subject,
        "submission": submission,
        "agency": party.agency,
        "actor": party.person,
        "actorrole": role_of(checked.entry, party, event.actorrole),
        "recordedtime": arrived,
        "businessdate": london_date(event.time),
        "traceparent": traceparent,
        "correlationid": event.correlationid or submission,
        "data": model.model_validate(sealed),
    }
    parcel = None
    if items:
        parcel = sealer.seal(
            items,
            partnership=partnership or event.partnership,
            agency=party.agency,
            event=event.id,
            traceparent=traceparent,
        )
    return Kept(type(event).model_construct(**attributes), parcel)


def role_of(entry: EventType, party: Party, said: str | None) -> str | None:
    """The role in which a person acts: the one they say, else the first that may propose this."""
    if party.person is None:
        return None
    if said is not None:
        return said
    able = [proposer.role for proposer in entry.proposers if proposer.role in party.roles]
    chosen = next((role for role in able if role is not None), next(iter(sorted(party.roles)), None))
    return chosen.value if chosen else None


def _with_children(checked: Checked) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The data with each child's subject minted and age worked out, and its children (none in most types)."""
    data: dict[str, Any] = dict(checked.sent["data"])
    content: Any = getattr(checked.event.data, "content", checked.event.data)
    known = getattr(content, "children", ())
    if not known:
        return data, []
    within = data if content is checked.event.data else dict(data["content"])
    children = []
    for sent, child in zip(within["children"], known, strict=True):
        filled = {**sent, "subject": child.subject or mint("subject")}
        born = child.identity.date_of_birth if isinstance(child.identity, Identity) else None
        if born is not None:
            filled["ageAtIncident"] = age_on(born, content.occurrence.date_from)
        children.append(filled)
    within["children"] = children
    return (within if content is checked.event.data else {**data, "content": within}), children


def _child(place: Place_) -> int:
    return next(step for step in place if isinstance(step, int))
