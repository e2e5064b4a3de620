"""Who belongs to a partnership and what is shared with whom; and who is shut out of one incident. Two people each."""

import json as json_
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from safeguarding_exchange import shown
from safeguarding_exchange.options import As, Incident, Json, Partnership, Reason, exchange

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

directory = typer.Typer()
agencies = typer.Typer(help="The agencies of your partnerships: list them, list one, withdraw one.")
agreements = typer.Typer(help="Sharing agreements: proposed by one person, approved by another.")
exclusion = typer.Typer(
    help="Shut somebody out of one incident, or let them in again: proposed by one, said by another."
)
directory.add_typer(agencies, name="agencies")
directory.add_typer(agreements, name="agreements")
directory.add_typer(exclusion, name="exclude")

Agency = Annotated[str, typer.Argument(help="The agency's id, such as northshire-police.")]
Why = Annotated[str, typer.Option(help="Why, in a sentence; nothing about a case or a person.")]
Terms = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A TOML or JSON file.")]
Shut = Annotated[str, typer.Option("--agency", help="The agency to be shut out, or the person's.")]
Person = Annotated[str | None, typer.Option(help="The account, where one person is meant and not the agency.")]
Basis = Annotated[str, typer.Option(help="conflict_of_interest, alleged_perpetrator or other.")]


def _say(
    account: str | None,
    name: str,
    data: dict[str, Any],
    as_json: bool,
    partnership: str | None,
    subject: str | None = None,
) -> None:
    with exchange(account) as door:
        told = door.publish(name, data, subject, partnership=partnership)
    shown.as_json(told) if as_json else shown.receipt(told)


def _wire(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def read_terms(path: Path) -> dict[str, Any]:
    """An event's data as it travels, out of a file whose names may be written with_underscores, or of a whole event."""
    text = path.read_text(encoding="utf-8")
    try:
        told = json_.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as wrong:
        raise typer.BadParameter(f"{path} is neither TOML nor JSON: {wrong}") from None
    if not isinstance(told, dict):
        raise typer.BadParameter(f"{path} holds no object")
    if "specversion" in told and isinstance(told.get("data"), dict):
        return dict(told["data"])
    plain = {_wire(name): value for name, value in told.items()}
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in plain.items()}


@agencies.callback(invoke_without_command=True)
def all_agencies(context: typer.Context, account: As = None, json: Json = False) -> None:
    """Every agency of your partnerships."""
    if context.invoked_subcommand is not None:
        return
    with exchange(account) as door:
        items = door.get("/v1/agencies")["items"]
    shown.listing("Agencies", ["agency", "type", "areas", "name"], items, _agency, document=json)


def _agency(one: dict[str, Any]) -> list[Any]:
    return [one["agency"], one["type"].replace("_", " "), ", ".join(one["areas"]), one["name"]]


@agencies.command("list")
def list_agency(file: Terms, partnership: Partnership = None, account: As = None, json: Json = False) -> None:
    """List an agency, or list it anew, from a file: agency, name, type, areas, mailboxes, contacts."""
    _say(account, "agency.listed", read_terms(file), json, partnership)


@agencies.command("withdraw")
def withdraw(agency: Agency, why: Why, partnership: Partnership = None, account: As = None, json: Json = False) -> None:
    """The agency belongs to the partnership no more; its agreement ends with it."""
    _say(account, "agency.withdrawn", {"agency": agency, "why": why}, json, partnership)


@agreements.command("list")
def list_agreements(account: As = None, json: Json = False) -> None:
    """The agreements in force, when each is looked at again, and what awaits a second person."""
    with exchange(account) as door:
        items = door.get("/v1/agreements")["items"]
    columns = ["agency", "in", "version", "review by", "awaits"]
    shown.listing("Sharing agreements", columns, items, _row, document=json)


def _row(one: dict[str, Any]) -> list[Any]:
    now, offer = one.get("inForce", {}), one.get("awaiting")
    review = now.get("reviewOn", "") + (" (overdue)" if now.get("reviewOverdue") else "")
    awaits = f"version {offer['version']}, proposed by {offer['proposedBy']}" if offer else ""
    return [one["agency"], one["partnership"], now.get("version", "none"), review, awaits]


