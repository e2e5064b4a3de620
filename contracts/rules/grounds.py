"""What must be notified, to whom, and whether a rapid review follows: the truth table of DOMAIN 1.1, as pure functions.

Sources: Children Act 2004 s.16C(1), GOV.UK's page on reporting a serious incident, and DOMAIN 4A items 19 and 20.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from contracts.codes import AbuseOrNeglect, Ground, Nature

S16C = frozenset({Ground.S16C_A, Ground.S16C_B})
ADULT = 18
LAST_CARE_LEAVER_AGE = 24  # included


class Where(StrEnum):
    """Where it happened, seen from the authority that looks at it."""

    IN_AREA = "in_area"
    OUTSIDE_ENGLAND = "outside_england"
    OTHER_AREA = "other_area"


class Recipient(StrEnum):
    """Who is told. The Department and Ofsted are told through the Panel's system."""

    PANEL = "panel"
    DEPARTMENT = "department"
    OFSTED = "ofsted"
    PARTNERS = "partners"
    OTHER_AREAS = "other_areas"


class Notifier(StrEnum):
    """Which authority holds the duty: that of the place of the incident (DOMAIN T01)."""

    THIS_AUTHORITY = "this_authority"
    HOST_AUTHORITY = "host_authority"
    NOBODY = "nobody"


class LocalReview(StrEnum):
    """Whether a local child safeguarding practice review may follow."""

    POSSIBLE = "possible"
    OPTIONAL = "optional"
    NO = "no"


@dataclass(frozen=True)
class Circumstances:
    """One child's case. `age` in completed years; None for an unborn child or where it is not known: held a child.

    `recently_known_family`: the family was recently known for abuse or neglect. `other_areas`: another area's authority
    has to do with the child. `near_miss`: below the definition of a serious incident.
    """

    nature: Nature
    abuse_or_neglect: AbuseOrNeglect
    where: Where = Where.IN_AREA
    normally_resident: bool = True
    looked_after: bool = False
    care_leaver: bool = False
    age: int | None = None
    suspected_suicide_or_unexplained: bool = False
    recently_known_family: bool = False
    other_areas: bool = False
    near_miss: bool = False


@dataclass(frozen=True)
class Consequences:
    """What follows. `clocks` run for the authority that notifies; `consider`: partners should consider it serious."""

    grounds: frozenset[Ground] = frozenset()
    clocks: frozenset[str] = frozenset()
    recipients: frozenset[Recipient] = frozenset()
    notified_by: Notifier = Notifier.NOBODY
    panel_considers: bool = False
    rapid_review: bool = False
    local_review: LocalReview = LocalReview.NO
    consider: bool = False


def consequences(case: Circumstances) -> Consequences:
    """The row of DOMAIN 1.1 that the case falls into; where it falls into several, their union."""
    grounds = grounds_of(case)
    consider = not grounds and _to_be_considered(case)
    recipients = recipients_of(grounds, under_18=_under_18(case))
    if case.near_miss or consider:
        recipients |= {Recipient.PARTNERS}
    if Recipient.PARTNERS in recipients and (case.other_areas or case.where is Where.OTHER_AREA):
        recipients |= {Recipient.OTHER_AREAS}
    section_16c = bool(grounds & S16C)
    return Consequences(
        grounds=grounds,
        clocks=clocks_of(grounds),
        recipients=recipients,
        notified_by=_notifier(grounds, case.where),
        panel_considers=section_16c,
        rapid_review=section_16c,
        local_review=_local_review(case, grounds),
        consider=consider,
    )


def grounds_of(case: Circumstances) -> frozenset[Ground]:
    """The grounds of one child's case, as a set: a looked-after child killed by abuse has two."""
    if case.near_miss:
        return frozenset()
    grounds = set()
    abused = case.abuse_or_neglect is not AbuseOrNeglect.NOT_KNOWN_OR_SUSPECTED
    if abused and _under_18(case):
        if case.where is not Where.OUTSIDE_ENGLAND:
            grounds.add(Ground.S16C_A)
        elif case.normally_resident:
            grounds.add(Ground.S16C_B)
    if case.nature is Nature.CHILD_DEATH:
        if case.looked_after and _under_18(case):
            grounds.add(Ground.LAC_DEATH)
        if case.care_leaver and (case.age is None or case.age <= LAST_CARE_LEAVER_AGE):
            grounds.add(Ground.CARE_LEAVER_DEATH)
    return frozenset(grounds)


def clocks_of(grounds: frozenset[Ground]) -> frozenset[str]:
    """The rules whose clocks run. A care leaver's death has a T02 only by local rule (DOMAIN 4A item 19: none)."""
    clocks = set()
    if grounds & S16C:
        clocks |= {"T01", "T02"}
    if Ground.LAC_DEATH in grounds:
        clocks |= {"T02", "T03"}
    if Ground.CARE_LEAVER_DEATH in grounds:
        clocks |= {"T04"}
    return frozenset(clocks)


def recipients_of(grounds: frozenset[Ground], *, under_18: bool = True) -> frozenset[Recipient]:
    """Who is told on these grounds: the Panel only where it considers the case; partners not of an adult's death."""
    if not grounds:
        return frozenset()
    told = {Recipient.DEPARTMENT, Recipient.OFSTED}
    if grounds & S16C:
        told |= {Recipient.PANEL}
    if grounds - {Ground.CARE_LEAVER_DEATH} or under_18:
        told |= {Recipient.PARTNERS}
    return frozenset(told)


def together(found: Iterable[Consequences]) -> Consequences:
    """What follows from an incident with several children: one notification, the union of what each calls for."""
    every = tuple(found)
    reviews, notifiers = {one.local_review for one in every}, {one.notified_by for one in every}
    return Consequences(
        grounds=frozenset().union(*(one.grounds for one in every)),
        clocks=frozenset().union(*(one.clocks for one in every)),
        recipients=frozenset().union(*(one.recipients for one in every)),
        notified_by=next(
            (n for n in (Notifier.HOST_AUTHORITY, Notifier.THIS_AUTHORITY) if n in notifiers), Notifier.NOBODY
        ),
        panel_considers=any(one.panel_considers for one in every),
        rapid_review=any(one.rapid_review for one in every),
        local_review=next((r for r in (LocalReview.POSSIBLE, LocalReview.OPTIONAL) if r in reviews), LocalReview.NO),
        consider=any(one.consider for one in every) and not any(one.grounds for one in every),
    )


def _under_18(case: Circumstances) -> bool:
    return case.age is None or case.age < ADULT


def _to_be_considered(case: Circumstances) -> bool:
    return (
        case.nature is Nature.CHILD_DEATH
        and _under_18(case)
        and case.suspected_suicide_or_unexplained
        and case.recently_known_family
    )


def _notifier(grounds: frozenset[Ground], where: Where) -> Notifier:
    if not grounds:
        return Notifier.NOBODY
    # A death of a looked-after child or care leaver is told by the authority whose child or care leaver it was.
    return Notifier.HOST_AUTHORITY if grounds & S16C and where is Where.OTHER_AREA else Notifier.THIS_AUTHORITY


def _local_review(case: Circumstances, grounds: frozenset[Ground]) -> LocalReview:
    if grounds & S16C or case.near_miss or _to_be_considered(case):
        return LocalReview.POSSIBLE
    if case.care_leaver and grounds and _under_18(case):
        return LocalReview.POSSIBLE
    return LocalReview.OPTIONAL if grounds or case.looked_after else LocalReview.NO
