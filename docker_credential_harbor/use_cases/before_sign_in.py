"""What can be found out about a registry before anybody signs in: Harbor is asked, and its identity provider.

`setup` decides by it whether our client can be used, and tells an administrator what is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from docker_credential_harbor.errors import ClientUnknown, IssuerMismatch, NotOidcMode, ProviderNotFound
from docker_credential_harbor.remote import authorization, discovery, harbor
from docker_credential_harbor.remote.web.transport import Transport
from docker_credential_harbor.system import console

if TYPE_CHECKING:
    from docker_credential_harbor.errors import Failure
    from docker_credential_harbor.model import LoginRedirect, Provider, Registry, Settings, SystemInfo


class FirstLook(NamedTuple):
    """``provider`` None: its discovery document was not found. ``hindrance``: why our client is of no use there."""

    info: SystemInfo
    redirect: LoginRedirect
    provider: Provider | None
    hindrance: Failure | None


def first_look(settings: Settings, registry: Registry) -> FirstLook:
    """At one that need not be configured. Three requests or a few more, without any account.

    Raises Unreachable, NotOidcMode.
    """
    http = Transport(settings.timeout_seconds, registry.ca_file, trace=console.trace)
    info = harbor.system_info(http, registry)
    if info.auth_mode != "oidc_auth":
        raise NotOidcMode(registry=registry.name)
    redirect = harbor.login_redirect(http, registry)
    try:
        found = discovery.find(http, redirect, registry)
    except (ProviderNotFound, IssuerMismatch) as failure:
        return FirstLook(info, redirect, None, failure)
    if registry.client_id:
        try:
            authorization.look_at_client(http, found, registry, redirect)
        except ClientUnknown as failure:
            return FirstLook(info, redirect, found, failure)
    return FirstLook(info, redirect, found, None)
