"""`status`: per registry who is signed in and whether Harbor accepts it now. Probes, may refresh, opens nothing."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from docker_credential_harbor import errors
from docker_credential_harbor.context import Context, open_context
from docker_credential_harbor.outside.clean_text import shown
from docker_credential_harbor.person.prompt import painted, say, write
from docker_credential_harbor.policy import durations, next_step
from docker_credential_harbor.policy.known import Refresh, Step
from docker_credential_harbor.storage import registry_notes
from docker_credential_harbor.use_cases import why_no_pair
from docker_credential_harbor.use_cases.current_state import survey

if TYPE_CHECKING:
    import argparse

    from docker_credential_harbor.model import Registry
    from docker_credential_harbor.use_cases.current_state import Due, Survey

Row = dict[str, str | None]

WORDS = {
    "ready": "Harbor accepts the pair now",
    "refused": "Harbor refuses the stored pair; docker logout forgets it",
}
NEXT = {
    Step.RENEW_HARBOR_SIDE: "the next pull opens Harbor's login for it",
    Step.SIGN_IN: "the next pull asks for a sign-in",
}

COLOURS = {"ready": "green", "refused": "red", "unreachable": "red"}  # the others, yellow: a person can mend them
PLACES = {
    "keyring": "the operating system's keyring",
    "kernel": "the kernel's keyring, until a reboot or three idle days",
    "file": "a file that only this user can read",
}
RUN = "run: "  # how a remedy begins that is a command
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
        write(json.dumps({"registries": rows}, indent=2))
    elif not rows:
        raise errors.NoRegistry()
    else:
        for row in rows:
            _print(row)
    return 0


def _print(row: Row) -> None:
    last_pull, message = str(row["last_pull"] or ""), str(row["message"])
    if last_pull:
        say(f"{row['registry']}: {last_pull}")
        cause, _, command = message.partition(RUN)
        message = cause.rstrip(":; ") if last_pull.endswith(RUN + command) else message  # what to do is told once
    state = str(row["state"])
    who = f" ({row['username']})" if row["username"] else ""
    say(f"{row['registry']}: ", painted(state, COLOURS.get(state, "yellow")), f"{who}: {message}")
    if row["storage"]:
        say(f"  kept in {PLACES.get(row['storage'], row['storage'])}")
    if row["verified_at"]:
        say(f"  verified {_ago(row['verified_at'])}")
    if row["sign_in_ends_at"]:
        say(f"  {_ending(row['sign_in_ends_at'])}")


def _ago(instant: str) -> str:
    return durations.ago(time.time() - datetime.fromisoformat(instant).timestamp())


def _ending(instant: str) -> str:
    left = datetime.fromisoformat(instant).timestamp() - time.time()
    if left <= 0:  # which is of no weight while Harbor's own lives
        return "the sign-in at the identity provider has probably ended; when it is needed, you are asked again"
    return f"the sign-in ends in {durations.in_words(left)} if it is not used before"


def _row(context: Context, registry: Registry) -> Row:
    last_pull = why_no_pair.told(registry)
    found = survey(context, registry)
    known = found.known
    row: Row = {
        "registry": registry.name,
        "username": shown(known.pair.username if known.pair else known.person) or None if known else None,
        "state": found.state,
        "message": _message(found),
        "last_pull": last_pull,
        "storage": None,
        "verified_at": _instant(registry_notes.load(registry.name).verified_at),
        "sign_in_ends_at": None,
    }
    with suppress(errors.Failure):  # which the row says already
        row["storage"] = context.store.kept_in(registry.name)
        if known and known.signed_in and known.refresh is not Refresh.INVALID_GRANT:
            row["sign_in_ends_at"] = _sign_in_ends_at(context, registry)
    return row


def _sign_in_ends_at(context: Context, registry: Registry) -> str | None:
    sign_in = context.store.load_sign_in(registry.name)
    tokens = sign_in.tokens if sign_in else None
    if not tokens or not tokens.refreshed_at or not tokens.refresh_token_life_seconds:
        return None
    return _instant(tokens.refreshed_at + tokens.refresh_token_life_seconds)


def _message(found: Survey) -> str:
    if found.failure:
        return str(found.failure)
    if found.due:
        return _of_due(found.due)
    return AS_IT_IS if found.known and next_step.is_robot(found.known) else WORDS[found.state]


def _of_due(due: Due) -> str:
    """What shows that it is, and what mends it: the next pull, where that can and does ask a person."""
    if due.tried:
        return f"{due.tried} ({due.tried_ago})"
    if isinstance(due.hindrance, errors.SignInPaused):
        return f"{due.finding}; no window opens by itself for {due.hindrance.facts['seconds']} s more: {due.todo}"
    return f"{due.finding}; {due.todo if due.hindrance else NEXT[due.step]}"


def _instant(seconds: float | None) -> str | None:
    """ISO 8601, in UTC."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds") if seconds else None
