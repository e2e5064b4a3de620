"""`sx bootstrap`: an installation with nobody in it gets its first partnership, authority, and two people to agree."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from safeguarding_exchange import shown

bootstrapping = typer.Typer()

SERVICES = {
    "gateway": ("vault", "notifications", "delivery", "rapid-review"),
    "vault": ("gateway", "notifications", "delivery", "rapid-review"),
    "notifications": ("vault", "gateway"),
    "delivery": ("vault",),
    "rapid-review": ("vault", "gateway"),
}
"""The embedded stack's own services, and whom each may call: its sign-in provider must know them."""


@bootstrapping.command("bootstrap")
def bootstrap(
    partnership: Annotated[str, typer.Option(help="Its id, such as westshire.")],
    name: Annotated[str, typer.Option(help="Its name.")],
    area: Annotated[list[str], typer.Option(help="An area's ONS code; may be given several times.")],
    authority: Annotated[str, typer.Option(help="The id of the local authority that holds the duty there.")],
    authority_name: Annotated[str, typer.Option(help="Its name.")],
    review_on: Annotated[str, typer.Option(help="When its sharing agreement is looked at again, such as 2027-04-01.")],
    folder: Annotated[Path, typer.Option(help="Where the two files are written.")] = Path(),
    write: Annotated[
        bool, typer.Option("--write", help="Write the facts too, into the database of SX_DATABASE_URL.")
    ] = False,
) -> None:
    """Begin an empty installation: a partnership, its areas, its authority, an administrator and somebody to approve.

    It writes agencies.toml (what the gateway's bootstrap turns into facts) and identities.toml (accounts of offices for
    the embedded sign-in provider; with another provider make the same accounts there). There are no demo people in it.
    """
    agencies, identities = folder / "agencies.toml", folder / "identities.toml"
    for file in (agencies, identities):
        if file.exists():
            raise ValueError(f"{file} is there already: nothing was written")
    agencies.write_text(agencies_file(partnership, name, area, authority, authority_name, review_on), encoding="utf-8")
    identities.write_text(identities_file(partnership, authority, authority_name), encoding="utf-8")
    shown.console.print(f"written: {agencies} and {identities}")
    if write:
        raise typer.Exit(_write(agencies))
    shown.console.print(
        "Next, on a machine that runs it all:\n"
        f'  make run ARGS="--agencies {agencies.resolve()} --identities {identities.resolve()}"\n'
        "or, where the gateway has its own database (SX_DATABASE_URL, as the gateway has it):\n"
        f"  python -m services.gateway.bootstrap {agencies}\n"
        f"Then: sx sign-in --as {partnership}-administrator (after make run with --local .state/run), and "
        "sx agencies --help",
        soft_wrap=True,
        markup=False,
    )


def _write(file: Path) -> int:
    if not os.environ.get("SX_DATABASE_URL"):
        raise ValueError("SX_DATABASE_URL is not set: give the gateway's own way into its database")
    return subprocess.run([sys.executable, "-m", "services.gateway.bootstrap", str(file)], check=False).returncode  # noqa: S603


def agencies_file(
    partnership: str, name: str, areas: Iterable[str], authority: str, authority_name: str, review_on: str
) -> str:
    """The first facts of the directory, in the form that the gateway's bootstrap reads."""
    served = list(areas)
    return "\n".join(
        [
            "# The first facts of the directory. From here on its people change it: sx agencies, sx agreements.",
            _table("partnership", id=partnership, name=name, areas=served),
            _table(
                "agency",
                id=authority,
                name=authority_name,
                type="local_authority",
                areas=served,
                partnerships=[partnership],
            ),
            _table(
                "agreement",
                agency=authority,
                partnership=partnership,
                version=1,
                legal_basis="Children Act 2004 section 16C: the duty to notify",
                incidents=["own", "participant", "area"],
                may_propose="ceiling",  # what its kind may, by the catalogue; of others their people decide
                may_read="ceiling",
            )
            + f"review_on = {review_on}\n",
        ]
    )


def identities_file(partnership: str, authority: str, authority_name: str) -> str:
    """Accounts of offices: an administrator to propose, a business unit to approve, two to decide and notify."""
    people = (
        (f"{partnership}-administrator", "administrator", "administers agencies and agreements; sees no case"),
        (f"{partnership}-business-unit", "business_unit", "business unit; approves agreements"),
        (f"{authority}-approver", "approver", "decides on referrals and approves notifications"),
        (f"{authority}-notifier", "notifier", "drafts and submits notifications"),
        (f"{partnership}-operator", "operator", "runs the exchange; sees no case"),
    )
    everywhere = ["gateway", *(name for name in SERVICES if name != "gateway")]
    tables = [
        "# Who may sign in at the embedded provider: offices and systems, never people's names.",
        _table(
            "application",
            id="sx",
            name="The sx command",
            redirects=["http://127.0.0.1/callback", "http://[::1]/callback"],
        ),
        *(_table("service", id=name, roles=[name], may_call=list(calls)) for name, calls in SERVICES.items()),
        _table("agency", id=authority, partnerships=[partnership]),
    ]
    for account, role, title in people:
        more: dict[str, Any] = {"may_call": everywhere} if role == "operator" else {}
        tables.append(
            _table(
                "person",
                id=account,
                title=f"{authority_name}: {title}",
                agency=authority,
                roles=[role],
                partnerships=[partnership],
                **more,
            )
        )
    return "\n".join(tables)


def _table(kind: str, **values: Any) -> str:
    """A TOML table of strings, numbers and lists of strings; JSON writes these as TOML does."""
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
    return "\n".join([f"[[{kind}]]", *lines]) + "\n"
