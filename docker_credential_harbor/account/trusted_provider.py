"""Whether a registry gets a sign-in of ours at the provider that its login names; looked at before anybody is asked.

All that a registry says of provider, client and callback may be another registry's, so that our ID token would be
taken there. So the callback must be its own, and the provider must take it for that client, and no made-up one. The
provider must send `iss` (RFC 9207 4), by which a code shows whose it is (RFC 9700 4.4), and it stays the one of the
first sign-in. Where `issuer` is configured, that is the person's own word, and nothing of this is asked.

What the provider says is noted either way, since a refusal stands in its event log: `asked` asks it, once, and `check`
goes by the notes alone. A person's own command asks it anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from docker_credential_harbor.errors import (
    AnotherIssuer,
    AnotherLogin,
    AnotherName,
    AudienceShared,
    IssuerUnconfirmed,
    NotVouchedFor,
    Unreachable,
)
from docker_credential_harbor.model import Pin, Word
from docker_credential_harbor.remote import discovery
from docker_credential_harbor.warm_get import server_url

if TYPE_CHECKING:
    from docker_credential_harbor.errors import Failure
    from docker_credential_harbor.model import DeviceCode, LoginRedirect, Provider, Registry, SignIn
    from docker_credential_harbor.remote.web.answer import Answer
    from docker_credential_harbor.remote.web.transport import Transport
    from docker_credential_harbor.storage.registry_notes import Notes

REFUSALS = (AnotherIssuer, AnotherLogin, AnotherName, AudienceShared, IssuerUnconfirmed, NotVouchedFor)


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
    return AnotherName(registry=registry.name, origin=callback or redirect.redirect_uri)


def asked(
    http: Transport,
    registry: Registry,
    redirect: LoginRedirect,
    found: Provider,
    notes: Notes,
    before: SignIn | None,
    *,
    anew: bool,
) -> Notes:
    """The notes with the provider's word: the pin, or what stands against it. For ``check``; to be saved either way.

    Two requests at most, where the notes do not have it. ``before``: the sign-in that is kept, which an older version
    may have made; ``anew``: a word that was no pin may have changed. Raises AnotherName, AnotherIssuer, for which
    nobody is asked, and Unreachable.
    """
    own_doubt = doubt(registry, redirect, found, pinned_issuer(notes, before))
    if own_doubt and not isinstance(own_doubt, IssuerUnconfirmed):
        raise own_doubt
    pin = pin_for(redirect, found)
    if registry.issuer or notes.pin == pin:
        return notes
    word = _asked(http, registry, redirect, found, None if anew else word_noted(notes, pin))
    if word.takes_own and word.refuses_made_up:
        return notes._replace(pin=pin, word=None)
    return notes._replace(word=word)


def check(registry: Registry, redirect: LoginRedirect, found: Provider, notes: Notes, before: SignIn | None) -> None:
    """Without a request, by what is noted; what nobody has asked yet is no reason.

    Raises AnotherName, AnotherIssuer, NotVouchedFor, IssuerUnconfirmed.
    """
    pin = pin_for(redirect, found)
    own_doubt = doubt(registry, redirect, found, pinned_issuer(notes, before))
    word = None if registry.issuer or notes.pin == pin else word_noted(notes, pin)
    # A person may set aside that it sends no iss, but not what it refuses.
    if word and not word.takes_own and (own_doubt is None or isinstance(own_doubt, IssuerUnconfirmed)):
        raise NotVouchedFor(registry=registry.name, redirect_uri=redirect.redirect_uri, client_id=redirect.client_id)
    if own_doubt:
        raise own_doubt
    if word:
        raise _unconfirmed(registry, found, "it refuses no made-up callback")


def check_walk(http: Transport, registry: Registry, redirect: LoginRedirect, notes: Notes) -> None:
    """That Harbor's own login still leads to the provider that the registry is held to; as a rule without a request.

    Raises AnotherIssuer, AnotherLogin, ProviderNotFound, Unreachable.
    """
    held_to, kept = registry.issuer or pinned_issuer(notes, None), notes.provider
    endpoint = redirect.authorization_endpoint
    if held_to is None or (kept and (kept.issuer, kept.endpoint_without_query) == (held_to, endpoint)):
        return
    try:
        found = discovery.find(http, redirect, registry)
    except Unreachable:
        if registry.issuer and _origin(endpoint) == _origin(registry.issuer):
            return  # from here; the person's browser may well reach it
        raise
    if found.issuer != held_to:
        raise AnotherIssuer(registry=registry.name, issuer=found.issuer, pinned=held_to)
    if found.endpoint_without_query != endpoint:  # of the configured one, which is found by its name
        raise AnotherLogin(registry=registry.name, endpoint=endpoint, issuer=held_to)


def pin_for(redirect: LoginRedirect, found: Provider) -> Pin:
    """What the provider is to vouch for."""
    return Pin(found.issuer, redirect.client_id, redirect.redirect_uri)


def pinned_issuer(notes: Notes, before: SignIn | None) -> str | None:
    """The issuer that the registry is held to; None: to none yet."""
    if notes.pin:
        return notes.pin.issuer
    return before.tokens.issuer if before else None


def _asked(http: Transport, registry: Registry, redirect: LoginRedirect, found: Provider, known: Word | None) -> Word:
    """By requests that nobody is sent to. The made-up one is left out where its answer would change nothing."""
    from docker_credential_harbor.remote import authorization

    word = known or asked_of_own(http, registry, redirect, found)
    if word.takes_own and word.refuses_made_up is None and found.iss_parameter_supported:
        # Another 4xx is no word of the provider's: a firewall may turn away addresses that look odd to it.
        made_up = _answer(http, registry, redirect, found, _made_up(redirect.redirect_uri))
        word = word._replace(refuses_made_up=authorization.is_refusal(made_up))
    return word


def asked_of_own(http: Transport, registry: Registry, redirect: LoginRedirect, found: Provider) -> Word:
    """Whether it takes the registry's callback for the client that this names as Harbor's. Raises Unreachable."""
    from docker_credential_harbor.remote import authorization

    own = _answer(http, registry, redirect, found, redirect.redirect_uri)
    authorization.check_is_clear(own)
    return Word(pin_for(redirect, found), takes_own=not authorization.is_refusal(own))


def _answer(http: Transport, registry: Registry, redirect: LoginRedirect, found: Provider, redirect_uri: str) -> Answer:
    """To Harbor's authorization request, as Harbor itself would make it."""
    from docker_credential_harbor.remote import authorization

    harbors = registry._replace(client_id=redirect.client_id)
    request = authorization.request(found, harbors, redirect_uri, redirect.scopes, redirect.further)
    return authorization.first_answer(http, request.url)


def word_noted(notes: Notes, pin: Pin) -> Word | None:
    """What the provider said of that very callback, unless it has vouched for it."""
    return notes.word if notes.word and notes.word.of == pin else None


def check_device_page(registry: Registry, found: Provider, code: DeviceCode) -> None:
    """The page must be the provider's own: a code of another one's would give that one's tokens to this one.

    No `iss` comes with a device code (RFC 8628). Raises IssuerUnconfirmed.
    """
    pages = {_origin(url) for url in (code.verification_uri, code.verification_uri_complete) if url}
    if not registry.issuer and pages != {_origin(found.authorization_endpoint)}:
        raise _unconfirmed(registry, found, "its page for codes is elsewhere")


def _made_up(redirect_uri: str) -> str:
    """Harbor's callback on a host that nobody can have (RFC 6761 6.4) and that `HOST*` would match."""
    import secrets

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
