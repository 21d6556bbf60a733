"""What holds for all causes."""

from __future__ import annotations

from string import Formatter

import pytest

from docker_credential_harbor import errors
from docker_credential_harbor.errors import Failure, FoundOut


def kinds(cause: type[Failure]) -> list[type[Failure]]:
    return [cause, *(kind for child in cause.__subclasses__() for kind in kinds(child))]


@pytest.mark.parametrize("cause", kinds(Failure), ids=lambda cause: cause.__name__)
def test_another_process_concludes_the_same_from_a_noted_cause(cause: type[Failure]) -> None:
    """However deep a kind lies below Unreachable."""
    assert FoundOut(cause.code, "text").unreachable is issubclass(cause, errors.Unreachable)


# As long as they really are somewhere; where a fact is a sentence or a command, as the code has it.
LONG = {
    "age": "70 seconds",
    "backend": "operating system's keyring",
    "characters": "12,345",
    "client_id": "docker-credential-harbor",
    "command": "docker-credential-harbor login harbor.team-platform.eu-west.example.com",
    "endpoint": "https://sso.eu-west.example.com/auth/realms/team-security/protocol/openid-connect/auth",
    "excess": "the claim 'groups'",
    "finding": "the CLI secret of firstname.lastname is right, and Harbor refuses it: Harbor's own sign-in has ended",
    "fix": "try again once it can",
    "found": "https://sso.eu-west.example.com/auth/realms/team-security",
    "harbor_client_id": "harbor-of-team-security-eu-west",
    "helper": "secretservice",
    "host": "harbor.team-platform.eu-west.example.com:8443",
    "issuer": "https://sso.eu-west.example.com/auth/realms/team-platform",
    "known": "firstname.lastname@example.com",
    "library": "cryptography",
    "mode": "a+r",
    "names": "harbor.team-platform.eu-west.example.com, registry.team-security.eu-west.example.com",
    "origin": "https://registry.team-platform.eu-west.example.com",
    "other": "registry.team-security.eu-west.example.com",
    "path": "/home/firstname.lastname/.config/docker-credential-harbor/config.toml",
    "person": "firstname.lastname@example.com",
    "pinned": "https://sso.eu-west.example.com/auth/realms/team-security",
    "place": "/home/firstname.lastname/.config/docker-credential-harbor/config.toml:12",
    "program": "docker-credential-harbor setup",
    "proxy": "proxy.eu-west.example.com:3128",
    "reason": "status 431, Request Header Fields Too Large",
    "redirect_uri": "https://harbor.team-platform.eu-west.example.com/c/oidc/callback",
    "registry": "harbor.team-platform.eu-west.example.com",
    "seconds": "3600",
    "servers": "harbor.team-platform.eu-west.example.com, registry.team-security.eu-west.example.com",
    "status": "503",
    "todo": "run: docker-credential-harbor login harbor.team-platform.eu-west.example.com",
    "url": "https://harbor.team-platform.eu-west.example.com",
    "username": "firstname.lastname",
    "variable": "HTTPS_PROXY",
    "what_runs": "sign-in",
    "where": "sso.eu-west.example.com",
}
# Where the same name stands for something else.
LONG_FOR = {
    "client-unknown": {"redirect_uri": "http://127.0.0.1/callback"},
    "issuer-unconfirmed": {"reason": "it refuses no made-up callback"},
    "no-device-grant": {"reason": "unauthorized_client"},
    "not-harbors-redirect": {"path": "/service/token"},
    "not-locked": {"reason": "no locks available"},
    "somebody-else": {"other": "other.person@example.com"},
}
LONGEST_LINE = 280
# Of two causes a fact is a whole message, or a line to be copied: as long as that is.
OF_ANY_LENGTH = (errors.FoundOut, errors.NoScheduler)
KINDS = kinds(Failure)


def told(cause: type[Failure]) -> Failure:
    names = {name for _, name, _, _ in Formatter().parse(cause.what + cause.advice + cause.otherwise) if name}
    return cause(**{name: {**LONG, **LONG_FOR.get(cause.code, {})}[name] for name in names})


@pytest.mark.parametrize("cause", [kind for kind in KINDS if kind not in OF_ANY_LENGTH], ids=lambda it: it.code)
def test_a_line_stays_one_that_can_be_read_with_long_names(cause: type[Failure]) -> None:
    assert len(str(told(cause))) < LONGEST_LINE


@pytest.mark.parametrize("cause", KINDS, ids=lambda it: it.code)
def test_a_message_names_one_remedy(cause: type[Failure]) -> None:
    """Another one stands in ``otherwise``, which `doctor` tells. A way around with the same end counts as one."""
    assert not [mark for mark in ("; ", ", or ", " if ") if mark in cause.advice]


@pytest.mark.parametrize("cause", [kind for kind in KINDS if kind.otherwise], ids=lambda it: it.code)
def test_doctor_tells_the_rest_and_a_message_says_so(cause: type[Failure]) -> None:
    failure = told(cause)
    advice, otherwise = (text.format_map(failure.facts) for text in (cause.advice, cause.otherwise))
    assert failure.every_remedy == f"{advice}; {otherwise}"
    assert str(failure) == f"{failure.message}: {failure.fix}" == f"{failure.message}: {advice}; doctor says more"
