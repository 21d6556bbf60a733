"""Linux key management: keys of type "user" in a keyring, kept by the kernel in its memory; and our own memory closed.

Sources: keyrings(7), add_key(2), keyctl(2), keyctl_get_persistent(3), PR_SET_DUMPABLE(2const). Called through
``_ctypes`` alone, since importing ctypes costs six times as much as the call. Any other system can import this; there
every function raises OSError (ENOSYS), as it does where a container's seccomp filter keeps the calls back (EPERM,
ENOSYS).
"""

import sys

from docker_credential_harbor.warm_get.bare_os import calls

TYPE_CHECKING = False  # typing itself would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any

USER = -4  # @u: of this user, over all sessions
PROCESS = -2  # @p: of this process, gone with it

_REVOKE, _LINK, _UNLINK, _SEARCH, _READ, _SET_TIMEOUT, _GET_PERSISTENT = 3, 8, 9, 10, 11, 15, 22
_ENOENT, _EACCES, _ENOSYS, _EOPNOTSUPP, _ENOKEY, _EKEYEXPIRED, _EKEYREVOKED = 2, 13, 38, 95, 126, 127, 128
_GONE = (_ENOKEY, _EKEYEXPIRED, _EKEYREVOKED)
_SET_DUMPABLE = 4
_TYPE = b"user"
_FUNCFLAG_CDECL, _RTLD_NOW = 1, 2
_LARGEST = 32767  # bytes in the payload of a "user" key

if sys.platform == "linux" and sys.maxsize > 2**32:
    _ADD_KEY, _KEYCTL = {"x86_64": (248, 250), "aarch64": (217, 219)}.get(calls.uname().machine, (0, 0))
else:
    _ADD_KEY, _KEYCTL = 0, 0


def close_memory() -> None:
    """No core dump of this process, to a file or a program, nor of what is forked from it; no reading by ptrace(2).

    A program that is started from here is as any other: execve(2) undoes it. Raises OSError.
    """
    _checked(_opened()[4], _SET_DUMPABLE, 0, 0, 0, 0)  # unlike the others the C library has it, for every processor


def read(description: bytes, keyring: int = USER) -> bytes | None:
    """The payload of the key; None where there is none or its time is over. Raises OSError."""
    key = _search(description, keyring)
    if key is None:
        return None
    buffer = _opened()[2]()
    try:
        size = _possessed(keyring, _READ, key, buffer, _LARGEST)
    except OSError as error:
        if error.errno in _GONE:
            return None
        raise
    payload: bytes = buffer[:size]
    return payload


def add(description: bytes, payload: bytes, keyring: int = USER, timeout_seconds: int | None = None) -> None:
    """Put a key there, in place of one of that description, until ``timeout_seconds`` are over (None: no end).

    Raises OSError (EDQUOT: the user's share of the kernel's memory is used up).
    """
    if timeout_seconds is None:
        _call(_ADD_KEY, _TYPE, description, payload, len(payload), keyring)
        return
    # Made in the keyring of this process and linked when its time is set: killed in between, no key stays for ever.
    key = _call(_ADD_KEY, _TYPE, description, payload, len(payload), PROCESS)
    try:
        _call(_KEYCTL, _SET_TIMEOUT, key, timeout_seconds)
        _revoke(_search(description, keyring), keyring)
        _call(_KEYCTL, _LINK, key, keyring)
    finally:
        _call(_KEYCTL, _UNLINK, key, PROCESS)


def add_and_remove(description: bytes, payload: bytes) -> None:
    """Whether there is room for such a key now. Raises OSError (EDQUOT)."""
    key = _call(_ADD_KEY, _TYPE, description, payload, len(payload), PROCESS)
    try:
        _revoke(key, PROCESS)
    finally:
        _call(_KEYCTL, _UNLINK, key, PROCESS)


