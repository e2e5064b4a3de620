"""Acting: each command proposes a fact, and shows what its owner answered."""

import json as json_
from pathlib import Path
from typing import Annotated, Any

import typer

from safeguarding_exchange import shown
from safeguarding_exchange.options import (
    As,
    File,
    Incident,
    Instant,
    Json,
    Partnership,
    Reason,
    exchange,
)
from safeguarding_exchange.options import instant as checked_instant

proposing = typer.Typer()
CALENDAR = "calendar-england-and-wales"
GROUNDS = "S16C_A, S16C_B, LAC_DEATH or CARE_LEAVER_DEATH; may be given several times"


def propose(
    account: str | None,
    name: str,
    data: dict[str, Any],
    subject: str | None,
    as_json: bool,
    *,
    partnership: str | None = None,
    incidentref: str | None = None,
) -> dict[str, Any]:
    """Publish it and show its receipt; returns the receipt. Ends with status 1 where it was refused."""
    with exchange(account) as door:
        told = door.publish(name, data, subject, partnership=partnership, incidentref=incidentref)
    shown.as_json(told) if as_json else shown.receipt(told)
    if told["status"] == "refused":
        raise typer.Exit(1)
    return told


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json_.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise typer.BadParameter(f"{path} is not JSON") from None
    if not isinstance(content, dict):
        raise typer.BadParameter(f"{path} holds no JSON object")
    return content


def data_of(path: Path) -> dict[str, Any]:
    """An event's data: what the file holds, or the data in it where it holds a whole event."""
    content = _read(path)
    whole = "specversion" in content and isinstance(content.get("data"), dict)
    return dict(content["data"]) if whole else content


def _content(path: Path) -> dict[str, Any]:
    """A notification's content, alone in its file or within a whole event or its data."""
    data = data_of(path)
    return dict(data["content"]) if isinstance(data.get("content"), dict) else data


@proposing.command("send")
def send(file: File, account: As = None, json: Json = False) -> None:
    """Publish a whole CloudEvent from a file, as it is."""
    with exchange(account) as door:
        told = door.send(_read(file))
    shown.as_json(told) if json else shown.receipt(told)


@proposing.command("refer")
def refer(
    file: File,
    reference: Annotated[str | None, typer.Option(help="Your own number for the incident.")] = None,
    partnership: Partnership = None,
    account: As = None,
    json: Json = False,
) -> None:
    """Refer an incident.

    The file holds the referral's data, or a whole event, of which the data is taken.
    """
    propose(account, "incident.referred", data_of(file), None, json, partnership=partnership, incidentref=reference)


@proposing.command("triage")
def triage(
    incident: Incident,
    aware_at: Instant,
    notifiable: Annotated[bool, typer.Option("--notifiable/--not-notifiable")] = True,
    ground: Annotated[list[str] | None, typer.Option(help=GROUNDS)] = None,
    source: Annotated[
        str, typer.Option(help="police, health, education, social_care, cdop_coordinator, provider or other")
    ] = "other",
    reasons: Annotated[str | None, typer.Option(help="Needed for --not-notifiable. Sealed for the vault.")] = None,
    icb: Annotated[str, typer.Option(help="agree, disagree or not_asked")] = "not_asked",
    police: Annotated[str, typer.Option(help="agree, disagree or not_asked")] = "not_asked",
    earlier_showed_both: Annotated[
        bool | None,
        typer.Option("--earlier-showed-both/--earlier-did-not", help="On reopening: which awareness day 0 follows."),
    ] = None,
    account: As = None,
    json: Json = False,
) -> None:
    """Decide whether an incident is notifiable.

    The clocks run from awareness, never from this decision.
    """
    data: dict[str, Any] = {
        "notifiable": notifiable,
        "grounds": ground or [],
        "becameAwareAt": aware_at,
        "awarenessSource": source,
        "partnerViews": {"localAuthority": "agree" if notifiable else "not_asked", "icb": icb, "police": police},
    }
    if reasons:
        data["reasons"] = reasons
    if earlier_showed_both is not None:
        data["earlierAwarenessShowedBoth"] = earlier_showed_both
    propose(account, "notifiability.decided", data, incident, json)


@proposing.command("correct-awareness")
def correct_awareness(
    incident: Incident, aware_at: Instant, reason: Reason, account: As = None, json: Json = False
) -> None:
    """The authority knew at another time than was recorded."""
    propose(account, "awareness.corrected", {"awareAt": aware_at, "reason": reason}, incident, json)


@proposing.command("link")
def link(
    lead: Annotated[str, typer.Argument(help="The incident whose clocks go on.")],
    twin: Annotated[str, typer.Argument(help="The other referral of the same incident.")],
    reason: Reason,
    undo: Annotated[bool, typer.Option("--undo", help="Take an earlier link back.")] = False,
    account: As = None,
    json: Json = False,
) -> None:
    """Two referrals are of one incident."""
    data = {"lead": lead, "twin": twin, "reason": reason, "undone": undo}
    propose(account, "incident.linked", data, lead, json)


