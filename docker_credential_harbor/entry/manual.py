"""What is told beside the commands: exit status, environment, files.

`--help` shows what most people need of it, the man page (packaging/documents.py) all. The places are those that
platformdirs names; docs/configuration.md has them, too.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

from docker_credential_harbor.config import read_config
from docker_credential_harbor.errors import EXIT_FAILURE, EXIT_USAGE
from docker_credential_harbor.system import console

INDENT = "  "
WIDTH = 80  # of all that --help prints, which is that of the narrowest usual terminal
COLUMN = 24  # where the words begin in --help, as argparse has it


class Entry(NamedTuple):
    """``in_help``: `--help` has it, too."""

    term: str
    words: str
    in_help: bool = False


EXIT_STATUS = (
    Entry("0", "it was done, or was so already; of status: it could say how things are, also where nobody is signed in "
          "(for a script: the state in status --json)", in_help=True),
    Entry(str(EXIT_FAILURE), "it failed, and a line says why and what to do; of doctor: a check failed; of keepalive: "
          "a session has ended; of get: there is no pair", in_help=True),
    Entry(str(EXIT_USAGE), "wrong usage, or no registry that could be meant", in_help=True),
    Entry("130", "stopped by Ctrl-C", in_help=True),
)  # fmt: skip

ENVIRONMENT = (
    Entry(f"{console.TRACE_VARIABLE}=1", "what is asked of whom, how long it takes and what is decided, on standard "
          "error, without secrets", in_help=True),
    Entry(read_config.USER_FILE_VARIABLE, "a file in the place of the user's config.toml", in_help=True),
    *(Entry(read_config.PREFIX + key.upper(), f"goes before {key} in config.toml: {wanted}")
      for key, (_, _, wanted) in read_config.KEYS.items()),
    Entry("CI", "where it is set, no pull asks anybody to sign in", in_help=True),
    Entry("BROWSER", "the command that opens an address, or several with : between them; %s stands for the address. "
          "Where it is set, a sign-in opens a browser", in_help=True),
    Entry("DISPLAY, WAYLAND_DISPLAY", "a desktop, where a browser can be opened"),
    Entry("SSH_CONNECTION, SSH_CLIENT, SSH_TTY", "an SSH session: what is to be opened is printed, unless the display "
          "is forwarded"),
    Entry("REMOTE_CONTAINERS, CODESPACES", "a dev container: what is to be opened is printed, unless BROWSER is set"),
    Entry("WSL_DISTRO_NAME, WSL_INTEROP", "Windows is around this Linux, and its browser is opened"),
    Entry("NO_COLOR", "where it is set, nothing is coloured", in_help=True),
    Entry("TERM", "dumb: no colours, no QR code, no line that is replaced by the next"),
    Entry("DOCKER_CONFIG", "the folder of Docker's config.json", in_help=True),
    Entry("DOCKER_AUTH_CONFIG", "Docker takes pairs from it before it asks a helper; doctor says so"),
    Entry("DOCKER_BUILDKIT", "0: docker builds as it did before BuildKit, and asks for every registry that is set up"),
    Entry("PASSWORD_STORE_DIR", "where pass keeps passwords; setup looks whether it was initialized"),
    Entry("REGISTRY_AUTH_FILE", "podman's file, in the place of its own"),
    Entry("HELM_REGISTRY_CONFIG, HELM_CONFIG_HOME", "Helm's file, and the folder in which it lies otherwise"),
    Entry("HTTPS_PROXY, ALL_PROXY", "the proxy, http://, https:// or socks5://, the first one first, in small letters, "
          "too; never for this machine itself", in_help=True),
    Entry("NO_PROXY", "names, addresses and networks that are asked without a proxy, as Docker reads it, with commas "
          "between them", in_help=True),
    Entry("SSL_CERT_FILE, SSL_CERT_DIR", "on Linux: where the trusted authorities lie, as for OpenSSL", in_help=True),
    Entry("PYTHONPATH", "installed by pip: what Python finds there goes before the libraries of the helper"),
    Entry("HOME, XDG_CONFIG_HOME, XDG_CONFIG_DIRS, XDG_DATA_HOME, XDG_STATE_HOME, XDG_RUNTIME_DIR, APPDATA",
          "where the files below lie"),
)  # fmt: skip

HERE = {"darwin": "macOS", "win32": "Windows"}.get(sys.platform, "Linux")

# Site-wide, and the user's.
CONFIGURATION_FILES = {
    "Linux": (
        "/etc/xdg/docker-credential-harbor/config.toml",
        "~/.config/docker-credential-harbor/config.toml",
    ),
    "macOS": (
        "/Library/Application Support/docker-credential-harbor/config.toml",
        "~/Library/Application Support/docker-credential-harbor/config.toml",
    ),
    "Windows": (
        r"C:\ProgramData\docker-credential-harbor\config.toml",
        r"%LOCALAPPDATA%\docker-credential-harbor\config.toml",
    ),
}

FILES = (
    *(Entry(path, f"on {system}, the configuration {whose}", in_help=system == HERE)
      for system, paths in CONFIGURATION_FILES.items()
      for path, whose in zip(paths, ("of all users", "of one user, which goes before, key by key"), strict=True)),
    Entry("~/.docker/config.json", "Docker's: setup enters the registry under credHelpers", in_help=True),
    Entry("~/.config/containers/auth.json, ~/.config/helm/registry/config.json", "podman's and Helm's: entered there, "
          "too, where they exist"),
    Entry("~/.local/share/docker-credential-harbor/", "which pairs and sign-ins there are, and where no keyring is "
          "open the secrets themselves, readable for their owner alone"),
    Entry("~/.local/state/docker-credential-harbor/", "notes without secrets, and locks"),
)  # fmt: skip

SECTIONS = {"exit status": EXIT_STATUS, "environment": ENVIRONMENT, "files": FILES}


def for_help() -> str:
    """The sections as they stand at the end of `--help`."""
    keys = ", ".join(key.upper() for key in read_config.KEYS)
    of_keys = Entry(f"{read_config.PREFIX}KEY", f"goes before that key of config.toml: {keys}", in_help=True)
    parts = []
    for title, entries in SECTIONS.items():
        shown = [entry for entry in entries if entry.in_help]
        if entries is ENVIRONMENT:
            shown.insert(2, of_keys)
        parts.append("\n".join((f"{title}:", *map(_lines, shown))))
    return "\n\n".join((*parts, "The man page, which comes with the packages, has all of them."))


def _lines(entry: Entry) -> str:
    import textwrap

    begin = f"{INDENT}{entry.term}".ljust(COLUMN)
    first = [] if begin.endswith(" ") else [begin]
    indent = " " * COLUMN
    words = textwrap.wrap(
        entry.words, WIDTH, initial_indent=indent if first else begin, subsequent_indent=indent, break_on_hyphens=False
    )
    return "\n".join((*first, *words))
