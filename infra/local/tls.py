"""The certificate that agencies meet on a local stack, from an authority of its own."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from infra.local.secret_files import write_secret

NAMES = ("localhost", "127.0.0.1", "::1")
RENEW_BEFORE = timedelta(days=30)


def server_certificate(folder: Path) -> Path:
    """The file with key and chain for `NAMES`; `authority.pem` beside it is what clients are given to trust.

    Made on first asking, and again, from a new authority, within a month of its end.
    """
    key_store = folder / "server.pem"
    if not key_store.exists() or _ends_soon(key_store):
        authority = trustme.CA(organization_name="Safeguarding Exchange, local stack")
        issued = authority.issue_cert(*NAMES)
        # Kafka reads PKCS #8 alone.
        key = load_pem_private_key(issued.private_key_pem.bytes(), password=None)
        unencrypted = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_secret(key_store, unencrypted + b"".join(part.bytes() for part in issued.cert_chain_pems))
        write_secret(folder / "authority.pem", authority.cert_pem.bytes())
    return key_store


def _ends_soon(key_store: Path) -> bool:
    certificate = x509.load_pem_x509_certificates(key_store.read_bytes())[0]
    return certificate.not_valid_after_utc < datetime.now(UTC) + RENEW_BEFORE
