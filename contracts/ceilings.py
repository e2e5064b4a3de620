"""The most that each kind of agency and each role may ever see of an event type: the ceiling under every agreement.

Basis: DOMAIN section 5 (recipients, roles, visibility). A field is named as it stands on the wire, at the top of
`data`; `everything` is all of them. What is not in a table may never be seen, whatever an agreement says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from contracts.codes import AgencyType, Role


@dataclass(frozen=True)
class Fields:
    """Some fields of an event's data, or all of them but some."""

    named: frozenset[str] = frozenset()
    all_but: bool = False

    def __contains__(self, name: str) -> bool:
        return (name in self.named) != self.all_but

    def __and__(self, other: "Fields") -> "Fields":
        match self.all_but, other.all_but:
            case True, True:
                return Fields(self.named | other.named, all_but=True)
            case True, False:
                return Fields(other.named - self.named)
            case False, True:
                return Fields(self.named - other.named)
            case _:
                return Fields(self.named & other.named)


EVERYTHING = Fields(all_but=True)
NOTHING = Fields()


def only(*names: str) -> Fields:
    """These fields and no others."""
    return Fields(frozenset(names))


def all_but(*names: str) -> Fields:
    """Every field, today's and tomorrow's, except these."""
    return Fields(frozenset(names), all_but=True)


@dataclass(frozen=True)
class Ceiling:
    """For one event type: agencies see by their kind, and their people by their roles besides."""

    agencies: Mapping[AgencyType, Fields] = field(default_factory=dict)
    roles: Mapping[Role, Fields] = field(default_factory=dict)


_LA, _ICB, _POLICE = AgencyType.LOCAL_AUTHORITY, AgencyType.ICB, AgencyType.POLICE_FORCE
_PEOPLE = {
    Role.NOTIFIER: EVERYTHING,
    Role.APPROVER: EVERYTHING,
    Role.PARTNER: EVERYTHING,
    Role.BUSINESS_UNIT: EVERYTHING,
}
_THIN = only("nature", "hostAuthority", "homeAuthority")
_NATIONAL = (AgencyType.PANEL, AgencyType.DEPARTMENT, AgencyType.OFSTED)
_RELEVANT = (AgencyType.SCHOOL, AgencyType.PROBATION, AgencyType.PROVIDER)

REFERRAL = Ceiling(
    {
        _LA: EVERYTHING,
        _ICB: all_but("policeInvestigation"),
        _POLICE: all_but("harm", "seriousHarm", "longTerm"),
        **dict.fromkeys(_RELEVANT, _THIN),
    },
    {
        **_PEOPLE,
        Role.SCRUTINEER: all_but(
            "children", "contact", "summary", "immediateActions", "familyAndHousehold", "furtherChildren", "occurrence"
        ),
    },
)
INCIDENT_WORK = Ceiling(
    {_LA: EVERYTHING, _ICB: EVERYTHING, _POLICE: EVERYTHING}, {**_PEOPLE, Role.SCRUTINEER: all_but("reason", "reasons")}
)
OUTCOME = Ceiling({**INCIDENT_WORK.agencies, **dict.fromkeys(_RELEVANT, only("notifiable"))}, {**INCIDENT_WORK.roles})
CLOCK = Ceiling(
    {_LA: EVERYTHING, _ICB: EVERYTHING, _POLICE: EVERYTHING}, {**_PEOPLE, Role.SCRUTINEER: all_but("reason")}
)
DRAFT = Ceiling({_LA: EVERYTHING}, {Role.NOTIFIER: EVERYTHING, Role.APPROVER: EVERYTHING})
FILED = Ceiling(
    {_LA: EVERYTHING, _ICB: EVERYTHING, _POLICE: EVERYTHING, **dict.fromkeys(_NATIONAL, EVERYTHING)},
    {**_PEOPLE, Role.SCRUTINEER: all_but("content", "delayReason", "reason", "reasons")},
)
REVIEW_WORK = Ceiling(
    {_LA: EVERYTHING, _ICB: EVERYTHING, _POLICE: EVERYTHING},
    {**_PEOPLE, Role.SCRUTINEER: all_but("minutes", "contact")},
)
ASKED = Ceiling(
    dict.fromkeys((_LA, _ICB, _POLICE, *_RELEVANT), EVERYTHING),
    {**_PEOPLE, Role.LEAD: EVERYTHING, Role.SCRUTINEER: only("agency", "request", "nil", "late", "level", "due")},
)
"""What one agency is asked and answers: for it and the authority alone (`contracts.reviews.Addressed.is_for`)."""
REPORT = Ceiling({_LA: EVERYTHING, _ICB: EVERYTHING, _POLICE: EVERYTHING}, {**_PEOPLE, Role.SCRUTINEER: EVERYTHING})
TO_PANEL = Ceiling({**REPORT.agencies, AgencyType.PANEL: EVERYTHING}, {**REPORT.roles})
ADVANCE = Ceiling({**REPORT.agencies, **dict.fromkeys(_NATIONAL, EVERYTHING)}, {**REPORT.roles})
PUBLISHED = Ceiling(
    {**ADVANCE.agencies, **dict.fromkeys(_RELEVANT, all_but("reason"))},
    {**REPORT.roles, Role.LEAD: all_but("reason")},
)
READ = Ceiling(dict.fromkeys((_LA, _ICB, _POLICE, *_RELEVANT), EVERYTHING), {**_PEOPLE, Role.SCRUTINEER: EVERYTHING})
"""That a record was read: for the authority that holds the duty, and for whose words they were
(`contracts.vault.RecordRead.is_for`, which narrows this further)."""

CORRECTION = Ceiling(
    {kind: sight & all_but("reasons") if kind is not _LA else sight for kind, sight in REFERRAL.agencies.items()},
    {**REFERRAL.roles, Role.SCRUTINEER: REFERRAL.roles[Role.SCRUTINEER] & all_but("reasons")},
)
"""What may be seen of a referral may be seen corrected; the reasons can speak of what others may not see."""
RECALL = Ceiling(
    {**dict.fromkeys((_ICB, _POLICE, *_NATIONAL, *_RELEVANT), all_but("reason", "recipients")), _LA: EVERYTHING},
    {**_PEOPLE, Role.SCRUTINEER: all_but("reason")},
)
"""Whoever may have received anything may hear that it is recalled; why, and from whom, is the authority's."""

PUBLIC_CALENDAR = Ceiling(dict.fromkeys(AgencyType, EVERYTHING), dict.fromkeys(Role, EVERYTHING))
REGISTER = Ceiling(dict.fromkeys(AgencyType, EVERYTHING), dict.fromkeys(Role, EVERYTHING))
EXCLUSION = Ceiling({_LA: EVERYTHING}, {Role.APPROVER: EVERYTHING, Role.BUSINESS_UNIT: EVERYTHING})
ANSWER = Ceiling()
