"""A caller whose token or assertion does not hold: told so with the remedy, taken nothing from, and written down."""

import base64
import hashlib
import hmac
import logging
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from nacl.public import PrivateKey

from shared.credentials import ASSERTION_TYPE, assertion, private_key
from shared.logs import Lines
from tests.faults.gateway.door import AUDIENCE, KEY, Caller, Doorway, doorway, token
from tests.faults.gateway.ground import gateway_database, ground, referral
from tests.issuers import RunningIssuer, running_issuer
from tests.stacks import Stack

STRANGER = ECKey.generate_key("P-256", {"kid": "test"})


@pytest.fixture(scope="module")
async def at(stack: Stack) -> AsyncIterator[Doorway]:
    service = await gateway_database(stack, "hostile_tokens")
    async with ground(service, PrivateKey.generate()) as opened, doorway(opened) as door:
        yield door


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIssuer]:
    with running_issuer(tmp_path_factory.mktemp("state")) as running:
        yield running


def part(content: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(content)).rstrip(b"=").decode()


def unsigned(algorithm: str) -> str:
    return f"{part({'alg': algorithm, 'typ': 'at+jwt', 'kid': 'test'})}.{token().split('.')[1]}."


def signed_with_the_public_key() -> str:
    signed = f"{part({'alg': 'HS256', 'typ': 'at+jwt', 'kid': 'test'})}.{token().split('.')[1]}"
    signature = hmac.new(KEY.as_pem(private=False), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def signed_by(key: ECKey, typ: str = "at+jwt", kid: str = "test") -> str:
    claims = orjson.loads(base64.urlsafe_b64decode(token().split(".")[1] + "=="))
    return jwt.encode({"alg": "ES256", "kid": kid, "typ": typ}, claims, key)


def bad() -> dict[str, tuple[str, str]]:
    """Each token, and the reason that caller and log are given."""
    return {
        "expired": (token(exp=int(time.time()) - 1), "expired token"),
        "for another service": (token(aud="urn:safeguarding-exchange:service:vault"), "invalid claim aud"),
        "for this and another's": (token(aud=[f"{AUDIENCE}x", "elsewhere"]), "invalid claim aud"),
        "of another issuer": (token(iss="https://elsewhere.example"), "invalid claim iss"),
        "signed with another key under a known id": (signed_by(STRANGER), "bad signature"),
        "signed with a key that nobody knows": (signed_by(STRANGER, kid="mine"), "a key that the issuer does not have"),
        "alg none": (unsigned("none"), "signature algorithm is not accepted"),
        "alg nOnE": (unsigned("nOnE"), "signature algorithm is not accepted"),
        "a secret made of the public key": (signed_with_the_public_key(), "signature algorithm is not accepted"),
        "an id token": (signed_by(KEY, typ="JWT"), "not an access token"),
        "of an agency that says it is another": (token(sub="northshire-icb"), "does not say who is calling"),
        "that begins later": (token(nbf=int(time.time()) + 600), "invalid claim nbf"),
        "nonsense": ("x.y.z", "malformed"),
    }


@pytest.mark.parametrize("name", list(bad()))
async def test_a_token_that_does_not_hold_opens_nothing(
    at: Doorway, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    caplog.set_level(logging.INFO)
    shown, why = bad()[name]
    value = referral()

    answer = await Caller(at.http, shown).send(value)

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert why in answer.json()["detail"]
    assert "Ask for a new one" in answer.json()["detail"]
    assert shown not in answer.text
    (line,) = lines(caplog)
    assert "route=/v1/events status=401" in line
    assert "not-signed-in" in line
    assert why in line
    assert "caller=-" in line, "whom it names is not believed"
    assert shown not in line
    assert shown.rpartition(".")[0] not in line
    assert await at.ground.rows(f"select * from submission where event_id = '{value['id']}'") == []


async def test_the_same_event_with_a_token_that_holds_is_taken(at: Doorway) -> None:
    assert (await at.as_().send(referral())).status_code == 202, "so the refusals above are the tokens'"


def ask(issuer: RunningIssuer, said: str, **form: str) -> httpx.Response:
    told = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "client_assertion": said}
    return httpx.post(f"{issuer.url}/token", data=told | form, timeout=10)


def test_an_assertion_used_twice_gives_no_second_token_and_is_written_down(issuer: RunningIssuer) -> None:
    key = private_key(issuer.installed.key_file("northshire-police"))
    said = assertion("northshire-police", f"{issuer.url}/token", key, now=time.time())
    assert ask(issuer, said).status_code == 200
    before = issuer.log.count("route=/token status=400")

    again = ask(issuer, said)

    assert (again.status_code, again.json()["error"]) == (400, "invalid_client")
    assert "access_token" not in again.text
    assert "used before" in again.json()["error_description"]
    _until(lambda: issuer.log.count("route=/token status=400") == before + 1)
    assert said not in issuer.log
    assert said.rpartition(".")[0] not in issuer.log


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256"])
def test_an_assertion_without_a_signature_of_its_owners_is_refused(issuer: RunningIssuer, algorithm: str) -> None:
    key = private_key(issuer.installed.key_file("northshire-police"))
    _, claims, _ = assertion("northshire-police", f"{issuer.url}/token", key, now=time.time()).split(".")
    signed = f"{part({'alg': algorithm})}.{claims}"
    assert isinstance(key, ECKey)
    secret = key.as_pem(private=False)
    signature = base64.urlsafe_b64encode(hmac.new(secret, signed.encode(), hashlib.sha256).digest()).rstrip(b"=")

    for said in (f"{signed}.", f"{signed}.{signature.decode()}"):
        answer = ask(issuer, said)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")


def _until(holds: Any) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end, "it was never written down"
        time.sleep(0.05)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the access log says, as it is written."""
    return [Lines("gateway").format(record) for record in caplog.records if record.name == "http"]