@proposing.command("told")
def told(
    incident: Incident,
    recipient: Annotated[str, typer.Argument(help="The agency's id, or an area's code.")],
    at: Instant,
    channel: Annotated[str, typer.Option(help="telephone, email, meeting, letter or exchange_feed")] = "telephone",
    account: As = None,
    json: Json = False,
) -> None:
    """Record that a partner was told, when and how."""
    data = {"recipient": recipient, "notifiedAt": at, "channel": channel}
    receipt = propose(account, "partner.notified", data, incident, json)
    if not receipt.get("deadlines") and not json:
        shown.console.print(f"  no clock of this incident waited for {recipient}: is that its id? See sx show")


@proposing.command("draft")
def draft(incident: Incident, file: File, account: As = None, json: Json = False) -> None:
    """Write the notification, or a further version.

    The file holds its content, or a whole event, of which the content is taken.
    """
    propose(account, "notification.drafted", {"content": _content(file)}, incident, json)


@proposing.command("approve")
def approve(
    incident: Incident,
    version: Annotated[int | None, typer.Option(help="By default the newest.")] = None,
    account: As = None,
    json: Json = False,
) -> None:
    """Approve a version that somebody else wrote."""
    propose(account, "notification.approved", {"version": version or _newest(account, incident)}, incident, json)


@proposing.command("return")
def return_to_draft(incident: Incident, reason: Reason, account: As = None, json: Json = False) -> None:
    """Send an approved version back to draft."""
    data = {"version": _newest(account, incident), "reason": reason}
    propose(account, "notification.returned-to-draft", data, incident, json)


def _newest(account: str | None, incident: str) -> int:
    with exchange(account) as door:
        versions = door.get(f"/v1/notifications/{incident}")["versions"]
    if not versions:
        raise typer.BadParameter("there is no draft of this notification yet")
    return int(versions[-1]["version"])


@proposing.command("submitted")
def submitted(
    incident: Incident,
    reference: Annotated[str, typer.Option(help="The national portal's reference.")],
    at: Instant,
    delay_reason: Annotated[str | None, typer.Option(help="When it is late. Sealed for the vault.")] = None,
    account: As = None,
    json: Json = False,
) -> None:
    """Record the portal's reference and time.

    That is what meets the clock: a named person says when the notification reached the national portal.
    """
    data = {"portalReference": reference, "portalTime": at}
    if delay_reason:
        data["delayReason"] = delay_reason
    propose(account, "notification.submitted", data, incident, json)


@proposing.command("explain-delay")
def explain_delay(incident: Incident, reason: Reason, account: As = None, json: Json = False) -> None:
    """Say why a submission was late.

    The copy to be filed waits for it, and nothing else does.
    """
    propose(account, "notification.delay-explained", {"delayReason": reason}, incident, json)


@proposing.command("amend")
def amend(
    incident: Incident,
    file: File,
    at: Instant,
    reason: Reason,
    reference: Annotated[str | None, typer.Option(help="The portal's reference of the amendment.")] = None,
    account: As = None,
    json: Json = False,
) -> None:
    """Record an amendment made in the national portal.

    The file holds the whole content as amended, or a whole event, of which the content is taken.
    """
    data: dict[str, Any] = {"reason": reason, "content": _content(file), "portalTime": at}
    if reference:
        data["portalReference"] = reference
    propose(account, "notification.amended", data, incident, json)


@proposing.command("withdraw")
def withdraw(
    incident: Incident,
    at: Annotated[str, typer.Option("--panel-told-at", callback=checked_instant, help="When the Panel was told.")],
    reason: Reason,
    account: As = None,
    json: Json = False,
) -> None:
    """Withdraw the notification.

    The criteria were not met after all.
    """
    propose(account, "notification.withdrawn", {"reasons": reason, "panelToldAt": at}, incident, json)


day = typer.Typer(help="Proclaimed bank holidays: propose one, add one.")
proposing.add_typer(day, name="day")
Day = Annotated[str, typer.Argument(help="The date, such as 2027-06-11.")]
Title = Annotated[str, typer.Option(help="What it is.")]
Source = Annotated[str, typer.Option(help="Where it was proclaimed.")]


@day.command("propose")
def propose_day(on: Day, title: Title, source: Source, account: As = None, json: Json = False) -> None:
    """Propose a day that does not count."""
    propose(account, "calendar.day-proposed", {"day": on, "title": title, "source": source}, CALENDAR, json)


@day.command("add")
def add_day(on: Day, title: Title, source: Source, account: As = None, json: Json = False) -> None:
    """Approve a proposed day: open deadlines are recomputed, closed ones stay as they were."""
    propose(account, "calendar.day-added", {"day": on, "title": title, "source": source}, CALENDAR, json)
