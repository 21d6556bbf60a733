"""The operating system's keyring as a backend: a real Secret Service, and stand-ins for rare faults."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import keyring
import keyring.backend
import keyring.backends.null
import pytest
from keyring.errors import KeyringLocked, PasswordDeleteError

from docker_credential_harbor.context import STORE_SECONDS, Context
from docker_credential_harbor.errors import StoreUnavailable
from docker_credential_harbor.model import Credentials, Settings, StoredPair
from docker_credential_harbor.person.reaching import Reach
from docker_credential_harbor.storage.backends import os_keyring
from docker_credential_harbor.storage.backends.os_keyring import OsKeyring
from docker_credential_harbor.system.time_limit import Allowance
from tests.conftest import need
from tests.lab import secret_service
from tests.unit.storage.backends.test_backend import BackendTests

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from docker_credential_harbor.storage.backends.backend import Backend
    from tests.lab.secret_service import SecretService


@pytest.mark.usefixtures("shared_unlocked")
class TestSecretService(BackendTests):
    @pytest.fixture
    def make(self) -> Callable[[], Backend]:
        return lambda: OsKeyring(Allowance(30), may_prompt=False)

    def test_it_is_there(self) -> None:
        OsKeyring(Allowance(30), may_prompt=False).check()
        assert OsKeyring(Allowance(30), may_prompt=False).find() == "SecretService"


STARTED = (
    "import sys\n"
    "STARTS = ('subprocess.Popen', 'os.exec', 'os.fork', 'os.posix_spawn')\n"
    "sys.addaudithook(lambda event, _: event in STARTS and print(event))\n"
    "from docker_credential_harbor.storage.backends.os_keyring import OsKeyring\n"
    "from docker_credential_harbor.system.time_limit import Allowance\n"
    "keyring = OsKeyring(Allowance(60), may_prompt=False)\n"
    "assert keyring.find() == 'SecretService'\n"
    "keyring.check()\n"
)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system's own keyring is the one")
@pytest.mark.usefixtures("shared_unlocked")
def test_no_program_is_started_to_find_it() -> None:
    """A backend for macOS, only imported, looks for its libraries by a compiler, a linker and ldconfig."""
    started = subprocess.run([sys.executable, "-c", STARTED], capture_output=True, text=True, check=True)
    assert started.stdout == ""


def all_calls(backend: OsKeyring) -> list[Callable[[], object]]:
    return [backend.check, lambda: backend.get("a"), lambda: backend.set("a", "1"), lambda: backend.delete("a")]


def test_locked_later_nothing_prompts(unlocked: SecretService) -> None:
    backend = OsKeyring(Allowance(30), may_prompt=False)
    backend.set("a", "1")
    unlocked.lock()
    for call in all_calls(backend):
        with pytest.raises(StoreUnavailable, match="it is locked"):
            call()
    assert backend.find() == "SecretService"


@pytest.mark.parametrize("may_prompt", [False, True])
def test_never_unlocked_and_no_screen_for_a_prompt(
    look_anew: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, may_prompt: bool
) -> None:
    need("Secret Service", "apt-get install gnome-keyring dbus", not secret_service.missing())
    with secret_service.SecretService.start(tmp_path / "bus", unlocked=False) as service:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", service.environment["DBUS_SESSION_BUS_ADDRESS"])
        look_anew()
        with pytest.raises(StoreUnavailable, match="locked"):
            OsKeyring(Allowance(30), may_prompt=may_prompt).check()


@pytest.mark.usefixtures("no_keyring")
def test_none() -> None:
    backend = OsKeyring(Allowance(30), may_prompt=False)
    for call in [*all_calls(backend), backend.find]:
        with pytest.raises(StoreUnavailable, match=r"operating system's keyring cannot be used \(there is none here\)"):
            call()


def test_gone_later(unlocked: SecretService) -> None:
    backend = OsKeyring(Allowance(30), may_prompt=False)
    backend.set("a", "1")
    unlocked.close()
    with pytest.raises(StoreUnavailable):
        backend.get("a")


class StandIn(keyring.backend.KeyringBackend):
    """A backend that does what its test says."""

    priority = 9

    def __init__(self, call: Callable[[], str | None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._call = call

    def get_password(self, service: str, username: str) -> str | None:  # noqa: ARG002
        return self._call()

    def set_password(self, service: str, username: str, password: str) -> None:  # noqa: ARG002
        self._call()

    def delete_password(self, service: str, username: str) -> None:
        raise PasswordDeleteError(f"{service} {username}")


@pytest.fixture
def use(look_anew: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:  # noqa: ARG001
    return lambda ring: monkeypatch.setattr(keyring.core, "_keyring_backend", ring)


def test_one_that_hangs_is_left_behind_and_not_asked_again(use: Callable[[object], None]) -> None:
    never = threading.Event()
    asked = []

    def hang() -> None:
        asked.append("once")
        never.wait()

    use(StandIn(hang))
    backend = OsKeyring(Allowance(0.2), may_prompt=False)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match=r"no answer within 0\.2 s"):
            backend.get("a")
    never.set()
    assert asked == ["once"]


def test_without_time_it_is_not_asked(use: Callable[[object], None]) -> None:
    use(StandIn(lambda: pytest.fail("it was")))
    with pytest.raises(StoreUnavailable, match="no time was left to ask it"):
        OsKeyring(Allowance.shared(0), may_prompt=False).set("a", "1")


def test_what_the_provider_gave_is_kept_though_the_time_is_over(use: Callable[[object], None]) -> None:
    kept: list[str | None] = []
    use(StandIn(lambda: kept.append("kept")))
    reach = Reach("nobody", "a test")
    settings = Settings(storage="keyring")
    context, used_up = (
        Context(settings, b"", reach, began_at=0, asked=False, allowance=allowance)
        for allowance in (Allowance.shared(0), Allowance.shared(0).longer(-STORE_SECONDS))
    )
    context.store.save_stored("ghcr.io", StoredPair(Credentials("alice", "s")))
    assert kept
    with pytest.raises(StoreUnavailable, match="no time was left"):
        used_up.store.load_stored("ghcr.io")


def test_what_was_left_behind_keeps_nothing_later(
    use: Callable[[object], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer comes when somebody else may have kept a newer value."""
    go_on = threading.Event()
    kept = []
    use(StandIn(lambda: kept.append("late")))
    monkeypatch.setattr(os_keyring, "_refuse_locked", lambda *_: go_on.wait())
    before = set(threading.enumerate())
    with pytest.raises(StoreUnavailable, match="no answer"):
        OsKeyring(Allowance(0.05), may_prompt=False).set("a", "1")
    [left_behind] = set(threading.enumerate()) - before
    go_on.set()
    left_behind.join(30)
    assert kept == []


