"""An agency's keys change while the issuer runs: two hold together, the old one stops, and none is shut out."""

import secrets
import time
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from infra.issuer.identities import ensure_identities
from infra.issuer.registered import Registration
from shared.credentials import ASSERTION_TYPE, private_key
from tests.issuers import IDENTITIES, RunningIssuer, running_issuer


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIssuer]:
    with running_issuer(tmp_path_factory.mktemp("state")) as running:
        yield running


def ask(issuer: RunningIssuer, client: str, key: ECKey, **header: str) -> str:
    """`taken`, or the error that the issuer gave."""
    now = int(time.time())
    claims = {"iss": client, "sub": client, "aud": f"{issuer.url}/token", "iat": now, "exp": now + 60}
    claims["jti"] = secrets.token_hex(8)
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": jwt.encode({"alg": "ES256"} | header, claims, key),
    }
    answer = httpx.post(f"{issuer.url}/token", data=form, timeout=10)
    return "taken" if answer.status_code == 200 else str(answer.json()["error"])


def test_two_keys_hold_together_then_the_new_one_alone(issuer: RunningIssuer) -> None:
    register = issuer.installed.register
    old = private_key(issuer.installed.key_file("northshire-police"))
    assert isinstance(old, ECKey)
    new = ECKey.generate_key("P-256")
    before = register.read("northshire-police")

    register.write("northshire-police", replace(before, keys=(*before.keys, new)))

    assert {ask(issuer, "northshire-police", key) for key in (old, new, old)} == {"taken"}
    assert ask(issuer, "northshire-police", new, kid="whatever-the-agency-calls-it") == "taken"

    register.write("northshire-police", replace(before, keys=(new,)))

    assert ask(issuer, "northshire-police", old) == "invalid_client"
    assert ask(issuer, "northshire-police", new) == "taken"


def test_a_client_that_was_shut_out_stays_so_over_a_restart(issuer: RunningIssuer) -> None:
    key = private_key(issuer.installed.key_file("northshire-icb"))
    assert isinstance(key, ECKey)
    assert ask(issuer, "northshire-icb", key) == "taken"

    issuer.installed.register.write("northshire-icb", Registration())
    ensure_identities(IDENTITIES, issuer.state)  # what a start does

    assert ask(issuer, "northshire-icb", key) == "invalid_client"


def test_an_agency_that_joins_needs_no_restart(issuer: RunningIssuer) -> None:
    key = ECKey.generate_key("P-256")
    assert ask(issuer, "northshire-college", key) == "invalid_client"

    issuer.installed.register.write("northshire-college", Registration((key,), ("northshire",)))

    assert ask(issuer, "northshire-college", key) == "taken"
    assert ask(issuer, "northshire-college", ECKey.generate_key("P-256")) == "invalid_client"


def test_one_agencys_key_is_no_other_agencys(issuer: RunningIssuer) -> None:
    key = private_key(issuer.installed.key_file("southmere-police"))
    assert isinstance(key, ECKey)

    assert ask(issuer, "southmere-icb", key) == "invalid_client"


def test_a_name_that_is_a_path_is_no_client(issuer: RunningIssuer) -> None:
    for name in ("../clients/northshire-police", "northshire-police\n", "", "\0"):
        assert ask(issuer, name, ECKey.generate_key("P-256")) == "invalid_client"
