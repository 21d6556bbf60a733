"""Is a person there, and how can they be reached: by a browser, by a link in their terminal, or not at all.

Each sign comes with its reason, which `doctor` shows and which a message names where nobody can be asked. The cases are
those of Git Credential Manager (LinuxSessionManager, WslUtils), and those of VS Code's remotes.
"""

import os
import shutil
import sys
from typing import TYPE_CHECKING, Literal, NamedTuple

from docker_credential_harbor.errors import NotStarted
from docker_credential_harbor.policy.caller import Wish
from docker_credential_harbor.system import screen
from docker_credential_harbor.system.time_limit import within

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from docker_credential_harbor.model import LoginChoice

# binfmt_misc's handlers of WSL 1 and 2.
WSL_INTEROP_PLACES = ("/proc/sys/fs/binfmt_misc/WSLInterop", "/proc/sys/fs/binfmt_misc/WSLInterop-Late")
PATIENCE_SECONDS = 30  # with a caller that may not need the registry at all
BROWSER_SECONDS = 5  # the system's own call to open an address is given so long


class Reach(NamedTuple):
    """How a person can be reached, and the sign that tells."""

    way: Literal["browser", "link", "nobody"]
    reason: str
    patience_seconds: float = float("inf")  # for which the caller is kept waiting for a window, from its opening on
    impatience: str = ""  # why not for as long as a person takes


def reach(
    settings_login: "LoginChoice",
    environ: "Mapping[str, str]",
    *,
    asked: bool = False,
    has_terminal: bool,
    platform: str = sys.platform,
) -> Reach:
    """The first sign that holds, from top to bottom.

    ``asked``: a person ran the command, so neither `login` = "never" nor CI counts. ``has_terminal``: see below; a link
    needs one, unless the person asked.
    """

    def is_set(*names: str) -> bool:
        return any(environ.get(name) for name in names)

    over_ssh = is_set("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")
    forwarded = environ.get("DISPLAY", "").startswith(("localhost:", "127.0.0.1:", "[::1]:"))  # sshd(8), X11Forwarding
    table: tuple[tuple[bool, Literal["browser", "link", "nobody"], str], ...] = (
        (settings_login == "never" and not asked, "nobody", 'login is set to "never"'),
        (_is_ci(environ) and not asked, "nobody", "CI is set"),
        (settings_login == "browser", "browser", 'login is set to "browser"'),
        (settings_login == "device", "link", 'login is set to "device"'),
        # VS Code sets it in the terminals of its remotes: the person's own browser opens, and comes back to our port.
        (any(_browsers(environ)), "browser", "$BROWSER is set"),
        (over_ssh and forwarded and _can_open(environ), "browser", "the display is forwarded over SSH"),
        # Also into WSL: whoever came that way does not sit before the Windows desktop around it.
        (over_ssh, "link", "this is an SSH session without a display of its own"),
        # They may have a display of the machine around them, and no browser of their own; our port is not the person's.
        (is_set("REMOTE_CONTAINERS", "CODESPACES"), "link", "this is a dev container and $BROWSER is not set"),
        (_is_wsl(environ), "browser", "Windows around this Linux has a desktop"),
        (is_set("WAYLAND_DISPLAY", "DISPLAY") and _can_open(environ), "browser", "there is a graphical session"),
        (is_set("WAYLAND_DISPLAY", "DISPLAY"), "link", "there is a graphical session and no browser in it"),
        (platform in ("darwin", "win32"), "browser", "this system has a desktop"),
        (True, "link", "there is no graphical session"),
    )
    way, reason = next((way, reason) for holds, way, reason in table if holds)
    if way == "link" and not (has_terminal or asked):
        return Reach("nobody", f"{reason}, and no terminal to write to")
    return Reach(way, reason)


def for_caller(found: Reach, wish: Wish, reason: str) -> Reach:
    """For a caller that wants that; ``reason``: what shows it."""
    if wish is Wish.NOTHING:
        return Reach("nobody", reason)
    if wish is Wish.EVERY:
        return found._replace(patience_seconds=PATIENCE_SECONDS, impatience=reason)
    return found


def _is_ci(environ: "Mapping[str, str]") -> bool:
    return environ.get("CI", "").strip().lower() not in ("", "0", "false", "no")


