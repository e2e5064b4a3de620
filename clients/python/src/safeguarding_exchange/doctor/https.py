"""The clock, signing in at the provider, and what the gateway lets this agency do."""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx

from safeguarding_exchange.connection import Connection
from safeguarding_exchange.doctor.findings import Finding, fault, note, unseen, well
from safeguarding_exchange.failures import CredentialsRefused, Refused, Unreachable
from safeguarding_exchange.gateway import Gateway

MAY_DIFFER = 5.0
"""Seconds that a clock may be off before a signed statement is refused."""

SILENT_AFTER = timedelta(minutes=30)
"""Behind the last standing test (one comes every quarter of an hour): from then on the exchange rings."""


def clock(connection: Connection, http: httpx.Client, now: Callable[[], float]) -> Finding:
    """Whether this machine's clock agrees with the provider's."""
    before = now()
    answer = http.get(f"{connection.issuer}/.well-known/openid-configuration")
    middle = (before + now()) / 2
    told = answer.headers.get("date")
    if told is None:
        return unseen("clock", "the provider does not tell the time")
    differs = middle - (parsedate_to_datetime(told).timestamp() + 0.5)
    if abs(differs) > MAY_DIFFER:
        which = "ahead of" if differs > 0 else "behind"
        remedy = "Set it, and keep it by a time service (NTP): signed statements are refused until then."
        return fault("clock", f"this machine's clock is {abs(differs):.0f} s {which} the provider's", remedy)
    return well("clock", f"agrees with the provider's (to {max(1.0, abs(differs)):.0f} s)")


def provider(connection: Connection, http: httpx.Client) -> Finding:
    """Whether what answers is the sign-in provider, and calls itself so."""
    remedy = "Correct `issuer` in the connection file: it is the provider's own address, without a path behind it."
    try:
        offered = http.get(f"{connection.issuer}/.well-known/openid-configuration").raise_for_status().json()
        named = str(offered["issuer"])
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return fault("sign-in provider", f"{connection.issuer} is no sign-in provider", remedy)
    if named.rstrip("/") != connection.issuer:
        return fault("sign-in provider", f"it calls itself {named}, and issuer is {connection.issuer}", remedy)
    return well("sign-in provider", f"{named}")


def signed_in(connection: Connection, gateway: Gateway) -> Finding:
    """Whether the provider gives this agency a token for its key."""
    try:
        gateway.tokens.get()
    except CredentialsRefused as refused:
        return _refused(connection, refused)
    except Unreachable as failure:
        return fault("signing in", str(failure), "Try again; if it stays so, tell the exchange's operators.")
    return well("signing in", f"a token for {connection.agency}, by its key")


def _refused(connection: Connection, refused: CredentialsRefused) -> Finding:
    told = refused.description.lower()
    if "does not exist" in told:
        remedy = "Correct `agency` in the connection file; if it is right, ask the exchange to register your key."
        return fault("signing in", f"the provider knows no agency {connection.agency}", remedy)
    if "signature" in told or "signed with" in told:
        remedy = "Name the key whose public half you sent to the exchange, in keyFile; or ask for a new one."
        return fault("signing in", f"{connection.key_file} is not the key of {connection.agency}", remedy)
    if "no key" in told:
        remedy = "Ask the exchange whether this agency's credentials were revoked, and for new ones."
        return fault("signing in", f"the provider holds no key of {connection.agency} (any more)", remedy)
    if any(word in told for word in ("expired", "iat", "exp", "five minutes", "not valid yet")):
        return fault("signing in", "the signed statement is out of time", "Set this machine's clock (NTP).")
    remedy = "Ask the exchange whether this agency's credentials were revoked, and for new ones."
    return fault("signing in", f"the statement was refused: {refused.description or refused.error}", remedy)


