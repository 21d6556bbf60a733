"""Harbor's client: one function an endpoint. Only this file knows what Harbor's statuses mean.

Source: Harbor's API (``/api/v2.0``, ``/service/token``) and its OIDC login (``/c/oidc/login``), as recorded from a real
core. Every function raises Unreachable (TlsFailed, ServerFault, BrokenAnswer among it) when Harbor cannot be asked or
its answer means nothing; expected refusals are returned.
"""

from __future__ import annotations

import string
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit, urlunsplit

from docker_credential_harbor.errors import (
    BrokenAnswer,
    Failure,
    HarborCannotReachProvider,
    NoAnswer,
    NotHarborsRedirect,
    NotOidcMode,
    SecretRefused,
    TokenTooLong,
    Unreachable,
)
from docker_credential_harbor.model import CurrentUser, LoginRedirect, PairKind, SystemInfo
from docker_credential_harbor.outside.clean_text import LONGEST_NAME, Said, is_plain, shown
from docker_credential_harbor.remote.web.answer import host_of
from docker_credential_harbor.remote.web.transport import is_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from docker_credential_harbor.model import Credentials, Registry, ReleasedIdToken
    from docker_credential_harbor.remote.web.answer import Answer
    from docker_credential_harbor.remote.web.transport import Transport

# Without a scope: a scoped request with a dead or wrong secret is answered 200, with a token for what is public.
PROBE_PATH = "/service/token?service=harbor-registry"
CURRENT_USER_PATH = "/api/v2.0/users/current"
SYSTEM_INFO_PATH = "/api/v2.0/systeminfo"
LOGIN_PATH = "/c/oidc/login"
CALLBACK_PATH = "/c/oidc/callback"
ONBOARD_PATH = "/oidc-onboard"  # where a person picks the Harbor user name
PROFILE_PATH = "/harbor/projects"  # the profile itself is a dialog of every page, without an address
REDIRECTS = (301, 302, 303, 307, 308)

# What Harbor's administrator may add to our request as well: a refresh token (Google), how strongly and in which
# language people sign in (OIDC Core 3.1.2.1), and by which of the provider's sources: Keycloak; Okta; others; Cognito;
# Entra and Google; Auth0; Dex. Nothing else: providers know parameters that delete accounts (Keycloak's kc_action).
FURTHER_PARAMETERS = (
    *("access_type", "acr_values", "ui_locales", "kc_idp_hint", "idp", "idp_hint", "identity_provider"),
    *("idp_identifier", "domain_hint", "hd", "connection", "organization", "connector_id"),
)

LONG_TOKEN_CHARACTERS = 4000  # what is shorter passes every usual front
TOO_LONG_STATUSES = (400, 413, 431, 494)  # RFC 6585 5; nginx's own 494 leaves it as 400; some take it for the body

CLI_SECRET_CHARACTERS = 40  # Harbor takes 8 to 128
REPLACEMENT_CHARACTER = "\ufffd"


def probe(http: Transport, registry: Registry, credentials: Credentials) -> bool:
    """Whether the pair works now. By asking, Harbor refreshes the token that it stored, if need be."""
    answer = http.request("GET", registry.url + PROBE_PATH, basic=credentials)
    if answer.status == 401:
        return False
    value = _ok(answer).json_object()
    if not (value.unseen("token") or value.unseen("access_token")):
        raise BrokenAnswer(host=answer.host, reason="no token in it")
    return True


def current_user(http: Transport, registry: Registry, id_token: ReleasedIdToken) -> CurrentUser | None:
    """Whose ID token it is, with the CLI secret.

    None: the token is not accepted, the person is not onboarded, or Harbor cannot reach its provider. Raises
    TokenTooLong.
    """
    answer = _with_id_token(http, registry, "GET", registry.url + CURRENT_USER_PATH, id_token)
    if answer.status == 401:
        return None
    value = _ok(answer).json_object()
    meta = value.object("oidc_user_meta")
    user_id, username = value.value("user_id"), value.plain("username", LONGEST_NAME)
    if type(user_id) is not int or not value.unseen("username") or not meta:
        raise BrokenAnswer(host=answer.host, reason="no OIDC user in it")
    if not username:
        raise BrokenAnswer(host=answer.host, reason="a user name that cannot be shown as it is")
    return CurrentUser(
        user_id=user_id,
        username=username,
        secret=_readable(meta.unseen("secret")),
        token_updated_at=meta.shown("update_time"),
        token_age_seconds=_age_seconds(meta.shown("update_time"), answer.headers.get("date")),
    )


def pair_kind(http: Transport, registry: Registry, credentials: Credentials) -> PairKind:
    """What a pair that passes the probe is; of one that does not, PERSON says nothing."""
    answer = http.request("GET", registry.url + CURRENT_USER_PATH, basic=credentials)
    if answer.status == 412:  # "get current user not available for security context: robot"
        return PairKind.ROBOT
    if answer.status == 401:  # a CLI secret is good for images, not for the API
        return PairKind.PERSON
    _ok(answer).json_object()
    return PairKind.LOCAL


