"""Signing in and out."""

from pathlib import Path
from typing import Annotated

import typer

from safeguarding_exchange import shown
from safeguarding_exchange.options import As, Json
from safeguarding_exchange.sessions import Sessions
from safeguarding_exchange.signing_in import sign_in

who = typer.Typer()
GATEWAY = "http://127.0.0.1:8080"
ISSUER = "http://127.0.0.1:8090"


@who.command("sign-in")
def signing_in(
    account: Annotated[str, typer.Option("--as", help="The account, such as authority-notifier.")],
    gateway: Annotated[str, typer.Option(envvar="SX_GATEWAY", help="The gateway's address.")] = GATEWAY,
    issuer: Annotated[str, typer.Option(envvar="SX_ISSUER", help="The sign-in provider's address.")] = ISSUER,
    password_file: Annotated[
        Path | None, typer.Option(exists=True, help="Send the provider's form with the password in this file.")
    ] = None,
    local: Annotated[
        Path | None, typer.Option(help="The state folder of an embedded stack, such as .state/run: no browser.")
    ] = None,
) -> None:
    """Sign in, in a browser or at a local stack.

    Through a browser, unless a password file or a local stack is named.
    """
    if local and not password_file:
        passwords = local / "issuer" / "identities" / "passwords"
        password_file = passwords / account
        if not passwords.is_dir():
            raise typer.BadParameter(f"{local} is not the folder of an embedded stack: start one with make run")
        if not password_file.is_file():
            known = ", ".join(sorted(one.name for one in passwords.iterdir() if one.suffix == ""))
            raise typer.BadParameter(f"there is no account {account}; there are {known}")
    password = password_file.read_text().strip() if password_file else None
    session = sign_in(account, gateway, issuer, password)
    Sessions().keep(session)
    roles = session.claims.get("roles", [])
    named = ", ".join(map(str, roles)) if isinstance(roles, list) else ""
    shown.console.print(f"Signed in as {account} of {session.agency}" + (f" ({named})" if named else ""))


@who.command("sign-out")
def signing_out(account: As = None) -> None:
    """Forget this account on this machine."""
    sessions = Sessions()
    session = sessions.get(account)
    sessions.forget(session.account)
    shown.console.print(f"Signed out {session.account}")


@who.command("whoami")
def whoami(account: As = None, json: Json = False) -> None:
    """Who is signed in, as what, and where."""
    session = Sessions().get(account)
    claims = session.claims
    told = {
        "account": session.account,
        "agency": session.agency,
        "roles": claims.get("roles", []),
        "partnerships": claims.get("partnerships", []),
        "gateway": session.gateway,
    }
    if json:
        shown.as_json(told)
    else:
        shown.pairs("Signed in", told)
