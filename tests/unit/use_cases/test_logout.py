"""What goes at a sign-out, in which order, and what is told where something stands in the way."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor import errors
from docker_credential_harbor.model import Provider, StoredPair, StoredToken
from docker_credential_harbor.policy.known import Step
from docker_credential_harbor.sign_in import window_note
from docker_credential_harbor.sign_in.window_note import Note
from docker_credential_harbor.storage import registry_lock
from docker_credential_harbor.system import lock, processes
from docker_credential_harbor.use_cases import logout
from tests.lab.realm import HELPER_CLIENT
from tests.unit.machine import ROBOT

if TYPE_CHECKING:
    from tests.unit.machine import Machine


def sign_out(machine: Machine) -> bool:
    context = machine.context(asked=True)
    return logout.sign_out(context, context.registry(machine.name))


def revocations(machine: Machine) -> int:
    return machine.realm.token_requests(HELPER_CLIENT, "REVOKE_GRANT")


def test_nobody_was_there(machine: Machine) -> None:
    before = revocations(machine)
    assert not sign_out(machine)
    assert (machine.asked(), revocations(machine)) == ([], before)


def test_a_sign_in_is_revoked(machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    machine.sign_in()
    before = revocations(machine)
    assert sign_out(machine)
    assert machine.kept_sign_in() is None
    assert revocations(machine) == before + 1
    assert capfd.readouterr().err == ""
    assert not sign_out(machine)


def test_one_without_a_refresh_token_is_not(machine: Machine) -> None:
    machine.sign_in(refresh_token=None)
    before = revocations(machine)
    assert sign_out(machine)
    assert revocations(machine) == before


def test_every_stored_pair_of_it_goes(machine: Machine) -> None:
    machine.keep_stored(ROBOT)
    other = f"{machine.name}/v2/"
    for server in (other, "index.docker.io"):
        machine.context().store.save_stored(server, StoredPair(ROBOT))
    assert sign_out(machine)
    assert list(machine.context().store.list()) == ["index.docker.io"]


def test_what_was_true_of_a_pair_is_forgotten_and_a_pause_ends(machine: Machine) -> None:
    machine.sign_in()
    token = StoredToken(earliest_at=1.0, latest_at=2.0, updated_at="then", least_seconds=60)
    now = time.time()
    machine.note(declines=2, declined_at=now, verified_at=now, trusted_until=now, generation=3, stored_token=token)
    sign_out(machine)
    notes = machine.notes()
    assert (notes.declines, notes.declined_at, notes.verified_at, notes.trusted_until) == (0, None, None, None)
    assert notes.generation == 4, "a worker that began before it saves nothing"
    assert (notes.stored_token.earliest_at, notes.stored_token.least_seconds) == (None, 60)


def test_a_sign_in_under_way_is_ended(machine: Machine) -> None:
    with subprocess.Popen(["/bin/sleep", "600"]) as worker:
        note = Note("run", machine.name, Step.SIGN_IN.name, worker.pid, processes.mark(worker.pid))
        room = window_note.room_for_one()
        try:
            with lock.hold(window_note.lock_path(), 0):
                window_note.write(note._replace(registry="other.example.com"), room)
                assert not sign_out(machine)
                assert worker.poll() is None, "another registry's goes on"
                window_note.write(note, room)
                assert not sign_out(machine)
                assert worker.wait(30) != 0
        finally:
            worker.kill()
            room.give_back()


def test_the_provider_is_away(machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    machine.sign_in(issuer="http://127.0.0.1:9/realms/gone")
    assert sign_out(machine)
    assert machine.kept_sign_in() is None
    told = capfd.readouterr().err
    assert f"signed out of {machine.name} here, but not at the identity provider: " in told


def test_the_provider_has_no_way_to_revoke(machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    machine.sign_in()
    issuer = machine.realm.issuer
    provider = Provider(issuer, f"{issuer}/authorize", f"{issuer}/token", f"{issuer}/jwks")
    machine.note(provider=provider, provider_found_at=time.time() - 5)
    assert sign_out(machine)
    assert f"[{errors.NotRevoked.code}]" in capfd.readouterr().err


def test_of_another_provider_than_is_configured_now(machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    """The refresh token goes to the one that gave it."""
    machine.sign_in()
    machine.configure(issuer="http://127.0.0.1:9/realms/another")
    before = revocations(machine)
    assert sign_out(machine)
    assert revocations(machine) == before + 1
    assert capfd.readouterr().err == ""


def test_what_cannot_be_read_goes_all_the_same(machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    machine.sign_in()
    [secrets] = machine.home.path.rglob("secrets.json")
    secrets.write_text(secrets.read_text().replace("tokens", "token"))
    sign_out(machine)
    assert f"[{errors.StoreDamaged.code}]" in capfd.readouterr().err
    assert machine.kept_sign_in() is None


def test_notes_that_cannot_be_written_keep_no_secret(machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    machine.sign_in()
    path = registry_lock.beside(machine.name, ".json")

    path.mkdir(parents=True)
    assert sign_out(machine)
    assert f"[{errors.NotWritable.code}]" in capfd.readouterr().err
    assert machine.kept_sign_in() is None


def test_another_process_is_at_it(machine: Machine) -> None:
    machine.sign_in()
    context = machine.context()
    context.allowance = context.allowance._replace(ends_at=0.0)
    with registry_lock.held(machine.name, 0), pytest.raises(errors.Busy):
        logout.sign_out(context, context.registry(machine.name))
    assert machine.kept_sign_in()
