"""Names, ports and certificates."""

import socket
import ssl
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import urlsplit

from safeguarding_exchange.doctor.findings import Finding, fault, note, well

SECONDS = 5.0
RENEW_DAYS = 14
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def http_address(url: str) -> tuple[str, int, bool]:
    """Host, port, and whether it is behind TLS."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80), parts.scheme == "https"


def reached(what: str, host: str, port: int) -> Finding:
    """Whether the name is known and the port answers."""
    try:
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        remedy = "Correct the address in the connection file, or have your network resolve this name."
        return fault(what, f"the name {host} is not known (DNS)", remedy)
    try:
        with socket.create_connection((host, port), SECONDS):
            return well(what, f"{host}:{port} answers")
    except TimeoutError:
        remedy = f"Have your firewall let this machine out to port {port}, or correct the address."
        return fault(what, f"{host}:{port} does not answer within {SECONDS:.0f} s", remedy)
    except OSError as failure:
        remedy = "Correct host and port in the connection file; if they are right, the exchange is down: ask there."
        return fault(what, f"{host}:{port} refuses the connection ({failure.strerror or failure})", remedy)


def certificate(what: str, host: str, port: int, authority: Path | None) -> Iterator[Finding]:
    """Whether the certificate is trusted, is for this name, and still holds."""
    try:
        context = ssl.create_default_context(cafile=str(authority) if authority else None)
    except (OSError, ssl.SSLError):
        remedy = "Name the PEM file that you were given, in authorityFile."
        yield fault(what, f"{authority} cannot be read as certificates", remedy)
        return
    try:
        with (
            socket.create_connection((host, port), SECONDS) as line,
            context.wrap_socket(line, server_hostname=host) as secured,
        ):
            shown = secured.getpeercert() or {}
            spoken = secured.version()
    except ssl.SSLCertVerificationError as failure:
        yield _distrusted(what, host, authority, failure)
        return
    except (ssl.SSLError, OSError) as failure:
        remedy = "See that the port is the one for agencies (TLS), and that no proxy stands between."
        yield fault(what, f"{host}:{port} does not speak TLS ({type(failure).__name__})", remedy)
        return
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), timezone.utc)
    if (ends - datetime.now(timezone.utc)).days < RENEW_DAYS:
        yield note(what, f"the certificate ends on {ends:%Y-%m-%d}", "Tell the exchange's operators to renew it.")
    else:
        yield well(what, f"{spoken}, for {host}, until {ends:%Y-%m-%d}")


def _distrusted(what: str, host: str, authority: Path | None, failure: ssl.SSLCertVerificationError) -> Finding:
    if failure.verify_code == 10:
        remedy = "Tell the exchange's operators; if it is your machine's clock that is wrong, set it."
        return fault(what, "the certificate has expired", remedy)
    if failure.verify_code == 9:
        return fault(what, "the certificate does not hold yet", "Set this machine's clock.")
    if failure.verify_code in (62, 64):
        remedy = "Use the name that you were given for it, not another name or number of the same machine."
        return fault(what, f"the certificate is not for the name {host}", remedy)
    trusted = f"the authority in {authority}" if authority else "an authority that this machine trusts"
    remedy = "Put the authority's certificate that you were given into the file that authorityFile names."
    return fault(what, f"the certificate was not issued by {trusted}", remedy)
