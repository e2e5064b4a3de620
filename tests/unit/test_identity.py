"""Whom a token stands for, and every way in which one does not hold."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from starlette.requests import Request

from shared.identity import Caller, InvalidToken, IssuerUnavailable, Verifier, keys_of, on_behalf_of
from shared.problems import Problem

ISSUER = "https://issuer.example"
AUDIENCE = "urn:safeguarding-exchange:service:gateway"
NOW = 1_800_000_000.0

ec = ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"})
rsa = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})
okp = OKPKey.generate_key("Ed25519", {"kid": "okp", "use": "sig"})


class Issuer:
    """Answers with its key set, counts how often it was asked, and can be away."""

    def __init__(self, *keys: Any) -> None:
        self.keys = list(keys)
        self.asked = 0
        self.away = False

    async def __call__(self) -> Mapping[str, Any]:
        self.asked += 1
        if self.away:
            raise IssuerUnavailable("away")
        return dict(KeySet(self.keys).as_dict(private=False))


class Time:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def _token(key: Any = ec, algorithm: str = "ES256", typ: str = "at+jwt", kid: str | None = "", **changes: Any) -> str:
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "northshire-police",
        "kind": "agency",
        "agency": "northshire-police",
        "partnerships": ["northshire"],
        "roles": [],
        "iat": int(NOW),
        "exp": int(NOW) + 600,
        "jti": "one",
    }
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    header = {"alg": algorithm, "typ": typ} | ({"kid": key.kid if kid == "" else kid} if kid is not None else {})
    return jwt.encode(header, claims, key, algorithms=[algorithm])


def _verifier(source: Issuer | None = None, time: Time | None = None) -> Verifier:
    return Verifier(ISSUER, AUDIENCE, source or Issuer(ec, rsa, okp), now=time or Time())


@pytest.mark.parametrize(("key", "algorithm"), [(ec, "ES256"), (rsa, "RS256"), (rsa, "PS256"), (okp, "EdDSA")])
async def test_a_token_that_holds_says_who_is_calling(key: Any, algorithm: str) -> None:
    caller = await _verifier().verify(_token(key, algorithm))

    assert caller == Caller(
        "agency", "northshire-police", "northshire-police", frozenset(), frozenset({"northshire"}), "one"
    )


async def test_a_person_has_an_agency_and_roles() -> None:
    caller = await _verifier().verify(
        _token(sub="authority-approver", kind="person", agency="northshire-council", roles=["approver"])
    )

    assert (caller.kind, caller.id, caller.agency) == ("person", "authority-approver", "northshire-council")
    assert caller.roles == {"approver"}


def _part(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def _unsigned(algorithm: str) -> str:
    _, claims, _ = _token().split(".")
    return f"{_part({'alg': algorithm, 'typ': 'at+jwt', 'kid': 'ec'})}.{claims}."


def _signed_with_the_public_key() -> str:
    # by hand, since the library will not make a secret of a public key
    _, claims, _ = _token().split(".")
    signed = f"{_part({'alg': 'HS256', 'typ': 'at+jwt', 'kid': 'ec'})}.{claims}"
    signature = hmac.new(ec.as_pem(private=False), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


stranger = ECKey.generate_key("P-256", {"kid": "ec"})

BAD = {
    "alg none": _unsigned("none"),
    "alg NONE": _unsigned("NONE"),
    "a secret made of the public key": _signed_with_the_public_key(),
    "another's key under a known id": _token(stranger),
    "another audience": _token(aud="urn:safeguarding-exchange:service:vault"),
    "no audience": _token(aud=None),
    "another issuer": _token(iss="https://elsewhere.example"),
    "no issuer": _token(iss=None),
    "expired": _token(exp=int(NOW)),
    "no end": _token(exp=None),
    "an end that never comes": _token(exp=1e400),
    "not yet": _token(nbf=int(NOW) + 60),
    "issued in the future": _token(iat=int(NOW) + 60),
    "no subject": _token(sub=None),
    "no id": _token(jti=None),
    "an id token": _token(typ="JWT"),
    "an unknown key": _token(kid="someone-elses"),
    "no key id": _token(kid=None),
    "a kind there is not": _token(kind="wizard"),
    "an agency that says it is another": _token(agency="northshire-icb"),
    "a person of no agency": _token(kind="person", agency=None),
    "roles that are no list": _token(roles="operator"),
    "changed claims": ".".join([(p := _token().split("."))[0], _part({"sub": "ofsted"}), p[2]]),
    "a cut signature": _token()[:-4],
    "nonsense": "nonsense",
    "three dots": "...",
    "not ASCII": "é.é.é",
    "nothing": "",
}


@pytest.mark.parametrize("name", list(BAD))
async def test_a_token_does_not_hold_with(name: str) -> None:
    with pytest.raises(InvalidToken):
        await _verifier().verify(BAD[name])


async def test_a_token_stops_holding_at_its_end_although_it_is_remembered() -> None:
    time = Time()
    verifier = _verifier(time=time)
    token = _token()
    await verifier.verify(token)

    time.now += 600

    with pytest.raises(InvalidToken):
        await verifier.verify(token)


async def test_a_token_sent_again_is_not_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    verifier = _verifier()
    token = _token()
    first = await verifier.verify(token)
    monkeypatch.setattr(jwt, "decode", None)

    assert await verifier.verify(token) is first


async def test_unknown_keys_have_the_issuer_asked_once_however_many_come() -> None:
    source, time = Issuer(ec), Time()
    verifier = _verifier(source, time)
    await verifier.verify(_token())
    time.now += 11

    for number in range(20):
        with pytest.raises(InvalidToken):
            await verifier.verify(_token(kid=f"made-up-{number}"))

    assert source.asked == 2


async def test_a_new_key_of_the_issuer_is_found() -> None:
    source, time = Issuer(ec), Time()
    verifier = _verifier(source, time)
    await verifier.verify(_token())
    source.keys.append(rsa)
    time.now += 11

    assert (await verifier.verify(_token(rsa, "RS256"))).id == "northshire-police"


async def test_a_withdrawn_key_stops_counting_even_for_tokens_that_held() -> None:
    source, time = Issuer(ec, rsa), Time()
    verifier = Verifier(ISSUER, AUDIENCE, source, keys_live=60, now=time)
    token = _token()
    await verifier.verify(token)
    source.keys.remove(ec)
    time.now += 61

    await verifier.verify(token)  # asks for the keys beside this request
    assert verifier._renewing is not None
    await verifier._renewing

    with pytest.raises(InvalidToken):
        await verifier.verify(token)


async def test_an_issuer_that_is_away_does_not_shut_out_those_it_vouched_for() -> None:
    source, time = Issuer(ec), Time()
    verifier = Verifier(ISSUER, AUDIENCE, source, keys_live=60, now=time)
    await verifier.verify(_token())
    source.away = True
    time.now += 61

    assert (await verifier.verify(_token(jti="two"))).id == "northshire-police"


async def test_without_any_keys_the_fault_is_not_the_callers() -> None:
    source = Issuer(ec)
    source.away = True

    with pytest.raises(IssuerUnavailable):
        await _verifier(source).verify(_token())


async def test_keys_come_from_where_the_discovery_document_says() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/.well-known/openid-configuration":
            return httpx.Response(200, json={"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"})
        return httpx.Response(200, json=KeySet([ec]).as_dict(private=False))

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        verifier = Verifier(ISSUER, AUDIENCE, keys_of(ISSUER, http), now=Time())

        assert (await verifier.verify(_token())).id == "northshire-police"


async def test_a_discovery_document_of_another_issuer_is_not_believed() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"issuer": "https://elsewhere.example", "jwks_uri": f"{ISSUER}/keys"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        with pytest.raises(IssuerUnavailable):
            await keys_of(ISSUER, http)()


PERSON = Caller(
    "person", "authority-notifier", "northshire-council", frozenset({"notifier"}), frozenset({"northshire"})
)
GATEWAY = Caller("service", "gateway", roles=frozenset({"gateway"}))


def _request(told: str | None) -> Request:
    headers = [(b"on-behalf-of", told.encode())] if told is not None else []
    return Request({"type": "http", "headers": headers})


def test_the_gateway_may_ask_on_a_persons_behalf() -> None:
    assert on_behalf_of(GATEWAY, _request(PERSON.to_header())) == PERSON
    assert on_behalf_of(GATEWAY, _request(None)) == GATEWAY


@pytest.mark.parametrize("who", [PERSON, Caller("service", "notifications"), Caller("agency", "x", "x", {"gateway"})])  # type: ignore[arg-type]
def test_nobody_else_may_say_for_whom_they_ask(who: Caller) -> None:
    with pytest.raises(Problem) as refused:
        on_behalf_of(who, _request(PERSON.to_header()))

    assert refused.value.status == 403


@pytest.mark.parametrize("told", ["", "{}", "[]", "null", '{"kind": "person"}', '{"kind": "person", "id": 7}'])
def test_a_malformed_header_is_the_callers_fault(told: str) -> None:
    with pytest.raises(Problem) as refused:
        on_behalf_of(GATEWAY, _request(told))

    assert refused.value.status == 400
