"""How the lab lets time pass: by a clock that is put forward for all, else by making all that is kept older."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple, get_type_hints

import pytest

from docker_credential_harbor.model import EarlyEnds, Instant, SignIn, StoredToken, TokenSet
from docker_credential_harbor.storage.registry_notes import Notes
from tests.lab.ageing import older
from tests.lab.clock import Clock
from tests.lab.embedded_realm import SESSION_IDLE_SECONDS, EmbeddedProvider
from tests.lab.own_sign_in import WITH_OFFLINE, sign_in, token_request
from tests.lab.workplace import WITHOUT_OFFLINE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lab.person import CookiePerson

DAY = 24 * 3600
CLOCKS = "import time; print(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME), time.monotonic())"
TOKENS = TokenSet("https://sso.example.com", "sub", "alice", ("harbor",), "e.y.J", 5000.0, "r", 300.0, 1800.0, 4700.0)


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[EmbeddedProvider]:
    running = EmbeddedProvider(tmp_path)
    yield running
    running.close()


class TestClock:
    def test_a_process_has_it_for_all_but_durations(self, tmp_path: Path) -> None:
        clock = Clock(tmp_path)
        command = [sys.executable, "-c", CLOCKS]
        for forward in (0, DAY):
            clock.put_forward(forward)
            before = (time.time(), time.clock_gettime(time.CLOCK_BOOTTIME), time.monotonic())
            shown = subprocess.check_output(command, env={**os.environ, **clock.environment}, text=True)
            wall, since_boot, monotonic = (float(word) for word in shown.split())
            assert 0 <= wall - before[0] - forward < 60
            assert 0 <= since_boot - before[1] - forward < 60
            assert 0 <= monotonic - before[2] < 60
        assert clock.now() - time.time() == pytest.approx(DAY, abs=60)

    @pytest.mark.parametrize(("scope", "lives"), [(WITHOUT_OFFLINE, False), (WITH_OFFLINE, True)])
    def test_a_session_that_nobody_uses_ends_with_it(
        self, provider: EmbeddedProvider, person: CookiePerson, scope: str, lives: bool
    ) -> None:
        realm = provider.realm()
        token = sign_in(realm, person, scope)["refresh_token"]
        for _ in range(2):
            provider.clock.put_forward(SESSION_IDLE_SECONDS - 60)
            assert token_request(realm, grant_type="refresh_token", refresh_token=token).ok
        provider.clock.put_forward(SESSION_IDLE_SECONDS)
        assert token_request(realm, grant_type="refresh_token", refresh_token=token).ok is lives
        assert realm.sessions("alice") == []


class TestOlder:
    def test_each_instant_and_nothing_else(self) -> None:
        assert older(SignIn(TOKENS, None), 1000).tokens == TOKENS._replace(
            id_token_expires_at=4000.0, refreshed_at=3700.0
        )
        notes = Notes(
            stored_token=StoredToken(2000.0, None, "2026-01-01T00:00:10.500Z", 60.0, 300.0),
            verified_at=2000.0,
            declines=2,
            early_ends=EarlyEnds(2, 70.0, "2026-01-01T00:00:10.500Z"),
        )
        assert older(notes, 10) == Notes(
            stored_token=StoredToken(1990.0, None, "2026-01-01T00:00:00.500Z", 60.0, 300.0),
            verified_at=1990.0,
            declines=2,
            early_ends=EarlyEnds(2, 70.0, "2026-01-01T00:00:00.500Z"),
        )

    @pytest.mark.parametrize("kept", [Notes, StoredToken, EarlyEnds, TokenSet])
    def test_a_number_that_is_kept_is_an_instant_or_says_its_unit(self, kept: type[NamedTuple]) -> None:
        """Else time would pass it by."""
        hints: dict[str, Any] = get_type_hints(kept, include_extras=True)
        numbers = {name: hint for name, hint in hints.items() if hint in (float, float | None)}
        assert all(name.endswith("_seconds") for name in numbers), numbers
        assert kept is EarlyEnds or any(hint in (Instant, Instant | None) for hint in hints.values())
