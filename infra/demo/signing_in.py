"""Access tokens of the demo's agencies and people, got from the issuer as their own programs would get them."""

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from html.parser import HTMLParser
from threading import Lock
from urllib.parse import parse_qs, urlsplit

import httpx

from infra.issuer.identities import Installed
from shared.credentials import ASSERTION_TYPE, assertion, private_key

RENEW_BEFORE = 60.0
"""Seconds before a token's end from which a new one is asked for."""

REDIRECT = "http://127.0.0.1/callback"
APPLICATION = "sx"


class SignInFailed(Exception):
    """The issuer gave no token; says to whom and why."""


class Tokens:
    """A token for every agency's system (by its key) and every person (by the sign-in page, with PKCE)."""

    def __init__(self, issuer: str, installed: Installed, http: httpx.Client) -> None:
        self._issuer = issuer.rstrip("/")
        self._installed = installed
        self._http = http
        self._kept: dict[str, tuple[str, float]] = {}
        self._one_at_a_time = Lock()

    def of(self, account: str) -> str:
        """The account's access token. Raises SignInFailed."""
        with self._one_at_a_time:
            token, until = self._kept.get(account, ("", 0.0))
            if time.monotonic() > until - RENEW_BEFORE:
                token, lives = self._new(account)
                self._kept[account] = token, time.monotonic() + lives
            return token

    def headers(self, account: str) -> dict[str, str]:
        """The header that shows who asks."""
        return {"authorization": f"Bearer {self.of(account)}"}

    def _new(self, account: str) -> tuple[str, float]:
        is_person = self._installed.password_file(account).exists()
        form = self._person(account) if is_person else self._system(account)
        answer = self._http.post(f"{self._issuer}/token", data=dict(form))
        if answer.status_code != 200:
            raise SignInFailed(f"{account}: {answer.status_code} {answer.text[:200]}")
        told = answer.json()
        return told["access_token"], float(told["expires_in"])

    def _system(self, agency: str) -> Mapping[str, str]:
        key = private_key(self._installed.key_file(agency))
        return {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion(agency, f"{self._issuer}/token", key, now=time.time()),
        }

    def _person(self, person: str) -> Mapping[str, str]:
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": APPLICATION,
            "redirect_uri": REDIRECT,
            "scope": "openid",
            "state": secrets.token_urlsafe(8),
            "nonce": secrets.token_urlsafe(8),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        page = self._http.get(f"{self._issuer}/authorize", params=asked)
        form = _Form(page.text)
        password = self._installed.password_file(person).read_text()
        action = httpx.URL(self._issuer).join(form.action)
        back = self._http.post(action, data=form.fields | {"account": person, "password": password})
        code = parse_qs(urlsplit(back.headers.get("location", "")).query).get("code")
        if not code:
            raise SignInFailed(f"{person}: the sign-in page answered {back.status_code} and gave no code")
        return {
            "grant_type": "authorization_code",
            "client_id": APPLICATION,
            "code": code[0],
            "redirect_uri": REDIRECT,
            "code_verifier": verifier,
        }


class _Form(HTMLParser):
    """The sign-in form: where it is sent, and the fields it came with."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.action = given.get("action") or ""
        elif tag == "input" and given.get("name"):
            self.fields[str(given["name"])] = given.get("value") or ""
