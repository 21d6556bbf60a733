"""The pair that was just verified, in the kernel's keyring of this user for the trust window: the warm ``get``.

Source: keyrings(7), through native/keyctl.py. Nothing else is imported but C modules, and nothing here ever raises:
remembering is an optimisation, and whatever is unusual goes the long way.

The payload's fields are parted by NUL, which occurs in no path, variable or JSON: the format's number, the milliseconds
of CLOCK_BOOTTIME (time_namespaces(7): it runs on while the machine sleeps, and nobody sets it) between which it holds,
the answer's finished members, and the stamp of the configuration. The kernel ends the key by the wall clock; the
payload's own end holds even if that is set back.
"""

import os
import time

from docker_credential_harbor.native import keyctl

_PREFIX = "docker-credential-harbor:remembered:"
_FORMAT = b"1"
_LARGEST = 8192  # bytes; an ordinary user has 20,000 for all keys together


def recall(registry_name: str) -> bytes | None:
    """The answer's members, such as ``"Username":"alice","Secret":"…"``; None where nothing is remembered that holds.

    The files and variables that the stamp names must be as they were. Never raises.
    """
    try:
        payload = keyctl.read(_description(registry_name))
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
    if whole_seconds >= 1 and len(payload) <= _LARGEST and b"\0" not in members:
        try:
            keyctl.add(_description(registry_name), payload, timeout_seconds=whole_seconds)
        except (OSError, ValueError):
            pass
        else:
            return True
    forget(registry_name)
    return False


def forget(registry_name: str) -> None:
    """Nothing is remembered for this registry any more. Never raises: where the kernel refuses, nothing is recalled."""
    try:
        keyctl.remove(_description(registry_name))
    except (OSError, ValueError):
        return


def stamp(files: list[str], variables: list[str]) -> bytes:
    """What the configuration depends on, as it is now: the files, absent ones too, and the environment variables.

    It carries their names, so ``recall`` can look again without working out which they are.
    """
    fields = []
    for path in files:
        name = os.fsencode(path)
        fields += [b"F", name, _file_fact(name)]
    for variable in variables:
        name = os.fsencode(variable)
        fields += [b"V", name, _variable_fact(name)]
    return b"\0".join(fields)


def _file_fact(path: bytes) -> bytes:
    try:
        status = os.stat(path)
    except OSError:
        return b"-"
    return b"%d %d %d %d" % (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)


def _variable_fact(name: bytes) -> bytes:
    value = os.environ.get(os.fsdecode(name))
    return b"-" if value is None else b"=" + os.fsencode(value)


def _description(registry_name: str) -> bytes:
    return (_PREFIX + registry_name).encode()


def _now() -> int:
    """Milliseconds; only Linux has this clock, and only there a kernel keyring."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000) if hasattr(time, "CLOCK_BOOTTIME") else 0
