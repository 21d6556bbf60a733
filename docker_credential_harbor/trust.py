"""Whether a registry gets a sign-in of ours at the provider that its login names; looked at before anybody is asked.

All that a registry says of provider, client and callback may be another registry's, so that our ID token would be
taken there. So the callback must be its own, and the provider must take it for that client, and no made-up one. The
provider must send `iss` (RFC 9207 4), by which a code shows whose it is (RFC 9700 4.4), and it stays the one of the
first sign-in. Where `issuer` is configured, that is the person's own word, and nothing of this is asked.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from docker_credential_harbor import discovery, provider, server_url
from docker_credential_harbor.errors import (
    AnotherIssuer,
    AnotherName,
    AudienceShared,
    IssuerUnconfirmed,
    NotVouchedFor,
)
from docker_credential_harbor.model import Pin

if TYPE_CHECKING:
    from docker_credential_harbor.errors import Failure
    from docker_credential_harbor.model import DeviceCode, LoginRedirect, Provider, Registry, SignIn
    from docker_credential_harbor.registry_state import Notes
    from docker_credential_harbor.transport import Transport

REFUSALS = (AnotherIssuer, AnotherName, AudienceShared, IssuerUnconfirmed, NotVouchedFor)


def doubt(registry: Registry, redirect: LoginRedirect, found: Provider, pinned: str | None = None) -> Failure | None:
    """Why it gets none, as far as that shows without a request; ``pinned``: the issuer that it is held to, if any."""
    if registry.issuer:
        return None
    if elsewhere := callback_elsewhere(registry, redirect):
        return elsewhere
    if not found.iss_parameter_supported:
        return _unconfirmed(registry, found, "it sends no iss")
    if pinned not in (None, found.issuer):
        return AnotherIssuer(registry=registry.name, issuer=found.issuer, pinned=pinned)
    return None


def callback_elsewhere(registry: Registry, redirect: LoginRedirect) -> AnotherName | None:
    """Where Harbor's callback is not the registry's own: its ``external_url``, or another registry's that it plays."""
    callback = _origin(redirect.redirect_uri)
    if registry.issuer or (callback and callback == _origin(registry.url)):
        return None
    return AnotherName(url=registry.url, origin=callback or redirect.redirect_uri)


def confirmed(
    http: Transport,
    registry: Registry,
    redirect: LoginRedirect,
    found: Provider,
    notes: Notes,
    before: SignIn | None,
) -> Notes:
    """The notes with the pin, once there is no doubt; two requests to the provider where they have none that fits.

    ``before``: the sign-in that is kept, which an older version may have made. Raises AnotherName, IssuerUnconfirmed,
    AnotherIssuer, NotVouchedFor, Unreachable.
    """
    found_doubt = doubt(registry, redirect, found, pinned_issuer(notes, before))
    if isinstance(found_doubt, IssuerUnconfirmed):  # a person may set that aside, but not what the provider refuses
        _check_own_callback(http, registry, redirect, found)
    if found_doubt:
        raise found_doubt
    pin = pin_for(redirect, found)
    if registry.issuer or notes.pin == pin:
        return notes
    vouch(http, registry, redirect, found)
    return notes._replace(pin=pin)


def check_walk(http: Transport, registry: Registry, redirect: LoginRedirect, notes: Notes) -> None:
    """That Harbor's own login still leads to the provider that the registry is held to; as a rule without a request.

    Raises AnotherIssuer, ProviderNotFound, Unreachable.
    """
    pin, kept = notes.pin, notes.provider
    if registry.issuer or pin is None:
        return
    if kept and kept.issuer == pin.issuer and kept.authorization_endpoint == redirect.authorization_endpoint:
        return
    found = discovery.find(http, redirect, registry)
    if found.issuer != pin.issuer:
        raise AnotherIssuer(registry=registry.name, issuer=found.issuer, pinned=pin.issuer)


def pin_for(redirect: LoginRedirect, found: Provider) -> Pin:
    """What the provider is to vouch for."""
    return Pin(found.issuer, redirect.client_id, redirect.redirect_uri)


def pinned_issuer(notes: Notes, before: SignIn | None) -> str | None:
    """The issuer that the registry is held to; None: to none yet."""
    if notes.pin:
        return notes.pin.issuer
    return before.tokens.issuer if before else None


def vouch(http: Transport, registry: Registry, redirect: LoginRedirect, found: Provider) -> None:
    """Asks the provider, by two requests that nobody is sent to; the refusal of the second may stand in its log.

    Raises NotVouchedFor, IssuerUnconfirmed, Unreachable.
    """
    _check_own_callback(http, registry, redirect, found)
    if not provider.refuses(http, _harbors_request(registry, redirect, found, _made_up(redirect.redirect_uri))):
        raise _unconfirmed(registry, found, f"it refused no made-up redirect URI for {redirect.client_id!r}")


def _check_own_callback(http: Transport, registry: Registry, redirect: LoginRedirect, found: Provider) -> None:
    if provider.refuses(http, _harbors_request(registry, redirect, found, redirect.redirect_uri)):
        raise NotVouchedFor(registry=registry.name, redirect_uri=redirect.redirect_uri, client_id=redirect.client_id)


def check_device_page(registry: Registry, found: Provider, code: DeviceCode) -> None:
    """The page must be the provider's own: a code of another one's would give that one's tokens to this one.

    No `iss` comes with a device code (RFC 8628). Raises IssuerUnconfirmed.
    """
    pages = {_origin(url) for url in (code.verification_uri, code.verification_uri_complete) if url}
    if not registry.issuer and pages != {_origin(found.authorization_endpoint)}:
        raise _unconfirmed(registry, found, f"its page for codes is {code.verification_uri}")


def _harbors_request(registry: Registry, redirect: LoginRedirect, found: Provider, redirect_uri: str) -> str:
    """Harbor's authorization request, as Harbor itself would make it."""
    return provider.authorization_url(
        found,
        registry._replace(client_id=redirect.client_id),
        redirect_uri=redirect_uri,
        scopes=redirect.scopes,
        state=secrets.token_urlsafe(),
        nonce=secrets.token_urlsafe(),
        code_verifier=secrets.token_urlsafe(48),
        further=redirect.further,
    )


def _made_up(redirect_uri: str) -> str:
    """Harbor's callback on a host that nobody can have (RFC 6761 6.4) and that `HOST*` would match."""
    parts = urlsplit(redirect_uri)
    host = (parts.hostname or "").strip("[]").replace(":", "-")
    return urlunsplit(parts._replace(netloc=f"{host}.{secrets.token_hex(8)}.invalid"))


def _origin(url: str) -> str:
    """Scheme, host and port (RFC 6454 4), as a URL; empty for what is none, or could be read in two ways."""
    try:
        name, scheme = server_url.parse(url)
    except ValueError:
        return ""
    return f"{scheme}://{name}" if scheme and name else ""


def _unconfirmed(registry: Registry, found: Provider, reason: str) -> IssuerUnconfirmed:
    return IssuerUnconfirmed(registry=registry.name, issuer=found.issuer, reason=reason)
