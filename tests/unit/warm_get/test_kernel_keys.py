"""The real kernel keyring of this user, under descriptions of our own."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.warm_get import kernel_keys
from tests.lab import kernel_keyring

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=["user", "persistent"])
def keyring(request: pytest.FixtureRequest) -> int:
    if not kernel_keyring.is_open():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("the kernel gives us no keyring here")
    return kernel_keys.USER if request.param == "user" else kernel_keys.persistent_keyring()


@pytest.fixture
def description(keyring: int) -> Iterator[bytes]:
    name = f"test of docker-credential-harbor:{uuid.uuid4()}".encode()
    yield name
    kernel_keys.remove(name, keyring)


def wait_until_gone(description: bytes, keyring: int) -> None:
    ends_at = time.monotonic() + 30
    while kernel_keys.read(description, keyring) is not None:
        assert time.monotonic() < ends_at
        time.sleep(0.05)


@pytest.mark.parametrize("payload", [b"x", b"\0\xff line\n", b"a" * 32767], ids=["short", "any bytes", "the longest"])
def test_what_was_added_is_read(description: bytes, keyring: int, payload: bytes) -> None:
    kernel_keys.add(description, payload, keyring)
    assert kernel_keys.read(description, keyring) == payload
    kernel_keys.add(description, payload, keyring, timeout_seconds=60)
    assert kernel_keys.read(description, keyring) == payload


def test_absent(description: bytes, keyring: int) -> None:
    assert kernel_keys.read(description, keyring) is None
    kernel_keys.remove(description, keyring)


def test_removed(description: bytes, keyring: int) -> None:
    kernel_keys.add(description, b"x", keyring)
    kernel_keys.remove(description, keyring)
    assert kernel_keys.read(description, keyring) is None


def test_the_kernel_ends_it(description: bytes, keyring: int) -> None:
    kernel_keys.add(description, b"x", keyring, timeout_seconds=1)
    wait_until_gone(description, keyring)
    kernel_keys.remove(description, keyring)
    kernel_keys.add(description, b"again", keyring, timeout_seconds=60)
    assert kernel_keys.read(description, keyring) == b"again"


def test_a_later_one_has_its_own_time(description: bytes, keyring: int) -> None:
    kernel_keys.add(description, b"long", keyring, timeout_seconds=60)
    kernel_keys.add(description, b"short", keyring, timeout_seconds=2)  # the kernel counts whole seconds of its clock
    assert kernel_keys.read(description, keyring) == b"short"
    wait_until_gone(description, keyring)


def test_what_was_replaced_or_removed_uses_no_memory(description: bytes, keyring: int) -> None:
    """An ordinary user has 20,000 bytes, and the kernel frees what is only unlinked some time later."""

    def used_bytes() -> int:
        users = Path("/proc/key-users").read_text().splitlines()
        mine = next(line for line in users if line.split(":")[0].strip() == str(os.geteuid()))
        return int(mine.split()[-1].partition("/")[0])

    before = used_bytes()
    for _ in range(30):
        kernel_keys.add(description, b"a" * 30000, keyring, timeout_seconds=60)
    assert used_bytes() - before < 300_000  # others of this user use some meanwhile
    kernel_keys.remove(description, keyring)
    for _ in range(30):
        kernel_keys.add(description, b"a" * 30000, keyring)
        kernel_keys.remove(description, keyring)
    assert used_bytes() - before < 300_000


def test_an_expired_one_that_is_removed_is_not_kept_by_the_kernel_either(description: bytes, keyring: int) -> None:
    """Of a key whose time is over it keeps the payload for some minutes."""
    kernel_keys.add(description, b"a secret", keyring, timeout_seconds=1)
    wait_until_gone(description, keyring)
    kernel_keys.remove(description, keyring)
    listed = [line for line in Path("/proc/keys").read_text().splitlines() if description.decode() in line]
    assert all(line.endswith(": 0") for line in listed), listed


def test_a_payload_that_no_key_takes(description: bytes, keyring: int) -> None:
    with pytest.raises(OSError, match="Invalid argument"):
        kernel_keys.add(description, b"a" * 32768, keyring)


BEGIN = """
import os, signal, sys
from docker_credential_harbor.warm_get import kernel_keys
name = sys.argv[1].encode()
"""


def run(program: str, description: bytes) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", BEGIN + program, description.decode()],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_another_process_reads_it_even_in_a_session_without_our_keyring(description: bytes, keyring: int) -> None:
    kernel_keys.add(description, b"ours", keyring, timeout_seconds=60)
    ring = "kernel_keys.USER" if keyring == kernel_keys.USER else "kernel_keys.persistent_keyring()"
    join = "kernel_keys._call(kernel_keys._KEYCTL, 1, None)\n"  # KEYCTL_JOIN_SESSION_KEYRING: a new one, without @u
    for start in ("", join):
        done = run(f"{start}print(kernel_keys.read(name, {ring}))", description)
        assert done.stdout == "b'ours'\n", done.stderr


def test_killed_before_its_time_is_set_no_key_stays(description: bytes, keyring: int) -> None:
    ring = "kernel_keys.USER" if keyring == kernel_keys.USER else "kernel_keys.persistent_keyring()"
    program = (
        "call = kernel_keys._call\n"
        "def killed(number, *arguments):\n"
        "    if arguments[0] == kernel_keys._SET_TIMEOUT:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return call(number, *arguments)\n"
        "kernel_keys._call = killed\n"
        f"kernel_keys.add(name, b'x', {ring}, timeout_seconds=60)\n"
    )
    assert run(program, description).returncode == -signal.SIGKILL
    assert kernel_keys.read(description, keyring) is None


def test_elsewhere_every_call_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_keys, "_ADD_KEY", 0)
    monkeypatch.setattr(kernel_keys, "_KEYCTL", 0)
    assert not kernel_keyring.is_open()
    for call in (
        lambda: kernel_keys.read(b"x"),
        lambda: kernel_keys.add(b"x", b"y"),
        lambda: kernel_keys.add(b"x", b"y", timeout_seconds=1),
        lambda: kernel_keys.remove(b"x"),
        lambda: kernel_keys.persistent_keyring(),
    ):
        with pytest.raises(OSError) as caught:  # noqa: PT011 - the number is looked at, not the words
            call()
        assert caught.value.errno == errno.ENOSYS


def test_a_kernel_without_persistent_keyrings(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacks(*_: object) -> int:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(kernel_keys, "_call", lacks)
    assert kernel_keys.persistent_keyring() == kernel_keys.USER


def test_a_filter_that_keeps_the_calls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> int:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(kernel_keys, "_call", refused)
    assert not kernel_keyring.is_open()
    with pytest.raises(PermissionError):
        kernel_keys.read(b"x")
    with pytest.raises(PermissionError):
        kernel_keys.persistent_keyring()
