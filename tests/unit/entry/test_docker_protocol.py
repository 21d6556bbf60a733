"""Docker's verbs with the streams handed in: bytes in, bytes out, exit status, and what goes to standard error."""

from __future__ import annotations

import io
import json
import os
import time
from math import inf
from typing import TYPE_CHECKING, NoReturn

import pytest

from docker_credential_harbor import __version__, errors
from docker_credential_harbor.entry import docker_protocol
from docker_credential_harbor.model import Credentials, Registry, StoredPair
from docker_credential_harbor.storage import miss_note
from docker_credential_harbor.storage.miss_note import Missed
from docker_credential_harbor.system import ancestors, console
from docker_credential_harbor.use_cases import get, why_no_pair
from tests.unit.machine import ROBOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker_credential_harbor.context import Context
    from tests.unit.machine import Machine

OTHER = "https://index.docker.io/v1/"
ALICE = Credentials("alice", "s")
NOT_FOUND = f"{errors.NOT_FOUND}\n"


@pytest.fixture(autouse=True)
def _docker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """docker pull asks, unless a test says otherwise."""
    called_by(monkeypatch, "docker", "pull", "image")
    yield
    console.called_by(drawn_over=False, passed_on=True)


def called_by(monkeypatch: pytest.MonkeyPatch, *line: str) -> None:
    monkeypatch.setattr(ancestors, "above", lambda: (ancestors.Process(line),))


def serve(verb: str, payload: str | bytes = b"") -> tuple[int, str]:
    stdout = io.BytesIO()
    data = payload.encode() if isinstance(payload, str) else payload
    status = docker_protocol.serve(verb, io.BytesIO(data), stdout, time.time())
    return status, stdout.getvalue().decode()


def store(server: str, pair: Credentials = ALICE) -> tuple[int, str]:
    return serve("store", json.dumps({"ServerURL": server, "Username": pair.username, "Secret": pair.secret}))


