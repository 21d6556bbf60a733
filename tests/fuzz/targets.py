"""What is fuzzed: functions from bytes to nothing, which let only those errors pass that they are documented to raise.

Whatever else leaves one of them is a find, an assertion about the result among it. The words of ``corpus/`` reach deep:
each target has a folder of them there.
"""

from __future__ import annotations

import atexit
import base64
import functools
import hashlib
import hmac
import io
import json
import queue
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock
from urllib.parse import parse_qsl

from docker_credential_harbor import errors
from docker_credential_harbor.config import go_json, read_config, write_config
from docker_credential_harbor.config.clients import cred_helpers, creds_store, json_file
from docker_credential_harbor.entry import docker_protocol
from docker_credential_harbor.errors import (
    AnotherCredsStore,
    ClientConfigInvalid,
    ConfigurationInvalid,
    Failure,
    IdTokenRejected,
)
from docker_credential_harbor.model import (
    Credentials,
    DeviceCode,
    LoginRedirect,
    Provider,
    Registry,
    ReleasedIdToken,
    SignIn,
)
from docker_credential_harbor.outside.json_record import of_json
from docker_credential_harbor.remote import authorization, discovery, harbor, id_token, identity_provider
from docker_credential_harbor.remote.web.answer import Answer
from docker_credential_harbor.remote.web.transport import Transport
from docker_credential_harbor.sign_in import window_note
from docker_credential_harbor.sign_in.loopback import browser_request, callback_server, peer
from docker_credential_harbor.sign_in.loopback.browser_request import BrowserRequest
from docker_credential_harbor.storage import credential_store, registry_lock, registry_notes
from docker_credential_harbor.system import files
from docker_credential_harbor.system.time_limit import Allowance
from docker_credential_harbor.warm_get import server_url

if TYPE_CHECKING:
    from collections.abc import Callable

REGISTRY = Registry("harbor.example.com", "https://harbor.example.com", client_secret="a-client-secret-of-some-length")
ISSUER = "https://sso.example.com/realms/dev"
NOW = 1_800_000_000.0
ENDPOINT = f"{ISSUER}/protocol/openid-connect/auth"
PROVIDER = Provider(
    issuer=ISSUER,
    authorization_endpoint=ENDPOINT,
    token_endpoint=f"{ISSUER}/token",
    jwks_uri=f"{ISSUER}/certs",
    revocation_endpoint=f"{ISSUER}/revoke",
    device_authorization_endpoint=f"{ISSUER}/device",
)


