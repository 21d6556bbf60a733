"""What the caller of a `get` wants, by its command line, those above it and what it asked before. Without I/O.

Docker's protocol names a registry and says nothing else: not whether its image is needed, nor what becomes of the
lines on standard error. Where command lines do not tell, a `get` goes on as if there were none.

A client whose command line does not tell may still be seen to ask for every registry: it had no pair for one and, being
the same process, asks for the next at once, where whoever needs a pair would have failed (docker-py's `build()`).

Sources: BuildKit's ``progressui`` and compose's ``progress`` (they move the cursor up by the lines that they wrote last
and write them anew, every tenth of a second); Docker's classic builder and podman's remote client, which send the pairs
of all registries in their configuration along with a request.
"""

from __future__ import annotations

import sys
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

from docker_credential_harbor.warm_get import server_url

if TYPE_CHECKING:
    from collections.abc import Mapping

CommandLine = tuple[str, ...]

_CLIENTS = frozenset(
    ("docker", "podman", "podman-remote", "buildah", "skopeo", "nerdctl", "helm", "oras", "crane", "regctl", "cosign")
)
_PLUGIN = "docker-"  # how the names of docker's plugins begin
_DOCKER_DESKTOPS = "com.docker.cli"  # its docker, which the one on PATH starts
_SHELLS = frozenset(("sh", "bash", "dash", "ash", "ksh", "zsh", "fish"))  # without a script: a person's own
_TERMINALS = ("/dev/pts/", "/dev/tty", "/dev/console")
_REDRAWING = frozenset(("docker-compose", "docker-buildx", "buildx", "buildctl"))
_REDRAWING_VERBS = frozenset(("build", "buildx", "bake", "compose"))  # of docker itself
_GROUPS = frozenset(("image", "builder", "registry", "auth"))  # stand before a verb, as in `docker image build`
# Options before a verb whose value is a word of its own, which may look like a verb: docker(1), podman(1), skopeo(1),
# docker-compose of version 1.
_WITH_VALUE = frozenset(
    (
        *("--config", "--context", "-c", "--host", "-H", "--log-level", "-l", "--tlscacert", "--tlscert", "--tlskey"),
        *("--cgroup-manager", "--conmon", "--connection", "--events-backend", "--hooks-dir", "--identity", "--module"),
        *("--imagestore", "--network-cmd-path", "--network-config-dir", "--out", "--root", "--runroot", "--runtime"),
        *("--runtime-flag", "--ssh", "--storage-driver", "--storage-opt", "--tmpdir", "--url", "--volumepath"),
        *("--command-timeout", "--override-arch", "--override-os", "--override-variant", "--policy", "--registries.d"),
        *("--file", "-f", "--project-name", "-p", "--project-directory", "--profile", "--env-file", "--ansi"),
    )
)
_ONLY_IMAGES_VERBS = ("pull", "push")  # and no other word that is no option
_USERNAME = ("-u", "--username")
_REMOTE = ("--remote", "-r", "--url", "--host", "-H", "--connection", "-c")
_AT_ONCE_SECONDS = 10  # within which it asks on: what it does between two requests is to start a process
_FALSE = ("", "0", "f", "false")  # strconv.ParseBool
_INTERPRETERS = ("python", "node")  # their scripts, by the first argument that is no option


class Wish(Enum):
    """What a `get` is for."""

    THIS = auto()  # what it asks for is needed, or nobody can tell
    EVERY = auto()  # every registry in the configuration is asked for, whatever it is about
    NOTHING = auto()  # no person needs to be asked


class Command(NamedTuple):
    """A command line in its parts."""

    program: str  # by name alone
    is_script: bool  # of an interpreter
    options: CommandLine  # before the verb, with their values
    verb: str  # "" where there is none
    words: CommandLine  # behind it