def login_url(registry: Registry) -> str:
    """Where Harbor's own sign-in begins: walking it renews the token that Harbor stored for the person."""
    return registry.url + LOGIN_PATH


def profile_url(registry: Registry) -> str:
    """Harbor's page, from which the user profile with the CLI secret opens, by way of its login."""
    return f"{login_url(registry)}?{urlencode({'redirect_url': PROFILE_PATH})}"


def login_redirect(http: Transport, registry: Registry) -> LoginRedirect:
    """Harbor's client at the provider, its scopes and the authorization endpoint; readable without any account.

    Raises HarborCannotReachProvider, which 500 or silence means here, NotOidcMode, and NotHarborsRedirect.
    """
    try:
        answer = http.request("GET", login_url(registry))
    except NoAnswer as error:
        raise HarborCannotReachProvider(registry=registry.name) from error
    if answer.status in (500, 504):  # 504: a gateway before Harbor that was not as patient as Harbor is
        raise HarborCannotReachProvider(registry=registry.name)
    if answer.status == 412:
        raise NotOidcMode(registry=registry.name)
    answer.raise_for_server_fault()
    if answer.status not in (302, 303):
        raise _no_answer_of_harbors(answer)
    return _login_redirect(answer)


def set_cli_secret(http: Transport, registry: Registry, id_token: ReleasedIdToken, user_id: int, secret: str) -> None:
    """Replace the person's one CLI secret; the old one is invalid at once. Raises SecretRefused, TokenTooLong."""
    url = f"{registry.url}/api/v2.0/users/{user_id}/cli_secret"
    answer = _with_id_token(http, registry, "PUT", url, id_token, json={"secret": secret})
    answer.raise_for_server_fault()
    if 400 <= answer.status < 500:
        raise SecretRefused(registry=registry.name, reason=_message(answer) or f"status {answer.status}")
    _ok(answer)


def new_cli_secret() -> str:
    """A random secret that Harbor takes: with an upper-case letter, a lower-case letter and a digit."""
    import secrets

    alphabet = string.ascii_letters + string.digits
    while True:
        secret = "".join(secrets.choice(alphabet) for _ in range(CLI_SECRET_CHARACTERS))
        if any(c.isupper() for c in secret) and any(c.islower() for c in secret) and any(c.isdigit() for c in secret):
            return secret


def system_info(http: Transport, registry: Registry) -> SystemInfo:
    """What Harbor tells everybody about itself."""
    answer = _ok(http.request("GET", registry.url + SYSTEM_INFO_PATH))
    value = answer.json_object()
    try:
        clock: float | None = _by_its_clock(answer.headers.get("date")).timestamp()
    except (ValueError, TypeError):
        clock = None
    return SystemInfo(value.shown("auth_mode"), value.shown("harbor_version"), clock)


def _with_id_token(
    http: Transport, registry: Registry, method: str, url: str, id_token: ReleasedIdToken, json: object | None = None
) -> Answer:
    """Raises TokenTooLong where something before Harbor does not let the token through."""
    is_long = len(id_token) >= LONG_TOKEN_CHARACTERS
    try:
        answer = http.request(method, url, bearer=id_token, json=json)
    except Unreachable as error:
        if not is_long or type(error) is not Unreachable:
            raise
        # Some break the connection off instead. So does many another thing: it has to happen again, and only with it.
        http.request("GET", registry.url + CURRENT_USER_PATH)
        try:
            answer = http.request(method, url, bearer=id_token, json=json)
        except Unreachable as again:
            raise _too_long(registry, url, id_token, again.facts.get("reason", again.code)) from again
    if is_long and answer.status in TOO_LONG_STATUSES and _message(answer) is None:
        raise _too_long(registry, url, id_token, f"status {answer.status}")
    return answer


def _too_long(registry: Registry, url: str, id_token: str, reason: str) -> TokenTooLong:
    from docker_credential_harbor.remote.id_token import longest_claim

    claim = longest_claim(id_token)
    return TokenTooLong(
        registry=registry.name,
        host=host_of(url),
        client_id=registry.client_id,
        characters=f"{len(id_token):,}",
        excess=f"the claim {shown(claim)!r}" if claim else "what makes it so long",
        reason=reason,
    )


def or_its_provider(http: Transport, registry: Registry, failure: Failure) -> Failure:
    """The failure, or HarborCannotReachProvider where Harbor is silent and yet says what it is: one quick request.

    Harbor waits for its provider without a limit of time; `systeminfo` needs no provider.
    """
    silent = failure.__cause__ if isinstance(failure, HarborCannotReachProvider) else failure
    if not isinstance(silent, NoAnswer) or silent.facts["host"] != host_of(registry.url):
        return failure
    try:
        system_info(http.with_the_rest(), registry)
    except Failure:
        return silent
    return HarborCannotReachProvider(registry=registry.name)


