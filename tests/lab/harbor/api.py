"""`/api/v2.0`: systeminfo, users/current and cli_secret, as far as the helper asks for them.

Source: tests/recordings/harbor.json; Harbor's swagger for the names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lab.harbor.records import SECRET_RULE, LocalAccount, Robot, User, acceptable, instant_text, new_secret

if TYPE_CHECKING:
    from tests.lab.harbor.server import StandInHarbor
    from tests.lab.web import Exchange

PLAIN_JSON = [("Content-Type", "application/json")]
# The length that Harbor picks by itself when it is sent an empty secret.
PICKED_LENGTH = 9


def refuse(exchange: Exchange, status: int, code: str, message: str) -> None:
    """An error in Harbor's own form."""
    exchange.answer_json(status, {"errors": [{"code": code, "message": message}]})


def system_info(harbor: StandInHarbor, exchange: Exchange) -> None:
    """GET /api/v2.0/systeminfo: a few fields for strangers, more for those who are known."""
    info: dict[str, object] = {
        "auth_mode": harbor.auth_mode,
        "banner_message": "",
        "oidc_provider_name": "Keycloak",
        "primary_auth_mode": False,
        "self_registration": False,
    }
    if "Authorization" in exchange.headers and harbor.account_of(exchange) is not None:
        info |= {
            "current_time": instant_text(harbor.clock()),
            "external_url": harbor.external_url,
            "harbor_version": harbor.version,
            "has_ca_root": False,
            "notification_enable": True,
            "project_creation_restriction": "everyone",
            "read_only": False,
            "registry_storage_provider_name": "filesystem",
            "registry_url": harbor.external_url.partition("://")[2],
            "unauthenticated_landing_page": "login",
        }
    exchange.answer_json(200, dict(sorted(info.items())), PLAIN_JSON)


def current_user(harbor: StandInHarbor, exchange: Exchange) -> None:
    """GET /api/v2.0/users/current: its CLI secret for an ID token; never for the CLI secret itself."""
    basic = exchange.headers.get("Authorization", "").lower().startswith("basic ")
    account = harbor.account_of(exchange)
    if isinstance(account, Robot):
        refuse(exchange, 412, "PRECONDITION", "get current user not available for security context: robot")
    elif isinstance(account, LocalAccount) or (isinstance(account, User) and not basic):
        exchange.answer_json(200, account.as_json(), PLAIN_JSON)
    else:
        refuse(exchange, 401, "UNAUTHORIZED", "unauthorized")


def set_cli_secret(harbor: StandInHarbor, exchange: Exchange, user_id: str) -> None:
    """PUT /api/v2.0/users/ID/cli_secret with an ID token."""
    account = harbor.account_of(exchange)
    if account is None or isinstance(account, Robot):
        refuse(exchange, 401, "UNAUTHORIZED", "unauthorized")
        return
    if exchange.headers.get("Authorization", "").lower().startswith("basic ") and isinstance(account, User):
        exchange.answer(500)  # a CLI secret may not make its successor; Harbor says it like this
        return
    user = harbor.users.by_id(int(user_id))
    if user is None or (isinstance(account, User) and account is not user):
        refuse(exchange, 403, "FORBIDDEN", harbor.name_of(account))
        return
    secret = str(exchange.json_body().get("secret", ""))
    if secret and not acceptable(secret):
        refuse(exchange, 400, "BAD_REQUEST", SECRET_RULE)
        return
    user.set_secret(secret or new_secret(PICKED_LENGTH))
    exchange.answer(200)
