"""What every verb and command works with: the settings, where they came from, where secrets live, who can be asked.

The HTTP session for a registry and the registry's lock are had from it too, within the time that is left.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from docker_credential_harbor import errors
from docker_credential_harbor.config import read_config
from docker_credential_harbor.person import reaching
from docker_credential_harbor.storage import registry_lock
from docker_credential_harbor.storage.credential_store import CredentialStore
from docker_credential_harbor.system import console, lock
from docker_credential_harbor.system.time_limit import Allowance
from docker_credential_harbor.warm_get import remembered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker_credential_harbor.errors import Failure
    from docker_credential_harbor.model import LoginChoice, Registry, Settings
    from docker_credential_harbor.remote.web.transport import Transport


# Within the second that `timeout` may be exceeded by: for the store where lock and requests have used the time up. What
# the provider has given must be kept even then.
STORE_SECONDS = 0.5


class Context:
    """What does not change while one request of Docker's, or one command, is carried out."""

    def __init__(
        self,
        settings: Settings,
        stamp: bytes,
        reach: reaching.Reach,
        began_at: float,
        asked: bool,
        allowance: Allowance,
        *,
        has_just_signed_in: bool = False,
    ) -> None:
        self.settings = settings
        self.stamp = stamp  # of the configuration, as remembered.py checks it
        self.reach = reach
        self.began_at = began_at  # when this process was asked
        self.asked = asked  # by a person who ran a command, and not by Docker
        self.allowance = allowance  # for requests; shared by everything that is done for one request of Docker's
        self.has_just_signed_in = has_just_signed_in  # the person for whom Docker waits

    @cached_property
    def store(self) -> CredentialStore:
        # Somebody who ran a command is given the time to unlock a keyring; Docker is not kept waiting for it. What a
        # person has signed in for is given that time as well, once it was found that there is a keyring that answers.
        may_prompt = self.reach.way != "nobody"
        a_persons = Allowance(self.settings.login_timeout_seconds)
        signs_in = self.has_just_signed_in or (may_prompt and self.allowance.ends_at is None)
        return CredentialStore(
            self.settings.storage,
            allowance=(a_persons if self.asked or signs_in else self.allowance).longer(STORE_SECONDS),
            may_prompt=may_prompt,
            for_check=(a_persons if self.asked else self.allowance).longer(STORE_SECONDS),
        )

    @property
    def lock_seconds(self) -> float:
        """How long another process is waited for; the store needs a moment after that."""
        return self.allowance.longer(-STORE_SECONDS).left()

    def transport(self, registry: Registry, allowance: Allowance | None = None) -> Transport:
        """The HTTP session for one registry and its provider, within the time that is left (None: the context's)."""
        from docker_credential_harbor.remote.web.transport import Transport  # not needed by `store` and `list`

        allowance = allowance or self.allowance
        return Transport(allowance.seconds, registry.ca_file, deadline_at=allowance.ends_at, trace=console.trace)

    @contextmanager
    def try_registry_lock(self, registry: Registry) -> Iterator[Failure | None]:
        """With the registry's lock, or without it, and then the block is told why (Busy, NotWritable).

        Two that refresh at once would end the session: without the lock it is as if nobody could be asked.
        """
        mutex = lock.Lock(registry_lock.path(registry.name))
        hindrance: Failure | None = None
        try:
            if not mutex.acquire(self.lock_seconds):
                hindrance = errors.Busy(what_runs="get", registry=registry.name)
        except Exception as fault:
            hindrance = console.told(fault)
        try:
            yield hindrance
        finally:
            mutex.release()

    def begun_anew(self, *, has_just_signed_in: bool = False) -> Context:
        """With the whole time again, as after a person was asked."""
        if self.allowance.ends_at is None:
            return self
        return Context(
            self.settings,
            self.stamp,
            self.reach,
            self.began_at,
            self.asked,
            Allowance.shared(self.settings.timeout_seconds),
            has_just_signed_in=has_just_signed_in,
        )

    def without_person(self, reason: str) -> Context:
        """With nobody to be asked."""
        return self.with_reach(reaching.Reach("nobody", reason))

    def with_reach(self, reach: reaching.Reach) -> Context:
        """With a person who can be asked in that way."""
        return Context(self.settings, self.stamp, reach, self.began_at, self.asked, self.allowance)

    @cached_property
    def stamp_digest(self) -> str:
        """The stamp as the notes keep it."""
        return hashlib.sha256(self.stamp).hexdigest()

    def registry(self, name: str | None) -> Registry:
        """The registry that a person named to a command, or the only one. Raises errors of exit status 2."""
        registries = self.settings.registries
        names = ", ".join(sorted(registries))
        if not registries:
            raise errors.NoRegistry()
        if name is None:
            if len(registries) > 1:
                raise errors.SeveralRegistries(names=names)
            return next(iter(registries.values()))
        try:
            registry = read_config.registry_for(self.settings, name, erasing=True)
        except ValueError as fault:
            raise errors.UnacceptableServerUrl(reason=fault) from fault
        if registry is None:
            raise errors.UnknownRegistry(registry=name, names=names)
        return registry

    def registries(self, name: str | None) -> list[Registry]:
        """The registry that a person named to a command, else all by name. Raises errors of exit status 2."""
        if name is not None:
            return [self.registry(name)]
        return sorted(self.settings.registries.values(), key=lambda registry: registry.name)


def open_context(
    *,
    asked: bool = False,
    login: LoginChoice | None = None,
    has_terminal: bool | None = None,
    began_at: float | None = None,
) -> Context:
    """Reads the configuration.

    ``asked``: a person ran the command, so neither `login` nor CI counts. ``login``: instead of the configured one.
    ``has_terminal`` None: to be found out. ``began_at``: when Docker asked, whose request has one allowance of time.
    Raises ConfigurationInvalid; for a command NoHome, where a pull goes by what is configured for all users.
    """
    import os

    began_here = time.monotonic()
    if asked:
        read_config.user_file()
    sources = read_config.sources()
    # Stamped before it is read: a change in between makes the remembered pair miss, never match.
    stamp = remembered.stamp([str(path) for path in sources.files], list(sources.variables))
    settings = read_config.load()
    try:
        reach = reaching.reach(
            login or settings.login,
            os.environ,
            asked=asked,
            has_terminal=reaching.has_terminal() if has_terminal is None else has_terminal,
        )
    except Exception as fault:  # the known pair goes out all the same
        reach = reaching.Reach("nobody", console.told(fault).message)
    seconds = settings.timeout_seconds
    return Context(
        settings=settings,
        stamp=stamp,
        reach=reach,
        began_at=time.time() if began_at is None else began_at,
        asked=asked,
        allowance=Allowance(seconds, None if began_at is None else began_here + seconds),
    )


def reach_of_a_pull() -> reaching.Reach:
    """How a request of Docker's could ask a person, whom a command can ask in any case. Raises ConfigurationInvalid."""
    return open_context().reach
