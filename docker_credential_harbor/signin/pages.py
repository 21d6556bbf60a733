"""The pages that the loopback server shows: only where nothing follows in the tab, or where a request is not ours.

Each is whole in itself, so its policy (Content-Security-Policy) lets nothing else in; whatever comes from outside is
escaped, and nothing secret is ever handed to a page.
"""

from __future__ import annotations

import base64
import hashlib
import html

STYLE = """
:root { color-scheme: light dark; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: #f6f7f9; color: #1b1f24;
  font: 1.0625rem/1.5 system-ui, sans-serif; }
main { box-sizing: border-box; max-width: 34rem; width: 100%; padding: 2rem 1.5rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .75rem; }
p { margin: 0 0 .75rem; overflow-wrap: anywhere; }
code { font: .95em ui-monospace, monospace; background: #e7eaee; padding: .1em .35em; border-radius: .25em; }
@media (prefers-color-scheme: dark) {
  body { background: #16191d; color: #e8eaed; }
  code { background: #2a2f36; }
}
"""

_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
}


def declined(registry: str, reason: str) -> str:
    """The provider sent the person back without a sign-in."""
    return _page(
        "Not signed in",
        f"The sign-in for {_code(registry)} was declined: {html.escape(reason)}.",
        "You can close this tab. To try again, run "
        f"{_code(f'docker-credential-harbor login {registry}')} in your terminal.",
    )


def failed(registry: str, what_happened: str) -> str:
    """The person signed in, and the sign-in could not be finished all the same."""
    return _page(
        "The sign-in could not be finished",
        f"{html.escape(what_happened[:1].upper() + what_happened[1:])}.",
        f"You can close this tab. To try again, run {_code(f'docker-credential-harbor login {registry}')} "
        "in your terminal.",
    )


def refused(reason: str) -> str:
    """A request that the loopback server does not take; the sign-in, if one is under way, goes on."""
    return _page(
        "Nothing to see here", f"This request was not taken: {html.escape(reason)}.", "You can close this tab."
    )


def _code(text: str) -> str:
    return f"<code>{html.escape(text)}</code>"


def _page(title: str, *paragraphs: str) -> str:
    """``title`` is ours; the paragraphs are HTML."""
    text = "\n".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} - docker-credential-harbor</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{text}
</main>
</body>
</html>
"""
