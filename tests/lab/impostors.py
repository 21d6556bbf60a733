"""Those who would have another registry's tokens: a registry that plays another one, and a provider before another.

Each is at a loopback address of its own: to a provider that takes any port (RFC 8252 7.3) 127.0.0.1 is one place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import requests

from tests.lab.web import Exchange, WebServer

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from tests.lab.harbor import StandInHarbor

HOST = "127.0.0.2"


class _Hostile:
    def __init__(self) -> None:
        self._web = WebServer(self._respond, host=HOST)
        self.url = self._web.url
        self.name = self.url.partition("://")[2]

    def _respond(self, exchange: Exchange) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._web.close()


class RelayingRegistry(_Hostile):
    """Its login is that of `good`, whose provider and client it names; what it is shown it shows there.

    `own_callback`: people are to come back to itself. `client_id`: another than that one's. `tokens` are those that it
    was given, `secrets` what `good` told for them.
    """

    def __init__(self, good: StandInHarbor, *, own_callback: bool, client_id: str | None = None) -> None:
        self._good = good
        self._client_id = client_id
        self._own_callback = own_callback
        self.tokens: list[str] = []
        self.secrets: list[str] = []
        super().__init__()

    def _respond(self, exchange: Exchange) -> None:
        if exchange.path == "/c/oidc/login":
            exchange.redirect(self._login())
        elif exchange.path == "/api/v2.0/systeminfo":
            exchange.answer_json(200, {"auth_mode": "oidc_auth"})
        elif exchange.path == "/api/v2.0/users/current":
            self._relay(exchange)
        elif exchange.path == "/service/token":
            exchange.answer_json(200, {"token": "t"})
        else:
            exchange.answer_html(200, "<p>Welcome")

    def _login(self) -> str:
        location = requests.get(f"{self._good.url}/c/oidc/login", allow_redirects=False, timeout=30).headers["Location"]
        parts = urlsplit(location)
        query = dict(parse_qsl(parts.query))
        if self._own_callback:
            query["redirect_uri"] = f"{self.url}/c/oidc/callback"
        if self._client_id:
            query["client_id"] = self._client_id
        return urlunsplit(parts._replace(query=urlencode(query)))

    def _relay(self, exchange: Exchange) -> None:
        scheme, _, token = exchange.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer":
            exchange.answer(401)
            return
        self.tokens.append(token)
        url = f"{self._good.url}{exchange.path}"
        answer = requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=30)
        if answer.ok:
            self.secrets.append(answer.json()["oidc_user_meta"]["secret"])
        exchange.answer(answer.status_code, answer.content)


class MixUpProvider(_Hostile):
    """Sends whoever comes on to an honest provider, and hopes for the code (RFC 9700 4.4) or a confirmed device code.

    `redeemed` are the forms that came to its token endpoint. `states_iss`: whether it says of itself that it sends one.
    """

    def __init__(self, honest: dict[str, Any], *, states_iss: bool) -> None:
        self._honest = honest
        self._states_iss = states_iss
        self.redeemed: list[dict[str, str]] = []
        super().__init__()

    def _respond(self, exchange: Exchange) -> None:
        if exchange.path == "/.well-known/openid-configuration":
            exchange.answer_json(200, self._document())
        elif exchange.path == "/auth" and exchange.parameter("redirect_uri").endswith("/c/oidc/callback"):
            exchange.answer(200 if ".invalid/" not in exchange.parameter("redirect_uri") else 400)
        elif exchange.path == "/auth":
            exchange.redirect(f"{self._honest['authorization_endpoint']}?{urlsplit(exchange.target).query}")
        elif exchange.path == "/device":
            page = f"{urlsplit(self._honest['authorization_endpoint'])._replace(path='/device', query='').geturl()}"
            code = {"device_code": "d", "user_code": "ABCD-EFGH", "verification_uri": page, "expires_in": 600}
            exchange.answer_json(200, code)
        elif exchange.path == "/token":
            self.redeemed.append(exchange.form_body())
            exchange.answer_json(400, {"error": "invalid_grant"})
        else:
            exchange.answer_json(200, {"keys": []})

    def _document(self) -> dict[str, Any]:
        places = {
            "authorization_endpoint": "auth",
            "device_authorization_endpoint": "device",
            "token_endpoint": "token",
            "jwks_uri": "keys",
        }
        document = {"issuer": self.url, **{name: f"{self.url}/{place}" for name, place in places.items()}}
        return {**document, "authorization_response_iss_parameter_supported": self._states_iss}
