"""What a person meets with a client, one situation after the other, and what is found in each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.clients.place import PRIVATE, PUBLIC, Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.clients.client import Client, Done

ROBOT = ("robot$ci", "Robot-Secret-1")
NOBODY = {"CI": "true"}  # nobody can be asked
REFUSED = "nobody, a private image"
KEPT = "the last pull had no pair"
CAUSE = "needs a sign-in and nobody can be asked here"


class Finding(NamedTuple):
    """What came of a situation."""

    works: bool
    windows: int  # that were opened
    asked: tuple[str, ...]  # the helper, by the client: verbs, each with where
    shown: str  # all that a person saw
    is_kept: bool = False  # `status` begins with the cause

    @property
    def cause_is_shown(self) -> bool:
        return CAUSE in self.shown


def tried(place: Place, client: Client) -> dict[str, Finding]:
    """All situations that the client has commands for, in an order in which one leaves behind what the next needs."""
    private, public = client.reference(place.harbor.name, PRIVATE), client.reference(place.harbor.name, PUBLIC)
    other = client.reference(place.elsewhere.name, PUBLIC)
    found: dict[str, Finding] = {}

    def situation(name: str, act: Callable[[], Done]) -> None:
        before = place.workplace.person.windows
        place.asked()
        done = act()
        asked = tuple(f"{verb} {place.called(about)}".strip() for verb, about in place.asked())
        found[name] = Finding(done.status == 0, place.workplace.person.windows - before, asked, done.shown)

    def pull(reference: str, **environment: str) -> Callable[[], Done]:
        return lambda: client.pull(place.seat, reference, **environment)

    situation("another registry", pull(other))
    place.workplace.helper.run(["logout", place.harbor.name])  # of those that ask for every registry
    situation("nobody, a public image", pull(public, **NOBODY))
    situation(REFUSED, pull(private, **NOBODY))
    told = place.workplace.helper.run("status").stdout.splitlines()
    found[REFUSED] = found[REFUSED]._replace(is_kept=KEPT in told[0] and CAUSE in told[0])
    situation("cold", pull(private))
    situation("warm", pull(private))
    if client.pushes:
        mine = client.reference(place.harbor.name, PRIVATE).replace("hello", "mine")
        situation("push", lambda: client.push(place.seat, mine))
    place.harbor.kill_stored_token("alice-h")
    place.workplace.end_trust_window()
    situation("dead session", pull(private))
    if client.logs_in:
        place.workplace.helper.run(["logout", place.harbor.name])
        place.harbor.add_robot(*ROBOT)
        situation("login", lambda: client.login(place.seat, place.harbor.name, *ROBOT))
        situation("pull as a robot", pull(private))
        if client.logs_out:
            situation("logout", lambda: client.logout(place.seat, place.harbor.name))
    return found
