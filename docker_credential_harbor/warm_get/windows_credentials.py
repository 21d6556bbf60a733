"""Windows' credential manager: generic credentials that last until the person logs off.

Source: Microsoft's wincred.h (CredReadW, CredWriteW, CredDeleteW, CREDENTIALW), called through ctypes: importing
keyring takes ten times as long. Any program of this user may read them, as it may read the keyring's own.
"""

import ctypes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_GENERIC = 1  # CRED_TYPE_GENERIC
_UNTIL_LOGOFF = 1  # CRED_PERSIST_SESSION
_LARGEST = 2560  # bytes: CRED_MAX_CREDENTIAL_BLOB_SIZE
_NOT_FOUND = 1168  # ERROR_NOT_FOUND
_EIO = 5


class _Credential(ctypes.Structure):
    _fields_ = (  # CREDENTIALW
        ("Flags", ctypes.c_uint32),
        ("Type", ctypes.c_uint32),
        ("TargetName", ctypes.c_wchar_p),
        ("Comment", ctypes.c_wchar_p),
        ("LastWritten", ctypes.c_uint32 * 2),
        ("CredentialBlobSize", ctypes.c_uint32),
        ("CredentialBlob", ctypes.c_void_p),
        ("Persist", ctypes.c_uint32),
        ("AttributeCount", ctypes.c_uint32),
        ("Attributes", ctypes.c_void_p),
        ("TargetAlias", ctypes.c_wchar_p),
        ("UserName", ctypes.c_wchar_p),
    )


def read(description: bytes) -> "bytes | None":
    """The credential's blob; None where there is none. Raises OSError with Windows' error code in its words."""
    library = _library()
    found = ctypes.POINTER(_Credential)()
    if not library.CredReadW(description.decode(), _GENERIC, 0, ctypes.byref(found)):
        _raise_unless_absent()
        return None
    try:
        return ctypes.string_at(found.contents.CredentialBlob, found.contents.CredentialBlobSize)
    finally:
        library.CredFree(found)


def add(description: bytes, payload: bytes, timeout_seconds: int) -> None:  # noqa: ARG001 - the payload has its own end
    """Keep it there, in place of an older one; it is not ended before the log-off. Raises OSError."""
    if len(payload) > _LARGEST:
        raise OSError(_EIO, f"more than {_LARGEST} bytes")
    blob = ctypes.create_string_buffer(payload, len(payload))
    credential = _Credential(
        Type=_GENERIC,
        TargetName=description.decode(),
        CredentialBlobSize=len(payload),
        CredentialBlob=ctypes.cast(blob, ctypes.c_void_p),
        Persist=_UNTIL_LOGOFF,
    )
    if not _library().CredWriteW(ctypes.byref(credential), 0):
        _raise(_last_error())


def remove(description: bytes) -> None:
    """Take it away; nothing where there is none. Raises OSError."""
    if not _library().CredDeleteW(description.decode(), _GENERIC, 0):
        _raise_unless_absent()


def _raise_unless_absent() -> None:
    code = _last_error()
    if code != _NOT_FOUND:
        _raise(code)


def _raise(code: int) -> None:
    raise OSError(_EIO, f"the credential manager answered {code}")


def _library() -> "Any":
    """Raises OSError anywhere else."""
    load = vars(ctypes).get("WinDLL")  # of Windows' ctypes alone, as what follows
    if load is None:
        raise OSError(_EIO, "there is no credential manager here")
    return load("advapi32", use_last_error=True)


def _last_error() -> int:
    code: int = vars(ctypes)["get_last_error"]()
    return code
