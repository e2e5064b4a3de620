"""Rapid reviews: looking at them, and copies of them. What is done in one is in the rooms beside this one."""

from enum import Enum
from typing import Annotated

import typer

from safeguarding_exchange import review_shown, shown
from safeguarding_exchange.options import As, Incident, Json, exchange
from safeguarding_exchange.review_copies import DocumentForm, Output, Purpose, copy
from safeguarding_exchange.review_information import information
from safeguarding_exchange.review_report import report
from safeguarding_exchange.review_returning import returning
from safeguarding_exchange.review_standing import For, Request, meant, standing

looking = typer.Typer()


class ChronologyForm(str, Enum):
    """A table for programs and spreadsheets, or a picture for a meeting."""

    CSV = "csv"
    XLSX = "xlsx"
    SVG = "svg"
    PDF = "pdf"
    JSON = "json"


@looking.command("list")
def several(account: As = None, json: Json = False) -> None:
    """Reviews, how each stands, what waits."""
    with exchange(account) as door:
        items = door.pages("/v1/reviews")
    columns = ["review", "waits for", "by the end of"]
    shown.listing("Reviews", columns, items, review_shown.glance, document=json)


@looking.command("show")
def show(
    incident: Incident,
    days: Annotated[bool, typer.Option("--days", help="Each clock day by day.")] = False,
    account: As = None,
    json: Json = False,
) -> None:
    """How an incident's reviews stand.

    The clock with its reckoning, the plan, who was asked and who has answered.
    """
    with exchange(account) as door:
        told = standing(door, incident)
    if json:
        shown.as_json(told)
        return
    review_shown.incident(told)
    if days:
        for part in ("review", "practiceReview"):
            for clock in told.get(part, {}).get("clocks", []):
                review_shown.reckoning(clock)


@looking.command("detail")
def detail(
    incident: Incident,
    purpose: Purpose = "review",
    request: Request = None,
    account: As = None,
) -> None:
    """What was said in it, in words, as JSON.

    Or in one request alone. The look is recorded first.
    """
    part = f"requests/{request}" if request else "detail"
    with exchange(account) as door:
        shown.as_json(door.get(f"/v1/reviews/{incident}/{part}", purpose=purpose))


@looking.command("chronology")
def chronology(
    incident: Incident,
    form: Annotated[ChronologyForm, typer.Option(help="Tables, or svg for the picture.")] = ChronologyForm.XLSX,
    purpose: Purpose = "review",
    output: Output = None,
    account: As = None,
) -> None:
    """The agencies' chronologies as one.

    In order, each entry with its sources, what disagrees side by side, and gaps in sight of each child.
    """
    with exchange(account) as door:
        path = f"/v1/reviews/{incident}/chronology"
        copy(door, path, f"chronology.{form.value}", output, form=form.value, purpose=purpose)


@looking.command("export")
def export(
    incident: Incident,
    form: Annotated[DocumentForm, typer.Option(help="For people or for programs.")] = DocumentForm.PDF,
    version: Annotated[int | None, typer.Option(help="By default the newest.")] = None,
    purpose: Purpose = "review",
    output: Output = None,
    account: As = None,
) -> None:
    """A copy of the report.

    With each partner's view and any dissent. Who took it, when and why is recorded first.
    """
    with exchange(account) as door:
        path = f"/v1/reviews/{incident}/report/{form.value}"
        copy(door, path, f"rapid-review.{form.value}", output, purpose=purpose, version=version)


@looking.command("letter")
def letter(
    incident: Incident,
    for_: For = None,
    request: Request = None,
    purpose: Purpose = "review",
    output: Output = None,
    account: As = None,
) -> None:
    """A request as a letter (PDF).

    For an agency without a system.
    """
    with exchange(account) as door:
        name = meant(door, incident, for_, request)["request"]
        copy(door, f"/v1/reviews/{incident}/requests/{name}/letter", "request.pdf", output, purpose=purpose)


reviews = typer.Typer()
review = typer.Typer(
    help="Rapid reviews: from the submitted notification to the Panel's reply. "
    "They are to learn, and hold no individual and no agency to account."
)
for room in (looking, information, returning, report):
    review.registered_commands += room.registered_commands
reviews.add_typer(review, name="review")
