"""A workplace: one person, one Harbor behind a real Keycloak, and the installed helper in a sealed home."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

import requests

from docker_credential_harbor.warm_get import remembered
from tests.lab.realm import HARBOR_CLIENT, HELPER_CLIENT
from tests.lab.said import PREFIX, failure_in

if TYPE_CHECKING:
    from tests.lab.harbor import StandInHarbor
    from tests.lab.person import Person
    from tests.lab.realm import Realm
    from tests.lab.sealed_home import Helper, Home

WITHOUT_OFFLINE = "openid profile email"
WITH_OFFLINE = "openid profile email offline_access"
AGEING = Path(__file__).with_name("ageing.py")
NOT_FOUND = "credentials not found in native keychain\n"


class Answer(NamedTuple):
    """What a `get` ended with."""

    status: int
    output: str
    errors: str


def pairs_of(answers: list[Answer]) -> set[tuple[str, str]]:
    """The different pairs among the answers; each must have one."""
    for status, output, errors in answers:
        assert status == 0, output + errors
    pairs = [json.loads(output) for _, output, _ in answers]
    return {(pair["Username"], pair["Secret"]) for pair in pairs}


@dataclass
class Workplace:
    """What a test of a flow needs, and the questions that it asks again and again."""

    realm: Realm
    harbor: StandInHarbor
    person: Person
    helper: Helper
    other_homes: tuple[Home, ...] = field(default=(), kw_only=True)

    @property
    def name(self) -> str:
        return self.harbor.name

    def configure(self, *, url: str | None = None, top: str = "", **keys: object) -> None:
        """Writes the helper's configuration for this Harbor; keyword arguments are keys of its table.

        `url`: of a proxy in front of it, which it is told, too.
        """
        self.harbor.external_url = url or self.harbor.url
        keys = {"url": url or self.harbor.url, **keys}
        table = "\n".join(f"{key} = {json.dumps(value)}" for key, value in keys.items())
        self.helper.configure(f'storage = "file"\n{top}\n[registries."{self.name}"]\n{table}\n')

    def get(self, server: str | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        return self.helper.get(server or self.name, env)

    def start_get(self, server: str | None = None, **env: str) -> subprocess.Popen[bytes]:
        """A `get` that goes on beside the test; its standard input is closed, as Docker does."""
        process = self.helper.start("get", env)
        assert process.stdin
        process.stdin.write((server or self.name).encode())
        process.stdin.close()
        process.stdin = None
        return process

    def many_gets(self, count: int, **env: str) -> list[Answer]:
        """So many at the same moment, each in a process of its own."""
        started = [self.start_get(**env) for _ in range(count)]
        ended = [process.communicate(timeout=300) for process in started]
        return [
            Answer(process.returncode, output.decode(), errors.decode())
            for process, (output, errors) in zip(started, ended, strict=True)
        ]

    def pair(self, server: str | None = None, **env: str) -> tuple[str, str]:
        """The pair that `get` gives; it must."""
        answer = self.get(server, **env)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        pair = json.loads(answer.stdout)
        assert pair["ServerURL"] == (server or self.name)
        return pair["Username"], pair["Secret"]

    def refused(self, server: str | None = None, **env: str) -> str:
        """What `get` says on standard error where it has no pair; it must be one line that tells a failure."""
        answer = self.get(server, **env)
        assert (answer.returncode, answer.stdout) == (1, NOT_FOUND), answer.stdout + answer.stderr
        asking = ("opening a browser", "still waiting for the browser")
        lines = [line for line in answer.stderr.splitlines() if not any(words in line for words in asking)]
        assert len(lines) == 1, answer.stderr
        assert all(line.startswith(PREFIX) for line in answer.stderr.splitlines())
        assert failure_in(lines[0])
        return lines[0]

    def store(self, username: str, secret: str, server: str | None = None) -> None:
        payload = {"ServerURL": server or self.name, "Username": username, "Secret": secret}
        answer = self.helper.run("store", json.dumps(payload))
        assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")

    def asked(self) -> list[str]:
        """The paths that Harbor was asked for by programs since the last time; browsers' walks left out."""
        paths = [request.path.partition("?")[0] for request in self.harbor.requests]
        self.harbor.clear_requests()
        return [path for path in paths if path.startswith(("/service/", "/api/"))]

    def kept_tokens(self) -> dict[str, str]:
        """The tokens that the helper keeps, read from its file."""
        [path] = self.helper.home.folders["XDG_DATA_HOME"].rglob("secrets.json")
        values = json.loads(path.read_text())["values"]
        kept = next(value for key, value in values.items() if key.startswith("sign-in"))
        tokens: dict[str, str] = json.loads(kept)["tokens"]
        return tokens

    def is_live(self, refresh_token: str, client_id: str = HELPER_CLIENT, client_secret: str = "") -> bool:
        """Whether the provider still refreshes by it; asked without the helper."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": client_id}
        if client_secret:
            form["client_secret"] = client_secret
        return requests.post(self.realm.endpoint("token"), data=form, timeout=30).ok

    def harbors_token_is_live(self, username: str) -> bool:
        """Whether the provider still refreshes by the token that Harbor stored for this user."""
        stored = self.harbor.users[username].stored_token
        assert stored
        assert stored.refresh_token
        return self.is_live(stored.refresh_token, HARBOR_CLIENT, self.realm.harbor_secret)

    def own_token_is_live(self) -> bool:
        return self.is_live(self.kept_tokens()["refresh_token"])

    def id_token_is_good(self) -> bool:
        """Whether Harbor still takes the ID token that the helper keeps."""
        url = f"{self.harbor.url}/api/v2.0/users/current"
        header = {"Authorization": f"Bearer {self.kept_tokens()['id_token']}"}
        return requests.get(url, headers=header, timeout=30).ok

    def let_id_token_expire(self) -> None:
        """As if the life of our ID token had passed."""
        let_id_token_expire(self.helper.home)

    def now(self) -> float:
        """The present instant of the helper and of Harbor."""
        return self.harbor.clock()

    def let_pass(self, seconds: float) -> None:
        """Puts everybody's clock forward: the helper's on each machine, Harbor's and the provider's.

        Keycloak's cannot be: it is the machine's own, and one Keycloak serves all tests that run at once. Fresh tokens
        of its would be over for whoever has another clock, so there all that the others keep is made older instead;
        Keycloak's sessions are ended by its own settings or by its administrator.
        """
        if self.realm.clock:
            self.realm.clock.put_forward(seconds)
            return
        for home in (self.helper.home, *self.other_homes):
            subprocess.run([sys.executable, AGEING, str(seconds), self.name], env=home.environment, check=True)
        self.harbor.make_older(seconds)

    def on_another_machine(self, home: Home) -> Workplace:
        """The same person, Harbor and configuration on a machine of its own; time passes on both at once."""
        helper = type(self.helper)(home)
        if self.realm.clock:
            home.environment |= self.realm.clock.environment
        helper.configure(self.helper.configuration.read_text())
        home.environment["BROWSER"] = self.person.browser_command
        self.other_homes += (home,)
        return Workplace(self.realm, self.harbor, self.person, helper)

    def notes(self) -> dict[str, Any]:
        """What the helper has noted about this registry."""
        [path] = self.helper.home.folders["XDG_STATE_HOME"].rglob("registries/*.json")
        notes: dict[str, Any] = json.loads(path.read_text())
        return notes

    def files_with(self, secret: str) -> list[str]:
        """The names of the files below the person's home that hold this."""
        files = [path for path in self.helper.home.path.rglob("*") if path.is_file()]
        return sorted(path.name for path in files if secret.encode() in path.read_bytes())

    def end_trust_window(self) -> None:
        """As if it was over: the next `get` asks Harbor."""
        remembered.forget(self.name)
        self._change_notes(trusted_until=1)

    def learn_life(self, seconds: float = 300) -> None:
        """As if enough had been pulled to know how long Harbor's tokens live: `update_time` is not read any more."""
        learn_life(self.helper.home, seconds)

    def end_pause(self) -> None:
        """As if the minutes after a declined window had passed."""
        self._change_notes(declined_at=1)

    def lengthen_pause(self) -> None:
        """As if another window had been declined before: ten minutes, which no machine takes for a command or two."""
        self._change_notes(declines=2)

    def forget_provider(self) -> None:
        """As if the day for which the provider is kept had passed."""
        self._change_notes(provider_found_at=1)

    def _change_notes(self, **changes: object) -> None:
        for path in self.helper.home.folders["XDG_STATE_HOME"].rglob("registries/*.json"):
            notes = json.loads(path.read_text())
            path.write_text(json.dumps({**notes, **changes}))

    def sign_in_elsewhere(self) -> None:
        """The person uses another of the company's pages: their browser has a live session at the provider then.

        Signing in for offline_access alone leaves none behind (keycloak/keycloak#34346).
        """
        page = f"{self.realm.issuer}/account/"
        query = urlencode({"client_id": "account", "response_type": "code", "scope": "openid", "redirect_uri": page})
        self.person.open(f"{self.realm.endpoint('auth')}?{query}")
        self.person.reset()

    def onboard(self, user: str = "alice", as_name: str = "alice-h") -> None:
        """A Harbor user that this person of the realm is, with a token that Harbor stored at a walk long ago."""
        self.harbor.onboard(as_name, f"{user}@example.com", self.realm.subject(user))


