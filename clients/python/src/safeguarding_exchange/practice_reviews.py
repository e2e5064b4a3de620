"""Local child safeguarding practice reviews: decide, carry out, watch. Their reports: the room beside this one."""

from typing import Annotated

import typer

from safeguarding_exchange import review_shown, shown
from safeguarding_exchange.free_text import at_instant, in_words, on_day, period, said
from safeguarding_exchange.options import As, Incident, Json, exchange
from safeguarding_exchange.practice_publication import publication
from safeguarding_exchange.proposing import propose
from safeguarding_exchange.review_codes import Basis, Involved, Involvement, ProcessBeside, Quality, Scale
from safeguarding_exchange.review_standing import standing

conducting = typer.Typer()


@conducting.command("show")
def show(incident: Incident, account: As = None, json: Json = False) -> None:
    """How it stands, and its way to publication."""
    with exchange(account) as door:
        told = standing(door, incident)
    found = told.get("practiceReview")
    if found is None:
        raise typer.BadParameter("there is no practice review of this incident that you may see")
    if json:
        shown.as_json(found)
        return
    shown.console.print(f"[bold]{incident}[/bold]\n[dim]{review_shown.PURPOSE}[/dim]")
    review_shown.practice(found)


@conducting.command("decide")
def decide(
    incident: Incident,
    basis: Annotated[Basis, typer.Argument(help="Why it is undertaken.")],
    reasons: Annotated[str, in_words("The reasons.")],
    on: Annotated[str | None, on_day("The date of the decision; by default today.")] = None,
    also: Annotated[
        list[str] | None, typer.Option("--incident", help="A further incident that it is about; several times.")
    ] = None,
    account: As = None,
    json: Json = False,
) -> None:
    """Your partner's decision to undertake it.

    With the third partner's decision it is commissioned, and six months to publication run.
    """
    data = said(basis=basis.value, decided_on=on, reasons=reasons, incidents=also)
    propose(account, "practice-review.decided", data, incident, json)


@conducting.command("scope")
def scope(
    incident: Incident,
    terms: Annotated[str, in_words("Terms of reference.")],
    scale: Annotated[Scale, typer.Option(help="How much of a review, in proportion to the case.")],
    scale_reasons: Annotated[str, in_words("Why as much, and not more.")],
    since: Annotated[str, on_day("First day of the period.", "--from")],
    until: Annotated[str, on_day("Last day of the period.", "--to")],
    methodology: Annotated[str | None, in_words("How it is done.")] = None,
    beside: Annotated[
        list[ProcessBeside] | None, typer.Option(help="What runs beside it, as a record of its own; several times.")
    ] = None,
    account: As = None,
    json: Json = False,
) -> None:
    """Terms of reference and scale.

    Later ones take their place.
    """
    data = said(
        terms=terms,
        methodology=methodology,
        scale=scale.value,
        scale_reasons=scale_reasons,
        **period(since, until),
        beside=[each.value for each in beside or []],
    )
    propose(account, "practice-review.scoped", data, incident, json)


@conducting.command("appoint")
def appoint(
    incident: Incident,
    name: Annotated[str, typer.Option(help="Who leads it. Sealed for the vault.")],
    independence: Annotated[str, in_words("Why they are independent of the case.")],
    works_for: Annotated[str | None, typer.Option(help="Their agency's id, where they work for one.")] = None,
    role: Annotated[str | None, typer.Option(help="As what they are reached. Sealed.")] = None,
    email: Annotated[str | None, typer.Option(help="Where they are reached. Sealed.")] = None,
    account: As = None,
    json: Json = False,
) -> None:
    """Appoint who leads the review.

    Nobody from an agency that is involved in the case.
    """
    contact = said(name=name, role=role, email=email)
    data = said(contact=contact, works_for=works_for, independence=independence)
    propose(account, "reviewer.appointed", data, incident, json)


