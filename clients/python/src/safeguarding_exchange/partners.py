"""For an agency's developer: what other programs are told, from the connection file."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from safeguarding_exchange.connection import Connection

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
