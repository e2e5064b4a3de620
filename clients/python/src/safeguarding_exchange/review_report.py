"""The case group, the report, the partners' views, the Panel and its reply, the end, and learning on the way."""

from typing import Annotated, Any

import typer

from safeguarding_exchange import shown
from safeguarding_exchange.free_text import in_words, said
from safeguarding_exchange.options import As, File, Incident, Instant, Json, exchange
from safeguarding_exchange.proposing import data_of, propose
from safeguarding_exchange.review_codes import Advice, AttendsAs, Category, PanelView, PartnerView, Why
from safeguarding_exchange.review_standing import Version, newest_draft, standing

report = typer.Typer()
PARTNERS = {"local_authority": "local_authority", "icb": "icb", "police_force": "police"}
"""For which of the three safeguarding partners an agency's kind can speak."""

HEADINGS = (
    *("childAndFamily", "incident", "agenciesInvolvement", "keyPracticeEpisodes", "livedExperience"),
    *("identityAndInequalities", "goodPractice", "immediateActions", "localAndNationalIssues", "proposedScope"),
    "familyContact",
)
_PARTS = ", ".join(part.value for part in AttendsAs)


@report.command("meeting")
def meeting(
    incident: Incident,
    at: Instant,
    present: Annotated[list[str], typer.Option(help=f"AGENCY:PART, several times; the parts are {_PARTS}.")],
    apologies: Annotated[list[str] | None, typer.Option(help="AGENCY:PART of who sent apologies.")] = None,
    minutes: Annotated[str | None, in_words("What was said and decided.")] = None,
    account: As = None,
    json: Json = False,
) -> None:
    """The case group met.

    Who was there is said by agency and part, never by name.
    It decides once somebody was there as partner for each of the three safeguarding partners.
    """
    with exchange(account) as door:
        kinds = {one["agency"]: one["type"] for one in door.get("/v1/agencies")["items"]}
    attendees = [_attendee(one, kinds, "present") for one in present]
    attendees += [_attendee(one, kinds, "apologies") for one in apologies or []]
    propose(account, "meeting.held", said(held_at=at, attendees=attendees, minutes=minutes), incident, json)


def _attendee(text: str, kinds: dict[str, str], attendance: str) -> dict[str, Any]:
    agency, _, part = text.partition(":")
    attends = part or AttendsAs.OTHER.value
    if attends not in {each.value for each in AttendsAs}:
        raise typer.BadParameter(f"{part} is no part in a meeting: there are {_PARTS}")
    speaks = attends == AttendsAs.PARTNER.value
    if speaks and kinds.get(agency) not in PARTNERS:
        raise typer.BadParameter(f"{agency} is none of the three safeguarding partners, as your directory lists it")
    partner = PARTNERS[kinds[agency]] if speaks else None
    return said(agency=agency, partner=partner, attends_as=attends, attendance=attendance)


@report.command("headings")
def headings() -> None:
    """Print an empty report to fill in."""
    empty: dict[str, Any] = dict.fromkeys(HEADINGS, "")
    shown.as_json(empty | {"decision": {"outcome": "", "criteria": [], "reasons": ""}})


@report.command("draft")
def draft(incident: Incident, file: File, account: As = None, json: Json = False) -> None:
    """Write the report, or a further version.

    The file holds its headings (see `sx review headings`) and the decision with its reasons and the criteria met; what
    is empty is left out.
    """
    data = {name: value for name, value in data_of(file).items() if value not in ("", None)}
    propose(account, "review.drafted", data, incident, json)


@report.command("view")
def view(
    incident: Incident,
    view: Annotated[PartnerView, typer.Argument(help="Your partner's view.")],
    dissent: Annotated[str | None, in_words("Why, where you dissent; printed in the report.")] = None,
    version: Version = None,
    account: As = None,
    json: Json = False,
) -> None:
    """Your partner's view of the report.

    With the third it is signed off. Dissent is kept and printed, and stops nothing.
    """
    with exchange(account) as door:
        newest = newest_draft(standing(door, incident), version)
    propose(account, "view.recorded", said(version=newest, view=view.value, dissent=dissent), incident, json)


@report.command("comment")
def comment(
    incident: Incident,
    comment: Annotated[str, in_words("Your comment.")],
    version: Version = None,
    account: As = None,
    json: Json = False,
) -> None:
    """The independent scrutineer's comment."""
    with exchange(account) as door:
        newest = newest_draft(standing(door, incident), version)
    propose(account, "review.commented", {"version": newest, "comment": comment}, incident, json)


@report.command("submit")
def submit(
    incident: Incident,
    at: Instant,
    reference: Annotated[str | None, typer.Option(help="The Panel's reference.")] = None,
    late_reason: Annotated[str | None, in_words("Why, when it is late.")] = None,
    account: As = None,
    json: Json = False,
) -> None:
    """The report reached the Panel.

    That, and nothing else, meets the clock.
    """
    data = said(submitted_at=at, reference=reference, late_reason=late_reason)
    propose(account, "review.submitted", data, incident, json)


@report.command("answer")
def answer(
    incident: Incident,
    view: Annotated[PanelView, typer.Argument(help="The Panel's reply.")],
    at: Instant,
    advice: Annotated[list[Advice] | None, typer.Option(help="What it advises besides; several times.")] = None,
    comments: Annotated[str | None, in_words("Its comments or queries.")] = None,
    account: As = None,
    json: Json = False,
) -> None:
    """The Panel's reply.

    With queries the report is a draft again.
    """
    advised = [each.value for each in advice or []]
    data = said(answered_at=at, view=view.value, advice=advised, comments=comments)
    propose(account, "panel.answered", data, incident, json)


@report.command("close")
def close(
    incident: Incident,
    why: Annotated[Why, typer.Argument(help="Why it ends.")],
    reason: Annotated[str | None, in_words("Needed for no_reply.")] = None,
    account: As = None,
    json: Json = False,
) -> None:
    """End the review. Without a reply: after the day on which one was expected."""
    propose(account, "review.closed", said(why=why.value, reason=reason), incident, json)


@report.command("learn")
def learn(
    incident: Incident,
    category: Annotated[Category, typer.Argument(help="What the learning is about.")],
    statement: Annotated[str, in_words("What was learned; about the system, not about a person.")],
    action: Annotated[str | None, in_words("What was done at once.")] = None,
    practice: Annotated[bool, typer.Option("--practice-review", help="It comes of the practice review.")] = False,
    account: As = None,
    json: Json = False,
) -> None:
    """Learning that cannot wait for the end.

    It goes to the learning register at once.
    """
    source = "practice_review" if practice else "rapid_review"
    data = said(source=source, category=category.value, statement=statement, immediate_action=action)
    propose(account, "learning.noted", data, incident, json)
