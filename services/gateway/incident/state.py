"""What the gateway knows of one incident, folded from facts, and what a decision may know beside it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import PlainSerializer

from contracts.access import Matter
from contracts.agreements import ExclusionApproved, ExclusionBasis, ExclusionEnded, ExclusionProposed
from contracts.codes import AbuseOrNeglect, Ground, Grounds, Nature
from contracts.exclusions import NOBODY, Exclusions
from contracts.rules import Rule, rule
from contracts.rules.grounds import Circumstances, grounds_of
from shared import decider
from shared.deadlines import Deadline
from shared.london import london_date

Names = Annotated[frozenset[str], PlainSerializer(sorted, return_type=list[str])]
"""A set, written in a fixed order: the same past gives the same snapshot."""


class Status(StrEnum):
    """The states of DOMAIN 4. Reopened is TRIAGED_NOTIFIABLE again; linked is a flag beside the status."""

    REFERRED = "referred"
    TRIAGED_NOTIFIABLE = "triaged_notifiable"
    TRIAGED_NOT_NOTIFIABLE = "triaged_not_notifiable"
    CLOSED = "closed"


@dataclass(frozen=True)
class Awareness:
    """An instant at which the authority is said to have become aware, and the fact that said so. None is dropped.

    `because`: referral, triage, reopened, ground_added, corrected, linked.
    """

    at: datetime
    because: str
    fact: str


@dataclass(frozen=True)
class ChildCase:
    """One child, as far as the grounds depend on it."""

    age: int | None = None
    looked_after: bool = False
    care_leaver: bool = False
    placing_authority: str | None = None


@dataclass(frozen=True)
class Recalled:
    """An event that should not have been sent, or not to `recipients`; and the fact that said so."""

    because: str
    recipients: Names
    fact: str


@dataclass(frozen=True)
class Filing:
    """What notifications has said of the notification. Its facts come on another topic, at any time.

    `filed` names the facts of submission and amendment that were heard.
    """

    version: int = 0
    filed: Names = frozenset()
    portal_time: datetime | None = None
    grounds: Grounds = frozenset()
    delay_explained: bool = False
    withdrawn: bool = False
    ended: str | None = None

    @property
    def stands(self) -> bool:
        """Whether it was submitted and not withdrawn."""
        return self.portal_time is not None and not self.withdrawn


NOTHING_FILED = Filing()


@dataclass(frozen=True)
class OpenExclusion:
    """An exclusion, or the lifting of one, that awaits a second person."""

    basis: ExclusionBasis
    lift: bool
    by: str | None


def excluded_key(data: ExclusionProposed | ExclusionApproved | ExclusionEnded) -> str:
    """Whom an exclusion is about, as `exclusions_open` names it."""
    return f"{data.agency}/{data.person or ''}"


@dataclass(frozen=True)
class Incident:
    """One incident. `aware_at` is the awareness that the clocks run from now; `awareness` keeps every one.

    `grounds` are those decided; after a submission that crossed "not notifiable" only `filing` has any. `judged` names,
    by clock, the fact that last said missed or met; `told` when each recipient was told; `recalled`, by event, why;
    `joined` whom each of its subjects was found to be; `left` who was to be told before a correction.
    """

    id: str
    version: int
    partnership: str
    nature: Nature
    abuse_or_neglect: AbuseOrNeglect
    occurred_from: date
    host: str
    opened_at: datetime
    told_at: datetime
    aware_at: datetime
    occurred_at: datetime | None = None
    outside_england: bool = False
    normally_resident: bool = True
    home: str | None = None
    placing: str | None = None
    other_areas: tuple[str, ...] = ()
    children: tuple[ChildCase, ...] = ()
    subjects: tuple[str, ...] = ()
    referrers: Names = frozenset()
    incidentref: str | None = None
    status: Status = Status.REFERRED
    awareness: tuple[Awareness, ...] = ()
    grounds: Grounds = frozenset()
    clocks: Mapping[str, Deadline] = field(default_factory=dict)
    judged: Mapping[str, str] = field(default_factory=dict)
    awaiting_reason: Names = frozenset()
    told: Mapping[str, datetime] = field(default_factory=dict)
    linked_to: str | None = None
    twins: Names = frozenset()
    filing: Filing = NOTHING_FILED
    exclusions: Exclusions = NOBODY
    exclusions_open: Mapping[str, OpenExclusion] = field(default_factory=dict)
    recalled: Mapping[str, Recalled] = field(default_factory=dict)
    joined: Mapping[str, Names] = field(default_factory=dict)
    left: Names = frozenset()

    @property
    def areas(self) -> tuple[str, ...]:
        """The host area first, then every other area that has to do with it (DOMAIN 1.4)."""
        placing = (child.placing_authority for child in self.children)
        named = (self.host, self.home, self.placing, *placing, *self.other_areas)
        return tuple(dict.fromkeys(area for area in named if area))

    @property
    def own_aware_at(self) -> datetime:
        """The authority's own awareness: what links brought in is left out."""
        return next(entry.at for entry in reversed(self.awareness) if entry.because != "linked")

    @property
    def apparent_grounds(self) -> frozenset[Ground]:
        """The grounds that the referral's own facts call for, by the truth table of DOMAIN 1.1."""
        return self.grounds_if(self.abuse_or_neglect)

    def grounds_if(self, abuse_or_neglect: AbuseOrNeglect, nature: Nature | None = None) -> frozenset[Ground]:
        """The truth table's grounds, were this known of abuse or neglect (and that of the nature)."""
        cases = (
            Circumstances(
                nature=nature or self.nature,
                abuse_or_neglect=abuse_or_neglect,
                outside_england=self.outside_england,
                normally_resident=self.normally_resident,
                looked_after=child.looked_after,
                care_leaver=child.care_leaver,
                age=child.age,
            )
            for child in self.children
        )
        return frozenset().union(*(grounds_of(case) for case in cases))

    @property
    def submitted(self) -> bool:
        """Whether the national portal has it, and it was not withdrawn."""
        met = any(self.clocks[key].met_at is not None for key in DUTY if key in self.clocks)
        return (met or self.filing.stands) and not self.filing.withdrawn

    @property
    def running(self) -> Iterator[Deadline]:
        """The clocks that are neither met nor cancelled, a missed one among them."""
        return (deadline for deadline in self.clocks.values() if not deadline.done)

    @property
    def national(self) -> frozenset[str]:
        """The national bodies that a submission has reached: the Panel only where it considers the case."""
        reached = {key for key in DUTY if key in self.clocks and self.clocks[key].met_at is not None}
        return frozenset((*(("department", "ofsted") if reached else ()), *(("panel",) if "T01" in reached else ())))

    @property
    def matter(self) -> Matter:
        """The incident as far as access depends on it; the national bodies take part in what has reached them."""
        named = {deadline.recipient for deadline in self.clocks.values() if deadline.recipient}
        matter = Matter(
            partnership=self.partnership,
            referrers=self.referrers,
            participants=frozenset(named - set(self.areas) - self.left) | self.referrers | self.national,
            areas=frozenset(self.areas),
        )
        return self.exclusions.on(matter)


DUTY = ("T01", "T03", "T04")
"""The rules whose clocks a submission to the national system meets."""

FROM_AWARENESS = ("T01", "T02", "T03", "T04")
"""The rules whose day 0 is the authority's awareness. T05 runs from the referral."""


def _nobody(area: str) -> str | None:
    return None


def _none(area: str) -> Sequence[str]:
    return ()


@dataclass(frozen=True)
class Context(decider.Context):
    """What a decision may know beside the past.

    `arrived`: when the proposal reached the gateway, if before `now` (it lay in the inbound topic). `partners_of`: the
    integrated care board and police force of an area. `related`: the incidents that this one is, or will be, linked
    to. `stated`: the ids of the incident's own facts, its clocks' left out.
    """

    rules: Callable[[str, date, str | None], Rule] = rule
    authority_of: Callable[[str], str | None] = _nobody
    partners_of: Callable[[str], Sequence[str]] = _none
    stated: frozenset[str] = frozenset()
    arrived: datetime | None = None
    related: Mapping[str, Incident] = field(default_factory=dict)

    @property
    def arrival(self) -> datetime:
        return self.arrived or self.now

    @property
    def today(self) -> date:
        """The London date of arrival."""
        return london_date(self.arrival)