class Caller(NamedTuple):
    """``command_lines``: the caller's own, then those of the processes above it.

    ``stderrs``: where standard error leads, of each of them, with ours before them; the path of a terminal, another
    text for each pipe, "" where it is not known.

    ``missed_before``: seconds since the same process had no pair for another registry, of each of them.
    """

    command_lines: tuple[CommandLine, ...] = ()
    environ: Mapping[str, str] = {}
    platform: str = sys.platform
    stderrs: tuple[str, ...] = ()
    missed_before: tuple[float, ...] = ()

    @property
    def name(self) -> str:
        """Its program's name alone; "" where it is unknown. What stands in arguments may be secret."""
        return self._command.program

    @property
    def redraws(self) -> bool:
        """Whether lines that others write on its terminal are drawn over."""
        return any(map(_redraws, map(_parsed, self.command_lines)))

    @property
    def passes_on(self) -> bool:
        """Whether a person sees what is written to standard error where that is a pipe.

        So it is where docker has made it, for a plugin of its own, and copies it to a terminal; and where a person
        has, in a shell (`docker pull … 2>&1 | less`). A script that has made it may keep what it reads to itself.
        """
        if not self.name:
            return True
        at = self._maker_of_the_pipe()
        maker = self.command_lines[at] if at < len(self.command_lines) else ()
        if _parsed(maker).program == "docker":
            return not self.stderrs or self.stderrs[at + 1].startswith(_TERMINALS)
        return _parsed(maker).program in _SHELLS and all(word.startswith("-") and word != "-c" for word in maker[1:])

    @property
    def is_untold(self) -> bool:
        """Whether its command line tells nothing of what it wants: a program of its own, by its name."""
        known = self.name in _CLIENTS | _REDRAWING | _SHELLS or self.name.startswith(_PLUGIN)
        return bool(self.name) and not known

    def _maker_of_the_pipe(self) -> int:
        """By number: the nearest one whose own standard error is another. Where that is not known, by its name."""
        if self.stderrs:
            ours, *theirs = self.stderrs
            return next((at for at, each in enumerate(theirs) if each != ours), len(theirs))
        return 1 if self.name in _CLIENTS | _REDRAWING or self.name.startswith(_PLUGIN) else 0

    def wish(self, registry_name: str) -> tuple[Wish, str]:
        """What it wants of that registry, and what shows that."""
        command = self._command
        program, verb = command.program, command.verb
        if verb == "login" and program in _CLIENTS and (reason := _needs_nobody(command.words)):
            return Wish.NOTHING, f"{program} login {reason}"
        if self.is_untold and any(0 <= seconds < _AT_ONCE_SECONDS for seconds in self.missed_before):
            return Wish.EVERY, f"{program} asks for one registry after another"
        if not self._asks_for_every_registry(command):
            return Wish.THIS, ""
        named = [_registry_in(word) for word in command.words if not word.startswith("-")]
        if verb in _ONLY_IMAGES_VERBS and named and not {"", registry_name} & set(named):
            return Wish.NOTHING, f"{program} {verb} is for another registry"
        return Wish.EVERY, f"{program} asks for every registry"

    @property
    def _command(self) -> Command:
        return _parsed(self.command_lines[0] if self.command_lines else ())

    def _asks_for_every_registry(self, command: Command) -> bool:
        program, verb = command.program, command.verb
        if program == "docker":  # where BuildKit builds, a plugin asks, or Docker 20.10 itself where it was told to
            return verb == "build" and self.environ.get("DOCKER_BUILDKIT", "").lower() in _FALSE
        if program == "docker-compose":  # of version 1, in Python
            return verb == "build" and command.is_script
        return program == "podman-remote" or (program == "podman" and self._is_remote(command))

    def _is_remote(self, command: Command) -> bool:
        """podman(1), --remote: those options that name a service mean it as well; on macOS there is nothing else."""
        named = any(word.partition("=")[0] in _REMOTE for word in command.options if word != "--remote=false")
        by_variable = any(self.environ.get(name) for name in ("CONTAINER_HOST", "CONTAINER_CONNECTION"))
        return named or by_variable or self.platform == "darwin"


def _parsed(line: CommandLine) -> Command:
    program, is_script, rest = _program(line)
    at = 0
    while at < len(rest) and rest[at].startswith("-"):
        at += 2 if rest[at] in _WITH_VALUE else 1
    options, words = rest[:at], rest[at:]
    if words and words[0] in _GROUPS:
        words = words[1:]
    return Command(program, is_script, options, verb="".join(words[:1]), words=words[1:])


def _program(line: CommandLine) -> tuple[str, bool, CommandLine]:
    """Its name, or that of the script that it interprets; whether it does so; and the words behind that."""
    name, rest = _name("".join(line[:1])), line[1:]
    if name.startswith(_INTERPRETERS):
        script = next((at for at, word in enumerate(rest) if not word.startswith("-")), len(rest))
        if (interpreted := _name("".join(rest[script : script + 1]))) in _REDRAWING:
            return interpreted, True, rest[script + 1 :]
    return name, False, rest


def _name(word: str) -> str:
    """Of the program that a command line begins with. Some, such as npm, put their arguments into that word."""
    path = word.replace("\\", "/")
    if not path.startswith("/"):
        path = path.partition(" ")[0]
    name = path.rpartition("/")[2].partition(" ")[0].lower().removesuffix(".exe").strip("-:")  # `-bash`, `sshd:`
    return "docker" if name == _DOCKER_DESKTOPS else name


def _redraws(command: Command) -> bool:
    if command.program == "docker":
        return command.verb in _REDRAWING_VERBS
    return command.program in _REDRAWING


def _needs_nobody(words: CommandLine) -> str:
    """Why a login with these words does not; "" where it does."""
    if any(word in _USERNAME or word.startswith("--username=") or _is_short_username(word) for word in words):
        return "names a user of its own"
    return "only asks who is signed in" if "--get-login" in words else ""


def _is_short_username(word: str) -> bool:
    """As in ``-uNAME``."""
    return len(word) > 2 and word.startswith("-u")


def _registry_in(image: str) -> str:
    """The registry in an image's name, as `server_url` has it; "" where it has none (distribution's reference)."""
    host, slash, _ = image.removeprefix("docker://").partition("/")
    if not slash or host.startswith(".") or not (set(".:") & set(host) or host == "localhost"):
        return ""
    try:
        return server_url.parse(host)[0]
    except ValueError:
        return ""
