"""What `doctor` finds out about one registry, from the nearest thing to the farthest.

Where a check fails that others rest on, the row ends: the cause is told, and not the symptoms that follow from it.
Nothing is changed but what a `status` changes, and nobody is asked.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from docker_credential_harbor import errors
from docker_credential_harbor.account import trusted_provider
from docker_credential_harbor.account.account import Account
from docker_credential_harbor.context import reach_of_a_pull
from docker_credential_harbor.errors import Failure
from docker_credential_harbor.model import PROGRAM
from docker_credential_harbor.outside.clean_text import in_shell, in_toml
from docker_credential_harbor.policy import next_step, pause_after_decline
from docker_credential_harbor.remote import authorization, discovery, harbor, identity_provider
from docker_credential_harbor.storage import registry_notes
from docker_credential_harbor.system import scheduler
from docker_credential_harbor.use_cases import client_checks, current_state
from docker_credential_harbor.use_cases.client_checks import Check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker_credential_harbor.context import Context
    from docker_credential_harbor.model import LoginRedirect, Provider, Registry, SystemInfo
    from docker_credential_harbor.policy.known import Known

MOST_CLOCK_SECONDS = 60  # by which clocks may differ; ID tokens live for minutes

# What ends the session on Harbor's side while ours lives.
LIKELY_CAUSES = (
    "it was not used for longer than the provider lets a session idle, somebody logged out on Harbor's page, or the "
    "provider rotates refresh tokens without grace and two requests at once used one twice"
)


class Examination:
    """The checks of one registry, a method each, and what one has found for those after it.

    A check returns None where it does not apply; a Failure that it raises is its finding.
    """

    def __init__(self, context: Context, registry: Registry) -> None:
        self.context = context
        self.registry = registry
        self.http = context.transport(registry)
        self.info: SystemInfo
        self.redirect: LoginRedirect
        self.found: Provider

    def run(self) -> Iterator[Check]:
        """One check after the other, each as soon as it is known."""
        for name, (check, others_rest_on_it) in CHECKS.items():
            try:
                done = check(self)
            except Failure as failure:
                done = Check(name, False, failure.message, failure.every_remedy)
            if done is not None:
                yield done
                if not done.ok and others_rest_on_it:
                    return

    # --- This machine -------------------------------------------------------------------------------------------------

    def helper(self) -> Check:
        return client_checks.helper_on_path()

    def docker_config(self) -> Check:
        return client_checks.docker_config(self.registry.name)

    def other_clients(self) -> Check | None:
        return client_checks.other_clients(self.registry.name)

    def store(self) -> Check:
        self.context.store.check(self.registry.name)
        backend, why = self.context.store.where(self.registry.name)
        return Check("store", True, f"secrets are kept in the {backend} ({why})")

    def keepalive(self) -> Check:
        schedule = scheduler.choose().status()
        if schedule is None:
            message = f"does not run by itself; sessions that nobody uses end sooner ({PROGRAM} keepalive --install)"
            return Check("keepalive", True, message)
        return Check("keepalive", True, f"runs by itself; last run: {schedule.last_run or 'not known'}")

    # --- Harbor -------------------------------------------------------------------------------------------------------

    def harbor(self) -> Check:
        self.info = harbor.system_info(self.http, self.registry)
        return Check("harbor", True, f"Harbor {self.info.version}".rstrip() + f" answers at {self.registry.url}")

    def clock(self) -> Check | None:
        if self.info.clock is None:
            return None
        ahead = round(time.time() - self.info.clock)
        if abs(ahead) <= MOST_CLOCK_SECONDS:
            return Check("clock", True, "this machine's clock and Harbor's agree")
        side = "ahead of" if ahead > 0 else "behind"
        message = f"this machine's clock is {abs(ahead)} s {side} Harbor's: tokens look expired, or not valid yet"
        return Check("clock", False, message, "set this machine's clock (or have Harbor's set) by NTP")

    def oidc_mode(self) -> Check:
        if self.info.auth_mode != "oidc_auth":
            raise errors.NotOidcMode(registry=self.registry.name)
        return Check("oidc-mode", True, "Harbor signs people in through OIDC")

    def provider_from_harbor(self) -> Check:
        self.redirect = harbor.login_redirect(self.http, self.registry)
        unseen = "whether that takes Harbor's client secret shows in a browser alone"
        return Check("provider-from-harbor", True, f"Harbor's login leads to its identity provider; {unseen}")

    def offline_access(self) -> Check:
        if self.redirect.asks_for_offline_access:
            gains = "where the provider grants it, its sessions outlive the browser's"
            return Check("offline-access", True, f"Harbor asks for offline access: {gains}")
        costs = "its sessions end with the browser's at the provider (Harbor's administrator can add it)"
        return Check("offline-access", True, f"Harbor's OIDC scopes lack offline_access: {costs}")

    # --- The identity provider ----------------------------------------------------------------------------------------

    def provider(self) -> Check | None:
        if not self.registry.client_id:
            return None
        self.found = discovery.find(self.http, self.redirect, self.registry)
        return Check("provider", True, f"the identity provider {self.found.issuer} answers from here, too")

    def client(self) -> Check | None:
        if not self.registry.client_id:
            return None
        authorization.look_at_client(self.http, self.found, self.registry, self.redirect)
        client = f"the client {self.registry.client_id!r} and its redirect URI"
        return Check("client", True, f"the provider does not turn away {client}")

    def trust(self) -> Check | None:
        """As before a sign-in, by what is noted: a refusal of the provider's would stand in its log at each `doctor`.

        Of a pair that is stored nobody signs in.
        """
        if not self.registry.client_id or self.context.store.load_stored(self.registry.key):
            return None
        if self.registry.issuer:
            return Check("trust", True, f"the configuration names the issuer, {self.registry.issuer}")
        notes = registry_notes.load(self.registry.name)
        before = None if notes.pin else self.context.store.load_sign_in(self.registry.name)
        trusted_provider.check(self.registry, self.redirect, self.found, notes, before)
        callback = f"{self.redirect.redirect_uri} for Harbor's client {self.redirect.client_id!r}"
        if notes.pin != trusted_provider.pin_for(self.redirect, self.found):
            return Check("trust", True, f"{self.found.issuer} is asked at the next sign-in whether it takes {callback}")
        return Check("trust", True, f"{self.found.issuer} takes {callback}, and no made-up one")

    def subject(self) -> Check | None:
        """Whether Harbor can know a person by our ID token, as far as the provider's metadata tell."""
        if not self.registry.client_id:
            return None
        if self.found.pairwise_only:
            message = f"{self.found.issuer} gives each client another sub (pairwise), so Harbor knows nobody by ours"
            table = f"[registries.{in_toml(self.registry.name)}]"
            fix = f"set client_id = '' in {table} and run: {PROGRAM} login {in_shell(self.registry.name)}"
            return Check("subject", False, message, fix)
        return Check("subject", True, "the provider can give all clients the same sub")

    def device_code(self) -> Check | None:
        """Only where no browser can be opened."""
        if not self.registry.client_id or self.context.reach.way == "browser":
            return None
        identity_provider.begin_device_code(
            self.http,
            self.found,
            self.registry,
            scopes=authorization.scopes_for(self.registry, self.redirect),
            code_verifier=secrets.token_urlsafe(48),
            further=self.redirect.further,
        )
        return Check("device-code", True, "the provider gives device codes: no browser is needed on this machine")

    # --- The person's sessions ----------------------------------------------------------------------------------------

    def audience(self) -> Check | None:
        """Of the ID token that is kept, if any: for whom it is beside our client and this Harbor."""
        account = Account(self.context, self.registry, self.http)
        kept = account.load_sign_in()
        if kept is None:
            return None
        account.release(kept.tokens).check()
        if self.redirect.client_id not in kept.tokens.audience:  # no reason why pulls fail while Harbor's side lives
            message = f"the last ID token is of no use at this Harbor, since its aud lacks {self.redirect.client_id!r}"
            todo = f"{PROGRAM} setup --admin {in_shell(self.registry.name)} shows what to add"
            return Check("audience", True, f"{message} ({todo})")
        own = (self.registry.client_id, self.redirect.client_id)
        further = ", ".join(repr(client_id) for client_id in kept.tokens.audience if client_id not in own)
        if further:
            message = f"the ID token is good for {further}, too, which is one more that could be shown to others"
            return Check("audience", True, f"{message}: its client should be for this Harbor alone")
        return Check("audience", True, "the ID token is for this Harbor alone")

    def sign_in(self) -> Check:
        """How a pull would ask for a sign-in, when one is due; that it asks nobody may be meant so."""
        reach = reach_of_a_pull()
        ways = {
            "browser": "a pull opens a browser when a sign-in is due",
            "link": "a pull shows a link when a sign-in is due",
            "nobody": f"a pull asks nobody when a sign-in is due: {PROGRAM} login {in_shell(self.registry.name)} does",
        }
        notes = registry_notes.load(self.registry.name)
        seconds = pause_after_decline.seconds_left(notes.declines, notes.declined_at, time.time())
        not_yet = (
            f", but none for {seconds} s more, since the last did not lead to a pair that works" if seconds else ""
        )
        return Check("sign-in", True, f"{ways[reach.way]} ({reach.reason}){not_yet if reach.way != 'nobody' else ''}")

    def session(self) -> Check:
        surveyed = current_state.survey(self.context, self.registry)
        if surveyed.failure:
            raise surveyed.failure
        if surveyed.due:
            return self._due(surveyed.state, surveyed.due)
        if surveyed.state == "refused":
            return Check(
                "session", False, "Harbor refuses the stored pair", f"run: docker logout {in_shell(self.registry.name)}"
            )
        if surveyed.known and next_step.is_robot(surveyed.known):
            return self._robot(surveyed.known)
        return Check("session", True, "Harbor accepts the pair now")

    def _due(self, state: str, due: current_state.Due) -> Check:
        if due.tried:
            return Check("session", False, f"{due.tried.message} ({due.tried_ago})", due.tried.every_remedy)
        causes = f"; likely {LIKELY_CAUSES}" if state == next_step.ENDED else ""
        same = "" if due.hindrance else " (the next pull does the same)"
        return Check("session", False, due.finding + causes, due.todo + same)

    def _robot(self, known: Known) -> Check:
        """`get` hands it out as it is; whether it still counts is a question worth one request here."""
        assert known.pair
        username, name = known.pair.who, in_shell(self.registry.name)
        if harbor.probe(self.http, self.registry, known.pair):
            return Check("session", True, f"Harbor accepts the pair of {username} now")
        message = f"Harbor refuses the pair of {username}; likely it has expired or its secret was replaced"
        fix = f"run: docker login {name} with a valid one, or docker logout {name}"
        return Check("session", False, message, fix)


# By name, in the order in which they are made; True: the checks after it rest on it.
CHECKS = {
    "helper": (Examination.helper, False),
    "docker-config": (Examination.docker_config, False),
    "other-clients": (Examination.other_clients, False),
    "keepalive": (Examination.keepalive, False),
    "harbor": (Examination.harbor, True),
    "clock": (Examination.clock, False),
    "oidc-mode": (Examination.oidc_mode, True),
    "provider-from-harbor": (Examination.provider_from_harbor, True),
    "offline-access": (Examination.offline_access, False),
    "provider": (Examination.provider, True),
    "client": (Examination.client, False),
    "subject": (Examination.subject, True),
    "device-code": (Examination.device_code, False),
    "store": (Examination.store, True),
    "trust": (Examination.trust, False),
    "audience": (Examination.audience, False),
    "sign-in": (Examination.sign_in, False),
    "session": (Examination.session, False),
}
