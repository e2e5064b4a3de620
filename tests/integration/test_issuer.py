"""The issuer as its own process: the same flows that services, agencies and people use."""

import base64
import json
import secrets
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key

from shared.credentials import ASSERTION_TYPE, CredentialsRefused, ServiceCredentials, private_key
from shared.identity import InvalidToken, Verifier, audience_of, keys_of
from tests.issuers import RunningIssuer, running_issuer

GATEWAY = audience_of("gateway")
VAULT = audience_of("vault")


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIssuer]:
    with running_issuer(tmp_path_factory.mktemp("state")) as running:
        yield running
    assert '"POST /token"' in (running.state / "traces" / "issuer.jsonl").read_text()


def _key(issuer: RunningIssuer, client: str) -> Key:
    return private_key(issuer.installed.key_file(client))


def _assertion(issuer: RunningIssuer, client: str = "northshire-police", key: Key | None = None, **changes: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": client,
        "sub": client,
        "aud": f"{issuer.url}/token",
        "iat": now,
        "exp": now + 60,
        "jti": secrets.token_hex(8),
    }
    claims |= {name: value(now) if callable(value) else value for name, value in changes.items()}
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": "ES256"}, claims, key or _key(issuer, client), algorithms=["ES256"])


def _ask(issuer: RunningIssuer, assertion: str, **form: str) -> httpx.Response:
    return httpx.post(
        f"{issuer.url}/token",
        data={
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }
        | form,
    )


async def _verify(issuer: RunningIssuer, token: str, audience: str = GATEWAY) -> Any:
    async with httpx.AsyncClient() as http:
        return await Verifier(issuer.url, audience, keys_of(issuer.url, http)).verify(token)


async def test_an_agency_signs_in_with_its_own_key(issuer: RunningIssuer) -> None:
    answer = _ask(issuer, _assertion(issuer))

    assert answer.status_code == 200
    assert answer.json()["expires_in"] == 600
    assert answer.headers["cache-control"] == "no-store"
    caller = await _verify(issuer, answer.json()["access_token"])
    assert (caller.kind, caller.id, caller.agency) == ("agency", "northshire-police", "northshire-police")
    assert caller.partnerships == {"northshire"}


async def test_a_service_gets_a_token_for_the_one_it_calls_and_keeps_it(issuer: RunningIssuer) -> None:
    async with httpx.AsyncClient() as http:
        credentials = ServiceCredentials(issuer.url, "gateway", _key(issuer, "gateway"), http)
        token = await credentials.token(VAULT)

        assert await credentials.token(VAULT) == token
        assert await credentials.token(audience_of("notifications")) != token

    caller = await _verify(issuer, token, VAULT)
    assert (caller.kind, caller.id, caller.roles) == ("service", "gateway", {"gateway"})
    with pytest.raises(InvalidToken):
        await _verify(issuer, token, GATEWAY)


async def test_a_service_with_the_wrong_key_is_told_so(issuer: RunningIssuer) -> None:
    async with httpx.AsyncClient() as http:
        credentials = ServiceCredentials(issuer.url, "gateway", _key(issuer, "vault"), http)

        with pytest.raises(CredentialsRefused):
            await credentials.token(VAULT)


def test_nobody_gets_a_token_for_a_service_they_may_not_call(issuer: RunningIssuer) -> None:
    answer = _ask(issuer, _assertion(issuer), resource=VAULT)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")


def test_an_assertion_is_good_once(issuer: RunningIssuer) -> None:
    assertion = _assertion(issuer)

    assert _ask(issuer, assertion).status_code == 200
    again = _ask(issuer, assertion)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_client")


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": lambda now: now + 3600},
        {"exp": lambda now: now - 60},
        {"exp": None},
        {"iat": None},
        {"iat": lambda now: now - 3600},
        {"nbf": lambda now: now + 300},
        {"aud": "https://elsewhere.example/token"},
        {"aud": None},
        {"jti": None},
        {"jti": 7},
        {"iss": "northshire-icb"},
        {"sub": "northshire-icb"},
        {"sub": "nobody"},
        {"sub": None},
        {"sub": "sx"},
    ],
    ids="-".join,
)
def test_an_assertion_does_not_hold_with(changes: dict[str, Any], issuer: RunningIssuer) -> None:
    answer = _ask(issuer, _assertion(issuer, **changes))

    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_client"


def test_another_key_or_no_signature_does_not_hold(issuer: RunningIssuer) -> None:
    stranger = _ask(issuer, _assertion(issuer, key=ECKey.generate_key("P-256")))
    _, claims, _ = _assertion(issuer).split(".")
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).rstrip(b"=").decode()
    unsigned = _ask(issuer, f"{header}.{claims}.")
    nonsense = _ask(issuer, "nonsense")

    assert [each.status_code for each in (stranger, unsigned, nonsense)] == [400, 400, 400]


def test_no_credentials_and_no_such_grant_are_refused(issuer: RunningIssuer) -> None:
    nothing = httpx.post(f"{issuer.url}/token", data={"grant_type": "client_credentials"})
    public = httpx.post(f"{issuer.url}/token", data={"grant_type": "client_credentials", "client_id": "sx"})
    password = httpx.post(f"{issuer.url}/token", data={"grant_type": "password", "client_id": "sx"})

    assert nothing.json()["error"] == "invalid_client"
    assert public.json()["error"] == "invalid_client"
    assert password.json()["error"] == "unsupported_grant_type"


def test_the_discovery_document_names_what_there_is(issuer: RunningIssuer) -> None:
    told = httpx.get(f"{issuer.url}/.well-known/openid-configuration").json()

    assert told["issuer"] == issuer.url
    assert told["code_challenge_methods_supported"] == ["S256"]
    keys = httpx.get(told["jwks_uri"]).json()["keys"]
    assert all("d" not in key and key["alg"] == "ES256" for key in keys)
