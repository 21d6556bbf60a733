"""What the caller of a `get` wants, by its command line and those of the processes above it. Without I/O.

Docker's protocol names a registry and says nothing else: not whether its image is needed, nor what becomes of the
lines on standard error. Where command lines do not tell, a `get` goes on as if there were none.

Sources: BuildKit's ``progressui`` and compose's ``progress`` (they move the cursor up by the lines that they wrote last
and write them anew, every tenth of a second); Docker's classic builder and podman's remote client, which send the pairs
of all registries in their configuration along with a request.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

from docker_credential_harbor.warm_get import server_url

if TYPE_CHECKING:
    from collections.abc import Mapping

CommandLine = tuple[str, ...]

_CLIENTS = frozenset(
    ("docker", "podman", "podman-remote", "buildah", "skopeo", "nerdctl", "helm", "oras", "crane", "regctl", "cosign")
)
_SHELLS = frozenset(("sh", "bash", "dash", "ash", "ksh", "zsh", "fish"))  # whose pipes are a person's own
_REDRAWING = frozenset(("docker-compose", "docker-buildx", "buildx", "buildctl"))
_REDRAWING_VERBS = frozenset(("build", "buildx", "bake", "compose"))  # of docker itself
_VERBS = frozenset(("login", "pull", "push", "build", "run", "create", "up", "exec", "save", "search"))
_USERNAME = ("-u", "--username")
_REMOTE = ("--remote", "-r", "--url", "--host", "--connection", "-c")
_INTERPRETERS = ("python", "node")  # their scripts, by the first argument


class Wish(Enum):
    """What a `get` is for."""

    THIS = auto()  # what it asks for is needed, or nobody can tell
    EVERY = auto()  # every registry in the configuration is asked for, whatever it is about
    NOTHING = auto()  # no person needs to be asked


class Caller(NamedTuple):
    """``command_lines``: the caller's own, then those of the processes above it."""

    command_lines: tuple[CommandLine, ...] = ()
    environ: Mapping[str, str] = {}

    @property
    def name(self) -> str:
        """Its program's name alone; "" where it is unknown. What stands in arguments may be secret."""
        return _program(self.command_lines[0]) if self.command_lines else ""

    @property
    def redraws(self) -> bool:
        """Whether lines that others write on its terminal are drawn over."""
        return any(_redraws(line) for line in self.command_lines)

    @property
    def passes_on(self) -> bool:
        """Whether a person sees what is written to standard error where that is a pipe, as docker gives its plugins."""
        return not self.name or self.name in _CLIENTS | _REDRAWING | _SHELLS

    def wish(self, registry_name: str) -> tuple[Wish, str]:
        """What it wants of that registry, and what shows that."""
        if not self.command_lines:
            return Wish.THIS, ""
        line = self.command_lines[0]
        verb = _verb(line)
        if verb == "login" and self.name in _CLIENTS and _has_username(line):
            return Wish.NOTHING, f"{self.name} login names a user of its own"
        if not _asks_for_every_registry(line, self.environ):
            return Wish.THIS, ""
        if verb in ("pull", "push") and _names_only_others(line, verb, registry_name):
            return Wish.NOTHING, f"{self.name} {verb} is for another registry"
        return Wish.EVERY, f"{self.name} asks for every registry"


def _program(line: CommandLine) -> str:
    """As in the first word, or of the script that it interprets."""
    names = [word.replace("\\", "/").rpartition("/")[2].lower().removesuffix(".exe") for word in line[:2]]
    if len(names) == 2 and names[0].startswith(_INTERPRETERS) and names[1] in _REDRAWING:
        return names[1]
    return names[0] if names else ""


def _verb(line: CommandLine) -> str:
    """The first word that is one: options before it may have values that look like any word."""
    return next((word for word in line[1:] if word in _VERBS), "")


def _redraws(line: CommandLine) -> bool:
    program = _program(line)
    if program == "docker":
        return any(word in _REDRAWING_VERBS for word in line[1:4])
    return program in _REDRAWING


def _has_username(line: CommandLine) -> bool:
    return any(word.startswith("--username=") or word in _USERNAME or _is_short_username(word) for word in line)


def _is_short_username(word: str) -> bool:
    """As in ``-uNAME``."""
    return len(word) > 2 and word.startswith("-u")


def _asks_for_every_registry(line: CommandLine, environ: Mapping[str, str]) -> bool:
    program, verb = _program(line), _verb(line)
    if program == "docker":  # where BuildKit builds, a plugin asks, or Docker 20.10 itself where it was told to
        return verb == "build" and environ.get("DOCKER_BUILDKIT", "0") in ("", "0", "false")
    if program == "docker-compose":  # of version 1, in Python
        return verb == "build" and _program(line[:1]) != program
    return program == "podman-remote" or (program == "podman" and _is_remote(line, verb, environ))


def _is_remote(line: CommandLine, verb: str, environ: Mapping[str, str]) -> bool:
    """podman(1), --remote: its options stand before the verb; those that name a service mean it as well."""
    before = line[: line.index(verb)] if verb else line
    named = any(word.partition("=")[0] in _REMOTE for word in before)
    return named or any(environ.get(name) for name in ("CONTAINER_HOST", "CONTAINER_CONNECTION"))


def _names_only_others(line: CommandLine, verb: str, registry_name: str) -> bool:
    """Whether each word behind the verb that is no option is an image's name with another registry in it."""
    words = [word for word in line[line.index(verb) + 1 :] if not word.startswith("-")]
    hosts = [_registry_in(word) for word in words]
    return bool(hosts) and all(host not in ("", registry_name) for host in hosts)


def _registry_in(image: str) -> str:
    """The registry in an image's name, as `server_url` has it; "" where it has none (distribution's reference)."""
    host, slash, _ = image.removeprefix("docker://").partition("/")
    if not slash or host.startswith(".") or not (set(".:") & set(host) or host == "localhost"):
        return ""
    try:
        return server_url.parse(host)[0]
    except ValueError:
        return ""
