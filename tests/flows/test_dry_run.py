"""`setup --dry-run`: what changes, and of all else in files that are full of secrets nothing."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lab.sealed_home import Helper

NAME = "harbor.example.com"
CANARY = "canary-5ecret"
PAIR = base64.b64encode(f"me:{CANARY}".encode()).decode()
DOCKERS = f"""{{
  "auths": {{
    "ghcr.io": {{"auth": "{PAIR}", "email": "{CANARY}", "{CANARY}-of-a-client-to-come": "{CANARY}"}},
    "https://me:{CANARY}@quay.io/v1/": {{"username": "me", "password": "half \\"{CANARY}\\" \\\\{CANARY}"}},
    "index.docker.io": {{"identitytoken": "{CANARY}", "registrytoken": "{CANARY}"}}
  }},
  "HttpHeaders": {{"Authorization": "Bearer {CANARY}", "X-Meta": "{CANARY}"}},
  "proxies": {{"default": {{"httpsProxy": "http://me:{CANARY}@proxy:1", "noProxy": "a"}}}},
  "plugins": {{"scan": {{"token": "{CANARY}"}}}},
  "credHelpers": {{"gcr.io": "{CANARY}"}},
  "unknown": ["{CANARY}", {{"{CANARY}": ["{CANARY}"]}}], "{CANARY}": 1,
  "escaped": "\\u0063anary-5ecret \\"{CANARY}", "psFormat": "table {CANARY}"
}}
"""
OURS = f"""# {CANARY} is what the administrator said
timeout = 5  # {CANARY}
[registries."{NAME}"]  # {CANARY}
client_secret = "{CANARY}"  # {CANARY}
issuer = "https://{CANARY}.example.com"
scopes = ["openid", "{CANARY}"]
[registries."other.example.com"]
client_secret = \"\"\"
{CANARY}\"\"\"
"""


@pytest.fixture
def helper(helper: Helper) -> Helper:
    """Its user has every file, and all of them hold secrets."""
    for path in clients(helper):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(DOCKERS)
    return helper


def clients(helper: Helper) -> Iterator[Path]:
    yield helper.home.docker_config / "config.json"
    yield helper.home.folders["XDG_CONFIG_HOME"] / "containers" / "auth.json"
    yield helper.home.folders["XDG_CONFIG_HOME"] / "helm" / "registry" / "config.json"


def shown(helper: Helper, *options: str) -> str:
    answer = helper.run(["setup", "--dry-run", "--no-login", *options, NAME])
    assert (answer.returncode, answer.stderr) == (0, "")
    for text in (CANARY, PAIR, CANARY[:6], CANARY[-6:]):
        assert text not in answer.stdout.replace("\0", ""), text
    return answer.stdout


def test_what_changes_is_shown(helper: Helper) -> None:
    ours = helper.home.folders["XDG_CONFIG_HOME"] / "docker-credential-harbor" / "config.toml"
    of_a_client = [f'  + credHelpers."{NAME}" = "harbor"']
    expected = [f"{ours} (new)", f'  + registries."{NAME}"']
    for path in clients(helper):
        expected += [str(path), *of_a_client]
    assert shown(helper).splitlines() == expected
    assert helper.run(["setup", "--no-login", NAME]).returncode == 0
    assert shown(helper) == "nothing would change\n"


def test_pairs_that_would_move(helper: Helper) -> None:
    lines = shown(helper, "--credentials-store").splitlines()
    at = lines.index(str(next(clients(helper))))
    assert lines[at + 1 : at + 10] == [
        '  - auths."ghcr.io".auth',
        '  - auths."…@quay.io/v1/".username',
        '  - auths."…@quay.io/v1/".password',
        '  - auths."index.docker.io".identitytoken',
        f'  + credHelpers."{NAME}" = "harbor"',
        '  + credHelpers."ghcr.io" = "harbor"',
        '  + credHelpers."index.docker.io" = "harbor"',
        '  + credsStore = "harbor"',
        str(list(clients(helper))[1]),
    ]


def test_our_own_file(helper: Helper) -> None:
    helper.configure(OURS)
    ca_file = helper.home.path / "corp.pem"
    ca_file.write_text("")
    for path in clients(helper):
        path.unlink()
    lines = shown(helper, "--undo").splitlines()
    table = f'registries."{NAME}"'
    assert lines[1:] == [f"  - {table}.client_secret", f"  - {table}.issuer", f"  - {table}.scopes"]


def test_the_address_and_the_authorities_that_are_given(helper: Helper, ca_pem: Path) -> None:
    helper.configure(OURS.replace(NAME, "127.0.0.1:1"))
    answer = helper.run(["setup", "--dry-run", "--no-login", "--ca-file", str(ca_pem), "http://127.0.0.1:1"])
    assert f'  + registries."127.0.0.1:1".ca_file = "{ca_pem}"' in answer.stdout
    assert '  + registries."127.0.0.1:1".url = "http://127.0.0.1:1"' in answer.stdout
    assert CANARY not in answer.stdout


@pytest.fixture
def ca_pem(tmp_path: Path) -> Path:
    from tests.lab.certificates import Authority

    return Authority(tmp_path).ca_file


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.encode("utf-16"),
        lambda text: text.replace("\n", ""),
        lambda text: text.replace('"auths"', '"AUTHS"').replace('"credHelpers"', '"CredHelpers"'),
        lambda text: text.replace(": ", " :\n\n"),
        lambda text: text + CANARY,
        lambda text: text.replace('"auth":', f'"auth": "!{CANARY}", "auth":'),
        lambda text: text.replace(f'"{PAIR}"', f'"!{CANARY}"'),
        lambda text: text.replace('"gcr.io": ', f'"{NAME}": {{"{CANARY}": "{CANARY}"}}, "gcr.io": '),
        lambda text: text.replace('"ghcr.io": {', f'"ghcr.io": "{CANARY}", "h": {{'),
        lambda text: text.replace("\\\\", "\\"),
        lambda text: text.replace("\\\\", "\\u12"),
        lambda text: text[:-3] + f', "{CANARY}',
        lambda text: text.replace('"proxies": {', f'"proxies": {{{CANARY}'),
        lambda text: text.replace('"auths": {', f'"auths": ["{CANARY}"], "x": {{'),
    ],
)
def test_whatever_is_in_the_file(helper: Helper, change: Callable[[str], str | bytes]) -> None:
    """Also where it cannot be used, and the failure is told."""
    content = change(DOCKERS)
    for path in clients(helper):
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    for options in ([], ["--credentials-store"], ["--undo"]):
        answer = helper.run(["setup", "--dry-run", "--no-login", *options, NAME])
        said = (answer.stdout + answer.stderr).replace("\0", "")
        assert CANARY[:6] not in said
        assert CANARY[-6:] not in said
        assert PAIR not in said


def test_for_every_user_to_come(helper: Helper) -> None:
    """`--system` shows its files in the same way; they are under /etc."""
    answer = helper.run(["setup", "--dry-run", "--system", NAME])
    if answer.returncode == 0:  # as root, on Linux
        assert f'  + credHelpers."{NAME}" = "harbor"\n' in answer.stdout
