"""What Harbor and its provider say before anybody signs in."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from docker_credential_harbor import errors
from docker_credential_harbor.use_cases import before_sign_in

if TYPE_CHECKING:
    from docker_credential_harbor.use_cases.before_sign_in import FirstLook
    from tests.unit.loopback import Answers
    from tests.unit.machine import Machine


def first_look(machine: Machine, **changes: str) -> FirstLook:
    registry = machine.registry()._replace(**changes)  # type: ignore[arg-type]
    return before_sign_in.first_look(machine.context().settings, registry)


def test_all_is_well(machine: Machine) -> None:
    seen = first_look(machine)
    assert (seen.info.auth_mode, seen.redirect.client_id, seen.hindrance) == ("oidc_auth", "harbor", None)
    assert seen.provider
    assert seen.provider.issuer == machine.realm.issuer
    assert machine.asked() == ["/api/v2.0/systeminfo", "/c/oidc/login"]


def test_harbor_is_away(machine: Machine) -> None:
    machine.harbor.down()
    with pytest.raises(errors.Unreachable):
        first_look(machine)


def test_harbor_has_accounts_of_its_own(machine: Machine) -> None:
    machine.harbor.auth_mode = "db_auth"
    with pytest.raises(errors.NotOidcMode):
        first_look(machine)


def test_a_client_that_the_provider_does_not_take(machine: Machine) -> None:
    seen = first_look(machine, client_id="nobody")
    assert seen.provider
    assert isinstance(seen.hindrance, errors.ClientUnknown)


def test_without_a_client_the_provider_is_not_asked_about_it(machine: Machine) -> None:
    before = machine.realm.served.requests.count("/authorize")
    seen = first_look(machine, client_id="")
    assert seen.provider
    assert seen.hindrance is None
    assert machine.realm.served.requests.count("/authorize") == before


def test_another_name_than_the_provider_calls_itself_by(machine: Machine, server: Answers) -> None:
    server.replies["/.well-known/openid-configuration"] = (200, {}, {"issuer": "https://sso.example.com"})
    seen = first_look(machine, issuer=server.url)
    assert seen.provider is None
    assert isinstance(seen.hindrance, errors.IssuerMismatch)


def test_no_provider_is_found(machine: Machine, server: Answers) -> None:
    server.replies["/api/v2.0/systeminfo"] = (200, {}, {"auth_mode": "oidc_auth"})
    query = {"client_id": "harbor", "redirect_uri": f"{server.url}/c/oidc/callback", "response_type": "code"}
    location = f"{server.url}/auth?{urlencode({**query, 'state': 's', 'scope': 'openid'})}"
    server.replies["/c/oidc/login"] = (302, {"Location": location}, "")
    seen = first_look(machine, url=server.url)
    assert seen.provider is None
    assert isinstance(seen.hindrance, errors.ProviderNotFound)
    assert seen.redirect.authorization_endpoint == f"{server.url}/auth"
