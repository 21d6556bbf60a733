"""The pages that the loopback server shows: only where nothing follows in the tab, or where a request is not ours.

Each is whole in itself, so its policy (Content-Security-Policy) lets nothing else in; whatever comes from outside is
cleaned and escaped, and nothing secret is ever handed to a page.
"""

from __future__ import annotations

import base64
import hashlib
import html

from docker_credential_harbor.outside.clean_text import LONGEST, in_shell, shown

LONGEST_SENTENCE = 2000

STYLE = """
:root { color-scheme: light dark; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: #f3f5f8; color: #1b1f24;
  font: 1.0625rem/1.55 system-ui, sans-serif; }
main { box-sizing: border-box; max-width: 40rem; width: 100%; padding: 1.5rem; }
.card { background: #ffffff; border: 1px solid #d5dae1; border-radius: 1rem; padding: 2rem 1.75rem; }
.mark { display: block; width: 2.75rem; height: 2.75rem; margin: 0 0 .75rem; }
.mark circle { fill: #fdecea; } .mark path { fill: none; stroke: #b3261e; stroke-width: 3.5; stroke-linecap: round; }
.calm circle { fill: #e6edf7; } .calm path { stroke: #2f5488; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .75rem; }
p { margin: 0 0 .75rem; overflow-wrap: anywhere; } p:last-child { margin: 0; }
.command { display: block; background: #eef1f5; padding: .6em .8em; border-radius: .5rem;
  font: .9em/1.5 ui-monospace, monospace; }
footer { margin: 1rem 0 0; text-align: center; font-size: .875rem; color: #4a5563; }
@media (max-width: 24rem) { main { padding: .75rem; } .card { padding: 1.25rem 1rem; } }
@media (prefers-color-scheme: dark) {
  body { background: #111418; color: #e8eaed; }
  .card { background: #1b1f25; border-color: #343b45; } .command { background: #2a2f36; }
  .mark circle { fill: #47201d; } .mark path { stroke: #ffb4ab; }
  .calm circle { fill: #24344c; } .calm path { stroke: #a9c7f5; } footer { color: #b3bcc7; }
}
"""

# Drawn, so that nothing has to be loaded; what it says stands in the heading.
_MARK = (
    '<svg class="mark{}" viewBox="0 0 48 48" aria-hidden="true"><circle cx="24" cy="24" r="24"/><path d="{}"/></svg>'
)
_CROSS = _MARK.format("", "M16 16l16 16M32 16l-16 16")
_WARNING = _MARK.format("", "M24 13v13M24 34v.5")
_PASSED_BY = _MARK.format(" calm", "M15 24h18")

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
        "You are not signed in",
        _CROSS,
        f"The sign-in for {_name(registry)} was declined: either you chose not to go on, or the identity provider did "
        "not let you in.",
        f"Its answer: {_text(reason)}",
        "You can close this tab. To try again, run this in your terminal:",
        f'<code class="command">{_text(f"docker-credential-harbor login {in_shell(registry)}")}</code>',
    )


def failed(registry: str, what_happened: str, what_to_do: str) -> str:
    """The person signed in, and the sign-in could not be finished all the same; both texts as on the terminal."""
    return _page(
        "The sign-in could not be finished",
        _WARNING,
        f"You did your part for {_name(registry)}, and then something went wrong:",
        _sentence(what_happened),
        f"<strong>What to do:</strong> {_sentence(what_to_do)}",
        "You can close this tab.",
    )


def refused(reason: str) -> str:
    """A request that the loopback server does not take; the sign-in, if one is under way, goes on."""
    return _page(
        "Nothing to see here",
        _PASSED_BY,
        f"This request was not taken: {_text(reason)}.",
        "A sign-in that is under way in another tab goes on. You can close this tab.",
    )


def link_used(*, ended: bool) -> str:
    """The second visit of the one-time address, which has ``ended`` the sign-in, or comes after its end."""
    if ended:
        what = "It was opened before: by your own browser, or by somebody who is not you. So the sign-in was ended."
        todo = "Your terminal says how to begin another. Then use the window that opens, or the link, not both."
    else:
        what = "The sign-in that it was for has gone on in the tab that opened it first."
        todo = "If that was not yours: <code>docker-credential-harbor logout</code> ends that sign-in."
    return _page("This link works once", _PASSED_BY, what, todo, "You can close this tab.")


def _sentence(text: str) -> str:
    return _text(f"{text[:1].upper()}{text[1:]}.", LONGEST_SENTENCE)


def _text(text: str, limit: int = LONGEST) -> str:
    return html.escape(shown(text, limit))


def _name(registry: str) -> str:
    return f"<strong>{_text(registry)}</strong>"


def _page(title: str, mark: str, *paragraphs: str) -> str:
    """``title`` and ``mark`` are ours; the paragraphs are HTML."""
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
<div class="card">
{mark}
<h1>{title}</h1>
{text}
</div>
<footer>docker-credential-harbor, on this machine</footer>
</main>
</body>
</html>
"""
