"""Runs `get` again and again, each in a process of its own, with an exception injected at one of the product's edges.

Reads one JSON case a line from standard input and writes one JSON answer a line: {"hit": whether the injection was
met, "status", "output", "errors"}. The product is imported once and forked for each case, and so are the libraries that
the arguments name.
"""

from __future__ import annotations

import errno
import importlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import requests.adapters  # noqa: F401 - before the forks, and so the product

from docker_credential_harbor import __main__
from docker_credential_harbor.sign_in import worker  # noqa: F401

EXCEPTIONS: dict[str, Exception] = {
    "OSError": OSError(errno.EIO, os.strerror(errno.EIO)),
    "ValueError": ValueError("a-secret-in-its-words"),
    "RuntimeError": RuntimeError("a-secret-in-its-words"),
    "MemoryError": MemoryError(),
    "ImportError": ImportError("a-secret-in-its-words"),
    "UnicodeError": UnicodeDecodeError("utf-8", b"\xff", 0, 1, "a-secret-in-its-words"),
    "RecursionError": RecursionError(),
    "TypeError": TypeError("save() takes no 'a-secret-in-its-words'"),
    "AttributeError": AttributeError("'NoneType' object has no attribute 'a-secret-in-its-words'", name="x", obj=None),
}


def inject(edge: str, exception: str, met: Path) -> None:
    """From now on ``module:name`` or ``module:Class.name`` raises it, and notes that it was called."""
    module_name, _, path = edge.partition(":")
    *classes, name = path.split(".")
    place: Any = importlib.import_module(module_name)
    for inner in classes:
        place = getattr(place, inner)

    def broken(*_arguments: object, **_options: object) -> None:
        met.touch()
        raise EXCEPTIONS[exception]

    getattr(place, name)  # AttributeError where the product renamed it: setattr would make another one
    setattr(place, name, broken)


def run(case: dict[str, Any]) -> dict[str, Any]:
    """The case's answer."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").write_text(case["server"])
        pid = os.fork()
        if pid == 0:
            _become(folder, case)
        _, status = os.waitpid(pid, 0)
        texts = {key: (folder / key).read_text() for key in ("output", "errors")}
        return {"hit": (folder / "met").exists(), "status": os.waitstatus_to_exitcode(status), **texts}


def _become(folder: Path, case: dict[str, Any]) -> None:
    try:
        for number, (path, flags) in enumerate(
            (("in", os.O_RDONLY), ("output", os.O_CREAT | os.O_WRONLY), ("errors", os.O_CREAT | os.O_WRONLY))
        ):
            os.dup2(os.open(folder / path, flags), number)
        os.environ.update(case["env"])
        sys.argv = ["docker-credential-harbor", "get"]
        sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, mode) for number, mode in ((0, "r"), (1, "w"), (2, "w")))
        inject(case["edge"], case["exception"], folder / "met")
        status = __main__.main()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException as escaped:  # that is what the test looks for
        os.write(2, f"Traceback: {escaped!r}".encode())
        status = 99
    os._exit(status)


def main() -> None:
    for library in sys.argv[1:]:
        importlib.import_module(library)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(run(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
