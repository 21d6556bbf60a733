"""A Kerberos ticket of this person, and a token made from it: the system's own MIT library, through ctypes.

Source: RFC 2743 and 2744 (GSS-API), RFC 4178 (SPNEGO), RFC 4559 (Negotiate); libgssapi_krb5.so.2. Nothing has to be
built for it, and the machine's own ticket caches and configuration hold. Linux only: macOS and Windows have others.
"""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from typing import Any

LIBRARY = "libgssapi_krb5.so.2"
KRB5 = bytes.fromhex("2a864886f712010202")  # 1.2.840.113554.1.2.2
SPNEGO = bytes.fromhex("2b0601050502")  # 1.3.6.1.5.5.2
HOST_BASED_SERVICE = bytes.fromhex("2a864886f712010201 04".replace(" ", ""))  # 1.2.840.113554.1.2.1.4
INITIATE = 1
NTLM_MARK = b"NTLMSSP"
ERROR_BITS = 0xFFFF0000  # of a major status: calling and routine errors


class NoTicketError(Exception):
    """There is no library, no configuration, no ticket that is still good, or none for that service."""


@dataclass(frozen=True)
class Ticket:
    """Whose it is (``alice@CORP.EXAMPLE``) and for how many seconds more."""

    principal: str
    life_seconds: int

    def is_of(self, username: str) -> bool:
        """Whether the principal's name, without its realm, is that user name."""
        return self.principal.rpartition("@")[0].lower() == username.lower()


class _Oid(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint32), ("elements", ctypes.c_char_p))


class _OidSet(ctypes.Structure):
    _fields_ = (("count", ctypes.c_size_t), ("elements", ctypes.POINTER(_Oid)))


class _Buffer(ctypes.Structure):
    _fields_ = (("length", ctypes.c_size_t), ("value", ctypes.c_void_p))


def ticket() -> Ticket:
    """The krb5 credential that a token would be made from. Raises NoTicketError."""
    library = _library()
    mechanism = _Oid(len(KRB5), KRB5)
    mechanisms = _OidSet(1, ctypes.pointer(mechanism))
    credential, name, life = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_uint32()
    _call(library.gss_acquire_cred, None, 0, ctypes.byref(mechanisms), INITIATE, ctypes.byref(credential), None, None)
    try:
        _call(library.gss_inquire_cred, credential, ctypes.byref(name), ctypes.byref(life), None, None)
        text = _Buffer()
        _call(library.gss_display_name, name, ctypes.byref(text), None)
        principal = _taken(text).decode(errors="replace")
    finally:
        _release("gss_release_name", name)
        _release("gss_release_cred", credential)
    if not life.value:
        raise NoTicketError("the ticket has expired")
    return Ticket(principal, life.value)


def token(host: str) -> bytes:
    """A SPNEGO token for the web server of that name, never delegating. It may ask the KDC, which may be silent.

    Raises NoTicketError.
    """
    library = _library()
    service = f"HTTP@{host}".encode()
    name, context, output = ctypes.c_void_p(), ctypes.c_void_p(), _Buffer()
    given = _Buffer(len(service), ctypes.cast(ctypes.c_char_p(service), ctypes.c_void_p))
    kind = _Oid(len(HOST_BASED_SERVICE), HOST_BASED_SERVICE)
    mechanism = _Oid(len(SPNEGO), SPNEGO)
    try:
        _call(library.gss_import_name, ctypes.byref(given), ctypes.byref(kind), ctypes.byref(name))
        _call(
            library.gss_init_sec_context,
            None,
            ctypes.byref(context),
            name,
            ctypes.byref(mechanism),
            0,
            0,
            None,
            None,
            None,
            ctypes.byref(output),
            None,
            None,
        )
        made = _taken(output)
    finally:
        _release("gss_delete_sec_context", context, None)
        _release("gss_release_name", name)
    if not made or NTLM_MARK in made:
        raise NoTicketError("the library made no Kerberos token")
    return made


def _library() -> Any:
    if not sys.platform.startswith("linux"):
        raise NoTicketError("not on this system")
    try:
        return ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise NoTicketError(f"{LIBRARY} is not installed") from error


def _call(function: Any, *arguments: object) -> None:
    minor = ctypes.c_uint32()
    status = function(ctypes.byref(minor), *arguments) & 0xFFFFFFFF
    if status & ERROR_BITS:
        raise NoTicketError(f"GSS-API status {status:#x}, {minor.value:#x}")


def _taken(buffer: _Buffer) -> bytes:
    content = ctypes.string_at(buffer.value, buffer.length) if buffer.value else b""
    _call(_library().gss_release_buffer, ctypes.byref(buffer))
    return content


def _release(function: str, handle: ctypes.c_void_p, *rest: object) -> None:
    if handle.value:
        _call(getattr(_library(), function), ctypes.byref(handle), *rest)
