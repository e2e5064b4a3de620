"""An agency's credentials: issue, rotate with an overlap, revoke, list, and prove by trying.

Kafka users, and keys at the sign-in provider; both unless --kafka or --https is given alone. A new secret is printed
once and kept nowhere, or written with --to into a file that only its owner may read.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from joserfc.jwk import ECKey
from kafka.errors import KafkaError

from infra.credentials.https import for_another_issuer
from infra.credentials.places import Places, add_places, places
from infra.credentials.told import NotNow, Told
from infra.issuer.identities import BadIdentities
from infra.issuer.registered import BadKey, public_key
from infra.kafka.provision import ProvisioningFailed
from infra.kafka.shut_out import NotInForce
from infra.local.secret_files import write_secret
from shared.credentials import private_key

WHATS = {
    "issue": "first credentials, or new ones for an agency that was shut out",
    "rotate": "second ones beside the first; both work",
    "revoke": "take away: all, or with --old all but the newest",
    "list": "which there are",
    "prove": "try them",
}


def main() -> int:
    """0: done, and everything tried came out as it should. 1: something did not. 2: not as asked."""
    told = _arguments()
    wrong = False
    try:
        at = places(told)
        for one in _each(told, at):
            _say(one, told.to)
            wrong = wrong or not one.holds
    except (NotNow, BadKey, BadIdentities, KeyError) as refused:
        reason = f"set {refused.args[0]}" if isinstance(refused, KeyError) else refused
        print(f"Not done: {reason}", file=sys.stderr)
        return 2
    except (KafkaError, ProvisioningFailed, NotInForce, OSError) as failure:
        print(f"Not done, or not wholly; run it again: {failure}", file=sys.stderr)
        return 1
    if wrong:
        print("Something came out as it should not: look at the lines that say WRONG.", file=sys.stderr)
    return 1 if wrong else 0


def _each(told: argparse.Namespace, at: Places) -> Iterator[Told]:
    both = told.kafka == told.https
    # To take away, the way that can be closed at once goes first.
    if told.kafka or both:
        with at.kafka() as credentials:
            match told.what:
                case "issue":
                    yield credentials.issue(told.agency)
                case "rotate":
                    yield credentials.rotate(told.agency)
                case "revoke":
                    password = _text(told.password_file)
                    yield credentials.revoke(told.agency, old=told.old, password_of_new=password)
                case "list":
                    yield credentials.listed(told.agency)
                case "prove":
                    yield credentials.prove(told.agency, _text(told.password_file))
    if told.https or both:
        yield _https(told, at)


def _https(told: argparse.Namespace, at: Places) -> Told:
    public = public_key(told.public_key.read_bytes()) if told.public_key else None
    credentials = at.https()
    if credentials is None:
        return for_another_issuer(told.what, told.agency, public, old=told.old)
    match told.what:
        case "issue":
            return credentials.issue(told.agency, public, told.partnership)
        case "rotate":
            return credentials.rotate(told.agency, public)
        case "revoke":
            return credentials.revoke(told.agency, old=told.old, keys_here=_keys(told.key_file))
        case "prove":
            return credentials.prove(told.agency, _keys(told.key_file))
    return credentials.listed(told.agency)


def _say(told: Told, to: Path | None) -> None:
    for line in told.lines:
        print(line)
    for tried in told.tried:
        print(tried)
    for name, secret in told.secrets.items():
        if to is None:
            print(f"Shown once, and kept nowhere; give it to the agency by a way of its own ({name}):\n{secret}")
        else:
            write_secret(to / name, secret)
            print(f"Written, for its owner's eyes alone: {to / name}")


def _text(file: Path | None) -> str | None:
    return file.read_text().strip() if file else None


def _keys(files: list[Path]) -> list[ECKey]:
    keys = {file: private_key(file) for file in files}
    if other := [file.name for file, key in keys.items() if not isinstance(key, ECKey)]:
        raise BadKey(f"{', '.join(other)} holds no elliptic-curve key, so it was never registered")
    return [key for key in keys.values() if isinstance(key, ECKey)]


def _arguments() -> argparse.Namespace:
    asked = argparse.ArgumentParser(
        prog="python -m infra.credentials", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument("what", choices=list(WHATS), help="; ".join(f"{name}: {does}" for name, does in WHATS.items()))
    asked.add_argument("agency", help="the agency's id")
    asked.add_argument("--kafka", action="store_true", help="its Kafka users alone")
    asked.add_argument("--https", action="store_true", help="its keys at the sign-in provider alone")
    asked.add_argument("--old", action="store_true", help="with revoke: keep the newest")
    asked.add_argument("--to", type=Path, metavar="FOLDER", help="write new secrets there and do not print them")
    asked.add_argument(
        "--public-key", type=Path, metavar="FILE", help="the agency's own new public key (PEM or JWK); made if missing"
    )
    asked.add_argument(
        "--partnership", action="append", default=[], help="where an agency belongs that the issuer does not know yet"
    )
    asked.add_argument("--password-file", type=Path, metavar="FILE", help="the newest Kafka user's password, to try it")
    asked.add_argument(
        "--key-file", type=Path, action="append", default=[], metavar="FILE", help="a private key to try"
    )
    add_places(asked)
    return asked.parse_args()


if __name__ == "__main__":
    sys.exit(main())