@agreements.command("show")
def show_agreement(agency: Agency, account: As = None, json: Json = False) -> None:
    """One agency's agreements in full, and what awaits approval with its hash."""
    with exchange(account) as door:
        items = door.get(f"/v1/agreements/{agency}")["items"]
    if json:
        shown.as_json(items)
        return
    for one in items:
        for title, part in (("in force", "inForce"), ("awaiting a second person", "awaiting")):
            if part in one:
                shown.pairs(f"{agency} in {one['partnership']}: {title}", one[part])


@agreements.command("propose")
def propose(file: Terms, partnership: Partnership = None, account: As = None, json: Json = False) -> None:
    """Propose an agreement from a file.

    It holds agency, legal_basis, review_on, incidents (own, participant, area), may_propose, may_read, and if wanted
    fields and reads. It counts once another person has approved it.
    """
    _say(account, "agreement.proposed", read_terms(file), json, partnership)


@agreements.command("approve")
def approve(
    agency: Agency,
    hash_: Annotated[
        str | None, typer.Option("--hash", help="Of what you have read; otherwise it is shown now.")
    ] = None,
    partnership: Partnership = None,
    account: As = None,
    json: Json = False,
) -> None:
    """Approve exactly what another person proposed."""
    with exchange(account) as door:
        where = partnership or door.session.partnership
        items = door.get(f"/v1/agreements/{agency}")["items"]
    offers = [one["awaiting"] for one in items if "awaiting" in one and where in (None, one["partnership"])]
    if not offers:
        raise ValueError(f"No agreement of {agency} awaits approval: see sx agreements list")
    if len(offers) > 1:
        raise ValueError(f"{len(offers)} agreements of {agency} await approval: say which with --partnership")
    (offer,) = offers
    if hash_ is None:
        shown.pairs(f"{agency}: what was proposed", offer)
        before = next((one.get("inForce") for one in items if one.get("awaiting") is offer), None)
        shown.table("What that changes", ["term", "taken away", "added"], changed(before or {}, offer))
        typer.confirm("Approve exactly this?", abort=True)
    data = {"agency": agency, "version": offer["version"], "hash": hash_ or offer["hash"]}
    _say(account, "agreement.approved", data, json, partnership)


TERMS = ("legalBasis", "reviewOn", "incidents", "mayPropose", "mayRead", "fields", "reads")


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[list[Any]]:
    """The terms that differ: what each loses, and what it gains. All of an agreement that follows none is gained."""
    rows = []
    for term in TERMS:
        was, becomes = _parts(before.get(term)), _parts(after.get(term))
        gone, come = [part for part in was if part not in becomes], [part for part in becomes if part not in was]
        if gone or come:
            rows.append([term, "\n".join(gone), "\n".join(come)])
    return rows


def _parts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [f"{name}: {', '.join(_parts(each))}" for name, each in value.items()]
    return [str(each) for each in value] if isinstance(value, list) else [] if value is None else [str(value)]


@agreements.command("end")
def end(agency: Agency, why: Why, partnership: Partnership = None, account: As = None, json: Json = False) -> None:
    """End an agreement at once: the agency proposes and reads nothing here any more."""
    _say(account, "agreement.ended", {"agency": agency, "why": why}, json, partnership)


def _whom(agency: str, person: str | None, basis: str) -> dict[str, Any]:
    return {"agency": agency, "basis": basis} | ({"person": person} if person else {})


@exclusion.command("propose")
def propose_exclusion(
    incident: Incident,
    agency: Shut,
    basis: Basis,
    reason: Reason,
    person: Person = None,
    lift: Annotated[bool, typer.Option("--lift", help="Propose to let them in again.")] = False,
    account: As = None,
    json: Json = False,
) -> None:
    """Propose that an agency, or one person of it, is shut out of the incident."""
    data = _whom(agency, person, basis) | {"reason": reason} | ({"lift": True} if lift else {})
    _say(account, "exclusion.proposed", data, json, None, incident)


@exclusion.command("approve")
def approve_exclusion(
    incident: Incident, agency: Shut, basis: Basis, person: Person = None, account: As = None, json: Json = False
) -> None:
    """Approve what another person proposed: from now on the incident does not exist for them."""
    _say(account, "exclusion.approved", _whom(agency, person, basis), json, None, incident)


@exclusion.command("end")
def end_exclusion(
    incident: Incident, agency: Shut, basis: Basis, person: Person = None, account: As = None, json: Json = False
) -> None:
    """Let them in again, once another person has proposed it with --lift."""
    _say(account, "exclusion.ended", _whom(agency, person, basis), json, None, incident)
