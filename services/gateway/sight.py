"""What a caller sees of an incident: the one decision of `contracts.access`, on the gateway's read models. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from contracts.access import Agreement, Matter, Party, sees_addresses, visible_fields
from contracts.addresses import without_addresses
from contracts.agreements import OfExclusion
from contracts.ceilings import Fields
from contracts.envelope import AnyEvent
from contracts.feeds import KEPT_FROM_OTHERS, NOT_CARRIED
from services.gateway.directory import Directory
from services.gateway.queries import ClockRow, IncidentRow, Task


@dataclass(frozen=True)
class Viewer:
    """Who looks. `partnerships` are those that both the directory and the token give."""

    party: Party
    partnerships: frozenset[str]
    directory: Directory

    def agreement(self, matter: Matter) -> Agreement | None:
        """The agreement under which this party meets the matter; None where its token does not reach so far."""
        found = self.directory.agreement_on(self.party.agency, matter)
        return found if found and found.partnership in self.partnerships else None

    def sees(self, matter: Matter, name: str) -> Fields | None:
        """The fields of an event type that this party sees in the matter; None where it does not exist for it."""
        return visible_fields(self.party, name, self.agreement(matter), matter)


def incident_shown(viewer: Viewer, row: IncidentRow) -> dict[str, Any] | None:
    """An incident at a glance; None where it does not exist for the viewer."""
    matter = row.matter
    referral = viewer.sees(matter, "incident.referred")
    if referral is None:
        return None
    decision = viewer.sees(matter, "notifiability.decided")
    shown: dict[str, Any] = {
        "id": row.id,
        "partnership": row.partnership,
        "status": row.status if decision is not None else None,
        "incidentref": row.incidentref if viewer.party.agency in row.referrers else None,
        "nature": row.nature if "nature" in referral else None,
        "hostAuthority": row.host if "hostAuthority" in referral else None,
        "grounds": row.grounds if decision is not None and "grounds" in decision else None,
        "linkedTo": row.linked_to if viewer.sees(matter, "incident.linked") is not None else None,
        "openedAt": row.opened_at.isoformat(),
        "changedAt": row.changed_at.isoformat(),
    }
    if viewer.sees(matter, "deadline.set") is not None:
        shown |= {
            "authorityToldAt": row.told_at.isoformat(),
            "awareAt": row.aware_at.isoformat(),
            "participants": [_participant(viewer.directory, agency) for agency in row.participants],
            "areas": list(row.areas),
        }
    return {name: value for name, value in shown.items() if value is not None}


def _participant(directory: Directory, agency: str) -> dict[str, str]:
    return {"agency": agency, "name": directory.name_of(agency)}


def clock_shown(viewer: Viewer, row: IncidentRow, clock: ClockRow) -> dict[str, Any] | None:
    """One clock with its reckoning, day by day; None where the viewer may not see clocks."""
    if viewer.sees(row.matter, "deadline.set") is None:
        return None
    return {
        "incident": row.id,
        "clock": clock.key,
        "rule": clock.rule,
        "edition": clock.edition,
        "recipient": clock.recipient,
        "recipientName": viewer.directory.name_of(clock.recipient) if clock.recipient else None,
        "state": clock.state,
        "provisional": clock.provisional,
        "open": clock.running,
        "due": clock.due.isoformat() if clock.due else None,
        "lateFrom": clock.late_from.isoformat() if clock.late_from else None,
        "metAt": clock.met_at.isoformat() if clock.met_at else None,
        "workingDaysLate": clock.working_days_late,
        "awaitingReason": clock.awaiting_reason,
        "reckoned": clock.reckoned,
        "days": days_of(clock.reckoned) if clock.reckoned else [],
    }


def days_of(reckoned: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every day from day 0 to the due one: its number if it counts, else why it does not."""
    day0, due = date.fromisoformat(reckoned["day0"]), date.fromisoformat(reckoned["due"])
    off = {entry["day"]: entry["why"] for entry in reckoned.get("notCounted", ())}
    days: list[dict[str, Any]] = [{"day": day0.isoformat(), "why": "day 0 is not counted"}]
    counted = 0
    for place in range(1, (due - day0).days + 1):
        day = (day0 + timedelta(days=place)).isoformat()
        if day in off:
            days.append({"day": day, "why": off[day]})
        else:
            counted += 1
            days.append({"day": day, "workingDay": counted})
    return days


def fact_shown(viewer: Viewer, matter: Matter, fact: AnyEvent, *, addresses: bool = True) -> dict[str, Any] | None:
    """A fact with the fields that the viewer may see; None where the whole fact does not exist for it.

    Without `addresses` for a viewer that learns none here, whatever this matter alone says of it.
    """
    sight = viewer.sees(matter, fact.name)
    if sight is None or is_about(fact.data, viewer.party):
        return None
    whole = fact.model_dump(mode="json", by_alias=True, exclude_none=True)
    hidden = NOT_CARRIED if fact.agency == viewer.party.agency else KEPT_FROM_OTHERS.union(NOT_CARRIED)
    whole = {name: value for name, value in whole.items() if name not in hidden}
    data = {name: value for name, value in whole["data"].items() if name in sight}
    if not (addresses and sees_addresses(viewer.party, matter)):
        data = without_addresses(type(fact.data), data)
    return whole | {"data": data}


def is_about(data: Any, party: Party) -> bool:
    """Whether it is about shutting out this party, which does not read of it beforehand."""
    if not isinstance(data, OfExclusion):
        return False
    return data.agency == party.agency and data.person in (None, party.person)


def task_shown(viewer: Viewer, task: Task, row: IncidentRow | None) -> dict[str, Any]:
    """Something that waits for somebody, and how its clock stands where the viewer may see clocks."""
    shown = {
        "what": task.kind,
        "roles": sorted(task.roles),
        "incident": task.incident,
        "clock": task.clock,
        "recipient": task.recipient,
        "due": task.due.isoformat() if task.due else None,
        "state": task.state,
        "day": task.day.isoformat() if task.day else None,
    }
    if row is not None and viewer.sees(row.matter, "deadline.set") is None:
        shown |= dict.fromkeys(("clock", "due", "state"))
    return shown


def references_in(facts: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every vault reference in what is shown."""
    return list(dict.fromkeys(ref for fact in facts for ref in _references(fact["data"])))


def _references(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [ref for each in value.values() for ref in _references(each)]
    if isinstance(value, list):
        return [ref for each in value for ref in _references(each)]
    return [value] if isinstance(value, str) and value.startswith("vault:") else []
