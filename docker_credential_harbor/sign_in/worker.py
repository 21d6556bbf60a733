"""A sign-in, or a walk of Harbor's login, in a process of its own.

It outlives a caller that is killed, saves what it got, and the next `get` picks that up. It holds the window lock
throughout, and takes the registry's lock only to save, onto what it reads again then. Streams it has none: it talks
through its note (window.py).
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from docker_credential_harbor import errors
from docker_credential_harbor.account import own_tokens, shared_audience, trusted_provider, verified_pair
from docker_credential_harbor.context import Context, open_context
from docker_credential_harbor.errors import Failure
from docker_credential_harbor.model import SignIn
from docker_credential_harbor.person import reaching
from docker_credential_harbor.policy import next_step, trust_window
from docker_credential_harbor.policy.known import Asked, Step
from docker_credential_harbor.remote import authorization, harbor
from docker_credential_harbor.remote.web.transport import Transport
from docker_credential_harbor.sign_in import by_browser, by_device_code, harbor_walk, window
from docker_credential_harbor.sign_in.harbor_renewed import Renewed, Watch
from docker_credential_harbor.storage import registry_notes
from docker_credential_harbor.system import console, lock, processes, redaction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker_credential_harbor.model import (
        Credentials,
        DeviceCode,
        LoginRedirect,
        Provider,
        Registry,
        ReleasedIdToken,
        SignInResult,
        TokenSet,
    )
    from docker_credential_harbor.system.disk_room import Room

LOCK_SECONDS = 30  # for the registry's lock, to save
WINDOW_SECONDS = 5  # for the window lock: those who look whether it is free hold it for an instant
LEAST_WAIT_SECONDS = 10  # for Harbor, after a person took nearly all the time to sign in


def main(run: str, registry_name: str, step_name: str, generation: str, asked_by: str) -> None:
    """One run; its arguments are those of window.start. Ends at once where somebody else has the window."""
    with lock.hold(registry_notes.window_lock_path(), WINDOW_SECONDS) as locked:
        if not locked:
            return
        note = window.Note(
            run=run, registry=registry_name, step=step_name, pid=os.getpid(), process=processes.mark(os.getpid())
        )
        room = window.note_room()
        window.write(note, room)
        worker: Worker | None = None
        try:
            # Whoever started this has found that the person can be reached.
            context = open_context(asked=asked_by != "get", login=window.login_choice(asked_by), has_terminal=True)
            worker = Worker(context, context.registry(registry_name), note, room, int(generation))
            asked = worker.sign_in() if Step[step_name] is Step.SIGN_IN else worker.walk()
            ended = worker.note._replace(ended=True, asked=asked.name)
        except Exception as fault:  # the note is the only place where it can be told
            failure = console.told(fault)
            if worker:
                failure = harbor.or_its_provider(worker.http, worker.registry, failure)
            ended = _failed(worker.note if worker else note, failure)
        window.write(ended._replace(trace=tuple(worker.trace) if worker else ()), room)


def _failed(note: window.Note, failure: Failure) -> window.Note:
    message, fix = redaction.redact(failure.message), redaction.redact(failure.fix)
    return note._replace(ended=True, failure_code=failure.note_code, failure_message=message, failure_fix=fix)


@dataclass
class Worker:
    context: Context
    registry: Registry
    note: window.Note
    room: Room
    generation: int
    trace: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        settings = self.context.settings
        self.store = self.context.store
        self.store.tell = self._tell
        self.http = Transport(settings.timeout_seconds, self.registry.ca_file, trace=self._trace)
        self.stored = self.store.load_stored(self._key)
        known = self.store.load_sign_in(self.registry.name)
        self.known = known if known and own_tokens.belongs_to(known, self.registry) else None
        self.refresh_refused = False
        self.not_released: errors.AudienceShared | None = None
        self.ends_at = time.monotonic() + settings.login_timeout_seconds

    # --- The two things that a person is asked for --------------------------------------------------------------------

    def walk(self) -> Asked:
        """Harbor's login alone: renews the token that Harbor stored, or onboards. Raises Failure."""
        pair = self.stored.pair if self.stored else self.known.pair if self.known else None
        notes = self._notes()
        redirect = notes.redirect or harbor.login_redirect(self.http, self.registry)
        trusted_provider.check_walk(self.http, self.registry, redirect, notes)
        watch = Watch(self.http, self.registry, pair, self._id_token)
        watch.before_walk()
        purpose = "finish the sign-in" if self.note.links else "renew the sign-in"
        renewed = harbor_walk.walk(
            harbor.login_url(self.registry),
            open_url=lambda url: self._open(url, purpose),
            passes=watch.after_walk,
            timeout_seconds=self._seconds_left(),
            cancelled=self._is_superseded,
            registry_name=self.registry.name,
        )
        return self._end(renewed, watch)

    def sign_in(self) -> Asked:
        """Our own sign-in, then Harbor's side: in the same browser tab, or by a link after a device code."""
        self.stored = None  # whoever signs in all the same means the pair of that sign-in
        self.store.check(self.registry.name)  # before a person is asked for what could not be kept
        read_by_get = None if self.context.asked else self._notes().redirect  # a moment ago
        redirect = read_by_get or harbor.login_redirect(self.http, self.registry)
        found, notes = own_tokens.provider_of(self.http, self.registry, self._notes(), redirect)
        anew = self.context.asked
        notes = trusted_provider.asked(self.http, self.registry, redirect, found, notes, self.known, anew=anew)
        self._keep_provider(notes._replace(redirect=redirect))
        trusted_provider.check(self.registry, redirect, found, notes, self.known)
        if self.known and not self.context.asked:  # who runs `login` may know that it has been mended
            self._release(self.known.tokens).check()
        watch = Watch(self.http, self.registry, None, self._id_token)
        if self.context.reach.way == "browser":
            result = self._by_browser(found, redirect, watch)
        else:
            result = self._by_device_code(found, redirect)
        self._keep(result, found)
        if redirect.client_id not in result.tokens.audience:
            return Asked.DONE  # Harbor will not take this ID token, so there is nothing to wait for
        self._tell_what_was_refused(result)
        return self._after_walk_in_tab(watch, result.sent_on_at) if result.sent_on_at else self._walk_if_needed(watch)

    def _by_browser(self, found: Provider, redirect: LoginRedirect, watch: Watch) -> SignInResult:
        last_known = self.known.pair if self.known else None
        refused = last_known if last_known and not watch.probe(last_known) else None
        return by_browser.sign_in(
            self.http,
            found,
            self.registry,
            redirect,
            settings=self.context.settings,
            login_hint=self.known.tokens.login_hint if self.known else None,
            check=lambda url: authorization.check_client(self.http, self.registry, url),
            open_url=lambda url: self._open(url, "sign in"),
            harbor_login_url=harbor.login_url(self.registry),
            hold_back=lambda: refused is not None and watch.probe(refused),
            cancelled=self._is_superseded,
            now=time.time,
        )

    def _by_device_code(self, found: Provider, redirect: LoginRedirect) -> SignInResult:
        return by_device_code.sign_in(
            self.http,
            found,
            self.registry,
            redirect,
            settings=self.context.settings,
            show=lambda code: self._show_code(code, found),
            cancelled=self._is_superseded,
        )

    def _keep(self, result: SignInResult, found: Provider) -> None:
        before = self.known
        self._check_person(result.tokens, found)
        remark = self.store.remark(self.registry.name)
        self._save(SignIn(result.tokens, self.known.pair if self.known else None))
        if remark:
            self._tell(remark)
        if before:
            own_tokens.end_replaced(self.http, found, self.registry, before.tokens, result.tokens)

    def _after_walk_in_tab(self, watch: Watch, sent_on_at: float) -> Asked:
        watch.in_sign_in(sent_on_at)
        renewed = harbor_walk.wait(
            passes=watch.after_sign_in,
            timeout_seconds=max(self._seconds_left(), LEAST_WAIT_SECONDS),
            cancelled=self._is_superseded,
            registry_name=self.registry.name,
        )
        return self._end(renewed, watch)

    def _walk_if_needed(self, watch: Watch) -> Asked:
        """The other device has confirmed a code and has not been to Harbor, whose side may be alive all the same."""
        alive = watch.as_it_is()
        if alive:
            return self._end(alive, watch)
        self.ends_at = time.monotonic() + self.context.settings.login_timeout_seconds  # asked for something else now
        return self.walk()

    def _tell_what_was_refused(self, result: SignInResult) -> None:
        if result.tokens.refresh_token is None:
            minutes = max(1, round((result.tokens.id_token_expires_at - time.time()) / 60))
            self._tell(f"the identity provider gave no refresh token: after {minutes} min a new sign-in may be due")
        elif result.offline_access_refused:
            self._tell("the identity provider refused offline_access: this sign-in ends with the provider's session")

    def _end(self, renewed: Renewed | None, watch: Watch) -> Asked:
        if renewed is None:
            return Asked.IN_VAIN if watch.in_vain else Asked.NOT_PASSED
        if renewed.pair:
            self._save_verified(renewed.pair, renewed)
        return Asked.DONE

    def _id_token(self) -> ReleasedIdToken | None:
        if self.stored or not self.known:
            return None
        if own_tokens.id_token_expired(self.known, time.time()) and not self.refresh_refused:
            try:
                self._refresh()
            except Failure as failure:
                if failure.note_code not in next_step.OURS_ALONE:
                    raise
                self.refresh_refused = True
        if self.not_released:
            raise self.not_released
        try:
            return self._release(self.known.tokens).id_token()
        except errors.AudienceMissing:  # Harbor would not take it
            return None
        except errors.AudienceShared as refusal:  # asked again and again, it is the same
            self.not_released = refusal
            raise

    def _release(self, own: TokenSet) -> shared_audience.Release:
        registries = self.context.settings.registries
        notes, anew = self._notes(), self.context.asked
        return shared_audience.Release(registries, self.registry, own, notes, self.http, self._keep_provider, anew=anew)

    # --- What is kept -------------------------------------------------------------------------------------------------

    @property
    def _key(self) -> str:
        return f"https://{self.registry.name}"

    def _notes(self) -> registry_notes.Notes:
        return registry_notes.load(self.registry.name)

    def _is_superseded(self) -> bool:
        return self._notes().generation != self.generation

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """With the registry's lock, and only while nobody has signed out. Raises Busy, SignInEnded."""
        with registry_notes.alone(self.registry.name, LOCK_SECONDS):
            if self._is_superseded():
                raise errors.SignInEnded(registry=self.registry.name)
            yield

    def _keep_provider(self, found: registry_notes.Notes) -> None:
        with self._locked():
            self._write_notes(registry_notes.with_provider(self._notes(), found))

    def _count_as_declined(self) -> None:
        """Until it ended in a working pair: whoever kills this process has declined, too."""
        with self._locked():
            notes = self._notes()
            declines = 0 if self.context.asked else notes.declines
            self._write_notes(notes._replace(declines=declines + 1, declined_at=time.time()))

    def _save(self, sign_in: SignIn) -> None:
        with self._locked():
            notes = verified_pair.forget(self.registry.name, self._notes())
            token = trust_window.of_anybody(notes.stored_token)  # until the walk that follows
            self._write_notes_if_possible(notes._replace(stored_token=token))
            self.store.save_sign_in(self.registry.name, sign_in)
        self.known = sign_in

    def _refresh(self) -> None:
        with self._locked():
            kept = self.store.load_sign_in(self.registry.name)
            if kept and not own_tokens.id_token_expired(kept, time.time()):
                self.known = kept  # another process was quicker
                return
            found, notes = own_tokens.provider_of(self.http, self.registry, self._notes())
            self._write_notes(notes)
            fresh = None
            if kept:
                fresh = own_tokens.refresh(self.http, found, self.registry, kept, self.store, outlives_caller=True)
            self.known = fresh or self.known
            self.refresh_refused = fresh is None

    def _save_verified(self, pair: Credentials, renewed: Renewed) -> None:
        """Onto what is kept now: another process may have refreshed the tokens or stored a pair meanwhile."""
        with self._locked():
            notes = self._notes()._replace(declines=0, declined_at=None)
            if self.stored is None:
                kept = self.store.load_sign_in(self.registry.name)
                if kept is None:
                    raise errors.SignInEnded(registry=self.registry.name)
                self._save_if_possible(kept._replace(pair=pair))
            answer = self.store.load_stored(self._key)
            if (answer.pair if answer else None) == (self.stored.pair if self.stored else None):
                notes = self._verified(notes, pair, renewed)
            self._write_notes_if_possible(notes)

    def _verified(self, notes: registry_notes.Notes, pair: Credentials, renewed: Renewed) -> registry_notes.Notes:
        token = trust_window.of_anybody(notes.stored_token)
        if not self.stored:
            latest_at = max(renewed.probed_at, renewed.earliest_at or 0)
            token = trust_window.after_walk(token, renewed.earliest_at, latest_at, renewed.updated_at)
        notes = notes._replace(stored_token=token)
        return verified_pair.keep(self.context, self.registry.name, notes, pair, probed_at=renewed.probed_at)

    def _write_notes(self, notes: registry_notes.Notes) -> None:
        registry_notes.save(self.registry.name, notes)

    def _save_if_possible(self, sign_in: SignIn) -> None:
        """The tokens are kept, and the pair is Harbor's: it is handed out this once, and asked for anew."""
        try:
            self.store.save_sign_in(self.registry.name, sign_in)
        except Failure as failure:
            self._tell(str(failure))

    def _write_notes_if_possible(self, notes: registry_notes.Notes) -> None:
        """What the provider gave counts for more, and all of the notes can be found out anew."""
        try:
            self._write_notes(notes)
        except errors.NotWritable as fault:
            self._tell(str(fault))

    # --- The person ---------------------------------------------------------------------------------------------------

    def _check_person(self, signed_in: TokenSet, found: Provider) -> None:
        """`get` keeps the known person."""
        for secret in (signed_in.id_token, signed_in.refresh_token):
            redaction.keep_secret(secret)
        before = self.known.tokens if self.known else signed_in
        if own_tokens.are_of_one_person(before, signed_in):
            return
        if self.context.asked:
            self._tell(f"{signed_in.person} is signed in now, not {before.person} as before")
            self.known = None
            return
        own_tokens.end(self.http, found, self.registry, signed_in)
        raise errors.SomebodyElse(other=signed_in.person, known=before.person, registry=self.registry.name)

    def _open(self, url: str, purpose: str) -> None:
        self._show(window.Link(url, purpose))
        if self.note.browser and not reaching.open_browser(url):
            self._tell("no browser could be opened")

    def _show_code(self, code: DeviceCode, found: Provider) -> None:
        trusted_provider.check_device_page(self.registry, found, code)
        again = ", once more, since the identity provider refused offline_access" if self.note.links else ""
        seconds = min(code.expires_in_seconds, self._seconds_left())
        url = code.verification_uri_complete or code.verification_uri
        self._show(
            window.Link(
                url,
                f"sign in{again}",
                user_code=code.user_code,
                code_in_url=code.verification_uri_complete is not None,
                ends_at=time.time() + seconds,
            )
        )

    def _show(self, link: window.Link) -> None:
        if not self.note.links:
            self._count_as_declined()
        browser = self.context.reach.way == "browser"
        self.note = self.note._replace(links=(*self.note.links, link), browser=browser)
        window.write(self.note, self.room)

    def _tell(self, line: str) -> None:
        self.note = self.note._replace(lines=(*self.note.lines, line))

    def _trace(self, line: str) -> None:
        self.trace.append(line)

    def _seconds_left(self) -> float:
        return max(0.0, self.ends_at - time.monotonic())
