"""The issuer as its own process: the same flows that services, agencies and people use."""

import base64
import hashlib
import json
import os
import re
import secrets
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key

from infra.issuer.identities import Installed, ensure_identities
from shared.credentials import ASSERTION_TYPE, CredentialsRefused, ServiceCredentials, private_key
from shared.identity import InvalidToken, Verifier, audience_of, keys_of

IDENTITIES = Path("infra/demo/identities.toml").resolve()
GATEWAY = audience_of("gateway")
VAULT = audience_of("vault")
REDIRECT = "http://127.0.0.1:49152/callback"


@dataclass(frozen=True)
class Running:
    url: str
    installed: Installed
    state: Path


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    state = tmp_path_factory.mktemp("state")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environ = os.environ | {
        "SX_HTTP_PORT": str(port),
        "SX_ISSUER": url,
        "SX_STATE_DIR": str(state),
        "SX_IDENTITIES_FILE": str(IDENTITIES),
    }
    with (state / "log").open("w") as log:
        process = subprocess.Popen([sys.executable, "-m", "infra.issuer"], env=environ, stderr=log, stdout=log)
    try:
        _wait_until_live(url)
        yield Running(url, ensure_identities(IDENTITIES, state), state)
    finally:
        process.terminate()
        assert process.wait(20) == 0, "told to stop, it ends in order"
        assert '"POST /token"' in (state / "traces" / "issuer.jsonl").read_text()


def _wait_until_live(url: str) -> None:
    for _ in range(300):
        try:
            if httpx.get(f"{url}/health/live").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the issuer did not start within 30 s")


def _key(issuer: Running, client: str) -> Key:
    return private_key(issuer.installed.key_file(client))


def _assertion(issuer: Running, client: str = "northshire-police", key: Key | None = None, **changes: Any) -> str:
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


def _ask(issuer: Running, assertion: str, **form: str) -> httpx.Response:
    return httpx.post(
        f"{issuer.url}/token",
        data={
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }
        | form,
    )


async def _verify(issuer: Running, token: str, audience: str = GATEWAY) -> Any:
    async with httpx.AsyncClient() as http:
        return await Verifier(issuer.url, audience, keys_of(issuer.url, http)).verify(token)


async def test_an_agency_signs_in_with_its_own_key(issuer: Running) -> None:
    answer = _ask(issuer, _assertion(issuer))

    assert answer.status_code == 200
    assert answer.json()["expires_in"] == 600
    assert answer.headers["cache-control"] == "no-store"
    caller = await _verify(issuer, answer.json()["access_token"])
    assert (caller.kind, caller.id, caller.agency) == ("agency", "northshire-police", "northshire-police")
    assert caller.partnerships == {"northshire"}


async def test_a_service_gets_a_token_for_the_one_it_calls_and_keeps_it(issuer: Running) -> None:
    async with httpx.AsyncClient() as http:
        credentials = ServiceCredentials(issuer.url, "gateway", _key(issuer, "gateway"), http)
        token = await credentials.token(VAULT)

        assert await credentials.token(VAULT) == token
        assert await credentials.token(audience_of("notifications")) != token

    caller = await _verify(issuer, token, VAULT)
    assert (caller.kind, caller.id, caller.roles) == ("service", "gateway", {"gateway"})
    with pytest.raises(InvalidToken):
        await _verify(issuer, token, GATEWAY)


async def test_a_service_with_the_wrong_key_is_told_so(issuer: Running) -> None:
    async with httpx.AsyncClient() as http:
        credentials = ServiceCredentials(issuer.url, "gateway", _key(issuer, "vault"), http)

        with pytest.raises(CredentialsRefused):
            await credentials.token(VAULT)


def test_nobody_gets_a_token_for_a_service_they_may_not_call(issuer: Running) -> None:
    answer = _ask(issuer, _assertion(issuer), resource=VAULT)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")


def test_an_assertion_is_good_once(issuer: Running) -> None:
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
def test_an_assertion_does_not_hold_with(changes: dict[str, Any], issuer: Running) -> None:
    answer = _ask(issuer, _assertion(issuer, **changes))

    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_client"


def test_another_key_or_no_signature_does_not_hold(issuer: Running) -> None:
    stranger = _ask(issuer, _assertion(issuer, key=ECKey.generate_key("P-256")))
    _, claims, _ = _assertion(issuer).split(".")
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).rstrip(b"=").decode()
    unsigned = _ask(issuer, f"{header}.{claims}.")
    nonsense = _ask(issuer, "nonsense")

    assert [each.status_code for each in (stranger, unsigned, nonsense)] == [400, 400, 400]


