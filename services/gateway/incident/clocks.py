"""The clocks of one incident while a decision is made about them: each change is a fact of the deadline family.

Which clocks run, on which grounds and for whom: DOMAIN 1 (T01 to T05), 4A items 1, 2, 5, 18 and 19.
"""

from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from contracts.codes import Ground
from contracts.deadlines import (
    DayNotCounted,
    DeadlineCancelled,
    DeadlineMet,
    DeadlineRecomputed,
    DeadlineSet,
    Reckoned,
)
from contracts.rules import NoRuleInForce, Rule
from contracts.rules.grounds import S16C, clocks_of
from services.gateway.incident.state import DUTY, FROM_AWARENESS, Context, Incident, done
from shared.deadlines import (
    Deadline,
    DeadlineState,
    Reckoning,
    RuleVersion,
    cancel,
    correct,
    make_firm,
    meet,
    recompute,
    start,
)
from shared.decider import Outcome
from shared.london import london_date


class Clocks:
    """The clocks as a decision leaves them, and the facts that say so, in order."""

    def __init__(self, incident: Incident, context: Context) -> None:
        self.incident = incident
        self.context = context
        self.outcomes: list[Outcome] = []
        self._now = {key: self._whole(deadline) for key, deadline in incident.clocks.items()}

    def __getitem__(self, key: str) -> Deadline:
        return self._now[key]

    def runs(self, key: str) -> bool:
        """Whether the clock was set and not cancelled; a met one runs in this sense."""
        found = self._now.get(key)
        return found is not None and found.state is not DeadlineState.CANCELLED

    def set(self, key: str, at: datetime, *, provisional: bool = False) -> None:
        """Start a clock, or start a cancelled one anew. Nothing happens where no rule is in force."""
        rule_id, _, recipient = key.partition(":")
        rule = self._rule(rule_id, at)
        if rule is None:
            return
        deadline = start(
            key=key,
            rule=RuleVersion(rule.id, rule.edition),
            at=at,
            working_days=rule.counted,
            calendar=self.context.calendar,
            recipient=recipient or None,
            provisional=provisional,
        )
        self._now[key] = deadline
        late = deadline.reckoning is not None and self.context.now >= deadline.reckoning.late_from
        fact = DeadlineSet(
            **_of(deadline),
            provisional=provisional,
            reckoned=reckoned(deadline.reckoning),
            uncomputed=deadline.reckoning is None,
            late_as_set=late,
        )
        marks = (*(("uncomputed",) if fact.uncomputed else ()), *(("late_as_set",) if late else ()))
        self.outcomes.append(Outcome(fact, marks=marks))

    def restart(self, key: str, at: datetime, because: str, *, firm: bool = False, reason: str | None = None) -> None:
        """Count from another instant, or make firm; what was met is judged again. Nothing for a cancelled clock."""
        before = self._now[key]
        after = (make_firm if firm else correct)(before, at, self.context.calendar)
        if (after.started_at, after.provisional) == (before.started_at, before.provisional):
            return
        self._recomputed(before, after, because, reason)

    def recompute(self, key: str) -> None:
        """Count again under the calendar as it is now, if that changes anything; closed clocks stay as they were."""
        before = self._now[key]
        after = recompute(before, self.context.calendar)
        if after is not None:
            self._recomputed(before, after, "calendar", None)

    def meet(self, key: str, at: datetime, *, reason_given: bool = True) -> None:
        """Done at an instant. Done again at a corrected one, or explained, it is judged again by a further fact."""
        before = self._now[key]
        after = meet(before, at, self.context.calendar)
        awaiting = after.state is DeadlineState.MET_LATE and not reason_given
        said = before.met_at is not None
        if said and before.met_at == at and awaiting == (key in self.incident.awaiting_reason):
            return
        self._met(before, after, awaiting=awaiting)

    def meet_if_told(self, key: str) -> None:
        """A recipient that was told before its clock was set has been told."""
        recipient = key.partition(":")[2]
        if recipient in self.incident.told and self.runs(key) and self[key].met_at is None:
            self.meet(key, self.incident.told[recipient])

    def cancel(self, key: str, because: str) -> None:
        """End a clock that is not done; a met one stays met."""
        before = self._now[key]
        if done(before):
            return
        self._now[key] = cancel(before, because)
        self.outcomes.append(Outcome(DeadlineCancelled(**_of(before), because=because)))

    def _recomputed(self, before: Deadline, after: Deadline, because: str, reason: str | None) -> None:
        self._now[after.key] = after
        fact = DeadlineRecomputed(
            **_of(after),
            because=because,
            provisional=after.provisional,
            before=reckoned(before.reckoning),
            reckoned=reckoned(after.reckoning),
            uncomputed=after.reckoning is None,
            reason=reason,
        )
        self.outcomes.append(Outcome(fact, marks=("uncomputed",) if fact.uncomputed else ()))
        verdict = (after.state, after.working_days_late, after.due)
        if after.met_at is not None and verdict != (before.state, before.working_days_late, before.due):
            explained = self.incident.filing.delay_explained
            awaiting = after.key in DUTY and after.state is DeadlineState.MET_LATE and not explained
            self._met(before, after, awaiting=awaiting)

    def _met(self, before: Deadline, after: Deadline, *, awaiting: bool) -> None:
        self._now[after.key] = after
        assert after.met_at is not None
        in_time = after.state is DeadlineState.MET_IN_TIME
        # A late one confirms the miss that was told; only one in time, or one judged before, corrects something.
        corrects = in_time or before.met_at is not None
        fact = DeadlineMet(
            **_of(after),
            met_at=after.met_at,
            due=after.due,
            in_time=in_time,
            working_days_late=after.working_days_late,
            awaiting_reason=awaiting,
            corrects=self.incident.judged.get(after.key) if corrects else None,
        )
        self.outcomes.append(Outcome(fact, time=after.met_at))

    def _whole(self, deadline: Deadline) -> Deadline:
        """A clock that no calendar reached was folded without its length: the rule has it."""
        if deadline.reckoning is not None:
            return deadline
        rule = self._rule(deadline.rule.id, deadline.started_at)
        return deadline if rule is None else replace(deadline, working_days=rule.counted)

    def _rule(self, rule_id: str, at: datetime) -> Rule | None:
        """The edition in force on day 0. A duty older than the first edition known here follows today's."""
        partnership = self.incident.partnership
        try:
            return self.context.rules(rule_id, london_date(at), partnership)
        except NoRuleInForce:
            if rule_id == "T04":  # before the 2023 edition nothing was asked for a care leaver
                return None
        return self.context.rules(rule_id, self.context.today, partnership)