def _is_wsl(environ: "Mapping[str, str]") -> bool:
    """By its variables, or where they are gone (sudo, services) by what lets it start Windows' programs."""
    named = bool(environ.get("WSL_DISTRO_NAME") or environ.get("WSL_INTEROP"))
    return named or any(os.path.exists(place) for place in WSL_INTEROP_PLACES)  # noqa: PTH110


def _can_open(environ: "Mapping[str, str]") -> bool:
    """Whether any program is there that opens addresses."""
    return any(shutil.which(command[0], path=environ.get("PATH")) for command in _commands("https://", environ))


def has_terminal() -> bool:
    """Whether a person can read what is written: the controlling terminal opens, or standard error is one.

    Docker hands its plugins a pipe for standard error and copies it to the terminal, so the latter alone is too little.
    """
    try:
        if sys.stderr is not None and sys.stderr.isatty():
            return True
    except ValueError:  # it is closed
        pass
    try:
        with screen.controlling_terminal():
            return True
    except OSError:
        return False


def open_browser(url: str) -> bool:
    """Show the address in the person's browser; whether one was started. Never waits for it to end.

    Whatever is started has a session of its own and none of our streams: browsers write to theirs, and Docker waits
    until ours are closed.
    """
    from docker_credential_harbor.system import detached

    url = beyond_any_shell(url)
    if not url.startswith(("https://", "http://")):  # also, so that no browser takes it for an option
        return False
    for command in _commands(url, os.environ):
        try:
            detached.start(command)
        except NotStarted:
            continue
        return True
    return sys.platform == "win32" and _by_the_system(url)


def beyond_any_shell(url: str) -> str:
    """Percent-encoded until nothing in it means anything to a shell that a browser's command may hand it to.

    So an address is opened only if its query needs no `&`, which cannot be encoded without becoming another one.
    """
    import re
    from urllib.parse import quote

    return quote(re.sub("%(?![0-9A-Fa-f]{2})", "%25", url), safe=":/?=%[]")


def _commands(url: str, environ: "Mapping[str, str]") -> "Iterator[list[str]]":
    """What may open it, best first. $BROWSER: commands separated as in PATH, %s stands for the address (environ(7))."""
    import shlex

    for entry in _browsers(environ):
        try:
            words = shlex.split(entry)
        except ValueError:  # a quote that is not closed
            continue
        if words and words[-1] == "&":
            words.pop()
        if words:
            yield _filled(words, url) if any("%s" in word for word in words) else [*words, url]
    if sys.platform == "darwin":
        yield ["/usr/bin/open", url]
    elif sys.platform != "win32":
        if _is_wsl(environ):
            yield ["wslview", url]
            yield ["rundll32.exe", "url.dll,FileProtocolHandler", url]
        if environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"):
            yield ["xdg-open", url]
        yield from _known_to_webbrowser(url)


def _browsers(environ: "Mapping[str, str]") -> "Iterator[str]":
    """$BROWSER's entries that are not blank: one of blanks alone is as good as unset."""
    return filter(str.strip, environ.get("BROWSER", "").split(os.pathsep))


def _known_to_webbrowser(url: str) -> "Iterator[list[str]]":
    """A browser that the standard library finds installed, where the desktop has no choice of its own."""
    import webbrowser

    named = os.environ.pop("BROWSER", None)  # it would look at that, too, and does not stand blanks
    try:
        browser = within(BROWSER_SECONDS, webbrowser.get)  # it asks other programs
    except Exception:  # of theirs, too
        return
    finally:
        if named is not None:
            os.environ["BROWSER"] = named
    # Its open() would hand our streams on and wait for some browsers to end, so only its choice is used.
    arguments = getattr(browser, "args", None)
    if isinstance(name := getattr(browser, "name", None), str):
        yield _filled([name, *(arguments if isinstance(arguments, list) else ["%s"])], url)


def _filled(words: list[str], url: str) -> list[str]:
    return [words[0], *(word.replace("%s", url) for word in words[1:])]


def _by_the_system(url: str) -> bool:
    """Windows has a call for it instead of a program (ShellExecute), which has been seen to hang."""
    import webbrowser

    try:
        return within(BROWSER_SECONDS, lambda: webbrowser.open(url))
    except TimeoutError:
        return True
    except Exception:
        return False
