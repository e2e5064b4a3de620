"""Looking: what waits for me, an incident and its clocks, what became of a message, and copies."""

from pathlib import Path
from typing import Annotated, Any

import typer

from safeguarding_exchange import shown
from safeguarding_exchange.options import As, Incident, Json, exchange

cases = typer.Typer()


@cases.command("list")
def waiting(
    account: As = None,
    everything: Annotated[bool, typer.Option("--all", help="Every incident you may see.")] = False,
    json: Json = False,
) -> None:
    """What waits for me, the most urgent first."""
    with exchange(account) as door:
        if everything:
            items = door.pages("/v1/incidents")
            if not json:
                _incidents(items)
        else:
            items = door.get("/v1/incidents", waiting_for_me="true")["items"]
            if not json:
                _tasks(items)
    if json:
        shown.as_json(items)


def _incidents(items: list[dict[str, Any]]) -> None:
    columns = ["incident", "status", "grounds", "your reference"]
    rows = [
        [
            f"{_plain(one.get('nature', ''))}\n{one['id']}".strip(),
            _plain(one.get("status", "")),
            ", ".join(one.get("grounds", [])),
            one.get("incidentref"),
        ]
        for one in items
    ]
    shown.table("Incidents", columns, rows)


def _tasks(items: list[dict[str, Any]]) -> None:
    columns = ["due, end of", "what to do", "your reference"]
    rows = [
        [shown.day(one.get("due")), f"{_task(one)}\n{one['incident']}", (one.get("of") or {}).get("incidentref")]
        for one in items
    ]
    shown.table("Waiting for you", columns, rows)


def _task(task: dict[str, Any]) -> str:
    """What is to be done, for which clock, and that clock's state where it is more than that it runs."""
    what = f"tell {task['recipient']}" if task.get("recipient") else _plain(task["what"])
    rule = str(task.get("clock") or "").partition(":")[0]
    state = task.get("state")
    return " ".join(filter(None, [rule, what, f"({_plain(state)})" if state and state != "open" else ""]))


def _plain(code: str) -> str:
    return code.replace("_", " ")


@cases.command("show")
def show(incident: Incident, account: As = None, json: Json = False) -> None:
    """An incident: status, clocks with their reckoning."""
    with exchange(account) as door:
        told = door.get(f"/v1/incidents/{incident}")
    if json:
        shown.as_json(told)
        return
    shown.console.print(f"[bold]{told['id']}[/bold]  {_plain(told.get('status', ''))}")
    grounds = ", ".join(told.get("grounds", [])) or "none decided"
    shown.console.print(f"  {_plain(told.get('nature', 'not yours to see'))}; grounds: {grounds}")
    if told.get("awareAt"):
        shown.console.print(f"  the authority became aware {shown.instant(told['awareAt'])}")
    if told.get("linkedTo"):
        shown.console.print(f"  linked to {told['linkedTo']}")
    for clock in told.get("clocks", []):
        shown.clock(clock)


@cases.command("timeline")
def timeline(incident: Incident, account: As = None, json: Json = False) -> None:
    """What was stated of an incident, in order.

    Of its clocks too: who, when, as what. How its notification came about: sx notification.
    """
    with exchange(account) as door:
        items = door.get(f"/v1/incidents/{incident}/timeline")["items"]
    shown.listing("Timeline", ["when", "what", "who"], items, _moment, document=json)


def _moment(event: dict[str, Any]) -> list[Any]:
    return [shown.instant(event["time"]), _stated(event), event.get("actor") or event.get("agency") or "the exchange"]


def _stated(event: dict[str, Any]) -> str:
    about = (event.get("data") or {}).get("clock")
    return f"{event['type']}  {about}" if about else str(event["type"])


@cases.command("notification")
def notification(incident: Incident, account: As = None, json: Json = False) -> None:
    """Its notification: status, versions, what is missing."""
    with exchange(account) as door:
        told = door.get(f"/v1/notifications/{incident}")
    if json:
        shown.as_json(told)
        return
    shown.console.print(f"[bold]{_plain(told['status'])}[/bold]; grounds: {', '.join(told['grounds'])}")
    if told.get("coverage"):
        shown.console.print(f"  {told['coverage']['sentence']}")
    filed = told.get("submission")
    if filed:
        when = shown.instant(filed["portalTime"])
        shown.console.print(f"  portal reference {filed['portalReference']}, filed {when}")
    if told.get("awaitingReason"):
        shown.console.print("  awaiting the reason for the delay: sx explain-delay")
    rows = [[one["version"], one.get("by"), one.get("approvedBy")] for one in told["versions"]]
    shown.table("Versions", ["version", "written by", "approved by"], rows)


@cases.command("export")
def export(
    incident: Incident,
    form: Annotated[str, typer.Option(help="pdf, json or csv.")] = "pdf",
    purpose: Annotated[
        str, typer.Option(help="Why you take a copy; recorded. panel_export takes it to be filed; else such as review.")
    ] = "panel_export",
    version: Annotated[int | None, typer.Option(help="By default the newest.")] = None,
    filing: Annotated[
        bool | None,
        typer.Option(
            help="The copy to be filed, refused while a reason is awaited. By default one taken as panel_export is."
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Where to write it.")] = None,
    account: As = None,
) -> None:
    """Take a copy of the notification.

    Who took it, when and why is recorded first.
    """
    with exchange(account) as door:
        asked = {"purpose": purpose, "version": version, "filing": None if filing is None else str(filing).lower()}
        answer = door.download(f"/v1/notifications/{incident}/exports/{form}", **asked)
    name = answer.headers.get("content-disposition", "").partition('filename="')[2].rstrip('"')
    path = output or Path(Path(name).name or f"notification.{form}")
    path.write_bytes(answer.content)
    shown.console.print(f"Wrote {path} ({len(answer.content):,} bytes, OFFICIAL-SENSITIVE)")


@cases.command("receipt")
def receipt(
    submission: Annotated[str, typer.Argument(help="A submission's id, or with --own your own event's id.")],
    own: Annotated[bool, typer.Option("--own", help="It is the id that your event had.")] = False,
    account: As = None,
    json: Json = False,
) -> None:
    """What became of a message."""
    with exchange(account) as door:
        told = door.get("/v1/submissions", id=submission) if own else door.get(f"/v1/submissions/{submission}")
    shown.as_json(told) if json else shown.receipt(told)
