"""A partnership's own readings and templates, where guidance leaves them to it. Data: they take over without a
deployment, and only for what begins afterwards.
"""

from typing import Annotated, Literal

from pydantic import Field

from contracts.review_codes import Task
from contracts.reviews import Plan, PlannedTask
from contracts.sealing import Model

DEFAULT_PLAN: Plan = (
    PlannedTask(task=Task.REQUESTS_OUT, day=1),
    PlannedTask(task=Task.RETURNS_DUE, day=10),
    PlannedTask(task=Task.CASE_GROUP, day=12),
    PlannedTask(task=Task.SIGN_OFF, day=14),
    PlannedTask(task=Task.SUBMIT, day=15),
)
"""T07, by the flowcharts of Devon's two partnerships, which send on day 16: T06a counts that late, so here on 15."""


class RulesAdopted(Model):
    """How a partnership reads what is left to it: from when a rapid review counts, and by which plan."""

    rapid_review: Literal["T06a", "T06b"] = "T06a"
    plan: Annotated[Plan, Field(min_length=1)] = DEFAULT_PLAN
    remind_before: Annotated[int, Field(ge=0, le=10)] = Field(
        1, description="Working days before an answer is due on which its agency is reminded."
    )
    escalate_after: Annotated[int, Field(ge=1, le=10)] = Field(
        1, description="Working days after it was due on which the agency's named senior is told."
    )


DEFAULT = RulesAdopted()
