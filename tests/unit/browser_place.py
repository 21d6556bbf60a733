"""A sign-in by browser, with a small provider on loopback and a browser that is the test itself."""

from __future__ import annotations

import hashlib
import http.client
import threading
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from joserfc import jwk, jwt

from docker_credential_harbor.model import LoginRedirect, Provider, Registry, Settings
from docker_credential_harbor.remote.web.transport import Transport
from docker_credential_harbor.sign_in import by_browser

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker_credential_harbor.model import SignInResult
    from tests.unit.loopback import Answers, Asked, Reply

KEY = jwk.generate_key("EC", "P-256", {"kid": "k"}, private=True)
HARBOR = "https://harbor.example.com/c/oidc/login"
OFFLINE = ("openid", "offline_access")
ONLINE = ("openid",)


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    body: str


def fetch(url: str, method: str = "GET", **headers: str) -> Response:
    """One request of a browser, redirects not followed."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    connection.request(method, f"{parts.path or '/'}?{parts.query}".rstrip("?"), headers=headers)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return Response(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)


@dataclass
class Place:
    """A provider, and a person whose browser does with an authorization URL what ``behave`` does.

    ``links`` are the addresses given to it, ``opened`` the authorization URLs that they led to.
    """

    answers: Answers
    registry: Registry = field(default_factory=lambda: Registry("harbor.example.com", "https://harbor.example.com"))
    iss_supported: bool = True
    links: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)
    challenges: dict[str, dict[str, str]] = field(default_factory=dict)
    threads: list[threading.Thread] = field(default_factory=list)
    faults: list[BaseException] = field(default_factory=list)
    token_faults: list[Reply] = field(default_factory=list)

    @property
    def provider(self) -> Provider:
        url = self.answers.url
        return Provider(url, f"{url}/auth", f"{url}/token", f"{url}/certs", iss_parameter_supported=self.iss_supported)

    def token(self, asked: Asked) -> Reply:
        """The token endpoint: codes are good once, and only with their verifier (RFC 7636 4.6)."""
        self.events.append("exchange")
        if self.token_faults:
            return self.token_faults.pop(0)
        form = asked.form
        request = self.challenges.pop(form["code"], None)
        digest = urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        if request is None or (request["code_challenge"], request["redirect_uri"]) != (digest, form["redirect_uri"]):
            return (400, {}, {"error": "invalid_grant"})
        now = int(time.time())
        claims = {"iss": self.answers.url, "sub": "s", "aud": form["client_id"], "iat": now, "exp": now + 300}
        signed = jwt.encode(
            {"alg": "ES256", "kid": "k"}, {**claims, "nonce": request["nonce"]}, KEY, algorithms=["ES256"]
        )
        return (200, {}, {"access_token": "a", "expires_in": 300, "id_token": signed, "refresh_token": "r"})

    def back(self, url: str, **changes: str | None) -> str:
        """The callback's address for an authorization URL; the provider knows the code from then on."""
        request = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        code = f"code-{len(self.challenges)}-{request['state']}"
        self.challenges[code] = request
        parameters = {"code": code, "state": request["state"], "iss": self.answers.url, **changes}
        return f"{request['redirect_uri']}?{urlencode({k: v for k, v in parameters.items() if v is not None})}"

    def visit(self, url: str, **headers: str) -> Response:
        response = fetch(url, **headers)
        self.responses.append(response)
        self.events.append(f"browser at {response.headers.get('location', response.status)}")
        return response

    def visit_to_the_page(self, url: str, **headers: str) -> Response:
        """As far as redirects of the loopback server to itself lead; the page must stand at an address without code."""
        response = self.visit(url, **headers)
        while (location := response.headers.get("location", "")).startswith("/"):
            url = urljoin(url, location)
            response = self.visit(url, **headers)
        assert not urlsplit(url).query
        return response

    def sign_in(
        self, behave: Callable[[str], object], scopes: tuple[str, ...] = ONLINE, **changes: Any
    ) -> SignInResult:
        def run(url: str) -> None:
            try:
                behave(url)
            except BaseException as fault:
                self.faults.append(fault)

        def open_url(link: str) -> None:
            self.links.append(link)
            url = fetch(link).headers["location"]
            self.opened.append(url)
            self.threads.append(threading.Thread(target=run, args=(url,), daemon=True))
            self.threads[-1].start()

        arguments: dict[str, Any] = {
            "settings": Settings(login_timeout_seconds=30),
            "login_hint": None,
            "check": lambda _: None,
            "open_url": open_url,
            "harbor_login_url": HARBOR,
            "hold_back": lambda: True,
            "cancelled": lambda: False,
            "now": time.time,
            **changes,
        }
        redirect = LoginRedirect("https://sso.example.com/auth", "harbor", scopes)
        try:
            return by_browser.sign_in(Transport(10), self.provider, self.registry, redirect, **arguments)
        finally:
            for thread in self.threads:
                thread.join(30)
            if self.faults:
                raise self.faults[0]


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