@conducting.command("remove")
def remove(
    incident: Incident,
    reviewer: Annotated[str, typer.Argument(help="Their id, reviewer-…, as `show` has it.")],
    reason: Annotated[str, in_words("Why.")],
    account: As = None,
    json: Json = False,
) -> None:
    """Somebody leads it no more."""
    propose(account, "reviewer.removed", {"reviewer": reviewer, "reason": reason}, incident, json)


@conducting.command("monitor")
def monitor(
    incident: Incident,
    in_time: Annotated[bool, typer.Option("--in-time/--late", help="Whether it will be in time.")],
    quality: Annotated[Quality, typer.Option(help="How it looks.")],
    note: Annotated[str | None, in_words("What was seen.")] = None,
    asked_for_information: Annotated[bool, typer.Option("--asked-for-information", help="In writing.")] = False,
    asked_for_draft: Annotated[bool, typer.Option("--asked-for-draft", help="In writing.")] = False,
    account: As = None,
    json: Json = False,
) -> None:
    """The partners looked at time and quality.

    SI 2018/789 regulation 14: they monitor both, and may ask for information or a draft.
    """
    data = said(
        in_time=in_time,
        quality=quality.value,
        note=note,
        asked_for_information=asked_for_information,
        asked_for_draft=asked_for_draft,
    )
    propose(account, "practice-review.monitored", data, incident, json)


@conducting.command("involve")
def involve(
    incident: Incident,
    involved: Annotated[Involved, typer.Argument(help="Whom.")],
    outcome: Annotated[Involvement, typer.Argument(help="Invitation, or what came of it.")],
    on: Annotated[str, on_day("When.")],
    note: Annotated[str | None, in_words("How; needed for not_invited.")] = None,
    account: As = None,
    json: Json = False,
) -> None:
    """A step towards family or practitioners.

    Or towards the surviving children: invitation, and what came of it.
    """
    data = said(involved=involved.value, outcome=outcome.value, on=on, note=note)
    propose(account, "involvement.recorded", data, incident, json)


@conducting.command("delay")
def delay(
    incident: Incident,
    reasons: Annotated[str, in_words("Why it will be late.")],
    expected_on: Annotated[str | None, on_day("When it is expected.")] = None,
    panel_told_at: Annotated[str | None, at_instant("When the Panel was told.")] = None,
    secretary_of_state_told_at: Annotated[str | None, at_instant("When the Secretary of State was told.")] = None,
    account: As = None,
    json: Json = False,
) -> None:
    """Why it will be late, and who was told.

    It moves no clock.
    """
    data = said(
        reasons=reasons,
        expected_on=expected_on,
        panel_told_at=panel_told_at,
        secretary_of_state_told_at=secretary_of_state_told_at,
    )
    propose(account, "delay.notified", data, incident, json)


@conducting.command("pause")
def pause(incident: Incident, reason: Annotated[str, in_words("Why.")], account: As = None, json: Json = False) -> None:
    """Work on it rests. Its clock runs on."""
    propose(account, "practice-review.paused", {"reason": reason}, incident, json)


@conducting.command("resume")
def resume(
    incident: Incident,
    note: Annotated[str | None, in_words("What to know.")] = None,
    account: As = None,
    json: Json = False,
) -> None:
    """Work on it goes on."""
    propose(account, "practice-review.resumed", said(note=note), incident, json)


@conducting.command("end")
def end(
    incident: Incident,
    reason: Annotated[str, in_words("Why.")],
    panel_told_at: Annotated[str | None, at_instant("When the Panel was told.")] = None,
    account: As = None,
    json: Json = False,
) -> None:
    """Give it up before it is published."""
    propose(account, "practice-review.ended", said(reason=reason, panel_told_at=panel_told_at), incident, json)


practice_reviews = typer.Typer()
practice_review = typer.Typer(
    help="Local child safeguarding practice reviews: from the partners' decision to publication. "
    "They are to learn, and hold no individual and no agency to account."
)
for room in (conducting, publication):
    practice_review.registered_commands += room.registered_commands
practice_reviews.add_typer(practice_review, name="practice-review")