class TestGet:
    @pytest.mark.parametrize("spelt", ["{name}", "https://{name}/v2/", "{name}/project/image"])
    def test_a_pair_under_the_url_as_given(self, machine: Machine, spelt: str) -> None:
        machine.keep_stored(ROBOT)
        url = spelt.format(name=machine.name)
        told = {"ServerURL": url, "Username": ROBOT.username, "Secret": ROBOT.secret}
        assert serve("get", f"  {url}\n") == (0, json.dumps(told, separators=(",", ":")) + "\n")

    def test_none_and_why(self, machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
        assert serve("get", machine.name) == (1, NOT_FOUND)
        [line] = capfd.readouterr().err.splitlines()
        assert "[nobody-to-ask]" in line
        missed = miss_note.load(machine.name)
        assert missed
        assert (missed.program, missed.code) == ("docker", "nobody-to-ask")

    def test_a_pair_ends_what_the_last_pull_met(self, machine: Machine) -> None:
        miss_note.save(machine.name, Missed(time.time(), "docker", "x", "y", ""))
        machine.keep_stored(ROBOT)
        serve("get", machine.name)
        assert miss_note.load(machine.name) is None

    def test_a_process_that_had_no_pair_for_another_registry_is_waited_with_for_half_a_minute(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is the test's own parent that asks, as `os` has it."""
        patience = []

        def credentials(context: Context, _registry: Registry) -> NoReturn:
            patience.append(context.reach.patience_seconds)
            raise errors.SignInEnded(registry="h")

        other = '[registries."other.example.com"]\n'
        machine.configuration.write_text(f"{machine.configuration.read_text()}\n{other}")
        monkeypatch.setattr(get, "credentials", credentials)
        for line in (("python3", "build.py"), ("docker", "pull", "image")):
            called_by(monkeypatch, *line)
            for name in (machine.name, "other.example.com", machine.name):
                serve("get", name)
        assert patience == [inf, 30, 30, inf, inf, inf]
        called_by(monkeypatch, "python3", "build.py")
        monkeypatch.setattr(os, "getppid", os.getpid)
        serve("get", machine.name)
        assert patience[-1] == inf, "another process asks"

    @pytest.mark.usefixtures("machine")
    def test_of_a_server_that_no_configuration_names(self, capfd: pytest.CaptureFixture[str]) -> None:
        assert serve("get", OTHER) == (1, NOT_FOUND)
        assert capfd.readouterr().err == ""
        assert store(OTHER) == (0, "")
        assert json.loads(serve("get", OTHER)[1]) == {"ServerURL": OTHER, "Username": "alice", "Secret": "s"}

    def test_whoever_needs_nobody_is_no_pull_that_had_no_pair(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        called_by(monkeypatch, "podman", "login", "-u", "ci", machine.name)
        assert serve("get", machine.name) == (1, NOT_FOUND)
        assert "[no-sign-in-needed]" in capfd.readouterr().err
        machine.harbor.down()
        machine.keep_sign_in()
        assert serve("get", machine.name) == (1, NOT_FOUND)
        assert "cannot be reached" in capfd.readouterr().err
        assert why_no_pair.told(Registry(machine.name, machine.harbor.url)) is None

    def test_a_broken_configuration_breaks_no_public_image(
        self, machine: Machine, capfd: pytest.CaptureFixture[str]
    ) -> None:
        machine.configuration.write_text("[")
        assert serve("get", "docker.io") == (1, NOT_FOUND)
        assert "[configuration-invalid]" in capfd.readouterr().err
        assert serve("list")[0] == 1
        assert capfd.readouterr().err == "", "of any other verb the answer says it"

    @pytest.mark.usefixtures("machine")
    @pytest.mark.parametrize(
        ("payload", "message"),
        [
            (b"", "no credentials server URL\n"),
            (b" \n", "no credentials server URL\n"),
            (b"\xff", "the server URL is not acceptable: it is not UTF-8 text\n"),
            (b"https://me:secret@h", None),
            (b"h\x1b[31m", None),
            (b"h" * (docker_protocol.MAXIMUM_PAYLOAD + 1), "the payload is not acceptable: it is longer than 1 MiB\n"),
        ],
    )
    def test_a_request_that_is_wrong_in_itself(
        self, capfd: pytest.CaptureFixture[str], payload: bytes, message: str | None
    ) -> None:
        status, answer = serve("get", payload)
        assert status == 1
        assert answer == message or (message is None and answer.startswith("the server URL is not acceptable: "))
        assert capfd.readouterr().err == ""

    def test_where_no_home_is_nothing_is_stored(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        def nowhere(*_: object) -> None:
            raise errors.NoHome(variable="HOME")

        monkeypatch.setattr("docker_credential_harbor.system.folders.user_folder", nowhere)
        assert serve("get", OTHER) == (1, NOT_FOUND)
        assert serve("erase", OTHER) == (0, "")
        assert serve("list") == (0, "{}\n")
        assert capfd.readouterr().err == ""
        assert store(machine.name)[0] == 1


class TestStore:
    def test_for_a_registry_it_is_under_its_name(self, machine: Machine) -> None:
        assert store(f"https://{machine.name}/v2/", ROBOT) == (0, "")
        assert machine.context().store.load_stored(machine.registry().key) == StoredPair(ROBOT)

    @pytest.mark.usefixtures("machine")
    def test_a_secret_may_be_anything(self) -> None:
        secret = '{\n "type": "service_account" \n}'
        assert store("gcr.io", Credentials("_json_key", secret)) == (0, "")
        assert json.loads(serve("get", "gcr.io")[1])["Secret"] == secret

    @pytest.mark.usefixtures("machine")
    @pytest.mark.parametrize(
        ("payload", "reason"),
        [
            (b"{", ""),
            (b"[1]", "it is not a JSON object"),
            (b'{"ServerURL": "h", "Username": 1, "Secret": "s"}', "must be text"),
            (b'{"ServerURL": "h", "Username": "a\\n", "Secret": "s"}', "Username must have no control characters"),
            (b'{"ServerURL": "h", "Username": "a\\u0085", "Secret": "s"}', "Username must have no control characters"),
        ],
    )
    def test_a_payload_that_is_wrong(self, payload: bytes, reason: str) -> None:
        status, answer = serve("store", payload)
        assert status == 1
        assert answer.startswith("the payload is not acceptable: ")
        assert reason in answer
        assert serve("list") == (0, "{}\n")

    @pytest.mark.usefixtures("machine")
    def test_dockers_own_words(self) -> None:
        assert store("") == (1, "no credentials server URL\n")
        assert store("h", Credentials("", "s")) == (1, "no credentials username\n")
        assert serve("store", b'{"Username": "a", "Secret": "s"}') == (1, "no credentials server URL\n")


class TestErase:
    @pytest.mark.parametrize("spelt", ["{name}", "https://{name}", "http://{name}"])
    def test_a_stored_pair_and_a_sign_in(self, machine: Machine, spelt: str) -> None:
        """Docker's logout calls it for each of these, one after the other."""
        machine.configure(url=f"https://{machine.name}", issuer=machine.realm.issuer)
        machine.keep_sign_in()
        machine.keep_stored(ROBOT)
        for _ in range(2):
            assert serve("erase", spelt.format(name=machine.name)) == (0, "")
        kept = machine.context().store
        assert (kept.load_stored(machine.registry().key), machine.kept_sign_in()) == (None, None)

    @pytest.mark.usefixtures("machine")
    def test_of_another_server(self) -> None:
        store(OTHER)
        store(" gcr.io ")
        assert serve("erase", OTHER) == (0, "")
        assert json.loads(serve("list")[1]) == {"gcr.io": "alice"}
        assert serve("erase", OTHER) == (0, "")

    @pytest.mark.usefixtures("machine")
    def test_a_request_that_is_wrong_in_itself(self) -> None:
        assert serve("erase") == (1, "no credentials server URL\n")


def test_list_names_whom_it_knows(machine: Machine) -> None:
    assert serve("list") == (0, "{}\n"), "no registry where nobody is signed in"
    machine.sign_in()
    store(OTHER, Credentials("bob", "s"))
    machine.harbor.clear_requests()
    assert json.loads(serve("list")[1]) == {f"https://{machine.name}": "alice-h", OTHER: "bob"}
    assert machine.asked() == []


def test_version_needs_nothing() -> None:
    too_long = b"x" * (docker_protocol.MAXIMUM_PAYLOAD + 1)
    assert serve("version", too_long) == (0, f"docker-credential-harbor {__version__}\n"), "it is not even read"


class TestTheAnswerIsNotTaken:
    def test_there_is_no_output(self) -> None:
        with pytest.raises(errors.OutputNotWritten, match="it is closed"):
            docker_protocol.serve("version", io.BytesIO(), None, time.time())

    @pytest.mark.usefixtures("machine")
    def test_nothing_is_to_be_said(self) -> None:
        assert docker_protocol.serve("erase", io.BytesIO(b"gcr.io"), None, time.time()) == 0

    def test_the_disk_is_full(self) -> None:
        with (
            open("/dev/full", "wb", buffering=0) as full,  # noqa: PTH123 - a device
            pytest.raises(errors.OutputNotWritten, match="no space left on device"),
        ):
            docker_protocol.serve("version", io.BytesIO(), full, time.time())
