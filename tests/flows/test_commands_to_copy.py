"""The commands that `setup --admin` prints are copied into a shell: with a server's words in them, and none obeyed."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.lab.hostile import check, leads_to
from tests.lab.web import Exchange, WebServer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.sealed_home import Helper

HOSTILE_WORDS = ["$(touch pwned)", "`touch pwned`", "';touch pwned;'", '";touch pwned;"', "a|touch pwned", "a b\\", "*"]


@dataclass
class Copied:
    """A Harbor whose provider's address and client are hostile, and a shell with stand-ins for what is to be run."""

    helper: Helper
    folder: Path

    def admin(self, client_id: str, path: str) -> tuple[str, str]:
        """The server's address, and what is told of it."""

        def respond(exchange: Exchange) -> None:
            if exchange.path == "/c/oidc/login":
                leads_to(server.url + path, client_id=client_id)(exchange, server)  # type: ignore[arg-type]
            elif exchange.path == "/api/v2.0/systeminfo":
                exchange.answer_json(200, {"auth_mode": "oidc_auth"})
            else:
                exchange.answer(404)

        server = WebServer(respond)
        try:
            answer = self.helper.run(["setup", "--admin", server.url])
        finally:
            server.close()
        assert answer.returncode == 0, answer.stderr
        check(answer.stdout)
        return server.url, answer.stdout

    def run(self, text: str, shell: str) -> list[list[str]]:
        """The commands in the text, as they are copied; what each was given."""
        programs, elsewhere = self.folder / "programs", self.folder / shell
        programs.mkdir(exist_ok=True)
        elsewhere.mkdir()
        for name in ("kcadm.sh", "docker-credential-harbor", "docker", "curl"):
            script = programs / name
            script.write_text('#!/bin/sh\nprintf "%s\\0" "${0##*/}" "$@" >> "$SEEN"\nprintf "\\n\\0" >> "$SEEN"\n')
            script.chmod(0o755)
        commands = [
            line.strip() for line in text.splitlines() if line.startswith(("  kcadm.sh", "  docker-credential-"))
        ]
        seen = self.folder / f"{shell}.seen"
        environment = {"PATH": f"{programs}:/usr/bin:/bin", "SEEN": str(seen)}
        done = subprocess.run([shell, "-ec", "\n".join(commands)], cwd=elsewhere, env=environment, capture_output=True)
        assert done.returncode == 0, done.stderr
        assert {path.name for path in elsewhere.iterdir()} <= {"client.json"}, "and nothing else ran"
        return [call.split("\0")[:-1] for call in seen.read_text().split("\n\0")[:-1]]


@pytest.fixture
def copied(helper: Helper, tmp_path: Path) -> Copied:
    return Copied(helper, tmp_path)


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize("word", HOSTILE_WORDS)
def test_commands_to_be_copied(copied: Copied, word: str, shell: str) -> None:
    odd = "/$(touch%20pwned)';touch"
    url, text = copied.admin(word, f"{odd}/realms/{quote(word, safe='')}/protocol/openid-connect/auth")
    setup, credentials, create = copied.run(text, shell)
    assert setup == ["docker-credential-harbor", "setup", "--admin", "--json", url.partition("//")[2]]
    assert credentials[:4] == ["kcadm.sh", "config", "credentials", "--server"]
    assert credentials[4:] == [url + odd, "--realm", "master", "--user", "ADMIN"]
    assert create == ["kcadm.sh", "create", "clients", "--target-realm", word, "--file", "client.json"]
