"""Site-wide, then the user's file, then the environment; every fault with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from docker_credential_harbor.config import read_config
from docker_credential_harbor.errors import ConfigurationInvalid
from docker_credential_harbor.model import Registry

NAME = "harbor.example.com"


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in (*(read_config.PREFIX + key.upper() for key in read_config.KEYS), read_config.USER_FILE_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_CONFIG_DIRS", f"{tmp_path / 'site-one'}:{tmp_path / 'site-two'}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    path = tmp_path / "home" / "docker-credential-harbor" / "config.toml"
    path.parent.mkdir(parents=True)
    return path


def site(tmp_path: Path, folder: str, text: str) -> None:
    path = tmp_path / folder / "docker-credential-harbor" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text)


def test_nothing_configured_is_no_fault(user: Path) -> None:
    settings = read_config.load()
    assert settings.registries == {}
    assert (settings.cache_ttl_seconds, settings.timeout_seconds, settings.login_timeout_seconds) == (300, 10, 120)
    assert user.exists() is False


def test_the_site_alone(user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What every user finds: nothing of the one who asks is in it, a fault of theirs neither."""
    user.write_text("timeout = ")
    monkeypatch.setenv("DOCKER_CREDENTIAL_HARBOR_TIMEOUT", "3")
    site(tmp_path, "site-two", f'timeout = 5\n[registries."{NAME}"]\nclient_id = "two"')
    site(tmp_path, "site-one", f'[registries."{NAME}"]\nclient_id = "one"')
    settings = read_config.load_site()
    assert settings.timeout_seconds == 5
    assert settings.registries[NAME].client_id == "one"
    assert [path.parts[-3] for path in read_config.site_files()] == ["site-two", "site-one"]


def test_every_key_is_accepted(user: Path) -> None:
    user.write_text(
        f"""
        login = "browser"
        storage = "file"
        cache_ttl = 0
        timeout = 2.5
        login_timeout = 60
        negotiate = "never"
        [registries."{NAME}"]
        url = "https://{NAME}/"
        issuer = "https://sso.example.com/realms/dev"
        client_id = ""
        client_secret = "s"
        redirect_uri = "http://127.0.0.1:8123/callback"
        scopes = ["openid"]
        ca_file = "/etc/ssl/corp.pem"
        """
    )
    settings = read_config.load()
    assert (settings.login, settings.storage, settings.cache_ttl_seconds, settings.negotiate) == (
        "browser",
        "file",
        0,
        "never",
    )
    assert settings.registries[NAME] == Registry(
        name=NAME,
        url=f"https://{NAME}",
        issuer="https://sso.example.com/realms/dev",
        client_id="",
        client_secret="s",
        redirect_uri="http://127.0.0.1:8123/callback",
        scopes=("openid",),
        ca_file=Path("/etc/ssl/corp.pem"),
    )
    assert "client_secret" not in repr(settings)


def test_defaults_of_a_registry(user: Path) -> None:
    user.write_text(f'[registries."{NAME}:443"]\n')
    assert read_config.load().registries[NAME] == Registry(name=NAME, url=f"https://{NAME}")


