"""A sign-in, or a walk of Harbor's login, in a process of its own.

It outlives a caller that is killed, saves what it got, and the next `get` picks that up. It holds the window lock
throughout, and takes the registry's lock only to save, onto what it reads again then. Streams it has none: it talks
through its note (window.py).
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from docker_credential_harbor import (
    console,
    errors,
    harbor,
    interaction,
    lock,
    policy,
    provider,
    registry_state,
    tokens,
    verified,
    window,
)
from docker_credential_harbor.context import Context, open_context
from docker_credential_harbor.errors import Failure
from docker_credential_harbor.findings import Asked, Step
from docker_credential_harbor.model import Credentials, Registry, SignIn
from docker_credential_harbor.signin import browser, harbor_login
from docker_credential_harbor.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable

LOCK_SECONDS = 30  # for the registry's lock, to save
WINDOW_SECONDS = 5  # for the window lock: those who look whether it is free hold it for an instant
LEAST_WAIT_SECONDS = 10  # for Harbor, after a person took nearly all the time to sign in
WALK_IS_OVER_SECONDS = 5  # after our callback sent the browser on to Harbor's login


def main(run: str, registry_name: str, step_name: str, generation: str, asked_by: str) -> None:
    """One run; its arguments are those of window.start. Ends at once where somebody else has the window."""
    with lock.hold(registry_state.window_lock_path(), WINDOW_SECONDS) as locked:
        if not locked:
            return
        note = window.Note(run=run, registry=registry_name, step=step_name, pid=os.getpid())
        window.write(note)
        worker: Worker | None = None
        try:
            context = open_context(asked=asked_by != "get", browser=asked_by == "login --browser")
            worker = Worker(context, context.registry(registry_name), note, int(generation))
            asked = worker.sign_in() if Step[step_name] is Step.SIGN_IN else worker.walk()
            ended = replace(worker.note, ended=True, asked=asked.name)
        except Failure as failure:
            ended = _failed(worker.note if worker else note, failure)
        except Exception as fault:  # the note is the only place where it can be told
            ended = _failed(
                worker.note if worker else note, errors.Unexpected(reason=f"{type(fault).__name__}: {fault}")
            )
        window.write(replace(ended, trace=tuple(worker.trace) if worker else ()))


def _failed(note: window.Note, failure: Failure) -> window.Note:
    return replace(note, ended=True, failure_code=failure.note_code, failure_message=str(failure))


@dataclass
class Worker:
    context: Context
    registry: Registry
    note: window.Note
    generation: int
    trace: list[str] = field(default_factory=list)
    refused_at: float = 0.0  # the last probe that Harbor refused

    def __post_init__(self) -> None:
        settings = self.context.settings
        self.store = self.context.store
        self.http = Transport(settings.timeout_seconds, self.registry.ca_file, trace=self._trace)
        self.stored = self.store.load_stored(f"https://{self.registry.name}")
        self.known = self.store.load_sign_in(self.registry.name)
        if self.known and not tokens.belongs_to(self.known, self.registry):
            self.known = None
        self.ends_at = time.monotonic() + settings.login_timeout_seconds

    # --- The two things that a person is asked for --------------------------------------------------------------------

    def walk(self) -> Asked:
        """Harbor's login alone: renews the token that Harbor stored, or onboards. Raises Failure."""
        self._count_as_declined()
        opened_at = time.time()
        passed = harbor_login.walk(
            harbor.login_url(self.registry),
            open_url=self._open,
            passes=self._walk_is_seen if self._secret_is_unreadable() else self._passing_pair,
            timeout_seconds=self._seconds_left(),
            cancelled=self._is_superseded,
            registry_name=self.registry.name,
        )
        return self._end(passed, max(opened_at, self.refused_at))

    def sign_in(self) -> Asked:
        """Our own sign-in and Harbor's walk, in one tab. Raises Failure."""
        goes_first, self.stored = self.stored, None  # whoever signs in all the same means the pair of that sign-in
        self.store.check(self.registry.name)  # before a person is asked for what could not be kept
        redirect = harbor.login_redirect(self.http, self.registry)
        found, notes = tokens.provider_of(self.http, self.registry, replace(self._notes(), redirect=redirect))
        refused = self._last_known_pair_if_refused()
        self._count_as_declined(notes)
        result = browser.sign_in(
            self.http,
            found,
            self.registry,
            redirect,
            settings=self.context.settings,
            login_hint=self.known.tokens.person if self.known else None,
            open_url=self._open,
            harbor_login_url=harbor.login_url(self.registry),
            hold_back=lambda: refused is not None and harbor.probe(self.http, self.registry, refused),
            cancelled=self._is_superseded,
            now=time.time,
        )
        if result.offline_access_refused:
            self._tell("the identity provider refused offline_access: this sign-in ends with the provider's session")
        self._check_person(result.tokens.subject, result.tokens.person, found, result.tokens.refresh_token)
        backend, why = self.store.where(self.registry.name)
        self._save(SignIn(result.tokens, self.known.pair if self.known else None))
        if backend == "file" and self.context.settings.storage == "auto":
            self._tell(f"the sign-in is kept in a file that only this user can read ({why})")
        if redirect.client_id not in result.tokens.audience:
            return Asked.DONE  # Harbor will not take this ID token, so there is nothing to wait for
        passed = harbor_login.wait(
            passes=self._passing_pair,
            timeout_seconds=max(self._seconds_left(), LEAST_WAIT_SECONDS),
            cancelled=self._is_superseded,
            registry_name=self.registry.name,
        )
        return self._end(passed, result.sent_on_at, remember=goes_first is None)

    def _end(self, passed: Credentials | None, renewed_after: float, *, remember: bool = True) -> Asked:
        if passed is None:
            return Asked.NOT_PASSED
        if passed.secret:
            self._save_verified(passed, renewed_after, remember)
        return Asked.DONE

    # --- Looking whether Harbor's side has been renewed ---------------------------------------------------------------

    def _passing_pair(self) -> Credentials | None:
        """The pair, once Harbor accepts it; a secret that was replaced meanwhile included."""
        pair = self.stored.pair if self.stored else self.known.pair if self.known else None
        if pair and self._probe(pair):
            return pair
        shown = self._shown_pair() if self.known and not self.stored else None
        return shown if shown and shown != pair and self._probe(shown) else None

    def _probe(self, pair: Credentials) -> bool:
        began_at = time.time()
        if harbor.probe(self.http, self.registry, pair):
            self.probed_at = began_at
            return True
        self.refused_at = began_at
        return False

    def _shown_pair(self) -> Credentials | None:
        """What `users/current` shows; None: not onboarded, or nothing that can be read."""
        assert self.known
        if tokens.id_token_expired(self.known, time.time()):
            self._refresh()
        user = harbor.current_user(self.http, self.registry, self.known.tokens.id_token)
        if user is None or user.secret is None:
            return None
        console.keep_secret(user.secret)
        return Credentials(user.username, user.secret)

    def _secret_is_unreadable(self) -> bool:
        if self.stored or not self.known or not self.known.pair:
            return False
        user = harbor.current_user(self.http, self.registry, self.known.tokens.id_token)
        self._token_updated_at = user.token_updated_at if user else ""
        return user is not None and user.secret is None

    def _walk_is_seen(self) -> Credentials | None:
        """With a secret that Harbor cannot read no pair can pass; that Harbor stored a new token shows all the same."""
        assert self.known
        user = harbor.current_user(self.http, self.registry, self.known.tokens.id_token)
        moved = user is not None and user.token_updated_at != self._token_updated_at
        return Credentials("", "") if moved else None

    def _last_known_pair_if_refused(self) -> Credentials | None:
        pair = self.known.pair if self.known else None
        return pair if pair and not self._probe(pair) else None

    # --- What is kept -------------------------------------------------------------------------------------------------

    def _notes(self) -> registry_state.Notes:
        return registry_state.load(self.registry.name)

    def _is_superseded(self) -> bool:
        return self._notes().generation != self.generation

    def _locked(self, work: Callable[[], None]) -> None:
        with lock.hold(registry_state.lock_path(self.registry.name), LOCK_SECONDS) as locked:
            if not locked:
                raise errors.Busy(what_runs="get", registry=self.registry.name)
            if self._is_superseded():
                raise errors.SignInEnded(registry=self.registry.name)
            work()

    def _count_as_declined(self, notes: registry_state.Notes | None = None) -> None:
        """Until it ended in a working pair: whoever kills this process has declined, too."""

        def work() -> None:
            before = notes or self._notes()
            registry_state.save(
                self.registry.name, replace(before, declines=before.declines + 1, declined_at=time.time())
            )

        self._locked(work)

    def _save(self, sign_in: SignIn) -> None:
        def work() -> None:
            registry_state.save(self.registry.name, verified.forget(self.registry.name, self._notes()))
            self.store.save_sign_in(self.registry.name, sign_in)

        self._locked(work)
        self.known = sign_in

    def _refresh(self) -> None:
        def work() -> None:
            kept = self.store.load_sign_in(self.registry.name)
            if kept and not tokens.id_token_expired(kept, time.time()):
                self.known = kept  # another process was quicker
                return
            found, notes = tokens.provider_of(self.http, self.registry, self._notes())
            registry_state.save(self.registry.name, notes)
            self.known = (kept and tokens.refresh(self.http, found, self.registry, kept, self.store)) or self.known

        self._locked(work)

    def _save_verified(self, pair: Credentials, renewed_after: float, remember: bool) -> None:
        def work() -> None:
            life = None
            if self.known and not self.stored:
                life = self.known.tokens.access_token_life_seconds
                self.known = replace(self.known, pair=pair)
                self.store.save_sign_in(self.registry.name, self.known)
            if not remember:  # a stored pair is the answer here, not this one
                return
            notes = verified.keep(
                self.context,
                self.registry.name,
                self._notes(),
                pair,
                probed_at=self.probed_at,
                freshness=policy.after_walk(renewed_after, max(self.probed_at, renewed_after + WALK_IS_OVER_SECONDS)),
                life_seconds=life,
            )
            registry_state.save(self.registry.name, notes)

        self._locked(work)

    # --- The person ---------------------------------------------------------------------------------------------------

    def _check_person(self, subject: str, person: str, found: object, refresh_token: str | None) -> None:
        """`get` keeps the known person; a new `sub` under the same name is what a redeployed provider gives."""
        if not self.known or self.known.tokens.subject == subject or self.known.tokens.person == person:
            return
        if self.context.asked:
            self._tell(f"{person} is signed in now, not {self.known.tokens.person} as before")
            self.known = None
            return
        if refresh_token:
            with suppress(Failure):
                provider.revoke(self.http, found, self.registry, refresh_token)  # type: ignore[arg-type]
        raise errors.SomebodyElse(other=person, known=self.known.tokens.person, registry=self.registry.name)

    def _open(self, url: str) -> None:
        self.note = replace(self.note, links=(*self.note.links, url))
        window.write(self.note)
        if self.context.reach.way == "browser" and not interaction.open_browser(url):
            self._tell("no browser could be opened")

    def _tell(self, line: str) -> None:
        self.note = replace(self.note, lines=(*self.note.lines, line))

    def _trace(self, line: str) -> None:
        self.trace.append(line)

    def _seconds_left(self) -> float:
        return max(0.0, self.ends_at - time.monotonic())
