"""`keepalive`: keep the sign-ins alive: once now, or with `--install` from now on by the system's own scheduler."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from docker_credential_harbor import errors
from docker_credential_harbor.context import open_context
from docker_credential_harbor.model import PROGRAM
from docker_credential_harbor.person.prompt import say
from docker_credential_harbor.policy import durations
from docker_credential_harbor.system import console
from docker_credential_harbor.use_cases import keepalive, keepalive_job

if TYPE_CHECKING:
    import argparse

    from docker_credential_harbor.context import Context
    from docker_credential_harbor.model import Registry
    from docker_credential_harbor.use_cases.keepalive import Sessions

EPILOG = """\
It asks Harbor once whether it accepts the pair, by which Harbor refreshes its
own sign-in, and refreshes this program's own tokens when that is due. It opens
nothing and asks nobody. Run by a scheduler it prints nothing while all is well.
Exit status 1: a session has ended or something has to be done, as the line on
standard error says. A Harbor or provider that cannot be reached is told once
and is no failure, nor is a Harbor whose sign-in ends within minutes by itself.

--install sets up a systemd user timer, a launchd agent or a Windows scheduled
task. A systemd user timer runs while you are logged in; with
"loginctl enable-linger" it runs without. The interval follows from how long the
provider's refresh tokens live and from Harbor's scopes; run it again after
those have changed.

How long a session can last at most is the identity provider's to say. Whether
it gives Harbor a refresh token at all shows only afterwards: without one
Harbor's sign-in ends with each access token, whatever keepalive does, and
--status says so once that was seen.
"""


EXAMPLES = (
    "keepalive --install     # from now on, by itself",
    "keepalive --status",
    "keepalive               # once, now",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.set_defaults(refuse=parser.error)
    parser.add_argument("registry", nargs="?", metavar="REGISTRY", help="as in image names; all if left out")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--install", action="store_true", help="let the system run it from now on, for all registries")
    what.add_argument("--uninstall", action="store_true", help="not any more")
    what.add_argument("--status", action="store_true", help="whether it runs by itself, and how long sessions can last")


def run(arguments: argparse.Namespace) -> int:
    if arguments.registry and (arguments.install or arguments.uninstall):
        arguments.refuse("--install and --uninstall are for all registries")
    if arguments.uninstall:
        return _uninstall()
    context = open_context(asked=arguments.install or arguments.status)
    registries = context.registries(arguments.registry)
    if not registries:
        raise errors.NoRegistry()
    if arguments.install or arguments.status:
        found = {registry.name: keepalive.sessions(context, registry) for registry in registries}
        return _install(found) if arguments.install else _status(found, whole=not arguments.registry)
    context = context.without_person("keepalive asks nobody")
    return max([_keep_alive(context, registry) for registry in registries])


def _keep_alive(context: Context, registry: Registry) -> int:
    done = keepalive.keep_alive(context, registry)
    if not done.problem:
        if _has_reader():
            say(f"{registry.name}: {done.nothing or f'kept alive ({done.username})'}")
        return 0
    if _has_reader() or not done.is_known:
        console.tell(done.problem)
    return 0 if isinstance(done.problem, (errors.Unreachable, errors.HarborNotKeptAlive)) else errors.EXIT_FAILURE


def _has_reader() -> bool:
    """A scheduler keeps what is printed, or mails it: only a person wants to read that all is well."""
    return sys.stdout is not None and sys.stdout.isatty()


# --- The scheduler ----------------------------------------------------------------------------------------------------


def _install(found: dict[str, Sessions]) -> int:
    done = keepalive_job.install(found.values())
    every = f"every {durations.in_words(done.seconds)}, by {done.by}"
    say(f"keepalive runs from now on {every}." if done.is_new else f"keepalive runs already {every}; nothing changed.")
    advice = keepalive_job.advice()
    if advice:
        say(advice)
    _print_sessions(found)
    return 0


def _uninstall() -> int:
    removed = keepalive_job.uninstall()
    say("keepalive runs by itself no more." if removed else "keepalive was not installed.")
    return 0


def _status(found: dict[str, Sessions], *, whole: bool) -> int:
    job = keepalive_job.as_it_runs(found.values())
    if job.schedule is None:
        say(f"keepalive does not run by itself; to let it: {PROGRAM} keepalive --install")
    else:
        known, fitting = job.schedule.interval_seconds, job.fitting_seconds
        every = f"every {durations.in_words(known)}" if known else "at an interval of somebody else's making"
        say(f"keepalive runs {every}, by {job.by}.")
        say(f"Next run: {job.schedule.next_run or 'not known'}. Last run: {job.schedule.last_run or 'not known'}.")
        if whole and known != fitting:
            say(f"Every {durations.in_words(fitting)} would fit now: run {PROGRAM} keepalive --install again.")
    _print_sessions(found)
    return 0


def _print_sessions(found: dict[str, Sessions]) -> None:
    for name, sessions in found.items():
        say(f"{name}: {_lasting(sessions)}")


def _lasting(sessions: Sessions) -> str:
    """How long a session can last, as far as that can be known from here."""
    if sessions.needs_none:
        return "a robot's or local account's pair, which has no session"
    if sessions.no_refresh_token:
        return (
            "the identity provider gave this program no refresh token; if it gives Harbor none either, which cannot be "
            "seen from here, Harbor's session ends with each access token, whatever keepalive does"
        )
    if sessions.harbor_ends_after is not None:
        age = durations.in_words(sessions.harbor_ends_after)
        return (
            f"Harbor's own sign-in ends each time within {age}, as was seen, so it cannot be kept alive, and the next "
            "pull after that opens Harbor's login; as a rule the identity provider gives Harbor's client no refresh "
            "token, which an administrator can change (Keycloak: Use refresh tokens)"
        )
    if sessions.harbor_has_offline_access is None:
        return "Harbor could not be asked for its scopes, so how long a session can last is not known"
    if sessions.harbor_has_offline_access:
        return (
            "Harbor asks for offline access: where the identity provider grants it, a session that is kept alive lasts "
            "until the provider ends it, whether or not a browser is open (Keycloak's default: never while it is used "
            "once in 30 days)"
        )
    return (
        "Harbor does not ask for offline_access: even kept alive, a session ends with the browser's session at the "
        "identity provider, at the latest at that session's maximum (Keycloak's default: 10 hours). For sessions that "
        "last, ask Harbor's administrator to add offline_access to Harbor's OIDC scopes"
    )