def test_a_dismissed_prompt(use: Callable[[object], None]) -> None:
    def dismissed() -> str:
        raise KeyringLocked("Failed to unlock the collection!")

    use(StandIn(dismissed))
    with pytest.raises(StoreUnavailable, match="locked and was not unlocked"):
        OsKeyring(Allowance(30), may_prompt=True).get("a")


def test_any_other_error_of_a_backend(use: Callable[[object], None]) -> None:
    def broken() -> str:
        raise RuntimeError("the vault is on fire")

    use(StandIn(broken))
    with pytest.raises(StoreUnavailable, match=r"\(the vault is on fire\)"):
        OsKeyring(Allowance(30), may_prompt=True).get("a")


def test_a_value_that_cannot_be_deleted_is_not_taken_for_an_absent_one(use: Callable[[object], None]) -> None:
    use(StandIn(lambda: "still here"))
    with pytest.raises(StoreUnavailable, match=r"\(docker-credential-harbor a\)"):
        OsKeyring(Allowance(30), may_prompt=True).delete("a")
    use(StandIn(lambda: None))
    OsKeyring(Allowance(30), may_prompt=True).delete("a")


class Plaintext(StandIn):
    __module__ = "keyrings.alt.file"


def test_what_keeps_nothing_or_plain_text_is_refused(use: Callable[[object], None]) -> None:
    nothing = keyring.backends.null.Keyring()  # type: ignore[no-untyped-call]
    for ring in (nothing, Plaintext(lambda: "x")):
        use(ring)
        with pytest.raises(StoreUnavailable, match="there is none here"):
            OsKeyring(Allowance(30), may_prompt=True).get("a")
