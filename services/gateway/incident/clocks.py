"""The clocks of one incident while a decision is made about them: each change is a fact of the deadline family.

Which clocks run, on which grounds and for whom: DOMAIN 1 (T01 to T05), 4A items 1, 2, 5, 18 and 19.
"""

from datetime import datetime

from contracts.codes import Ground
from contracts.rules import NoRuleInForce, Rule
from contracts.rules.grounds import S16C, clocks_of
from services.gateway.incident.state import DUTY, FROM_AWARENESS, Context, Incident
from shared import deadlines
from shared.deadlines import Deadline
from shared.london import london_date


class Clocks(deadlines.Clocks):
    """The clocks as a decision leaves them, and the facts that say so, in order."""

    def __init__(self, incident: Incident, context: Context) -> None:
        self.incident = incident
        self.context = context
        super().__init__(
            incident.clocks,
            context,
            self._rule,
            judged=incident.judged,
            awaiting_reason=incident.awaiting_reason,
        )

    def meet_if_told(self, key: str) -> None:
        """A recipient that was told before its clock was set has been told."""
        recipient = key.partition(":")[2]
        if recipient in self.incident.told and self.runs(key) and self[key].met_at is None:
            self.meet(key, self.incident.told[recipient])

    def unexplained(self, deadline: Deadline) -> bool:
        return deadline.key in DUTY and not self.incident.filing.delay_explained

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


def _partners_hear_of_care_leavers(incident: Incident, context: Context) -> bool:
    """A local rule only (DOMAIN 4A item 19): the partnership's own T04 names the partners among its recipients."""
    try:
        rule = context.rules("T04", context.today, incident.partnership)
    except NoRuleInForce:
        return False
    return "partners" in rule.recipients
