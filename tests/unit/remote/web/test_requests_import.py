"""requests without what is put off: what is there afterwards, and what comes once it is used; each in a new process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from docker_credential_harbor.remote.web.requests_import import ABSENT, PUT_OFF

BEGIN = (
    "import os, sys; from docker_credential_harbor.remote.web.requests_import import import_requests, PUT_OFF\n"
    "{before}\nimport_requests()\nimport requests\n{after}"
)


def output(after: str, before: str = "") -> str:
    program = BEGIN.format(before=before, after=after)
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{program}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == "", "it warns of nothing"
    return done.stdout.strip()


@pytest.mark.parametrize("name", [*ABSENT, *PUT_OFF])
def test_a_module_that_nothing_uses_is_not_imported(name: str) -> None:
    assert output(f"print({name!r} in sys.modules)") == "False"


@pytest.mark.parametrize(
    ("used", "module"),
    [
        ("requests.utils.getproxies()", "urllib.request"),
        ("requests.cookies.calendar.monthrange(2024, 2)", "calendar"),
        ("requests.utils.zipfile.is_zipfile(os.devnull)", "zipfile"),
    ],
)
def test_one_that_is_used_comes_then(used: str, module: str) -> None:
    assert output(f"{used}; print({module!r} in sys.modules)") == "True"


def test_one_that_was_there_before_stays() -> None:
    assert output("print(sys.modules['logging'] is logging)", "import logging") == "True"


def test_what_the_libraries_log_is_lost() -> None:
    assert (
        output("import urllib3.connectionpool as it; it.log.debug('%s', 1); print('logging' in sys.modules)") == "False"
    )


def test_nobody_is_trusted_by_default() -> None:
    assert output("print(requests.certs.where() == os.devnull)") == "True"
