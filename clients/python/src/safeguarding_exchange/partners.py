"""For an agency's developer: what is wrong with a connection, and what other programs are told of it."""

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from safeguarding_exchange import shown
from safeguarding_exchange.connection import Connection
from safeguarding_exchange.options import Json

partners = typer.Typer()
File = Annotated[Path, typer.Argument(help="The connection file.")]


@partners.command("environment")
def environment(file: File) -> None:
    """Print a connection as lines for a shell, for the examples in other stacks: eval "$(sx environment FILE)"."""
    connection = Connection.read(file)
    told: dict[str, object] = {
        "SX_AGENCY": connection.agency,
        "SX_GATEWAY": connection.gateway,
        "SX_ISSUER": connection.issuer,
        "SX_KEY_FILE": connection.key_file.resolve(),
    }
    if connection.kafka is not None:
        told |= {
            "SX_KAFKA": connection.kafka.bootstrap,
            "SX_KAFKA_USER": connection.kafka.user,
            "SX_KAFKA_PASSWORD_FILE": connection.kafka.password_file.resolve(),
        }
        if connection.kafka.authority_file is not None:
            told["SX_AUTHORITY_FILE"] = connection.kafka.authority_file.resolve()
    for name, value in told.items():
        print(f"export {name}={shlex.quote(str(value))}")


COLOURS = {"well": "green", "fault": "bold red", "note": "yellow", "not looked at": "dim"}


@partners.command("doctor")
def doctor(
    file: File,
    sample: Annotated[Path | None, typer.Option(help="An event to check as well; nothing is sent in.")] = None,
    json: Json = False,
) -> None:
    """Find what is wrong between this machine and the exchange.

    Looks at the connection file, the line, TLS, the clock, credentials, your sharing agreement, a sample message, your
    topics and your feed. Ends with 0 when all is well, with 1 when there is a fault.
    """
    from safeguarding_exchange.doctor.examination import examined  # late: it loads the Kafka client
    from safeguarding_exchange.doctor.findings import FAULT

    found = []
    for one in examined(file, sample=sample):
        found.append(one)
        if not json:
            colour = COLOURS[one.standing]
            shown.console.print(
                f"[{colour}]{one.standing:<13}[/{colour}] {escape(one.what)}: {escape(one.said)}", soft_wrap=True
            )
            if one.remedy:
                shown.console.print(f"{'':<13} -> {escape(one.remedy)}", soft_wrap=True)
    faults = [one for one in found if one.standing == FAULT]
    if json:
        shown.as_json({"well": not faults, "findings": [asdict(one) for one in found]})
    else:
        shown.console.print("all well" if not faults else f"[bold red]{len(faults)} to mend[/bold red]")
    if faults:
        raise typer.Exit(1)
