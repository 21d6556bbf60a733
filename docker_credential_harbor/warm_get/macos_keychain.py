"""macOS' keychain: generic passwords of the service "docker-credential-harbor", read and written without a prompt.

Source: Apple's Keychain Services (SecKeychainFindGenericPassword and its kin, OSStatus values), called through ctypes:
importing keyring takes ten times as long. An item opens without a question for the program that made it, and asks
(here: fails) for another one, which an executable with another signature is.
"""

import ctypes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FRAMEWORK = "/System/Library/Frameworks/{0}.framework/{0}"
_SERVICE = b"docker-credential-harbor"
_NOT_FOUND = -25300  # errSecItemNotFound
_EIO = 5


def read(description: bytes) -> "bytes | None":
    """The payload of the item; None where there is none. Raises OSError with the OSStatus in its words."""
    found = _find(description, with_payload=True)
    if found is None:
        return None
    item, payload = found
    _library("CoreFoundation").CFRelease(item)
    return payload


def add(description: bytes, payload: bytes, timeout_seconds: int) -> None:  # noqa: ARG001 - the payload has its own end
    """Keep it there, in place of an older one; the keychain ends nothing by itself. Raises OSError."""
    security = _library("Security")
    found = _find(description)
    if found is None:
        account, service = (len(description), description), (len(_SERVICE), _SERVICE)
        _call(security.SecKeychainAddGenericPassword, None, *service, *account, len(payload), payload, None)
        return
    item, _ = found
    try:
        _call(security.SecKeychainItemModifyAttributesAndData, item, None, len(payload), payload)
    finally:
        _library("CoreFoundation").CFRelease(item)


def remove(description: bytes) -> None:
    """Take it away; nothing where there is none. Raises OSError."""
    found = _find(description)
    if found is not None:
        item, _ = found
        try:
            _call(_library("Security").SecKeychainItemDelete, item)
        finally:
            _library("CoreFoundation").CFRelease(item)


def _find(description: bytes, with_payload: bool = False) -> "tuple[Any, bytes] | None":
    """The item, which the caller releases, and its payload where that is asked for."""
    security = _library("Security")
    size, data, item = ctypes.c_uint32(), ctypes.c_void_p(), ctypes.c_void_p()
    wanted = (ctypes.byref(size), ctypes.byref(data)) if with_payload else (None, None)
    names = (len(_SERVICE), _SERVICE, len(description), description)
    find = security.SecKeychainFindGenericPassword
    if _call(find, None, *names, *wanted, ctypes.byref(item), may_be=_NOT_FOUND) == _NOT_FOUND:
        return None
    if not with_payload:
        return item, b""
    try:
        return item, ctypes.string_at(data, size.value)
    finally:
        security.SecKeychainItemFreeContent(None, data)


def _call(function: "Any", *arguments: "Any", may_be: int = 0) -> int:
    """The OSStatus, 0 or ``may_be``. No window opens meanwhile: a `get` that nobody waits for must not ask."""
    security = _library("Security")
    allowed = ctypes.c_ubyte()
    security.SecKeychainGetUserInteractionAllowed(ctypes.byref(allowed))
    security.SecKeychainSetUserInteractionAllowed(0)
    try:
        status: int = function(*arguments)
    finally:
        security.SecKeychainSetUserInteractionAllowed(allowed)
    if status not in (0, may_be):
        raise OSError(_EIO, f"the keychain answered {status}")
    return status


def _library(name: str) -> "Any":
    """The system's framework. Raises OSError where there is none."""
    return ctypes.CDLL(_FRAMEWORK.format(name))
