"""`status`: per registry who is signed in and whether Harbor accepts it now. Probes, may refresh, opens nothing."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from docker_credential_harbor import cadence, errors, policy, registry_state
from docker_credential_harbor.context import Context, open_context, reach_of_a_pull
from docker_credential_harbor.survey import survey
from docker_credential_harbor.terminal import painted

if TYPE_CHECKING:
    import argparse

    from docker_credential_harbor.model import Registry

Row = dict[str, str | None]

WORDS = {
    "ready": "Harbor accepts the pair now",
    "harbor-session-ended": "the CLI secret is right, but Harbor's own sign-in has ended; {next}",
    "not-onboarded": "signed in, but Harbor does not know this person yet; {next}",
    "refused": "Harbor refuses the stored pair; docker logout forgets it",
    "signed-out": "nobody is signed in; {next}",
}
NEXT = {
    "harbor-session-ended": "the next pull renews it",
    "not-onboarded": "the next pull opens Harbor's login",
    "signed-out": "the next pull signs in",
}

COLOURS = {"ready": "green", "refused": "red", "unreachable": "red"}  # the others: yellow, the next pull mends them
PLACES = {
    "keyring": "the operating system's keyring",
    "kernel": "the kernel's keyring, until a reboot or three idle days",
    "file": "a file that only this user can read",
}
JUST_NOW_SECONDS = 10
AS_IT_IS = "a robot's or local account's pair, handed out as it is"


EXAMPLES = (
    "status",
    "status --json",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("registry", nargs="?", metavar="REGISTRY", help="as in image names; all if left out")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(arguments: argparse.Namespace) -> int:
    context = open_context(asked=True)
    rows = [_row(context, registry) for registry in context.registries(arguments.registry)]
    if arguments.json:
        print(json.dumps({"registries": rows}, indent=2))
    elif not rows:
        raise errors.NoRegistry()
    else:
        for row in rows:
            _print(row)
    return 0


def _print(row: Row) -> None:
    state = str(row["state"])
    who = f" ({row['username']})" if row["username"] else ""
    print(f"{row['registry']}: {painted(state, COLOURS.get(state, 'yellow'))}{who}: {row['message']}")
    if row["storage"]:
        print(f"  kept in {PLACES.get(row['storage'], row['storage'])}")
    if row["verified_at"]:
        print(f"  verified {_ago(row['verified_at'])}")
    if row["sign_in_ends_at"]:
        print(f"  {_ending(row['sign_in_ends_at'])}")


def _ago(instant: str) -> str:
    seconds = time.time() - datetime.fromisoformat(instant).timestamp()
    return "just now" if seconds < JUST_NOW_SECONDS else f"{cadence.in_words(seconds)} ago"


def _ending(instant: str) -> str:
    left = datetime.fromisoformat(instant).timestamp() - time.time()
    if left <= 0:  # which is of no weight while Harbor's own lives
        return "the sign-in at the identity provider has probably ended; when it is needed, you are asked again"
    return f"the sign-in ends in {cadence.in_words(left)} if it is not used before"


def _row(context: Context, registry: Registry) -> Row:
    row = {**_found_out(context, registry), "storage": None, "verified_at": None, "sign_in_ends_at": None}
    notes = registry_state.load(registry.name)
    row["verified_at"] = _instant(notes.verified_at)
    with suppress(errors.Failure):  # which the row says already
        row["storage"] = context.store.kept_in(registry.name)
        sign_in = context.store.load_sign_in(registry.name)
        tokens = sign_in.tokens if sign_in else None
        if tokens and tokens.refreshed_at and tokens.refresh_token_life_seconds:
            row["sign_in_ends_at"] = _instant(tokens.refreshed_at + tokens.refresh_token_life_seconds)
    return row


def _instant(seconds: float | None) -> str | None:
    """ISO 8601, in UTC."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds") if seconds else None


def _next(registry: Registry, state: str) -> str:
    """What mends it: the next pull, where that can ask a person, as this command could."""
    if reach_of_a_pull().way == "nobody":
        return f"run: docker-credential-harbor login {registry.name}"
    return NEXT.get(state, "")


def _found_out(context: Context, registry: Registry) -> Row:
    found = survey(context, registry)
    known = found.known
    username = None if known is None else known.pair.username if known.pair else known.person or None
    is_robot = known is not None and policy.is_robot(known)
    words = AS_IT_IS if found.state == "ready" and is_robot else WORDS.get(found.state, found.state)
    message = str(found.failure) if found.failure else words.format(next=_next(registry, found.state))
    return {"registry": registry.name, "username": username, "state": found.state, "message": message}
