"""How a review stands, as far as an act has to know it: the newest version, and which request is meant."""

from typing import Annotated, Any

import typer

from safeguarding_exchange.exchange import Exchange

Request = Annotated[
    str | None, typer.Option("--request", help="The request's id, request-…; needed where there are several.")
]
For = Annotated[
    str | None, typer.Option("--for", help="The agency that you key this in for; by default your own. Business unit.")
]
Version = Annotated[int | None, typer.Option(help="By default the newest.")]


def standing(door: Exchange, incident: str) -> dict[str, Any]:
    """How an incident's reviews stand, for whoever is signed in. Raises Refused."""
    told: dict[str, Any] = door.get(f"/v1/reviews/{incident}")
    return told


def requests_of(told: dict[str, Any]) -> list[dict[str, Any]]:
    """The requests that are shown."""
    found: list[dict[str, Any]] = (told.get("review") or {}).get("requests", [])
    return found


def meant(door: Exchange, incident: str, agency: str | None, request: str | None) -> dict[str, Any]:
    """The request that is meant: the named one, else the only one to the agency. Raises a plain refusal."""
    who = agency or door.session.agency
    found = [one for one in requests_of(standing(door, incident)) if request in (None, one["request"])]
    if request is None:
        found = [one for one in found if one["agency"] == who]
        owing = [one for one in found if one["status"] in ("requested", "acknowledged", "queried")]
        found = owing or found
    if not found and request is None:
        told = f"{who} has not been asked in this review, as far as you may see"
        raise typer.BadParameter(f"{told}: `sx review show` lists who was; name another's request with --request")
    if len(found) != 1:
        several = ", ".join(f"{one['request']} ({one['agency']})" for one in found) or "none"
        raise typer.BadParameter(f"say which request with --request; to {who} there are: {several}")
    return found[0]


def newest_return(request: dict[str, Any], version: int | None) -> int:
    """The version of the answer that is meant. Raises a plain refusal where nothing was returned yet."""
    if version is not None:
        return version
    if not request.get("versions"):
        raise typer.BadParameter(f"{request['agency']} has returned nothing yet")
    return int(request["versions"][-1]["version"])


def newest_draft(told: dict[str, Any], version: int | None, part: str = "review") -> int:
    """The version of the report that is meant. Raises a plain refusal where there is none yet."""
    if version is not None:
        return version
    drafts = (told.get(part) or {}).get("versions") or [*filter(None, [(told.get(part) or {}).get("draft")])]
    if not drafts:
        raise typer.BadParameter("there is no draft of this report yet")
    return int(drafts[-1]["version"])