def rights(connection: Connection, gateway: Gateway) -> Finding:
    """Whether the agency is a member of the partnership, under an agreement that lets it propose anything."""
    what, remedy = "sharing agreement", "Ask your partnership's administrator for an agreement that names some."
    try:
        told = gateway.get("/v1/event-types")["items"]
    except Refused as refused:
        said = f"the gateway does not know {connection.agency} ({refused.status}: {refused})"
        return fault(what, said, "Ask your partnership's administrator to have the agency listed.")
    except (Unreachable, CredentialsRefused) as failure:
        return fault("gateway", str(failure), "Correct `gateway` in the connection file, or try again shortly.")
    member_of = _partnerships(gateway)
    if connection.partnership not in member_of:
        said = f"{connection.agency} is no member of {connection.partnership}, but of {', '.join(member_of) or 'none'}"
        return fault(what, said, "Correct `partnership` in the connection file, or ask its administrator to join.")
    may, reads = (sum(1 for one in told if one.get(right)) for right in ("mayPropose", "mayRead"))
    if not may:
        return fault(what, f"{connection.agency} may propose nothing; types that it may read: {reads}", remedy)
    return well(what, f"types that {connection.agency} may propose: {may}, read: {reads}")


def _partnerships(gateway: Gateway) -> list[str]:
    """Those that the token is good for; it is read for convenience only, the gateway checks it."""
    part = gateway.tokens.get().split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return sorted(map(str, claims.get("partnerships", ())))


def sample(gateway: Gateway, file: Path | None) -> Iterator[Finding]:
    """Whether the gateway would take a message; nothing is taken."""
    what = "sample message"
    if file is None:
        yield unseen(what, "none was given (--sample FILE)")
        return
    try:
        event = json.loads(file.read_text())
    except (OSError, ValueError) as failure:
        yield fault(what, f"{file} is not JSON in UTF-8 ({failure})", "Send one JSON object.")
        return
    try:
        told = gateway.post("/v1/events/check", event, headers={"content-type": "application/cloudevents+json"})
    except (Refused, Unreachable, CredentialsRefused) as failure:
        yield fault(what, f"it could not be checked: {failure}", "Try again shortly.")
        return
    for each in told["faults"]:
        allowed = "; ".join(each.get("allowed") or ())
        remedy = f"{each['detail']}" + (f" Allowed: {allowed}" if allowed else "")
        yield fault(what, f"{each['pointer'] or '/'} ({each['rule']})", remedy)
    if not told["faults"]:
        yield well(what, f"{event.get('type')} would be taken")


def feed(connection: Connection, gateway: Gateway) -> Finding:
    """How far behind the agency is with its feed, and whether the standing test comes."""
    try:
        told: dict[str, Any] = gateway.get("/v1/feed/state")
    except (Refused, Unreachable, CredentialsRefused) as failure:
        remedy = "Ask the exchange whether a feed was set up for this agency."
        return fault("feed", f"there is no feed for {connection.agency} to read ({failure})", remedy)
    return standing(told)


def standing(told: Mapping[str, Any]) -> Finding:
    """What the state of a feed says of whoever should read it; both of its times are the exchange's own."""
    last, lag, seen = int(told.get("last", 0)), int(told.get("lag", 0)), told.get("lastSeenAt")
    if lag and not seen:
        return note("feed", f"none of the {last} in it was ever read", "docs/partner-guide.md shows how to read.")
    test = told.get("lastTest")
    if lag and test and datetime.fromisoformat(test["at"]) - datetime.fromisoformat(str(seen)) > SILENT_AFTER:
        said = f"nothing was read since {seen}, waiting: {lag} of {last}, the standing tests among them"
        return fault(
            "feed", said, "Start your subscriber again, and look why it stopped: the exchange calls you silent."
        )
    if lag:
        return note("feed", f"waiting: {lag} of {last}, last read {seen}", "See that your subscriber runs.")
    return well("feed", f"everything was read, {last} of {last}" if last else "nothing stands in it yet")
