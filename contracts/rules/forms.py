"""How many children one national notification holds, per edition of the form (DOMAIN 3.1, childCountPolicy)."""

from dataclasses import dataclass
from datetime import date

from contracts.codes import Nature


@dataclass(frozen=True)
class ChildCountPolicy:
    """`together`: the children that one form takes in its fields when there are several in one incident."""

    edition: str
    effective_from: date
    deaths_together: int
    harmed_together: int
    more_in_text: bool
    source: str
    status: str
    note: str


FORMS = (
    ChildCountPolicy(
        edition="form-2018",
        effective_from=date(2018, 6, 29),
        deaths_together=1,
        harmed_together=4,
        more_in_text=False,
        source="GOV.UK, the older page on reporting a serious child safeguarding incident",
        status="U",
        note=(
            "Read in the older page: a separate form for each child who died, one form for harmed siblings, one form "
            "for the main child of a large exploitation operation. The number of harmed siblings that it took, and the "
            "day from which it was used, were not found: four, and the day of the 2018 edition, are assumed."
        ),
    ),
    ChildCountPolicy(
        edition="form-current",
        effective_from=date(2023, 12, 15),
        deaths_together=4,
        harmed_together=4,
        more_in_text=True,
        source="GOV.UK, Report a serious child safeguarding incident, as read in November 2026",
        status="U",
        note=(
            "Read in the current page: one notification an incident, up to four children in its fields, more in free "
            "text. The day on which it replaced the older form was not found: that of the 2023 edition is assumed."
        ),
    ),
)


def child_count_policy(on: date) -> ChildCountPolicy:
    """The policy on a London date; before the first known edition, that edition."""
    return max((form for form in FORMS if form.effective_from <= on), key=_start, default=FORMS[0])


def forms_needed(policy: ChildCountPolicy, nature: Nature, children: int) -> int:
    """How many national forms an incident with so many children takes.

    With the current form always one. With the older one a form for each child who died, and one for those harmed.
    """
    if policy.more_in_text:
        return 1
    together = policy.deaths_together if nature is Nature.CHILD_DEATH else policy.harmed_together
    return -(-children // together)


def _start(policy: ChildCountPolicy) -> date:
    return policy.effective_from
