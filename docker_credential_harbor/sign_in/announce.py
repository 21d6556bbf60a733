"""What whoever waits for a sign-in tells the person at the terminal: what to open, and that it is waited for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from docker_credential_harbor import errors
from docker_credential_harbor.person import qr_code
from docker_credential_harbor.system import console, screen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docker_credential_harbor.sign_in.window_note import Link, Note


class Announcement:
    """Of one window, to whoever waits for it: one of all that share a standard error tells it.

    ``alone``: a person ran a command, and is told in any case.
    """

    def __init__(self, *, alone: bool = False) -> None:
        self._alone = alone
        self._note: Note | None = None
        self._links: tuple[Link, ...] = ()  # not shown yet
        self._leaves_it_to_another = False

    def show(self, note: Note) -> None:
        """What the person may need, as it comes up."""
        self._note = note
        self._links += note.links
        left_it_to_another = self._leaves_it_to_another
        if not self._speaks() or (note.ended and left_it_to_another):  # who has told all, and may be gone by now
            return
        self._show_links()
        if note.ended:
            for line in note.lines:
                console.warn(line)
            for line in note.trace:
                console.trace(line)

    def count_down(self, seconds: float) -> None:
        """On a terminal: that somebody is waited for, and for how long."""
        if not self._speaks():
            return
        self._show_links()
        if not console.is_drawn_over():
            minutes, rest = divmod(round(seconds), 60)
            console.progress(f"waiting for the browser, {minutes}:{rest:02} left (Ctrl-C stops it)")

    def remind(self) -> None:
        """What to look for in the browser, which cannot be seen from here."""
        if self._speaks() and not console.is_drawn_over():  # there it would push what is to be opened off the screen
            console.hint(f"still waiting for the browser: {errors.HARBORS_PAGE}; Ctrl-C ends this")

    def _speaks(self) -> bool:
        self._leaves_it_to_another = not (self._alone or console.speaks_for_all())
        return not self._leaves_it_to_another

    def _show_links(self) -> None:
        links, self._links = self._links, ()
        for link in links:
            assert self._note
            tell = console.hint if self._note.browser else console.hint_for_person  # a browser shows itself
            tell("\n".join(_lines(link, self._note)))


def _lines(link: Link, note: Note) -> list[str]:
    what = f"{link.purpose} at {note.registry}"
    if note.browser:
        return [f"opening a browser to {what}; only if none appears, open: {link.url}"]
    around = [f"to {what}, open this in a browser on any device: {link.url}", *_user_code(link)]
    return [around[0], *_qr_code(link.url, beside=around), *around[1:]]


def show_qr_code(url: str) -> None:
    """For a phone; nothing where the screen cannot show it."""
    for line in _qr_code(url):
        console.hint(line)


def _qr_code(url: str, beside: Sequence[str] = ()) -> list[str]:
    """None either where a caller would draw over a part of it, and of the lines ``beside`` it."""
    at = screen.screen()
    if at is None:
        return []
    lines = qr_code.lines(url, at.columns - len(console.PREFIX), at.encoding)
    if console.is_drawn_over():
        shown = [console.PREFIX + line for line in (*beside, *lines)]
        return lines if at.room_below(shown) >= at.rows // 2 else []
    return lines


def _user_code(link: Link) -> list[str]:
    if not link.user_code:
        return []
    left = f"{max(0, round((link.ends_at or 0) - time.time()))} s"
    if link.code_in_url:
        return [f"it must show the code {link.user_code}; confirm it there within {left}"]
    return [f"enter the code {link.user_code} there within {left}"]
