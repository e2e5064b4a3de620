"""For operators: how a service stands, what it has set aside, and whether its log is whole."""

from typing import Annotated, Any

import typer

from safeguarding_exchange import shown
from safeguarding_exchange.options import As, Json, exchange

operating = typer.Typer()
At = Annotated[
    str | None, typer.Option("--at", help="The service's address, such as http://127.0.0.1:8083; else the gateway.")
]


@operating.command("signals")
def signals(at: At = None, account: As = None, json: Json = False) -> None:
    """The figures that say whether a service needs a person."""
    with exchange(account) as door:
        told = door.get("/operations/signals", at)
    if json:
        shown.as_json(told)
        return
    rows = [[one["name"], one["value"], one["meaning"]] for one in told["signals"]]
    shown.table(f"Signals of {told['service']}", ["signal", "now", "meaning"], rows)


@operating.command("feeds")
def feeds(
    at: Annotated[str, typer.Option("--at", help="Delivery's address, such as http://127.0.0.1:8084.")],
    account: As = None,
    json: Json = False,
) -> None:
    """Agencies' feeds: who reads, who lags, who is silent and whom to ring."""
    with exchange(account) as door:
        items = door.get("/operations/feeds", at)["items"]
    columns = ["agency", "ring", "last", "seen", "lag", "seen at", "last test", "last replay", ""]
    shown.listing("Feeds", columns, items, _feed, document=json)


def _feed(one: dict[str, Any]) -> list[Any]:
    return [
        one["agency"],
        one.get("technical"),
        one["last"],
        one["seen"],
        one["lag"],
        shown.instant(one["lastSeenAt"]),
        _test(one["lastTest"]),
        shown.instant((one["lastReplay"] or {}).get("at")),
        "[bold red]silent[/bold red]" if one["silent"] else "",
    ]


def _test(test: dict[str, Any] | None) -> str:
    return f"{shown.instant(test['at'])}, {'seen' if test['seen'] else 'not seen'}" if test else "none yet"


@operating.command("parked")
def parked(at: At = None, account: As = None, json: Json = False) -> None:
    """Events that were set aside, with their reasons."""
    with exchange(account) as door:
        items = door.get("/operations/parked", at)["items"]
    shown.listing("Parked", ["topic", "place", "key", "reason", "since"], items, _parked, document=json)


def _parked(one: dict[str, Any]) -> list[Any]:
    place = f"{one['partition']}/{one['offset']}"
    return [one["topic"], place, one.get("key"), one["reason"], shown.instant(one["parkedAt"])]


@operating.command("replay")
def replay(
    topic: Annotated[str, typer.Argument(help="The topic, as `sx parked` shows it.")],
    key: Annotated[str, typer.Argument(help="The key.")],
    at: At = None,
    account: As = None,
    json: Json = False,
) -> None:
    """Replay the parked events of a key, in order."""
    with exchange(account) as door:
        told = door.order("/operations/parked/replay", at, {"topic": topic, "key": key})
    if json:
        shown.as_json(told)
        return
    shown.console.print(f"{told['replayed']} replayed" + (f"; stopped: {told['stopped']}" if told["stopped"] else ""))


@operating.command("rebuild")
def rebuild(at: At = None, account: As = None, json: Json = False) -> None:
    """Fold a service's read models anew from its log.

    The service goes on meanwhile.
    """
    with exchange(account) as door:
        told = door.order("/operations/rebuild", at)
    if json:
        shown.as_json(told)
    else:
        shown.console.print(f"Rebuilt from {told['facts']} facts in {told['seconds']} s")


@operating.command("verify")
def verify(at: At = None, account: As = None, json: Json = False) -> None:
    """Check a service's log: hash chain, checkpoints."""
    with exchange(account) as door:
        told = door.get("/operations/verify", at)
    if json:
        shown.as_json(told)
    else:
        looked = f"{told['positions']} facts, {told['checkpoints']} checkpoints"
        shown.console.print(f"{'Whole' if told['whole'] else '[bold red]Not whole[/bold red]'}: {looked}")
        rows = [[one["what"], one["position"], one["fact"]] for one in told["findings"]]
        if rows:
            shown.table("Findings", ["what", "position", "fact"], rows)
    if not told["whole"]:
        raise typer.Exit(1)