def test_no_credentials_and_no_such_grant_are_refused(issuer: Running) -> None:
    nothing = httpx.post(f"{issuer.url}/token", data={"grant_type": "client_credentials"})
    public = httpx.post(f"{issuer.url}/token", data={"grant_type": "client_credentials", "client_id": "sx"})
    password = httpx.post(f"{issuer.url}/token", data={"grant_type": "password", "client_id": "sx"})

    assert nothing.json()["error"] == "invalid_client"
    assert public.json()["error"] == "invalid_client"
    assert password.json()["error"] == "unsupported_grant_type"


class _Form(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.labels: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.action = given["action"] or ""
        elif tag == "input":
            self.fields[given["name"] or ""] = given.get("value") or ""
        elif tag == "label":
            self.labels.add(given["for"] or "")


@dataclass
class SignIn:
    issuer: Running
    verifier: str = "v" * 64

    def query(self, **changes: str | None) -> dict[str, str]:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        usual: dict[str, str | None] = {
            "response_type": "code",
            "client_id": "sx",
            "redirect_uri": REDIRECT,
            "scope": "openid",
            "state": "state-1",
            "nonce": "nonce-1",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (usual | changes).items() if value is not None}

    def submit(self, person: str, password: str | None = None, **fields: str) -> httpx.Response:
        with httpx.Client(base_url=self.issuer.url) as browser:
            form = _Form(browser.get("/authorize", params=self.query()).text)
            given = password if password is not None else self.issuer.installed.password_file(person).read_text()
            return browser.post(form.action, data=form.fields | {"account": person, "password": given} | fields)

    def code(self, person: str = "authority-notifier") -> str:
        back = urlsplit(self.submit(person).headers["location"])
        return parse_qs(back.query)["code"][0]

    def exchange(self, code: str, **changes: str) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "client_id": "sx",
            "code": code,
            "redirect_uri": REDIRECT,
            "code_verifier": self.verifier,
        }
        return httpx.post(f"{self.issuer.url}/token", data=form | changes)


async def test_a_person_signs_in_through_the_page(issuer: Running) -> None:
    back = SignIn(issuer).submit("authority-approver")

    assert back.status_code == 302
    assert back.headers["location"].startswith(REDIRECT)
    told = parse_qs(urlsplit(back.headers["location"]).query)
    assert (told["state"], told["iss"]) == (["state-1"], [issuer.url])
    answer = SignIn(issuer).exchange(told["code"][0]).json()
    caller = await _verify(issuer, answer["access_token"])
    assert (caller.kind, caller.id, caller.agency) == ("person", "authority-approver", "northshire-council")
    assert (caller.roles, caller.partnerships) == ({"approver"}, {"northshire"})


async def test_an_id_token_says_who_signed_in_and_opens_no_service(issuer: Running) -> None:
    sign_in = SignIn(issuer)
    answer = sign_in.exchange(sign_in.code()).json()

    claims = json.loads(base64.urlsafe_b64decode(answer["id_token"].split(".")[1] + "=="))
    assert (claims["sub"], claims["aud"], claims["nonce"]) == ("authority-notifier", "sx", "nonce-1")
    with pytest.raises(InvalidToken):
        await _verify(issuer, answer["id_token"])


async def test_a_sign_in_is_renewed_once_with_each_refresh_token(issuer: Running) -> None:
    sign_in = SignIn(issuer)
    first = sign_in.exchange(sign_in.code()).json()["refresh_token"]
    form = {"grant_type": "refresh_token", "client_id": "sx", "refresh_token": first}

    async with httpx.AsyncClient() as http:
        renewed = await http.post(f"{issuer.url}/token", data=form)
        again = await http.post(f"{issuer.url}/token", data=form)

    assert (await _verify(issuer, renewed.json()["access_token"])).id == "authority-notifier"
    assert renewed.json()["refresh_token"] != first
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_a_code_is_good_once_and_for_its_own_program_only(issuer: Running) -> None:
    sign_in = SignIn(issuer)
    code = sign_in.code()

    assert sign_in.exchange(code).status_code == 200
    assert sign_in.exchange(code).json()["error"] == "invalid_grant"
    assert sign_in.exchange(sign_in.code(), code_verifier="w" * 64).json()["error"] == "invalid_grant"
    assert sign_in.exchange(sign_in.code(), redirect_uri="http://127.0.0.1:1/callback").json()["error"] == (
        "invalid_grant"
    )
    assert sign_in.exchange(sign_in.code(), client_id="northshire-police").json()["error"] == "invalid_client"


