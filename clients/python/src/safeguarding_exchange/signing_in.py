"""Signing in as people do: OpenID Connect, authorization code with PKCE, back to a loopback address (RFC 8252)."""

import base64
import hashlib
import secrets
import time
import webbrowser
from collections.abc import Callable
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx

from safeguarding_exchange.sessions import Session

CLIENT = "sx"
Authorize = Callable[[str, str], str]
"""Gets from the address of the sign-in page, and the state it must return with, to the code."""


class SignInFailed(Exception):
    """The provider did not let this account in; the message says what to do."""


def sign_in(account: str, gateway: str, issuer: str, password: str | None = None) -> Session:
    """Sign in through a browser, or with a password by sending the provider's own form. Raises SignInFailed."""
    with httpx.Client(timeout=15) as http:
        offered = _get(http, f"{issuer.rstrip('/')}/.well-known/openid-configuration").json()
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        server = None if password else HTTPServer(("127.0.0.1", 0), _Callback)
        port = server.server_address[1] if server else 8765
        redirect = f"http://127.0.0.1:{port}/callback"
        state = secrets.token_urlsafe(16)
        query = {
            "response_type": "code",
            "client_id": CLIENT,
            "redirect_uri": redirect,
            "scope": "openid",
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        address = f"{offered['authorization_endpoint']}?{urlencode(query)}"
        code = (
            _by_browser(server, address, state) if server else _by_form(http, address, state, account, password or "")
        )
        told = _token(
            http,
            offered["token_endpoint"],
            grant_type="authorization_code",
            code=code,
            redirect_uri=redirect,
            code_verifier=verifier,
        )
    return _session(account, gateway, issuer, told)


def renewed(session: Session) -> Session:
    """The same session with a new access token. Raises SignInFailed when it is time to sign in again."""
    with httpx.Client(timeout=15) as http:
        offered = _get(http, f"{session.issuer.rstrip('/')}/.well-known/openid-configuration").json()
        told = _token(http, offered["token_endpoint"], grant_type="refresh_token", refresh_token=session.refresh_token)
    return _session(session.account, session.gateway, session.issuer, told)


def _session(account: str, gateway: str, issuer: str, told: dict[str, object]) -> Session:
    lives = float(str(told.get("expires_in", 60)))
    made = Session(
        account,
        gateway.rstrip("/"),
        issuer,
        str(told["access_token"]),
        str(told.get("refresh_token", "")),
        time.time() + lives,
    )
    if made.claims.get("sub") != account:
        raise SignInFailed(f"The provider signed in another account than {account}: sign out there and try again")
    return made


def _token(http: httpx.Client, endpoint: str, **form: str) -> dict[str, object]:
    answer = http.post(endpoint, data={"client_id": CLIENT, **form})
    if answer.is_error:
        raise SignInFailed("The provider gave no token: sign in again")
    told: dict[str, object] = answer.json()
    return told


def _get(http: httpx.Client, address: str) -> httpx.Response:
    try:
        answer = http.get(address)
        answer.raise_for_status()
    except httpx.HTTPError:
        raise SignInFailed(f"The sign-in provider at {address} cannot be reached: is the stack running?") from None
    return answer


def _by_form(http: httpx.Client, address: str, state: str, account: str, password: str) -> str:
    page = _get(http, address)
    form = _Form()
    form.feed(page.text)
    sent = {**form.fields, "account": account, "password": password}
    answer = http.post(urljoin(address, form.action or address), data=sent)
    if answer.status_code not in (302, 303):
        raise SignInFailed("The account or the password is not right")
    return _code(answer.headers["location"], state)


def _code(address: str, state: str) -> str:
    query = parse_qs(urlsplit(address).query)
    if query.get("state") != [state] or "code" not in query:
        raise SignInFailed("The provider's answer does not fit what was asked: sign in again")
    return query["code"][0]


class _Form(HTMLParser):
    """The sign-in page's form: where it goes, and the fields it already has."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "form":
            self.action = told.get("action") or ""
        if tag == "input" and told.get("name"):
            self.fields[str(told["name"])] = told.get("value") or ""


class _Callback(BaseHTTPRequestHandler):
    arrived: str = ""

    def do_GET(self) -> None:
        type(self).arrived = self.path
        self.send_response(200)
        self.send_header("content-type", "text/plain; charset=utf-8")
        self.end_headers()
        self.wfile.write(b"You are signed in. You may close this page and go back to the terminal.\n")

    def log_message(self, *_: object) -> None:
        """The address holds the code: it is not logged."""


def _by_browser(server: HTTPServer, address: str, state: str) -> str:
    if not webbrowser.open(address):
        raise SignInFailed("No browser could be opened here: give --password-file, or sign in where there is one")
    server.timeout = 300
    server.handle_request()
    server.server_close()
    return _code(_Callback.arrived, state)
