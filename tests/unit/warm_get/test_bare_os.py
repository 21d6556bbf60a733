"""What a warm `get` needs of os: with os in this process, and beneath it in one that has not imported it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from docker_credential_harbor.warm_get import bare_os

ROOT = Path(bare_os.__file__).parents[2]
ODD = b"\xff\xe9"
SCRIPT = """\
import sys
sys.path.insert(0, {root!r})
from docker_credential_harbor.warm_get import bare_os
found = bare_os.calls.__name__, bare_os.variable(b"ODD"), bare_os.variable(b"EMPTY"), bare_os.variable(b"NONE")
print(ascii((*found, "os" in sys.modules)))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is os itself")
def test_beneath_os() -> None:
    environment = {b"ODD": ODD, b"EMPTY": b""}
    command = [sys.executable, "-I", "-S", "-c", SCRIPT.format(root=str(ROOT))]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert told == f"{('posix', ODD, b'', None, False)!a}\n"


def test_where_os_is_there_it_is_os(monkeypatch: pytest.MonkeyPatch) -> None:
    assert bare_os.calls is os
    monkeypatch.setenv("HARBOR_LAB_ODD", os.fsdecode(ODD))
    assert bare_os.variable(b"HARBOR_LAB_ODD") == ODD
    monkeypatch.delenv("HARBOR_LAB_ODD")
    assert bare_os.variable(b"HARBOR_LAB_ODD") is None, "as it is now"