def test_a_wrong_password_shows_the_page_again_with_the_problem_named(issuer: Running) -> None:
    wrong = SignIn(issuer).submit("authority-notifier", "not-it")
    nobody = SignIn(issuer).submit("nobody-at-all", "not-it")
    empty = SignIn(issuer).submit("", "")

    for page in (wrong, nobody, empty):
        assert page.status_code == 400
        assert "<title>Error: Sign in" in page.text
        assert "The account or the password is not right" in page.text


def test_another_site_cannot_send_the_form(issuer: Running) -> None:
    sign_in = SignIn(issuer)
    password = issuer.installed.password_file("authority-notifier").read_text()
    without_page = httpx.post(
        f"{issuer.url}/authorize",
        params=sign_in.query(),
        data={"account": "authority-notifier", "password": password},
    )
    forged = sign_in.submit("authority-notifier", form_token="f" * 64)

    assert (without_page.status_code, forged.status_code) == (400, 400)
    assert "The page was open too long" in forged.text
    assert not any("location" in answer.headers for answer in (without_page, forged))


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://elsewhere.example/callback"},
        {"redirect_uri": "http://127.0.0.1:49152/elsewhere"},
        {"redirect_uri": "http://127.0.0.1.elsewhere.example:80/callback"},
        {"redirect_uri": "http://127.0.0.1@elsewhere.example/callback"},
        {"redirect_uri": None},
        {"client_id": "another"},
        {"client_id": None},
        {"client_id": "northshire-police"},
    ],
    ids=str,
)
def test_nobody_is_sent_where_no_program_of_ours_waits(changes: dict[str, str | None], issuer: Running) -> None:
    answer = httpx.get(f"{issuer.url}/authorize", params=SignIn(issuer).query(**changes))

    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert "This sign-in cannot go on" in answer.text
    assert "elsewhere" not in answer.text


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"response_type": "token"},
        {"scope": "everything"},
    ],
    ids=str,
)
def test_a_request_that_asks_wrongly_goes_back_with_the_error(changes: dict[str, str | None], issuer: Running) -> None:
    answer = httpx.get(f"{issuer.url}/authorize", params=SignIn(issuer).query(**changes))

    told = parse_qs(urlsplit(answer.headers["location"]).query)
    assert answer.headers["location"].startswith(REDIRECT)
    assert "code" not in told
    assert told["error"][0] in ("invalid_request", "unsupported_response_type", "unauthorized_client", "invalid_scope")


def test_the_page_can_be_used_by_everybody(issuer: Running) -> None:
    answer = httpx.get(f"{issuer.url}/authorize", params=SignIn(issuer).query())
    form = _Form(answer.text)

    assert '<html lang="en-GB">' in answer.text
    assert {"account", "password"} == form.labels
    assert answer.text.count("<h1>") == 1
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "<script" not in answer.text
    assert 'autocomplete="current-password"' in answer.text


def test_what_was_sent_is_never_shown_as_markup(issuer: Running) -> None:
    page = SignIn(issuer).submit('"><script>alert(1)</script>', "x")

    assert "<script" not in page.text


def test_the_discovery_document_names_what_there_is(issuer: Running) -> None:
    told = httpx.get(f"{issuer.url}/.well-known/openid-configuration").json()

    assert told["issuer"] == issuer.url
    assert told["code_challenge_methods_supported"] == ["S256"]
    keys = httpx.get(told["jwks_uri"]).json()["keys"]
    assert all("d" not in key and key["alg"] == "ES256" for key in keys)


def test_secrets_are_for_their_owners_eyes_and_stand_in_no_log(issuer: Running) -> None:
    SignIn(issuer).code()
    secret_files = [
        *(issuer.state / "identities" / "keys").iterdir(),
        *(issuer.state / "identities" / "passwords").iterdir(),
        issuer.state / "issuer" / "signing-keys.json",
    ]

    assert {stat.S_IMODE(each.stat().st_mode) for each in secret_files} == {0o600}
    log = (issuer.state / "log").read_text()
    assert re.search(r"route=/token status=200", log)
    passwords = [each.read_text() for each in (issuer.state / "identities" / "passwords").iterdir()]
    assert not any(password in log for password in passwords)
    assert "code=" not in log
    assert "eyJ" not in log, "no token in the log"