def wanted(incident: Incident, grounds: frozenset[Ground], context: Context) -> tuple[str, ...]:
    """The clocks that run on these grounds, in the order of the rules: one a recipient for T02."""
    rules = set(clocks_of(grounds))
    if "T04" in rules and _partners_hear_of_care_leavers(incident, context):
        rules.add("T02")
    keys: list[str] = []
    for rule_id in FROM_AWARENESS:
        if rule_id in rules:
            keys += [f"T02:{who}" for who in told_of(incident, context)] if rule_id == "T02" else [rule_id]
    return tuple(keys)


def told_of(incident: Incident, context: Context) -> tuple[str, ...]:
    """Who must be told: the host area's partners, and each other area by its authority (DOMAIN T02, 1.4).

    An area whose agencies are not known here stands for itself by its code.
    """
    own = tuple(context.partners_of(incident.host)) or (incident.host,)
    others = tuple(context.authority_of(area) or area for area in incident.areas if area != incident.host)
    host = context.authority_of(incident.host)
    return tuple(dict.fromkeys(who for who in (*own, *others) if who != host))


def duties(grounds: frozenset[Ground]) -> tuple[str, ...]:
    """The clocks that a submission on these grounds meets."""
    return tuple(rule_id for rule_id in DUTY if rule_id in clocks_of(grounds))


def adds_section_16c(before: frozenset[Ground], after: frozenset[Ground]) -> bool:
    """Whether a section 16C ground is among them that was not before."""
    return bool(after & S16C) and not before & S16C


@lru_cache(maxsize=1024)  # the clocks of one awareness share their reckoning
def reckoned(reckoning: Reckoning | None) -> Reckoned | None:
    """A reckoning as a fact carries it."""
    if reckoning is None:
        return None
    return Reckoned(
        started_at=reckoning.at,
        day0=reckoning.day0,
        working_days=reckoning.working_days,
        due=reckoning.due,
        late_from=reckoning.late_from,
        not_counted=tuple(DayNotCounted(day=off.day, why=off.why) for off in reckoning.not_counted),
        calendar=reckoning.calendar,
    )


def _partners_hear_of_care_leavers(incident: Incident, context: Context) -> bool:
    """A local rule only (DOMAIN 4A item 19): the partnership's own T04 names the partners among its recipients."""
    try:
        rule = context.rules("T04", context.today, incident.partnership)
    except NoRuleInForce:
        return False
    return "partners" in rule.recipients


def _of(deadline: Deadline) -> dict[str, str | None]:
    return {
        "clock": deadline.key,
        "rule": deadline.rule.id,
        "edition": deadline.rule.edition,
        "recipient": deadline.recipient,
    }
