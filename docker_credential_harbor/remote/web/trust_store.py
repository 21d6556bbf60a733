"""Whose certificates count: the operating system's authorities, among which companies install their own, and `ca_file`.

macOS and Windows judge certificates themselves (truststore). A Linux system has its authorities twice: in one bundle,
which takes OpenSSL 50 to 100 ms to read, and in a folder by the hashes of their names, of which only what a handshake
needs is read. So the folder goes first; whoever adds an authority by hand often adds it to the bundle alone.

Sources: SSL_CTX_load_verify_locations(3), openssl-rehash(1).
"""

from __future__ import annotations

import os
import re
import ssl
import sys
from pathlib import Path

from docker_credential_harbor.errors import ConfigurationInvalid, NoSuchFile, NotReadable

# Where Debian and Arch, Fedora and RHEL have them, in case the OpenSSL in use was built on another distribution.
FOLDERS = ("/etc/ssl/certs", "/etc/pki/ca-trust/extracted/pem/directory-hash")
BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # Alpine
)
_HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+")


class TrustStore:
    """The TLS context that knows them. Raises NotReadable and ConfigurationInvalid for a ca_file."""

    def __init__(self, ca_file: Path | None = None) -> None:
        self._unread: str | None = None
        if sys.platform == "linux":
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self.context.sslsocket_class = _Socket
            self._begin_on_linux()
        else:
            import truststore

            self.context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        if ca_file is not None:
            _add(self.context, ca_file)
            # An intermediate, or the server's own certificate: what somebody names is trusted, as by Go and curl.
            self.context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN

    def read_on(self) -> bool:
        """Reads what was left out at first, for a certificate whose authority is not known. False: that was all."""
        bundle, self._unread = self._unread, None
        if bundle is None:
            return False
        try:
            self.context.load_verify_locations(cafile=bundle)
        except OSError:  # ssl.SSLError among it: nothing of use in it
            return False
        return True

    def _begin_on_linux(self) -> None:
        named = ssl.get_default_verify_paths()  # SSL_CERT_FILE, SSL_CERT_DIR, and what OpenSSL was built with
        self._unread = named.cafile or next((bundle for bundle in BUNDLES if Path(bundle).is_file()), None)
        folder = next((folder for folder in (named.capath, *FOLDERS) if folder and _is_hashed(folder)), None)
        if folder:
            self.context.load_verify_locations(capath=folder)
        else:
            self.read_on()


class _Socket(ssl.SSLSocket):
    """Tells two causes apart for which TLS 1.2 has one alert: no common cipher, and a client certificate wanted."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except ssl.SSLError as error:
            if error.reason == "SSLV3_ALERT_HANDSHAKE_FAILURE" and self.cipher():  # there was one in common
                error.reason = "TLSV13_ALERT_CERTIFICATE_REQUIRED"
            raise


def _is_hashed(folder: str) -> bool:
    try:
        return any(_HASHED.fullmatch(name) for name in os.listdir(folder))  # noqa: PTH208 - names are all that is wanted
    except OSError:
        return False


def _add(context: ssl.SSLContext, ca_file: Path) -> None:
    try:
        if ca_file.exists() and not ca_file.is_file():  # a pipe may never end
            raise NotReadable(path=ca_file, reason="it is no file")
        context.load_verify_locations(cafile=os.fspath(ca_file))
    except ssl.SSLError as error:
        raise ConfigurationInvalid(place=ca_file, reason="there is no PEM certificate in this ca_file") from error
    except FileNotFoundError as error:
        raise NoSuchFile(path=ca_file) from error
    except OSError as error:
        raise NotReadable(path=ca_file, reason=(error.strerror or "unknown").lower()) from error
