"""What is asked about people, and what follows when something went wrong: detail, breach reports, how records end."""

import json as json_
from pathlib import Path
from typing import Annotated, Any

import typer

from safeguarding_exchange import shown
from safeguarding_exchange.options import As, File, Incident, Json, Reason, exchange
from safeguarding_exchange.proposing import data_of, propose

records = typer.Typer()
PURPOSES = (
    "triage",
    "notification_drafting",
    "notification_approval",
    "panel_export",
    "partner_notification",
    "review",
    "likeness_check",
    "subject_access",
    "erasure_review",
)
"""For which a person may look."""
Purpose = Annotated[
    str,
    typer.Option(
        help=f"Why you look; recorded before anything is shown. One of {', '.join(PURPOSES)}, as far as yours."
    ),
]
Subject = Annotated[str, typer.Argument(help="The child's id, subject-…")]
Owner = Annotated[str, typer.Argument(help="Whose record: a subject's or an incident's id.")]


@records.command("detail")
def detail(incident: Incident, purpose: Purpose, account: As = None) -> None:
    """An incident in words, as JSON. The look is recorded first."""
    with exchange(account) as door:
        shown.as_json(door.get(f"/v1/incidents/{incident}/detail", purpose=purpose))


@records.command("child")
def child(subject: Subject, purpose: Purpose, account: As = None) -> None:
    """A child in each incident it is in, as JSON. The look is recorded first."""
    with exchange(account) as door:
        shown.as_json(door.get(f"/v1/subjects/{subject}", purpose=purpose))


@records.command("reads")
def reads(incident: Incident, account: As = None, json: Json = False) -> None:
    """Who looked at an incident's words; other agencies than the authority: who looked at theirs."""
    with exchange(account) as door:
        items = door.pages(f"/v1/incidents/{incident}/reads")
    shown.listing("Looks", ["when", "who", "agency", "why"], items, _look, document=json)


def _look(one: dict[str, Any]) -> list[Any]:
    return [shown.instant(one["at"]), one["who"], one["agency"], one["purpose"].replace("_", " ")]


@records.command("breach-report")
def breach_report(
    of: Annotated[str, typer.Argument(help="An incident's id, or the id of one event as sx timeline --json has it.")],
    account: As = None,
    json: Json = False,
) -> None:
    """Who received what, when, over which way, and whether they looked: the first page of a breach report."""
    with exchange(account) as door:
        if json:
            shown.as_json(door.get(f"/v1/breach-reports/{of}"))
        else:
            print(door.page(f"/v1/breach-reports/{of}"), end="")


