"""A sign-in, or a walk of Harbor's login, in a process of its own.

It outlives a caller that is killed, saves what it got, and the next `get` picks that up. It holds the window lock
throughout, and the registry's only while it saves (workers_account.py). Streams it has none: it talks through its note
(window_note.py).
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from docker_credential_harbor import errors
from docker_credential_harbor.account import own_tokens, trusted_provider
from docker_credential_harbor.account.workers_account import WorkersAccount
from docker_credential_harbor.context import Context, open_context
from docker_credential_harbor.model import SignIn
from docker_credential_harbor.person import reaching
from docker_credential_harbor.policy.known import Asked, Step
from docker_credential_harbor.remote import authorization, harbor
from docker_credential_harbor.remote.web.transport import Transport
from docker_credential_harbor.sign_in import by_browser, by_device_code, harbor_walk, window, window_note
from docker_credential_harbor.sign_in.harbor_renewed import Renewed, Watch
from docker_credential_harbor.sign_in.window_note import Link, Note, room_for_one
from docker_credential_harbor.sign_in.window_note import write as write_note
from docker_credential_harbor.system import console, lock, processes, redaction

if TYPE_CHECKING:
    from docker_credential_harbor.errors import Failure
    from docker_credential_harbor.model import DeviceCode, LoginRedirect, Provider, Registry, SignInResult, TokenSet
    from docker_credential_harbor.system.disk_room import Room

WINDOW_SECONDS = 5  # for the window lock: those who look whether it is free hold it for an instant
LEAST_WAIT_SECONDS = 10  # for Harbor, after a person took nearly all the time to sign in


def main(run: str, registry_name: str, step_name: str, generation: str, asked_by: str) -> None:
    """One run; its arguments are those of window.start. Ends at once where somebody else has the window."""
    with lock.hold(window_note.lock_path(), WINDOW_SECONDS) as locked:
        if not locked:
            return
        note = Note(
            run=run, registry=registry_name, step=step_name, pid=os.getpid(), process=processes.mark(os.getpid())
        )
        room = room_for_one()
        write_note(note, room)
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
        write_note(ended._replace(trace=tuple(worker.trace) if worker else ()), room)


def _failed(note: Note, failure: Failure) -> Note:
    message, fix = redaction.redact(failure.message), redaction.redact(failure.fix)
    return note._replace(ended=True, failure_code=failure.note_code, failure_message=message, failure_fix=fix)


@dataclass
class Worker:
    context: Context
    registry: Registry
    note: Note
    room: Room
    generation: int
    trace: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        settings = self.context.settings
        self.http = Transport(settings.timeout_seconds, self.registry.ca_file, trace=self.trace.append)
        self.account = WorkersAccount(self.context, self.registry, self.http, self.generation, self._tell)
        self.ends_at = time.monotonic() + settings.login_timeout_seconds

    # --- The two things that a person is asked for --------------------------------------------------------------------

    def walk(self) -> Asked:
        """Harbor's login alone: renews the token that Harbor stored, or onboards. Raises Failure."""
        account = self.account
        pair = account.stored.pair if account.stored else account.last_known
        notes = account.notes()
        redirect = notes.redirect or harbor.login_redirect(self.http, self.registry)
        trusted_provider.check_walk(self.http, self.registry, redirect, notes)
        watch = Watch(self.http, self.registry, pair, account.id_token)
        watch.before_walk()
        purpose = "finish the sign-in" if self.note.links else "renew the sign-in"
        renewed = harbor_walk.walk(
            harbor.login_url(self.registry),
            open_url=lambda url: self._open(url, purpose),
            passes=watch.after_walk,
            timeout_seconds=self._seconds_left(),
            cancelled=account.is_superseded,
            registry_name=self.registry.name,
        )
        return self._end(renewed, watch)

    def sign_in(self) -> Asked:
        """Our own sign-in, then Harbor's side: in the same browser tab, or by a link after a device code."""
        account, anew = self.account, self.context.asked
        account.stored = None  # whoever signs in all the same means the pair of that sign-in
        account.store.check(self.registry.name)  # before a person is asked for what could not be kept
        read_by_get = None if anew else account.notes().redirect  # a moment ago
        redirect = read_by_get or harbor.login_redirect(self.http, self.registry)
        before = account.sign_in
        found, notes = account.provider_asked(redirect, anew=anew)
        trusted_provider.check(self.registry, redirect, found, notes, before)
        if before and not anew:  # who runs `login` may know that it has been mended
            account.release(before.tokens).check()
        watch = Watch(self.http, self.registry, None, account.id_token)
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
        sign_in, last_known = self.account.sign_in, self.account.last_known
        refused = last_known if last_known and not watch.probe(last_known) else None
        return by_browser.sign_in(
            self.http,
            found,
            self.registry,
            redirect,
            settings=self.context.settings,
            login_hint=sign_in.tokens.login_hint if sign_in else None,
            check=lambda url: authorization.check_client(self.http, self.registry, url),
            open_url=lambda url: self._open(url, "sign in"),
            harbor_login_url=harbor.login_url(self.registry),
            hold_back=lambda: refused is not None and watch.probe(refused),
            cancelled=self.account.is_superseded,
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
            cancelled=self.account.is_superseded,
        )

    def _keep(self, result: SignInResult, found: Provider) -> None:
        account, before = self.account, self.account.sign_in
        self._check_person(result.tokens, found)
        remark = account.store.remark(self.registry.name)
        account.save_sign_in(SignIn(result.tokens, account.last_known))
        if remark:
            self._tell(remark)
        if before:
            own_tokens.end_replaced(self.http, found, self.registry, before.tokens, result.tokens)

    def _after_walk_in_tab(self, watch: Watch, sent_on_at: float) -> Asked:
        watch.in_sign_in(sent_on_at)
        renewed = harbor_walk.wait(
            passes=watch.after_sign_in,
            timeout_seconds=max(self._seconds_left(), LEAST_WAIT_SECONDS),
            cancelled=self.account.is_superseded,
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
            self.account.save_verified(
                renewed.pair,
                walked_at=renewed.earliest_at,
                probed_at=renewed.probed_at,
                updated_at=renewed.updated_at,
            )
        return Asked.DONE

    # --- The person ---------------------------------------------------------------------------------------------------

    def _check_person(self, signed_in: TokenSet, found: Provider) -> None:
        """`get` keeps the known person."""
        for secret in (signed_in.id_token, signed_in.refresh_token):
            redaction.keep_secret(secret)
        before = self.account.sign_in.tokens if self.account.sign_in else signed_in
        if own_tokens.are_of_one_person(before, signed_in):
            return
        if self.context.asked:
            self._tell(f"{signed_in.person} is signed in now, not {before.person} as before")
            self.account.sign_in = None
            return
        own_tokens.end(self.http, found, self.registry, signed_in)
        raise errors.SomebodyElse(other=signed_in.person, known=before.person, registry=self.registry.name)

    def _open(self, url: str, purpose: str) -> None:
        self._show(Link(url, purpose))
        if self.note.browser and not reaching.open_browser(url):
            self._tell("no browser could be opened")

    def _show_code(self, code: DeviceCode, found: Provider) -> None:
        trusted_provider.check_device_page(self.registry, found, code)
        again = ", once more, since the identity provider refused offline_access" if self.note.links else ""
        seconds = min(code.expires_in_seconds, self._seconds_left())
        url = code.verification_uri_complete or code.verification_uri
        self._show(
            Link(
                url,
                f"sign in{again}",
                user_code=code.user_code,
                code_in_url=code.verification_uri_complete is not None,
                ends_at=time.time() + seconds,
            )
        )

    def _show(self, link: Link) -> None:
        if not self.note.links:
            self.account.count_as_declined()
        browser = self.context.reach.way == "browser"
        self.note = self.note._replace(links=(*self.note.links, link), browser=browser)
        write_note(self.note, self.room)

    def _tell(self, line: str) -> None:
        self.note = self.note._replace(lines=(*self.note.lines, line))

    def _seconds_left(self) -> float:
        return max(0.0, self.ends_at - time.monotonic())
