"""What several of these files need."""

from __future__ import annotations

import socket

import pytest


@pytest.fixture
def ipv6() -> None:
    """A kernel's, which no package installs: so it may be missing in CI, too."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
