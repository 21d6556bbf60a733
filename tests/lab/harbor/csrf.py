"""What guards a person's session at Harbor from requests that other pages send: before everything else is looked at.

Source: gorilla/csrf as Harbor's middleware uses it; tests/recordings/harbor.json for cookie and refusal. Here the token
belongs to the session and not to a cookie of its own.
"""

from __future__ import annotations

import secrets
import time
from email.utils import formatdate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.lab.harbor.sign_in import Session
    from tests.lab.web import Exchange

SESSION_COOKIE = "sid"
COOKIE = "_gorilla_csrf"
HEADER = "X-Harbor-CSRF-Token"
LIFE_SECONDS = 43200
MISSING = "CSRF token not found in request"
# Programs have no session, and are let be here as long as they bring none.
OF_PROGRAMS = ("/api/", "/service/", "/v2/")
OF_PEOPLE = ("/c/",)


def guards(exchange: Exchange) -> bool:
    """Whether a request is one that a person's browser can have been led to."""
    return exchange.path.startswith(OF_PEOPLE) or (
        SESSION_COOKIE in exchange.cookies and exchange.path.startswith(OF_PROGRAMS)
    )


def passes(exchange: Exchange, session: Session) -> bool:
    """Whether it only reads, or has the session's token; on the way the answer gets what Harbor adds for browsers."""
    if COOKIE not in exchange.cookies:
        life = f"Expires={formatdate(time.time() + LIFE_SECONDS, usegmt=True)}; Max-Age={LIFE_SECONDS}"
        cookie = f"{COOKIE}={secrets.token_urlsafe(32)}; Path=/; {life}; HttpOnly; SameSite=Strict"
        exchange.extra_headers.append(("Set-Cookie", cookie))
    exchange.extra_headers.append((HEADER, session.csrf_token))
    reads = exchange.method in ("GET", "HEAD", "OPTIONS")
    if not reads and not secrets.compare_digest(exchange.headers.get(HEADER, ""), session.csrf_token):
        return False
    exchange.extra_headers.append(("Vary", "Cookie"))
    return True
