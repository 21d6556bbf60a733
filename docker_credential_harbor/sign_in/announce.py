"""What whoever waits for a sign-in tells the person at the terminal: what to open, and that it is waited for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from docker_credential_harbor import errors
from docker_credential_harbor.person import qr_code, reaching
from docker_credential_harbor.system import console

if TYPE_CHECKING:
    from docker_credential_harbor.sign_in.note import Link, Note


def show(note: Note) -> None:
    """Prints what the person may need, as it comes up."""
    for link in note.links:
        what = f"{link.purpose} at {note.registry}"
        if note.browser:
            console.hint(f"opening a browser to {what}; only if none appears, open: {link.url}")
        else:
            console.hint(f"to {what}, open this in a browser on any device: {link.url}")
            show_qr_code(link.url)
            _show_user_code(link)
    if note.ended:
        for line in note.lines:
            console.warn(line)
        for line in note.trace:
            console.trace(line)


def count_down(seconds: float) -> None:
    """On a terminal: that somebody is waited for, and for how long."""
    minutes, rest = divmod(round(seconds), 60)
    console.progress(f"waiting for the browser, {minutes}:{rest:02} left (Ctrl-C stops it)")


def remind() -> None:
    """What to look for in the browser, which cannot be seen from here."""
    console.hint(f"still waiting for the browser: {errors.HARBORS_PAGE}; Ctrl-C ends this")


def show_qr_code(url: str) -> None:
    """For a phone; nothing where the screen cannot show it."""
    screen = reaching.screen()
    for line in qr_code.lines(url, screen.columns - len(console.PREFIX), screen.encoding) if screen else ():
        console.hint(line)


def _show_user_code(link: Link) -> None:
    if link.user_code:
        left = f"{max(0, round((link.ends_at or 0) - time.time()))} s"
        if link.code_in_url:
            console.hint(f"it must show the code {link.user_code}; confirm it there within {left}")
        else:
            console.hint(f"enter the code {link.user_code} there within {left}")
