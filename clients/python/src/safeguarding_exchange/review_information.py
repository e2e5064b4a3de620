"""A rapid review's plan, and what agencies are asked: request, acknowledge, accept, query, chase by hand, record gaps.

Each command is one act, said in the name of whoever is signed in.
"""

from typing import Annotated, Any

import typer

from safeguarding_exchange import review_shown, shown
from safeguarding_exchange.exchange import Exchange
from safeguarding_exchange.free_text import in_words, on_day, period, said, words
from safeguarding_exchange.options import As, Incident, Json, exchange
from safeguarding_exchange.proposing import propose
from safeguarding_exchange.review_codes import LegalBasis, Task
from safeguarding_exchange.review_standing import For, Request, Version, meant, newest_return, standing

information = typer.Typer()
_TASKS = ", ".join(task.value for task in Task)


@information.command("plan")
def plan(
    incident: Incident,
    task: Annotated[list[str] | None, typer.Option(help=f"TASK=WORKING DAY; the tasks are {_TASKS}.")] = None,
    own: Annotated[list[str] | None, typer.Option(help="A task of your own: TITLE=WORKING DAY, nobody named.")] = None,
    without: Annotated[list[Task] | None, typer.Option(help="Leave a task out.")] = None,
    account: As = None,
    json: Json = False,
) -> None:
    """Show this review's plan, or alter it.

    Until then it goes by your partnership's template. What you do not name stays as it is.
    """
    with exchange(account) as door:
        now = standing(door, incident).get("review", {}).get("plan", [])
    if not (task or own or without):
        shown.as_json(now) if json else review_shown.plan(now)
        return
    propose(account, "review.planned", {"plan": _altered(now, task or [], own or [], without or [])}, incident, json)


def _altered(now: list[dict[str, Any]], tasks: list[str], own: list[str], without: list[Task]) -> list[dict[str, Any]]:
    days = dict(map(_day, tasks))
    if unknown := sorted(days.keys() - {each.value for each in Task}):
        raise typer.BadParameter(f"{unknown[0]} is no task: there are {_TASKS}; for one of your own use --own")
    titles = dict(map(_day, own))
    kept = [
        {name: value for name, value in one.items() if name in ("task", "title", "day")}
        for one in now
        if one["task"] not in {*days, *(each.value for each in without)} and one.get("title") not in titles
    ]
    named = [{"task": name, "day": day} for name, day in days.items()]
    more = [{"task": "other", "title": title, "day": day} for title, day in titles.items()]
    return sorted([*kept, *named, *more], key=lambda one: int(one["day"]))


def _day(text: str) -> tuple[str, int]:
    name, _, day = text.rpartition("=")
    if not name or not day.isdigit():
        raise typer.BadParameter(f"give a task and its working day such as returns_due=8, not {text}")
    return name.strip(), int(day)


@information.command("request")
def request(
    incident: Incident,
    agency: Annotated[str, typer.Argument(help="The agency's id, such as northshire-academy.")],
    since: Annotated[str, on_day("First day of the period.", "--from")],
    until: Annotated[str, on_day("Last day of the period.", "--to")],
    reason: Annotated[str, in_words("Why, in one neutral sentence; nothing of the notification's story.")],
    subject: Annotated[
        list[str] | None, typer.Option(help="A child, subject-…; several times. By default those of the incident.")
    ] = None,
    household: Annotated[str | None, in_words("Members of the household who are needed for matching.")] = None,
    basis: Annotated[
        list[LegalBasis] | None, typer.Option(help="On which basis; several times. Consent is not needed.")
    ] = None,
    due: Annotated[str | None, on_day("By when; by default the plan's day.")] = None,
    lead: Annotated[str | None, typer.Option(help="The agency's safeguarding lead, as an office.")] = None,
    lead_email: Annotated[str | None, typer.Option(help="Where that office is written to.")] = None,
    account: As = None,
    json: Json = False,
) -> None:
    """Ask one agency what it knows.

    The minimum, and no more: who the children are the agency looks up under its request.
    It is told by event and by a letter to its office.
    """
    with exchange(account) as door:
        about = subject or _subjects(door, incident)
    data = said(
        agency=agency,
        legal_basis=[each.value for each in basis or [LegalBasis.PUBLIC_TASK, LegalBasis.REVIEW_DUTY]],
        **period(since, until),
        subjects=about,
        household=household,
        reason=reason,
        due=due,
        lead=said(name=lead, email=lead_email) if lead else None,
    )
    propose(account, "information.requested", data, incident, json)


def _subjects(door: Exchange, incident: str) -> list[str]:
    """The children of an incident, as its newest fact about them names them."""
    facts = door.get(f"/v1/incidents/{incident}/timeline")["items"]
    named = [[one.get("subject") for one in (fact.get("data") or {}).get("children") or []] for fact in facts]
    found = [subject for subject in ([*filter(any, named)] or [[]])[-1] if subject]
    if not found:
        raise typer.BadParameter("the incident's children are not shown to you: name them with --subject")
    return found


@information.command("acknowledge")
def acknowledge(
    incident: Incident, request: Request = None, for_: For = None, account: As = None, json: Json = False
) -> None:
    """Say that your agency has its request."""
    with exchange(account) as door:
        found = meant(door, incident, for_, request)
    data = {"agency": found["agency"], "request": found["request"]}
    propose(account, "information.acknowledged", data, incident, json)


@information.command("accept")
def accept(
    incident: Incident,
    agency: Annotated[str | None, typer.Argument(help="Whose answer.")] = None,
    request: Request = None,
    version: Version = None,
    account: As = None,
    json: Json = False,
) -> None:
    """An answer is what was asked for."""
    with exchange(account) as door:
        found = meant(door, incident, agency, request)
    data = {"agency": found["agency"], "request": found["request"], "version": newest_return(found, version)}
    propose(account, "return.accepted", data, incident, json)


@information.command("query")
def query(
    incident: Incident,
    reason: Annotated[str, in_words("What more is needed.")],
    agency: Annotated[str | None, typer.Argument(help="Whose answer.")] = None,
    due: Annotated[str | None, on_day("By when; by default as before, or the next working day.")] = None,
    request: Request = None,
    version: Version = None,
    account: As = None,
    json: Json = False,
) -> None:
    """Ask for more detail.

    The request is open again, and the agency is chased again.
    """
    with exchange(account) as door:
        found = meant(door, incident, agency, request)
    data = said(
        agency=found["agency"],
        request=found["request"],
        version=newest_return(found, version),
        reason=reason,
        due=due,
    )
    propose(account, "return.queried", data, incident, json)


@information.command("gaps")
def gaps(
    incident: Incident,
    missing: Annotated[list[str], typer.Option(help="AGENCY=WHY, or AGENCY=@file; several times.")],
    account: As = None,
    json: Json = False,
) -> None:
    """Go on without some answers.

    Which, and why: it is printed in the report.
    """
    named = [one.partition("=") for one in missing]
    if any(not agency or not why for agency, _, why in named):
        raise typer.BadParameter("give each as AGENCY=WHY", param_hint="--missing")
    data = {"missing": [{"agency": agency, "reason": words(why)} for agency, _, why in named]}
    propose(account, "gaps.recorded", data, incident, json)