def learn_life(home: Home, seconds: float = 300) -> None:
    """As if enough had been pulled in this home to know how long the tokens live that Harbor stores."""
    for path in home.folders["XDG_STATE_HOME"].rglob("registries/*.json"):
        notes = json.loads(path.read_text())
        token = {**notes["stored_token"], "least_seconds": seconds, "most_seconds": seconds}
        path.write_text(json.dumps({**notes, "stored_token": token}))


def let_id_token_expire(home: Home) -> None:
    """As if the life of the ID token in this home's file had passed."""
    [path] = home.folders["XDG_DATA_HOME"].rglob("secrets.json")
    document = json.loads(path.read_text())
    for key, value in document["values"].items():
        if key.startswith("sign-in"):
            kept = json.loads(value)
            kept["tokens"]["id_token_expires_at"] = 1
            document["values"][key] = json.dumps(kept)
    path.write_text(json.dumps(document))


# By the product itself, so whatever the storage.
EXPIRE_ID_TOKEN = """
import sys
from docker_credential_harbor.storage.credential_store import CredentialStore
store = CredentialStore()
kept = store.load_sign_in(sys.argv[1])
store.save_sign_in(sys.argv[1], kept._replace(tokens=kept.tokens._replace(id_token_expires_at=1.0)))
"""


def expire_kept_id_token(workplace: Workplace) -> None:
    """As if the life of the ID token had passed, wherever it is kept."""
    command = [sys.executable, "-c", EXPIRE_ID_TOKEN, workplace.name]
    subprocess.run(command, env=workplace.helper.home.environment, check=True)
