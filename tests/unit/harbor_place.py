"""A registry with all its parts in this process: the stand-in Harbor, an embedded provider, alice at a browser made of
cookies; and real notes and a real store in a folder of its own.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from docker_credential_harbor.account.account import Account
from docker_credential_harbor.context import open_context
from docker_credential_harbor.model import Credentials, PairKind, SignIn, StoredPair, TokenSet
from docker_credential_harbor.remote import id_token
from docker_credential_harbor.storage import registry_notes
from tests.lab import own_sign_in
from tests.lab.realm import HELPER_CLIENT

if TYPE_CHECKING:
    from pathlib import Path

    from docker_credential_harbor.context import Context
    from docker_credential_harbor.model import Registry
    from docker_credential_harbor.storage.registry_notes import Notes
    from tests.lab.embedded_realm import EmbeddedRealm
    from tests.lab.harbor import StandInHarbor
    from tests.lab.person import CookiePerson

PERSON, USERNAME = "alice", "alice-h"  # at the provider, and in Harbor
ROBOT = Credentials("robot$ci", "RobotSecret1")
HOME_VARIABLES = ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR")
# By which a person would be found, or nobody.
SIGNS_OF_A_PERSON = ("CI", "BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")


@dataclass
class HarborPlace:
    harbor: StandInHarbor
    realm: EmbeddedRealm
    person: CookiePerson
    configuration: Path

    @property
    def name(self) -> str:
        return self.harbor.name

    def configure(self, top: str = "", **keys: str) -> None:
        """The file; without a trust window, so that nothing is remembered, unless ``top`` has one."""
        settings = ['storage = "file"', 'negotiate = "never"', "cache_ttl = 0"]
        settings = [line for line in settings if line.partition(" ")[0] not in top]
        table = "\n".join(f'{name} = "{value}"' for name, value in {"url": self.harbor.url, **keys}.items())
        self.configuration.write_text("\n".join([*settings, top, f'[registries."{self.name}"]', table, ""]))

    def context(self, *, asked: bool = False) -> Context:
        """Where nobody is to be found, unless the test's environment has a sign of somebody."""
        return open_context(asked=asked, has_terminal=False)

    def registry(self) -> Registry:
        return self.context().registry(self.name)

    def account(self, context: Context | None = None) -> Account:
        context = context or self.context()
        return Account(context, context.registry(self.name))

    @property
    def pair(self) -> Credentials:
        """As Harbor has it now."""
        return Credentials(USERNAME, self.harbor.users[USERNAME].secret)

    def onboard(self) -> Credentials:
        """alice is known to Harbor, and her token is stored there."""
        self.harbor.onboard(USERNAME, sub=self.realm.subject(PERSON))
        self.walk()
        return self.pair

    def walk(self) -> None:
        """Through Harbor's login, to its end."""
        self.person.walk_to(f"{self.harbor.url}/c/oidc/login", "nowhere")

    def tokens(self, username: str = PERSON) -> TokenSet:
        """Of a sign-in of ours."""
        self.person.username = username
        answer = own_sign_in.sign_in(self.realm, self.person, own_sign_in.WITH_OFFLINE)
        claims = id_token.claims_of(answer["id_token"], self.realm.issuer)
        audience = id_token.audience_of(claims)
        return TokenSet(
            self.realm.issuer,
            claims["sub"],
            username,
            audience,
            answer["id_token"],
            claims["exp"],
            answer["refresh_token"],
            float(answer["expires_in"]),
            refreshed_at=time.time(),
        )

    def keep_sign_in(self, pair: Credentials | None = None, **changes: Any) -> SignIn:
        """As an earlier sign-in of alice's left it."""
        kept = SignIn(self.tokens()._replace(**changes), pair)
        self.context().store.save_sign_in(self.name, kept)
        return kept

    def kept_sign_in(self) -> SignIn | None:
        return self.context().store.load_sign_in(self.name)

    def keep_stored(self, pair: Credentials, kind: PairKind = PairKind.UNKNOWN) -> StoredPair:
        """As `docker login` left it."""
        kept = StoredPair(pair, kind)
        self.context().store.save_stored(self.registry().key, kept)
        return kept

    def notes(self) -> Notes:
        return registry_notes.load(self.name)

    def note(self, **changes: Any) -> Notes:
        notes = self.notes()._replace(**changes)
        registry_notes.save(self.name, notes)
        return notes

    def asked(self, path: str = "/") -> list[str]:
        """The paths that Harbor was asked for by programs, in their order; browsers' walks left out."""
        programs = (seen for seen in self.harbor.requests_to(path) if _is_ours(seen.headers))
        return [seen.path.partition("?")[0] for seen in programs]

    def refreshes(self) -> int:
        """How often our own tokens were asked to be refreshed, granted or not."""
        kinds = ("REFRESH_TOKEN", "REFRESH_TOKEN_ERROR")
        return sum(self.realm.token_requests(HELPER_CLIENT, kind) for kind in kinds)


def _is_ours(headers: dict[str, str]) -> bool:
    return headers.get("User-Agent", "").startswith("docker-credential-harbor/")