def test_the_user_goes_before_the_site_and_the_environment_before_both(
    user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site(
        tmp_path, "site-two", f'timeout = 1\ncache_ttl = 1\nlogin_timeout = 1\n[registries."{NAME}"]\nclient_id = "a"\n'
    )
    site(tmp_path, "site-one", 'cache_ttl = 2\nlogin_timeout = 2\n[registries."other.example.com"]\n')
    user.write_text(f'login_timeout = 3\n[registries."{NAME}"]\nissuer = "https://sso.example.com"\n')
    monkeypatch.setenv("DOCKER_CREDENTIAL_HARBOR_STORAGE", "file")
    monkeypatch.setenv("DOCKER_CREDENTIAL_HARBOR_LOGIN_TIMEOUT", "4")
    settings = read_config.load()
    assert (settings.timeout_seconds, settings.cache_ttl_seconds, settings.login_timeout_seconds) == (1, 2, 4)
    assert settings.storage == "file"
    assert sorted(settings.registries) == [NAME, "other.example.com"]
    assert settings.registries[NAME].client_id == "a", "what the user does not name stays the site's"
    assert settings.registries[NAME].issuer == "https://sso.example.com"


def test_a_relative_ca_file_lies_beside_the_file_that_names_it(
    user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site(tmp_path, "site-one", '[registries.a]\nca_file = "ca.pem"\n[registries.b]\nca_file = "../ca.pem"\n')
    user.write_text('[registries.b]\nca_file = "certs/b.pem"\n[registries.c]\nca_file = "~/c.pem"\n')
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    registries = read_config.load().registries
    assert registries["a"].ca_file == tmp_path / "site-one" / "docker-credential-harbor" / "ca.pem"
    assert registries["b"].ca_file == user.parent / "certs" / "b.pem"
    assert registries["c"].ca_file == tmp_path / "me" / "c.pem"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_CREDENTIAL_HARBOR_CONFIG", "mine/config.toml")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.toml").write_text('[registries.d]\nca_file = "d.pem"\n')
    assert read_config.load().registries["d"].ca_file == tmp_path / "mine" / "d.pem"


def test_another_user_file(user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user.write_text("nonsense")
    monkeypatch.setenv("DOCKER_CREDENTIAL_HARBOR_CONFIG", str(tmp_path / "mine.toml"))
    (tmp_path / "mine.toml").write_text("timeout = 7")
    assert read_config.load().timeout_seconds == 7


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("timeout = 1\nfoo = 1\n", ":2", "unknown key 'foo'"),
        ("\n\nlogin = 'maybe'\n", ":3", "login must be auto, browser, device or never"),
        ("timeout = true\n", ":1", "timeout must be a number"),
        ("timeout = 0\n", ":1", "above 0"),
        ("cache_ttl = -1\n", ":1", "cache_ttl must be"),
        ("cache_ttl = nan\n", ":1", "cache_ttl must be"),
        ("cache_ttl = '5'\n", ":1", "cache_ttl must be"),
        ("registries = 3\n", ":1", "must be tables"),
        ("[registries]\nh = 3\n", ":2", "must be a table"),
        (f'timeout = 1\n[registries."{NAME}"]\n\nfoo = "x"\n', ":4", "unknown key 'foo' in registries"),
        (f'[registries.a]\nurl="https://a"\n[registries."{NAME}"]\nurl = 3\n', ":4", "url must be text"),
        (f'[registries."{NAME}"]\nurl = "http://{NAME}"\n', ":2", "http:// is for loopback"),
        (f'[registries."{NAME}"]\nurl = "{NAME}"\n', ":2", "https://"),
        (f'[registries."{NAME}"]\nurl = "https://a:b@{NAME}"\n', ":2", "user information"),
        (f'[registries."{NAME}"]\nissuer = "http://sso.example.com"\n', ":2", "http:// is for loopback"),
        (f'[registries."{NAME}"]\nredirect_uri = "https://evil.example.com/"\n', ":2", "loopback address"),
        (f'[registries."{NAME}"]\nscopes = "openid"\n', ":2", "list of words"),
        (f'[registries."{NAME}"]\nscopes = ["profile"]\n', ":2", "openid among them"),
        ('[registries."https://h"]\n', ":1", "host, or host:port"),
        ('[registries."a b"]\n', ":1", "white space"),
        ("a = [\n", "config.toml", "not TOML"),
        ("timeout = 1\n= 2\n", "line 2", "not TOML"),
        ("a = " + "[" * 5000, "config.toml", "n"),
    ],
)
def test_a_fault_is_named_with_file_and_line(user: Path, text: str, place: str, reason: str) -> None:
    user.write_text(text)
    with pytest.raises(ConfigurationInvalid) as caught:
        read_config.load()
    message = str(caught.value)
    assert message.startswith(str(user))
    assert place in message
    assert reason in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[registries."xharbor.example.com"]\n\n[registries."harbor.example.com"]\nurl = 3\n', 4),
        ('[registries."xharbor.example.com"]\nurl = "https://x"\n[registries."harbor.example.com"]\nurl = 3\n', 4),
        ('[registries."foo.example.com"]\n[foo]\n', 2),
        ('[registries."a b.example.com"]\n[registries."a b"]\n', 1),
        ('[registries."b.example.com"]\n[registries."b.example.com a"]\n', 2),
        ('# [registries."h"] was here\n[registries."h:80"] # not "h"\nurl = "https://h"\n[registries.h]\nurl = 3\n', 5),
        ('[registries.h]\nscopes = [\n  "openid", # [x]\n]\nurl = 3\n', 5),
        ('[registries.h]\nclient_id = """\nurl = 3\n[registries.h]"""\nurl = 3\n', 5),
        ("[registries.h]\nclient_id = '''\nurl = 3\n'''\nurl = 3\n", 5),
        ('[registries.h]\n"url" = "https://h"\n\'issuer\' = 3\n', 3),
        ('[registries.h]\n"\\u0075rl" = 3\n', 2),
        ('timeout = 1\nregistries.h.url = "https://h"\nregistries.h.issuer = 3\n', 3),
        ('[registries]\na.url = "https://a"\nh.url = 3\n', 3),
        ('[registries]\na = { url = "https://a" }\nh = { url = 3 }\n', 3),
        ('["registries" . "h"]\nurl = 3\n', 2),
        ('[registries.h] # a\u2028b\r\nclient_id = "\x85"\r\nurl = 3\r\n', 3),
        ("timeout = 1\n[[registries]]\nurl = 3\n", 2),
        ("[registries.h.url]\na = 3\n", 1),
    ],
)
def test_the_line_is_that_of_the_key_and_of_no_other_that_looks_like_it(user: Path, text: str, line: int) -> None:
    user.write_bytes(text.encode())
    with pytest.raises(ConfigurationInvalid) as caught:
        read_config.load()
    assert caught.value.facts["place"] == f"{user}:{line}"


def test_faults_of_the_environment_name_the_variable(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not user.exists()
    monkeypatch.setenv("DOCKER_CREDENTIAL_HARBOR_TIMEOUT", "soon")
    with pytest.raises(ConfigurationInvalid, match=r"\$DOCKER_CREDENTIAL_HARBOR_TIMEOUT: timeout must be a number"):
        read_config.load()


def test_unreadable_and_binary_files_are_named(user: Path) -> None:
    user.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationInvalid, match="not UTF-8"):
        read_config.load()
    user.unlink()
    user.mkdir()
    with pytest.raises(ConfigurationInvalid, match="cannot be read"):
        read_config.load()


class TestRegistryFor:
    def test_http_names_a_registry_only_to_erase_or_where_its_url_is_http(self, user: Path) -> None:
        user.write_text(f'[registries."{NAME}"]\n[registries."127.0.0.1:5000"]\nurl = "http://127.0.0.1:5000"\n')
        settings = read_config.load()
        assert read_config.registry_for(settings, f"http://{NAME}") is None
        assert read_config.registry_for(settings, f"http://{NAME}", erasing=True)
        assert read_config.registry_for(settings, "http://127.0.0.1:5000/v2/")
        assert read_config.registry_for(settings, "127.0.0.1:5000")
        assert read_config.registry_for(settings, f"https://{NAME.upper()}:443/v2/")
        assert read_config.registry_for(settings, "other.example.com") is None
