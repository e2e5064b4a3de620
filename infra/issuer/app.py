"""The issuer's HTTP: discovery, keys, tokens, and the page where people sign in."""

import asyncio
import hashlib
import hmac
import secrets
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from authlib.oauth2 import OAuth2Error
from fastapi import APIRouter, FastAPI
from fastapi import Request as WebRequest
from fastapi.responses import HTMLResponse, JSONResponse, Response

from infra.issuer import pages
from infra.issuer.clients import PublicClient
from infra.issuer.requests import Asked, Pairs
from infra.issuer.server import Issuer
from infra.issuer.signing import ALGORITHM
from shared.http import service_app

COOKIE = "sx-sign-in"
BODY_LIMIT = 16 * 1024


def issuer_app(issuer: Issuer) -> FastAPI:
    """The issuer as an app."""
    app = service_app(
        title="Safeguarding Exchange issuer",
        service="issuer",
        routers=[_metadata(issuer), _tokens(issuer), _sign_in(issuer)],
        body_limit=BODY_LIMIT,
    )
    return app


def _metadata(issuer: Issuer) -> APIRouter:
    router = APIRouter()

    @router.get("/.well-known/openid-configuration")
    @router.get("/.well-known/oauth-authorization-server")
    async def discovery() -> dict[str, Any]:
        """What this issuer offers (OpenID Connect Discovery, RFC 8414)."""
        return {
            "issuer": issuer.issuer,
            "authorization_endpoint": f"{issuer.issuer}/authorize",
            "token_endpoint": f"{issuer.issuer}/token",
            "jwks_uri": f"{issuer.issuer}/keys",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
            "scopes_supported": ["openid"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "token_endpoint_auth_methods_supported": ["private_key_jwt", "none"],
            "token_endpoint_auth_signing_alg_values_supported": [ALGORITHM],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }

    @router.get("/keys")
    async def keys() -> JSONResponse:
        """The public keys that tokens are signed with (RFC 7517)."""
        content = issuer.keys.published().as_dict(private=False)
        return JSONResponse(content, headers={"cache-control": "public, max-age=300"})

    return router


def _tokens(issuer: Issuer) -> APIRouter:
    router = APIRouter()

    @router.post("/token")
    async def token(request: WebRequest) -> Response:
        """A token for credentials, a code or a refresh token (RFC 6749)."""
        asked = Asked("POST", f"{issuer.issuer}/token", request.headers, await _form(request))
        response: Response = issuer.create_token_response(asked)
        return response

    return router


def _sign_in(issuer: Issuer) -> APIRouter:
    router = APIRouter()
    secret = secrets.token_bytes(32)

    def form_token(cookie: str, query: str) -> str:
        """Ties the form to the browser that was shown it and to what was asked, so that no other site can send it."""
        return hmac.new(secret, f"{cookie}\0{query}".encode(), hashlib.sha256).hexdigest()

    def page(request: WebRequest, query: str, *, problem: str = "", account: str = "") -> Response:
        cookie = request.cookies.get(COOKIE) or secrets.token_urlsafe(24)
        nonce = secrets.token_urlsafe(12)
        client = issuer.query_client(dict(parse_qsl(query)).get("client_id", ""))
        content = pages.sign_in_page(
            program=client.application.name if isinstance(client, PublicClient) else "A program",
            action=f"/authorize?{query}",
            form_token=form_token(cookie, query),
            style_nonce=nonce,
            problem=problem,
            account=account,
        )
        policy = {"content-security-policy": pages.content_security_policy(nonce)}
        response = HTMLResponse(content, 400 if problem else 200, policy)
        secure = urlsplit(issuer.issuer).scheme == "https"
        response.set_cookie(COOKIE, cookie, max_age=900, httponly=True, samesite="strict", secure=secure)
        return response

    def asked(request: WebRequest) -> tuple[Asked, str]:
        query = request.url.query
        parameters = parse_qsl(query, keep_blank_values=True)
        return Asked("GET", f"{issuer.issuer}/authorize?{query}", request.headers, parameters), query

    def refused(error: OAuth2Error) -> Response:
        if error.redirect_uri:
            response: Response = issuer.handle_error_response(None, error)
            return response
        nonce = secrets.token_urlsafe(12)
        policy = {"content-security-policy": pages.content_security_policy(nonce)}
        return HTMLResponse(pages.refusal_page(str(error.error).replace("_", " "), nonce), 400, policy)

    @router.get("/authorize")
    async def show(request: WebRequest) -> Response:
        """The sign-in page, for a request that holds."""
        wanted, query = asked(request)
        try:
            issuer.get_consent_grant(wanted)
        except OAuth2Error as error:
            return refused(error)
        return page(request, query)

    @router.post("/authorize")
    async def sign_in(request: WebRequest) -> Response:
        """Back to the program with a code, if account and password hold."""
        wanted, query = asked(request)
        try:
            grant = issuer.get_consent_grant(wanted)
        except OAuth2Error as error:
            return refused(error)
        form = dict(await _form(request))
        expected = form_token(request.cookies.get(COOKIE, ""), query)
        if COOKIE not in request.cookies or not hmac.compare_digest(
            form.get("form_token", "").encode(), expected.encode()
        ):
            return page(request, query, problem=pages.STALE)
        account = form.get("account", "").strip()
        person = await asyncio.to_thread(issuer.signed_in, account, form.get("password", ""))
        if person is None:
            return page(request, query, problem=pages.WRONG, account=account)
        response: Response = issuer.create_authorization_response(grant.request, grant_user=person, grant=grant)
        return response

    return router


async def _form(request: WebRequest) -> Pairs:
    """The pairs of a form, in order; a file has no place in one of these."""
    form = await request.form(max_files=0, max_fields=50)
    return [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
