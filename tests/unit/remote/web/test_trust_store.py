"""Whose certificates count: the system's authorities, and ca_file."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from docker_credential_harbor.errors import ConfigurationInvalid, NotReadable, TlsFailed
from docker_credential_harbor.remote.web.transport import Transport
from docker_credential_harbor.remote.web.trust_store import TrustStore
from tests.conftest import need
from tests.lab.certificates import Authority, Kind, context_of
from tests.unit.loopback import OK, raw_server, sends

NOBODY = 65534  # the user ID that owns nothing, on Debian and most others


def test_ca_file_is_trusted(authority: Authority) -> None:
    with raw_server(sends(OK), context_of(authority.server())) as port:
        answer = Transport(10, ca_file=authority.ca_file).request("GET", f"https://127.0.0.1:{port}/")
    assert answer.json_object().value("a") == 1


def test_the_systems_trust_store_is_used(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))  # OpenSSL's own way to name it
    with raw_server(sends(OK), context_of(authority.server())) as port:
        assert Transport(10).request("GET", f"https://127.0.0.1:{port}/").status == 200


@pytest.mark.parametrize(
    ("host", "kind", "trusted", "reason"),
    [
        ("127.0.0.1", "expired", True, "expired"),
        ("127.0.0.1", "valid", False, "unknown authority"),
        ("127.0.0.2", "valid", True, "another address"),
        ("other.example.com", "valid", True, "another"),
    ],
)
def test_certificates_that_are_not_trusted(
    authority: Authority, host: str, kind: Kind, trusted: bool, reason: str
) -> None:
    with raw_server(sends(OK), context_of(authority.server(kind, [host]))) as port:
        http = Transport(10, ca_file=authority.ca_file if trusted else None)
        with pytest.raises(TlsFailed, match=reason) as caught:
            http.request("GET", f"https://127.0.0.1:{port}/")
    assert caught.value.__cause__ is not None


def test_another_name(authority: Authority) -> None:
    with (
        raw_server(sends(OK), context_of(authority.server(hosts=["other.example.com"]))) as port,
        pytest.raises(TlsFailed, match="made out to another name"),
    ):
        Transport(10, ca_file=authority.ca_file).request("GET", f"https://localhost:{port}/")


def test_ca_file_with_an_intermediate_authority(tmp_path: Path, authority: Authority) -> None:
    """What somebody names is trusted as it stands; who signed it need not be known."""
    intermediate = Authority(tmp_path, "Intermediate", issuer=authority)
    with raw_server(sends(OK), context_of(intermediate.server())) as port:
        url = f"https://127.0.0.1:{port}/"
        assert Transport(10, ca_file=intermediate.ca_file).request("GET", url).status == 200
        with pytest.raises(TlsFailed, match="unknown authority"):
            Transport(10, ca_file=authority.ca_file).request("GET", url)  # the server does not send the intermediate


def test_ca_file_with_the_servers_own_certificate(authority: Authority) -> None:
    own = authority.server(hosts=["127.0.0.1"])
    http = Transport(10, ca_file=Path(own[0]))
    with raw_server(sends(OK), context_of(own)) as port:
        assert http.request("GET", f"https://127.0.0.1:{port}/").status == 200
        with pytest.raises(TlsFailed, match="another name"):
            http.request("GET", f"https://localhost:{port}/")
    another = context_of(authority.server(hosts=["localhost"]))
    with raw_server(sends(OK), another) as port, pytest.raises(TlsFailed, match="unknown authority"):
        http.request("GET", f"https://localhost:{port}/")


def test_ca_files_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(NotReadable):
        Transport(10, ca_file=tmp_path / "none.pem").request("GET", "https://127.0.0.1:1/")
    (tmp_path / "text.pem").write_text("no certificate")
    with pytest.raises(ConfigurationInvalid, match=r"text\.pem"):
        Transport(10, ca_file=tmp_path / "text.pem").request("GET", "https://127.0.0.1:1/")


def test_a_ca_file_in_a_closed_folder(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0)
    is_root = os.geteuid() == 0
    if is_root:  # who may enter every folder
        os.seteuid(NOBODY)
    try:
        with pytest.raises(NotReadable, match="permission denied"):
            TrustStore(folder / "ca.pem")
    finally:
        if is_root:
            os.seteuid(0)


def hashed_folder(authority: Authority, folder: Path) -> Path:
    """As `openssl rehash` makes one."""
    need("openssl", "apt-get install openssl", shutil.which("openssl"))
    folder.mkdir()
    shutil.copyfile(authority.ca_file, folder / "authority.pem")
    subprocess.run(["openssl", "rehash", folder], check=True)
    return folder


class TestLinuxTrustStore:
    """OpenSSL's two forms: a folder by hashes, of which only what is needed is read, and one bundle."""

    def test_an_authority_in_the_folder(
        self, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("SSL_CERT_DIR", str(hashed_folder(authority, tmp_path / "certs")))
        trust = TrustStore()
        assert trust.context.get_ca_certs() == [], "nothing is read beforehand"
        with raw_server(sends(OK), context_of(authority.server())) as port:
            assert Transport(10).request("GET", f"https://127.0.0.1:{port}/").status == 200

    def test_one_that_was_added_to_the_bundle_alone(
        self, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "other").mkdir()
        other = Authority(tmp_path / "other")
        monkeypatch.setenv("SSL_CERT_DIR", str(hashed_folder(other, tmp_path / "certs")))
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
        with raw_server(sends(OK), context_of(authority.server())) as port:
            http = Transport(10)
            for _ in range(2):
                assert http.request("GET", f"https://127.0.0.1:{port}/").status == 200

    @pytest.mark.parametrize("bundle", ["absent", "no certificate"])
    def test_a_bundle_that_is_of_no_use(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bundle: str) -> None:
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "bundle.pem"))
        monkeypatch.setattr("docker_credential_harbor.remote.web.trust_store.FOLDERS", ())
        monkeypatch.setattr("docker_credential_harbor.remote.web.trust_store.BUNDLES", ())
        if bundle == "no certificate":
            (tmp_path / "bundle.pem").write_text(bundle)
        trust = TrustStore()
        assert trust.context.get_ca_certs() == []
        assert not trust.read_on()
