"""People sign in at the issuer's page, as a browser and `sx` do it; what is asked wrongly, and what stays secret."""

import base64
import hashlib
import json
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from shared.identity import InvalidToken, Verifier, audience_of, keys_of
from tests.issuers import RunningIssuer, running_issuer

GATEWAY = audience_of("gateway")
REDIRECT = "http://127.0.0.1:49152/callback"


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIssuer]:
    with running_issuer(tmp_path_factory.mktemp("state")) as running:
        yield running


async def _verify(issuer: RunningIssuer, token: str, audience: str = GATEWAY) -> Any:
    async with httpx.AsyncClient() as http:
        return await Verifier(issuer.url, audience, keys_of(issuer.url, http)).verify(token)


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
    issuer: RunningIssuer
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


async def test_a_person_signs_in_through_the_page(issuer: RunningIssuer) -> None:
    back = SignIn(issuer).submit("authority-approver")

    assert back.status_code == 302
    assert back.headers["location"].startswith(REDIRECT)
    told = parse_qs(urlsplit(back.headers["location"]).query)
    assert (told["state"], told["iss"]) == (["state-1"], [issuer.url])
    answer = SignIn(issuer).exchange(told["code"][0]).json()
    caller = await _verify(issuer, answer["access_token"])
    assert (caller.kind, caller.id, caller.agency) == ("person", "authority-approver", "northshire-council")
    assert (caller.roles, caller.partnerships) == ({"approver"}, {"northshire"})


async def test_an_id_token_says_who_signed_in_and_opens_no_service(issuer: RunningIssuer) -> None:
    sign_in = SignIn(issuer)
    answer = sign_in.exchange(sign_in.code()).json()

    claims = json.loads(base64.urlsafe_b64decode(answer["id_token"].split(".")[1] + "=="))
    assert (claims["sub"], claims["aud"], claims["nonce"]) == ("authority-notifier", "sx", "nonce-1")
    with pytest.raises(InvalidToken):
        await _verify(issuer, answer["id_token"])


async def test_a_sign_in_is_renewed_once_with_each_refresh_token(issuer: RunningIssuer) -> None:
    sign_in = SignIn(issuer)
    first = sign_in.exchange(sign_in.code()).json()["refresh_token"]
    form = {"grant_type": "refresh_token", "client_id": "sx", "refresh_token": first}

    async with httpx.AsyncClient() as http:
        renewed = await http.post(f"{issuer.url}/token", data=form)
        again = await http.post(f"{issuer.url}/token", data=form)

    assert (await _verify(issuer, renewed.json()["access_token"])).id == "authority-notifier"
    assert renewed.json()["refresh_token"] != first
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_a_code_is_good_once_and_for_its_own_program_only(issuer: RunningIssuer) -> None:
    sign_in = SignIn(issuer)
    code = sign_in.code()

    assert sign_in.exchange(code).status_code == 200
    assert sign_in.exchange(code).json()["error"] == "invalid_grant"
    assert sign_in.exchange(sign_in.code(), code_verifier="w" * 64).json()["error"] == "invalid_grant"
    assert sign_in.exchange(sign_in.code(), redirect_uri="http://127.0.0.1:1/callback").json()["error"] == (
        "invalid_grant"
    )
    assert sign_in.exchange(sign_in.code(), client_id="northshire-police").json()["error"] == "invalid_client"


def test_a_wrong_password_shows_the_page_again_with_the_problem_named(issuer: RunningIssuer) -> None:
    wrong = SignIn(issuer).submit("authority-notifier", "not-it")
    nobody = SignIn(issuer).submit("nobody-at-all", "not-it")
    empty = SignIn(issuer).submit("", "")

    for page in (wrong, nobody, empty):
        assert page.status_code == 400
        assert "<title>Error: Sign in" in page.text
        assert "The account or the password is not right" in page.text


def test_another_site_cannot_send_the_form(issuer: RunningIssuer) -> None:
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
def test_nobody_is_sent_where_no_program_of_ours_waits(changes: dict[str, str | None], issuer: RunningIssuer) -> None:
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
def test_a_request_that_asks_wrongly_goes_back_with_the_error(
    changes: dict[str, str | None], issuer: RunningIssuer
) -> None:
    answer = httpx.get(f"{issuer.url}/authorize", params=SignIn(issuer).query(**changes))

    told = parse_qs(urlsplit(answer.headers["location"]).query)
    assert answer.headers["location"].startswith(REDIRECT)
    assert "code" not in told
    assert told["error"][0] in ("invalid_request", "unsupported_response_type", "unauthorized_client", "invalid_scope")


def test_the_page_can_be_used_by_everybody(issuer: RunningIssuer) -> None:
    answer = httpx.get(f"{issuer.url}/authorize", params=SignIn(issuer).query())
    form = _Form(answer.text)

    assert '<html lang="en-GB">' in answer.text
    assert {"account", "password"} == form.labels
    assert answer.text.count("<h1>") == 1
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "<script" not in answer.text
    assert 'autocomplete="current-password"' in answer.text


def test_what_was_sent_is_never_shown_as_markup(issuer: RunningIssuer) -> None:
    page = SignIn(issuer).submit('"><script>alert(1)</script>', "x")

    assert "<script" not in page.text


def test_secrets_are_for_their_owners_eyes_and_stand_in_no_log(issuer: RunningIssuer) -> None:
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
