"""What must be notified, to whom, and whether a rapid review follows: the truth table of DOMAIN 1.1, as pure functions.

Each service that needs a row of it asks here. Sources: Children Act 2004 s.16C(1), GOV.UK's page on reporting a serious
incident, and DOMAIN 4A items 19 and 20.

Two rows a person decides at triage, since no field of a referral tells them: whether an incident lies below the
definition (a near miss), and whether a suspected suicide or unexplained death in a family recently known for abuse or
neglect is to be considered serious (found in one local procedure only). Either way the partners have its referral.
"""

from dataclasses import dataclass
from enum import StrEnum

from contracts.codes import AbuseOrNeglect, Ground, Nature

S16C = frozenset({Ground.S16C_A, Ground.S16C_B})
ADULT = 18
LAST_CARE_LEAVER_AGE = 24  # included


class Recipient(StrEnum):
    """Who is told, in their usual order. The Department and Ofsted are told through the Panel's system."""

    PANEL = "panel"
    DEPARTMENT = "department"
    OFSTED = "ofsted"
    PARTNERS = "partners"


@dataclass(frozen=True)
class Circumstances:
    """One child's case, seen from the authority of the place of the incident, which notifies.

    `age` in completed years; None for an unborn child or where it is not known: held a child.
    """

    nature: Nature
    abuse_or_neglect: AbuseOrNeglect
    outside_england: bool = False
    normally_resident: bool = True
    looked_after: bool = False
    care_leaver: bool = False
    age: int | None = None


def under_18(age: int | None) -> bool:
    """Whether somebody of this age counts as a child; an unborn child does, and one whose age is not known."""
    return age is None or age < ADULT


def grounds_of(case: Circumstances) -> frozenset[Ground]:
    """The grounds of one child's case, as a set: a looked-after child killed by abuse has two."""
    grounds = set()
    abused = case.abuse_or_neglect is not AbuseOrNeglect.NOT_KNOWN_OR_SUSPECTED
    if abused and under_18(case.age):
        if not case.outside_england:
            grounds.add(Ground.S16C_A)
        elif case.normally_resident:
            grounds.add(Ground.S16C_B)
    if case.nature is Nature.CHILD_DEATH:
        if case.looked_after and under_18(case.age):
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


def recipients_of(grounds: frozenset[Ground], *, child: bool) -> tuple[Recipient, ...]:
    """Who is told on these grounds: the Panel only where it considers the case; partners not of an adult's death.

    `child`: whether anybody in the incident is under 18. A care leaver of that age dies: partners hear of it.
    """
    if not grounds:
        return ()
    partners = bool(grounds - {Ground.CARE_LEAVER_DEATH}) or child
    left_out = {Recipient.PANEL: not review_follows(grounds), Recipient.PARTNERS: not partners}
    return tuple(recipient for recipient in Recipient if not left_out.get(recipient))


def review_follows(grounds: frozenset[Ground]) -> bool:
    """Whether a rapid review follows, as wherever the Panel considers the case: with any section 16C ground."""
    return bool(grounds & S16C)
