"""requests, imported without what nothing here makes it use: that is half of what its import takes.

`tests/flows/test_imports.py` fails where one of these modules is imported by a `get` after all.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from docker_credential_harbor.system.left_out import left_out
from docker_credential_harbor.system.put_off import functions, put_off

# What requests and urllib3 import where it is installed. Answers are JSON: no encoding is guessed. None is
# packed, and socks5.py is our own.
ABSENT = (
    *("chardet", "charset_normalizer", "simplejson", "socks", "urllib3.contrib.socks"),
    *("backports", "brotli", "brotlicffi", "zstandard"),
)


class _Silent:
    """A logger: what the libraries log has no handler here, and is lost."""

    def log(self, *_: Any, **__: Any) -> None:
        pass

    addHandler = debug = info = warning = error = log  # noqa: N815 - the names are logging's


PUT_OFF: dict[str, dict[str, Any]] = {
    "calendar": functions("calendar", "timegm"),  # times of cookies
    "certifi": {"where": lambda: os.devnull},  # trust_store.py says whom we trust
    "email.base64mime": {},  # bodies and header lines that are sent
    "email.header": {},
    "email.quoprimime": {},
    "http.cookies": {"Morsel": type("Morsel", (), {})},  # one of them as a cookie that is set
    "importlib.metadata": functions("importlib.metadata", "version"),  # h2's
    # Certificates of hosts without a name, where OpenSSL does not look at them itself; two types in annotations.
    "ipaddress": {"IPv4Address": object, "IPv6Address": object},
    "logging": {"DEBUG": 10, "NullHandler": _Silent, "getLogger": lambda _: _Silent()},
    "mimetypes": {},  # files that are sent
    "random": {},  # waits before another try
    # Sessions are not used.
    "requests.api": functions("requests.api", "delete", "get", "head", "options", "patch", "post", "put", "request"),
    "requests.packages": {},  # old names of urllib3 and idna
    "requests.sessions": functions("requests.sessions", "Session", "session"),
    "stringprep": {},  # names of hosts that are not ASCII
    "tempfile": {},  # authorities in a zip file
    "urllib.request": functions(
        *("urllib.request", "getproxies", "getproxies_environment"),
        *("parse_http_list", "proxy_bypass", "proxy_bypass_environment"),
    ),  # proxies.py is our own
    "zipfile": {},
}


def import_requests() -> None:
    """From here on it is imported, and warns of nothing."""
    import warnings

    with suppress(ImportError), left_out(*ABSENT), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Unable to find acceptable character detection")
        with put_off(PUT_OFF):
            import requests.adapters  # noqa: F401 - sessions import it
