"""The pair that was just verified, kept for the trust window where it is read quickest: the warm ``get``.

On Linux that is the kernel's keyring of this user, and a file in memory where that is closed; on macOS the keychain, on
Windows the credential manager. Little else is imported but C modules, and nothing here ever raises: remembering is an
optimisation, and whatever is unusual goes the long way.

The payload's fields are parted by NUL, which occurs in no path, variable or JSON: the format's number, the milliseconds
between which it holds, the answer's finished members, and the stamp of the configuration. The clock is CLOCK_BOOTTIME
(time_namespaces(7): it runs on while the machine sleeps, and nobody sets it), else the wall clock. The places end what
they keep by the wall clock; the payload's own end holds even if that is set back.
"""

import sys
import time

from docker_credential_harbor.warm_get.bare_os import calls, variable

TYPE_CHECKING = False  # typing itself would cost more than all the rest
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    class Place(Protocol):
        """What each module of warm_get/ that keeps payloads offers; all raise OSError where they cannot."""

        def read(self, description: bytes, /) -> bytes | None: ...
        def add(self, description: bytes, payload: bytes, /, *, timeout_seconds: int) -> None: ...
        def remove(self, description: bytes, /) -> None: ...


_PREFIX = "docker-credential-harbor:remembered:"
_FORMAT = b"1"
_LARGEST = 8192  # bytes; an ordinary user has 20,000 for all keys together


def recall(registry_name: str) -> bytes | None:
    """The answer's members, such as ``"Username":"alice","Secret":"…"``; None where nothing is remembered that holds.

    The files and variables that the stamp names must be as they were. Never raises.
    """
    try:
        payload = _read(_description(registry_name))
        if payload is None:
            return None
        version, begins_at, ends_at, members, *stamped = payload.split(b"\0")
        if version != _FORMAT or not int(begins_at) <= _now() < int(ends_at):
            return None
        for kind, name, fact in zip(stamped[::3], stamped[1::3], stamped[2::3], strict=True):
            if fact != (_file_fact(name) if kind == b"F" else _variable_fact(name)):
                return None
    except (OSError, ValueError):
        return None
    return members


def remember(registry_name: str, members: bytes, stamp: bytes, seconds: float) -> bool:
    """Remember the members for ``seconds``, rounded down to whole ones; below 1 an older pair is forgotten instead.

    ``stamp`` was made before the configuration was read. False: nothing is remembered now. Never raises.
    """
    whole_seconds = int(min(max(seconds, 0), 10**6))
    now = _now()
    times = [b"%d" % now, b"%d" % (now + 1000 * whole_seconds)]
    payload = b"\0".join([_FORMAT, *times, members, *([stamp] if stamp else [])])
    fits = whole_seconds >= 1 and len(payload) <= _LARGEST and b"\0" not in members
    kept = False
    for place in _places():  # an older pair may lie in one that was closed or full at another time
        try:
            if fits and not kept:
                place.add(_description(registry_name), payload, timeout_seconds=whole_seconds)
                kept = True
                continue
        except (OSError, ValueError):
            pass
        _remove(place, registry_name)
    return kept


def forget(registry_name: str) -> None:
    """Nothing is remembered for this registry any more. Never raises: from a closed place nothing is recalled."""
    for place in _places():
        _remove(place, registry_name)


def stamp(files: list[str], variables: list[str]) -> bytes:
    """What the configuration depends on, as it is now: the files, absent ones too, and the environment variables.

    It carries their names, so ``recall`` can look again without working out which they are.
    """
    import os  # never in a warm get

    fields = []
    for path in files:
        name = os.fsencode(path)
        fields += [b"F", name, _file_fact(name)]
    for each in variables:
        name = os.fsencode(each)
        fields += [b"V", name, _variable_fact(name)]
    return b"\0".join(fields)


def _file_fact(path: bytes) -> bytes:
    try:
        status = calls.stat(path)
    except OSError:
        return b"-"
    return b"%d %d %d %d" % (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)


def _variable_fact(name: bytes) -> bytes:
    value = variable(name)
    return b"-" if value is None else b"=" + value


def _read(description: bytes) -> "bytes | None":
    """From the first place that has it; None where none has."""
    for place in _places():
        try:
            payload = place.read(description)
        except OSError:
            continue
        if payload is not None:
            return payload
    return None


def _remove(place: "Place", registry_name: str) -> None:
    try:
        place.remove(_description(registry_name))
    except (OSError, ValueError):
        return


def _places() -> "Iterator[Place]":
    """The best first; the next is imported only where that one has nothing."""
    if sys.platform == "linux":
        from docker_credential_harbor.warm_get import kernel_keys

        yield kernel_keys
        from docker_credential_harbor.warm_get import memory_file

        yield memory_file
    elif sys.platform == "darwin":
        from docker_credential_harbor.warm_get import macos_keychain

        yield macos_keychain
    elif sys.platform == "win32":
        from docker_credential_harbor.warm_get import windows_credentials

        yield windows_credentials


def _description(registry_name: str) -> bytes:
    return (_PREFIX + registry_name).encode()


def _now() -> int:
    """Milliseconds."""
    if sys.platform == "linux":
        return int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000)
    return int(time.time() * 1000)