def remove(description: bytes, keyring: int = USER) -> None:
    """Take the key out; nothing where there is none. Raises OSError."""
    try:
        key: int | None = _call(_KEYCTL, _SEARCH, keyring, _TYPE, description, 0)
    except OSError as error:
        if error.errno not in _GONE:
            raise
        if error.errno != _EKEYEXPIRED:
            return
        # The kernel keeps its payload for some minutes yet; of one that another key takes the place of it does not.
        key = _call(_ADD_KEY, _TYPE, description, b"-", 1, keyring)
    if key is None:
        return
    _revoke(key, keyring)
    try:
        _call(_KEYCTL, _UNLINK, key, keyring)
    except OSError as error:
        if error.errno not in (*_GONE, _ENOENT):  # ENOENT: another process was faster
            raise


def persistent_keyring() -> int:
    """The keyring of this user that outlives the last log-out, by default for three idle days; possessed by us.

    @u, which is gone with the user's last process, where the kernel was built without. Raises OSError.
    """
    try:
        return _call(_KEYCTL, _GET_PERSISTENT, -1, PROCESS)
    except OSError as error:
        if error.errno != _EOPNOTSUPP:
            raise
        return USER


def _revoke(key: int | None, keyring: int) -> None:
    """End the payload, and its share of the user's memory, at once: a key that is only unlinked keeps both a while."""
    if key is not None:
        try:
            _possessed(keyring, _REVOKE, key)
        except OSError as error:
            if error.errno not in _GONE:
                raise


def _possessed(keyring: int, operation: int, key: int, *arguments: object) -> int:
    """keyctl(2) on a key that one must possess, which a session does whose keyring has the one that the key is in."""
    try:
        return _call(_KEYCTL, operation, key, *arguments)
    except OSError as error:
        if error.errno != _EACCES:
            raise
    _call(_KEYCTL, _LINK, keyring, PROCESS)  # this one lacks it; that of our process has it until we end
    return _call(_KEYCTL, operation, key, *arguments)


def _search(description: bytes, keyring: int) -> int | None:
    try:
        return _call(_KEYCTL, _SEARCH, keyring, _TYPE, description, 0)
    except OSError as error:
        if error.errno in _GONE:
            return None
        raise


def _call(number: int, *arguments: object) -> int:
    """syscall(2). Raises OSError."""
    if not number:
        raise OSError(_ENOSYS, calls.strerror(_ENOSYS))
    return _checked(_opened()[0], number, *arguments)


def _checked(function: "Any", *arguments: object) -> int:
    """Whole numbers go as longs, the rest as it is. Raises OSError."""
    _, long, _, errno, _ = _opened()
    result: int = function(*[long(a) if isinstance(a, int) else a for a in arguments])
    if result < 0:
        raise OSError(errno(), calls.strerror(errno()))
    return result


_open: "list[Any]" = []


def _opened() -> "list[Any]":
    """The C library's syscall, the types of a long and of a buffer for the largest payload, errno's reader, prctl."""
    if not _open:
        try:
            import _ctypes

            c: Any = _ctypes
            long = type("Long", (c._SimpleCData,), {"_type_": "l"})  # noqa: SLF001 - what ctypes itself does
            char = type("Char", (c._SimpleCData,), {"_type_": "c"})  # noqa: SLF001
            buffer = type("Buffer", (c.Array,), {"_type_": char, "_length_": _LARGEST})
            flags = _FUNCFLAG_CDECL | c.FUNCFLAG_USE_ERRNO
            function = type("Function", (c.CFuncPtr,), {"_flags_": flags, "_restype_": long})
            library = c.dlopen(None, _RTLD_NOW)
            syscall, prctl = function(c.dlsym(library, "syscall")), function(c.dlsym(library, "prctl"))
        except (ImportError, AttributeError, TypeError) as error:  # a Python that was built otherwise
            raise OSError(_ENOSYS, calls.strerror(_ENOSYS)) from error
        _open.extend((syscall, long, buffer, c.get_errno, prctl))
    return _open