@functools.cache
def folder() -> Path:
    """For the files of one run."""
    made = Path(tempfile.mkdtemp(prefix="fuzz-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


class Says(Transport):
    """Answers every request with the bytes: the first of them picks the status, a line behind it the Location."""

    def __init__(self, data: bytes) -> None:
        super().__init__(10)
        status, _, rest = data.partition(b"\n")
        location, _, self._body = rest.partition(b"\n")
        self._status = int(status) if status.isdigit() and len(status) == 3 else 200
        self._headers = {"location": location.decode("latin-1"), "date": "Fri, 27 Nov 2026 10:00:00 GMT"}

    def request(self, method: str, url: str, **_: Any) -> Answer:  # noqa: ARG002
        return Answer(self._status, self._headers, self._body, url)


def server_urls(data: bytes) -> None:
    """The name of a registry names it again."""
    try:
        name, scheme = server_url.parse(data.decode("utf-8", "surrogateescape"))
    except ValueError:
        return
    if name:
        assert scheme in ("", "http", "https")
        assert server_url.parse(f"{scheme}://{name}" if scheme else name) == (name, scheme)
        assert name.isprintable()


def payloads(data: bytes) -> None:
    """Docker's requests, as far as they can be refused."""

    class TakenError(Exception):
        pass

    with mock.patch.object(docker_protocol, "_context", side_effect=TakenError):
        for verb in ("get", "store", "erase"):
            answer = io.BytesIO()
            with suppress(TakenError):
                assert docker_protocol.serve(verb, io.BytesIO(data), answer, NOW) == 1
                assert answer.getvalue().count(b"\n") == 1


def configuration(data: bytes) -> None:
    """TOML of the person's or the administrator's; read without a fault, `setup` enters a registry and takes it out."""
    path = folder() / "config.toml"
    path.write_bytes(data)
    try:
        before = read_config._load((path,), {})  # noqa: SLF001 - without the site's and the environment
    except ConfigurationInvalid:
        return
    name = "added.example.com"
    try:
        change = write_config.entered(path, name, {"client_id": "x"})
    except ConfigurationInvalid:
        return
    change.carry_out()
    assert name in read_config._load((path,), {}).registries  # noqa: SLF001
    write_config.taken_out(path, name).carry_out()
    after = read_config._load((path,), {})  # noqa: SLF001
    assert after.registries == {key: value for key, value in before.registries.items() if key != name}


def _others(content: bytes) -> list[tuple[str, Any]]:
    """The members of a client's file that are none of ours, numbers as they are written."""
    text = go_json.decoded(content)[0].lstrip(go_json.WHITE_SPACE)
    asis = json.JSONDecoder(object_pairs_hook=go_json.Members, parse_int=str, parse_float=str, parse_constant=str)
    found = asis.raw_decode(text)[0] if text else None
    ours = ("auths", cred_helpers.FIELD, creds_store.FIELD)
    return [member for member in found or [] if not any(go_json.is_named(member[0], name) for name in ours)]


def client_files(data: bytes) -> None:
    """`setup` enters us into Docker's file and takes us out again: then it is as it was, to the byte.

    Entered for every server, it leaves no pair in plain text.
    """
    path = folder() / "config.json"
    path.write_bytes(data)
    name = "added.example.com"
    try:
        before = json_file.read(path)
    except ClientConfigInvalid:
        return
    change = cred_helpers.entered(path, name)
    files.replace_keeping_link(path, change.after)
    helpers = go_json.map_in(go_json.field(go_json.first_value(json_file.read(path).text)[0], cred_helpers.FIELD))
    assert helpers[name] == json_file.HELPER
    back = cred_helpers.taken_out(path, name).after
    known = before.field(cred_helpers.FIELD)
    as_it_was = before.spelt(cred_helpers.FIELD) in (None, cred_helpers.FIELD) and not before.unread
    if as_it_was and known != {} and name not in (known or {}) and before.members:
        assert back == data
    try:
        change = creds_store.entered(path)
    except (ClientConfigInvalid, AnotherCredsStore):
        return
    assert _others(change.after) == _others(change.before or b"")
    files.replace_keeping_link(path, change.after)
    assert creds_store.is_entered(path)
    assert creds_store.movable_pairs(path) == {}, "they would be lost to Docker"


def discovered(data: bytes) -> None:
    """A discovery document."""
    http = Says(data)
    redirect = LoginRedirect(ENDPOINT, "harbor", ("openid",))
    with suppress(Failure):
        assert discovery.discover(http, ISSUER).issuer == ISSUER
    with suppress(Failure):
        assert discovery.find(http, redirect, REGISTRY).issuer == ISSUER


def key_sets(data: bytes) -> None:
    """A JWKS, before a token that none of its keys has signed."""
    token = ".".join(map(in_base64, (b'{"alg":"RS256","kid":"k"}', json.dumps(claims()).encode(), b"signature")))
    with suppress(Failure):
        identity_provider.verify_id_token(Says(data), PROVIDER, REGISTRY, token, nonce="n", now=NOW)
        raise AssertionError("a forged token was taken")


def id_tokens(data: bytes) -> None:
    """Claims that are signed, and read in all ways."""
    signed = ".".join(map(in_base64, (b'{"alg":"HS256"}', data)))
    mark = hmac.digest(REGISTRY.client_secret.encode(), signed.encode(), hashlib.sha256)
    token = f"{signed}.{in_base64(mark)}"
    with suppress(IdTokenRejected):
        found = id_token.verified(
            token,
            issuer=ISSUER,
            client_id=REGISTRY.client_id,
            client_secret=REGISTRY.client_secret,
            keys={},
            nonce="n",
            now=NOW,
        )
        assert found["iss"] == ISSUER
        assert REGISTRY.client_id in id_token.audience_of(found)
        assert id_token.person_of(found).isprintable()
    with suppress(IdTokenRejected):
        id_token.checked(token, issuer=ISSUER, client_id=REGISTRY.client_id, subject="s-1")
    id_token.session_of(token)
    id_token.longest_claim(token)


def token_headers(data: bytes) -> None:
    """What calls itself a token: three parts, or not."""
    text = data.decode("latin-1")
    for token in (text, f"{in_base64(data)}.e30.x" if data else text):
        with suppress(IdTokenRejected):
            keys: dict[str, Any] = {"keys": []}
            id_token.verified(
                token, issuer=ISSUER, client_id="c", client_secret="s" * 32, keys=keys, nonce=None, now=NOW
            )
            raise AssertionError("a forged token was taken")


def harbors_answers(data: bytes) -> None:
    """Every endpoint of Harbor's."""
    http, pair = Says(data), Credentials("alice", "S3cret")
    asked: tuple[Callable[[], object], ...] = (
        lambda: harbor.probe(http, REGISTRY, pair),
        lambda: harbor.current_user(http, REGISTRY, ReleasedIdToken("a.b.c")),
        lambda: harbor.pair_kind(http, REGISTRY, pair),
        lambda: harbor.login_redirect(http, REGISTRY),
        lambda: harbor.set_cli_secret(http, REGISTRY, ReleasedIdToken("a.b.c"), 3, "S3cretS3cret"),
        lambda: harbor.system_info(http, REGISTRY),
    )
    for ask in asked:
        with suppress(Failure):
            ask()


def token_answers(data: bytes) -> None:
    """The token, device authorization and revocation endpoint."""
    http = Says(data)
    code = DeviceCode("d", "u", "https://x/", None, 600, 5)
    tokens = of_json(SignIn, SIGN_IN).tokens
    asked: tuple[Callable[[], object], ...] = (
        lambda: identity_provider.exchange_code(
            http, PROVIDER, REGISTRY, code="c", redirect_uri="http://127.0.0.1/", code_verifier="v", nonce="n", now=NOW
        ),
        lambda: identity_provider.begin_device_code(http, PROVIDER, REGISTRY, scopes=("openid",), code_verifier="v"),
        lambda: identity_provider.ask_for_device_tokens(http, PROVIDER, REGISTRY, code, code_verifier="v"),
        lambda: identity_provider.refresh(http, PROVIDER, REGISTRY, tokens, NOW),
        lambda: identity_provider.revoke(http, PROVIDER, REGISTRY, "r"),
    )
    for ask in asked:
        with suppress(Failure):
            ask()


class Connection(io.BytesIO):
    """The other end of the loopback server's: brings a request, and keeps the answer."""

    def __init__(self, request: bytes) -> None:
        super().__init__(request)
        self.answer = b""

    def makefile(self, *_: object, **__: object) -> io.BytesIO:
        return io.BytesIO(self.getvalue())

    def sendall(self, data: bytes) -> None:
        self.answer += data

    def settimeout(self, _: float) -> None: ...
    def shutdown(self, _: int) -> None: ...


@functools.cache
def waiting() -> callback_server.CallbackServer:
    return callback_server.CallbackServer("http://127.0.0.1/callback")


def loopback_requests(data: bytes) -> bytes:
    """What comes in at the loopback port: none but the right state is taken, and no answer has what was asked.

    Returns the answer.
    """
    server = waiting()
    asked = authorization.request(
        PROVIDER._replace(iss_parameter_supported=True), REGISTRY, server.redirect_uri, ("openid",)
    )
    server.expect(asked._replace(state="the-one-state"))
    request = data.replace(b"HOST", next(iter(server.hosts)).encode())
    connection = Connection(request)
    [listener] = server._servers  # noqa: SLF001
    listener.connections.admit(connection)  # type: ignore[arg-type]
    with (
        mock.patch.object(browser_request, "ANSWER_SECONDS", 0),
        mock.patch.object(peer, "is_strangers", return_value=False),
        suppress(OSError, queue.Empty),
    ):
        BrowserRequest(connection, ("127.0.0.1", 1), listener)  # type: ignore[arg-type]
        taken = server._callbacks.get_nowait()  # noqa: SLF001
        assert b"state=the-one-state" in request or b"%" in request
        assert dict(parse_qsl(request.decode("latin-1").split()[1].partition("?")[2]))["iss"] == ISSUER
        assert taken.response.code or taken.response.error
    assert connection.answer == b"" or connection.answer.startswith((b"HTTP/1.", b"<!"))
    assert connection.answer.count(b"\r\n\r\n") <= 1
    listener.connections.leave(connection)  # type: ignore[arg-type]
    return connection.answer


def kept(data: bytes) -> None:
    """What a backend or our own files hold: used as it was written, or damaged, by name."""
    place = folder() / "data"
    place.mkdir(exist_ok=True)
    index = {"version": 1, "sign_ins": {"h": {"username": "u", "backend": "file"}}, "stored": {}}
    index["stored"] = index["sign_ins"]
    value = data.decode("utf-8", "replace")
    secrets = json.dumps({"version": 1, "values": {"sign-in h": value, "stored h": value}}).encode()
    for index_file, secrets_file in (
        (json.dumps(index).encode(), secrets),
        (json.dumps(index).encode(), data),
        (data, b""),
    ):
        (place / "index.json").write_bytes(index_file)
        (place / "secrets.json").write_bytes(secrets_file)
        store = credential_store.CredentialStore("file", place, allowance=Allowance(10))
        for load in (lambda: store.load_sign_in("h"), lambda: store.load_stored("h"), store.list):  # noqa: B023
            with suppress(errors.StoreDamaged, errors.StoreUnavailable):
                load()


def notes(data: bytes) -> None:
    """Notes can be found out anew: what cannot be used is as good as none."""
    path = folder() / "notes.json"
    path.write_bytes(data)
    with (
        mock.patch.object(registry_lock, "beside", return_value=path),
        mock.patch.object(window_note, "path", return_value=path),
    ):
        assert isinstance(registry_notes.load("h"), registry_notes.Notes)
        window_note.read()


def claims() -> dict[str, Any]:
    """Those of a good token."""
    times = {"iat": int(NOW), "exp": int(NOW) + 300}
    return {"iss": ISSUER, "sub": "s-1", "aud": REGISTRY.client_id, "nonce": "n", "preferred_username": "a", **times}


def in_base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


SIGN_IN = {
    "tokens": {
        "issuer": ISSUER,
        "subject": "s-1",
        "person": "a",
        "audience": ["harbor"],
        "id_token": "a.b.c",
        "id_token_expires_at": NOW,
        "refresh_token": "r",
        "access_token_life_seconds": 300,
    },
    "pair": {"username": "a", "secret": "s"},
}

TARGETS: dict[str, Callable[[bytes], object]] = {
    target.__name__: target
    for target in (
        server_urls,
        payloads,
        configuration,
        client_files,
        discovered,
        key_sets,
        id_tokens,
        token_headers,
        harbors_answers,
        token_answers,
        loopback_requests,
        kept,
        notes,
    )
}
