"""Runs the issuer: `python -m infra.issuer`."""

import os
import sys
from pathlib import Path

from infra.issuer.app import issuer_app
from infra.issuer.grants import add_grants
from infra.issuer.identities import BadIdentities, ensure_identities, read_identities
from infra.issuer.server import Issuer
from infra.issuer.signing import SigningKeys
from shared.http import serve
from shared.settings import BadSettings, settings_from
from shared.telemetry import start_telemetry


def main() -> int:
    """Serves until told to stop."""
    environ = {"SX_SERVICE": "issuer"} | dict(os.environ)
    try:
        settings = settings_from(environ, need=("http_port", "issuer", "state_dir", "identities_file"))
        identities = read_identities(Path(settings.identities_file))
        installed = ensure_identities(Path(settings.identities_file), Path(settings.state_dir))
    except (BadSettings, BadIdentities) as bad:
        print(bad, file=sys.stderr)
        return 2
    if settings.mode == "production":
        print("This issuer is for local use; in production point SX_ISSUER at your own.", file=sys.stderr)
        return 2
    # Authlib takes plain http from the loopback only; between containers on one machine the name is another.
    os.environ.setdefault("AUTHLIB_INSECURE_TRANSPORT", "1")
    start_telemetry("issuer", mode=settings.mode, state_dir=settings.state_dir, otlp_endpoint=settings.otlp_endpoint)
    keys = SigningKeys(Path(settings.state_dir) / "issuer" / "signing-keys.json")
    serve(issuer_app(add_grants(Issuer(settings.issuer, identities, installed, keys))), settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
