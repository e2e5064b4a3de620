"""What each agency's own system is told: one connection file an agency, as `clients/python` reads it. No secrets."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from infra.issuer.identities import AgencyIdentity, Installed
from infra.kafka.declared import agency_user


def write_connections(
    folder: Path,
    agencies: Iterable[AgencyIdentity],
    installed: Installed,
    *,
    gateway: str,
    issuer: str,
    bootstrap: str,
    secrets: Path,
    authority: Path,
) -> None:
    """Write `<agency>.json` for each; file names in it are taken from where it lies."""
    folder.mkdir(exist_ok=True)
    for agency in agencies:
        told = {
            "agency": agency.id,
            "partnership": agency.partnerships[0],
            "gateway": gateway,
            "issuer": issuer,
            "keyFile": os.path.relpath(installed.key_file(agency.id), folder),
            "kafka": {
                "bootstrap": bootstrap,
                "passwordFile": os.path.relpath(secrets / f"kafka-{agency_user(agency.id)}", folder),
                "authorityFile": os.path.relpath(authority, folder),
            },
        }
        (folder / f"{agency.id}.json").write_text(json.dumps(told, indent=2) + "\n")
