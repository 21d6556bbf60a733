"""The endpoints of one embedded issuer, and the page at which a person signs in there: authlib's server on flask.

Source: OpenID Connect Discovery 1.0, RFC 6749, RFC 9207; what is granted stands in provider_grants.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authlib.oauth2 import OAuth2Error  # type: ignore[import-untyped]
from flask import Flask, Response, jsonify, render_template_string, request

from tests.lab.provider_grants import Issuer, Server, issuer
from tests.lab.provider_records import SCOPES, Records
from tests.lab.realm import password_of

if TYPE_CHECKING:
    from tests.lab.provider_records import Session

# Cookies know no ports: a name that nothing else on 127.0.0.1 has.
SESSION_COOKIE = "harbor-demo-provider"
PATHS = {
    "authorization_endpoint": "/authorize",
    "token_endpoint": "/token",
    "jwks_uri": "/jwks",
    "revocation_endpoint": "/revoke",
}
PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}
# The form's names are Keycloak's, which the lab's persons at browsers look for.
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Sign in: the demo's identity provider</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body { font: 16px/1.5 system-ui, sans-serif; max-width: 26em; margin: 12vh auto; padding: 0 1em; color: #1c2b33 }
label { display: block; margin-top: .8em } input { font: inherit; width: 100%; box-sizing: border-box; padding: .4em }
button { font: inherit; margin-top: 1.2em; padding: .5em 1.6em } .fault { color: #b00020 } .note { color: #5a6b73 }
</style></head><body>
{% if refused %}<h1>This cannot go on</h1><p class="fault" role="alert">{{ refused }}</p>
{% else %}<h1>Sign in</h1>
{% if fault %}<p class="fault" role="alert">{{ fault }}</p>{% endif %}
<form id="kc-form-login" method="post" action="{{ action }}">
<label>User name<input id="username" name="username" value="{{ username }}" autocomplete="off"></label>
<label>Password<input id="password" name="password" type="password" value="{{ password }}" autocomplete="off"></label>
<button id="kc-login" autofocus>Sign in</button></form>
<p class="note">This is the demo's own identity provider: it runs on this machine and is gone with the demo.
The demo's person is filled in; just go on.</p>{% endif %}
</body></html>
"""


class ProviderEndpoints:
    """A WSGI application. `requests` are the paths asked for, `agents` by whom; `logins` counts the forms filled in."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.requests: list[str] = []
        self.agents: list[str] = []
        self.logins = 0
        self.app = Flask("embedded-provider")
        self._oauth = Server(self.app, records)
        self._route()

    def _note(self) -> None:
        self.requests.append(request.path)
        self.agents.append(request.headers.get("User-Agent", ""))

    def _route(self) -> None:
        self.app.before_request(self._note)
        rules: list[tuple[str, str, Any]] = [
            ("GET", "/.well-known/openid-configuration", self._discovery),
            ("GET", PATHS["jwks_uri"], lambda: jsonify(self.records.public_keys())),
            ("POST", PATHS["token_endpoint"], self._token),
            ("POST", PATHS["revocation_endpoint"], self._revoke),
            ("GET", PATHS["authorization_endpoint"], self._authorize),
            ("POST", PATHS["authorization_endpoint"], self._log_in),
        ]
        for method, path, view in rules:
            self.app.add_url_rule(path, f"{method} {path}", view, methods=[method])

    def _discovery(self) -> Response:
        methods = ["client_secret_basic", "client_secret_post", "none"]
        return jsonify(
            issuer=issuer(),
            **{name: issuer() + path for name, path in PATHS.items()},
            scopes_supported=list(SCOPES),
            response_types_supported=["code"],
            response_modes_supported=["query"],
            grant_types_supported=["authorization_code", "refresh_token"],
            subject_types_supported=["public"],
            id_token_signing_alg_values_supported=["RS256"],
            token_endpoint_auth_methods_supported=methods,
            revocation_endpoint_auth_methods_supported=methods,
            code_challenge_methods_supported=["S256"],
            authorization_response_iss_parameter_supported=True,
        )

    def _authorize(self) -> Response:
        """GET: straight back to the client where the browser has a session, else the form."""
        session = self.records.sessions.get(request.cookies.get(SESSION_COOKIE, ""))
        return self._answer(session if session and self.records.lives(session) else None)

    def _log_in(self) -> Response:
        """POST: the form came back."""
        somebody = self.records.people.get(request.form.get("username", ""))
        if somebody is None or not somebody.accepts(request.form.get("password", "")):
            return self._answer(None, fault="Invalid user name or password.")
        self.logins += 1
        session = self.records.begin_session(somebody)
        answer = self._answer(session, filled_in=True)
        answer.set_cookie(SESSION_COOKIE, session.name, path=f"{request.root_path}/", httponly=True, samesite="Lax")
        return answer

    def _token(self) -> Response:
        kind = {"authorization_code": "CODE_TO_TOKEN", "refresh_token": "REFRESH_TOKEN"}
        return self._noted(kind.get(request.form.get("grant_type", ""), ""), self._oauth.create_token_response())

    def _revoke(self) -> Response:
        return self._noted("REVOKE_GRANT", self._oauth.create_endpoint_response("revocation"))

    def _noted(self, kind: str, answer: Response) -> Response:
        client_id = request.authorization.username if request.authorization else request.form.get("client_id")
        self.records.events.append((client_id or "", kind if answer.status_code == 200 else f"{kind}_ERROR"))
        return answer

    def _answer(self, session: Session | None, fault: str = "", filled_in: bool = False) -> Response:
        try:
            grant = self._oauth.get_consent_grant(end_user=session)
        except OAuth2Error as error:
            return self._refuse(error)
        if session and (filled_in or not grant.prompt):
            response: Response = self._oauth.create_authorization_response(grant_user=session, grant=grant)
            return response
        hint = request.args.get("login_hint", "")
        username = hint if hint in self.records.people else next(iter(self.records.people))
        return _page(
            200,
            action=request.root_path + request.full_path,
            username=username,
            password=password_of(username),
            fault=fault,
        )

    def _refuse(self, error: Any) -> Response:
        """Told to the client only where the redirect URI is known to be its own (RFC 6749 4.1.2.1)."""
        if not error.redirect_uri:
            return _page(400, refused=error.description or error.error)
        answer: Response = self._oauth.handle_error_response(None, error)
        Issuer().add_issuer_parameter(self._oauth, answer)
        return answer


def _page(status: int, **values: str) -> Response:
    return Response(render_template_string(PAGE, **values), status, PAGE_HEADERS, mimetype="text/html")
