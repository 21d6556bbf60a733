"""What older versions have kept reads to what they kept.

The files of 0.1.0 were written by its own code (c8cf6d1), those before 0.2.0 by that of 069b452, the last one whose
kinds of files had a reader each.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.config import made_files
from docker_credential_harbor.model import (
    Credentials,
    EarlyEnds,
    LoginRedirect,
    PairKind,
    Pin,
    Provider,
    SignIn,
    StoredPair,
    StoredToken,
    TokenSet,
    Word,
)
from docker_credential_harbor.sign_in import window_note
from docker_credential_harbor.sign_in.window_note import Link, Note
from docker_credential_harbor.storage import registry_notes
from docker_credential_harbor.storage.credential_store import CredentialStore
from docker_credential_harbor.storage.registry_notes import Notes
from docker_credential_harbor.system import folders

if TYPE_CHECKING:
    from collections.abc import Callable

OLDER = Path(__file__).with_name("older")
NAME, OTHER = "harbor.example.com", "other.example.com:8443"
ISSUER = "https://sso.example.com/realms/dev"
CALLBACK = "https://harbor.example.com/c/oidc/callback"
TOKENS = TokenSet(
    issuer=ISSUER,
    subject="f4e8",
    person="alice",
    audience=("docker-credential-harbor", "harbor"),
    id_token="e30.e30.c2ln",
    id_token_expires_at=1764201600.5,
    refresh_token="r-1",
    access_token_life_seconds=300.0,
    refresh_token_life_seconds=1800.0,
    refreshed_at=1764201300.25,
)
FEWEST = TokenSet(
    ISSUER, "f4e8", "f4e8", ("docker-credential-harbor",), "e30.e30.c2ln", 1764201600.0, None, None, None, None
)
PROVIDER = Provider(
    ISSUER,
    authorization_endpoint=f"{ISSUER}/auth?kc=1",
    token_endpoint=f"{ISSUER}/token",
    jwks_uri=f"{ISSUER}/certs",
    revocation_endpoint=f"{ISSUER}/revoke",
    device_authorization_endpoint=f"{ISSUER}/device",
    iss_parameter_supported=True,
)
REDIRECT = LoginRedirect(
    f"{ISSUER}/auth",
    client_id="harbor",
    scopes=("openid", "offline_access"),
    further=(("access_type", "offline"), ("kc_idp_hint", "corp")),
)
NOTES = Notes(
    verified_at=1764201000.5,
    trusted_until=1764201300.5,
    config_stamp="ab12",
    outcome_began_at=1764200500.0,
    outcome_code="sign-in-declined",
    outcome_message="the sign-in at harbor.example.com was declined",
    declines=2,
    declined_at=1764200500.25,
    asking_run="run-1",
    generation=3,
    provider=PROVIDER,
    provider_found_at=1764199000.0,
    redirect=REDIRECT,
)
PIN = Pin(ISSUER, "harbor", CALLBACK)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """A user's folder, as that version has left it."""
    monkeypatch.setattr(folders, "user_folder", lambda _kind: tmp_path)

    def copied(version: str) -> Path:
        shutil.copytree(OLDER / version, tmp_path, dirs_exist_ok=True)
        return tmp_path

    return copied


@pytest.mark.parametrize("version", ["0.1.0", "before_0.2.0"])
def test_sign_ins_and_stored_pairs(kept: Callable[[str], Path], version: str) -> None:
    store = CredentialStore("file", kept(version))
    assert store.load_sign_in(NAME) == SignIn(TOKENS, Credentials("alice-h", "CliSecret1"))
    assert store.load_sign_in(OTHER) == SignIn(FEWEST)
    names = {PairKind.ROBOT: "robot$ci", PairKind.UNKNOWN: "bob", PairKind.LOCAL: "admin", PairKind.PERSON: "carol"}
    for kind, name in names.items():
        stored = StoredPair(Credentials(name, "sécret"), kind)
        assert store.load_stored(f"https://{kind.value}.example.com") == stored
    assert store.list() == {
        f"https://{NAME}": "alice-h",
        **{f"https://{kind.value}.example.com": name for kind, name in names.items()},
    }


def test_notes_of_0_1_0(kept: Callable[[str], Path]) -> None:
    """They said when Harbor's token was renewed; of its life nothing was known."""
    kept("0.1.0")
    assert registry_notes.load(NAME) == NOTES


def test_notes_from_before_0_2_0(kept: Callable[[str], Path]) -> None:
    kept("before_0.2.0")
    assert registry_notes.load(NAME) == NOTES._replace(
        stored_token=StoredToken(1764200000.0, 1764200001.5, "2026-11-26T23:59:58.123Z", 240.0, 300.0),
        unread_at=1764199990.0,
        outcome_message="the sign-in was declined",
        last_window="sign-in-timed-out",
        provider=PROVIDER._replace(revokes_one_session=True),
        redirect=REDIRECT._replace(redirect_uri=CALLBACK),
        early_ends=EarlyEnds(2, 420.5, "2026-11-26T23:59:58.123Z"),
        pin=PIN,
    )
    word = Word(PIN._replace(harbor_client_id="h2"), takes_own=True, refuses_made_up=None)
    assert registry_notes.load(OTHER) == Notes(word=word)


def test_the_windows_note_and_what_setup_made(kept: Callable[[str], Path]) -> None:
    kept("before_0.2.0")
    assert window_note.read() == Note(
        run="run-1",
        registry=NAME,
        step="SIGN_IN",
        pid=4711,
        process="77-1",
        links=(
            Link("http://127.0.0.1:40001/abc", "sign in"),
            Link(f"{ISSUER}/device?user_code=AB-CD", "sign in", "AB-CD", code_in_url=True, ends_at=1764202000.5),
        ),
        browser=True,
        ended=True,
        failure_code="sign-in-declined",
        failure_message="the sign-in was declined",
        failure_fix="run it again",
        lines=("a line",),
        trace=("asked",),
    )
    assert made_files.noted() == made_files.Made({Path("/home/alice/.docker/config.json")}, {})
