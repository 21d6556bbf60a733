"""What the tests of faults share: the table of faults, one `get` and what holds whatever went wrong, and the time."""

from __future__ import annotations

import json
import os
import shutil
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.lab import faults
from tests.lab.said import PREFIX, failure_in

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.lab.faults import Fault, FaultProxy
    from tests.lab.sealed_home import Helper
    from tests.lab.workplace import Workplace

TIMEOUT_SECONDS = 1
SETTINGS = "cache_ttl = 0"
# The short time is for what goes wrong alone: preparing it takes as long as it does.
SHORT = {"DOCKER_CREDENTIAL_HARBOR_TIMEOUT": str(TIMEOUT_SECONDS)}
TRACE = {"DOCKER_CREDENTIAL_HARBOR_TRACE": "1"}
ANOTHER = "Another-Secret-0123456789"

FAULTS: dict[str, Fault] = {
    "reset": faults.refuse,
    "hang": faults.hang,
    "drip": faults.drip,
    "drip of a header": faults.drip_header,
    "503": faults.status(503),
    "429": faults.status(429, retry_after="120"),
    "403 with a page": faults.status(403, b"<html>Forbidden by the proxy</html>"),
    "a page instead": faults.status(200, b"<html>Please sign in to the guest network</html>"),
    "nothing in it": faults.status(200),
    "no JSON": faults.garbage,
    "JSON, but a list": faults.status(200, b"[]"),
    "nested": faults.status(200, b'{"a":' * 50_000),
    "no HTTP": faults.not_http,
    "cut short": faults.cut_short,
    "huge": faults.huge,
    "in a circle": faults.circle,
}
SOME = {name: FAULTS[name] for name in ("reset", "hang", "503", "429", "no HTTP", "cut short")}
FEW = ("hang", "503")
IN_FULL = bool(os.environ.get("SOAK"))  # `make test` samples what takes long
# These answers mean something to the caller: no such thing there. What is said then is a different line.
ABSENT = {"403 with a page", "a page instead", "nothing in it", "no JSON", "JSON, but a list", "nested", "in a circle"}


@dataclass
class Told:
    """One `get` with the trace on: what it answered and said, and how long it took."""

    answer: subprocess.CompletedProcess[str]
    seconds: float

    @property
    def lines(self) -> list[str]:
        """Standard error without trace and links: failures, without their beginning."""
        beside = (f"{PREFIX}trace: ", f"{PREFIX}opening a browser ")
        return [failure_in(line) for line in self.answer.stderr.splitlines() if not line.startswith(beside)]

    @property
    def line(self) -> str:
        assert len(self.lines) == 1, self.answer.stderr
        return self.lines[0]

    @property
    def pair(self) -> tuple[str, str]:
        assert self.answer.returncode == 0, self.answer.stdout + self.answer.stderr
        pair = json.loads(self.answer.stdout)
        return pair["Username"], pair["Secret"]


def check(errors: str, *secrets: str) -> None:
    """What holds for standard error whatever went wrong."""
    assert "Traceback" not in errors
    assert all(line.startswith(PREFIX) for line in errors.splitlines()), errors
    assert "something unexpected happened" not in errors, errors
    for secret in secrets:
        assert secret not in errors


def told(workplace: Workplace, verb: str = "get", *, seconds: float = TIMEOUT_SECONDS, **env: str) -> Told:
    """`get`, or another request, with the trace on and little time: more where steps before the fault need it."""
    env = {**TRACE, "DOCKER_CREDENTIAL_HARBOR_TIMEOUT": str(seconds), **env}
    result = timed(workplace.helper, verb, workplace.name, env)
    check(result.answer.stderr, *secrets_of(workplace))
    return result


def timed(helper: Helper, verb: str, request: str, env: Mapping[str, str] | None = None) -> Told:
    """A run and what it takes by itself, whatever else this machine has to do."""
    with before_all_else():
        began = time.monotonic()
        answer = helper.run(verb, request, env)
        return Told(answer, time.monotonic() - began)


@contextmanager
def before_all_else() -> Iterator[None]:
    """What is started here meanwhile gets a processor as soon as it wants one, where that is allowed: sched(7)."""
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(os.sched_get_priority_min(os.SCHED_RR)))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def with_another_host(table: dict[str, Fault], elsewhere: FaultProxy) -> list[tuple[str, Fault]]:
    """The table, and the answer that leads to another host: nobody must follow it there."""
    return [*table.items(), ("another host", faults.redirect_to(elsewhere.url))]


def secrets_of(workplace: Workplace) -> Iterator[str]:
    yield workplace.harbor.users["alice-h"].secret
    for path in workplace.helper.home.folders["XDG_DATA_HOME"].rglob("secrets.json"):
        for value in json.loads(path.read_text())["values"].values():
            tokens = json.loads(value).get("tokens", {})
            yield from (tokens[name] for name in ("id_token", "refresh_token") if tokens.get(name))


def in_time(helper: Helper, seconds: float = TIMEOUT_SECONDS) -> float:
    """`timeout` and a second, beside what starting the program costs on this machine."""
    return seconds + 1 + max(timed(helper, "list", "").seconds for _ in range(2))


def change_own_tokens(workplace: Workplace, **changes: object) -> None:
    """What the helper keeps of the person's sign-in, as if time had gone by or the provider had said otherwise."""
    [path] = workplace.helper.home.folders["XDG_DATA_HOME"].rglob("secrets.json")
    kept = json.loads(path.read_text())
    for key, value in kept["values"].items():
        sign_in = json.loads(value)
        sign_in["tokens"] |= changes
        kept["values"][key] = json.dumps(sign_in)
    path.write_text(json.dumps(kept))


def remove_notes(workplace: Workplace) -> None:
    for path in workplace.helper.home.folders["XDG_STATE_HOME"].rglob("*.json"):
        path.unlink()


def snapshot(workplace: Workplace) -> Path:
    """A copy of all that the helper keeps, to go back to."""
    copy = workplace.helper.home.path.parent / "copy"
    for name in ("XDG_DATA_HOME", "XDG_STATE_HOME"):
        shutil.copytree(workplace.helper.home.folders[name], copy / name)
    return copy


def restore(workplace: Workplace, copy: Path) -> None:
    for name in ("XDG_DATA_HOME", "XDG_STATE_HOME"):
        shutil.rmtree(workplace.helper.home.folders[name])
        shutil.copytree(copy / name, workplace.helper.home.folders[name])
