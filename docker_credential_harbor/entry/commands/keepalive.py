"""`keepalive`: keep the sign-ins alive: once now, or with `--install` from now on by the system's own scheduler."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from docker_credential_harbor import errors
from docker_credential_harbor.config import read_config
from docker_credential_harbor.context import open_context
from docker_credential_harbor.person.terminal import say
from docker_credential_harbor.policy import keepalive_interval
from docker_credential_harbor.remote.web import proxies
from docker_credential_harbor.system import console, scheduler
from docker_credential_harbor.use_cases import keep_alive

if TYPE_CHECKING:
    import argparse

    from docker_credential_harbor.context import Context
    from docker_credential_harbor.model import Registry
    from docker_credential_harbor.use_cases.keep_alive import Sessions

PROGRAM = "docker-credential-harbor"

# What a shell may have set and a scheduler would not, beside what our own configuration depends on.
NETWORK_VARIABLES = (*proxies.VARIABLES, *proxies.EXEMPTING, "SSL_CERT_FILE", "SSL_CERT_DIR")

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
        found = {registry.name: keep_alive.sessions(context, registry) for registry in registries}
        return _install(found) if arguments.install else _status(found, whole=not arguments.registry)
    context = context.without_person("keepalive asks nobody")
    return max([_keep_alive(context, registry) for registry in registries])


def _keep_alive(context: Context, registry: Registry) -> int:
    done = keep_alive.keep_alive(context, registry)
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
    chosen = scheduler.choose()
    seconds = _fitting_seconds(found)
    every = f"every {keepalive_interval.in_words(seconds)}, by {chosen.TITLE}"
    changed = chosen.install(scheduler.Job(own_command(), seconds, *environment_to_carry()))
    say(f"keepalive runs from now on {every}." if changed else f"keepalive runs already {every}; nothing changed.")
    advice = chosen.advice()
    if advice:
        say(advice)
    _print_sessions(found)
    return 0


def _uninstall() -> int:
    removed = scheduler.choose().uninstall()
    say("keepalive runs by itself no more." if removed else "keepalive was not installed.")
    return 0


def _status(found: dict[str, Sessions], *, whole: bool) -> int:
    chosen = scheduler.choose()
    schedule = chosen.status()
    fitting = _fitting_seconds(found)
    if schedule is None:
        say(f"keepalive does not run by itself; to let it: {PROGRAM} keepalive --install")
    else:
        known = schedule.interval_seconds
        every = f"every {keepalive_interval.in_words(known)}" if known else "at an interval of somebody else's making"
        say(f"keepalive runs {every}, by {chosen.TITLE}.")
        say(f"Next run: {schedule.next_run or 'not known'}. Last run: {schedule.last_run or 'not known'}.")
        if whole and known != fitting:
            say(f"Every {keepalive_interval.in_words(fitting)} would fit now: run {PROGRAM} keepalive --install again.")
    _print_sessions(found)
    return 0


def _fitting_seconds(found: dict[str, Sessions]) -> int:
    """Somebody who is not signed in now will be; a robot's pair counts for nothing."""
    return keepalive_interval.interval_seconds(
        keepalive_interval.session_seconds(sessions.harbor_has_offline_access, sessions.life_seconds)
        for sessions in found.values()
        if not sessions.needs_none
    )


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
        age = keepalive_interval.in_words(sessions.harbor_ends_after)
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


def own_command() -> tuple[str, ...]:
    """This program by its absolute path, as whoever called it found it, so that an update keeps it."""
    if getattr(sys, "frozen", False):
        return (str(Path(sys.executable).absolute()), "keepalive")
    suffix = ".exe" if sys.platform == "win32" else ""
    for path in (Path(sys.argv[0]).absolute(), Path(sys.executable).with_name(PROGRAM + suffix)):
        if path.name.removesuffix(suffix) == PROGRAM and path.is_file():
            return (str(path), "keepalive")
    return (sys.executable, "-m", "docker_credential_harbor", "keepalive")


def environment_to_carry() -> tuple[dict[str, str], tuple[str, ...]]:
    """The variables to set, and those to leave unset, for the same configuration, and the same remembered pairs.

    A proxy's address with a password in it stays out: the scheduler's files are no place for secrets.
    """
    ours = [name for name in read_config.sources().variables if name != "HOME"]
    names = [*ours, *NETWORK_VARIABLES]
    given = {name: os.environ[name] for name in names if os.environ.get(name) and "@" not in os.environ[name]}
    if read_config.USER_FILE_VARIABLE in given:
        given[read_config.USER_FILE_VARIABLE] = str(read_config.user_file())
    return given, tuple(name for name in ours if name not in os.environ)