@records.command("subject-access")
def subject_access(
    subject: Subject,
    release: Annotated[
        list[str] | None,
        typer.Option(help="A held-back reference that you have read, and that speaks of nobody else; several times."),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Where to write it; else it is printed.")] = None,
    account: As = None,
    json: Json = False,
) -> None:
    """A person's own record, with third parties held back, and the record of who looked."""
    asked = {"subject": subject, "released": release or []}
    with exchange(account) as door:
        if json:
            told = json_.dumps(door.order("/v1/subject-access", None, asked), indent=2, ensure_ascii=False) + "\n"
        else:
            told = door.page("/v1/subject-access", asked)
    if output:
        output.write_text(told, encoding="utf-8")
        shown.console.print(f"Wrote {output} (OFFICIAL-SENSITIVE)")
    else:
        print(told, end="")


@records.command("correct")
def correct(incident: Incident, file: File, account: As = None, json: Json = False) -> None:
    """Correct fields of a referral.

    The file holds the fields as they should have been, what is cleared, and a reason for each.
    """
    propose(account, "incident.corrected", data_of(file), incident, json)


@records.command("recall")
def recall(
    incident: Incident,
    event: Annotated[str, typer.Argument(help="The id of the fact that is recalled, as sx timeline --json has it.")],
    reason: Reason,
    because: Annotated[str, typer.Option(help="wrong_child, wrong_recipient or sent_in_error")],
    recipient: Annotated[
        list[str] | None,
        typer.Option(help="Of wrong_recipient: who should not have had it; several times."),
    ] = None,
    account: As = None,
    json: Json = False,
) -> None:
    """Recall an event that should not have been sent, or not to those who had it."""
    data: dict[str, Any] = {"event": event, "because": because, "reason": reason}
    if recipient:
        data["recipients"] = recipient
    propose(account, "incident.recalled", data, incident, json)


@records.command("merge")
def merge(
    one: Subject,
    other: Subject,
    incident: Annotated[str, typer.Option(help="An incident that the first is in.")],
    other_incident: Annotated[str, typer.Option(help="An incident that the other is in.")],
    reason: Reason,
    apart: Annotated[bool, typer.Option("--split", help="They are two children after all.")] = False,
    account: As = None,
    json: Json = False,
) -> None:
    """Two subjects are one child, or with --split two after all. Nothing is moved: views join, or part."""
    data = {"subjects": [one, other], "incidents": [incident, other_incident], "reason": reason}
    propose(account, "subjects.split" if apart else "subjects.merged", data, incident, json)


retention = typer.Typer(help="How long records are kept: what is due, and which class a record is of.")
erase = typer.Typer(help="Erase a record, by two people: one proposes, another one decides.")
hold = typer.Typer(help="Legal holds: while one stands nothing of it is erased.")
records.add_typer(retention, name="retention")
records.add_typer(erase, name="erase")
records.add_typer(hold, name="hold")


@retention.command("due")
def due(
    until: Annotated[str | None, typer.Option(help="A day, such as 2027-01-31; else today.")] = None,
    account: As = None,
    json: Json = False,
) -> None:
    """What the schedule makes due, with its sources. Nothing is erased by it: a person decides."""
    with exchange(account) as door:
        told = door.get("/v1/retention/due", until=until)
    if json:
        shown.as_json(told)
        return
    rows = [
        [
            one["due"] or "cannot be reckoned",
            one["owner"],
            f"{one['recordClass'].replace('_', ' ')}, {one['years']} years ({one['source']}; status {one['status']})",
            "held" if one["held"] else one["proposedBy"] and f"proposed by {one['proposedBy']}",
        ]
        for one in (*told["due"], *told["cannotBeReckoned"])
    ]
    shown.table("Due", ["since", "record", "class and source", "standing"], rows)


@retention.command("class")
def record_class(
    owner: Owner,
    to: Annotated[str, typer.Argument(help="A class of the schedule.")],
    reason: Reason,
    account: As = None,
    json: Json = False,
) -> None:
    """Give a record another class of the schedule."""
    _order(account, "/v1/retention/classes", {"owner": owner, "recordClass": to, "reason": reason}, json)


@erase.command("waiting")
def waiting(account: As = None, json: Json = False) -> None:
    """Erasures that await a second person."""
    with exchange(account) as door:
        items = door.get("/v1/erasures/proposals")["items"]
    shown.listing("Await a second person", ["record", "proposed by", "when"], items, _awaiting, document=json)


def _awaiting(one: dict[str, Any]) -> list[Any]:
    return [one["owner"], one["proposedBy"], shown.instant(one["at"])]


@erase.command("propose")
def propose_erasure(owner: Owner, reason: Reason, account: As = None, json: Json = False) -> None:
    """Propose that a record's key be destroyed."""
    _order(account, "/v1/erasures/proposals", {"owner": owner, "reason": reason}, json)


@erase.command("withdraw")
def withdraw_erasure(owner: Owner, reason: Reason, account: As = None, json: Json = False) -> None:
    """Take a proposal back."""
    _order(account, "/v1/erasures/proposals", {"owner": owner, "reason": reason, "act": "withdrawn"}, json)


@erase.command("decide")
def decide_erasure(owner: Owner, reason: Reason, account: As = None, json: Json = False) -> None:
    """Destroy the key of what another person proposed: for good. Says what remains for a person to decide about."""
    _order(account, "/v1/erasures", {"owner": owner, "reason": reason}, json)


@hold.command("place")
def place(owner: Owner, reason: Reason, account: As = None, json: Json = False) -> None:
    """Place a legal hold."""
    _order(account, "/v1/holds", {"owner": owner, "reason": reason, "act": "placed"}, json)


@hold.command("lift")
def lift(owner: Owner, reason: Reason, account: As = None, json: Json = False) -> None:
    """Lift a legal hold."""
    _order(account, "/v1/holds", {"owner": owner, "reason": reason, "act": "lifted"}, json)


REMAINS = {
    "narratives": "words that speak of it",
    "documents": "documents of its incidents",
    "identities": "identities that came with it",
    "likelySame": "who may be the same child",
}


def _order(account: str | None, path: str, content: dict[str, str], json: bool) -> None:
    with exchange(account) as door:
        told = door.order(path, None, content)
    if json:
        shown.as_json(told)
        return
    shown.pairs("Done", {name: value for name, value in told.items() if name != "remains"})
    if "remains" in told:
        left = {REMAINS[name]: refs or "none" for name, refs in told["remains"].items()}
        shown.pairs("What remains, for a person to decide about", left)