def _ok(answer: Answer) -> Answer:
    answer.raise_for_server_fault()
    if answer.status != 200:
        raise _no_answer_of_harbors(answer)
    return answer


def _no_answer_of_harbors(answer: Answer) -> BrokenAnswer:
    """The error for a status that means nothing here. A redirect to the same path elsewhere is a moved address."""
    asked = urlsplit(answer.url)
    try:
        led_to = urlsplit(urljoin(answer.url, answer.headers.get("location", "")))
    except ValueError:
        return answer.unexpected()
    if answer.status not in REDIRECTS or led_to.path == asked.path:
        return answer.unexpected()
    where = host_of(led_to.geturl()) + led_to.path
    return NotHarborsRedirect(host=answer.host, reason=f"status {answer.status}", path=asked.path, where=where)


def _readable(secret: str | None) -> str | None:
    """None for what a changed ``secretKey`` leaves of a secret: bytes that JSON can only show as U+FFFD or controls."""
    if not secret or REPLACEMENT_CHARACTER in secret or not secret.isprintable():
        return None
    return secret


def _age_seconds(updated_at: str, answered_at: str | None) -> float | None:
    """By Harbor's clock alone, so that ours may differ; the Date header has whole seconds."""
    whole, point, rest = updated_at.replace("Z", "+00:00").partition(".")
    digits = rest[: len(rest) - len(rest.lstrip(string.digits))]  # as many as Go has; Python before 3.11 takes six
    try:
        then = datetime.fromisoformat(f"{whole}{point}{digits[:6].ljust(6 if point else 0, '0')}{rest[len(digits) :]}")
        return (_by_its_clock(answered_at) - then).total_seconds()
    except (ValueError, TypeError):
        return None


def _by_its_clock(date: str | None) -> datetime:
    """The instant in a Date header (RFC 9110 6.6.1). Raises ValueError or TypeError for what is none."""
    from email.utils import parsedate_to_datetime  # requests needs most of it: later it is imported for less

    return parsedate_to_datetime(date or "")


def _login_redirect(answer: Answer) -> LoginRedirect:
    try:
        parts = urlsplit(answer.headers.get("location", ""))
        query = parse_qs(parts.query)
    except ValueError as error:
        raise BrokenAnswer(host=answer.host, reason="a redirect that is no URL") from error
    client_id = query.get("client_id", [""])[0]
    if parts.scheme not in ("http", "https") or not parts.netloc or not client_id or not _is_harbors_own(query):
        raise _no_answer_of_harbors(answer)
    endpoint = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
    if not is_plain(client_id, LONGEST_NAME):
        raise BrokenAnswer(host=answer.host, reason="a redirect with a client ID that is none")
    if not is_url(endpoint):
        raise BrokenAnswer(host=answer.host, reason="a redirect that is no URL")
    redirect_uri = query["redirect_uri"][0]
    if not is_url(redirect_uri):
        raise BrokenAnswer(host=answer.host, reason="a redirect with a redirect_uri that is no URL")
    return LoginRedirect(
        authorization_endpoint=endpoint,
        client_id=client_id,
        scopes=tuple(query.get("scope", [""])[0].split()),
        further=_further(query),
        redirect_uri=redirect_uri,
    )


def _is_harbors_own(query: Mapping[str, list[str]]) -> bool:
    """Whether it is the authorization request that Harbor makes: others before it have callbacks of their own.

    Harbor's own host may be another there, by its ``external_url``; trusted_provider.py looks at it.
    """
    redirect_uri = query.get("redirect_uri", [""])[0].partition("?")[0]
    return redirect_uri.endswith(CALLBACK_PATH) and query.get("response_type") == ["code"] and "state" in query


def _further(query: Mapping[str, list[str]]) -> tuple[tuple[str, str], ...]:
    """Harbor's ``oidc_extra_redirect_parms``, and what it adds for Google by itself: some providers need it of us too.

    Of ``prompt`` only consent is taken, on which the refresh token hangs (OIDC Core 11): login or select_account would
    ask the person twice in our one tab.
    """
    given = {name: query[name][0] for name in sorted(FURTHER_PARAMETERS) if name in query}
    found = {name: value for name, value in given.items() if is_plain(value, LONGEST_NAME)}
    if "consent" in query.get("prompt", [""])[0].split():
        found["prompt"] = "consent"
    return tuple(found.items())


def _message(answer: Answer) -> str | None:
    """Harbor's own words (``{"errors": [{"message": …}]}``); None: it did not say anything in its form."""
    try:
        errors = answer.json_object().value("errors")
    except BrokenAnswer:
        errors = None
    first = errors[0] if isinstance(errors, list) and errors else None
    return (Said(first).shown("message") or None) if isinstance(first, dict) else None
